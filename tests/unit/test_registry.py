"""The registry: every fact has a known source, a broken file is refused in words, and a world's registry is read by the same door."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from impact.errors import SourceError, WorldError
from impact.simulate.registry_files import SYNTHETIC, agreement_table, registry_files
from impact.simulate.units import agreements
from impact.simulate.world import World, load_world
from impact.sources.registry import Registry, load_registry
from impact.sources.registry_records import Fact

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "registry"
PRINTED = {"dier-network": 560_000, "ciwei-tripartite": 400}


@pytest.fixture(scope="module")
def facts() -> Registry:
    return load_registry(FOLDER)


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(ROOT / "worlds" / "default.yaml")


@pytest.fixture(scope="module")
def files(world: World, facts: Registry) -> dict[str, str]:
    return registry_files(world, facts)


@pytest.fixture(scope="module")
def received(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("registry")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_registry(folder)


def every_fact(part: BaseModel) -> Iterator[Fact[object]]:
    for key in type(part).model_fields:
        value = getattr(part, key)
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Fact):
                yield inner
            elif isinstance(inner, BaseModel):
                yield from every_fact(inner)


def records(registry: Registry) -> list[BaseModel]:
    kinds = (registry.programmes, registry.agreements, registry.campaigns, registry.clauses, registry.events, registry.claims)
    return [record for kind in kinds for record in kind.values()]


def broken(tmp_path: Path, file: str, change: Callable[[dict], None]) -> Path:
    folder = tmp_path / "registry"
    shutil.copytree(FOLDER, folder)
    content = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    change(content)
    (folder / file).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


def test_the_registry_holds_what_the_page_prints(facts):
    assert sorted(programme.number for programme in facts.programmes.values()) == list(range(1, 22))
    assert {"dier-network", "ciwei-tripartite", "chengyang-freight"} == set(facts.agreements)
    assert facts.campaigns["campaign-1124"].agreements_n.value == 130
    churn = facts.claims["dier-churn"]
    assert (churn.before, churn.after, churn.window, churn.denominator) == (22, 7, None, None)


def test_every_fact_has_a_known_source_and_missing_ones_say_so(facts):
    found = [fact for record in records(facts) for fact in every_fact(record)]
    assert len(found) > 120
    assert {fact.source for fact in found} <= set(facts.sources)
    assert all((fact.value is None) == (fact.status == "not stated") for fact in found)


def test_no_date_of_a_printed_agreement_is_known(facts):
    for agreement in facts.agreements.values():
        assert [getattr(agreement, day).value for day in ("offer", "talks", "announced", "signed", "effective", "expiry")] == [None] * 6


def test_every_source_is_used(facts):
    used = {source for event in facts.events.values() for source in event.sources}
    used |= {fact.source for record in records(facts) for fact in every_fact(record)}
    assert set(facts.sources) == used | {"workers-daily-1124"}


def test_every_event_and_clause_sheet_of_the_default_world_is_on_record(facts, world):
    assert {event.id for event in world.events} <= set(facts.events)
    assert {agreement.clause_sheet for agreement in world.agreements} <= set(facts.agreements)


def test_clauses_and_claims_are_about_something_on_record(facts):
    known = {*facts.agreements, *facts.campaigns, *facts.programmes}
    assert {clause.agreement for clause in facts.clauses.values()} <= set(facts.agreements)
    assert {claim.about for claim in facts.claims.values()} <= known


def test_an_unknown_source_is_refused_with_the_nearest_spelling(tmp_path):
    folder = broken(tmp_path, "events.yaml", lambda content: content["events"][2].update(sources=["szampx-2025071"]))
    with pytest.raises(SourceError) as found:
        load_registry(folder)
    message = str(found.value)
    assert "events.yaml: `injury-scheme-pilot-2022` names a source that is not known." in message
    assert "Found `szampx-2025071`; known: " in message
    assert message.endswith("Did you mean `szampx-20250711`?")


def test_a_fact_without_source_is_refused(tmp_path):
    folder = broken(tmp_path, "agreements.yaml", lambda content: content["agreements"][0]["reps_n"].pop("source"))
    with pytest.raises(
        SourceError, match=r"agreements\.yaml: key `agreements\.0\.reps_n\.source` is missing\.\nFound nothing there\.\nAdd it; "
    ):
        load_registry(folder)


def test_a_source_deep_inside_a_record_is_checked_too(tmp_path):
    folder = broken(tmp_path, "programmes.yaml", lambda content: content["programmes"][0]["facts"][1].update(source="hearsay"))
    with pytest.raises(
        SourceError, match=r"`system-1124` names a source that is not known\.\nFound `hearsay`(.|\n)*Add it to `sources.yaml`"
    ):
        load_registry(folder)


def test_an_id_that_stands_twice_is_refused(tmp_path):
    folder = broken(tmp_path, "claims.yaml", lambda content: content["claims"][1].update(id="dier-churn"))
    with pytest.raises(
        SourceError, match=r"claims\.yaml: an id stands twice\.\nFound twice: dier-churn\.\nGive each record an id of its own"
    ):
        load_registry(folder)


def test_an_unknown_key_is_refused_with_the_nearest_spelling(tmp_path):
    folder = broken(tmp_path, "clauses.yaml", lambda content: content["clauses"][0].update(eligibilty_rule=None))
    with pytest.raises(
        SourceError, match=r"key `clauses\.0\.eligibilty_rule` is not known\.\nKnown here: (.|\n)*Did you mean `eligibility_rule`\?"
    ):
        load_registry(folder)


def test_a_missing_value_that_claims_to_be_stated_is_refused(tmp_path):
    folder = broken(tmp_path, "agreements.yaml", lambda content: content["agreements"][0]["signed"].update(status="stated"))
    with pytest.raises(SourceError, match="a value of `null` needs the status `not stated`"):
        load_registry(folder)


def test_a_value_that_claims_to_be_missing_is_refused(tmp_path):
    folder = broken(tmp_path, "agreements.yaml", lambda content: content["agreements"][0]["reps_n"].update(status="not stated"))
    with pytest.raises(SourceError, match="the status `not stated` needs a value of `null`"):
        load_registry(folder)


@pytest.mark.parametrize(
    ("date", "precision", "words"), [("2025", "day", "has 10 characters, `2025` has 4"), ("2025-13", "month", "month must be in")]
)
def test_a_date_is_as_precise_as_it_says(tmp_path, date, precision, words):
    folder = broken(tmp_path, "events.yaml", lambda content: content["events"][3].update(date=date, date_precision=precision))
    with pytest.raises(SourceError, match=words):
        load_registry(folder)


def test_a_day_may_stand_without_quotation_marks(tmp_path):
    text = (FOLDER / "events.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "registry"
    shutil.copytree(FOLDER, folder)
    (folder / "events.yaml").write_text(text.replace('date: "2025-04-16"', "date: 2025-04-16"), encoding="utf-8")
    assert load_registry(folder).events["carpool-ban-2025"].date == "2025-04-16"


def test_a_worlds_registry_is_the_same_every_time_and_says_that_it_is_synthetic(world, facts, files):
    assert registry_files(world, facts) == files
    assert set(files) == {f"{name}.yaml" for name in ("agreements", "clauses", "events", "programmes", "claims", "sources")}
    assert all(text.startswith("# SYNTHETIC / 合成数据") for text in files.values())


def test_what_agreements_and_events_truly_do_stays_out_of_the_files(files):
    for text in files.values():
        assert not [word for word in ("hazard_ratio", "effects", "commission_change", "pay_floor_ratio", "income_ratio") if word in text]
        assert "&id" not in text


def test_a_worlds_registry_holds_every_agreement_with_its_dates_in_order(world, received):
    assert list(received.agreements) == [agreement.id for agreement in agreements(world)]
    assert len(received.agreements) == 130
    for agreement in received.agreements.values():
        days = [agreement.offer.value, agreement.talks.value, agreement.signed.value, agreement.effective.value, agreement.expiry.value]
        assert days == sorted(days)


def test_the_firms_are_those_that_the_page_counts(world, received):
    assert sum(agreement.firms_n.value for agreement in received.agreements.values()) == 398
    assert agreement_table(world).firms_n.sum() == 398


def test_the_agreement_table_says_what_the_files_say(world, received):
    table = agreement_table(world).set_index("agreement_id")
    assert table.index.is_unique
    for name, agreement in received.agreements.items():
        row = table.loc[name]
        assert (row.level, row.industry, row.pathway) == (agreement.level, agreement.industry, agreement.pathway.value)
        assert row.signed.date() == agreement.signed.value
        assert row.platform_id == agreement.platform


def test_printed_facts_keep_their_source_and_the_rest_is_synthetic(received, facts):
    for name, workers in PRINTED.items():
        count = received.agreements[name].workers[0]
        assert (count.value, count.source, count.status) == (workers, "workers-daily-1124", "stated")
    dier = received.agreements["dier-network"]
    assert dier.reps_n == facts.agreements["dier-network"].reps_n
    assert (dier.signed.source, dier.signed.status) == (SYNTHETIC, "synthetic")
    small = received.agreements["A001"]
    assert {fact.source for fact in every_fact(small)} == {SYNTHETIC}
    assert {fact.status for fact in every_fact(small)} == {"synthetic"}


def test_clauses_are_the_printed_ones_or_one_to_six_made_ones(received, facts):
    rules = [clause.eligibility_rule for clause in received.clauses_of("dier-network")]
    assert rules == [clause.eligibility_rule for clause in facts.clauses_of("dier-network")]
    assert [clause.type for clause in received.clauses_of("chengyang-freight")] == ["min_wage", "overtime"]
    for name, agreement in received.agreements.items():
        clauses = received.clauses_of(name)
        assert [clause.topic for clause in clauses] == list(agreement.topics)
        assert 1 <= len(clauses) <= (9 if name == "dier-network" else 6)


def test_events_have_the_months_of_the_world_and_the_words_of_the_registry(world, received, facts):
    assert [event.id for event in world.events] == list(received.events)
    for event in world.events:
        found = received.events[event.id]
        assert (found.date, found.name) == (event.month, facts.events[event.id].name)
        assert found.sources == (*facts.events[event.id].sources, SYNTHETIC)
    assert received.events["carpool-ban-2025"].cities == ("C01",)
    assert received.events["price-war-2025"].status == "synthetic"
    assert received.events["injury-scheme-2025"].status == "found"


def test_a_world_with_an_event_that_nobody_recorded_is_refused(world, facts):
    odd = world.model_copy(update={"events": (world.events[0].model_copy(update={"id": "injury-scheme-2026"}),)})
    with pytest.raises(WorldError, match=r"knows nothing\.\nFound `injury-scheme-2026`; known: (.|\n)*Did you mean `injury-scheme-2025`\?"):
        registry_files(odd, facts)


def test_a_world_with_a_clause_sheet_that_nobody_recorded_is_refused(world, facts):
    odd = world.model_copy(update={"agreements": (world.agreements[0].model_copy(update={"clause_sheet": "nobody"}),)})
    with pytest.raises(
        WorldError,
        match=r"agreement `dier-network` has a clause sheet of which(.|\n)*Found `nobody`(.|\n)*Add it to `data/registry/agreements",
    ):
        registry_files(odd, facts)
