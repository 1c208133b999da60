"""Weights: from chances of being drawn, how uneven they are, and trimming. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.errors import DataError, EstimationError, listing
from impact.survey.sample import Floats, Sample

ROUNDS = 1000
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Spread:
    """How uneven some weights are."""

    rows: int
    total: float
    """Sum, in workers."""
    design_effect: float
    """Kish's 1 + CV²: how much larger variances are than with equal weights."""
    effective_rows: float
    """Rows over the design effect."""
    largest_to_median: float
    largest_to_smallest: float


def base_weights(chance: pd.Series) -> pd.Series:
    """Give 1/π, from the chance of each row to be drawn.

    Raises DataError for a chance that is missing, not positive, or above 1.
    """
    wrong = ~((chance > 0) & (chance <= 1)).to_numpy(dtype=bool, na_value=False)
    if wrong.any():
        raise DataError(
            f"the frame: some chances of being drawn are none.\nFound {wrong.sum()} of {len(chance)} that are missing, 0 or below, or above 1, first in rows "
            f"{listing(np.flatnonzero(wrong) + 1, 3)}.\nGive the number drawn in the stratum over the number listed."
        )
    weights: pd.Series = 1 / chance
    return weights.rename("base_weight")


def spread(weights: Floats) -> Spread:
    """Measure how uneven weights are; zeros are rows outside the domain, and are left out."""
    inside = weights[weights != 0]
    effect = float(len(inside) * (inside**2).sum() / inside.sum() ** 2)
    largest = float(inside.max())
    return Spread(
        len(inside), float(inside.sum()), effect, len(inside) / effect, largest / float(np.median(inside)), largest / float(inside.min())
    )


def trim(sample: Sample, lower: float = 0.0, upper: float = np.inf, strict: bool = True) -> Sample:
    """Cut weights to bounds and spread what was cut evenly over the others, so that the total stays; `trimWeights` of R `survey`.

    `strict` goes on until no weight is outside. Counts that the weights met before are met no more: rake again.

    Raises EstimationError where the bounds leave no room for the total.
    """
    weights = trimmed(sample.weights, lower, upper, strict)
    return replace(sample, weights=weights)


def trimmed(weights: Floats, lower: float, upper: float, strict: bool = True) -> Floats:
    """Do what `trim` does, on bare weights.

    Raises EstimationError where the bounds leave no room for the total.
    """
    current = np.asarray(weights, dtype=float)
    for _ in range(ROUNDS):
        outside = (current < lower * (1 - TINY)) | (current > upper * (1 + TINY))
        if not outside.any():
            return current
        if outside.all():
            break
        cut = np.clip(current, lower, upper)
        cut[~outside] += (current - cut).sum() / (~outside).sum()
        current = np.asarray(cut)
        if not strict:
            return np.asarray(current)
    raise EstimationError(
        f"trimming: the bounds leave no room for the total of the weights.\nFound bounds {lower:g} and {upper:g} for {len(weights)} weights of mean "
        f"{np.mean(weights):g}.\nWiden the bounds."
    )
