"""A pass keeps to the memory and the folder that it is given, says so in words where they do not suffice, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.errors import DataError, RunError
from impact.moments.compress import Parts, compress
from impact.sources import spill
from impact.sources.engine import connect, register, store, within_limits
from impact.sources.limits import in_words, limits, machine_bytes
from impact.sources.spill import spill_folder
from words import complains

SPILLING = """
import sys, time
from impact.sources.engine import connect
engine = connect()
engine.raw_sql("SET memory_limit = '50MB'")
engine.raw_sql("CREATE TEMP TABLE rows_ AS SELECT range AS number, md5(range::VARCHAR) AS word FROM range(2000000)")
print("spilled", flush=True)
if sys.argv[1] == "wait":
    time.sleep(60)
"""


def spilling(folder: Path, then: str) -> subprocess.Popen[str]:
    """Start a process that spills below a folder, and wait until it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPILLING, then], env={**os.environ, "IMPACT_TMP": str(folder)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert any(line.strip().endswith("spilled") for line in process.stdout)  # behind what DuckDB shows of its progress
    return process


def test_memory_is_a_share_of_the_machine_unless_it_is_said():
    assert limits({}).memory_bytes == int(0.6 * machine_bytes())
    assert [limits({"IMPACT_MEMORY": said}).memory_bytes for said in ("500MB", "0.5 GB", "0.5gib")] == [500_000_000, 500_000_000, 2**29]
    assert (in_words(2.5e9), in_words(7e8)) == ("2.5 GB", "700 MB")


@pytest.mark.parametrize(
    ("said", "wrong", "found"),
    [
        ("2", "no amount of memory", "`2`"),
        ("much", "no amount of memory", "`much`"),
        ("-1GB", "no amount of memory", "`-1GB`"),
        ("1MB", "so little", "`1MB`"),
        ("900TB", "more memory than there is", "`900TB`"),
    ],
)
def test_memory_that_cannot_be_is_refused(said, wrong, found):
    with complains(RunError, wrong, found, "200 MB" if "no amount" not in wrong else "500MB, 2GB or 1.5GiB"):
        limits({"IMPACT_MEMORY": said})


def test_a_folder_that_cannot_hold_anything_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with complains(RunError, "no such folder", f"`{tmp_path}/nowhere`", "Make it"):
        limits({"IMPACT_TMP": f"{tmp_path}/nowhere"})
    with complains(RunError, "no such folder", "which is a file", "Make it"):
        limits({"IMPACT_TMP": f"{tmp_path}/file"})


def test_the_engine_is_told_its_limits(tmp_path, monkeypatch):
    monkeypatch.setenv("IMPACT_MEMORY", "512MB")
    monkeypatch.setenv("IMPACT_TMP", str(tmp_path))
    memory, folder = connect().raw_sql("SELECT current_setting('memory_limit'), current_setting('temp_directory')").fetchone()
    assert memory == "488.2 MiB" and folder.startswith(str(tmp_path / "impact-spill-"))


def test_what_was_spilled_is_nobody_elses_and_goes_with_its_process(tmp_path):
    process = spilling(tmp_path, "wait")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert list(folder.rglob("*.tmp")) and folder.stat().st_mode & 0o077 == 0
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc, a folder in which no file can be made")
def test_a_folder_in_which_no_file_can_be_made_is_refused_and_not_waited_for(monkeypatch):
    monkeypatch.setattr(spill, "_PATIENCE", 0.2)
    with complains(RunError, "IMPACT_TMP: nothing can be written", "Found `/proc`", "Name another folder"):
        spill.spill_folder(Path("/proc"))


def test_what_a_killed_pass_leaves_is_taken_away_by_the_next_and_what_lives_is_not(tmp_path):
    killed, alive = spilling(tmp_path, "wait"), spilling(tmp_path, "wait")
    killed.kill()
    killed.wait(30)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2
    mine = spill_folder(tmp_path)
    held = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert mine in held and len(held) == 2
    assert any(list(path.rglob("*.tmp")) for path in held)
    alive.kill()
    alive.wait(30)


def test_a_disk_that_is_full_ends_the_pass_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("IMPACT_TMP", str(tmp_path))
    engine = connect()
    for setting in ("memory_limit = '50MB'", "max_temp_directory_size = '3MB'"):
        engine.raw_sql(f"SET {setting}")
    rows = engine.sql("SELECT range AS number, md5(range::VARCHAR) AS word FROM range(2000000)")
    with complains(RunError, "the folder for what does not fit into memory is full", "failed to offload", "IMPACT_TMP"):
        store(engine, "rows_", rows)
    engine.disconnect()
    assert list(tmp_path.rglob("*.tmp")) == []


def test_memory_that_does_not_suffice_ends_the_pass_in_words(tmp_path):
    engine = connect()
    engine.raw_sql("SET memory_limit = '20MB'")
    engine.raw_sql("SET temp_directory = ''")
    rows = engine.sql("SELECT range AS number, md5(range::VARCHAR) AS word FROM range(2000000)")
    with complains(RunError, "the pass does not fit into memory", "Out of Memory", "IMPACT_MEMORY"):
        store(engine, "rows_", rows)


def test_other_errors_pass_through_as_they_are():
    with pytest.raises(KeyError), within_limits():
        raise KeyError("not about memory")


@pytest.fixture
def scattered() -> pd.DataFrame:
    """Workers who miss months at random, so that nearly every one of them has a pattern of its own."""
    generator = np.random.default_rng(2)
    rows = pd.DataFrame({"worker": range(4000)}).merge(pd.DataFrame({"month": range(1, 41)}), how="cross")
    rows = rows.assign(unit="u" + (rows["worker"] % 7).astype(str), pay=generator.normal(size=len(rows)))
    return rows[generator.random(len(rows)) < 0.5]


def test_more_patterns_than_memory_are_refused_before_they_are_laid_out(scattered, monkeypatch):
    table = register(connect(), "scattered", scattered)
    monkeypatch.setenv("IMPACT_MEMORY", "200MB")
    with complains(
        DataError, "more sets of months than memory", "4,000 sets among 4,000 workers in 40 months", "units in the place of workers"
    ):
        compress(table, ["pay"], "index", Parts(patterns=True, pairs=True))
    found = compress(table, ["pay"], "index", Parts(patterns=True)).patterns
    assert found is not None and len(found["pay"].workers) == 4000


def test_months_written_as_zeros_are_the_way_out_of_too_many_patterns(scattered, monkeypatch):
    ends = scattered.groupby(["worker", "unit"])["month"].agg(["min", "max"]).reset_index()
    full = ends.merge(pd.DataFrame({"month": range(1, 41)}), how="cross").query("min <= month <= max")
    full = full.merge(scattered, on=["worker", "unit", "month"], how="left").fillna({"pay": 0.0}).drop(columns=["min", "max"])
    monkeypatch.setenv("IMPACT_MEMORY", "200MB")
    moments = compress(register(connect(), "full", full), ["pay"], "index", Parts(patterns=True, pairs=True))
    assert moments.patterns is not None and len(moments.patterns["pay"].workers) < 500
