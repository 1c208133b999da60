"""Who leaves, under every definition that worker-months allow, side by side. May touch: nothing.

Each rate carries its numerator, denominator and period; rates of different definitions are not to be subtracted from each other (docs, domain of
attrition). An exit is dated by the last month in which a worker with a leaving day is seen.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.errors import DataError
from impact.months import label

TENURE_BANDS: tuple[tuple[int, int | None], ...] = ((0, 0), (1, 2), (3, 5), (6, 11), (12, 23), (24, None))
"""First and last month of tenure of each band."""

RATE_COLUMNS = ("definition", "value", "numerator", "denominator", "start", "end")


def yearly_rates(worker_months: pd.DataFrame, spells: pd.DataFrame, year: int) -> pd.DataFrame:
    """Give the attrition of one calendar year under every definition.

    `worker_months` has `worker, month`; `spells` is `schema.WORKER_SPELL`. Months are counted from January of year 0.
    Returns one row per definition: definition, value, numerator, denominator, first and last month of the period.
    Raises DataError where the year is not wholly observed.
    """
    first, last = year * 12, year * 12 + 11
    _require_year(worker_months, year, first, last)
    exits = spells[spells["exited"]]["last_month"]
    stock = worker_months.groupby("month")["worker"].nunique()
    of_year = stock.loc[first:last]
    leavers = int(exits.between(first, last).sum())
    everyone = worker_months[worker_months["month"].between(first, last)]["worker"].nunique()
    hazard = len(exits) / float(stock.sum())
    rows = [
        ("exits_over_average_stock", leavers / of_year.mean(), leavers, of_year.mean(), first, last),
        ("exits_over_opening_stock", leavers / of_year.iloc[0], leavers, of_year.iloc[0], first, last),
        ("annualised_monthly_hazard", annualised(hazard), len(exits), stock.sum(), stock.index.min(), stock.index.max()),
        ("annualised_monthly_hazard_year", annualised(leavers / of_year.sum()), leavers, of_year.sum(), first, last),
        ("twelve_times_monthly_hazard", 12 * hazard, len(exits), stock.sum(), stock.index.min(), stock.index.max()),
        ("closed_cohort_loss", *_closed_cohort(worker_months, first, last), first, last),
        ("exits_over_ever_active", leavers / everyone, leavers, everyone, first, last),
    ]
    table = pd.DataFrame(rows, columns=list(RATE_COLUMNS))
    return table.assign(start=[label("month", month) for month in table["start"]], end=[label("month", month) for month in table["end"]])


def annualised(monthly_hazard: float) -> float:
    """Turn a monthly hazard into a yearly rate: 1 − (1 − h)¹², never 12 h."""
    return float(1 - (1 - monthly_hazard) ** 12)


def tenure_hazards(worker_months: pd.DataFrame, spells: pd.DataFrame, joined_month: pd.Series[int]) -> pd.DataFrame:
    """Give the monthly hazard by months of tenure.

    `joined_month` is indexed by worker. Returns one row per band of `TENURE_BANDS`: first, last (missing = open), at_risk, exits, hazard.
    """
    at_risk = worker_months["month"].to_numpy() - worker_months["worker"].map(joined_month).to_numpy()
    left = spells[spells["exited"]]
    at_exit = left["last_month"].to_numpy() - left["worker"].map(joined_month).to_numpy()
    rows = [(first, last, _inside(at_risk, first, last), _inside(at_exit, first, last)) for first, last in TENURE_BANDS]
    table = pd.DataFrame(rows, columns=["first_month", "last_month", "at_risk", "exits"]).astype({"last_month": "Int64"})
    return table.assign(hazard=table["exits"] / table["at_risk"].where(table["at_risk"] > 0))


def _inside(tenure: np.ndarray, first: int, last: int | None) -> int:
    return int(((tenure >= first) & (tenure <= (np.inf if last is None else last))).sum())


def _closed_cohort(worker_months: pd.DataFrame, first: int, last: int) -> tuple[float, int, int]:
    """Of those in stock in the first month, count those not in stock in the last."""
    opening = set(worker_months.loc[worker_months["month"] == first, "worker"])
    closing = set(worker_months.loc[worker_months["month"] == last, "worker"])
    gone = len(opening - closing)
    return gone / len(opening), gone, len(opening)


def _require_year(worker_months: pd.DataFrame, year: int, first: int, last: int) -> None:
    seen = set(worker_months["month"].unique())
    missing = [label("month", month) for month in range(first, last + 1) if month not in seen]
    if missing:
        raise DataError(
            f"attrition of {year}: the year is not wholly observed.\nNo rows in {', '.join(missing)}.\n"
            f"Choose a year within {label('month', min(seen))} to {label('month', max(seen))} under `attrition: year`."
        )
