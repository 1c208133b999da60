"""What synthetic control and synthetic difference in differences share: blocks of one cohort and the never covered, and their weights.

In a block, the path of the covered is the mean of their units, and the path of the compared Σ_i ω_i y_i with ω on the simplex, chosen over the months
before coverage. The effect in month t is gap_t − Σ_s λ_s gap_s, where λ weighs the months before coverage and is zero for synthetic control. Months
before coverage get the same formula. Units are means of their workers; each counts once unless worker weights are asked for.
Source: Arkhangelsky et al. (2021), doi:10.1257/aer.20190159, eq. 2.1-2.6; several cohorts by Clarke et al. (2023), arXiv:2301.11859. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.design.contrast import CellContrast, Contrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, listing
from impact.estimate.parts.simplex import simplex_weights
from impact.infer.cluster import require_moderate
from impact.moments.moments import Floats
from impact.results import Estimate, Term
from impact.text import Text

Places = NDArray[np.intp]
ErrorsBy = Literal["chosen", "placebo", "jackknife", "bootstrap"]
"""How errors are taken; `chosen` follows the number of covered clusters."""

_LEAST_RIDGE = 1e-6
"""Of the noise level: enough to choose among weights that fit alike."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What tells one synthetic method from another, and what was asked for."""

    intercept: bool
    """Whether the compared may stand at another level than the covered."""
    unit_weights: Literal["fitted", "equal"]
    month_weights: Literal["fitted", "equal", "none"]
    ridge_by_size: bool
    """Whether unit weights are spread by the ridge of Arkhangelsky et al., or by next to nothing."""
    anticipation: int
    counting: Literal["units", "workers"]
    errors: ErrorsBy
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Block:
    """One cohort's months and ridges; they stay as they are when errors fit the weights again."""

    cohort: int
    before: Bools
    """Months in which weights are chosen; shape (months,)."""
    after: Bools
    """Months under coverage; shape (months,)."""
    unit_ridge: float
    """ζ of the unit weights, in units of the outcome."""
    month_ridge: float
    """ζ of the month weights, in units of the outcome."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays which part in a block: the covered, what each of them counts, and the compared."""

    covered: Places
    share: Floats
    """Of each covered unit; sums to one."""
    compared: Places


@dataclass(frozen=True, slots=True)
class Weights:
    """Fitted weights of a block."""

    units: Floats
    """ω; shape (compared,)."""
    months: Floats
    """λ; shape (months before coverage,)."""


def means_of(design: Design) -> Floats:
    """Give the mean outcome of every unit and month; shape (units, months)."""
    return np.asarray(design.total / design.weight)


def blocks_of(design: Design, plan: Plan) -> list[Block]:
    """Find each cohort's months, and the ridges by the noise of the never covered before its coverage."""
    months, means, never = np.asarray(design.months), means_of(design), np.isnan(design.cohort)
    return [_block(cohort, months, means[never], int((design.cohort == cohort).sum()), plan) for cohort in design.cohorts]


def cast_of(design: Design, cohort: int) -> Cast:
    """Let a cohort be the covered and the never covered the compared."""
    covered = np.flatnonzero(design.cohort == cohort)
    return Cast(covered, design.workers[covered] / design.workers[covered].sum(), np.flatnonzero(np.isnan(design.cohort)))


def fit_weights(block: Block, plan: Plan, means: Floats, cast: Cast) -> Weights:
    """Choose the weights of compared units and of months before coverage."""
    before, compared = means[:, block.before], means[cast.compared]
    units = np.full(len(cast.compared), 1.0 / len(cast.compared))
    months = np.full(before.shape[1], 1.0 / before.shape[1])
    if plan.unit_weights == "fitted":
        matrix, target = before[cast.compared].T, cast.share @ before[cast.covered]
        if plan.intercept:
            matrix, target = matrix - matrix.mean(axis=0), target - target.mean()
        units = simplex_weights(matrix, target, len(target) * block.unit_ridge**2)
    if plan.month_weights == "fitted":
        matrix, target = before[cast.compared], compared[:, block.after].mean(axis=1)
        months = simplex_weights(matrix - matrix.mean(axis=0), target - target.mean(), len(target) * block.month_ridge**2)
    return Weights(units, np.zeros_like(months) if plan.month_weights == "none" else months)


def effects(block: Block, means: Floats, cast: Cast, weights: Weights) -> Floats:
    """Give the effect in every month, also before coverage; shape (months,)."""
    gap = cast.share @ means[cast.covered] - weights.units @ means[cast.compared]
    return np.asarray(gap - weights.months @ gap[block.before])


def contrasts_of(design: Design, block: Block, cast: Cast, weights: Weights) -> list[tuple[Term, Contrast]]:
    """Write a block's effects as contrasts of cell means, one for each month."""
    means, values = means_of(design), effects(block, means_of(design), cast, weights)
    paths = np.zeros_like(means)
    paths[cast.covered], paths[cast.compared] = cast.share @ means[cast.covered], weights.units @ means[cast.compared]
    role = np.zeros(len(design.units))
    role[cast.covered], role[cast.compared] = cast.share, -weights.units
    named: list[tuple[Term, Contrast]] = []
    for place, month in enumerate(design.months):
        when = np.zeros(len(design.months))
        when[block.before] = -weights.months
        when[place] += 1.0
        a = np.outer(role / design.workers, when)
        workers = float(design.rows[cast.covered, place].sum())
        term = Term(f"att({design.label(block.cohort)}, {design.label(month)})", block.cohort, month, month - block.cohort, workers)
        named.append((term, CellContrast(float(values[place]), a, a * paths, np.zeros(len(design.units)))))
    return named


def collapsed(design: Design, plan: Plan) -> Design:
    """Set aside what cannot serve, and let every unit be the mean of its workers.

    A unit counts one in every month, or its workers, as the plan says. Raises DesignError where nobody is left to compare, EstimationError where values
    are too large.
    """
    usable = _complete(_timely(design, plan.anticipation))
    if not usable.cohorts or not np.isnan(usable.cohort).any():
        raise DesignError(
            f"outcome `{design.outcome}`: synthetic weights need covered units with two months before coverage, and never covered units.\n"
            f"Found {_count(~np.isnan(usable.cohort))} of the first and {_count(np.isnan(usable.cohort))} of the second among {len(design.units):,} units, "
            f"seen in every month, cohorts {listing(design.label(g) for g in design.cohorts) or 'none'}.\n"
            "Add units or months, or choose the estimator att_gt."
        )
    counts = usable.workers if plan.counting == "workers" else np.ones(len(usable.units))
    weight = np.repeat(counts[:, None], len(usable.months), axis=1)
    means = usable.total / usable.weight
    by_worker = usable.pairs is not None
    require_moderate(design, means)
    return replace(
        usable,
        weight=weight,
        total=means * weight,
        square=means**2 * weight,
        workers=counts,
        pairs=None,
        cluster=usable.units if by_worker else usable.cluster,
        cluster_level="unit" if by_worker else usable.cluster_level,
        notes=(*usable.notes, *((_BY_UNIT,) if by_worker else ())),
    )


_BY_UNIT = Text(
    "errors are by unit: synthetic weights are chosen between units, not workers", "误差按单位计算：合成权重在单位之间而非劳动者之间选取"
)


def unit_weights(estimate: Estimate) -> pd.DataFrame:
    """Read the weights of the compared units off the contrasts; columns `cohort, unit, weight`, one row per cohort and never covered unit."""
    design = estimate.design
    never = np.flatnonzero(np.isnan(design.cohort))
    rows = []
    for cohort in design.cohorts:
        # A month after coverage has no month weight of its own, so that the cell of a compared unit counts −ω.
        month = next(month for month in design.months if month >= cohort)
        place = next(place for place, term in enumerate(estimate.terms) if (term.cohort, term.month) == (cohort, month))
        weight = -estimate.contrasts[place].a[never, design.place(month)] * design.workers[never]
        rows.append(pd.DataFrame({"cohort": cohort, "unit": [design.units[unit] for unit in never], "weight": weight}))
    return pd.concat(rows, ignore_index=True)


def _block(cohort: int, months: NDArray[np.int_], compared: Floats, covered: int, plan: Plan) -> Block:
    before, after = months < cohort - plan.anticipation, months >= cohort
    changes = np.diff(compared[:, before], axis=1)
    noise = float(changes.std(ddof=1)) if changes.size > 1 else 0.0
    size = float(covered * after.sum()) ** 0.25 if plan.ridge_by_size else _LEAST_RIDGE
    return Block(cohort, before, after, size * noise, _LEAST_RIDGE * noise)


def _timely(design: Design, anticipation: int) -> Design:
    """Set aside units covered too early to choose weights; units covered after the last month count as never covered."""
    months = np.asarray(design.months)
    late = design.cohort > months[-1] + anticipation
    if late.any():
        note = Text(
            f"{_count(late)} first covered after the last month count as never covered", f"{_zh(late)}在末期之后才受覆盖，视为从未覆盖"
        )
        design = replace(design, cohort=np.where(late, np.nan, design.cohort), notes=(*design.notes, note))
    before = (months[None, :] < design.cohort[:, None] - anticipation).sum(axis=1)
    early: Bools = np.asarray(~np.isnan(design.cohort) & ((before < 2) | (design.cohort > months[-1])))
    if early.any():
        note = Text(
            f"{_count(early)} left out: covered without two months before to choose weights in, or a month after",
            f"{_zh(early)}未使用：覆盖前不足两期，无法选取权重，或覆盖后没有可见时期",
        )
        design = design.keep(~early, note=note)
    return design


def _complete(design: Design) -> Design:
    """Set aside units that are not seen in every month: a path with a hole cannot be matched."""
    gaps: Bools = np.asarray(~design.seen.all(axis=1))
    if not gaps.any():
        return design
    note = Text(f"{_count(gaps)} left out: not seen in every month", f"{_zh(gaps)}未使用：并非每期都可见")
    return design.keep(~gaps, note=note)


def _count(units: Bools) -> str:
    return f"{units.sum():,} unit{'s' if units.sum() != 1 else ''}"


def _zh(units: Bools) -> str:
    return f"{units.sum():,}个单位"
