"""Sums over pairs of months, from one pivot per worker, streamed in batches. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np

from impact.moments.rows import Rows, unit_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd

    from impact.moments.moments import Floats


CHUNK = 50_000
"""Workers that come into Python at a time."""
SERIAL = 340_000
"""Multiplications in one product. A larger one wakes the threads of the linear algebra, which then spin beside those of the engine: where both work at once, pairs took
ten times the processor time."""
STACK = 64
"""Products that are held at a time."""


def pair_sums(rows: Rows, outcome: str, months: tuple[int, ...], units: pd.Index) -> Floats:
    """Sum z zᵀ over the workers of each unit, with z as in `Moments.pairs`; shape (units, 2M + 1, 2M + 1)."""
    gram = np.zeros((len(units), 2 * len(months) + 1, 2 * len(months) + 1))
    if not rows.followed:
        _add_single_rows(gram, rows, outcome, months, units)
        return gram
    wide = worker_rows(rows, rows.table, outcome, months, rows.keys)
    for batch in wide.to_pyarrow_batches(chunk_size=CHUNK):
        frame = batch.to_pandas()
        add_up(gram, frame, unit_places(rows, frame, units), months)
    return gram


def _add_single_rows(gram: Floats, rows: Rows, outcome: str, months: tuple[int, ...], units: pd.Index) -> None:
    """Where every row is a worker of its own, only pairs of a month with itself hold anything."""
    table = rows.table.filter(rows.table[outcome].notnull())
    weight, value = rows.weight(table), table[outcome]
    square = weight * weight
    w2 = square.sum() if rows.weighted else table.count()
    sums = table.group_by(*rows.keys, "month").aggregate(w2=w2, w2y=(square * value).sum(), w2y2=(square * value * value).sum())
    found = sums.to_pandas()
    unit, month = unit_places(rows, found, units), np.searchsorted(np.asarray(months), found["month"].to_numpy())
    at, last = month + len(months), 2 * len(months)
    entries = (
        ("w2y2", month, month),
        ("w2y", month, at),
        ("w2", at, at),
        ("w2y", month, np.full_like(at, last)),
        ("w2", at, np.full_like(at, last)),
    )
    for name, row, column in entries:
        gram[unit, row, column] = gram[unit, column, row] = found[name].to_numpy(dtype=float)
    gram[:, last, last] = np.bincount(unit, found["w2"].to_numpy(dtype=float), len(units))


def worker_rows(rows: Rows, table: ir.Table, outcome: str, months: Sequence[int], labels: tuple[str, ...]) -> ir.Table:
    """Give one row per worker: `labels`, then w·y by month as `y0, …`, w by month as `w0, …`, and the mean weight."""
    table = table.filter(table[outcome].notnull())
    weight, month = rows.weight(table), table["month"]
    weighted = table[outcome] if not rows.weighted else weight * table[outcome]
    # a choice of value is summed a third faster in DuckDB than a choice of rows
    by_month = {f"y{place}": (month == at).ifelse(weighted, ibis.null("float64")).sum() for place, at in enumerate(months)}
    mean = {"mean_weight": table["weight"].mean()} if rows.weighted else {}
    seen = {f"w{place}": table["weight"].sum(where=month == at) for place, at in enumerate(months)} if rows.weighted else {}
    return table.group_by(*labels, "worker").aggregate(**by_month, **seen, **mean).drop("worker")


def add_up(gram: Floats, wide: pd.DataFrame, place: np.ndarray, months: Sequence[int]) -> None:
    """Add z zᵀ of the workers of a batch to the sums of their place."""
    outcomes = wide[[f"y{at}" for at in range(len(months))]].to_numpy(dtype=float)
    if "mean_weight" in wide:
        weights, mean = wide[[f"w{at}" for at in range(len(months))]].to_numpy(dtype=float), wide["mean_weight"].to_numpy(dtype=float)
    else:
        # without weights a month without a value is a month in which nobody is seen
        weights, mean = np.where(np.isnan(outcomes), np.nan, 1.0), np.ones(len(wide))
    values = np.nan_to_num(np.column_stack([outcomes, weights, mean]))
    order = np.argsort(place, kind="stable")
    present, starts = np.unique(place[order], return_index=True)
    for at, block in zip(present, np.split(values[order], starts[1:]), strict=True):
        gram[at] += _square(block)


def _square(block: Floats) -> Floats:
    """Give zᵀz of a block of rows z, in products that stay in one thread."""
    width = block.shape[1]
    size = max(1, SERIAL // width**2)
    slices = len(block) // size
    whole, rest = block[: slices * size].reshape(slices, size, width), block[slices * size :]
    square = rest.T @ rest
    for start in range(0, slices, STACK):
        part = whole[start : start + STACK]
        square += (part.transpose(0, 2, 1) @ part).sum(axis=0)
    return square
