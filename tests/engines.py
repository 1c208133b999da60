"""The same table put into every engine that may hold it, with the types that it would have there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
from pyarrow import parquet

_POSTGRES = {
    "int8": "smallint",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "double": "double precision",
    "bool": "boolean",
    "date32[day]": "date",
}


def in_duckdb(address: str, name: str, table: pa.Table) -> None:
    """Write a table into a DuckDB file, which is made where it is not there."""
    with duckdb.connect(address.removeprefix("duckdb://")) as file:
        file.register("given_", table)
        file.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given_")


def in_postgres(address: str, name: str, table: pa.Table) -> None:
    """Write a table into PostgreSQL, over a connection that may write."""
    with writing(address) as server:
        columns = ", ".join(f"{field.name} {_postgres_type(field.type)}" for field in table.schema)
        server.execute(f"DROP TABLE IF EXISTS {name}")
        server.execute(f"CREATE TABLE {name} ({columns})")
        with server.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
            for row in table.to_pylist():
                copy.write_row(list(row.values()))


def in_spark(folder: Path, name: str, table: pa.Table) -> None:
    """Let Spark read a table from a Parquet file, under a name."""
    from pyspark.sql import SparkSession

    parquet.write_table(table, folder / f"{name}.parquet")
    SparkSession.builder.getOrCreate().read.parquet(str(folder / f"{name}.parquet")).createOrReplaceTempView(name)


def writing(address: str) -> Any:
    """Connect to PostgreSQL as somebody who may write."""
    import psycopg

    parts = urlsplit(address)
    return psycopg.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=unquote(parts.password or ""),
        dbname=parts.path.strip("/"),
        autocommit=True,
    )


def put_into(kind: str, folder: Path, server: Callable[[str], str]) -> tuple[str, Callable[[str, pa.Table], None]]:
    """Give the address of an engine, and the way to put a table into it; `server` starts one by name."""
    if kind == "duckdb":
        address = f"duckdb://{folder}/panel.duckdb"
        return address, lambda name, table: in_duckdb(address, name, table)
    if kind == "postgres":
        address = f"{server('postgres')}/postgres"
        return address, lambda name, table: in_postgres(address, name, table)
    return server("spark"), lambda name, table: in_spark(folder, name, table)


def _postgres_type(kind: pa.DataType) -> str:
    return f"numeric({kind.precision}, {kind.scale})" if pa.types.is_decimal(kind) else _POSTGRES.get(str(kind), "text")
