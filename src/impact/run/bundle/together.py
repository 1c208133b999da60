"""Moments of several samples made safe together: what is withheld of one must not follow from another. May touch: nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from impact.errors import DataError
from impact.moments.disclose.disclose import Disclosed, disclose
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Floats, Moments
from impact.moments.patterns import Patterns


def disclose_together(
    held: Mapping[str, Moments], rules: Rules, key: bytes, first: str, percent: Collection[str] = ()
) -> dict[str, Disclosed]:
    """Apply the rules to each sample, `first` as if it left alone, the others as if all before them were out already; one of which nothing may leave is not in the result.

    `percent` are outcomes in per cent. The rules see them as shares, so that a yes or no of each worker, written as 0 or 100, is treated as the count that it is.
    Raises DataError where nothing of `first` may leave.
    """
    inside = {name: _scaled(moments, percent, 0.01) for name, moments in held.items()}
    disclosed: dict[str, Disclosed] = {}
    for name in (first, *(other for other in held if other != first)):
        try:
            disclosed[name] = disclose(inside[name], rules, key, released=[inside[earlier] for earlier in disclosed])
        except DataError:
            if name == first:
                raise
    return {name: replace(found, moments=_scaled(found.moments, percent, 100.0)) for name, found in disclosed.items()}


def _scaled(moments: Moments, outcomes: Collection[str], factor: float) -> Moments:
    """Write outcomes in another unit of measurement."""
    rows = moments.cells["outcome"].isin(list(outcomes)).to_numpy()
    times = np.where(rows, factor, 1.0)
    cells = moments.cells.assign(wy=moments.cells["wy"] * times, wy2=moments.cells["wy2"] * times**2)
    load = np.r_[np.full(len(moments.months), factor), np.ones(len(moments.months) + 1)]
    pairs, patterns = moments.pairs, moments.patterns
    if pairs is not None:
        pairs = {name: gram * np.outer(load, load) if name in outcomes else gram for name, gram in pairs.items()}
    if patterns is not None:
        patterns = {name: _scaled_patterns(found, factor, load) if name in outcomes else found for name, found in patterns.items()}
    return replace(moments, cells=cells, pairs=pairs, patterns=patterns)


def _scaled_patterns(found: Patterns, factor: float, load: Floats) -> Patterns:
    pairs = None if found.pairs is None else found.pairs * np.outer(load, load)
    square, between = found.square * factor**2, found.between * factor**2
    return replace(found, total=found.total * factor, square=square, between=between, pairs=pairs)
