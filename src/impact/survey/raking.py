"""Raking: weights are brought to the margins of the active workforce, one after the other, until nothing moves. May touch: nothing.

Source: Deming and Stephan (1940), doi:10.1214/aoms/1177731829; equal to `rake` of R `survey` 4.1, whose rule of convergence and defaults these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.errors import EstimationError
from impact.survey.margins import Margin, Placed, check_totals, place
from impact.survey.sample import Floats, Ints, Raked, Sample
from impact.survey.weights import Spread, spread, trimmed

SLACK = 5.0
"""Multiple of the tolerance by which a margin may be off when nothing moves any more."""


@dataclass(frozen=True, slots=True)
class Trim:
    """Bounds of raked weights, as multiples of their median after the first raking."""

    lower: float = 0.0
    upper: float = 5.0
    rounds: int = 50
    """Most times to trim and rake again."""


@dataclass(frozen=True, slots=True)
class Control:
    """When raking is done."""

    epsilon: float = 1.0
    """Most that a cell of all margins crossed may still move in the last pass, in workers; below 1, as a share of the sum of the weights."""
    passes: int = 10
    """Most passes over all margins."""


@dataclass(frozen=True, slots=True)
class Raking:
    """Weights that meet the margins, and what it took."""

    sample: Sample
    margins: pd.DataFrame
    """`margin, level, rows, workers, before, after, share_workers, share_rows, share_before, share_after`: one row per category."""
    before: Spread
    after: Spread
    passes: int
    """Passes of the last raking."""
    trims: int
    """Times that weights were trimmed and raked again."""
    trimmed_rows: int
    """Rows whose weight was cut in any round."""


def rake(sample: Sample, margins: Sequence[Margin], trim: Trim | None = None, control: Control = Control()) -> Raking:
    """Bring the weights to known counts, starting from the weights of the sample.

    Raises DataError for a margin that does not fit the sample, and EstimationError where raking does not converge or the bounds cannot be held.
    """
    check_totals(margins)
    placed = [place(sample.frame, margin) for margin in margins]
    weights, steps, passes = _fit(sample.weights, placed, control)
    trims, cut = 0, np.zeros(len(weights), dtype=bool)
    if trim is not None:
        weights, steps, passes, trims, cut = _within_bounds(weights, steps, passes, placed, trim, control)
    adjustment = Raked(tuple(part.cell for part in placed), steps)
    raked = replace(sample, weights=weights, adjustments=(*sample.adjustments, adjustment))
    table = _table(placed, sample.weights, weights)
    return Raking(raked, table, spread(sample.weights), spread(weights), passes, trims, int(cut.sum()))


def _fit(start: Floats, placed: Sequence[Placed], control: Control) -> tuple[Floats, tuple[Floats, ...], int]:
    """Adjust to one margin after the other; gives the weights, those after each margin of the last pass, and the passes."""
    crossed = np.unique(np.column_stack([part.cell for part in placed]), axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    tolerance = control.epsilon * start.sum() if control.epsilon < 1 else control.epsilon
    weights, table, change = start, np.bincount(crossed, weights=start), np.inf
    for number in range(1, control.passes + 1):
        steps = []
        for part in placed:
            weights = weights * (part.counts / np.bincount(part.cell, weights=weights, minlength=len(part.counts)))[part.cell]
            steps.append(weights)
        new = np.bincount(crossed, weights=weights)
        change, table = float(np.abs(new - table).max()), new
        if change < tolerance:
            _check_met(weights, placed, tolerance)
            return weights, tuple(steps), number
    name, gap = _furthest(weights, placed)
    raise EstimationError(
        f"raking: the weights do not settle.\nFound cells that still move by {change:.4g} workers in pass {control.passes}, where {tolerance:.4g} is allowed; "
        f"the margin furthest off is `{name}`, by {gap:.4g} workers.\nJoin small categories, drop a margin, or allow more passes."
    )


def _check_met(weights: Floats, placed: Sequence[Placed], tolerance: float) -> None:
    """Refuse weights that go round in a circle: they look settled at the end of each pass, and R takes them."""
    name, gap = _furthest(weights, placed)
    if gap > SLACK * tolerance:
        raise EstimationError(
            f"raking: no weights meet all margins.\nFound `{name}` off by {gap:.4g} workers though nothing moves any more.\n"
            "Some categories occur only together: join categories, or drop a margin."
        )


def _furthest(weights: Floats, placed: Sequence[Placed]) -> tuple[str, float]:
    gaps = {part.margin.name: float(np.abs(_sums(weights, part.cell, len(part.counts)) - part.counts).max()) for part in placed}
    name = max(gaps, key=lambda margin: gaps[margin])
    return name, gaps[name]


def _within_bounds(
    weights: Floats, steps: tuple[Floats, ...], passes: int, placed: Sequence[Placed], trim: Trim, control: Control
) -> tuple[Floats, tuple[Floats, ...], int, int, np.ndarray]:
    """Trim and rake in turns until both hold."""
    low, high = (bound * float(np.median(weights)) for bound in (trim.lower, trim.upper))
    cut = np.zeros(len(weights), dtype=bool)
    for number in range(trim.rounds + 1):
        outside = (weights < low * (1 - 1e-6)) | (weights > high * (1 + 1e-6))
        if not outside.any():
            return weights, steps, passes, number, cut
        cut |= outside
        weights, steps, passes = _fit(trimmed(weights, low, high), placed, control)
    raise EstimationError(
        f"raking: the bounds and the margins cannot both be held.\nFound {int(outside.sum())} weights outside {trim.lower:g} to {trim.upper:g} times the median "
        f"after {trim.rounds} rounds; the largest is {weights.max() / high * trim.upper:.3g} times.\nWiden the bounds, or join small categories."
    )


def _sums(weights: Floats, cell: Ints, size: int) -> Floats:
    return np.bincount(cell, weights=weights, minlength=size).astype(float)


def _table(placed: Sequence[Placed], before: Floats, after: Floats) -> pd.DataFrame:
    parts = []
    for part in placed:
        size = len(part.counts)
        rows = _sums((before != 0).astype(float), part.cell, size)
        sums = {
            "rows": rows.astype(int),
            "workers": part.counts,
            "before": _sums(before, part.cell, size),
            "after": _sums(after, part.cell, size),
        }
        named = {"share_workers": "workers", "share_rows": "rows", "share_before": "before", "share_after": "after"}
        shares = {name: sums[of] / sums[of].sum() for name, of in named.items()}
        parts.append(pd.DataFrame({"margin": part.margin.name, "level": part.labels, **sums, **shares}))
    return pd.concat(parts, ignore_index=True)
