"""The strength index: between 0 and 100, never lower for more, never wider for knowing more; silence is no zero."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.clean.registry.clause_strength import agreement_strength, clause_scores, clause_strength
from impact.sources.registry import load_registry
from impact.sources.registry_records import Agreement, Clause, Fact
from impact.sources.registry_topics import TOPICS
from impact.study.model import Bilingual

FACTS = load_registry(Path(__file__).parents[2] / "data" / "registry")
SOURCE = "workers-daily-1124"
START, END = date(2025, 3, 1), date(2028, 2, 29)


def dated(day: date) -> Fact[date]:
    return Fact[date](value=day, source=SOURCE, status="stated")


def agreement(topics_n: int | None = None) -> Agreement:
    number = Fact[int](value=topics_n, source=SOURCE, status="stated" if topics_n else "not stated")
    return FACTS.agreements["ciwei-tripartite"].model_copy(
        update={"id": "a", "effective": dated(START), "expiry": dated(END), "topics_n": number}
    )


def clause(
    number: int, topic: str | None, grade: int | None, value: float | None = 1.0, type_: str | None = "reward", end: date | None = None
) -> Clause:
    words = Bilingual(en="words", zh="未编码")
    return Clause(
        id=f"c{number}", agreement="a", topic=words, topic_id=topic, type=type_, says=words, param_value=value, unit="yuan" if value else None,
        eligibility_rule=None, start=None, end=end, enforceability=grade, source=SOURCE, status="stated",
    )  # fmt: skip


def total(clauses: list[Clause], topics_n: int | None = None) -> tuple[float, float]:
    row = agreement_strength(clauses, {"a": agreement(topics_n)}).iloc[0]
    return float(row["low"]), float(row["high"])


topics = st.sampled_from([topic.id for topic in TOPICS])
ends = st.sampled_from([None, date(2025, 6, 30), date(2027, 1, 1)])
read = st.builds(clause, st.just(0), topics, st.integers(0, 3), st.sampled_from([None, 1.0]), st.sampled_from(["reward", "dispatch"]), ends)
any_clause = st.builds(
    clause, st.just(0), st.one_of(topics, st.none()), st.one_of(st.none(), st.integers(0, 3)), st.sampled_from([None, 1.0]),
    st.sampled_from(["reward", "dispatch", None]), ends,
)  # fmt: skip


def numbered(clauses: list[Clause]) -> list[Clause]:
    return [one.model_copy(update={"id": f"c{place}"}) for place, one in enumerate(clauses)]


@settings(max_examples=60, deadline=None)
@given(st.lists(any_clause, max_size=8), any_clause, st.sampled_from([None, 3, 16]))
def test_the_index_lies_between_0_and_100_and_one_more_clause_never_lowers_its_lower_bound(clauses, more, topics_n):
    before, after = total(numbered(clauses), topics_n), total(numbered([*clauses, more]), topics_n)
    assert 0 <= before[0] <= before[1] <= 100 + 1e-9
    assert after[0] >= before[0] - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(read, min_size=1, max_size=8), read)
def test_of_a_text_that_has_been_read_both_bounds_are_one_and_one_more_clause_never_lowers_it(clauses, more):
    before, after = total(numbered(clauses)), total(numbered([*clauses, more]))
    assert before[0] == pytest.approx(before[1])
    assert after[0] >= before[0] - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(any_clause, min_size=1, max_size=6), st.integers(0, 5), st.integers(0, 2))
def test_a_higher_grade_never_lowers_either_bound(clauses, place, grade):
    changed = place % len(clauses)
    lower, higher = (
        [one.model_copy(update={"enforceability": value}) if at == changed else one for at, one in enumerate(numbered(clauses))]
        for value in (grade, grade + 1)
    )
    assert all(high >= low - 1e-9 for low, high in zip(total(lower, 16), total(higher, 16), strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(any_clause, min_size=1, max_size=6), st.integers(0, 5), st.integers(0, 3))
def test_reading_a_clause_gives_a_range_inside_the_one_before(clauses, place, grade):
    changed = place % len(clauses)
    unread, known = (
        [one.model_copy(update={"enforceability": value}) if at == changed else one for at, one in enumerate(numbered(clauses))]
        for value in (None, grade)
    )
    wide, narrow = total(unread), total(known)
    assert wide[0] <= narrow[0] + 1e-9
    assert narrow[1] <= wide[1] + 1e-9


def test_a_grade_that_is_missing_is_no_zero():
    assert total([clause(1, "rest", 0)], 1) == (100 / 16 * 0.25, 100 / 16 * 0.25)
    assert total([clause(1, "rest", None)], 1) == (100 / 16 * 0.25, 100 / 16)


def test_all_topics_with_amount_and_consequence_make_100_and_nothing_on_record_says_nothing():
    whole = [clause(place, topic.id, 3) for place, topic in enumerate(TOPICS)]
    assert total(whole) == (100, 100)
    assert total([]) == (0, 100)


def test_ten_waivers_are_one_topic():
    assert total([clause(place, "commission_waiver", 3) for place in range(10)]) == pytest.approx((100 / 16, 100 / 16))


def test_topics_that_were_counted_and_are_in_no_clause_widen_the_range():
    row = agreement_strength([clause(1, "rest", 3)], {"a": agreement(5)}).iloc[0]
    assert (row["unseen"], row["low"], row["high"]) == (4, 100 / 16, 5 * 100 / 16)


def test_a_clause_without_a_topic_counts_in_the_upper_bound_alone():
    row = agreement_strength([clause(1, "rest", 3), clause(2, None, 3)], {"a": agreement(1)}).iloc[0]
    assert (row["uncoded"], row["unseen"], row["low"], row["high"]) == (1, 1, 100 / 16, 2 * 100 / 16)


@pytest.mark.parametrize(
    ("value", "type_", "grade", "parameter"),
    [
        (1.0, "reward", 3, (1, 1)),
        (None, "reward", 3, (0.5, 0.5)),
        (None, "dispatch", 3, (1, 1)),
        (None, "reward", None, (0.5, 1)),
        (None, None, 3, (0.5, 1)),
    ],
)
def test_a_number_that_is_left_out_halves_the_clauses_that_live_by_one(value, type_, grade, parameter):
    row = clause_scores([clause(1, "rest", grade, value, type_)], {"a": agreement()}).iloc[0]
    assert (row["parameter_low"], row["parameter_high"]) == parameter


def test_a_clause_for_half_the_days_counts_half():
    days = (END - START).days + 1
    row = clause_scores([clause(1, "rest", 3, end=date(2025, 3, 31))], {"a": agreement()}).iloc[0]
    assert row["duration_low"] == pytest.approx(31 / days)
    assert row["low"] == row["high"] == pytest.approx(31 / days)
    unknown = clause_scores([clause(1, "rest", 3, end=date(2025, 3, 31))], {}).iloc[0]
    assert (unknown["duration_low"], unknown["duration_high"]) == (0, 1)


def test_a_topic_counts_as_much_as_its_strongest_clause():
    table = clause_strength([clause(1, "rest", 0), clause(2, "rest", 2)], {"a": agreement()})
    assert table.to_dict("records") == [{"agreement": "a", "topic": "rest", "clauses": 2, "low": 0.75, "high": 0.75}]


def test_of_the_printed_agreements_next_to_nothing_is_known():
    table = agreement_strength(FACTS.clauses.values(), FACTS.agreements).set_index("agreement")
    assert table.loc["dier-network", ["topics", "unread", "unseen"]].tolist() == [5, 9, 11]
    assert (table["high"] - table["low"]).min() > 95
