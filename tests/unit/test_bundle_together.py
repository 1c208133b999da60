"""Samples that leave together: rules see percentages as shares, and no second sample gives away what the first one holds back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from impact.errors import DataError
from impact.moments.compress import Parts, compress
from impact.moments.disclose.disclose import disclose
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Moments
from impact.run.bundle.together import disclose_together
from impact.sources.engine import connect, register

KEY = b"sixteen bytes or more, and secret"


def leavers(factor: float, without: int = 0) -> Moments:
    """Unequal units, late entrants, deleted rows and a month without anybody; who leaves is written as 0 or `factor`."""
    generator = np.random.default_rng(5)
    rows = [
        (f"u{unit}", f"{unit}-{worker}", month, factor * (generator.random() < 0.1))
        for unit in range(6)
        for worker in range(6 + 12 * unit)
        for month in range(int(generator.integers(0, 4)), 9)
    ]
    table = pd.DataFrame(rows, columns=["unit", "worker", "month", "left"]).assign(first_covered=np.nan)
    table.loc[table["unit"].isin(["u1", "u4"]), "first_covered"] = 5.0
    table = table[(generator.random(len(table)) > 0.05) & (table["month"] != 6)]
    table = table[~((table["unit"] == "u4") & table["worker"].isin([f"4-{worker}" for worker in range(without)]))]
    return compress(register(connect(), "rows", table), ["left"], "month", Parts(pairs=True, patterns=True))


def test_percentages_are_treated_as_the_shares_that_they_are() -> None:
    shares, percent = leavers(1.0), leavers(100.0)
    alone = disclose(shares, Rules(), KEY).moments
    found = disclose_together({"main": percent}, Rules(), KEY, "main", ["left"])["main"].moments
    np.testing.assert_allclose(found.array("left", "wy"), 100 * alone.array("left", "wy"), rtol=1e-12)
    np.testing.assert_allclose(found.array("left", "wy2"), 1e4 * alone.array("left", "wy2"), rtol=1e-12)
    assert (np.round(found.array("left", "wy") / 100, 9) % 1 == 0).all()  # counts of those who left
    assert found.pairs is not None and alone.pairs is not None
    months = len(found.months)
    np.testing.assert_allclose(found.pairs["left"][:, :months, :months], 1e4 * alone.pairs["left"][:, :months, :months], atol=1e-6)
    np.testing.assert_allclose(found.pairs["left"][:, :months, months:], 1e2 * alone.pairs["left"][:, :months, months:], atol=1e-6)
    np.testing.assert_allclose(found.pairs["left"][:, months:, months:], alone.pairs["left"][:, months:, months:], atol=1e-6)
    assert found.patterns is not None and alone.patterns is not None
    np.testing.assert_allclose(found.patterns["left"].total, 100 * alone.patterns["left"].total, atol=1e-6)
    np.testing.assert_allclose(found.patterns["left"].between, 1e4 * alone.patterns["left"].between, atol=1e-6)


def test_a_second_sample_of_nearly_the_same_workers_does_not_show_the_cells_in_which_they_differ() -> None:
    whole, fewer = (replace(leavers(100.0, without), pairs=None, patterns=None) for without in (0, 3))
    disclosed = disclose_together({"other": fewer, "main": whole}, Rules(), KEY, "main", ["left"])
    assert list(disclosed) == ["main", "other"]
    other = disclosed["other"].moments.cells
    assert (disclosed["main"].moments.cells["unit"] == "u4").any()
    near = fewer.cells.merge(whole.cells, on=["unit", "month", "outcome"])
    near = near[(near["n_x"] != near["n_y"])]
    assert len(near) > 4
    assert other.merge(near[["unit", "month"]], on=["unit", "month"]).empty
    assert set(other["unit"]) & {"u3", "u5"}  # units in which they do not differ are there


def test_a_sample_of_which_nothing_may_leave_is_left_out_unless_it_is_the_first() -> None:
    whole = replace(leavers(100.0), pairs=None, patterns=None)
    tiny = replace(whole, cells=whole.cells[whole.cells["unit"] == "u0"].reset_index(drop=True))
    assert list(disclose_together({"main": whole, "tiny": tiny}, Rules(), KEY, "main", ["left"])) == ["main"]
    with pytest.raises(DataError, match="nothing is left to release"):
        disclose_together({"main": tiny, "whole": whole}, Rules(), KEY, "main", ["left"])
