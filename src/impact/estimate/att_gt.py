"""Group-time average treatment effects.

Estimand: ATT(g, t), the mean effect in month t on the workers of the units first covered in month g.
Assumes:  parallel trends with the comparison group (among those alike in covariates, or within strata, where these are given), no anticipation beyond
          `anticipation` months, coverage that lasts.
Source:   Callaway and Sant'Anna (2021), doi:10.1016/j.jeconom.2020.12.001, eq. 2.1-2.5; with covariates as R `did` 2.5 and `DRDID` 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast, change
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError, listing
from impact.estimate.parts.att_gt_covariates import Adjusted, Adjustment, adjusted, adjustment_of, contrasts_of
from impact.estimate.parts.att_gt_left_out import Obstacle, notes_on_left_out
from impact.estimate.parts.att_gt_strata import Stratified, within_strata
from impact.estimate.parts.cohorts import Base, Comparison, base_month, cohorts_seen, not_covered, note_on, studied, workers_in_words
from impact.estimate.parts.two_way import Places
from impact.infer.cluster import cluster_errors
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info("att_gt", "Group-time effects", "组群-时间效应", "Callaway and Sant'Anna (2021)", may_read=("stratum",), covariates=True)


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared."""

    comparison: Comparison = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered yet."""
    base: Base = "varying"
    """Base month of the leads: the month before, or always the last month before coverage."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""
    workers: Literal["all", "stayers"] = "all"
    """Compare whoever is seen in a month, or only those seen in both months of a change."""
    covariates: tuple[Design, ...] = ()
    """Designs of the covariates, on the same units and months. A unit enters by its means, and weighs what its workers weigh: name the worker as the unit to allow
    for what workers are."""
    adjust: Literal["dr", "reg", "ipw"] = "dr"
    """How covariates are allowed for: a regression among the compared, a logit of being covered (Hajek weights), or both (doubly robust: one of them must hold)."""
    form: Literal["auto", "changes", "levels"] = "auto"
    """With covariates: compare changes of units seen in both months, with the covariates of the earlier one, or levels of whoever is seen in either, as in repeated
    cross-sections; `auto` takes changes where workers are followed and nobody comes or goes, and among stayers."""


@dataclass(frozen=True, slots=True)
class _Effect:
    """One group-time effect, and what a reader must know of it."""

    term: Term
    contrast: Contrast | Adjusted
    alone: Bools | None = None


_How = Adjustment | Places | None
"""What the compared must share with the covered: covariates, strata by number, or nothing."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare each cohort's change in the outcome with its comparison group's change.

    Raises DesignError where no cohort can be compared, EstimationError where fewer than two clusters are left.
    """
    _require_possible(design, options)
    usable = _usable(design, options)
    cohorts = _cohorts(usable)
    how, notes = _how(usable, options)
    asked = [(cohort, month) for cohort in cohorts for month in _months(usable, cohort, options)]
    found = [_att(usable, cohort, month, options, how) for cohort, month in asked]
    estimated = [one for one in found if isinstance(one, _Effect)]
    left_out = notes_on_left_out(one for one in found if isinstance(one, Obstacle))
    if not estimated:
        raise EstimationError(
            f"outcome `{design.outcome}`: no group-time effect can be estimated.\n"
            f"Found {len(cohorts)} cohort{'s' if len(cohorts) > 1 else ''}, and {_obstacles(left_out)}.\n"
            "Check the months and the comparison group."
        )
    terms, contrasts = tuple(one.term for one in estimated), contrasts_of(usable, [one.contrast for one in estimated])
    notes = [*usable.notes, *notes, *left_out, *_notes_on(usable, estimated, len(options.covariates))]
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), tuple(notes))


def _require_possible(design: Design, options: Options) -> None:
    if options.workers == "stayers" and not design.followed:
        raise DesignError(
            f"workers `stayers`: workers can be followed only where the workers of a unit are seen in the same months.\n"
            f"Found {len(design.units):,} units with {design.headcount.sum():,.0f} workers.\nBuild the design from patterns, name the worker as the unit, or use workers `all`."
        )
    if options.covariates and "stratum" in design.traits:
        raise DesignError(
            f"outcome `{design.outcome}`: covariates and strata are two ways to compare like with like.\n"
            f"Found {listing(one.outcome for one in options.covariates)}, and a stratum.\nLeave one of them out, or name the stratum as a covariate of categories, C(NAME)."
        )


def _obstacles(left_out: Sequence[Text]) -> str:
    """Say what stands in the way of all effects: nobody to compare, or the reasons noted."""
    reasons = [note.en.split(": ", 1)[1] for note in left_out]
    return "nobody to compare in the months needed" if not reasons else "; ".join(reasons)


def _how(design: Design, options: Options) -> tuple[_How, list[Text]]:
    """Say what the compared must share with the covered, with notes on it."""
    if "stratum" in design.traits:
        return np.unique(design.traits["stratum"], return_inverse=True)[1].ravel(), []
    if not options.covariates:
        return None, []
    together = int((design.rows > 1).any(axis=1).sum())
    notes = note_on(
        together,
        "{count} unit holds several workers, and its covariates enter as their means",
        "{count} units hold several workers, and their covariates enter as means",
        "{count}个单位含有多名劳动者，其协变量以均值计入",
    )
    changes, form = _changes(design, options)
    return adjustment_of(design, options.covariates, options.adjust, changes), [*notes, *form]


def _changes(design: Design, options: Options) -> tuple[bool, list[Text]]:
    """Decide between changes and levels, and say so where it makes a difference."""
    if not design.followed and options.form == "auto":
        return False, []
    comes_and_goes = bool((design.weight != design.weight[:, :1]).any())
    if not comes_and_goes:
        return options.form != "levels" or options.workers == "stayers", []
    if options.form == "changes" or options.workers == "stayers":
        note = Text(
            "with covariates, changes of those seen in both months of a change are compared",
            "使用协变量时，比较在变化两期均可见者的变化",
        )
        return True, [note]
    note = Text(
        "workers come and go: with covariates, whoever is seen in a month is compared, as in repeated cross-sections",
        "劳动者有进有出：使用协变量时，按重复截面比较各期可见者",
    )
    return False, [note]


def _notes_on(design: Design, effects: Sequence[_Effect], covariates: int) -> list[Text]:
    """Say what is weak about some effects, and who found nobody in their stratum."""
    adjusted_ones = [one.contrast for one in effects if isinstance(one.contrast, Adjusted)]
    few = note_on(
        sum(one.few for one in adjusted_ones),
        f"{{count}} effect rests on fewer than {covariates + 6} compared",
        f"{{count}} effects rest on fewer than {covariates + 6} compared each",
        f"{{count}}个效应的比较对象少于{covariates + 6}个",
    )
    trimmed = note_on(
        sum(one.trimmed for one in adjusted_ones),
        "in {count} effect some of the compared count nothing: their propensity is 0.995 or more",
        "in {count} effects some of the compared count nothing: their propensity is 0.995 or more",
        "{count}个效应中部分比较对象未计入：其倾向得分不低于0.995",
    )
    alone = np.any([one.alone for one in effects if one.alone is not None] or [np.zeros(len(design.units), dtype=bool)], axis=0)
    alone &= design.workers > 0
    if not alone.any():
        return [*few, *trimmed]
    workers, strata = workers_in_words(design, alone), len(np.unique(design.traits["stratum"][alone]))
    note = Text(
        f"{workers.en} in {'1 stratum' if strata == 1 else f'{strata} strata'} left out of effects in whose months nobody is there to compare with",
        f"{workers.zh}（{strata}个分层）未计入部分效应：所需月份中该分层没有比较对象",
    )
    return [*few, *trimmed, note]


def _usable(design: Design, options: Options) -> Design:
    """Set aside the units and months that no comparison can use, each with a note."""
    design = studied(design, options.anticipation)
    if options.workers == "all":
        design = _with_note_on_unseen(design)
    design = design if np.isnan(design.cohort).any() else _without_never(design, options)
    return _with_compared_strata(design, options) if "stratum" in design.traits else design


def _with_compared_strata(design: Design, options: Options) -> Design:
    """Set aside the covered in whose stratum nobody is ever there to compare with; those with whom earlier cohorts compare stay for that alone."""
    _, stratum = np.unique(design.traits["stratum"], return_inverse=True)
    ever = ~np.isnan(design.cohort)
    later = design.cohort if options.comparison == "not_yet" else -np.inf
    latest, first = np.full(len(ever), -np.inf), np.full(len(ever), np.inf)
    np.maximum.at(latest, stratum, np.where(ever, later, np.inf))
    np.minimum.at(first, stratum, np.where(ever, design.cohort, np.inf))
    alone = ever & (latest[stratum] <= design.cohort)
    if not alone.any():
        return design
    workers = workers_in_words(design, alone)
    note = Text(f"{workers.en} left out: nobody in their stratum is there to compare with", f"{workers.zh}未使用：所在分层没有可比较者")
    compared = alone & (first[stratum] < design.cohort) & (options.comparison == "not_yet")
    return _without_share(design, compared).keep(~alone | compared, note=note)


def _without_share(design: Design, units: Bools) -> Design:
    """Let some units count nothing in averages over cohorts."""
    if not units.any():
        return design
    pairs = None if design.pairs is None else design.pairs.copy()
    if pairs is not None:
        pairs[units, -1, :] = pairs[units, :, -1] = 0.0
    return replace(design, workers=np.where(units, 0.0, design.workers), pairs=pairs)


def _with_note_on_unseen(design: Design) -> Design:
    """Say how many of the covered belong to units of which nothing is known before coverage: they count after it only."""
    before = np.asarray(design.months)[None, :] < design.cohort[:, None]
    unseen = ~np.isnan(design.cohort) & ~(design.seen & before).any(axis=1) & design.seen.any(axis=1)
    if not unseen.any():
        return design
    workers = workers_in_words(design, unseen)
    note = Text(
        f"{workers.en} in units first seen under coverage: nothing is known of them before, and they count after it only",
        f"{workers.zh}所在单位在受覆盖之后才出现：此前情况未知，仅计入覆盖之后",
    )
    return replace(design, notes=(*design.notes, note))


def _without_never(design: Design, options: Options) -> Design:
    """Where every unit is covered in the end, the last cohort serves as comparison until it is covered itself."""
    latest = design.cohorts[-1]
    if options.comparison == "never":
        raise DesignError(
            f"comparison `never`: every unit is covered at some time.\nFound cohorts {', '.join(design.label(g) for g in design.cohorts)}.\n"
            "Compare with `not_yet` covered units."
        )
    months = np.asarray(design.months) < latest - options.anticipation
    note = Text(
        f"every unit is covered in the end: months from {design.label(latest - options.anticipation)} on are left out, and the last cohort serves as comparison only",
        f"所有单位最终都受覆盖：自{design.label(latest - options.anticipation)}起的各期未使用，最后一个组群只作比较对象",
    )
    kept = design.keep(np.ones(len(design.units), dtype=bool), months, note)
    return replace(kept, cohort=np.where(design.cohort == latest, np.nan, design.cohort))


def _cohorts(design: Design) -> list[int]:
    cohorts = cohorts_seen(design)
    if cohorts:
        return cohorts
    raise DesignError(
        f"outcome `{design.outcome}`: there is one cohort, and nobody to compare it with.\n"
        f"Found {len(design.units):,} units, all first covered at the same time.\nAdd units that are covered later, or never."
    )


def _months(design: Design, cohort: int, options: Options) -> list[int]:
    """List the months in which a cohort's effect is defined."""
    if base_month(design, cohort, cohort, "universal", options.anticipation) is None:
        return []
    return list(design.months[1:] if options.base == "varying" else design.months)


def _att(design: Design, cohort: int, month: int, options: Options, how: _How) -> _Effect | Obstacle:
    """Estimate one group-time effect, or say what stands in its way."""
    base = base_month(design, cohort, month, options.base, options.anticipation)
    assert base is not None  # `_months` asks for no month without one
    covered = design.cohort == cohort
    compared = not_covered(design, cohort, max(month, base), options.comparison, options.anticipation)
    if options.workers == "stayers" or (isinstance(how, Adjustment) and how.changes):
        both = design.seen[:, design.place(base)] & design.seen[:, design.place(month)]
        covered, compared = covered & both, compared & both
    if not (_is_seen(design, covered, base, month) and _is_seen(design, compared, base, month)):
        return Obstacle.UNSEEN
    workers = float(design.rows[covered, design.place(month)].sum())
    term = Term(f"att({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, workers)
    if how is None or month == base:
        return _Effect(term, change(design, covered, base, month) - change(design, compared, base, month))
    places = design.place(base), design.place(month)
    found = (
        adjusted(design, how, covered, compared, *places)
        if isinstance(how, Adjustment)
        else within_strata(design, how, covered, compared, *places)
    )
    if isinstance(found, Adjusted):
        return _Effect(term, found)
    return (
        _Effect(replace(term, workers=float(design.rows[covered & ~found.alone, places[1]].sum())), found.contrast, alone=found.alone)
        if isinstance(found, Stratified)
        else found
    )


def _is_seen(design: Design, units: Bools, base: int, month: int) -> bool:
    return bool(design.seen[units, design.place(base)].any() and design.seen[units, design.place(month)].any())
