"""Whom the respondents stand for, against the covered workforce. May touch: nothing.

R-indicator: Schouten, Cobben and Bethlehem (2009), Survey Methodology 35(1), 101-113: R = 1 − 2 S(ρ), with S the design-weighted standard deviation of
the estimated chances to answer; not corrected for the noise of the estimate, which makes R a little too low in small samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import DataError
from impact.survey.margins import Margin, label
from impact.survey.sample import Floats, whole_column
from impact.text import Text

APART = 0.10
"""Standardised difference above which shares are called apart (Austin 2009, doi:10.1002/sim.3697)."""


@dataclass(frozen=True, slots=True)
class ResponseIndicators:
    """How far the response was a random part of those invited."""

    r_indicator: float
    """1: everybody was as likely to answer; lower: the more uneven."""
    lowest_possible: float
    """What R would be at worst with this rate of response."""
    variation: float
    """Standard deviation of the chances over their mean: the largest bias of a mean, in standard deviations of the answer."""
    rate: float
    """Design-weighted mean chance to answer."""
    partial: pd.DataFrame
    """`column, between`: standard deviation of the chance between the categories of each column."""
    sentence: Text


def share_table(frame: pd.DataFrame, margins: Sequence[Margin], weights: dict[str, Floats]) -> pd.DataFrame:
    """Compare the shares of categories among respondents with the workforce.

    `weights` names the versions to compare, such as `{"unweighted": ones, "design": d, "raked": w}`, one weight per row. Gives `margin, level, version, rows,
    workers, share, share_workers, difference, standardised, apart`; groups that nobody answered for have zero rows and a share of zero.

    Raises DataError for a missing value, or a category that the margin does not know.
    """
    return pd.concat([_shares(frame, margin, name, weight) for margin in margins for name, weight in weights.items()], ignore_index=True)


def response_indicators(frame: pd.DataFrame, propensity: Floats, weights: Floats, columns: Sequence[str]) -> ResponseIndicators:
    """Measure how uneven the chances to answer are among all who were invited; one chance and one design weight per row."""
    size = weights.sum()
    rate = float(weights @ propensity / size)
    deviation = float(np.sqrt(weights @ (propensity - rate) ** 2 / (size - 1)))
    between = [(name, _between(whole_column(frame, name), propensity, weights, rate)) for name in columns]
    value, worst = 1 - 2 * deviation, 1 - 2 * float(np.sqrt(rate * (1 - rate)))
    variation = deviation / rate
    sentence = Text(
        en=f"The R-indicator of the response is {value:.2f} (1 is even; {worst:.2f} is the worst at a response of {rate:.0%}). Means that do not make up for those who did not answer may be off "
        f"by up to {variation:.2f} of their standard deviations.",
        zh=f"应答代表性指标（R 指标）为 {value:.2f}（1 表示应答完全均衡；在应答率 {rate:.0%} 下，最差为 {worst:.2f}）。不作无应答调整的均值，偏差最大可达其标准差的 {variation:.2f} 倍。",
    )
    return ResponseIndicators(value, worst, variation, rate, pd.DataFrame(between, columns=["column", "between"]), sentence)


def _shares(frame: pd.DataFrame, margin: Margin, version: str, weights: Floats) -> pd.DataFrame:
    for name in margin.columns:
        whole_column(frame, name)
    rows = list(frame[list(margin.columns)].itertuples(index=False, name=None))
    strange = sorted({label(row) for row in rows} - {label(level) for level in margin.levels})
    if strange:
        raise DataError(
            f"margin `{margin.name}`: respondents have categories that the workforce has not.\nFound {', '.join(strange[:5])}.\nSpell categories the same way in both."
        )
    sums = dict.fromkeys(margin.levels, 0.0)
    counts = dict.fromkeys(margin.levels, 0)
    for row, weight in zip(rows, weights, strict=True):
        sums[row] += float(weight)
        counts[row] += 1
    share = np.array(list(sums.values())) / sum(sums.values())
    known = np.array(margin.counts) / sum(margin.counts)
    # a share of 0 or 1 on both sides has no spread, and no difference either
    pooled = np.sqrt((share * (1 - share) + known * (1 - known)) / 2)
    standardised = np.divide(share - known, pooled, out=np.zeros_like(share), where=pooled > 0)
    names = {"margin": margin.name, "level": [label(level) for level in margin.levels], "version": version}
    numbers = {"rows": list(counts.values()), "workers": margin.counts, "share": share, "share_workers": known, "difference": share - known}
    return pd.DataFrame({**names, **numbers, "standardised": standardised, "apart": np.abs(standardised) > APART})


def _between(groups: pd.Series, propensity: Floats, weights: Floats, rate: float) -> float:
    rows = pd.DataFrame({"group": groups.to_numpy(), "weight": weights, "hits": weights * propensity})
    sums = rows.groupby("group", observed=True).sum()
    return float(np.sqrt((sums["weight"] * (sums["hits"] / sums["weight"] - rate) ** 2).sum() / weights.sum()))
