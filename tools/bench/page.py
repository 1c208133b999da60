"""Lay the figures out as a page and a drawing. May touch: the drawing."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from processes import LIMIT_GB, LIMIT_S, PEERS, Figures

ASKED = {
    "group_time": "group-time effects, event study, errors by city",
    "pairs": "group-time effects, event study, errors by worker (pairs)",
    "twfe": "worker and month fixed effects, errors by city (patterns)",
}
TARGETS = {"group_time": (1.5, 400), "pairs": (5.0, 1000), "twfe": (4.0, 800)}
"""For 560,000 workers in 36 months on two quiet cores: seconds from Parquet, imports apart, and MB."""
KINDS = {"balanced": "balanced", "spells": "spells", "gaps": "spells with gaps"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was timed."""

    question: str
    kind: str
    workers: int
    months: int
    rows: int
    who: str
    figures: Figures
    agreement: str = ""


def page(rows: Sequence[Row], growth: Sequence[Row], days: Row | None) -> str:
    """Write the whole page."""
    head = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: impact {version('impact')}, Python {platform.python_version()}, {os.cpu_count()} cores "
        f"({platform.machine()}), load {os.getloadavg()[0]:.1f} when it ended. Peers in an environment of their own: {', '.join(PEERS)}.",
        "",
        "Every figure is of a process of its own, on the same Parquet file, in the same run. *Seconds* are from the file to the table of effects, imports apart; *whole* is the process "
        "from start to end; *CPU* is user and system time and *memory* the largest resident size, both of the whole process. One run each. "
        f"A process may take {LIMIT_S} s and {LIMIT_GB} GB of address space. Panels: 250 cities of unequal size, seven cohorts and never covered; *spells* are workers who enter and leave; "
        "*gaps* takes one row in twenty out of these at random. `impact estimate` also checks every row: types, doubles, coverage.",
        "",
    ]
    body = [line for question, asked in ASKED.items() for line in _section(asked, [row for row in rows if row.question == question])]
    return "\n".join([*head, *_targets(rows), *body, *_days(days), *_growth(growth)]) + "\n"


def _section(asked: str, rows: Sequence[Row]) -> list[str]:
    lines = [
        f"## {asked[0].upper()}{asked[1:]}",
        "",
        "| panel | workers | rows | who | seconds | whole, s | CPU, s | memory, MB | beside impact |",
        "| --- | --: | --: | --- | --: | --: | --: | --: | --- |",
    ]
    for row in rows:
        cells = f"| {KINDS[row.kind]} | {row.workers:,} | {row.rows:,} | {row.who} |"
        took = row.figures
        if took.failed:
            lines.append(f"{cells} | | | | {took.failed} |")
        else:
            inside = "" if took.inside is None else f"{took.inside:.2f}"
            lines.append(f"{cells} {inside} | {took.wall:.1f} | {took.cpu:.1f} | {took.peak_mb:,.0f} | {row.agreement} |")
    return [*lines, ""]


def _targets(rows: Sequence[Row]) -> list[str]:
    """Hold the largest panels against the targets."""
    largest = [row for row in rows if row.workers == 560_000 and row.who == "impact" and not row.figures.failed]
    lines = []
    for row in largest:
        seconds, memory = TARGETS[row.question]
        took = row.figures
        inside = took.inside or 0.0
        said = "met" if inside <= seconds and took.peak_mb <= memory else "missed"
        lines.append(
            f"| {ASKED[row.question]} | {KINDS[row.kind]} | {inside:.2f} / {seconds:g} | {took.peak_mb:,.0f} / {memory:,} | {said}; of the time {_share(took)} is the pass |"
        )
    if not lines:
        return []
    head = [
        "## Targets: 560,000 workers in 36 months",
        "",
        "| question | panel | seconds / target | MB / target | |",
        "| --- | --- | --: | --: | --- |",
    ]
    return [*head, *lines, ""]


def _share(took: Figures) -> str:
    return f"{took.steps.get('compress', 0.0) / (took.inside or 1.0):.0%}"


def _days(row: Row | None) -> list[str]:
    if row is None:
        return []
    took = row.figures
    head = ["## Worker-days to moments under a memory limit of 2 GB", ""]
    if took.failed:
        return [*head, f"{row.rows:,} worker-days of {row.workers:,} workers: {took.failed}.", ""]
    steps = ", ".join(f"{name} after {at:.1f} s" for name, at in took.steps.items())
    return [
        *head,
        f"{row.rows:,} worker-days of {row.workers:,} workers → absences → worker-months with pay and exits by 7 and 30 days → moments of three outcomes, `IMPACT_MEMORY=2GB`: "
        f"{took.inside:.1f} s ({steps}), CPU {took.cpu:.1f} s, memory {took.peak_mb:,.0f} MB.",
        "",
    ]


def _growth(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    lines = [
        "## Growth",
        "",
        "Panels of spells, seconds from Parquet. The pass grows with the rows; what follows it with cohorts × months, and not with workers.",
        "",
        "![Seconds by workers and by months](images/benchmarks.svg)",
        "",
        "| question | workers | months | rows | seconds | of which the pass | memory, MB |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        took = row.figures
        told = (
            f"{took.failed} | | "
            if took.failed
            else f"{took.inside or 0.0:.2f} | {took.steps.get('compress', 0.0):.2f} | {took.peak_mb:,.0f}"
        )
        lines.append(f"| {ASKED[row.question]} | {row.workers:,} | {row.months} | {row.rows:,} | {told} |")
    return [*lines, ""]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw seconds by workers, and by months."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "impact"
    from matplotlib import pyplot

    figure, sides = pyplot.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    held = {"workers": ("months", 36), "months": ("workers", 100_000)}
    for side, name in zip(sides, held, strict=True):
        other, fixed = held[name]
        chosen = [row for row in rows if getattr(row, other) == fixed]
        for question, asked in ASKED.items():
            mine = sorted((getattr(row, name), row.figures.inside) for row in chosen if row.question == question and row.figures.inside)
            side.plot(
                [x for x, _ in mine],
                [y for _, y in mine],
                marker="o",
                label=asked.split(",")[0] + (" (pairs)" if question == "pairs" else ""),
            )
        side.set_xlabel(f"{name}, with {fixed:,} {other}")
        side.set_ylabel("seconds")
        side.set_ylim(bottom=0)
        side.spines[["top", "right"]].set_visible(False)
    sides[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
