"""Post-stratification and linear calibration. May touch: nothing.

Equal to `postStratify` and to `calibrate(calfun = "linear")` of R `survey` 4.1; Deville and Särndal (1992), doi:10.1080/01621459.1992.10475217.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from impact.errors import DataError, EstimationError, listing
from impact.survey.margins import Margin, check_totals, place
from impact.survey.sample import Calibrated, PostStratified, Sample, whole_column


def post_stratify(sample: Sample, margin: Margin) -> Sample:
    """Bring the weights to the counts of one margin, which may cross several columns.

    Raises DataError for a margin that does not fit the sample.
    """
    check_totals([margin])
    placed = place(sample.frame, margin)
    sums = np.bincount(placed.cell, weights=sample.weights, minlength=len(placed.counts))
    weights = sample.weights * (placed.counts / sums)[placed.cell]
    step = PostStratified(placed.cell, sample.weights, weights)
    return replace(sample, weights=weights, adjustments=(*sample.adjustments, step))


def calibrate(sample: Sample, totals: Mapping[str, float]) -> Sample:
    """Bring the weights to known totals of numeric columns, by the smallest change (a regression estimator).

    A column of ones whose total is the workforce makes the weights sum to it.

    Raises DataError for a column with gaps, and EstimationError where columns depend on each other, or a weight would be zero or below.
    """
    for name in totals:
        whole_column(sample.frame, name)
    columns = sample.frame[list(totals)].to_numpy(dtype=float)
    if not np.isfinite(list(totals.values())).all():
        raise DataError(f"calibration: a total is no number.\nFound {listing(totals.values())}.\nGive a known total for each column.")
    root = np.sqrt(sample.weights)
    basis, upper = np.linalg.qr(columns * root[:, None])
    if np.abs(np.diag(upper)).min() < 1e-10 * np.abs(np.diag(upper)).max():
        raise EstimationError(
            f"calibration: columns depend on each other.\nFound {listing(totals)}.\nLeave out one category of each margin beside a column of ones."
        )
    gap = np.array(list(totals.values())) - sample.weights @ columns
    factor = 1 + columns @ np.linalg.solve(columns.T @ (columns * sample.weights[:, None]), gap)
    wrong = int(((factor <= 0) & (sample.weights > 0)).sum())
    if wrong:
        raise EstimationError(
            f"calibration: some weights would be zero or below.\nFound {wrong} of {len(factor)}, the smallest factor {factor.min():.3g}.\nRake instead."
        )
    step = Calibrated(basis, factor * root)
    return replace(sample, weights=sample.weights * factor, adjustments=(*sample.adjustments, step))
