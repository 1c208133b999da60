"""What an agreement did in a world: the same people lived twice, with and without it, counted by group and month. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.months import label
from impact.simulate.absences import absences
from impact.simulate.chunk import Lived
from impact.simulate.population import Pool
from impact.simulate.scene import Scene

Floats = NDArray[np.float64]
COUNTS = (
    "registered",
    "entries",
    "closures",
    "in_service",
    "exits",
    "working",
    "exits_30d",
    "known_30d",
    "exits_90d",
    "known_90d",
    "days",
    "orders",
    "online_hours",
    "gross",
    "commission_kept",
    "receipts",
    "net",
)
"""What is counted: open accounts; people with their first trip; accounts closed, purges among them; people between first and last working day; of these, who truly leave in the month; people with work; measured exits and the
people for whom they are known, under two windows; sums over the people with work, in days, orders, hours and yuan,
the commission without what was paid back."""

WHOLE = 0.999
"""Share of the people with work for whom measured exits must be known for a rate to be written."""

OUTCOMES: dict[str, tuple[str, str]] = {
    "exit": ("exits", "in_service"),
    "exit_30d": ("exits_30d", "known_30d"),
    "exit_90d": ("exits_90d", "known_90d"),
    "income_net_yuan": ("net", "in_service"),
    "receipts_yuan": ("receipts", "in_service"),
    "online_hours": ("online_hours", "in_service"),
    "hourly_net_yuan": ("net", "online_hours"),
    "effective_commission": ("commission_kept", "gross"),
}
"""Outcomes whose truth is written: numerator and denominator among COUNTS."""


_EFFECT_COLUMNS = {
    **dict.fromkeys(("agreement_id", "group", "outcome", "eligible", "month"), "str"),
    "event_time": "int64",
    **dict.fromkeys(("with_agreement", "without_agreement", "effect", "denominator"), "float64"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one pool in one world; arrays of shape (counts, groups × eligible, months)."""

    counts: Floats

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.counts + other.counts)


def tally(one: Lived) -> Tally:
    """Count a chunk."""
    cells, months = 2 * len(one.pool.groups), one.scene.world.months
    cell = 2 * one.people.group + one.people.eligible
    counted = np.zeros((len(COUNTS), cells, months))
    for name, held in _of_accounts(one).items():
        account, month = np.nonzero(held)
        counted[COUNTS.index(name)] = np.bincount(cell[account] * months + month, minlength=cells * months).reshape(cells, months)
    flat = cell[one.months.account] * months + one.months.month
    for name, values in _of_months(one).items():
        counted[COUNTS.index(name)] = np.bincount(flat, values, minlength=cells * months).reshape(cells, months)
    return Tally(counted)


def table(scene: Scene, pool: Pool, by_world: dict[str, Tally]) -> pd.DataFrame:
    """Lay the counts of a pool out, one row per group, eligibility, month and world."""
    frames = []
    months = [label("month", scene.world.first + place) for place in range(scene.world.months)]
    for world, counted in by_world.items():
        for cell in range(counted.counts.shape[1]):
            frame = pd.DataFrame(counted.counts[:, cell, :].T, columns=list(COUNTS))
            frame.insert(0, "month", months)
            frames.append(frame.assign(world=world, industry=pool.industry, group=pool.groups[cell // 2], eligible=bool(cell % 2)))
    laid: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return laid[["world", "industry", "group", "eligible", "month", *COUNTS]]


def effects(scene: Scene, counts: pd.DataFrame) -> pd.DataFrame:
    """Compare the two worlds for every agreement, outcome and month, those before it began among them.

    Returns one row per `agreement_id, outcome, eligible (all, yes, no), month, event_time`: `with_agreement, without_agreement, effect, denominator` (that with the
    agreement); measured exits are missing where they are not known for everybody.
    """
    covering = {**scene.by_platform, **scene.by_unit}
    covered = counts[counts["group"].isin(covering)]
    if covered.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _EFFECT_COLUMNS.items()})
    everybody = covered.assign(eligible="all")
    told = covered.assign(eligible=covered["eligible"].map({True: "yes", False: "no"}))
    summed = pd.concat([everybody, told]).groupby(["group", "eligible", "month", "world"], as_index=False)[list(COUNTS)].sum()
    wide = summed.pivot(index=["group", "eligible", "month"], columns="world", values=list(COUNTS))
    parts = [_compared(wide, outcome) for outcome in OUTCOMES]
    result = pd.concat(parts, ignore_index=True)
    start = result["group"].map({name: one.start for name, one in covering.items()})
    place = result["month"].map({label("month", scene.world.first + at): at for at in range(scene.world.months)})
    result = result.assign(
        event_time=place - start, agreement_id=result["group"].map({name: one.agreement.id for name, one in covering.items()})
    )
    columns = list(_EFFECT_COLUMNS)
    return result[columns].sort_values(columns[:6], ignore_index=True)


def _compared(wide: pd.DataFrame, outcome: str) -> pd.DataFrame:
    above, below = OUTCOMES[outcome]
    rates = {world: wide[(above, world)] / wide[(below, world)].where(wide[(below, world)] > 0) for world in ("with", "without")}
    if below.startswith("known"):  # at the end of the data only some are known, and they are no sample of the others
        whole = wide[(below, "with")] >= WHOLE * wide[("working", "with")]
        rates = {world: rate.where(whole) for world, rate in rates.items()}
    frame = pd.DataFrame({"with_agreement": rates["with"], "without_agreement": rates["without"], "denominator": wide[(below, "with")]})
    return frame.assign(effect=frame["with_agreement"] - frame["without_agreement"], outcome=outcome).reset_index()


def _of_accounts(one: Lived) -> dict[str, NDArray[np.bool_]]:
    """Say for each account and month what is counted of it."""
    months = np.arange(one.scene.world.months)
    entry = one.people.entry[:, None]
    return {
        "registered": (entry <= months) & (months < one.life.closed[:, None]),
        "entries": (entry == months) & one.people.active[:, None],
        "closures": one.life.closed[:, None] == months,
        "in_service": one.life.in_service,
        "exits": one.life.exit[:, None] == months,
    }


def _of_months(one: Lived) -> dict[str, Floats]:
    """Give what is summed over the worker-months with work."""
    gone = absences(one.months, one.scene.world.first, one.scene.world.months)
    short, long = gone.exit(30), gone.exit(90)
    return {
        "working": np.ones(len(short)),
        "exits_30d": np.nan_to_num(short),
        "known_30d": (~np.isnan(short)).astype(float),
        "exits_90d": np.nan_to_num(long),
        "known_90d": (~np.isnan(long)).astype(float),
        "days": one.months.days.astype(float),
        "orders": one.months.orders.astype(float),
        "online_hours": one.pay.online_hours,
        "gross": one.pay.gross,
        "commission_kept": one.pay.commission - one.pay.waiver_refund,
        "receipts": one.pay.receipts,
        "net": one.pay.net,
    }
