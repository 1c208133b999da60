"""Who is there when: entry, pauses, exit, closure of the account. May touch: nothing.

Time goes month by month for a whole chunk at once. Random numbers are drawn for every account and month beforehand, so that the same people meet the same luck
in a world without agreements: the difference between the two worlds is the effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.population import STOCK, Bools, Floats, Integers, People, Pool
from impact.simulate.scene import NEVER, Scene
from impact.simulate.streams import stream

CAUSES = ("voluntary", "deactivated", "switched")
"""Why people leave; the last one goes on elsewhere."""
_CAUSE_SHARES = (0.60, 0.10, 0.30)
OPEN, CLOSED, PURGED = 0, 1, 2
_SPARE = 28
"""Days of a month in which a pause may end."""
Days = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Luck:
    """Random numbers of a chunk; arrays of shape (accounts, months) unless said otherwise."""

    exit: NDArray[np.float32]
    pause: NDArray[np.float32]
    day: NDArray[np.float32]
    """Where in the month an exit or a pause falls."""
    end: NDArray[np.float32]
    """Where in the month a pause ends."""
    cause: Floats
    """Shape (accounts,)."""
    closing: Floats
    """Shape (accounts,)."""
    purge: Floats
    """Shape (accounts,)."""


@dataclass(frozen=True, slots=True)
class Life:
    """When the people of a chunk are there; arrays of shape (accounts, months) or (accounts,)."""

    first_day: Days
    """First day of the month on which work is possible; 0 where none is."""
    last_day: Days
    ends_here: Bools
    """Whether `last_day` is worked for certain, because an exit or a pause begins after it."""
    begins_here: Bools
    """Whether the month is the first one, or the first one after a pause, so that some day is worked for certain."""
    log_hazard: NDArray[np.float32]
    """What agreements, events and shocks add to the log hazard."""
    exit: Integers
    """Month of the last working day of all; NEVER for those still there. Shape (accounts,)."""
    exit_day: Integers
    cause: Integers
    """Place in CAUSES."""
    closed: Integers
    """Month in which the account is closed; NEVER where it is not."""
    closing: Integers
    """OPEN, CLOSED or PURGED."""

    @property
    def in_service(self) -> Bools:
        """Whether somebody is between the first and the last working day in a month, pauses included."""
        months = np.arange(self.first_day.shape[1])
        begun = np.logical_or.accumulate(self.first_day > 0, axis=1)
        return np.asarray(begun & (months[None, :] <= self.exit[:, None]))


def luck_of(scene: Scene, pool: Pool, chunk: int, size: int) -> Luck:
    """Draw the luck of a chunk."""
    draw, shape = stream(scene.world.seed, "life", pool.name, chunk), (size, scene.world.months)
    exits, pauses, days, ends = (draw.random(shape, dtype=np.float32) for _ in range(4))
    return Luck(exits, pauses, days, ends, draw.random(size), draw.random(size), draw.random(size))


def live(scene: Scene, pool: Pool, people: People, luck: Luck) -> Life:
    """Walk a chunk through the months of a world."""
    world, work = scene.world, scene.world.work[pool.industry]
    size, lengths = len(people.entry), month_lengths(world.first, world.months)
    log_hazard = _log_hazard(scene, pool, people)
    first, last = np.zeros((2, size, world.months), dtype=np.int8)
    ends, begins = np.zeros((2, size, world.months), dtype=bool)
    left, left_day = np.full(size, NEVER), np.zeros(size, dtype=np.int64)
    away = np.full(size, -NEVER)
    """Month in which the last pause began."""
    pauses_an_exit = work.return_share / (1 - work.return_share)
    for month in range(world.months):
        here = people.active & (people.entry <= month) & (left == NEVER)
        resting, back = here & (away == month - 1), here & (away == month - 2)
        tenure, exposed = _tenure(people, month, back)
        risk = people.frailty * (pool.law.reached(tenure + exposed) - pool.law.reached(tenure)) * np.exp(log_hazard[:, month])
        chance = -np.expm1(-risk)
        working = here & ~resting
        exits = working & (luck.exit[:, month] < chance)
        pauses = working & ~exits & (luck.pause[:, month] < chance * pauses_an_exit)
        start = _first_days(people, luck, month, lengths[month], back)
        stop = np.where(exits | pauses, start + (luck.day[:, month] * (lengths[month] + 1 - start)).astype(np.int64), lengths[month])
        first[:, month], last[:, month] = np.where(working, start, 0), np.where(working, stop, 0)
        ends[:, month], begins[:, month] = exits | pauses, working & (back | (people.entry == month))
        left[exits], left_day[exits], away[pauses] = month, stop[exits], month
    cause = np.searchsorted(np.cumsum(_CAUSE_SHARES)[:-1], luck.cause, side="right")
    closed, closing = _closures(scene, pool, people, luck, left)
    return Life(first, last, ends, begins, log_hazard, left, left_day, cause, closed, closing)


def month_lengths(first: int, months: int) -> Integers:
    """Give the number of days of each month."""
    return np.diff(month_starts(first, months)).astype(np.int64)


def month_starts(first: int, months: int) -> NDArray[np.datetime64]:
    """Give the first day of each month, and of the one after the last; `first` counts months from January of year 0."""
    return (np.datetime64("0000-01", "M") + np.arange(first, first + months + 1)).astype("datetime64[D]")


def covering_places(scene: Scene, pool: Pool) -> list[str]:
    """Name the groups of a pool that an agreement covers."""
    return [name for name in pool.groups if name in scene.covering(pool.local)]


def first_covered(scene: Scene, pool: Pool, people: People) -> Integers:
    """Give the first covered month of each account; NEVER where none is."""
    held = scene.covering(pool.local)
    return np.array([held[name].start if name in held else NEVER for name in pool.groups])[people.group]


def _log_hazard(scene: Scene, pool: Pool, people: People) -> NDArray[np.float32]:
    """Add up shocks, events, agreements, spillovers and income; shape (accounts, months)."""
    asked = scene.world.people
    deviation = asked.income_slope * asked.income_sd_between
    total: NDArray[np.float32] = scene.log_hazard[people.platform, (people.city == 0).astype(int)].astype(np.float32)
    total += (deviation * people.ability - deviation**2 / 2).astype(np.float32)[:, None]
    if scene.world.hardship_score:
        asked_score = scene.world.hardship_score
        total += (asked_score.hazard_slope * (people.score - asked_score.mean)).astype(np.float32)[:, None]
    total += np.where(people.multi_home[:, None], scene.spillover[people.platform], 0.0).astype(np.float32)
    held = scene.covering(pool.local)
    for name in covering_places(scene, pool):
        for eligible in (False, True):
            mine = (people.group == pool.groups.index(name)) & (people.eligible == eligible)
            total[mine] += held[name].log_hazard(scene.world.months, eligible).astype(np.float32)
    return total


def _tenure(people: People, month: int, back: Bools) -> tuple[Floats, Floats]:
    """Give the tenure from which people are at risk, and for how many months: who is back from a pause makes up for the month away."""
    stock = people.entry == STOCK
    tenure = np.where(stock, people.tenure_at_start + month, np.maximum(0.0, month - people.entry - people.entry_share))
    exposed = np.where(people.entry == month, 1 - people.entry_share, 1.0)
    away = np.where(back, np.minimum(1.0, tenure), 0.0)
    return tenure - away, exposed + away


def _first_days(people: People, luck: Luck, month: int, length: int, back: Bools) -> Integers:
    """Give the first day of a month on which work is possible."""
    start = np.where(people.entry == month, 1 + (people.entry_share * length).astype(np.int64), 1)
    return np.where(back, 1 + (luck.end[:, month] * _SPARE).astype(np.int64), start)


def _closures(scene: Scene, pool: Pool, people: People, luck: Luck, left: Integers) -> tuple[Integers, Integers]:
    """Close accounts that are not used any more: as many in a month as people leave, and more in a purge."""
    world = scene.world
    if pool.local:
        return np.where(left + 1 < world.months, left + 1, NEVER), np.where(left + 1 < world.months, CLOSED, OPEN)
    unused_since = np.where(people.active, left + 1, np.maximum(people.entry, 0))
    wait = np.floor(np.log1p(-luck.closing) / np.log1p(-pool.closing_rate)).astype(np.int64)
    closed = np.where(unused_since < NEVER, unused_since + 1 + wait, NEVER)
    closing = np.where(closed < world.months, CLOSED, OPEN)
    month = world.place(world.planted.purge_month) if world.planted.purge_month else world.months
    if month < world.months and len(left) and world.platforms[people.platform[0]].hq_home:
        purged = (unused_since < month) & (closed > month) & (luck.purge < world.planted.purge_share)
        closed, closing = np.where(purged, month, closed), np.where(purged, PURGED, closing)
    return np.where(closed < world.months, closed, NEVER), closing
