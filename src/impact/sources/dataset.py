"""A table that arrives as many files, from databases, or both: every row keeps the file and the row that it came from. May touch: the files, the databases (reading), the engine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from impact.errors import SourceError, listing, nearest
from impact.sources.database import open_table, table_columns
from impact.sources.files import open_file
from impact.study.delivery import DatabaseTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

FILE, ROW = "file_", "row_"
"""Columns that say where a row came from: the file below the folder of the delivery, and its row as users count (a header is row 1)."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file, as it arrived."""

    name: str
    """Path below the folder of the delivery; of a table in a database, its kind, place and name, without user and password."""
    sha256: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a table that have the same columns, read as one."""

    files: tuple[str, ...]
    columns: tuple[str, ...]
    """As the files call them; folders named `ym=2025-03` count as a column."""
    table: ir.Table
    """The columns as received, with `file_` and `row_`; values of CSV files are text. Of a table in a database, only those that cleaning knows."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table as it was received, in one or many files."""

    name: str
    engine: Backend
    files: tuple[ReceivedFile, ...]
    layouts: tuple[Layout, ...]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def sha256(self) -> str:
        """Hash over the names and the bytes of all files."""
        return hashlib.sha256("\n".join(f"{file.name} {file.sha256}" for file in self.files).encode()).hexdigest()


def open_dataset(engine: Backend, name: str, folder: Path, patterns: Sequence[str], only: Sequence[str] = ("**",)) -> Dataset:
    """Open the files of a table below a folder: Parquet, CSV or Excel, by their endings, in any mixture.

    Raises SourceError where a pattern meets no file, a file cannot be read, or two files hold the same bytes.
    """
    paths = find_files(folder, patterns, only)
    parquet = [path for path in paths if path.suffix.lower() in (".parquet", ".pq")]
    others = [path for path in paths if path not in set(parquet)]
    files: list[ReceivedFile] = []
    layouts: list[Layout] = []
    for place, (columns, group) in enumerate(_by_layout(parquet).items()):
        layouts.append(_parquet_layout(engine, f"{name}_parquet_{place}", folder, [name_ for name_, _ in columns], group))
        files += _parquet_files(folder, [name_ for name_, _ in columns], group)
    found, read = _text_layouts(engine, name, folder, others)
    _refuse_copies(name, [*files, *found])
    return Dataset(name, engine, (*files, *found), (*layouts, *read))


def with_database(dataset: Dataset, address: str, table: DatabaseTable, wanted: Callable[[str], bool]) -> Dataset:
    """Add the rows of a table in a database, under its name in the place of a file; only columns that are `wanted` leave the database, the names of all are kept.

    Raises SourceError where the database cannot be read, or its rows have arrived already.
    """
    names = table_columns(address, table.table, table.namespace)
    read = tuple(name for name in names if wanted(name))
    raw = open_table(dataset.engine, address, table.table, table.namespace, read or names[:1])
    view, rows = f"{dataset.name}_database_{len(dataset.layouts)}", int(raw.table.count().to_pyarrow().as_py())
    dataset.engine.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE {_named(view)} AS SELECT {_quoted(raw.name)} AS {FILE}, row_number() OVER () AS {ROW}, * "
        f"FROM ({dataset.engine.compile(raw.table)})"
    )
    files = (*dataset.files, ReceivedFile(raw.name, raw.sha256, rows, names))
    _refuse_copies(dataset.name, files)
    layout = Layout((raw.name,), names, dataset.engine.table(view))
    return Dataset(dataset.name, dataset.engine, files, (*dataset.layouts, layout))


def find_files(folder: Path, patterns: Sequence[str], only: Sequence[str] = ("**",)) -> list[Path]:
    """List the files that patterns meet below a folder, in order; `only` keeps some of them.

    Raises SourceError where one of the patterns meets no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        paths = sorted(
            path
            for path in folder.glob(pattern)
            if path.is_file() and not path.name.startswith((".", "~$")) and path.resolve().is_relative_to(folder.resolve())
        )
        if not paths:
            raise _no_file(folder, pattern)
        found |= dict.fromkeys(path for path in paths if matches(path.relative_to(folder).as_posix(), only))
    return list(found)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a path meets one of several patterns, in which `*` also stands for folders."""
    return any(pattern == "**" or fnmatchcase(name, pattern.replace("**/", "*")) for pattern in patterns)


def _no_file(folder: Path, pattern: str) -> SourceError:
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hint = nearest(pattern, there) or "Check the pattern; it is relative to the folder of the delivery."
    return SourceError(f"{folder}: no file is called `{pattern}`.\nFound there: {listing(there) or 'nothing'}.\n{hint}")


def _refuse_copies(name: str, files: Sequence[ReceivedFile]) -> None:
    """The same bytes under two names would count every worker twice."""
    seen: dict[str, str] = {}
    for file in files:
        if file.rows and file.sha256 in seen:
            raise SourceError(
                f"{name}: two files hold the same bytes.\nFound `{seen[file.sha256]}` and `{file.name}`, {file.rows:,} rows each.\n"
                "Take one of them away; ask the platform for the file that is missing."
            )
        seen[file.sha256] = file.name


def hash_file(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_Columns = tuple[tuple[str, str], ...]


def _by_layout(paths: Sequence[Path]) -> dict[_Columns, list[Path]]:
    """Group Parquet files by the names and types of their columns."""
    from pyarrow import parquet

    groups: dict[_Columns, list[Path]] = {}
    for path in paths:
        try:
            schema = parquet.read_schema(path)
        except Exception as error:  # pyarrow raises several unrelated classes here
            raise SourceError(f"{path}: this is not a Parquet file.\nFound: {str(error).splitlines()[0]}\nWrite the table again.") from None
        columns = tuple((field.name, str(field.type)) for field in schema)
        lower = [column.lower() for column, _ in columns]
        taken = sorted({"filename", "file_row_number", FILE, ROW} & set(lower))
        if taken:
            raise SourceError(
                f"{path}: a column has a name that the reader needs for itself.\nFound `{taken[0]}`.\nRename that column, or leave it out."
            )
        twice = [column for column, _ in columns if lower.count(column.lower()) > 1]
        if twice:
            raise SourceError(f"{path}: column `{twice[0]}` stands twice.\nFound: {listing(twice, 30)}.\nRename or remove one.")
        groups.setdefault(columns, []).append(path)
    return groups


def _partitions(path: Path, folder: Path) -> dict[str, str]:
    """Read folders such as `ym=2025-03` as columns."""
    parts = (part.partition("=") for part in path.relative_to(folder).parts[:-1] if "=" in part)
    return {name: value for name, _, value in parts}


def _parquet_files(folder: Path, columns: list[str], paths: list[Path]) -> Iterator[ReceivedFile]:
    from pyarrow import parquet

    for path in paths:
        rows = parquet.read_metadata(path).num_rows
        yield ReceivedFile(path.relative_to(folder).as_posix(), hash_file(path), rows, (*columns, *_new(columns, path, folder)))


def _new(columns: list[str], path: Path, folder: Path) -> list[str]:
    return [name for name in _partitions(path, folder) if name not in columns]


def _parquet_layout(engine: Backend, view: str, folder: Path, columns: list[str], paths: list[Path]) -> Layout:
    added = list(dict.fromkeys(name for path in paths for name in _new(columns, path, folder)))
    names = [path.relative_to(folder).as_posix() for path in paths]
    base = f"{folder.as_posix().rstrip('/')}/"
    listed = ", ".join(_quoted(_literal(path)) for path in paths)
    below = f"replace(filename, {_quoted(base)}, '')"
    from_name = "".join(f", {_of_folder(below, name)} AS {_named(name)}" for name in added)
    inner = ", ".join(_named(name) for name in columns)
    engine.raw_sql(
        f"CREATE OR REPLACE TEMP VIEW {_named(view)} AS SELECT {below} AS {FILE}, "
        f"file_row_number + 1 AS {ROW}, {inner}{from_name} "
        f"FROM read_parquet([{listed}], filename = true, file_row_number = true, hive_partitioning = false)"
    )
    _require_same(engine, view, [name for name in columns if any(name in _partitions(path, folder) for path in paths)])
    return Layout(tuple(names), (*columns, *added), engine.table(view))


def _of_folder(path: str, name: str) -> str:
    """Write the SQL that takes `2025-03` out of a folder named `ym=2025-03`."""
    return f"regexp_extract({path}, {_quoted(f'(?:^|/){re.escape(name)}=([^/]*)/')}, 1)"


def _require_same(engine: Backend, table: str, names: Sequence[str]) -> None:
    """Refuse files whose own column says something else than the folder that they lie in."""
    for name in names:
        told = _of_folder(FILE, name)
        query = f"SELECT {FILE}, {ROW}, {_named(name)}::VARCHAR, {told} FROM {_named(table)} WHERE {told} <> '' AND {_named(name)}::VARCHAR <> {told} LIMIT 1"
        for file, row, own, folder in engine.raw_sql(query).fetchall():
            raise SourceError(
                f"{file}: its column `{name}` contradicts the folder that it lies in.\nFound `{own}` in row {row}, below a folder `{name}={folder}`.\n"
                "Move the file, or mend the column."
            )


def _text_layouts(engine: Backend, name: str, folder: Path, paths: list[Path]) -> tuple[list[ReceivedFile], list[Layout]]:
    """Copy CSV and Excel files, group by group, into tables of text, with the file and row of each record."""
    files: list[ReceivedFile] = []
    stored: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for path in paths:
        raw, file = open_file(engine, path), path.relative_to(folder).as_posix()
        added = {key: value for key, value in _partitions(path, folder).items() if key not in raw.table.columns}
        columns = (*raw.table.columns, *added)
        constant = "".join(f", {_quoted(value)} AS {_named(key)}" for key, value in added.items())
        select = (
            f"SELECT {_quoted(file)} AS {FILE}, row_number() OVER () + {raw.first_row - 1} AS {ROW}, *{constant} "
            f"FROM ({engine.compile(raw.table)})"
        )
        table, group = stored.setdefault(columns, (f"{name}_text_{len(stored)}", []))
        if group:
            engine.raw_sql(f"INSERT INTO {_named(table)} {select}")
        else:
            engine.raw_sql(f"CREATE OR REPLACE TEMP TABLE {_named(table)} AS {select}")
        group.append(file)
        files.append(ReceivedFile(file, raw.sha256, 0, columns))
    rows = {file: count for table, _ in stored.values() for file, count in _rows_by_file(engine, table)}
    for columns, (table, group) in stored.items():
        _require_same(engine, table, [name for name in columns if any(name in _partitions(folder / file, folder) for file in group)])
    files = [replace(file, rows=rows.get(file.name, 0)) for file in files]
    return files, [Layout(tuple(group), columns, engine.table(table)) for columns, (table, group) in stored.items()]


def _rows_by_file(engine: Backend, table: str) -> list[tuple[str, int]]:
    counted: list[tuple[str, int]] = engine.raw_sql(f"SELECT {FILE}, count(*) FROM {_named(table)} GROUP BY 1").fetchall()
    return counted


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    """Write a path so that DuckDB reads this file alone, whatever signs of a pattern its name holds."""
    return re.sub(r"([*?\[])", r"[\1]", PurePosixPath(path).as_posix())
