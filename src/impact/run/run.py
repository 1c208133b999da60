"""Run a study: notebooks in order, into a folder that appears whole or not at all. May touch: the disk below `reports/`."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from impact.atomic import write_whole
from impact.errors import ImpactError, RunError
from impact.run import cache
from impact.run.bundle.file import Bundle
from impact.run.bundle.place import bundle_for, place_bundle, source_of
from impact.run.execute import cells_of, execute
from impact.run.folder import RunFolder
from impact.run.leaks import refuse_leaks
from impact.run.manifest import manifest
from impact.run.parameters import Parameters, with_overrides
from impact.run.receive import digest_of
from impact.run.stages import Stage, stages_of
from impact.study import Study, load_study

PARTIAL = ".partial-"
"""Prefix of the folder of a run that is not finished."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run, for whoever shows progress."""

    kind: str
    """`plan` (cells in all), `stage` (begins), `cell` (done), `reused` (a stage was kept from before), `finished`."""
    stage: Stage | None = None
    cells: int = 0


OnEvent = Callable[[Event], None]


def _silent(_: Event) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run."""

    folder: Path
    manifest: dict[str, Any]
    new: bool
    """False where nothing had changed since the run before, which is then given."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A stage that is to be run, with its notebook and the key of all that goes into it."""

    stage: Stage
    notebook: Path
    key: str


@dataclass(frozen=True, slots=True)
class _Source:
    """What a run is made from."""

    content: dict[str, Any]
    """For the manifest, with the hash that goes into every key."""
    bundle: Bundle | None


def run_study(
    study_path: Path,
    data_root: Path,
    reports: Path,
    overrides: Mapping[str, str] | None = None,
    force: bool = False,
    on_event: OnEvent = _silent,
    notebooks: Path | None = None,
    from_moments: Path | None = None,
) -> Run:
    """Run the notebooks that a study needs and give the finished run; with `from_moments` from a bundle, without a row of any worker.

    Stages whose inputs, parameters, notebook and code are unchanged are kept from before, unless `force`.
    Raises StudyError or SourceError before anything is written, RunError where a stage stops or another run of the study is in progress.
    """
    study = load_study(study_path)
    parameters = with_overrides(Parameters(study=str(study_path), data_root=str(data_root)), overrides or {})
    bundle = bundle_for(study, from_moments) if from_moments else None
    source = _Source(source_of(bundle) if bundle else digest_of(study, data_root), bundle)
    plans = _plan(study, parameters, source, notebooks or _notebooks())
    home = reports / study.name
    _make_home(home)
    with _locked(home):
        latest = None if force else _unchanged(home, plans)
        try:
            run = latest or _run(study, parameters, source, plans, home, force, on_event)
        except OSError as error:
            raise _disk_error(home, error) from None
        _clear_killed_runs(home)
        return run


def _notebooks() -> Path:
    """Find the notebooks: beside the working directory, or in the checkout that the package is installed from."""
    for folder in (Path("notebooks"), Path(__file__).parents[3] / "notebooks"):
        if (folder / "01_data.ipynb").is_file():
            return folder
    raise RunError(
        "run: the notebooks are not there.\nLooked for `notebooks/01_data.ipynb`.\nRun from the project's root, where `notebooks/` is."
    )


def _plan(study: Study, parameters: Parameters, source: _Source, notebooks: Path) -> list[_Plan]:
    plans: list[_Plan] = []
    code, digest = cache.code_hash(), source.content["sha256"]
    for stage, name in stages_of(study, from_bundle=source.bundle is not None):
        before = plans[-1].key if plans else ""
        plans.append(_Plan(stage, notebooks / name, cache.stage_key(notebooks / name, study, parameters, digest, before, code)))
    return plans


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk_error(home, error) from None


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the lock of a study."""
    lock = FileLock(home / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"study {home.name}: another run of it is in progress.\nFound the lock `{home.name}/.lock` taken.\nWait for it to end, then run again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _disk_error(home: Path, error: OSError) -> RunError:
    return RunError(
        f"study {home.name}: the disk refused.\nFound: {error.strerror or error}.\n"
        f"Free space below `{home.parent}`, or check its rights, and run again; finished stages are kept."
    )


def _clear_killed_runs(home: Path) -> None:
    for left in home.glob(f"{PARTIAL}*"):
        shutil.rmtree(left)


def _unchanged(home: Path, plans: list[_Plan]) -> Run | None:
    """Give the latest run where it was made from the same keys and its files are still what they were."""
    runs = [path for path in home.iterdir() if (path / "manifest.json").is_file() and not path.is_symlink()]
    if not runs:
        return None
    latest = max(runs)
    content = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))
    same = [stage["key"] for stage in content["stages"]] == [plan.key for plan in plans]
    whole = all(cache.hash_of(latest / output["path"]) == output["sha256"] for output in content["outputs"])
    return Run(latest, content, new=False) if same and whole else None


def _run(study: Study, parameters: Parameters, source: _Source, plans: list[_Plan], home: Path, force: bool, on_event: OnEvent) -> Run:
    started = datetime.now(UTC)
    name = _run_name(home, started)
    partial = home / f"{PARTIAL}{name}"
    partial.mkdir()
    if source.bundle:
        place_bundle(source.bundle, study, RunFolder(partial))
    on_event(Event("plan", cells=sum(cells_of(plan.notebook) for plan in plans)))
    stages: list[dict[str, Any]] = []
    for plan in plans:
        stages.append(_run_stage(plan, parameters, partial, home, force, on_event))
        write_whole(partial / cache.PROGRESS, json.dumps({"stages": stages}).encode())
    refuse_leaks(partial)
    (partial / cache.PROGRESS).unlink()
    content = manifest(study, name, parameters, source.content, stages, started, datetime.now(UTC), partial)
    write_whole(partial / "manifest.json", (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())
    partial.replace(home / name)
    _point_latest(home, name)
    on_event(Event("finished"))
    return Run(home / name, content, new=True)


def _run_name(home: Path, started: datetime) -> str:
    """Name a run so that runs sort by time."""
    name = started.strftime("%Y%m%dT%H%M%SZ")
    taken = sorted(path.name for path in home.glob(f"{name}*"))
    return f"{name}-{len(taken) + 1}" if taken else name


def _run_stage(plan: _Plan, parameters: Parameters, partial: Path, home: Path, force: bool, on_event: OnEvent) -> dict[str, Any]:
    """Run one stage, or take it from an earlier run; give its line of the manifest."""
    kept = None if force else cache.find_kept(home, plan.key)
    if kept:
        kept.copy_to(partial)
        on_event(Event("reused", plan.stage, cells_of(plan.notebook)))
        return {**kept.record, "seconds": 0.0, "reused_from": kept.folder.name.removeprefix(PARTIAL)}
    on_event(Event("stage", plan.stage))
    before, begun = cache.files_below(partial), time.monotonic()
    executed = partial / "notebooks" / plan.notebook.name
    try:
        execute(
            plan.notebook, executed, parameters.model_copy(update={"run_folder": str(partial)}), lambda: on_event(Event("cell", plan.stage))
        )
    except ImpactError as error:
        raise _keep_failed(plan, partial, error) from None
    _without_places(executed, partial, parameters)
    files = {path.as_posix(): cache.hash_of(partial / path) for path in sorted(cache.files_below(partial) - before)}
    return {
        "name": plan.stage.name,
        "notebook": f"notebooks/{plan.notebook.name}",
        "key": plan.key,
        "seconds": round(time.monotonic() - begun, 1),
        "reused_from": None,
        "files": files,
    }


def _without_places(notebook: Path, partial: Path, parameters: Parameters) -> None:
    """Write in the executed notebook the folder that the run will have, and no folder of this machine."""
    text = notebook.read_text(encoding="utf-8").replace(partial.name, partial.name.removeprefix(PARTIAL))
    reports, data = partial.parents[1], Path(parameters.data_root)
    for place, name in ((reports, "reports"), (data, "data"), (Path.cwd(), ".")):
        if place.is_absolute():
            text = text.replace(place.as_posix(), name)
    notebook.write_text(text, encoding="utf-8")


def _keep_failed(plan: _Plan, partial: Path, error: ImpactError) -> RunError:
    """Keep what a failed run wrote, so that its notebook can be read."""
    failed = partial.with_name(partial.name.removeprefix(PARTIAL) + "-failed")
    write_whole(partial / "error.txt", f"{error}\n".encode())
    partial.replace(failed)
    executed = failed / "notebooks" / plan.notebook.name
    return RunError(f"stage `{plan.stage.name}` stopped.\n{error}\nThe executed notebook is kept: {executed}")


def _point_latest(home: Path, name: str) -> None:
    """Let `latest` point at the newest run, where the disk knows links."""
    link = home / f".latest-{os.getpid()}"
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(name, target_is_directory=True)
        link.replace(home / "latest")
    except OSError:  # some disks know no links; the runs sort by time all the same
        link.unlink(missing_ok=True)
