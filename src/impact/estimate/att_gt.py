"""Group-time average treatment effects.

Estimand: ATT(g, t), the mean effect in month t on the workers of the units first covered in month g.
Assumes:  parallel trends with the comparison group, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Callaway and Sant'Anna (2021), doi:10.1016/j.jeconom.2020.12.001, eq. 2.1-2.5, without covariates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast, change
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError, listing
from impact.infer.cluster import cluster_errors
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info("att_gt", "Group-time effects", "组群-时间效应", "Callaway and Sant'Anna (2021)")


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared."""

    comparison: Literal["never", "not_yet"] = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered yet."""
    base: Literal["varying", "universal"] = "varying"
    """Base month of the leads: the month before, or always the last month before coverage."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""
    workers: Literal["all", "stayers"] = "all"
    """Compare whoever is seen in a month, or only those seen in both months of a change."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare each cohort's change in the outcome with its comparison group's change.

    Raises DesignError where no cohort can be compared, EstimationError where fewer than two clusters are left.
    """
    if options.workers == "stayers" and not design.followed:
        raise DesignError(
            f"workers `stayers`: workers can be followed only where the workers of a unit are seen in the same months.\n"
            f"Found {len(design.units):,} units with {design.headcount.sum():,.0f} workers.\nBuild the design from patterns, name the worker as the unit, or use workers `all`."
        )
    usable = _usable(design, options)
    cohorts = _cohorts(usable)
    asked = [(cohort, month) for cohort in cohorts for month in _months(usable, cohort, options)]
    estimated = [found for cohort, month in asked if (found := _att(usable, cohort, month, options)) is not None]
    if not estimated:
        raise EstimationError(
            f"outcome `{design.outcome}`: no group-time effect can be estimated.\n"
            f"Found {len(cohorts)} cohort{'s' if len(cohorts) > 1 else ''}, and nobody to compare in the months needed.\n"
            "Check the months and the comparison group."
        )
    terms, contrasts = zip(*estimated, strict=True)
    notes = (*usable.notes, *_notes_on_dropped(len(asked) - len(estimated)))
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), notes)


def _notes_on_dropped(count: int) -> list[Text]:
    if count == 0:
        return []
    return [
        Text(
            f"{count} group-time effect{'s' if count > 1 else ''} left out: nobody is seen in a month that {'they need' if count > 1 else 'it needs'}",
            f"{count}个组群-时间效应未估计：所需月份中没有可见者",
        )
    ]


def _usable(design: Design, options: Options) -> Design:
    """Set aside the units and months that no comparison can use, each with a note."""
    first, last, asked = design.months[0], design.months[-1], design.cohorts
    early = design.cohort <= first + options.anticipation
    if early.any():
        workers = _workers(design, early)
        note = Text(
            f"{workers.en} left out: covered from the first month on, so there is nothing to compare with",
            f"{workers.zh}未使用：自首期起即受覆盖，没有可比较的时期",
        )
        design = design.keep(~early, note=note)
    late = design.cohort > last + options.anticipation
    if late.any():
        workers = _workers(design, late)
        note = Text(
            f"{workers.en} first covered after the last month count as never covered", f"{workers.zh}在末期之后才受覆盖，视为从未覆盖"
        )
        design = _as_never(design, late, note)
    if options.workers == "all":
        design = _with_note_on_unseen(design)
    if not _cohorts_seen(design):
        raise DesignError(
            f"outcome `{design.outcome}`: no unit comes under coverage within the months seen.\n"
            f"Found months {design.label(first)} to {design.label(last)}, first covered months {listing(design.label(g) for g in asked) or 'none'}, "
            f"anticipation {options.anticipation}.\nA cohort needs a month before its coverage and anticipation, and one from its coverage on."
        )
    return design if np.isnan(design.cohort).any() else _without_never(design, options)


def _with_note_on_unseen(design: Design) -> Design:
    """Say how many of the covered belong to units of which nothing is known before coverage: they count after it only."""
    before = np.asarray(design.months)[None, :] < design.cohort[:, None]
    unseen = ~np.isnan(design.cohort) & ~(design.seen & before).any(axis=1) & design.seen.any(axis=1)
    if not unseen.any():
        return design
    workers = _workers(design, unseen)
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
    return _as_never(design.keep(np.ones(len(design.units), dtype=bool), months, note), design.cohort == latest, None)


def _as_never(design: Design, units: Bools, note: Text | None) -> Design:
    return replace(design, cohort=np.where(units, np.nan, design.cohort), notes=(*design.notes, note) if note else design.notes)


def _cohorts_seen(design: Design) -> list[int]:
    """List the cohorts whose coverage starts within the months seen."""
    return [cohort for cohort in design.cohorts if design.months and cohort <= design.months[-1]]


def _cohorts(design: Design) -> list[int]:
    cohorts = _cohorts_seen(design)
    if cohorts:
        return cohorts
    raise DesignError(
        f"outcome `{design.outcome}`: there is one cohort, and nobody to compare it with.\n"
        f"Found {len(design.units):,} units, all first covered at the same time.\nAdd units that are covered later, or never."
    )


def _months(design: Design, cohort: int, options: Options) -> list[int]:
    """List the months in which a cohort's effect is defined."""
    if _universal_base(design, cohort, options) is None:
        return []
    return list(design.months[1:] if options.base == "varying" else design.months)


def _universal_base(design: Design, cohort: int, options: Options) -> int | None:
    """Give the last month before coverage and its anticipation."""
    before = [month for month in design.months if month + options.anticipation < cohort]
    return before[-1] if before else None


def _base(design: Design, cohort: int, month: int, options: Options) -> int:
    universal = _universal_base(design, cohort, options)
    assert universal is not None
    if options.base == "universal" or month > universal:
        return universal
    return design.months[design.place(month) - 1]


def _att(design: Design, cohort: int, month: int, options: Options) -> tuple[Term, Contrast] | None:
    """Estimate one group-time effect; None where nobody is seen in a month that it needs."""
    base = _base(design, cohort, month, options)
    covered, compared = design.cohort == cohort, _comparison(design, cohort, max(month, base), options)
    if options.workers == "stayers":
        both = design.seen[:, design.place(base)] & design.seen[:, design.place(month)]
        covered, compared = covered & both, compared & both
    if not (_is_seen(design, covered, base, month) and _is_seen(design, compared, base, month)):
        return None
    workers = float(design.rows[covered, design.place(month)].sum())
    term = Term(f"att({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, workers)
    return term, change(design, covered, base, month) - change(design, compared, base, month)


def _comparison(design: Design, cohort: int, month: int, options: Options) -> Bools:
    never = np.isnan(design.cohort)
    if options.comparison == "never":
        return never
    return np.asarray(never | ((design.cohort > month + options.anticipation) & (design.cohort != cohort)))


def _is_seen(design: Design, units: Bools, base: int, month: int) -> bool:
    return bool(design.seen[units, design.place(base)].any() and design.seen[units, design.place(month)].any())


def _workers(design: Design, units: Bools) -> Text:
    count = int(design.headcount[units].sum())
    return Text(f"{count:,} worker{'s' if count != 1 else ''}", f"{count:,}人")
