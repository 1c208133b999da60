"""The registry of a synthetic world as it would be received: agreements, clauses, events, programmes, claims, sources. May touch: nothing.

Printed facts are copied with their source; everything else has the source `synthetic-world`. What an agreement or event truly does stays out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

import pandas as pd
import yaml

from impact.errors import WorldError, listing, nearest
from impact.simulate import world_parts as worlds
from impact.simulate.places import cities
from impact.simulate.streams import stream
from impact.simulate.terms import Topic, terms
from impact.simulate.units import Unit, agreements, bargaining_units
from impact.simulate.world import World
from impact.sources.registry import Registry
from impact.sources.registry_records import Agreement, Clause, Event, Fact, Level, Party, Record, Role, Source, Workers
from impact.study.parts import Bilingual

SYNTHETIC = "synthetic-world"
"""Source of everything that no printed fact says."""
_SOURCE = Source(
    id=SYNTHETIC,
    kind="synthetic",
    what=Bilingual(en="Made by `impact simulate`; no evidence about anybody", zh="由 `impact simulate` 生成，不构成任何证据"),
    secondary=False,
)
_DATES = ("offer", "talks", "signed", "effective", "expiry")
V = TypeVar("V")


def registry_files(world: World, facts: Registry) -> dict[str, str]:
    """Write the world's registry as YAML texts by file name; `load_registry` reads them.

    Raises WorldError where the world names an event or clause sheet of which the facts know nothing.
    """
    signed, sheets = agreements(world), _sheets(world, facts)
    clauses = {agreement.id: _clauses(world, agreement, sheets.get(agreement.id), facts) for agreement in signed}
    units = {unit.id: unit for unit in bargaining_units(world)}
    records: dict[str, Iterable[Record]] = {
        "agreements": [_agreement(world, one, units.get(one.unit or ""), sheets.get(one.id), clauses[one.id]) for one in signed],
        "clauses": [clause for one in signed for clause in clauses[one.id]],
        "events": [_event(world, event, _event_facts(event.id, facts)) for event in world.events],
        "programmes": facts.programmes.values(),
        "claims": [claim for claim in facts.claims.values() if claim.about in {*facts.programmes, *(one.id for one in signed)}],
        "sources": (*(source for source in facts.sources.values() if source.id != SYNTHETIC), _SOURCE),
    }
    return {f"{name}.yaml": _text(world, name, found) for name, found in records.items()}


def agreement_table(world: World) -> pd.DataFrame:
    """List the agreements: `agreement_id, level, industry, pathway, platform_id, unit, offer, talks, signed, effective, expiry, firms_n`, a row for each."""
    units = {unit.id: unit for unit in bargaining_units(world)}
    rows = [_row(agreement, units.get(agreement.unit or "")) for agreement in agreements(world)]
    frame = pd.DataFrame(rows, columns=["agreement_id", "level", "industry", "pathway", "platform_id", "unit", *_DATES, "firms_n"])
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in _DATES})


def _row(agreement: worlds.Agreement, unit: Unit | None) -> dict[str, Any]:
    return {
        "agreement_id": agreement.id,
        "level": _level(unit),
        "industry": str(agreement.industry),
        "pathway": agreement.pathway,
        "platform_id": unit.platform if unit else agreement.platform,
        "unit": agreement.unit,
        **{day: getattr(agreement, day) for day in _DATES},
        "firms_n": _firms_n(unit),
    }


def _level(unit: Unit | None) -> Level:
    if unit is None:
        return "platform_network"
    return "firm" if len(unit.firms) == 1 else "district"


def _firms_n(unit: Unit | None) -> int:
    """Count the firms under an agreement; a platform signs for itself."""
    return len(unit.firms) if unit else 1


def _sheets(world: World, facts: Registry) -> dict[str, Agreement]:
    """Find the printed record of each agreement that has one."""
    named = {agreement.id: agreement.clause_sheet for agreement in world.agreements if agreement.clause_sheet}
    for agreement, sheet in named.items():
        if sheet not in facts.agreements:
            raise WorldError(_unknown(f"agreement `{agreement}` has a clause sheet", sheet, facts.agreements, "agreements"))
    return {agreement: facts.agreements[sheet] for agreement, sheet in named.items()}


def _event_facts(name: str, facts: Registry) -> Event:
    if name not in facts.events:
        raise WorldError(_unknown("there is an event", name, facts.events, "events"))
    return facts.events[name]


def _unknown(what: str, name: str, known: Iterable[str], file: str) -> str:
    hint = nearest(name, known) or f"Add it to `data/registry/{file}.yaml`, with its source."
    return f"world: {what} of which the registry knows nothing.\nFound `{name}`; known: {listing(known)}.\n{hint}"


def _agreement(
    world: World, agreement: worlds.Agreement, unit: Unit | None, sheet: Agreement | None, clauses: tuple[Clause, ...]
) -> Agreement:
    """Join what is printed about an agreement with what the world makes up."""
    drawn = terms(world, agreement)
    made: dict[str, Any] = {day: getattr(agreement, day) for day in _DATES}
    made |= {
        "pathway": agreement.pathway,
        "firms_n": _firms_n(unit),
        "announced": None,
        "cities_n": len(cities(world)) if unit is None else 1,
    }
    made |= {"reps_n": drawn.reps_n, "reps_selection": None, "rounds_n": drawn.rounds_n, "topics_n": len(clauses)}
    return Agreement(
        id=agreement.id,
        name=_words(agreement.name),
        level=_level(unit),
        industry=agreement.industry,
        platform=unit.platform if unit else agreement.platform,
        unit=agreement.unit,
        place=sheet.place if sheet else _place(world, unit),
        parties=sheet.parties if sheet else _parties(world, agreement, unit),
        workers=_workers(world, agreement, unit, sheet),
        topics=tuple(clause.topic for clause in clauses),
        facts=sheet.facts if sheet else (),
        source=sheet.source if sheet else SYNTHETIC,
        status=sheet.status if sheet else "synthetic",
        **{key: _either(getattr(sheet, key, None), value) for key, value in made.items()},
    )


def _either(printed: Fact[V] | None, value: V | None) -> Fact[V]:
    """Take the printed fact where there is one, and the world's own otherwise."""
    if printed is not None and printed.value is not None:
        return printed
    return Fact[Any](value=value, source=SYNTHETIC, status="synthetic")


def _workers(world: World, agreement: worlds.Agreement, unit: Unit | None, sheet: Agreement | None) -> tuple[Workers, ...]:
    """Give the printed counts of workers, or the world's own: people of the unit under the contract, accounts of the platform on the books."""
    if sheet and any(count.value is not None for count in sheet.workers):
        return sheet.workers
    if unit is not None:
        return (Workers(basis="contract", value=unit.workers, source=SYNTHETIC, status="synthetic"),)
    registered = world.platform(agreement.platform or "").registered
    return (Workers(basis="registered", value=registered, source=SYNTHETIC, status="synthetic"),)


def _place(world: World, unit: Unit | None) -> Bilingual:
    home = cities(world)[0].name
    if unit is None:
        return Bilingual(en="Every city of the platform", zh="平台所在全部城市")
    return Bilingual(en=f"{unit.district}, {home.en}", zh=f"{home.zh}市{unit.district}")


def _parties(world: World, agreement: worlds.Agreement, unit: Unit | None) -> tuple[Party, ...]:
    if unit is None:
        named: list[tuple[Role, Bilingual]] = [("平台", _words(world.platform(agreement.platform or "").name))]
    else:
        union = Bilingual(en=f"Industry union, {unit.district}", zh=f"{unit.district}行业工会联合会")
        named = [("合作方", _words(unit.name)), ("行业工会", union)]
    named.append(("劳动者代表", Bilingual(en="Elected representatives", zh="民主推选的劳动者代表")))
    return tuple(Party(role=role, name=name, source=SYNTHETIC, status="synthetic") for role, name in named)


def _clauses(world: World, agreement: worlds.Agreement, sheet: Agreement | None, facts: Registry) -> tuple[Clause, ...]:
    """Give the printed clauses, or clauses on the topics that were drawn."""
    printed = facts.clauses_of(sheet.id) if sheet else ()
    if printed:
        return tuple(_renamed(clause, agreement.id, place + 1) for place, clause in enumerate(printed))
    return tuple(_made_clause(world, agreement.id, place + 1, topic) for place, topic in enumerate(terms(world, agreement).topics))


def _renamed(clause: Clause, agreement: str, number: int) -> Clause:
    return clause.model_copy(update={"id": f"{agreement}-CL{number:02d}", "agreement": agreement})


def _made_clause(world: World, agreement: str, number: int, topic: Topic) -> Clause:
    draw = stream(world.seed, "clause", agreement, number)
    value = float(draw.choice(topic.values)) if topic.values else None
    en, zh = (f": {value:.10g} {topic.unit.en}", f"：{value:.10g}{topic.unit.zh}") if value is not None and topic.unit else ("", "")
    return Clause(
        id=f"{agreement}-CL{number:02d}",
        agreement=agreement,
        topic=_words(topic.words),
        type=topic.type,
        says=Bilingual(en=f"On {topic.words.en}{en}.", zh=f"关于{topic.words.zh}{zh}。"),
        param_value=value,
        unit=topic.unit.en if topic.unit else None,
        eligibility_rule=None,
        start=None,
        end=None,
        enforceability=int(draw.integers(0, 4)),
        source=SYNTHETIC,
        status="synthetic",
    )


def _event(world: World, event: worlds.Event, printed: Event) -> Event:
    """Set the month of the world, and whom the event hits there; the status stays as printed where the month is the printed one."""
    as_printed = (printed.date or "").startswith(event.month)
    named = event.industries or tuple(dict.fromkeys(world.platform(name).industry for name in event.platforms))
    return printed.model_copy(
        update={
            "date": event.month,
            "date_precision": "month",
            "until": None,
            "platforms": event.platforms,
            "industries": named or printed.industries,
            "cities": (cities(world)[0].id,) if event.home_only else (),
            "sources": (*printed.sources, SYNTHETIC),
            "status": printed.status if as_printed else "synthetic",
        }
    )


def _words(words: Bilingual) -> Bilingual:
    return Bilingual(en=words.en, zh=words.zh)


def _text(world: World, name: str, records: Iterable[Record]) -> str:
    """Write records as YAML, small parts on one line each."""
    head = f"# SYNTHETIC / 合成数据: world `{world.name}`, seed {world.seed}. Facts with the source `{SYNTHETIC}` are made, the others are printed.\n"
    content = {name: [_plain(record.model_dump(exclude_defaults=True)) for record in records]}
    return head + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=160, default_flow_style=None)


def _plain(value: Any) -> Any:
    """Make plain text of strings of other libraries, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float | date) else str(value)
