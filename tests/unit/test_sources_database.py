"""A table of a database arrives as it is, and no message holds a password. PostgreSQL and Spark run here for real, where they are installed."""

from __future__ import annotations

import socket
from pathlib import Path

import duckdb
import pytest

from impact.errors import SourceError
from impact.sources import database, database_address
from impact.sources.database import open_table
from impact.sources.dataset import Dataset, with_database
from impact.sources.engine import connect
from impact.study.delivery import DatabaseTable
from servers import CREATE, INSERT, PASSWORD, QUOTED
from words import complains

ROWS = [{"worker": "007", "month": 1, "pay": 1.5}, {"worker": "骑手", "month": 2, "pay": None}]


def duckdb_file(folder: Path, insert: str = INSERT) -> str:
    with duckdb.connect(str(folder / "panel.duckdb")) as file:
        for statement in (CREATE, insert, "CREATE SCHEMA other", "CREATE TABLE other.pay AS SELECT 'x' AS worker"):
            file.execute(statement)
    return f"duckdb://{folder}/panel.duckdb"


def rows(raw: object) -> list[dict[str, object]]:
    return sorted(raw.table.to_pyarrow().to_pylist(), key=lambda row: str(row["worker"]))


def test_a_duckdb_file_is_read_and_its_first_row_is_row_one(tmp_path):
    raw = open_table(connect(), duckdb_file(tmp_path), "pay")
    assert rows(raw) == ROWS and raw.first_row == 1 and raw.name == "duckdb: panel.duckdb: pay"


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_a_table_joins_a_dataset_under_its_name_with_the_columns_that_are_wanted(kind, tmp_path, request):
    address = duckdb_file(tmp_path) if kind == "duckdb" else f"{request.getfixturevalue('postgres')}/postgres"
    table = DatabaseTable(connection="PAY_DB", table="pay")
    found = with_database(Dataset("worker_month", connect(), (), ()), address, table, {"worker", "pay"}.__contains__)
    (file,), (layout,) = found.files, found.layouts
    assert (file.rows, file.columns, layout.columns) == (2, ("worker", "month", "pay"), ("worker", "month", "pay"))
    assert layout.table.columns == ("file_", "row_", "worker", "pay")
    assert PASSWORD not in file.name and QUOTED not in file.name and "reader" not in file.name
    assert set(layout.table.to_pandas()["file_"]) == {file.name} and sorted(layout.table.to_pandas()["row_"]) == [1, 2]


def test_a_schema_and_columns_can_be_named(tmp_path):
    address = duckdb_file(tmp_path)
    assert rows(open_table(connect(), address, "pay", schema="other")) == [{"worker": "x"}]
    assert open_table(connect(), address, "pay", columns=("pay", "worker")).table.columns == ("pay", "worker")


def test_two_tables_can_stand_in_one_engine(tmp_path):
    engine, address = connect(), duckdb_file(tmp_path)
    first, second = open_table(engine, address, "pay"), open_table(engine, address, "pay", schema="other")
    assert (rows(first), rows(second)) == (ROWS, [{"worker": "x"}])


def test_the_fingerprint_forgets_the_order_of_the_rows_and_nothing_else(tmp_path):
    inserts = {
        "same": INSERT,
        "turned": "INSERT INTO pay VALUES ('骑手', 2, NULL), ('007', 1, 1.5)",
        "cell": INSERT.replace("1.5", "1.25"),
        "twice": INSERT + ", ('007', 1, 1.5), ('007', 1, 1.5)",
        "moved": "INSERT INTO pay VALUES ('007', 2, 1.5), ('骑手', 1, NULL)",
        "word": INSERT.replace("NULL", "0"),
    }
    found = {}
    for name, insert in inserts.items():
        (tmp_path / name).mkdir()
        found[name] = open_table(connect(), duckdb_file(tmp_path / name, insert), "pay").sha256
    assert found["same"] == found["turned"]
    assert len(set(found.values())) == len(found) - 1


@pytest.mark.parametrize(
    ("address", "wrong", "found"),
    [
        ("mysql://u:secret@host/db", "not one that can be read", "the beginning `mysql`"),
        ("just words secret", "not one that can be read", "no beginning such as `postgres://`"),
        ("postgres://u:sec/ret@host:x/db", "not one that can be read", "taken apart"),
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(address, wrong, found):
    with pytest.raises(SourceError) as caught:
        open_table(connect(), address, "pay")
    message = str(caught.value)
    assert wrong in message and found in message and "sec" not in message and len(message.split("\n")) == 3


def test_a_missing_file_table_or_column_is_named_with_the_nearest_spelling(tmp_path):
    address = duckdb_file(tmp_path)
    with complains(SourceError, "there is no such DuckDB file", "panel.duckdb", "Did you mean `panel.duckdb`?"):
        open_table(connect(), address.replace("panel", "panl"), "pay")
    with complains(SourceError, "there is no table `pays`", "Found: pay", "Did you mean `pay`?"):
        open_table(connect(), address, "pays")
    with complains(SourceError, "table `pay` has no column `mnth`", "worker, month, pay", "Did you mean `month`?"):
        open_table(connect(), address, "pay", columns=("mnth",))


def test_a_driver_that_is_not_installed_is_named_with_what_to_install(monkeypatch):
    def absent(place: database_address.Address) -> None:
        raise ModuleNotFoundError("psycopg")

    monkeypatch.setattr(database, "_postgres", absent)
    with complains(SourceError, "the driver is not installed", "`postgres`", "pip install 'impact[postgres]'"):
        open_table(connect(), f"postgres://u:{QUOTED}@host/db", "pay")


def test_a_server_that_is_not_there_is_named_without_the_password():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with pytest.raises(SourceError) as caught:
        open_table(connect(), f"postgres://reader:{QUOTED}@127.0.0.1:{port}/study", "pay")
    message = str(caught.value)
    assert message.startswith("postgres: 127.0.0.1/study: the database does not answer.\nFound: ") and len(message.split("\n")) == 3
    assert PASSWORD not in message and QUOTED not in message and caught.value.__cause__ is None


def test_postgresql_gives_the_same_table_as_duckdb(postgres, tmp_path):
    there, here = open_table(connect(), f"{postgres}/postgres", "pay"), open_table(connect(), duckdb_file(tmp_path), "pay")
    assert rows(there) == rows(here) == ROWS
    assert there.table.schema() == here.table.schema() and there.sha256 == here.sha256
    assert there.name == "postgres: 127.0.0.1/postgres: pay"


def test_postgresql_keeps_kinds_of_values_and_reads_only_named_columns(postgres):
    raw = open_table(connect(), f"{postgres}/postgres", "kinds", columns=("code", "day", "ok", "amount"))
    found = raw.table.to_pyarrow().to_pylist()[0]
    assert [str(value) for value in found.values()] == ["a", "2024-01-05", "True", "1.25"]
    assert open_table(connect(), f"{postgres}/postgres", "wages", schema="other").table.to_pyarrow().to_pylist() == [{"n": 1}]


def test_postgresql_hands_its_rows_over_in_batches(postgres, monkeypatch):
    monkeypatch.setattr(database, "_BATCH", 1)
    assert rows(open_table(connect(), f"{postgres}/postgres", "pay")) == ROWS


@pytest.mark.parametrize(
    ("part", "other", "table", "wrong"),
    [
        (QUOTED, "wrong-word", "pay", "the server refuses the user or the password"),
        ("/postgres", "/nowhere", "pay", "there is no such database"),
        ("reader", "nobody", "pay", "the server refuses the user or the password"),
        ("/postgres", "/postgres", "pya", "there is no table `pya`"),
    ],
)
def test_what_postgresql_refuses_is_said_without_the_password(postgres, part, other, table, wrong):
    address = f"{postgres}/postgres".replace(part, other) if part != "/postgres" else f"{postgres}{other}"
    with pytest.raises(SourceError) as caught:
        open_table(connect(), address, table)
    message = str(caught.value)
    assert wrong in message and len(message.split("\n")) == 3
    assert not any(word in message for word in (PASSWORD, QUOTED, "wrong-word", "reader", "nobody")) and caught.value.__cause__ is None


def test_reading_cannot_change_postgresql(postgres):
    remote = database._postgres(database_address.read_address(f"{postgres}/postgres"))
    with pytest.raises(Exception, match="read-only"):
        remote.raw_sql("CREATE TABLE written (a int)")
    remote.disconnect()


def test_spark_gives_the_same_table_as_duckdb(spark, tmp_path):
    there, here = open_table(connect(), spark, "pay"), open_table(connect(), duckdb_file(tmp_path), "pay")
    assert rows(there) == rows(here) == ROWS and there.sha256 == here.sha256
    with complains(SourceError, "there is no table `pays`", "pay", "Did you mean `pay`?"):
        open_table(connect(), spark, "pays")
