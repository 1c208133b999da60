"""Hours and money of worker-months: gross → commission → receipts → cost → net. May touch: nothing.

Source of the identities: receipts = gross − commission + incentive + refund − penalty; net = receipts − cost; online = waiting + to the pick-up + with a passenger.
Money is in yuan, rounded to fen before it is added up, so that the identities hold to the fen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact import settings
from impact.simulate.life import first_covered
from impact.simulate.orders import OrderLaw
from impact.simulate.population import People, Pool
from impact.simulate.scene import NEVER, Scene
from impact.simulate.streams import stream
from impact.simulate.working_days import WorkerMonths
from impact.simulate.world_parts import Effects, Work

Floats = NDArray[np.float64]
_TAKE_SD = 0.02
"""Spread of commission rates between people [A]."""
_UP_TAKE = 0.9
"""Share of the eligible who get their commission back [A]."""
_LONGEST_DAY = 16.0
_BUSIEST = 0.72
"""Largest share of online time with a passenger or parcel [A]."""


@dataclass(frozen=True, slots=True)
class PayTerms:
    """What pay depends on, for every account and month of a chunk; arrays of shape (accounts, months)."""

    log_gross: NDArray[np.float32]
    """Log of gross relative to the orders' usual fare: the person's own level, what moves over months, platform shocks, agreements."""
    take: NDArray[np.float32]
    """Commission as a share of gross."""
    waived: NDArray[np.bool_]
    """Whether the commission is paid back."""
    log_hours: NDArray[np.float32]
    """Change of log hours as hourly pay changes."""
    floor: NDArray[np.float32]
    """Lowest pay for a standard month, in yuan; zero where there is none."""


@dataclass(frozen=True, slots=True)
class DayHours:
    """Hours of each working day, to the hundredth; arrays of shape (working days,)."""

    online: Floats
    pickup: Floats
    engaged: Floats


@dataclass(frozen=True, slots=True)
class Pay:
    """Hours and yuan of each worker-month with work; all arrays of shape (worker-months,)."""

    waiting_hours: Floats
    pickup_hours: Floats
    engaged_hours: Floats
    online_hours: Floats
    gross: Floats
    commission: Floats
    incentive: Floats
    waiver_refund: Floats
    penalty: Floats
    receipts: Floats
    cost: Floats
    net: Floats
    by_day: DayHours | None
    """Hours day by day; None where days were not asked for."""


def terms_of(scene: Scene, pool: Pool, chunk: int, people: People, law: OrderLaw) -> PayTerms:
    """Draw the terms of a chunk; the same draws in the worlds with and without agreements."""
    world, size = scene.world, len(people.entry)
    draw = stream(world.seed, "terms", pool.name, chunk)
    home = (people.city == 0).astype(int)
    own = draw.standard_normal(size)
    between, within = world.people.income_sd_between, world.people.income_sd_within
    level = _rest(between, law.sd_between) * own
    moving = _moving(draw, size, world.months, _rest(within, law.sd_within), world.people.income_persistence)
    take = np.clip(
        np.array([platform.take_rate for platform in world.platforms])[people.platform] + _TAKE_SD * draw.standard_normal(size), 0, 0.35
    )
    take = np.where(np.array([platform.take_rate for platform in world.platforms])[people.platform] > 0, take, 0.0)
    accepts = draw.random(size) < _UP_TAKE
    log_gross = level[:, None] + moving + scene.log_income[people.platform, home]
    rate = np.clip(take[:, None] + scene.commission[people.platform, home] * (take[:, None] > 0), 0, 0.5)
    return _with_agreements(scene, pool, people, accepts, log_gross, rate)


def pay_of(scene: Scene, pool: Pool, chunk: int, people: People, months: WorkerMonths, terms: PayTerms) -> Pay:
    """Turn working days and orders into hours and money."""
    work, at = scene.world.work[pool.industry], (months.account, months.month)
    draw = stream(scene.world.seed, "pay", pool.name, chunk)
    person, cost_share = draw.standard_normal(len(people.entry)), draw.uniform(*work.cost_share, len(people.entry))
    luck = draw.random((len(people.entry), scene.world.months, 3), dtype=np.float32)[at]
    by_day = _hours_by_day(work, people, months, person, luck[:, 0])
    online, pickup, engaged = (_by_month(months, hours) for hours in (by_day.online, by_day.pickup, by_day.engaged))
    gross = _fen(months.orders * _fares(scene, work, people)[months.account] * np.exp(terms.log_gross[at].astype(float)))
    commission = _fen(gross * terms.take[at])
    refund = np.where(terms.waived[at], commission, 0.0)
    penalty = np.where(luck[:, 1] < 0.06, 50.0, 0.0)
    bonus = _fen(gross * work.incentive_share * 2 * luck[:, 2])
    lowest = terms.floor[at] * np.minimum(1.0, online / settings.STANDARD_MONTH)
    cost = _fen(gross * cost_share[months.account])
    short = np.maximum(0.0, lowest - (gross - commission + bonus + refund - penalty - cost))
    bonus = bonus + _fen(short)
    receipts = _fen(gross - commission + bonus + refund - penalty)
    waiting = np.round(online - pickup - engaged, 2)
    kept = by_day if months.day_of_month is not None else None
    return Pay(waiting, pickup, engaged, online, gross, commission, bonus, refund, penalty, receipts, cost, _fen(receipts - cost), kept)


def _rest(wanted: float, there: float) -> float:
    """Standard deviation that is still to be added, where orders bring some already."""
    return float(np.sqrt(max(0.0, wanted**2 - there**2)))


def _moving(draw: np.random.Generator, size: int, months: int, deviation: float, kept: float) -> NDArray[np.float32]:
    noise = draw.standard_normal((size, months), dtype=np.float32)
    for month in range(1, months):
        noise[:, month] = kept * noise[:, month - 1] + np.float32((1 - kept**2) ** 0.5) * noise[:, month]
    return np.asarray(np.float32(deviation) * noise)


def _with_agreements(scene: Scene, pool: Pool, people: People, accepts: NDArray[np.bool_], log_gross: Floats, rate: Floats) -> PayTerms:
    """Lay the agreements' terms over those of a world without."""
    world = scene.world
    waived, log_hours, floor = np.zeros(rate.shape, dtype=bool), np.zeros(rate.shape), np.zeros(rate.shape)
    start = first_covered(scene, pool, people)
    held = scene.covering(pool.local)
    for group in np.unique(people.group[start < NEVER]):
        effects = held[pool.groups[group]].effects
        mine = people.group == group
        since = np.maximum(0, held[pool.groups[group]].since(world.months) + 1)
        inside = since > 0
        before = rate[mine]
        rate[mine] = np.clip(before + effects.commission_change * inside, 0, 0.5)
        gain, lasting = _gains(world.fade_half_life_months, since, before, rate[mine])
        waived[mine] = (effects.waives_commission and inside) & (people.eligible & accepts)[mine, None]
        waiver = np.where(waived[mine], -np.log1p(-rate[mine]), 0.0)
        log_gross[mine] += (lasting - gain) + np.log(effects.income_ratio) * inside
        log_hours[mine] = world.hours_elasticity * (lasting + waiver)
        floor[mine] = _floor(scene, effects, people.city[mine]) * inside
    return PayTerms(log_gross.astype(np.float32), rate.astype(np.float32), waived, log_hours.astype(np.float32), floor.astype(np.float32))


def _gains(half_life: float, since: NDArray[np.int64], before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Give the gain in log receipts through a lower commission, and what is left of it as more hours chase the same orders."""
    gain = np.log1p(-after) - np.log1p(-before)
    return gain, gain * 0.5 ** (np.maximum(0, since - 1) / half_life)


def _floor(scene: Scene, effects: Effects, city: NDArray[np.int64]) -> Floats:
    return np.asarray((effects.pay_floor_ratio or 0.0) * scene.minimum_wage[city])


def _hours_by_day(work: Work, people: People, months: WorkerMonths, person: Floats, luck: NDArray[np.float32]) -> DayHours:
    """Give online hours, hours to the pick-up and hours with a passenger or parcel of each day; a day has sixteen of them at most."""
    full = people.full_time[months.account]
    mean = np.where(full, work.hours_full_time[0], work.hours_part_time[0])
    spread = np.where(full, work.hours_full_time[1], work.hours_part_time[1])
    a_day = np.clip(mean + spread * (0.8 * person[months.account] + 0.6 * 3.46 * (luck - 0.5)), 2.0, _LONGEST_DAY)
    needed = np.minimum(months.day_orders * work.hours_an_order, _BUSIEST * _LONGEST_DAY)
    online = np.round(np.maximum(np.repeat(a_day, months.days), needed / _BUSIEST), 2)
    engaged = np.round(np.minimum(_BUSIEST * online, needed), 2)
    pickup = np.round(np.minimum(0.6 * (1 - _BUSIEST) * online, 0.25 * needed), 2)
    return DayHours(online, pickup, engaged)


def _by_month(months: WorkerMonths, hours: Floats) -> Floats:
    """Add days up to months."""
    return np.asarray(np.round(np.add.reduceat(hours, months.starts), 2)) if len(hours) else np.zeros(0)


def _fares(scene: Scene, work: Work, people: People) -> Floats:
    if work.fare_yuan is not None:
        return np.full(len(people.city), work.fare_yuan)
    return np.array([city.fare_yuan for city in scene.places])[people.city]


def _fen(yuan: Floats) -> Floats:
    return np.asarray(np.round(yuan, 2))
