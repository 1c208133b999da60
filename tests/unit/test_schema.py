"""The schema against a world that is really written: every file has a table, every table its columns, every column its type."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from impact.schema import GROUPS, TABLES, Column, Kind, TableSchema, data_dictionary
from impact.schema.questionnaire import ITEMS, header, option_headers
from impact.simulate.simulate import MANIFEST, simulate
from impact.simulate.survey.answers import COLUMNS
from impact.simulate.world import load_world

ROOT = Path(__file__).parents[2]
TINY = """
name: tiny
scale: 0.0005
months: 24
campaign: {agreements: 3, others: 2, firms: 6, last_signed: 2025-02}
survey: {issued: 60, waves: [2024-10]}
"""
WRITTEN = [table for table in TABLES if table.files]
IN_PARQUET: dict[Kind, Callable[[pa.DataType], bool]] = {
    "text": lambda held: pa.types.is_string(held) or pa.types.is_large_string(held),
    "integer": pa.types.is_integer,
    "number": pa.types.is_floating,
    "date": pa.types.is_date,
    "time": pa.types.is_timestamp,
    "yes_no": pa.types.is_boolean,
}
IN_CSV: dict[Kind, str] = {
    "text": r".*",
    "integer": r"-?\d+",
    "number": r"-?\d+(\.\d+)?(e-?\d+)?",
    "date": r"\d{4}(-|/)\d{2}\1\d{2}|\d{2}/\d{2}/\d{4}",
    "yes_no": r"[Tt]rue|[Ff]alse",
}
every_written_table = pytest.mark.parametrize("table", WRITTEN, ids=lambda table: table.name)


@dataclass(frozen=True)
class Tiny:
    """A small world on disk."""

    folder: Path
    files: tuple[str, ...]

    def of(self, table: TableSchema) -> list[Path]:
        """Find the files of a table."""
        return [self.folder / file for file in self.files if table.holds(file)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return _built(tmp_path_factory.mktemp("worlds"), TINY)


def _built(folder: Path, changes: str, **asked: tuple[str, ...]) -> Tiny:
    (folder / "tiny.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{changes}", encoding="utf-8")
    written = simulate(load_world(folder / "tiny.yaml"), folder / "out", registry=ROOT / "data" / "registry", **asked)
    return Tiny(written.folder, tuple(file["path"] for file in written.manifest["files"]))


def test_every_file_of_a_world_belongs_to_one_table(tiny: Tiny) -> None:
    tables = {file: [table.name for table in WRITTEN if table.holds(file)] for file in tiny.files if not file.startswith("raw/registry/")}
    assert {file: names for file, names in tables.items() if len(names) != 1} == {}
    found = {path.relative_to(tiny.folder).as_posix() for path in tiny.folder.rglob("*") if path.is_file()}
    assert found == {*tiny.files, MANIFEST}


@every_written_table
def test_files_have_the_columns_of_their_table_in_order(table: TableSchema, tiny: Tiny) -> None:
    assert tiny.of(table)
    allowed = [_names(table, path, renewed) for path in tiny.of(table)[:1] for renewed in (False, True)]
    for path in tiny.of(table):
        expected = [_names(table, path, renewed) for renewed in (False, True)] if table.questions else allowed
        assert _header(path) in expected, path.relative_to(tiny.folder)


@every_written_table
def test_files_have_the_types_of_their_table(table: TableSchema, tiny: Tiny) -> None:
    wrong = {
        f"{path.relative_to(tiny.folder)}: {column.name}: {found}"
        for path in tiny.of(table)
        for column, found in (_mistyped_in_parquet if path.suffix == ".parquet" else _mistyped_in_text)(table, path)
    }
    assert wrong == set()


@every_written_table
def test_columns_that_always_have_a_value_have_one(table: TableSchema, tiny: Tiny) -> None:
    for path in tiny.of(table):
        missing = _missing_in_parquet(table, path) if path.suffix == ".parquet" else _missing_in_text(table, path)
        assert missing == [], path.relative_to(tiny.folder)


def test_a_column_that_is_renamed_stands_in_files_under_both_names(tiny: Tiny) -> None:
    renamed = [(table, column) for table in WRITTEN for column in table.columns if column.renamed]
    assert renamed
    for table, column in renamed:
        heads = [_header(path) for path in tiny.of(table)]
        for renewed in (False, True):
            assert any(column.written(renewed) in head for head in heads), f"{table.name}: {column.written(renewed)}"


def test_a_column_of_some_worlds_is_there_in_those(tmp_path: Path) -> None:
    score = "hardship_score: {cutoff: 60, mean: 50, sd: 15}"
    some = {name: part for table in WRITTEN for name, part in ((column.name, column.only_with) for column in table.columns) if part}
    assert some == {"hardship_score": "hardship_score"}
    built = _built(tmp_path, f"{TINY}{score}\n", tables=("account",))
    table = next(table for table in WRITTEN if "hardship_score" in table.column_names())
    assert {tuple(_header(path)) for path in built.of(table)} == {table.column_names()}


def test_the_questions_of_the_true_answers_have_the_types_of_the_questionnaire(tiny: Tiny) -> None:
    for file in (file for file in tiny.files if file.startswith("truth/survey")):
        held = parquet.read_schema(tiny.folder / file)
        for item in ITEMS:
            kinds = ("text",) if item.kind in ("text", "month", "multi", "ranking") else ("integer", "number")
            assert any(IN_PARQUET[kind](held.field(item.field).type) for kind in kinds), item.field


def test_what_names_a_person_in_one_table_does_so_in_every_table() -> None:
    classes = {(column.name, column.sensitivity) for table in TABLES for column in table.columns}
    direct = {name for name, sensitivity in classes if sensitivity == "direct"}
    assert {"account_id", "phone", "device_id", "worker"} <= direct
    assert [(name, sensitivity) for name, sensitivity in sorted(classes) if name in direct and sensitivity != "direct"] == []


def test_the_dictionary_shows_every_table_once_and_no_name_stands_twice() -> None:
    shown = re.findall(r"^### `(\w+)`$", data_dictionary(), re.MULTILINE)
    assert shown == [table.name for table in TABLES]
    assert len({*shown}) == len(shown)
    for table in TABLES:
        assert len({*table.column_names()}) == len(table.columns), table.name
        assert all(column.en and column.zh for column in table.columns), table.name
    assert [table.name for table in GROUPS[0].tables] == ["worker_month", "worker_month_income", "worker_spell", "results"]


def _names(table: TableSchema, path: Path, renewed: bool) -> list[str]:
    """List the names that a file must have, the questions of the questionnaire among them."""
    names = [column.written(renewed) for column in table.columns if not column.only_with]
    if not table.questions:
        return names
    if path.suffix == ".parquet":
        return [*names[:4], *COLUMNS, *names[4:]]
    by_option = "number" in path.stem
    questions = [option_headers(item) if by_option and item.kind in ("multi", "ranking") else [header(item)] for item in ITEMS]
    return [*names, *(name for part in questions for name in part)]


def _header(path: Path) -> list[str]:
    return parquet.read_schema(path).names if path.suffix == ".parquet" else next(iter(_lines(path)))


def _lines(path: Path) -> Iterator[list[str]]:
    """Read a spreadsheet or a CSV line by line, each cell as text."""
    if path.suffix == ".xlsx":
        for row in load_workbook(path, read_only=True).active.iter_rows(values_only=True):
            yield ["" if cell is None else str(cell) for cell in row]
        return
    encoding = "utf-8-sig" if path.read_bytes().startswith(b"\xef\xbb\xbf") else "gb18030"
    with path.open(encoding=encoding, newline="") as stream:
        yield from csv.reader(stream)


def _cells(table: TableSchema, path: Path) -> dict[Column, set[str]]:
    """Collect the different values of each column of a text file."""
    head, *rows = _lines(path)
    by_name = {name: column for column in table.columns for name in (column.written(), column.written(renewed=True))}
    places = [(place, by_name[name]) for place, name in enumerate(head) if name in by_name]
    return {column: {row[place] for row in rows} for place, column in places}


def _mistyped_in_text(table: TableSchema, path: Path) -> Iterator[tuple[Column, str]]:
    for column, values in _cells(table, path).items():
        yield from ((column, value) for value in values if value and not re.fullmatch(IN_CSV[column.kind], value))


def _mistyped_in_parquet(table: TableSchema, path: Path) -> Iterator[tuple[Column, str]]:
    for column, held in _held(table, parquet.read_schema(path)):
        plain = held.value_type if pa.types.is_dictionary(held) else held
        if not IN_PARQUET[column.kind](plain):
            yield column, str(held)


def _held(table: TableSchema, found: pa.Schema) -> list[tuple[Column, pa.DataType]]:
    names = {name: column for column in table.columns for name in (column.written(), column.written(renewed=True))}
    return [(names[field.name], field.type) for field in found if field.name in names]


def _missing_in_text(table: TableSchema, path: Path) -> list[str]:
    return [column.name for column, values in _cells(table, path).items() if column.required and "" in values]


def _missing_in_parquet(table: TableSchema, path: Path) -> list[str]:
    rows = parquet.ParquetFile(path).read()
    required = [(column, rows[name]) for name in rows.column_names for column in table.columns if _is_called(column, name)]
    return [column.name for column, values in required if column.required and _holes(values)]


def _is_called(column: Column, name: str) -> bool:
    return name in (column.written(), column.written(renewed=True))


def _holes(values: pa.ChunkedArray) -> int:
    not_numbers = pc.sum(pc.is_nan(values)).as_py() or 0 if pa.types.is_floating(values.type) else 0
    return int(values.null_count + not_numbers)
