"""Local projections of the outcome on coming under coverage.

Estimand: the mean effect h months after coverage on those who come under it; with `weights` regression, cohorts count by how much coverage varies in the
          sample of their month, with equal every covered worker counts alike.
Assumes:  parallel trends with units that are not covered yet h months later, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Dube, Girardi, Jordà and Taylor (2025), doi:10.1002/jae.70000, first NBER working paper 31184 (2023). Long differences are those of workers where the design
          follows them, so that only who is seen in both months counts; elsewhere those of the means of units, among which workers may come and go. Errors
          are sums of scores over clusters without a small-sample factor, which Stata `lpdid` and R `fixest` have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import Comparison, base_month, cohorts_seen, studied
from impact.estimate.parts.long_differences import Question, long_differences
from impact.infer.cluster import cluster_errors
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info("local_projections", "Local projections", "局部投影双重差分", "Dube, Girardi, Jordà and Taylor (2025)", follows=True)


@dataclass(frozen=True, slots=True)
class Options:
    """Who is followed and compared, how far, and what cohorts count."""

    effects: Literal["worker", "unit"] = "worker"
    """Take long differences of workers, where rows name them, or of the means of units."""
    weights: Literal["regression", "equal"] = "regression"
    """What cohorts count: as much as coverage varies in their sample, as least squares has it, or as many covered workers as they have."""
    comparison: Comparison = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered yet at the horizon."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; the base is the month before them."""
    before: int | None = None
    """Months before coverage that are shown; none means all."""
    after: int | None = None
    """Months after the first covered one that are shown; none means all."""
    pooled: int | None = None
    """Also give the mean effect over the months from the first covered one to this many after it, on those seen in all of them."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Regress long differences of the outcome on coming under coverage, horizon by horizon.

    Raises DesignError where no cohort can be compared or a horizon makes no sense, EstimationError where nobody is seen in both months or fewer than two
    clusters are left.
    """
    _require_horizons(options)
    usable = studied(design, options.anticipation)
    horizons = _horizons(usable, options)
    questions = [*((horizon,) for horizon in horizons), *_pooled(options)]
    found = long_differences(usable, questions, options.comparison, options.anticipation, options.weights == "equal")
    if not len(found.known):
        raise EstimationError(
            f"outcome `{design.outcome}`: no long difference can be compared.\nFound {len(found.cohorts)} cohort{'s' if len(found.cohorts) != 1 else ''} with a month before coverage, and at no horizon "
            "both covered and compared that are seen in the two months.\nCheck the months, the comparison group, and how long workers stay."
        )
    contrasts = tuple(found.contrast(int(place)) for place in found.known)
    terms = tuple(_term(questions[place], place >= len(horizons), float(found.workers[place])) for place in found.known)
    notes = (*usable.notes, *_notes(usable, len(questions) - len(found.known)))
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), notes)


def _require_horizons(options: Options) -> None:
    if min(options.before or 0, options.after or 0, options.pooled or 0) < 0:
        raise DesignError(
            f"horizons: they are counted from coverage, before it and after it.\nFound before {options.before}, after {options.after}, pooled {options.pooled}.\n"
            "Give whole numbers of 0 or more."
        )


def _horizons(design: Design, options: Options) -> list[int]:
    """List the event times that some cohort is seen at, but for its base."""
    found = {
        month - cohort
        for cohort in cohorts_seen(design)
        for month in design.months
        if month != base_month(design, cohort, cohort, "universal", options.anticipation)
    }
    first, last = -np.inf if options.before is None else -options.before, np.inf if options.after is None else options.after
    return sorted(horizon for horizon in found if first <= horizon <= last)


def _pooled(options: Options) -> Iterator[Question]:
    if options.pooled is not None:
        yield tuple(range(options.pooled + 1))


def _term(question: Question, pooled: bool, workers: float) -> Term:
    if pooled:
        return Term(f"att(mean of +0 to {question[-1]:+d})", workers=workers)
    return Term(f"att({question[0]:+d})", event_time=question[0], workers=workers)


def _notes(design: Design, unknown: int) -> Iterator[Text]:
    if not design.followed:
        yield Text(
            "long differences are those of the means of units: workers who come and go change them; name workers to follow them",
            "长差分按单位均值计算：人员进出会改变均值；如需追踪个人，请指明劳动者列",
        )
    if unknown:
        yield Text(
            f"{unknown} horizon{'s' if unknown > 1 else ''} left out: covered and compared are not both seen in the months needed",
            f"{unknown}个时间跨度未估计：所需月份中受覆盖者与比较对象未能同时可见",
        )
