"""Open a Parquet file, or a folder of them, as it is. May touch: the files, the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import SourceError, listing
from impact.sources.delimited import literal
from impact.sources.header import require_distinct
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

PARQUET = (".parquet", ".pq")


def read_parquet(engine: Backend, path: Path) -> ir.Table:
    """Read one Parquet file; its types stay.

    Raises SourceError where it is none, or breaks off.
    """
    schema = _schema(path)
    require_distinct(path, schema.names)
    return _counted(path, lambda: engine.read_parquet(literal(path), hive_partitioning=False))


def read_folder(engine: Backend, folder: Path, files: tuple[Path, ...]) -> tuple[ir.Table, tuple[Text, ...]]:
    """Read the Parquet files of a folder as one table, in the order of their paths; `ym=2025-01` in a path becomes a column of text.

    A column that some files do not have is missing in their rows, and a note says so. Raises SourceError where a file breaks off, gives a column
    another type than a file before it, or stands at another depth.
    """
    schemas = [_schema(file) for file in files]
    keys = [_keys(file.relative_to(folder)) for file in files]
    kinds: dict[str, str] = {}
    for file, schema, found in zip(files, schemas, keys, strict=True):
        _require_fitting(file, schema, kinds, found, keys[0])
    require_distinct(folder, [*kinds, *keys[0]])
    paths = [literal(file) for file in files]
    table = _counted(
        folder, lambda: engine.read_parquet(paths, hive_partitioning=bool(keys[0]), hive_types_autocast=False, union_by_name=True)
    )
    return table, tuple(
        _absent(name, [name in schema.names for schema in schemas]) for name in kinds if not all(name in schema.names for schema in schemas)
    )


def parquet_files(folder: Path) -> tuple[Path, ...]:
    """List the Parquet files below a folder; names that begin with a dot or an underscore are those of the writing program.

    Raises SourceError where the folder holds files of other kinds beside them.
    """
    inside = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
    files = tuple(file for file in inside if file.suffix.lower() in PARQUET)
    others = [str(file.relative_to(folder)) for file in inside if file.suffix.lower() not in PARQUET]
    if files and others:
        raise SourceError(
            f"{folder}: the folder holds more than Parquet files.\nFound {listing(others, 5)} beside {len(files)} Parquet files.\n"
            "Take them out, or name one file."
        )
    return files


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(part.split("=", 1)[0] for part in path.parts[:-1] if "=" in part)


def _require_fitting(file: Path, schema: pa.Schema, kinds: dict[str, str], keys: tuple[str, ...], first_keys: tuple[str, ...]) -> None:
    """Hold a file against those before it, and add its columns to theirs."""
    if keys != first_keys:
        raise SourceError(
            f"{file}: its folders name other columns than those of the first file.\n"
            f"Found {listing(keys) or 'none'}; the first file has {listing(first_keys) or 'none'}.\nPut it where it belongs, or take it out."
        )
    require_distinct(file, schema.names)
    for field in schema:
        if kinds.setdefault(field.name, str(field.type)) != str(field.type):
            raise SourceError(
                f"{file}: column `{field.name}` has another type than in the files before it.\nFound {field.type} here, {kinds[field.name]} there.\n"
                "Write the files again with the same types."
            )


def _absent(name: str, there: list[bool]) -> Text:
    count, of = there.count(False), len(there)
    return Text(
        en=f"Column `{name}` is absent from {count} of {of} files; it is missing in their rows.",
        zh=f"{of} 个文件中有 {count} 个没有“{name}”列，这些文件的各行在该列为缺失。",
    )


def _schema(path: Path) -> pa.Schema:
    from pyarrow import parquet

    try:
        return parquet.read_schema(path)
    except Exception as error:  # pyarrow raises several unrelated classes here
        raise _not_parquet(path, error) from None


def _counted(path: Path, read: Callable[[], ir.Table]) -> ir.Table:
    """Read, and touch every row once: a file that breaks off is found here and not in the middle of an estimate."""
    try:
        table = read()
        table.aggregate([table[name].count().name(f"n{place}") for place, name in enumerate(table.columns)]).to_pyarrow()
    except Exception as error:  # DuckDB raises several unrelated classes here
        raise _not_parquet(path, error) from None
    return table


def _not_parquet(path: Path, error: Exception) -> SourceError:
    found = (str(error).splitlines() or [type(error).__name__])[0]
    return SourceError(f"{path}: this is not a Parquet file.\nFound: {found}\nWrite the table again.")
