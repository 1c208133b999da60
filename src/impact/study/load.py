"""Read a study file, and turn every complaint into words that help. May touch: the study file."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from impact.errors import StudyError, listing, nearest
from impact.study.model import FileSource, Study


def load_study(path: str | Path) -> Study:
    """Read and check one study file.

    Raises StudyError that names the file and the key, what was found, what is allowed and the nearest spelling.
    """
    content = _read_yaml(Path(path))
    if not isinstance(content, dict):
        raise StudyError(
            f"{path}: this is not a study.\nFound {type(content).__name__} at the top.\nStart with `name:`, `title:`, `source:` …"
        )
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n\n".join(_complaint(path, item) for item in _without_other_branch(error, content))) from None


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


class _Loader(yaml.SafeLoader):
    """YAML without silent surprises: a key that stands twice is an error."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        there = sorted(found.name for found in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        hint = nearest(path.name, there)
        raise StudyError(
            f"{path}: there is no such study.\nFound in `{path.parent}`: {listing(there) or 'no study'}.\n{hint or 'Check the path.'}"
        ) from None
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise StudyError(f"{path}: cannot be read as text.\nFound: {error}.\nSave the study as UTF-8 YAML.") from None
    except yaml.YAMLError as error:
        raise StudyError(
            f"{path}: this is not valid YAML.\n{error}\nMend the place named above; indent with spaces, and put quotes around words with `:`, `?`, `,` or `#`."
        ) from None


def _without_other_branch(error: ValidationError, content: dict[str, Any]) -> list[Any]:
    """Leave out complaints about the kind of source that the study does not use."""
    source = content.get("source")
    other = "PackageSource" if isinstance(source, dict) and "package" not in source else "FileSource"
    return [item for item in error.errors() if other not in item["loc"]]


def _complaint(path: str | Path, item: Any) -> str:
    location = [str(part) for part in item["loc"] if part not in ("FileSource", "PackageSource")]
    where, key = ".".join(location), location[-1] if location else ""
    if item["type"] == "extra_forbidden":
        known = _known_keys(item["loc"][:-1])
        hint = nearest(key, known) or f"Remove `{key}`, or choose one of the known keys."
        return f"{path}: key `{where}` is not known.\nKnown here: {', '.join(known)}.\n{hint}"
    if item["type"] == "missing":
        return f"{path}: key `{where}` is missing.\nFound nothing there.\nAdd it; `impact schema` prints what each key means."
    reason = str(item["msg"]).removeprefix("Value error, ")
    if not where:
        return f"{path}: the study does not hang together.\n{reason[:1].upper()}{reason[1:]}.\n`impact schema` prints what each key means."
    return f"{path}: `{where}` cannot be used.\nFound {_shown(item['input'])}: {reason}.\n`impact schema` prints what each key means."


def _shown(value: object) -> str:
    return f"`{value}`" if isinstance(value, str | int | float | bool) else f"{type(value).__name__}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """List the keys that are known at a place in the study."""
    model: type[BaseModel] = Study
    for part in location:
        if isinstance(part, int):
            continue
        if part in model.model_fields:
            candidates = _models(model.model_fields[part].annotation)
            model = candidates[0] if candidates else model
        elif part in ("FileSource", "PackageSource"):
            model = next(found for found in _models(Study.model_fields["source"].annotation) if found.__name__ == part)
    return list(model.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
