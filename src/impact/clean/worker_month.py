"""A table as received becomes the worker-month table, or a complaint that names file, column, row and value. May touch: the engine.

Nothing is coerced: a value that cannot be read stops the run, a rule that leaves rows out counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import ibis

from impact.clean import values
from impact.clean.audit import Audit, Rule
from impact.clean.calendar import Calendar, calendar_of, read_first_covered, read_month
from impact.clean.two_units import HOURS, TwoUnits, one_unit_a_month, repeats_in
from impact.clean.values import Values
from impact.errors import DataError
from impact.months import Period
from impact.sources.engine import store, within_limits
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.sources.raw import RawTable

Transform = Literal["none", "log", "percent"]
_IDENTIFIERS = ("worker", "unit", "cluster")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a source stands for what; names as the source spells them."""

    month: str
    worker: str | None = None
    unit: str | None = None
    cluster: str | None = None
    weight: str | None = None
    first_covered: str | None = None
    covered: str | None = None
    joined: str | None = None
    left: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Outcomes and covariates: name in the clean table → column of the source."""
    traits: Mapping[str, str] = field(default_factory=dict)
    """What is constant in a unit beside its coverage: name in the clean table → column of the source; `stratum` is a name, the others are numbers."""
    transforms: Mapping[str, Transform] = field(default_factory=dict)
    """Outcomes that are transformed as they are read."""
    two_units: TwoUnits = "refuse"
    """What becomes of a worker who is seen in two units in one month."""
    hours: str | None = None
    """Hours worked in a row, which say what the main unit is."""
    keep_whole_numbers: bool = False
    """Whether names of workers, units and clusters that are whole numbers stay numbers, which millions of rows are grouped by faster than by text."""


@dataclass(frozen=True, slots=True)
class WorkerMonths:
    """The clean table, what one step of its months is, and what cleaning did."""

    table: ir.Table
    period: Period
    audit: Audit
    workers: int | None = None
    """How many workers there are; None where rows do not name them."""
    units: tuple[int, int] | None = None
    """How many units there are, and how many of them are never covered; None where first covered months are not known."""


@within_limits()
def clean_worker_months(raw: RawTable, columns: Columns, period: Period | None = None, formats: tuple[str, ...] = ()) -> WorkerMonths:
    """Read a table as worker-months.

    `period` None lets the month column decide; `formats` are the date formats of the study.
    Raises DataError for a missing column, a value that cannot be read, a missing identifier or month, a weight or logged outcome that is not
    positive, and two rows of one worker in one month.
    """
    _refuse_shared_columns(raw, columns)
    try:
        calendar = calendar_of(raw.column(columns.month), period, formats)
        read = _read(raw, columns, calendar, formats)
    except DataError as error:
        raise error if str(error).startswith(raw.name) else DataError(f"{raw.name}: {error}") from None
    rules = [rule for name, one in read.items() for rule in (*_format_rules(name, one), *_missing_rules(name, one))]
    counts = _counts(raw, read, rules)
    rows = int(counts["rows"])
    if rows == 0:
        raise DataError(f"{raw.name}: there are no rows.\nFound the header alone.\nExport the table again.")
    _refuse_bad_values(raw, read, counts)
    table = _typed(raw, read, counts)
    ends = (int(counts["first_month"]), int(counts["last_month"]))
    counted = tuple(replace(rule, rows=int(counts[f"rule_{place}"] or 0)) for place, (rule, _) in enumerate(rules))
    one_row, workers, resolved = _one_row_each(raw, read, table, ends, columns.two_units) if columns.worker else (table, None, ())
    units = None
    if columns.first_covered:
        _refuse_ambiguous_zero(raw, columns.first_covered, calendar, ends)
        units = _refuse_changing_coverage(raw, read, table)
    left = int(one_row.count().to_pyarrow().as_py()) if resolved else rows
    clean = one_row.drop(HOURS) if columns.hours else one_row
    return WorkerMonths(clean, calendar.period, Audit(raw.name, raw.sha256, rows, (*counted, *resolved), left), workers, units)


def _counts(raw: RawTable, read: dict[str, _Read], rules: list[tuple[Rule, ir.BooleanValue]]) -> dict[str, Any]:
    """Count everything that one look at all rows can tell."""
    month = read["month"].values.value
    wanted: dict[str, ir.Scalar] = {"rows": raw.table.count(), "first_month": month.min(), "last_month": month.max()}
    wanted |= {f"bad_{name}": one.values.bad.sum() for name, one in read.items()}
    wanted |= {f"missing_{name}": one.values.missing.sum() for name, one in read.items() if one.required}
    wanted |= {
        f"changed_{name}": (~one.values.value.identical_to(raw.table[one.source])).sum() for name, one in _may_stand(raw, read).items()
    }
    wanted |= {f"rule_{place}": condition.sum() for place, (_, condition) in enumerate(rules)}
    found: dict[str, Any] = raw.table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return found


def _may_stand(raw: RawTable, read: dict[str, _Read]) -> dict[str, _Read]:
    """Choose the columns whose type is already that of the clean column, so that they can stand for it where no value is changed."""
    return {name: one for name, one in read.items() if one.values.value.type() == raw.table[one.source].type()}


def _typed(raw: RawTable, read: dict[str, _Read], counts: dict[str, Any]) -> ir.Table:
    """Give the clean columns; they are computed once and kept where text must be parsed for them, and read from the source each time elsewhere."""
    given = {name: raw.table[one.source] for name, one in _may_stand(raw, read).items() if not counts[f"changed_{name}"]}
    table = raw.table.select(**{name: given.get(name, one.values.value) for name, one in read.items()})
    parsed = [name for name, one in read.items() if name not in _IDENTIFIERS and raw.table[one.source].type().is_string()]
    return store(raw.engine, "worker_month", table) if parsed or not raw.typed else table


def _refuse_shared_columns(raw: RawTable, columns: Columns) -> None:
    """An outcome that is also the month or the coverage would be explained by itself."""
    roles = {"month": columns.month, "first covered month": columns.first_covered, "coverage": columns.covered, "worker": columns.worker}
    for name, source in columns.numbers.items():
        for role, other in roles.items():
            if source == other:
                raise DataError(
                    f"{raw.name}: column `{source}` is asked for twice.\nFound it as {name} and as {role}.\nName another column for one of them."
                )


@dataclass(frozen=True, slots=True)
class _Read:
    """One column of the clean table: where it comes from, and what may be wrong with it."""

    source: str
    values: Values
    needs: str
    """What a value must be, for messages."""
    required: bool = False
    format_uses: tuple[tuple[str, ir.BooleanValue], ...] = ()


def _read(raw: RawTable, columns: Columns, calendar: Calendar, formats: tuple[str, ...]) -> dict[str, _Read]:
    """Read every column that is asked for, in the order of the schema."""
    read: dict[str, _Read] = {}
    identifier = values.identifier if columns.keep_whole_numbers else values.text
    for name, source in zip(_IDENTIFIERS, (columns.worker, columns.unit or columns.worker, columns.cluster), strict=True):
        if source:
            read[name] = _Read(source, identifier(raw.column(source)), "a name or number that identifies", required=True)
    read["month"] = _Read(columns.month, read_month(calendar, raw.column(columns.month)), _written(calendar), required=True)
    if columns.weight:
        read["weight"] = _Read(columns.weight, _positive(values.number(raw.column(columns.weight))), "a positive number", required=True)
    if columns.first_covered:
        column = raw.column(columns.first_covered)
        read["first_covered"] = _Read(
            columns.first_covered, read_first_covered(calendar, column), f"{_written(calendar)}, or 0, empty or inf for never"
        )
    if columns.covered:
        read["covered"] = _Read(columns.covered, _yes_no(values.number(raw.column(columns.covered))), "0 or 1", required=True)
    for name, source in (("joined", columns.joined), ("left", columns.left)):
        if source:
            days, uses = values.day(raw.column(source), formats)
            needs = f"a date written as {' or '.join(formats or (values.ISO_DAY,))}"
            read[name] = _Read(source, days, needs, name == "joined", tuple(zip(formats, uses, strict=False)))
    if columns.hours:
        read[HOURS] = _Read(columns.hours, values.number(raw.column(columns.hours)), "a number of hours")
    return read | _read_numbers(raw, columns)


def _read_numbers(raw: RawTable, columns: Columns) -> dict[str, _Read]:
    """Read what units are beside their names, and what is measured."""
    read: dict[str, _Read] = {}
    for name, source in columns.traits.items():
        column = raw.column(source)
        named = _Read(source, values.text(column), "a name or number that identifies", required=True)
        needs = "a number; 0 for units that are never covered" if name == "dose" else "a number"
        read[name] = named if name == "stratum" else _Read(source, values.number(column), needs, required=True)
    for name, source in columns.numbers.items():
        read[name] = _number(raw, source, columns.transforms.get(name, "none"))
        if name.startswith("covariate"):
            read[name] = replace(read[name], needs=f"a number; write C({source}) for a column of categories")
    return read


def _written(calendar: Calendar) -> str:
    if calendar.written == "whole number":
        return "a whole number (a year, or the number of a period); months are written 2024-03, 202403 or as dates"
    return f"a {calendar.written}"


def _number(raw: RawTable, source: str, transform: Transform) -> _Read:
    found = _without_declared(raw, source, values.number(raw.column(source)))
    if transform == "none":
        return _Read(source, found, "a number")
    if transform == "percent":
        outside = found.bad | ~found.value.between(0, 1).fill_null(True)
        return _Read(source, Values(100 * found.value, found.missing, outside), "a share from 0 to 1, because it is read as per cent")
    positive = _positive(found)
    logged = positive.bad.ifelse(ibis.null("float64"), positive.value).ln()
    return _Read(source, Values(logged, positive.missing, positive.bad), "a positive number, because its logarithm is taken")


def _without_declared(raw: RawTable, source: str, found: Values) -> Values:
    """Take values that the file itself declares as missing, such as -8 for `refused` or `.a` of Stata, for missing."""
    codes = list(raw.missing.get(source, ()))
    if not codes:
        return found
    declared = raw.column(source).cast("string").isin(codes).fill_null(False)
    return Values(declared.ifelse(ibis.null("float64"), found.value), found.missing | declared, found.bad & ~declared)


def _positive(found: Values) -> Values:
    return Values(found.value, found.missing, found.bad | (found.value <= 0).fill_null(False))


def _yes_no(found: Values) -> Values:
    return Values(found.value == 1, found.missing, found.bad | (~found.value.isin((0, 1))).fill_null(False))


def _refuse_bad_values(raw: RawTable, read: dict[str, _Read], found: dict[str, Any]) -> None:
    for name, one in read.items():
        if found[f"bad_{name}"]:
            raise _value_error(raw, one, one.values.bad, int(found[f"bad_{name}"]), "cannot be used")
        if found.get(f"missing_{name}"):
            raise _value_error(raw, one, one.values.missing, int(found[f"missing_{name}"]), "is missing")


def _value_error(raw: RawTable, one: _Read, condition: ir.BooleanValue, count: int, what: str) -> DataError:
    examples = ", ".join(f"row {row} has `{values.shown(record[one.source])}`" for row, record in raw.first_rows(condition, (one.source,)))
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return DataError(
        f"{raw.name}: column `{one.source}` {what} in {rows}.\nFound: {examples}{', …' if count > 3 else ''}.\n"
        f"Each value must be {one.needs}; mend these rows in the source, or leave them out there."
    )


def _one_row_each(
    raw: RawTable, read: dict[str, _Read], table: ir.Table, ends: tuple[int, int], rule: TwoUnits
) -> tuple[ir.Table, int, tuple[Rule, ...]]:
    """See that a worker has one row a month, and count the workers; what is in two units is dealt with as the study says."""
    found = repeats_in(table, ends)
    if not found.twice:
        return table, found.workers, ()
    if rule == "refuse" or found.within_unit:
        _refuse_duplicates(raw, read, table, found.within_unit)
    resolved, counted = one_unit_a_month(table, rule)
    return resolved, found.workers, (counted,)


def _refuse_duplicates(raw: RawTable, read: dict[str, _Read], table: ir.Table, within_unit: bool) -> None:
    worker, month = read["worker"], read["month"]
    keys = {"worker_": table["worker"], "month_": table["month"], **({"unit_": table["unit"]} if within_unit else {})}
    counted = table.group_by(**keys).aggregate(rows_=table.count())
    twice = counted.filter(counted["rows_"] > 1)
    number = int(twice.count().to_pyarrow().as_py())
    first = twice.order_by("worker_", "month_").limit(1).to_pyarrow().to_pylist()[0]
    same = (worker.values.value == first["worker_"]) & (month.values.value == first["month_"])
    found = raw.first_rows(same.fill_null(False), (worker.source, month.source))
    rows = " and ".join(str(row) for row, _ in found)
    advice = (
        "One worker has one row a month: add such rows up, or remove the copies, in the source."
        if within_unit
        else "One worker has one row a month: add such rows up in the source, or say which of several units counts (`two_units` of a study, --two-units of `impact estimate`: first, main or split)."
    )
    raise DataError(
        f"{raw.name}: {number:,} pair{'s' if number > 1 else ''} of `{worker.source}` and `{month.source}` stand more than once.\n"
        f"Found worker `{values.shown(found[0][1][worker.source])}` in month `{found[0][1][month.source]}` in rows {rows}.\n{advice}"
    )


def _refuse_ambiguous_zero(raw: RawTable, first_covered: str, calendar: Calendar, ends: tuple[int, int]) -> None:
    """Zero means never; where periods are counted across zero it would also be one of them."""
    if calendar.period != "index" or not ends[0] <= 0 <= ends[1]:
        return
    said_zero = (raw.column(first_covered).cast("string").try_cast("float64") == 0).any()
    if raw.table.aggregate(zero=said_zero).to_pyarrow().to_pylist()[0]["zero"]:
        raise DataError(
            f"{raw.name}: `0` in column `{first_covered}` could mean never or period 0.\nFound periods {ends[0]} to {ends[1]}.\n"
            "Number the periods from 1 on."
        )


def _refuse_changing_coverage(raw: RawTable, read: dict[str, _Read], table: ir.Table) -> tuple[int, int]:
    """A unit is first covered once; `never` (missing) beside a month is a change too. Gives the number of units, and of those never covered."""
    unit, first = read["unit"], read["first_covered"]
    covered = table["first_covered"]
    spread = (covered.min() != covered.max()) | ((covered.count() > 0) & (covered.count() < table.count()))
    counted = table.group_by(unit_=table["unit"]).aggregate(changes_=spread.fill_null(False), never_=covered.count() == 0)
    changing = counted.filter(counted["changes_"])
    sums = counted.aggregate(units=counted.count(), never=counted["never_"].sum(), changing=counted["changes_"].sum())
    units, never, number = (int(value) for value in sums.to_pyarrow().to_pylist()[0].values())
    if number == 0:
        return units, never
    example = changing.order_by("unit_").limit(1).to_pyarrow().to_pylist()[0]["unit_"]
    found = raw.first_rows((unit.values.value == example).fill_null(False), (first.source,), most=1000)
    shown = {str(record[first.source]): row for row, record in reversed(found)}
    rows = ", ".join(f"`{value}` (row {row})" for value, row in list(shown.items())[:3])
    raise DataError(
        f"{raw.name}: column `{first.source}` changes within {number:,} unit{'s' if number > 1 else ''} of `{unit.source}`.\n"
        f"Found for `{example}`: {rows}.\n"
        "Coverage is decided for the unit: name the level at which it is decided, or mend the source."
    )


def _format_rules(name: str, one: _Read) -> list[tuple[Rule, ir.BooleanValue]]:
    column = _DAYS.get(name, Text(name, name))
    why = Text(
        f"declared rule of the study for `{one.source}`: the first format that gives a date",
        f"研究中对“{one.source}”声明的规则：取第一个能读出日期的格式",
    )
    return [(Rule(Text(f"{column.en} read as {form}", f"{column.zh}按{form}读取"), "read", 0, why), use) for form, use in one.format_uses]


_DAYS = {"joined": Text("joining day", "入职日期"), "left": Text("leaving day", "离职日期")}


def _missing_rules(name: str, one: _Read) -> list[tuple[Rule, ir.BooleanValue]]:
    if one.required or name in ("first_covered", "left", HOURS):
        return []
    why = Text(f"`{one.source}` is empty; the row does not count for it", f"“{one.source}”为空；该行不计入此项")
    return [(Rule(Text(f"no value of {name}", f"{name}无值"), "kept", 0, why), one.values.missing)]
