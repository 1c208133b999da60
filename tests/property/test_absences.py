"""Exits, spells, rates and returns of the engine equal those counted day by day, for any days of work."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from impact.panel.attrition.absences import EPOCH, absences, day_number, exits_in_month, number_of
from impact.panel.attrition.definitions import exit_spells, permanent_spells, window_spells
from impact.panel.attrition.rates import DAYS_A_MONTH, rates, reactivation, stock_and_flow
from impact.sources.engine import connect, register

WINDOWS = (7, 14, 30)
START = number_of(date(2024, 1, 1))
LAST = START + 150

days_of_work = some.dictionaries(
    some.sampled_from(["a", "b", "c", "d"]),
    # blocks of work and pauses of every length, single days among them, some until the end of the data
    some.lists(some.tuples(some.integers(1, 45), some.integers(1, 12)), min_size=1, max_size=8),
    min_size=1,
)


def worked(blocks: list[tuple[int, int]]) -> list[int]:
    """Turn pauses and stretches of work into days, up to the end of the data; every fifth day within a stretch is lost."""
    found, day = [], START
    for pause, stretch in blocks:
        day += pause
        found += [each for each in range(day, day + stretch) if each % 5 or each == day]
        day += stretch
    return [each for each in found if each <= LAST] or [START]


def dumb_exits(days: list[int], window: int, until: int) -> list[int]:
    """Days τ that an exit is dated on, by the words of the definition."""
    held = set(days)
    return [day for day in days if not held & set(range(day + 1, day + window + 1)) and day + window <= until]


def dumb_stock(days: list[int], window: int, until: int) -> list[tuple[int, int | None]]:
    """Stretches in stock: from a first day to an exit, or going on."""
    found, start, exits = [], None, set(dumb_exits(days, window, until))
    for day in sorted(days):
        start = day if start is None else start
        if day in exits:
            found.append((start, day))
            start = None
    return [*found, (start, None)] if start is not None else found


def engine_tables(people: dict[str, list[int]], until: int = LAST):
    engine = connect()
    rows = [(worker, day) for worker, days in people.items() for day in (*days, days[0])]  # a day that stands twice
    active = register(engine, "active", pd.DataFrame(rows, columns=["worker", "time"]).astype({"time": "int32"}))
    who = pd.DataFrame([(worker, min(days), until) for worker, days in people.items()], columns=["worker", "first", "until"])
    table = register(engine, "people", who.astype({"first": "int32", "until": "int32"}))
    return engine.create_view("absent", absences(active, min(WINDOWS)), overwrite=True), table


# making a failure smaller would take minutes, as each try asks the engine
every_calendar = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))


@every_calendar
@given(days_of_work)
def test_exits_and_spells_equal_those_counted_day_by_day(blocks):
    people = {worker: sorted(worked(each)) for worker, each in blocks.items()}
    absent, table = engine_tables(people)
    spells = exit_spells(window_spells(absent, table, WINDOWS), "day").to_pandas()
    found = {(row.definition, row.worker, row.start, None if pd.isna(row.end) else int(row.end)) for row in spells.itertuples()}
    by_hand = {
        (f"exit_{window}d", worker, start, end)
        for window in WINDOWS
        for worker, days in people.items()
        for start, end in dumb_stock(days, window, LAST)
    }
    assert found == by_hand
    assert len(spells) == len(by_hand)


@every_calendar
@given(days_of_work)
def test_an_exit_of_a_month_is_one_dated_on_any_day_of_it(blocks):
    people = {worker: sorted(worked(each)) for worker, each in blocks.items()}
    absent, _ = engine_tables(people)
    month = (absent["since"] - START) // 30
    found = exits_in_month(absent, month, WINDOWS).to_pandas().set_index(["worker", "month"])
    for worker, days in people.items():
        for window in WINDOWS:
            dated = {(day - START) // 30 for day in dumb_exits(days, window, LAST + window)}
            said = {place[1] for place, row in found.iterrows() if place[0] == worker and row[f"exit_{window}d"] == 1}
            assert said == dated


@every_calendar
@given(days_of_work)
def test_rates_and_returns_equal_those_counted_day_by_day(blocks):
    people = {worker: sorted(worked(each)) for worker, each in blocks.items()}
    absent, table = engine_tables(people)
    cut = window_spells(absent, table, WINDOWS)
    first, last = START + 20, START + 110
    counts = stock_and_flow(exit_spells(cut, "day"), first, last, first + 30).set_index("definition")
    for window in WINDOWS:
        stock = [spell for days in people.values() for spell in dumb_stock(days, window, LAST)]
        ends = [end for _, end in stock if end is not None]
        opening = [spell for spell in stock if spell[0] <= first and (spell[1] is None or spell[1] >= first)]
        row = counts.loc[f"exit_{window}d"]
        assert row["exits"] == sum(first <= end <= last for end in ends)
        assert row["opening"] == len(opening)
        assert row["cohort_gone"] == sum(end is not None and end <= last for _, end in opening)
        assert row["opening"] + row["entries"] - row["exits"] == row["closing"]
        present = sum(start <= day and (end is None or day <= end) for start, end in stock for day in range(first, last + 1))
        assert row["person_time"] == present
    returned = reactivation(cut, table, 20).set_index("window")
    for window in WINDOWS:
        exits = [(day, days) for days in people.values() for day in dumb_exits(days, window, LAST) if day + window + 20 <= LAST]
        back = sum(any(day + window < each <= day + window + 20 for each in days) for day, days in exits)
        if exits:
            assert (returned.loc[window, "followed"], returned.loc[window, "returned"]) == (len(exits), back)


def test_rates_carry_what_they_are_made_of_and_years_are_never_twelve_months_times_a_hazard():
    counts = pd.DataFrame(
        [
            {
                "definition": "exit_30d",
                "opening": 100,
                "closing": 140,
                "entries": 80,
                "exits": 40,
                "cohort_gone": 25,
                "cohort_gone_early": 10,
                "person_time": 43830,
            }
        ]
    )
    table = rates(counts, 12).set_index("denominator")
    hazard = 40 / (43830 / DAYS_A_MONTH)
    assert table["value"].to_dict() == pytest.approx(
        {
            "opening_stock": 0.4,
            "average_stock": 40 / 120,
            "ever_active": 40 / 180,
            "closed_cohort": 0.25,
            "person_months": 1 - (1 - hazard) ** 12,
            "cumulative_loss": 1 - 0.9**4,
        }
    )
    assert (table["numerator"] / table["denominator_value"]).tolist()[:4] == pytest.approx(table["value"].tolist()[:4])
    assert rates(counts.assign(opening=0, closing=0), 12)["value"].isna().sum() == 4


def test_who_leaves_on_the_first_or_the_last_day_of_a_period_is_in_its_opening_stock_or_not_in_its_closing_stock():
    rows = [("d", 1, 10, True), ("d", 1, 20, True), ("d", 1, None, False), ("d", 20, None, False), ("d", 21, None, False)]
    frame = pd.DataFrame(rows, columns=["definition", "start", "end", "counted"]).astype({"end": "Int32"})
    found = stock_and_flow(register(connect(), "spells", frame), 10, 20, 10).iloc[0]
    assert found[["opening", "closing", "entries", "exits", "cohort_gone", "cohort_gone_early"]].tolist() == [3, 2, 1, 2, 2, 1]
    assert found["person_time"] == 1 + 11 + 11 + 1


def test_permanent_is_an_absence_that_nobody_came_back_from():
    people = {"gone": [START, START + 1], "pauses": [START, START + 40, START + 140], "late": [START + 145]}
    absent, table = engine_tables(people)
    found = permanent_spells(absent, table, 30, "day").to_pandas().set_index("worker")
    assert found["counted"].to_dict() == {"gone": True, "late": False, "pauses": False}
    assert found["start"].to_dict() == {"gone": START, "late": START + 145, "pauses": START}
    assert found.loc["gone", "end"] == START + 1


@pytest.mark.parametrize("day", [date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29)])
def test_the_engine_counts_days_as_python_does(day):
    table = register(connect(), "days", pd.DataFrame({"day": [pd.Timestamp(day)]}))
    assert day_number(table["day"]).to_pyarrow().to_pylist() == [number_of(day)]
    assert EPOCH + timedelta(days=number_of(day)) == day
    assert np.int32(number_of(day)) == number_of(day)
