"""The engine in which tables are read and compressed. May touch: DuckDB, in process, and the folder it spills to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from impact.errors import RunError, SourceError
from impact.sources.limits import FOLDER, MEMORY, in_words, limits
from impact.sources.spill import spill_folder

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

_OF_A_SERVER = ("psycopg", "pyspark", "py4j")
"""Packages whose errors come from the server that holds the rows."""
_FULL = re.compile(r"No space left|failed to offload|max_temp_directory_size")
"""What DuckDB says where the disk, or what it may use of it, is full."""


def connect() -> Backend:
    """Open an empty in-process DuckDB through Ibis, without extensions from outside, that keeps to the limits and spills to a folder of its own.

    Raises RunError where the limits make no sense.
    """
    import ibis

    return limited(ibis.duckdb.connect())


def limited(engine: Backend) -> Backend:
    """Make a DuckDB keep to the limits, and spill to a folder of its own.

    Raises RunError where the limits make no sense.
    """
    allowed = limits()
    mine = spill_folder(allowed.folder)
    settings = [
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        f"memory_limit = '{allowed.memory_bytes // 1000}KB'",
    ]
    spills_to = engine.raw_sql("SELECT current_setting('temp_directory')").fetchone()[0]
    if Path(spills_to).parent != mine:  # a file that is opened twice is one DuckDB, whose folder cannot change once it is used
        settings.append(f"temp_directory = '{str(mine / uuid4().hex).replace(chr(39), 2 * chr(39))}'")
    for setting in settings:
        engine.raw_sql(f"SET {setting}")
    return engine


def store(engine: Backend, name: str, table: ir.Table) -> ir.Table:
    """Compute a table once and keep it in the engine, so that later passes read columns that are already typed.

    Raises what `within_limits` raises.
    """
    with within_limits():
        engine.raw_sql(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {engine.compile(table)}')
    return engine.table(name)


def kept(table: ir.Table) -> ir.Table:
    """Keep an intermediate result where it is computed, so that it is computed once and its size is known to what follows.

    PostgreSQL computes it again: nothing is written to a server.
    """
    import ibis

    engine = ibis.get_backend(table)
    if engine.name == "pyspark":
        return table.cache()
    return store(engine, f"kept_{uuid4().hex}", table) if engine.name == "duckdb" else table


@contextmanager
def within_limits() -> Iterator[None]:
    """Say in words what an engine says when memory or disk do not suffice for a pass, or when the server that does it is gone.

    Raises RunError or SourceError.
    """
    import duckdb

    try:
        yield
    except Exception as error:
        if isinstance(error, duckdb.OutOfMemoryException) or (isinstance(error, duckdb.IOException) and _FULL.search(str(error))):
            raise _too_much(_first_line(error)) from None
        if type(error).__module__.partition(".")[0] not in _OF_A_SERVER:
            raise
        raise SourceError(
            f"the server that holds the rows did not finish the pass.\nFound: {type(error).__name__}: {_first_line(error)}.\n"
            "Nothing was written there. See that it runs, and has memory and disk for the pass; then start again."
        ) from None


def _too_much(found: str) -> RunError:
    allowed = limits()
    wrong = "the folder for what does not fit into memory is full" if _FULL.search(found) else "the pass does not fit into memory"
    return RunError(
        f"{wrong}.\nFound: {found}; allowed are {in_words(allowed.memory_bytes)} of memory and what is free in `{allowed.folder}`.\n"
        f"Nothing was left behind. Give more memory ({MEMORY}), or a folder with more room ({FOLDER}), and start again."
    )


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given").rstrip(".")


def write_parquet(table: ir.Table, path: Path) -> None:
    """Write a table as one Parquet file on this machine, batch by batch.

    Raises what `within_limits` raises.
    """
    import ibis
    from pyarrow import parquet

    with within_limits():
        if ibis.get_backend(table).name == "duckdb":
            table.to_parquet(path)
            return
        # Spark would write a folder, on the machines of the cluster
        with parquet.ParquetWriter(path, table.schema().to_pyarrow()) as file:
            for batch in table.to_pyarrow_batches():
                file.write_batch(batch.cast(file.schema))


def register(engine: Backend, name: str, frame: pd.DataFrame | pa.Table) -> ir.Table:
    """Let the engine read a table that is already in memory.

    Ibis 12 writes SQL that fails with sqlglot 30 when it creates a table from a frame; registering needs none.
    """
    import pyarrow as pa

    engine.con.register(name, frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False))
    return engine.table(name)
