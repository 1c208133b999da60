"""The primitive of every estimate: a contrast of cell means. May touch: nothing.

A contrast is a value and two arrays over unit × month: θ = Σ a_us Σ_i w_is y_is. Worker i of unit u moves it by
Σ_s w_is (a_us y_is − b_us), where b is a × the mean that the model predicts, plus the worker's weight × `share_u` where shares of workers are
estimated as well. Contrasts add, subtract and scale. A `CellContrast` holds its arrays; a `SpanContrast` is a combination of what a regression
estimates, and makes its arrays when they are asked for: hundreds of coefficients on 80,000 units would not fit otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from impact.design.design import Bools, Design
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class CellContrast:
    """A linear combination of worker outcomes, by its arrays."""

    value: float
    a: Floats
    """What a unit of weighted outcome counts; shape (units, months)."""
    b: Floats
    """What a unit of weight takes away again; shape (units, months)."""
    share: Floats
    """Influence of one worker (at mean weight one) through estimated shares of workers; shape (units,)."""

    def __add__(self, other: Contrast) -> CellContrast:
        return CellContrast(self.value + other.value, self.a + other.a, self.b + other.b, self.share + other.share)

    def __sub__(self, other: Contrast) -> CellContrast:
        return self + -1.0 * other

    def __rmul__(self, factor: float) -> CellContrast:
        return CellContrast(factor * self.value, factor * self.a, factor * self.b, factor * self.share)

    @property
    def used(self) -> Bools:
        """Which units move the contrast; shape (units,)."""
        return np.asarray(self.a.any(axis=1) | (self.share != 0))

    def size(self, design: Design) -> float:
        """Give Σ |a × total|: what cancels in the value, and so the scale of its rounding."""
        return float(np.abs(self.a * design.total).sum())

    def unit_influence(self, design: Design) -> Floats:
        """Sum the influence of the workers of each unit; shape (units,)."""
        return np.asarray((self.a * design.total - self.b * design.weight).sum(axis=1) + self.share * design.workers)


class Span(Protocol):
    """What several quantities, estimated together, have in common; K of them, U units, S months."""

    @property
    def influence(self) -> Floats:
        """Influence of the workers of each unit on each quantity; shape (U, K)."""

    @property
    def used(self) -> Bools:
        """Units that move any of them; shape (U,)."""

    @property
    def sizes(self) -> Floats:
        """Scale of the rounding of each: a bound on Σ |a × total|; shape (K,)."""

    def a(self, weights: Floats) -> Floats:
        """Make `a` of a combination with weights of shape (K,); shape (U, S)."""

    def b(self, weights: Floats) -> Floats:
        """Make `b` of a combination."""


@dataclass(frozen=True, slots=True)
class SpanContrast:
    """A linear combination of quantities that were estimated together."""

    value: float
    weights: Floats
    """Of each quantity of the span; shape (K,)."""
    span: Span
    share: Floats
    """As in `CellContrast`."""

    def __add__(self, other: Contrast) -> Contrast:
        value, share = self.value + other.value, self.share + other.share
        if isinstance(other, SpanContrast) and other.span is self.span:
            return SpanContrast(value, self.weights + other.weights, self.span, share)
        return CellContrast(value, self.a + other.a, self.b + other.b, share)

    def __sub__(self, other: Contrast) -> Contrast:
        return self + -1.0 * other

    def __rmul__(self, factor: float) -> SpanContrast:
        return SpanContrast(factor * self.value, factor * self.weights, self.span, factor * self.share)

    @property
    def a(self) -> Floats:
        """As in `CellContrast`; made anew each time."""
        return self.span.a(self.weights)

    @property
    def b(self) -> Floats:
        """As in `CellContrast`; made anew each time."""
        return self.span.b(self.weights)

    @property
    def used(self) -> Bools:
        """Which units move the contrast; shape (units,)."""
        moves = self.span.used if self.weights.any() else np.zeros(len(self.share), dtype=bool)
        return np.asarray(moves | (self.share != 0))

    def size(self, design: Design) -> float:  # noqa: ARG002 (what cells hold is in the span)
        """Give a bound on Σ |a × total|, the scale of the rounding of the value."""
        return float(np.abs(self.weights) @ self.span.sizes)

    def unit_influence(self, design: Design) -> Floats:
        """Sum the influence of the workers of each unit; shape (units,)."""
        return np.asarray(self.span.influence @ self.weights + self.share * design.workers)


Contrast = CellContrast | SpanContrast


def unit_influences(design: Design, contrasts: Sequence[Contrast]) -> Floats:
    """Sum the influence of the workers of each unit on each contrast; shape (units, terms). Contrasts of one span are one product of matrices."""
    found = np.empty((len(design.units), len(contrasts)))
    spans: dict[int, list[int]] = {}
    for place, contrast in enumerate(contrasts):
        if isinstance(contrast, SpanContrast):
            spans.setdefault(id(contrast.span), []).append(place)
        else:
            found[:, place] = contrast.unit_influence(design)
    for places in spans.values():
        members = [one for one in (contrasts[place] for place in places) if isinstance(one, SpanContrast)]
        found[:, places] = members[0].span.influence @ np.column_stack([one.weights for one in members])
        for place, one in zip(places, members, strict=True):
            if one.share.any():
                found[:, place] += one.share * design.workers
    return found


def mean(design: Design, units: Bools, month: int) -> CellContrast:
    """The mean outcome of the workers of some units in one month; the only primitive of group-time effects.

    `units` is a mask of shape (units,); somebody must be seen.
    """
    at = design.place(month)
    weight = float(design.weight[units, at].sum())
    value = float(design.total[units, at].sum()) / weight
    a = np.zeros_like(design.total)
    a[units, at] = 1.0 / weight
    return CellContrast(value, a, a * value, np.zeros(len(design.units)))


def change(design: Design, units: Bools, base: int, month: int) -> CellContrast:
    """The change of the mean outcome of some units from a base month to another."""
    return mean(design, units, month) - mean(design, units, base)


def total(contrasts: Sequence[Contrast], factors: Sequence[float]) -> Contrast:
    """Add contrasts up, each scaled by its factor."""
    result = factors[0] * contrasts[0]
    for contrast, factor in zip(contrasts[1:], factors[1:], strict=True):
        result = result + factor * contrast
    return result
