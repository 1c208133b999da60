"""How a table writes its months, found once and then held to: a value that is written otherwise is an error, with its row. May touch: the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import ibis

from impact import settings
from impact.clean import values
from impact.clean.values import Values
from impact.errors import DataError
from impact.months import STEPS, Period

if TYPE_CHECKING:
    import ibis.expr.types as ir

_ISO = r"^\d{4}-\d{1,2}(-\d{1,2}([ T].*)?)?$"
_FIRST_PACKED, _LAST_PACKED = 180001, 220012
LeaveOut = Callable[["ir.Column"], "ir.BooleanValue"]
"""Says which values of a column do not count."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """How months are written in a column, and what one step is."""

    period: Period
    written: Literal["whole number", "month such as 202403", "month such as 2024-03", "date", "date format"]
    formats: tuple[str, ...] = ()


def calendar_of(column: ir.Column, period: Period | None, formats: tuple[str, ...] = (), leave_out: LeaveOut | None = None) -> Calendar:
    """Find how a column writes its months, from what most of its values look like.

    `period` is what one step is; None lets the column decide: dates, `2024-03` and `202403` are months, numbers between 1800 and 2200 are years,
    other whole numbers are an index. `formats` are tried where nothing else fits; values for which `leave_out` holds do not count.
    Raises DataError where the column cannot be what the period says.
    """
    found = _calendar(column, period, formats, leave_out)
    if period is None or period == found.period or (period == "index" and found.written == "whole number"):
        return found if period is None else Calendar(period, found.written, found.formats)
    if period == "year" and found.written == "whole number":
        return Calendar("year", "whole number")
    raise DataError(
        f"column `{column.get_name()}`: its values are no {STEPS[period].en}.\nFound values such as `{_example(column, leave_out)}`.\n"
        "A month is a date, 2024-03 or 202403, or text in one of the study's `dates: formats`; a year or an index is a whole number."
    )


def _calendar(column: ir.Column, period: Period | None, formats: tuple[str, ...], leave_out: LeaveOut | None) -> Calendar:
    if getattr(column.type(), "timezone", None):
        raise DataError(
            f"column `{column.get_name()}`: its times carry a time zone, so the day that they fall on depends on who asks.\nFound {column.type()}.\n"
            "Write dates without a zone, in local time."
        )
    if column.type().is_date() or column.type().is_timestamp():
        return Calendar("month", "date")
    looks = _looks(column, period, leave_out)
    if "iso" in looks:
        return Calendar("month", "month such as 2024-03")
    if "packed day" in looks:
        raise DataError(
            f"column `{column.get_name()}`: its values look like days written as one number.\nFound values such as `{_example(column, leave_out)}`.\n"
            "Write days as 2024-03-01, or months as 202403."
        )
    if "packed month" in looks:
        return Calendar("month", "month such as 202403")
    if formats and column.type().is_string():
        return Calendar("month", "date format", formats)
    return Calendar("year" if "year" in looks else "index", "whole number")


def _looks(column: ir.Column, period: Period | None, leave_out: LeaveOut | None) -> set[str]:
    """Say what most of the values look like, by one look at the rows that counts each distinct value."""
    name = column.get_name()
    distinct = column.as_table().group_by(name).aggregate(rows_=lambda rows: rows.count())
    value = distinct[name]
    number = values.number(value).value
    packed = number.between(_FIRST_PACKED, _LAST_PACKED)
    looks: dict[str, ir.BooleanValue] = {
        "packed day": number.between(100 * _FIRST_PACKED, 100 * _LAST_PACKED + 31),
        "packed month": packed if period == "month" else packed & (number % 100).between(1, 12),
        "year": number.between(1800, 2200),
    }
    if value.type().is_string():
        looks["iso"] = cast("ir.StringColumn", value).strip().re_search(_ISO)
    counts = cast("ir.IntegerColumn", distinct["rows_"])
    given = value.notnull() if leave_out is None else ~leave_out(value)
    wanted = {"given": counts.sum(where=given), **{look: counts.sum(where=given & held) for look, held in looks.items()}}
    found = distinct.aggregate([expression.name(look) for look, expression in wanted.items()]).to_pyarrow().to_pylist()[0]
    return {look for look in looks if 2 * int(found[look] or 0) > int(found["given"] or 0)}


def read_month(calendar: Calendar, column: ir.Column) -> Values:
    """Read a column of months as whole numbers, in the way that the calendar says."""
    if calendar.written == "whole number" and column.type().is_integer():
        return Values(column.cast("int64"), column.isnull(), ibis.literal(False) & column.isnull())
    if calendar.written in ("whole number", "month such as 202403"):
        return _whole(values.number(column), packed=calendar.written != "whole number")
    if calendar.written == "month such as 2024-03":
        return _iso(column)
    days, _ = values.day(column, calendar.formats)
    return Values(_months(days.value), days.missing, days.bad)


def read_first_covered(calendar: Calendar, column: ir.Column) -> Values:
    """Read first covered months, which may be written otherwise than the months; 0, empty and inf mean never, a missing value here.

    Raises DataError where they are steps of another kind.
    """
    never = _says_never(column)
    name = column.get_name()
    distinct = column.as_table().select(name).distinct()
    if not distinct.aggregate(found=(~_says_never(distinct[name])).any()).to_pyarrow().to_pylist()[0]["found"]:
        return Values(ibis.null("int64"), never, never & ~never)
    read = read_month(calendar_of(column, calendar.period, calendar.formats, leave_out=_says_never), column)
    return Values(never.ifelse(ibis.null("int64"), read.value), never, ~never & (read.bad | read.missing))


def _says_never(column: ir.Column) -> ir.BooleanValue:
    if column.type().is_integer():
        return (column.isnull() | (column == 0)).fill_null(True)
    if column.type().is_numeric():
        number = column.cast("float64")
        return (number.isnull() | number.isnan() | number.isinf() | (number == 0)).fill_null(True)
    if column.type().is_date() or column.type().is_timestamp():
        return column.isnull()
    written = cast("ir.StringColumn", column.cast("string")).strip().lower()
    number = written.try_cast("float64")
    said = written.isin((*settings.NEVER_WORDS, *settings.MISSING_WORDS)) | number.isinf() | number.isnan() | (number == 0)
    return said.fill_null(False) | column.isnull()


def _example(column: ir.Column, leave_out: LeaveOut | None) -> object:
    given = column.notnull() if leave_out is None else ~leave_out(column)
    shown = column.as_table().mutate(value_=column.cast("string"), given_=given)
    found = shown.filter(shown["given_"]).limit(1).to_pyarrow()["value_"].to_pylist()
    return found[0] if found else ""


def _whole(number: Values, packed: bool) -> Values:
    rounded = number.value.try_cast("int64")  # nothing where it is infinite or too large for any calendar
    good = (number.value == rounded.cast("float64")).fill_null(False)
    if packed:
        good = good & rounded.between(_FIRST_PACKED, _LAST_PACKED) & (rounded % 100).between(1, 12)
    value = rounded // 100 * 12 + rounded % 100 - 1 if packed else rounded
    return Values(good.ifelse(value.cast("int64"), ibis.null("int64")), number.missing, number.bad | (~number.missing & ~good))


def _iso(column: ir.Column) -> Values:
    written = cast("ir.StringColumn", column).strip()
    parts = [written.re_extract(r"^(\d{4})-(\d{1,2})", place).try_cast("int64") for place in (1, 2)]
    missing = written.lower().isin(settings.MISSING_WORDS).fill_null(True)
    good = (written.re_search(_ISO) & parts[1].between(1, 12)).fill_null(False)
    value = (parts[0] * 12 + parts[1] - 1).cast("int64")
    return Values(good.ifelse(value, ibis.null("int64")), missing, ~missing & ~good)


def _months(days: ir.Column) -> ir.Column:
    date = cast("ir.DateColumn", days)
    return (date.year() * 12 + date.month() - 1).cast("int64")
