"""Read a study file, and turn every complaint into words that help. May touch: the study file."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from impact.documents import read_yaml, validated
from impact.errors import StudyError, listing, nearest
from impact.study.model import PackageSource, Study, WorldSource

_HELP = "`impact schema` prints what each key means"


def load_study(path: str | Path) -> Study:
    """Read and check one study file.

    Raises StudyError that names the file and the key, what was found, what is allowed and the nearest spelling.
    """
    file = Path(path)
    content = read_yaml(file, "study", StudyError)
    others = _other_branches(content)
    return validated(Study, content, file, "study", StudyError, _HELP, lambda location: any(other in location for other in others))


def locate(study: Study, data_root: Path) -> Path | None:
    """Give the path of the study's file below the data root, or None where the source is a package.

    Raises StudyError where the path leaves the data root or nothing is there.
    """
    if isinstance(study.source, PackageSource):
        return None
    root = data_root.resolve()
    path = (root / study.source.file).resolve()
    if not path.is_relative_to(root):
        raise StudyError(
            f"study {study.name}: `source: file` leaves the data root.\n"
            f"Found `{study.source.file}`, which is outside `{data_root}`.\n"
            "Put the file below the data root, or name another root with --data DIR or IMPACT_DATA."
        )
    if (
        not path.is_file()
        and isinstance(study.source, WorldSource)
        and (tables := sorted(found.stem for found in path.parent.glob("*.parquet")))
    ):
        raise StudyError(
            f"study {study.name}: its world has no table `{study.source.table}`.\nTables found: {listing(tables)}.\n"
            f"{nearest(study.source.table, tables) or 'Name one of them in `source: table`.'}"
        )
    if not path.is_file() and isinstance(study.source, WorldSource):
        raise StudyError(
            f"study {study.name}: its synthetic world is not there.\n"
            f"Looked for `{study.source.file}` in the data root `{data_root}`.\n"
            f"`impact run` builds it; or: impact simulate {PurePosixPath('studies', study.source.world)} --out {data_root / study.source.folder}"
        )
    if not path.is_file():
        raise StudyError(
            f"study {study.name}: the file `{study.source.file}` is not there.\n"
            f"Looked in the data root `{data_root}`, which holds: {_contents(root)}.\n"
            "Put the file there, or name another root with --data DIR or IMPACT_DATA."
        )
    return path


def json_schema() -> str:
    """Write the JSON schema of study files, which editors use to complete and check them."""
    return json.dumps(Study.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _contents(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    return listing(names) if names else "nothing"


def _other_branches(content: dict[str, Any]) -> tuple[str, ...]:
    """Name the kinds of source that the study does not use: complaints about them are beside the point."""
    source = content.get("source")
    keys = {"package": "PackageSource", "world": "WorldSource"}
    used = next((kind for key, kind in keys.items() if isinstance(source, dict) and key in source), "FileSource")
    return tuple(kind for kind in ("FileSource", "PackageSource", "WorldSource") if kind != used)
