"""From what customers paid to what a worker keeps: means of a month with work, and sums, of those covered and those never covered, before and after. May touch: the engine.

The steps in yuan are taken over the same worker-months, those in which every step is known, so that they add up. Rates are ratios of sums. Those never covered are split at the first
agreement of the sample, each covered worker at the own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from impact.panel.income.dose import commission_kept, works

if TYPE_CHECKING:
    import ibis.expr.types as ir

YUAN = (
    "gross_yuan",
    "commission_yuan",
    "incentive_yuan",
    "waiver_refund_yuan",
    "penalty_yuan",
    "receipts_yuan",
    "cost_yuan",
    "income_net_yuan",
)
"""Steps of the ladder, in order."""
COUNTS = ("complete", "incomplete")
"""Months with work in which every delivered step is known, and those in which one is missing."""
_RATES: dict[str, tuple[str, str]] = {
    "income_net_real_yuan": ("income_net_real_yuan", ""),
    "hourly_net_yuan": ("income_net_yuan", "online_hours"),
    "hourly_net_engaged_yuan": ("income_net_yuan", "engaged_hours"),
    "hourly_net_real_yuan": ("income_net_real_yuan", "online_hours"),
    "effective_commission": ("kept_", "gross_yuan"),
    "below_minimum": ("below_minimum", ""),
    "multi_homer": ("multi_homer", ""),
}
"""Line → what is summed, and what it is divided by; by months where that is empty."""
SINGLE = "hourly_net_single_yuan"
"""Net pay by hour online of those who work on one platform only: the others' hours overlap."""
LINES = (*YUAN, *(name for name in _RATES if name != "multi_homer"), SINGLE, "multi_homer", *COUNTS)
"""Every line, in order."""


def income_ladder(table: ir.Table) -> pd.DataFrame:
    """Give the ladder of worker-months with `month, worker, first_covered` and columns of pay.

    One row per `line, group` (covered, never), `when` (before, after): `workers, contributors, worker_months, mean, total`; `contributors` are the workers whose
    amount is not zero anywhere, `total` is in yuan; both of steps in yuan alone. Empty where there is no pay.
    """
    steps = [name for name in YUAN if name in table.columns]
    if not steps:
        return no_ladder()
    rows = _placed(table, steps)
    complete = rows.filter(rows["complete_"])
    laid = [_counted(rows.filter(rows["complete_"] == (name == "complete")), name) for name in COUNTS]
    laid += [_summed(complete, name, name, "").assign(total=lambda line: line["mean"] * line["worker_months"]) for name in steps]
    laid += [_summed(complete, *one) for one in _rates_of(complete)]
    if {"multi_homer", "income_net_yuan", "online_hours"} <= set(complete.columns):
        laid.append(_summed(complete.filter(complete["multi_homer"] == 0), SINGLE, "income_net_yuan", "online_hours"))
    ladder = pd.concat([one.astype({"mean": float, "total": float}) for one in laid if len(one)], ignore_index=True)
    order = ladder["line"].map({name: place for place, name in enumerate(LINES)})
    ladder = ladder.assign(order_=order).sort_values(["order_", "group", "when"], ignore_index=True)
    return ladder[list(no_ladder().columns)]


def no_ladder() -> pd.DataFrame:
    """Give a ladder without a row."""
    texts = dict.fromkeys(("line", "group", "when"), "str")
    numbers = dict.fromkeys(("workers", "contributors", "worker_months", "mean", "total"), "float64")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in (texts | numbers).items()})


def _placed(table: ir.Table, steps: list[str]) -> ir.Table:
    """Give months with work, with group, time and whether every step is known."""
    rows = table.filter(works(table)).cross_join(table.aggregate(begun_=table["first_covered"].min()))
    covered = rows["first_covered"].notnull()
    after = (rows["month"] >= ibis.coalesce(rows["first_covered"], rows["begun_"])).fill_null(False)
    kept = {"kept_": commission_kept(rows)} if {"commission_yuan", "gross_yuan"} <= set(rows.columns) else {}
    return rows.mutate(
        group=covered.ifelse(ibis.literal("covered"), ibis.literal("never")),
        when=after.ifelse(ibis.literal("after"), ibis.literal("before")),
        complete_=ibis.and_(*(rows[name].notnull() for name in steps)),
        **kept,
    )


def _rates_of(rows: ir.Table) -> list[tuple[str, str, str]]:
    held = set(rows.columns) | {""}
    return [(line, above, below) for line, (above, below) in _RATES.items() if {above, below} <= held]


def _counted(rows: ir.Table, line: str) -> pd.DataFrame:
    by = rows.group_by("group", "when").aggregate(
        workers=rows["worker"].nunique(), contributors=rows["worker"].nunique(), worker_months=rows.count()
    )
    counted: pd.DataFrame = by.to_pandas().assign(line=line, mean=float("nan"), total=float("nan"))
    return counted


def _summed(rows: ir.Table, line: str, above: str, below: str) -> pd.DataFrame:
    """Divide a sum by a sum (by months, where `below` is empty) over the rows in which both are known."""
    rows = rows.filter(rows[above].notnull() & ((rows[below] > 0) if below else ibis.literal(True)))
    divisor = rows[below].sum() if below else rows.count()
    summed = rows.group_by("group", "when").aggregate(
        workers=rows["worker"].nunique(),
        contributors=rows["worker"].nunique(where=rows[above] != 0),
        worker_months=rows.count(),
        mean=rows[above].sum() / divisor,
    )
    laid: pd.DataFrame = summed.to_pandas().assign(line=line, total=float("nan"))
    return laid
