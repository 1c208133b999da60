"""The few megabytes that a panel is compressed to, and from which every estimate is computed exactly. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.errors import DesignError
from impact.moments.patterns import Patterns
from impact.months import Period

Floats = NDArray[np.float64]

ATTRIBUTES = ("first_covered", "cluster")
"""Columns that must be constant within a unit and that travel with it."""

CELL_COLUMNS = ("unit", "month", "outcome", "n", "w", "w2", "wy", "wy2")
"""Columns of `Moments.cells`: rows, Σw, Σw², Σwy, Σwy² over the workers of a unit seen in a month."""

WORKER_COLUMNS = ("unit", "outcome", "workers", "w")
"""Columns of `Moments.workers`: distinct workers of a unit, and the sum of their mean weights."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over workers by unit and month.

    `units` has one row per unit, indexed by unit id (text), with what is constant in the unit: `first_covered` (float, missing = never) and
    `cluster` (text) where known, and the columns that units were told apart by. Units are sorted by id; `months` ascend.
    """

    period: Period
    months: tuple[int, ...]
    units: pd.DataFrame
    cells: pd.DataFrame
    workers: pd.DataFrame
    pairs: Mapping[str, Floats] | None = None
    """By outcome, an array of shape (units, 2M + 1, 2M + 1) with M months: in each unit the sum over workers of z zᵀ, where z holds the worker's
    w·y by month, then the worker's w by month, then the mean weight. None where a unit is one worker, whose pairs follow from the cells."""
    patterns: Mapping[str, Patterns] | None = None
    """By outcome, the workers by the set of months in which they are seen. None where a unit is one worker, or they were not asked for."""
    bins: pd.DataFrame | None = None
    """Distributions by unit, month and bin, with the columns of `bins.BIN_COLUMNS`."""
    spells: pd.DataFrame | None = None
    """Entries, exits and open ends by unit, month of entry and tenure, with the columns of `spells.SPELL_COLUMNS`."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes held, in order."""
        return tuple(sorted(self.cells["outcome"].unique()))

    @property
    def one_worker_per_unit(self) -> bool:
        """Say whether every unit is a single worker, as in a textbook panel."""
        return bool((self.workers["workers"] == 1).all())

    def array(self, outcome: str, column: str) -> Floats:
        """Lay one column of `cells` out as an array of shape (units, months), zero where nobody is seen."""
        rows = self.cells[self.cells["outcome"] == outcome]
        if rows.empty:
            raise DesignError(
                f"moments: there is no outcome `{outcome}`.\nFound: {', '.join(self.outcomes)}.\nCompress the panel again with this outcome."
            )
        laid = np.zeros((len(self.units), len(self.months)))
        unit_at = self.units.index.get_indexer(pd.Index(rows["unit"]))
        month_at = np.searchsorted(np.asarray(self.months), rows["month"].to_numpy())
        laid[unit_at, month_at] = rows[column].to_numpy(dtype=float)
        return laid

    def worker_weight(self, outcome: str) -> Floats:
        """Give for each unit the sum over its workers of their mean weight; shape (units,)."""
        rows = self.workers[self.workers["outcome"] == outcome].set_index("unit")["w"]
        return rows.reindex(self.units.index, fill_value=0.0).to_numpy(dtype=float)

    def worker_count(self, outcome: str) -> Floats:
        """Give for each unit the number of its workers; shape (units,)."""
        rows = self.workers[self.workers["outcome"] == outcome].set_index("unit")["workers"]
        return rows.reindex(self.units.index, fill_value=0).to_numpy(dtype=float)

    def sizes(self) -> pd.DataFrame:
        """Say how much is left of the rows: units, months, outcomes and cells; one row."""
        rows = int(self.cells["n"].sum() / max(1, len(self.outcomes)))
        return pd.DataFrame(
            [{"rows": rows, "units": len(self.units), "months": len(self.months), "outcomes": len(self.outcomes), "cells": len(self.cells)}]
        )
