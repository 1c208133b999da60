"""What a way to infer hands over: p-values and intervals, how they were made, and how small a p-value could have been.

Resampled tests are turned into intervals here, once: the interval holds every effect that the test does not reject. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from impact.design.design import Design
from impact.errors import EstimationError
from impact.moments.moments import Floats
from impact.results import Estimate
from impact.text import Text

Method = Literal["cr1", "cr2", "cr3", "multiplier", "wild", "permutation", "conley_taber", "ferman_pinto"]
METHODS: tuple[Method, ...] = ("cr1", "cr2", "cr3", "multiplier", "wild", "permutation", "conley_taber", "ferman_pinto")

BY_ERRORS: tuple[Method, ...] = ("cr1", "cr2", "cr3", "multiplier")
"""Those whose intervals rest on errors by cluster, which few clusters make too small."""

_REACHES = np.r_[0.0, np.geomspace(0.1, 1e3, 41)]
"""How far from the estimate, in standard errors, effects are tried; the estimate itself is never rejected."""
_BISECTIONS = 25
_TIE = 1e-9
"""Statistics closer than this, relatively, are equal."""


@dataclass(frozen=True, slots=True)
class Inference:
    """How certain some terms are by one method; arrays have one entry per term."""

    method: Method
    terms: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    p_value: Floats
    conf_low: Floats
    conf_high: Floats
    level: float
    floor: float = 0.0
    """Smallest p-value that the method could have given; zero where there is no such bound."""
    draws: int = 0
    """Draws or assignments behind it; zero for closed forms."""
    degrees_of_freedom: Floats | None = None
    """Of the t distribution of each term; None where none is used."""
    band_reach: Floats | None = None
    """What a uniform band over all terms adds on either side; None where the method has no band."""
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Draws:
    """A statistic in every draw, for each effect d = estimate − null: (at_zero + d·slope) / √(square + 2d·cross + d²·slope_square).

    Arrays have shape (draws,). Data from which an effect is taken away are linear in it, so that a test of one null tests them all.
    """

    at_zero: Floats
    slope: Floats
    square: Floats
    cross: Floats
    slope_square: Floats
    complete: bool = False
    """Whether the draws are all there are, the actual one among them."""

    @property
    def count(self) -> int:
        """Give the number of draws."""
        return len(self.at_zero)


def inference_table(inference: Inference) -> pd.DataFrame:
    """Give one row per term: term, estimate, std_error, conf_low, conf_high, p_value, and the method with its floor and draws."""
    table = pd.DataFrame({name: getattr(inference, name) for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value")})
    table.insert(0, "term", list(inference.terms))
    return table.assign(method=inference.method, floor=inference.floor, draws=inference.draws)


def require_clusters(estimate: Estimate, method: str) -> None:
    """Refuse what has no sums of influence over clusters.

    Raises EstimationError for errors by worker that come from pairs of months, and for errors that come from replicates.
    """
    if estimate.design.pairs is not None:
        raise EstimationError(
            f"inference `{method}`: it needs clusters of units, and errors are by worker.\n"
            f"Found {estimate.design.headcount.sum():,.0f} workers in {len(estimate.design.units):,} units.\nCluster by the unit or above; with as many workers, the errors by worker need no other."
        )
    if estimate.errors.replicates is not None:
        raise EstimationError(
            f"inference `{method}`: the influence of {estimate.info.name} does not tell its error.\n"
            f"Found errors by {estimate.errors.method}.\nUse these, which come with p-values and intervals, or the estimator att_gt."
        )


def cluster_places(design: Design) -> tuple[list[str], np.typing.NDArray[np.intp]]:
    """Name the clusters in order, and give the place of each unit's cluster; the order is that of `cluster_sums`."""
    names, place = np.unique(np.asarray(design.cluster), return_inverse=True)
    return names.tolist(), place


def p_value_at(draws: Draws, effect: float, statistic: float) -> float:
    """Give the share of draws with a statistic at least as large as the actual one; `effect` is estimate − null.

    Sampled draws count the actual one with them (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585).
    """
    square, moved = _squared_error(draws, effect), draws.at_zero + effect * draws.slope
    found = int(np.count_nonzero(moved**2 >= (statistic * (1 - _TIE)) ** 2 * square))
    return found / draws.count if draws.complete else (1 + found) / (1 + draws.count)


def statistics_at(draws: Draws, effect: float) -> Floats:
    """Give the statistic of every draw for one null, effect = estimate − null; endless where a draw has nothing left that varies."""
    square, moved = _squared_error(draws, effect), draws.at_zero + effect * draws.slope
    return np.divide(moved, np.sqrt(square), out=np.full_like(moved, np.inf), where=square > 0)


def _squared_error(draws: Draws, effect: float) -> Floats:
    return np.maximum(draws.square + 2 * effect * draws.cross + effect**2 * draws.slope_square, 0.0)


def invert(draws: Draws, estimate: float, std_error: float, level: float, studentised: bool = True) -> tuple[float, float]:
    """Give the smallest interval that holds every effect the test does not reject; endless where too few draws allow no rejection."""
    scale = std_error if np.isfinite(std_error) and std_error > 0 else float(np.abs(draws.at_zero).mean())
    if scale == 0 or not np.isfinite(scale):
        return float("nan"), float("nan")
    unit = std_error if studentised else 1.0
    return estimate - _reach(draws, scale, unit, 1 - level), estimate + _reach(draws, -scale, unit, 1 - level)


def _reach(draws: Draws, scale: float, unit: float, alpha: float) -> float:
    """Find how far the farthest effect that is not rejected lies on one side; the sign of `scale` names the side."""

    def is_held(times: float) -> bool:
        return p_value_at(draws, times * scale, times * scale / unit) > alpha + _TIE

    held = [place for place, times in enumerate(_REACHES) if is_held(times)]
    if held[-1] == len(_REACHES) - 1:
        return float("inf")
    low, high = _REACHES[held[-1]], _REACHES[held[-1] + 1]
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_held(middle) else (low, middle)
    return float(high) * abs(scale)
