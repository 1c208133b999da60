"""Time `impact simulate` as a whole process, at the scale of a national platform. `make bench-world` calls this and keeps the output in docs/benchmarks-world.md.

The machine is shared: read rows against each other, not single figures.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

import impact

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "benchmarks-world.md"
JOBS = (
    ("everything, as `make report` builds it", 0.01, "", "raw/platform/worker_day/*/*.parquet"),
    ("worker-months alone", 0.28, "worker_month", "raw/platform/worker_month/*/*.parquet"),
    ("worker-months, studies' tables and truth", 0.28, "worker_month,study,truth", "raw/platform/worker_month/*/*.parquet"),
    ("worker-days alone", 0.25, "worker_day", "raw/platform/worker_day/*/*.parquet"),
)
"""What is written, at which scale, which tables, and whose rows are counted."""


def main() -> None:
    """Run every job and write the page."""
    rows = [_job(*job) for job in JOBS]
    OUT.write_text(_page(rows), encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def _job(name: str, scale: float, tables: str, counted: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "world"
        command = [str(Path(sys.executable).parent / "impact"), "simulate", str(ROOT / "worlds" / "default.yaml"), "--out", str(out)]
        command += ["--scale", str(scale), *(["--tables", tables] if tables else [])]
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        rows = duckdb.sql(
            f"SELECT count(*) FROM read_parquet('{out / counted}', union_by_name = true, hive_partitioning = true)"
        ).fetchone()
        in_csv = sum(_lines(path) for path in out.glob("raw/platform/csv/*.csv")) if "worker_month" in counted else 0
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    memory = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    cpu = usage.ru_utime + usage.ru_stime
    kind = "worker-days" if "worker_day" in counted else "worker-months"
    return f"| {name} | {scale:g} | {(rows[0] if rows else 0) + in_csv:,} {kind} | {wall:.0f} | {cpu:.0f} | {memory:,.0f} | {size:,.0f} |"


def _lines(path: Path) -> int:
    """Count the records of a CSV file."""
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b"")) - 1


def _page(rows: list[str]) -> str:
    lines = [
        "# Benchmarks: the synthetic world",
        "",
        f"Written by `make bench-world` on {datetime.now(UTC):%Y-%m-%d}, impact {impact.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores ({platform.machine()}). Whole processes of `impact simulate worlds/default.yaml`, one run each, with imports; one process, so one core. "
        "Rows are those of Parquet and CSV. At scale 0.28 the platforms hold some 560,000 accounts, 36 months each, many of them without work in a month, as on any platform's books. The machine is shared: do not quote single figures.",
        "",
        "| what | scale | rows | wall, s | CPU, s | memory, MB | written, MB |",
        "| --- | --: | --: | --: | --: | --: | --: |",
        *rows,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
