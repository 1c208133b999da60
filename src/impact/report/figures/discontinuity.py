"""Figure of a regression discontinuity: mean outcomes by score, and what regressions on either side say of the cut-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from impact.report.figures.canvas import empty_axes
from impact.report.style import PALETTE
from impact.text import Language, Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_DOT, _DOTS = 12.0, 90.0
"""Areas of the smallest and the largest dot."""


def discontinuity(table: pd.DataFrame, cutoff: float, score: Text, outcome: Text, language: Language) -> Figure:
    """Draw means by score as dots, larger where they rest on more units, and the regressions as lines.

    `table` is that of `estimate.regression_discontinuity.picture_of`; `score` and `outcome` name the axes.
    """
    figure, axes = empty_axes(height=3.3)
    axes.axvline(cutoff, color=PALETTE.neutral, linewidth=0.9, linestyle=(0, (4, 3)))
    sides = (
        (True, Text("covered side", "受覆盖一侧"), PALETTE.covered, "o"),
        (False, Text("other side", "另一侧"), PALETTE.compared, "s"),
    )
    most = float(table["units"].max())
    for covered, words, colour, marker in sides:
        rows = table[table["covered"] == covered]
        means, line = rows[rows["kind"] == "mean"], rows[rows["kind"] == "line"]
        sizes = _DOT + (_DOTS - _DOT) * np.sqrt(means["units"] / most)
        axes.scatter(means["score"], means["outcome"], s=sizes, color=colour, alpha=0.55, linewidth=0, marker=marker, label=words[language])
        axes.plot(line["score"], line["outcome"], color=colour, linewidth=2.2, zorder=3)
    axes.set_xlabel(score[language])
    axes.set_ylabel(outcome[language])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, markerscale=1.0)
    return figure
