"""Time the pass and what follows it, beside the best peers: `python tools/bench [--quick]`. May touch: docs/benchmarks.md, its drawing, a temporary folder.

`make bench` calls this and keeps the output in the page. `--quick` takes small panels and prints the page instead.
"""

from __future__ import annotations

import csv
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from page import ASKED, Row, draw, page
from processes import LIMIT_S, Figures, best, peers_python

HERE, DOCS = Path(__file__).parent, Path(__file__).parents[2] / "docs"
ASKED_OF = {"diff-diff": ("group_time", "pairs"), "csdid": ("pairs",), "pyfixest": ("twfe",)}
"""Peers, and the questions that each can answer with the same errors."""
KINDS = {"group_time": ("balanced", "spells"), "pairs": ("balanced", "spells"), "twfe": ("balanced", "spells", "gaps")}
OPTIONS = {
    "group_time": ["--aggregate", "event_time"],
    "pairs": ["--aggregate", "event_time", "--cluster", "worker"],
    "twfe": ["--estimator", "twfe"],
}
CITIES = 250


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is timed."""

    sizes: tuple[int, ...] = (10_000, 100_000, 560_000)
    months: tuple[int, ...] = (12, 24, 36, 60)
    """Months of the growth curve, for the second size."""
    days: tuple[int, int] = (223_000, 720)
    """Workers and days of the worker-days: five days in eight are worked."""
    runs: int = 1


QUICK = Plan(sizes=(2_000, 5_000), months=(12, 36), days=(5_000, 90), runs=1)


def main() -> None:
    """Time everything and write the page."""
    quick = "--quick" in sys.argv[1:]
    plan = QUICK if quick else Plan()
    peers = peers_python()
    with tempfile.TemporaryDirectory(prefix="impact-bench-") as folder:
        rows = [row for question, kinds in KINDS.items() for kind in kinds for row in _curve(Path(folder), question, kind, plan, peers)]
        growth, days = _growth(Path(folder), plan), _days(Path(folder), plan)
    grown = [row for row in rows if row.kind == "spells" and row.who == "impact"] + growth
    if not quick:
        draw(grown, DOCS / "images" / "benchmarks.svg")
        DOCS.joinpath("benchmarks.md").write_text(page(rows, grown, days), encoding="utf-8")
    print(page(rows, grown, days))


def _curve(folder: Path, question: str, kind: str, plan: Plan, peers: Path) -> list[Row]:
    """Time one question on one kind of panel, size by size; a peer is not tried where its last size foretells that it would take too long."""
    rows: list[Row] = []
    for workers in plan.sizes:
        path = _panel(folder, kind, workers, 36)
        ours, count = folder / "ours.csv", _rows(path)
        rows.append(Row(question, kind, workers, 36, count, "impact", _ours(question, path, ours, plan.runs)))
        rows.append(Row(question, kind, workers, 36, count, "`impact estimate`", best(_command(question, path), plan.runs)))
        for peer in (peer for peer, asked in ASKED_OF.items() if question in asked):
            before = [row for row in rows if row.who == peer]
            hopeless = _hopeless(before[-1], count) if before else ""
            if hopeless:
                took = Figures(0.0, 0.0, 0.0, None, {}, hopeless)
            else:
                took = best([str(peers), str(HERE / "peers.py"), peer, question, str(path), str(folder / "theirs.csv")], 1)
            beside = "" if took.failed else _beside(ours, folder / "theirs.csv", rows, took, _factor(peer, question, kind, workers))
            rows.append(Row(question, kind, workers, 36, count, peer, took, beside))
    return rows


def _ours(question: str, path: Path, out: Path, runs: int) -> Figures:
    return best([sys.executable, str(HERE / "ours.py"), question, str(path), str(out)], runs)


def _command(question: str, path: Path) -> list[str]:
    columns = ["--unit", "city", "--worker", "worker", "--month", "month", "--first-covered", "first_covered", "--outcome", "income"]
    return [str(Path(sys.executable).parent / "impact"), "estimate", str(path), *columns, "--csv", *OPTIONS[question]]


def _hopeless(before: Row, count: int) -> str:
    """Say why a peer is not tried on more rows; nothing where it is."""
    if before.figures.failed:
        return f"not tried: failed on {before.rows:,} rows" if not before.figures.failed.startswith("not tried") else before.figures.failed
    foretold = before.figures.wall * count / before.rows
    return f"not tried: {before.figures.wall:.0f} s for {before.rows:,} rows foretell {foretold:.0f} s" if foretold > LIMIT_S else ""


def _factor(peer: str, question: str, kind: str, workers: int) -> float:
    """Give the peer's small-sample factor on errors, which R `did` and impact do not take."""
    if peer != "diff-diff" or (question == "pairs" and kind == "balanced"):
        return 1.0
    clusters = CITIES if question == "group_time" else workers
    return math.sqrt(clusters / (clusters - 1))


def _beside(ours: Path, theirs: Path, rows: list[Row], took: Figures, factor: float) -> str:
    """Say how many times as long a peer takes, and how far estimates and errors are apart."""
    mine, other = _terms(ours), _terms(theirs)
    shared = [key for key in other if key in mine]
    if not shared:
        return "no common term"
    apart = max(abs(other[key][0] - mine[key][0]) for key in shared)
    given = [key for key in shared if math.isfinite(other[key][1]) and other[key][1] > 0]
    errors = max((abs(other[key][1] / factor / mine[key][1] - 1) for key in given), default=math.nan)
    us = next(row.figures for row in reversed(rows) if row.who == "impact")
    ratio = (
        f"{(took.inside or math.nan) / us.inside:.1f} × the seconds, {took.peak_mb / us.peak_mb:.1f} × the memory; " if us.inside else ""
    )
    return f"{ratio}{len(shared)} terms: estimates within {apart:.0e}, errors within {errors:.0e} of one another"


def _terms(path: Path) -> dict[tuple[int, int], tuple[float, float]]:
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    number = {name: lambda row, name=name: float(row[name] or "nan") for name in ("estimate", "std_error")}
    return {
        (int(float(row["cohort"] or 0)), int(float(row["month"] or 0))): (number["estimate"](row), number["std_error"](row)) for row in rows
    }


def _growth(folder: Path, plan: Plan) -> list[Row]:
    """Time the questions on panels of more and more months."""
    workers, rows = plan.sizes[1], []
    for months in (months for months in plan.months if months != 36):
        path = _panel(folder, "spells", workers, months)
        count = _rows(path)
        rows += [
            Row(question, "spells", workers, months, count, "impact", _ours(question, path, folder / "ours.csv", plan.runs))
            for question in ASKED
        ]
    return rows


def _days(folder: Path, plan: Plan) -> Row:
    """Time worker-days to moments under a memory limit."""
    workers, length = plan.days
    path = _panel(folder, "days", workers, length)
    environment = {"IMPACT_MEMORY": "2GB", "IMPACT_TMP": str(folder)}
    took = best([sys.executable, str(HERE / "days.py"), str(path), str(folder / "cells.csv")], 1, environment)
    return Row("days", "days", workers, length, _rows(path), "impact", took)


def _panel(folder: Path, kind: str, workers: int, months: int) -> Path:
    path = folder / f"{kind}_{workers}_{months}.parquet"
    if not path.exists():
        subprocess.run([sys.executable, str(HERE / "panels.py"), kind, str(workers), str(months), str(path)], check=True)
    return path


def _rows(path: Path) -> int:
    count = "import sys, pyarrow.parquet as pq; print(pq.ParquetFile(sys.argv[1]).metadata.num_rows)"
    return int(subprocess.run([sys.executable, "-c", count, str(path)], check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
