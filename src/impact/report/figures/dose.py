"""Figure of effects by dose: what follows where coverage bites harder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impact.report.figures.canvas import empty_axes
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def dose_response(table: pd.DataFrame, dose: Text, unit: Text, language: Language) -> Figure:
    """Draw the effect in each group of doses at its mean dose, with its interval, and the span of doses of the group.

    `table` has `dose_low, dose_high, dose_mean, estimate, conf_low, conf_high`; `dose` and `unit` name the axes.
    """
    figure, axes = empty_axes(height=3.1)
    known = table["conf_low"].notna()
    axes.axhline(0, color=PALETTE.neutral, linewidth=0.9)
    axes.hlines(table["estimate"], table["dose_low"], table["dose_high"], color=PALETTE.covered, linewidth=5, alpha=0.22)
    axes.vlines(table["dose_mean"][known], table["conf_low"][known], table["conf_high"][known], color=PALETTE.covered, linewidth=1.6)
    axes.scatter(table["dose_mean"], table["estimate"], color=PALETTE.covered, s=26, zorder=3)
    axes.set_xlabel(dose[language])
    axes.set_ylabel(unit[language])
    axes.margins(x=0.04, y=0.12)
    _legend(axes, language)
    return figure


def _legend(axes: Axes, language: Language) -> None:
    from matplotlib.lines import Line2D

    effect = Text("effect at the mean dose, with interval", "平均剂量处的效应及区间")[language]
    span = Text("doses of the group", "该组的剂量范围")[language]
    handles = [
        Line2D([], [], color=PALETTE.covered, linewidth=1.6, marker="o", label=effect),
        Line2D([], [], color=PALETTE.covered, linewidth=5, alpha=0.22, label=span),
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, handlelength=1.6)
