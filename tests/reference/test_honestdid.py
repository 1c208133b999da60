"""Intervals under bounds on how trends part equal those of R `HonestDiD`."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from impact.infer.honest.intervals import breakdown, intervals
from impact.infer.honest.path import EventPath, event_path
from impact.infer.honest.relative_magnitudes import Grid, default_grid

STEPS = 2
"""Points of the grid by which R may differ: it simulates its critical value with 1,000 draws, whose standard error of 0.15 moves an end by up to three points; ours is exact."""
CASES = ("BC_first", "BC_avg")


def path_of(case: dict[str, object]) -> EventPath:
    return event_path(np.array(case["betahat"]), np.array(case["sigma"]), int(str(case["numPrePeriods"])), np.array(case["l_vec"]))


@pytest.mark.parametrize("name", CASES)
def test_relative_magnitudes_are_those_of_r_on_its_own_grid(expected, name):
    case = expected("honestdid_bcdata")["results"][name]
    path = path_of(case)
    grid = default_grid(path, case["relmag_gridPoints"])
    assert_on_grid(path, case["relmag_C-LF"], grid)


@pytest.mark.parametrize("name", CASES)
def test_relative_magnitudes_are_those_of_r_on_a_grid_that_cuts_nothing_off(expected, name):
    path, wide = path_of(expected("honestdid_bcdata")["results"][name]), expected("honestdid_wide_bcdata")["results"][name]
    grid = Grid(wide["grid.lb"], wide["grid.ub"], wide["gridPoints"])
    assert_on_grid(path, wide["relmag_C_LF"], grid)
    exact = intervals(path, "relative_magnitudes", [row["Mbar"] for row in wide["relmag_C_LF"]])
    for found, row in zip(exact, wide["relmag_C_LF"], strict=True):
        assert not found.truncated
        assert_allclose([found.low, found.high], [row["lb"], row["ub"]], atol=STEPS * (grid.high - grid.low) / (grid.points - 1))


def assert_on_grid(path: EventPath, rows: list[dict[str, float]], grid: Grid) -> None:
    found = intervals(path, "relative_magnitudes", [row["Mbar"] for row in rows], grid=grid)
    tolerance = (STEPS + 1e-6) * (grid.high - grid.low) / (grid.points - 1)
    for ours, theirs in zip(found, rows, strict=True):
        assert_allclose([ours.low, ours.high], [theirs["lb"], theirs["ub"]], atol=tolerance)
        assert ours.truncated is (abs(theirs["ub"] - grid.high) < 1e-9 or abs(theirs["lb"] - grid.low) < 1e-9)


@pytest.mark.parametrize("name", CASES)
def test_smoothness_intervals_are_those_of_r_to_its_solver(expected, name):
    case = expected("honestdid_bcdata")["results"][name]
    rows = case["smoothness_FLCI"]
    found = intervals(path_of(case), "smoothness", [row["M"] for row in rows])
    assert_allclose([[each.low, each.high] for each in found], [[row["lb"], row["ub"]] for row in rows], atol=1e-4)


def test_without_bends_the_smoothness_interval_is_the_one_checked_by_hand(expected):
    (found,) = intervals(path_of(expected("honestdid_bcdata")["results"]["BC_first"]), "smoothness", [0.0])
    assert_allclose([found.low, found.high], [0.131459, 0.216121], atol=2e-6)


MEDICAID = (-0.528535, -1.12973, -0.267599, -0.141931, 0.0339664, 4.64469, 6.92062)
"""Insured share in states that expanded Medicaid in 2014 against those that had not by 2015, in per cent, by year 2008–2012, 2014, 2015; base 2013."""
MEDICAID_COVARIANCE = (
    (74.8848,),
    (60.3987, 72.665),
    (44.4462, 37.8933, 50.5205),
    (33.8576, 28.6658, 26.7368, 40.0322),
    (43.2801, 45.4332, 27.7819, 24.1286, 54.6266),
    (47.6588, 44.2885, 30.6064, 23.8087, 36.8253, 83.7567),
    (24.2513, 28.2466, 9.63753, 2.92388, 9.72295, 63.214, 107.124),
)
"""Its covariance clustered by state, lower triangle, times 1e6 for the share."""


def medicaid() -> EventPath:
    size = len(MEDICAID)
    lower = np.zeros((size, size))
    lower[np.tril_indices(size)] = [value for row in MEDICAID_COVARIANCE for value in row]
    sigma = (lower + lower.T - np.diag(np.diag(lower))) * 1e-6
    return event_path(np.array(MEDICAID) / 100, sigma, 5, [1.0, 0.0])


def test_medicaid_is_not_robust_to_twice_the_parting_of_trends_as_the_readme_of_honestdid_prints():
    path = medicaid()
    found = intervals(path, "relative_magnitudes", [0.5, 1.0, 1.5, 2.0], grid=default_grid(path))
    printed = [[0.0241, 0.0673], [0.0171, 0.0720], [0.00859, 0.0796], [-0.00107, 0.0883]]
    assert_allclose([[each.low, each.high] for each in found], printed, atol=1e-3)
    assert found[-1].low < 0
    assert breakdown(path, "relative_magnitudes").bound == pytest.approx(1.95, abs=0.05)


def test_medicaid_under_smoothness_is_as_the_readme_of_honestdid_prints():
    found = intervals(medicaid(), "smoothness", [0.0, 0.01, 0.02, 0.03, 0.05])
    printed = [[0.0259, 0.0607], [0.0132, 0.0787], [0.00286, 0.0907], [-0.00714, 0.101], [-0.0271, 0.121]]
    assert_allclose([[each.low, each.high] for each in found], printed, atol=3e-4)
