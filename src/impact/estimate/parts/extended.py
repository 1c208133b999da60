"""What regressions with an effect of its own for each cohort and month have in common: who enters, which effects there are, what each counts.

Sun and Abraham (2021) and Wooldridge (2021, 2023) differ in who stands for the path without coverage: with `never`, every month of a cohort but the last
before its coverage has an effect, so that the never covered alone do; with `not_yet`, only months of coverage have one, so that months before coverage do as
well. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import Comparison, cohorts_seen, studied, workers_in_words
from impact.estimate.parts.fixest_errors import note_on_singletons, without_singletons
from impact.estimate.parts.two_way import Places, regress
from impact.moments.moments import Floats
from impact.results import Term
from impact.text import Text


def usable(design: Design, comparison: Comparison, anticipation: int) -> Design:
    """Set aside units and months of which a regression cannot say anything, each with a note.

    Where every unit is covered in the end, the last cohort counts as never covered, in the months before its coverage and anticipation.
    Raises DesignError where no cohort comes under coverage, there is one alone, or comparison is with `never` and there are none.
    """
    design = _seen_before(studied(design, anticipation), anticipation)
    if np.isnan(design.cohort).any():
        return design
    if comparison == "never":
        raise DesignError(
            f"comparison `never`: every unit is covered at some time.\nFound cohorts {', '.join(design.label(g) for g in design.cohorts)}.\n"
            "Compare with `not_yet` covered units."
        )
    return _compared_with_the_last(design, anticipation)


def _seen_before(design: Design, anticipation: int) -> Design:
    """Set aside cohorts of which nobody is seen before coverage and its anticipation."""
    unknown = np.array([cohort for cohort in cohorts_seen(design) if _base(design, cohort, anticipation) is None], dtype=float)
    if not len(unknown):
        return design
    workers = workers_in_words(design, np.isin(design.cohort, unknown))
    note = Text(
        f"{workers.en} left out: nobody of their cohort is seen before coverage", f"{workers.zh}未使用：其组群在受覆盖之前没有可见者"
    )
    kept = design.keep(~np.isin(design.cohort, unknown), note=note)
    if not cohorts_seen(kept):
        raise DesignError(
            f"outcome `{design.outcome}`: no cohort is seen before its coverage.\nFound {len(unknown)}, seen under coverage only.\n"
            "Add the months before coverage, or lower the anticipation."
        )
    return kept


def _base(design: Design, cohort: int, anticipation: int) -> int | None:
    """Give the last month before coverage and its anticipation in which the cohort is seen."""
    seen = design.seen[design.cohort == cohort].any(axis=0)
    before = [month for month, here in zip(design.months, seen, strict=True) if here and month + anticipation < cohort]
    return before[-1] if before else None


def _compared_with_the_last(design: Design, anticipation: int) -> Design:
    last = design.cohorts[-1]
    free = np.asarray(design.months) < last - anticipation
    end = design.label(last - anticipation)
    note = Text(
        f"every unit is covered in the end: months from {end} on are left out, and the last cohort serves as comparison only",
        f"所有单位最终都受覆盖：自{end}起的各期未使用，最后一个组群只作比较对象",
    )
    kept = design.keep(np.asarray(design.seen[:, free].any(axis=1)), free, note)
    kept = replace(kept, cohort=np.where(kept.cohort == last, np.nan, kept.cohort))
    if not cohorts_seen(kept):
        raise DesignError(
            f"outcome `{design.outcome}`: there is one cohort, and nobody to compare it with.\n"
            f"Found {len(design.units):,} units, all first covered at the same time.\nAdd units that are covered later, or never."
        )
    return kept


def effects(design: Design, comparison: Comparison, anticipation: int) -> tuple[Term, ...]:
    """List the effects of cohorts by month that have a coefficient, where anybody is seen, in order of cohort and month."""
    found: list[Term] = []
    seen = design.seen
    for cohort in cohorts_seen(design):
        own = design.cohort == cohort
        base = _base(design, cohort, anticipation)
        for month, here, rows in zip(design.months, seen[own].any(axis=0), design.rows[own].sum(axis=0), strict=True):
            wanted = month != base if comparison == "never" else month >= cohort - anticipation
            if wanted and here:
                found.append(Term(f"att({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, float(rows)))
    return tuple(found)


def counts(design: Design, terms: Sequence[Term]) -> Floats:
    """Weigh the rows behind each effect: what it counts in averages, as R `fixest` and `etwfe` take it; shape (terms,)."""
    weight = {cohort: design.weight[design.cohort == cohort].sum(axis=0) for cohort in design.cohorts}
    return np.array([weight[term.cohort or 0][design.place(term.month or 0)] for term in terms])


def kinds(design: Design) -> Places:
    """Number the units by cohort, with the never covered last; shape (units,)."""
    return np.searchsorted(np.asarray(design.cohorts, dtype=float), np.where(np.isnan(design.cohort), np.inf, design.cohort))


def indicators(design: Design, terms: Sequence[Term]) -> Floats:
    """Make a regressor of each effect: one in its cohort and month; shape (terms, kinds, months)."""
    found = np.zeros((len(terms), len(design.cohorts) + 1, len(design.months)))
    for place, term in enumerate(terms):
        found[place, design.cohorts.index(term.cohort or 0), design.place(term.month or 0)] = 1.0
    return found


def note_on_left_out(count: int) -> tuple[Text, ...]:
    """Say how many effects cannot be told from month effects or from each other."""
    if count == 0:
        return ()
    return (
        Text(
            f"{count} group-time effect{'s' if count > 1 else ''} left out: nobody is seen to compare with in the months that {'they need' if count > 1 else 'it needs'}",
            f"{count}个组群-时间效应未估计：所需月份中没有可见的比较对象",
        ),
    )


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects that a regression tells apart."""

    terms: tuple[Term, ...]
    contrasts: tuple[Contrast, ...]
    coefficients: int
    """Those that were estimated beside levels of months and units, also for effects that have no meaning of their own."""
    notes: tuple[Text, ...]
    """What was left out on the way."""


def estimated(design: Design, asked: Sequence[Term], group: Places | None = None) -> Effects:
    """Regress the outcome on an indicator of each effect, with month effects and those of units, or of groups of units.

    Raises EstimationError where no effect can be told from the others.
    """
    regression = regress(design, kinds(design), indicators(design, asked), group)
    told = np.flatnonzero(regression.own)
    contrasts = [regression.coefficient(int(place)) for place in told]
    return effects_of(design, asked, regression.kept[told], contrasts, len(regression.kept))


def effects_of(design: Design, asked: Sequence[Term], told: Places, contrasts: Sequence[Contrast], coefficients: int) -> Effects:
    """Name the effects that were told from the others, by their places among those asked for.

    Raises EstimationError where none of them is after coverage.
    """
    terms = tuple(asked[place] for place in told)
    if not any((term.event_time or 0) >= 0 for term in terms):
        raise EstimationError(
            f"outcome `{design.outcome}`: no group-time effect can be estimated.\n"
            f"Found {len(asked)} asked for, and nobody to compare in the months needed.\nCheck the months and the comparison group."
        )
    return Effects(terms, tuple(contrasts), coefficients, note_on_left_out(len(asked) - len(terms)))


def alive(design: Design, comparison: Comparison, anticipation: int) -> tuple[Design, tuple[Text, ...]]:
    """Give those who can be compared, without rows that are alone in their unit or month, with notes on all that was set aside."""
    able = usable(design, comparison, anticipation)
    kept = able.keep(*without_singletons(able))
    notes = note_on_singletons(able, kept)
    again = usable(kept, comparison, anticipation)
    return again, (*again.notes, *notes)
