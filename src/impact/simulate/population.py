"""Who is in the world: accounts by pool, and what each person brings. May touch: nothing.

A pool is the accounts of one platform, or the workers of one industry's bargaining units in the home city. It is cut into chunks, each with random numbers
of its own, so that a pool of any size passes through a fixed amount of memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.hazards import TenureLaw, tenure_law
from impact.simulate.scene import Scene, platform_place
from impact.simulate.streams import stream
from impact.simulate.world import World
from impact.simulate.world_parts import INDUSTRIES, Industry, Platform, Work

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
CHUNK = 20_000
"""Accounts that are simulated at a time."""
_NEAR = 5.0
"""Points below the cut-off within which a score may be moved."""
STOCK = -1
"""Entry month of those who were there before the world begins."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Accounts that share a law of tenure; arrays have shape (accounts,), sorted by entry."""

    name: str
    industry: Industry
    groups: tuple[str, ...]
    """Ids of the platform, or of the bargaining units."""
    law: TenureLaw
    group: Integers
    """Place of each account's group."""
    entry: Integers
    """Month of registration, STOCK for those of before."""
    lapsed: Bools
    """Whether the holder had left before the world begins."""
    never_trips: Bools
    """Whether the holder never takes an order."""
    local: bool
    """Whether these are workers of bargaining units in the home city."""

    @property
    def closing_rate(self) -> float:
        """Share of unused accounts that is closed in a month: as many as people leave, so that the books neither grow nor shrink."""
        stock = self.entry == STOCK
        unused = stock & (self.lapsed | self.never_trips)
        leaving = self.law.entry_rate * float((stock & ~unused).sum())
        return float(np.clip(leaving / max(1, int(unused.sum())), 1e-4, 0.5))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return max(1, -(-len(self.entry) // CHUNK))

    def rows(self, chunk: int) -> slice:
        """Give the accounts of a chunk."""
        return slice(chunk * CHUNK, min((chunk + 1) * CHUNK, len(self.entry)))


@dataclass(frozen=True, slots=True)
class People:
    """What the people of one chunk bring, drawn once; arrays have shape (accounts,)."""

    number: Integers
    """Number of the account in its pool, from 1."""
    key: NDArray[np.uint64]
    """Unlike that of any other account of the world; seeds what is drawn day by day."""
    platform: Integers
    """Place of the platform in the world."""
    group: Integers
    entry: Integers
    entry_share: Floats
    """How much of the entry month has passed at entry."""
    tenure_at_start: Floats
    """Months since the first trip when the world begins; zero for entrants."""
    active: Bools
    """Whether the holder works in the world at all."""
    never_trips: Bools
    city: Integers
    full_time: Bools
    days_share: Floats
    """Share of days on which the person works."""
    ability: Floats
    """Standardised lasting part of log income."""
    frailty: Floats
    multi_home: Bools
    male: Bools
    birth_year: Integers
    veteran: Bools
    disability_grade: Integers
    chronic: Bools
    score: Floats
    """Score that decides on the waiver, where the world has one; otherwise zero."""
    eligible: Bools
    """Whether the waiver clause names the person, by records from before any agreement."""


def pools(scene: Scene) -> list[Pool]:
    """Lay out every pool of a world: one for each platform, one for each industry of the home city's bargaining units."""
    world = scene.world
    return [_platform_pool(world, platform) for platform in world.platforms] + [
        _local_pool(scene, industry) for industry in INDUSTRIES if any(unit.industry == industry for unit in scene.units)
    ]


def people_of(scene: Scene, pool: Pool, chunk: int) -> People:
    """Draw the people of a chunk."""
    world, rows = scene.world, pool.rows(chunk)
    work, draw = world.work[pool.industry], stream(world.seed, "people", pool.name, chunk)
    entry, group = pool.entry[rows], pool.group[rows]
    size = len(entry)
    tenure = np.where(entry == STOCK, pool.law.stock_tenures(draw.random(size)), 0.0)
    frailty = pool.law.frailties(draw, tenure)
    full_time = draw.random(size) < work.full_time_share
    veteran, grade = draw.random(size) < world.people.veteran_share, np.zeros(size, dtype=np.int64)
    disabled = draw.random(size) < world.people.disability_share
    grade[disabled] = draw.choice([3, 4], int(disabled.sum()))
    first_year = world.first // 12
    number = np.arange(rows.start, rows.start + size) + 1
    score = _scores(world, draw, size)
    return People(
        number=number,
        key=np.uint64(stream(world.seed, "key", pool.name).integers(2**40) << 20) + number.astype(np.uint64),
        platform=_platforms(scene, pool, group),
        group=group,
        entry=entry,
        entry_share=draw.random(size),
        tenure_at_start=tenure,
        active=~(pool.lapsed[rows] | pool.never_trips[rows]),
        never_trips=pool.never_trips[rows],
        city=np.zeros(size, dtype=np.int64) if pool.local else _cities(scene, draw, size),
        full_time=full_time,
        days_share=np.where(full_time, work.days_full_time, draw.beta(*work.days_part_time, size)),
        ability=draw.standard_normal(size) - _lost_by_entrants(world) * (entry > STOCK),
        frailty=frailty,
        multi_home=draw.random(size) < work.multi_home_share,
        male=draw.random(size) < work.male_share,
        birth_year=first_year - np.clip(np.round(draw.normal(*work.age, size)), 18, 65).astype(np.int64),
        veteran=veteran,
        disability_grade=grade,
        chronic=draw.random(size) < world.people.chronic_share,
        score=score,
        eligible=score >= world.hardship_score.cutoff if world.hardship_score else veteran | disabled,
    )


def law_of(world: World, work: Work, annual_churn: float | None = None) -> TenureLaw:
    """Give the law of tenure of an industry, or of a platform with a yearly churn of its own."""
    return tenure_law(work.hazards, world.people.frailty_variance, annual_churn)


def _scores(world: World, draw: np.random.Generator, size: int) -> Floats:
    """Draw the scores that decide on the waiver; some of those just below the cut-off are moved above it."""
    asked = world.hardship_score
    if asked is None:
        return np.zeros(size)
    score = np.round(draw.normal(asked.mean, asked.sd, size), 1)
    moved = (score < asked.cutoff) & (score >= asked.cutoff - _NEAR) & (draw.random(size) < asked.manipulated_share)
    return np.where(moved, np.round(2 * asked.cutoff - score, 1), score)


def _lost_by_entrants(world: World) -> float:
    """How much lower the entrants' ability is, so that those who stay, the abler, keep the stock where it is (to first order)."""
    return -world.people.income_slope * world.people.income_sd_between


def _platform_pool(world: World, platform: Platform) -> Pool:
    law = law_of(world, world.work[platform.industry], platform.annual_churn)
    draw = stream(world.seed, "pool", platform.id)
    registered = max(1, round(platform.registered * world.scale))
    active, never = round(registered * platform.active_share), round(registered * platform.never_trip_share)
    lapsed = max(0, registered - active - never)
    entrants = draw.poisson(active * law.entry_rate, world.months)
    unused = draw.poisson(active * law.entry_rate * platform.never_trip_share / (1 - platform.never_trip_share), world.months)
    months = np.arange(world.months)
    entry = np.r_[np.full(registered, STOCK), np.repeat(months, entrants), np.repeat(months, unused)]
    state = np.r_[np.zeros(active), np.ones(lapsed), np.full(never, 2), np.zeros(entrants.sum()), np.full(unused.sum(), 2)]
    order = np.lexsort((draw.random(len(entry)), entry))
    entry, state = entry[order], state[order]
    one = np.zeros(len(entry), dtype=np.int64)
    return Pool(platform.id, platform.industry, (platform.id,), law, one, entry, state == 1, state == 2, local=False)


def _local_pool(scene: Scene, industry: Industry) -> Pool:
    world = scene.world
    units = [unit for unit in scene.units if unit.industry == industry]
    work = world.work[industry]
    law, draw = law_of(world, work, work.local_annual_churn), stream(world.seed, "pool", f"local {industry}")
    workers = np.array([unit.workers for unit in units])
    entrants = draw.poisson(law.entry_rate * workers[:, None], (len(units), world.months))
    group = np.r_[np.repeat(np.arange(len(units)), workers), np.repeat(np.arange(len(units)), entrants.sum(axis=1))]
    months = np.tile(np.arange(world.months), len(units))
    entry = np.r_[np.full(workers.sum(), STOCK), np.repeat(months, entrants.ravel())]
    order = np.lexsort((draw.random(len(entry)), entry))
    nobody = np.zeros(len(entry), dtype=bool)
    names = tuple(unit.id for unit in units)
    return Pool(f"local {industry}", industry, names, law, group[order], entry[order], nobody, nobody, local=True)


def _platforms(scene: Scene, pool: Pool, group: Integers) -> Integers:
    if not pool.local:
        return np.full(len(group), platform_place(scene.world, pool.name))
    of_unit = {unit.id: platform_place(scene.world, unit.platform) for unit in scene.units}
    return np.array([of_unit[name] for name in pool.groups])[group]


def _cities(scene: Scene, draw: np.random.Generator, size: int) -> Integers:
    cumulated = np.cumsum([city.share for city in scene.places])
    return np.minimum(np.searchsorted(cumulated / cumulated[-1], draw.random(size), side="right"), len(cumulated) - 1)
