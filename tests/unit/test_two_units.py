"""A worker seen in two units in one month: refused, or dealt with by the rule that is named, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from impact.clean.worker_month import Columns, WorkerMonths, clean_worker_months
from impact.errors import DataError, StudyError
from impact.sources.engine import connect
from impact.sources.files import open_file
from panels import answer_from
from words import complains


def moving(**columns: Any) -> pd.DataFrame:
    """Ann moves from north to south in month 3, in which she works in both; Bo stays."""
    frame = pd.DataFrame(
        {
            "worker": ["ann", "ann", "ann", "ann", "ann", "bo", "bo", "bo"],
            "unit": ["north", "north", "north", "south", "south", "south", "south", "south"],
            "month": [1, 2, 3, 3, 4, 1, 2, 3],
            "hours": [100.0, 100.0, 20.0, 90.0, 120.0, 80.0, 80.0, 80.0],
            "income": [10.0, 11.0, 2.0, 9.0, 12.0, 8.0, 8.5, 9.5],
        }
    )
    return frame.assign(**columns)


def cleaned(frame: pd.DataFrame, folder: Path, rule: str, weight: str | None = None) -> WorkerMonths:
    frame.to_parquet(folder / "moving.parquet", index=False)
    hours = "hours" if rule == "main" else None
    columns = Columns("month", "worker", "unit", weight=weight, numbers={"income": "income"}, two_units=rule, hours=hours)
    return clean_worker_months(open_file(connect(), folder / "moving.parquet"), columns)


def ann_in_march(clean: WorkerMonths) -> pd.DataFrame:
    table = clean.table.to_pandas()
    return table[(table["worker"] == "ann") & (table["month"] == 3)].sort_values("unit")


@pytest.mark.parametrize(
    ("rule", "unit", "income"), [("first", ["north"], [2.0]), ("main", ["south"], [9.0]), ("split", ["north", "south"], [2.0, 9.0])]
)
def test_the_rule_says_which_row_counts(rule, unit, income, tmp_path):
    clean = cleaned(moving(), tmp_path, rule)
    left = ann_in_march(clean)
    assert (left["unit"].tolist(), left["income"].tolist()) == (unit, income)
    assert (clean.audit.rows_in, clean.audit.rows_kept, clean.workers) == (8, 7 + (rule == "split"), 2)
    assert [(found.id, found.rows) for found in clean.audit.rules if found.id] == [("two_units", 1)]


@pytest.mark.parametrize(("weights", "wanted"), [(None, [0.5, 0.5]), ("weight", [1.5, 1.5])])
def test_a_worker_who_is_shared_out_weighs_what_one_worker_weighs(weights, wanted, tmp_path):
    clean = cleaned(moving(weight=3.0), tmp_path, "split", weights)
    assert ann_in_march(clean)["weight"].tolist() == wanted
    others = clean.table.to_pandas().query("worker == 'bo'")["weight"]
    assert set(others) == {3.0 if weights else 1.0}


def test_a_tie_in_hours_goes_by_name_of_the_unit_and_missing_hours_count_least(tmp_path):
    assert ann_in_march(cleaned(moving(hours=50.0), tmp_path, "main"))["unit"].tolist() == ["north"]
    unknown = moving()
    unknown.loc[3, "hours"] = None
    assert ann_in_march(cleaned(unknown, tmp_path, "main"))["unit"].tolist() == ["north"]


def test_without_a_rule_the_data_are_refused(tmp_path):
    with complains(
        DataError,
        "1 pair of `worker` and `month` stand more than once",
        "in rows 3 and 4",
        "--two-units of `impact estimate`: first, main or split",
    ):
        cleaned(moving(), tmp_path, "refuse")


@pytest.mark.parametrize("rule", ["refuse", "first", "main", "split"])
def test_two_rows_in_the_same_unit_are_refused_under_every_rule(rule, tmp_path):
    with complains(DataError, "1 pair of `worker` and `month` stand more than once", "in rows 3 and 4", "remove the copies"):
        cleaned(moving(unit="north"), tmp_path, rule)


def test_the_same_is_found_in_periods_far_apart(tmp_path):
    far = moving(month=moving()["month"] * 50)
    assert len(cleaned(far, tmp_path, "first").table.to_pandas()) == 7


def panel(nasty: pd.DataFrame) -> pd.DataFrame:
    """Let one worker of a never covered city work in another one as well, in one month."""
    row = nasty[nasty["unit"] == "city 17"].iloc[[0]]
    return pd.concat([nasty, row.assign(unit="city 14", income=-50.0)], ignore_index=True)


def test_the_command_line_says_what_was_done(nasty, tmp_path):
    told = answer_from(panel(nasty), tmp_path, two_units="first", comparison="never", cluster="cluster")
    notes = " ".join(note.en for note in told.estimate.notes)
    assert "worker-months in two units: 1; rule of the study" in notes


def test_an_outcome_may_be_called_hours(tmp_path):
    moving().to_parquet(tmp_path / "moving.parquet", index=False)
    columns = Columns("month", "worker", "unit", numbers={"hours": "income"}, two_units="main", hours="hours")
    clean = clean_worker_months(open_file(connect(), tmp_path / "moving.parquet"), columns)
    assert ann_in_march(clean)[["unit", "hours"]].to_numpy().tolist() == [["south", 9.0]]


def test_main_without_hours_is_refused(nasty, tmp_path):
    with complains(StudyError, "--two-units main and --hours belong together", "--hours not given", "choose first or split"):
        answer_from(panel(nasty), tmp_path, two_units="main")
