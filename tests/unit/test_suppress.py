"""Numbers that rest on a few workers are emptied; labels, and rows that rest on nobody, stay."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from impact.moments.suppress import suppressed

TABLE = pd.DataFrame(
    {
        "term": ["nobody", "one", "nine", "ten", "many", "unknown"],
        "month": [1, 2, 3, 4, 5, 6],
        "estimate": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
        "p_value": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "workers": [0.0, 1.0, 9.0, 10.0, 500.0, float("nan")],
    }
)
NUMBERS = ("estimate", "p_value", "band_low")


def emptied(table: pd.DataFrame, column: str) -> list[str]:
    return table.loc[table[column].isna(), "term"].tolist()


@pytest.mark.parametrize(("fewest", "few"), [(1, []), (2, ["one"]), (9, ["one"]), (10, ["one", "nine"]), (11, ["one", "nine", "ten"])])
def test_rows_that_rest_on_one_to_fewest_less_one_are_emptied_and_no_others(fewest, few):
    table = suppressed(TABLE, fewest, NUMBERS)
    assert emptied(table, "estimate") == emptied(table, "p_value") == few
    assert emptied(table, "workers") == [*few, "unknown"]
    kept = ~TABLE["term"].isin(few)
    assert_frame_equal(table[kept], TABLE[kept])


def test_labels_and_rows_stay():
    table = suppressed(TABLE, 10, NUMBERS)
    assert table.columns.tolist() == TABLE.columns.tolist()
    assert_frame_equal(table[["term", "month"]], TABLE[["term", "month"]])


def test_another_column_may_count_the_workers():
    table = suppressed(TABLE.rename(columns={"workers": "covered_workers"}), 10, NUMBERS, "covered_workers")
    assert emptied(table, "estimate") == ["one", "nine"] and emptied(table, "covered_workers") == ["one", "nine", "unknown"]


def test_the_table_given_is_not_changed():
    before = TABLE.copy()
    suppressed(TABLE, 10, NUMBERS)
    assert_frame_equal(TABLE, before)


@pytest.mark.parametrize(
    ("left", "of", "empty"), [(57.0, 60.0, True), (50.0, 60.0, False), (60.0, 60.0, False), (3.0, 60.0, True), (66.0, 60.0, False)]
)
def test_the_few_who_are_left_over_are_as_few_as_those_who_went(left, of, empty):
    table = suppressed(pd.DataFrame({"exits": [left], "stock": [of], "rate": [left / of]}), 10, ("rate", "stock"), "exits", "stock")
    assert table[["exits", "stock", "rate"]].isna().all(axis=None) == empty
