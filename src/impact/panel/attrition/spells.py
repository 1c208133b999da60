"""One line for each worker: joined, first and last seen, left. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import ibis

from impact.clean.audit import Rule
from impact.errors import DataError
from impact.months import label, month_number
from impact.text import Text

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
    Raises DataError where a worker has two joining or leaving days, or left before joining, or where rows go on after `observed_until`.
    """
    rows = worker_months
    _require_observed(rows, observed_until)
    spells = rows.group_by("worker").aggregate(
        first_month=rows["month"].min(),
        last_month=rows["month"].max(),
        months_seen=rows.count(),
        joined=rows["joined"].min(),
        left=rows["left"].max(),
        joined_days=rows["joined"].nunique(),
        left_days=rows["left"].nunique(),
        rows_before_joining=(rows["month"] < _month_of(rows["joined"])).sum(),
        rows_after_leaving=(rows["month"] > _month_of(rows["left"])).sum(),
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


def _require_observed(rows: ir.Table, observed_until: date) -> None:
    last = int(rows["month"].max().to_pyarrow().as_py())
    if last > month_number(observed_until):
        raise DataError(
            f"spells: rows go on after the last day on which an exit would have been seen.\n"
            f"Found rows in {label('month', last)}, `observed_until` is {observed_until}.\nMend `attrition: observed_until` in the study."
        )


def _month_of(day: ir.Column) -> ir.Column:
    return (day.year() * 12 + day.month() - 1).cast("int64")


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


_COUNTED: dict[str, Rule] = {
    "early": Rule(
        Text("rows before the month of joining", "入职月份之前的数据行"),
        "kept",
        0,
        Text("in the stock, but of no tenure; not in the hazards by tenure", "计入存量，但无在职时长，不计入按在职时长的风险率"),
    ),
    "beyond": Rule(
        Text("rows after the month of leaving", "离职月份之后的数据行"),
        "kept",
        0,
        Text(
            "survival ends on the leaving day, yearly rates date the exit by the last month seen",
            "生存估计止于离职日，年流失率以末次出现的月份计",
        ),
    ),
    "late": Rule(
        Text("workers with delayed entry", "延迟进入观察的劳动者"),
        "kept",
        0,
        Text(
            "joined before the first month in which they are seen; at risk from then on", "入职早于首次出现的月份；自首次出现起计入风险集"
        ),
    ),
    "unseen": Rule(
        Text("workers who left before they are first seen", "首次出现之前已离职的劳动者"),
        "dropped",
        0,
        Text(
            "left on or before the day on which they would enter the risk set; not in survival with delayed entry",
            "在进入风险集当日或之前离职；不计入延迟进入的生存估计",
        ),
    ),
    "gaps": Rule(
        Text("workers with months missing in between", "中间缺月的劳动者"),
        "kept",
        0,
        Text("not in the stock in those months; not counted as exits", "这些月份不计入存量，也不算离职"),
    ),
    "silent": Rule(
        Text("workers last seen before the end without a leaving day", "在期末之前末次出现、但无离职日期的劳动者"),
        "kept",
        0,
        Text("counted as still there: the source records no exit", "视为仍在职：来源未记录离职"),
    ),
}
"""What the audit says of spells, by what is counted."""


def _rules(table: pd.DataFrame) -> tuple[Rule, ...]:
    """Count what was noticed about spells."""
    late = table["entry_days"] > 0
    counts = {
        "early": table["rows_before_joining"].fillna(0).sum(),
        "beyond": table["rows_after_leaving"].fillna(0).sum(),
        "late": late.sum(),
        "unseen": (late & (table["tenure_days"] <= table["entry_days"])).sum(),
        "gaps": (table["months_seen"] < table["last_month"] - table["first_month"] + 1).sum(),
        "silent": (~table["exited"] & (table["last_month"] < table["last_month"].max())).sum(),
    }
    return tuple(replace(_COUNTED[name], rows=int(count)) for name, count in counts.items())
