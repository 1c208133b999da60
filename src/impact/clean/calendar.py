"""How a table writes its months, found once and then held to. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import ibis

from impact import settings
from impact.clean import values
from impact.clean.values import Values
from impact.months import Period

if TYPE_CHECKING:
    import ibis.expr.types as ir

_ISO = r"^\d{4}-\d{1,2}(-\d{1,2}([ T].*)?)?$"


@dataclass(frozen=True, slots=True)
class Calendar:
    """How months are written in a table, and what one step is."""

    period: Period
    written: Literal["whole number", "year and month as one number", "ISO date", "date", "date format"]
    formats: tuple[str, ...] = ()


def calendar_of(column: ir.Column, period: Period | None, formats: tuple[str, ...] = ()) -> Calendar:
    """Find how a column writes its months.

    `period` is what the study says one step is; None lets the column decide: dates and `202403` are months, four digits between 1800 and
    2200 are years, other whole numbers are an index.
    """
    if formats:
        return Calendar("month", "date format", formats)
    if column.type().is_date() or column.type().is_timestamp():
        return Calendar("month", "date")
    if column.type().is_string() and _all(column, cast("ir.StringColumn", column).re_search(_ISO)):
        return Calendar("month", "ISO date")
    number = values.number(column).value
    if period in (None, "month") and _all(column, number.between(180001, 220012) & (number % 100).between(1, 12)):
        return Calendar("month", "year and month as one number")
    if period is None:
        period = "year" if _all(column, number.between(1800, 2200)) else "index"
    return Calendar(period, "whole number")


def read_month(calendar: Calendar, column: ir.Column) -> Values:
    """Read a column of months as whole numbers, in the way that the calendar says."""
    if calendar.written in ("whole number", "year and month as one number"):
        return _whole(values.number(column), packed=calendar.written != "whole number")
    if calendar.written == "ISO date":
        return _iso(column)
    days, _ = values.day(column, calendar.formats)
    return Values(_months(days.value), days.missing, days.bad)


def read_first_covered(calendar: Calendar, column: ir.Column) -> Values:
    """Read first covered months; 0, empty and inf mean never, which is a missing value here."""
    never = _says_never(column)
    read = read_month(calendar, column)
    return Values(never.ifelse(ibis.null("int64"), read.value), never, ~never & (read.bad | read.missing))


def _says_never(column: ir.Column) -> ir.BooleanValue:
    if column.type().is_numeric():
        number = column.cast("float64")
        return (number.isnull() | number.isnan() | number.isinf() | (number == 0)).fill_null(True)
    written = cast("ir.StringColumn", column.cast("string")).strip().lower()
    number = written.try_cast("float64")
    said = written.isin((*settings.NEVER_WORDS, *settings.MISSING_WORDS)) | number.isinf() | number.isnan() | (number == 0)
    return said.fill_null(False) | column.isnull()


def _all(column: ir.Column, condition: ir.BooleanValue) -> bool:
    """Say whether a condition holds wherever the column has a value, and that it has one."""
    counted = column.as_table().aggregate(given=column.notnull().sum(), held=(column.notnull() & condition.fill_null(False)).sum())
    given, held = counted.to_pyarrow().to_pylist()[0].values()
    return bool(given) and given == held


def _whole(number: Values, packed: bool) -> Values:
    rounded = number.value.try_cast("int64")  # nothing where it is infinite or too large for any calendar
    whole = (number.value == rounded.cast("float64")).fill_null(False)
    value = rounded // 100 * 12 + rounded % 100 - 1 if packed else rounded
    return Values(whole.ifelse(value.cast("int64"), ibis.null("int64")), number.missing, number.bad | (~number.missing & ~whole))


def _iso(column: ir.Column) -> Values:
    written = cast("ir.StringColumn", column).strip()
    parts = written.re_extract(r"^(\d{4})-(\d{1,2})", 1).try_cast("int64"), written.re_extract(r"^(\d{4})-(\d{1,2})", 2).try_cast("int64")
    missing = written.lower().isin(settings.MISSING_WORDS).fill_null(True)
    good = (written.re_search(_ISO) & parts[1].between(1, 12)).fill_null(False)
    value = (parts[0] * 12 + parts[1] - 1).cast("int64")
    return Values(good.ifelse(value, ibis.null("int64")), missing, ~missing & ~good)


def _months(days: ir.Column) -> ir.Column:
    date = cast("ir.DateColumn", days)
    return (date.year() * 12 + date.month() - 1).cast("int64")
