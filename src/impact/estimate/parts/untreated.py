"""What would have been without coverage: unit and month effects, and slopes of covariates, fitted on the cells not yet covered.

Unit effects are substituted out, so that the system to solve is months × months: A = Σ_u (diag(w_u) − w_u w_uᵀ / Σ_s w_us), over uncovered cells alone.
Exact where cells are empty, and for workers where units are split by the months in which their workers are seen. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import studied, workers_in_words
from impact.estimate.parts.two_way import independent
from impact.moments.moments import Floats
from impact.text import Text


@dataclass(frozen=True, slots=True)
class Untreated:
    """A fitted first stage; U units, S months, C covariates."""

    design: Design
    weight: Floats
    """Of the cells that entered, zero elsewhere; shape (U, S)."""
    share: Floats
    """Part of a unit's weight that lies in a month; shape (U, S)."""
    covariates: Floats
    """Shape (C, U, S)."""
    means: Floats
    """Of the covariates of each unit where it is not yet covered; shape (C, U)."""
    months: Floats
    """Inverse of the months' cross products; shape (S, S)."""
    crossed: Floats
    """Months with covariates; shape (S, C)."""
    slopes: Floats
    """Inverse of the covariates' cross products, unit and month effects taken out; shape (C, C)."""
    fitted: Floats
    """What is expected of each cell without coverage; shape (U, S)."""
    known: Bools
    """Cells for which that is known: month and unit are linked by others who are not yet covered; shape (U, S)."""

    @property
    def residual(self) -> Floats:
        """Sum what lies between the outcome and what is expected, weighted; zero where nobody is seen; shape (U, S)."""
        return self.design.total - self.design.weight * self.fitted

    def solve(self, by_month: Floats, by_covariate: Floats) -> tuple[Floats, Floats]:
        """Solve the normal equations for right sides of shape (K, S) and (K, C), unit effects taken out of both."""
        direct = by_month @ self.months
        slopes = (by_covariate - direct @ self.crossed) @ self.slopes
        return direct - slopes @ self.crossed.T @ self.months, slopes


class Asked(Protocol):
    """What the options of every estimator with such a first stage say."""

    @property
    def effects(self) -> Literal["worker", "unit"]:
        """Who has an effect of their own."""

    @property
    def anticipation(self) -> int:
        """Months before coverage that do not enter."""

    @property
    def leads(self) -> int:
        """Months before coverage that are shown."""

    @property
    def covariates(self) -> tuple[Design, ...]:
        """Designs of the covariates."""


def usable(design: Design, options: Asked) -> tuple[Design, tuple[Design, ...]]:
    """Set aside those of whom nothing is seen before coverage and its anticipation, with a note.

    Raises DesignError where options make no sense, covariates differ within a cell, nobody comes under coverage, or nobody is seen before it.
    """
    _require_sense(design, options)
    anticipation = options.anticipation
    design = studied(design, anticipation)
    seen_before: Bools = np.asarray(uncovered(design, anticipation).any(axis=1))
    if not seen_before[~np.isnan(design.cohort)].any():
        raise DesignError(
            f"outcome `{design.outcome}`: nobody is seen both before coverage and under it.\n"
            f"Found {workers_in_words(design, ~np.isnan(design.cohort)).en} under coverage, first seen when covered, or in the {anticipation} months of anticipation.\n"
            "Effects of units need one month before; name the unit, or effects `unit`, where workers come and go."
        )
    unknown: Bools = np.asarray(design.seen.any(axis=1) & ~seen_before)
    if unknown.any():
        workers, rows = workers_in_words(design, unknown), int(design.rows[unknown].sum())
        note = Text(
            f"{workers.en} with {rows:,} row{'s' if rows != 1 else ''} left out: never seen before coverage, so that nothing tells where they would stand without it",
            f"{workers.zh}（共{rows:,}行）未使用：受覆盖之前从未出现，无从推知其未受覆盖时的水平",
        )
        design = replace(design, notes=(*design.notes, note))
    design = design.keep(seen_before)
    names = set(design.units)
    return design, tuple(covariate.keep(np.array([unit in names for unit in covariate.units])) for covariate in options.covariates)


def uncovered(design: Design, anticipation: int) -> Bools:
    """Find the cells seen before coverage and its anticipation."""
    starts = np.where(np.isnan(design.cohort), np.inf, design.cohort) - anticipation
    return np.asarray(design.seen & (np.asarray(design.months)[None, :] < starts[:, None]))


def fit_untreated(design: Design, anticipation: int = 0, covariates: tuple[Design, ...] = ()) -> Untreated:
    """Fit unit and month effects, and slopes of covariates, on the cells not yet covered.

    Raises EstimationError where a covariate adds nothing there.
    """
    inside = uncovered(design, anticipation)
    weight, total = np.where(inside, design.weight, 0.0), np.where(inside, design.total, 0.0)
    whole = weight.sum(axis=1, keepdims=True)
    share = weight / whole
    values = np.stack([mean_of(one) for one in covariates]) if covariates else np.zeros((0, *weight.shape))
    means = np.einsum("us,cus->cu", share, values)
    centred = values - means[:, :, None]
    months = np.linalg.pinv(np.diag(weight.sum(axis=0)) - weight.T @ share, rcond=1e-12, hermitian=True)
    crossed = np.einsum("us,cus->sc", weight, centred)
    slopes = _slopes(design, weight, values, centred, months, crossed)
    level = total.sum(axis=1, keepdims=True) / whole
    stage = Untreated(design, weight, share, values, means, months, crossed, slopes, weight, _known(inside))
    effects, slope = stage.solve((total - weight * level).sum(axis=0)[None, :], np.einsum("cus,us->c", centred, total)[None, :])
    explained = effects[0] + np.einsum("c,cus->us", slope[0], values)
    own = level - (share * explained).sum(axis=1, keepdims=True)
    return replace(stage, fitted=own + explained)


def mean_of(design: Design) -> Floats:
    """Give the mean of the outcome in each cell, zero where nobody is seen; shape (U, S)."""
    return np.divide(design.total, design.weight, out=np.zeros_like(design.total), where=design.seen)


def _slopes(design: Design, weight: Floats, values: Floats, centred: Floats, months: Floats, crossed: Floats) -> Floats:
    """Invert the cross products of the covariates with unit and month effects taken out, and refuse those of which nothing is left."""
    cross = np.einsum("cus,us,dus->cd", centred, weight, centred) - crossed.T @ months @ crossed
    if len(independent(cross, np.einsum("us,cus->c", weight, values**2))) < len(cross):
        count = len(cross)
        raise EstimationError(
            f"outcome `{design.outcome}`: a covariate adds nothing beside unit and month effects and the others before coverage.\n"
            f"Found {count} covariate{'s' if count != 1 else ''}.\nLeave out covariates that are fixed for a worker, change alike for everybody, or repeat another."
        )
    return np.linalg.inv(cross)


def _known(inside: Bools) -> Bools:
    """Find the cells whose month is linked to the uncovered months of their unit, through units seen uncovered in both, step by step."""
    linked: Bools = np.asarray(inside.astype(float).T @ inside > 0)
    for _ in range(len(linked).bit_length()):  # each step doubles the links that a chain may have
        linked = np.asarray(linked.astype(float) @ linked > 0)
    month = np.asarray(np.where(linked.any(axis=1), linked.argmax(axis=1), -1))
    unit = np.take(month, inside.argmax(axis=1))
    return np.asarray((month[None, :] == unit[:, None]) & np.asarray(inside.any(axis=1))[:, None])


def _require_sense(design: Design, options: Asked) -> None:
    for name, months in (("anticipation", options.anticipation), ("leads", options.leads)):
        if months < 0:
            raise DesignError(f"option `{name}`: it is a number of months.\nFound {months}.\nGive 0 or more.")
    if options.effects == "unit" and design.followed and not design.one_worker_per_unit:
        raise DesignError(
            f"effects `unit`: the design holds workers apart.\nFound {len(design.units):,} groups of workers who are seen in the same months.\n"
            "Build it without following workers."
        )
    for covariate in options.covariates:
        _require_usable(design, covariate)


def _require_usable(design: Design, covariate: Design) -> None:
    """Covariates are known wherever the outcome is, and the same for all who share a cell."""
    if covariate.months != design.months or covariate.units != design.units or (covariate.seen != design.seen).any():
        raise DesignError(
            f"covariate `{covariate.outcome}`: it is not known wherever `{design.outcome}` is.\n"
            f"Found {covariate.seen.sum():,} cells with it, {design.seen.sum():,} with the outcome.\nCompress only rows that have both."
        )
    differs = covariate.square - covariate.total * mean_of(covariate) > 1e-9 * covariate.square
    if differs.any():
        raise DesignError(
            f"covariate `{covariate.outcome}`: it differs between workers of the same unit and month.\n"
            f"Found {differs.sum():,} such cells among {design.seen.sum():,}.\nName the worker as the unit, or give the mean of the unit."
        )
