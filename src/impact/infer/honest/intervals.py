"""Intervals that hold although trends are not parallel, and how much of that a conclusion survives. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact import settings
from impact.errors import EstimationError
from impact.infer.honest.path import EventPath
from impact.infer.honest.relative_magnitudes import Grid, relative_interval
from impact.infer.honest.smoothness import frontier_of, smoothness_interval

Kind = Literal["relative_magnitudes", "smoothness"]
MOST_MBAR = 5.0
"""Largest Mbar at which a breakdown value is looked for."""
STEPS, HALVINGS = 20, 12
"""Steps upwards and bisections behind a breakdown value: it is exact to a step / 4096."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval for the weighted effect under one bound on how trends part."""

    bound: float
    """Mbar, in steps before coverage; or M, in units of the outcome a month, squared."""
    low: float
    high: float
    truncated: bool = False
    """Whether an end is only the end of the grid."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The largest bound under which the interval excludes zero."""

    bound: float
    """Zero where even the interval under bound zero includes zero."""
    at_least: bool = False
    """Whether zero is still excluded at the largest bound that was tried, which is then given."""


def intervals(
    path: EventPath, kind: Kind, bounds: Sequence[float], level: float = settings.LEVEL, grid: Grid | None = None
) -> tuple[Interval, ...]:
    """Give the interval for `path.value` under each bound: Mbar for relative magnitudes, M for smoothness.

    A grid is used for relative magnitudes alone: the R package's (`default_grid`) gives its numbers, none gives exact ends.
    Raises EstimationError where a bound is negative or the level is none.
    """
    wrong = [bound for bound in bounds if not bound >= 0]
    if wrong or not 0.5 < level < 1:
        raise EstimationError(
            f"sensitivity analysis: a bound or the level is impossible.\nFound bounds {', '.join(f'{bound:g}' for bound in bounds)} and level {level:g}.\n"
            "Give bounds of zero or more, and a level between 0.5 and 1."
        )
    interval = _interval(path, kind, level, grid)
    return tuple(interval(bound) for bound in bounds)


def breakdown(path: EventPath, kind: Kind, level: float = settings.LEVEL) -> Breakdown:
    """Find the first bound at which the interval includes zero, searching upwards in steps and then by bisection; Mbar up to `MOST_MBAR`."""
    interval, most = _interval(path, kind, level, None), _most(path, kind)

    def excludes_zero(bound: float) -> bool:
        found = interval(bound)
        return found.low > 0 or found.high < 0

    if not excludes_zero(0.0):
        return Breakdown(0.0)
    for count in range(1, STEPS + 1):
        if not excludes_zero(most * count / STEPS):
            return Breakdown(_bisect(excludes_zero, most * (count - 1) / STEPS, most * count / STEPS))
    return Breakdown(most, at_least=True)


def _most(path: EventPath, kind: Kind) -> float:
    """Give the largest bound that is tried: the M at which the least bias alone reaches further than any corrected estimate, or the largest Mbar."""
    if kind == "relative_magnitudes":
        return MOST_MBAR
    frontier = frontier_of(path)
    return float(np.abs(frontier.weights @ path.beta[: path.pre] + path.value).max() / frontier.bias.min())


def _interval(path: EventPath, kind: Kind, level: float, grid: Grid | None) -> Callable[[float], Interval]:
    if kind == "relative_magnitudes":
        return lambda bound: Interval(bound, *relative_interval(path, bound, level, grid))
    frontier = frontier_of(path)
    return lambda bound: Interval(bound, *smoothness_interval(path, frontier, bound, level))


def _bisect(excludes_zero: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excludes_zero(middle) else (low, middle)
    return low
