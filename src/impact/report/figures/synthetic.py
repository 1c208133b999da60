"""Figure of synthetic weights: who stands for the covered, and how much each counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from impact.months import Period, label
from impact.report.figures.canvas import empty_axes, folded
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 20
"""Units drawn one by one; the others share the last bar."""


def synthetic_weights(table: pd.DataFrame, period: Period, language: Language) -> Figure:
    """Draw the weights of the never covered units, largest first, with a colour for each cohort that they stand for.

    `table` has `cohort, unit, weight`, as `estimate.synthetic.unit_weights` gives it.
    """
    wide = _largest(table, language)
    cohorts = list(wide.columns)
    figure, axes = empty_axes(height=0.8 + 0.24 * max(len(wide), 3))
    colours = (PALETTE.compared, PALETTE.covered, *PALETTE.others)
    height = 0.8 / len(cohorts)
    for number, cohort in enumerate(cohorts):
        places = [place + (number - (len(cohorts) - 1) / 2) * height for place in range(len(wide))]
        words = Text(f"for those covered from {label(period, int(cohort))}", f"对照{label(period, int(cohort))}起受覆盖者")
        axes.barh(places, 100 * wide[cohort], height=height, color=colours[number % len(colours)], label=words[language])
    axes.set_yticks(range(len(wide)), [folded(str(unit), language) for unit in wide.index])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set_xlim(0, None)
    axes.set_xlabel(Text("weight, per cent", "权重，百分比")[language])
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def _largest(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Lay weights out as units × cohorts: those that count, by size, the small ones together in the last row."""
    wide = table.pivot(index="unit", columns="cohort", values="weight").fillna(0.0)
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False, kind="stable").index]
    used, rest = wide[wide.max(axis=1) > 0], wide.iloc[MOST_SHOWN:]
    if len(used) <= MOST_SHOWN + 1:
        return used
    count = len(used) - MOST_SHOWN
    return pd.concat([used.iloc[:MOST_SHOWN], rest.sum().to_frame(Text(f"{count} others together", f"其他{count}个单位合计")[language]).T])
