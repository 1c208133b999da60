"""The one pass: worker-months become `Moments`, in the engine. May touch: the engine.

Rows never come into Python one by one: cells are one GROUP BY; pairs are one pivot per worker, streamed in batches and added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from impact.errors import DataError, listing
from impact.moments.moments import CELL_COLUMNS, WORKER_COLUMNS, Floats, Moments
from impact.months import Period

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

ATTRIBUTES = ("first_covered", "cluster")
"""Columns that must be constant within a unit and that travel with it."""


def compress(table: ir.Table, outcomes: Sequence[str], period: Period, pairs: bool = False) -> Moments:
    """Compress a clean worker-month table.

    The table has `unit` and `month`, may have `worker`, `weight` and the attributes, and one numeric column per outcome; rows without a value
    of an outcome do not count for it. Without `worker` every row is a worker of its own. `pairs` asks for the sums over pairs of months that
    errors clustered by worker need.
    Raises DataError where an attribute changes within a unit, or where no row has a value of an outcome.
    """
    rows = _prepared(table, outcomes)
    units = _units(rows)
    months = tuple(int(month) for month in rows.select("month").distinct().order_by("month").to_pyarrow()["month"].to_pylist())
    parts = {outcome: rows.filter(rows[outcome].notnull()) for outcome in outcomes}
    cells = pd.concat([_cells(part, outcome) for outcome, part in parts.items()], ignore_index=True)
    workers = pd.concat([_workers(part, outcome) for outcome, part in parts.items()], ignore_index=True)
    for outcome in outcomes:
        if not (cells["outcome"] == outcome).any():
            raise DataError(f"outcome `{outcome}`: no row has a value.\nFound {len(units):,} units.\nCheck which column holds the outcome.")
    moments = Moments(period, months, units, cells, workers, None)
    if not pairs or moments.one_worker_per_unit:
        return moments
    grams = {outcome: _pairs(part, outcome, months, units.index) for outcome, part in parts.items()}
    return Moments(period, months, units, cells, workers, grams)


def _prepared(table: ir.Table, outcomes: Sequence[str]) -> ir.Table:
    """Give every row a weight and a worker, and make outcomes numbers."""
    table = table.mutate(**{outcome: table[outcome].cast("float64") for outcome in outcomes})
    if "weight" not in table.columns:
        table = table.mutate(weight=ibis.literal(1.0))
    if "worker" not in table.columns:
        table = table.mutate(worker=ibis.row_number().cast("string"))
    return table


def _units(rows: ir.Table) -> pd.DataFrame:
    """List the units with their attributes, and refuse attributes that change within a unit."""
    held = [name for name in ATTRIBUTES if name in rows.columns]
    spread = {f"{name}_changes": _changes(rows, name) for name in held}
    one = {name: rows[name].max() for name in held}
    units: pd.DataFrame = rows.group_by("unit").aggregate(**one, **spread).order_by("unit").to_pandas()
    for name in held:
        changing = units.loc[units[f"{name}_changes"], "unit"]
        if len(changing):
            raise DataError(
                f"`{name.replace('_', '-')}` changes within {len(changing):,} of {len(units):,} units.\n"
                f"Found in: {listing(changing)}.\nIt must be one value for a unit; choose a finer unit, or mend the source."
            )
    return units.set_index("unit")[held].astype({name: "float64" for name in held if name == "first_covered"})


def _changes(rows: ir.Table, name: str) -> ir.BooleanScalar:
    """Say whether a group holds two values, or a value beside a missing one."""
    column = rows[name]
    return ((column.min() != column.max()) | ((column.count() > 0) & (column.count() < rows.count()))).fill_null(False)


def _cells(rows: ir.Table, outcome: str) -> pd.DataFrame:
    weight, value = rows["weight"], rows[outcome]
    grouped = rows.group_by("unit", "month").aggregate(
        n=rows.count(), w=weight.sum(), w2=(weight * weight).sum(), wy=(weight * value).sum(), wy2=(weight * value * value).sum()
    )
    cells: pd.DataFrame = grouped.order_by("unit", "month").to_pandas()
    return cells.assign(outcome=outcome)[list(CELL_COLUMNS)]


def _workers(rows: ir.Table, outcome: str) -> pd.DataFrame:
    each = rows.group_by("unit", "worker").aggregate(w=rows["weight"].mean())
    grouped = each.group_by("unit").aggregate(workers=each.count(), w=each["w"].sum())
    workers: pd.DataFrame = grouped.order_by("unit").to_pandas()
    return workers.assign(outcome=outcome)[list(WORKER_COLUMNS)]


def _pairs(rows: ir.Table, outcome: str, months: tuple[int, ...], units: pd.Index) -> Floats:
    """Sum z zᵀ over the workers of each unit, with z as in `Moments.pairs`; shape (units, 2M + 1, 2M + 1)."""
    weighted = (rows["weight"] * rows[outcome]).name("weighted")
    by_month = {f"y{place}": weighted.sum(where=rows["month"] == month) for place, month in enumerate(months)}
    seen = {f"w{place}": rows["weight"].sum(where=rows["month"] == month) for place, month in enumerate(months)}
    wide = rows.group_by("unit", "worker").aggregate(**by_month, **seen, mean_weight=rows["weight"].mean()).drop("worker")
    gram = np.zeros((len(units), 2 * len(months) + 1, 2 * len(months) + 1))
    for batch in wide.to_pyarrow_batches():
        _add_batch(gram, batch, units)
    return gram


def _add_batch(gram: Floats, batch: pa.RecordBatch, units: pd.Index) -> None:
    unit = units.get_indexer(pd.Index(batch.column("unit").to_pandas()))
    values = np.column_stack(
        [np.nan_to_num(batch.column(name).to_numpy(zero_copy_only=False).astype(float)) for name in batch.schema.names if name != "unit"]
    )
    order = np.argsort(unit, kind="stable")
    present, starts = np.unique(unit[order], return_index=True)
    for place, rows in zip(present, np.split(values[order], starts[1:]), strict=True):
        gram[place] += rows.T @ rows
