"""Cleaning refuses or counts what is wrong with exports, names file, row and column, and shows nobody."""

from __future__ import annotations

import pandas as pd
import pytest

from exports import (
    DROP,
    account,
    calendar,
    cleaned,
    day,
    declared,
    delivered,
    found,
    month,
    months_of,
    opened,
    pause,
    received,
    rules_of,
    write,
)
from impact.errors import DataError, SourceError, StudyError
from words import complains


@pytest.mark.parametrize("received_name", ["流水金额（元）", "gross_fare"])
def test_a_renamed_column_is_proposed_and_never_taken(received_name, tmp_path):
    row = month(gross=DROP) | {received_name: 900.0}
    delivered(tmp_path, [account()], [row])
    with complains(DataError, "has no column `gross`", f"{received_name}", f"mapping: {{{received_name}: gross}}"):
        cleaned(tmp_path)
    clean = cleaned(tmp_path, mapping={received_name: "gross"})
    assert rules_of(clean, "worker_month")["renamed_column"] == 1


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    delivered(tmp_path, [account()], [month() | {"流水（元）": 900.0}])
    with complains(DataError, "two columns of it are `gross`", "`gross` and `流水（元）`", "Say in `mapping`"):
        cleaned(tmp_path)


@pytest.mark.parametrize(
    ("changed", "wrong", "value"),
    [
        ({"gross": "12O"}, "column `gross`", "row 3 has `12O`"),
        ({"gross": "1_000"}, "column `gross`", "row 3 has `1_000`"),
        ({"orders": "Infinity"}, "column `orders`", "row 3 has `Infinity`"),
        ({"active_days": 32}, "cannot be in 1 row", "row 3 has `32`"),
        ({"active_days": 3.5}, "cannot be in 1 row", "row 3 has `3.5`"),
        ({"active_days": ""}, "is missing in 1 row", "row 3"),
        ({"last_active_date": "20/01/2024"}, "cannot be read", "row 3 has `20/01/2024`"),
        ({"ym": "2024年13月"}, "column `ym`", "2024年13月"),
    ],
)
def test_a_value_that_cannot_be_read_or_cannot_be_is_named_with_its_row(changed, wrong, value, tmp_path):
    delivered(tmp_path, [account(), account("A-2")], [month(), month("A-2", **changed)])
    with complains(DataError, wrong, value, "Each value must be"):
        cleaned(tmp_path)


@pytest.mark.parametrize("written", ["2024/01", "202401", "2024年1月", "2024-1"])
def test_a_month_is_read_in_every_way_that_nobody_can_misread(written, tmp_path):
    delivered(tmp_path, [account()], [month() | {"ym": written}])
    assert cleaned(tmp_path).months.cleaned.table.to_pandas()["ym"].tolist() == ["2024-01"]


def test_a_date_outside_its_month_is_refused_and_a_declared_order_is_counted(tmp_path):
    delivered(tmp_path, [account()], [month(first="2024-01-05", last="20/01/2024")])
    clean = cleaned(tmp_path, declared=declared("month/p1.csv", "dates also as %d/%m/%Y"))
    assert rules_of(clean, "worker_month")["declared_date"] == 1
    delivered(tmp_path, [account()], [month(first="2024-01-05", last="2024-03-05")])
    with complains(DataError, "lies outside its row's month in 1 row", "2024-03-05 in month 2024-01, row 2", "declare it in the delivery"):
        cleaned(tmp_path)


@pytest.mark.parametrize(
    ("files", "says", "wrong"),
    [
        ("month/p1.csv", "dates also as %d/%m/%Y", "a declaration changes nothing there"),
        ("account/p1.csv", "money in fen", "a declaration changes nothing there"),
        ("month/p9.csv", "money in fen", "files that are not there"),
    ],
)
def test_a_declaration_that_changes_nothing_is_refused(files, says, wrong, tmp_path):
    delivered(tmp_path, [account()], [month()])
    with complains(DataError, wrong, says, "take it out"):
        cleaned(tmp_path, declared=declared(files, says))


MONEY = ("gross", "take", "incentive", "penalty", "receipts", "cost_est", "net_est")


def five(**changed):
    people = [f"A-{place}" for place in range(1, 7)]
    return [account(name) for name in people], [month(name, **changed) for name in people]


def test_money_in_fen_is_found_by_its_level_and_a_false_declaration_too(tmp_path):
    accounts, months = five()
    fen = {name: 100 * months[0][name] for name in MONEY}
    delivered(tmp_path, accounts, [row | fen for row in months])
    assert found(cleaned(tmp_path), "money_unit") == ["month/p1.csv"]
    clean = cleaned(tmp_path, declared=declared("month/p1.csv", "money in fen"))
    assert found(clean, "money_unit") == []
    assert clean.months.cleaned.table.to_pandas()["gross"].unique().tolist() == [900.0]
    delivered(tmp_path, accounts, months)
    assert found(cleaned(tmp_path, declared=declared("month/p1.csv", "money in fen")), "money_unit") == ["month/p1.csv"]


def test_of_two_files_that_differ_the_one_in_fen_is_named(tmp_path):
    accounts, months = five()
    months = [row | {name: 0.4 * row[name] for name in MONEY} for row in months]  # in fen still below what a month can bring
    delivered(tmp_path, accounts, months)
    fen = {name: 100 * months[0][name] for name in MONEY}
    write(tmp_path / "month" / "p2.csv", [month(row["account_id"], "2024-02") | fen for row in months])
    assert found(cleaned(tmp_path), "money_unit") == ["month/p2.csv"]


def test_sums_that_do_not_add_up_are_flagged_and_many_of_them_stop(tmp_path):
    accounts, months = five()
    delivered(tmp_path, accounts, [row | {"receipts": 72500.0} for row in months])
    clean = cleaned(tmp_path)
    assert rules_of(clean, "worker_month")["unequal_money"] == 6
    assert found(clean, "unequal_money_in_file") == ["month/p1.csv"]


def test_identical_rows_are_dropped_and_contradictions_refused_without_naming_anybody(tmp_path):
    delivered(tmp_path, [account()], [month(), month()])
    assert rules_of(cleaned(tmp_path), "worker_month")["duplicate_row"] == 1
    delivered(tmp_path, [account()], [month(), month(orders=31)])
    with pytest.raises(DataError, match="more than once, with different values") as refused:
        cleaned(tmp_path)
    assert "month/p1.csv, row 2 and month/p1.csv, row 3" in str(refused.value)
    assert "A-1" not in str(refused.value)


def test_a_copy_that_writes_its_date_in_the_declared_order_is_a_copy(tmp_path):
    delivered(tmp_path, [account()], [month(), month(last="20/01/2024")])
    clean = cleaned(tmp_path, declared=declared("month/p1.csv", "dates also as %d/%m/%Y"))
    assert rules_of(clean, "worker_month")["duplicate_row"] == 1


def test_a_later_version_of_a_day_replaces_the_earlier_one(tmp_path):
    delivered(tmp_path, [account()], [month()])
    rows = [day(updated_at="2024-01-06 00:00:00"), day(orders=11, updated_at="2024-01-08 00:00:00")]
    write(tmp_path / "day" / "p1.csv", rows)
    tables = {"account": ["account/*"], "worker_month": ["month/*"], "worker_day": ["day/*"]}
    clean = cleaned(tmp_path, tables=tables)
    assert rules_of(clean, "worker_day")["amended_day"] == 1
    assert clean.days.table.to_pandas()["orders"].tolist() == [11]


def test_testers_go_and_people_whose_names_begin_alike_stay(tmp_path):
    names = {"A-1": "测试账号7", "A-2": "test_02", "A-3": "Testarossa Luigi", "A-4": "Demosthenes"}
    delivered(tmp_path, [account(key, name=name) for key, name in names.items()], [month(key) for key in names])
    clean = cleaned(tmp_path)
    assert sorted(clean.accounts.cleaned.table.to_pandas()["account_id"]) == ["A-3", "A-4"]
    assert rules_of(clean, "worker_month")["test_account_activity"] == 2


def test_idle_accounts_on_one_device_are_flagged_and_a_repeated_row_counts_once(tmp_path):
    idle = {"device_id": "D1", "first_trip_date": ""}
    two = [account("A-1", **idle), account("A-1", **idle), account("A-2", **idle)]
    delivered(tmp_path, two, [pause("A-1", "2024-01")])
    assert rules_of(cleaned(tmp_path), "account")["shared_device"] == 0
    delivered(tmp_path, [*two, account("A-3", **idle)], [pause("A-1", "2024-01")])
    assert rules_of(cleaned(tmp_path), "account")["shared_device"] == 3


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"first_active_date": ""}, "is missing in a month with work"),
        ({"first_active_date": "2024-01-21"}, "lies before the first working day"),
    ],
)
def test_a_month_with_work_needs_its_first_and_last_day_in_this_order(changed, wrong, tmp_path):
    delivered(tmp_path, [account()], [month(**changed)])
    with complains(DataError, wrong, "row 2, month 2024-01", "table of corrections"):
        cleaned(tmp_path)


def test_a_platform_without_a_month_between_others_stops_the_run(tmp_path):
    delivered(tmp_path, [account()], months_of("A-1", ["2024-01", "2024-02", "2024-04"]))
    assert found(cleaned(tmp_path), "platform_without_month") == ["platform P1"]


def test_rows_of_accounts_that_were_not_delivered_stop_the_run(tmp_path):
    delivered(tmp_path, [account()], [month(), month("A-9")])
    assert found(cleaned(tmp_path), "rows_without_account") == ["worker_month"]


def test_the_same_bytes_under_two_names_are_refused(tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "month" / "copy.csv", [month()])
    with complains(SourceError, "two files hold the same bytes", "month/copy.csv", "Take one of them away"):
        opened(tmp_path)


def test_a_folder_that_contradicts_a_column_of_its_file_is_refused(tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "part" / "ym=2024-02" / "p1.parquet", [month(ym="2024-03")])
    with complains(SourceError, "its column `ym` contradicts the folder", "`2024-03` in row 1", "Move the file"):
        opened(tmp_path, tables={"account": ["account/*"], "worker_month": ["part/*/*"]})


def test_a_folder_above_the_delivery_says_nothing_about_the_month(tmp_path):
    home = tmp_path / "ym=1999-01"
    delivered(home, [account()], [month()])
    write(home / "part" / "ym=2024-01" / "p1.parquet", [{name: value for name, value in month().items() if name != "ym"}])
    clean = cleaned(home, tables={"account": ["account/*"], "worker_month": ["part/*/*"]})
    assert clean.months.cleaned.table.to_pandas()["ym"].tolist() == ["2024-01"]


@pytest.mark.parametrize("name", ["filename", "file_row_number"])
def test_a_column_whose_name_the_reader_needs_is_named(name, tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "part" / "p1.parquet", [month() | {name: 1}])
    with complains(SourceError, "a column has a name that the reader needs", f"`{name}`", "Rename that column"):
        opened(tmp_path, tables={"account": ["account/*"], "worker_month": ["part/*"]})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"account_id": 17.0}, "decimal numbers"),
        ({"last_active_date": 20240120}, "numbers where days are asked"),
        ({"last_active_date": pd.Timestamp("2024-01-20", tz="UTC")}, "times with a zone"),
    ],
)
def test_a_type_that_loses_what_is_needed_is_refused(changed, words, tmp_path):
    delivered(tmp_path, [account()], [month()])
    write(tmp_path / "part" / "p1.parquet", [month() | changed])
    with complains(DataError, "cannot be used", words, "rite"):
        cleaned(tmp_path, tables={"account": ["account/*"], "worker_month": ["part/*"]})


@pytest.mark.parametrize("value", ["张伟", "19912345678", "RH01-0000206"])
def test_a_message_shows_nobodys_name_number_or_account(value, tmp_path):
    delivered(tmp_path, [account()], [month(active_days=value)])
    with pytest.raises(DataError) as refused:
        cleaned(tmp_path)
    assert value not in str(refused.value)


def test_utf8_and_gb18030_files_with_either_kind_of_heading_are_one_table(tmp_path):
    delivered(tmp_path, [account(), account("A-2")], [month()])
    chinese = {"account_id": "司机编号", "ym": "月份", "gross": "流水（元）"}
    row = {chinese.get(name, name): value for name, value in month("A-2").items()}
    write(tmp_path / "month" / "p2.csv", [row], encoding="gb18030")
    table = cleaned(tmp_path).months.cleaned.table.to_pandas().sort_values("account_id")
    assert table[["account_id", "gross", "file_", "row_"]].to_numpy().tolist() == [
        ["A-1", 900.0, "month/p1.csv", 2],
        ["A-2", 900.0, "month/p2.csv", 2],
    ]


def test_how_rows_lie_in_files_makes_no_difference(tmp_path):
    rows = [*months_of("A-1", calendar()), *months_of("A-2", calendar("2024-03"))]
    people = [account(), account("A-2")]
    delivered(tmp_path / "one", people, rows)
    write(tmp_path / "two" / "account" / "all.parquet", people[::-1])
    write(tmp_path / "two" / "month" / "b.csv", rows[::-2])
    write(tmp_path / "two" / "month" / "a.csv", rows[-2::-2])
    tables = [
        cleaned(tmp_path / name).months.cleaned.table.to_pandas().drop(columns=["file_", "row_"]).sort_values(["account_id", "ym"])
        for name in ("one", "two")
    ]
    pd.testing.assert_frame_equal(tables[0].reset_index(drop=True), tables[1].reset_index(drop=True))


def test_what_a_study_reads_names_nobody(tmp_path):
    delivered(tmp_path / "data" / "exports", [account()], months_of("A-1", calendar()))
    got = received(tmp_path)
    text = got.raw.table.to_pandas().to_csv() + got.touched.to_pandas().to_csv()
    assert not [secret for secret in ("A-1", "赵铁柱", "19912345678") if secret in text]
    assert got.key_id not in (None, "synthetic")


def test_a_sample_that_nobody_is_in_is_refused(tmp_path):
    delivered(tmp_path / "data" / "exports", [account()], months_of("A-1", calendar()))
    with complains(StudyError, "nobody is in its sample", "P7", "sample: groups"):
        received(tmp_path, sample={"groups": ["P7*"]})
