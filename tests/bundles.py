"""A study whose workers are named by phone numbers, and its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

STUDY = """
name: drivers
title: {en: What goes with the agreement?, zh: 协议之后有何不同？}
question: {en: By how much does pay differ after the agreement?, zh: 协议之后收入相差多少？}
synthetic: true
source: {file: drivers.csv, citation: made for a test}
period: month
columns: {worker: driver, month: month, unit: city, first_covered: agreed}
outcomes:
  - {name: pay, column: pay, kind: income, title: {en: Pay, zh: 收入}, unit: {en: yuan, zh: 元}}
coverage: {name: {en: the agreement, zh: 协议}, decided_by: agreement}
effects: {comparison: not_yet}
variants:
  - {name: never, title: {en: "Variant: never covered alone", zh: 变体：只与从未受覆盖者比较}, comparison: never}
benchmarks:
  - {name: two_way, title: {en: Two-way fixed effects, zh: 双向固定效应}, outcome: pay}
"""
CITIES, MONTHS, EMPTY = 24, 18, 7
EFFECT = 150


@dataclass(frozen=True)
class Home:
    folder: Path
    study: Path
    data: Path
    drivers: frozenset[str]
    names: frozenset[str]


def make_home(folder: Path) -> Home:
    """Write the study and its table: unequal cities, late entrants, 5 % of the rows deleted, a month without anybody, one absurd income."""
    rows = drivers()
    (folder / "data").mkdir(parents=True)
    rows.to_csv(folder / "data" / "drivers.csv", index=False)
    study = folder / "drivers.yaml"
    study.write_text(STUDY, encoding="utf-8")
    return Home(folder, study, folder / "data", frozenset(rows["driver"]), frozenset(rows["name"]))


def drivers() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    rows = []
    for city in range(CITIES):
        start = (None, 9, 11, 14)[city % 4]
        shock = np.cumsum(generator.normal(0, 30, MONTHS))
        for driver in range(int(generator.integers(12, 90))):
            phone, level, entry = f"138{city:02d}{driver:06d}", generator.normal(5000, 800), max(0, int(generator.integers(-8, 8)))
            for month in range(entry, MONTHS):
                effect = EFFECT if start is not None and month >= start else 0
                pay = round(level + shock[month] + effect + generator.normal(0, 300))
                rows.append(
                    (
                        phone,
                        f"王{'甲乙丙丁'[city % 4]}{driver}",
                        _written(month),
                        f"city {city}",
                        "" if start is None else _written(start),
                        pay,
                    )
                )
    table = pd.DataFrame(rows, columns=["driver", "name", "month", "city", "agreed", "pay"])
    table.loc[5, "pay"] = 2_000_000
    kept = (generator.random(len(table)) > 0.05) & (table["month"] != _written(EMPTY))
    return table[kept | (table.index == 5)].reset_index(drop=True)


def _written(month: int) -> str:
    return f"{2023 + month // 12}-{month % 12 + 1:02d}"
