"""The primitive of every estimate: a contrast of cell means. May touch: nothing.

A contrast is a value and two arrays over unit × month: θ = Σ a_us Σ_i w_is y_is. Worker i of unit u moves it by
Σ_s w_is (a_us y_is − b_us), where b is a × the mean that the model predicts, plus the worker's weight × `share_u` where shares of workers are
estimated as well. Contrasts add, subtract and scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.design.design import Bools, Design
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Contrast:
    """A linear combination of worker outcomes."""

    value: float
    a: Floats
    """What a unit of weighted outcome counts; shape (units, months)."""
    b: Floats
    """What a unit of weight takes away again; shape (units, months)."""
    share: Floats
    """Influence of one worker (at mean weight one) through estimated shares of workers; shape (units,)."""

    def __add__(self, other: Contrast) -> Contrast:
        return Contrast(self.value + other.value, self.a + other.a, self.b + other.b, self.share + other.share)

    def __sub__(self, other: Contrast) -> Contrast:
        return self + -1.0 * other

    def __rmul__(self, factor: float) -> Contrast:
        return Contrast(factor * self.value, factor * self.a, factor * self.b, factor * self.share)

    @property
    def is_zero(self) -> bool:
        """Say whether the contrast is zero by construction, so that it has no standard error."""
        return not (self.a.any() or self.share.any())

    def unit_influence(self, design: Design) -> Floats:
        """Sum the influence of the workers of each unit; shape (units,)."""
        return np.asarray((self.a * design.total - self.b * design.weight).sum(axis=1) + self.share * design.workers)


def mean(design: Design, units: Bools, month: int) -> Contrast:
    """The mean outcome of the workers of some units in one month; the only primitive of group-time effects.

    `units` is a mask of shape (units,); somebody must be seen.
    """
    at = design.place(month)
    weight = float(design.weight[units, at].sum())
    value = float(design.total[units, at].sum()) / weight
    a = np.zeros_like(design.total)
    a[units, at] = 1.0 / weight
    return Contrast(value, a, a * value, np.zeros(len(design.units)))


def change(design: Design, units: Bools, base: int, month: int) -> Contrast:
    """The change of the mean outcome of some units from a base month to another."""
    return mean(design, units, month) - mean(design, units, base)


def total(contrasts: Sequence[Contrast], factors: Sequence[float]) -> Contrast:
    """Add contrasts up, each scaled by its factor."""
    result = factors[0] * contrasts[0]
    for contrast, factor in zip(contrasts[1:], factors[1:], strict=True):
        result = result + factor * contrast
    return result
