"""What a registry file may say: sources, programmes, agreements, clauses, events and claims. May touch: nothing.

A fact that nobody stated is written as `null` with the status `not stated`; leaving it out is refused, so that nobody takes silence for a zero.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from impact.sources.registry_topics import TopicId, topic_by_words
from impact.study.parts import Bilingual, Part

Industry = Literal["ride_hail", "freight", "courier", "delivery"]
Pathway = Literal["上带下", "点带面", "先建会", "下带上"]
Role = Literal["平台", "合作方", "行业工会", "企业工会", "地方工会", "劳动者代表", "企业联合会"]
Level = Literal["platform_network", "firm", "industry", "district"]
Bound = Literal["at least", "about", "at most", "below"]
Basis = Literal["registered", "active_30d", "contract", "not stated"]
Precision = Literal["day", "month", "year", "not stated"]
Status = Literal["stated", "found", "computed", "assumed", "unverified", "not stated", "synthetic"]
"""Printed in the page that makes the claim; found in another public source; computed from one; assumed; from memory and to be verified; missing; made."""
ClauseType = Literal[
    "commission_cap",
    "commission_waiver",
    "min_wage",
    "overtime",
    "rest_limit",
    "insurance",
    "penalty_appeal",
    "dispatch",
    "algorithm_transparency",
    "reward",
    "union_time",
    "monitoring",
]
EventType = Literal[
    "law", "guidance", "insurance", "competition", "commission", "traffic_rule", "union", "negotiation", "training", "welfare"
]
SourceKind = Literal["newspaper page", "repost", "government page", "bulletin", "web page", "blog", "memory", "synthetic"]

V = TypeVar("V")
_LENGTH: dict[Precision, int] = {"day": 10, "month": 7, "year": 4, "not stated": 0}


class Record(Part):
    """Something with an id of its own."""

    id: str = Field(min_length=1)


class Source(Record):
    """Where facts come from."""

    kind: SourceKind
    address: str | None = None
    """As printed in the domain notes; shortened addresses stay shortened."""
    what: Bilingual
    secondary: bool
    """Whether it repeats somebody else, so that the original should be found before it is quoted."""
    note: Bilingual | None = None


class Fact(Part, Generic[V]):
    """One thing that is known, or known to be missing."""

    value: V | None
    """`null` means that nobody stated it."""
    bound: Bound | None = None
    """How the number is hedged: “56万余” is `at least`."""
    unit: str | None = None
    precision: Literal["day", "month", "year"] = "day"
    """Of dates: how much of the day is known; a month is written as its first day."""
    source: str = Field(min_length=1)
    status: Status
    note: Bilingual | None = None

    @model_validator(mode="after")
    def _precision_is_of_a_date(self) -> Fact[V]:
        if self.precision == "day":
            return self
        if not isinstance(self.value, date):
            raise ValueError(f"the precision `{self.precision}` needs a date")
        if self.value.day != 1 or (self.precision == "year" and self.value.month != 1):
            raise ValueError(f"a date that is known to the {self.precision} is written as the first day of it")
        return self

    @model_validator(mode="after")
    def _missing_is_said(self) -> Fact[V]:
        if self.value is None and self.status not in ("not stated", "synthetic"):
            raise ValueError("a value of `null` needs the status `not stated`")
        if self.value is not None and self.status == "not stated":
            raise ValueError("the status `not stated` needs a value of `null`")
        return self


class NamedFact(Fact[int | float | date | str | Bilingual]):
    """A fact that says itself what it is about."""

    what: Bilingual


class Workers(Fact[int]):
    """How many workers an agreement covers, on one basis of counting."""

    basis: Basis
    """Who counts: accounts on the books, those active within 30 days, or people under a contract."""


class Ceiling(Part):
    """Highest level of the Maryland scale (1 to 5) that a design could reach."""

    low: int = Field(ge=1, le=5)
    high: int = Field(ge=1, le=5)
    if_randomised: int | None = Field(default=None, ge=1, le=5)


class IdentifyingDesign(Part):
    """A comparison that could tell what a programme does."""

    question: Bilingual
    design: Bilingual
    ceiling: Ceiling


class Programme(Record):
    """Something that a union or a platform does, as printed."""

    number: int = Field(ge=1)
    """Its place in the list of the domain notes."""
    name: Bilingual
    place: Bilingual | None
    what: Bilingual
    facts: tuple[NamedFact, ...]
    evaluable: bool | None
    """`null` where no design has been worked out."""
    designs: tuple[IdentifyingDesign, ...]
    source: str
    status: Status


class Party(Part):
    """Somebody who signs, or takes part in the talks."""

    role: Role
    name: Bilingual
    source: str
    status: Status


class Agreement(Record):
    """A collective agreement or contract."""

    name: Bilingual
    level: Level
    industry: Industry
    platform: str | None = None
    """Platform whose whole network it covers; an id in a synthetic world."""
    unit: str | None = None
    """Bargaining unit of a synthetic world."""
    place: Bilingual
    pathway: Fact[Pathway]
    parties: tuple[Party, ...]
    firms_n: Fact[int]
    workers: tuple[Workers, ...] = Field(min_length=1)
    offer: Fact[date]
    talks: Fact[date]
    announced: Fact[date]
    signed: Fact[date]
    effective: Fact[date]
    expiry: Fact[date]
    cities_n: Fact[int]
    reps_n: Fact[int]
    reps_selection: Fact[Bilingual]
    rounds_n: Fact[int]
    topics_n: Fact[int]
    topics: tuple[Bilingual, ...]
    """Topics that are named; there may be more."""
    facts: tuple[NamedFact, ...] = ()
    source: str
    status: Status


class Campaign(Record):
    """Many agreements that are reported as one number."""

    name: Bilingual
    place: Bilingual
    industries: tuple[Industry, ...]
    pathways: tuple[Pathway, ...]
    agreements_n: Fact[int]
    firms_n: Fact[int]
    workers: tuple[Workers, ...]
    since: Fact[str]
    facts: tuple[NamedFact, ...] = ()
    source: str
    status: Status


class Clause(Record):
    """One thing that an agreement promises."""

    agreement: str
    topic: Bilingual
    """In the words of the text."""
    topic_id: TopicId | None = None
    """Its code; where left out, that of the topic known under exactly the same Chinese words."""
    type: ClauseType | None
    """`null` where only the topic is known, so that no type can be given."""
    says: Bilingual
    param_value: float | None
    """Rate, cap or threshold; `null` means not stated."""
    unit: str | None
    eligibility_rule: Bilingual | None
    """Who may have it; `null` where everybody covered may."""
    start: date | None
    """First day, where it is not that of the agreement."""
    end: date | None
    """Last day, where it is not that of the agreement."""
    enforceability: int | None = Field(ge=0, le=3)
    """From 0 (declaration) to 3 (amount, deadline and consequence); `null` until somebody has read the text."""
    source: str
    status: Status

    @property
    def code(self) -> TopicId | None:
        """Topic that the clause is counted under; None where nobody has coded it."""
        return self.topic_id or topic_by_words(self.topic.zh)


def _text_of_day(value: Any) -> Any:
    """Take the day that YAML makes out of an unquoted date back to its text."""
    return value.isoformat() if isinstance(value, date) else value


class Event(Record):
    """Something dated, other than an agreement, that can contaminate a comparison."""

    name: Bilingual
    type: EventType
    date: Annotated[str | None, BeforeValidator(_text_of_day)]
    """As precise as the source: "2025-07-01", "2025-07" or "2025"."""
    date_precision: Precision
    until: Annotated[str | None, BeforeValidator(_text_of_day)] = None
    """Last day, where the source gives several."""
    hits: Bilingual
    industries: tuple[Industry, ...]
    """Industries concerned; none listed means all."""
    platforms: tuple[str, ...] = ()
    """Platforms named by the source; ids in a synthetic world."""
    cities: tuple[str, ...] = ()
    """Ids of the cities of a synthetic world that it hits; none listed means all."""
    place: Bilingual
    facts: tuple[NamedFact, ...] = ()
    sources: tuple[str, ...] = Field(min_length=1)
    status: Status
    note: Bilingual | None = None

    @model_validator(mode="after")
    def _as_precise_as_it_says(self) -> Event:
        text, wanted = self.date or "", _LENGTH[self.date_precision]
        if len(text) != wanted:
            raise ValueError(f"a date with the precision `{self.date_precision}` has {wanted} characters, `{text}` has {len(text)}")
        if text:
            date.fromisoformat(text + "0000-01-01"[len(text) :])
        return self


class Claim(Record):
    """A published number, with what must be known before it can be compared; `null` means not stated."""

    about: str
    """Programme, agreement or campaign that the claim is about."""
    text: Bilingual
    said_by: Bilingual
    metric: str
    before: float | None
    after: float | None
    bound: Bound | None = None
    unit: str | None
    period: str | None
    numerator: Bilingual | None
    denominator: Bilingual | None
    window: str | None
    source: str
    status: Status
