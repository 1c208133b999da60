"""Received columns become typed columns of the schema; a value that cannot be read stops with file, row, column and value. May touch: the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import ibis

from impact.clean import values
from impact.clean.platform.corrections import Correction, Placed, corrected, placed
from impact.clean.platform.headings import MONTH, headings, unknown_columns
from impact.clean.values import Values
from impact.errors import DataError
from impact.schema.delivered import DELIVERED, DeliveredTable
from impact.schema.table import Column
from impact.sources.dataset import FILE, ROW, Dataset, Layout, matches

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery

_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d")
"""Dates that nobody can misread; others must be declared for the files that have them."""
_TIMES = (*(f"{day} %H:%M:%S" for day in _YEAR_FIRST), "%Y-%m-%dT%H:%M:%S")
_YES, _NO = ("true", "1", "yes", "是"), ("false", "0", "no", "否")
_MONTH_WRITTEN = r"^((?:19|20)\d\d)(?:[-/年]?(\d\d)|[-/年](\d))月?$"
OTHER_DATES = "dates also as "
"""How a declaration begins that says how dates are written."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A delivered table with the schema's columns and types; nothing is left out or changed but what was declared or corrected."""

    table: ir.Table
    """Columns of the schema that were delivered, with `file_`, `row_`, and `read_by_declaration_`: names of columns of this row read by a declared format."""
    delivered: DeliveredTable
    received: Mapping[str, str]
    """Name in the schema → names by which files call it, joined by `, `."""
    renamed: Mapping[str, tuple[str, str]]
    """File → name in the schema and name by which the file calls it, where `mapping` was needed."""
    unused: tuple[str, ...]
    """Received columns that nothing is made of."""
    partly: Mapping[str, tuple[str, ...]]
    """Columns of the schema that some files have and others lack: name → the files that lack it."""
    corrected: tuple[Placed, ...]
    """Corrections that were applied, with file and row."""


def read_typed(dataset: Dataset, delivery: Delivery, corrections: Sequence[Correction] = (), restricted: bool = False) -> Typed:
    """Read every column of a delivered table by its kind; `restricted` says whether the study leaves files of the table aside.

    Raises DataError for a missing column, a value that cannot be read or cannot be, and a needed value that is missing: each with file, row and column.
    """
    schema = DELIVERED[dataset.name]
    names = [headings(schema, layout, delivery.mapping) for layout in dataset.layouts]
    mended = placed(dataset, names, corrections, restricted)
    parts = [
        _read_layout(schema, corrected(layout, found, mended), found, delivery)
        for layout, found in zip(dataset.layouts, names, strict=True)
    ]
    columns = [column for column in schema.columns if any(column.name in found for found in names)]
    union = ibis.union(*(_filled_up(part, columns) for part in parts)) if len(parts) > 1 else _filled_up(parts[0], columns)
    received = {column.name: ", ".join(dict.fromkeys(found[column.name] for found in names if column.name in found)) for column in columns}
    return Typed(
        union,
        schema,
        received,
        _renamed(dataset.layouts, names, delivery.mapping),
        tuple(dict.fromkeys(name for layout in dataset.layouts for name in unknown_columns(schema, layout, delivery.mapping))),
        _partly(dataset.layouts, names, columns),
        mended,
    )


def _read_layout(schema: DeliveredTable, layout: Layout, names: Mapping[str, str], delivery: Delivery) -> ir.Table:
    _refuse_types(schema, layout, names)
    declared = _declared_formats(delivery, layout)
    read = {name: _read(schema.column(name), layout.table[received], layout.table[FILE], declared) for name, received in names.items()}
    _refuse(schema, layout, names, read)
    used = [ibis.ifelse(one.by_declaration, ibis.literal(f"{name} "), ibis.literal("")) for name, one in read.items() if one.declared]
    by_declaration = ibis.literal("")
    for mark in used:
        by_declaration = by_declaration + mark
    return layout.table.select(
        FILE, ROW, **{name: one.values.value for name, one in read.items()}, read_by_declaration_=by_declaration.strip()
    )


def _refuse_types(schema: DeliveredTable, layout: Layout, names: Mapping[str, str]) -> None:
    """Stop at columns whose type loses what is needed: times with a zone, dates that are numbers, identifiers that are decimal numbers."""
    for name, received in names.items():
        column, kind = schema.column(name), layout.table[received].type()
        zone = getattr(kind, "timezone", None)
        loses = {
            "times with a zone, so that the day depends on who asks: write local times without one": column.kind in ("date", "time")
            and zone,
            "numbers where days are asked: write 2025-03-07, or dates": column.kind in ("date", "time") and kind.is_numeric(),
            "decimal numbers, which lose digits of identifiers: write it as text": column.kind == "text"
            and (kind.is_floating() or kind.is_decimal()),
        }
        for words, met in loses.items():
            if met:
                found, advice = words.split(": ")
                raise DataError(
                    f"{layout.files[0]}: column `{received}` of table `{schema.name}` cannot be used.\nFound {found} (type {kind}).\n{advice[:1].upper()}{advice[1:]}."
                )


@dataclass(frozen=True, slots=True)
class _Read:
    values: Values
    impossible: ir.BooleanValue
    """A value was read, and cannot be."""
    needs: str
    by_declaration: ir.BooleanValue
    declared: bool = False


def _declared_formats(delivery: Delivery, layout: Layout) -> dict[str, tuple[str, ...]]:
    """Find the date formats that were declared for files of a layout: format → files."""
    formats: dict[str, tuple[str, ...]] = {}
    for one in delivery.declared:
        if one.says.startswith(OTHER_DATES):
            files = tuple(file for file in layout.files if matches(file, (one.files,)))
            form = one.says.removeprefix(OTHER_DATES)
            formats[form] = (*formats.get(form, ()), *files)
    return {form: files for form, files in formats.items() if files}


def _read(column: Column, received: ir.Column, file: ir.Column, declared: Mapping[str, tuple[str, ...]]) -> _Read:
    never = _nowhere(received)
    if column.name == MONTH:
        return _Read(_month(received), never, "a month such as 2025-03, 2025/03 or 202503", never)
    if column.kind in ("integer", "number"):
        found = values.number(received)
        return _Read(found, _outside(column, found), _number_needs(column), never)
    if column.kind == "date":
        return _read_date(received, file, declared)
    if column.kind == "time":
        return _Read(_time(received), never, "a day and a time such as 2025-03-07 08:15:00, local and without zone", never)
    if column.kind == "yes_no":
        return _Read(_yes_no(received), never, "true or false, 1 or 0, 是 or 否", never)
    if column.codes:
        return _read_code(column, received)
    return _Read(values.text(received), never, "text", never)


def _nowhere(column: ir.Column) -> ir.BooleanValue:
    """Give a condition that no row meets."""
    return ibis.literal(False) & column.isnull()


def _outside(column: Column, found: Values) -> ir.BooleanValue:
    value = found.bad.ifelse(ibis.null("float64"), found.value)
    outside = _nowhere(value)
    if column.least is not None:
        outside = outside | (value < column.least)
    if column.most is not None:
        outside = outside | (value > column.most)
    if column.kind == "integer":
        outside = outside | (value != value.round())
    return outside.fill_null(False)


def _number_needs(column: Column) -> str:
    kind = "a whole number" if column.kind == "integer" else "a number"
    ends = [f"at least {column.least:g}" if column.least is not None else "", f"at most {column.most:g}" if column.most is not None else ""]
    return " ".join(part for part in (kind, " and ".join(end for end in ends if end), f"({column.unit})" if column.unit else "") if part)


def _read_date(received: ir.Column, file: ir.Column, declared: Mapping[str, tuple[str, ...]]) -> _Read:
    found, _ = values.day(received, _YEAR_FIRST)
    needs = "a date with the year first, such as 2025-03-07; where whole files write it otherwise, say so in the delivery's `declared`"
    if not declared or not received.type().is_string():
        return _Read(found, _nowhere(received), needs, _nowhere(received))
    value, used = found.value, _nowhere(received)
    for form, files in declared.items():
        other = file.isin(files).ifelse(values.day(received, (form,))[0].value, ibis.null("date"))
        used = used | (value.isnull() & other.notnull())
        value = ibis.coalesce(value, other)
    bad = ~found.missing & value.isnull()
    return _Read(Values(value, found.missing, bad), _nowhere(received), needs, used.fill_null(False), declared=True)


def _month(received: ir.Column) -> Values:
    """Read a month in one of the ways that nobody can misread, and write it as 2025-03."""
    if received.type().is_date() or received.type().is_timestamp():
        return Values(cast("ir.DateColumn", received).strftime("%Y-%m"), received.isnull(), _nowhere(received))
    written = cast("ir.StringColumn", received.cast("string")).strip()
    missing = (written.isnull() | (written == "")).fill_null(True)
    year, month = written.re_extract(_MONTH_WRITTEN, 1), written.re_extract(_MONTH_WRITTEN, 2) + written.re_extract(_MONTH_WRITTEN, 3)
    good = (written.re_search(_MONTH_WRITTEN) & month.try_cast("int64").between(1, 12)).fill_null(False)
    value = good.ifelse(year + "-" + month.lpad(2, "0"), ibis.null("string"))
    return Values(value, missing, ~missing & ~good)


def _time(received: ir.Column) -> Values:
    never = _nowhere(received)
    if received.type().is_timestamp() or received.type().is_date():
        return Values(received.cast("timestamp"), received.isnull(), never)
    return values.moment(received, _TIMES)


def _yes_no(received: ir.Column) -> Values:
    if received.type().is_boolean():
        return Values(received, received.isnull(), _nowhere(received))
    written = cast("ir.StringColumn", received.cast("string")).strip().lower()
    missing = (written.isnull() | (written == "")).fill_null(True)
    value = ibis.cases((written.isin(_YES), True), (written.isin(_NO), False), else_=ibis.null("boolean"))
    return Values(value, missing, ~missing & value.isnull())


def _read_code(column: Column, received: ir.Column) -> _Read:
    found = values.text(received)
    pairs = [((found.value == word) | (found.value == code), ibis.literal(code)) for code, word in column.codes]
    value = ibis.cases(*pairs, else_=ibis.null("string"))
    needs = "one of " + ", ".join(f"{code} ({word})" for code, word in column.codes)
    return _Read(Values(value, found.missing, ~found.missing & value.isnull()), _nowhere(received), needs, _nowhere(received))


def _refuse(schema: DeliveredTable, layout: Layout, names: Mapping[str, str], read: Mapping[str, _Read]) -> None:
    """Stop at the first column with a value that cannot be read, cannot be, or is missing where it is needed."""
    counts = {f"bad_{name}": one.values.bad.fill_null(False).sum() for name, one in read.items()}
    counts |= {f"impossible_{name}": one.impossible.sum() for name, one in read.items()}
    counts |= {
        f"missing_{name}": read[name].values.missing.sum() for name in schema.needed if name in read and schema.column(name).required
    }
    found = layout.table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    for name, one in read.items():
        for kind, condition, words in (
            ("bad", one.values.bad, "cannot be read"),
            ("impossible", one.impossible, "cannot be"),
            ("missing", one.values.missing, "is missing"),
        ):
            if found.get(f"{kind}_{name}"):
                raise _complaint(schema, layout, names[name], one, condition, int(found[f"{kind}_{name}"]), words)


def _complaint(
    schema: DeliveredTable, layout: Layout, received: str, one: _Read, condition: ir.BooleanValue, count: int, words: str
) -> DataError:
    marked = layout.table.filter(condition).order_by(FILE, ROW).limit(3).select(FILE, ROW, shown_=layout.table[received].cast("string"))
    rows = marked.to_pyarrow().to_pylist()
    examples = ", ".join(f"{row[FILE]}, row {row[ROW]} has `{values.shown(row['shown_'])}`" for row in rows)
    return DataError(
        f"{rows[0][FILE]}: column `{received}` of table `{schema.name}` {words} in {'1 row' if count == 1 else f'{count:,} rows'}.\n"
        f"Found: {examples}{', …' if count > 3 else ''}.\nEach value must be {one.needs}; mend single rows with a table of corrections."
    )


def _filled_up(part: ir.Table, columns: Sequence[Column]) -> ir.Table:
    """Give every part the same columns with the same types, missing where its files do not have them."""
    kinds = {"integer": "int64", "number": "float64", "date": "date", "time": "timestamp", "yes_no": "boolean", "text": "string"}
    held = {
        column.name: (part[column.name].cast(kinds[column.kind]) if column.name in part.columns else ibis.null(kinds[column.kind]))
        for column in columns
    }
    return part.select(part[FILE], part[ROW].cast("int64").name(ROW), **held, read_by_declaration_=part["read_by_declaration_"])


def _renamed(layouts: Sequence[Layout], names: Sequence[Mapping[str, str]], mapping: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        file: (name, received)
        for layout, found in zip(layouts, names, strict=True)
        for name, received in found.items()
        if received in mapping
        for file in layout.files
    }


def _partly(layouts: Sequence[Layout], names: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    lacking = {
        column.name: tuple(file for layout, found in zip(layouts, names, strict=True) if column.name not in found for file in layout.files)
        for column in columns
    }
    return {name: files for name, files in lacking.items() if files}
