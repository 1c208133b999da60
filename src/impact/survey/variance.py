"""Variance of weighted sums under the design, by Taylor linearisation. May touch: nothing.

Equal to `svyrecvar` of R `survey` 4.1: between sampled units within strata, factor n/(n − 1), finite populations, later stages, and residuals after
post-stratification, raking or calibration.
"""

from __future__ import annotations

import numpy as np

from impact.errors import EstimationError
from impact.survey.sample import Adjustment, Calibrated, Floats, Ints, PostStratified, Sample

PASSES = 10
"""Rounds of taking out the margins one after the other, as R does."""
WHOLE = 1e-7
"""A stratum in which less than this share was left out is taken to be counted in full."""


def covariance(sample: Sample, influence: Floats) -> Floats:
    """Give the covariance, of shape (terms, terms), of the column sums of `influence`.

    `influence` has shape (rows, terms) and holds weight times linearised value.

    Raises EstimationError where a stratum has one sampled unit and the sample says `fail`.
    """
    left = np.asarray(influence, dtype=float)
    for adjustment in sample.adjustments:
        left = _residuals(adjustment, left)
    # After an adjustment rows outside the domain have residuals too, as in R; before, their strata are simply not asked about.
    rows = np.arange(len(left)) if sample.adjustments else np.flatnonzero(sample.weights != 0)
    return _staged(sample, left, rows, 0)


def _residuals(adjustment: Adjustment, values: Floats) -> Floats:
    if isinstance(adjustment, PostStratified):
        return _without_means(values, adjustment.cell, adjustment.after, adjustment.before)
    if isinstance(adjustment, Calibrated):
        scaled = values / adjustment.scale[:, None]
        return np.asarray((scaled - adjustment.basis @ (adjustment.basis.T @ scaled)) * adjustment.scale[:, None])
    for _ in range(PASSES):
        for cell, after in zip(adjustment.cells, adjustment.after, strict=True):
            # R takes unweighted means here, and weighted ones after post-stratification
            values = _without_means(values, cell, after, np.ones(len(cell)))
    return values


def _without_means(values: Floats, cell: Ints, after: Floats, weights: Floats) -> Floats:
    """Take the mean of each cell out of the linearised values; rows that had no weight keep none and have no say."""
    scale = np.where(after == 0, 1.0, after)[:, None]
    return values - after[:, None] * _means(values / scale, cell, np.where(after == 0, 0.0, weights))


def _means(values: Floats, cell: Ints, weights: Floats) -> Floats:
    """Mean of each row's cell; shape of `values`."""
    sums = _sums(values * weights[:, None], cell)
    totals = np.bincount(cell, weights=weights, minlength=len(sums))
    return np.asarray((sums / np.where(totals == 0, 1.0, totals)[:, None])[cell])


def _sums(values: Floats, cell: Ints) -> Floats:
    sums = np.zeros((int(cell.max()) + 1, values.shape[1]))
    np.add.at(sums, cell, values)
    return sums


def _staged(sample: Sample, values: Floats, rows: Ints, place: int) -> Floats:
    stage = sample.stages[place]
    total = _between(sample, values, rows, place)
    if stage.population is None or place + 1 == len(sample.stages):
        return total
    for unit in np.unique(stage.unit[rows]):
        inner = rows[stage.unit[rows] == unit]
        share = stage.sampled[inner[0]] / stage.population[inner[0]]
        total = total + share * _staged(sample, values, inner, place + 1)
    return total


def _between(sample: Sample, values: Floats, rows: Ints, place: int) -> Floats:
    """Sum, over strata, the scatter of the sums of sampled units."""
    stage = sample.stages[place]
    units, first, number = np.unique(stage.unit[rows], return_index=True, return_inverse=True)
    sums = _sums(values[rows], number.astype(np.int64))
    strata = stage.stratum[rows[first]]
    total, known, names = np.zeros((values.shape[1], values.shape[1])), 0, np.unique(strata)
    for name in names:
        some_row = rows[first[strata == name][0]]
        population = None if stage.population is None else float(stage.population[some_row])
        part = _scatter(sums[strata == name], int(stage.sampled[some_row]), population, sample, name)
        total, known = (total, known) if part is None else (total + part, known + 1)
    if not known:
        raise EstimationError(
            f"the errors: every stratum has one sampled unit.\nFound {len(units)} units in {len(names)} strata.\nJoin strata that are alike before weighting."
        )
    return total * len(names) / known


def _scatter(sums: Floats, drawn: int, population: float | None, sample: Sample, stratum: int) -> Floats | None:
    """Scatter of one stratum around its mean; None where it is not known."""
    left_out = 1.0 if population is None or np.isinf(population) else (population - drawn) / population
    if left_out < WHOLE:
        return np.zeros((sums.shape[1], sums.shape[1]))
    if drawn == 1:
        return _lonely(sums, left_out, sample, stratum)
    mean = sums.sum(axis=0) / drawn
    centred = sums - mean
    # units of the stratum with no row in the domain have sum zero
    scatter = centred.T @ centred + (drawn - len(sums)) * np.outer(mean, mean)
    return np.asarray(left_out * drawn / (drawn - 1) * scatter)


def _lonely(sums: Floats, left_out: float, sample: Sample, stratum: int) -> Floats | None:
    if sample.lonely == "fail":
        raise EstimationError(
            f"the errors: a stratum has one sampled unit.\nFound stratum number {stratum + 1}, in order of its name, with 1 unit of which there are more.\n"
            "Join it with a stratum that is alike, or choose `adjust`, `remove` or `average` and say so."
        )
    if sample.lonely == "average":
        return None
    return np.asarray(left_out * sums.T @ sums) if sample.lonely == "adjust" else np.zeros((sums.shape[1], sums.shape[1]))
