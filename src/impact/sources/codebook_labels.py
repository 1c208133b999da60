"""Make a codebook of what a file says itself: labels of an SPSS or Stata file, or the XLSForm of ODK, SurveyCTO and Kobo. May touch: the files, the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import SourceError
from impact.schema.questionnaire import Codebook, Item, Option
from impact.schema.questionnaire.item import Code, Kind
from impact.sources.files import LABELLED, SPREADSHEET, open_file
from impact.sources.raw import RawTable
from impact.sources.wenjuanxing.answers import as_number
from impact.sources.wenjuanxing.meta import META_COLUMNS
from impact.sources.xlsform import Question, read_form
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

_MOST_OPTIONS = 60
_FIELD = r"[a-z][a-z0-9_]*[a-z0-9]"


def codebook_of_file(engine: Backend, file: Path, name: str = "") -> Codebook:
    """Make a codebook of one file that brings its labels; English words repeat the others where the file has them in one language.

    Codes are those of the file. Values that it declares as missing are `missing`, with the reason it gives, and no options.
    Raises SourceError where the file cannot be read, or is of a kind that brings no labels.
    """
    kind = file.suffix.lower()
    if kind in LABELLED:
        return Codebook(name or file.name, _of_columns(open_file(engine, file)))
    if kind in SPREADSHEET:
        return Codebook(name or file.name, _of_form(read_form(engine, file, "zh"), read_form(engine, file, "en")))
    raise SourceError(
        f"{file}: this file brings no labels.\nFound the ending `{file.suffix}`.\n"
        "Name an SPSS or Stata file, an XLSForm, or both exports of 问卷星: by text, then by number."
    )


def _of_columns(raw: RawTable) -> tuple[Item, ...]:
    columns = list(raw.table.columns)
    fields = _fields(columns)
    return tuple(_of_column(raw, name, field, place) for place, (name, field) in enumerate(zip(columns, fields, strict=True), start=1))


def _of_column(raw: RawTable, name: str, field: str, place: int) -> Item:
    title = raw.titles.get(name, name)
    reasons = raw.missing.get(name, {})
    labels = {code: label for code, label in raw.labels.get(name, {}).items() if code not in reasons}
    values = [value for value in _values(raw, name) if value not in reasons]
    numbers = bool(values) and all(as_number(value) is not None for value in values)
    kind, options = _answers(labels, values, numbers)
    free = "free_text" if kind == "text" else "none"
    return Item(field, place, Text(en=title, zh=title), kind, options, sensitivity=free, missing=_options(reasons))  # type: ignore[arg-type]


def _answers(labels: Mapping[str, str], values: Sequence[str], numbers: bool) -> tuple[Kind, tuple[Option, ...]]:
    """Tell the kind of a column: labelled codes are options, also those that occur without a label; with too many of these it is a number."""
    without = [value for value in values if value not in labels]
    if labels and len(without) + len(labels) <= _MOST_OPTIONS:
        return "single", _options({**labels, **dict.fromkeys(without, "")})
    return ("number" if numbers else "text"), ()


def _values(raw: RawTable, name: str) -> list[str]:
    """List the different values of a column as text, up to more than a question can have answers."""
    column = raw.table[name].cast("string")
    held = raw.table.select(value=column).filter(column.notnull()).distinct().order_by("value").limit(_MOST_OPTIONS * 2)
    found: list[str] = held.to_pyarrow()["value"].to_pylist()
    return found


def _of_form(in_zh: Sequence[Question], in_en: Sequence[Question]) -> tuple[Item, ...]:
    fields = _fields([one.name for one in in_zh])
    return tuple(
        _of_question(zh, en, field, place) for place, (zh, en, field) in enumerate(zip(in_zh, in_en, fields, strict=True), start=1)
    )


def _of_question(zh: Question, en: Question, field: str, place: int) -> Item:
    words = Text(en=en.title or en.name, zh=zh.title or zh.name)
    if not zh.choices:
        return Item(field, place, words, "text", sensitivity="free_text")
    return Item(field, place, words, "multi" if zh.several else "single", _options(zh.choices, en.choices))


def _options(zh: Mapping[str, str], en: Mapping[str, str] | None = None) -> tuple[Option, ...]:
    """Make options of code → label; where two codes have one label, or a code has none, the code stands in it."""
    in_en = en or zh
    return tuple(Option(_code(code), Text(en=_distinct(code, in_en), zh=_distinct(code, zh))) for code in zh)


def _code(code: str) -> Code:
    return int(code) if re.fullmatch(r"-?(0|[1-9]\d*)", code) else code


def _distinct(code: str, labels: Mapping[str, str]) -> str:
    label = labels.get(code, "").strip()
    if not label:
        return code
    return label if [one.strip() for one in labels.values()].count(label) == 1 else f"{label} ({code})"


def _fields(names: Sequence[str]) -> list[str]:
    """Name fields as the file names columns, in small letters; `column_7` where that is no name of a field, or is taken."""
    fields: list[str] = []
    for place, name in enumerate(names, start=1):
        small = name.strip().lower()
        good = re.fullmatch(_FIELD, small) and small not in fields and small not in META_COLUMNS and not small.startswith(("why_", "flag_"))
        fields.append(small if good else f"column_{place}")
    return fields
