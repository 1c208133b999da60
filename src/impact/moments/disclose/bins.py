"""Distributions, made safe: neighbouring bins are joined until none is small, and only rounded counts leave. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.moments.bins import BIN_COLUMNS, EDGE, PER_DECADE, edges
from impact.moments.disclose.draws import labels, rounded, uniforms
from impact.moments.disclose.groups import three_digits
from impact.moments.disclose.rules import Rules

_KEYS = ["outcome", "unit", "month"]


def safe_bins(bins: pd.DataFrame, released: pd.DataFrame, rules: Rules, key: bytes) -> pd.DataFrame:
    """Join bins of the released cells, and say what they hold as if all of it lay in the middle of the bin.

    The sums of a bin are withheld: its middle is at most 1.2 % off, and knows nothing of a single worker.
    """
    table = bins.merge(released[_KEYS], on=_KEYS).sort_values([*_KEYS, "bin"], ignore_index=True)
    joined = _joined(table.assign(part=_parts(table, rules.threshold)))
    draws = uniforms(key, labels(*([joined[name] for name in (*_KEYS, "bin")]), joined["n"].astype(float), joined["w"].astype(float)))
    n = rounded(joined["n"].to_numpy(dtype=float), rules.base, draws[:, 0], rules.threshold)
    w = n * three_digits(joined["w"] / joined["n"])
    return joined.assign(n=n.astype("int64"), w=w, wy=w * _middle(joined["bin"].to_numpy()))[list(BIN_COLUMNS)]


def _parts(table: pd.DataFrame, threshold: int) -> np.ndarray:
    """Number the bins that stay apart; each number holds at least `threshold` rows."""
    cell = table.groupby(_KEYS, sort=False).ngroup().to_numpy()
    counts, part = table["n"].to_numpy(), np.zeros(len(table), dtype=int)
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]]) if len(cell) else np.zeros(0, dtype=int)
    number = 0
    for start, stop in zip(starts, [*starts[1:], len(cell)], strict=True):
        held, first = 0, number
        for row in range(start, stop):
            part[row], held = number, held + counts[row]
            if held >= threshold:
                number, held = number + 1, 0
        if held and number > first:
            part[start:stop][part[start:stop] == number] = number - 1
        number += 1
    return part


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    sums = table.groupby([*_KEYS, "part"], as_index=False, sort=False).agg(
        n=("n", "sum"), w=("w", "sum"), wy=("wy", "sum"), first=("bin", "min"), last=("bin", "max")
    )
    alone = sums["first"] == sums["last"]
    return sums.assign(bin=np.where(alone, sums["first"], _bin_of((sums["wy"] / sums["w"]).to_numpy())))


def _bin_of(values: np.ndarray) -> np.ndarray:
    """Give the bin of a value, as the pass does."""
    size = np.abs(values)
    step = np.floor(np.log10(np.maximum(size, 1.0)) * PER_DECADE + EDGE).astype(int) + 1
    return np.where(size < 1.0, 0, np.where(values > 0, step, -step))


def _middle(bins: np.ndarray) -> np.ndarray:
    low, high = edges(bins)
    return (low + high) / 2
