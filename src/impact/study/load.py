"""Read a study file, and turn every complaint into words that help. May touch: the study file."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from impact.documents import read_yaml, validated
from impact.errors import StudyError, listing
from impact.study.delivery import Delivery, DeliverySource
from impact.study.model import Study

_HELP = "`impact schema` prints what each key means"


def load_study(path: str | Path) -> Study:
    """Read and check one study file.

    Raises StudyError that names the file and the key, what was found, what is allowed and the nearest spelling.
    """
    file = Path(path)
    content = _with_delivery(read_yaml(file, "study", StudyError), file)
    others = _other_branches(content)
    return validated(Study, content, file, "study", StudyError, _HELP, lambda location: any(other in location for other in others))


def load_delivery(path: Path) -> Delivery:
    """Read and check the file that describes a delivery; the path of its world stays relative to that file.

    Raises StudyError as `load_study` does.
    """
    return validated(Delivery, read_yaml(path, "delivery", StudyError), path, "delivery", StudyError, _HELP)


def below(study: Study, file: str, data_root: Path) -> Path:
    """Give the path of a file of a study below the data root.

    Raises StudyError where the path leaves the data root or nothing is there.
    """
    root = data_root.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise StudyError(
            f"study {study.name}: `source: file` leaves the data root.\n"
            f"Found `{file}`, which is outside `{data_root}`.\n"
            "Put the file below the data root, or name another root with --data DIR or IMPACT_DATA."
        )
    if not path.exists():
        raise StudyError(
            f"study {study.name}: the file `{file}` is not there.\n"
            f"Looked in the data root `{data_root}`, which holds: {_contents(root)}.\n"
            "Put the file there, or name another root with --data DIR or IMPACT_DATA."
        )
    return path


def locate_delivery(study: Study, data_root: Path) -> Path:
    """Give the folder of the study's delivery.

    Raises StudyError where it leaves the data root or is not there.
    """
    assert isinstance(study.source, DeliverySource)
    delivery, root = study.source.delivery, data_root.resolve()
    folder = (root / delivery.place).resolve()
    if not folder.is_relative_to(root):
        raise StudyError(
            f"study {study.name}: `delivery: folder` leaves the data root.\nFound `{delivery.place}`, which is outside `{data_root}`.\n"
            "Put the exports below the data root, or name another root with --data DIR or IMPACT_DATA."
        )
    if not folder.is_dir() and delivery.world:
        raise StudyError(
            f"study {study.name}: its synthetic world is not there.\nLooked for `{delivery.place}` in the data root `{data_root}`.\n"
            f"`impact run` builds it; or: impact simulate {PurePosixPath('studies', delivery.world)} --out {data_root / delivery.home}"
        )
    if not folder.is_dir():
        raise StudyError(
            f"study {study.name}: the folder `{delivery.place}` of its delivery is not there.\n"
            f"Looked in the data root `{data_root}`, which holds: {_contents(root)}.\n"
            "Put the exports there, or name another root with --data DIR or IMPACT_DATA."
        )
    return folder


def json_schema() -> str:
    """Write the JSON schema of study files, which editors use to complete and check them."""
    return json.dumps(Study.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _contents(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    return listing(names) if names else "nothing"


def _with_delivery(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """Put the delivery that a study names by its path in the path's place; the path of its world becomes relative to the study."""
    source = content.get("source")
    named = source.get("delivery") if isinstance(source, dict) else None
    if not isinstance(named, str):
        return content
    found = load_delivery(file.parent / named).model_dump(mode="json", exclude_unset=True)
    world = found.get("world")
    placed = {**found, "world": PurePosixPath(named).parent.joinpath(world).as_posix()} if world else found
    return {**content, "source": {**content["source"], "delivery": placed}}


def _other_branches(content: dict[str, Any]) -> tuple[str, ...]:
    """Name the kinds of source that the study does not use: complaints about them are beside the point."""
    source = content.get("source")
    keys = {"package": "PackageSource", "delivery": "DeliverySource", "connection": "DatabaseSource"}
    used = next((kind for key, kind in keys.items() if isinstance(source, dict) and key in source), "FileSource")
    return tuple(kind for kind in ("FileSource", "PackageSource", "DatabaseSource", "DeliverySource") if kind != used)
