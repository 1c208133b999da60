"""The parts of a world file: cities, platforms, work, people, agreements, events, survey, defects, scenario. May touch: nothing."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from impact.study.parts import Bilingual, Part, Slug

Industry = Literal["ride_hail", "freight", "courier", "delivery"]
INDUSTRIES: tuple[Industry, ...] = ("ride_hail", "freight", "courier", "delivery")
Pathway = Literal["上带下", "点带面", "先建会", "下带上"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Ratio = Annotated[float, Field(gt=0, le=10)]
_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


def _month(value: str) -> str:
    if not _MONTH.match(value):
        raise ValueError("write a month as 2025-03")
    return value


Month = Annotated[str, AfterValidator(_month)]


class Cities(Part):
    """Where people work."""

    number: int = Field(ge=1, le=50)
    """Cities, the home city first."""
    core: int = Field(ge=0)
    """Cities on the core list, which is fixed before any agreement; the largest ones, the home city among them."""
    home_share: Share
    """Share of a national platform's accounts in the home city."""
    fare_low_yuan: float = Field(gt=0)
    """Median fare of an order in the cheapest city, ride-hail."""
    fare_high_yuan: float = Field(gt=0)
    """Median fare of an order in the dearest city, ride-hail."""
    min_wage_low_yuan: float = Field(gt=0)
    """Monthly minimum wage in the city with the lowest one, at the start."""
    min_wage_high_yuan: float = Field(gt=0)
    home_min_wage_yuan: float = Field(gt=0)
    """Monthly minimum wage in the home city at the start."""


class Platform(Part):
    """A platform; accounts are written for the whole platform and multiplied by the world's scale."""

    id: str = Field(pattern=r"^[A-Z]{2}\d{2}$")
    name: Bilingual
    industry: Industry
    registered: int = Field(ge=1)
    """Accounts on the books at any time, at scale 1."""
    active_share: Share = 0.4
    """Share of the accounts on the books whose holder has not left."""
    never_trip_share: float = Field(default=0.08, ge=0, le=0.9)
    """Share of the accounts whose holder never took an order."""
    annual_churn: float | None = Field(default=None, gt=0, lt=1)
    """Yearly loss 1 − (1 − h)¹² at the mean monthly exit hazard h of the stock; the industry's own where left out."""
    take_rate: Share = 0.18
    """Mean commission as a share of gross fares."""
    hq_home: bool = False
    """Whether its headquarters are in the home city."""
    listed_occupational_injury: bool = False
    """Whether it is on the list of the occupational-injury scheme of 2025-07."""


class TenureHazard(Part):
    """Monthly exit hazard of everybody who has reached a tenure."""

    from_month: int = Field(ge=0)
    hazard: float = Field(gt=0, lt=1)


class Work(Part):
    """How people of one industry work, earn and leave."""

    hazards: tuple[TenureHazard, ...] = Field(min_length=1)
    """Exit hazard by months of tenure, as seen in the whole population (frailty comes on top, with these means kept)."""
    local_annual_churn: float | None = Field(default=None, gt=0, lt=1)
    """Yearly loss among the workers of bargaining units in the home city; as on the platforms where left out."""
    full_time_share: Share
    days_full_time: Share
    """Share of the days of a month on which a full-timer works."""
    days_part_time: tuple[Positive, Positive]
    """Beta distribution, over part-timers, of the share of days on which they work."""
    hours_full_time: tuple[Positive, Positive]
    """Mean and standard deviation of a full-timer's online hours on a working day."""
    hours_part_time: tuple[Positive, Positive]
    day_orders: tuple[Share, Share, Share, Share] | None = None
    """Shares of working days with fewer than 5, 5–9, 10–14, and 15 or more orders; without them, `orders_mean` and `orders_shape`."""
    orders_mean: float = Field(gt=0)
    """Mean orders on a working day."""
    orders_shape: float = Field(default=1.4, gt=0)
    """Shape of the gamma distribution of orders over working days, where `day_orders` are not given."""
    fare_yuan: float | None = None
    """Median pay of an order; the city's fare where left out."""
    hours_an_order: float = Field(gt=0)
    """Hours with a passenger or parcel for one order."""
    cost_share: tuple[Share, Share]
    """Lowest and highest cost (energy, rent, other) as a share of gross."""
    incentive_share: Share
    """Bonuses as a share of gross, on average."""
    multi_home_share: Share
    """Share of people with a second platform."""
    return_share: Share
    """Share of 30-day absences that end within 60 days more."""
    male_share: Share
    age: tuple[Positive, Positive]
    """Mean and standard deviation of age."""

    @model_validator(mode="after")
    def _adds_up(self) -> Work:
        if self.day_orders and abs(sum(self.day_orders) - 1) > 1e-6:
            raise ValueError(f"`day_orders` must add up to 1; they make {sum(self.day_orders):.4f}")
        if self.cost_share[0] > self.cost_share[1]:
            raise ValueError("`cost_share` names the lowest first")
        return self


class People(Part):
    """What people bring with them; recorded before any agreement."""

    veteran_share: Share
    disability_share: Share
    """Share with a mild disability (grade 3 or 4)."""
    chronic_share: Share
    frailty_variance: float = Field(ge=0)
    """Variance of the gamma frailty of leaving."""
    income_slope: float
    """Change of the log exit hazard per log point of income."""
    income_sd_between: float = Field(ge=0)
    """Standard deviation of log income between people."""
    income_sd_within: float = Field(ge=0)
    """Standard deviation of log income within people over months."""
    income_persistence: float = Field(ge=0, lt=1)
    """Autocorrelation of the part of log income that moves over months."""


class Shocks(Part):
    """What hits a whole platform in a month."""

    hazard_sd: float = Field(ge=0)
    """Standard deviation of the platform-month shock of the log hazard."""
    income_sd: float = Field(ge=0)
    persistence: float = Field(ge=0, lt=1)
    season: tuple[float, ...] = Field(min_length=12, max_length=12)
    """Working days relative to the year's mean, January first."""


class Effects(Part):
    """What an agreement does, from its first covered month on; every default does nothing."""

    hazard_ratio: Ratio = 1.0
    """Exit hazard of the workers concerned, relative to without it."""
    eligible_hazard_ratio: Ratio | None = None
    """The same for those whom the waiver clause names; as everybody where left out."""
    hazard_ratio_spread: float = Field(default=0.0, ge=0)
    """Standard deviation of the log hazard ratio between agreements of a campaign."""
    hazard_ratio_growth: float = 0.0
    """Change of the log hazard ratio with every month since it began, for up to a year."""
    commission_change: float = Field(default=0.0, ge=-1, le=1)
    """Change of the commission, as a share of gross (−0.01 is one point less)."""
    waives_commission: bool = False
    """Whether the eligible get their commission back."""
    pay_floor_ratio: float | None = Field(default=None, gt=0)
    """Lowest net pay of a standard month of 174 hours, relative to the city's monthly minimum wage, less in proportion for fewer hours; missing pay is topped up."""
    income_ratio: Ratio = 1.0
    """Gross relative to without it."""
    anticipation_months: int = Field(default=0, ge=0, le=24)
    """Months before it begins in which `anticipation_hazard_ratio` holds."""
    anticipation_hazard_ratio: Ratio = 1.0
    spillover_hazard_ratio: Ratio = 1.0
    """Exit hazard, from then on, of workers with a second platform on the other platforms of the industry."""


class EventEffects(Part):
    """What an event does to the platforms that it hits, from its month on; every default does nothing."""

    hazard_ratio: Ratio = 1.0
    """Exit hazard relative to without it."""
    income_ratio: Ratio = 1.0
    """Gross relative to without it."""
    commission_change: float = Field(default=0.0, ge=-1, le=1)
    """Change of the commission, as a share of gross."""


class Agreement(Part):
    """A collective agreement of the world, with its dates."""

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    name: Bilingual
    industry: Industry
    platform: str | None = None
    """Platform whose accounts it covers everywhere; otherwise the bargaining unit `unit` of the home city."""
    unit: str | None = None
    pathway: Pathway
    offer: date
    talks: date
    signed: date
    effective: date
    expiry: date | None = None
    effects: Effects = Effects()
    clause_sheet: str | None = None
    """Record of `data/registry/agreements.yaml` whose printed clauses and parties it has."""


class Event(Part):
    """Something dated, other than an agreement, that may contaminate a comparison."""

    id: str
    """Record of `data/registry/events.yaml`, where its words and source stand."""
    month: Month
    platforms: tuple[str, ...] = ()
    """Platforms that it hits; every platform of `industries` where left out."""
    industries: tuple[Industry, ...] = ()
    home_only: bool = False
    """Whether it hits the home city alone."""
    effects: EventEffects = EventEffects()


class Campaign(Part):
    """Many small agreements in the home city, signed over time."""

    agreements: int = Field(ge=0)
    others: int = Field(ge=0)
    """Bargaining units that never sign."""
    firms: int = Field(ge=0)
    """Firms under the agreements, in all."""
    workers: int = Field(ge=1)
    """Mean number of workers of a bargaining unit at any time."""
    first_signed: Month
    last_signed: Month
    effects: Effects = Effects()


class LocalUnit(Part):
    """A bargaining unit of the home city that is written out by hand, such as one employer with its own contract, and those it is compared with."""

    id: Slug
    name: Bilingual
    industry: Industry
    platform: str
    district: str
    firms: int = Field(ge=1)
    workers: int = Field(ge=1)
    group: Slug
    """Units of one group are each other's comparison in a study; the table of `clean/` is called so."""


class HardshipScore(Part):
    """A score that decides who gets the waiver, in place of veterans and disability."""

    cutoff: float
    """Score from which the waiver is given."""
    mean: float
    sd: float = Field(gt=0)
    hazard_slope: float = 0.0
    """Change of the log exit hazard per point of the score."""
    manipulated_share: Share = 0.0
    """Share of those up to five points below the cut-off whose score is moved above it."""


class Survey(Part):
    """The questionnaire: who is asked, who answers, how."""

    issued: int = Field(ge=0)
    returned_share: Share
    valid_share: Share
    """Of the returned, those that quality control should keep."""
    waves: tuple[Month, ...]
    """Months of the waves."""
    member_share: Share
    """Share of workers who are union members."""
    logit_member: float
    """Log odds of answering: members against others."""
    logit_long_tenure: float
    """Log odds of answering: three years of tenure or more."""
    logit_part_time: float
    logit_covered: float = 0.0
    """Log odds of answering in waves after the agreement: the covered against others."""


class Planted(Part):
    """How many defects are planted in the files, as shares of rows unless said otherwise; zero plants none."""

    duplicate_days: Share
    """Worker-days that stand twice in the export, identical."""
    amended_days: Share
    """Worker-days that stand twice with different numbers; the second is the later version."""
    shared_devices: Share = 1.0
    """Share of the accounts that never take an order which share a few devices, as bought registrations do."""
    test_accounts: Share
    """Accounts of the platform's own testers, as a share of all."""
    negative_fares: Share
    """Worker-months whose gross is negative by a booking error."""
    fen_files: int = Field(ge=0)
    """Files with money in fen."""
    utc_platforms: int = Field(ge=0)
    """Platforms whose day boundaries are in UTC instead of local time."""
    renamed_from: Month | None = None
    """Month from which gross has another name in the ride-hail and the CSV exports."""
    mixed_dates_files: int = Field(ge=0)
    """CSV files in which some dates are written day first."""
    purge_month: Month | None = None
    """Month in which the giant closes lapsed accounts."""
    purge_share: Share
    """Share of the lapsed and never-used accounts that the purge closes."""
    closed_activity: Share
    """Closed accounts that show activity afterwards, as a share of closed ones."""
    survey: Share
    """Scale of the defects in the survey: 1 as domain knowledge has them, 0 none."""


class ClaimedRate(Part):
    """How a newspaper comes by a rate of churn."""

    first_month: Month
    months: float = Field(gt=0)
    """Months over which exits are counted; a fraction counts that share of the last one."""
    numerator: Literal["exits", "closures"] = "exits"
    """What is counted as a loss: people who leave, or accounts that are closed."""
    denominator: Literal["average_stock", "opening_stock", "ever_in_stock", "average_registered", "average_active", "cumulated_hazard"]
    """What exits are divided by, nothing annualised; `cumulated_hazard` is the loss of a stock over the months, 1 − Π(1 − h)."""
    lowest_cities: int | None = Field(default=None, ge=1)
    """Cities with the lowest rates, chosen afterwards, of which the mean is printed; the whole platform where left out."""


class Claim(Part):
    """Two rates that a newspaper sets side by side."""

    platform: str
    before: ClaimedRate
    after: ClaimedRate


class AskedOfSurvey(Part):
    """A share of workers, as a wave of the survey tells it."""

    wave: int = Field(ge=1)
    """Number of the wave, from 1."""
    field: str
    """Field of the questionnaire."""
    codes: tuple[int, ...] = Field(min_length=1)
    """Codes of the answers that count."""


class Scenario(Part):
    """What a scenario of the pack asks, and what should come out."""

    id: str = Field(pattern=r"^S\d+$")
    study: str | None = None
    """Study file that asks the question, relative to the scenario's; none where no study can ask it yet."""
    delivery: str | None = None
    """Delivery file, relative to the scenario's, where the question is whether cleaning stops at every file that is wrong as a whole; its declarations do not count."""
    survey: AskedOfSurvey | None = None
    """Number that the survey is asked for, where the question is what weights make of those who answered; the truth is what everybody asked would have answered."""
    says: Bilingual
    """What is true in this world, and what the pipeline must not fall for."""
    expected: tuple[Literal["V0", "V1", "V2", "V3", "V4", "V5", "stop"], ...] = Field(min_length=1)
    """Verdicts that are right; `stop` where the data must be refused."""
    flags: tuple[str, ...] = ()
    """Rules of the verdict that must apply, and findings of a survey that must be there."""
    needs: tuple[str, ...] = ()
    """Modules of `impact` without which the question cannot be answered, such as `check.bounds`; the runner looks whether they exist."""
    truth: float | None = None
    """What a right answer must contain, where it is not the difference of means between the worlds with and without agreements."""
    claim: Claim | None = None
    """What the newspaper says of this world, and how it came by it."""
