"""What terms are when cohorts go to other clusters: by refits for any estimator, or at once from sums of clusters for group-time effects.

Taking an effect away from covered months is linear in it, so that each assignment is estimated for the outcome and for actual coverage in its place: these
two tell the term, and its error, under every null. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from impact.design.design import Design
from impact.errors import EstimationError, ImpactError, listing
from impact.infer.cluster import cluster_sums, over_clusters
from impact.infer.inference import cluster_places
from impact.infer.means import Parts
from impact.moments.moments import Floats
from impact.results import Estimate

Refit = Callable[[Design], Estimate]
"""Gives the estimate again, averaged as it was, on another design."""
_TOGETHER = 128
"""Assignments taken at once, to bound memory."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """Terms under every assignment; arrays have shape (assignments, terms)."""

    values: Floats
    """Of the outcome."""
    slopes: Floats
    """Of actual coverage in its place: what an effect of one, where it is, does to the term."""
    squares: Floats
    """Σ over clusters of squared influence of the outcome."""
    crosses: Floats
    """Σ of the influence of the outcome times that of coverage."""
    slope_squares: Floats
    """Σ of squared influence of coverage."""


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets of cohorts whose means the terms are made of; R sets, K kinds of cohort, C clusters, S months."""

    kinds: Floats
    """Cohorts, ascending, infinite for never; shape (K,)."""
    holds: Floats
    """Whether a set holds a kind; shape (R, K)."""
    counts: Floats
    """What the mean of a set in a month counts in each term; shape (terms, R, S)."""
    weight: Floats
    """Shape (C, S)."""
    outcomes: tuple[Floats, Floats]
    """Σwy of the outcome and of actual coverage; each of shape (C, S)."""


def by_refits(estimate: Estimate, refit: Refit, assignments: Sequence[Floats]) -> Reassigned:
    """Estimate under every assignment of cohorts to clusters; missing where somebody is left without a comparison."""
    return Reassigned(*(np.array(column) for column in zip(*(_reassigned(estimate, refit, one) for one in assignments), strict=True)))


def by_means(parts: Parts, assignments: Sequence[Floats]) -> Reassigned | None:
    """Estimate averages of group-time effects under every assignment, with the shares of cohorts as they are, from sums of clusters.

    None where an effect is not made of means of whole cohorts.
    """
    sets = _sets(parts)
    if sets is None:
        return None
    chunks = [_at_once(sets, np.array(assignments[start : start + _TOGETHER])) for start in range(0, len(assignments), _TOGETHER)]
    return Reassigned(*(np.concatenate(column) for column in zip(*chunks, strict=True)))


def _reassigned(estimate: Estimate, refit: Refit, cohorts: Floats) -> tuple[Floats, ...]:
    design = estimate.design
    _, place = cluster_places(design)
    cohort = cohorts[place]
    coverage = np.where(np.isnan(cohort), np.inf, cohort)[:, None] <= np.asarray(design.months)[None, :]
    asked = replace(design, cohort=cohort, coverage=coverage)
    reached = design.traits["eligible"] == 1 if "eligible" in estimate.info.reads else np.ones(len(design.units), dtype=bool)
    covered = np.where(design.coverage & reached[:, None], design.weight, 0.0)
    try:
        values, sums = _fitted(estimate, refit(asked))
        slopes, moved = _fitted(estimate, refit(replace(asked, total=covered, square=covered)))
    except ImpactError:
        return tuple(np.full(len(estimate.terms), np.nan) for _ in range(5))
    return values, slopes, (sums**2).sum(axis=0), (sums * moved).sum(axis=0), (moved**2).sum(axis=0)


def _fitted(estimate: Estimate, again: Estimate) -> tuple[Floats, Floats]:
    """Give values and sums of influence for the terms of the actual estimate, by name."""
    places = {term.name: place for place, term in enumerate(again.terms)}
    missing = [term.name for term in estimate.terms if term.name not in places]
    if missing:
        raise EstimationError(
            f"inference `permutation`: a term cannot be estimated.\nFound no {listing(missing)}.\nAsk for terms that every cluster can have."
        )
    order = [places[term.name] for term in estimate.terms]
    return again.values[order], cluster_sums(again.design, [again.contrasts[place] for place in order])


def _sets(parts: Parts) -> _Sets | None:
    """Read off which cohorts each mean is taken over; None where a mean leaves out some of a cohort, or weighs its units otherwise than by workers."""
    design, means = parts.aggregate.design, parts.means
    kinds, kind = np.unique(np.where(np.isnan(design.cohort), np.inf, design.cohort), return_inverse=True)
    seen = design.weight.T[means.month]
    loading = np.abs(means.weight)
    held = np.array([(loading * (kind == place)).any(axis=1) for place in range(len(kinds))]).T
    scale = loading.sum(axis=1) / np.maximum((held[:, kind] * seen).sum(axis=1), 1e-300)
    if not np.allclose(loading, scale[:, None] * held[:, kind] * seen, rtol=1e-9, atol=1e-12):
        return None
    holds, which = np.unique(held, axis=0, return_inverse=True)
    counts = np.zeros((len(parts.coefficients), len(holds), len(design.months)))
    for term, coefficients in enumerate(parts.coefficients):
        np.add.at(counts[term], (which.ravel(), means.month), coefficients[means.term] * means.weight.sum(axis=1))
    _, place = cluster_places(design)
    covered = np.where(design.coverage, design.weight, 0.0)
    weight, *outcomes = (over_clusters(place, array) for array in (design.weight, design.total, covered))
    return _Sets(kinds, holds.astype(float), counts, weight, (outcomes[0], outcomes[1]))


def _at_once(sets: _Sets, assignments: Floats) -> tuple[Floats, ...]:
    """Estimate under some assignments, of shape (B, C)."""
    member = (np.where(np.isnan(assignments), np.inf, assignments)[:, None, :] == sets.kinds[None, :, None]).astype(float)
    weight = sets.holds @ (member @ sets.weight)
    inverse = np.divide(1.0, weight, out=np.full_like(weight, np.nan), where=weight > 0)
    means = [(sets.holds @ (member @ outcome)) * inverse for outcome in sets.outcomes]
    found = [_term(sets, member, inverse, means, counts) for counts in sets.counts]
    return tuple(np.column_stack(column) for column in zip(*found, strict=True))


def _term(sets: _Sets, member: Floats, inverse: Floats, means: list[Floats], counts: Floats) -> tuple[Floats, ...]:
    used = counts != 0
    values, slopes = ((counts[used] * mean[:, used]).sum(axis=1) for mean in means)
    lever = np.where(used, counts * inverse, 0.0)
    sums, moved = (
        _sums(sets, member, lever, np.where(used, mean, 0.0), outcome) for mean, outcome in zip(means, sets.outcomes, strict=True)
    )
    return values, slopes, (sums**2).sum(axis=1), (sums * moved).sum(axis=1), (moved**2).sum(axis=1)


def _sums(sets: _Sets, member: Floats, lever: Floats, mean: Floats, outcome: Floats) -> Floats:
    """Sum influence over clusters: Σ over the sets that hold its cohort and months of count / W × (Σwy − mean × Σw); shape (B, C)."""
    gain, loss = sets.holds.T @ lever, sets.holds.T @ (lever * mean)
    return np.asarray((member * (gain @ outcome.T - loss @ sets.weight.T)).sum(axis=1))
