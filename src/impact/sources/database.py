"""Open a table of a database: a DuckDB file, PostgreSQL or Spark. May touch: that database (reading), the engine.

Either the rows stay where they are, and the engine that holds them does the work; or they are copied into DuckDB here, which reads text that others
do not. PostgreSQL and DuckDB hand rows over in batches; Spark collects them in the driver first, so name the columns that are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from impact.errors import SourceError, listing, nearest
from impact.sources.database_address import Address, read_address
from impact.sources.engine import limited
from impact.sources.header import named
from impact.sources.raw import RawTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_BATCH = 100_000
_SECONDS_TO_CONNECT = "10"


def open_table(engine: Backend, address: str, table: str, schema: str | None = None, columns: tuple[str, ...] | None = None) -> RawTable:
    """Copy a table, or some columns of it, into the engine.

    `address` is `duckdb:///folder/file.duckdb`, `postgres://user:password@host:5432/database`, `spark://host:7077` or `pyspark://local`; the caller takes
    it from an environment variable. No message repeats it. `sha256` is a fingerprint of the content: of the names and types of the columns, the number of
    rows, and the sums of the two halves of the MD5 of every row, so that the order of the rows makes no difference.

    Raises SourceError where the address is none, its driver is not installed, the server does not answer or refuses the password, or table or column
    are not there.
    """
    place = read_address(address)
    remote = _connected(place)
    try:
        found = _selected(place, remote, table, schema, columns)
        local = _copied(place, engine, remote, found, table)
    finally:
        if place.kind != "spark":  # the session belongs to the whole process
            remote.disconnect()
    return RawTable(local, engine, _name(place, table, schema), first_row=1, sha256=_fingerprint(engine, local))


def open_in_place(address: str, table: str, schema: str | None = None, columns: tuple[str, ...] | None = None) -> RawTable:
    """Open a table, or some columns of it, and leave the rows where they are: what is asked of them is computed there, and only results come over.

    The connection lives as long as the process. `sha256` is a fingerprint as that of `open_table`, made by the engine that holds the rows, each in its
    own way: it tells whether the table changed, and not whether two engines hold the same.
    Raises what `open_table` raises.
    """
    place = read_address(address)
    remote = _connected(place)
    try:
        found = _selected(place, remote, table, schema, columns)
        _require_known_types(place, table, found)
        digest = _fingerprint_there(place, remote, found, table)
    except BaseException:
        if place.kind != "spark":
            remote.disconnect()
        raise
    return RawTable(found, remote, _name(place, table, schema), first_row=1, sha256=digest, typed=True)


def column_types(address: str, table: str, schema: str | None = None, columns: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """Give the types of the columns of a table without reading a row, as Ibis calls them.

    Raises what `open_table` raises.
    """
    place = read_address(address)
    remote = _connected(place)
    try:
        return dict(_selected(place, remote, table, schema, columns).schema().items())
    finally:
        if place.kind != "spark":
            remote.disconnect()


def table_columns(address: str, table: str, schema: str | None = None) -> tuple[str, ...]:
    """List the columns of a table without reading a row.

    Raises what `open_table` raises.
    """
    return tuple(column_types(address, table, schema))


def _name(place: Address, table: str, schema: str | None) -> str:
    return f"{place.shown}: {schema}.{table}" if schema else f"{place.shown}: {table}"


def _connected(place: Address) -> Any:
    connect: dict[str, Callable[[Address], Any]] = {"duckdb": _duckdb, "postgres": _postgres, "spark": _spark}
    try:
        return connect[place.kind](place)
    except ImportError:
        raise SourceError(
            f"{place.shown}: the driver is not installed.\nFound no package for addresses that begin with `{place.kind}`.\n"
            f"Install it: pip install 'impact[{place.kind}]'."
        ) from None
    except Exception as error:  # each driver has its own classes
        raise _unreachable(place, str(error)) from None


def _duckdb(place: Address) -> Any:
    import ibis

    return limited(ibis.duckdb.connect(place.path, read_only=True))


def _postgres(place: Address) -> Any:
    import ibis

    options = f"{place.settings.get('options', '')} -c default_transaction_read_only=on".strip()
    settings = {"connect_timeout": _SECONDS_TO_CONNECT, **place.settings, "options": options}
    return ibis.postgres.connect(
        host=place.host, port=place.port or 5432, user=place.user, password=place.password, database=place.path, **settings
    )


def _spark(place: Address) -> Any:
    import ibis
    from pyspark.sql import SparkSession

    master = "local[*]" if place.host == "local" else f"spark://{place.host}:{place.port or 7077}"
    builder = SparkSession.builder.master(master).appName("impact")
    for key, value in place.settings.items():
        builder = builder.config(key, value)
    return ibis.pyspark.connect(builder.getOrCreate())


def _unreachable(place: Address, message: str) -> SourceError:
    found = place.without_secrets(next((line.strip() for line in message.splitlines() if line.strip()), "no reason given")).rstrip(".")
    lower = message.lower()
    if "password" in lower or "authentication" in lower:
        wrong, advice = "the server refuses the user or the password", "Check the address in the environment variable."
    elif "does not exist" in lower and "database" in lower:
        wrong, advice = "there is no such database", "Check the last part of the address."
    else:
        wrong, advice = "the database does not answer", "Check that it runs and that this machine may reach it."
    return SourceError(f"{place.shown}: {wrong}.\nFound: {found}.\n{advice}")


def _selected(place: Address, remote: Any, table: str, schema: str | None, columns: tuple[str, ...] | None) -> ir.Table:
    try:
        there = list(remote.list_tables(database=schema))
    except Exception as error:
        raise _unreadable(place, schema or "its tables", error) from None
    if table not in there:
        inside = f" in schema `{schema}`" if schema else ""
        raise SourceError(
            f"{place.shown}: there is no table `{table}`{inside}.\nFound: {listing(sorted(there), 20) or 'no table'}.\n"
            f"{nearest(table, there) or 'Check the name, and whether this user may see it.'}"
        )
    try:
        found = remote.table(table, database=schema)
    except Exception as error:
        raise _unreadable(place, table, error) from None
    absent = [name for name in columns or () if name not in found.columns]
    if absent:
        raise SourceError(
            f"{place.shown}: table `{table}` has no column `{absent[0]}`.\nFound: {listing(found.columns, 30)}.\n"
            f"{nearest(absent[0], found.columns) or 'Name columns that are there.'}"
        )
    return found.select(*columns) if columns else found


def _copied(place: Address, engine: Backend, remote: Any, found: ir.Table, table: str) -> ir.Table:
    _require_known_types(place, table, found)
    name, source = f"database_{uuid4().hex}", "database_batches"
    names = named(list(found.columns))
    if len({one.lower() for one in names}) < len(names):
        raise SourceError(
            f"{place.shown}: columns of table `{table}` differ only by capital letters.\nFound: {listing(names, 30)}.\nName the columns to read."
        )
    try:
        engine.con.register(source, remote.to_pyarrow_batches(found, chunk_size=_BATCH))
        engine.raw_sql(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM {source}')
    except Exception as error:
        raise _unreadable(place, table, error) from None
    finally:
        engine.con.unregister(source)
    return engine.table(name)


def _require_known_types(place: Address, table: str, found: ir.Table) -> None:
    strange = [f"`{name}` {kind}" for name, kind in found.schema().items() if kind.is_unknown()]
    if strange:
        raise SourceError(
            f"{place.shown}: table `{table}` has columns of a type that is not read.\nFound: {listing(strange)}.\n"
            "Name the columns to read without them, or make a view that casts them to text."
        )


def _unreadable(place: Address, what: str, error: Exception) -> SourceError:
    found = place.without_secrets((str(error).splitlines() or [""])[0] or type(error).__name__).rstrip(".")
    return SourceError(
        f"{place.shown}: `{what}` cannot be read.\nFound: {found}.\nCheck the rights of this user, and whether the server still runs."
    )


_MD5 = "coalesce(sum(md5_number_lower(r::VARCHAR)), 0), coalesce(sum(md5_number_upper(r::VARCHAR)), 0)"
_ROW_SUMS = {
    "duckdb": _MD5,
    # A third of the time that MD5 takes there; the fingerprint is the longest look that is taken at some tables
    "postgres": "coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)",
    "spark": "coalesce(sum(cast(xxhash64(*) AS decimal(38, 0))), 0)",
}
"""By kind of database: sums over all rows `r` that do not ask for their order."""


def _fingerprint_there(place: Address, remote: Any, table: ir.Table, name: str) -> str:
    """Fingerprint a table where it is, by one look at its rows."""
    query = f"SELECT count(*), {_ROW_SUMS[place.kind]} FROM ({remote.compile(table)}) AS r"
    try:
        if place.kind == "spark":
            found = tuple(remote.raw_sql(query).collect()[0])
        elif place.kind == "duckdb":
            found = remote.raw_sql(query).fetchone()
        else:
            with remote.raw_sql(query) as cursor:
                found = cursor.fetchone()
    except Exception as error:
        raise _unreadable(place, name, error) from None
    return _digest(table, (place.kind, *found))


def _fingerprint(engine: Backend, table: ir.Table) -> str:
    name = table.get_name()
    return _digest(table, engine.raw_sql(f'SELECT count(*), {_MD5} FROM "{name}" AS r').fetchone())


def _digest(table: ir.Table, found: tuple[Any, ...]) -> str:
    columns = [f"{column} {kind}" for column, kind in table.schema().items()]
    return hashlib.sha256("\n".join([*columns, *map(str, found)]).encode()).hexdigest()
