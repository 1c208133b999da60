"""Time `impact estimate` as a whole process, from a Parquet file to the tidy table. `make bench` calls this and keeps the output in docs/benchmarks.md.

The machine is shared: read ratios between rows of one run, not single figures.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

import impact

OUT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MONTHS, CITIES, RUNS = 36, 250, 3
SIZES = (1_000, 10_000, 100_000)
COMMANDS = {
    "event study, errors by city": ["--aggregate", "event_time"],
    "event study, errors by worker": ["--aggregate", "event_time", "--cluster", "worker"],
    "two-way fixed effects, errors by city": ["--estimator", "twfe"],
}
PANEL = f"""
COPY (
  SELECT w AS worker, w % {CITIES} AS city, m AS month,
         CASE (w % {CITIES}) % 5 WHEN 0 THEN 0 ELSE 8 + 6 * ((w % {CITIES}) % 4) END AS first_covered,
         3000 + 40 * m + 900 * random() + 0.1 * w AS income
  FROM range({{workers}}) a(w), range(1, {MONTHS + 1}) b(m)
  WHERE hash(w * 37 + m) % 20 <> 0
) TO '{{path}}' (FORMAT parquet)
"""
"""Unbalanced: one row in twenty is missing."""


def main() -> None:
    """Time every command at every size and write the page."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in SIZES:
            path = Path(folder) / f"panel_{workers}.parquet"
            duckdb.sql(PANEL.format(workers=workers, path=path))
            rows += [(workers, name, *_time(path, options)) for name, options in COMMANDS.items()]
    OUT.write_text(_page(rows), encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def _time(path: Path, options: list[str]) -> tuple[float, float]:
    """Give the median wall time of some runs in seconds, and the largest memory in MB."""
    command = [
        str(Path(sys.executable).parent / "impact"),
        "estimate",
        str(path),
        "--unit",
        "city",
        "--worker",
        "worker",
        "--month",
        "month",
    ]
    command += ["--first-covered", "first_covered", "--outcome", "income", "--csv", *options]
    walls, peaks = [], []
    for _ in range(RUNS):
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
        walls.append(time.monotonic() - begun)
        peaks.append(_megabytes(usage))
    return sorted(walls)[RUNS // 2], max(peaks)


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def _page(rows: list[tuple[int, str, float, float]]) -> str:
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}, impact {impact.__version__}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores ({platform.machine()}). Whole processes with imports, median wall time of {RUNS} runs and largest memory, "
        f"from Parquet: {MONTHS} months, {CITIES} cities, one row in twenty missing. The machine is shared: compare rows, do not quote single figures.",
        "",
        "| workers | rows | what | wall, s | memory, MB |",
        "| --: | --: | --- | --: | --: |",
        *(f"| {workers:,} | {workers * MONTHS * 19 // 20:,} | {name} | {wall:.1f} | {peak:,.0f} |" for workers, name, wall, peak in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
