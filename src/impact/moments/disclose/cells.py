"""Which cells are released, and what they say. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.moments.disclose.draws import labels, rounded, uniforms
from impact.moments.disclose.groups import Groups, are_counts, blurred, dominated
from impact.moments.disclose.rules import Rules
from impact.moments.moments import CELL_COLUMNS, Floats, Moments

KEYS = ["unit", "month", "outcome"]
_SAME = 1e-8
"""How far two sums may differ, relative to them, and still be those of the same workers."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as they were, why some are withheld, and what the others say."""

    table: pd.DataFrame
    """The cells as they were."""
    reason: np.ndarray
    """Rule by which a cell is withheld; empty text where it is released."""
    uniform: Floats
    """Draws of each cell; shape (cells, 4)."""
    safe: pd.DataFrame
    """The cells that are released, as they are released."""
    counts: tuple[str, ...]
    """Outcomes that are zero or one."""

    @property
    def released(self) -> np.ndarray:
        """Whether a cell is released."""
        return np.asarray(self.reason == "")


def groups_of(table: pd.DataFrame) -> Groups:
    """Read sums from a table of cells."""
    return Groups(*(table[name].to_numpy(dtype=float) for name in CELL_COLUMNS[3:]))


def safe_cells(moments: Moments, rules: Rules, key: bytes, largest: pd.DataFrame | None, released: Sequence[Moments]) -> Cells:
    """Withhold cells that rest on too few workers, are dominated, differ little from what is out already, or belong to units seldom seen."""
    table = moments.cells.reset_index(drop=True)
    groups, reason = groups_of(table), np.full(len(table), "", dtype=object)
    counts = tuple(name for name in moments.outcomes if are_counts(groups_of(table[table["outcome"] == name])))
    reason[_is_dominated(table, groups, rules, largest) & ~table["outcome"].isin(counts).to_numpy()] = "dominance"
    for earlier in released:
        reason[_is_near(table, earlier.cells, rules)] = "difference"
    reason[groups.n < rules.threshold] = "threshold"
    months = table["unit"].map(table[reason == ""].groupby("unit")["month"].nunique()).fillna(0).to_numpy()
    reason[(reason == "") & (months < rules.least_months)] = "months"
    sums = (table[name].astype(float) for name in CELL_COLUMNS[3:])
    uniform = uniforms(key, labels(["cell"] * len(table), table["unit"], table["month"], table["outcome"], *sums))
    return Cells(table, reason, uniform, _safe(table, groups, uniform, reason == "", counts, rules), counts)


def _safe(table: pd.DataFrame, groups: Groups, uniform: Floats, out: np.ndarray, counts: Sequence[str], rules: Rules) -> pd.DataFrame:
    n = rounded(groups.n, rules.base, uniform[:, 0], rules.threshold)
    safe = table[KEYS].assign(n=n.astype("int64"))
    for is_count in (False, True):
        rows = np.asarray(table["outcome"].isin(counts)) == is_count
        part = Groups(*(getattr(groups, name)[rows] for name in CELL_COLUMNS[3:]))
        found = blurred(part, n[rows], uniform[rows], rules, is_count)
        for name in CELL_COLUMNS[4:]:
            safe.loc[rows, name] = getattr(found, name)
    return safe.loc[out, list(CELL_COLUMNS)].reset_index(drop=True)


def _is_dominated(table: pd.DataFrame, groups: Groups, rules: Rules, largest: pd.DataFrame | None) -> np.ndarray:
    """Judge by the share that is known; where it is not, withhold unless dominance is ruled out."""
    bound = dominated(groups, rules)
    if largest is None:
        return bound
    share = (
        table[KEYS]
        .merge(largest[[*KEYS, "largest_share"]], on=KEYS, how="left", validate="one_to_one")["largest_share"]
        .to_numpy(dtype=float)
    )
    return np.where(np.isnan(share), bound, share > rules.dominance)


def _is_near(table: pd.DataFrame, earlier: pd.DataFrame, rules: Rules) -> np.ndarray:
    """Say which cells differ from those of the same unit, month and outcome, that are out already, by too few workers."""
    other = table[KEYS].merge(earlier[list(CELL_COLUMNS)], on=KEYS, how="left", validate="one_to_one")
    near = (table["n"] - other["n"]).abs().to_numpy(dtype=float) < rules.threshold
    same = np.ones(len(table), dtype=bool)
    for name in CELL_COLUMNS[3:]:
        same &= np.isclose(table[name].astype(float), other[name].astype(float), rtol=_SAME, atol=1e-12)
    return np.asarray(near & ~same)
