"""The bandwidth that makes the squared error of a jump at a cut-off smallest, by direct plug-in: one for both sides.

A pilot bandwidth tells the variance, the range of the score the curvature; each step gives the bandwidth in which the next takes its curvature. Small
denominators are kept off by the variance of the curvature.
Source: Calonico, Cattaneo and Farrell (2020), doi:10.1093/ectj/utz022, section 4; Calonico, Cattaneo, Farrell and Titiunik (2017), Stata Journal 17:372-404,
        whose conventions for scores with several units at one value are followed. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.estimate.parts.local_polynomial import Kernel, Side, fit_side, residuals, variance
from impact.moments.moments import Floats

_PILOT: dict[Kernel, float] = {"triangular": 2.576, "epanechnikov": 2.34, "uniform": 1.843}
"""Factors of Silverman's rule."""
_FEWEST_SCORES = 10
"""Distinct scores on either side that the first two bandwidths must reach where many units share scores."""
SHARED = 0.2
"""Share of units that repeat a score from which on they must reach that many."""
_EDGE = 1e-8


@dataclass(frozen=True, slots=True)
class Bandwidths:
    """Of the effect and of its bias."""

    effect: float
    bias: float


@dataclass(frozen=True, slots=True)
class _Step:
    """Which coefficient a bandwidth is for: that of distance^power in a regression of some order; the bias is seen in one of order `bias_order`."""

    order: int
    power: int
    bias_order: int
    regularised: bool


def best_bandwidths(below: Side, above: Side, order: int, adjust: bool) -> Bandwidths:
    """Choose the bandwidths of a jump estimated by regressions of an order, whose bias is estimated by one of the next order.

    With `adjust`, units that share a score count once in the pilot, and the first two bandwidths reach enough distinct scores.
    Raises EstimationError where there are too few distinct scores.
    """
    most = float(max(below.scores[-1], above.scores[-1]))
    least = _least(below, above) if adjust else 0.0
    pilot = max(min(_pilot(below, above, adjust), most), least)

    def plug_in(step: _Step, below_within: float, above_within: float) -> float:
        return min(_plug_in(below, above, step, pilot, (below_within, above_within)), most)

    curvature = max(plug_in(_Step(order + 2, order + 2, order + 3, False), float(below.scores[-1]), float(above.scores[-1])), least)
    bias = plug_in(_Step(order + 1, order + 1, order + 2, True), curvature, curvature)
    return Bandwidths(plug_in(_Step(order, 0, order + 1, True), bias, bias), bias)


def _pilot(below: Side, above: Side, adjust: bool) -> float:
    score = np.r_[below.distance, above.distance]
    low, high = np.quantile(score, [0.25, 0.75])
    count = len(below.scores) + len(above.scores) if adjust else len(score)
    return float(_PILOT[below.kernel] * min(score.std(ddof=1), (high - low) / 1.349) * count**-0.2)


def _least(below: Side, above: Side) -> float:
    """Give how far the first two bandwidths must reach where many units share scores, zero where few do."""
    if max(1 - len(side.scores) / len(side.distance) for side in (below, above)) < SHARED:
        return 0.0
    return float(max(side.scores[min(_FEWEST_SCORES, len(side.scores)) - 1] for side in (below, above))) + _EDGE


def _plug_in(below: Side, above: Side, step: _Step, pilot: float, bias_bandwidths: tuple[float, float]) -> float:
    """Balance variance against squared bias: (V / B²)^(1/(2·order + 3))."""
    parts = [_ingredients(side, step, pilot, wide) for side, wide in zip((below, above), bias_bandwidths, strict=True)]
    spread, doubt = sum(part[0] for part in parts), sum(part[2] for part in parts)
    bias = parts[1][1] - parts[0][1]
    return float((spread / (bias**2 + doubt)) ** (1 / (2 * step.order + 3)))


def _ingredients(side: Side, step: _Step, pilot: float, bias_bandwidth: float) -> tuple[float, float, float]:
    """Give, for one side, the constants of variance and bias, and how uncertain the squared bias is."""
    fit = fit_side(side, pilot, step.order)
    weights = fit.weights(step.power)
    spread = (2 * step.power + 1) * pilot ** (2 * step.power + 1) * variance(side, weights * residuals(fit))
    constant = pilot**step.power * float(weights @ (side.distance / pilot) ** (step.order + 1))
    wide = fit_side(side, bias_bandwidth, step.bias_order)
    curvature: Floats = wide.weights(step.order + 1)
    gap = 2 * (step.order + 1 - step.power)
    bias = gap**0.5 * constant * float(curvature @ side.outcome)
    doubt = 3 * gap * constant**2 * variance(side, curvature * residuals(wide)) if step.regularised else 0.0
    return spread, bias, doubt
