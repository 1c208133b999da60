"""Rates of leaving from spells: each with numerator, denominator and period; reactivation; a change split into composition and within. May touch: the engine.

Stock on a day: spells with start ≤ day ≤ end, where end is the last day in stock. So opening stock + entries − exits = closing stock, to the head, where every end counts; purges under `closure` leave the stock and are no exits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

DAYS_A_MONTH = 365.25 / 12
CUMULATIVE_MONTHS = 3
"""Length of the cumulative loss that is turned into a yearly rate."""
COUNTS = ("opening", "closing", "entries", "exits", "cohort_gone", "cohort_gone_early", "person_time")


def stock_and_flow(spells: ir.Table, start: int, end: int, early: int, by: Sequence[str] = ()) -> pd.DataFrame:
    """Count stock and flow of a period from `start` to `end`, both within it, for every definition and group in one pass.

    `spells` has `definition, start, end, counted` and the columns `by`; `early` is the last time of the cumulative loss. Returns `definition`, `by`, then `COUNTS`:
    spells in stock at the start and after the end, begun after the start, ended (those that count), of the opening stock those ended by the end and by `early`,
    and the time that spells were in stock.
    """
    begun, ended = spells["start"], spells["end"]
    opening = (begun <= start) & (ended.isnull() | (ended >= start))
    exits = spells["counted"] & (ended >= start) & (ended <= end)
    time = ibis.least(ibis.coalesce(ended, end), end) - ibis.greatest(begun, start) + 1
    counted: pd.DataFrame = (
        spells.group_by("definition", *by)
        .aggregate(
            opening=opening.sum(),
            closing=((begun <= end) & (ended.isnull() | (ended > end))).sum(),
            entries=((begun > start) & (begun <= end)).sum(),
            exits=exits.sum(),
            cohort_gone=(opening & exits).sum(),
            cohort_gone_early=(opening & exits & (ended <= early)).sum(),
            person_time=ibis.greatest(time, 0).sum(),
        )
        .to_pandas()
    )
    counted[list(COUNTS)] = counted[list(COUNTS)].fillna(0).astype("int64")
    return counted.sort_values(["definition", *by], ignore_index=True)


def rates(counts: pd.DataFrame, months: float, steps_a_month: float = DAYS_A_MONTH) -> pd.DataFrame:
    """Divide exits by every denominator.

    `counts` is what `stock_and_flow` gives for a period of `months` months, with time in steps of which `steps_a_month` make a month. Returns one row per definition,
    group and denominator: `denominator, numerator, denominator_value, value`; the value is missing where nothing is there to divide by. Rates on stocks and cohorts
    are of the period; `person_months` and `cumulative_loss` are yearly: 1 − (1 − h)¹² with exits a month h, and 1 − (1 − c)^(12/k) with the loss c of k months.
    """
    labels = [name for name in counts.columns if name not in COUNTS]
    table = counts.assign(person_months=counts["person_time"] / steps_a_month)
    parts = {
        "opening_stock": (table["exits"], table["opening"]),
        "average_stock": (table["exits"], (table["opening"] + table["closing"]) / 2),
        "ever_active": (table["exits"], table["opening"] + table["entries"]),
        "closed_cohort": (table["cohort_gone"], table["opening"]),
        "person_months": (table["exits"], table["person_months"]),
        "cumulative_loss": (table["cohort_gone_early"], table["opening"]),
    }
    power = {"person_months": 12.0, "cumulative_loss": 12.0 / min(CUMULATIVE_MONTHS, months)}
    made = [_divided(table[labels], name, *both, power.get(name)) for name, both in parts.items()]
    return pd.concat(made, ignore_index=True)


def _divided(labels: pd.DataFrame, name: str, above: pd.Series[float], below: pd.Series[float], power: float | None) -> pd.DataFrame:
    share = above / below.where(below > 0)
    value = share if power is None else 1 - (1 - share) ** power
    return labels.assign(denominator=name, numerator=above, denominator_value=below, value=value)


def reactivation(spells: ir.Table, people: ir.Table, within: int, by: Sequence[str] = ()) -> pd.DataFrame:
    """Of those who left by a window, count those back within so many days after it had run out.

    `spells` is what `window_spells` gives. Only exits that the data follow to τ + w + k count. Returns one row per window (and `by`, columns of `people`):
    `window, followed, returned, share`.
    """
    held = spells.join(people.select("worker", "until", *by), "worker")
    reach = held["since"] + held["window"] + within
    followed = held.filter(reach <= held["until"])
    back = (followed["back"] <= followed["since"] + followed["window"] + within).fill_null(False)
    table: pd.DataFrame = followed.group_by("window", *by).aggregate(followed=followed.count(), returned=back.sum()).to_pandas()
    return table.sort_values(["window", *by], ignore_index=True).assign(share=lambda found: found["returned"] / found["followed"])


def split_change(before: pd.DataFrame, after: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Split a change in churn on opening stock into composition and within.

    Source: Kitagawa (1955), doi:10.2307/2281213: Δq = Σ Δw (q₀ + q₁)/2 + Σ Δq (w₀ + w₁)/2, with w the share of the opening stock that a group holds and q its rate.
    Both tables have the columns `groups`, `opening` and `cohort_gone`. A group that is missing in one period has no rate there; it gets that of the other, so that its
    coming or going is composition. Returns one row per group: `groups, share_before, share_after, rate_before, rate_after, composition, within`.
    """
    both = before.merge(after, on=list(groups), how="outer", suffixes=("_before", "_after"))
    shares, quotas = {}, {}
    for when in ("before", "after"):
        opening = both[f"opening_{when}"].fillna(0).astype(float)
        shares[when] = opening / opening.sum()
        quotas[when] = both[f"cohort_gone_{when}"] / opening.where(opening > 0)
    rate = {when: quotas[when].fillna(quotas[other]).fillna(0.0) for when, other in (("before", "after"), ("after", "before"))}
    return both[list(groups)].assign(
        share_before=shares["before"],
        share_after=shares["after"],
        rate_before=quotas["before"],
        rate_after=quotas["after"],
        composition=(shares["after"] - shares["before"]) * (rate["before"] + rate["after"]) / 2,
        within=(rate["after"] - rate["before"]) * (shares["before"] + shares["after"]) / 2,
    )
