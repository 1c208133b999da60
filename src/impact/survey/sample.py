"""A sample with what its errors need: strata, sampled units, population counts, weights. May touch: nothing.

Source: Lumley (2004), doi:10.18637/jss.v009.i08; the conventions are those of R `survey` 4.1 (`svydesign`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.errors import DataError, listing, nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Lonely = Literal["fail", "adjust", "remove", "average"]
"""What a stratum with one sampled unit adds to the variance. `fail`: refuse; `adjust`: its distance from the mean of all; `remove`: nothing;
`average`: what the other strata add on average."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of sampling; every array has one value per row of the sample."""

    stratum: Ints
    unit: Ints
    """Unit that was drawn; units of different strata have different numbers."""
    sampled: Floats
    """Units drawn in the row's stratum."""
    population: Floats | None
    """Units there are in the row's stratum; None where draws are taken to be with replacement."""


@dataclass(frozen=True, slots=True)
class PostStratified:
    """Weights were brought to the counts of cells that do not overlap."""

    cell: Ints
    before: Floats
    after: Floats


@dataclass(frozen=True, slots=True)
class Raked:
    """Weights were brought to the counts of several margins in turn."""

    cells: tuple[Ints, ...]
    after: tuple[Floats, ...]
    """Weights after each margin, in the last pass."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Weights were brought to totals by a linear model."""

    basis: Floats
    """Orthonormal basis of the auxiliary variables times the root of the old weights; shape (rows, variables)."""
    scale: Floats
    """Factor times the root of the old weights."""


Adjustment = PostStratified | Raked | Calibrated


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a sample, and how they were drawn and weighted."""

    frame: pd.DataFrame
    weights: Floats
    """One per row, in workers; zero outside the domain that is asked about."""
    stages: tuple[Stage, ...]
    lonely: Lonely
    adjustments: tuple[Adjustment, ...] = ()
    """What brought the weights to known counts, in order; errors are those of the residuals."""

    def degrees_of_freedom(self) -> int:
        """Count first-stage units less strata, among rows with weight."""
        inside, first = self.weights != 0, self.stages[0]
        return len(np.unique(first.unit[inside])) - len(np.unique(first.stratum[inside]))


def sample_of(
    frame: pd.DataFrame,
    *,
    weight: str | None = None,
    stratum: str | None = None,
    unit: str | tuple[str, ...] | None = None,
    population: str | tuple[str, ...] | None = None,
    nest: bool = False,
    lonely: Lonely = "fail",
) -> Sample:
    """State how a sample was drawn.

    `unit` names the sampled unit of each stage (rows themselves where None), `population` the number of units in the stratum, or the share drawn, of each
    stage; without `weight` the weights follow from `population`. `nest` lets unit names repeat between strata.

    Raises DataError for a missing value, a weight that is not positive, a unit in two strata, or more units drawn than there are.
    """
    units, totals = _names(unit), _names(population)
    for name in (*units, *totals, *_names(weight), *_names(stratum)):
        whole_column(frame, name)
    stages = _stages(frame, stratum, units, totals, nest)
    weights = _weights(frame, weight, stages)
    if len(np.unique(stages[0].unit)) < 2:
        raise DataError(
            "the sample: there is one sampled unit.\nFound 1 unit at the first stage.\nName the column of units that were drawn."
        )
    return Sample(frame, weights, stages, lonely)


def within(sample: Sample, inside: Bools | pd.Series) -> Sample:
    """Ask about a part of the workforce: rows outside get weight zero and still count for the errors.

    Raises DataError where the condition has another length, or holds for no row with weight.
    """
    chosen = np.asarray(inside)
    if chosen.shape != sample.weights.shape or chosen.dtype != np.bool_:
        raise DataError(
            f"the domain: its condition does not fit the sample.\nFound {chosen.dtype} values of shape {chosen.shape} for {len(sample.weights)} rows.\n"
            "Give one True or False for each row."
        )
    weights = np.where(chosen, sample.weights, 0.0)
    if not (weights > 0).any():
        raise DataError("the domain: no row of the sample is in it.\nFound 0 rows with weight.\nAsk about a group that was interviewed.")
    return replace(sample, weights=weights)


def whole_column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give a column that has a value in every row.

    Raises DataError where it is not there, or has missing values.
    """
    if name not in frame.columns:
        hint = nearest(name, map(str, frame.columns)) or "Name one of the columns found."
        raise DataError(f"the sample: there is no column `{name}`.\nColumns found: {listing(frame.columns, 30)}.\n{hint}")
    missing = frame[name].isna().to_numpy()
    if missing.any():
        rows = listing(np.flatnonzero(missing) + 1, 3)
        raise DataError(
            f"the sample: column `{name}` has missing values.\nFound {missing.sum()} in {len(frame)} rows, first in rows {rows}.\n"
            "Fill them from the frame, or give them a category of their own in the sample and in the counts."
        )
    column: pd.Series = frame[name]
    return column


def codes_of(frame: pd.DataFrame, columns: tuple[str, ...]) -> Ints:
    """Number the combinations of some columns that occur, from 0."""
    numbers = frame.groupby(list(columns), sort=True, observed=True).ngroup()
    return np.asarray(numbers, dtype=np.int64)


def _names(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def _stages(frame: pd.DataFrame, stratum: str | None, units: tuple[str, ...], totals: tuple[str, ...], nest: bool) -> tuple[Stage, ...]:
    if totals and len(totals) != max(len(units), 1):
        raise DataError(
            f"the sample: stages and population counts do not match.\nFound {max(len(units), 1)} stages of units and {len(totals)} columns of counts.\n"
            "Give one column of counts for each stage."
        )
    strata = codes_of(frame, (stratum,)) if stratum else np.zeros(len(frame), dtype=np.int64)
    unit = codes_of(frame, units[:1]) if units else np.arange(len(frame), dtype=np.int64)
    if nest:
        unit = _paired(strata, unit)
    _check_nested(strata, unit)
    stages = [_stage(frame, strata, unit, totals[:1])]
    for place, name in enumerate(units[1:], start=1):
        # the strata of a later stage are the units of the stage before
        strata, unit = unit, _paired(unit, codes_of(frame, (name,)))
        stages.append(_stage(frame, strata, unit, totals[place : place + 1]))
    return tuple(stages)


def _paired(first: Ints, second: Ints) -> Ints:
    return np.unique(first * (second.max() + 1) + second, return_inverse=True)[1].astype(np.int64)


def _check_nested(strata: Ints, unit: Ints) -> None:
    pairs = np.unique(np.column_stack([unit, strata]), axis=0)
    torn = len(pairs) - len(np.unique(unit))
    if torn:
        raise DataError(
            f"the sample: sampled units lie in more than one stratum.\nFound {torn} more pairs of unit and stratum than units.\n"
            "If unit names repeat between strata, set `nest`; else mend the strata."
        )


def _stage(frame: pd.DataFrame, strata: Ints, unit: Ints, total: tuple[str, ...]) -> Stage:
    first_rows = np.unique(unit, return_index=True)[1]
    sampled = np.bincount(strata[first_rows], minlength=int(strata.max()) + 1).astype(float)[strata]
    return Stage(strata, unit, sampled, _population(frame, total[0], sampled, strata) if total else None)


def _population(frame: pd.DataFrame, name: str, sampled: Floats, strata: Ints) -> Floats:
    given = frame[name].to_numpy(dtype=float)
    shares = bool((given < 1).any())
    if not (given > 0).all() or (shares and (given > 1).any()):
        raise DataError(
            f"the sample: column `{name}` is neither counts nor shares.\nFound values from {given.min():g} to {given.max():g}.\n"
            "Give the number of units in the stratum (1 or more), or the share drawn (at most 1), in every row."
        )
    population = sampled / given if shares else given
    spread = pd.Series(population).groupby(strata).nunique()
    if (population < sampled - 1e-9).any() or (spread > 1).any():
        short, uneven = int((population < sampled - 1e-9).sum()), int((spread > 1).sum())
        raise DataError(
            f"the sample: column `{name}` cannot be the number of units in the stratum.\n"
            f"Found {short} rows with fewer units than were drawn, and {uneven} strata with more than one value.\nGive one count for each stratum."
        )
    return population


def _weights(frame: pd.DataFrame, weight: str | None, stages: tuple[Stage, ...]) -> Floats:
    if weight is None:
        if any(stage.population is None for stage in stages):
            raise DataError(
                "the sample: there are no weights.\nFound neither a column of weights nor population counts.\nName one of them."
            )
        return np.asarray(
            np.prod([stage.population / stage.sampled for stage in stages if stage.population is not None], axis=0), dtype=float
        )
    weights = frame[weight].to_numpy(dtype=float)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        raise DataError(
            f"the sample: column `{weight}` has weights that are not positive.\nFound {wrong.sum()} in {len(frame)} rows, first in rows "
            f"{listing(np.flatnonzero(wrong) + 1, 3)}.\nLeave out rows that were not sampled; for a part of the workforce ask about a domain."
        )
    return weights
