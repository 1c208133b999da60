"""How many clusters an estimate really rests on, and how much of it the largest carries.

Where all clusters count alike, the effective number is their number; where one dominates, it nears one, and tests that count clusters reject too often.
Source: Carter, Schnepel and Steigerwald (2017), doi:10.1162/REST_a_00639, with shocks common to a cluster in a month and independent between months;
        shocks that stay would cancel in a difference. Eligible and ineligible, and strata, count apart. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.infer.cluster import cluster_sums, over_clusters
from impact.infer.inference import cluster_places, require_clusters
from impact.infer.means import by_kind
from impact.moments.moments import Floats
from impact.results import Estimate


@dataclass(frozen=True, slots=True)
class Leverage:
    """Leverage of clusters on each term; arrays have one entry per term."""

    terms: tuple[str, ...]
    effective_clusters: Floats
    """G / (1 + squared coefficient of variation of the leverages)."""
    effective_covered: Floats
    """The same among clusters with a covered unit."""
    largest: tuple[str, ...]
    """Cluster with the largest leverage."""
    largest_leverage: Floats
    """Its share of the whole: the part of the variance it would carry if all clusters varied alike."""
    largest_influence: Floats
    """Share of the cluster with most influence in the variance as estimated."""


def leverage(estimate: Estimate) -> Leverage:
    """Measure what each cluster weighs in each term; missing where a term is zero by construction."""
    require_clusters(estimate, "leverage")
    names, place = cluster_places(estimate.design)
    ever = np.zeros(len(names), dtype=bool)
    ever[place[~np.isnan(estimate.design.cohort)]] = True
    share = leverages(estimate)
    squares = cluster_sums(estimate.design, estimate.contrasts) ** 2
    return Leverage(
        terms=tuple(term.name for term in estimate.terms),
        effective_clusters=_effective(share),
        effective_covered=_effective(share[ever]),
        largest=tuple(names[cluster] for cluster in share.argmax(axis=0)),
        largest_leverage=share.max(axis=0),
        largest_influence=_ratio(squares.max(axis=0), squares.sum(axis=0)),
    )


def leverages(estimate: Estimate) -> Floats:
    """Give the share of each cluster in the variance if all clusters varied alike; shape (clusters, terms), columns sum to one."""
    _, place = cluster_places(estimate.design)
    design = estimate.design
    months = [over_clusters(place, by_kind(design, contrast.a * design.weight)) for contrast in estimate.contrasts]
    found = np.column_stack([(by_month**2).sum(axis=1) for by_month in months])
    return _ratio(found, found.sum(axis=0))


def _effective(share: Floats) -> Floats:
    return _ratio(share.sum(axis=0) ** 2, (share**2).sum(axis=0))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=np.broadcast_to(whole > 0, part.shape)))
