"""What a run was: inputs, versions, parameters, stages, outputs, verdict. May touch: git, to read the revision."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from impact.run.cache import files_below, hash_of, versions
from impact.run.parameters import Parameters
from impact.study import Study

VERSION = 1
"""Version of the manifest's layout."""


def manifest(
    study: Study,
    run: str,
    parameters: Parameters,
    source: dict[str, Any],
    stages: list[dict[str, Any]],
    started: datetime,
    finished: datetime,
    folder: Path,
) -> dict[str, Any]:
    """Collect what a reader needs to trust a run, or to repeat it; nothing names the machine or a path on it."""
    return {
        "manifest_version": VERSION,
        "study": study.name,
        "run": run,
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 1),
        "parameters": parameters.model_dump(include={"level", "seed"}),
        "synthetic": study.synthetic,
        "source": source,
        "study_file": study.model_dump(mode="json"),
        "git": _git(),
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "stages": stages,
        "verdict": _verdict(folder),
        "outputs": [_output(folder, path) for path in sorted(files_below(folder))],
    }


def _output(folder: Path, path: Path) -> dict[str, Any]:
    return {"path": path.as_posix(), "bytes": (folder / path).stat().st_size, "sha256": hash_of(folder / path)}


def _verdict(folder: Path) -> Any:
    path = folder / "stages" / "verdict.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _git() -> dict[str, Any] | None:
    """Give the revision of the checkout, and whether it has changes; None outside git."""
    here = Path(__file__).parent
    try:
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], cwd=here, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"revision": revision, "changed": bool(status.strip())}
