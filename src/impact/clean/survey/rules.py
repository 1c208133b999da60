"""What rules on submissions met, counted for the audit and listed row by row. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from impact.clean.audit import Action, Rule
from impact.clean.rules import TOUCHED
from impact.sources.dataset import FILE, ROW
from impact.text import Text

_EXAMPLES = 3
_LISTED = ("changed", "dropped", "flagged")


@dataclass(frozen=True, slots=True)
class Met:
    """A rule and the cells, or whole rows, that it met."""

    id: str
    action: Action
    name: Text
    why: Text
    places: tuple[int, ...]
    """Index of the row in the table as received; a row stands once for each of its cells."""
    columns: tuple[str, ...]
    """Column of each place, as the file names it; empty where the whole row is meant."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a rule is called and why it is there, before it is used."""

    id: str
    action: Action
    name: Text
    why: Text

    def rows(self, met: pd.Series[bool], column: str = "") -> Met:
        """Say which rows it met, all in one column or as whole rows; a missing answer is no."""
        yes = met.fillna(False).astype(bool)
        places = tuple(int(place) for place in yes.index[yes.to_numpy()])
        return Met(self.id, self.action, self.name, self.why, places, (column,) * len(places))

    def cells(self, met: Sequence[tuple[int, str]]) -> Met:
        """Say which cells it met, as (place, column)."""
        ordered = sorted(met)
        return Met(self.id, self.action, self.name, self.why, tuple(place for place, _ in ordered), tuple(column for _, column in ordered))


def dropped(mets: Sequence[Met], index: pd.Index[Any]) -> NDArray[np.bool_]:
    """Tell which rows at least one rule drops."""
    gone = {place for met in mets if met.action == "dropped" for place in met.places}
    return np.asarray(index.isin(gone), dtype=bool)


def counted(mets: Sequence[Met], rows: pd.DataFrame) -> tuple[Rule, ...]:
    """Count what each rule met; a row that several rules drop counts under the first of them.

    `rows` are the rows as received, with `file_` and `row_`, and the index 0, 1, 2 …
    """
    files, numbers = rows[FILE].tolist(), rows[ROW].tolist()
    gone: set[int] = set()
    rules = []
    for met in mets:
        places = sorted(set(met.places) - gone if met.action == "dropped" else set(met.places))
        gone |= set(places) if met.action == "dropped" else set()
        examples = tuple(f"{files[place]}, row {numbers[place]}" for place in places[:_EXAMPLES])
        rules.append(Rule(met.name, met.action, len(places), met.why, met.id, examples))
    return tuple(rules)


def touched(mets: Sequence[Met], rows: pd.DataFrame) -> pa.Table:
    """List every row that a rule changed, dropped or flagged, under each rule that met it."""
    files, numbers = rows[FILE].tolist(), rows[ROW].tolist()
    lines = [
        {"rule": met.id, "action": met.action, "file": files[place], "row": numbers[place], "column": column}
        for met in mets
        if met.action in _LISTED
        for place, column in zip(met.places, met.columns, strict=True)
    ]
    return pa.Table.from_pylist(lines, TOUCHED)
