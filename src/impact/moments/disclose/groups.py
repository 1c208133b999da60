"""Sums over a group of workers, made safe: a drawn worker is added, and the count is rounded. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.moments.disclose.draws import normals, rounded
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Floats

_LIGHTEST, _HEAVIEST = 0.2, 3.0
"""Weight of the drawn worker, relative to the mean weight of the group."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Sums over groups of workers; arrays of one shape."""

    n: Floats
    w: Floats
    w2: Floats
    wy: Floats
    wy2: Floats

    @property
    def mean(self) -> Floats:
        """Weighted mean; zero where nobody is."""
        return ratio(self.wy, self.w)

    @property
    def variance(self) -> Floats:
        """Weighted variance; values at the level of rounding are zero."""
        squares = ratio(self.wy2, self.w)
        found = squares - self.mean**2
        return np.where(found > 1e-12 * squares, found, 0.0)


def dominated(groups: Groups, rules: Rules) -> np.ndarray:
    """Say where one worker may have more than the allowed share of the total, as far as count, mean and variance tell.

    No value lies further from the mean than s·√(n − 1) (Samuelson 1968, doi:10.1080/01621459.1968.10480944), so that no share is above
    (1 + √(n − 1)·s/|m|)/n. Groups in which everybody has the same value are not dominated.
    """
    n, spread, size = groups.n, np.sqrt(groups.variance), np.abs(groups.mean)
    bound = (size + np.sqrt(np.maximum(n - 1, 0)) * spread) / np.maximum(n, 1)
    return np.asarray((bound > rules.dominance * size) & (spread > 0))


def are_counts(groups: Groups) -> bool:
    """Say whether the outcome is zero or one for everybody, so that its sum is a count."""
    return bool(np.allclose(groups.wy, groups.wy2, rtol=1e-9, atol=1e-12))


def blurred(groups: Groups, n: Floats, uniform: Floats, rules: Rules, counts: bool) -> Groups:
    """Add a drawn worker to each group and scale to `n` workers; a count of ones is rounded like every count.

    `uniform` has the four draws of a group along its last axis; the first belongs to `n`.
    """
    drawn = drawn_weight(groups, uniform, rules)
    value = groups.mean + np.sqrt(groups.variance) * normals(uniform[..., 1])
    scale = ratio(n, groups.n + rules.drawn)
    mean = ratio(groups.wy + drawn * value, groups.w + drawn)
    variance = np.maximum(ratio(groups.wy2 + drawn * value**2, groups.w + drawn) - mean**2, 0.0)
    if counts:
        mean = _share_of_ones(groups, n, uniform[..., 3], rules)
        variance = mean * (1 - mean)
    w, w2 = (groups.w + drawn) * scale, (groups.w2 + drawn**2) * scale
    return Groups(n, w, w2, w * mean, w * (variance + mean**2))


def drawn_weight(groups: Groups, uniform: Floats, rules: Rules) -> Floats:
    """Weigh the drawn worker as the group's workers are weighed."""
    mean = ratio(groups.w, groups.n)
    spread = np.sqrt(np.maximum(ratio(groups.w2, groups.n) - mean**2, 0.0))
    spread = np.where(spread > 1e-7 * mean, spread, 0.0)
    return np.asarray(rules.drawn * np.clip(mean + spread * normals(uniform[..., 2]), _LIGHTEST * mean, _HEAVIEST * mean))


def _share_of_ones(groups: Groups, n: Floats, uniform: Floats, rules: Rules) -> Floats:
    ones = groups.mean * groups.n
    everybody = ones >= groups.n - 1e-6
    return np.where(everybody, np.where(groups.n > 0, 1.0, 0.0), np.clip(ratio(rounded(ones, rules.base, uniform), n), 0.0, 1.0))


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide; zero where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)


def three_digits(values: Floats | pd.Series[float]) -> Floats:
    """Keep three digits of mean weights, which would otherwise tell one weight from another."""
    return np.array([float(f"{value:.3g}") for value in values])
