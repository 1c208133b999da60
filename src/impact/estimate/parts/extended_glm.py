"""What the extended two-way forms for ratios and hazards share: separation, effects on either scale, errors.

With one coefficient for each cohort and month under coverage, or one for all coverage, the mean outcome ȳ of the cells behind a coefficient τ is met exactly, and
h(h⁻¹(ȳ) − τ) is what it would have been. The difference moves with τ by f = h'(h⁻¹(ȳ) − τ), and with ȳ by g = 1 − f / h'(h⁻¹(ȳ)): the delta method of
Wooldridge (2023), with the covered rows taken as given. For links other than the log this needs effects of cohorts, each with its own by month; for the log it
holds with effects of units as well. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from impact.design.contrast import Contrast, SpanContrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts import extended
from impact.estimate.parts.cohorts import Comparison
from impact.estimate.parts.fixest_errors import clustered, note_on_singletons, without_singletons
from impact.estimate.parts.glm import Link, Model, fit_model
from impact.estimate.parts.two_way import Places
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fit."""

    link: Link
    comparison: Comparison
    anticipation: int
    scale: Literal["response", "index"]
    effects: Literal["cohort", "unit"] = "cohort"
    """Whose level is taken out: that of cohorts, or of the design's units, which are workers where it follows them."""
    differ: bool = True
    """Whether effects differ by cohort and month."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Effects on the scale of the outcome, as a span; K effects, U units, S months."""

    model: Model
    by_unit: bool
    """Whether effects of units were taken out."""
    weight: Floats
    """Σw of the cells that entered; shape (U, S)."""
    behind: Places
    """Which effect a cell is behind, or −1; shape (U, S)."""
    counts: Floats
    """Σw behind each effect; shape (K,)."""
    means: Floats
    """ȳ of each effect; shape (K,)."""

    @property
    def values(self) -> Floats:
        """Effects; shape (K,)."""
        return np.asarray(self.means - self.model.link.mean(self._index))

    @property
    def _index(self) -> Floats:
        return np.asarray(self.model.link.index(self.means) - self.model.coefficients)

    @property
    def _from_coefficients(self) -> Floats:
        return self.model.link.slope(self._index)

    @property
    def _from_totals(self) -> Floats:
        link = self.model.link
        return np.asarray((1 - self._from_coefficients / link.slope(link.index(self.means))) / self.counts)

    @property
    def influence(self) -> Floats:
        """Influence of the workers of each unit on each effect; shape (U, K)."""
        found = self.model.influence * self._from_coefficients
        units, months = np.nonzero(self.behind >= 0)
        effects = self.behind[units, months]
        np.add.at(found, (units, effects), self._from_totals[effects] * self.model.residual[units, months])
        return found

    @property
    def used(self) -> Bools:
        """Units that move any effect; shape (U,)."""
        return np.asarray(self.model.used | (self.behind >= 0).any(axis=1))

    @property
    def sizes(self) -> Floats:
        """Scale of the rounding of each effect; shape (K,)."""
        return np.asarray(self._from_coefficients * self.model.sizes + self.means)

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of effects; shape (U, S).

        Where effects of units are out, a worker's own effect moves with all of the worker's outcomes: parts that are the same in all months are taken off.
        """
        direct = np.where(self.behind >= 0, (weights * self._from_totals)[self.behind], 0.0)
        if self.by_unit:
            expected = self.weight * self.model.mean
            whole = expected.sum(axis=1, keepdims=True)
            direct = direct - (direct * expected).sum(axis=1, keepdims=True) / np.where(whole > 0, whole, 1.0)
        return np.where(self.weight > 0, self.model.a(weights * self._from_coefficients) + direct, 0.0)

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self.a(weights) * self.model.mean


def fit_extended(info: Info, design: Design, options: Any, plan: Plan) -> Estimate:
    """Fit coefficients of coverage beside month effects and those of cohorts or units, and give them on the scale asked for.

    Raises DesignError where outcomes are out of range or nobody can be compared, EstimationError where nothing can be told from what is seen.
    """
    usable = _usable(design, plan)
    asked = extended.effects(usable, plan.comparison, plan.anticipation)
    kind, regressors = extended.kinds(usable), extended.indicators(usable, asked)
    if not plan.differ:
        regressors = regressors.sum(axis=0, keepdims=True)
    model = fit_model(usable, plan.link, kind, regressors, kind if plan.effects == "cohort" else None)
    told = np.flatnonzero(model.regression.own)
    if not len(told):
        raise _nothing_left(usable)
    named = [asked[place] for place in model.kept] if plan.differ else [_all_coverage(usable, asked)]
    terms, contrasts = [named[place] for place in told], _contrasts(usable, plan, model, regressors, told)
    errors, correction = clustered(usable, contrasts, len(model.kept), len(usable.cohorts) + 1 if plan.effects == "cohort" else None)
    notes = (*usable.notes, *_note_on_scale(plan), *extended.note_on_left_out(len(asked) - len(terms) if plan.differ else 0))
    counts = extended.counts(usable, terms) if plan.differ else None
    return Estimate(info, usable, options, tuple(terms), tuple(contrasts), errors, notes, correction=correction, counts=counts)


def _usable(design: Design, plan: Plan) -> Design:
    """Set aside what tells nothing, each with a note."""
    _require_range(design, plan.link)
    usable = extended.usable(design, plan.comparison, plan.anticipation)
    if plan.effects == "unit":
        kept = usable.keep(*without_singletons(usable))
        usable = replace(kept, notes=(*kept.notes, *note_on_singletons(usable, kept)))
    usable = _without_separated(usable, plan)
    if not extended.effects(usable, plan.comparison, plan.anticipation):
        raise _nothing_left(usable)
    return usable


def _contrasts(design: Design, plan: Plan, model: Model, regressors: Floats, told: Places) -> list[Contrast]:
    units = np.eye(len(model.kept))[told]
    if plan.scale == "index":
        return [model.contrast(one) for one in units]
    chosen = regressors[model.kept]
    behind = np.where(chosen.any(axis=0), chosen.argmax(axis=0), -1)[model.regression.kind]
    behind = np.where(design.seen, behind, -1)
    inside = behind >= 0
    counts, totals = (np.bincount(behind[inside], values[inside], len(chosen)).astype(float) for values in (design.weight, design.total))
    span = Differences(
        model, plan.effects == "unit", np.where(design.seen, design.weight, 0.0), behind.astype(np.intp), counts, totals / counts
    )
    return [SpanContrast(float(value), one, span, np.zeros(len(design.units))) for value, one in zip(span.values[told], units, strict=True)]


def _require_range(design: Design, link: Link) -> None:
    """Refuse outcomes that the link cannot have: the sums tell of those below zero, and of those above one by their squares."""
    low = design.seen & (design.total < 0)
    if low.any():
        raise DesignError(
            f"outcome `{design.outcome}`: the {link.name} link is for outcomes of zero or more.\n"
            f"Found {low.sum():,} of {design.seen.sum():,} cells with a negative total.\nUse an estimator of differences, such as att_gt."
        )
    high = design.seen & (design.square > design.total * (1 + 1e-9))
    if np.isfinite(link.most) and high.any():
        raise DesignError(
            f"outcome `{design.outcome}`: the {link.name} link is for outcomes between zero and one.\n"
            f"Found {high.sum():,} of {design.seen.sum():,} cells with outcomes above one.\nName an outcome that is 0 or 1, or the estimator etwfe_poisson for amounts and counts."
        )


def _without_separated(design: Design, plan: Plan) -> Design:
    """Leave out cells whose ratio to others is zero or endless, as R `fixest` does: their effects would run away, and they tell nothing of the others."""
    left = design
    while (separated := _separated(left, plan)).any():
        left = _without_cells(left, separated)
        left = left.keep(np.asarray(left.seen.any(axis=1)), np.asarray(left.seen.any(axis=0)))
        if not left.cohorts or not left.units:
            raise _nothing_left(design)
    rows = int(design.rows[design.seen].sum() - left.rows[left.seen].sum())
    if not rows:
        return design
    ends = Text("zero", "零") if np.isinf(plan.link.most) else Text("zero, or one,", "零（或一）")
    note = Text(
        f"{rows:,} row{'s' if rows > 1 else ''} left out: the outcome is {ends.en} throughout the cohort and month, the unit or the comparison, so that no ratio can be formed; "
        "effects that would rest on them are missing, and averages are over the others",
        f"{rows:,}行未使用：结果在该组群当期、该单位或比较组中全部为{ends.zh}，无法形成比率；相应效应缺失，平均值仅就其余效应计算",
    )
    return replace(left, notes=(*left.notes, note))


def _without_cells(design: Design, cells: Bools) -> Design:
    rows, weight, total, square = (np.where(cells, 0.0, values) for values in (design.rows, design.weight, design.total, design.square))
    return replace(design, rows=rows, weight=weight, total=total, square=square)


def _separated(design: Design, plan: Plan) -> Bools:
    """Find the cells of effects, of months and of levels that are at an end of the range throughout; shape (units, months)."""
    kind = extended.kinds(design)
    terms = extended.effects(design, plan.comparison, plan.anticipation)
    marked: Bools = np.asarray(extended.indicators(design, terms).any(axis=0))
    own = design.seen & marked[kind]
    free = design.seen & ~own
    together = np.eye(len(design.cohorts) + 1)[:, kind]

    def at_end(cells: Bools, sum_up: Callable[[Floats], Floats]) -> Bools:
        total, weight = (sum_up(np.where(cells, values, 0.0)) for values in (design.total, design.weight))
        return np.asarray((weight > 0) & ((total <= 0) | (total >= np.where(weight > 0, weight, 1.0) * plan.link.most * (1 - 1e-12))))

    month = at_end(free, lambda values: values.sum(axis=0))
    level = at_end(free if plan.differ else design.seen, lambda values: (together @ values).sum(axis=1))[kind]
    if plan.effects == "unit":
        level = level | at_end(design.seen, lambda values: values.sum(axis=1))
    effect = at_end(own, lambda values: together @ values)[kind] if plan.differ else np.zeros_like(own)
    return np.asarray((own & effect) | (free & month) | (design.seen & level[:, None]))


def _note_on_scale(plan: Plan) -> tuple[Text, ...]:
    """Say what is a ratio of what."""
    if plan.scale == "response":
        return ()
    named = {"log": Text("mean outcomes", "结果均值"), "cloglog": Text("hazards", "风险率"), "logit": Text("odds", "几率")}[plan.link.name]
    return (
        Text(
            f"effects are logarithms of ratios of {named.en}: exp(effect) − 1 is the change as a share",
            f"效应为{named.zh}之比的对数：exp(效应) − 1 即变动的比例",
        ),
    )


def _all_coverage(design: Design, effects: Sequence[Term]) -> Term:
    covered = np.isin(design.cohort, [float(effect.cohort or 0) for effect in effects])
    return Term("coverage", workers=float(design.headcount[covered].sum()))


def _nothing_left(design: Design) -> EstimationError:
    return EstimationError(
        f"outcome `{design.outcome}`: no effect can be told from what is seen.\n"
        f"Found {len(design.units):,} units in {len(design.months)} months, {int(design.rows[design.seen].sum()):,} rows; in cohorts, months or comparisons the outcome is at the end of its range throughout, or nobody is seen.\n"
        "Take longer periods or coarser cohorts, or an estimator of differences such as att_gt."
    )
