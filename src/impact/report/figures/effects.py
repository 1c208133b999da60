"""Figures of coverage and its effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.months import STEPS, Period, label
from impact.report.figures.canvas import empty_axes, folded
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def adoption(table: pd.DataFrame, period: Period, language: Language) -> Figure:
    """Draw how many workers are not covered, covered and set aside over time.

    `table` has `month, state, workers` with the states `not_covered`, `covered`, `set_aside`.
    """
    figure, axes = empty_axes(height=2.9)
    wide = table.pivot(index="month", columns="state", values="workers").fillna(0).sort_index()
    states = [
        ("not_covered", Text("not covered (yet)", "尚未或从未覆盖"), PALETTE.compared),
        ("covered", Text("covered", "受覆盖"), PALETTE.covered),
        ("set_aside", Text("set aside: after the first spell", "搁置：首段覆盖期之后"), "#C9CED4"),
    ]
    bottom = np.zeros(len(wide))
    for state, words, colour in states:
        if state in wide and wide[state].any():
            axes.bar(range(len(wide)), wide[state], bottom=bottom, color=colour, width=0.8, label=words[language])
            bottom = bottom + wide[state].to_numpy()
    _time_axis(axes, list(wide.index), period)
    axes.set_ylim(0, 1.08 * float(bottom.max()))
    axes.set_ylabel(Text("workers", "人数")[language])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3, columnspacing=1.4, handlelength=1.2)
    return figure


def paths(table: pd.DataFrame, period: Period, outcome: Text, language: Language) -> Figure:
    """Draw the mean outcome of those who come under coverage and of those who never do, before any model.

    `table` has `month, group, mean` with the groups `ever` and `never`.
    """
    figure, axes = empty_axes(height=2.9)
    lines = (
        ("ever", Text("come under coverage at some time", "某时起受覆盖者"), PALETTE.covered, "o"),
        ("never", Text("never covered", "从未受覆盖者"), PALETTE.compared, "s"),
    )
    months = sorted(table["month"].unique())
    for group, words, colour, marker in lines:
        rows = table[table["group"] == group].sort_values("month")
        axes.plot([months.index(month) for month in rows["month"]], rows["mean"], color=colour, marker=marker, label=words[language])
    _time_axis(axes, months, period)
    axes.set_ylabel(outcome[language])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    return figure


def event_study(table: pd.DataFrame, period: Period, unit: Text, language: Language) -> Figure:
    """Draw effects by time since first covered, with pointwise intervals and the uniform band.

    `table` is a tidy table by event time with `band_low` and `band_high`, missing where there is no band; its `overall` row is not drawn. Intervals without an
    end run to the edge.
    """
    figure, axes = empty_axes()
    rows = _within_view(table[table["event_time"].notna()].sort_values("event_time"))
    time = rows["event_time"].to_numpy(dtype=float)
    axes.axhline(0, color=PALETTE.neutral, linewidth=0.9)
    axes.axvline(-0.5, color=PALETTE.neutral, linewidth=0.9, linestyle=(0, (4, 3)))
    for side, colour in ((time < 0, PALETTE.neutral), (time >= 0, PALETTE.covered)):
        _points(axes, rows[side], time[side], colour)
    axes.set_xlabel(_since(period)[language])
    axes.set_ylabel(unit[language])
    axes.set_xticks(_whole_ticks(time))
    axes.margins(y=0.18)
    place: dict[str, Any] = {"loc": "upper left"}
    if _is_endless(table):
        axes.set_ylim(*_view(table))
        place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    axes.legend(handles=_band_handles(rows, _is_endless(table), language), ncols=2, handlelength=1.4, **place)
    return figure


def forest(table: pd.DataFrame, unit: Text, language: Language) -> Figure:
    """Draw estimates one below the other with their intervals.

    `table` has `title_en, title_zh, estimate, conf_low, conf_high, main` (whether the row is the study's own estimate). Intervals without an end run to the edge.
    """
    figure, axes = empty_axes(height=0.6 + 0.33 * len(table))
    if _is_endless(table):
        axes.set_xlim(*_view(table))
    table = _within_view(table)
    place = np.arange(len(table))[::-1]
    colours = [PALETTE.covered if main else PALETTE.neutral for main in table["main"]]
    axes.axvline(0, color=PALETTE.neutral, linewidth=0.9)
    axes.hlines(place, table["conf_low"], table["conf_high"], color=colours, linewidth=1.8)
    axes.scatter(table["estimate"], place, color=colours, s=26, zorder=3)
    axes.set_yticks(place, [folded(title, language) for title in table[f"title_{language}"]])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(unit[language])
    return figure


def _points(axes: Axes, rows: pd.DataFrame, time: Any, colour: str) -> None:
    known = rows["std_error"].notna().to_numpy()
    axes.vlines(time[known], rows["band_low"][known], rows["band_high"][known], color=colour, linewidth=5, alpha=0.22)
    axes.vlines(time[known], rows["conf_low"][known], rows["conf_high"][known], color=colour, linewidth=1.6)
    axes.scatter(time, rows["estimate"], color=colour, s=24, zorder=3)


def _is_endless(table: pd.DataFrame) -> bool:
    return bool(np.isinf(table[["conf_low", "conf_high"]].to_numpy(dtype=float)).any())


def _view(table: pd.DataFrame) -> tuple[float, float]:
    """Give the range that shows zero, all estimates and all ends that there are, with room around."""
    ends = table[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float)
    known = np.r_[0.0, ends[np.isfinite(ends)]]
    room = 0.5 * float(np.ptp(known) or 1.0)
    return float(known.min()) - room, float(known.max()) + room


def _within_view(table: pd.DataFrame) -> pd.DataFrame:
    """Let intervals without an end run to the edge of what is seen."""
    return table.assign(**{end: table[end].clip(*_view(table)) for end in ("conf_low", "conf_high")}) if _is_endless(table) else table


def _band_handles(rows: pd.DataFrame, endless: bool, language: Language) -> list[Any]:
    from matplotlib.lines import Line2D

    edge = Text(" (without an end where it runs to the edge)", "（延伸至边缘者无界）") if endless else Text("", "")
    pointwise = f"{Text('interval, each alone', '逐点区间')[language]}{edge[language]}"
    uniform = Text("band, all together", "联合带")[language]
    handles = [Line2D([], [], color=PALETTE.covered, linewidth=1.6, marker="o", label=pointwise)]
    if rows["band_low"].notna().any():
        handles.append(Line2D([], [], color=PALETTE.covered, linewidth=5, alpha=0.22, label=uniform))
    return handles


def _since(period: Period) -> Text:
    step = STEPS[period]
    return Text(f"{step.en} since first covered", f"首次覆盖后的时间（{step.zh}）")


def _whole_ticks(time: Any) -> list[int]:
    first, last = int(time.min()), int(time.max())
    step = max(1, -(-(last - first) // 14))
    return [tick for tick in range(first, last + 1) if tick % step == 0]


def _time_axis(axes: Axes, months: list[Any], period: Period) -> None:
    step = max(1, -(-len(months) // 10))
    places = range(0, len(months), step)
    axes.set_xticks(list(places), [label(period, int(months[place])) for place in places])
    axes.grid(axis="x", visible=False)
