"""Patterns beside those that are out already, from an earlier bundle or another sample. May touch: nothing.

A month more splits a pattern in two: who stays and who leaves. The old pattern less the one that is still large enough is then the few who left.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.moments.disclose.rules import Rules
from impact.moments.moments import Moments
from impact.moments.patterns import Patterns


def differing_patterns(moments: Moments, earlier: Moments, outcome: str, rules: Rules) -> np.ndarray:
    """Say which patterns may not be released beside the earlier ones.

    Patterns are compared by the months that both hold: workers who share them in a unit are one family. A family is withheld where its members differ from
    the earlier ones by too few workers, or where, in either, the members that are too small to be released add up to too few.
    """
    assert moments.patterns is not None
    found = moments.patterns[outcome]
    if earlier.patterns is None or outcome not in earlier.patterns:
        return np.zeros(len(found.workers), dtype=bool)
    shared = [month for month in moments.months if month in earlier.months]
    keys = _families(moments, found, shared)
    now, before = _sums(keys, moments, found, shared, rules), _before(earlier, outcome, shared, rules)
    both = now.join(before.add_suffix("_before"), how="inner")
    same = np.isclose(both["total"], both["total_before"], rtol=1e-8) & (both["workers"] == both["workers_before"])
    near = ~same & ((both["workers"] - both["workers_before"]).abs() < rules.threshold)
    few = both[["small", "small_before"]]
    split = ((few > 0) & (few < rules.threshold)).any(axis=1) & (both[["workers", "workers_before"]].max(axis=1) >= rules.threshold)
    return np.isin(keys, both.index[near | split])


def _before(earlier: Moments, outcome: str, shared: list[int], rules: Rules) -> pd.DataFrame:
    assert earlier.patterns is not None
    found = earlier.patterns[outcome]
    return _sums(_families(earlier, found, shared), earlier, found, shared, rules)


def _families(moments: Moments, found: Patterns, shared: list[int]) -> np.ndarray:
    """Name the unit and the shared months in which workers are seen; empty where they are seen in none."""
    cut = found.seen[:, np.isin(moments.months, shared)]
    words = ["".join(row) for row in np.where(cut, "1", "0")]
    units = moments.units.index[found.unit]
    return np.array([f"{unit} | {word}" if "1" in word else "" for unit, word in zip(units, words, strict=True)], dtype=object)


def _sums(keys: np.ndarray, moments: Moments, found: Patterns, shared: list[int], rules: Rules) -> pd.DataFrame:
    """Add up families: workers, those in members too small, and the outcome over the shared months."""
    total = found.total[:, np.isin(moments.months, shared)].sum(axis=1)
    small = np.where(found.workers < rules.threshold, found.workers, 0.0)
    table = pd.DataFrame({"key": keys, "workers": found.workers, "small": small, "total": total})
    return table[table["key"] != ""].groupby("key").sum()
