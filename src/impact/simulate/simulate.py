"""A world, from its file to a folder: raw exports, what an ideal cleaning of them would leave, the truth. May touch: the disk, below the folder that it is told to write."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout
from pyarrow import parquet

from impact.atomic import write_whole
from impact.errors import WorldError, listing
from impact.run.cache import code_hash, files_below, versions
from impact.simulate.bargaining import process_log, representatives
from impact.simulate.context import city_month_table, city_table, platform_table
from impact.simulate.definitions import definitions
from impact.simulate.ledger import joined
from impact.simulate.partition import STAMP, Partition
from impact.simulate.pool_files import Gathered, planned, whole_file_ledger, write_pool
from impact.simulate.population import pools
from impact.simulate.registry_files import agreement_table, registry_files
from impact.simulate.scene import Scene, scene_of
from impact.simulate.survey.fieldwork import survey_wave
from impact.simulate.survey.wenjuanxing import write_wave
from impact.simulate.tally import effects
from impact.simulate.world import World, load_world
from impact.sources.registry import load_registry
from impact.study import load_study
from impact.study.delivery import DeliverySource

TABLES = ("account", "worker_month", "worker_day", "survey", "registry", "context", "study", "truth")
"""What can be written, all of it unless asked otherwise."""
MANIFEST = "world.json"
"""Written last: a folder without it is not finished."""
_PARTIAL, _OLD = ".partial", ".old"
"""What the folder is called while it is written, and the one before while it is replaced; both hidden."""

OnPool = Callable[[str, int, int], None]
"""Is told the name of each pool when it is done, how many are, and how many there are."""


def _silent(_name: str, _done: int, _all: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Written:
    """A world that has been written."""

    folder: Path
    manifest: dict[str, Any]
    new: bool
    """False where the same world stood there already."""


def simulate(world: World, out: Path, tables: tuple[str, ...] = TABLES, registry: Path | None = None, on_pool: OnPool = _silent) -> Written:
    """Write a world into a folder, which appears whole or not at all; a folder that holds the same world already is left as it is.

    `tables` chooses among TABLES; `registry` is the folder of the dated facts (`data/registry`).
    Raises WorldError where the folder holds something that is not a world, or a table is not known.
    """
    _require_known(tables)
    facts = registry or facts_folder()
    key = _key(world, tables, facts)
    before = _before(out)
    if before and before["key"] == key and _is_whole(out, before):
        return Written(out, before, new=False)
    if before:
        _refuse_strangers(out, before)
    partial, old = out.with_name(f".{out.name}{_PARTIAL}"), out.with_name(f".{out.name}{_OLD}")
    with _locked(out):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(world, partial, frozenset(tables), facts, on_pool)
        manifest = _manifest(world, key, tables, partial)
        write_whole(partial / MANIFEST, (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode())
        shutil.rmtree(old, ignore_errors=True)
        if before:
            out.replace(old)
        partial.replace(out)
        shutil.rmtree(old, ignore_errors=True)
    return Written(out, manifest, new=True)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Keep a second run from writing the same folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out.with_name(f".{out.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorldError(
            f"{out}: another run is writing this world.\nFound the lock `{Path(lock.lock_file).name}` taken.\nWait for it to end, then run again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def build_world(study_path: Path, data_root: Path, on_pool: OnPool = _silent) -> Written | None:
    """Build the synthetic world of a study below the data root, where it is not there yet or has changed; None for a study of other data.

    Raises StudyError and WorldError where study or world cannot be read.
    """
    source = load_study(study_path).source
    if not isinstance(source, DeliverySource) or source.delivery.world is None:
        return None
    return simulate(load_world(study_path.parent / source.delivery.world), data_root / source.delivery.home, on_pool=on_pool)


def facts_folder() -> Path:
    """Find the registry of dated facts: beside the working directory, or in the checkout that the package is installed from.

    Raises WorldError where it is in neither.
    """
    for folder in (Path("data/registry"), Path(__file__).parents[3] / "data" / "registry"):
        if (folder / "events.yaml").is_file():
            return folder
    raise WorldError("simulate: the registry of facts is not there.\nLooked for `data/registry/events.yaml`.\nRun from the project's root.")


def _require_known(tables: tuple[str, ...]) -> None:
    unknown = [name for name in tables if name not in TABLES]
    if unknown or not tables:
        raise WorldError(f"simulate: table `{', '.join(unknown)}` is not known.\nKnown: {', '.join(TABLES)}.\nName some of these.")


def _key(world: World, tables: tuple[str, ...], facts: Path) -> str:
    """Hash all that a world's files depend on."""
    printed = [path.read_text(encoding="utf-8") for path in sorted(facts.glob("*.yaml"))]
    held = {name: version for name, version in versions().items() if name in ("numpy", "pandas", "pyarrow", "scipy")}
    content = [world.model_dump_json(), json.dumps(sorted(tables)), json.dumps(held, sort_keys=True), code_hash("simulate"), *printed]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:20]


def _before(out: Path) -> dict[str, Any] | None:
    """Read the manifest of the world that stands in a folder; refuse a folder that holds anything else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        if out.is_dir():
            out.rmdir()
        return None
    manifest = out / MANIFEST
    if not manifest.is_file():
        found = sorted(path.name for path in out.iterdir()) if out.is_dir() else [out.name]
        raise WorldError(
            f"{out}: this is not a folder of a synthetic world.\nFound: {listing(found)}.\nName a new folder with --out; nothing was written."
        )
    content: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    if not {"synthetic", "key", "files"} <= set(content):
        raise WorldError(
            f"{out}: its `{MANIFEST}` is not that of a synthetic world.\nFound: {listing(content)}.\nName a new folder with --out; nothing was written."
        )
    return content


def _refuse_strangers(out: Path, manifest: dict[str, Any]) -> None:
    """Refuse to replace a world beside whose files somebody has put others."""
    strangers = {path.as_posix() for path in files_below(out)} - {MANIFEST, *(file["path"] for file in manifest["files"])}
    if strangers:
        raise WorldError(
            f"{out}: another world is to take its place, but it holds files that are not the world's.\nFound: {listing(sorted(strangers))}.\n"
            "Move them away, or name another folder with --out; nothing was written."
        )


def _is_whole(out: Path, manifest: dict[str, Any]) -> bool:
    return all((out / file["path"]).is_file() and (out / file["path"]).stat().st_size == file["bytes"] for file in manifest["files"])


def _write(world: World, folder: Path, tables: frozenset[str], registry: Path, on_pool: OnPool) -> None:
    scene, plan, gathered = scene_of(world), planned(world), Gathered()
    all_pools = pools(scene)
    with Partition(folder) as files:
        for place, pool in enumerate(all_pools, start=1):
            gathered = gathered + write_pool(scene, pool, tables, files, plan)
            on_pool(pool.name, place, len(all_pools))
    lines = list(gathered.ledger)
    if "survey" in tables:
        lines += _write_survey(world, folder, gathered)
    if "registry" in tables:
        for name, text in registry_files(world, load_registry(registry)).items():
            write_whole(folder / "raw" / "registry" / name, text.encode())
    if "context" in tables:
        _write_context(world, folder)
    if "study" in tables:
        _write_table(folder / "clean" / "registry" / "agreements.parquet", agreement_table(world))
    if "truth" in tables:
        _write_truth(scene, folder, gathered, joined([*lines, whole_file_ledger(world, plan, tables)]))


def _write_survey(world: World, folder: Path, gathered: Gathered) -> list[pd.DataFrame]:
    """Write every wave, and give the ledgers of its defects."""
    ledgers = []
    for number, month in enumerate(world.survey.waves, start=1):
        people = pd.concat([frame for wave, frame in gathered.workforce if wave == month], ignore_index=True)
        wave = survey_wave(world, number, month, people)
        ledgers.append(write_wave(wave, folder / "raw" / "survey", world.planted.survey, world.seed))
        _write_table(folder / "truth" / f"survey_wave{number}.parquet", wave.answers)
    return ledgers


def _write_context(world: World, folder: Path) -> None:
    tables = {"platform": platform_table(world), "city": city_table(world), "city_month": city_month_table(world)}
    for name, table in tables.items():
        write_whole(folder / "raw" / "context" / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))
    for name, table in {"bargaining_log": process_log(world), "representatives": representatives(world)}.items():
        write_whole(folder / "raw" / "process" / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))


def _write_truth(scene: Scene, folder: Path, gathered: Gathered, defects: pd.DataFrame) -> None:
    counts = pd.concat(gathered.tallies, ignore_index=True)
    _write_table(folder / "truth" / "two_worlds.parquet", counts)
    _write_table(folder / "truth" / "effects.parquet", effects(scene, counts))
    _write_table(folder / "truth" / "definitions.parquet", definitions(scene.world, counts))
    _write_table(folder / "truth" / "defects.parquet", defects)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(STAMP), path)


def _manifest(world: World, key: str, tables: tuple[str, ...], folder: Path) -> dict[str, Any]:
    return {
        "synthetic": "SYNTHETIC / 合成数据: nothing here is evidence about any platform or person",
        "world": world.name,
        "title": world.title.model_dump(),
        "seed": world.seed,
        "scale": world.scale,
        "key": key,
        "tables": list(tables),
        "versions": versions(),
        "world_file": world.model_dump(mode="json"),
        "files": [{"path": path.as_posix(), "bytes": (folder / path).stat().st_size} for path in sorted(files_below(folder))],
    }
