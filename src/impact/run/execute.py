"""Execute one notebook with papermill, cell by cell. May touch: the notebook's output file, a kernel process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from impact.errors import RunError
from impact.run.parameters import Parameters, require_same_parameters

CellDone = Callable[[], None]


def cells_of(notebook: Path) -> int:
    """Count the code cells that running a notebook takes, with the one in which papermill sets the parameters."""
    return 1 + len([cell for cell in _read(notebook)["cells"] if cell["cell_type"] == "code"])


def execute(notebook: Path, output: Path, parameters: Parameters, on_cell: CellDone) -> None:
    """Run a notebook with parameters and write the executed notebook, also where it fails.

    `on_cell` is called after each code cell. The kernel's sockets are encrypted: what cells print may not be read by others on the machine.
    Raises RunError that names the notebook, the cell and the cause.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    require_same_parameters(notebook.name, papermill.inspect_notebook(str(notebook)))
    _register_engine()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    config = Config()
    config.KernelManager.transport_encryption = "required"
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(output),
            parameters=parameters.model_dump(),
            engine_name=_ENGINE,
            progress_bar=False,
            kernel_name="python3",
            config=config,
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # or the kernel reports its own shutdown as an error
            on_cell=on_cell,
        )
    except papermill.PapermillExecutionError as error:
        raise _cell_error(notebook, output, error) from None
    except DeadKernelError:
        raise RunError(
            f"{notebook.name}: the kernel died.\nFound no message from it; most often the memory was full.\n"
            f"The cells until then are in {output}; free memory, or use fewer rows."
        ) from None
    except RuntimeError as error:  # nbclient's word for a kernel that does not answer in time
        raise RunError(
            f"{notebook.name}: the kernel did not start.\nFound: {error}.\nRun again; if it stays so, free some memory, or `make env`."
        ) from None
    except NoSuchKernel:
        raise RunError(
            f"{notebook.name}: there is no Jupyter kernel `python3`.\nFound none in this environment.\nRun `make env`, or install ipykernel."
        ) from None
    finally:
        _scrub(output, notebook)


_ENGINE = "impact"


def _register_engine() -> None:
    """Teach papermill an engine that says when a code cell is done; its own progress bar knows no stages."""
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, on_cell: CellDone, **options: Any) -> Any:
            complete = nb_man.cell_complete

            def cell_complete(cell: Any, *arguments: Any, **keywords: Any) -> None:
                complete(cell, *arguments, **keywords)
                if cell.cell_type == "code":
                    on_cell()

            nb_man.cell_complete = cell_complete
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register(_ENGINE, Engine)


def _cell_error(notebook: Path, output: Path, error: Any) -> RunError:
    from impact import errors

    known = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ImpactError)}
    place = _failed_cell(output)
    found = f"{error.ename}: {error.evalue}"
    todo = (
        "Mend what the message names and run again; finished stages are kept."
        if error.ename in known
        else "This is unexpected: open the executed notebook, where the whole traceback stands under the cell."
    )
    return RunError(f"{notebook.name}, cell {place}: it stopped.\n{found}\n{todo}")


def _failed_cell(output: Path) -> str:
    """Name the failed cell by its place and the heading above it."""
    heading = ""
    try:
        cells = _read(output)["cells"]
    except json.JSONDecodeError:
        return "unknown (the executed notebook was cut short; is the disk full?)"
    for place, cell in enumerate(cells, start=1):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text.startswith("#"):
            heading = text.splitlines()[0].lstrip("# ")
        if any(result.get("output_type") == "error" for result in cell.get("outputs", [])):
            return f"{place} (“{heading}”)" if heading else str(place)
    return "unknown"


def _scrub(output: Path, notebook: Path) -> None:
    """Take the paths of this machine out of the executed notebook, where there is a whole one."""
    try:
        content = _read(output)
    except (FileNotFoundError, json.JSONDecodeError):  # stopped before the first cell, or cut short by a full disk
        return
    record = content["metadata"].get("papermill", {})
    record.update(input_path=f"notebooks/{notebook.name}", output_path=f"notebooks/{output.name}")
    output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read(notebook: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    return content
