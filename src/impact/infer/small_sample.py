"""Cluster-robust errors that mind how few clusters there are: CR1 with G − 1 degrees of freedom, CR2 with Satterthwaite's.

Source: Bell and McCaffrey (2002); Imbens and Kolesár (2016), doi:10.1162/REST_a_00552; Pustejovsky and Tipton (2018),
        doi:10.1080/07350015.2016.1247004.

CR2 divides what a cluster moves through a mean by √(1 − its share of that mean), as its own outcome has pulled the mean towards it. For means this is
the whole of the adjustment, so no row is needed: exactly CR2 of the regression on cohort × month dummies where the never covered are compared, of each
group-time effect by itself whoever is compared, and an approximation for estimators that are no contrasts of means. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from impact import settings
from impact.design.design import Design
from impact.infer.aggregate import By, Window
from impact.infer.bands import chosen, critical_value
from impact.infer.cluster import over_clusters
from impact.infer.inference import Inference, Method, cluster_places, require_clusters
from impact.infer.means import Parts, parts_of
from impact.moments.moments import Floats
from impact.results import Estimate
from impact.text import Text

Working = Literal["shocks", "rows"]
_WHOLE = 1 - 1e-9
"""A cluster with this share of a mean is the mean: nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What degrees of freedom are reckoned for."""

    working: Working = "rows"
    """`rows`: rows are independent, so that large clusters vary less (Bell and McCaffrey); `shocks`: what varies is common to a cluster in a month, alike in all
    clusters, which leaves fewer degrees of freedom, and covers too often even where shocks alone vary."""
    seed: int = settings.SEED
    """Seed of the draws behind the band."""


def cr1(estimate: Estimate, level: float = settings.LEVEL, seed: int = settings.SEED) -> Inference:
    """Scale the variance of an estimate by G/(G − 1), and use t with G − 1 degrees of freedom; G counts the clusters that move it, `seed` is that of the band.

    Where an estimator has a factor of its own (`twfe`), that is kept. Raises EstimationError where errors do not come from clusters of units.
    """
    require_clusters(estimate, "cr1")
    clusters = estimate.errors.clusters
    factor = clusters / (clusters - 1) if estimate.correction == 1 else 1.0
    freedom = np.full(len(estimate.terms), float(clusters - 1))
    return by_t("cr1", estimate, factor * estimate.errors.covariance, freedom, level, seed)


def cr2(
    estimate: Estimate, by: By = "none", window: Window = Window(), options: Options = Options(), level: float = settings.LEVEL
) -> Inference:
    """Give CR2 errors with Satterthwaite degrees of freedom, term by term, and the reach of a uniform band.

    `estimate` holds the effects before they are averaged. Raises EstimationError where errors do not come from clusters of units.
    """
    require_clusters(estimate, "cr2")
    parts = parts_of(estimate, by, window)
    factors = [parts.coefficients[place][parts.means.term] for place in range(len(parts.aggregate.terms))]
    adjusted = _adjustment(parts.means.share)
    scores = np.column_stack([factor @ (parts.means.influence * adjusted) for factor in factors]) + parts.share_influence
    known = np.isfinite(parts.aggregate.errors.std_error)
    covariance = np.where(known[:, None] & known[None, :], scores.T @ scores, 0.0)
    deviations = _shock_deviations(estimate.design, options.working)
    freedom = np.array([_satterthwaite(parts, factor, adjusted, deviations) for factor in factors])
    return by_t("cr2", parts.aggregate, covariance, freedom, level, options.seed, _notes(parts))


def _adjustment(share: Floats) -> Floats:
    """Give 1 / √(1 − share); zero where a cluster is the whole mean, as no residual is left."""
    return np.where(share < _WHOLE, 1 / np.sqrt(1 - np.minimum(share, _WHOLE)), 0.0)


def _shock_deviations(design: Design, working: Working) -> Floats:
    """Give the standard deviation that the working model says the mean of a cluster and month has; shape (C, months)."""
    _, place = cluster_places(design)
    weight = over_clusters(place, design.weight)
    if working == "shocks":
        return np.ones_like(weight)
    return np.asarray(np.divide(1.0, np.sqrt(weight), out=np.zeros_like(weight), where=weight > 0))


def _satterthwaite(parts: Parts, factor: Floats, adjusted: Floats, deviations: Floats) -> float:
    """Give the degrees of freedom of the chi-square whose mean and variance the estimated variance has under the working model.

    Scores are linear in the shocks of a month, S = D u with D = diag(v) − Vᵀ Ω, v = Σ V over the means of that month; Σ D Ψ Dᵀ over months is taken at once.
    """
    means = parts.means
    size = factor * means.weight.sum(axis=1)
    used = size != 0
    share, month = means.share[used], means.month[used]
    moved = size[used, None] * adjusted[used] * share
    variance = deviations[:, month].T ** 2
    same_month = (month[:, None] == month[None, :]).astype(float)
    whole = same_month @ moved
    crossed = (share * variance * whole).T @ moved
    spread = moved.T @ (((share * variance) @ share.T) * same_month) @ moved - crossed - crossed.T
    spread[np.diag_indices_from(spread)] += (moved * whole * variance).sum(axis=0)
    squares = float((spread**2).sum())
    return float(np.trace(spread) ** 2 / squares) if squares > 0 else float("nan")


def by_t(
    method: Method, estimate: Estimate, covariance: Floats, freedom: Floats, level: float, seed: int, notes: tuple[Text, ...] = ()
) -> Inference:
    """Turn a covariance of terms, of shape (terms, terms), and degrees of freedom of each into an inference by t; terms of variance zero have no error."""
    with_errors = replace(estimate, errors=replace(estimate.errors, covariance=covariance, degrees_of_freedom=None))
    errors = with_errors.errors.std_error
    reach = stats.t.ppf(0.5 + level / 2, freedom) * errors
    return Inference(
        method=method,
        terms=tuple(term.name for term in estimate.terms),
        estimate=estimate.values,
        std_error=errors,
        p_value=2 * stats.t.sf(np.abs(estimate.values) / errors, freedom),
        conf_low=estimate.values - reach,
        conf_high=estimate.values + reach,
        level=level,
        degrees_of_freedom=freedom,
        band_reach=_band(with_errors, errors, freedom, level, seed),
        notes=notes,
    )


def _band(estimate: Estimate, errors: Floats, freedom: Floats, level: float, seed: int) -> Floats:
    """Bring the critical value of the uniform band from the normal to the t of each term, at the same chance in the tails."""
    path = [place for place, term in enumerate(estimate.terms) if term.name != "overall"]
    reach = np.full(len(errors), np.nan)
    if path:
        tail = stats.norm.sf(critical_value(chosen(estimate, path), level, seed=seed))
        reach[path] = stats.t.isf(tail, freedom[path]) * errors[path]
    return reach


def _notes(parts: Parts) -> tuple[Text, ...]:
    alone = {int(term) for term, share in zip(parts.means.term, parts.means.share, strict=True) if share.max() >= _WHOLE}
    count = len([term for term in alone if (parts.coefficients[:, term] != 0).any()])
    if not count:
        return ()
    return (
        Text(
            f"in {count} effect{'s' if count > 1 else ''} the covered or the compared are one cluster, which has no residual of its own: its variance is left out, "
            "and the error is too small",
            f"{count}个效应的受覆盖者或比较对象只有一个聚类，没有自身残差：其方差未计入，标准误偏小",
        ),
    )
