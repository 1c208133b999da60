"""The ladder from gross to net of a study that asks for pay, safe to print. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impact.moments.suppress import suppressed
from impact.panel.income.ladder import SINGLE, income_ladder, no_ladder
from impact.run.receive import Received, is_about_pay
from impact.study import Study
from impact.study.delivery import DeliverySource

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("workers", "contributors", "worker_months", "mean", "total")
_TOLD_BY = {
    "commission_yuan": ("incentive_yuan", "effective_commission"),
    "incentive_yuan": ("commission_yuan", "effective_commission"),
    "waiver_refund_yuan": ("incentive_yuan", "effective_commission"),
    "penalty_yuan": ("incentive_yuan",),
    "cost_yuan": (
        "income_net_yuan",
        "income_net_real_yuan",
        "hourly_net_yuan",
        "hourly_net_engaged_yuan",
        "hourly_net_real_yuan",
        SINGLE,
    ),
    "multi_homer": (SINGLE,),
    "below_minimum": (),
}
"""Line that may rest on few → lines of the same cell that would tell it: the steps add up, and one unknown can be computed from the others."""


def ladder_of(study: Study, received: Received) -> pd.DataFrame:
    """Give `income_ladder`, safe to print; without a row where the study does not ask for pay, or reads no delivery."""
    asked = isinstance(study.source, DeliverySource) and is_about_pay(study)
    return safe_ladder(income_ladder(received.raw.table) if asked else no_ladder(), study.report.minimum_cell)


def safe_ladder(ladder: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Empty cells of too few workers, lines to which too few contribute (a refund paid to three), and the lines that would tell those."""
    safe = suppressed(ladder, fewest, _NUMBERS)
    few = ladder[ladder["contributors"].between(0, fewest, inclusive="neither") & ladder["line"].isin(_TOLD_BY)]
    hidden = {(line, row["group"], row["when"]) for row in few.to_dict("records") for line in (row["line"], *_TOLD_BY[row["line"]])}
    keys = zip(safe["line"], safe["group"], safe["when"], strict=True)
    struck = safe["line"].index[[key in hidden for key in keys]]
    return safe.assign(**{name: safe[name].mask(safe.index.isin(struck)) for name in _NUMBERS})
