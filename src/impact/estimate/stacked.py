"""Stacked difference in differences, with corrective weights.

Estimand: ATT(g, g + e), the mean effect e months after coverage on the units first covered in month g, for cohorts that are seen through the whole window
          from `before` to `after`; averaged by event time, cohorts count by their workers in every month of the window alike (the trimmed aggregate).
Assumes:  parallel trends with units that are not covered within the window, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Wing, Freedman and Hollingsworth (2024), NBER working paper 32054. Their weights let cohorts count alike among the covered and the compared;
          without them, a regression on the stack weighs the trends of the two differently, and is biased. Here every stack is a set of cell means, so
          that no row is duplicated, and a cluster that serves in several stacks counts once in errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.contrast import Contrast, change
from impact.design.design import Bools, Design
from impact.errors import DesignError, listing
from impact.estimate.parts.cohorts import Comparison, cohorts_seen, not_covered, studied, workers_in_words
from impact.infer.cluster import cluster_errors
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info("stacked", "Stacked difference in differences", "堆叠双重差分", "Wing, Freedman and Hollingsworth (2024)")


@dataclass(frozen=True, slots=True)
class Options:
    """The window of a stack, and who may stand in it."""

    before: int = 3
    """Months before coverage that a stack holds; the last of them is the base."""
    after: int = 3
    """Months after the first covered one that a stack holds."""
    comparison: Comparison = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered within the window."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; the base is the month before them."""
    shares_given: bool = False
    """Take the shares of cohorts in averages as given, as the weighted regression does; otherwise they are estimated, which widens errors."""


@dataclass(frozen=True, slots=True)
class _Stack:
    cohort: int
    base: int
    months: tuple[int, ...]
    covered: Bools
    compared: Bools


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare the change of each cohort since the base with that of units that are not covered within its window.

    Raises DesignError where the window makes no sense or no cohort is seen through it, EstimationError where fewer than two clusters are left.
    """
    _require_window(options)
    usable = studied(design, options.anticipation)
    cohorts = cohorts_seen(usable)
    stacks = [stack for cohort in cohorts if (stack := _stack(usable, cohort, options)) is not None]
    if not stacks:
        raise _no_stack(usable, cohorts, options)
    terms, contrasts = zip(*(found for stack in stacks for found in _effects(usable, stack)), strict=True)
    trimmed = [cohort for cohort in cohorts if cohort not in {stack.cohort for stack in stacks}]
    notes = (*usable.notes, *_note_on_trimmed(usable, trimmed, options))
    counts = _counts(usable, terms) if options.shares_given else None
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), notes, counts=counts)


def _require_window(options: Options) -> None:
    if options.before <= options.anticipation or options.after < 0:
        raise DesignError(
            f"window of a stack: it has no base, or no month after coverage.\nFound before {options.before}, after {options.after}, "
            f"anticipation {options.anticipation}.\nSet before above anticipation, and after to 0 or more."
        )


def _stack(design: Design, cohort: int, options: Options) -> _Stack | None:
    """Gather the stack of a cohort; None where covered or compared are not seen in every month of the window."""
    months = tuple(range(cohort - options.before, cohort + options.after + 1))
    if not set(months) <= set(design.months):
        return None
    covered = design.cohort == cohort
    compared = not_covered(design, cohort, months[-1], options.comparison, options.anticipation)
    window = np.array([design.place(month) for month in months])
    if not all(design.seen[np.ix_(units, window)].any(axis=0).all() for units in (covered, compared)):
        return None
    return _Stack(cohort, cohort - 1 - options.anticipation, months, covered, compared)


def _effects(design: Design, stack: _Stack) -> list[tuple[Term, Contrast]]:
    return [(_term(design, stack, month), _effect(design, stack, month)) for month in stack.months if month != stack.base]


def _term(design: Design, stack: _Stack, month: int) -> Term:
    workers = float(design.rows[stack.covered, design.place(month)].sum())
    return Term(f"att({design.label(stack.cohort)}, {design.label(month)})", stack.cohort, month, month - stack.cohort, workers)


def _effect(design: Design, stack: _Stack, month: int) -> Contrast:
    return change(design, stack.covered, stack.base, month) - change(design, stack.compared, stack.base, month)


def _counts(design: Design, terms: tuple[Term, ...]) -> Floats:
    """Let each term count by the workers of its cohort, in every month alike: the corrective weights keep shares as they are through the window."""
    return np.array([design.workers[design.cohort == term.cohort].sum() for term in terms])


def _note_on_trimmed(design: Design, cohorts: list[int], options: Options) -> list[Text]:
    if not cohorts:
        return []
    named = listing(design.label(cohort) for cohort in cohorts)
    workers, one = workers_in_words(design, np.isin(design.cohort, cohorts)), len(cohorts) == 1
    return [
        Text(
            f"cohort{'' if one else 's'} {named} ({workers.en}) left out: {'it is' if one else 'they are'} not seen, with somebody to "
            f"compare, in every month from {options.before} before to {options.after} after coverage",
            f"组群{named}（{workers.zh}）未使用：未能在受覆盖前{options.before}期至后{options.after}期的每一期都可见且有可比较者",
        )
    ]


def _no_stack(design: Design, cohorts: list[int], options: Options) -> DesignError:
    first, last = design.label(design.months[0]), design.label(design.months[-1])
    return DesignError(
        f"outcome `{design.outcome}`: no cohort is seen, with somebody to compare, through the whole window of a stack.\n"
        f"Found months {first} to {last}, first covered months {listing(design.label(cohort) for cohort in cohorts)}, a window from {options.before} before to "
        f"{options.after} after coverage.\nChoose a shorter window (--option before=1 --option after=0 is the shortest), or add units that are covered later, or never."
    )
