"""The engine in which tables are read and compressed. May touch: DuckDB, in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from ibis.backends.duckdb import Backend


def connect() -> Backend:
    """Open an empty in-process DuckDB through Ibis, without extensions from outside."""
    import ibis

    engine = ibis.duckdb.connect()
    for setting in ("autoinstall_known_extensions = false", "autoload_known_extensions = false"):
        engine.raw_sql(f"SET {setting}")
    return engine


def store(engine: Backend, name: str, table: ir.Table) -> ir.Table:
    """Compute a table once and keep it in the engine, so that later passes read columns that are already typed."""
    engine.raw_sql(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {engine.compile(table)}')
    return engine.table(name)


def register(engine: Backend, name: str, frame: pd.DataFrame | pa.Table) -> ir.Table:
    """Let the engine read a table that is already in memory.

    Ibis 12 writes SQL that fails with sqlglot 30 when it creates a table from a frame; registering needs none.
    """
    import pyarrow as pa

    engine.con.register(name, frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False))
    return engine.table(name)
