"""Worker-months made ready for the pass: keys without gaps, outcomes as numbers. May touch: the engine (expressions only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from impact.errors import DataError
from impact.moments.moments import ATTRIBUTES

if TYPE_CHECKING:
    import ibis.expr.types as ir

NAMES = ("unit", "worker")
"""Columns that name units or workers and say nothing else of them."""
NEVER = -(2**31)
"""Stands for a missing first covered month in a key, because missing values do not meet in a join."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Worker-months as the passes read them: `key_0, …`, `month`, the outcomes, and `worker` and `weight` where they are known."""

    table: ir.Table
    unit: tuple[str, ...]
    """Columns of the source whose values together tell units apart."""
    outcomes: tuple[str, ...]
    weighted: bool
    followed: bool
    """Whether rows name workers; otherwise every row is a worker of its own."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of `table` that tell units apart."""
        return tuple(f"key_{place}" for place in range(len(self.unit)))

    @property
    def told(self) -> tuple[str, ...]:
        """Columns among those that tell units apart which say something of them beside their name."""
        return tuple(name for name in self.unit if name not in NAMES)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes of units that the table holds, beside those that tell units apart."""
        return tuple(name for name in ATTRIBUTES if name in self.table.columns and name not in self.unit)

    def weight(self, table: ir.Table) -> ir.NumericValue:
        """Give the weight of the rows of a table that is made from these rows."""
        return table["weight"] if self.weighted else ibis.literal(1.0)


def prepared(table: ir.Table, outcomes: Sequence[str], unit: Sequence[str]) -> Rows:
    """Make worker-months ready.

    Raises DataError where an outcome is not numeric.
    """
    for outcome in outcomes:
        kind = table[outcome].type()
        if not (kind.is_numeric() or kind.is_boolean()):
            raise DataError(
                f"outcome `{outcome}`: it is not a number.\nFound values of type {kind}.\nName a column of numbers, or clean it first."
            )
    keys = {f"key_{place}": _key(table, name) for place, name in enumerate(unit)}
    held = [name for name in ("month", "worker", "weight", *ATTRIBUTES) if name in table.columns]
    numbers = {outcome: _number(table[outcome]) for outcome in outcomes}
    ready = table.select(**keys, **{name: table[name] for name in held}, **numbers)
    return Rows(ready, tuple(unit), tuple(outcomes), "weight" in held, "worker" in held)


def _number(column: ir.Column) -> ir.Column:
    """Give a column as numbers; what an engine calls not a number is no value, and PostgreSQL makes whole numbers alone of yes and no."""
    if column.type().is_boolean():
        return column.cast("int32").cast("float64")
    value = column.cast("float64")
    return value.nullif(float("nan")) if column.type().is_floating() else value


def _key(table: ir.Table, name: str) -> ir.Column:
    return table[name].fill_null(NEVER) if name == "first_covered" else table[name]


def with_unit_ids(rows: Rows, frame: pd.DataFrame) -> pd.DataFrame:
    """Write the keys of a result as one column `unit` of text, in front; keys that say something of units keep a column of their own."""
    parts = [_written(frame[key]) for key in rows.keys]
    unit = parts[0]
    for part in parts[1:]:
        unit = unit + " / " + part
    carried = {name: _carried(name, frame[key]) for name, key in zip(rows.unit, rows.keys, strict=True) if name in rows.told}
    return pd.concat([unit.rename("unit"), frame.drop(columns=list(rows.keys)).assign(**carried)], axis=1)


def _carried(name: str, key: pd.Series) -> pd.Series:
    if name == "first_covered":
        return key.astype("float64").where(key != NEVER)
    return key.astype("float64") if name != "cluster" and pd.api.types.is_numeric_dtype(key) else _written(key)


def _written(values: pd.Series) -> pd.Series[str]:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy()
        whole = numbers.astype(np.int64) if (np.mod(numbers, 1) == 0).all() else numbers
        return pd.Series(np.where(numbers == NEVER, "never", whole.astype(str)), index=values.index, dtype="object").astype("str")
    return values.astype("str")


def unit_places(rows: Rows, frame: pd.DataFrame, units: pd.Index) -> np.ndarray:
    """Give the position of the unit of each row of a result that carries the keys."""
    distinct = frame[list(rows.keys)].drop_duplicates()
    named = with_unit_ids(rows, distinct.assign(row_=0))["unit"]
    place = pd.Series(units.get_indexer(pd.Index(named)), index=pd.MultiIndex.from_frame(distinct))
    return place.reindex(pd.MultiIndex.from_frame(frame[list(rows.keys)])).to_numpy()
