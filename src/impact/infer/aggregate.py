"""Averages of group-time effects: overall, by cohort, by event time, by calendar month.

Cohorts count by their workers (Callaway and Sant'Anna 2021, table 1). Their shares are estimated, and that enters the influence: where θ is the
average Σ P_k ATT_k / S over terms k with S = Σ P_k, a worker of cohort g adds Σ_{k: g_k = g} (ATT_k − θ) / S.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast, total
from impact.errors import EstimationError
from impact.infer.cluster import cluster_errors
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
    if by == "none":
        return estimate
    if any(term.cohort is None or term.month is None for term in estimate.terms):
        raise EstimationError(
            f"{estimate.info.name}: its terms cannot be averaged by {by}.\nFound terms without cohort and month.\nUse --aggregate none, or the estimator att_gt."
        )
    builders = {"simple": _simple, "cohort": _by_cohort, "event_time": _by_event_time, "calendar": _by_calendar}
    named = builders[by](_Parts(estimate), window)
    if not named:
        raise EstimationError(
            f"{estimate.info.name}: there is no effect after coverage to average.\nFound {len(estimate.terms)} terms, all before.\nCheck the months and the first covered months."
        )
    terms, contrasts = zip(*named, strict=True)
    errors = cluster_errors(estimate.design, contrasts, estimate.correction, estimate.errors.degrees_of_freedom)
    return replace(estimate, terms=terms, contrasts=contrasts, errors=errors, aggregate=by)


Named = list[tuple[Term, Contrast]]


class _Parts:
    """The group-time effects of an estimate, with the workers of their cohorts."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate
        self.design = estimate.design
        self.cohorts = [int(term.cohort or 0) for term in estimate.terms]
        self.months = [int(term.month or 0) for term in estimate.terms]
        self.after = [place for place, (cohort, month) in enumerate(zip(self.cohorts, self.months, strict=True)) if month >= cohort]

    def where(self, **labels: int) -> list[int]:
        """Find the terms with given labels."""
        held = {"cohort": self.cohorts, "month": self.months, "event_time": [m - c for m, c in zip(self.months, self.cohorts, strict=True)]}
        return [place for place in range(len(self.cohorts)) if all(held[name][place] == value for name, value in labels.items())]

    def workers(self, cohort: int) -> float:
        """Count the workers of a cohort."""
        return float(self.design.workers[self.design.cohort == cohort].sum())

    def plain_mean(self, places: Iterable[int]) -> Contrast:
        """Average terms with equal weight."""
        chosen = list(places)
        return total([self.estimate.contrasts[place] for place in chosen], [1.0 / len(chosen)] * len(chosen))

    def shared_mean(self, places: list[int]) -> Contrast:
        """Average terms by the estimated shares of their cohorts."""
        return shared_mean(self, [(self.cohorts[place], self.estimate.contrasts[place]) for place in places])


def shared_mean(parts: _Parts, items: list[tuple[int, Contrast]]) -> Contrast:
    """Average contrasts of cohorts by the cohorts' workers, with the influence of the estimated shares."""
    workers = np.array([parts.workers(cohort) for cohort, _ in items])
    average = total([contrast for _, contrast in items], list(workers / workers.sum()))
    share = average.share.copy()
    for cohort, contrast in items:
        share[parts.design.cohort == cohort] += (contrast.value - average.value) / workers.sum()
    return replace(average, share=share)


def _simple(parts: _Parts, window: Window) -> Named:
    if not parts.after:
        return []
    return [(Term("overall", workers=_covered(parts, parts.after)), parts.shared_mean(parts.after))]


def _by_cohort(parts: _Parts, window: Window) -> Named:
    cohorts = sorted({parts.cohorts[place] for place in parts.after})
    means = [(cohort, parts.plain_mean(place for place in parts.after if parts.cohorts[place] == cohort)) for cohort in cohorts]
    named: Named = [
        (Term(f"att({parts.design.label(cohort)})", cohort=cohort, workers=parts.workers(cohort)), mean) for cohort, mean in means
    ]
    return [*named, (Term("overall", workers=_covered(parts, parts.after)), shared_mean(parts, means))] if named else []


def _by_event_time(parts: _Parts, window: Window) -> Named:
    last = max(parts.design.months)
    named: Named = []
    for event_time in sorted({month - cohort for month, cohort in zip(parts.months, parts.cohorts, strict=True)}):
        places = [
            place for place in parts.where(event_time=event_time) if window.balance is None or last - parts.cohorts[place] >= window.balance
        ]
        if places and _inside(event_time, window, parts):
            named.append((Term(f"att({event_time:+d})", event_time=event_time, workers=_covered(parts, places)), parts.shared_mean(places)))
    after = [contrast for term, contrast in named if term.event_time is not None and term.event_time >= 0]
    if not after:
        return []
    return [*named, (Term("overall", workers=_covered(parts, parts.after)), total(after, [1.0 / len(after)] * len(after)))]


def _inside(event_time: int, window: Window, parts: _Parts) -> bool:
    first, last = window.first, window.last
    if window.balance is not None:
        last = window.balance if last is None else min(last, window.balance)
        longest = window.balance - (max(parts.design.months) - min(parts.design.months))
        first = longest if first is None else max(first, longest)
    return (first is None or event_time >= first) and (last is None or event_time <= last)


def _by_calendar(parts: _Parts, window: Window) -> Named:
    named: Named = []
    for month in sorted({parts.months[place] for place in parts.after}):
        places = [place for place in parts.after if parts.months[place] == month]
        named.append((Term(f"att({parts.design.label(month)})", month=month, workers=_covered(parts, places)), parts.shared_mean(places)))
    means = [contrast for _, contrast in named]
    return [*named, (Term("overall", workers=_covered(parts, parts.after)), total(means, [1.0 / len(means)] * len(means)))] if named else []


def _covered(parts: _Parts, places: list[int]) -> float:
    return sum(parts.workers(cohort) for cohort in {parts.cohorts[place] for place in places})
