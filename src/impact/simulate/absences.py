"""Exits as data show them: how long it takes until work is seen again. May touch: nothing.

A worker whose last working day is τ has left under the window w where no work is seen in (τ, τ + w]; where τ + w lies beyond the last day of the data this is
not known (the definition E_w of the field).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.life import month_lengths
from impact.simulate.working_days import WorkerMonths

FAR = 10**6
"""Days until work is seen again, where it never is."""


@dataclass(frozen=True, slots=True)
class Absences:
    """Days after each worker-month with work; arrays of shape (worker-months,). Days count from the world's first."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    gap: NDArray[np.int64]
    """Days from the last working day of the month to the next working day after the month; FAR where there is none."""
    end: int
    """The last day of the data."""

    def exit(self, window: int) -> NDArray[np.float64]:
        """Say whether each month is the last before an absence longer than `window` days; missing where the window reaches beyond the data, also for those who came back: they alone would be a selection."""
        left = (self.gap > window).astype(float)
        return np.where(self.last + window > self.end, np.nan, left)


def absences(months: WorkerMonths, first_month: int, number: int) -> Absences:
    """Find the absences that follow each worker-month with work."""
    starts = np.r_[0, np.cumsum(month_lengths(first_month, number))]
    first = starts[months.month] + months.first_day - 1
    last = starts[months.month] + months.last_day - 1
    follows = np.r_[months.account[1:] == months.account[:-1], False]
    following = np.r_[first[1:], 0]
    return Absences(first, last, np.where(follows, following - last, FAR), int(starts[-1]) - 1)
