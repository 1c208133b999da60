"""Two-way fixed effects equal R `fixest` 0.14.2: coefficient, clustered errors, p-value, interval, homoskedastic errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact.estimate import twfe
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

EXACT = 1e-8


def regress(file: Path, weights: str | None, cluster: str) -> Estimate:
    columns = {"month": "month", "first_covered": "g", "outcome": "y", "transform": "log", "unit": "city", "worker": "worker"}
    return estimate_file(Request(file=file, **columns, weights=weights, cluster=cluster, estimator="twfe")).estimate


@pytest.fixture(scope="module")
def regressions(reference):
    """Every regression on panel a once, by weights and cluster."""
    file = reference / "data" / "panel_a.csv"
    return {(weights, cluster): regress(file, weights, cluster) for weights in (None, "w") for cluster in ("city", "worker")}


CASES = pytest.mark.parametrize(("case", "weights"), [("twfe", None), ("twfe_weighted", "w")])


def test_minimum_wage_regression_equals_fixest(reference, expected):
    numbers = expected("mpdta_fixest")["twfe"]
    columns = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal", "worker": "countyreal"}
    estimate = estimate_file(Request(file=reference / "data" / "mpdta.csv", **columns, estimator="twfe")).estimate
    assert estimate.values[0] == pytest.approx(numbers["coef"], rel=EXACT)
    assert estimate.errors.std_error[0] == pytest.approx(numbers["se"], rel=EXACT)


@pytest.mark.parametrize("cluster", ["city", "worker"])
@CASES
def test_coefficient_and_clustered_error_equal_fixest(case, weights, cluster, regressions, expected):
    numbers, estimate = expected("panel_a_fixest")["results"][case], regressions[weights, cluster]
    assert estimate.values[0] == pytest.approx(numbers["estimates"], rel=EXACT)
    assert estimate.errors.std_error[0] == pytest.approx(numbers[f"se_cluster_{cluster}"], rel=EXACT)


@CASES
def test_without_its_factor_the_error_is_the_plain_sum_over_clusters(case, weights, regressions, expected):
    numbers, estimate = expected("panel_a_fixest")["results"][case], regressions[weights, "city"]
    assert estimate.errors.std_error[0] / estimate.correction**0.5 == pytest.approx(numbers["se_cluster_city_noSSC"], rel=EXACT)


@CASES
def test_p_value_and_interval_use_t_with_one_less_than_the_clusters(case, weights, regressions, expected):
    numbers, row = expected("panel_a_fixest")["results"][case], regressions[weights, "city"].tidy(0.95).iloc[0]
    assert row["p_value"] == pytest.approx(numbers["pvalue_cluster_city"], rel=1e-6)
    assert [row["conf_low"], row["conf_high"]] == pytest.approx(numbers["ci_cluster_city"], rel=EXACT)


@CASES
def test_homoskedastic_error_equals_fixest(case, weights, regressions, expected):
    numbers = expected("panel_a_fixest")["results"][case]
    estimate = twfe.fit(regressions[weights, "city"].design, twfe.Options(errors="homoskedastic"))
    assert estimate.errors.std_error[0] == pytest.approx(numbers["se_iid"], rel=1e-6)
