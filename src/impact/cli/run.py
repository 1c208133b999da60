"""`impact run`: a study, from its source to report and brief."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impact.cli.world import built_world

if TYPE_CHECKING:
    from impact.run.run import Event


def run(
    study: Annotated[Path, typer.Argument(help="A study file, such as studies/nls-bargaining.yaml.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that the study's paths are relative to. [env: IMPACT_DATA; default: data]", show_default=False),
    ] = None,
    reports: Annotated[Path, typer.Option(help="Folder that receives runs.")] = Path("reports"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="Set a parameter of the notebooks: level=0.9, seed=7.")] = None,
    from_moments: Annotated[
        Path | None,
        typer.Option(help="A bundle that `impact compress` wrote, in the place of the study's own source.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run every stage again, also where nothing has changed.")] = False,
) -> None:
    """Run a study: notebooks in stages, then report, brief, tables and manifest."""
    from impact.run.run import run_study

    overrides = dict(_assignment(text) for text in set_ or [])
    if from_moments is None:
        built_world(study, _data_root(data))
    with _progress() as on_event:
        finished = run_study(study, _data_root(data), reports, overrides, force, on_event, from_moments=from_moments)
    if not finished.new:
        typer.echo(f"Nothing has changed since {finished.manifest['run']}; --force runs it again.")
    if from_moments is not None:
        typer.echo(f"Bundle    SHA-256 {finished.manifest['source']['sha256']}")
    _print_run(finished.folder, finished.manifest)


def _assignment(text: str) -> tuple[str, str]:
    from impact.errors import RunError

    name, separator, value = text.partition("=")
    if not separator or not name:
        raise RunError(f"--set {text}: this sets nothing.\nFound no `=`.\nWrite --set name=value, such as --set level=0.9.")
    return name, value


def _print_run(folder: Path, manifest: dict[str, Any]) -> None:
    verdict = manifest["verdict"]
    if verdict:
        typer.echo(f"Verdict   {verdict['level']} {verdict['name']['en']} / {verdict['name']['zh']}")
    for name, words in (
        ("report.pdf", "Report"),
        ("brief.en.pdf", "Brief"),
        ("brief.zh.pdf", "简报"),
        ("report.html", "Web page"),
        ("manifest.json", "Manifest"),
    ):
        if (folder / name).is_file():
            typer.echo(f"{words:<9} {folder / name}" if words != "简报" else f"{words}      {folder / name}")


@contextmanager
def _progress() -> Iterator[Callable[[Event], None]]:
    """Show one bar over stages and cells on a terminal, and one line a stage elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _one_line_a_stage
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def on_event(event: Event) -> None:
            if event.kind == "plan":
                progress.update(task, total=event.cells)
            elif event.stage is not None:
                progress.update(task, description=event.stage.name, advance={"cell": 1, "reused": event.cells}.get(event.kind, 0))

        yield on_event


def _one_line_a_stage(event: Event) -> None:
    if event.stage is not None and event.kind in ("stage", "reused"):
        typer.echo(f"{event.stage.name}{' (unchanged, kept from before)' if event.kind == 'reused' else ''}", err=True)


DATA_ROOT = "IMPACT_DATA"


def _data_root(data: Path | None) -> Path:
    return data or Path(os.environ.get(DATA_ROOT) or "data")
