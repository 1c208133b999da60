"""One group-time effect from comparisons within strata, averaged as the covered are spread over them. May touch: nothing.

θ = Σ_k P_k θ_k, with θ_k the effect among the workers of stratum k and P_k the share of the stratum among the covered seen in the two months. With one
dummy for each stratum, regression, weighting and the doubly robust method are this same number where nobody comes or goes. That the shares are estimated
enters the influence: a covered worker seen in one of the months adds (θ_k − θ) / W, W being the weight of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.contrast import CellContrast
from impact.design.design import Bools, Design
from impact.estimate.parts.att_gt_left_out import Obstacle
from impact.estimate.parts.two_way import Places
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Stratified:
    """An effect, and the units of the covered that found nobody in their stratum; shape (units,)."""

    contrast: CellContrast
    alone: Bools


def within_strata(design: Design, strata: Places, covered: Bools, compared: Bools, base: int, month: int) -> Stratified | Obstacle:
    """Estimate the effect on the covered from the place `base` of one month to the place `month` of another, within strata numbered from 0."""
    count, months = int(strata.max()) + 1, ((month, 1.0), (base, -1.0))
    sums = {
        (side, at): tuple(np.bincount(strata[units], array[units, at], count) for array in (design.weight, design.total))
        for side, units in ((1.0, covered), (-1.0, compared))
        for at, _ in months
    }
    held = np.logical_and.reduce([weight > 0 for weight, _ in sums.values()])
    if not held.any():
        return Obstacle.NO_STRATUM
    counted = np.where(held, sums[1.0, month][0] + sums[1.0, base][0], 0.0)
    share = counted / counted.sum()
    means = {key: np.where(held, total / np.where(held, weight, 1.0), 0.0) for key, (weight, total) in sums.items()}
    effects = sum(side * sign * means[side, at] for side in (1.0, -1.0) for at, sign in months)
    value = float(share @ effects)
    a, b = np.zeros_like(design.total), np.zeros_like(design.total)
    for side, units in ((1.0, covered), (-1.0, compared)):
        for at, sign in months:
            each = side * sign * share / np.where(held, sums[side, at][0], 1.0)
            _fill(a, b, units, at, strata, each, means[side, at])
    own = covered & held[strata]
    for at, _ in months:
        b[own, at] -= ((effects - value) / counted.sum())[strata[own]]
    alone = covered & ~held[strata] & (design.seen[:, base] | design.seen[:, month])
    return Stratified(CellContrast(value, a, b, np.zeros(len(strata))), alone)


def _fill(a: Floats, b: Floats, units: Bools, at: int, strata: Places, each: Floats, means: Floats) -> None:
    """Write what a group counts in one month, and what is expected of it there."""
    a[units, at] = each[strata[units]]
    b[units, at] = a[units, at] * means[strata[units]]
