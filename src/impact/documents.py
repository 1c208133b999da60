"""Read a YAML document into a typed model, and turn every complaint into words that help. May touch: the document itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from impact.errors import ImpactError, listing, nearest

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, kind: str, error: type[ImpactError]) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping; `kind` is what messages call it, such as `study`.

    Raises `error` that names the file where it is missing, no text, no valid YAML, or something else at the top; a key that stands twice is no valid YAML.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        there = sorted(found.name for found in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        hint = nearest(path.name, there)
        raise error(
            f"{path}: there is no such {kind}.\nFound in `{path.parent}`: {listing(there) or f'no {kind}'}.\n{hint or 'Check the path.'}"
        ) from None
    except (UnicodeDecodeError, IsADirectoryError) as found:
        raise error(f"{path}: cannot be read as text.\nFound: {found}.\nSave the {kind} as UTF-8 YAML.") from None
    except yaml.YAMLError as found:
        raise error(
            f"{path}: this is not valid YAML.\n{found}\nMend the place named above; indent with spaces, and put quotes around words with `:`, `?`, `,` or `#`."
        ) from None
    if not isinstance(content, dict):
        raise error(f"{path}: this is not a {kind}.\nFound {type(content).__name__} at the top.\nStart with `name:`, `title:` …")
    return content


def validated(
    model: type[Model],
    content: dict[str, Any],
    path: Path,
    kind: str,
    error: type[ImpactError],
    help_: str,
    skip: Callable[[tuple[Any, ...]], bool] = lambda _: False,
) -> Model:
    """Check a document against its model.

    `help_` is the sentence on where keys are explained; `skip` says which places of complaint are beside the point.
    Raises `error` that names file and key, what was found, what is allowed and the nearest spelling.
    """
    try:
        return model.model_validate(content)
    except ValidationError as found:
        items = [item for item in found.errors() if not skip(item["loc"])]
        raise error("\n\n".join(_complaint(model, path, item, kind, help_) for item in items)) from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without silent surprises: a key that stands twice is an error; ten times as fast where libyaml is there."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` stands twice", node.start_mark)
    content: dict[Hashable, Any] = loader.construct_mapping(node, deep=True)
    return content


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _complaint(model: type[BaseModel], path: Path, item: Any, kind: str, help_: str) -> str:
    location = [str(part) for part in item["loc"] if part not in _branches(model)]
    where, key = ".".join(location), location[-1] if location else ""
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, item["loc"][:-1])
        hint = nearest(key, known) or f"Remove `{key}`, or choose one of the known keys."
        return f"{path}: key `{where}` is not known.\nKnown here: {', '.join(known)}.\n{hint}"
    if item["type"] == "missing":
        return f"{path}: key `{where}` is missing.\nFound nothing there.\nAdd it; {help_}."
    reason = str(item["msg"]).removeprefix("Value error, ")
    sentence = f"{help_[:1].upper()}{help_[1:]}." if help_[:1] != "`" else f"{help_}."
    if not where:
        return f"{path}: the {kind} does not hang together.\n{reason[:1].upper()}{reason[1:]}.\n{sentence}"
    return f"{path}: `{where}` cannot be used.\nFound {_shown(item['input'])}: {reason}.\n{sentence}"


def _shown(value: object) -> str:
    return f"`{value}`" if isinstance(value, str | int | float | bool) else f"{type(value).__name__}"


def _branches(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Find the models that share one key, such as two kinds of source; complaints name them beside the key."""
    several = (_models(field.annotation) for field in model.model_fields.values())
    return {branch.__name__: branch for branches in several if len(branches) > 1 for branch in branches}


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """List the keys that are known at a place in the document."""
    branches = _branches(model)
    for part in location:
        if part in branches:
            model = branches[str(part)]
        elif part in model.model_fields:
            candidates = _models(model.model_fields[str(part)].annotation)
            model = candidates[0] if candidates else model
    return list(model.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
