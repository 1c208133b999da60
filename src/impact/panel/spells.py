"""One line for each worker: joined, first and last seen, left. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis

from impact.clean.audit import Rule
from impact.errors import DataError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Spells:
    """Worker spells (`schema.WORKER_SPELL`), and what was noticed on the way."""

    table: pd.DataFrame
    rules: tuple[Rule, ...]


def worker_spells(worker_months: ir.Table, observed_until: date) -> Spells:
    """Give the spell of each worker from worker-months with `joined` and `left`.

    Tenure is counted in days from joining. A worker who joined before being first seen enters late: at the first day of the first month seen.
    Raises DataError where a worker has two joining or leaving days, or left before joining.
    """
    rows = worker_months
    spells = rows.group_by("worker").aggregate(
        first_month=rows["month"].min(),
        last_month=rows["month"].max(),
        months_seen=rows.count(),
        joined=rows["joined"].min(),
        left=rows["left"].max(),
        joined_days=rows["joined"].nunique(),
        left_days=rows["left"].nunique(),
    )
    end = ibis.date(observed_until.isoformat())
    spells = spells.mutate(exited=(spells["left"] <= end).fill_null(False))
    spells = spells.mutate(end=spells["exited"].ifelse(spells["left"], end), start=_first_day(spells["first_month"]))
    spells = spells.mutate(
        tenure_days=_days(spells["joined"], spells["end"]),
        entry_days=ibis.greatest(_days(spells["joined"], spells["start"]), ibis.literal(0)),
    )
    table = spells.order_by("worker").to_pandas()
    _refuse(table, table["joined_days"] > 1, "joined on more than one day")
    _refuse(table, table["left_days"] > 1, "left on more than one day")
    _refuse(table, table["tenure_days"] < 0, "left before joining")
    columns = ["worker", "first_month", "last_month", "months_seen", "entry_days", "tenure_days", "exited"]
    return Spells(table[columns], _rules(table))


def _first_day(month: ir.Column) -> ir.Column:
    """Give the first day of a month that is counted from January of year 0."""
    number = month.cast("int64")
    text = (number // 12).cast("string").lpad(4, "0") + "-" + (number % 12 + 1).cast("string").lpad(2, "0") + "-01"
    return text.cast("date")


def _days(start: ir.Column, end: ir.Column) -> ir.Column:
    return end.delta(start, unit="day").cast("int64")


def _refuse(table: pd.DataFrame, bad: pd.Series[bool], what: str) -> None:
    if bad.any():
        first = table[bad].iloc[0]
        raise DataError(
            f"spells: {int(bad.sum()):,} worker{'s' if bad.sum() > 1 else ''} {what}.\nFound worker `{first['worker']}`: joined {first['joined']}, left {first['left']}.\n"
            "Mend these rows in the source, or check the date formats of the study."
        )


def _rules(table: pd.DataFrame) -> tuple[Rule, ...]:
    gaps = table["months_seen"] < table["last_month"] - table["first_month"] + 1
    late = table["entry_days"] > 0
    unseen = late & (table["tenure_days"] <= table["entry_days"])
    silent = ~table["exited"] & (table["last_month"] < table["last_month"].max())
    return (
        Rule(
            "workers with delayed entry",
            "kept",
            int(late.sum()),
            "joined before the first month in which they are seen; at risk from then on",
        ),
        Rule(
            "workers who left before they are first seen",
            "dropped",
            int(unseen.sum()),
            "left on or before the day on which they would enter the risk set; not in survival with delayed entry",
        ),
        Rule("workers with months missing in between", "kept", int(gaps.sum()), "not in the stock in those months; not counted as exits"),
        Rule(
            "workers last seen before the end without a leaving day",
            "kept",
            int(silent.sum()),
            "counted as still there: the source records no exit",
        ),
    )
