"""Regressions on powers of a score near its cut-off, on one side of it, and how certain they are.

A regression is what it weighs: the j-th coefficient at the cut-off is Σ_i weights_i y_i. Its variance takes residuals from each unit's nearest
neighbours in the score, or, in clusters of several units, from the regression with the factor (n−1)/(n−k) · G/(G−1).
Source: Calonico, Cattaneo and Titiunik (2014), doi:10.3982/ECTA11757, sections 2 and 5; clusters as in Calonico, Cattaneo, Farrell and Titiunik (2019),
        doi:10.1162/rest_a_00760. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from impact.design.design import Bools
from impact.errors import EstimationError
from impact.moments.moments import Floats

Kernel = Literal["triangular", "epanechnikov", "uniform"]
_AS_NEAR = 1 + 1e-9
"""Distances that differ by rounding alone are the same."""


@dataclass(frozen=True, slots=True)
class Side:
    """The units on one side of the cut-off, nearest or farthest first; arrays have shape (units,)."""

    name: str
    distance: Floats
    """Score less cut-off; negative below it."""
    outcome: Floats
    weight: Floats
    cluster: NDArray[np.intp] | None
    """Cluster of each unit; None where each stands alone, and neighbours tell the error."""
    neighbours: int
    """How many nearest units a unit is compared with, at least."""
    kernel: Kernel

    @property
    def scores(self) -> Floats:
        """Distinct distances from the cut-off, nearest first."""
        return np.unique(np.abs(self.distance))


@dataclass(frozen=True, slots=True)
class Fit:
    """A weighted regression on 1, u, …, u^order with u = distance / bandwidth."""

    side: Side
    bandwidth: float
    used: Bools
    """Units within the bandwidth; shape (units,)."""
    basis: Floats
    """Powers of u; shape (units, order + 1)."""
    solution: Floats
    """What each unit's outcome counts in each coefficient of u, zero beyond the bandwidth; shape (order + 1, units)."""

    @property
    def order(self) -> int:
        """Highest power."""
        return int(self.basis.shape[1]) - 1

    def weights(self, power: int) -> Floats:
        """Give what each unit's outcome counts in the coefficient of distance^power; shape (units,)."""
        return np.asarray(self.solution[power] / self.bandwidth**power)

    def fitted(self) -> Floats:
        """Give what the regression predicts for every unit; shape (units,)."""
        return np.asarray(self.basis @ (self.solution @ self.side.outcome))


def fit_side(side: Side, bandwidth: float, order: int) -> Fit:
    """Regress the outcome on powers of the score within a bandwidth.

    Raises EstimationError where there are fewer distinct scores than coefficients.
    """
    scaled = side.distance / bandwidth
    kernel = _kernel(side.kernel, scaled) * side.weight
    used: Bools = np.asarray(kernel > 0)
    distinct = len(np.unique(side.distance[used]))
    if distinct <= order:
        raise EstimationError(
            f"regression of order {order} {side.name} the cut-off: {order + 1} distinct scores are the least.\n"
            f"Found {distinct} within {bandwidth:.4g} of the cut-off, on {used.sum():,} units.\nWiden the bandwidth, or lower the order."
        )
    basis = np.vander(scaled, order + 1, increasing=True)
    root = np.sqrt(kernel)
    orthogonal, triangle = np.linalg.qr(root[:, None] * basis)  # cross products would lose half of the digits
    return Fit(side, bandwidth, used, basis, np.linalg.solve(triangle, orthogonal.T * root))


def residuals(fit: Fit, among: Bools | None = None) -> Floats:
    """Give the residual of each unit that squares to its variance, zero elsewhere; shape (units,).

    `among` are the units that may be neighbours and that the factor counts, those within the bandwidth where not given.
    """
    side, used = fit.side, fit.used if among is None else among
    found = np.zeros(len(side.distance))
    if side.cluster is None:
        found[used] = _from_neighbours(side.distance[used], side.outcome[used], side.neighbours)
    else:
        factor = _factor(side.cluster[used], fit.order + 1, side.name)
        found[used] = factor**0.5 * (side.outcome - fit.fitted())[used]
    return found


def variance(side: Side, influence: Floats) -> float:
    """Sum squares of influence, over clusters where there are any."""
    sums = influence if side.cluster is None else np.bincount(side.cluster, influence)
    return float(sums @ sums)


def _kernel(kernel: Kernel, scaled: Floats) -> Floats:
    size = np.abs(scaled)
    shape = {"triangular": 1 - size, "epanechnikov": 0.75 * (1 - size**2), "uniform": np.full_like(size, 0.5)}[kernel]
    return np.where(size <= 1, shape, 0.0)


def _factor(cluster: NDArray[np.intp], coefficients: int, name: str) -> float:
    units, clusters = len(cluster), len(np.unique(cluster))
    if clusters < 2 or units <= coefficients:
        raise EstimationError(
            f"errors by cluster {name} the cut-off: there is nothing to compare.\nFound {clusters} cluster{'s' if clusters != 1 else ''} of {units:,} units within the bandwidth.\n"
            "Widen the bandwidth, or cluster by the unit."
        )
    return (units - 1) / (units - coefficients) * clusters / (clusters - 1)


def _from_neighbours(distance: Floats, outcome: Floats, least: int) -> Floats:
    """Compare each unit with those of the same score and of the next ones, until they are `least`; a score counts with all its units.

    √(J/(J+1)) · (y − mean of the J neighbours), which squares to the variance of y on average.
    """
    scores, place, size = np.unique(distance, return_inverse=True, return_counts=True)
    counts, sums = np.r_[0, np.cumsum(size)], np.r_[0.0, np.cumsum(np.bincount(place, outcome))]
    low, high = np.arange(len(scores)), np.arange(len(scores)) + 1
    below, above = np.r_[-np.inf, scores], np.r_[scores, np.inf]
    while True:
        short = (counts[high] - counts[low] - 1 < least) & (high - low < len(scores))
        if not short.any():
            break
        down, up = scores - below[low], above[high] - scores
        low, high = low - (short & (down <= up * _AS_NEAR)), high + (short & (up <= down * _AS_NEAR))
    others = (counts[high] - counts[low] - 1)[place]
    mean = (sums[high] - sums[low])[place] - outcome
    mean = np.divide(mean, others, out=np.array(outcome), where=others > 0)
    return np.asarray(np.sqrt(others / (others + 1.0)) * (outcome - mean))
