"""What two bundles tell together that neither tells alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from impact.moments.change import restrict
from impact.moments.disclose.disclose import disclose
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Moments
from panels import moments_from, turnover_panel

KEY = b"stays with the rows"
RULES = Rules()


def guesses(size: int, rules: Rules, tries: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Let an attacker who knows the exact counts subtract a bundle without one worker from a bundle with; give guesses and truths in standard deviations."""
    generator = np.random.default_rng(11)
    frame = pd.DataFrame({"unit": np.repeat([f"u{place:03d}" for place in range(tries)], size)})
    rows = frame.merge(pd.DataFrame({"month": [1, 2]}), how="cross")
    rows["worker"] = [f"w{place}" for place in np.repeat(np.arange(len(frame)), 2)]
    rows["income"] = generator.normal(100, 10, len(rows))
    victims = ~rows["worker"].isin(rows.groupby("unit")["worker"].first())
    both = [array_of(disclose(moments_from(part, ("income",)), rules, KEY).moments) for part in (rows, rows[victims])]
    guessed = size * both[0] - (size - 1) * both[1]
    truth = rows[~victims].set_index(["unit", "month"])["income"].to_numpy().reshape(tries, 2)
    return (guessed.ravel() - 100) / 10, (truth.ravel() - 100) / 10


def array_of(moments: Moments) -> np.ndarray:
    weight = moments.array("income", "w")
    return moments.array("income", "wy") / np.where(weight > 0, weight, np.nan)


@pytest.mark.parametrize("size", [12, 60])
def test_subtracting_a_bundle_without_one_worker_guesses_the_worker_within_no_less_than_a_standard_deviation(size):
    guessed, truth = guesses(size, RULES)
    assert (guessed - truth).std() > 1.0
    assert np.corrcoef(guessed, truth)[0, 1] < 0.8


def test_without_the_drawn_worker_the_same_subtraction_gives_the_worker_exactly():
    guessed, truth = guesses(12, replace(RULES, drawn=False))
    assert np.abs(guessed - truth).max() < 1e-6


def test_a_month_more_leaves_the_cells_of_the_others_as_they_are_so_that_asking_again_averages_nothing():
    moments = moments_from(turnover_panel((40, 70, 120), 1), ("income", "left"), pairs=True)
    shorter = restrict(moments, months=moments.months[:-1])
    keys = ["unit", "month", "outcome"]
    first, second = (disclose(held, RULES, KEY).moments.cells for held in (moments, shorter))
    shared = first.merge(second, on=keys, suffixes=("", "_again"))
    assert len(shared) == len(second)
    for name in ("n", "w", "w2", "wy", "wy2"):
        assert shared[name].equals(shared[f"{name}_again"])


def test_a_sample_that_differs_by_few_workers_from_one_already_out_is_withheld_where_it_does():
    frame = turnover_panel((40, 70, 120), 2)
    gone = set(frame.loc[frame["unit"] == "u1", "worker"].unique()[:4])
    whole, variant = (moments_from(part, ("income",), patterns=True) for part in (frame, frame[~frame["worker"].isin(gone)]))
    found = disclose(variant, RULES, KEY, released=[whole])
    assert set(found.moments.cells["unit"]) == {"u0", "u2"}
    assert "difference" in set(found.statement.table["rule"])
    assert set(disclose(variant, RULES, KEY).moments.cells["unit"]) == {"u0", "u1", "u2"}
    same = disclose(whole, RULES, KEY, released=[whole])
    pd.testing.assert_frame_equal(same.moments.cells, disclose(whole, RULES, KEY).moments.cells)


def test_a_month_more_does_not_split_few_leavers_off_an_earlier_pattern():
    workers = pd.DataFrame({"worker": [f"w{place}" for place in range(120)], "unit": np.repeat(["u0", "u1", "u2"], 40)})
    frame = workers.merge(pd.DataFrame({"month": range(1, 6)}), how="cross")
    frame["income"] = np.random.default_rng(1).normal(100, 10, len(frame))
    longer = moments_from(frame[~(frame["worker"].isin(["w40", "w41", "w42", "w43"]) & (frame["month"] == 5))], ("income",), patterns=True)
    shorter = moments_from(frame[frame["month"] < 5], ("income",), patterns=True)
    both = disclose(longer, RULES, KEY, released=(shorter,)).moments.patterns["income"]
    assert (both.unit.tolist(), both.names()) == ([0, 2], ["11111", "11111"])


def test_a_unit_joined_with_a_small_one_is_the_limit_of_the_rules():
    """Units cut anew are compared by nobody: the joined unit less the large one is the small one, up to two drawn workers."""
    frame = turnover_panel((40, 70, 6), 4, turnover=0.0)
    joined = frame.assign(unit=frame["unit"].replace({"u2": "u1"}))
    joined["first_covered"] = joined["unit"].map({"u0": np.nan, "u1": 3.0})
    first, second = (disclose(moments_from(part, ("income",)), RULES, KEY).moments for part in (frame, joined))
    assert "u2" not in first.units.index
    small = frame[frame["unit"] == "u2"].groupby("month")["income"].sum()
    large = frame[frame["unit"] == "u1"].groupby("month").size()
    totals = [array_of(held)[held.units.index.get_loc("u1")] for held in (first, second)]
    found = totals[1] * (large + frame[frame["unit"] == "u2"].groupby("month").size()) - totals[0] * large
    spread = frame["income"].std()
    assert 0.3 * spread < np.abs(found - small).mean() < 3 * spread
