"""How an outcome is distributed in each unit and month, by bins. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.moments.bins import edges
from impact.moments.moments import Floats, Moments

Places = NDArray[np.intp]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """The bins that hold somebody, one entry for each unit, month and bin; E entries, B bins in ascending order."""

    low: Floats
    """Lower edge of each bin; shape (B,)."""
    high: Floats
    """Upper edge of each bin; shape (B,)."""
    unit: Places
    """Position of the entry's unit; shape (E,)."""
    month: Places
    """Position of its month; shape (E,)."""
    bin: Places
    """Position of its bin; shape (E,)."""
    weight: Floats
    """Σw over the workers in it; shape (E,)."""
    total: Floats
    """Σwy over the workers in it; shape (E,)."""

    def keep(self, units: Bools, months: Bools) -> Distribution:
        """Restrict to some units and months, and number them anew."""
        kept = units[self.unit] & months[self.month]
        unit, month = np.cumsum(units) - 1, np.cumsum(months) - 1
        return replace(
            self,
            unit=unit[self.unit[kept]],
            month=month[self.month[kept]],
            bin=self.bin[kept],
            weight=self.weight[kept],
            total=self.total[kept],
        )


def distribution_of(moments: Moments, outcome: str) -> Distribution | None:
    """Lay out the bins of an outcome; None where moments do not hold them."""
    if moments.bins is None:
        return None
    rows = moments.bins[moments.bins["outcome"] == outcome]
    if rows.empty:
        return None
    numbers, place = np.unique(rows["bin"].to_numpy(dtype=np.int64), return_inverse=True)
    low, high = edges(numbers)
    return Distribution(
        low=low,
        high=high,
        unit=np.asarray(moments.units.index.get_indexer(pd.Index(rows["unit"])), dtype=np.intp),
        month=np.searchsorted(np.asarray(moments.months), rows["month"].to_numpy()),
        bin=place,
        weight=rows["w"].to_numpy(dtype=float),
        total=rows["wy"].to_numpy(dtype=float),
    )
