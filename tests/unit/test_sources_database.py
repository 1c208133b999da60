"""A table of a database arrives as it is, and no message holds a password. PostgreSQL and Spark run here for real, where they are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from impact.errors import SourceError
from impact.sources import database, database_address
from impact.sources.database import open_table
from impact.sources.engine import connect
from words import complains

PASSWORD = "p@ss/w+rd"
QUOTED = "p%40ss%2Fw%2Brd"
ROWS = [{"worker": "007", "month": 1, "pay": 1.5}, {"worker": "骑手", "month": 2, "pay": None}]
CREATE = "CREATE TABLE pay (worker text, month int, pay double precision)"
INSERT = "INSERT INTO pay VALUES ('007', 1, 1.5), ('骑手', 2, NULL)"


def duckdb_file(folder: Path, insert: str = INSERT) -> str:
    with duckdb.connect(str(folder / "panel.duckdb")) as file:
        for statement in (CREATE, insert, "CREATE SCHEMA other", "CREATE TABLE other.pay AS SELECT 'x' AS worker"):
            file.execute(statement)
    return f"duckdb://{folder}/panel.duckdb"


def _program(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(places[0]) if places else None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a private server and give its address without the last part; it takes a password and holds the table `pay`."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if initdb is None or control is None:
        pytest.skip("no PostgreSQL server is installed here")
    import psycopg

    # The server refuses to run as root, and its socket needs a short path
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="impact-pg-") as name, socket.socket() as free:
        folder = Path(name)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        (folder / "secret").write_text(PASSWORD)
        if as_user:
            for one in (folder, folder / "secret"):
                shutil.chown(one, "postgres")

        def run(*command: str) -> None:
            # Files and not pipes: a server that was started holds on to them
            with (folder / "log").open("a") as log:
                subprocess.run([*as_user, *command], check=True, stdout=log, stderr=log, cwd=folder, timeout=60)

        run(initdb, "-D", f"{folder}/data", "-U", "reader", "-A", "scram-sha-256", f"--pwfile={folder}/secret", "-E", "UTF8", "--no-sync")
        run(control, "-D", f"{folder}/data", "-w", "-o", f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -F", "start")
        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user="reader", password=PASSWORD, dbname="postgres", autocommit=True
            ) as server:
                for statement in (CREATE, INSERT, "CREATE SCHEMA other", "CREATE TABLE other.wages AS SELECT 1 AS n"):
                    server.execute(statement)
                server.execute(
                    "CREATE TABLE kinds AS SELECT 1.25::numeric(10,2) AS amount, DATE '2024-01-05' AS day, true AS ok, 'a'::varchar(3) AS code"
                )
            yield f"postgres://reader:{QUOTED}@127.0.0.1:{port}"
        finally:
            run(control, "-D", f"{folder}/data", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Spark in this process with the table `pay`, and give its address."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java is installed here")
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        "spark.log.level": "ERROR",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark")),
    }
    builder = SparkSession.builder.master("local[1]").appName("impact")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sql("SELECT '007' AS worker, 1 AS month, CAST(1.5 AS DOUBLE) AS pay UNION ALL SELECT '骑手', 2, NULL").createOrReplaceTempView(
        "pay"
    )
    yield "pyspark://local"
    session.stop()


def rows(raw: object) -> list[dict[str, object]]:
    return sorted(raw.table.to_pyarrow().to_pylist(), key=lambda row: str(row["worker"]))


def test_a_duckdb_file_is_read_and_its_first_row_is_row_one(tmp_path):
    raw = open_table(connect(), duckdb_file(tmp_path), "pay")
    assert rows(raw) == ROWS and raw.first_row == 1 and raw.name == "duckdb: panel.duckdb: pay"


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
