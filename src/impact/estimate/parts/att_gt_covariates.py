"""One group-time effect with covariates: by regression, by weights, or by both. May touch: nothing.

The covered and the compared, in one month or over a change, are groups of rows. Each group gives a mean: weighted so that it looks like the covered where a
propensity is used, and moved to the covariates of the covered, m, by the regression of its own outcomes where one is used: q-mean of y + (m − q-mean of x)ᵀβ.
Regression, weighting and the doubly robust method of Sant'Anna and Zhao (2020), doi:10.1016/j.jeconom.2020.06.003, of changes (eq. 3.1) and of levels (eq. 3.4,
locally efficient), differ in which groups are weighted and which are moved. A row is a unit, or a unit in a month, by its means; it weighs what its workers weigh,
so that the numbers are those of workers wherever covariates are alike for the workers of a row. The influence holds what is estimated on the way: β, m and the propensity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast, SpanContrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.att_gt_left_out import Obstacle
from impact.estimate.parts.two_way import Places, independent
from impact.moments.moments import Floats

Method = Literal["dr", "reg", "ipw"]
TRIMMED = 0.995
"""Propensity from which on a compared row counts nothing, as in R `DRDID`."""
_OVERLAP = 0.999
"""Propensity that nobody may have, as in R `did`: the covered are told from the compared by their covariates."""
_FEW = 5
"""Compared units that should be there beside one for each covariate, as R `did` asks."""
_SINGULAR, _STEP, _STEPS = 1e-10, 1e-10, 40


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is allowed for, and how."""

    method: Method
    changes: bool
    """Whether rows are changes of units seen in both months, or levels of whoever is seen in either."""
    values: Floats
    """The constant, and the covariates: means of cells; shape (K, units, months)."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of two months that an effect rests on; C cells."""

    unit: Places
    month: Places
    a: Floats
    """As in `CellContrast`; shape (C,)."""
    b: Floats
    influence: Floats
    """What each cell moves the effect; shape (C,)."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The span of effects that each rest on the cells of two months, which alone are held: a worker may be a unit, and effects are hundreds."""

    shape: tuple[int, ...]
    """Units and months."""
    cells: tuple[Cells, ...]
    influence: Floats
    """Influence of the workers of each unit on each effect; shape (U, K)."""
    used: Bools
    sizes: Floats
    """Σ |a × total| of each effect; shape (K,)."""

    def a(self, weights: Floats) -> Floats:
        """Make `a` of a combination."""
        return self._laid(weights, [one.a for one in self.cells])

    def b(self, weights: Floats) -> Floats:
        """Make `b` of a combination."""
        return self._laid(weights, [one.b for one in self.cells])

    def _laid(self, weights: Floats, values: Sequence[Floats]) -> Floats:
        laid = np.zeros(self.shape)
        for place in np.flatnonzero(weights).tolist():
            laid[self.cells[place].unit, self.cells[place].month] += weights[place] * values[place]
        return laid


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An effect, and what a reader must know of it."""

    value: float
    cells: Cells
    few: bool
    """Whether hardly more are compared than covariates are allowed for."""
    trimmed: bool
    """Whether some of the compared count nothing, so much do they resemble the covered alone."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is compared; R rows, K columns."""

    x: Floats
    """Shape (R, K)."""
    weight: Floats
    outcome: Floats
    covered: Bools
    groups: tuple[tuple[float, Places], ...]
    """Sign of a group's mean in the effect, and its rows: of each month the covered, then the compared."""


@dataclass(frozen=True, slots=True)
class _Propensity:
    """A logit of being covered, by maximum likelihood."""

    fitted: Floats
    """Shape (R,)."""
    influence: Floats
    """Of rows on the coefficients; shape (R, K)."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An effect on rows, what a row's outcome counts in it, and what a row moves it; arrays of shape (R,)."""

    value: float
    lever: Floats
    influence: Floats


def adjustment_of(design: Design, covariates: Sequence[Design], method: Method, changes: bool) -> Adjustment:
    """Lay covariates out by the cells of a design.

    Raises DesignError where a covariate is not known wherever the outcome is, EstimationError where one repeats the others or does not vary.
    """
    values = np.stack([design.seen.astype(float), *(_laid(design, covariate) for covariate in covariates)])
    rows = values[:, design.seen].T
    rows = _standardised(rows, design.weight[design.seen])
    weight = design.weight[design.seen]
    kept = independent((rows.T * weight) @ rows, weight @ rows**2)
    if len(kept) < len(values):
        spare = next(place for place in range(1, len(values)) if place not in kept)
        raise EstimationError(
            f"covariate `{covariates[spare - 1].outcome}`: it does not vary, or the covariates before it say the same.\n"
            f"Found {len(covariates)} covariate{'s' if len(covariates) != 1 else ''}.\nLeave it out."
        )
    return Adjustment(method, changes, values)


def adjusted(design: Design, adjustment: Adjustment, covered: Bools, compared: Bools, base: int, month: int) -> Adjusted | Obstacle:
    """Estimate the effect on the covered from the place `base` of one month to the place `month` of another; or say what stands in the way."""
    rows, at = (_changes if adjustment.changes else _levels)(design, adjustment.values, covered, compared, base, month)
    if not all(len(group) for _, group in rows.groups):
        return Obstacle.UNSEEN
    rows = _without_spare_columns(rows)
    columns, least = rows.x.shape[1], min(len(group) for _, group in rows.groups[1::2])
    if least <= columns and adjustment.method != "ipw":
        return Obstacle.FEW
    propensity = None if adjustment.method == "reg" else _propensity(rows)
    if isinstance(propensity, Obstacle):
        return propensity
    found = _effect(rows, adjustment, propensity)
    if isinstance(found, Obstacle):
        return found
    trimmed = propensity is not None and bool((propensity.fitted[~rows.covered] >= TRIMMED).any())
    return Adjusted(found.value, _cells(design, adjustment.changes, at, found), least < columns + _FEW, trimmed)


def contrasts_of(design: Design, effects: Sequence[Contrast | Adjusted]) -> tuple[Contrast, ...]:
    """Give effects as contrasts; those with covariates are spanned by their cells."""
    held = [one for one in effects if isinstance(one, Adjusted)]
    if not held:
        return tuple(one for one in effects if not isinstance(one, Adjusted))
    units = len(design.units)
    span = Effects(
        design.total.shape,
        tuple(one.cells for one in held),
        np.column_stack([np.bincount(one.cells.unit, one.cells.influence, units) for one in held]),
        np.bincount(np.concatenate([one.cells.unit for one in held]), minlength=units) > 0,
        np.array([np.abs(one.cells.a * design.total[one.cells.unit, one.cells.month]).sum() for one in held]),
    )
    rows, nothing = iter(np.eye(len(held))), np.zeros(units)
    return tuple(SpanContrast(one.value, next(rows), span, nothing) if isinstance(one, Adjusted) else one for one in effects)


def _laid(design: Design, covariate: Design) -> Floats:
    """Give the means of a covariate in the cells of a design, which may hold some units and months of the covariate's alone."""
    places = {unit: place for place, unit in enumerate(covariate.units)}
    months = {month: place for place, month in enumerate(covariate.months)}
    known = set(design.units) <= places.keys() and set(design.months) <= months.keys()
    if known:
        grid = np.ix_([places[unit] for unit in design.units], [months[month] for month in design.months])
        weight, total = covariate.weight[grid], covariate.total[grid]
        known = bool(((weight > 0) == design.seen).all() and (covariate.rows[grid] == design.rows).all())
    if not known:
        raise DesignError(
            f"covariate `{covariate.outcome}`: it is not known wherever `{design.outcome}` is.\n"
            f"Found {covariate.rows.sum():,.0f} rows with it, {design.rows.sum():,.0f} with the outcome.\nCompress only rows that have both."
        )
    return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=weight > 0))


def _changes(design: Design, values: Floats, covered: Bools, compared: Bools, base: int, month: int) -> tuple[_Rows, tuple[Places, Places]]:
    """Take changes of the units seen in both months; covariates and weights are those of the earlier one."""
    both = design.seen[:, base] & design.seen[:, month]
    unit = np.flatnonzero((covered | compared) & both)
    earlier = min(base, month)
    outcome = design.total[unit, month] / design.weight[unit, month] - design.total[unit, base] / design.weight[unit, base]
    own = covered[unit]
    groups = ((1.0, np.flatnonzero(own)), (-1.0, np.flatnonzero(~own)))
    return _Rows(values[:, unit, earlier].T, design.weight[unit, earlier], outcome, own, groups), (unit, np.array([base, month]))


def _levels(design: Design, values: Floats, covered: Bools, compared: Bools, base: int, month: int) -> tuple[_Rows, tuple[Places, Places]]:
    """Take the cells of the two months."""
    units = [np.flatnonzero((covered | compared) & design.seen[:, at]) for at in (month, base)]
    unit, at = np.concatenate(units), np.repeat([month, base], [len(some) for some in units])
    own, late = covered[unit], at == month
    groups = tuple(
        (sign, np.flatnonzero((own == is_covered) & (late == is_late)))
        for is_late, is_covered, sign in ((True, True, 1.0), (True, False, -1.0), (False, True, -1.0), (False, False, 1.0))
    )
    weight = design.weight[unit, at]
    return _Rows(values[:, unit, at].T, weight, design.total[unit, at] / weight, own, groups), (unit, at)


def _without_spare_columns(rows: _Rows) -> _Rows:
    """Standardise the columns, and leave out those that the others explain on these very rows, which changes no fit."""
    x = _standardised(rows.x, rows.weight)
    kept = independent((x.T * rows.weight) @ x, rows.weight @ x**2)
    return _Rows(x[:, kept], rows.weight, rows.outcome, rows.covered, rows.groups)


def _standardised(x: Floats, weight: Floats) -> Floats:
    """Centre and scale all columns but the constant, the first."""
    share = weight / weight.sum()
    centred = x - share @ x
    spread = np.sqrt(share @ centred**2)
    size = np.sqrt(share @ x**2)
    still = spread <= 1e-9 * size
    scaled = np.where(still, 0.0, centred / np.where(still, 1.0, spread))
    scaled[:, 0] = 1.0
    return scaled


def _propensity(rows: _Rows) -> _Propensity | Obstacle:
    """Fit a logit by Newton's method; what cannot be fitted, or tells somebody apart for certain, has no overlap."""
    x, weight, covered = rows.x, rows.weight, rows.covered.astype(float)
    share = float(weight @ covered / weight.sum())
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        fitted = _logistic(x @ beta)
        spread = weight * fitted * (1 - fitted)
        information = (x.T * spread) @ x
        if np.linalg.cond(information) > 1 / _SINGULAR:
            return Obstacle.NO_OVERLAP
        step = np.linalg.solve(information, x.T @ (weight * (covered - fitted)))
        beta = beta + step * min(1.0, 5.0 / np.abs(step).max()) if step.any() else beta
        if np.abs(step).max() < _STEP:
            break
    else:
        return Obstacle.NO_OVERLAP
    fitted = _logistic(x @ beta)
    if fitted.max() >= _OVERLAP:
        return Obstacle.NO_OVERLAP
    inverse = np.linalg.inv((x.T * (weight * fitted * (1 - fitted))) @ x)
    return _Propensity(fitted, (weight * (covered - fitted))[:, None] * x @ inverse)


def _logistic(index: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(index, -500, 500))))


def _effect(rows: _Rows, adjustment: Adjustment, propensity: _Propensity | None) -> _Found | Obstacle:
    """Add up the means of the groups, and what rows move them."""
    own = np.where(rows.covered, rows.weight, 0.0)
    target = own @ rows.x / own.sum()
    lever, influence = np.zeros(len(own)), np.zeros(len(own))
    value, slope, pull = 0.0, np.zeros_like(target), np.zeros_like(target)
    for place, (sign, group) in enumerate(rows.groups):
        is_covered = place % 2 == 0
        odds = None if is_covered or propensity is None else _odds(propensity.fitted[group])
        is_moved = not adjustment.changes and adjustment.method == "dr" if is_covered else adjustment.method != "ipw"
        mean = _mean(rows, group, odds, target if is_moved else None, is_covered)
        if isinstance(mean, Obstacle):
            return mean
        value += sign * mean.value
        lever[group], influence[group] = sign * mean.lever, sign * mean.influence
        slope, pull = slope + sign * mean.slope, pull + sign * mean.pull
    influence += own * ((rows.x - target) @ slope) / own.sum()
    if propensity is not None:
        influence += propensity.influence @ pull
    return _Found(value, lever, influence)


def _odds(propensity: Floats) -> Floats:
    return np.where(propensity < TRIMMED, propensity / (1 - propensity), 0.0)


@dataclass(frozen=True, slots=True)
class _Mean:
    """The mean of a group; arrays over its rows, or over columns."""

    value: float
    lever: Floats
    """What a row's outcome counts."""
    influence: Floats
    """What a row moves it, but for the propensity and the covariates of the covered."""
    slope: Floats
    """What the covariates of the covered move it."""
    pull: Floats
    """What the coefficients of the propensity move it."""


def _mean(rows: _Rows, group: Places, odds: Floats | None, target: Floats | None, spare: bool) -> _Mean | Obstacle:
    """Take the mean of a group, weighted by odds and moved to a target where these are given.

    Where columns repeat each other in the group it cannot be moved; the covered, with `spare`, are then moved as far as their columns reach.
    """
    x, weight, outcome = rows.x[group], rows.weight[group], rows.outcome[group]
    counted = weight if odds is None else weight * odds
    whole = float(counted.sum())
    if whole <= 0:
        return Obstacle.NO_OVERLAP
    centre = counted @ x / whole
    nothing = np.zeros(x.shape[1])
    if target is None:
        left, beta, moved, reach = outcome, nothing, 0.0, np.zeros(len(group))
    else:
        inverse = _inverse((x.T * weight) @ x, spare)
        if inverse is None:
            return Obstacle.COLLINEAR
        beta = inverse @ (x.T @ (weight * outcome))
        left, reach = outcome - x @ beta, weight * (x @ (inverse @ (target - centre)))
        moved = float(target @ beta)
    rest = float(counted @ left) / whole
    influence = counted * (left - rest) / whole + reach * left
    pull = nothing if odds is None else (counted * (left - rest)) @ x / whole
    return _Mean(rest + moved, counted / whole + reach, influence, beta, pull)


def _inverse(gram: Floats, spare: bool) -> Floats | None:
    """Invert a symmetric matrix; where it is singular give its pseudo-inverse with `spare`, and nothing without."""
    roots, vectors = np.linalg.eigh(gram)
    held = roots > _SINGULAR * roots[-1]
    if not (held.all() or spare):
        return None
    return np.asarray((vectors[:, held] / roots[held]) @ vectors[:, held].T)


def _cells(design: Design, changes: bool, at: tuple[Places, Places], found: _Found) -> Cells:
    """Lay an effect out on cells: `a` from what outcomes count, `b` so that each unit moves it by its influence."""
    unit, month = at
    lever, influence = found.lever, found.influence
    if changes:
        lever, influence = np.concatenate([-lever, lever]), np.concatenate([influence, influence]) / 2
        unit, month = np.concatenate([unit, unit]), np.repeat(month, len(unit))
    weight = design.weight[unit, month]
    a = lever / weight
    return Cells(unit, month, a, (a * design.total[unit, month] - influence) / weight, influence)
