"""Checks on a registry: each rule meets what it is about and nothing else, and what is printed today is judged as it should be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from impact.clean.audit import Finding
from impact.clean.registry.claims import missing_in
from impact.clean.registry.clauses import PARAMETERS
from impact.clean.registry.registry import check_registry
from impact.simulate.registry_files import registry_files
from impact.simulate.terms import TOPICS as MADE
from impact.simulate.world import load_world
from impact.sources.registry import Registry, load_registry
from impact.sources.registry_records import ClauseType, Fact, Workers
from impact.sources.registry_topics import TOPICS, topic_by_words

ROOT = Path(__file__).parents[2]
FACTS = load_registry(ROOT / "data" / "registry")
SOURCE = "workers-daily-1124"


def dated(day: str, precision: str = "day") -> Fact[Any]:
    return Fact[date](value=date.fromisoformat(day), precision=precision, source=SOURCE, status="stated")


DATES = {"offer": "2024-09-10", "talks": "2024-10-15", "announced": "2025-02-01", "signed": "2025-02-20", "effective": "2025-03-01"}
SOUND = {name: dated(day) for name, day in DATES.items()} | {"expiry": dated("2028-02-29"), "platform": "RH01"}


def with_agreement(name: str = "dier-network", **changes: Any) -> Registry:
    agreement = FACTS.agreements[name].model_copy(update=changes)
    return replace(FACTS, agreements={**FACTS.agreements, name: agreement})


def with_clause(**changes: Any) -> Registry:
    clause = FACTS.clauses["chengyang-freight-CL01"].model_copy(update=changes)
    return replace(FACTS, clauses={**FACTS.clauses, clause.id: clause})


def found(registry: Registry, rule: str) -> Finding | None:
    return next((finding for finding in check_registry(registry) if finding.rule == rule), None)


def names(registry: Registry, rule: str) -> str:
    finding = found(registry, rule)
    return finding.text.en if finding else ""


def test_the_gravest_findings_stand_first_and_each_says_what_to_do_in_both_languages():
    findings = check_registry(with_agreement(**SOUND | {"signed": dated("2024-01-01")}))
    levels = [finding.level for finding in findings]
    assert levels == sorted(levels, key=("stop", "warning", "note").index)
    assert levels[0] == "stop"
    for finding in findings:
        assert finding.rows > 0
        assert all((finding.text.en, finding.text.zh, finding.advice.en, finding.advice.zh))


def test_the_printed_registry_has_nothing_that_stops_and_its_two_churn_rates_cannot_be_compared():
    assert "stop" not in {finding.level for finding in check_registry(FACTS)}
    assert "dier-churn (numerator, denominator, period, window)" in names(FACTS, "claim_not_comparable")
    assert "dier-new-drivers" not in names(FACTS, "claim_not_comparable")
    assert found(FACTS, "effective_unknown").rows == 3


def test_a_world_registry_has_no_stop_and_every_made_clause_has_a_topic():
    world = load_world(ROOT / "worlds" / "default.yaml")
    assert {topic_by_words(topic.words.zh) for topic in MADE} == {
        "commission_cap", "commission_waiver", "minimum_pay", "overtime_pay", "weather_pay", "rest", "insurance", "health", "appeal",
        "driver_management", "dispatch", "algorithm", "ratings", "incentives", "union_time", "assessment",
    }  # fmt: skip
    assert registry_files(world, FACTS)["clauses.yaml"].count("topic_id: ") == len(FACTS.clauses)


def test_there_are_sixteen_topics_and_no_word_means_two_of_them():
    words = [word for topic in TOPICS for word in (topic.name.zh, *topic.also)]
    assert len(TOPICS) == 16
    assert len(words) == len(set(words))
    assert {topic.id for topic in TOPICS if topic.printed} == {"driver_management", "assessment", "incentives", "insurance"}
    printed = {clause.code for clause in FACTS.clauses_of("dier-network")}
    assert printed == {"commission_waiver", "incentives", "driver_management", "assessment", "insurance"}


def test_every_type_of_clause_has_units_with_a_range():
    assert set(PARAMETERS) == set(ClauseType.__args__)
    assert all(least < most for units in PARAMETERS.values() for least, most in units.values())


def test_dates_in_order_are_met_by_no_rule():
    registry = with_agreement(**SOUND)
    assert not {"date_order", "announced_order"} & {finding.rule for finding in check_registry(registry)}
    assert "dier-network" not in names(registry, "effective_unknown") + names(registry, "expiry_unknown")


ORDER = ("offer", "talks", "signed", "effective", "expiry")


@pytest.mark.parametrize(("before", "after"), list(pairwise(ORDER)))
def test_two_dates_that_change_places_stop(before, after):
    registry = with_agreement(**SOUND | {before: SOUND[after], after: SOUND[before]})
    assert found(registry, "date_order").level == "stop"
    assert "dier-network (" in names(registry, "date_order")


def test_dates_are_compared_across_one_that_is_missing():
    silent = FACTS.agreements["dier-network"].signed
    registry = with_agreement(**SOUND | {"signed": silent, "talks": silent, "offer": dated("2025-06-01")})
    assert "dier-network (offer 2025-06-01, effective 2025-03-01)" in names(registry, "date_order")


def test_a_month_that_may_hold_both_days_is_in_order():
    within = with_agreement(**SOUND | {"effective": dated("2025-02-01", "month")})
    before = with_agreement(**SOUND | {"effective": dated("2025-01-01", "month")})
    assert found(within, "date_order") is None
    assert found(before, "date_order")


def test_the_end_of_an_agreement_is_its_last_day():
    same = with_agreement(**SOUND | {"expiry": SOUND["effective"]})
    assert found(same, "date_order") is None


def test_an_announcement_after_the_signing_is_a_warning_and_no_stop():
    registry = with_agreement(**SOUND | {"announced": dated("2025-02-25")})
    assert found(registry, "announced_order").level == "warning"
    assert found(registry, "date_order") is None


def test_a_year_alone_cannot_start_coverage():
    registry = with_agreement(**SOUND | {"effective": dated("2025-01-01", "year"), "signed": dated("2025-01-01", "year")})
    assert found(registry, "effective_by_year").level == "stop"


@pytest.mark.parametrize("side", [{"平台"}, {"劳动者代表", "地方工会"}])
def test_both_sides_must_have_a_party(side):
    parties = tuple(party for party in FACTS.agreements["dier-network"].parties if party.role in side)
    assert "dier-network" in names(with_agreement(parties=parties), "party_missing")
    assert found(FACTS, "party_missing") is None


def two_agreements(first_end: str, second_start: str, platform: str = "RH01") -> Registry:
    one = FACTS.agreements["dier-network"].model_copy(update=SOUND | {"expiry": dated(first_end)})
    later = SOUND | {"effective": dated(second_start), "expiry": dated("2030-01-01"), "id": "second", "platform": platform}
    return replace(FACTS, agreements={one.id: one, "second": one.model_copy(update=later)})


def test_two_agreements_overlap_where_they_share_a_day_and_a_scope():
    assert "dier-network & second" in names(two_agreements("2026-02-28", "2026-02-28"), "agreements_overlap")
    assert found(two_agreements("2026-02-28", "2026-03-01"), "agreements_overlap") is None
    assert found(two_agreements("2026-02-28", "2026-02-28", "RH02"), "agreements_overlap") is None


def test_an_end_that_is_not_stated_is_taken_as_far_off():
    registry = two_agreements("2026-02-28", "2029-01-01")
    first = registry.agreements["dier-network"].model_copy(update={"expiry": FACTS.agreements["dier-network"].expiry})
    assert found(replace(registry, agreements={**registry.agreements, first.id: first}), "agreements_overlap")
    assert found(registry, "agreements_overlap") is None


def test_more_active_workers_than_registered_ones_are_noticed():
    counts = [
        Workers(basis=basis, value=value, source=SOURCE, status="stated") for basis, value in (("registered", 90), ("active_30d", 100))
    ]
    assert "dier-network" in names(with_agreement(workers=tuple(counts)), "active_above_registered")
    even = [counts[0], counts[1].model_copy(update={"value": 90})]
    assert found(with_agreement(workers=tuple(even)), "active_above_registered") is None


def test_a_clause_of_an_unknown_agreement_stops():
    finding = found(with_clause(agreement="nobody"), "clause_of_unknown_agreement")
    assert finding.level == "stop"
    assert finding.text.en.endswith("chengyang-freight-CL01 (nobody)")


def test_the_same_clause_twice_is_noticed_and_another_eligibility_makes_it_another():
    clause = FACTS.clauses["dier-network-CL02"]
    again = replace(FACTS, clauses={**FACTS.clauses, "x": clause.model_copy(update={"id": "x"})})
    other = replace(FACTS, clauses={**FACTS.clauses, "x": clause.model_copy(update={"id": "x", "eligibility_rule": None})})
    assert "x = dier-network-CL02" in names(again, "clause_twice")
    assert found(other, "clause_twice") is None


@pytest.mark.parametrize(
    ("type_", "value", "unit", "rule"),
    [
        ("commission_cap", 0.27, "share", None),
        ("commission_cap", 27, "share", "parameter_out_of_range"),
        ("commission_cap", 27, "percent", "parameter_unit"),
        ("commission_cap", 0.27, None, "parameter_without_unit"),
        ("rest_limit", None, "hours", "parameter_without_unit"),
        ("rest_limit", 25, "hours", "parameter_out_of_range"),
        ("insurance", 300_000, "yuan", None),
    ],
)
def test_a_number_needs_a_unit_of_its_type_and_a_possible_size(type_, value, unit, rule):
    rules = {"parameter_out_of_range", "parameter_unit", "parameter_without_unit"}
    met = {finding.rule for finding in check_registry(with_clause(type=type_, param_value=value, unit=unit))} & rules
    assert met == ({rule} if rule else set())


def test_days_of_a_clause_run_forward_and_inside_its_agreement():
    freight = SOUND | {"platform": "FR01"}
    registry = with_agreement("chengyang-freight", **freight)
    clause = FACTS.clauses["chengyang-freight-CL01"]
    outside = clause.model_copy(update={"start": date(2025, 2, 28)})
    backward = clause.model_copy(update={"start": date(2026, 2, 2), "end": date(2026, 2, 1)})
    assert found(replace(registry, clauses={clause.id: outside}), "clause_outside_agreement")
    assert found(replace(registry, clauses={clause.id: backward}), "clause_ends_before_it_starts").level == "stop"
    inside = clause.model_copy(update={"start": date(2025, 3, 1), "end": date(2028, 2, 29)})
    assert found(replace(registry, clauses={clause.id: inside}), "clause_outside_agreement") is None


def test_a_clause_without_a_known_topic_is_named_in_its_own_words():
    topic = FACTS.clauses["chengyang-freight-CL01"].topic.model_copy(update={"zh": "着装要求", "en": "dress"})
    finding = found(with_clause(topic=topic, topic_id=None), "topic_unknown")
    assert "（着装要求）" in finding.text.zh


def test_more_coded_topics_than_stated_are_noticed():
    fewer = FACTS.agreements["dier-network"].topics_n.model_copy(update={"value": 4})
    assert "dier-network" in names(with_agreement(topics_n=fewer), "more_topics_than_stated")
    assert found(FACTS, "more_topics_than_stated") is None


@pytest.mark.parametrize("until", ["2025-08-14", "2025-07", "soon", "2205-01-01"])
def test_an_event_that_ends_before_it_begins_or_never_stops(until):
    event = FACTS.events["commission-cuts-2025"].model_copy(update={"until": until})
    assert found(replace(FACTS, events={event.id: event}), "event_date_impossible").level == "stop"
    assert found(FACTS, "event_date_impossible") is None


def test_a_claim_that_states_everything_can_be_compared():
    claim = FACTS.claims["dier-churn"]
    words = FACTS.claims["dier-new-drivers"].numerator
    whole = claim.model_copy(update={"period": "2024", "window": "30 days", "numerator": words, "denominator": words})
    assert missing_in(claim) == ("numerator", "denominator", "period", "window")
    assert missing_in(whole) == ()
    assert missing_in(whole.model_copy(update={"window": None})) == ("window",)


def test_a_claim_about_nothing_is_a_warning():
    claim = FACTS.claims["dier-churn"].model_copy(update={"about": "dier"})
    assert "dier-churn (dier)" in names(replace(FACTS, claims={claim.id: claim}), "claim_about_nothing")


def test_a_primary_source_ends_the_search_for_the_original():
    assert "anhui-regulation-2025" not in _secondary(FACTS)
    primary = {name: source.model_copy(update={"secondary": False}) for name, source in FACTS.sources.items()}
    assert found(replace(FACTS, sources=primary), "secondary_sources_only") is None


def _secondary(registry: Registry) -> str:
    findings = [one for one in check_registry(registry) if one.rule == "secondary_sources_only" and one.where == "events.yaml"]
    assert [one.rows for one in findings] == [len(registry.events) - 1]
    return findings[0].text.en


def test_an_empty_registry_says_fill_in():
    finding = found(replace(FACTS, agreements={}, clauses={}), "no_agreement")
    assert finding.level == "stop"
    assert "Fill in `agreements.yaml`" in finding.advice.en


@pytest.mark.parametrize(("value", "precision", "words"), [(None, "month", "needs a date"), ("2025-03-02", "month", "the first day of it")])
def test_a_date_of_a_month_is_written_as_its_first_day(value, precision, words):
    with pytest.raises(ValueError, match=words):
        Fact[date](value=value, precision=precision, source=SOURCE, status="stated" if value else "not stated")
