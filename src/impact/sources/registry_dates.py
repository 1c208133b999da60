"""First and last day that a date of the registry can mean: a month is all its days. May touch: nothing."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from impact.text import Text

if TYPE_CHECKING:
    from impact.sources.registry_records import Fact

DATE_NAMES: Mapping[str, Text] = {
    "offer": Text("offer", "要约"),
    "talks": Text("talks begin", "协商开始"),
    "announced": Text("announced", "公布"),
    "signed": Text("signed", "签订"),
    "effective": Text("in effect", "生效"),
    "expiry": Text("expiry", "届满"),
}
"""Dates of an agreement, in the order in which they follow each other, and what readers call them."""
DATES = tuple(DATE_NAMES)


@dataclass(frozen=True, slots=True)
class Days:
    """The days between which something that is dated lies."""

    first: date
    last: date


def days_of(text: str) -> Days:
    """Read "2025-07-01", "2025-07" or "2025".

    Raises ValueError where it is none of these.
    """
    if len(text) == 4:
        return _days(date.fromisoformat(f"{text}-01-01"), "year")
    if len(text) == 7:
        return _days(date.fromisoformat(f"{text}-01"), "month")
    return _days(date.fromisoformat(text), "day")


def days_of_fact(fact: Fact[date]) -> Days | None:
    """Give the days that a dated fact can mean; None where the date is not stated."""
    return None if fact.value is None else _days(fact.value, fact.precision)


def _days(first: date, precision: str) -> Days:
    if precision == "year":
        return Days(first, date(first.year, 12, 31))
    if precision == "month":
        return Days(first, first.replace(day=monthrange(first.year, first.month)[1]))
    return Days(first, first)
