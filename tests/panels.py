"""Small made-up panels with what breaks estimators, and the way from a frame to a design or an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impact.design.design import Design, design_of
from impact.moments.compress import Parts, compress
from impact.moments.moments import Moments
from impact.run.estimate_file import Answer, Request, estimate_file
from impact.sources.engine import connect, register

MONTHS = range(1, 13)
SIZES = (1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 18, 22, 3, 5, 8, 12, 26, 4)
COHORTS = (5, 8, np.nan)
EMPTY_UNIT, EMPTY_MONTH = "city 10", 7


def worker_panel(seed: int = 7, balanced: bool = False) -> pd.DataFrame:
    """Make worker-months of 18 cities of unequal size in 12 regions, a third each covered from month 5, from month 8 and never.

    Columns: worker, unit, cluster, month (int8), first_covered (missing = never), weight, score (of the worker, below zero = never covered), dose (of the
    unit, zero = never covered), eligible (of the worker, int8), income, rides (int8). Unless balanced, a quarter of the workers enter in months 3 to 10,
    thus some after the agreement, 5 % of rows are deleted, and one city has a month with nobody.
    """
    generator = np.random.default_rng(seed)
    unit = np.repeat(np.arange(len(SIZES)), SIZES)
    workers = pd.DataFrame({"worker": [f"w{number:03d}" for number in range(len(unit))], "unit": [f"city {number:02d}" for number in unit]})
    workers["cluster"] = [f"region {number % 3} {number // 3 % 4}" for number in unit]
    workers["first_covered"] = np.asarray(COHORTS)[unit % 3]
    workers["weight"] = generator.uniform(0.5, 2, len(unit)).round(2)
    workers["score"] = score_of(workers, np.random.default_rng([seed, 1]))
    workers["dose"] = np.random.default_rng([seed, 2]).uniform(0.05, 0.5, len(SIZES)).round(3)[unit] * workers["first_covered"].notna()
    workers["eligible"] = (np.random.default_rng([seed, 3]).random(len(unit)) < 0.6).astype(np.int8)
    workers["level"] = generator.normal(0, 2, len(unit)) + generator.normal(0, 1, len(SIZES))[unit]
    workers["entry"] = np.where(generator.random(len(unit)) < 0.25, generator.integers(3, 11, len(unit)), 1)
    rows = workers.merge(pd.DataFrame({"month": np.asarray(MONTHS, dtype=np.int8)}), how="cross")
    shocks = generator.normal(0, 0.7, (len(SIZES), 13))
    noise = shocks[np.repeat(unit, 12), rows["month"]] + generator.normal(0, 1, len(rows))
    since = (rows["month"] - rows["first_covered"]).fillna(-1)
    rows["income"] = 20 + rows["level"] + 0.3 * rows["month"] + np.where(since >= 0, 2 + 0.2 * since, 0) + noise
    rows["rides"] = np.clip(3 * rows["income"], 0, 127).astype(np.int8)
    if not balanced:
        seen = (rows["month"] >= rows["entry"]) & (generator.random(len(rows)) >= 0.05)
        rows = rows[seen & ~((rows["unit"] == EMPTY_UNIT) & (rows["month"] == EMPTY_MONTH))]
    return rows.drop(columns=["level", "entry"]).sample(frac=1, random_state=seed).reset_index(drop=True)


def score_of(workers: pd.DataFrame, generator: np.random.Generator) -> pd.Series:
    """Draw a score for each worker that decides who is ever covered, with a few ties between cities."""
    size = generator.uniform(0.001, 1, len(workers)).round(3)
    return pd.Series(np.where(workers["first_covered"].isna(), -size, size), index=workers.index)


def turnover_panel(sizes: tuple[int, ...], seed: int, months: int = 5, turnover: float = 0.3, weighted: bool = False) -> pd.DataFrame:
    """Make units of unequal size whose workers enter late, leave early, miss 5 % of their months, and are all away once in the first unit."""
    generator = np.random.default_rng(seed)
    unit = np.repeat(np.arange(len(sizes)), sizes)
    workers = pd.DataFrame({"worker": [f"w{place}" for place in range(len(unit))], "unit": [f"u{place}" for place in unit]})
    workers["entry"] = np.where(generator.random(len(unit)) < turnover, generator.integers(1, months + 1, len(unit)), 1)
    workers["exit"] = np.where(generator.random(len(unit)) < turnover, generator.integers(1, months + 1, len(unit)), months)
    workers["weight"] = generator.uniform(0.5, 2, len(unit)) if weighted else 1.0
    workers["level"] = generator.normal(0, 20, len(unit))
    workers["first_covered"] = np.where(unit % 2 == 0, np.nan, 3.0)
    rows = workers.merge(pd.DataFrame({"month": np.arange(1, months + 1, dtype=np.int8)}), how="cross")
    rows["income"] = 100 + rows["level"] + generator.normal(0, 10, len(rows))
    rows["left"] = (generator.random(len(rows)) < 0.15).astype(np.int8)
    seen = rows["month"].between(rows["entry"], np.maximum(rows["entry"], rows["exit"])) & (generator.random(len(rows)) < 0.95)
    kept = rows[seen & ~((rows["unit"] == "u0") & (rows["month"] == 2))].drop(columns=["entry", "exit", "level"])
    return kept.drop(columns=[] if weighted else "weight")


def moments_from(
    frame: pd.DataFrame,
    outcomes: tuple[str, ...] = ("income",),
    pairs: bool = False,
    patterns: bool = False,
    bins: tuple[str, ...] = (),
    traits: tuple[str, ...] = (),
) -> Moments:
    """Compress a frame that has the columns of the worker-month table."""
    table = register(connect(), "panel", frame)
    return compress(table, outcomes, "index", Parts(pairs, patterns, bins), ("unit", *traits))


def design_from(
    frame: pd.DataFrame,
    outcome: str = "income",
    level: str = "cluster",
    unit: str = "unit",
    traits: tuple[str, ...] = (),
    bins: bool = False,
) -> Design:
    """Build the design of one outcome; `level` is `cluster`, `unit` or `worker`, `unit` names the column that tells units apart, with `traits` beside it."""
    frame = frame.assign(unit=frame[unit])
    frame = frame.assign(cluster=frame["unit"]) if level == "unit" else frame if level == "cluster" else frame.drop(columns="cluster")
    return design_of(
        moments_from(frame, (outcome,), pairs=level == "worker", bins=(outcome,) if bins else (), traits=traits), outcome, level
    )


def answer_from(frame: pd.DataFrame, folder: Path, suffix: str = ".csv", **request: Any) -> Answer:
    """Write a frame to a file and estimate from that file, as the command line does."""
    file = folder / f"panel{suffix}"
    if suffix == ".csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    columns = {"month": "month", "first_covered": "first_covered", "outcome": "income", "unit": "unit", "worker": "worker"}
    return estimate_file(Request(file=file, **{**columns, **request}))
