"""Sensitivity: how far may trends part after coverage before the conclusion does?

The effects by event time are taken with one base month for all, so that those before coverage are a path. Relative magnitudes bound what happens from one
period to the next by Mbar times the largest such step before coverage; smoothness bounds how much the slope of the difference in trends changes by M.
The intervals hold under the bound (Rambachan and Roth 2023, doi:10.1093/restud/rdad018); the breakdown value is the largest bound under which they exclude
zero. What is asked is the plain mean of the effects after coverage, as in the row `overall` of the path, and the first of them. Errors are taken as normal and as known, so
that few clusters make the intervals too short here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact import settings
from impact.errors import EstimationError
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import aggregate
from impact.infer.honest.intervals import Breakdown, Kind, breakdown, intervals
from impact.infer.honest.path import EventPath, event_path
from impact.moments.moments import Floats
from impact.results import CheckResult, Estimate, Info
from impact.text import Text

INFO = Info("honest", "Sensitivity to trends that part", "对平行趋势偏离的敏感性", "Rambachan and Roth (2023)")
LIMIT = 1.0
"""Breakdown value of relative magnitudes below which the finding is fragile (verdict rule 6)."""
MBARS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Bounds of the table: Mbar; and M, as multiples of the largest bend before coverage."""
MOST_BEFORE = 12
"""Periods before the base month that are used: the last ones; a worst step long ago says little about today."""


@dataclass(frozen=True, slots=True)
class Span:
    """Places of the terms that form an unbroken path around the base month, in order of time."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    covered: tuple[bool, ...]
    """Which of those after the base month are after coverage, and not in the anticipation before it."""
    left_out: int
    """Terms with an error that are too early, or beyond a gap."""


def run(estimate: Estimate, level: float = settings.LEVEL) -> CheckResult:
    """Give intervals under bounds on how trends part, and the bounds at which zero enters them.

    `estimate` holds group-time effects, or their averages by event time. `passed` is whether the breakdown value of relative magnitudes reaches one, and None
    where there is no path before coverage, where its covariance is not of full rank, or where zero lies inside the interval even if trends are parallel. The table
    has `target` (mean, first), `kind`, `bound`, `conf_low`, `conf_high`. `numbers` holds `breakdown` (Mbar, for the mean), `breakdown_is_at_least` (1 where the search ended
    before), `breakdown_first`, `breakdown_smoothness` (M), `largest_bend` before coverage, `periods_before`, `periods_after`, `left_out`.
    """
    path = _one_base(estimate)
    if path is None:
        return _untested(_NO_PATH)
    span = _span(path)
    if not span.before or not any(span.covered):
        return _untested(_NO_PATH)
    try:
        mean, first = (_asked(path, span, weights) for weights in _weights(span))
    except EstimationError:
        return _untested(_NO_RANK)
    return _result(mean, first, span, level)


def _one_base(estimate: Estimate) -> Estimate | None:
    """Average by event time, with the last month before coverage as the base of all effects; None where the terms are not of that kind."""
    if getattr(estimate.options, "base", "universal") == "varying":
        estimate = ESTIMATORS[estimate.info.name].fit(estimate.design, replace(estimate.options, base="universal"))
    if estimate.aggregate == "event_time":
        return estimate
    if estimate.aggregate != "none" or any(term.cohort is None or term.month is None for term in estimate.terms):
        return None
    return aggregate(estimate, "event_time") if any((term.event_time or 0) >= 0 for term in estimate.terms) else None


def _span(path: Estimate) -> Span:
    """Walk from the base month in both directions for as long as every period has an effect with an error."""
    base = -1 - getattr(path.options, "anticipation", 0)
    error = path.errors.std_error
    places = {term.event_time: place for place, term in enumerate(path.terms) if term.event_time is not None and np.isfinite(error[place])}
    if base in places:
        return Span((), (), (), len(places))
    before, after = _walk(places, base, -1)[:MOST_BEFORE], _walk(places, base, 1)
    covered = tuple((path.terms[place].event_time or 0) >= 0 for place in after)
    return Span(tuple(reversed(before)), tuple(after), covered, len(places) - len(before) - len(after))


def _walk(places: dict[int, int], base: int, step: int) -> list[int]:
    found: list[int] = []
    while (place := places.get(base + step * (len(found) + 1))) is not None:
        found.append(place)
    return found


def _weights(span: Span) -> tuple[Floats, Floats]:
    """Weigh the effects after coverage alike, and the first of them alone."""
    covered = np.array(span.covered, dtype=float)
    first = np.zeros(len(covered))
    first[int(covered.argmax())] = 1.0
    return covered / covered.sum(), first


def _asked(path: Estimate, span: Span, weights: Floats) -> EventPath:
    places = [*span.before, *span.after]
    return event_path(path.values[places], path.errors.covariance[np.ix_(places, places)], len(span.before), weights)


def _result(mean: EventPath, first: EventPath, span: Span, level: float) -> CheckResult:
    relative = breakdown(mean, "relative_magnitudes", level)
    bent, bend = breakdown(mean, "smoothness", level), _largest_bend(mean)
    numbers = {
        "breakdown": relative.bound,
        "breakdown_is_at_least": float(relative.at_least),
        "breakdown_first": breakdown(first, "relative_magnitudes", level).bound,
        "breakdown_smoothness": bent.bound,
        **({} if bend is None else {"largest_bend": bend}),
        "periods_before": float(len(span.before)),
        "periods_after": float(sum(span.covered)),
        "left_out": float(span.left_out),
    }
    found = intervals(mean, "relative_magnitudes", [0.0, LIMIT], level)
    vacuous = found[0].low <= 0 <= found[0].high
    words = (
        _vacuous_words(found[0].low, found[0].high, level)
        if vacuous
        else _words(mean, relative, bent, bend, (found[1].low, found[1].high), level)
    )
    words = _together(_span_words(span), words)
    passed = None if vacuous else relative.bound >= LIMIT
    return CheckResult("honest", passed, words.en, words.zh, _table(mean, first, bend, level), numbers)


def _largest_bend(path: EventPath) -> float | None:
    """Give the largest change of slope among the estimates before coverage, the base month with its zero among them; None where there are fewer than three points."""
    bends = np.abs(np.diff(np.r_[path.beta[: path.pre], 0.0], n=2))
    return float(bends.max()) if bends.size else None


def _table(mean: EventPath, first: EventPath, bend: float | None, level: float) -> pd.DataFrame:
    bounds: dict[Kind, Sequence[float]] = {
        "relative_magnitudes": MBARS,
        "smoothness": [0.0] if bend is None else [bend * times for times in MBARS],
    }
    rows = [
        {"target": target, "kind": kind, "bound": found.bound, "conf_low": found.low, "conf_high": found.high}
        for target, path in (("mean", mean), ("first", first))
        for kind, tried in bounds.items()
        for found in intervals(path, kind, tried, level)
    ]
    return pd.DataFrame(rows)


_NO_PATH = Text(
    "Sensitivity to trends that part cannot be examined: there is no period before the base month with an effect and an error.",
    "无法检验对平行趋势偏离的敏感性：基期之前没有带标准误的效应。",
)
_NO_RANK = Text(
    "Sensitivity to trends that part cannot be examined: there are too few clusters for so many periods (the covariance of the effects is not of full rank).",
    "无法检验对平行趋势偏离的敏感性：相对于期数，聚类过少（效应的协方差矩阵不满秩）。",
)


def _untested(why: Text) -> CheckResult:
    return CheckResult("honest", None, why.en, why.zh)


def _together(*parts: Text) -> Text:
    return Text(" ".join(part.en for part in parts if part.en), "".join(part.zh for part in parts))


def _span_words(span: Span) -> Text:
    before, after = len(span.before), sum(span.covered)
    left_out = span.left_out > 0
    return Text(
        f"Examined with {_periods(before)} before the base period and {_periods(after)} after coverage"
        + (f"; {_periods(span.left_out)} further away or beyond a gap left out." if left_out else "."),
        f"检验使用基期之前{before}期与覆盖之后{after}期" + (f"；更远或间断之外的{span.left_out}期未使用。" if left_out else "。"),
    )


def _periods(count: int) -> str:
    return f"{count} period{'s' if count != 1 else ''}"


def _vacuous_words(low: float, high: float, level: float) -> Text:
    return Text(
        f"Even if trends were exactly parallel, the {level:.0%} interval for the mean effect ({_number(low)} to {_number(high)}) includes zero: there is no finding to overturn.",
        f"即使趋势完全平行，平均效应的{level:.0%}区间（{_number(low)}至{_number(high)}）也包含零：没有可被推翻的结论。",
    )


def _words(path: EventPath, relative: Breakdown, bent: Breakdown, bend: float | None, at_one: tuple[float, float], level: float) -> Text:
    en, zh = ("above", "高于") if path.value > 0 else ("below", "低于")
    reach, low, high = f"{relative.bound:.2f}", _number(at_one[0]), _number(at_one[1])
    how_far, limit = ("even where", "，此为所试的最大倍数") if relative.at_least else ("as long as", "")
    most = "" if relative.at_least else "at most "
    return _together(
        Text(
            f"The mean effect stays {en} zero {how_far} trends part, from one period to the next, {most}{reach} times as far as they ever did in these periods before coverage "
            f"({'the largest factor tried' if relative.at_least else 'the breakdown value'}; at 1 the {level:.0%} interval is {low} to {high}).",
            f"只要各期之间趋势偏离的幅度不超过覆盖之前各期中最大一次的{reach}倍（临界倍数{limit}；取1倍时{level:.0%}区间为{low}至{high}），平均效应就仍{zh}零。",
        ),
        _smoothness_words(bent, bend),
    )


def _smoothness_words(bent: Breakdown, bend: float | None) -> Text:
    if bent.bound == 0:
        return Text(
            "Where a straight line is allowed to continue from before coverage, the interval includes zero.",
            "若允许覆盖之前的直线趋势延续，区间即包含零。",
        )
    times = f"{bent.bound / bend:.2f}" if bend else None
    return Text(
        f"Where a line may continue and its slope may change from period to period, zero enters at a change of {_number(bent.bound)}"
        + (f", {times} times the largest estimated before coverage." if times else "."),
        f"若允许直线趋势延续，且其斜率逐期变化，则变化达到{_number(bent.bound)}时区间包含零"
        + (f"，为覆盖之前最大估计变化的{times}倍。" if times else "。"),
    )


def _number(value: float) -> str:
    """Write a number with three significant digits, without an exponent."""
    digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:,.{digits}f}"
