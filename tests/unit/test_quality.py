"""What looks suspicious in files, months and columns is found; what is merely usual is not."""

from __future__ import annotations

import pandas as pd
import pytest

from impact.clean.quality.columns import (
    completeness,
    constant_columns,
    empty_in_files,
    far_values,
    implausible,
    missing_by,
    missing_in_months,
    naming_columns,
)
from impact.clean.quality.files import file_findings, resent_months
from impact.clean.quality.months import month_findings
from impact.clean.quality.quality import HOURS_ONLINE, NET_INCOME
from impact.sources.dataset import ReceivedFile
from impact.sources.engine import connect, register

MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]


def files(rows: dict[str, int], series: str = "RH01") -> list[ReceivedFile]:
    return [ReceivedFile(f"ym={month}/{series}.parquet", "", number, ()) for month, number in rows.items()]


def table(**columns):
    return register(connect(), "table_of_test", pd.DataFrame(columns))


def rules(found) -> list[str]:
    return [finding.rule for finding in found]


def test_files_that_grow_slowly_are_not_suspicious():
    assert file_findings(files({month: 1000 + 40 * place for place, month in enumerate(MONTHS)})) == []


def test_a_month_without_file_is_named():
    found = file_findings(files({month: 1000 for month in MONTHS if month != "2024-05"}))
    assert rules(found) == ["month_without_file"]
    assert "2024-05" in found[0].text.en and "2024-05" in found[0].text.zh


def test_a_series_that_ends_before_the_others_is_named():
    short = files(dict.fromkeys(MONTHS[:9], 1000), "RH02")
    found = file_findings([*files(dict.fromkeys(MONTHS, 1000)), *files(dict.fromkeys(MONTHS, 900), "RH03"), *short])
    assert [finding.where for finding in found] == ["ym=2024-01/RH02.parquet"]
    assert "2024-10, 2024-11, 2024-12" in found[0].text.en


@pytest.mark.parametrize("month", ["2024-01", "2024-06", "2024-12"])
@pytest.mark.parametrize("rows", [200, 5000])
def test_a_file_out_of_step_with_its_neighbours_is_named(month, rows):
    found = file_findings(files({**dict.fromkeys(MONTHS, 1000), month: rows}))
    assert [(finding.rule, finding.where) for finding in found] == [("file_size", f"ym={month}/RH01.parquet")]


def test_an_empty_file_is_named_once():
    assert rules(file_findings(files({**dict.fromkeys(MONTHS, 1000), "2024-06": 0}))) == ["empty_file"]


def test_a_month_sent_twice_is_named_and_equal_numbers_of_rows_alone_are_not():
    frame = pd.DataFrame({"file_": ["a.csv"] * 40 + ["b.csv"] * 40 + ["c.csv"] * 40, "gross": [1.0] * 40 + [2.0] * 40 + [1.0] * 40})
    found = resent_months(register(connect(), "sent", frame), ["gross"])
    assert [(finding.where, finding.rows) for finding in found] == [("c.csv", 40)]
    assert "`a.csv`" in found[0].text.en


def by_month(rows: list[int]):
    return table(month=[place for place, number in enumerate(rows) for _ in range(number)])


@pytest.mark.parametrize(
    ("rows", "rule", "where"),
    [
        ([200, 203, 0, 205, 201, 204], "month_missing", "t"),
        ([200, 203, 198, 405, 401, 404, 399], "rows_jump", "t, m3"),
        ([80, 203, 198, 205, 201, 204], "half_month", "t, m0"),
        ([200, 203, 198, 205, 201, 80], "half_month", "t, m5"),
    ],
)
def test_holes_jumps_and_half_months_are_told_apart(rows, rule, where):
    found = month_findings(by_month(rows), "t", lambda month: f"m{month}")
    assert [(finding.rule, finding.where) for finding in found] == [(rule, where)]


def test_numbers_of_rows_that_always_vary_are_no_jumps():
    assert month_findings(by_month([150, 330, 140, 310, 160, 320, 150]), "t", str) == []


def test_each_group_has_its_own_months():
    held = table(month=[0, 1, 2, 0, 2], platform=["a", "a", "a", "b", "b"])
    assert [finding.where for finding in month_findings(held, "t", str, "platform")] == ["t, b"]


def test_completeness_counts_every_missing_value_and_names_the_worst_month():
    counted = missing_by(table(month=[1, 1, 2, 2], pay=[1.0, None, None, None], days=[1, 2, 3, 4]), ["pay", "days"], "month")
    pay, days = completeness(counted, {1: "2024-01", 2: "2024-02"})
    assert (pay.missing, pay.share, pay.worst, pay.worst_share) == (3, 0.75, "2024-02", 1.0)
    assert (days.missing, days.worst) == (0, "")


def missing(shares: list[float]):
    values = [None if place < 100 * share else 1.0 for share in shares for place in range(100)]
    return missing_by(table(month=[month for month in range(len(shares)) for _ in range(100)], pay=values), ["pay"], "month")


def test_only_a_month_with_many_more_missing_values_than_usual_is_named():
    assert missing_in_months(missing([0.5, 0.52, 0.55, 0.5]), {}, "t") == []
    found = missing_in_months(missing([0.1, 0.1, 0.6, 0.1]), {2: "2024-03"}, "t")
    assert "2024-03" in found[0].text.en and "60%" in found[0].text.en and found[0].rows == 60


def test_a_column_that_is_empty_in_one_file_is_named_and_one_that_is_usually_empty_is_not():
    assert rules(empty_in_files(missing([0.0, 0.0, 1.0]), "t")) == ["column_empty_in_files"]
    assert empty_in_files(missing([1.0, 0.9, 1.0]), "t") == []


def test_a_constant_column_is_named():
    held = table(city=["C01"] * 3, pay=[1, 2, 3], covered=["2024-05", None, None])
    found = constant_columns(held, ["city", "pay", "covered"], "t")
    assert found[0].text.en.endswith(": city")


def test_a_column_of_phone_numbers_is_named_without_showing_one():
    phones = [f"1391234{place:04d}" for place in range(50)]
    found = naming_columns(table(contact=phones, city=["C01", "C02"] * 25), ["contact", "city"], "t")
    assert rules(found) == ["names_persons"] and "`contact`" in found[0].text.en
    assert not any(phone in found[0].text.en + found[0].text.zh for phone in phones)


@pytest.mark.parametrize(("factor", "odd"), [(1, False), (100, True), (0.0001, True)])
def test_income_in_another_unit_is_named_and_income_in_yuan_is_not(factor, odd):
    found = implausible(table(pay=[factor * (4000 + place) for place in range(60)]), "pay", NET_INCOME, "t")
    assert bool(found) is odd


def test_hours_in_minutes_are_named():
    assert rules(implausible(table(hours=[9000.0] * 40), "hours", HOURS_ONLINE, "t")) == ["implausible_median"]


def test_a_value_far_beyond_all_others_and_rounded_amounts_are_named():
    plain = [4000.0 + 7 * place + 0.5 for place in range(400)]
    assert far_values(table(pay=plain), "pay", "t") == []
    assert rules(far_values(table(pay=[*plain[:-1], 4_000_000.0]), "pay", "t")) == ["far_value"]
    assert rules(far_values(table(pay=[3000.0 + 100 * (place % 9) for place in range(400)]), "pay", "t")) == ["rounded_amounts"]
