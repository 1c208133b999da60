"""Errors by leaving units out, or drawing them again: the second way to every standard error. May touch: nothing.

Jackknife as `as.svrepdesign` of R `survey` has it (JK1 without strata, JKn with); bootstrap of Rao and Wu (1988): n − 1 units drawn in each stratum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from impact.errors import EstimationError
from impact.survey.sample import Bools, Floats, Ints, Sample

Kind = Literal["jackknife", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Replicates:
    """Many versions of the weights."""

    factors: Floats
    """Multiples of the weights; shape (rows, replicates)."""
    scales: Floats
    """What each squared difference counts; one per replicate."""
    whole: Bools
    """Replicates that count for the mean; those of strata counted in full do not."""


def jackknife(sample: Sample) -> Replicates:
    """Leave out one first-stage unit at a time, the others of its stratum standing in for it.

    Raises EstimationError where a stratum has one unit.
    """
    first = sample.stages[0]
    units, row = np.unique(first.unit, return_index=True)
    drawn, strata = first.sampled[row], first.stratum[row]
    _check_pairs(drawn)
    out = first.unit[:, None] == units
    same = first.stratum[:, None] == strata
    factors = np.where(out, 0.0, np.where(same, drawn / (drawn - 1), 1.0))
    scales = (drawn - 1) / drawn * _left_out(sample)[row]
    return Replicates(factors, scales, scales > 0)


def bootstrap(sample: Sample, draws: int = 500, seed: int = 0) -> Replicates:
    """Draw n − 1 of the n units of each stratum again and again, with replacement; first-stage population counts are not used.

    Raises EstimationError where a stratum has one unit.
    """
    first, random = sample.stages[0], np.random.default_rng(seed)
    units, row, number = np.unique(first.unit, return_index=True, return_inverse=True)
    _check_pairs(first.sampled[row])
    times = np.zeros((len(units), draws))
    for stratum in np.unique(first.stratum):
        members: Ints = np.flatnonzero(first.stratum[row] == stratum)
        size = len(members)
        times[members] = random.multinomial(size - 1, np.full(size, 1 / size), size=draws).T * size / (size - 1)
    return Replicates(times[number.ravel()], np.full(draws, 1 / (draws - 1)), np.ones(draws, dtype=bool))


def replicated(sample: Sample, replicates: Replicates, statistic: Callable[[Sample], Floats]) -> tuple[Floats, Floats]:
    """Compute a statistic on the sample and on each replicate; gives its values and their covariance.

    `statistic` starts from unadjusted weights: let it rake first where the weights are raked, so that each replicate is raked too.
    """
    values = np.asarray(statistic(sample), dtype=float)
    again = np.array([statistic(replace(sample, weights=sample.weights * factor)) for factor in replicates.factors.T])
    apart = (again - again[replicates.whole].mean(axis=0)) * np.sqrt(replicates.scales)[:, None]
    return values, apart.T @ apart


def _check_pairs(drawn: Floats) -> None:
    if (drawn < 2).any():
        raise EstimationError(
            f"replicates: a stratum has one sampled unit.\nFound {int((drawn < 2).sum())} such strata.\nJoin each with a stratum that is alike."
        )


def _left_out(sample: Sample) -> Floats:
    first = sample.stages[0]
    return np.ones(len(sample.weights)) if first.population is None else 1 - first.sampled / first.population
