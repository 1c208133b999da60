"""Errors from leaving out one cluster at a time: CR3, the cluster jackknife, with degrees of freedom by the effective number of clusters.

It needs nothing but refits, and so minds the leverage of clusters in regressions over all months, of which CR2 by means knows little; with unequal clusters
it errs on the safe side.
Source: MacKinnon, Nielsen and Webb (2023), doi:10.1002/jae.2969; degrees of freedom by Carter, Schnepel and Steigerwald (2017), doi:10.1162/REST_a_00639.
May touch: nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from impact import settings
from impact.errors import EstimationError, ImpactError
from impact.infer.inference import Inference, cluster_places, require_clusters
from impact.infer.leverage import leverage
from impact.infer.reassigned import Refit
from impact.infer.small_sample import by_t
from impact.moments.moments import Floats
from impact.results import Estimate
from impact.text import Text


def cr3(averaged: Estimate, refit: Refit, level: float = settings.LEVEL, seed: int = settings.SEED) -> Inference:
    """Give (G − 1)/G Σ d dᵀ as covariance, d being what terms change by without a cluster, t with G* − 1 degrees of freedom, and the reach of a uniform band.

    `refit` gives `averaged` again on another design; `seed` is that of the band. A term that is lost without some cluster has no error. Raises EstimationError
    where errors do not come from clusters of units, or no term can do without any of them.
    """
    require_clusters(averaged, "cr3")
    without, said = _without_each(averaged, refit)
    lost = ~np.isfinite(without).all(axis=0)
    if lost.all():
        raise EstimationError(
            f"inference `cr3`: no term can be estimated without each of the clusters.\nFound {len(without)} clusters by {averaged.design.cluster_level}; "
            f"{said or 'without one of them, terms have other names'}.\nChoose another method."
        )
    count, known = len(without), np.isfinite(averaged.errors.std_error) & ~lost
    change = np.where(known, without - averaged.values, 0.0)
    freedom = np.maximum(leverage(averaged).effective_clusters - 1, 1.0)
    found = by_t("cr3", averaged, (count - 1) / count * change.T @ change, freedom, level, seed, _notes(int(lost.sum())))
    return replace(found, draws=count)


def _without_each(averaged: Estimate, refit: Refit) -> tuple[Floats, str]:
    """Estimate without each cluster; missing where a term is lost; shape (clusters, terms). Beside it the first reason why one could not be estimated."""
    design = averaged.design
    names, place = cluster_places(design)
    found, said = np.full((len(names), len(averaged.terms)), np.nan), ""
    for cluster in range(len(names)):
        try:
            again = refit(design.keep(place != cluster))
        except ImpactError as error:
            said = said or f"without {names[cluster]}: " + " ".join(str(error).split("\n")[:2]).rstrip(".")
            continue
        values = {term.name: value for term, value in zip(again.terms, again.values, strict=True)}
        found[cluster] = [values.get(term.name, np.nan) for term in averaged.terms]
    return found, said


def _notes(lost: int) -> tuple[Text, ...]:
    if not lost:
        return ()
    return (
        Text(
            f"{lost} term{'s have' if lost > 1 else ' has'} no error: without some cluster {'they are' if lost > 1 else 'it is'} lost",
            f"{lost}项没有标准误：剔除某一聚类后无法估计",
        ),
    )
