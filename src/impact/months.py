"""Time as whole numbers: years, months counted from January of year 0, or a bare index. May touch: nothing."""

from __future__ import annotations

from datetime import date
from typing import Literal

from impact.text import Text

Period = Literal["month", "year", "index"]
"""What one step of time is; `index` where a file numbers its periods without saying what they are."""


STEPS: dict[Period, Text] = {"month": Text("months", "月"), "year": Text("years", "年"), "index": Text("periods", "期")}
"""What several steps are called."""


def month_number(day: date) -> int:
    """Count months from January of year 0, so that differences are months between."""
    return day.year * 12 + day.month - 1


def label(period: Period, value: int) -> str:
    """Write a time for readers: `2024-03` for a month, the number itself otherwise."""
    if period != "month":
        return str(value)
    return f"{value // 12:04d}-{value % 12 + 1:02d}"


def per_year(period: Period) -> int:
    """Give the number of periods in a year; an index is taken as months."""
    return 1 if period == "year" else 12
