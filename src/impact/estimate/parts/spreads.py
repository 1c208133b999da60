"""Distributions over bins, in many draws at once: ranks, quantiles, and what one distribution makes of another's ranks.

Outcomes of a bin lie evenly around the mean of those in it, as far as the nearer edge: a bin that holds one value at its edge is a point. Bins that hold zero
are points. Ranks within a bin are spread evenly over those in it, in each distribution alike, which for outcomes with mass at a point is the discrete model
of Athey and Imbens (2006), section 4, where ranks are independent of groups. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.moments.moments import Floats

Places = NDArray[np.intp]
_TIE = 1e-12
"""Ranks closer than this are equal."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in every draw; D draws, B bins."""

    mass: Floats
    """Share of each bin; shape (D, B); rows sum to one."""
    ranks: Floats
    """Share at or below the end of each bin, with zero before the first; shape (D, B + 1)."""
    mean: Floats
    """Of those in a bin; shape (B,)."""
    reach: Floats
    """How far they lie from it on either side; shape (B,)."""

    @property
    def average(self) -> Floats:
        """Mean of all; shape (D,)."""
        return self.mass @ self.mean


def spread_of(weight: Floats, mean: Floats, low: Floats, high: Floats) -> Spread:
    """Make distributions from the weight in each bin, of shape (D, B), and what bins hold; where a bin holds nobody its mean may be missing."""
    mass = weight / weight.sum(axis=1, keepdims=True)
    ranks = np.concatenate([np.zeros((len(mass), 1)), np.cumsum(mass, axis=1)], axis=1)
    mean = np.where(np.isnan(mean), 0.5 * (low + high), mean)
    reach = np.where((low < 0) & (high > 0), 0.0, np.maximum(np.minimum(mean - low, high - mean), 0.0))
    return Spread(mass, ranks, mean, reach)


def quantiles(spread: Spread, ranks: Floats) -> Floats:
    """Give the values at some ranks, the least with at least so many at or below; shape of `ranks`, (D, P)."""
    return _value(spread, *_located(spread, ranks))


def ranks_through(first: Spread, second: Spread, ranks: Floats) -> Floats:
    """Give the ranks in `second` of the values that have some ranks in `first`; shape (D, P)."""
    place, within = _located(first, ranks)
    low = np.take_along_axis(second.ranks, place, axis=1)
    return np.asarray(low + within * np.take_along_axis(second.mass, place, axis=1))


def average_through(first: Spread, second: Spread, third: Spread) -> Floats:
    """Average the values that `third` has at the ranks in `second` of those in `first`; shape (D,).

    A bin's ranks reach over a stretch in `second`; over that stretch the values of `third` are averaged exactly.
    """
    held = np.flatnonzero(first.mass.any(axis=0))
    held = np.arange(held[0], held[-1] + 1)
    ends = second.ranks[:, held[0] : held[-1] + 2]
    place, within = _located(third, ends)
    width, summed = np.diff(ends, axis=1), _summed(third, place, within)
    wide = width > _TIE
    stretch = np.diff(summed, axis=1) / np.where(wide, width, 1.0)
    value = np.where(wide, stretch, _value(third, place[:, 1:], within[:, 1:]))
    return np.asarray((first.mass[:, held] * value).sum(axis=1))


def share_beyond(first: Spread, second: Spread) -> Floats:
    """Say how many of `first` lie below or above all of `second`; shape (D,)."""
    beyond = (second.ranks[:, 1:] <= _TIE) | (second.ranks[:, :-1] >= 1 - _TIE)
    return np.asarray((first.mass * beyond).sum(axis=1))


def _located(spread: Spread, ranks: Floats) -> tuple[Places, Floats]:
    """Find the bin in which each rank lies, and how much of the bin lies below it; shapes (D, P)."""
    draws, bins = spread.mass.shape
    row = np.arange(draws)[:, None]
    wanted = np.maximum(ranks - _TIE, _TIE) + 2.0 * row
    flat = np.searchsorted((spread.ranks[:, 1:] + 2.0 * row).ravel(), wanted.ravel()).reshape(wanted.shape)
    place = np.clip(flat - bins * row, 0, bins - 1)
    mass, below = np.take_along_axis(spread.mass, place, axis=1), np.take_along_axis(spread.ranks, place, axis=1)
    return place, np.clip((ranks - below) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)


def _value(spread: Spread, place: Places, within: Floats) -> Floats:
    return np.asarray(spread.mean[place] + (2 * within - 1) * spread.reach[place])


def _summed(spread: Spread, place: Places, within: Floats) -> Floats:
    """Integrate the quantiles from rank zero up to some place; shape (D, P)."""
    whole = np.concatenate([np.zeros((len(spread.mass), 1)), np.cumsum(spread.mass * spread.mean, axis=1)], axis=1)
    part = within * (spread.mean[place] + (within - 1) * spread.reach[place])
    return np.asarray(np.take_along_axis(whole, place, axis=1) + np.take_along_axis(spread.mass, place, axis=1) * part)
