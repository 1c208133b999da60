"""What the default world is held against: numbers from public sources, measured in the world without agreements. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.absences import FAR, absences
from impact.simulate.chunk import Lived, lived
from impact.simulate.orders import order_law
from impact.simulate.population import STOCK, people_of, pools
from impact.simulate.scene import NEVER, Scene, scene_of
from impact.simulate.world import World
from impact.simulate.world_parts import Industry

Floats = NDArray[np.float64]
YEAR = 12
_BIN_ENDS = (1, 5, 10, 15, 10**6)
_MEDIANS: dict[Industry, float] = {"ride_hail": 6000.0, "delivery": 6500.0, "courier": 6000.0, "freight": 7600.0}
_FULL_MONTH = 20
"""Working days from which a full-timer's month counts as a full one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One calibrated quantity."""

    name: str
    target: float
    measured: float
    tolerance: float
    """How far the two may lie apart."""
    source: str

    @property
    def holds(self) -> bool:
        """Say whether the world has what it should."""
        return abs(self.measured - self.target) <= self.tolerance


def measures(world: World) -> list[Measure]:
    """Measure a world, as it would be without agreements, against the numbers that it is calibrated to."""
    scene = scene_of(world).without_agreements()
    ride, riders = _lived(scene, "ride_hail"), _lived(scene, "delivery")
    return [*_orders(world, ride), *_riders(riders), *_churn(world, ride), *_income(scene, ride), _returns(world, ride)]


def gini(values: Floats) -> float:
    """Give the Gini coefficient of values that are not negative: 2 Σ i·y_(i) / (n Σ y) − (n + 1) / n."""
    ordered, number = np.sort(values), len(values)
    return float(2 * (np.arange(1, number + 1) * ordered).sum() / (number * ordered.sum()) - (number + 1) / number)


def _lived(scene: Scene, industry: Industry) -> list[Lived]:
    law = order_law(scene.world.work[industry])
    chosen = [pool for pool in pools(scene) if pool.industry == industry and not pool.local]
    return [lived(scene, pool, chunk, people_of(scene, pool, chunk), law) for pool in chosen for chunk in range(pool.chunks)]


def _orders(world: World, ride: list[Lived]) -> list[Measure]:
    """Measure the shares of vehicle-days by orders; the sampling error is that of drivers, not of days."""
    targets = world.work["ride_hail"].day_orders or ()
    held = np.concatenate([_days_by_bin(one) for one in ride])
    shares, days = held.sum(axis=0) / held.sum(), held.sum(axis=1, keepdims=True)
    errors = np.sqrt(((held - days * shares) ** 2).sum(axis=0)) / held.sum()
    names = ("under 5", "5–9", "10–14", "15 or more")
    return [
        Measure(
            f"vehicle-days with {name} orders",
            target,
            float(share),
            3 * float(error),
            "Qingdao 2024Q3 bulletin; tolerance 3 standard errors",
        )
        for name, target, share, error in zip(names, targets, shares, errors, strict=True)
    ]


def _days_by_bin(one: Lived) -> Floats:
    """Count each driver's working days by bin of orders; shape (drivers, bins)."""
    driver = np.repeat(one.months.account, one.months.days)
    bin_ = np.searchsorted(_BIN_ENDS, one.months.day_orders, side="right") - 1
    bins = len(_BIN_ENDS) - 1
    counted = np.bincount(driver * bins + bin_, minlength=len(one.people.key) * bins).reshape(-1, bins)
    return np.asarray(counted[counted.sum(axis=1) > 0], dtype=float)


def _riders(riders: list[Lived]) -> list[Measure]:
    days = np.concatenate([_year_days(one, begin) for one in riders for begin in range(0, one.scene.world.months - YEAR + 1, YEAR)])
    source = "Meituan 2023: riders with any order in the year"
    return [
        Measure("riders active under 30 days a year", 0.48, float((days < 30).mean()), 0.02, source),
        Measure("riders active over 260 days a year", 0.11, float((days > 260).mean()), 0.015, source),
    ]


def _year_days(one: Lived, begin: int) -> Floats:
    inside = (one.months.month >= begin) & (one.months.month < begin + YEAR)
    days = np.bincount(one.months.account[inside], one.months.days[inside], minlength=len(one.people.key))
    return days[days > 0].astype(float)


def _churn(world: World, ride: list[Lived]) -> list[Measure]:
    years = range(0, world.months - YEAR + 1, YEAR)
    service = np.sum([one.life.in_service.sum(axis=0) for one in ride], axis=0)
    exits = np.sum([_exits(one) for one in ride], axis=0)
    rates = [exits[year : year + YEAR].sum() / service[year : year + YEAR].mean() for year in years]
    stayed = np.concatenate([_stayed(one) for one in ride])
    source = "implied by tenure shares of ride-hail drivers in three cities, 2021"
    return [
        Measure("ride-hail exits of a year over average stock", 0.30, float(np.mean(rates)), 0.035, source),
        Measure("ride-hail entrants still there after twelve months", 0.57, float(stayed.mean()), 0.03, source),
    ]


def _exits(one: Lived) -> Floats:
    return np.bincount(one.life.exit[one.life.exit < NEVER], minlength=one.scene.world.months).astype(float)


def _stayed(one: Lived) -> NDArray[np.bool_]:
    """Say of the entrants who can be followed for a year whether they stayed so long."""
    people, life = one.people, one.life
    followed = people.active & (people.entry > STOCK) & (people.entry < one.scene.world.months - YEAR - 1)
    begun = people.entry[followed] + people.entry_share[followed]
    left = np.where(life.exit[followed] < NEVER, life.exit[followed] + (life.exit_day[followed] - 0.5) / 30.4375, NEVER)
    return np.asarray(left - begun >= YEAR)


def _income(scene: Scene, ride: list[Lived]) -> list[Measure]:
    found: list[Measure] = []
    for industry, target in _MEDIANS.items():
        held = ride if industry == "ride_hail" else _lived(scene, industry)
        net = np.concatenate([_full_months(one) for one in held])
        source = "earnings in surveys and reports, as assumed for the world"
        found.append(
            Measure(f"median net yuan of a full-timer's full month, {industry}", target, float(np.median(net)), 0.1 * target, source)
        )
        if industry == "ride_hail":
            found.append(
                Measure(
                    "Gini of those months, ride-hail",
                    0.28,
                    gini(np.maximum(net, 0)),
                    0.02,
                    "a real driver panel: .263; log-normal with sd .50: .276",
                )
            )
    return found


def _full_months(one: Lived) -> Floats:
    full = one.people.full_time[one.months.account] & (one.months.days >= _FULL_MONTH)
    return one.pay.net[full]


def _returns(world: World, ride: list[Lived]) -> Measure:
    """Measure how many 30-day absences of full-timers end within 60 days more."""
    back, all_ = 0, 0
    for one in ride:
        gone = absences(one.months, world.first, world.months)
        seen = one.people.full_time[one.months.account] & (gone.gap > 30) & (gone.last + 90 <= gone.end)
        all_ += int(seen.sum())
        back += int((seen & (gone.gap <= 90) & (gone.gap < FAR)).sum())
    target = world.work["ride_hail"].return_share
    return Measure(
        "30-day absences that end within 60 days more, ride-hail full-timers", target, back / all_, 0.02, "assumed for the world"
    )
