"""Where the rows are makes no difference to what comes out: DuckDB, PostgreSQL and Spark clean and compress alike. Both servers run here for real."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from pandas.testing import assert_frame_equal

from engines import put_into, writing
from impact.clean.for_study import clean_for
from impact.clean.quality.quality import study_quality
from impact.errors import DataError, SourceError
from impact.moments.bins import PER_DECADE
from impact.moments.compress import Parts, compress
from impact.moments.spells import spell_sums
from impact.moments.tables import to_tables
from impact.panel.describe import by_month
from impact.run.needed import compress_needed, moments_needed
from impact.run.receive import Received, receive
from impact.sources import open as opening
from impact.sources.database import open_in_place, open_table
from impact.sources.engine import connect, register, write_parquet
from impact.sources.raw import RawTable
from impact.study import Study, load_study
from words import complains

Put = tuple[str, Callable[[str, pa.Table], None]]
KINDS = ("income", "rides", "edge", "amount", "active")
"""Outcomes by kind of number: with missing values, of one byte, on edges of bins, decimal, yes or no."""
PASSES = {
    "weighted": [(("income",), Parts(pairs=True, patterns=True)), (KINDS, Parts(bins=KINDS[:4]))],
    "plain": [(("income",), Parts(pairs=True)), (("rides",), Parts(patterns=True))],
}


@pytest.fixture(params=["duckdb", "postgres", "spark"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Put:
    """Every engine that may hold rows: its address, and the way to put a table there."""
    return put_into(request.param, tmp_path, request.getfixturevalue)


@pytest.fixture
def panel(nasty: pd.DataFrame) -> pa.Table:
    """The nasty panel, in months that need three words of bits, with missing outcomes, small numbers, decimals, values on edges of bins, and yes or no."""
    generator = np.random.default_rng(11)
    rows = nasty.assign(month=nasty["month"].astype("int16") * 13)
    rows["income"] = rows["income"].where(generator.random(len(rows)) >= 0.05)
    edges = np.r_[10.0 ** (np.arange(0, 401) / PER_DECADE), -(10.0 ** (np.arange(0, 401) / PER_DECADE)), 0.0, 1000.0, 0.999]
    table = pa.Table.from_pandas(rows, preserve_index=False)
    amounts = [Decimal(f"{value:.2f}") for value in rows["rides"] * 12.34]
    table = table.append_column("edge", pa.array(generator.choice(edges, len(rows))))
    table = table.append_column("amount", pa.array(amounts, pa.decimal128(12, 2)))
    return table.append_column("active", pa.array(generator.random(len(rows)) < 0.7))


def there(address: str, name: str) -> ibis.Table:
    return open_in_place(address, name).table


@pytest.mark.parametrize("passes", PASSES)
def test_every_engine_gives_the_same_moments(engine, panel, passes):
    address, put = engine
    panel = panel if passes == "weighted" else panel.drop_columns(["weight"])
    put("panel", panel)
    for outcomes, parts in PASSES[passes]:
        found = to_tables(compress(there(address, "panel"), outcomes, "index", parts))
        wanted = to_tables(compress(register(connect(), "panel", panel), outcomes, "index", parts))
        assert found.keys() == wanted.keys() and len(wanted["cells"]) > 100
        for name, table in wanted.items():
            assert_frame_equal(found[name], table, rtol=1e-9, atol=1e-12, obj=name)


def test_a_value_on_the_edge_of_a_bin_lies_in_the_bin_that_begins_there(engine):
    address, put = engine
    steps = np.arange(1, 501)
    values = np.r_[10.0 ** (steps / PER_DECADE), -(10.0 ** (steps / PER_DECADE))]
    rows = pd.DataFrame({"unit": "u", "month": 1, "row": np.arange(len(values)), "value": values})
    put("edges", pa.Table.from_pandas(rows, preserve_index=False))
    bins = compress(there(address, "edges"), ["value"], "index", Parts(bins=("value",))).bins
    assert bins["bin"].tolist() == [*(-steps[::-1] - 1), *(steps + 1)] and (bins["n"] == 1).all()


def test_every_engine_counts_spells_alike(engine):
    address, put = engine
    generator = np.random.default_rng(5)
    entry = np.where(generator.random(300) < 0.4, generator.integers(1, 200, 300), 0)
    spells = pd.DataFrame(
        {
            "unit": generator.choice(["city 1", "城市 2"], 300),
            "entry_cohort": generator.integers(24000, 24005, 300),
            "entry_days": entry,
            "end_days": entry + generator.integers(1, 400, 300),
            "cause": generator.choice(np.array(["exit", "closure", None], dtype=object), 300),
            "weight": generator.uniform(0.5, 2, 300),
        }
    )
    table = pa.Table.from_pandas(spells, preserve_index=False)
    put("spells", table)
    assert_frame_equal(spell_sums(there(address, "spells"), 30), spell_sums(register(connect(), "spells", table), 30), rtol=1e-9)


def test_not_a_number_is_no_value_in_any_engine(engine):
    address, put = engine
    values = pa.array([1.0, float("nan"), 3.0, None], from_pandas=False)
    put("holes", pa.table({"unit": ["a"] * 4, "month": [1, 1, 2, 2], "pay": values}))
    cells = compress(there(address, "holes"), ["pay"], "index").cells
    assert cells[["month", "n", "wy"]].to_numpy().tolist() == [[1, 1, 1.0], [2, 1, 3.0]]


MONTHS = {
    "number": {"period": "index", "month": "month", "first_covered": "first_covered"},
    "date": {"period": "month", "month": "day", "first_covered": "first_day"},
    "state": {"period": "index", "month": "month", "covered": "covered"},
}


def study_of(folder: Path, written: str = "number", **columns: str) -> Study:
    """Write a study of the table `panel` in a database, whose months and coverage are written in one of several ways."""
    said = dict(MONTHS[written])
    title = {"en": "Pay", "zh": "收入"}
    content = {
        "name": "there",
        "title": title,
        "question": title,
        "source": {"connection": "PAY_DB", "table": "panel", "citation": "none"},
        "period": said.pop("period"),
        "columns": {"worker": "worker", "unit": "unit", "cluster": "cluster", "weight": "weight", **said, **columns},
        "outcomes": [{"name": "pay", "column": "income", "kind": "income", "title": title, "unit": {"en": "yuan", "zh": "元"}}],
        "coverage": {"name": title, "decided_by": "agreement", "switching": "refuse"},
        "effects": {"comparison": "not_yet", "base": "varying", "workers": "all"},
    }
    (folder / "there.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_study(folder / "there.yaml")


@pytest.fixture
def delivered(nasty: pd.DataFrame) -> pa.Table:
    """Worker-months as a platform keeps them: months as numbers and as dates, coverage as a month, a day and a state."""
    rows = nasty.reset_index(drop=True)
    rows["day"] = [datetime.date(2024, month, 1) for month in rows["month"]]
    rows["first_day"] = [None if np.isnan(first) else datetime.date(2024, int(first), 1) for first in rows["first_covered"]]
    rows["covered"] = rows["month"] >= rows["first_covered"].fillna(99)
    rows["income"] = rows["income"].where(np.arange(len(rows)) % 20 != 3)
    return pa.Table.from_pandas(rows, preserve_index=False)


def received(folder: Path, study: Study, address: str) -> Received:
    return receive(connect(), study, folder, {"PAY_DB": address})


def let_go(raw: RawTable) -> None:
    """Close a DuckDB file, so that it can be written to again."""
    if raw.engine.name == "duckdb":
        raw.engine.disconnect()


@pytest.mark.parametrize("written", ["date", "state"])
def test_a_study_of_a_database_is_cleaned_described_and_compressed_where_its_rows_are(engine, delivered, tmp_path, written, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("rows were copied")

    monkeypatch.setattr(opening, "open_table", never)
    address, put = engine
    put("panel", delivered)
    (tmp_path / "here").mkdir()
    here, put_here = put_into("duckdb", tmp_path / "here", str)
    put_here("panel", delivered)
    study = study_of(tmp_path, written)
    results = []
    for place in (address, here):
        raw = received(tmp_path, study, place).raw
        clean = clean_for(study, raw)
        quality = study_quality(study, raw, clean)
        moments = compress_needed(clean.table, clean.period, moments_needed(study))["main"]
        results.append((clean, quality, by_month(clean.table, ("pay",)), to_tables(moments), raw.profile()))
    (clean, quality, months, tables, profile), (clean_, quality_, months_, tables_, profile_) = results
    assert (clean.audit.rules, clean.units, clean.workers) == (clean_.audit.rules, clean_.units, clean_.workers)
    assert_frame_equal(quality.table(), quality_.table(), check_dtype=False)
    assert_frame_equal(months, months_, check_dtype=False)
    assert_frame_equal(profile.drop(columns="type"), profile_.drop(columns="type"), check_dtype=False)
    for name, table in tables_.items():
        assert_frame_equal(tables[name], table, rtol=1e-9, obj=name)


def test_rows_that_are_asked_for_are_written_as_one_file_on_this_machine(engine, delivered, tmp_path):
    address, put = engine
    put("panel", delivered)
    write_parquet(there(address, "panel"), tmp_path / "rows.parquet")
    order = ["worker", "month"]
    found, wanted = (
        table.to_pandas().sort_values(order, ignore_index=True) for table in (pa.parquet.read_table(tmp_path / "rows.parquet"), delivered)
    )
    assert_frame_equal(found, wanted, check_dtype=False)


@pytest.mark.parametrize("kind", ["postgres", "spark"])
def test_text_that_must_be_read_is_copied_and_that_is_said(kind, delivered, tmp_path, request):
    address, put = put_into(kind, tmp_path, request.getfixturevalue)
    words = pa.array([f"2024-{month:02d}" for month in delivered["month"].to_pylist()])
    put("panel", delivered.drop_columns(["month"]).append_column("month", words))
    study = study_of(tmp_path, "date", month="month")
    found = received(tmp_path, study, address)
    assert found.raw.engine.name == "duckdb" and clean_for(study, found.raw).workers == len(set(delivered["worker"].to_pylist()))
    assert [finding.text.en for finding in found.findings] == [
        "the rows were copied out of the database, because `month` holds text that must be read as numbers or dates"
    ]
    assert "“month”" in found.findings[0].text.zh


def test_what_is_wrong_is_named_with_its_rows_wherever_they_are(engine, delivered, tmp_path):
    rows = delivered.to_pylist()
    lower, moved = ({**rows[6], **change} for change in ({"weight": -1.0}, {"first_covered": 4.0}))
    cases = (
        ([*rows, rows[4]], "1 pair of `worker` and `month` stand more than once", "in rows 5 and", "remove the copies"),
        ([*rows[:6], lower, *rows[7:]], "column `weight` cannot be used in 1 row", "row 7 has `-1.0`", "a positive number"),
        ([*rows[:6], moved, *rows[7:]], "column `first_covered` changes within 1 unit", "`4.0` (row 7)", "decided for the unit"),
    )
    address, put = engine
    for given, *words in cases:
        put("panel", pa.Table.from_pylist(given, schema=delivered.schema))
        study = study_of(tmp_path)
        raw = received(tmp_path, study, address).raw
        with complains(DataError, *words):
            clean_for(study, raw)
        let_go(raw)


@pytest.mark.parametrize("rule", ["first", "main", "split"])
def test_a_worker_in_two_units_is_dealt_with_alike(engine, delivered, tmp_path, rule):
    address, put = engine
    rows = delivered.to_pylist()
    other = next(row for row in rows if row["unit"] != rows[0]["unit"])
    moved = {**rows[0], **{name: other[name] for name in ("unit", "cluster", "first_covered", "first_day", "covered")}, "rides": 127}
    both = pa.Table.from_pylist([*rows, moved], schema=delivered.schema)
    put("panel", both)
    (tmp_path / "here").mkdir()
    here, put_here = put_into("duckdb", tmp_path / "here", str)
    put_here("panel", both)
    study = study_of(tmp_path, two_units=rule, **({"hours": "rides"} if rule == "main" else {}))
    found, wanted = (clean_for(study, received(tmp_path, study, place).raw) for place in (address, here))
    assert found.audit.rules == wanted.audit.rules
    order = ["worker", "month", "unit"]
    frames = [clean.table.to_pandas()[[*order, "weight", "pay"]].sort_values(order, ignore_index=True) for clean in (found, wanted)]
    assert_frame_equal(*frames, check_dtype=False)


def test_the_fingerprint_of_a_table_that_stays_tells_whether_it_changed(engine, delivered):
    address, put = engine
    digests = []
    for table in (
        delivered,
        delivered.take(list(range(len(delivered)))[::-1]),
        delivered.slice(1),
        pa.concat_tables([delivered, delivered.slice(0, 2)]),
    ):
        put("panel", table)
        raw = open_in_place(address, "panel", columns=("worker", "month", "income"))
        digests.append(raw.sha256)
        let_go(raw)
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_a_pass_reads_and_writes_nothing_on_the_server(postgres, delivered):
    address, put = put_into("postgres", Path(), lambda _: postgres)
    put("panel", delivered)
    raw = open_in_place(address, "panel")
    compress(raw.table, ["income"], "index", Parts(patterns=True))
    with pytest.raises(Exception, match="read-only"):
        raw.engine.raw_sql("CREATE TEMP TABLE written (a int)")


def test_a_server_that_goes_away_during_a_pass_is_named(postgres, delivered):
    address, put = put_into("postgres", Path(), lambda _: postgres)
    put("panel", delivered)
    raw = open_in_place(address, "panel")
    with writing(address) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    with pytest.raises(SourceError) as caught:
        compress(raw.table, ["income"], "index")
    message = str(caught.value)
    assert "did not finish the pass" in message and len(message.split("\n")) == 3 and "reader" not in message


def test_a_duckdb_file_is_read_where_it_is_and_stays_as_it_is(tmp_path, delivered):
    address, put = put_into("duckdb", tmp_path, str)
    put("panel", delivered)
    before = (tmp_path / "panel.duckdb").read_bytes()
    raw = open_in_place(address, "panel")
    compress(raw.table, ["income"], "index", Parts(patterns=True))
    with pytest.raises(duckdb.Error, match="read-only"):
        raw.engine.raw_sql("CREATE TABLE written (a int)")
    assert (tmp_path / "panel.duckdb").read_bytes() == before
    assert open_table(connect(), address, "panel").table.count().to_pyarrow().as_py() == len(delivered)
