"""Randomness that is the same in every run and unknown outside: drawn from a keyed digest of what it protects. May touch: nothing.

The same group gets the same draw in every bundle, so that asking again averages nothing out; a group that differs by one worker gets another draw
(the cell key method: Hundepool et al., ch. 5; Thompson, Broadfoot and Elazar 2013).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import norm

from impact.moments.moments import Floats

_WORDS = 4
"""Draws taken from one digest of 32 bytes."""
_WIDEST = 3.0
"""Standard deviations beyond which no draw lies."""


def labels(*columns: Iterable[object]) -> list[str]:
    """Write what a group is and holds; sums to eight digits, as engines add in their own order."""
    return [" | ".join(f"{value:.8g}" if isinstance(value, float) else str(value) for value in row) for row in zip(*columns, strict=True)]


def uniforms(key: bytes, names: Sequence[str]) -> Floats:
    """Draw four numbers between zero and one for each name; shape (names, 4)."""
    digests = b"".join(hmac.digest(key, name.encode(), "sha256") for name in names)
    words = np.frombuffer(digests, dtype=">u8").reshape(len(names), _WORDS)
    return np.asarray((words.astype(float) + 0.5) / 2.0**64)


def normals(uniform: Floats) -> Floats:
    """Turn uniform draws into standard normal ones, cut off at three standard deviations."""
    tail = norm.cdf(-_WIDEST)
    return np.asarray(norm.ppf(tail + uniform * (1 - 2 * tail)))


def rounded(counts: Floats, base: int, uniform: Floats, least: int = 0) -> Floats:
    """Round counts at random to multiples of `base`, without bias; what is at least `least` stays so."""
    steps = np.asarray(counts, dtype=float) / base
    floor = np.floor(steps + 1e-9)
    found = base * (floor + (uniform < steps - floor))
    lowest = base * np.ceil(least / base)
    return np.where(np.asarray(counts) >= max(least, 1e-9), np.maximum(found, lowest), found)
