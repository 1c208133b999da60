"""Whole runs, made once and looked at by many tests."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.run.run import Run, run_study

ROOT = Path(__file__).parents[2]
NLS = ROOT / "studies" / "nls-bargaining.yaml"


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def nls_run(reports: Path) -> Run:
    return run_study(NLS, ROOT / "data", reports, notebooks=ROOT / "notebooks")


@pytest.fixture(scope="session")
def own_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study as the README tells newcomers to write it, with a panel in which the agreement is worth 150 yuan a month."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "data").mkdir()
    text = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert text
    study = folder / "my-agreement.yaml"
    study.write_text(text.group(1), encoding="utf-8")
    driver_months().to_csv(folder / "data" / "platform_months.csv", index=False)
    return study


def driver_months() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    rows = []
    for city in range(24):
        start = (None, 14, 18, 22)[city % 4]
        shock = np.cumsum(generator.normal(0, 20, 30))
        for driver in range(generator.integers(5, 25)):
            level, entry = generator.normal(5000, 800), generator.integers(0, 10)
            for month in range(entry, 30):
                effect = 150 if start is not None and month >= start else 0
                income = round(level + shock[month] + effect + generator.normal(0, 300), 2)
                rows.append((f"{city}-{driver}", _written(month), f"city {city}", "" if start is None else _written(start), income))
    return pd.DataFrame(rows, columns=["driver_id", "ym", "city", "agreement_month", "net"])


def _written(month: int) -> str:
    return f"{2023 + month // 12}-{month % 12 + 1:02d}"
