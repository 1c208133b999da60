"""Who is covered when, on six workers whose months can be counted by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from impact.errors import DataError
from impact.panel.coverage import Coverage, find_coverage
from impact.sources.engine import connect, register
from words import complains

# never, from month 3 on, one spell that ends, always, covered at first, and one who enters in month 3
STATES = {"n": "00000", "a": "00111", "b": "01101", "c": "11111", "d": "11001", "e": "  011"}
WORKERS = pd.DataFrame(
    [(unit, unit, month, state == "1") for unit, states in STATES.items() for month, state in enumerate(states, 1) if state != " "],
    columns=["worker", "unit", "month", "covered"],
)
COUNTS = {"never": 1, "coming under": 3, "first seen covered after a gap": 0, "always": 1, "covered at first": 1, "rows of both": 10}


def found(frame: pd.DataFrame, switching: Any = "first_spell") -> Coverage:
    return find_coverage(register(connect(), "panel", frame), switching)


def rows(table: Any) -> list[tuple[str, int]]:
    frame = table.to_pandas().sort_values(["unit", "month"])
    return list(zip(frame["unit"], frame["month"], strict=True))


def first_months(coverage: Coverage) -> dict[str, float]:
    frame = coverage.table.to_pandas().groupby("unit")["first_covered"].agg(["min", "max", "size", "count"])
    assert (frame["min"].dropna() == frame["max"].dropna()).all() and frame["count"].isin([0, *frame["size"]]).all()
    return frame["min"].dropna().to_dict()


@pytest.mark.parametrize("switching", ["first_spell", "first_switch_on"])
def test_the_first_covered_month_is_the_first_month_covered(switching):
    assert first_months(found(WORKERS, switching)) == {"a": 3, "b": 2, "c": 1, "d": 1, "e": 4}


def test_first_spell_sets_the_months_after_it_aside_and_counts_them():
    coverage = found(WORKERS, "first_spell")
    assert [rule.rows for rule in coverage.rules] == [*COUNTS.values(), 1, 2]
    assert [rule.action for rule in coverage.rules] == ["kept", "kept", "kept", "dropped", "dropped", "dropped", "kept", "dropped"]
    left_out = set(rows(coverage.sample("ever_switching"))) - set(rows(coverage.sample("restricted")))
    assert left_out == {("b", 4), ("b", 5)}


def test_first_switch_on_keeps_every_month_of_those_who_start():
    coverage = found(WORKERS, "first_switch_on")
    assert [rule.rows for rule in coverage.rules] == [*COUNTS.values(), 1]
    assert rows(coverage.sample("ever_switching")) == rows(coverage.sample("restricted"))


@pytest.mark.parametrize("switching", ["first_spell", "first_switch_on"])
def test_the_samples_nest_and_drop_those_covered_when_first_seen(switching):
    coverage = found(WORKERS, switching)
    full, ever, restricted = (rows(coverage.sample(name)) for name in ("full", "ever_switching", "restricted"))
    assert (len(full), len(ever)) == (28, 18) and set(restricted) <= set(ever) <= set(full)
    assert {unit for unit, _ in ever} == {unit for unit, _ in restricted} == {"n", "a", "b", "e"}


def test_every_row_is_kept_in_the_full_sample_once():
    assert rows(found(WORKERS).sample("full")) == sorted(zip(WORKERS["unit"], WORKERS["month"], strict=True))


def test_coverage_that_ends_is_refused_with_the_units_and_the_ways_out():
    with complains(DataError, "it ends again for 2 units", "Found: b, d.", "`coverage: switching: first_spell`"):
        found(WORKERS, "refuse")


def test_coverage_that_lasts_is_not_refused():
    lasting = WORKERS[~WORKERS["unit"].isin(["b", "d"])]
    coverage = found(lasting, "refuse")
    assert [rule.rows for rule in coverage.rules] == [1, 2, 0, 1, 0, 5]
    assert first_months(coverage) == {"a": 3, "c": 1, "e": 4}


def test_months_without_a_row_do_not_end_a_spell():
    gap = WORKERS[~((WORKERS["unit"] == "a") & (WORKERS["month"] == 4))]
    coverage = found(gap[gap["unit"].isin(["a", "n"])], "refuse")
    assert [rule.rows for rule in coverage.rules] == [1, 1, 0, 0, 0, 0]


def test_a_unit_not_seen_just_before_it_is_first_seen_covered_is_counted_and_keeps_its_first_month():
    gap = WORKERS[~((WORKERS["unit"] == "a") & (WORKERS["month"] == 2)) & WORKERS["unit"].isin(["a", "n"])]
    coverage = found(gap, "refuse")
    assert [rule.rows for rule in coverage.rules] == [1, 1, 1, 0, 0, 0]
    assert coverage.rules[2].name.en == "units first seen covered after a gap" and coverage.rules[2].action == "kept"
    assert first_months(coverage) == {"a": 3}


def test_workers_of_one_unit_must_agree():
    mixed = WORKERS[WORKERS["unit"].isin(["n", "a"])].assign(unit="city")
    with complains(DataError, "workers of one unit differ in 3 unit-months", "city", "Name as unit the level at which coverage is decided"):
        found(mixed)


def test_a_worker_who_enters_a_covered_city_makes_no_cohort():
    city = pd.concat([WORKERS[WORKERS["unit"] == "a"], WORKERS[(WORKERS["unit"] == "a") & (WORKERS["month"] >= 4)].assign(worker="late")])
    coverage = found(pd.concat([city, WORKERS[WORKERS["unit"] == "n"]]), "refuse")
    assert first_months(coverage) == {"a": 3}
    assert [rule.rows for rule in coverage.rules] == [1, 1, 0, 0, 0, 0]
    assert len(rows(coverage.sample("restricted"))) == 12


def test_a_given_first_month_lasts_and_says_who_is_covered():
    given = WORKERS.drop(columns="covered").assign(first_covered=WORKERS["unit"].map({"a": 3.0, "c": 1.0, "e": 2.0}))
    coverage = found(given, "refuse")
    frame = coverage.table.to_pandas()
    assert (frame["covered"] == (frame["month"] >= frame["first_covered"])).all()
    assert set(frame.loc[frame["covered_at_start"], "unit"]) == {"c", "e"}
    assert not frame["set_aside"].any()
    assert [rule.rows for rule in coverage.rules] == [3, 1, 0, 2, 0, 8]
