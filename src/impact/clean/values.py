"""One column as received becomes one typed column; what cannot be read is marked, never guessed. May touch: nothing."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import ibis

from impact import settings
from impact.clean.identifiers import kind_of
from impact.clean.privacy import MARKS, masked
from impact.errors import DataError

if TYPE_CHECKING:
    import ibis.expr.types as ir


@ibis.udf.scalar.builtin(name="try_strptime")  # type: ignore[untyped-decorator]
def _try_strptime(text: str, form: str) -> datetime.datetime:
    """Read a date in DuckDB, giving a missing value where the text has another form."""
    raise AssertionError(f"{text}, {form}: runs in the engine")


_NUMBER = r"(?i)^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(nan|inf|infinity)$"
"""What counts as written like a number: no signs between the digits, which the engine would read over."""
ISO_DAY = "%Y-%m-%d"
"""How days are written where a study does not say."""


@dataclass(frozen=True, slots=True)
class Values:
    """A typed column, and two flags for each row."""

    value: ir.Column
    missing: ir.BooleanValue
    """Nothing was given."""
    bad: ir.BooleanValue
    """Something was given that cannot be read."""


def number(column: ir.Column) -> Values:
    """Read a number; `1,234`, `12 yuan` and infinities are not numbers."""
    kind = column.type()
    if kind.is_string():
        text = _trimmed(column)
        missing = text.lower().isin(settings.MISSING_WORDS).fill_null(True)
        value = text.re_search(_NUMBER).ifelse(text.try_cast("float64"), ibis.null("float64"))
        return Values((missing | value.isnan()).ifelse(ibis.null("float64"), value), missing, ~missing & ~_is_finite(value))
    if kind.is_integer():
        return Values(column.cast("float64"), column.isnull(), ibis.literal(False) & column.isnull())
    if kind.is_boolean() or kind.is_numeric():
        value = column.cast("int32").cast("float64") if kind.is_boolean() else column.cast("float64")
        missing = (value.isnull() | value.isnan()).fill_null(True)
        return Values(missing.ifelse(ibis.null("float64"), value), missing, ~missing & ~_is_finite(value))
    return Values(ibis.null("float64"), column.isnull(), column.notnull())


def text(column: ir.Column) -> Values:
    """Read a name or an identifier, as text, without the blanks around it."""
    value = _trimmed(column) if column.type().is_string() else column.cast("string")
    missing = (value.isnull() | (value == "")).fill_null(True)
    return Values(missing.ifelse(ibis.null("string"), value), missing, ibis.literal(False) & missing)


def identifier(column: ir.Column) -> Values:
    """Read a name or an identifier as text, except that whole numbers stay numbers."""
    if not column.type().is_integer():
        return text(column)
    return Values(column, column.isnull(), ibis.literal(False) & column.isnull())


def day(column: ir.Column, formats: tuple[str, ...]) -> tuple[Values, tuple[ir.BooleanValue, ...]]:
    """Read a day by the first of several formats that gives a date, and say for each row which one it was."""
    kind = column.type()
    if kind.is_date() or kind.is_timestamp():
        return Values(column.cast("date"), column.isnull(), ibis.literal(False) & column.isnull()), ()
    if not kind.is_string():
        raise DataError(
            f"column `{column.get_name()}`: it holds no dates.\nFound values of type {kind}.\nGive days as dates, or as text with `dates: formats`."
        )
    formats = formats or (ISO_DAY,)
    written = _trimmed(column)
    missing = written.lower().isin(settings.MISSING_WORDS).fill_null(True)
    readings = [_try_strptime(written, form).cast("date") for form in formats]
    value = ibis.coalesce(*readings)
    uses = tuple(
        ~missing & reading.notnull() & (ibis.coalesce(*readings[:place]).isnull() if place else ibis.literal(True))
        for place, reading in enumerate(readings)
    )
    return Values(missing.ifelse(ibis.null("date"), value), missing, ~missing & value.isnull()), uses


def moment(column: ir.Column, formats: tuple[str, ...]) -> Values:
    """Read a day with a time of day by the first of several formats that gives one."""
    written = _trimmed(column)
    missing = written.lower().isin(settings.MISSING_WORDS).fill_null(True)
    value = ibis.coalesce(*(_try_strptime(written, form) for form in formats))
    return Values(missing.ifelse(ibis.null("timestamp"), value), missing, ~missing & value.isnull())


_CODE = re.compile(r"(?=[\w-]*[A-Za-z]{2})(?=(?:[\w-]*\d){4})[\w-]{6,}", re.ASCII)
"""Letters and digits that look like the number of an account."""
_SHOWN, _LOOKED_AT = 60, 200
"""Characters of a value that a message shows, and that are looked at for what must be masked."""


def is_text(column: ir.Column) -> ir.BooleanValue:
    """Say where something is written."""
    return (cast("ir.StringColumn", column).length() > 0).fill_null(False)


def shown(value: object) -> str:
    """Write a value for a message: short, and with what would single a person out taken out of it."""
    written = "" if value is None else str(value)
    kind = kind_of(written[:_LOOKED_AT])
    if kind:
        return MARKS[kind]
    text = _CODE.sub(lambda code: f"{code[0][:2]}…", masked(written[:_LOOKED_AT]))
    return text if len(written) <= _SHOWN else f"{text[:_SHOWN]}… ({len(written):,} characters)"


def _trimmed(column: ir.Column) -> ir.StringValue:
    return cast("ir.StringColumn", column).strip()


def _is_finite(value: ir.Column) -> ir.BooleanValue:
    return (value.notnull() & ~value.isinf() & ~value.isnan()).fill_null(False)
