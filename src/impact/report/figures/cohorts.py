"""What figures with cohorts as rows and months as columns have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from impact.months import Period, label
from impact.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def first_covered(cohort: float, period: Period) -> Text:
    """Say when a row is first covered; missing means never."""
    if np.isnan(cohort):
        return Text("never covered", "从未受覆盖")
    when = label(period, int(cohort))
    words = {"month": Text(when, when), "year": Text(when, f"{when}年"), "index": Text(f"period {when}", f"第{when}期")}[period]
    return Text(f"covered from {words.en}", f"{words.zh}起受覆盖")


def mark_coverage(axes: Axes, cohorts: Any, months: Sequence[int]) -> None:
    """Draw a line where coverage starts in each row; rows and months are one wide."""
    for row, cohort in enumerate(np.asarray(cohorts, dtype=float)):
        if np.isnan(cohort) or not months[0] <= cohort <= months[-1]:
            continue
        start = next(place for place, month in enumerate(months) if month >= cohort)
        axes.vlines(start, row, row + 1, color="#000000", linewidth=1.6, zorder=4, clip_on=False)


def month_ticks(axes: Axes, months: Sequence[int], period: Period) -> None:
    """Name months in the middle of their columns, as many as there is room for."""
    step = max(1, -(-len(months) // 8))
    places = range(0, len(months), step)
    axes.set_xticks([place + 0.5 for place in places], [label(period, months[place]) for place in places])
    axes.set_xlim(0, len(months))
