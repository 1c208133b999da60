"""The options of an estimator as users write them, and what each of them means. May touch: nothing.

There is no list of options: they are the fields of the estimator's `Options`, with their types, their defaults and the words below each field.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from types import ModuleType, NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from impact.errors import StudyError, listing, nearest

_YES_NO = ("no", "yes")
ELSEWHERE = ("covariates",)
"""Options that are columns of the file, and have a flag of their own."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an estimator."""

    name: str
    kind: Any
    """Type of its value."""
    default: Any
    words: str
    """What it means."""

    @property
    def choices(self) -> str:
        """Say what it can be, for people."""
        return " or ".join(_kinds(self.kind))


def options_in(module: ModuleType) -> tuple[Option, ...]:
    """List what can be written of an estimator's options."""
    hints, words = get_type_hints(module.Options), _words(module.Options)
    return tuple(
        Option(field.name, hints[field.name], field.default, words.get(field.name, ""))
        for field in fields(module.Options)
        if field.name not in ELSEWHERE and field.default is not MISSING
    )


def written(options: Sequence[str]) -> dict[str, str]:
    """Take options apart that are written NAME=VALUE.

    Raises StudyError where one has no value, or is given twice.
    """
    found: dict[str, str] = {}
    for one in options:
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (name and equals and value):
            raise StudyError(f"--option `{one}`: it is not NAME=VALUE.\nFound `{one}`.\nWrite, for instance, --option base=universal.")
        if name in found:
            raise StudyError(f"--option {name} is given twice.\nFound `{found[name]}` and `{value}`.\nLeave one of them out.")
        found[name] = value
    return found


def options_of(module: ModuleType, given: Mapping[str, Any], written: Mapping[str, str]) -> Any:
    """Make an estimator's options from values, and from values as written.

    Raises StudyError for an option that the estimator does not know, that is given twice, or whose value cannot be read.
    """
    known = {option.name: option for option in options_in(module)}
    name = module.INFO.name
    for option in written:
        if option not in known:
            raise StudyError(
                f"estimator `{name}`: option `{option}` is not known.\nKnown: {listing(known, len(known)) or 'none'}.\n"
                f"{nearest(option, known) or f'See `impact estimators {name}`.'}"
            )
    read = {option: _read(name, known[option], text) for option, text in written.items()}
    return module.Options(**{**given, **read})


def _read(estimator: str, option: Option, text: str) -> Any:
    try:
        return _value(option.kind, text.strip())
    except ValueError:
        near = nearest(text, list(_kinds(option.kind))) if get_origin(option.kind) is Literal else ""
        raise StudyError(
            f"estimator `{estimator}`: option `{option.name}` cannot be `{text}`.\nFound `{text}`; it is {option.choices}.\n"
            f"{near or f'See `impact estimators {estimator}`.'}"
        ) from None


def _value(kind: Any, text: str) -> Any:
    """Read a value of a type; raises ValueError where it is none."""
    if kind is bool:
        return bool(_YES_NO.index(text.lower()))
    if get_origin(kind) is Literal:
        return get_args(kind)[[str(one) for one in get_args(kind)].index(text)]
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], part.strip()) for part in text.split(","))
    if NoneType in get_args(kind):
        return None if text == "none" else _value(next(one for one in get_args(kind) if one is not NoneType), text)
    return kind(text)


def _kinds(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from (str(one) for one in get_args(kind))
    elif get_origin(kind) is tuple:
        yield {int: "whole numbers", float: "numbers"}.get(get_args(kind)[0], "words") + " with commas between"
    elif NoneType in get_args(kind):
        yield from (word for one in get_args(kind) if one is not NoneType for word in _kinds(one))
        yield "none"
    else:
        yield {bool: "no or yes", int: "a whole number", float: "a number", str: "text"}.get(kind, str(kind))


def _words(options: type) -> dict[str, str]:
    """Read the words that stand below each field of a class."""
    body = ast.parse(inspect.getsource(options)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for one, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(following, ast.Expr):
            found[one.target.id] = " ".join(str(ast.literal_eval(following.value)).split())
    return found
