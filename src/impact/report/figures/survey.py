"""Figure of a survey: who answered, beside the workforce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from impact.report.figures.canvas import empty_axes
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _GAP = 0.21, 0.6
"""Inches per category, and room between margins as a share of it."""


def respondents(table: pd.DataFrame, language: Language) -> Figure:
    """Draw the share of every category among respondents, as they came and raked, beside the workforce.

    `table` has `margin_en, margin_zh, level_en, level_zh, version, share, share_workers`, margins in the order of drawing; shares from 0 to 1.
    """
    names = [f"margin_{language}", f"level_{language}", "share_workers"]
    wide = table[table["version"] == "raked"][names].reset_index(drop=True)
    wide = wide.assign(**{name: table.loc[table["version"] == name, "share"].to_numpy() for name in ("unweighted", "raked")})
    margins = wide[f"margin_{language}"]
    places = [place + _GAP * step for place, step in enumerate((margins != margins.shift()).cumsum() - 1)]
    figure, axes = empty_axes(height=0.75 + _ROW * (places[-1] + 1))
    axes.hlines(places, 100 * wide["unweighted"], 100 * wide["raked"], color=PALETTE.neutral, linewidth=0.8, zorder=1)
    axes.plot(100 * wide["share_workers"], places, "|", color="black", markersize=10, markeredgewidth=1.4, label=_WORKFORCE[language])
    axes.plot(100 * wide["unweighted"], places, "o", color=PALETTE.compared, markerfacecolor="white", label=_CAME[language])
    axes.plot(100 * wide["raked"], places, "o", color=PALETTE.covered, markersize=3.5, label=_RAKED[language])
    axes.set_yticks(places, wide[f"level_{language}"])
    axes.set_ylim(places[-1] + 0.8, -0.8)
    _name_margins(axes, margins, places)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set_xlim(0, 100)
    axes.set_xlabel(Text("per cent", "百分比")[language])
    figure.legend(loc="outside upper left", ncols=3, borderaxespad=0.1)
    return figure


def _name_margins(axes: Axes, margins: pd.Series[str], places: list[float]) -> None:
    """Write the name of each margin at the right end of its first row."""
    for place, name, before in zip(places, margins, margins.shift(), strict=True):
        if name != before:
            axes.text(99.5, place, name, ha="right", va="center", fontsize=8.5, color=PALETTE.neutral)


_WORKFORCE = Text("workforce", "全体劳动者")
_CAME = Text("respondents as they came", "未加权的答卷者")
_RAKED = Text("respondents, weighted", "加权后的答卷者")
