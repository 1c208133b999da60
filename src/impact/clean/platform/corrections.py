"""Corrections of single values, said by a person with a reason: applied where the old value is what the table says, refused otherwise. May touch: the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

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


def require_rows(dataset: Dataset, names: Sequence[Mapping[str, str]], corrections: Sequence[Correction]) -> None:
    """See that every correction of a table means one row of it, and a column that its files have; `names` are those of each layout.

    Raises DataError that names the row of the table of corrections.
    """
    for one in (one for one in corrections if one.table == dataset.name):
        met = [
            place
            for layout, found in zip(dataset.layouts, names, strict=True)
            if one.column in found
            for place in _places(layout, found, one)
        ]
        if len(met) != 1:
            found_at = " and ".join(f"{file}, row {row}" for file, row in met) or f"no row with that key and a column `{one.column}`"
            raise DataError(
                f"corrections, row {one.line}: `id` does not mean one row of `{one.table}`.\nFound {found_at}.\n"
                f"Write the key as {' and '.join(DELIVERED[one.table].key)}, separated by a blank."
            )


def corrected(name: str, layout: Layout, names: Mapping[str, str], corrections: Sequence[Correction]) -> Layout:
    """Apply to a layout of a table the corrections of that table.

    Raises DataError where a value is not the old one.
    """
    table = layout.table
    for one in (one for one in corrections if one.table == name and one.column in names):
        received, here = names[one.column], _is_row(table, names, one)
        _refuse_other_value(table, received, here, one)
        table = table.mutate(**{received: here.ifelse(ibis.literal(one.new).cast(table[received].type()), table[received])})
    return replace(layout, table=table)


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


def _refuse_other_value(table: ir.Table, received: str, here: ir.BooleanValue, one: Correction) -> None:
    found = table.filter(here).select(value_=table[received].cast("string")).limit(1).to_pyarrow()["value_"].to_pylist()
    if not found or _equal(found[0], one.old):
        return
    raise DataError(
        f"corrections, row {one.line}: the old value of `{one.column}` is not what the table says.\n"
        f"Found `{values.shown(found[0])}` where `{values.shown(one.old)}` was expected.\nLook at the row again: the file may have been mended since."
    )


def _equal(found: str | None, old: str) -> bool:
    """Compare as numbers where both are, as text otherwise; nothing equals an empty text."""
    try:
        return float(found or "") == float(old)
    except ValueError:
        return (found or "").strip() == old
