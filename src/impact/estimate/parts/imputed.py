"""Averages over cells of what lies between the outcome and what the untreated path expects, by cohort and month.

Quantity k is the mean over its cells of y − α_u − β_s, with α and β from the cells not yet covered. A unit moves it by
(Σ_s residual total of its cells − their weight × centre) / W_k − Σ_s (δ_ks + slopes) × residual total where it is not yet covered: unit effects drop out
of the latter, as residuals sum to zero within a unit, and δ_k solves the first stage's months × months system. So no array is larger than units ×
quantities (Borusyak, Jaravel and Spiess 2024, doi:10.1093/restud/rdae007). May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import SpanContrast
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.estimate.parts.untreated import Untreated, uncovered
from impact.infer.cluster import over_clusters
from impact.moments.moments import Floats
from impact.results import Term
from impact.text import Text

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Averages:
    """Averages of some cells by cohort and month; K of them, U units, S months, C covariates. It is the span of them."""

    stage: Untreated
    counted: Bools
    """Cells that are averaged; shape (U, S)."""
    kind: Places
    """Place of each unit's cohort; shape (U,)."""
    cohort: Places
    """Place of the cohort of each average; shape (K,)."""
    month: Places
    """Place of its month; shape (K,)."""
    mass: Floats
    """Weight of its cells; shape (K,)."""
    values: Floats
    """Shape (K,)."""
    by_month: Floats
    """What a unit of uncovered weight in a month counts in it, unit effects aside; shape (K, S)."""
    by_covariate: Floats
    """What it counts by its covariates; shape (K, C)."""
    centre: Floats
    """What each counted cell is held against in the errors; shape (U, S)."""
    influence: Floats
    """Influence of the workers of each unit on each average; shape (U, K)."""
    used: Bools
    """Units with a counted cell, or seen uncovered in two months; shape (U,)."""
    sizes: Floats
    """A bound on Σ |a × total| of each average, but for what unit effects take off; shape (K,)."""

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of averages; shape (U, S)."""
        stage, direct = self.stage, self._direct(weights)
        spread = weights @ self.by_month + np.einsum("c,cus->us", weights @ self.by_covariate, stage.covariates)
        asked = (stage.design.weight * direct).sum(axis=1) / stage.weight.sum(axis=1)
        own = asked - (stage.share * spread).sum(axis=1)
        return np.asarray(direct - np.where(stage.weight > 0, own[:, None] + spread, 0.0))

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self.a(weights) * self.stage.fitted + self._direct(weights) * self.centre

    def contrast(self, weights: Floats) -> SpanContrast:
        """Combine averages, with weights of shape (K,)."""
        return SpanContrast(float(weights @ self.values), weights, self, np.zeros(len(self.kind)))

    def spread(self, values: Floats) -> Floats:
        """Write one value for each average into its cells, zero elsewhere; shape (U, S)."""
        grid = np.zeros((int(self.kind.max()) + 1, self.counted.shape[1]))
        grid[self.cohort, self.month] = values
        return np.where(self.counted, grid[self.kind], 0.0)

    def gathered(self, values: Floats) -> Floats:
        """Sum values of cells, of shape (U, S), over the cells of each average; shape (K,)."""
        return sum_by_kind(np.where(self.counted, values, 0.0), self.kind)[self.cohort, self.month]

    def centred_at(self, centre: Floats) -> Averages:
        """Hold each counted cell against a value, of shape (U, S), in the errors."""
        return replace(self, centre=centre, influence=self._influence(centre))

    def _direct(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts by being averaged itself; shape (U, S)."""
        return self.spread(weights / self.mass)

    def _influence(self, centre: Floats) -> Floats:
        stage = self.stage
        residual = stage.residual
        left = np.where(stage.weight > 0, residual, 0.0)
        influence = -left @ self.by_month.T - np.einsum("us,cus->uc", left, stage.covariates) @ self.by_covariate.T
        own = residual - stage.design.weight * centre
        for kind in np.unique(self.cohort):
            units, places = np.flatnonzero(self.kind == kind), np.flatnonzero(self.cohort == kind)
            at = np.ix_(units, self.month[places])
            influence[np.ix_(units, places)] += np.where(self.counted[at], own[at], 0.0) / self.mass[places]
        return np.asarray(influence)


def average(stage: Untreated, counted: Bools) -> Averages:
    """Average the counted cells by cohort and month, each held against the average itself in the errors."""
    design = stage.design
    kind = np.searchsorted(design.cohorts, np.where(np.isnan(design.cohort), design.cohorts[0], design.cohort))
    weight = np.where(counted, design.weight, 0.0)
    whole = sum_by_kind(weight, kind)
    cohort, month = np.nonzero(whole)
    mass = whole[cohort, month]
    values = sum_by_kind(np.where(counted, stage.residual, 0.0), kind)[cohort, month] / mass
    asked_months, asked_slopes = _asked(stage, weight, kind, cohort, month)
    by_month, by_covariate = stage.solve(asked_months / mass[:, None], asked_slopes / mass[:, None])
    size, inside = np.abs(design.total), stage.weight > 0
    direct = sum_by_kind(np.where(counted, size, 0.0), kind)[cohort, month] / mass
    sizes = 2 * direct + np.abs(by_month) @ np.where(inside, size, 0.0).sum(axis=0)
    used = np.asarray(counted.any(axis=1) | (inside.sum(axis=1) > 1))
    blank = np.zeros((len(kind), len(mass)))
    found = Averages(stage, counted, kind, cohort, month, mass, values, by_month, by_covariate, weight, blank, used, sizes)
    return found.centred_at(found.spread(values))


def covered_cells(stage: Untreated, anticipation: int) -> tuple[Bools, tuple[Text, ...]]:
    """Find the cells from coverage, or its anticipation, on for which the path without it is known, and say what is left out.

    Raises EstimationError where there is none.
    """
    design = stage.design
    covered = design.seen & ~uncovered(design, anticipation)
    counted = covered & stage.known
    if not counted.any():
        raise EstimationError(
            f"outcome `{design.outcome}`: no effect can be estimated.\nFound {design.rows[covered].sum():,.0f} covered rows, and nobody who is not yet covered in their months.\n"
            "Add units that are covered later, or never, or months before."
        )
    return counted, _notes_on_unknown(design, covered & ~counted)


def terms_of(averages: Averages) -> tuple[Term, ...]:
    """Name averages by cohort and month."""
    design, rows = averages.stage.design, averages.gathered(averages.stage.design.rows)
    pairs = [(design.cohorts[cohort], design.months[month]) for cohort, month in zip(averages.cohort, averages.month, strict=True)]
    return tuple(
        Term(f"att({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, float(count))
        for (cohort, month), count in zip(pairs, rows, strict=True)
    )


def sum_by_kind(values: Floats, kind: Places) -> Floats:
    """Sum rows of units over kinds; shape (kinds, S)."""
    return np.stack([values[kind == one].sum(axis=0) for one in range(int(kind.max()) + 1)])


def _asked(stage: Untreated, weight: Floats, kind: Places, cohort: Places, month: Places) -> tuple[Floats, Floats]:
    """Give the right sides of the averages' normal equations, unit effects taken out, before they are divided by their mass."""
    kinds, months = int(kind.max()) + 1, weight.shape[1]
    by_month, by_covariate = np.zeros((kinds, months, months)), np.zeros((kinds, months, len(stage.covariates)))
    for one in range(kinds):
        own = kind == one
        by_month[one] = np.diag(weight[own].sum(axis=0)) - weight[own].T @ stage.share[own]
        centred = stage.covariates[:, own] - stage.means[:, own, None]
        by_covariate[one] = np.einsum("us,cus->sc", weight[own], centred)
    return by_month[cohort, month], by_covariate[cohort, month]


def _notes_on_unknown(design: Design, cells: Bools) -> tuple[Text, ...]:
    if not cells.any():
        return ()
    months = [design.label(design.months[place]) for place in np.flatnonzero(cells.any(axis=0))]
    rows = int(design.rows[cells].sum())
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    return (
        Text(
            f"{rows:,} covered row{'s' if rows != 1 else ''} left out ({span}): nobody who is not yet covered is seen there, or none who links {'it' if len(months) == 1 else 'them'} to the months before",
            f"{rows:,}行受覆盖的观测未使用（{span.replace(' to ', '至')}）：当期没有尚未受覆盖者可见，或没有人能把当期与此前各期联系起来",
        ),
    )


def alone_in(averages: Averages) -> Bools:
    """Say which averages rest on a single cluster; shape (K,)."""
    design = averages.stage.design
    if design.pairs is not None:
        return np.asarray(averages.gathered(design.rows) == 1)
    place = cluster_of_kind(averages)
    first = np.unique(place, return_index=True)[1]
    seen = over_clusters(place, averages.counted.astype(float)) > 0
    return np.asarray(sum_by_kind(seen.astype(float), averages.kind[first])[averages.cohort, averages.month] == 1)


def cluster_of_kind(averages: Averages) -> NDArray[np.intp]:
    """Number the clusters within cohorts; shape (U,)."""
    _, cluster = np.unique(np.asarray(averages.stage.design.cluster), return_inverse=True)
    return np.unique(averages.kind * (cluster.max() + 1) + cluster, return_inverse=True)[1]


def notes_on_alone(averages: Averages) -> list[Text]:
    """Say how many averages rest on a single cluster, whose own shocks pass for effects."""
    count, whole = int(alone_in(averages).sum()), len(averages.mass)
    if count == 0:
        return []
    return [
        Text(
            f"{count} of {whole} group-time effects rest on a single cluster: what is peculiar to it cannot be told from the effect, and their errors are too small",
            f"{whole}个组群-时间效应中有{count}个仅来自单一聚类：其自身的波动无法与效应区分，标准误偏小",
        )
    ]
