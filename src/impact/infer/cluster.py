"""Cluster-robust covariance of contrasts, by sums of influence over clusters.

With the convention of R `did`: sums of influence over each cluster, not means, no centring and no small-sample factor unless the estimator
asks for one. Errors by worker come from the pair moments: Var = Σ_u vᵀ P_u v with v = (a, −b, share).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import Contrast, unit_influences
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.moments.moments import Floats
from impact.results import Errors


def cluster_errors(
    design: Design, contrasts: Sequence[Contrast], correction: float = 1.0, degrees_of_freedom: float | None = None
) -> Errors:
    """Give the covariance of contrasts, of shape (terms, terms), clustered at the level of the design.

    Raises EstimationError where fewer than two clusters move the estimate.
    """
    used = _used_units(contrasts)
    clusters, covered = cluster_counts(design, used)
    if clusters < 2:
        raise EstimationError(
            f"errors clustered by {design.cluster_level}: there is nothing to compare.\nFound {clusters} cluster.\nCluster at a finer level."
        )
    covariance = _from_pairs(design, contrasts) if design.pairs is not None else _from_sums(design, contrasts)
    covariance = printable(design, contrasts, covariance)
    return Errors(correction * covariance, degrees_of_freedom, "cluster", design.cluster_level, clusters, covered)


def cluster_counts(design: Design, used: Bools) -> tuple[int, int]:
    """Count the clusters among some units, and those of them that hold a covered unit; workers are the clusters where errors are by worker."""
    ever = used & ~np.isnan(design.cohort)
    if design.pairs is not None:
        return int(design.headcount[used].sum()), int(design.headcount[ever].sum())
    names = np.asarray(design.cluster)
    return len(np.unique(names[used])), len(np.unique(names[ever]))


def cluster_sums(design: Design, contrasts: Sequence[Contrast]) -> Floats:
    """Sum the influence of units over clusters; shape (clusters, terms)."""
    _, cluster = np.unique(np.asarray(design.cluster), return_inverse=True)
    return over_clusters(cluster, unit_influences(design, contrasts))


def over_clusters(place: NDArray[np.intp], values: Floats, clusters: int | None = None) -> Floats:
    """Sum rows of units, of shape (units, columns), over the clusters at `place`; shape (clusters, columns).

    `clusters` is needed where the units are only some, so that the last clusters may have none.
    """
    sums = np.zeros((int(place.max()) + 1 if clusters is None else clusters, values.shape[1]))
    np.add.at(sums, place, values)
    return sums


def printable(design: Design, contrasts: Sequence[Contrast], covariance: Floats) -> Floats:
    """Refuse a covariance that is not finite, and take variances at the level of rounding for zero.

    Where nothing varies between clusters no error is then printed. Sums of influence keep some thirteen digits of the totals that cancel in them; the
    quadratic forms of the pair moments keep eight.
    """
    if not (np.isfinite(covariance).all() and all(np.isfinite(contrast.value) for contrast in contrasts)):
        raise _too_large(design)
    size = np.array([contrast.size(design) for contrast in contrasts])
    nothing = np.diag(covariance) <= ((1e-13 if design.pairs is None else 1e-8) * size) ** 2
    return np.where(nothing[:, None] | nothing[None, :], 0.0, covariance)


def require_moderate(design: Design, values: Floats) -> None:
    """Refuse values whose squares cannot be added up; raises EstimationError."""
    with np.errstate(over="ignore", invalid="ignore"):
        size = float((values**2).sum())
    if not np.isfinite(size):
        raise _too_large(design)


def _too_large(design: Design) -> EstimationError:
    return EstimationError(
        f"outcome `{design.outcome}`: its values are too large to compute with.\nFound totals up to {np.abs(design.total).max():.3g}.\n"
        "Check the unit of the outcome, or rescale it."
    )


def _from_sums(design: Design, contrasts: Sequence[Contrast]) -> Floats:
    sums = cluster_sums(design, contrasts)
    return np.asarray(sums.T @ sums)


def _from_pairs(design: Design, contrasts: Sequence[Contrast]) -> Floats:
    assert design.pairs is not None
    covariance = np.zeros((len(contrasts), len(contrasts)))
    arrays = [(contrast.a, contrast.b, contrast.share) for contrast in contrasts]
    for unit, gram in enumerate(design.pairs):
        loading = np.array([np.r_[a[unit], -b[unit], share[unit]] for a, b, share in arrays])
        covariance += loading @ gram @ loading.T
    return covariance


def _used_units(contrasts: Sequence[Contrast]) -> Bools:
    used = np.zeros(len(contrasts[0].share), dtype=bool)
    for contrast in contrasts:
        used |= contrast.used
    return used
