"""Distributions of cohorts by month, in the data and in draws that weigh clusters anew. May touch: nothing.

Each cluster gets an exponential weight in each draw (Rubin 1981, doi:10.1214/aos/1176345338): no draw loses a cohort, however few its clusters, and the
outcomes of a cluster stay together over months.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.design.design import Design
from impact.design.distribution import Distribution
from impact.errors import DesignError
from impact.estimate.parts.spreads import Places, Spread, spread_of
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """What lies in the bins of each kind of unit and month; N kinds, S months, B bins, D draws."""

    low: Floats
    """Lower edge of each bin; shape (B,)."""
    high: Floats
    """Upper edge of each bin; shape (B,)."""
    held: Floats
    """Σw in the data; shape (N, S, B)."""
    total: Floats
    """Σwy in the data; shape (N, S, B)."""
    drawn: Floats
    """Σw in each draw; shape (N, S, D, B)."""


def required_distribution(design: Design) -> Distribution:
    """Give the design's distribution.

    Raises DesignError where there is none, or errors are asked for by worker in units of several.
    """
    if design.distribution is None:
        raise DesignError(
            f"outcome `{design.outcome}`: nothing is known of its distribution.\nFound means of {len(design.units):,} units alone.\nCompress the panel again with bins of this outcome."
        )
    if design.pairs is not None:
        raise DesignError(
            f"outcome `{design.outcome}`: errors by worker need each worker's months together, which distributions of units do not keep.\n"
            f"Found {len(design.units):,} units with {design.headcount.sum():,.0f} workers.\nCluster by the unit or above, or name the worker as the unit."
        )
    return design.distribution


def clusters_in_order(design: Design) -> Places:
    """Number the clusters of units by what is in them, so that neither names nor the order of rows decide which draw is whose; shape (units,)."""
    names, place = np.unique(np.asarray(design.cluster), return_inverse=True)
    seen = [np.bincount(place, values.sum(axis=1), len(names)) for values in (design.weight, design.total, design.square)]
    keys = [np.round(values / max(float(np.abs(values).max()), np.finfo(float).tiny), 9) for values in seen]
    rank = np.empty(len(names), dtype=np.intp)
    rank[np.lexsort(keys[::-1])] = np.arange(len(names))
    return rank[place]


def cluster_weights(clusters: int, draws: int, seed: int) -> Floats:
    """Draw the weight of each cluster; the first row is the data as they are; shape (draws + 1, clusters)."""
    drawn = np.random.default_rng(seed).standard_exponential((draws, clusters))
    return np.concatenate([np.ones((1, clusters)), drawn])


def cells_of(design: Design, kind: Places, cluster: Places, weights: Floats) -> Cells:
    """Sum the bins over the units of each kind, once as they are and once for each draw of cluster weights, of shape (D, clusters)."""
    from scipy import sparse  # takes a tenth of a second to load

    found = required_distribution(design)
    shape = (int(kind.max()) + 1, len(design.months), len(found.low))
    at = np.ravel_multi_index((kind[found.unit], found.month, found.bin), shape)
    size = int(np.prod(shape))
    held, total = (np.bincount(at, values, size).astype(float).reshape(shape) for values in (found.weight, found.total))
    by_cluster = sparse.csr_matrix((found.weight, (at, cluster[found.unit])), shape=(size, weights.shape[1]))
    drawn = np.asarray(by_cluster @ weights.T).reshape(*shape, len(weights))
    return Cells(found.low, found.high, held, total, np.ascontiguousarray(drawn.transpose(0, 1, 3, 2)))


def spread_over(cells: Cells, kinds: Sequence[int], months: Sequence[int]) -> Spread:
    """Give the distribution of some kinds in some months, in which somebody of them is seen; months count alike."""
    grid = np.ix_(kinds, months)
    held, total, drawn = (values[grid].sum(axis=0) for values in (cells.held, cells.total, cells.drawn))
    size = held.sum(axis=1, keepdims=True)
    weight, sums = (held / size).sum(axis=0), (total / size).sum(axis=0)
    mean = np.divide(sums, weight, out=np.full_like(sums, np.nan), where=weight > 0)
    shares = drawn[0] if len(months) == 1 else (drawn / drawn.sum(axis=2, keepdims=True)).sum(axis=0)
    return spread_of(shares, mean, cells.low, cells.high)
