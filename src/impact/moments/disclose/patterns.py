"""Which patterns are released: none of few workers, and none by which the rest of a cell is few. May touch: nothing.

The released patterns of a unit add up to less than its cells. What is left of a cell is the workers of the patterns withheld; where they are fewer than
the threshold, further patterns are withheld until they are not (complementary suppression: Hundepool et al., ch. 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from impact.moments.disclose.draws import labels, rounded, uniforms
from impact.moments.disclose.groups import Groups, blurred, dominated
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Floats, Moments
from impact.moments.patterns import Patterns


def withheld_patterns(
    found: Patterns, open_cells: np.ndarray, rules: Rules, counts: bool, differing: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Give the rule by which each pattern is withheld, empty text where it is released.

    `open_cells` says which cells are released, shape (units, months); `differing` which patterns may not be out beside earlier ones.
    """
    reason = np.full(len(found.workers), "", dtype=object)
    groups = groups_of(found)
    if not counts:
        reason[(dominated(groups, rules) & found.seen).any(axis=1)] = "dominance"
    reason[(found.seen & ~open_cells[found.unit]).any(axis=1)] = "cells"
    for near in differing:
        reason[near] = "difference"
    reason[found.seen.sum(axis=1) < rules.least_months] = "months"
    reason[found.workers < rules.threshold] = "threshold"
    for unit in np.unique(found.unit):
        _complement(found, reason, np.flatnonzero(found.unit == unit), open_cells[unit], rules.threshold)
    return reason


def groups_of(found: Patterns) -> Groups:
    """Read patterns as groups of workers by month; shape (patterns, months)."""
    shape = found.seen
    square = found.weight**2 / np.maximum(found.workers, 1)
    return Groups(found.workers[:, None] * shape, found.weight[:, None] * shape, square[:, None] * shape, found.total, found.square)


def rest_of(found: Patterns, reason: np.ndarray, units: int) -> Floats:
    """Count the workers of each unit and pair of months in patterns that are withheld; shape (units, months, months)."""
    rest = np.zeros((units, found.seen.shape[1], found.seen.shape[1]))
    for unit in np.unique(found.unit):
        rows = (found.unit == unit) & (reason != "")
        rest[unit] = _together(found, rows)
    return rest


def safe_patterns(
    found: Patterns, reason: np.ndarray, moments: Moments, rules: Rules, key: bytes, counts: bool, outcome: str
) -> tuple[Patterns, Floats]:
    """Give the released patterns as they are released, with the draws of their months; pairs are left to `pairs`."""
    out = reason == ""
    held = _chosen(found, out)
    months, units = np.asarray(moments.months), moments.units.index
    row, place = np.nonzero(held.seen)
    names = np.asarray(held.names(), dtype=object)
    heads = labels([f"pattern | {outcome}"] * len(names), units[held.unit], names, held.workers, held.weight)
    uniform = np.full((*held.seen.shape, 4), 0.5)
    sums = (held.workers[row], held.weight[row], held.total[row, place], held.square[row, place])
    uniform[row, place] = uniforms(
        key, labels([f"pattern | {outcome}"] * len(row), units[held.unit[row]], names[row], months[place], *sums)
    )
    once = uniforms(key, heads)
    uniform[:, :, 2] = once[:, 2, None]
    workers = rounded(held.workers, rules.base, once[:, 0], rules.threshold)
    groups = groups_of(held)
    blur = blurred(groups, workers[:, None] * held.seen, uniform, rules, counts)
    return _rebuilt(held, blur, workers), uniform


def _rebuilt(held: Patterns, blur: Groups, workers: Floats) -> Patterns:
    weight = np.where(held.seen, blur.w, 0.0).max(axis=1, initial=0.0)
    inside = held.square.sum(axis=1)
    share = np.divide(held.between, inside, out=np.zeros_like(inside), where=inside > 0)
    return Patterns(held.unit, held.seen, workers, weight, blur.wy, blur.wy2, share * blur.wy2.sum(axis=1))


def _chosen(found: Patterns, rows: np.ndarray) -> Patterns:
    names = ("unit", "seen", "workers", "weight", "total", "square", "between")
    return replace(found, **{name: getattr(found, name)[rows] for name in names}, pairs=None if found.pairs is None else found.pairs[rows])


def _complement(found: Patterns, reason: np.ndarray, rows: np.ndarray, open_cells: np.ndarray, threshold: int) -> None:
    """Withhold further patterns of a unit, the smallest that mend the most months first; marks them in `reason`, which the caller made."""
    seen, workers, out = found.seen[rows], found.workers[rows], reason[rows] == ""
    while True:
        rest = (workers * ~out) @ seen
        few = (rest > 0) & (rest < threshold) & open_cells
        mends = (seen & few).sum(axis=1) * out
        if not mends.any():
            break
        best = np.lexsort((workers, -mends))[0]
        out[best] = False
        reason[rows[best]] = "complementary"


def _together(found: Patterns, rows: np.ndarray) -> Floats:
    seen = found.seen[rows].astype(float)
    return np.asarray(seen.T @ (found.workers[rows, None] * seen))
