"""Read the codebook of a questionnaire, and write one to be filled in. May touch: the YAML file it is told to read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from impact.documents import read_yaml, validated
from impact.errors import SourceError
from impact.schema.questionnaire import Asked, Codebook, Item, Option, header
from impact.sources.wenjuanxing.answers import plain
from impact.sources.wenjuanxing.headers import taken_apart
from impact.sources.wenjuanxing.meta import META_COLUMNS
from impact.text import Text

_HELP = "a codebook made from an export shows every key"
_CHOSEN = ("single", "likert", "multi", "ranking")


def load_codebook(path: Path) -> Codebook:
    """Read a codebook from YAML: `name`, and `questions` in the order of the page.

    Raises SourceError that names file and key where it is no codebook, where a name, code, label or question stands twice, or where a bound makes no sense.
    """
    content = read_yaml(path, "codebook", SourceError)
    return _codebook(validated(_Document, content, path, "codebook", SourceError, _HELP))


def template(codebook: Codebook) -> dict[str, Any]:
    """Write a codebook as plain values, for YAML; what says nothing is left out. `load_codebook` reads it back as it was."""
    return {"name": codebook.name, "questions": [_question(item) for item in codebook.items]}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class _Words(_Part):
    zh: str = Field(min_length=1)
    en: str = ""
    """English; the Chinese words stand in where it is missing."""

    def text(self) -> Text:
        """Give both languages."""
        return Text(en=self.en or self.zh, zh=self.zh)


class _Option(_Words):
    code: int | str
    fill_in: bool = False

    def option(self) -> Option:
        """Give the option as the codebook has it."""
        return Option(self.code, self.text(), self.fill_in)


class _Asked(_Part):
    field: str
    codes: tuple[int, ...] = ()


class _Question(_Part):
    field: str = Field(pattern="^[a-z][a-z0-9_]*[a-z0-9]$")
    number: int = Field(ge=1)
    question: _Words
    kind: Literal["single", "likert", "number", "month", "text", "multi", "ranking"]
    options: tuple[_Option, ...] = ()
    stem: _Words | None = None
    sensitivity: Literal["none", "quasi", "sensitive", "free_text"] = "none"
    reverse: bool = False
    unit: str = ""
    range: tuple[float | None, float | None] = (None, None)
    asked_if: tuple[_Asked, ...] = ()
    missing: tuple[_Option, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> _Question:
        if (self.kind in _CHOSEN) != bool(self.options):
            raise ValueError(f"a question of kind `{self.kind}` {'needs' if self.kind in _CHOSEN else 'has no'} options")
        _refuse_twice([plain(option.zh) for option in self.options], "label")
        _refuse_twice([str(option.code) for option in (*self.options, *self.missing)], "code")
        if self.range[0] is not None and self.range[1] is not None and self.range[0] > self.range[1]:
            raise ValueError(f"the range begins at {self.range[0]:g} and ends at {self.range[1]:g}")
        return self

    def item(self) -> Item:
        """Give the question as the codebook has it."""
        return Item(
            field=self.field,
            number=self.number,
            words=self.question.text(),
            kind=self.kind,
            options=tuple(option.option() for option in self.options),
            asked_if=tuple(Asked(rule.field, rule.codes) for rule in self.asked_if),
            sensitivity=self.sensitivity,
            stem=self.stem.text() if self.stem else None,
            reverse=self.reverse,
            unit=self.unit,
            least=self.range[0],
            most=self.range[1],
            missing=tuple(option.option() for option in self.missing),
        )


class _Document(_Part):
    name: str = Field(min_length=1)
    questions: tuple[_Question, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _hangs_together(self) -> _Document:
        codebook = _codebook(self)
        names = [*codebook.fields, *codebook.fill_ins.values()]
        _refuse_twice(names, "field")
        _refuse_twice([f"{item.number} {taken_apart(header(item)).key}" for item in codebook.items], "question")
        taken = [name for name in names if name in META_COLUMNS or name.startswith(("why_", "flag_"))]
        if taken:
            raise ValueError(f"field `{taken[0]}` is a name that the survey table keeps for itself")
        unknown = [rule.field for item in codebook.items for rule in item.asked_if if rule.field not in codebook.fields]
        if unknown:
            raise ValueError(f"`asked_if` names `{unknown[0]}`, which is no field of this codebook")
        return self


def _codebook(document: _Document) -> Codebook:
    return Codebook(document.name, tuple(question.item() for question in document.questions))


def _refuse_twice(names: list[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} `{twice[0]}` stands twice")


def _question(item: Item) -> dict[str, Any]:
    said = {
        "options": [_option(option) for option in item.options],
        "stem": item.stem.as_dict() if item.stem else None,
        "sensitivity": "" if item.sensitivity == "none" else item.sensitivity,
        "reverse": item.reverse,
        "unit": item.unit,
        "range": [item.least, item.most] if (item.least, item.most) != (None, None) else None,
        "asked_if": [{"field": rule.field, "codes": list(rule.codes)} for rule in item.asked_if],
        "missing": [_option(option) for option in item.missing],
    }
    first = {"field": item.field, "number": item.number, "question": item.words.as_dict(), "kind": item.kind}
    return first | {key: value for key, value in said.items() if value}


def _option(option: Option) -> dict[str, Any]:
    return {"code": option.code, **option.words.as_dict(), **({"fill_in": True} if option.fill_in else {})}
