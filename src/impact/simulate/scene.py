"""What happens to whom and when, as arrays: shocks, events, agreements. May touch: nothing.

A `Scene` knows nothing of single people. Pools index it by platform or unit, by month, and by whether somebody is in the home city.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact.simulate.places import City, cities, minimum_wage
from impact.simulate.streams import stream
from impact.simulate.units import Unit, agreements, bargaining_units
from impact.simulate.world import World
from impact.simulate.world_parts import Agreement, Effects, Event, Industry

Floats = NDArray[np.float64]
NEVER = 10_000
"""Position of a month that never comes."""
GROWTH_MONTHS = 12
"""Months over which an effect that grows does so."""


@dataclass(frozen=True, slots=True)
class Covering:
    """One agreement, as a pool meets it; months count from the world's first."""

    agreement: Agreement
    start: int
    """First covered month."""
    end: int
    """First month after it has expired; NEVER where it does not."""
    effects: Effects

    def since(self, months: int) -> NDArray[np.int64]:
        """Give the months since it began, from 0 in the first covered one; below zero before, and missing (a number below any anticipation) after it has expired."""
        place = np.arange(months)
        return np.where(place < self.end, place - self.start, -NEVER)

    def log_hazard(self, months: int, eligible: bool) -> Floats:
        """Give what it adds to the log hazard in each month, for the eligible or the others; shape (months,)."""
        since = self.since(months)
        ratio = self.effects.eligible_hazard_ratio if eligible and self.effects.eligible_hazard_ratio else self.effects.hazard_ratio
        inside = np.log(ratio) + self.effects.hazard_ratio_growth * np.clip(since, 0, GROWTH_MONTHS)
        before = (since < 0) & (since >= -self.effects.anticipation_months)
        return np.where(since >= 0, inside, np.where(before, np.log(self.effects.anticipation_hazard_ratio), 0.0))


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything outside the people, for one world."""

    world: World
    places: tuple[City, ...]
    units: tuple[Unit, ...]
    minimum_wage: Floats
    """Shape (cities, months)."""
    log_hazard: Floats
    """Shocks and events; shape (platforms, 2, months), the second for the home city."""
    log_income: Floats
    """The same for gross."""
    commission: Floats
    """Change of the commission through events; same shape."""
    spillover: Floats
    """What agreements elsewhere add to the log hazard of people with a second platform; shape (platforms, months)."""
    by_platform: dict[str, Covering]
    by_unit: dict[str, Covering]

    def covering(self, local: bool) -> dict[str, Covering]:
        """Give the agreements by the group that they cover: bargaining units of the home city, or platforms."""
        return self.by_unit if local else self.by_platform

    def without_agreements(self) -> Scene:
        """Give the same world, the same luck, and no effect of any agreement."""
        nothing = {name: replace(covering, effects=Effects()) for name, covering in self.by_platform.items()}
        nowhere = {name: replace(covering, effects=Effects()) for name, covering in self.by_unit.items()}
        return replace(self, by_platform=nothing, by_unit=nowhere, spillover=np.zeros_like(self.spillover))


def scene_of(world: World) -> Scene:
    """Lay out what happens in a world."""
    shape = (len(world.platforms), 2, world.months)
    log_hazard, log_income, commission = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for place, platform in enumerate(world.platforms):
        log_hazard[place] += _shocks(world, platform.id, "hazard", world.shocks.hazard_sd)
        log_income[place] += _shocks(world, platform.id, "income", world.shocks.income_sd)
    for event in world.events:
        after = np.arange(world.months) >= world.place(event.month)
        hit = _hit(world, event)[:, :, None] * after
        log_hazard += np.log(event.effects.hazard_ratio) * hit
        log_income += np.log(event.effects.income_ratio) * hit
        commission += event.effects.commission_change * hit
    covering = [_covering(world, agreement) for agreement in agreements(world)]
    return Scene(
        world=world,
        places=cities(world),
        units=bargaining_units(world),
        minimum_wage=minimum_wage(world),
        log_hazard=log_hazard,
        log_income=log_income,
        commission=commission,
        spillover=_spillover(world, bargaining_units(world), covering),
        by_platform={one.agreement.platform: one for one in covering if one.agreement.platform},
        by_unit={one.agreement.unit: one for one in covering if one.agreement.unit},
    )


def platform_place(world: World, name: str) -> int:
    """Give the position of a platform among the world's."""
    return [platform.id for platform in world.platforms].index(name)


def _shocks(world: World, platform: str, what: str, deviation: float) -> Floats:
    """Draw an AR(1) path with the given stationary standard deviation; its exponential has mean one."""
    noise = stream(world.seed, "shock", what, platform).standard_normal(world.months)
    kept = world.shocks.persistence
    path = np.empty(world.months)
    path[0] = noise[0]
    for month in range(1, world.months):
        path[month] = kept * path[month - 1] + np.sqrt(1 - kept**2) * noise[month]
    return deviation * path - deviation**2 / 2


def _hit(world: World, event: Event) -> Floats:
    """Say which platforms an event hits, outside the home city and in it; shape (platforms, 2)."""
    industries: tuple[Industry, ...] = event.industries
    named = [(platform.id in event.platforms) or (not event.platforms and platform.industry in industries) for platform in world.platforms]
    elsewhere = np.array(named, dtype=float)
    return np.stack([0 * elsewhere if event.home_only else elsewhere, elsewhere], axis=1)


def _covering(world: World, agreement: Agreement) -> Covering:
    end = world.place(agreement.expiry) + 1 if agreement.expiry else NEVER
    return Covering(agreement, world.place(agreement.effective), end, agreement.effects)


def _spillover(world: World, units: tuple[Unit, ...], covering: list[Covering]) -> Floats:
    """Add up what people with a second platform do on the platforms that compete with a covered one."""
    own = {unit.id: unit.platform for unit in units}
    added = np.zeros((len(world.platforms), world.months))
    for one in covering:
        if one.effects.spillover_hazard_ratio == 1.0:
            continue
        covered = one.agreement.platform or own[str(one.agreement.unit)]
        rivals = [platform.industry == one.agreement.industry and platform.id != covered for platform in world.platforms]
        after = one.since(world.months) >= 0
        added += np.log(one.effects.spillover_hazard_ratio) * np.outer(rivals, after)
    return added
