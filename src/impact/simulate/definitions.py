"""The churn of every group under every definition, from the true counts: the same people, many rates. May touch: nothing.

Rates of different definitions are not to be subtracted from each other; a claim that does so changes its number without anything having changed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.simulate.tally import WHOLE
from impact.simulate.world import World
from impact.simulate.world_parts import ClaimedRate

YEAR = 12
_NUMERATORS = {"true": "exits", "30d": "exits_30d", "90d": "exits_90d", "closures": "closures"}
DENOMINATORS = ("average_stock", "opening_stock", "ever_in_stock", "average_registered", "average_active", "person_months")
"""What exits are divided by; `person_months` gives the annualised hazard 1 − (1 − h)¹²."""


def definitions(world: World, counts: pd.DataFrame) -> pd.DataFrame:
    """Give churn by group, year of the world (twelve months from its first, thirteenth … month) and definition, in the world with agreements.

    Returns `group, first_month, exits_counted (true, 30d, 90d, closures), denominator, numerator, denominator_value, rate`; missing where measured exits are
    not known for a whole year.
    """
    there = counts[counts["world"] == "with"].groupby(["group", "month"]).sum(numeric_only=True)
    rows = []
    for group in there.index.get_level_values("group").unique():
        table = there.loc[group]
        for begin in range(0, world.months - YEAR + 1, YEAR):
            rows += [{"group": group, **row} for row in _rates(table.iloc[begin : begin + YEAR])]
    return pd.DataFrame(rows)


def claimed(counts: pd.DataFrame, group: str, rate: ClaimedRate) -> float:
    """Work out a claimed rate from true counts: exits, or closures of accounts, of some months over the denominator that the claim takes, as it is printed."""
    table = counts[(counts["world"] == "with") & (counts["group"] == group)].groupby("month").sum(numeric_only=True)
    whole = int(rate.months)
    window = table.loc[rate.first_month :].iloc[: whole + (rate.months > whole)]
    weights = pd.Series(1.0, index=window.index)
    weights.iloc[whole:] = rate.months - whole
    exits = float((window[rate.numerator] * weights).sum())
    if rate.denominator == "cumulated_hazard":
        kept = 1 - (window["exits"] / window["in_service"]).to_numpy()
        return float(1 - np.prod(kept ** weights.to_numpy()))
    return exits / _denominator(window, rate.denominator)


def lowest_cities(rows: pd.DataFrame, platform: str, rate: ClaimedRate) -> float:
    """Work out the yearly churn of the cities that happen to have the lowest, chosen after the fact.

    `rows` are the worker-months of a study's table, with `platform, city, month, exit_90d`.
    """
    months = sorted(month for month in rows["month"].unique() if month >= rate.first_month)[: int(rate.months)]
    mine = rows[(rows["platform"] == platform) & rows["month"].isin(months)]
    yearly = 1 - (1 - mine.groupby("city")["exit_90d"].mean()) ** YEAR
    return float(yearly.nsmallest(rate.lowest_cities or len(yearly)).mean())


def _rates(window: pd.DataFrame) -> list[dict[str, object]]:
    rows = []
    for counted, column in _NUMERATORS.items():
        known = counted not in ("30d", "90d") or window[f"known_{counted}"].sum() >= WHOLE * window["working"].sum()
        exits = float(window[column].sum()) if known else float("nan")
        for name in DENOMINATORS:
            value = _denominator(window, name)
            share = exits / value if value else float("nan")
            rate = 1 - (1 - share) ** YEAR if name == "person_months" else share
            measured = {"exits_counted": counted, "denominator": name, "numerator": exits, "denominator_value": value, "rate": rate}
            rows.append({"first_month": window.index[0], **measured})
    return rows


def _denominator(window: pd.DataFrame, name: str) -> float:
    if name == "person_months":
        return float(window["in_service"].sum())
    opening = float(window["in_service"].iloc[0] - window["entries"].iloc[0])
    values = {
        "average_stock": float(window["in_service"].mean()),
        "opening_stock": opening,
        "ever_in_stock": opening + float(window["entries"].sum()),
        "average_registered": float(window["registered"].mean()),
        "average_active": float(window["working"].mean()),
    }
    return values[name]
