"""SPSS and Stata files keep codes, labels, titles and reasons for missing values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from impact.errors import SourceError
from impact.sources.engine import connect
from impact.sources.files import open_file
from words import complains

FRAME = pd.DataFrame(
    {
        "q1": [1.0, 2.0, 99.0, None],
        "name": ["张三", "b", "", "007"],
        "day": [dt.date(2024, 1, 1), None, dt.date(2024, 2, 29), dt.date(2024, 3, 1)],
        "at": pd.to_datetime(["2024-01-01 03:04:05", None, "2024-01-02 00:00:00", "2024-01-03 00:00:00"]),
        "x": [1.5, 0.1, -3.0, -9.0],
    }
)
ROWS = [
    {"q1": "1", "name": "张三", "day": dt.date(2024, 1, 1), "at": dt.datetime(2024, 1, 1, 3, 4, 5), "x": "1.5"},
    {"q1": "2", "name": "b", "day": None, "at": None, "x": "0.1"},
    {"q1": "99", "name": None, "day": dt.date(2024, 2, 29), "at": dt.datetime(2024, 1, 2), "x": "-3"},
    {"q1": None, "name": "007", "day": dt.date(2024, 3, 1), "at": dt.datetime(2024, 1, 3), "x": "-9"},
]
LABELS = {"q1": {1: "是", 2: "否", 99: "拒答"}}


def sav(folder: Path, name: str = "panel.sav") -> Path:
    pyreadstat.write_sav(
        FRAME,
        folder / name,
        compress=name.endswith(".zsav"),
        column_labels={"q1": "问题一"},
        variable_value_labels=LABELS,
        missing_ranges={"q1": [99], "x": [{"lo": -9, "hi": -1}]},
    )
    return folder / name


def dta(folder: Path) -> Path:
    frame = FRAME.assign(reason=["a", 1, 2, "z"])
    pyreadstat.write_dta(
        frame,
        folder / "panel.dta",
        column_labels=["问题一", *[None] * 5],
        variable_value_labels=LABELS | {"reason": {"a": "refused", 1: "yes"}},
        missing_user_values={"reason": ["a", "z"]},
    )
    return folder / "panel.dta"


@pytest.mark.parametrize("name", ["panel.sav", "panel.zsav"])
def test_an_spss_file_keeps_codes_labels_titles_and_declared_missing_values(name, tmp_path):
    raw = open_file(connect(), sav(tmp_path, name))
    assert raw.table.to_pyarrow().to_pylist() == ROWS and raw.first_row == 1
    assert raw.labels == {"q1": {"1": "是", "2": "否", "99": "拒答"}}
    assert raw.titles == {"q1": "问题一"}
    assert raw.missing == {"q1": {"99": "拒答"}, "x": {"-3": "", "-9": ""}}


def test_a_stata_file_keeps_codes_labels_titles_and_letters_for_missing_values(tmp_path):
    raw = open_file(connect(), dta(tmp_path))
    reasons = [".a", "1", "2", ".z"]
    assert raw.table.to_pyarrow().to_pylist() == [row | {"reason": reason} for row, reason in zip(ROWS, reasons, strict=True)]
    assert raw.labels == {"q1": {"1": "是", "2": "否", "99": "拒答"}, "reason": {".a": "refused", "1": "yes"}}
    assert raw.titles == {"q1": "问题一"}
    assert raw.missing == {"reason": {".a": "refused", ".z": ""}}


@pytest.mark.parametrize(("write", "kind"), [(sav, "SPSS"), (dta, "Stata")])
def test_a_file_that_breaks_off_is_refused(write, kind, tmp_path):
    file = write(tmp_path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    with complains(SourceError, f"this is not a whole {kind} file", "Found", "Export it again"):
        open_file(connect(), file)
