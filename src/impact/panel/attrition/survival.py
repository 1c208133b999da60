"""Survival from counts: at risk and exits by tenure. May touch: nothing.

Source: Kaplan and Meier (1958); delayed entry as in Andersen and others (1993), section IV.1: a worker counts as at risk from the tenure at which
observation starts. Ignoring it counts months that nobody could have failed to survive. Days are whole: who enters on a day is at risk on that day
(R `survival`, which takes times as continuous, counts such a worker only after it; without ties the two are equal).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.errors import DataError

Integers = NDArray[np.int64]


def survival(tenure_days: Integers, exited: NDArray[np.bool_], entry_days: Integers | None = None) -> pd.DataFrame:
    """Estimate the survival curve.

    Arrays have shape (workers,). With `entry_days`, workers whose observation would start on or after their exit are never at risk.
    Returns one row per day with an exit: `tenure_days, at_risk, exits, survival, std_error` (Greenwood).
    Raises DataError where nobody is at risk.
    """
    entry = np.full(len(tenure_days), -1) if entry_days is None else np.where(entry_days > 0, entry_days, -1)
    kept = tenure_days > entry
    if not kept.any():
        raise DataError(f"survival: nobody is at risk.\nFound {len(tenure_days):,} workers.\nCheck joining and leaving days.")
    days, exits = np.unique(tenure_days[kept & exited], return_counts=True)
    starts, ends = np.sort(entry[kept]), np.sort(tenure_days[kept])
    at_risk = np.searchsorted(starts, days, side="right") - np.searchsorted(ends, days, side="left")
    return _curve(days, at_risk, exits)


def survival_of_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """Estimate the survival curve from counts, such as the engine or a bundle of moments gives.

    `counts` has `day, entered, exits, censored`, sorted by day; they may be sums of weights, and the errors are then those of as many heads. A spell is at risk on the day on which it enters and on the day on which it ends.
    Returns what `survival` does.
    """
    entered, exits, censored = (counts[name].to_numpy(dtype=float) for name in ("entered", "exits", "censored"))
    at_risk = np.cumsum(entered) - np.r_[0, np.cumsum(exits + censored)[:-1]]
    left = exits > 0
    return _curve(counts["day"].to_numpy()[left], at_risk[left], exits[left])


def _curve(days: Integers, at_risk: Integers, exits: Integers) -> pd.DataFrame:
    curve = np.cumprod(1 - exits / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(exits / (at_risk * (at_risk - exits)))
        error = np.where(curve > 0, curve * np.sqrt(greenwood), 0.0)
    return pd.DataFrame({"tenure_days": days, "at_risk": at_risk, "exits": exits, "survival": curve, "std_error": error})


def survival_at(curve: pd.DataFrame, day: int) -> float:
    """Read the curve: the share still there after `day` days."""
    until = curve[curve["tenure_days"] <= day]
    return float(until["survival"].iloc[-1]) if len(until) else 1.0


def error_at(curve: pd.DataFrame, day: int) -> float:
    """Read the standard error of `survival_at`."""
    until = curve[curve["tenure_days"] <= day]
    return float(until["std_error"].iloc[-1]) if len(until) else 0.0


def with_interval(curve: pd.DataFrame, level: float) -> pd.DataFrame:
    """Add pointwise limits `low` and `high` on the log −log scale, which stay within 0 and 1."""
    from scipy import stats

    reach = float(stats.norm.ppf(0.5 + level / 2))
    share = curve["survival"].clip(1e-12, 1 - 1e-12)
    spread = np.exp(reach * curve["std_error"] / (share * np.abs(np.log(share))))
    return curve.assign(low=share**spread, high=share ** (1 / spread))
