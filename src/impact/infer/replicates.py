"""Errors from estimates of the same terms on changed data: placebos, leave-one-out, bootstrap.

For estimators whose influence does not tell their error, because weights are chosen on few units. Aggregates are averaged replicate by replicate,
with the shares that the replicate has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from impact.design.contrast import CellContrast, Contrast
from impact.design.design import Design
from impact.infer.cluster import cluster_counts, printable
from impact.moments.moments import Floats
from impact.results import Errors, Estimate, Replicates, Term

Method = Literal["placebo", "jackknife", "bootstrap"]
"""Ways to take errors that have replicates."""
Named = list[tuple[Term, Contrast]]


def replicate_errors(
    design: Design, contrasts: Sequence[Contrast], method: Method, replicates: Replicates, degrees_of_freedom: float | None = None
) -> Errors:
    """Give the covariance of contrasts from replicates; terms that some replicate of a jackknife lacks have no error."""
    clusters, covered = cluster_counts(design, np.ones(len(design.units), dtype=bool))
    covariance = np.nan_to_num(_covariance(replicates.values, method), nan=0.0)
    covariance = printable(design, contrasts, covariance)
    return Errors(covariance, degrees_of_freedom, method, design.cluster_level, clusters, covered, replicates)


def aggregate_errors(
    estimate: Estimate, terms: Sequence[Term], contrasts: Sequence[Contrast], build: Callable[[Estimate], Named]
) -> Errors:
    """Give the errors of aggregates `build` of an estimate that has replicates."""
    errors = estimate.errors
    assert errors.replicates is not None
    assert errors.method == "placebo" or errors.method == "jackknife" or errors.method == "bootstrap"
    names = [term.name for term in terms]
    values = _aggregated(estimate, errors.replicates, names, build)
    replicates = Replicates(values, None)
    return replicate_errors(estimate.design, contrasts, errors.method, replicates, errors.degrees_of_freedom)


def _covariance(values: Floats, method: Method) -> Floats:
    """Sum squared deviations from the mean of the replicates: over their number, or times (n − 1)/n for leave-one-out."""
    count, terms = values.shape
    if count < 2:
        return np.zeros((terms, terms))
    if method == "jackknife":
        centred = values - values.mean(axis=0)
        return np.asarray((count - 1) / count * centred.T @ centred)
    known = np.isfinite(values)
    together = np.maximum(known.T.astype(float) @ known, 1.0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - mean, 0.0)
    return np.asarray(centred.T @ centred / together)


def _aggregated(estimate: Estimate, replicates: Replicates, names: list[str], build: Callable[[Estimate], Named]) -> Floats:
    """Average the terms of every replicate; shape (replicates, aggregates), missing where a replicate has nothing to average."""
    found = np.full((len(replicates.values), len(names)), np.nan)
    known: dict[tuple[float, ...], Floats] = {}
    for place, values in enumerate(replicates.values):
        design = estimate.design
        if replicates.workers is not None:
            design = replace(design, workers=replicates.workers[place])
        sizes = tuple(float(design.workers[design.cohort == cohort].sum()) for cohort in design.cohorts)
        if sizes not in known:
            known[sizes] = _coefficients(replace(estimate, design=design), dict(zip(design.cohorts, sizes, strict=True)), names, build)
        coefficients = known[sizes]
        used = np.where(coefficients != 0, coefficients * values, 0.0)
        found[place] = np.where(np.isnan(coefficients).any(axis=1), np.nan, used.sum(axis=1))
    return found


def _coefficients(estimate: Estimate, sizes: dict[int, float], names: list[str], build: Callable[[Estimate], Named]) -> Floats:
    """Say what each term counts in each aggregate, by building them from markers; missing where an aggregate has no term.

    Cohorts without anybody are left out.
    """
    count = len(estimate.terms)
    places = [place for place, term in enumerate(estimate.terms) if term.cohort is not None and sizes[term.cohort] > 0]
    markers = [CellContrast(0.0, np.eye(1, count, place), np.zeros((1, count)), estimate.contrasts[place].share) for place in places]
    marked = replace(estimate, terms=tuple(estimate.terms[place] for place in places), contrasts=tuple(markers))
    built = {term.name: contrast.a[0] for term, contrast in build(marked)}
    missing = np.full(count, np.nan)
    return np.array([built.get(name, missing) for name in names])
