"""Leaving within months, by closure and switch, on the clock of tenure, and a change split in two: worked out by hand or with known truth."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from exports import TABLES, account, calendar, cleaned, day, delivered, life_of, month, months_of, panel, write
from impact.panel.attrition.absences import absences, number_of
from impact.panel.attrition.definitions import account_spells, switch_spells, window_spells
from impact.panel.attrition.leavers import Leavers
from impact.panel.attrition.leaving import leaving
from impact.panel.attrition.rates import split_change
from impact.panel.attrition.tenure import cohort_survival, tenure_spells
from impact.report.sections.attrition import extremes_of_group, range_of_rates
from impact.run.attrition import hand_on_leavers, leaving_of
from impact.run.folder import RunFolder
from impact.sources.engine import connect, register

WITH_DAYS = {**TABLES, "worker_day": ["day/*"]}
DAYS = ["2024-01-05", "2024-01-06", "2024-01-20", *(f"{ym}-{date:02d}" for ym in calendar("2024-02") for date in range(2, 30, 6))]


def exported(tmp_path, with_days: bool):
    spans = {ym: [each for each in DAYS if each.startswith(ym)] for ym in calendar()}
    mine = [month("A-1", ym, first=held[0], last=held[-1], active_days=len(held)) for ym, held in spans.items()]
    delivered(tmp_path, [account(reg_date="2024-01-02"), account("A-2")], [*mine, *months_of("A-2", calendar())])
    if not with_days:
        return life_of(cleaned(tmp_path))
    others = [day("A-2", f"{ym}-{date:02d}") for ym in calendar() for date in (5, 10, 15, 20)]
    write(tmp_path / "day" / "p1.csv", [*(day("A-1", each) for each in DAYS), *others])
    return life_of(cleaned(tmp_path, tables=WITH_DAYS))


def test_an_absence_within_a_month_is_an_exit_by_seven_days_and_days_show_it(tmp_path):
    found = panel(exported(tmp_path, with_days=True)).set_index(["worker", "month"])
    assert found.loc[("A-1", "2024-01"), ["exit_7d", "exit_14d", "exit_30d"]].tolist() == [1.0, 0.0, 0.0]
    assert found.loc[("A-1", "2024-03"), "exit_7d"] == 0.0
    assert found.loc[("A-2", "2024-01"), "exit_14d"] == 1.0  # from the 20th to the 5th


def test_without_days_no_column_speaks_of_absences_within_months(tmp_path):
    found = exported(tmp_path, with_days=False)
    assert {"exit_30d", "exit_60d", "exit_90d"} <= set(found.table.columns)
    assert not {"exit_7d", "exit_14d", "exit_28d"} & set(found.table.columns)


@pytest.mark.parametrize("with_days", [True, False])
def test_what_cannot_be_computed_is_left_out_and_named(with_days, tmp_path):
    found = exported(tmp_path, with_days)
    engine = found.table.get_backend()
    told = leaving(engine, found.leavers, 2024, None, (30, 90))
    assert set(told.rates["definition"]) == {"closure", "closure_or_purge"}
    words = " ".join(note.en for note in told.notes)
    assert "too soon to tell who left late in the year" in words
    assert ("Absences of 7, 14 and 28 days: not computed" in words) is not with_days


def table_of(engine, name: str, rows: list[tuple[object, ...]], columns: list[str]):
    frame = pd.DataFrame(rows, columns=columns)
    numbers = {column: "Int32" for column in columns if column not in ("worker", "person", "unit", "entry_cohort", "purged")}
    return register(engine, name, frame.astype(numbers))


def test_a_purge_ends_a_spell_and_counts_only_where_purges_count():
    rows = [("open", 0, None, False), ("closed", 0, 50, False), ("purged", 0, 60, True)]
    found = account_spells(table_of(connect(), "accounts", rows, ["worker", "opened", "closed", "purged"])).to_pandas()
    counted = found.set_index(["definition", "worker"])["counted"]
    assert counted["closure"].to_dict() == {"open": False, "closed": True, "purged": False}
    assert counted["closure_or_purge"].to_dict() == {"open": False, "closed": True, "purged": True}
    assert found.loc[found["worker"] == "purged", "end"].tolist() == [60, 60]


def test_leaving_a_platform_is_a_switch_only_for_a_person_active_elsewhere_within_the_window():
    engine = connect()
    # three persons leave on day 20: one works elsewhere from day 30, one paused there over the window, one began there too late
    work = {"a1": range(21), "a2": range(30, 60), "b1": range(21), "b2": [*range(21), *range(70, 90)], "c1": range(21), "c2": range(60, 90)}
    active = table_of(engine, "active", [(worker, each) for worker, held in work.items() for each in held], ["worker", "time"])
    rows = [(worker, worker[0], min(held), 200) for worker, held in work.items()]
    people = table_of(engine, "people", rows, ["worker", "person", "first", "until"])
    absent = absences(active, 7)
    found = switch_spells(window_spells(absent, people, (30,)), absent, people, 30, "day").to_pandas()
    assert found.loc[found["counted"], "worker"].tolist() == ["a1"]
    assert len(found) == 7


def test_a_spell_not_ended_is_censored_where_exits_stop_to_be_known_and_a_cause_is_what_follows():
    engine = connect()
    work = {"stays": range(0, 200, 3), "closes": range(21), "returns": [*range(21), *range(80, 100)], "new": range(185, 200)}
    active = table_of(engine, "active", [(worker, each) for worker, held in work.items() for each in held], ["worker", "time"])
    rows = [(worker, "u", "2024-01", 0, min(held), 199, 30 if worker == "closes" else None, False) for worker, held in work.items()]
    people = table_of(engine, "people", rows, ["worker", "unit", "entry_cohort", "joined", "first", "until", "closed", "purged"])
    spells = window_spells(absences(active, 7), people, (30,))
    found = tenure_spells(spells, people).to_pandas().sort_values(["worker", "entry_days"])
    rows = [(row.worker, row.entry_days, row.end_days, None if pd.isna(row.cause) else row.cause) for row in found.itertuples()]
    assert rows == [("closes", 0, 20, "closure"), ("returns", 0, 20, "exit"), ("returns", 80, 99, "exit"), ("stays", 0, 169, None)]
    assert tenure_spells(spells, people, recurrent=False).count().to_pyarrow().as_py() == 3


def test_survival_recovers_the_truth_with_delayed_entry_and_its_interval_covers_it():
    hazard, days, people, repeats = 1 / 120, 300, 120, 100
    draw = np.random.default_rng(3)
    joined = draw.integers(-200, 250, people * repeats)
    last = joined + draw.geometric(hazard, people * repeats) - 1
    seen = last >= 0
    joined, last = joined[seen], last[seen]
    first = np.maximum(joined, 0)
    # the first and the last day are worked, the others nine times in ten
    length = np.minimum(last, days) - first + 1
    who = np.repeat(np.arange(len(joined)), length)
    time = np.concatenate([np.arange(start, start + size) for start, size in zip(first, length, strict=True)])
    kept = (draw.random(len(who)) < 0.9) | (time == first[who]) | (time == last[who])
    engine = connect()
    active = register(engine, "active", pd.DataFrame({"worker": who[kept], "time": time[kept].astype("int32")}))
    repeat = np.arange(people * repeats)[seen] // people
    frame = pd.DataFrame({"worker": np.arange(len(joined)), "joined": joined, "first": first, "until": days, "repeat": repeat})
    people_table = register(engine, "people", frame.assign(unit="u", entry_cohort="all"))
    spells = tenure_spells(window_spells(absences(active, 7), people_table, (28,)), people_table, recurrent=False)
    labelled = spells.join(people_table.select("worker", "repeat"), "worker")
    found = cohort_survival(labelled, (60, 180), ("repeat",))
    for reached, rows in found.groupby("day"):
        truth = (1 - hazard) ** (int(reached) + 1)
        error = rows["survival"] - truth
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(repeats)
        assert 0.88 <= (error.abs() <= 1.96 * rows["std_error"]).mean() <= 0.995
        assert rows["std_error"].mean() == pytest.approx(error.std(), rel=0.25)


def test_the_parts_of_a_change_add_up_and_a_mix_that_moves_is_composition_alone():
    before = pd.DataFrame({"band": ["new", "old"], "opening": [50, 50], "cohort_gone": [25, 5]})
    mix = pd.DataFrame({"band": ["new", "old"], "opening": [20, 80], "cohort_gone": [10, 8]})
    within = pd.DataFrame({"band": ["new", "old"], "opening": [50, 50], "cohort_gone": [15, 5]})
    gone = pd.DataFrame({"band": ["old"], "opening": [100], "cohort_gone": [10]})
    found = {
        name: split_change(before, after, ["band"])[["composition", "within"]].sum()
        for name, after in (("mix", mix), ("within", within), ("gone", gone))
    }
    assert found["mix"].tolist() == pytest.approx([-0.12, 0])
    assert found["within"].tolist() == pytest.approx([0, -0.10])
    assert found["gone"].tolist() == pytest.approx([-0.20, 0])


def handed_on(home, leave: dict[str, tuple[int, int]], compare_year: int | None):
    """Hand on twenty covered and twenty never covered workers who are active from 2022 on; `leave` says how many are last seen in May 2023 and in May 2024."""
    engine, first, until = connect(), number_of(date(2022, 1, 5)), number_of(date(2025, 12, 31))
    last = {
        f"{group}{place}": number_of(date(2023 if place < early else 2024, 5, 1)) if place < early + late else until
        for group, (early, late) in leave.items()
        for place in range(20)
    }
    people = pd.DataFrame({"worker": list(last), "platform": "P1", "city": "C1", "firm": None, "bargaining_unit": None})
    people = people.assign(first_covered=people["worker"].str.startswith("c").map({True: "2024-01", False: None}), by_day=True)
    people = people.assign(joined=first, first=first, seen_from=number_of(date(2022, 1, 1)), until=until)
    away = pd.DataFrame({"worker": list(last), "since": list(last.values()), "back": pd.array([None] * len(last), "Int32")})
    gone = Leavers(*(register(engine, name, table) for name, table in (("p", people), ("a", away), ("b", people))), has_accounts=False)
    asked = SimpleNamespace(year=2024, compare_year=compare_year, survival_days=(30,))
    study, run = SimpleNamespace(attrition=asked, report=SimpleNamespace(minimum_cell=10)), RunFolder(home)
    hand_on_leavers(run, study, gone)
    return leaving_of(study, run, engine)


@pytest.mark.parametrize("few", [(2, 10), (10, 2)])
def test_a_change_that_rests_on_few_leavers_in_either_year_is_emptied(few, tmp_path):
    change = handed_on(tmp_path, {"c": few, "n": (10, 10)}, 2023).change.set_index("covered")
    assert change.loc[True].isna().all()
    assert change.loc[False, ["gone_before", "gone_after", "rate_before", "rate_after"]].tolist() == [10, 10, 0.5, 1.0]
    assert change.loc[False, "composition"] + change.loc[False, "within"] == pytest.approx(0.5)


@pytest.mark.parametrize(("compare_year", "computed"), [(2023, True), (2021, False), (2025, False), (None, False)])
def test_a_change_is_computed_between_two_years_that_the_data_hold_and_otherwise_named(compare_year, computed, tmp_path):
    found = handed_on(tmp_path, {"c": (10, 10), "n": (10, 10)}, compare_year)
    assert (len(found.change) == 2) is computed
    words = [note.en for note in found.notes if note.en.startswith("The change between")]
    assert len(words) == (compare_year is not None and not computed)
    assert all(str(compare_year) in one and "2022-01-01 to 2025-12-31" in one for one in words)


def test_rates_that_may_not_be_printed_are_passed_over_in_the_range():
    def range_for(covered: float, others: float):
        rows = [("exit_90d", group, "opening_stock", value) for group, value in ((True, covered), (False, others))]
        material = SimpleNamespace(tables={"definitions": pd.DataFrame(rows, columns=["definition", "covered", "denominator", "value"])})
        return range_of_rates(material), extremes_of_group(material) is None

    assert range_for(0.2, 0.3) == (("20%", "20%"), False)
    assert range_for(np.nan, 0.3) == (("30%", "30%"), False)
    assert range_for(np.nan, np.nan)[1]
