"""What a world file may say: who lives in the world, what happens in it, and what is planted in its files. May touch: the world file.

Numbers of the default world and where they come from stand in `worlds/default.yaml`, beside each other. The field docstrings become the JSON schema
that editors read (`worlds/schema.json`).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from impact.documents import read_yaml, validated
from impact.errors import WorldError
from impact.months import month_number
from impact.simulate.world_parts import (
    INDUSTRIES,
    Agreement,
    Campaign,
    Cities,
    Event,
    HardshipScore,
    Industry,
    LocalUnit,
    Month,
    People,
    Planted,
    Platform,
    Scenario,
    Shocks,
    Survey,
    Work,
)
from impact.study.parts import Bilingual, Part


class World(Part):
    """A synthetic world."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: Bilingual
    synthetic: Literal[True] = True
    """Every file says so; there is no other kind of world."""
    seed: int = Field(ge=0)
    scale: float = Field(gt=0, le=1)
    """Accounts written, relative to the platforms' real numbers; local units keep their size."""
    first_month: Month
    months: int = Field(ge=3, le=120)
    cities: Cities
    platforms: tuple[Platform, ...] = Field(min_length=1)
    work: dict[Industry, Work]
    people: People
    shocks: Shocks
    hours_elasticity: float
    """Change of log hours per log point of hourly pay."""
    fade_half_life_months: float = Field(gt=0)
    """Half-life of a pay effect, as hours and entry respond."""
    agreements: tuple[Agreement, ...] = ()
    campaign: Campaign | None = None
    local_units: tuple[LocalUnit, ...] = ()
    events: tuple[Event, ...] = ()
    survey: Survey
    planted: Planted
    hardship_score: HardshipScore | None = None
    """Score that decides on the waiver; records of veterans and disability decide where left out."""
    eligible_from: Literal["records", "self_report"] = "records"
    """Whether eligibility for the waiver is known from records before the agreement, or declared by the workers after it."""
    scenario: Scenario | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> World:
        for complaint in _complaints(self):
            raise ValueError(complaint)
        return self

    @property
    def first(self) -> int:
        """First month, counted from January of year 0."""
        year, month = self.first_month.split("-")
        return int(year) * 12 + int(month) - 1

    def place(self, month: str | date) -> int:
        """Give the position of a month, or of the month of a day, counted from the world's first month."""
        number = month_number(month) if isinstance(month, date) else int(month[:4]) * 12 + int(month[5:7]) - 1
        return number - self.first

    def platform(self, name: str) -> Platform:
        """Give a platform by its id."""
        return next(platform for platform in self.platforms if platform.id == name)


def load_world(path: Path, **changes: Any) -> World:
    """Read a world file; `extends` names another one that it changes part by part. `changes` are set last, where not None.

    Lists are replaced as a whole, but for lists of things with an `id`, whose members are changed one by one.
    Raises WorldError that names file and key, what was found, what is allowed and the nearest spelling.
    """
    content = _with_base(path, ())
    content |= {key: value for key, value in changes.items() if value is not None}
    return validated(World, content, path, "world", WorldError, "`worlds/default.yaml` shows each key with its meaning")


def json_schema() -> str:
    """Write the JSON schema of world files, which editors use to complete and check them."""
    return json.dumps(World.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _with_base(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    content = read_yaml(path, "world", WorldError)
    base = content.pop("extends", None)
    if base is None:
        return content
    below = (path.parent / str(base)).resolve()
    if below in seen:
        raise WorldError(f"{path}: `extends` leads in a circle.\nFound `{base}` again.\nLet one of the files stand alone.")
    return _changed(_with_base(below, (*seen, path.resolve())), content)


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Lay changes over a document: mappings part by part, lists with ids member by member, everything else replaced."""
    result = dict(base)
    for key, value in changes.items():
        before = base.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            result[key] = _changed(before, value)
        elif _has_ids(value) and _has_ids(before):
            named = {member["id"]: member for member in before or []}
            result[key] = list({**named, **{member["id"]: _changed(named.get(member["id"], {}), member) for member in value}}.values())
        else:
            result[key] = value
    return result


def _has_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(member, dict) and "id" in member for member in value)


def _complaints(world: World) -> list[str]:
    """List what does not fit together, each as a sentence."""
    names = [platform.id for platform in world.platforms]
    industries = {platform.industry for platform in world.platforms} | {unit.industry for unit in world.local_units}
    industries |= set(INDUSTRIES) if world.campaign else set()
    units = {unit.id for unit in world.local_units}
    sentences = [f"the platform `{name}` stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    sentences += [f"`work` says nothing of {industry}" for industry in sorted(industries) if industry not in world.work]
    for agreement in world.agreements:
        if (agreement.platform is None) == (agreement.unit is None):
            sentences.append(f"agreement `{agreement.id}` needs `platform` or `unit`, and not both")
        if agreement.platform and agreement.platform not in names:
            sentences.append(f"agreement `{agreement.id}`: there is no platform `{agreement.platform}`")
        if agreement.unit and agreement.unit not in units:
            sentences.append(f"agreement `{agreement.id}`: there is no local unit `{agreement.unit}`")
        days = [agreement.offer, agreement.talks, agreement.signed, agreement.effective, *([agreement.expiry] if agreement.expiry else [])]
        if days != sorted(days):
            sentences.append(f"agreement `{agreement.id}`: its dates are out of order (offer, talks, signed, effective, expiry)")
    sentences += [
        f"event `{event.id}`: there is no platform `{name}`" for event in world.events for name in event.platforms if name not in names
    ]
    sentences += [
        f"local unit `{unit.id}`: there is no platform `{unit.platform}`" for unit in world.local_units if unit.platform not in names
    ]
    sentences += [
        f"`survey`: wave {wave} lies outside the world" for wave in world.survey.waves if not 0 <= world.place(wave) < world.months
    ]
    sentences += [
        f"platform `{platform.id}`: `active_share` and `never_trip_share` make more than all accounts"
        for platform in world.platforms
        if platform.active_share + platform.never_trip_share > 1
    ]
    places = [agreement.platform or agreement.unit for agreement in world.agreements]
    sentences += [f"two agreements cover `{place}`: name one" for place in dict.fromkeys(places) if places.count(place) > 1]
    sentences += [
        f"`work` of {name}: the first of `hazards` must be from month 0" for name, work in world.work.items() if work.hazards[0].from_month
    ]
    sentences += [
        f"agreement `{agreement.id}`: `hazard_ratio_spread` is drawn between the agreements of a campaign; one agreement has none"
        for agreement in world.agreements
        if agreement.effects.hazard_ratio_spread
    ]
    claim = world.scenario.claim if world.scenario else None
    for rate in (claim.before, claim.after) if claim else ():
        if world.place(rate.first_month) < 0 or world.place(rate.first_month) + rate.months > world.months:
            sentences.append(f"`scenario.claim`: {rate.months:g} months from {rate.first_month} reach beyond the world")
    taken = [unit.group for unit in world.local_units if unit.group.replace("-", "_") in (*INDUSTRIES, "waiver", "campaign")]
    sentences += [f"local units cannot be of group `{group}`: it is the name of another table" for group in dict.fromkeys(taken)]
    if world.campaign and world.place(world.campaign.last_signed) < world.place(world.campaign.first_signed):
        sentences.append("`campaign`: `last_signed` lies before `first_signed`")
    return sentences
