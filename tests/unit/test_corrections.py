"""A correction is applied to the one value that it means, counted, and refused where the file says something else."""

from __future__ import annotations

import pytest

from exports import account, cleaned, delivered, month, rules_of, write
from impact.errors import DataError, StudyError
from words import complains


def corrected(tmp_path, *lines, months=None, **options):
    delivered(tmp_path, [account(), account("A-2")], months or [month(), month("A-2")])
    write(tmp_path / "corrections.csv", [line(**each) for each in lines])
    return cleaned(tmp_path, corrections="corrections.csv", **options)


def line(**changed):
    plain = {"table": "worker_month", "id": "A-1 2024-01", "column": "orders", "old": "30", "new": "40"}
    return plain | {"reason": "a letter", "who": "data desk", "when": "2024-07-01"} | changed


def test_a_correction_changes_its_value_alone_and_is_counted_with_its_row(tmp_path):
    clean = corrected(tmp_path, {})
    table = clean.months.cleaned.table.to_pandas().set_index("account_id")["orders"]
    assert table.to_dict() == {"A-1": 40, "A-2": 30}
    assert rules_of(clean, "worker_month")["correction"] == 1
    touched = clean.months.cleaned.touched.to_pandas()
    assert touched[touched["rule"] == "correction"][["file", "row", "column"]].to_numpy().tolist() == [["month/p1.csv", 2, "orders"]]


def test_a_value_that_cannot_be_read_can_be_corrected(tmp_path):
    clean = corrected(tmp_path, {"old": "3O", "new": "30"}, months=[month(orders="3O"), month("A-2")])
    assert clean.months.cleaned.table.to_pandas()["orders"].tolist() == [30, 30]


def test_numbers_are_compared_as_numbers(tmp_path):
    assert rules_of(corrected(tmp_path, {"old": "30.0"}), "worker_month")["correction"] == 1


def test_two_corrections_of_one_row_both_hold_though_one_changes_the_key(tmp_path):
    clean = corrected(tmp_path, {"column": "account_id", "old": "A-1", "new": "A-2"}, {}, months=[month(), month("A-2", "2024-02")])
    table = clean.months.cleaned.table.to_pandas().set_index("ym")
    assert table["account_id"].to_dict() == {"2024-01": "A-2", "2024-02": "A-2"}
    assert table["orders"].to_dict() == {"2024-01": 40, "2024-02": 30}
    assert rules_of(clean, "worker_month")["correction"] == 1


@pytest.mark.parametrize(
    ("changed", "wrong", "words", "advice"),
    [
        ({"old": "31"}, "is not what the table says", "`30` where `31` was expected", "Look at the row again"),
        ({"id": "A-7 2024-01"}, "does not mean one row", "no row with that key", "account_id and ym"),
        ({"id": "A-1"}, "does not mean one row", "no row with that key", "account_id and ym"),
        ({"column": "ordres"}, "corrects a column that is not known", "`ordres`", "Did you mean `orders`?"),
        ({"table": "worker_moth"}, "corrects a table that is not known", "`worker_moth`", "Did you mean `worker_month`?"),
        ({"reason": ""}, "is not complete", "`reason`", "why, who says so"),
        ({"when": "July"}, "does not say when", "`July`", "2025-03-07"),
    ],
)
def test_a_correction_that_does_not_hold_is_refused_with_its_line(changed, wrong, words, advice, tmp_path):
    with complains(DataError, wrong, words, advice):
        corrected(tmp_path, changed)


def test_a_value_corrected_twice_is_refused(tmp_path):
    with complains(DataError, "row 3 corrects a value that row 2 corrects already", "`orders`", "Keep the one"):
        corrected(tmp_path, {}, {"new": "41"})


def test_a_name_is_not_shown_where_its_correction_does_not_hold(tmp_path):
    with pytest.raises(DataError) as refused:
        corrected(tmp_path, {"table": "account", "id": "A-1", "column": "name", "old": "王五", "new": "王五一"})
    assert "赵铁柱" not in str(refused.value)
    assert "王五" not in str(refused.value)


@pytest.mark.parametrize("new", ["40.6", "abc"])
def test_a_new_value_that_does_not_fit_its_column_is_refused(new, tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "part" / "p1.parquet", [month()])
    write(tmp_path / "corrections.csv", [line(new=new)])
    with complains(DataError, "does not fit its column", f"`{new}`", "Write a value of that type"):
        cleaned(tmp_path, corrections="corrections.csv", tables={"account": ["account/*"], "worker_month": ["part/*"]})


def test_a_row_in_files_that_a_study_leaves_aside_is_left_aside(tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "month" / "p2.csv", [month("A-2")])
    write(tmp_path / "corrections.csv", [line(id="A-2 2024-01")])
    clean = cleaned(tmp_path, ("account/*", "month/p1*"), corrections="corrections.csv")
    assert "correction" not in rules_of(clean, "worker_month")


def test_a_correction_of_a_table_that_was_not_delivered_is_refused(tmp_path):
    with complains(StudyError, "its table was not delivered", "`worker_day`", "take the line out"):
        corrected(tmp_path, {"table": "worker_day", "id": "A-1 2024-01-05"})
