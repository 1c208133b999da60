"""What looks suspicious in a table, whatever its source: said with plain advice, never mended. May touch: the engine.

Rules look at whole columns, months and files; no rule shows a value of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from impact.clean.audit import Cleaned, Finding
from impact.clean.quality.columns import (
    Complete,
    Plausible,
    completeness,
    constant_columns,
    empty_in_files,
    far_values,
    implausible,
    missing_by,
    missing_in_months,
    naming_columns,
)
from impact.clean.quality.files import file_findings, resent_months
from impact.clean.quality.months import month_findings
from impact.months import label
from impact.sources.dataset import FILE, Dataset
from impact.study.delivery import DeliverySource
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from impact.clean.worker_month import WorkerMonths
    from impact.sources.raw import RawTable
    from impact.study import Study

_YUAN, _HOURS = Text("yuan", "元"), Text("hours", "小时")
NET_INCOME = Plausible(
    Text("net income of a month", "月净收入"),
    200,
    60_000,
    _YUAN,
    Text(
        "ask for the unit: fen, thousands or ten thousands of yuan, or a day's instead of a month's",
        "核实单位：分、千元或万元，或并非按月而是按日计",
    ),
)
HOURS_ONLINE = Plausible(
    Text("hours online in a month", "月在线时长"),
    4,
    400,
    _HOURS,
    Text("ask for the unit: minutes or seconds, or a day's instead of a month's", "核实单位：分钟或秒，或并非按月而是按日计"),
)
DELIVERED_RANGES = {"net_est": NET_INCOME, "online_h": HOURS_ONLINE}
"""Columns of exported worker-months whose level is known."""
_AMOUNTS = ("active_days", "orders", "online_h", "gross", "receipts")
_FILLED = ("city_id", "orders", "online_h", "p1_h", "p2_h", "p3_h", "gross", "take", "receipts", "cost_est", "net_est", "reg_date")
"""Columns that every row of an export should fill; others are empty for reasons of their own."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How complete the worker-months of a study are, and what looks suspicious in them."""

    complete: tuple[Complete, ...]
    findings: tuple[Finding, ...]

    def table(self) -> pd.DataFrame:
        """Lay completeness out: `column, rows, missing, worst, worst_share`, one row per column."""
        import pandas as pd

        return pd.DataFrame([one.as_dict() for one in self.complete])

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {"complete": [one.as_dict() for one in self.complete], "findings": [one.as_dict() for one in self.findings]}


def dataset_findings(dataset: Dataset, cleaned: Cleaned) -> tuple[Finding, ...]:
    """Look at one delivered table after cleaning: its files beside each other, its columns file by file, its levels platform by platform.

    What cleaning found already is not said again.
    """
    table = cleaned.table
    lacking = " ".join(finding.text.en for finding in cleaned.findings if finding.rule == "column_missing_in_files")
    found = file_findings(dataset.files)
    if dataset.name == "worker_month":  # cleaning names the months that a platform lacks
        found = [finding for finding in found if finding.rule != "month_without_file"]
    if dataset.name in ("worker_month", "worker_day"):
        found += resent_months(table, _AMOUNTS)
    filled = [name for name in _FILLED if name in table.columns and f"`{name}`" not in lacking]
    if filled:
        found += empty_in_files(missing_by(table, filled, FILE), dataset.name)
    if dataset.name == "worker_month":
        found += _levels(table)
    return tuple(found)


def study_quality(study: Study, raw: RawTable, clean: WorkerMonths) -> Quality:
    """Look at the worker-months of a study, and at the table they were read from where it is one table.

    `raw` is what arrived, `clean` what `clean_for` made of it.
    """
    table, months = clean.table, _written(clean)
    counted = missing_by(table, [name for name in table.columns if name not in _MAY_BE_MISSING], "month")
    made = isinstance(study.source, DeliverySource)
    found = [
        *missing_in_months(counted, months, raw.name),
        *month_findings(table, raw.name, lambda month: months.get(month, label(clean.period, month))),
    ]
    found += _outcomes(study, table, raw.name)
    found += [] if made else _received(study, raw)
    return Quality(completeness(counted, months), tuple(found))


_MAY_BE_MISSING = ("first_covered", "left")
"""Missing says something here: never covered, not left."""


def _written(clean: WorkerMonths) -> dict[int, str]:
    months = clean.table.select("month").distinct().to_pyarrow()["month"].to_pylist()
    return {int(month): label(clean.period, int(month)) for month in months}


def _levels(table: ir.Table) -> list[Finding]:
    """Hold the medians of each platform against what they can be, and hours against days."""
    platforms = table.select("platform_id").distinct().order_by("platform_id").to_pyarrow()["platform_id"].to_pylist()
    found: list[Finding] = []
    for column, plausible in DELIVERED_RANGES.items():
        for platform in platforms if column in table.columns else ():
            found += implausible(table.filter(table["platform_id"] == platform), column, plausible, f"worker_month, {platform}")
    return found + _hours_beyond_days(table)


def _hours_beyond_days(table: ir.Table) -> list[Finding]:
    if "online_h" not in table.columns:
        return []
    beyond = cast("ir.NumericColumn", table["online_h"]) > 24 * cast("ir.NumericColumn", table["active_days"])
    rows = int(table.aggregate(rows=beyond.fill_null(False).sum()).to_pyarrow().to_pylist()[0]["rows"] or 0)
    if not rows:
        return []
    return [
        Finding(
            "hours_beyond_days",
            "warning",
            "worker_month",
            rows,
            Text("more hours online than 24 for each working day", "在线时长超过出工天数乘以24小时"),
            Text(
                "ask how hours and days are counted; hours of several devices may have been added up",
                "核实时长与天数的口径；可能把多台设备的时长相加",
            ),
        )
    ]


def _outcomes(study: Study, table: ir.Table, where: str) -> list[Finding]:
    found: list[Finding] = []
    for outcome in study.outcomes:
        if outcome.kind == "income" and outcome.transform == "none" and not outcome.log_already:
            found += far_values(table, outcome.name, where)
            found += implausible(table, outcome.name, NET_INCOME, where) if outcome.unit.en.strip().lower() == "yuan" else []
    return found


def _received(study: Study, raw: RawTable) -> list[Finding]:
    """Look at a table that arrived as one: constant columns, columns that name persons, rows that stand twice."""
    columns, worker = list(raw.table.columns), study.columns.worker
    found = constant_columns(raw.table, columns, raw.name)
    found += naming_columns(raw.table, [name for name in columns if name != worker], raw.name)
    return found + ([] if worker else _copies(raw))


def _copies(raw: RawTable) -> list[Finding]:
    """Count rows that repeat another one; with a column of workers, cleaning refuses them."""
    rows, distinct = (int(one.count().to_pyarrow().as_py()) for one in (raw.table, raw.table.distinct()))
    if rows == distinct:
        return []
    return [
        Finding(
            "same_rows",
            "note",
            raw.name,
            rows - distinct,
            Text(f"{rows - distinct:,} rows repeat another row in every column", f"{rows - distinct:,}行与另一行完全相同"),
            Text(
                "no column tells workers apart, so that copies cannot be told from people who are alike: ask for one",
                "没有能区分劳动者的列，无法分辨副本与情况相同的人：请补充该列",
            ),
        )
    ]
