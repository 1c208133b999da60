"""Figure of who is covered when: a row for each cohort, a step where its coverage starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.months import Period
from impact.report.figures.canvas import empty_axes
from impact.report.figures.cohorts import first_covered, mark_coverage, month_ticks
from impact.report.format import count
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from impact.design.design import Design

MOST_COHORTS = 24
"""Cohorts named one by one; where there are more, every second or third is."""
_FAINTEST = 0.25
"""How strong the colour is in a month in which next to nobody of the cohort is seen."""


def cohort_sizes(design: Design) -> pd.DataFrame:
    """Count the workers of each cohort who are seen in each month, and its units; columns `cohort, month, covered, workers, units`.

    `cohort` is missing for units never covered.
    """
    keys = [*map(float, design.cohorts), np.nan]
    masks = [np.isnan(design.cohort) if np.isnan(key) else design.cohort == key for key in keys]
    parts = [
        pd.DataFrame(
            {
                "cohort": key,
                "month": design.months,
                "covered": design.coverage[mask].any(axis=0),
                "workers": design.rows[mask].sum(axis=0),
                "units": int(mask.sum()),
            }
        )
        for key, mask in zip(keys, masks, strict=True)
        if mask.any()
    ]
    return pd.concat(parts, ignore_index=True)


def staircase(table: pd.DataFrame, period: Period, language: Language) -> Figure:
    """Draw cohorts one below the other, earliest first, with the months in which they are covered; the fainter, the fewer of them are seen.

    `table` is that of `cohort_sizes`.
    """
    rows = table.assign(order=table["cohort"].fillna(np.inf))
    workers = rows.pivot(index="order", columns="month", values="workers").sort_index()
    covered = rows.pivot(index="order", columns="month", values="covered").sort_index().to_numpy(dtype=bool)
    units = rows.groupby("order")["units"].first()
    cohorts = np.where(np.isinf(workers.index), np.nan, workers.index)
    months = [int(month) for month in workers.columns]
    figure, axes = empty_axes(height=1.05 + min(0.27 * max(len(cohorts), 3), 5.6))
    axes.imshow(
        _colours(workers.to_numpy(dtype=float), covered), extent=(0, len(months), len(cohorts), 0), aspect="auto", interpolation="none"
    )
    mark_coverage(axes, cohorts, months)
    axes.hlines(np.arange(1, len(cohorts)), 0, len(months), color="#FFFFFF", linewidth=0.8 if len(cohorts) <= MOST_COHORTS else 0.2)
    axes.grid(visible=False)
    axes.set_ylim(len(cohorts), 0)
    month_ticks(axes, months, period)
    _name_cohorts(axes, cohorts, period, language)
    _count_cohorts(axes, units.to_numpy(), workers.max(axis=1).to_numpy(), language)
    axes.legend(handles=_handles(language), loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, columnspacing=1.4, handlelength=1.2)
    return figure


def _colours(workers: Any, covered: Any) -> Any:
    """Give the colour of each cell: of its state, mixed with white where few are seen; shape (cohorts, months, 3)."""
    from matplotlib.colors import to_rgb

    share = np.divide(workers, workers.max(axis=1, keepdims=True), out=np.zeros_like(workers), where=workers > 0)
    strength = np.where(workers > 0, _FAINTEST + (1 - _FAINTEST) * share, 0.0)[:, :, None]
    state = np.where(covered[:, :, None], to_rgb(PALETTE.covered), to_rgb(PALETTE.compared))
    return 1 - strength * (1 - state)


def _name_cohorts(axes: Axes, cohorts: Any, period: Period, language: Language) -> None:
    places = range(0, len(cohorts), -(-len(cohorts) // MOST_COHORTS))
    axes.set_yticks([place + 0.5 for place in places], [first_covered(cohorts[place], period)[language] for place in places])
    axes.tick_params(axis="y", length=0)


def _count_cohorts(axes: Axes, units: Any, workers: Any, language: Language) -> None:
    """Write beside each named row how many units it has, and how many workers where most are seen."""
    for place in range(0, len(units), -(-len(units) // MOST_COHORTS)):
        people, groups = count(float(workers[place])), count(int(units[place]))
        words = Text(
            f"{groups} unit{'s' if units[place] != 1 else ''}, up to {people} worker{'s' if people != '1' else ''}",
            f"{groups}个单位，至多{people}人",
        )
        axes.annotate(
            words[language], (1.01, place + 0.5), xycoords=("axes fraction", "data"), va="center", fontsize=7.5, color=PALETTE.neutral
        )


def _handles(language: Language) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Patch(color=PALETTE.compared, label=Text("not covered (yet)", "尚未或从未覆盖")[language]),
        Patch(color=PALETTE.covered, label=Text("covered", "受覆盖")[language]),
        Line2D([], [], color="#000000", linewidth=1.6, label=Text("coverage starts", "覆盖开始")[language]),
    ]
