"""Averages of group-time effects: overall, by cohort, by event time, by calendar month.

Cohorts count by their workers (Callaway and Sant'Anna 2021, table 1). Their shares are estimated, and that enters the influence: where θ is the
average Σ P_k ATT_k / S over terms k with S = Σ P_k, a worker of cohort g adds Σ_{k: g_k = g} (ATT_k − θ) / S. Regressions count covered
rows instead, and take these counts as given (`Estimate.counts`), as R `fixest` and `didimputation` do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast, total
from impact.design.design import Design
from impact.errors import EstimationError
from impact.infer.cluster import cluster_errors
from impact.infer.replicates import aggregate_errors
from impact.results import Estimate, Term

By = Literal["none", "simple", "cohort", "event_time", "calendar"]
BYS: tuple[By, ...] = ("none", "simple", "cohort", "event_time", "calendar")


@dataclass(frozen=True, slots=True)
class Window:
    """Which event times an aggregate by event time shows."""

    first: int | None = None
    last: int | None = None
    balance: int | None = None
    """Keep only cohorts that are seen at least this many months after coverage, and no later event time."""


def aggregate(estimate: Estimate, by: By, window: Window = Window()) -> Estimate:
    """Average group-time effects; the last row of a path is its `overall` mean.

    Raises EstimationError where the estimate holds no group-time effects, or none after coverage.
    """
    if by == estimate.aggregate and by != "none" and window != Window():
        raise EstimationError(
            f"{estimate.info.name}: its terms are averaged by {by} already, and no window can be cut from them.\nFound a window of event times.\n"
            "Leave out --event-from, --event-to and --balance, or the leads."
        )
    if by in ("none", estimate.aggregate):
        return estimate
    if any(term.cohort is None or term.month is None for term in estimate.terms):
        raise EstimationError(
            f"{estimate.info.name}: its terms cannot be averaged by {by}.\nFound terms without cohort and month.\nUse --aggregate none, or the estimator att_gt."
        )
    build = _BUILDERS[by] if by != "event_time" else partial(_by_event_time, window=window)
    named = build(estimate)
    if not named and window != Window() and _after(estimate):
        raise EstimationError(
            f"{estimate.info.name}: no event time after coverage is left to average.\nFound {len(_after(estimate))} effects after coverage, none inside the window asked for.\n"
            "Widen --event-from, --event-to or --balance."
        )
    if not named:
        raise EstimationError(
            f"{estimate.info.name}: there is no effect after coverage to average.\nFound {len(estimate.terms)} terms, all before.\nCheck the months and the first covered months."
        )
    terms, contrasts = zip(*named, strict=True)
    if estimate.errors.replicates is not None:
        errors = aggregate_errors(estimate, terms, contrasts, build)
    else:
        errors = cluster_errors(estimate.design, contrasts, estimate.correction, estimate.errors.degrees_of_freedom)
    return replace(estimate, terms=terms, contrasts=contrasts, errors=errors, aggregate=by)


Named = list[tuple[Term, Contrast]]


def _simple(estimate: Estimate) -> Named:
    after = _after(estimate)
    return [(_overall(estimate), _shared_mean(estimate, after))] if after else []


def _by_cohort(estimate: Estimate) -> Named:
    design, after = estimate.design, _after(estimate)
    cohorts = sorted({_cohort(estimate, place) for place in after})
    places = {cohort: [place for place in after if _cohort(estimate, place) == cohort] for cohort in cohorts}
    means = [(cohort, _mean_of_cohort(estimate, places[cohort])) for cohort in cohorts]
    named: Named = [
        (Term(f"att(cohort {design.label(cohort)})", cohort=cohort, workers=_headcount(design, cohort)), mean) for cohort, mean in means
    ]
    if not named:
        return []
    overall = _mean_by_workers(design, means) if estimate.counts is None else _shared_mean(estimate, after)
    return [*named, (_overall(estimate), overall)]


def _by_event_time(estimate: Estimate, window: Window) -> Named:
    last = max(estimate.design.months)
    named: Named = []
    for event_time in sorted({_event_time(estimate, place) for place in range(len(estimate.terms))}):
        places = [place for place in range(len(estimate.terms)) if _event_time(estimate, place) == event_time]
        if window.balance is not None:
            places = [place for place in places if last - _cohort(estimate, place) >= window.balance]
        if places and _inside(event_time, window, estimate.design):
            term = Term(f"att({event_time:+d})", event_time=event_time, workers=_seen(estimate, places))
            named.append((term, _shared_mean(estimate, places)))
    after = [contrast for term, contrast in named if term.event_time is not None and term.event_time >= 0]
    return [*named, (_overall(estimate), _plain_mean(after))] if after else []


def _by_calendar(estimate: Estimate) -> Named:
    after = _after(estimate)
    named: Named = []
    for month in sorted({_month(estimate, place) for place in after}):
        places = [place for place in after if _month(estimate, place) == month]
        term = Term(f"att(in {estimate.design.label(month)})", month=month, workers=_seen(estimate, places))
        named.append((term, _shared_mean(estimate, places)))
    return [*named, (_overall(estimate), _plain_mean([contrast for _, contrast in named]))] if named else []


_BUILDERS: dict[By, Callable[[Estimate], Named]] = {"simple": _simple, "cohort": _by_cohort, "calendar": _by_calendar}


def _inside(event_time: int, window: Window, design: Design) -> bool:
    """Say whether an event time is shown; with `balance`, only as far as every kept cohort could be seen."""
    first, last = window.first, window.last
    if window.balance is not None:
        last = window.balance if last is None else min(last, window.balance)
        longest = window.balance - (max(design.months) - min(design.months))
        first = longest if first is None else max(first, longest)
    return (first is None or event_time >= first) and (last is None or event_time <= last)


def _plain_mean(contrasts: Sequence[Contrast]) -> Contrast:
    return total(contrasts, [1.0 / len(contrasts)] * len(contrasts))


def _mean_of_cohort(estimate: Estimate, places: Sequence[int]) -> Contrast:
    """Average the effects of one cohort: months count alike, or by the rows in them."""
    if estimate.counts is None:
        return _plain_mean([estimate.contrasts[place] for place in places])
    return _shared_mean(estimate, places)


def _shared_mean(estimate: Estimate, places: Sequence[int]) -> Contrast:
    """Average some effects: by the workers of their cohorts, or by what each counts."""
    contrasts = [estimate.contrasts[place] for place in places]
    if estimate.counts is None:
        return _mean_by_workers(estimate.design, list(zip((_cohort(estimate, place) for place in places), contrasts, strict=True)))
    counts = estimate.counts[list(places)]
    return total(contrasts, list(counts / counts.sum()))


def _mean_by_workers(design: Design, items: Sequence[tuple[int, Contrast]]) -> Contrast:
    """Average contrasts of cohorts by the cohorts' workers, with the influence of the estimated shares."""
    workers = np.array([_weight(design, cohort) for cohort, _ in items])
    average = total([contrast for _, contrast in items], list(workers / workers.sum()))
    share = average.share.copy()
    for cohort, contrast in items:
        share[design.cohort == cohort] += (contrast.value - average.value) / workers.sum()
    return replace(average, share=share)


def _after(estimate: Estimate) -> list[int]:
    """Find the terms after coverage."""
    return [place for place in range(len(estimate.terms)) if _event_time(estimate, place) >= 0]


def _cohort(estimate: Estimate, place: int) -> int:
    return int(estimate.terms[place].cohort or 0)


def _month(estimate: Estimate, place: int) -> int:
    return int(estimate.terms[place].month or 0)


def _event_time(estimate: Estimate, place: int) -> int:
    return _month(estimate, place) - _cohort(estimate, place)


def _headcount(design: Design, cohort: int) -> float:
    """Count the workers of a cohort, each once."""
    return float(design.headcount[design.cohort == cohort].sum())


def _weight(design: Design, cohort: int) -> float:
    """Sum the mean weights of the workers of a cohort: what its share is made of."""
    return float(design.workers[design.cohort == cohort].sum())


def _seen(estimate: Estimate, places: Sequence[int]) -> float:
    """Count the covered workers seen in the months of some terms."""
    return sum(estimate.terms[place].workers for place in places)


def _overall(estimate: Estimate) -> Term:
    """Name the overall mean, resting on all workers of the cohorts that have an effect."""
    cohorts = {_cohort(estimate, place) for place in _after(estimate)}
    return Term("overall", workers=sum(_headcount(estimate.design, cohort) for cohort in cohorts))
