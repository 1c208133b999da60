"""Whether the items of a scale measure one thing. May touch: nothing.

α: Cronbach (1951), doi:10.1007/BF02310555, raw, from covariances. Its interval: Feldt (1965), doi:10.1007/BF02289499, with the effective number of answers
where there are weights. ω: McDonald's total, (Σλ)² ÷ ((Σλ)² + Σψ) of one factor by maximum likelihood on covariances. Weighted covariances are weighted means
of products, as in `svycralpha` of R `survey`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from impact.errors import DataError, EstimationError, listing
from impact.survey.factor import one_factor
from impact.survey.sample import Floats
from impact.survey.weights import spread
from impact.text import Text

ENOUGH_ALPHA = 0.70
ENOUGH_ITEM_REST = 0.30
Gaps = Literal["complete", "pairwise"]
"""`complete`: people with all items answered; `pairwise`: for each pair of items those who answered both."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well the items of one scale hang together."""

    alpha: float
    alpha_low: float
    alpha_high: float
    omega: float
    """Missing where there are fewer than three items."""
    items: pd.DataFrame
    """`item, reversed, answers, mean, std_dev, item_rest, alpha_if_dropped, loading`: one row per item, after reversal."""
    people: int
    """People with all items answered."""
    incomplete: int
    """People with some item missing."""
    gaps: Gaps
    sentences: tuple[Text, ...]
    """What the numbers say, for readers."""


def reliability(
    items: pd.DataFrame,
    bounds: tuple[float, float],
    reverse: Sequence[str] = (),
    weights: Floats | None = None,
    gaps: Gaps = "complete",
    level: float = 0.95,
) -> Reliability:
    """Measure how well items hang together; one column per item, one row per person, `bounds` the lowest and highest answer.

    Items in `reverse` are worded the other way round, and are turned.

    Raises DataError for an answer outside the bounds or an item that is not there, and EstimationError for fewer than two items or three people, or an item
    that everybody answered alike.
    """
    turned = _turned(items, bounds, reverse)
    weight = np.ones(len(items)) if weights is None else np.asarray(weights, dtype=float)
    whole = turned.notna().all(axis=1).to_numpy()
    used = turned if gaps == "pairwise" else turned[whole]
    used_weight = weight if gaps == "pairwise" else weight[whole]
    _check_enough(used, int(whole.sum()))
    _check_varied(used)
    covariance = weighted_covariance(used.to_numpy(dtype=float), used_weight)
    alpha = _alpha(covariance)
    low, high = _feldt(alpha, spread(weight[whole]).effective_rows, len(covariance), level)
    factor = one_factor(covariance) if len(covariance) > 2 else None
    loadings = np.full(len(covariance), np.nan) if factor is None else factor.loadings
    omega = float("nan") if factor is None else float(loadings.sum() ** 2 / (loadings.sum() ** 2 + factor.own.sum()))
    table = _items(used, used_weight, covariance, reverse).assign(loading=loadings)
    sentences = _sentences(alpha, low, high, omega, table)
    return Reliability(alpha, low, high, omega, table, int(whole.sum()), int((~whole).sum()), gaps, sentences)


def weighted_covariance(values: Floats, weights: Floats) -> Floats:
    """Give the covariance of columns, each pair from the rows that have both; weighted mean product times n ÷ (n − 1)."""
    size = values.shape[1]
    result = np.empty((size, size))
    for one in range(size):
        for other in range(one, size):
            both = ~np.isnan(values[:, one]) & ~np.isnan(values[:, other]) & (weights > 0)
            weight = weights[both] / weights[both].sum()
            pair = values[both][:, [one, other]]
            centred = pair - weight @ pair
            rows = both.sum()
            result[one, other] = result[other, one] = (weight @ (centred[:, 0] * centred[:, 1])) * rows / (rows - 1)
    return result


def _turned(items: pd.DataFrame, bounds: tuple[float, float], reverse: Sequence[str]) -> pd.DataFrame:
    unknown = [name for name in reverse if name not in items.columns]
    if unknown:
        raise DataError(
            f"the scale: an item to reverse is not in it.\nFound {listing(unknown)}; items: {listing(items.columns)}.\nSpell it as the column is spelt."
        )
    values = items.astype(float)
    outside = ((values < bounds[0]) | (values > bounds[1])).sum()
    if outside.any():
        found = ", ".join(f"{name} {count}" for name, count in outside[outside > 0].items())
        raise DataError(
            f"the scale: some answers are outside {bounds[0]:g} to {bounds[1]:g}.\nFound {found}.\nSet codes such as 99 to missing, or correct the bounds."
        )
    return values.assign(**{name: bounds[0] + bounds[1] - values[name] for name in reverse})


def _check_enough(used: pd.DataFrame, whole: int) -> None:
    if used.shape[1] < 2 or whole < 3:
        raise EstimationError(
            f"the scale: there is too little to compare.\nFound {used.shape[1]} items and {whole} people who answered all of them.\n"
            "Two items and three people are the least; ask for `pairwise` where items were skipped."
        )


def _check_varied(used: pd.DataFrame) -> None:
    flat = [str(name) for name in used.columns if used[name].nunique() < 2]
    if flat:
        raise EstimationError(
            f"the scale: everybody answered some items alike.\nFound {listing(flat)}.\nLeave them out: they tell people apart in nothing."
        )


def _alpha(covariance: Floats) -> float:
    size = len(covariance)
    return float(size / (size - 1) * (1 - np.trace(covariance) / covariance.sum())) if size > 1 else float("nan")


def _feldt(alpha: float, people: float, size: int, level: float) -> tuple[float, float]:
    first, second = people - 1, (people - 1) * (size - 1)
    tail = (1 - level) / 2
    low, high = (1 - (1 - alpha) * float(stats.f.ppf(share, first, second)) for share in (1 - tail, tail))
    return low, high


def _items(used: pd.DataFrame, weights: Floats, covariance: Floats, reverse: Sequence[str]) -> pd.DataFrame:
    values, size = used.to_numpy(dtype=float), len(covariance)
    given = ~np.isnan(values)
    means = np.nansum(values * weights[:, None], axis=0) / (given * weights[:, None]).sum(axis=0)
    rows = []
    for place, name in enumerate(used.columns):
        others = np.delete(np.arange(size), place)
        rest = covariance[np.ix_(others, others)]
        item_rest = covariance[place, others].sum() / np.sqrt(covariance[place, place] * rest.sum())
        deviation = float(np.sqrt(covariance[place, place]))
        rows.append((str(name), name in reverse, int(given[:, place].sum()), means[place], deviation, item_rest, _alpha(rest)))
    return pd.DataFrame(rows, columns=["item", "reversed", "answers", "mean", "std_dev", "item_rest", "alpha_if_dropped"])


def _sentences(alpha: float, low: float, high: float, omega: float, table: pd.DataFrame) -> tuple[Text, ...]:
    holds = alpha >= ENOUGH_ALPHA
    first = Text(
        en=f"Cronbach's α is {alpha:.2f} (95 % interval {low:.2f} to {high:.2f}): the items {'hang together well enough' if holds else 'do not hang together well enough'} "
        f"to be added up (at least {ENOUGH_ALPHA:.2f} is asked).",
        zh=f"克朗巴哈 α 系数为 {alpha:.2f}（95% 区间 {low:.2f} 至 {high:.2f}），{'达到' if holds else '未达到'} {ENOUGH_ALPHA:.2f} 的要求，"
        f"{'各题可以合成一个量表得分' if holds else '各题不宜合成一个量表得分'}。",
    )
    return (first, *_omega_sentence(omega), *_weak_sentence(table))


def _omega_sentence(omega: float) -> tuple[Text, ...]:
    if np.isnan(omega):
        return ()
    return (
        Text(
            en=f"McDonald's ω is {omega:.2f}; it does not assume that all items count the same.",
            zh=f"麦克唐纳 ω 系数为 {omega:.2f}；它不要求各题的权重相同。",
        ),
    )


def _weak_sentence(table: pd.DataFrame) -> tuple[Text, ...]:
    weak = table[table["item_rest"] < ENOUGH_ITEM_REST]
    if weak.empty:
        return (
            Text(
                en=f"Every item goes with the rest of its scale (r of at least {ENOUGH_ITEM_REST:.2f}).",
                zh=f"每道题与其余题目的相关系数均不低于 {ENOUGH_ITEM_REST:.2f}。",
            ),
        )
    names = [f"{item} ({r:.2f})" for item, r in zip(weak["item"], weak["item_rest"], strict=True)]
    against = " A negative one is often an item worded the other way round and not reversed." if (weak["item_rest"] < 0).any() else ""
    reversed_zh = "相关系数为负，往往是反向计分的题目没有转换。" if against else ""
    return (
        Text(
            en=f"Some items do not go with the rest of their scale (r below {ENOUGH_ITEM_REST:.2f}): {', '.join(names)}.{against}",
            zh=f"有题目与其余题目的相关系数低于 {ENOUGH_ITEM_REST:.2f}：{'、'.join(names)}。{reversed_zh}",
        ),
    )
