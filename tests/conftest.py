"""What the tests share: the numbers from outside, and a panel with what breaks estimators."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from panels import worker_panel
from servers import postgres, spark

__all__ = ["postgres", "spark"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of the numbers from outside; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("IMPACT_REFERENCE") or ROOT.parent / "shared" / "reference")
    if not (folder / "expected").is_dir():
        pytest.skip("the reference numbers are not here (IMPACT_REFERENCE names their folder)")
    return folder


@pytest.fixture(scope="session")
def expected(reference: Path) -> Callable[[str], Any]:
    """Read one file of expected numbers."""
    return lambda name: json.loads((reference / "expected" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def nasty() -> pd.DataFrame:
    """Unbalanced worker panel with unequal clusters, late entrants, deleted rows and a month without anybody."""
    return worker_panel()


@pytest.fixture(scope="session")
def balanced() -> pd.DataFrame:
    """The same workers, all of them seen in every month."""
    return worker_panel(balanced=True)
