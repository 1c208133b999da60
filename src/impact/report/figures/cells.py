"""Figure of the cells behind an estimate: which units and months it uses, with what sign, and how much each counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.months import Period
from impact.report.figures.canvas import empty_axes, folded
from impact.report.figures.cohorts import first_covered, mark_coverage, month_ticks
from impact.report.format import signed
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

    from impact.results import Estimate

MOST_UNITS = 40
"""Units drawn one by one; where there are more, those of one cohort share a row."""
_MOST_NAMES = 25
_MOST_NUMBERS = (9, 14)
"""Rows and months up to which the numbers are written into the cells."""
_UNSEEN = "#D9DDE1"


def cell_weights(estimate: Estimate, term: str) -> pd.DataFrame:
    """Give what each cell's mean outcome counts in one term of an estimate; columns `unit, cohort, month, weight`, missing where nobody is seen.

    `cohort` is missing for units never covered.
    """
    design = estimate.design
    contrast = estimate.contrasts[[one.name for one in estimate.terms].index(term)]
    weight = np.where(design.seen, contrast.a * design.weight, np.nan)
    rows = pd.DataFrame(weight, index=pd.Index(design.units, name="unit"), columns=pd.Index(design.months, name="month"))
    rows.index = pd.Index([_plain_name(name) for name in design.units], name="unit")
    rows.insert(0, "cohort", design.cohort)
    return rows.reset_index().melt(["unit", "cohort"], var_name="month", value_name="weight")


def _plain_name(unit: str) -> str:
    """Leave out of a unit's name what tells it apart within its cluster: its first covered month in front, and the months in which its workers are seen behind."""
    name = unit.split(" | ")[0]
    cohort, slash, rest = name.partition(" / ")
    return rest if slash and (cohort == "never" or cohort.lstrip("-").isdigit()) else name


def cells(table: pd.DataFrame, period: Period, language: Language) -> Figure:
    """Draw what each cell counts, in per cent of the effect: blue adds, orange takes away, white does not count.

    `table` is that of `cell_weights`. Units are sorted by cohort, earliest first; where they are more than `MOST_UNITS`, those of one cohort are added up.
    """
    rows = _by_row(table)
    numbers = 100 * rows.drop(columns="cohort").to_numpy(dtype=float)
    months = [int(month) for month in rows.columns[1:]]
    most = float(np.nanmax(np.abs(numbers))) or 1.0
    figure, axes = empty_axes(height=1.25 + min(0.24 * max(len(rows), 3), 5.6))
    axes.set_facecolor(_UNSEEN)
    image = axes.pcolormesh(
        np.ma.masked_invalid(numbers), cmap=_blue_and_orange(), norm=_by_root(most), edgecolors="#FFFFFF", linewidth=_line(rows)
    )
    mark_coverage(axes, rows["cohort"], months)
    if len(rows) <= _MOST_NUMBERS[0] and len(months) <= _MOST_NUMBERS[1]:
        _write_numbers(axes, numbers, most)
    axes.invert_yaxis()
    axes.grid(visible=False)
    month_ticks(axes, months, period)
    _name_rows(axes, rows, period, language)
    bar = figure.colorbar(image, ax=axes, pad=0.015, fraction=0.045, ticks=[share * most for share in (-1, -0.25, 0, 0.25, 1)])
    bar.ax.set_yticklabels([signed(share * most, 0 if most >= 10 else 1) for share in (-1, -0.25, 0, 0.25, 1)])
    bar.ax.minorticks_off()
    bar.set_label(Text("weight, per cent", "权重，百分比")[language])
    bar.outline.set_visible(False)
    axes.legend(handles=_handles(bool(np.isnan(numbers).any()), language), loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def _by_row(table: pd.DataFrame) -> pd.DataFrame:
    """Lay the table out as rows × months, with the cohort of each row; rows are units, or cohorts where units are many."""
    many = table["unit"].nunique() > MOST_UNITS
    ordered = table.assign(order=table["cohort"].fillna(np.inf))
    keys = ["order", "month"] if many else ["order", "unit", "month"]
    wide = ordered.groupby(keys)["weight"].sum(min_count=1).unstack("month").sort_index()
    cohort = wide.index.get_level_values("order").to_numpy(dtype=float)
    wide.index = pd.Index([None] * len(wide) if many else wide.index.get_level_values("unit"), dtype=object)
    wide.insert(0, "cohort", np.where(np.isinf(cohort), np.nan, cohort))
    return wide


def _name_rows(axes: Axes, rows: pd.DataFrame, period: Period, language: Language) -> None:
    """Name units where they are few enough to be read, and cohorts elsewhere."""
    cohorts = rows["cohort"].to_numpy(dtype=float)
    if len(rows) <= _MOST_NAMES and rows.index.notna().all():
        axes.set_yticks(np.arange(len(rows)) + 0.5, [folded(str(name), language) for name in rows.index])
    else:
        starts = [place for place in range(len(rows)) if place == 0 or not _same(cohorts[place], cohorts[place - 1])]
        middles = [(start + end) / 2 for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]
        named = range(0, len(starts), -(-len(starts) // _MOST_NAMES))
        axes.set_yticks([middles[one] for one in named], [first_covered(cohorts[starts[one]], period)[language] for one in named])
        for start in starts[1:]:
            axes.axhline(start, color=PALETTE.neutral, linewidth=0.6)
    axes.tick_params(axis="y", length=0)


def _same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))


def _write_numbers(axes: Axes, numbers: Any, most: float) -> None:
    for (row, column), value in np.ndenumerate(numbers):
        if np.isfinite(value) and round(value, 1) != 0:
            colour = "#FFFFFF" if abs(value) > 0.4 * most else "#2B333B"
            axes.text(
                column + 0.5,
                row + 0.5,
                signed(value, 0 if most >= 10 else 1),
                ha="center",
                va="center",
                fontsize=7,
                color=colour,
            )


def _line(rows: pd.DataFrame) -> float:
    return 0.6 if len(rows) <= MOST_UNITS // 2 else 0.2


def _blue_and_orange() -> Colormap:
    """Give a scale from orange over white to blue, which readers with any colour vision tell apart; dark enough at its ends for print without colour."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue and orange", ["#A65400", PALETTE.compared, "#FFFFFF", "#5AA9DD", "#005A8F"])


def _by_root(most: float) -> Normalize:
    """Let colours grow with the root of the size, so that what counts little still differs from what does not count."""
    from matplotlib.colors import FuncNorm

    return FuncNorm((lambda size: np.sign(size) * np.sqrt(np.abs(size)), lambda root: np.sign(root) * root**2), vmin=-most, vmax=most)


def _handles(unseen: bool, language: Language) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Line2D([], [], color="#000000", linewidth=1.6, label=Text("coverage starts", "覆盖开始")[language])]
    if unseen:
        handles.append(Patch(color=_UNSEEN, label=Text("nobody is seen", "无人可见")[language]))
    return handles
