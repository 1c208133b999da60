"""Corrections of single values, said by a person with a reason: applied where the old value is what the table says, refused otherwise. May touch: the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import ibis

from impact.clean import values
from impact.errors import DataError, listing, nearest
from impact.schema.delivered import DELIVERED
from impact.sources.dataset import FILE, ROW, Dataset, Layout

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.sources.raw import RawTable

HEADER = ("table", "id", "column", "old", "new", "reason", "who", "when")
"""Columns of a table of corrections; `id` is the key of the row, its parts separated by a blank: `RH01-0000206 2024-03`."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One line of the table of corrections."""

    line: int
    """Row in the table of corrections, the header being row 1."""
    table: str
    id: str
    column: str
    """Column of the schema."""
    old: str
    new: str
    reason: str
    who: str
    when: date


def read_corrections(raw: RawTable) -> tuple[Correction, ...]:
    """Read a table of corrections.

    Raises DataError that names the row where a column is missing or empty, a table or column is not known, a date is none, or a value is corrected twice.
    """
    for name in HEADER:
        raw.column(name)
    rows = raw.table.select(*HEADER).to_pyarrow().to_pylist()
    found = tuple(_correction(raw, raw.first_row + place, row) for place, row in enumerate(rows))
    seen: dict[tuple[str, str, str], int] = {}
    for one in found:
        place = (one.table, one.id, one.column)
        if place in seen:
            raise DataError(
                f"{raw.name}: row {one.line} corrects a value that row {seen[place]} corrects already.\n"
                f"Found column `{one.column}` of the same row of `{one.table}` twice.\nKeep the one that holds."
            )
        seen[place] = one.line
    return found


@dataclass(frozen=True, slots=True)
class Placed:
    """A correction and the row that it means, as the table was received."""

    correction: Correction
    file: str
    row: int


def placed(
    dataset: Dataset, names: Sequence[Mapping[str, str]], corrections: Sequence[Correction], restricted: bool = False
) -> tuple[Placed, ...]:
    """Find the row of every correction of a table, before anything is corrected; `names` are those of each layout.

    Where the study leaves files aside (`restricted`), a correction of a row that is not there is left aside too.
    Raises DataError that names the row of the table of corrections.
    """
    found = []
    for one in (one for one in corrections if one.table == dataset.name):
        met = [
            place
            for layout, known in zip(dataset.layouts, names, strict=True)
            if one.column in known
            for place in _places(layout, known, one)
        ]
        if len(met) == 1:
            found.append(Placed(one, *met[0]))
        elif met or not restricted:
            where = " and ".join(f"{file}, row {row}" for file, row in met) or f"no row with that key and a column `{one.column}`"
            raise DataError(
                f"corrections, row {one.line}: `id` does not mean one row of `{one.table}`.\nFound {where}.\n"
                f"Write the key as {' and '.join(DELIVERED[one.table].key)}, as the file writes them, separated by a blank."
            )
    return tuple(found)


def corrected(layout: Layout, names: Mapping[str, str], found: Sequence[Placed]) -> Layout:
    """Apply corrections to the rows of a layout.

    Raises DataError where a value is not the old one, or the new one does not fit the column.
    """
    table = layout.table
    for one in (one for one in found if one.file in set(layout.files)):
        received = names[one.correction.column]
        _refuse_other_value(layout.table, received, one)
        here = (table[FILE] == one.file) & (table[ROW] == one.row)
        table = table.mutate(**{received: here.ifelse(_new_value(one.correction, table[received].type()), table[received])})
    return replace(layout, table=table)


def _new_value(one: Correction, kind: Any) -> Any:
    """Give the new value in the type of its column; text columns take it as it is."""
    try:
        if kind.is_string():
            return ibis.literal(one.new)
        if kind.is_integer():
            return ibis.literal(int(one.new)).cast(kind)
        if kind.is_floating():
            return ibis.literal(float(one.new)).cast(kind)
        if kind.is_date() or kind.is_timestamp():
            return ibis.literal(datetime.fromisoformat(one.new)).cast(kind)
        if kind.is_boolean() and one.new.lower() in ("true", "false"):
            return ibis.literal(one.new.lower() == "true")
    except ValueError:
        pass
    raise DataError(
        f"corrections, row {one.line}: the new value of `{one.column}` does not fit its column.\nFound `{values.shown(one.new)}` for a column of type {kind}.\n"
        "Write a value of that type."
    )


def _places(layout: Layout, names: Mapping[str, str], one: Correction) -> list[tuple[str, int]]:
    """Give file and row of the rows of a layout that a correction means, three at most."""
    met = layout.table.filter(_is_row(layout.table, names, one)).select(FILE, ROW).limit(3)
    return [(str(row[FILE]), int(row[ROW])) for row in met.to_pyarrow().to_pylist()]


def _correction(raw: RawTable, line: int, row: Mapping[str, object]) -> Correction:
    texts = {name: str(row[name] if row[name] is not None else "").strip() for name in HEADER}
    empty = [name for name in HEADER if name != "old" and not texts[name]]
    if empty:
        raise DataError(
            f"{raw.name}: row {line} is not complete.\nFound nothing in `{empty[0]}`.\nSay what the value must be, why, who says so, and when."
        )
    table, column = texts["table"], texts["column"]
    if table not in (*DELIVERED, "survey"):
        raise DataError(
            f"{raw.name}: row {line} corrects a table that is not known.\nFound `{table}`; known: {listing([*DELIVERED, 'survey'])}.\n"
            f"{nearest(table, [*DELIVERED, 'survey']) or 'Name one of them.'}"
        )
    columns = [one.name for one in DELIVERED[table].columns] if table in DELIVERED else [column]
    if column not in columns:
        raise DataError(
            f"{raw.name}: row {line} corrects a column that is not known.\nFound `{column}`; known: {listing(columns, 30)}.\n"
            f"{nearest(column, columns) or 'Name one of them.'}"
        )
    try:
        when = date.fromisoformat(texts["when"].replace("/", "-"))
    except ValueError:
        raise DataError(
            f"{raw.name}: row {line} does not say when.\nFound `{texts['when']}` in `when`.\nWrite the day as 2025-03-07."
        ) from None
    return Correction(line, table, texts["id"], column, texts["old"], texts["new"], texts["reason"], texts["who"], when)


def _is_row(table: ir.Table, names: Mapping[str, str], one: Correction) -> ir.BooleanValue:
    """Say which row a correction means; a key with too few parts means none."""
    columns, parts = DELIVERED[one.table].key, one.id.split()
    if len(columns) != len(parts) or any(column not in names for column in columns):
        return ibis.literal(False)
    here = ibis.literal(True)
    for column, part in zip(columns, parts, strict=True):
        here = here & (values.text(table[names[column]]).value == part)
    return here.fill_null(False)


def _refuse_other_value(table: ir.Table, received: str, one: Placed) -> None:
    row = table.filter((table[FILE] == one.file) & (table[ROW] == one.row))
    found = row.select(value_=table[received].cast("string")).to_pyarrow()["value_"].to_pylist()
    if found and _equal(found[0], one.correction.old):
        return
    column = DELIVERED[one.correction.table].column(one.correction.column)
    named = column.sensitivity == "direct"
    there = "another value" if named else f"`{values.shown(found[0])}` where `{values.shown(one.correction.old)}` was expected"
    raise DataError(
        f"corrections, row {one.correction.line}: the old value of `{one.correction.column}` is not what the table says.\n"
        f"Found {there}, in {one.file}, row {one.row}.\nLook at the row again: the file may have been mended since."
    )


def _equal(found: str | None, old: str) -> bool:
    """Compare as numbers where both are, as text otherwise; nothing equals an empty text."""
    try:
        return float(found or "") == float(old)
    except ValueError:
        return (found or "").strip() == old
