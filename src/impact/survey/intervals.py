"""Quantiles and shares whose intervals stay where they can be. May touch: nothing.

Quantiles: `svyquantile` of R `survey` 4.1 with `interval.type = "mean"`, the interval of Woodruff (1952): the interval of the share at or below the quantile,
read back through the distribution. Shares: `svyciprop` with `method = "xlogit"`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from impact.survey.estimates import Estimates, Missing, critical, means
from impact.survey.sample import Floats, Sample, within

Rule = Literal["math", "school"]
"""`math`: the smallest value with at least the asked share at or below it; `school`: the mean of two values where the share is met exactly."""


def quantiles(
    sample: Sample, column: str, shares: Sequence[float] = (0.5,), rule: Rule = "math", level: float = 0.95, missing: Missing = "refuse"
) -> pd.DataFrame:
    """Estimate quantiles: `term, share, estimate, low, high, std_error, rows, missing`, one row each.

    An end of an interval that lies beyond all answers is missing.

    Raises DataError for a missing answer while `missing` is `refuse`.
    """
    asked = means(sample, (column,), missing)
    values = sample.frame[column].to_numpy(dtype=float, na_value=np.nan)
    domain = sample if not asked.missing[0] else within(sample, ~np.isnan(values) & (sample.weights > 0))
    free = domain.degrees_of_freedom()
    rows = [(column, share, *_woodruff(domain, values, share, rule, critical(level, free))) for share in shares]
    table = pd.DataFrame(rows, columns=["term", "share", "estimate", "low", "high", "std_error"])
    return table.assign(rows=asked.rows[0], missing=asked.missing[0])


def share_intervals(estimates: Estimates, level: float = 0.95) -> pd.DataFrame:
    """Give `term, estimate, low, high` of shares, with intervals on the scale of log odds, which end between 0 and 1."""
    share = estimates.values
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(share / (1 - share))
        reach = critical(level, estimates.degrees_of_freedom) * estimates.errors / (share * (1 - share))
        low, high = (1 / (1 + np.exp(-(odds + sign * reach))) for sign in (-1, 1))
    return pd.DataFrame({"term": estimates.names, "estimate": share, "low": low, "high": high})


def _woodruff(sample: Sample, values: Floats, share: float, rule: Rule, reach: float) -> tuple[float, float, float, float]:
    inside = sample.weights > 0
    estimate = _quantile(values[inside], sample.weights[inside], share, rule)
    below = replace(sample, frame=pd.DataFrame({"below": (values <= estimate).astype(float)}))
    part = means(below, ("below",))
    ends = [float(part.values[0] + sign * reach * part.errors[0]) for sign in (-1, 1)]
    low, high = (_quantile(values[inside], sample.weights[inside], end, rule) if 0 <= end <= 1 else float("nan") for end in ends)
    return estimate, low, high, (high - low) / (2 * reach)


def _quantile(values: Floats, weights: Floats, share: float, rule: Rule) -> float:
    order = np.argsort(values, kind="stable")
    ordered, reached = values[order], np.cumsum(weights[order])
    total = weights.sum()
    place = int(np.sum(reached <= share * total)) - 1
    following = min(place + 1, len(ordered) - 1)
    if place < 0 or share - reached[place] / total != 0:
        return float(ordered[following])
    return float(ordered[place]) if rule == "math" else float(ordered[place] + ordered[following]) / 2
