"""A PostgreSQL server and a Spark of this test run's own, where they are installed. Both hold the table `pay`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "p@ss/w+rd"
QUOTED = "p%40ss%2Fw%2Brd"
CREATE = "CREATE TABLE pay (worker text, month int, pay double precision)"
INSERT = "INSERT INTO pay VALUES ('007', 1, 1.5), ('骑手', 2, NULL)"


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
