"""The means that effects are made of: what each cluster weighs in them, and what it moves through them.

A group-time effect is four means, of the covered and the compared in two months; an aggregate is a sum of effects. In every month of a contrast
the units with positive and those with negative weight are taken for one mean each, apart by eligibility and stratum where units are told apart by them. For group-time effects that is exact, whoever is compared and
however unbalanced the panel; for other linear estimators it is an approximation. What comes out of one regression is taken as averaged: there every
effect uses all months, and hundreds of them would be tens of thousands of means. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import CellContrast, Contrast, SpanContrast
from impact.design.design import Design
from impact.infer.aggregate import By, Window, aggregate
from impact.infer.inference import cluster_places
from impact.moments.moments import Floats
from impact.results import Estimate

WITHIN = ("eligible", "stratum")
"""Traits within which units are compared."""


@dataclass(frozen=True, slots=True)
class Means:
    """The means behind some contrasts; M means, C clusters, U units."""

    term: NDArray[np.intp]
    """Which contrast each mean belongs to; shape (M,)."""
    month: NDArray[np.intp]
    """Place of its month; shape (M,)."""
    weight: Floats
    """What each unit weighs in the contrast through it, with its sign: a × Σw; shape (M, U)."""
    share: Floats
    """Share of each cluster in its weight; rows sum to one; shape (M, C)."""
    influence: Floats
    """Influence of each cluster on the contrast through it; shape (M, C)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An aggregate, and the means it is made of."""

    aggregate: Estimate
    coefficients: Floats
    """What each effect counts in each aggregate; shape (aggregates, effects)."""
    means: Means
    share_influence: Floats
    """Influence of clusters through estimated shares of workers; shape (C, aggregates)."""


def parts_of(estimate: Estimate, by: By = "none", window: Window = Window()) -> Parts:
    """Take effects apart into means, together with what they count in their aggregate."""
    design = estimate.design
    averaged = aggregate(estimate, by, window)
    whole = by == "none" or any(isinstance(contrast, SpanContrast) for contrast in estimate.contrasts)
    contrasts = averaged.contrasts if whole else estimate.contrasts
    coefficients = np.eye(len(averaged.terms)) if whole else _coefficients(estimate, by, window)
    _, place = cluster_places(design)
    shares = np.column_stack([contrast.share * design.workers for contrast in averaged.contrasts])
    return Parts(averaged, coefficients, _means(design, contrasts), _over_clusters(place, shares.T).T)


def _means(design: Design, contrasts: tuple[Contrast, ...]) -> Means:
    _, place = cluster_places(design)
    kind = kinds_of(design)
    arrays = ((term, contrast.a, contrast.b) for term, contrast in enumerate(contrasts))
    found = [
        (term, month, side * np.maximum(side * a[:, month], 0.0) * own, b[:, month])
        for term, a, b in arrays
        for month in np.flatnonzero(a.any(axis=0))
        for side in (1.0, -1.0)
        for own in (kind == np.arange(kind.max() + 1)[:, None])
        if (side * a[own, month] > 0).any()
    ]
    months = np.array([month for _, month, _, _ in found], dtype=np.intp)
    a = np.array([weight for _, _, weight, _ in found])
    b = np.where(a != 0, np.array([taken for _, _, _, taken in found]), 0.0)
    weight, total = design.weight.T[months], design.total.T[months]
    counted = np.abs(_over_clusters(place, a * weight))
    return Means(
        term=np.array([term for term, _, _, _ in found], dtype=np.intp),
        month=months,
        weight=a * weight,
        share=counted / counted.sum(axis=1, keepdims=True),
        influence=_over_clusters(place, a * total - b * weight),
    )


def kinds_of(design: Design) -> NDArray[np.intp]:
    """Number what an estimator compares within: eligibility and stratum, where units are told apart by them; all zero elsewhere."""
    traits = [np.unique(design.traits[name], return_inverse=True)[1] for name in WITHIN if name in design.traits]
    if not traits:
        return np.zeros(len(design.units), dtype=np.intp)
    return np.asarray(np.unique(np.column_stack(traits), axis=0, return_inverse=True)[1].ravel())


def by_kind(design: Design, values: Floats) -> Floats:
    """Lay values, of shape (units, months), out with months of their own for each kind; zero in those of other kinds; shape (units, kinds × months)."""
    kind = kinds_of(design)
    own = kind[:, None] == np.arange(kind.max() + 1)
    return np.asarray((own[:, :, None] * values[:, None, :]).reshape(len(values), -1))


def _over_clusters(place: NDArray[np.intp], values: Floats) -> Floats:
    """Sum the last axis, units, over clusters."""
    member = np.zeros((len(place), int(place.max()) + 1))
    member[np.arange(len(place)), place] = 1.0
    return np.asarray(values @ member)


def _coefficients(estimate: Estimate, by: By, window: Window) -> Floats:
    """Say what each effect counts in each aggregate, by averaging markers in place of contrasts."""
    units, count = len(estimate.design.units), len(estimate.terms)
    markers = tuple(
        CellContrast(contrast.value, np.broadcast_to(np.eye(1, count, place), (units, count)), np.zeros((1, 1)), contrast.share)
        for place, contrast in enumerate(estimate.contrasts)
    )
    empty = np.zeros((units, count))
    marked = replace(estimate, design=replace(estimate.design, total=empty, weight=empty), contrasts=markers)
    return np.array([contrast.a[0] for contrast in aggregate(marked, by, window).contrasts])
