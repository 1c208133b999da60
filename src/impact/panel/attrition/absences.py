"""Who was away, from when to when: the one pass over worker-days, or worker-months, that every definition of leaving rests on. May touch: the engine.

Time is whole numbers, days since 1970 or months since year 0; nothing here knows which. An absence begins after the last active day τ and ends on the day of return,
missing where there was none. Whoever is away for more than w days has no two active days within one block of w + 1 days around the gap: it is enough to keep the first
and the last active day of each worker and block, found by adding up and not by sorting, and to sort those.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir

EPOCH = date(1970, 1, 1)


def day_number(day: ir.Column) -> ir.Column:
    """Count the days since 1970."""
    return day.cast("date").delta(ibis.date(EPOCH.isoformat()), unit="day").cast("int32")


def number_of(day: date) -> int:
    """Count the days of one date since 1970."""
    return (day - EPOCH).days


def absences(active: ir.Table, shortest: int) -> ir.Table:
    """Give every absence of more than `shortest` steps, and each worker's last one however short it is yet.

    `active` has `worker, time`, any number of rows for one worker and time. Returns `worker, since, back`: one row per absence; `since` is the last active time,
    `back` the time of return. Each worker has one row in which `back` is missing: the absence that begins with the last active time of all.
    """
    block = (active["time"] // (shortest + 1)).cast("int32")
    stretches = active.group_by("worker", block=block).aggregate(first=active["time"].min(), last=active["time"].max())
    following = stretches["first"].lead().over(ibis.window(group_by="worker", order_by="block"))
    table = stretches.select("worker", since="last", back=following)
    return table.filter(table["back"].isnull() | (table["back"] - table["since"] > shortest))


def exits_in_month(absent: ir.Table, month: ir.Column, windows: tuple[int, ...]) -> ir.Table:
    """Say of each worker and month in which an absence begins whether an exit by w is dated in it, for each window.

    `absent` are absences in days, `month` is the month of `since`. A month of which no row is given has none. Returns `worker, month, exit_{w}d` with zero or one;
    whether τ + w still lies within the data is for the caller to see.
    """
    gone = {f"exit_{days}d": _exits_by(absent, days).max().cast("float64") for days in windows}
    return absent.group_by("worker", month=month).aggregate(**gone)


def _exits_by(absent: ir.Table, window: int) -> ir.Column:
    """Say whether nothing was done in (τ, τ + w], as far as the data go: one or zero."""
    return (absent["back"].isnull() | (absent["back"] - absent["since"] > window)).cast("int8")
