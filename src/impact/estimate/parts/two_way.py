"""Least squares with unit and month effects, where regressors depend on the kind of a unit and the month alone.

Cohorts × months are hundreds of regressors; their normal equations need no array larger than kinds × months × months, and their influence comes from the
residual totals of units. With A_k = Σ_{u in k} (diag(w_u) − w_u w_uᵀ / Σ_s w_us) a kind's weights with unit effects taken out, regressor r with values
R_k over months has cross products Σ_k R_k A_k R_kᵀ with the others, and a unit's score is Σ_s (R_ks − δ_s) × residual total_us, δ being the month
effects of the regressor. Exact also where cells are empty, and for workers where units are split by the months in which their workers are seen. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import SpanContrast
from impact.design.design import Bools, Design
from impact.moments.moments import Floats

Places = NDArray[np.intp]
_COLLINEAR = 1e-9
"""Part of a regressor that must be left once the others are out; fixest asks for as much."""
_ENTANGLED = 1e-6
"""Share of a regressor in another that was left out, from which on its coefficient has no meaning of its own."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted regression; K coefficients, U units, S months, N kinds. It is the span of its coefficients."""

    design: Design
    cells: Bools
    """Cells that entered; shape (U, S)."""
    kind: Places
    """Kind of each unit; shape (U,)."""
    group: Places
    """Group of units whose common effect is taken out: each unit by itself, or coarser; shape (U,)."""
    regressors: Floats
    """Those that were kept; shape (K, N, S)."""
    kept: Places
    """Which of the regressors asked for were kept: those that the ones before them do not explain; shape (K,)."""
    coefficients: Floats
    """Shape (K,)."""
    inverse: Floats
    """Of the cross products; shape (K, K)."""
    month_effects: Floats
    """Of each regressor; shape (K, S)."""
    fitted: Floats
    """What is expected of each cell, also of those that did not enter; shape (U, S)."""
    own: Bools
    """Whether a coefficient has a meaning of its own; not where a regressor that was left out could stand for it as well; shape (K,)."""
    influence: Floats
    """Influence of the workers of each unit on each coefficient; shape (U, K)."""
    used: Bools
    """Units of which something is left once effects are out: those that are seen in two months, or share their effect; shape (U,)."""
    sizes: Floats
    """A bound on Σ |a × total| of each coefficient, but for what group effects take off; shape (K,)."""

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of coefficients; shape (U, S)."""
        loads = self.inverse @ weights
        partial = np.einsum("k,kns->ns", loads, self.regressors)[self.kind] - loads @ self.month_effects
        weight = np.where(self.cells, self.design.weight, 0.0)
        summed = _by_group(np.column_stack([(weight * partial).sum(axis=1), weight.sum(axis=1)]), self.group, int(self.group.max()) + 1)
        mean = _ratio(summed[:, 0], summed[:, 1])
        return np.where(self.cells, partial - mean[self.group][:, None], 0.0)

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self.a(weights) * self.fitted

    def contrast(self, weights: Floats) -> SpanContrast:
        """Combine coefficients, with weights of shape (K,)."""
        return SpanContrast(float(weights @ self.coefficients), weights, self, np.zeros(len(self.design.units)))

    def coefficient(self, place: int) -> SpanContrast:
        """Give one coefficient as a contrast."""
        return self.contrast(np.eye(1, len(self.coefficients), place)[0])


def regress(design: Design, kind: Places, regressors: Floats, group: Places | None = None, cells: Bools | None = None) -> Regression:
    """Regress the outcome on regressors of shape (K, kinds, months), with month effects and the effects of groups of units (units where None).

    Kinds and groups are numbered from 0; units of one group are of one kind. `cells` says which of the cells that are seen enter, of shape (units, months).
    Regressors that those before them explain are left out: see `Regression.kept`.
    """
    inside = design.seen if cells is None else design.seen & cells
    weight, total = np.where(inside, design.weight, 0.0), np.where(inside, design.total, 0.0)
    group = np.arange(len(design.units)) if group is None else group
    groups = int(group.max()) + 1
    kinds = np.zeros(groups, dtype=np.intp)
    kinds[group] = kind
    held, sums = _by_group(weight, group, groups), _by_group(total, group, groups)
    free, known = _without_effects(held, sums, kinds, regressors.shape[1])
    crossed = np.einsum("kns,nst->knt", regressors, free, optimize=True)
    months = np.linalg.pinv(free.sum(axis=0), rcond=1e-12, hermitian=True)
    effects = crossed.sum(axis=1) @ months
    cross = np.einsum("knt,lnt->kl", crossed, regressors, optimize=True) - effects @ crossed.sum(axis=1).T
    whole = np.einsum("kns,ns->k", regressors**2, _by_group(held, kinds, regressors.shape[1]))
    kept = independent(cross, whole)
    regressors, effects, crossed = regressors[kept], effects[kept], crossed[kept]
    inverse = np.linalg.inv(cross[np.ix_(kept, kept)])
    own = _own(inverse, cross, kept, whole)
    coefficients = inverse @ (np.einsum("kns,ns->k", regressors, known) - effects @ known.sum(axis=0))
    path = np.einsum("k,kns->ns", coefficients, regressors) + months @ (known.sum(axis=0) - coefficients @ crossed.sum(axis=1))
    level = _ratio((sums - held * path[kinds]).sum(axis=1), held.sum(axis=1))
    fitted = path[kind] + level[group][:, None]
    residual = total - weight * fitted
    influence = _influence(residual, kind, regressors, effects, inverse)
    alone = np.bincount(group)[group] == 1
    if not alone.all():
        means = np.array(
            [_ratio((held * (one[kinds] - effect)).sum(axis=1), held.sum(axis=1)) for one, effect in zip(regressors, effects, strict=True)]
        )
        influence = influence - residual.sum(axis=1)[:, None] * (means.T @ inverse)[group]
    used = inside.sum(axis=1) > alone
    sizes = _sizes(np.abs(total), kind, regressors, effects, inverse)
    return Regression(design, inside, kind, group, regressors, kept, coefficients, inverse, effects, fitted, own, influence, used, sizes)


def independent(cross: Floats, whole: Floats) -> Places:
    """Choose the regressors of which something is left once those chosen before them are out, in order.

    `cross` are the cross products with effects taken out, `whole` the sums of squares before that.
    """
    chosen: list[int] = []
    left, factor = np.diag(cross).copy(), np.zeros_like(cross, order="F")
    for place in range(len(cross)):
        if left[place] > _COLLINEAR * whole[place] and whole[place] > 0:
            before = len(chosen)
            column = (cross[:, place] - factor[:, :before] @ factor[place, :before]) / np.sqrt(left[place])
            factor[:, before] = column
            left -= column**2
            chosen.append(place)
    return np.array(chosen, dtype=np.intp)


def _own(inverse: Floats, cross: Floats, kept: Places, whole: Floats) -> Bools:
    """Say which coefficients stay what they are whichever of several regressors that explain each other are left out; shape (K,)."""
    left_out = np.setdiff1d(np.flatnonzero(whole > 0), kept)
    stand_in = inverse @ cross[np.ix_(kept, left_out)]
    return np.asarray(~(np.abs(stand_in) > _ENTANGLED).any(axis=1))


def _sizes(total: Floats, kind: Places, regressors: Floats, effects: Floats, inverse: Floats) -> Floats:
    held = np.einsum("kns,ns->k", np.abs(regressors), _by_group(total, kind, regressors.shape[1]))
    return np.asarray(np.abs(inverse) @ (held + np.abs(effects) @ total.sum(axis=0)))


def _without_effects(held: Floats, sums: Floats, kinds: Places, count: int) -> tuple[Floats, Floats]:
    """Give by kind the weights, of shape (N, S, S), and the totals, of shape (N, S), with the effects of groups taken out."""
    months = held.shape[1]
    free, known = np.zeros((count, months, months)), np.zeros((count, months))
    share = _ratio(held, held.sum(axis=1, keepdims=True))
    for kind in range(count):
        own = kinds == kind
        free[kind] = np.diag(held[own].sum(axis=0)) - held[own].T @ share[own]
        known[kind] = sums[own].sum(axis=0) - sums[own].sum(axis=1) @ share[own]
    return free, known


def _influence(residual: Floats, kind: Places, regressors: Floats, effects: Floats, inverse: Floats) -> Floats:
    """Sum (regressor − its month effects) × residual totals over the months of each unit, times the inverse of the cross products; shape (U, K)."""
    influence = np.empty((len(residual), len(inverse)))
    for place in range(regressors.shape[1]):
        own = kind == place
        influence[own] = residual[own] @ ((regressors[:, place] - effects).T @ inverse)
    return influence


def _by_group(values: Floats, group: Places, groups: int) -> Floats:
    """Sum rows, of shape (rows, S), over groups; shape (groups, S)."""
    return np.stack([np.bincount(group, column, groups) for column in values.T], axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Divide, and give zero where nobody is seen."""
    return np.asarray(part / np.where(whole > 0, whole, 1.0) * (whole > 0))
