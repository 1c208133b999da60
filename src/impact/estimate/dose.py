"""Effects by dose: how hard coverage bites in a unit.

Estimand: bins: ATT(d | d), the mean effect of doses d on the units that have them, by group of doses, over all covered months. linear: the slope of the effect in the dose
          in each cohort and month. per_unit: ATT(g, t) divided by the mean dose of the cohort, an average of effect / dose in which doses count by their size.
Assumes:  parallel trends with units never covered, no anticipation beyond `anticipation` months, coverage that lasts. THAT IS ENOUGH FOR ONE GROUP OF DOSES, NOT TO COMPARE
          GROUPS: the slope, and any difference between doses, says what a higher dose does only under STRONG parallel trends, that at the same dose all units
          would respond alike on average, so that doses are not chosen by their gains. linear needs effects proportional to the dose as well.
Source:   Callaway, Goodman-Bacon and Sant'Anna (2024), arXiv:2107.02637. The regression on dose × covered with unit and month effects over all months, of which they
          show that it weighs doses in strange ways, is not offered; cohort by cohort and month by month the slope is the regression on two months.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from impact.design.contrast import CellContrast, Contrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import Base, base_month, cohorts_seen, studied, workers_in_words
from impact.estimate.parts.dose_groups import DoseGroup, dose_groups, doses_of, written
from impact.estimate.parts.group_means import NOBODY, GroupMeans, group_means
from impact.infer.cluster import cluster_errors
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text

if TYPE_CHECKING:
    import pandas as pd

INFO = Info("dose", "Effects by dose", "剂量效应", "Callaway, Goodman-Bacon and Sant'Anna (2024)", reads=("dose",))
_VANISHING = 1e-12
"""Part of the squared doses that must be left once their mean is out."""
_NOTHING = 1e-300
_FEW = 10
"""Covered clusters below which errors by cluster are too small."""
_STRONG = {
    "bins": Text(
        "each group of doses needs parallel trends with the never covered; reading differences between groups as what a higher dose does needs STRONG parallel trends: "
        "at the same dose, all units would respond alike on average",
        "各剂量组的效应只需该组与从未受覆盖者满足平行趋势；若把组间差异解读为剂量提高的作用，则须满足更强的“强平行趋势”假设：处于相同剂量时，各单位的平均反应相同",
    ),
    "linear": Text(
        "effects are per unit of dose; they are causal only under STRONG parallel trends (at the same dose, all units would respond alike on average) and if effects are "
        "proportional to the dose; leads test neither of the two",
        "效应按每单位剂量计；仅在“强平行趋势”（处于相同剂量时，各单位的平均反应相同）且效应与剂量成正比时才有因果含义；受覆盖前的系数不能检验这两点",
    ),
    "per_unit": Text(
        "effects are per unit of the cohort's mean dose: an average of effect / dose, which says what one more unit would do only under STRONG parallel trends and if effects "
        "are proportional to the dose",
        "效应按组群平均剂量的每单位计，是“效应/剂量”的加权平均；仅在“强平行趋势”且效应与剂量成正比时，才表示剂量增加一单位的作用",
    ),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of the dose, and how the covered are compared; the compared are never covered, with dose zero."""

    form: Literal["bins", "linear", "per_unit"] = "bins"
    """Mean effects by group of doses; slopes by cohort and month; or effects by cohort and month, divided by the mean dose."""
    groups: int = 4
    """Groups of doses in form bins, of about as many covered workers each."""
    base: Base = "varying"
    """Base month of the leads of slopes: the month before, or always the last month before coverage."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare units of different doses with those never covered.

    Raises DesignError where doses are not known, or nobody is never covered; EstimationError where no effect can be estimated.
    """
    if options.groups < 1:
        raise DesignError(f"dose: groups must be 1 or more.\nFound groups {options.groups}.\nChoose 4, for instance.")
    usable = studied(design, options.anticipation)
    dose = doses_of(usable)
    _require_never(usable)
    build = {"bins": _by_group, "linear": _slopes, "per_unit": _per_unit}[options.form]
    estimated = list(build(usable, dose, options))
    if not estimated:
        raise EstimationError(
            f"outcome `{design.outcome}`: no effect by dose can be estimated.\nFound {len(cohorts_seen(usable))} cohorts, and covered and never covered workers are not both "
            "seen in the months needed.\nCheck the months and the doses."
        )
    terms, contrasts = zip(*estimated, strict=True)
    notes = (*usable.notes, *_notes(usable, options, len(terms)), *_notes_on_few_clusters(usable, dose, options))
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), notes)


def dose_response(estimate: Estimate, level: float = 0.95) -> pd.DataFrame:
    """Lay effects by group of doses out for a figure: dose_low, dose_high, dose_mean, estimate, conf_low, conf_high.

    Raises EstimationError where the estimate has another form.
    """
    import pandas as pd

    if estimate.info.name != INFO.name or estimate.options.form != "bins":
        raise EstimationError(
            f"dose response: the estimate does not hold effects by group of doses.\nFound {estimate.info.name} with terms such as {estimate.terms[0].name}.\n"
            "Use the estimator dose with --option form=bins."
        )
    groups = dose_groups(estimate.design, doses_of(estimate.design), estimate.options.groups)
    frame = pd.DataFrame(
        {"term": _names(groups), **{f"dose_{name}": [getattr(group, name) for group in groups] for name in ("low", "high", "mean")}}
    )
    table = estimate.tidy(level)[["term", "estimate", "conf_low", "conf_high"]]
    return frame.merge(table, on="term", validate="one_to_one").drop(columns="term")


Named = Iterator[tuple[Term, Contrast]]


def _require_never(design: Design) -> None:
    if not np.isnan(design.cohort).any():
        raise DesignError(
            f"dose: doses are compared with no dose, of units never covered.\nFound {len(design.units):,} units, all of them covered in the end.\n"
            "Add units that are not covered within the months seen."
        )


def _names(groups: tuple[DoseGroup, ...]) -> list[str]:
    return [f"effect(dose {name})" for name in written(groups)]


def _by_group(design: Design, dose: Floats, options: Options) -> Named:
    """Average the effects of each group of doses over cohorts and the months from coverage on, by workers; their shares are estimated."""
    cohorts, asked = design.cohorts, [one for one in _asked(design, options) if one[1] >= one[0]]
    groups = dose_groups(design, dose, options.groups)
    for name, group in zip(_names(groups), groups, strict=True):
        means = _means(design, group.units)
        workers = {cohort: float(design.workers[group.units & (design.cohort == cohort)].sum()) for cohort in cohorts}
        places = [(cohort, cohorts.index(cohort), design.place(month), design.place(base)) for cohort, month, base in asked]
        effects = [(cohort, found) for cohort, *place in places if (found := _effect(means, *place)) is not None]
        if effects:
            counts = np.array([workers[cohort] for cohort, _ in effects])
            average = means.contrast(np.tensordot(counts / counts.sum(), np.array([found for _, found in effects]), axes=1))
            share = average.share.copy()
            for cohort, found in effects:
                share[group.units & (design.cohort == cohort)] += (float((found * means.mean).sum()) - average.value) / counts.sum()
            yield Term(name, workers=float(design.headcount[group.units].sum())), replace(average, share=share)


def _asked(design: Design, options: Options) -> Iterator[tuple[int, int, int]]:
    """List cohorts, months and the base that each is compared with."""
    for cohort in cohorts_seen(design):
        for month in design.months:
            base = base_month(design, cohort, month, options.base, options.anticipation)
            if base not in (None, month):
                yield cohort, month, base


def _means(design: Design, covered: Bools) -> GroupMeans:
    """Take the means of some covered units by cohort, in order, and of the never covered, last."""
    place = np.where(
        np.isnan(design.cohort), len(design.cohorts), np.where(covered, np.searchsorted(design.cohorts, design.cohort), NOBODY)
    )
    return group_means(design, place.astype(np.intp), len(design.cohorts) + 1)


def _effect(means: GroupMeans, own: int, at: int, before: int) -> Floats | None:
    """Compare the change of a cohort with that of the never covered, as coefficients of means; None where nobody is seen in a month."""
    if not all(means.weight[group, month] > 0 for group in (own, -1) for month in (at, before)):
        return None
    coefficients = np.zeros_like(means.mean)
    coefficients[own, at] = coefficients[-1, before] = 1.0
    coefficients[own, before] = coefficients[-1, at] = -1.0
    return coefficients


@dataclass(frozen=True, slots=True)
class _Slope:
    """Slope of the outcome in the dose in one month."""

    value: float
    a: Floats
    """Shape (units,)."""
    b: Floats
    """Shape (units,)."""


def _slopes(design: Design, dose: Floats, options: Options) -> Named:
    slopes = {cohort: _slopes_of(design, dose, cohort) for cohort in cohorts_seen(design)}
    for cohort, month, base in _asked(design, options):
        now, before = slopes[cohort].get(month), slopes[cohort].get(base)
        if now and before:
            a, b = np.zeros_like(design.total), np.zeros_like(design.total)
            for sign, slope, at in ((1.0, now, design.place(month)), (-1.0, before, design.place(base))):
                a[:, at], b[:, at] = sign * slope.a, sign * slope.b
            yield _term(design, "slope", cohort, month), CellContrast(now.value - before.value, a, b, np.zeros(len(design.units)))


def _slopes_of(design: Design, dose: Floats, cohort: int) -> dict[int, _Slope]:
    units = np.isnan(design.cohort) | (design.cohort == cohort)
    found = {month: _slope(design, units, dose, design.place(month)) for month in design.months}
    return {month: slope for month, slope in found.items() if slope is not None}


def _slope(design: Design, units: Bools, dose: Floats, at: int) -> _Slope | None:
    """Regress the outcome of the workers of some units in one month on their dose; None where doses do not vary."""
    weight, outcome = np.where(units, design.weight[:, at], 0.0), np.where(units, design.total[:, at], 0.0)
    whole = weight.sum()
    centred = dose - (weight @ dose) / whole if whole else dose
    spread = weight @ centred**2
    if not spread > _VANISHING * (weight @ dose**2):
        return None
    loads = np.where(weight > 0, centred / spread, 0.0)
    value = float(loads @ outcome)
    return _Slope(value, loads, loads * (outcome.sum() / whole + value * centred))


def _per_unit(design: Design, dose: Floats, options: Options) -> Named:
    means, cohorts = _means(design, ~np.isnan(design.cohort)), design.cohorts
    workers = {cohort: np.where(design.cohort == cohort, design.workers, 0.0) for cohort in cohorts}
    mean = {cohort: float(dose @ own) / max(float(own.sum()), _NOTHING) for cohort, own in workers.items()}
    for cohort, month, base in _asked(design, options):
        effect = _effect(means, cohorts.index(cohort), design.place(month), design.place(base))
        if effect is not None and mean[cohort] > 0:
            ratio = means.contrast(effect / mean[cohort])
            moved = (design.cohort == cohort) * (dose / mean[cohort] - 1) / workers[cohort].sum()
            yield _term(design, "per unit", cohort, month), replace(ratio, share=-ratio.value * moved)


def _term(design: Design, name: str, cohort: int, month: int) -> Term:
    workers = float(design.rows[design.cohort == cohort, design.place(month)].sum())
    return Term(f"{name}({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, workers)


def _notes(design: Design, options: Options, estimated: int) -> Iterator[Text]:
    if options.form != "bins" or estimated > 1:
        yield _STRONG[options.form]
    given, covered = np.asarray(design.traits["dose"], dtype=float), ~np.isnan(design.cohort)
    if (given[~covered] > 0).any():
        workers = workers_in_words(design, ~covered & (given > 0))
        yield Text(
            f"{workers.en} never covered count with dose zero, whatever is given for them",
            f"{workers.zh}从未受覆盖，无论所填剂量为何，均按零剂量计",
        )
    if (given[covered] == 0).any():
        workers = workers_in_words(design, covered & (given == 0))
        yield Text(f"{workers.en} covered with dose zero", f"{workers.zh}受覆盖但剂量为零")
    if options.form == "bins" and estimated < options.groups:
        yield Text(
            f"{estimated} group{'s' if estimated > 1 else ''} of doses instead of {options.groups}: many have the same dose, or are not seen in the months needed",
            f"剂量组为{estimated}个而非{options.groups}个：剂量相同者较多，或所需月份中不可见",
        )


def _notes_on_few_clusters(design: Design, dose: Floats, options: Options) -> Iterator[Text]:
    """Say how many covered clusters each group of doses has, where one has too few for errors by cluster."""
    if options.form != "bins" or design.pairs is not None:
        return
    groups, cluster = dose_groups(design, dose, options.groups), np.asarray(design.cluster)
    counts = [len(np.unique(cluster[group.units])) for group in groups]
    if min(counts, default=_FEW) < _FEW:
        named = [f"{name}: {count}" for name, count in zip(written(groups), counts, strict=True)]
        yield Text(
            f"covered clusters by dose: {'; '.join(named)}; where they are fewer than ten, do not trust the error",
            f"各剂量组的受覆盖聚类数：{'；'.join(named).replace(' to ', '至').replace(': ', '：')}；少于十个时，标准误不可信",
        )
