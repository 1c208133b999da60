"""Open an export of ODK, SurveyCTO or Kobo with its XLSForm. May touch: both files, the engine.

Columns keep the names that the export gives them. One thing is brought into one form: a question with several answers is one column of codes joined by
`|`, in the order of the form, whether it came as `a b` in one cell or as one column of 0 and 1 for each answer. No submission is left out: those
that a reviewer rejected are in the download, and a note says how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from impact.errors import DataError, SourceError, listing
from impact.sources.engine import register
from impact.sources.files import SPREADSHEET, TEXT, open_file
from impact.sources.raw import RawTable
from impact.sources.xlsform import Question, read_form
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

JOINT = "|"
"""Stands between the codes of several answers."""
_REVIEW = ("reviewstate", "review_status", "review_state", "_validation_status", "_validation_status_uid")
_REJECTED = ("rejected", "not approved", "not_approved", "validation_status_not_approved")
_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})

Column = list[str | None]


def open_odk(engine: Backend, data: Path, form: Path, language: str = "zh") -> RawTable:
    """Open the answers (CSV or workbook) with the labels of the form (workbook) in one language, or in another where that one is not there.

    Raises SourceError where a file cannot be read or shares no question, DataError where a cell holds a code that the form does not know.
    """
    if data.suffix.lower() not in (*TEXT, *SPREADSHEET):
        raise SourceError(
            f"{data}: this is not an export of a survey tool.\nFound the ending `{data.suffix}`.\nName its CSV file or workbook."
        )
    raw = open_file(engine, data)
    questions = read_form(engine, form, language)
    columns: dict[str, Column] = {name: list(values) for name, values in raw.table.to_pyarrow().to_pydict().items()}
    titles: dict[str, str] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for question in questions:
        name = _gathered(raw, columns, question) if question.several else _column_of(columns, question)
        if name is None:
            continue
        titles[name] = question.title
        if question.choices:
            labels[name] = question.choices
    if not titles:
        raise SourceError(
            f"{data}: no column belongs to a question of the form.\nFound the columns {listing(columns, 10)}; "
            f"`{form.name}` asks {listing([question.name for question in questions], 10)}.\nName the form of this export."
        )
    import pyarrow as pa

    table = register(engine, f"odk_{uuid4().hex}", pa.table({name: pa.array(found, pa.string()) for name, found in columns.items()}))
    titles = {name: title for name, title in titles.items() if title}
    return replace(raw, table=table, titles=titles, labels=labels, notes=(*raw.notes, *_rejected(columns)))


def _spellings(question: Question) -> list[str]:
    """Give the names that a question may have in an export: with its groups, joined by `/`, `-`, `:` or `.`, or alone."""
    return [*(joint.join(question.path) for joint in "/-:."), question.name]


def _column_of(columns: Mapping[str, Any], question: Question) -> str | None:
    return next((name for name in _spellings(question) if name in columns), None)


def _gathered(raw: RawTable, columns: dict[str, Column], question: Question) -> str | None:
    """Make one column of a question with several answers, in place; where both forms stand in the file they must agree."""
    name = _column_of(columns, question)
    split = _split_columns(columns, question)
    if name is not None:
        columns[name] = [_in_order(raw, question, name, row, cell) for row, cell in enumerate(columns[name], start=raw.first_row)]
    if not split:
        return name
    joined = _joined(raw, columns, question, split)
    if name is None:
        name = next(spelling for spelling in _spellings(question) if next(iter(split.values())).startswith(spelling))
        _rebuild(columns, {name: joined}, before=next(iter(split.values())))
    else:
        _require_agreement(raw, name, columns[name], joined)
    for column in split.values():
        del columns[column]
    return name


def _split_columns(columns: Mapping[str, Any], question: Question) -> dict[str, str]:
    """Find the column of 0 and 1 of each code: `q/code`, `q_code` or `q-code`."""
    for spelling in _spellings(question):
        for joint in ("/", "_", "-", ":", "."):
            found = {code: f"{spelling}{joint}{code}" for code in question.choices if f"{spelling}{joint}{code}" in columns}
            if len(found) > 1 or len(found) == len(question.choices) > 0:
                return found
    return {}


def _in_order(raw: RawTable, question: Question, name: str, row: int, cell: str | None) -> str | None:
    if cell is None or not cell.strip():
        return None
    codes = cell.split()
    unknown = [code for code in codes if code not in question.choices]
    if unknown:
        raise DataError(
            f"{raw.name}, row {row}, column `{name}`: the form does not know this answer.\n"
            f"Found a code that is none of {listing(question.choices, 12)}.\nName the form with which these answers were given."
        )
    return JOINT.join(code for code in question.choices if code in codes)


def _joined(raw: RawTable, columns: Mapping[str, Column], question: Question, split: Mapping[str, str]) -> Column:
    joined: Column = []
    for place in range(len(columns[next(iter(split.values()))])):
        cells = {code: (columns[column][place] or "").strip().lower() for code, column in split.items()}
        odd = next((code for code, cell in cells.items() if cell and cell not in _YES | _NO), None)
        if odd is not None:
            raise DataError(
                f"{raw.name}, row {place + raw.first_row}, column `{split[odd]}`: this is neither 0 nor 1.\n"
                f"Found another value in a column that belongs to one answer of `{question.name}`.\nExport the table again."
            )
        chosen = [code for code in question.choices if cells.get(code) in _YES]
        # All cells empty: the question was not asked. All of them 0: it was answered with nothing, which the cell form writes as empty too
        joined.append(JOINT.join(chosen) or None)
    return joined


def _require_agreement(raw: RawTable, name: str, cells: Column, joined: Column) -> None:
    for row, (one, other) in enumerate(zip(cells, joined, strict=True), start=raw.first_row):
        if one != other:
            raise DataError(
                f"{raw.name}, row {row}, column `{name}`: the cell and the columns of 0 and 1 say different things.\n"
                "Found other codes in the cell than in the columns of the single answers.\nExport the table again, in one of the two forms."
            )


def _rebuild(columns: dict[str, Column], new: Mapping[str, Column], before: str) -> None:
    """Put new columns in front of another one."""
    order = list(columns.items())
    place = next(number for number, (name, _) in enumerate(order) if name == before)
    columns.clear()
    columns.update([*order[:place], *new.items(), *order[place:]])


def _rejected(columns: Mapping[str, Column]) -> tuple[Text, ...]:
    """Say how many submissions a reviewer rejected; they stay."""
    for name, values in columns.items():
        if name.lower().rsplit("/", 1)[-1] not in _REVIEW:
            continue
        count = sum(1 for value in values if (value or "").strip().lower() in _REJECTED)
        return (
            Text(
                en=f"{count} of {len(values)} submissions were rejected in review (column `{name}`). They are in the download and stay in the table.",
                zh=f"{len(values)} 份提交中有 {count} 份未通过审核（见列“{name}”）。平台导出时默认包含这些提交，本表予以保留。",
            ),
        )
    return ()
