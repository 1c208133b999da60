"""A folder of Parquet files is one table, and no sheet or delimiter is taken where it means nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.errors import SourceError
from impact.sources.engine import connect
from impact.sources.files import open_file
from words import complains


def part(folder: Path, name: str, **columns: list[object]) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(folder / name, index=False)
    return folder / name


def test_files_are_read_in_the_order_of_their_paths_and_partitions_stay_text(tmp_path):
    part(tmp_path, "ym=2025-02/a.parquet", worker=["3"], pay=[3.0])
    part(tmp_path, "ym=2025-01/b.parquet", worker=["2"], pay=[2.0])
    part(tmp_path, "ym=2025-01/a.parquet", worker=["1"], pay=[1.0])
    (tmp_path / "_SUCCESS").touch()
    raw = open_file(connect(), tmp_path)
    assert raw.table.to_pandas().to_dict("list") == {
        "worker": ["1", "2", "3"],
        "pay": [1.0, 2.0, 3.0],
        "ym": ["2025-01", "2025-01", "2025-02"],
    }
    assert str(raw.table.schema()["ym"]) == "string" and (raw.name, raw.first_row) == (tmp_path.name, 1)
    assert raw.first_rows(raw.table["worker"] == "3", ("ym",)) == [(3, {"ym": "2025-02"})]


@pytest.mark.parametrize("value", ["007", "202501", "2025-01-05"])
def test_a_partition_that_looks_like_a_number_or_a_day_stays_text(value, tmp_path):
    part(tmp_path, f"place={value}/a.parquet", worker=["1"])
    assert open_file(connect(), tmp_path).table.to_pyarrow().to_pylist() == [{"worker": "1", "place": value}]


def test_the_hash_of_a_folder_changes_with_content_and_with_place(tmp_path):
    for folder, name, worker in [
        ("a", "ym=1/x.parquet", "1"),
        ("b", "ym=1/x.parquet", "1"),
        ("c", "ym=2/x.parquet", "1"),
        ("d", "ym=1/x.parquet", "2"),
    ]:
        part(tmp_path / folder, name, worker=[worker])
    a, b, c, d = (open_file(connect(), tmp_path / folder).sha256 for folder in "abcd")
    assert a == b and len({a, c, d}) == 3


@pytest.mark.parametrize(
    ("name", "columns", "wrong", "found"),
    [
        ("ym=2025-02/a.parquet", {"worker": [1]}, "column `worker` has another type", "Found int64 here"),
        ("ym=2025-02/a.parquet", {"Worker": ["1"]}, "column `worker` stands 2 times", "worker, Worker"),
        ("a.parquet", {"worker": ["1"]}, "its folders name other columns", "the first file has"),
    ],
)
def test_a_file_that_does_not_fit_the_others_is_named(name, columns, wrong, found, tmp_path):
    part(tmp_path, "ym=2025-01/a.parquet", worker=["1"])
    part(tmp_path, name, **columns)
    with pytest.raises(SourceError) as caught:
        open_file(connect(), tmp_path)
    message = str(caught.value)
    assert wrong in message and found in message and len(message.split("\n")) == 3


def test_a_column_that_some_files_lack_is_missing_there_and_a_note_says_so(tmp_path):
    part(tmp_path, "ym=2025-01/a.parquet", worker=["1"], gross=[1.0])
    part(tmp_path, "ym=2025-02/a.parquet", gross_fare=[2.0], worker=["2"])
    raw = open_file(connect(), tmp_path)
    assert raw.table.select("worker", "gross", "gross_fare").to_pyarrow().to_pylist() == [
        {"worker": "1", "gross": 1.0, "gross_fare": None},
        {"worker": "2", "gross": None, "gross_fare": 2.0},
    ]
    assert [note.en.split(";")[0] for note in raw.notes] == [
        "Column `gross` is absent from 1 of 2 files",
        "Column `gross_fare` is absent from 1 of 2 files",
    ]


def test_other_files_in_the_folder_are_refused(tmp_path):
    part(tmp_path, "a.parquet", worker=["1"])
    (tmp_path / "notes.csv").write_text("a\n1\n")
    with complains(SourceError, "the folder holds more than Parquet files", "notes.csv beside 1 Parquet files", "Take them out"):
        open_file(connect(), tmp_path)


def test_one_file_inside_a_partition_gets_no_column_from_its_path(tmp_path):
    assert open_file(connect(), part(tmp_path, "ym=2025-01/a.parquet", worker=["1"])).table.columns == ("worker",)


@pytest.mark.parametrize(
    ("asked", "wrong"), [({"sheet": "S"}, "this file has no sheets"), ({"delimiter": ";"}, "nothing separates the columns")]
)
def test_a_sheet_or_delimiter_that_means_nothing_is_refused(asked, wrong, tmp_path):
    with complains(SourceError, wrong, "named for it", "eave"):
        open_file(connect(), part(tmp_path, "a.parquet", worker=["1"]), **asked)
