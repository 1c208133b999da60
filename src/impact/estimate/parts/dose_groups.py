"""How hard coverage bites: reading doses, and groups of covered units by dose. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from impact.design.design import Bools, Design
from impact.errors import DesignError
from impact.moments.moments import Floats

_ROUNDING = 1e-9
"""How far a share of workers may fall short of a quantile and still reach it."""


@dataclass(frozen=True, slots=True)
class DoseGroup:
    """Covered units between two quantiles of the dose."""

    low: float
    high: float
    mean: float
    """Among workers."""
    units: Bools
    """Shape (units,)."""


def doses_of(design: Design) -> Floats:
    """Read the dose of every unit, zero where it is never covered; shape (units,).

    Raises DesignError where doses are not known, negative or all zero.
    """
    if "dose" not in design.traits:
        raise DesignError(
            "dose: it is not known how hard coverage bites.\nFound no `dose` among what is known of units.\nName the column of the dose."
        )
    given = np.asarray(design.traits["dose"], dtype=float)
    covered = ~np.isnan(design.cohort)
    wrong = covered & ~(np.isfinite(given) & (given >= 0))
    if wrong.any():
        raise DesignError(
            f"dose: it must be zero or more where a unit is covered.\nFound {given[wrong][0]:g} in {wrong.sum():,} of {covered.sum():,} covered units.\n"
            "Measure it so that zero means no bite, for instance as the share of workers below the new floor."
        )
    if not (given[covered] > 0).any():
        raise DesignError(
            f"dose: coverage bites nowhere.\nFound dose zero in all {covered.sum():,} covered units.\nCheck the column, or use the estimator att_gt."
        )
    return np.where(covered, given, 0.0)


def dose_groups(design: Design, dose: Floats, count: int) -> tuple[DoseGroup, ...]:
    """Divide the covered into `count` groups of about as many workers by dose, or fewer where many have the same."""
    covered = ~np.isnan(design.cohort) & (design.workers > 0)
    if not covered.any():
        return ()
    values, place = np.unique(dose[covered], return_inverse=True)
    below = np.cumsum(np.bincount(place, design.workers[covered]))
    reached = np.searchsorted(below / below[-1], np.arange(1, count) / count - _ROUNDING)
    group = np.searchsorted(values[reached], dose, side="left")
    members = [covered & (group == number) for number in np.unique(group[covered])]
    return tuple(
        DoseGroup(float(dose[units].min()), float(dose[units].max()), float(np.average(dose[units], weights=design.workers[units])), units)
        for units in members
    )


def written(groups: tuple[DoseGroup, ...]) -> list[str]:
    """Write the range of each group, with as many digits as tell it from the next."""
    for digits in range(3, 17):
        names = [_range(f"{group.low:.{digits}g}", f"{group.high:.{digits}g}") for group in groups]
        if all(f"{one.high:.{digits}g}" != f"{other.low:.{digits}g}" for one, other in pairwise(groups)):
            break
    return names


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
