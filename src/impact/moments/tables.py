"""Moments as plain tables, for Parquet, and back. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from impact.moments.moments import Floats, Moments
from impact.moments.patterns import Patterns, patterns_frame, patterns_of

PARTS = ("months", "units", "cells", "workers", "pairs", "patterns", "pattern_pairs", "bins", "spells")
"""Names of the tables that moments may have."""


def to_tables(moments: Moments) -> dict[str, pd.DataFrame]:
    """Give the parts as plain tables."""
    period = pd.DataFrame({"period": [moments.period] * len(moments.months), "month": moments.months})
    tables = {"months": period, "units": moments.units.reset_index(), "cells": moments.cells, "workers": moments.workers}
    if moments.pairs is not None:
        parts = [_long(gram, moments.units.index).assign(outcome=name) for name, gram in moments.pairs.items()]
        tables["pairs"] = pd.concat(parts, ignore_index=True)
    if moments.patterns is not None:
        frames = [
            patterns_frame(found, moments.months, moments.units.index).assign(outcome=name) for name, found in moments.patterns.items()
        ]
        tables["patterns"] = pd.concat(frames, ignore_index=True)
        grams = [_long(found.pairs).assign(outcome=name) for name, found in moments.patterns.items() if found.pairs is not None]
        tables |= {"pattern_pairs": pd.concat(grams, ignore_index=True)} if grams else {}
    tables |= {"bins": moments.bins} if moments.bins is not None else {}
    tables |= {"spells": moments.spells} if moments.spells is not None else {}
    return tables


def from_tables(tables: Mapping[str, pd.DataFrame]) -> Moments:
    """Read back what `to_tables` gave."""
    units = tables["units"].set_index("unit")
    months = tuple(int(month) for month in tables["months"]["month"])
    size = 2 * len(months) + 1
    return Moments(
        period=tables["months"]["period"].iloc[0],
        months=months,
        units=units,
        cells=tables["cells"],
        workers=tables["workers"],
        pairs=_by_outcome(tables["pairs"], units.index, len(units), size) if "pairs" in tables else None,
        patterns=_patterns(tables, months, units.index) if "patterns" in tables else None,
        bins=tables.get("bins"),
        spells=tables.get("spells"),
    )


def _patterns(tables: Mapping[str, pd.DataFrame], months: tuple[int, ...], units: pd.Index) -> dict[str, Patterns]:
    found = {str(name): patterns_of(rows, months, units) for name, rows in tables["patterns"].groupby("outcome")}
    grams = tables.get("pattern_pairs")
    if grams is None:
        return found
    return {name: _paired(patterns, grams[grams["outcome"] == name], 2 * len(months) + 1) for name, patterns in found.items()}


def _paired(patterns: Patterns, rows: pd.DataFrame, size: int) -> Patterns:
    gram = np.zeros((len(patterns.workers), size, size))
    gram[rows["place"], rows["row"], rows["column"]] = rows["value"]
    return patterns.with_pairs(gram)


def _long(gram: Floats, units: pd.Index | None = None) -> pd.DataFrame:
    place, row, column = np.nonzero(gram)
    where = {"place": place} if units is None else {"unit": units[place]}
    return pd.DataFrame({**where, "row": row, "column": column, "value": gram[place, row, column]})


def _by_outcome(table: pd.DataFrame, units: pd.Index, count: int, size: int) -> dict[str, Floats]:
    pairs: dict[str, Floats] = {}
    for outcome, rows in table.groupby("outcome"):
        gram = np.zeros((count, size, size))
        gram[units.get_indexer(pd.Index(rows["unit"])), rows["row"], rows["column"]] = rows["value"]
        pairs[str(outcome)] = gram
    return pairs
