"""Workers by the set of months in which they are seen: what fixed effects of workers need. May touch: nothing.

A worker's regressors depend on the unit and on these months alone, so workers who share both stand in one row, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Patterns:
    """Sums over the workers of a unit who are seen in the same months; arrays have one row per pattern, in the order of unit and pattern.

    A worker has one weight throughout.
    """

    unit: np.ndarray
    """Position of the unit among `Moments.units`; shape (patterns,)."""
    seen: np.ndarray
    """Whether the workers are seen in a month; shape (patterns, months)."""
    workers: Floats
    """Workers; shape (patterns,)."""
    weight: Floats
    """Sum of the workers' weights; shape (patterns,)."""
    total: Floats
    """Σ w·y by month; shape (patterns, months)."""
    square: Floats
    """Σ w·y² by month; shape (patterns, months)."""
    between: Floats
    """Σ w·n·ȳ² over workers, with the worker's own mean ȳ over n months: what fixed effects of workers explain; shape (patterns,).
    Missing where a month was left out afterwards."""
    pairs: Floats | None = None
    """As `Moments.pairs`, by pattern; None where they were not asked for."""

    def names(self) -> list[str]:
        """Write each pattern with a sign for every month: 1 where the workers are seen, 0 elsewhere."""
        signs = np.ascontiguousarray(self.seen.astype(np.uint8) + ord("0"))
        names: list[str] = signs.view(f"S{signs.shape[1]}").ravel().astype(str).tolist()
        return names

    def with_pairs(self, pairs: Floats) -> Patterns:
        """Carry sums over pairs of months as well; shape (patterns, 2M + 1, 2M + 1)."""
        return replace(self, pairs=pairs)


def patterns_frame(patterns: Patterns, months: tuple[int, ...], units: pd.Index) -> pd.DataFrame:
    """Lay patterns out as a table: one row per pattern and month seen.

    Columns: unit, pattern, month, workers, w, wy, wy2; and between, which belongs to the pattern and stands in its first row.
    """
    import pandas as pd

    row, place = np.nonzero(patterns.seen)
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    names = np.asarray(patterns.names(), dtype=object)
    return pd.DataFrame(
        {
            "unit": units[patterns.unit[row]],
            "pattern": names[row],
            "month": np.asarray(months)[place],
            "workers": patterns.workers[row],
            "w": patterns.weight[row],
            "wy": patterns.total[row, place],
            "wy2": patterns.square[row, place],
            "between": np.where(first, patterns.between[row], np.nan),
        }
    )


def workers_of(outcome: str, patterns: Patterns, units: pd.Index) -> pd.DataFrame:
    """Count the workers of each unit and add up their weights; columns `moments.WORKER_COLUMNS`, units without workers left out."""
    import pandas as pd

    workers, weight = (np.bincount(patterns.unit, values, len(units)) for values in (patterns.workers, patterns.weight))
    there = workers > 0
    return pd.DataFrame({"unit": units[there], "outcome": outcome, "workers": workers[there], "w": weight[there]})


def patterns_of(table: pd.DataFrame, months: tuple[int, ...], units: pd.Index) -> Patterns:
    """Read back what `patterns_frame` gave."""
    code, keys = _codes(table, units)
    place = np.searchsorted(np.asarray(months), table["month"].to_numpy())
    count = len(keys)
    seen, (total, square) = np.zeros((count, len(months)), dtype=bool), np.zeros((2, count, len(months)))
    seen[code, place], total[code, place], square[code, place] = True, table["wy"].to_numpy(), table["wy2"].to_numpy()

    def once(name: str, unknown: float = 0.0) -> Floats:
        values = np.full(count, unknown)
        given = table[name].notna().to_numpy()
        values[code[given]] = table[name].to_numpy()[given]
        return values

    return Patterns(np.asarray(keys), seen, once("workers"), once("w"), total, square, once("between", np.nan))


def _codes(table: pd.DataFrame, units: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Number the patterns as they come, and give the unit of each."""
    import pandas as pd

    unit = units.get_indexer(pd.Index(table["unit"]))
    both = pd.MultiIndex.from_arrays([unit, table["pattern"]])
    keys = both.drop_duplicates()
    return keys.get_indexer(both), keys.get_level_values(0).to_numpy()
