"""Two-way fixed effects with leads and lags: the event study to distrust.

Estimand: one coefficient for each number of months since coverage, beside unit and month effects; where effects differ between cohorts, each coefficient is
          an average in which effects at other times come in, some with negative weights, so that leads need not be zero under parallel trends.
Assumes:  parallel trends, and effects that depend on the time since coverage alone, alike in every cohort; no anticipation beyond `anticipation` months.
Source:   Sun and Abraham (2021), doi:10.1016/j.jeconom.2020.09.006, section 3, on what it estimates; errors by the conventions of R `fixest` 0.14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import studied
from impact.estimate.parts.extended import kinds
from impact.estimate.parts.fixest_errors import clustered, note_on_singletons, without_singletons
from impact.estimate.parts.two_way import regress
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info(
    "event_study",
    "Two-way event study (benchmark)",
    "双向固定效应事件研究（对照基准）",
    "Sun and Abraham (2021)",
    follows=True,
    of_means=False,
)


@dataclass(frozen=True, slots=True)
class Options:
    """Which event times have a coefficient, and whose level is taken out."""

    effects: Literal["worker", "unit"] = "worker"
    """Whose own level is taken out: each worker's, where rows name them, or only that of the units at which coverage is decided."""
    first: int | None = None
    """Earliest event time with a coefficient, which it shares with all before it; none gives each its own."""
    last: int | None = None
    """Latest event time with a coefficient, which it shares with all after it; none gives each its own."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; the reference is the month before them."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Regress the outcome on indicators of event time, with unit and month effects; the never covered have none, nor has the reference month.

    Raises DesignError where nobody comes under coverage or the window leaves nothing, EstimationError where event times cannot be told from each other.
    """
    reference = -1 - options.anticipation
    _require_window(options, reference)
    able = studied(design, options.anticipation)
    kept = able.keep(*without_singletons(able))
    since = np.asarray(kept.months)[None, :] - np.asarray(kept.cohorts, dtype=float)[:, None]
    times = np.clip(since, options.first, options.last) if (options.first, options.last) != (None, None) else since
    asked = [int(time) for time in np.unique(times) if time != reference]
    regression = regress(kept, kinds(kept), _indicators(times, asked))
    told = [int(place) for place in np.flatnonzero(regression.own)]
    left_out = len(asked) - len(told)
    _require_told(kept, [asked[regression.kept[place]] for place in told], options)
    terms = tuple(_term(kept, times, asked[regression.kept[place]], options) for place in told)
    contrasts = tuple(regression.coefficient(place) for place in told)
    errors, correction = clustered(kept, contrasts, len(regression.kept))
    notes = (*kept.notes, *note_on_singletons(able, kept), *_note_on_left_out(left_out))
    return Estimate(INFO, kept, options, terms, contrasts, errors, notes, correction=correction)


def _require_window(options: Options, reference: int) -> None:
    first = reference if options.first is None else options.first
    last = 0 if options.last is None else options.last
    if first > reference or last < 0:
        raise DesignError(
            f"window of event times: it must hold the reference, {reference}, and the first month of coverage, 0.\n"
            f"Found first {options.first}, last {options.last}, anticipation {options.anticipation}.\nWiden the window."
        )


def _indicators(times: Floats, asked: list[int]) -> Floats:
    """Make a regressor of each event time, by cohort and month; zero for the never covered, who come last; shape (K, cohorts + 1, months)."""
    never = np.full((1, times.shape[1]), np.nan)
    return np.stack([np.vstack([times, never]) == time for time in asked]).astype(float)


def _term(design: Design, times: Floats, time: int, options: Options) -> Term:
    ends = {options.first: " and before", options.last: " and after"}
    rows = sum(float(design.rows[design.cohort == cohort][:, own == time].sum()) for cohort, own in zip(design.cohorts, times, strict=True))
    return Term(f"effect({time:+d}{ends.get(time, '')})", event_time=time, workers=rows)


def _require_told(design: Design, told: list[int], options: Options) -> None:
    """Refuse what months, units and event times explain as well as each other."""
    if any(time >= 0 for time in told):
        return
    never = int(np.isnan(design.cohort).sum())
    window = f"first {options.first}, last {options.last}".replace("None", "none")
    raise EstimationError(
        f"outcome `{design.outcome}`: event times cannot be told from unit and month effects.\n"
        f"Found {never:,} units never covered of {len(design.units):,}, {len(design.cohorts)} cohort{'s' if len(design.cohorts) > 1 else ''}, {window}.\n"
        + (
            "Add units that are covered later, or never."
            if never == 0 and len(design.cohorts) == 1
            else "Let event times at the ends share a coefficient, with --option first=-3 for instance, or use the estimator att_gt."
        )
    )


def _note_on_left_out(count: int) -> tuple[Text, ...]:
    if count == 0:
        return ()
    return (
        Text(
            f"{count} event time{'s' if count > 1 else ''} left out: {'they' if count > 1 else 'it'} cannot be told from unit and month effects",
            f"{count}个事件时点未估计：无法与单位效应和月份效应区分",
        ),
    )
