"""Regression discontinuity at an eligibility score.

Estimand: the mean effect of coverage on the units whose score is at the cut-off, on their mean outcome over the months in which all the covered are.
Assumes:  the score alone decides coverage and nobody can choose on which side to be; without coverage, outcomes change smoothly with the score at the
          cut-off. Nothing is said of units far from it.
Source:   Calonico, Cattaneo and Titiunik (2014), doi:10.3982/ECTA11757; bandwidth by Calonico, Cattaneo and Farrell (2020), doi:10.1093/ectj/utz022. Differs
          from R and Python `rdrobust` in two things: clusters that have units on both sides of the cut-off are summed over both, and where units are
          seen in different months, what the compared have in common in a month is taken out first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from impact.design.design import Design
from impact.errors import EstimationError
from impact.estimate.parts.local_polynomial import Kernel, Side, fit_side
from impact.estimate.parts.rd_bandwidth import SHARED, Bandwidths, best_bandwidths
from impact.estimate.parts.rd_jump import Jump, contrasts_of, jump_of
from impact.estimate.parts.rd_units import Units, units_of
from impact.infer.cluster import cluster_errors, require_moderate
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info(
    "regression_discontinuity",
    "Regression discontinuity",
    "断点回归",
    "Calonico, Cattaneo and Titiunik (2014)",
    grain="unit",
    reads=("score",),
)
ROWS = ("conventional", "bias_corrected", "robust")
"""Terms, as `rdrobust` prints them."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the cut-off is, what is compared there, and how near."""

    cutoff: float = 0.0
    """Score from which on units are covered."""
    covered: Literal["above", "below"] = "above"
    """Which side is covered; the cut-off itself belongs to it."""
    take_up: Literal["sharp", "partial"] = "sharp"
    """`partial` lets units on either side be covered or not, and gives the effect of being eligible instead of that of coverage."""
    months: Literal["after", "all"] = "after"
    """Months whose mean outcome is compared: those in which all that are ever covered are, or all."""
    order: int = 1
    """Of the regressions on either side; the bias is estimated by those of the next order."""
    kernel: Kernel = "triangular"
    """How units count the less the farther they are from the cut-off."""
    bandwidth: float | None = None
    """How far units count, in the score; chosen for the smallest squared error where not given."""
    bias_bandwidth: float | None = None
    """How far they count for the bias; the same as a given bandwidth where not given."""
    neighbours: int = 3
    """How many units with the nearest scores a unit is compared with to tell its variance; not used where clusters hold several units."""
    counting: Literal["workers", "units"] = "workers"
    """Whether units count by their workers, or one each."""
    shared_scores: Literal["adjust", "ignore"] = "adjust"
    """Whether units that share a score count once in the pilot bandwidth, which then reaches ten scores on either side."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare what regressions on either side of the cut-off predict there.

    Raises DesignError where scores are missing or do not decide coverage, EstimationError where too few units are near the cut-off.
    """
    _require_sensible(options)
    units = _units(design, options)
    require_moderate(design, units.outcome)
    below, above = _sides(units, options)
    bandwidths = _bandwidths(below, above, options)
    jump = jump_of(units.eligible, below, above, bandwidths, options.order)
    contrasts = contrasts_of(units, jump)
    workers = float(units.design.headcount[units.eligible & jump.near].sum())
    terms = tuple(Term(name, workers=workers) for name in ROWS)
    notes = (*units.design.notes, _note_on_bandwidth(units, jump, bandwidths), *_note_on_shared(below, above), _ROBUST)
    return Estimate(INFO, units.design, options, terms, contrasts, cluster_errors(units.design, contrasts), notes)


def picture_of(estimate: Estimate) -> pd.DataFrame:
    """Lay out what the eye should see: mean outcomes of units by score, and the regressions on either side; columns `kind, covered, score, outcome, units`.

    `kind` is `mean` for a bin and `line` for a point of a regression. Bins reach to twice the bandwidth.
    """
    options = replace(estimate.options, months="all")  # the months that count are all that the design has left
    units = _units(estimate.design, options)
    sides = _sides(units, options)
    width = _bandwidths(*sides, options).effect
    parts = [part for side, covered in zip(sides, (False, True), strict=True) for part in _drawn(side, covered, width, options)]
    return pd.concat(parts, ignore_index=True)


def _drawn(side: Side, covered: bool, bandwidth: float, options: Options) -> Iterator[pd.DataFrame]:
    sign = 1.0 if options.covered == "above" else -1.0
    near = np.abs(side.distance) <= 2 * bandwidth
    bins = np.floor(side.distance[near] / bandwidth * _BINS)
    frame = pd.DataFrame({"bin": bins, "weight": side.weight[near], "units": 1.0})
    frame["distance"], frame["outcome"] = (frame["weight"] * values[near] for values in (side.distance, side.outcome))
    sums = frame.groupby("bin").sum()
    means = {"score": options.cutoff + sign * sums["distance"] / sums["weight"], "outcome": sums["outcome"] / sums["weight"]}
    yield pd.DataFrame({"kind": "mean", "covered": covered, **means, "units": sums["units"]})
    fit = fit_side(side, bandwidth, options.order)
    scaled = np.linspace(0, 1, 25) * (1 if covered else -1)
    line = np.vander(scaled, options.order + 1, increasing=True) @ (fit.solution @ side.outcome)
    yield pd.DataFrame(
        {"kind": "line", "covered": covered, "score": options.cutoff + sign * bandwidth * scaled, "outcome": line, "units": 0.0}
    )


def _units(design: Design, options: Options) -> Units:
    return units_of(design, options.cutoff, options.covered, options.take_up, options.months, options.counting)


def _sides(units: Units, options: Options) -> tuple[Side, Side]:
    """Give the side that is compared, and the one that is covered."""
    other, covered = (
        Side(
            name, units.distance[mask], units.outcome[mask], units.weight[mask], units.cluster_of(mask), options.neighbours, options.kernel
        )
        for name, mask in zip(_names(options), (~units.eligible, units.eligible), strict=True)
    )
    return other, covered


_BINS = 6
"""Bins of a figure within a bandwidth."""
_ROBUST = Text(
    "read the row `robust`: its interval allows for the bias of the regressions; the effect is that at the cut-off, and nowhere else",
    "请读“robust”一行：其区间已计入回归偏误；该效应仅指断点处的效应，不能外推",
)


def _names(options: Options) -> tuple[str, str]:
    """Name the side that is not covered, and the one that is."""
    return ("below", "above") if options.covered == "above" else ("above", "below")


def _bandwidths(below: Side, above: Side, options: Options) -> Bandwidths:
    if options.bandwidth is None:
        return best_bandwidths(below, above, options.order, options.shared_scores == "adjust")
    return Bandwidths(options.bandwidth, options.bias_bandwidth or options.bandwidth)


def _require_sensible(options: Options) -> None:
    faults = {
        "order": options.order if options.order < 0 else None,
        "bandwidth": options.bandwidth if options.bandwidth is not None and not options.bandwidth > 0 else None,
        "bias_bandwidth": options.bias_bandwidth if options.bias_bandwidth is not None and not options.bias_bandwidth > 0 else None,
        "neighbours": options.neighbours if options.neighbours < 1 else None,
    }
    for name, value in faults.items():
        if value is not None:
            raise EstimationError(f"option `{name}`: it cannot be {value}.\nFound {value}.\nGive a larger number.")
    if options.bias_bandwidth is not None and options.bandwidth is None:
        raise EstimationError(
            f"option `bias_bandwidth`: it goes with `bandwidth`.\nFound bias_bandwidth {options.bias_bandwidth:g} alone.\nGive both, or neither."
        )


def _note_on_bandwidth(units: Units, jump: Jump, bandwidths: Bandwidths) -> Text:
    near = [int((jump.near & side).sum()) for side in (~units.eligible, units.eligible)]
    whole = [int(side.sum()) for side in (~units.eligible, units.eligible)]
    return Text(
        f"within {bandwidths.effect:.4g} of the cut-off ({bandwidths.bias:.4g} for the bias): {near[1]:,} of {whole[1]:,} units on the covered side, {near[0]:,} of {whole[0]:,} on the other",
        f"距断点{bandwidths.effect:.4g}以内（偏误估计为{bandwidths.bias:.4g}）：受覆盖一侧{whole[1]:,}个单位中的{near[1]:,}个，另一侧{whole[0]:,}个中的{near[0]:,}个",
    )


def _note_on_shared(below: Side, above: Side) -> list[Text]:
    units, scores = len(below.distance) + len(above.distance), len(below.scores) + len(above.scores)
    if scores > (1 - SHARED) * units:
        return []
    return [
        Text(
            f"{units:,} units share {scores:,} scores: the fewer scores near the cut-off, the more the answer rests on the regressions",
            f"{units:,}个单位只有{scores:,}个不同得分：断点附近的得分越少，结果越依赖回归的形式",
        )
    ]
