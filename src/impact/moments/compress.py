"""The one pass: worker-months become `Moments`, in the engine that holds them. May touch: the engine.

Rows never come into Python one by one. Cells are one GROUP BY for all outcomes together; patterns are a second one, once the months of each worker
are known; pairs are one pivot per worker, streamed in batches and added up. The expressions are Ibis, so that DuckDB, PostgreSQL and Spark each do
the heavy step where the rows are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.errors import DataError, listing
from impact.moments.bins import bin_sums
from impact.moments.moments import ATTRIBUTES, CELL_COLUMNS, WORKER_COLUMNS, Moments
from impact.moments.pass_pairs import pair_sums
from impact.moments.pass_patterns import pattern_sums
from impact.moments.patterns import Patterns, workers_of
from impact.moments.rows import Rows, prepared, with_unit_ids
from impact.months import Period
from impact.sources.engine import within_limits

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Parts:
    """What is kept beside the cells."""

    pairs: bool = False
    """Sums over pairs of months, which errors clustered by worker need."""
    patterns: bool = False
    """Sums by the set of months in which workers are seen, which fixed effects of workers need."""
    bins: tuple[str, ...] = ()
    """Outcomes whose distribution is kept."""


@within_limits()
def compress(table: ir.Table, outcomes: Sequence[str], period: Period, parts: Parts = Parts(), unit: Sequence[str] = ("unit",)) -> Moments:
    """Compress a clean worker-month table.

    The table has `month` and the columns `unit`, whose values together tell units apart and, but for the names of units and workers, travel with them
    as attributes; it may have `worker`, `weight`, `first_covered` and
    `cluster`, and has one numeric column per outcome. Rows without a value of an outcome do not count for it. Without `worker` every row is a
    worker of its own; a worker has at most one row in a unit and month.
    Raises DataError where an attribute changes within a unit, an outcome is not numeric or has no value, patterns meet weights that change, or there
    are more patterns than memory; and what `within_limits` raises.
    """
    rows = prepared(table, outcomes, unit)
    wide = _wide_cells(rows)
    months = tuple(int(month) for month in np.sort(wide["month"].unique()))
    units = _units(rows, wide)
    cells = _long_cells(rows, wide)
    for outcome in outcomes:
        if not (cells["outcome"] == outcome).any():
            raise DataError(f"outcome `{outcome}`: no row has a value.\nFound {len(units):,} units.\nCheck which column holds the outcome.")
    patterns = {name: pattern_sums(rows, name, months, units.index, parts.pairs) for name in outcomes} if parts.patterns else None
    workers = _workers(rows, cells, patterns, units.index)
    single = bool((workers["workers"] == 1).all())
    pairs = {name: pair_sums(rows, name, months, units.index) for name in outcomes} if parts.pairs and not single else None
    bins = bin_sums(rows, parts.bins) if parts.bins else None
    return Moments(period, months, units, cells, workers, pairs, None if single else patterns, bins)


def _wide_cells(rows: Rows) -> pd.DataFrame:
    """Sum by unit and month: one row each, the sums of every outcome beside each other, and what units carry."""
    table = rows.table
    sums: dict[str, Any] = {}
    for place, outcome in enumerate(rows.outcomes):
        value = table[outcome]
        sums |= {f"n_{place}": value.count(), f"wy_{place}": (rows.weight(table) * value).sum()}
        sums[f"wy2_{place}"] = (rows.weight(table) * value * value).sum()
        if rows.weighted:
            weight, given = table["weight"], value.notnull()
            sums |= {f"w_{place}": weight.sum(where=given), f"w2_{place}": (weight * weight).sum(where=given)}
    held = {f"{name}_{what}": found for name in rows.attributes for what, found in _spread(table[name]).items()}
    grouped = table.group_by(*rows.keys, "month").aggregate(rows_=table.count(), **sums, **held)
    frame = with_unit_ids(rows, grouped.to_pandas())
    return frame.sort_values(["unit", "month"], ignore_index=True)


def _spread(column: ir.Column) -> dict[str, Any]:
    return {"least": column.min(), "most": column.max(), "given": column.count()}


def _units(rows: Rows, wide: pd.DataFrame) -> pd.DataFrame:
    """List the units with their attributes, and refuse attributes that change within a unit, or are missing beside a value."""
    grouped = wide.groupby("unit")
    units = pd.DataFrame(index=pd.Index(wide["unit"].unique(), name="unit"))
    for name in rows.told:
        units[name] = grouped[name].first()
    for name in rows.attributes:
        least, most = grouped[f"{name}_least"].min(), grouped[f"{name}_most"].max()
        given, count = grouped[f"{name}_given"].sum(), grouped["rows_"].sum()
        changing = (least.notna() & (least != most)) | ((given > 0) & (given < count))
        if changing.any():
            raise DataError(
                f"`{name.replace('_', '-')}` changes within {changing.sum():,} of {len(units):,} units.\n"
                f"Found in: {listing(changing.index[changing])}.\nIt must be one value for a unit; choose a finer unit, or mend the source."
            )
        units[name] = most.astype("float64") if name == "first_covered" else most.astype("str")
    return units[[*(name for name in ATTRIBUTES if name in units), *(name for name in rows.told if name not in ATTRIBUTES)]]


def _long_cells(rows: Rows, wide: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for place, outcome in enumerate(rows.outcomes):
        n = wide[f"n_{place}"].to_numpy()
        weights = {name: wide[f"{name}_{place}"].to_numpy() if rows.weighted else n.astype(float) for name in ("w", "w2")}
        sums = {name: wide[f"{name}_{place}"].to_numpy() for name in ("wy", "wy2")}
        part = pd.DataFrame({"unit": wide["unit"], "month": wide["month"], "outcome": outcome, "n": n, **weights, **sums})
        parts.append(part[n > 0])
    return pd.concat(parts, ignore_index=True)[list(CELL_COLUMNS)]


def _workers(rows: Rows, cells: pd.DataFrame, patterns: dict[str, Patterns] | None, units: pd.Index) -> pd.DataFrame:
    """Count the workers of each unit who have a value of an outcome, and add up their mean weights."""
    if patterns is not None:
        parts = [workers_of(name, found, units) for name, found in patterns.items()]
    elif rows.followed and "worker" not in rows.unit:
        parts = _from_rows(rows)
    else:
        parts = [_from_cells(cells[cells["outcome"] == name], name, "worker" in rows.unit) for name in rows.outcomes]
    table = pd.concat(parts, ignore_index=True)[list(WORKER_COLUMNS)]
    return table.astype({"workers": "int64", "w": "float64"})


def _from_cells(cells: pd.DataFrame, outcome: str, one_worker: bool) -> pd.DataFrame:
    """Where a unit is a worker, or every row is one, the cells tell."""
    sums = cells.groupby("unit")[["n", "w"]].sum()
    if one_worker:
        return pd.DataFrame({"unit": sums.index, "outcome": outcome, "workers": 1, "w": (sums["w"] / sums["n"]).to_numpy()})
    return pd.DataFrame({"unit": sums.index, "outcome": outcome, "workers": sums["n"].to_numpy(), "w": sums["w"].to_numpy()})


def _from_rows(rows: Rows) -> list[pd.DataFrame]:
    """Count in the engine. Most often a worker stays in one unit, and rows are then grouped by the worker alone, which takes half the time."""
    table = rows.table
    keys = {key: table[key].min() for key in rows.keys}
    moves = {f"moves_{key}": table[key].min() != table[key].max() for key in rows.keys}
    found = _counted(rows, table.group_by("worker").aggregate(**keys, **moves, **_seen(rows)), tuple(moves))
    if found[list(moves)].to_numpy(dtype=bool).any():
        found = _counted(rows, table.group_by(*rows.keys, "worker").aggregate(**_seen(rows)))
    parts = []
    for place, outcome in enumerate(rows.outcomes):
        part = pd.DataFrame({"unit": found["unit"], "outcome": outcome, "workers": found[f"workers_{place}"], "w": found[f"w_{place}"]})
        parts.append(part[part["workers"] > 0])
    return parts


def _seen(rows: Rows) -> dict[str, Any]:
    """Say of a worker how often each outcome has a value, and the mean weight where it has one."""
    table, seen = rows.table, {}
    for place, outcome in enumerate(rows.outcomes):
        seen[f"n_{place}"] = table[outcome].count()
        if rows.weighted:
            seen[f"w_{place}"] = table["weight"].mean(where=table[outcome].notnull())
    return seen


def _counted(rows: Rows, each: ir.Table, flags: tuple[str, ...] = ()) -> pd.DataFrame:
    """Add workers up by unit; a flag is raised where one of them raises it."""
    sums = {flag: each[flag].any() for flag in flags}
    for place in range(len(rows.outcomes)):
        there = each[f"n_{place}"] > 0
        sums[f"workers_{place}"] = there.sum()
        sums[f"w_{place}"] = each[f"w_{place}"].sum() if rows.weighted else there.sum()
    found = with_unit_ids(rows, each.group_by(*rows.keys).aggregate(**sums).to_pandas())
    return found.sort_values("unit", ignore_index=True)
