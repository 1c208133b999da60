"""Two-way fixed effects: the benchmark to distrust.

Estimand: the coefficient of coverage beside unit and month effects; where effects differ, an average of them with weights that may be negative.
Assumes:  parallel trends, and the same effect for every cohort in every month, on entering coverage as on leaving it.
Source:   Goodman-Bacon (2021), doi:10.1016/j.jeconom.2021.03.014; errors by the conventions of R `fixest` 0.14: singletons dropped, factor
          G/(G−1) · (n−1)/(n−K) where unit effects nested in the clusters are not counted in K, t with G−1 degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.contrast import CellContrast, Contrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.fixest_errors import clustered, note_on_singletons, unit_effects, without_singletons
from impact.infer.cluster import cluster_counts, printable
from impact.moments.moments import Floats
from impact.results import Errors, Estimate, Info, Term

INFO = Info(
    "twfe",
    "Two-way fixed effects (benchmark)",
    "双向固定效应（对照基准）",
    "Goodman-Bacon (2021)",
    follows=True,
    covariates=True,
    of_means=False,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What is held constant, and how errors are taken."""

    covariates: tuple[Design, ...] = ()
    """Designs of the covariates, on the same units and months; each unit must be one worker."""
    effects: Literal["worker", "unit"] = "worker"
    """Whose own level is taken out: each worker's, where rows name them, or only that of the units at which coverage is decided."""
    errors: Literal["cluster", "homoskedastic"] = "cluster"
    """`homoskedastic` is what textbooks print; it is shown for comparison only."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Regress the outcome on coverage with unit and month effects.

    The effects are those of the workers where the design follows them, and of the design's units elsewhere. Raises DesignError where covariates meet units of
    several workers, EstimationError where coverage does not vary once the effects are out.
    """
    for covariate in options.covariates:
        _require_usable_covariate(design, covariate)
    alive = without_singletons(design)
    kept, covariates = design.keep(*alive), tuple(covariate.keep(*alive) for covariate in options.covariates)
    regressors = np.stack([kept.coverage.astype(float), *(_means(covariate) for covariate in covariates)])
    partial = np.stack([_residual(kept, regressor) for regressor in regressors])
    cross = np.einsum("kus,us,lus->kl", partial, kept.weight, partial)
    if cross[0, 0] <= 1e-10 * float((kept.weight * kept.coverage).sum() or 1.0):
        raise EstimationError(
            f"outcome `{design.outcome}`: coverage does not vary within units over time beyond the month effects.\n"
            f"Found {len(kept.units):,} units, {kept.coverage.any(axis=1).sum():,} of them ever covered.\nNothing can be estimated from these rows."
        )
    _require_independent(kept, regressors, cross)
    inverse = np.linalg.inv(cross)
    coefficients = inverse @ np.einsum("kus,us->k", partial, kept.total)
    fitted = _fitted(kept, regressors, coefficients)
    a = np.where(kept.seen, np.einsum("k,kus->us", inverse[0], partial), 0.0)
    contrast = CellContrast(float(coefficients[0]), a, a * fitted, np.zeros(len(kept.units)))
    errors, correction = _errors(kept, contrast, fitted, float(inverse[0, 0]), len(regressors), options)
    term = Term("coverage", workers=float(kept.headcount[kept.coverage.any(axis=1)].sum()))
    notes = (*kept.notes, *note_on_singletons(design, kept))
    return Estimate(INFO, kept, options, (term,), (contrast,), errors, notes, correction=correction)


def _require_usable_covariate(design: Design, covariate: Design) -> None:
    """Covariates belong to workers, and are known wherever the outcome is."""
    if not design.one_worker_per_unit:
        raise DesignError(
            f"covariates: they are held constant worker by worker.\n"
            f"Found {len(design.units):,} units with {design.headcount.sum():,.0f} workers.\nName the worker as the unit."
        )
    if covariate.months != design.months or (covariate.seen != design.seen).any():
        raise DesignError(
            f"covariate `{covariate.outcome}`: it is not known wherever `{design.outcome}` is.\n"
            f"Found {covariate.seen.sum():,} worker-months with it, {design.seen.sum():,} with the outcome.\nCompress only rows that have both."
        )


def _require_independent(design: Design, regressors: Floats, cross: Floats) -> None:
    """Refuse covariates that do not vary once unit and month effects are out, or that repeat each other."""
    left, whole = np.diag(cross), np.einsum("kus,us->k", regressors**2, design.weight)
    nothing = left <= 1e-16 * np.maximum(whole, np.finfo(float).tiny)
    scale = np.sqrt(np.where(nothing, 1.0, left))
    if nothing.any() or np.linalg.cond(cross / np.outer(scale, scale)) > 1e10:
        count = len(left) - 1
        raise EstimationError(
            f"outcome `{design.outcome}`: a covariate adds nothing beside unit and month effects and the others.\n"
            f"Found {count} covariate{'s' if count != 1 else ''}.\nLeave out covariates that are fixed for a worker, change alike for everybody, or repeat another."
        )


def _means(design: Design) -> Floats:
    return np.divide(design.total, design.weight, out=np.zeros_like(design.total), where=design.seen)


def _residual(design: Design, values: Floats) -> Floats:
    """Take unit and month effects out of an array over units × months, weighted by the cells; exact also where cells are empty."""
    unit, month = _effects(design, values)
    return np.asarray(np.where(design.seen, values - unit[:, None] - month[None, :], 0.0))


def _effects(design: Design, values: Floats) -> tuple[Floats, Floats]:
    """Solve for unit and month effects: the unit effects are substituted out, the month effects solve a system of their own size."""
    weight = design.weight
    unit_weight = weight.sum(axis=1)
    system = np.diag(weight.sum(axis=0)) - weight.T @ (weight / unit_weight[:, None])
    unit_mean = (weight * values).sum(axis=1) / unit_weight
    target = (weight * (values - unit_mean[:, None])).sum(axis=0)
    month = np.linalg.lstsq(system, target, rcond=None)[0]
    return unit_mean - weight @ month / unit_weight, month


def _fitted(design: Design, regressors: Floats, coefficients: Floats) -> Floats:
    explained = np.einsum("k,kus->us", coefficients, regressors)
    unit, month = _effects(design, _means(design) - explained)
    return np.asarray(explained + unit[:, None] + month[None, :])


def _errors(design: Design, contrast: Contrast, fitted: Floats, inverse: float, regressors: int, options: Options) -> tuple[Errors, float]:
    if options.errors == "cluster":
        return clustered(design, (contrast,), regressors)
    freedom = float(design.rows.sum()) - regressors - len(design.months) - unit_effects(design) + 1
    residual = _residual_square(design, fitted)
    used: Bools = np.ones(len(design.units), dtype=bool)
    clusters, covered = cluster_counts(design, used)
    covariance = printable(design, (contrast,), np.array([[residual / freedom * inverse]]))
    return Errors(covariance, freedom, "homoskedastic", design.cluster_level, clusters, covered), 1.0


def _residual_square(design: Design, fitted: Floats) -> float:
    """Sum the squares of what is left; where workers are followed, each has an effect of its own, of which `fitted` holds the mean in the unit."""
    left = float((design.square - 2 * fitted * design.total + fitted**2 * design.weight).sum())
    if not design.followed or design.one_worker_per_unit:
        return left
    if design.between is None:
        raise EstimationError(
            f"outcome `{design.outcome}`: homoskedastic errors with effects of workers need the whole of each worker's months.\n"
            "Found months set aside because a single worker is seen in them.\nAsk for errors by cluster, or leave these months out of the data."
        )
    own = design.total.sum(axis=1)
    return left - float((design.between - own**2 / design.weight.sum(axis=1)).sum())
