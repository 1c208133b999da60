"""Where and when people work, beyond the people: platforms, cities, and what moves in a city from month to month. May touch: nothing.

Levels are of the size of public statistics and nothing more; every number is made.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact import settings
from impact.months import label
from impact.simulate.places import City, cities, minimum_wage
from impact.simulate.streams import stream
from impact.simulate.units import agreements
from impact.simulate.world import World
from impact.simulate.world_parts import Platform

Floats = NDArray[np.float64]
_POPULATION = {"一线": 18e6, "新一线": 10e6, "二线及以下": 6e6}
"""Population by tier [A]."""
_PRICE_SEASON = (0.6, 0.9, -0.2, -0.3, -0.2, -0.1, 0.1, 0.2, 0.2, 0.0, -0.2, 0.1)
"""Consumer prices in percent of the year's mean, January first [A]."""
_TEMPERATURE = (0.0, 2.5, 7.5, 13.5, 19.5, 24.0, 27.0, 26.5, 22.5, 16.5, 9.0, 2.5)
"""Mean temperature in degrees, January first [A]."""
_HOLIDAYS = {4: 3, 5: 5, 6: 3, 9: 1, 10: 7}
"""Public holidays by calendar month, but for New Year and Spring Festival: rough, since lunar dates move and days are swapped [A]."""
_SPRING_FESTIVAL = {2023: 1, 2024: 2, 2025: 1, 2026: 2, 2027: 2, 2028: 1, 2029: 2, 2030: 2}
"""Calendar month of Spring Festival; February in other years."""


def platform_table(world: World) -> pd.DataFrame:
    """Describe the platforms: `platform_id, name_zh, name_en, industry, hq_city, size_band, union_founded_date, listed_occupational_injury`."""
    places = cities(world)
    return pd.DataFrame([_platform_row(world, platform, places) for platform in world.platforms])


def city_table(world: World) -> pd.DataFrame:
    """Describe the cities: `city_id, name_zh, name_en, tier, province, core_flag, core_flag_set_on, population`.

    The core list is dated before the world and every offer: it is fixed beforehand.
    """
    set_on = _first_day(world) - timedelta(days=30)
    spread = np.exp(stream(world.seed, "context", "population").normal(0, 0.15, len(cities(world))))
    rows = [
        {
            "city_id": city.id,
            "name_zh": city.name.zh,
            "name_en": city.name.en,
            "tier": city.tier,
            "province": city.province,
            "core_flag": city.core,
            "core_flag_set_on": pd.Timestamp(set_on),
            "population": int(round(_POPULATION[city.tier] * spread[place], -4)),
        }
        for place, city in enumerate(cities(world))
    ]
    return pd.DataFrame(rows)


def city_month_table(world: World) -> pd.DataFrame:
    """Describe city-months, a row for each, in this order:

    `city_id, ym, cpi` (first month 100)`, fuel_index` (same)`, min_wage_month_yuan, min_wage_hour_yuan, unemployment` (percent)`, temperature` (degrees)`,
    holiday_days`.
    """
    places, wage = cities(world), minimum_wage(world)
    calendar = [(world.first + month) % 12 for month in range(world.months)]
    columns: dict[str, Floats] = {
        "cpi": _index(world, "cpi", drift=0.0005, sd=0.0012, season=np.array(_PRICE_SEASON)[calendar] / 100).round(2),
        "fuel_index": _index(world, "fuel", drift=-0.001, sd=0.015, season=np.zeros(world.months)).round(2),
        "min_wage_month_yuan": wage,
        "min_wage_hour_yuan": (wage / settings.STANDARD_MONTH).round(2),
        "unemployment": _unemployment(world).round(1),
        "temperature": _temperature(world, calendar).round(1),
    }
    frame = pd.DataFrame(
        {
            "city_id": np.repeat([city.id for city in places], world.months),
            "ym": np.tile([label("month", world.first + month) for month in range(world.months)], len(places)),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    return frame.assign(holiday_days=np.tile([_holidays(world.first + month) for month in range(world.months)], len(places)))


def _platform_row(world: World, platform: Platform, places: tuple[City, ...]) -> dict[str, object]:
    draw = stream(world.seed, "context", "platform", platform.id)
    away = places[1:] or places
    shares = np.array([city.share for city in away])
    hq = places[0] if platform.hq_home else away[int(draw.choice(len(away), p=shares / shares.sum()))]
    founded = _first_day(world) - timedelta(days=int(draw.integers(180, 5 * 365)))
    return {
        "platform_id": platform.id,
        "name_zh": platform.name.zh,
        "name_en": platform.name.en,
        "industry": platform.industry,
        "hq_city": hq.id,
        "size_band": _size_band(platform.registered),
        "union_founded_date": pd.Timestamp(founded),
        "listed_occupational_injury": platform.listed_occupational_injury,
    }


def _size_band(registered: int) -> str:
    return "large" if registered >= 200_000 else "middle" if registered >= 50_000 else "small"


def _first_day(world: World) -> date:
    """Give the first day of the world, or of the earliest offer where that lies before it."""
    start = date(world.first // 12, world.first % 12 + 1, 1)
    return min([start, *(agreement.offer for agreement in agreements(world))])


def _index(world: World, name: str, drift: float, sd: float, season: Floats) -> Floats:
    """Draw a price index, first month 100, half of whose movement all cities share; shape (cities, months)."""
    shape = (len(cities(world)), world.months)
    common = stream(world.seed, "context", name).normal(0, sd, world.months)
    own = stream(world.seed, "context", name, "cities").normal(0, sd, shape)
    path = np.cumsum(drift + 0.7 * common[None, :] + 0.2 * own, axis=1) + season[None, :]
    levels: Floats = 100 * np.exp(path - path[:, :1])
    return levels


def _unemployment(world: World) -> Floats:
    """Draw the surveyed unemployment rate in percent, slow in time and different between cities; shape (cities, months)."""
    draw = stream(world.seed, "context", "unemployment")
    level = draw.normal(5.2, 0.4, len(cities(world)))
    moves = np.cumsum(draw.normal(0, 0.05, (len(level), world.months)), axis=1)
    return np.clip(level[:, None] + moves, 3.0, 8.0)


def _temperature(world: World, calendar: list[int]) -> Floats:
    """Draw the mean temperature in degrees; shape (cities, months)."""
    draw = stream(world.seed, "context", "temperature")
    level = draw.normal(0, 4, (len(cities(world)), 1))
    weather: Floats = np.array(_TEMPERATURE)[calendar][None, :] + level + draw.normal(0, 1.2, (len(level), world.months))
    return weather


def _holidays(month: int) -> int:
    """Count the public holidays of a month, given from January of year 0."""
    year, place = divmod(month, 12)
    festival = 7 if place + 1 == _SPRING_FESTIVAL.get(year, 2) else 0
    return festival + (1 if place == 0 else 0) + _HOLIDAYS.get(place + 1, 0)
