"""How many orders a working day brings, exactly as the world file says over all days, though people differ. May touch: nothing.

A day's orders are Q(G(x)): x is normal, part of it lasting with the person; G is the distribution of x over all working days, full-timers' and part-timers'
together; Q is the quantile function of orders over working days. So the shares of days in the file's bins come out whatever lasts and whatever does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from impact.simulate.world_parts import Work

Floats = NDArray[np.float64]
LASTING = 0.30
"""Share of the variance of x that lasts with the person [A]."""
_SHIFTS = (0.45, -0.85)
"""Mean of x on the days of full-timers and of part-timers [A]."""
_GRID = np.linspace(-6.0, 6.0, 4801)
_BINS = (1, 5, 10, 15)
"""First number of orders in each bin of `day_orders`."""


@dataclass(frozen=True, slots=True)
class OrderLaw:
    """Orders on a working day as a function of x."""

    orders: NDArray[np.int32]
    """Orders at each point of the grid."""
    sd_between: float
    """Standard deviation over full-timers of the log of their mean orders a day."""
    sd_within: float
    """Standard deviation of the log of one full-timer's monthly orders around that mean, over a full month."""

    def at(self, full_time: NDArray[np.bool_], ability: NDArray[np.float32], noise: NDArray[np.float32]) -> NDArray[np.int32]:
        """Give the orders of days, from what lasts with the person and what the day brings; all arrays of one shape."""
        x = np.float32(LASTING**0.5) * ability + np.float32((1 - LASTING) ** 0.5) * noise
        x += np.where(full_time, np.float32(_SHIFTS[0]), np.float32(_SHIFTS[1]))
        place = np.clip((x + np.float32(6.0)) * np.float32(400.0), 0, len(self.orders) - 1).astype(np.int32)
        return np.asarray(self.orders[place])


def order_law(work: Work) -> OrderLaw:
    """Tabulate the law of orders of an industry."""
    part_time_days = work.days_part_time[0] / sum(work.days_part_time)
    full, part = work.full_time_share * work.days_full_time, (1 - work.full_time_share) * part_time_days
    weight = full / (full + part)
    reached = weight * stats.norm.cdf(_GRID - _SHIFTS[0]) + (1 - weight) * stats.norm.cdf(_GRID - _SHIFTS[1])
    orders = _quantiles(work, reached)
    between, within = _spread(orders, 30 * work.days_full_time)
    return OrderLaw(orders, between, within)


def _quantiles(work: Work, probability: Floats) -> NDArray[np.int32]:
    if work.day_orders is None:
        drawn = stats.gamma.ppf(probability, work.orders_shape, scale=(work.orders_mean - 0.5) / work.orders_shape)
        return np.asarray(1 + np.floor(drawn), dtype=np.int32)
    ends = np.cumsum(work.day_orders)
    starts = np.r_[0.0, ends[:-1]]
    bin_ = np.minimum(np.searchsorted(ends, probability, side="right"), len(ends) - 1)
    inside = np.clip((probability - starts[bin_]) / np.asarray(work.day_orders)[bin_], 0, 1 - 1e-9)
    even = np.array([_BINS[place] + (_BINS[place + 1] - _BINS[place]) * inside for place in range(3)])[
        np.minimum(bin_, 2), np.arange(len(inside))
    ]
    tail = _BINS[3] - np.log1p(-inside) * _tail_mean(work)
    return np.floor(np.where(bin_ == 3, tail, even)).astype(np.int32)


def _tail_mean(work: Work) -> float:
    """Choose the scale of the exponential tail so that the mean comes out."""
    assert work.day_orders is not None
    middle = [(_BINS[place] + _BINS[place + 1] - 1) / 2 for place in range(3)]
    below = float(np.dot(work.day_orders[:3], middle))
    return (work.orders_mean - below) / work.day_orders[3] - _BINS[3] + 0.5


def _spread(orders: NDArray[np.int32], days: float) -> tuple[float, float]:
    """Measure how much full-timers' mean orders differ, and how much a month of one of them moves, in logs."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    x = LASTING**0.5 * points[:, None] + (1 - LASTING) ** 0.5 * points[None, :] + _SHIFTS[0]
    at = orders[np.clip((x + 6.0) * 400.0, 0, len(orders) - 1).astype(int)].astype(float)
    mean = at @ weights
    variance = (at**2) @ weights - mean**2
    logs = np.log(mean)
    between = float(np.sqrt(weights @ logs**2 - (weights @ logs) ** 2))
    return between, float(np.sqrt(weights @ (variance / mean**2 / days)))
