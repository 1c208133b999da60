"""Bargaining units of the home city, and every agreement of the world with its dates and effects. May touch: nothing.

A bargaining unit is a few firms of one industry and district that sign together, or might have. Whether and when a unit of the campaign signs is drawn; what its
agreement does is drawn around what the world file says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from impact.simulate.streams import stream
from impact.simulate.world import World
from impact.simulate.world_parts import INDUSTRIES, Agreement, Campaign, Industry, Pathway
from impact.study.parts import Bilingual

DISTRICTS = ("市南区", "市北区", "李沧区", "崂山区", "黄岛区", "城阳区", "即墨区", "胶州市", "平度市", "莱西市")
_MIX: dict[Industry, float] = {"ride_hail": 0.15, "freight": 0.30, "courier": 0.30, "delivery": 0.25}
"""Share of the campaign's units by industry [A]."""
_PATHS: dict[Industry, tuple[float, float, float, float]] = {
    "ride_hail": (0.7, 0.1, 0.1, 0.1),
    "freight": (0.1, 0.5, 0.3, 0.1),
    "courier": (0.2, 0.4, 0.1, 0.3),
    "delivery": (0.1, 0.2, 0.5, 0.2),
}
_PATHWAYS: tuple[Pathway, ...] = ("上带下", "点带面", "先建会", "下带上")
"""Which pathway an industry takes: nearly collinear, as in the campaign [S/A]."""
_TITLES: dict[Industry, Bilingual] = {
    "ride_hail": Bilingual(en="ride-hail fleets", zh="网约车车队"),
    "freight": Bilingual(en="freight employers", zh="货运用工企业"),
    "courier": Bilingual(en="courier outlets", zh="快递网点"),
    "delivery": Bilingual(en="delivery stations", zh="配送站点"),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A bargaining unit of the home city."""

    id: str
    name: Bilingual
    industry: Industry
    platform: str
    district: str
    firms: tuple[str, ...]
    workers: int
    """Workers at any time."""
    group: str
    """`campaign`, or the group of units that a study compares with each other."""


def bargaining_units(world: World) -> tuple[Unit, ...]:
    """List the bargaining units: those written out by hand, then the campaign's, signers first."""
    by_hand = [
        Unit(unit.id, unit.name, unit.industry, unit.platform, unit.district, _firms(unit.id, unit.firms), unit.workers, unit.group)
        for unit in world.local_units
    ]
    return (*by_hand, *(_campaign_units(world, world.campaign) if world.campaign else ()))


def agreements(world: World) -> tuple[Agreement, ...]:
    """List the agreements: those of the world file, then the campaign's by number."""
    return (*world.agreements, *(_campaign_agreements(world, world.campaign) if world.campaign else ()))


def _campaign_units(world: World, campaign: Campaign) -> tuple[Unit, ...]:
    draw, number = stream(world.seed, "units"), campaign.agreements + campaign.others
    if number == 0:
        return ()
    industries = draw.choice(INDUSTRIES, number, p=[_MIX[industry] for industry in INDUSTRIES])
    districts = draw.choice(DISTRICTS, number)
    firms = 1 + draw.multinomial(
        max(0, campaign.firms - campaign.agreements), np.full(campaign.agreements, 1 / max(1, campaign.agreements))
    )
    firms = np.r_[firms, 1 + draw.poisson(2, campaign.others)]
    spread = draw.gamma(4, 0.25, number) * firms / max(1e-9, firms.mean())
    workers = np.maximum(8, np.round(campaign.workers * spread / spread.mean())).astype(int)
    units = []
    for place in range(number):
        industry: Industry = industries[place]
        name = f"U{place + 1:03d}"
        on = [platform.id for platform in world.platforms if platform.industry == industry and not platform.hq_home]
        title = _TITLES[industry]
        words = Bilingual(en=f"{title.en}, group {place + 1}", zh=f"{districts[place]}{title.zh}第{place + 1}组")
        platform = str(draw.choice(on or [world.platforms[0].id]))
        units.append(
            Unit(name, words, industry, platform, str(districts[place]), _firms(name, int(firms[place])), int(workers[place]), "campaign")
        )
    return tuple(units)


def _campaign_agreements(world: World, campaign: Campaign) -> tuple[Agreement, ...]:
    draw, effects = stream(world.seed, "campaign"), campaign.effects
    first, last = world.place(campaign.first_signed), world.place(campaign.last_signed)
    months = np.sort(draw.integers(first, last + 1, campaign.agreements))
    shifts = effects.hazard_ratio_spread * draw.standard_normal(campaign.agreements)
    signers = [unit for unit in bargaining_units(world) if unit.group == "campaign"][: campaign.agreements]
    result = []
    for place, unit in enumerate(signers):
        ratio = float(np.clip(effects.hazard_ratio * np.exp(shifts[place]), 0.01, 10.0))
        signed = _day(world, int(months[place]), int(draw.integers(1, 26)))
        talks = signed - timedelta(days=int(draw.integers(30, 150)))
        result.append(
            Agreement(
                id=f"A{place + 1:03d}",
                name=Bilingual(en=f"Agreement {place + 1} (synthetic): {unit.name.en}", zh=f"第{place + 1}号协议（合成）：{unit.name.zh}"),
                industry=unit.industry,
                unit=unit.id,
                pathway=_PATHWAYS[int(draw.choice(4, p=_PATHS[unit.industry]))],
                offer=talks - timedelta(days=int(draw.integers(10, 60))),
                talks=talks,
                signed=signed,
                effective=_day(world, int(months[place]) + 1, 1),
                expiry=_day(world, int(months[place]) + 37, 1) - timedelta(days=1),
                effects=effects.model_copy(update={"hazard_ratio": ratio}),
            )
        )
    return tuple(result)


def _firms(unit: str, number: int) -> tuple[str, ...]:
    return tuple(f"{unit}-F{place + 1:02d}" for place in range(number))


def _day(world: World, place: int, day: int) -> date:
    """Give a day of the month at a position of the world."""
    month = world.first + place
    return date(month // 12, month % 12 + 1, day)
