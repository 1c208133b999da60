"""Cleaning coerces nothing: values are read in one way, and what cannot be read is named with its row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact.clean.audit import Audit
from impact.clean.worker_month import Columns, WorkerMonths, clean_worker_months
from impact.errors import DataError
from impact.months import STEPS, label, month_number
from impact.sources.engine import connect
from impact.sources.files import open_file
from words import complains

GOOD = {"worker": ["a", "a", "b"], "month": ["2023", "2024", "2023"], "first": ["2024", "2024", "never"], "pay": ["1.5", "2", ""]}


def cleaned(
    folder: Any, columns: dict[str, Any] | None = None, period: Any = None, formats: tuple[str, ...] = (), **changes: list[Any]
) -> WorkerMonths:
    """Write a small table with some columns changed, and clean it."""
    frame = pd.DataFrame({**GOOD, **changes})
    frame.to_csv(folder / "panel.csv", index=False)
    asked = {"month": "month", "worker": "worker", "first_covered": "first", "numbers": {"income": "pay"}, **(columns or {})}
    return clean_worker_months(open_file(connect(), folder / "panel.csv"), Columns(**asked), period, formats)


def column(clean: WorkerMonths, name: str) -> list[Any]:
    return clean.table.to_pyarrow()[name].to_pylist()


def test_a_good_table_is_read_row_by_row_and_every_row_is_kept(tmp_path):
    clean = cleaned(tmp_path)
    assert column(clean, "worker") == ["a", "a", "b"] == column(clean, "unit")
    assert column(clean, "month") == [2023, 2024, 2023]
    assert column(clean, "first_covered") == [2024, 2024, None]
    assert column(clean, "income") == [1.5, 2.0, None]
    assert (clean.period, clean.audit.rows_in, clean.audit.rows_kept) == ("year", 3, 3)
    assert [rule.rows for rule in clean.audit.rules] == [1]


def test_an_audit_survives_as_plain_values(tmp_path):
    audit = cleaned(tmp_path).audit
    assert Audit.from_dict(audit.as_dict()) == audit


@pytest.mark.parametrize("word", ["", "0", "0.0", "inf", "Inf", "+inf", "Infinity", "never", " NEVER ", "NA", "nan"])
def test_every_word_for_never_becomes_a_missing_first_month(word, tmp_path):
    assert column(cleaned(tmp_path, first=["2024", "2024", word]), "first_covered") == [2024, 2024, None]


@pytest.mark.parametrize("word", ["", "NA", "nan", "N/A", "null", "None", ".", "  "])
def test_every_word_for_missing_becomes_a_missing_outcome(word, tmp_path):
    assert column(cleaned(tmp_path, pay=["1", "2", word]), "income") == [1.0, 2.0, None]


MARCH = month_number(pd.Timestamp("2024-03-01"))


@pytest.mark.parametrize(
    ("months", "formats", "period", "expected"),
    [
        (["2024-03", "2024-04"], (), "month", [MARCH, MARCH + 1]),
        (["2024-03-15", "2024-12-31"], (), "month", [MARCH, MARCH + 9]),
        (["202403", "202501"], (), "month", [MARCH, MARCH + 10]),
        (["03/15/24", "15/04/24"], ("%m/%d/%y", "%d/%m/%y"), "month", [MARCH, MARCH + 1]),
        (["1999", "2000"], (), "year", [1999, 2000]),
        (["1", "12"], (), "index", [1, 12]),
        (["-3", "4"], (), "index", [-3, 4]),
    ],
)
def test_months_are_read_as_they_are_written(months, formats, period, expected, tmp_path):
    clean = cleaned(tmp_path, {"first_covered": None}, worker=["a", "a"], month=months, first=["0", "0"], pay=["1", "2"], formats=formats)
    assert (clean.period, column(clean, "month")) == (period, expected)


def test_dates_in_parquet_are_months(tmp_path):
    frame = pd.DataFrame({"w": [1, 1], "m": pd.to_datetime(["2024-03-01", "2024-04-30"]), "y": np.array([3, 4], dtype=np.int8)})
    frame.to_parquet(tmp_path / "panel.parquet")
    raw = open_file(connect(), tmp_path / "panel.parquet")
    clean = clean_worker_months(raw, Columns("m", worker="w", numbers={"income": "y"}))
    assert column(clean, "month") == [MARCH, MARCH + 1] and label("month", MARCH) == "2024-03"
    assert column(clean, "income") == [3.0, 4.0]


def test_a_logarithm_is_taken_of_positive_values_only(tmp_path):
    logged = {"transforms": {"income": "log"}}
    assert column(cleaned(tmp_path, logged, pay=["1", str(np.e), ""]), "income") == [0.0, pytest.approx(1.0), None]
    with complains(
        DataError,
        "column `pay` cannot be used in 2 rows",
        "row 2 has `0`, row 4 has `-1`",
        "a positive number, because its logarithm is taken",
    ):
        cleaned(tmp_path, logged, pay=["0", "1", "-1"])


def test_zero_is_not_missing(tmp_path):
    assert column(cleaned(tmp_path, pay=["0", "-1", "0.0"]), "income") == [0.0, -1.0, 0.0]


@pytest.mark.parametrize("word", ["12 yuan", "1,234", "inf", "-inf", "五", "1e999", "True"])
def test_an_outcome_that_is_no_number_is_named_with_row_and_value(word, tmp_path):
    with complains(DataError, "panel.csv: column `pay` cannot be used in 1 row", f"row 3 has `{word}`", "Each value must be a number"):
        cleaned(tmp_path, pay=["1", word, "2"])


@pytest.mark.parametrize(
    ("changes", "wrong", "found", "advice"),
    [
        ({"month": ["2023", "spring", "2023"]}, "column `month` cannot be used in 1 row", "row 3 has `spring`", "mend these rows"),
        ({"month": ["2023", "2023.5", "2023"]}, "column `month` cannot be used in 1 row", "row 3 has `2023.5`", "mend these rows"),
        ({"month": ["2023", "", "2023"]}, "column `month` is missing in 1 row", "row 3 has ``", "mend these rows"),
        ({"worker": ["a", "a", ""]}, "column `worker` is missing in 1 row", "row 4 has ``", "a name or number that identifies"),
        ({"first": ["2024", "2024", "soon"]}, "column `first` cannot be used in 1 row", "row 4 has `soon`", "0, empty or inf for never"),
        (
            {"worker": ["a", "a", " a "]},
            "1 pair of `worker` and `month` stand more than once",
            "Found worker `a` in month `2023` in rows 2 and 4",
            "add such rows up",
        ),
        (
            {"first": ["2024", "0", "0"]},
            "column `first` changes within 1 unit of `worker`",
            "`2024` (row 2)",
            "Coverage is decided for the unit",
        ),
    ],
)
def test_rows_that_break_a_rule_are_named(changes, wrong, found, advice, tmp_path):
    with complains(DataError, wrong, found, advice):
        cleaned(tmp_path, **changes)


@pytest.mark.parametrize(("word", "what"), [("0", "cannot be used"), ("-1", "cannot be used"), ("x", "cannot be used"), ("", "is missing")])
def test_a_weight_must_be_positive_and_present(word, what, tmp_path):
    with complains(DataError, f"column `w` {what} in 1 row", f"row 3 has `{word}`", "a positive number"):
        cleaned(tmp_path, {"weight": "w"}, w=["1", word, "2"])


@pytest.mark.parametrize("word", ["2", "0.5", "yes"])
def test_covered_is_zero_or_one(word, tmp_path):
    columns = {"first_covered": None, "covered": "union"}
    assert column(cleaned(tmp_path, columns, union=["0", "1", "0"]), "covered") == [False, True, False]
    with complains(DataError, "column `union` cannot be used in 1 row", f"row 3 has `{word}`", "Each value must be 0 or 1"):
        cleaned(tmp_path, columns, union=["0", word, "0"])


def test_a_table_without_rows_is_refused(tmp_path):
    with complains(DataError, "there are no rows", "the header alone", "Export the table again"):
        cleaned(tmp_path, **{name: [] for name in GOOD})


def test_days_are_read_by_the_first_format_that_fits_and_each_use_is_counted(tmp_path):
    columns = {"joined": "in", "left": "out"}
    formats = ("%m/%d/%y", "%d/%m/%y")
    clean = cleaned(
        tmp_path,
        columns,
        "month",
        formats,
        month=["01/01/23", "02/01/23", "01/01/23"],
        first=["0", "0", "0"],
        **{"in": ["01/02/23", "01/02/23", "13/02/23"], "out": ["", "", "12/13/23"]},
    )
    assert [str(day) for day in column(clean, "joined")] == ["2023-01-02", "2023-01-02", "2023-02-13"]
    assert [None if day is None else str(day) for day in column(clean, "left")] == [None, None, "2023-12-13"]
    assert [rule.rows for rule in clean.audit.rules if rule.action == "read"] == [2, 1, 1, 0]


def test_a_joining_day_in_no_format_of_the_study_is_named(tmp_path):
    with complains(DataError, "column `in` cannot be used in 1 row", "row 4 has `31/31/23`", "a date written as %m/%d/%y or %d/%m/%y"):
        cleaned(
            tmp_path,
            {"joined": "in"},
            "month",
            ("%m/%d/%y", "%d/%m/%y"),
            month=["01/01/23", "02/01/23", "01/01/23"],
            first=["0"] * 3,
            **{"in": ["01/02/23", "01/02/23", "31/31/23"]},
        )


def test_infinity_in_parquet_means_never(tmp_path):
    pd.DataFrame({"w": [1, 2], "m": [2023, 2023], "g": [2024.0, np.inf]}).to_parquet(tmp_path / "panel.parquet")
    raw = open_file(connect(), tmp_path / "panel.parquet")
    assert column(clean_worker_months(raw, Columns("m", worker="w", first_covered="g")), "first_covered") == [2024, None]


@pytest.mark.parametrize("word", ["inf", "1e30"])
def test_a_month_beyond_all_numbers_is_named_with_its_row(word, tmp_path):
    with complains(DataError, "column `month` cannot be used in 1 row", f"row 3 has `{word}`", "mend these rows"):
        cleaned(tmp_path, month=["2023", word, "2023"])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_times_with_a_zone_are_refused(zone, tmp_path):
    times = pd.to_datetime(["2024-03-01", "2024-04-30"]).tz_localize(zone)
    pd.DataFrame({"w": [1, 1], "m": times, "y": [3.0, 4.0]}).to_parquet(tmp_path / "panel.parquet")
    raw = open_file(connect(), tmp_path / "panel.parquet")
    with complains(DataError, "panel.parquet: column `m`: its times carry a time zone", "Found timestamp", "without a zone, in local time"):
        clean_worker_months(raw, Columns("m", worker="w", numbers={"income": "y"}))


@pytest.mark.parametrize(
    ("months", "bad", "needs"),
    [
        (["202403", "202413", "202404"], "202413", "Each value must be a month such as 202403"),
        (["202403", "202400", "202404"], "202400", "Each value must be a month such as 202403"),
        (["202403", "2024", "202404"], "2024", "Each value must be a month such as 202403"),
        (["2023-11", "2023-13", "2023-12"], "2023-13", "Each value must be a month such as 2024-03"),
        (["2023-11", "2023-00", "2023-12"], "2023-00", "Each value must be a month such as 2024-03"),
        (["2023-11", "202312", "2023-12"], "202312", "Each value must be a month such as 2024-03"),
    ],
)
def test_a_month_that_is_none_is_named_with_its_row_among_months(months, bad, needs, tmp_path):
    with complains(DataError, "column `month` cannot be used in 1 row", f"row 3 has `{bad}`", needs):
        cleaned(tmp_path, month=months, first=["never"] * 3)


@pytest.mark.parametrize(
    ("period", "months", "found"),
    [
        ("year", ["2024-03", "2024-04", "2024-03"], "2024-03"),
        ("year", ["202403", "202404", "202403"], "202403"),
        ("index", ["2024-03-01", "2024-04-01", "2024-03-01"], "2024-03-01"),
        ("month", ["1", "2", "1"], "1"),
        ("month", ["2023", "2024", "2023"], "2023"),
    ],
)
def test_a_period_that_the_months_are_not_written_in_is_refused(period, months, found, tmp_path):
    with complains(DataError, f"column `month`: its values are no {STEPS[period].en}", f"Found values such as `{found}`", "a whole number"):
        cleaned(tmp_path, {"first_covered": None}, period, month=months)


@pytest.mark.parametrize("words", [("2024-03-15", "2024-03-15", "never"), ("202403", "202403", "0"), ("2024-3", "2024-3", "inf")])
@pytest.mark.parametrize("months", [["2024-02", "2024-03", "2024-02"], ["202402", "202403", "202402"]])
def test_the_first_covered_month_may_be_written_otherwise_than_the_months(months, words, tmp_path):
    clean = cleaned(tmp_path, month=months, first=list(words))
    assert column(clean, "first_covered") == [MARCH, MARCH, None] and column(clean, "month") == [MARCH - 1, MARCH, MARCH - 1]


def test_a_first_covered_month_of_another_kind_than_the_months_is_refused(tmp_path):
    with complains(DataError, "column `first`: its values are no months", "Found values such as `3`", "2024-03 or 202403"):
        cleaned(tmp_path, month=["2024-02", "2024-03", "2024-02"], first=["3", "3", "never"])


@pytest.mark.parametrize("months", [["-1", "1", "-1"], ["0", "1", "0"], ["-1", "0", "-1"]])
def test_zero_for_never_is_refused_where_periods_cross_zero(months, tmp_path):
    found = f"Found periods {months[0]} to {months[1]}"
    with complains(DataError, "panel.csv: `0` in column `first` could mean never or period 0", found, "Number the periods from 1 on"):
        cleaned(tmp_path, month=months, first=["1", "1", "0"])


@pytest.mark.parametrize("months", [["1", "2", "1"], ["-2", "-1", "-2"]])
def test_zero_means_never_where_no_period_is_zero(months, tmp_path):
    assert column(cleaned(tmp_path, month=months, first=["0", "0", "0"]), "first_covered") == [None, None, None]


@pytest.mark.parametrize(
    ("role", "asked"),
    [
        ("month", {"numbers": {"income": "month"}}),
        ("first covered month", {"numbers": {"income": "first"}}),
        ("worker", {"numbers": {"income": "worker"}}),
        ("coverage", {"first_covered": None, "covered": "pay"}),
    ],
)
def test_an_outcome_that_also_plays_another_part_is_refused(role, asked, tmp_path):
    source = asked.get("numbers", {"income": "pay"})["income"]
    with complains(
        DataError, f"panel.csv: column `{source}` is asked for twice", f"Found it as income and as {role}", "Name another column"
    ):
        cleaned(tmp_path, asked)


def test_a_value_of_a_million_characters_is_shortened_in_the_message(tmp_path):
    with pytest.raises(DataError) as caught:
        cleaned(tmp_path, pay=["1", "x" * 10**6, "2"])
    assert f"row 3 has `{'x' * 60}… (1,000,000 characters)`" in str(caught.value) and len(str(caught.value)) < 500


def test_a_value_that_the_file_declares_as_missing_is_no_number(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"worker": ["a", "b", "c"], "month": [2023.0] * 3, "income": [100.0, -8.0, -9.5]})
    path = tmp_path / "panel.sav"
    pyreadstat.write_sav(frame, path, variable_value_labels={"income": {-8: "refused"}}, missing_ranges={"income": [-8]})
    clean = clean_worker_months(open_file(connect(), path), Columns("month", "worker", numbers={"income": "income"}))
    assert column(clean, "income") == [100.0, None, -9.5]
    assert [rule.rows for rule in clean.audit.rules] == [1]
