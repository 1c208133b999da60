"""Read a study file, and turn every complaint into words that help. May touch: the study file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from impact.documents import read_yaml, validated
from impact.errors import StudyError, listing
from impact.study.model import FileSource, Study

_HELP = "`impact schema` prints what each key means"


def load_study(path: str | Path) -> Study:
    """Read and check one study file.

    Raises StudyError that names the file and the key, what was found, what is allowed and the nearest spelling.
    """
    file = Path(path)
    content = read_yaml(file, "study", StudyError)
    other = _other_branch(content)
    return validated(Study, content, file, "study", StudyError, _HELP, lambda location: other in location)


def locate(study: Study, data_root: Path) -> Path | None:
    """Give the path of the study's file below the data root, or None where the source is a package.

    Raises StudyError where the path leaves the data root or nothing is there.
    """
    if not isinstance(study.source, FileSource):
        return None
    root = data_root.resolve()
    path = (root / study.source.file).resolve()
    if not path.is_relative_to(root):
        raise StudyError(
            f"study {study.name}: `source: file` leaves the data root.\n"
            f"Found `{study.source.file}`, which is outside `{data_root}`.\n"
            "Put the file below the data root, or name another root with --data DIR or IMPACT_DATA."
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


def _other_branch(content: dict[str, Any]) -> str:
    """Name the kind of source that the study does not use: complaints about it are beside the point."""
    source = content.get("source")
    return "PackageSource" if isinstance(source, dict) and "package" not in source else "FileSource"
