"""The default world has the numbers that it is calibrated to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impact.simulate.calibration import Measure, gini, measures
from impact.simulate.world import load_world

DEFAULT = Path(__file__).parents[2] / "worlds" / "default.yaml"
MEASURES = measures(load_world(DEFAULT, scale=0.05, seed=7))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_the_default_world_has_what_it_is_calibrated_to(measure: Measure):
    assert measure.holds, f"{measure.measured:.4f} instead of {measure.target} ± {measure.tolerance:.4f}"


def test_the_tolerance_of_the_bins_is_one_of_sampling_error():
    bins = [measure for measure in MEASURES if measure.name.startswith("vehicle-days")]
    assert [measure.target for measure in bins] == [0.235, 0.203, 0.196, 0.366]
    assert all(measure.tolerance < 0.01 for measure in bins)


def test_another_world_than_the_calibrated_one_is_noticed():
    world = load_world(DEFAULT, scale=0.01)
    changed = world.work["ride_hail"].model_copy(update={"hazards": (world.work["ride_hail"].hazards[0],)})
    found = measures(world.model_copy(update={"work": {**world.work, "ride_hail": changed}}))
    assert [one.name for one in found if not one.holds and "ride-hail" in one.name]


@pytest.mark.parametrize(("values", "expected"), [([1, 1, 1, 1], 0.0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25)])
def test_gini_of_small_sets(values, expected):
    assert gini(np.array(values, dtype=float)) == pytest.approx(expected)
