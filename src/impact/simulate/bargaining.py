"""The log that bargaining instructors keep: who was visited, asked, met and supervised, and when. May touch: nothing.

The log of an agreement follows its dates: visits before the offer, rounds from the talks to the signing, supervision once it is effective. Units that never
sign are visited too, and some of them turn an offer down, which shows as an offer without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from impact.simulate.places import cities
from impact.simulate.streams import stream
from impact.simulate.terms import NETWORK_REPS, TOPICS, Terms, terms
from impact.simulate.units import DISTRICTS, Unit, agreements, bargaining_units
from impact.simulate.world import World
from impact.simulate.world_parts import Agreement

Kind = Literal["调研走访", "发出要约", "应约", "协商会议", "职工代表审议", "签订", "履约监督"]
LOG_COLUMNS = (
    "log_id",
    "date",
    "platform_id",
    "unit",
    "district",
    "agreement_id",
    "instructor_id",
    "kind",
    "round",
    "topic",
    "participants",
    "note",
)
CITY_LEVEL = "市级专班"
"""What stands as district where the task force of the city acts."""
_NETWORK_DISTRICT = "市北区"
"""District whose task force takes part in a network-wide agreement [S]."""
_INSTRUCTORS = 6
"""Instructors in each district [A]: 60 in the ten districts."""
_OFFERED, _ANSWERED = 0.55, 0.4
"""Of the units that never sign, those that get an offer; of these, those that answer it [A]."""
_SUPERVISION_DAYS = 91
_RANKS = ("orders_rank", "rating_rank", "complaints_rank")


@dataclass(frozen=True, slots=True)
class Contact:
    """One line of the log, before it is dated into the whole."""

    day: date
    kind: Kind
    note: str
    round: int | None = None
    topic: str | None = None
    participants: int = 2


@dataclass(frozen=True, slots=True)
class _Side:
    """Whom an instructor deals with."""

    platform: str
    unit: str | None
    districts: tuple[str, ...]
    """Districts that take turns."""
    agreement: str | None


def process_log(world: World) -> pd.DataFrame:
    """Write the log, by day: one row for each contact, columns `LOG_COLUMNS`.

    `unit` is missing for a network-wide agreement, `agreement_id` where no agreement came of it, `round` and `topic` outside the talks; `date` is a day.
    """
    last = _first_of(world, world.months) - timedelta(days=1)
    rows = [row for side, contacts in _sides(world, last) for row in _rows(world, side, contacts, last)]
    frame = pd.DataFrame(rows, columns=list(LOG_COLUMNS[1:])).sort_values(["date", "platform_id", "unit"], kind="stable")
    frame.insert(0, "log_id", [f"L{place + 1:05d}" for place in range(len(frame))])
    return frame.assign(date=pd.to_datetime(frame["date"]), round=frame["round"].astype("Int64")).reset_index(drop=True)


def representatives(world: World) -> pd.DataFrame:
    """List the workers' representatives of network-wide agreements, without personal data:

    `agreement_id, rep_id, city_id, orders_rank, rating_rank, complaints_rank`; a rank is the share of the platform's workers who do less well, in percent.
    """
    networks = [agreement for agreement in agreements(world) if agreement.platform is not None]
    chosen = [_representatives(world, agreement) for agreement in networks]
    return pd.concat(chosen, ignore_index=True) if chosen else pd.DataFrame(columns=["agreement_id", "rep_id", "city_id", *_RANKS])


def _sides(world: World, last: date) -> Iterator[tuple[_Side, list[Contact]]]:
    """Give everybody who was contacted, with the contacts."""
    units, signed = {unit.id: unit for unit in bargaining_units(world)}, agreements(world)
    for agreement in signed:
        drawn = terms(world, agreement)
        unit = units.get(agreement.unit or "")
        districts = (unit.district,) if unit else (CITY_LEVEL, _NETWORK_DISTRICT)
        platform = unit.platform if unit else str(agreement.platform)
        yield _Side(platform, agreement.unit, districts, agreement.id), [*_before(world, agreement, drawn), *_after(agreement, drawn, last)]
    for unit in units.values():
        if unit.id not in {agreement.unit for agreement in signed}:
            yield _Side(unit.platform, unit.id, (unit.district,), None), _without_agreement(world, unit)


def _rows(world: World, side: _Side, contacts: list[Contact], last: date) -> Iterator[tuple[object, ...]]:
    draw = stream(world.seed, "log", side.unit or side.platform, side.agreement or "")
    own = {district: _instructor(district, int(draw.integers(_INSTRUCTORS))) for district in side.districts}
    for place, contact in enumerate(contacts):
        district = side.districts[place % len(side.districts)]
        said = (contact.kind, contact.round, contact.topic, contact.participants, contact.note)
        if contact.day <= last:
            yield (contact.day, side.platform, side.unit, district, side.agreement, own[district], *said)


def _instructor(district: str, number: int) -> str:
    """Name one of the instructors of a district; those of the city come last."""
    grid = DISTRICTS.index(district) if district in DISTRICTS else len(DISTRICTS)
    return f"INS{grid * _INSTRUCTORS + number + 1:02d}"


def _before(world: World, agreement: Agreement, drawn: Terms) -> list[Contact]:
    """Write what led to an agreement, up to its signing."""
    draw = stream(world.seed, "log before", agreement.id)
    lead = np.sort(draw.integers(5, 120, int(draw.integers(1, 4))))[::-1]
    visits = [Contact(agreement.offer - timedelta(days=int(days)), "调研走访", "走访企业与劳动者，了解诉求") for days in lead]
    answer = _between(agreement.offer, agreement.talks, 0.6)
    start = [
        Contact(agreement.offer, "发出要约", "工会发出协商要约书"),
        Contact(answer, "应约", "企业方书面应约"),
        *_selection(agreement, drawn, answer),
    ]
    review = Contact(_between(agreement.talks, agreement.signed, 0.9), "职工代表审议", "审议并通过协议草案", participants=drawn.reps_n + 10)
    return [
        *visits,
        *start,
        *_rounds(agreement, drawn),
        review,
        Contact(agreement.signed, "签订", "双方签字", participants=drawn.reps_n + 4),
    ]


def _selection(agreement: Agreement, drawn: Terms, day: date) -> list[Contact]:
    """Write the choice of representatives, which is held on line for a network."""
    if agreement.platform is None:
        return []
    note = f"云端推选{drawn.reps_n}名司机代表，依据接单量、评分与投诉记录"
    return [Contact(_between(day, agreement.talks, 0.5), "协商会议", note, round=0, participants=drawn.reps_n)]


def _rounds(agreement: Agreement, drawn: Terms) -> list[Contact]:
    """Write the rounds of talks, the first on the day when talks begin; the topics are dealt out over them, a line for each."""
    shares = np.linspace(0, 0.85, drawn.rounds_n)
    days = [_between(agreement.talks, agreement.signed, share) for share in shares]
    turns = max(drawn.rounds_n, len(drawn.topics))
    return [
        Contact(
            days[turn * drawn.rounds_n // turns],
            "协商会议",
            f"第{turn * drawn.rounds_n // turns + 1}轮协商",
            round=turn * drawn.rounds_n // turns + 1,
            topic=drawn.topics[turn % len(drawn.topics)].words.zh,
            participants=2 * drawn.reps_n,
        )
        for turn in range(turns)
    ]


def _after(agreement: Agreement, drawn: Terms, last: date) -> list[Contact]:
    """Write a supervision every quarter while the agreement is in force."""
    end = min(last, agreement.expiry) if agreement.expiry else last
    days = range(_SUPERVISION_DAYS, max(0, (end - agreement.effective).days) + 1, _SUPERVISION_DAYS)
    return [
        Contact(agreement.effective + timedelta(days=day), "履约监督", f"第{place + 1}次履约检查", participants=2 + min(2, drawn.reps_n))
        for place, day in enumerate(days)
    ]


def _without_agreement(world: World, unit: Unit) -> list[Contact]:
    """Write the visits to a unit that never signs, and the offer and talks that led nowhere."""
    draw = stream(world.seed, "log without", unit.id)
    span = max(1, world.months * 30 - 150)
    days = np.sort(draw.integers(0, span, int(draw.integers(1, 5))))
    first = _first_of(world, 0)
    contacts = [Contact(first + timedelta(days=int(day)), "调研走访", "走访企业与劳动者，了解诉求") for day in days]
    if draw.random() >= _OFFERED:
        return contacts
    offer = contacts[-1].day + timedelta(days=int(draw.integers(7, 60)))
    if draw.random() >= _ANSWERED:
        return [*contacts, Contact(offer, "发出要约", "工会发出协商要约书，企业未应约")]
    topic = TOPICS[int(draw.integers(len(TOPICS)))].words.zh
    answer, met = offer + timedelta(days=14), offer + timedelta(days=45)
    return [
        *contacts,
        Contact(offer, "发出要约", "工会发出协商要约书"),
        Contact(answer, "应约", "企业方书面应约"),
        Contact(met, "协商会议", "第1轮协商，未达成一致", round=1, topic=topic, participants=8),
    ]


def _representatives(world: World, agreement: Agreement) -> pd.DataFrame:
    draw, places = stream(world.seed, "representatives", agreement.id), cities(world)
    shares = np.array([city.share for city in places])
    where = draw.choice(len(places), NETWORK_REPS, p=shares / shares.sum())
    ranks = np.round(100 * draw.beta(12, 1.5, (NETWORK_REPS, 3)), 1)
    return pd.DataFrame(
        {
            "agreement_id": agreement.id,
            "rep_id": [f"R{place + 1:02d}" for place in range(NETWORK_REPS)],
            "city_id": [places[place].id for place in where],
            **dict(zip(_RANKS, ranks.T, strict=True)),
        }
    )


def _between(start: date, end: date, share: float) -> date:
    """Give the day that lies a share of the way from one day to another."""
    return start + timedelta(days=int((end - start).days * share))


def _first_of(world: World, place: int) -> date:
    month = world.first + place
    return date(month // 12, month % 12 + 1, 1)
