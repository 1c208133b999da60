"""Which days of a month are worked, and the orders of each. May touch: nothing.

A month's d working days lie evenly over the L days on which work is possible, at floor(k·L/d + v): no two fall together, and the last one before an exit or a
pause is the day of the exit or pause. What a day brings is a function of account, month and day alone (`streams.mixed`), so that it is the same in the
worlds with and without agreements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from impact.simulate.life import Life
from impact.simulate.orders import OrderLaw
from impact.simulate.population import People
from impact.simulate.streams import mixed

_NOISE: NDArray[np.float32] = stats.norm.ppf((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)
"""A normal number for each 16-bit number."""


@dataclass(frozen=True, slots=True)
class WorkerMonths:
    """The months with work of a chunk, one entry each, account by account and month by month."""

    account: NDArray[np.int64]
    """Place of the account in the chunk."""
    month: NDArray[np.int64]
    days: NDArray[np.int64]
    """Working days."""
    first_day: NDArray[np.int64]
    """Day of the month of the first working day."""
    last_day: NDArray[np.int64]
    orders: NDArray[np.int64]
    day_of_month: NDArray[np.int8] | None
    """Day by day: day of the month; None where days were not asked for. Shape (working days,)."""
    day_orders: NDArray[np.int32]
    """Day by day: orders."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each month's days begin."""
        return np.cumsum(self.days) - self.days


def working_days(life: Life, people: People, intensity: NDArray[np.float32], law: OrderLaw, with_days: bool) -> WorkerMonths:
    """Draw working days and orders of a chunk; `intensity` is the share of days worked, shape (accounts, months)."""
    days, offset = _days(life, people, intensity)
    account, month = np.nonzero(days)
    number = days[account, month].astype(np.int64)
    length = (life.last_day[account, month] - life.first_day[account, month] + 1).astype(np.int64)
    span = length / number
    shift: NDArray[np.float64] = offset[account, month] * span
    backwards = life.ends_here[account, month]
    early, late = life.first_day[account, month].astype(np.int64), life.last_day[account, month].astype(np.int64)
    reach = np.floor((number - 1) * span).astype(np.int64)
    first = np.where(backwards, late - reach, early + np.floor(shift).astype(np.int64))
    last = np.where(backwards, late, early + np.floor((number - 1) * span + shift).astype(np.int64))
    row = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    orders = _orders(people, account, month, row, place, law)
    starts = np.cumsum(number) - number
    by_month = np.add.reduceat(orders, starts) if len(orders) else np.zeros(0, dtype=np.int64)
    dates = _dates(row, place, span, shift, backwards, early, late, number) if with_days else None
    return WorkerMonths(account, month, number, first, last, by_month.astype(np.int64), dates, orders)


def _days(life: Life, people: People, intensity: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Round the number of working days up or down by chance; at least one where some day is worked for certain."""
    shape = life.first_day.shape
    possible = np.where(life.first_day > 0, life.last_day - life.first_day + 1, 0)
    keys = np.asarray((people.key[:, None] << np.uint64(8)) + np.arange(shape[1]).astype(np.uint64), dtype=np.uint64)
    random = mixed(keys, 1)
    up = ((random >> np.uint64(40)).astype(np.float32)) / np.float32(2**24)
    offset = ((random & np.uint64(0xFFFFFF)).astype(np.float32)) / np.float32(2**24)
    days = np.minimum(np.floor(intensity * possible + up), possible).astype(np.int16)
    certain = life.ends_here | life.begins_here
    return np.where(certain & (possible > 0), np.maximum(days, 1), days), offset


def _orders(
    people: People,
    account: NDArray[np.int64],
    month: NDArray[np.int64],
    row: NDArray[np.int64],
    place: NDArray[np.int64],
    law: OrderLaw,
) -> NDArray[np.int32]:
    keys: NDArray[np.uint64] = (people.key[account] << np.uint64(16)) + (month.astype(np.uint64) << np.uint64(8))
    each: NDArray[np.uint64] = np.add(keys[row], place.astype(np.uint64), dtype=np.uint64)
    noise = _NOISE[(mixed(each, 2) >> np.uint64(48)).astype(np.int64)]
    ability, full_time = people.ability.astype(np.float32)[account], people.full_time[account]
    return law.at(full_time[row], ability[row], noise)


def _dates(
    row: NDArray[np.int64],
    place: NDArray[np.int64],
    span: NDArray[np.float64],
    shift: NDArray[np.float64],
    backwards: NDArray[np.bool_],
    early: NDArray[np.int64],
    late: NDArray[np.int64],
    number: NDArray[np.int64],
) -> NDArray[np.int8]:
    forward = early[row] + np.floor(place * span[row] + shift[row]).astype(np.int64)
    backward = late[row] - np.floor((number[row] - 1 - place) * span[row]).astype(np.int64)
    return np.where(backwards[row], backward, forward).astype(np.int8)
