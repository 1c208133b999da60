"""CR2 by shares of means is CR2 by matrices of rows, and its degrees of freedom are those of Bell and McCaffrey, and of Welch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from clusters import NEVER, shocked_design
from impact.estimate import ESTIMATORS, att_gt
from impact.infer.aggregate import aggregate
from impact.infer.inference import inference_table
from impact.infer.small_sample import Options, cr1, cr2
from impact.moments.moments import Floats
from panels import design_from

NEVER_COVERED = att_gt.Options(comparison="never")


def cell_names(rows: pd.DataFrame) -> pd.Series:
    return rows["first_covered"].fillna(0).astype(int).astype(str) + "/" + rows["month"].astype(int).astype(str)


def cr2_by_rows(rows: pd.DataFrame, loading: dict[str, float]) -> tuple[float, float, float]:
    """Estimate, CR2 error and Bell–McCaffrey degrees of freedom of least squares on cohort × month dummies, with the matrices of the textbook."""
    names, cell = np.unique(cell_names(rows), return_inverse=True)
    x = np.eye(len(names))[cell]
    y, clusters = rows["income"].to_numpy(), rows["cluster"].to_numpy()
    direction = np.array([loading.get(name, 0.0) for name in names])
    bread = np.linalg.inv(x.T @ x)
    residual, hat = y - x @ (bread @ x.T @ y), x @ bread @ x.T
    scores, loadings = [], []
    for name in np.unique(clusters):
        own = clusters == name
        adjusted = symmetric_root(np.eye(own.sum()) - hat[np.ix_(own, own)]) @ x[own] @ bread @ direction
        scores.append(adjusted @ residual[own])
        loadings.append((np.eye(len(y)) - hat)[:, own] @ adjusted)
    spread = np.array(loadings) @ np.array(loadings).T
    return float(direction @ bread @ x.T @ y), float(np.linalg.norm(scores)), float(np.trace(spread) ** 2 / (spread**2).sum())


def symmetric_root(matrix: Floats) -> Floats:
    """Inverse of the symmetric square root."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors @ np.diag(values**-0.5) @ vectors.T)


def att(cohort: int, month: int, base: int, factor: float = 1.0) -> dict[str, float]:
    return {f"{cohort}/{month}": factor, f"{cohort}/{base}": -factor, f"0/{month}": -factor, f"0/{base}": factor}


@pytest.fixture(scope="module")
def rows(nasty) -> pd.DataFrame:
    """The panel without weights, as least squares has none."""
    return nasty.drop(columns="weight")


@pytest.mark.parametrize(("cohort", "month", "base"), [(5, 5, 4), (5, 12, 4), (8, 10, 7), (8, 3, 2)])
def test_cr2_of_an_effect_equals_least_squares_on_rows(cohort, month, base, rows):
    estimate = att_gt.fit(design_from(rows), NEVER_COVERED)
    place = [(term.cohort, term.month) for term in estimate.terms].index((cohort, month))
    found = cr2(estimate, options=Options("rows"))
    value, error, freedom = cr2_by_rows(rows, att(cohort, month, base))
    assert_allclose((found.estimate[place], found.std_error[place]), (value, error), rtol=1e-9)
    assert found.degrees_of_freedom is not None
    assert_allclose(found.degrees_of_freedom[place], freedom, rtol=1e-9)
    assert_allclose(found.p_value[place], 2 * stats.t.sf(abs(value / error), freedom), rtol=1e-8)


def test_cr2_of_an_average_equals_least_squares_on_rows(rows):
    estimate = att_gt.fit(design_from(rows), NEVER_COVERED)
    found = cr2(estimate, "cohort", options=Options("rows"))
    loading: dict[str, float] = {}
    for month in range(5, 13):
        for name, factor in att(5, month, 4, 1 / 8).items():
            loading[name] = loading.get(name, 0.0) + factor
    value, error, freedom = cr2_by_rows(rows, loading)
    assert found.degrees_of_freedom is not None
    assert_allclose((found.estimate[0], found.std_error[0], found.degrees_of_freedom[0]), (value, error, freedom), rtol=1e-9)


@pytest.mark.parametrize(("covered", "never"), [(2, 9), (4, 4), (10, 30)])
def test_with_equal_clusters_and_two_months_it_is_the_test_of_welch(covered, never):
    estimate = att_gt.fit(shocked_design([2] * covered + [NEVER] * never, [30.0] * (covered + never), seed=covered, months=2))
    found = cr2(estimate)
    means = estimate.design.total / estimate.design.weight
    moved, stayed = np.split(means[:, 1] - means[:, 0], [covered])
    assert_allclose(found.std_error[0], np.sqrt(moved.var(ddof=1) / covered + stayed.var(ddof=1) / never))
    welch = (1 / covered + 1 / never) ** 2 / (1 / (covered**2 * (covered - 1)) + 1 / (never**2 * (never - 1)))
    assert found.degrees_of_freedom is not None
    assert_allclose(found.degrees_of_freedom, welch)


def test_cr1_is_the_plain_error_times_g_over_g_minus_one(nasty):
    estimate = aggregate(att_gt.fit(design_from(nasty)), "event_time")
    found = cr1(estimate)
    assert_allclose(found.std_error, estimate.errors.std_error * np.sqrt(12 / 11))
    assert_allclose(found.conf_high - found.estimate, stats.t.ppf(0.975, 11) * found.std_error)


def test_cr1_keeps_the_factor_of_the_estimator(nasty):
    estimate = ESTIMATORS["twfe"].fit(design_from(nasty))
    assert_allclose(cr1(estimate).std_error, estimate.errors.std_error)


def test_a_cohort_of_one_cluster_is_named_as_having_no_error_of_its_own():
    estimate = att_gt.fit(shocked_design([4, 4, 4, 5] + [NEVER] * 12, [20.0] * 16, seed=2))
    found = cr2(estimate)
    assert "in 5 effects the covered or the compared are one cluster" in found.notes[0].en and "5个效应" in found.notes[0].zh
    assert np.isfinite(inference_table(found)[["std_error", "p_value"]]).all(axis=None)


@pytest.mark.parametrize(("working", "most"), [("rows", 13), ("shocks", 4)])
def test_degrees_of_freedom_fall_where_one_cluster_dominates(working, most):
    sizes, options = [10.0] * 24, Options(working)
    equal = cr2(att_gt.fit(shocked_design([4] * 12 + [NEVER] * 12, sizes, seed=3)), "simple", options=options).degrees_of_freedom
    sizes[0] = 1000.0
    unequal = cr2(att_gt.fit(shocked_design([4] * 12 + [NEVER] * 12, sizes, seed=3)), "simple", options=options).degrees_of_freedom
    assert equal is not None and unequal is not None
    assert equal[0] == pytest.approx(22) and unequal[0] < most


def test_a_uniform_band_is_wider_than_intervals_and_leaves_out_the_overall_mean(nasty):
    found = cr2(att_gt.fit(design_from(nasty)), "event_time")
    assert found.band_reach is not None
    assert (found.band_reach[:-1] > (found.conf_high - found.estimate)[:-1]).all() and np.isnan(found.band_reach[-1])


def test_cr2_covers_at_its_rate_where_plain_errors_do_not():
    held = np.zeros(2)
    sizes = np.random.default_rng(0).lognormal(3, 1, 30).round() + 3
    for seed in range(300):
        estimate = att_gt.fit(shocked_design([3] * 6 + [NEVER] * 24, sizes, seed, months=3, worker_noise=1.0))
        plain, careful = estimate.tidy().iloc[-1], inference_table(cr2(estimate)).iloc[-1]
        held += [table["conf_low"] <= 0 <= table["conf_high"] for table in (plain, careful)]
    assert held[0] / 300 < 0.90
    assert 0.92 < held[1] / 300 < 0.98
