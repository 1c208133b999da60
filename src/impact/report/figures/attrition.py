"""Figures of who leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from impact.report.figures.canvas import empty_axes, folded
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rates(table: pd.DataFrame, language: Language) -> Figure:
    """Draw one year's attrition under every definition.

    `table` has `title_en, title_zh, value`.
    """
    figure, axes = empty_axes(height=0.5 + 0.4 * len(table))
    rows = table.sort_values("value")
    axes.barh(range(len(rows)), 100 * rows["value"], color=PALETTE.covered, height=0.6)
    for place, value in enumerate(rows["value"]):
        axes.text(100 * value + 1, place, f"{100 * value:.0f}%", va="center", fontsize=8.5)
    axes.set_yticks(range(len(rows)), [folded(title, language) for title in rows[f"title_{language}"]])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set_xlim(0, 100 * max(1.0, float(rows["value"].max())) * 1.12)
    axes.set_xlabel(Text("per cent", "百分比")[language])
    return figure


def tenure_hazards(table: pd.DataFrame, language: Language) -> Figure:
    """Draw the share that leaves in a month, by months since joining.

    `table` is what `panel.attrition.tenure_hazards` gives.
    """
    figure, axes = empty_axes(height=2.7)
    axes.bar(range(len(table)), 100 * table["hazard"], color=PALETTE.covered, width=0.7)
    for place, value in enumerate(table["hazard"]):
        axes.text(place, 100 * value + 0.3, f"{100 * value:.1f}", ha="center", fontsize=8.5)
    axes.set_xticks(range(len(table)), [_band(first, last) for first, last in zip(table["first_month"], table["last_month"], strict=True)])
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(Text("months since joining", "入职后的月数")[language])
    axes.set_ylabel(Text("leave in a month, %", "当月离开，%")[language])
    return figure


def survival(table: pd.DataFrame, language: Language) -> Figure:
    """Draw survival curves by tenure.

    `table` has `curve, title_en, title_zh, tenure_days, survival, low, high`.
    """
    figure, axes = empty_axes(height=3.1)
    colours = {"delayed_entry": PALETTE.covered, "naive": PALETTE.compared}
    for curve, rows in table.groupby("curve", sort=False):
        colour = colours.get(str(curve), PALETTE.others[0])
        axes.step(rows["tenure_days"], rows["survival"], where="post", color=colour, label=rows[f"title_{language}"].iloc[0], linewidth=1.6)
        axes.fill_between(rows["tenure_days"], rows["low"], rows["high"], step="post", color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, 730)
    axes.axvline(365, color=PALETTE.neutral, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlabel(Text("days since joining", "入职后的天数")[language])
    axes.set_ylabel(Text("share still there", "仍在职的比例")[language])
    axes.legend(loc="lower left")
    return figure


def _band(first: Any, last: Any) -> str:
    if pd.isna(last):
        return f"{first}+"
    return str(first) if first == last else f"{first}–{last}"
