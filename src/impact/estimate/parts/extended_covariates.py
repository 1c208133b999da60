"""Effects of cohorts by month where levels, months and effects may differ with covariates that stay as they are.

With z = (1, covariates) of a unit, its expected outcome in month s is z·(α_g + λ_s + τ_gs): its cohort's level α_g, or a level of its own in its place, the
month, and an effect where there is one, each with slopes. Sums of z zᵀ ⊗ A_u over each cohort suffice for the normal equations, A_u being the weights of the
unit by month, with its level taken out where it has one of its own. An effect is τ_gs at the mean of z over the rows of cohort and month; these means are
taken as given, as R `etwfe` does. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.design.contrast import SpanContrast
from impact.design.design import Bools, Design
from impact.errors import DesignError
from impact.estimate.parts.extended import Effects, effects_of, indicators, kinds
from impact.estimate.parts.two_way import Places, independent
from impact.moments.moments import Floats
from impact.results import Term

_TOLD = 1e-6
"""Share of a coefficient that was left out in an effect, from which on the effect has no meaning of its own."""


@dataclass(frozen=True, slots=True)
class _Sloped:
    """The effects of a fitted regression, as a span; K effects, U units, N cohorts, S months, p covariates with the constant."""

    design: Design
    own: bool
    """Whether each unit has a level of its own."""
    z: Floats
    """Shape (U, p)."""
    paths: Floats
    """What a unit of outcome counts for each effect, for each part of z; shape (K, N, p, S)."""
    fitted: Floats
    """What is expected of each cell; shape (U, S)."""
    influence: Floats
    """Influence of the workers of each unit on each effect; shape (U, K)."""
    sizes: Floats
    """A bound on Σ |a × total| of each effect, but for what levels take off; shape (K,)."""

    @property
    def used(self) -> Bools:
        """Units of which something is left once levels are out; shape (U,)."""
        return np.asarray(self.design.seen.sum(axis=1) > self.own)

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of effects; shape (U, S)."""
        along = _along(np.tensordot(weights, self.paths, 1), self.z, kinds(self.design))
        return np.where(self.design.seen, along - self.own * _level(self.design, along), 0.0)

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self.a(weights) * self.fitted


def estimated_with(covariates: Sequence[Design], design: Design, asked: Sequence[Term], own: bool) -> Effects:
    """Estimate effects with covariates; `own` gives each unit a level of its own, otherwise its cohort's.

    Raises DesignError where a covariate changes within a unit or is not known, EstimationError where no effect can be told from the others.
    """
    z, kind = _standardised(design, covariates), kinds(design)
    paths = _paths(design, asked, z.shape[1], own)
    cross, whole, known = _normal_equations(design, z, kind, paths, own)
    kept = independent(cross, whole)
    inverse = np.asarray(np.linalg.inv(cross[np.ix_(kept, kept)]), dtype=float)
    combined = _combinations(design, asked, z, len(paths))
    told = _told(cross, inverse, kept, combined)
    loads = combined[np.ix_(told, kept)] @ inverse
    coefficients = inverse @ known[kept]
    path = _along(np.tensordot(coefficients, paths[kept], 1), z, kind)
    fitted = path + own * _level(design, _means(design) - path)
    span = _span(design, own, z, kind, np.tensordot(loads, paths[kept], 1), fitted)
    values, nobody = combined[np.ix_(told, kept)] @ coefficients, np.zeros(len(design.units))
    contrasts = [SpanContrast(float(value), one, span, nobody) for value, one in zip(values, np.eye(len(values)), strict=True)]
    return effects_of(design, asked, told, contrasts, len(kept))


def _standardised(design: Design, covariates: Sequence[Design]) -> Floats:
    """Give the constant and the covariates of each unit, shifted and scaled, which changes no effect; shape (U, p)."""
    columns = [np.ones(len(design.units))]
    for covariate in covariates:
        _require_constant(design, covariate)
        value = covariate.total.sum(axis=1) / covariate.weight.sum(axis=1)
        value = value - value.mean()
        columns.append(value / (np.abs(value).max() or 1.0))
    return np.column_stack(columns)


def _require_constant(design: Design, covariate: Design) -> None:
    if covariate.months != design.months or (covariate.seen != design.seen).any():
        raise DesignError(
            f"covariate `{covariate.outcome}`: it is not known wherever `{design.outcome}` is.\n"
            f"Found {covariate.seen.sum():,} cells with it, {design.seen.sum():,} with the outcome.\nCompress only rows that have both."
        )
    mean = np.where(covariate.seen, _means(covariate), np.nan)
    changes = np.nanmax(mean, axis=1) - np.nanmin(mean, axis=1) > 1e-9 * np.nanmax(np.abs(mean))
    if changes.any():
        raise DesignError(
            f"covariate `{covariate.outcome}`: it must stay as it is, so that coverage cannot move it.\n"
            f"Found {int(changes.sum()):,} of {len(changes):,} units in which its mean changes from month to month.\n"
            "Give each worker one value, such as that before coverage, and name the worker as the unit."
        )


def _paths(design: Design, asked: Sequence[Term], width: int, own: bool) -> Floats:
    """Make the regressors of months, cohorts and effects, first for the constant, then for each covariate; shape (P, N, p, S)."""
    groups, months = len(design.cohorts) + 1, len(design.months)
    by_month = np.broadcast_to(np.eye(months)[:, None, :], (months, groups, months))
    by_cohort = np.broadcast_to(np.eye(groups)[:, :, None], (groups, groups, months))
    plain = np.concatenate([by_month, *([] if own else [by_cohort]), indicators(design, asked)])
    return np.asarray(np.einsum("kns,qp->qknps", plain, np.eye(width)).reshape(-1, groups, width, months))


def _normal_equations(design: Design, z: Floats, kind: Places, paths: Floats, own: bool) -> tuple[Floats, Floats, Floats]:
    """Give the cross products, of shape (P, P), the sums of squares before levels are out and the products with the outcome, both of shape (P,)."""
    count, groups, width, months = paths.shape
    cross, whole, known = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    total = design.total - own * design.weight * _level(design, _means(design))
    for group in range(groups):
        members = kind == group
        squares, free = _sums(design.weight[members], z[members], own)
        here = paths[:, group].reshape(count, width * months)
        cross += here @ free @ here.T
        whole += np.einsum("ki,ij,kj->k", here, squares, here, optimize=True)
        known += here @ (z[members].T @ total[members]).ravel()
    return cross, whole, known


def _sums(weight: Floats, z: Floats, own: bool) -> tuple[Floats, Floats]:
    """Sum z zᵀ ⊗ weights over units, as they are and with levels of units taken out; shape (p × S, p × S)."""
    width, months = z.shape[1], weight.shape[1]
    whole, free = np.zeros((width, months, width, months)), np.zeros((width, months, width, months))
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    for row in range(width):
        for column in range(width):
            product = (z[:, row] * z[:, column])[:, None] * weight
            whole[row, :, column] = np.diag(product.sum(axis=0))
            free[row, :, column] = whole[row, :, column] - own * (product.T @ share)
    return whole.reshape(width * months, -1), free.reshape(width * months, -1)


def _combinations(design: Design, asked: Sequence[Term], z: Floats, count: int) -> Floats:
    """Say what each coefficient counts in each effect: the mean of z over the rows of cohort and month; shape (effects, P)."""
    width = z.shape[1]
    found = np.zeros((len(asked), width, count // width))
    for place, term in enumerate(asked):
        weight = np.where(design.cohort == term.cohort, design.weight[:, design.place(term.month or 0)], 0.0)
        found[place, :, count // width - len(asked) + place] = weight @ z / weight.sum()
    return found.reshape(len(asked), count)


def _told(cross: Floats, inverse: Floats, kept: Places, combined: Floats) -> Places:
    """Choose the effects that stay what they are whichever of several regressors that explain each other are left out."""
    left_out = np.setdiff1d(np.arange(len(cross)), kept)
    shift = combined[:, left_out] - combined[:, kept] @ inverse @ cross[np.ix_(kept, left_out)]
    return np.flatnonzero((np.abs(shift) <= _TOLD).all(axis=1))


def _span(design: Design, own: bool, z: Floats, kind: Places, paths: Floats, fitted: Floats) -> _Sloped:
    residual = design.total - design.weight * fitted
    influence, sizes = np.zeros((len(z), len(paths))), np.zeros(len(paths))
    for group in range(paths.shape[1]):
        members = kind == group
        by_part = z[members][:, :, None] * residual[members][:, None, :]
        influence[members] = np.einsum("ups,kps->uk", by_part, paths[:, group], optimize=True)
        sizes += np.einsum("ps,kps->k", np.abs(z[members]).T @ np.abs(design.total[members]), np.abs(paths[:, group]))
    return _Sloped(design, own, z, paths, fitted, influence, sizes)


def _along(paths: Floats, z: Floats, kind: Places) -> Floats:
    """Follow paths of shape (N, p, S) for each unit; shape (U, S)."""
    return np.asarray(np.einsum("up,ups->us", z, paths[kind]))


def _means(design: Design) -> Floats:
    return np.divide(design.total, design.weight, out=np.zeros_like(design.total), where=design.seen)


def _level(design: Design, values: Floats) -> Floats:
    """Average over the rows of each unit; shape (U, 1)."""
    return np.asarray(
        (design.weight * values).sum(axis=1, keepdims=True) / np.maximum(design.weight.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    )
