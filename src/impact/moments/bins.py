"""The distribution of an outcome by unit and month: fixed, fine, log-spaced bins, with zero apart. May touch: the engine.

Bin k > 0 holds values from 10^((k−1)/100) to below 10^(k/100) (about 2.3 % wide), bin 0 holds zero and what is smaller than one in size, and negative
bins mirror the positive ones. Bins carry the sum of the outcome beside the count, so that a mean of a part of the distribution is wrong in the bin at its
edge alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from impact.moments.rows import Rows, with_unit_ids

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.moments.moments import Floats

PER_DECADE = 100
"""Bins for each power of ten."""
EDGE = 1e-9
"""Part of a bin by which a value may miss the edge and still lie on it: engines round logarithms each in their own way."""
BIN_COLUMNS = ("unit", "month", "outcome", "bin", "n", "w", "wy")
"""Columns of `Moments.bins`: rows, Σw and Σwy by unit, month and bin."""


def bin_sums(rows: Rows, outcomes: Sequence[str]) -> pd.DataFrame:
    """Count the rows of each unit, month and bin; columns `BIN_COLUMNS`."""
    parts = []
    for outcome in outcomes:
        table = rows.table.filter(rows.table[outcome].notnull())
        table = table.mutate(bin=bin_of(table[outcome]))
        weight = rows.weight(table)
        sums = {"n": table.count(), "wy": (weight * table[outcome]).sum(), "w": table["weight"].sum() if rows.weighted else table.count()}
        found = with_unit_ids(rows, table.group_by(*rows.keys, "month", "bin").aggregate(**sums).to_pandas())
        parts.append(found.assign(outcome=outcome, w=found["w"].astype(float))[list(BIN_COLUMNS)])
    return pd.concat(parts, ignore_index=True).sort_values(["outcome", "unit", "month", "bin"], ignore_index=True)


def bin_of(value: ir.NumericColumn) -> ir.IntegerColumn:
    """Give the bin of a value, in the engine."""
    size = value.abs()
    step = (ibis.greatest(size, 1.0).log10() * PER_DECADE + EDGE).floor().cast("int64") + 1
    signed = (value > 0).ifelse(step, -step)
    return (size < 1.0).ifelse(0, signed).cast("int64")


def edges(bins: Sequence[int] | np.ndarray) -> tuple[Floats, Floats]:
    """Give the lower and upper edge of bins; those of bin 0 are −1 and 1."""
    numbers = np.asarray(bins)
    inner, outer = 10.0 ** ((np.abs(numbers) - 1) / PER_DECADE), 10.0 ** (np.abs(numbers) / PER_DECADE)
    low = np.where(numbers > 0, inner, np.where(numbers < 0, -outer, -1.0))
    high = np.where(numbers > 0, outer, np.where(numbers < 0, -inner, 1.0))
    return low, high
