"""Two-way fixed effects, event studies and Sun–Abraham equal R `fixest` 0.14.2: coefficients, errors, p-values, intervals, averages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from impact.estimate import twfe
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

EXACT = 1e-8


def regress(file: Path, weights: str | None, cluster: str, estimator: str = "twfe", **options: str) -> Estimate:
    columns = {"month": "month", "first_covered": "g", "outcome": "y", "transform": "log", "unit": "city", "worker": "worker"}
    return estimate_file(Request(file=file, **columns, weights=weights, cluster=cluster, estimator=estimator, options=options)).estimate


def minimum_wage(file: Path, estimator: str) -> Estimate:
    columns = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal", "worker": "countyreal"}
    return estimate_file(Request(file=file, **columns, estimator=estimator)).estimate


def assert_equals(estimate: Estimate, rows: list[dict[str, Any]]) -> None:
    """Compare with R's table; averages over time here have one more row, their mean."""
    table = estimate.tidy().iloc[: len(rows)]
    assert len(table) == len(rows) >= len(estimate.terms) - 1
    assert_allclose(table["estimate"], [row["estimate"] for row in rows], rtol=EXACT, atol=1e-10)
    assert_allclose(table["std_error"], [row["se"] for row in rows], rtol=EXACT)


def in_order(rows: list[dict[str, Any]]) -> list[int]:
    """Sort `month::E:cohort::G` by cohort and month."""
    names = [row["term"].replace(":cohort", "").split("::")[1:] for row in rows]
    return sorted(range(len(rows)), key=lambda place: (int(names[place][1]), int(names[place][0])))


@pytest.fixture(scope="module")
def regressions(reference):
    """Every regression on panel a once, by weights and cluster."""
    file = reference / "data" / "panel_a.csv"
    return {(weights, cluster): regress(file, weights, cluster) for weights in (None, "w") for cluster in ("city", "worker")}


CASES = pytest.mark.parametrize(("case", "weights"), [("twfe", None), ("twfe_weighted", "w")])


def test_minimum_wage_regression_equals_fixest(reference, expected):
    numbers, estimate = expected("mpdta_fixest")["twfe"], minimum_wage(reference / "data" / "mpdta.csv", "twfe")
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


@pytest.mark.parametrize("cluster", ["city", "worker"])
def test_effects_of_cities_instead_of_workers_equal_fixest(cluster, reference, expected):
    numbers = expected("panel_a_fixest")["results"]["twfe_cityfe"]
    estimate = regress(reference / "data" / "panel_a.csv", None, cluster, effects="unit")
    assert len(estimate.design.units) == 40
    assert estimate.values[0] == pytest.approx(numbers["estimates"], rel=EXACT)
    assert estimate.errors.std_error[0] == pytest.approx(numbers[f"se_cluster_{cluster}"], rel=EXACT)
    plain = twfe.fit(estimate.design, twfe.Options(effects="unit", errors="homoskedastic"))
    assert plain.errors.std_error[0] == pytest.approx(numbers["se_iid"], rel=1e-6)


@pytest.mark.parametrize("cluster", ["city", "worker"])
def test_event_study_equals_fixest(cluster, reference, expected):
    numbers = expected("panel_a_fixest")["results"]["event_study_twfe"][f"cluster_{cluster}"]
    estimate = regress(reference / "data" / "panel_a.csv", None, cluster, "event_study")
    assert [f"rel::{term.event_time}" for term in estimate.terms] == [row["term"] for row in numbers]
    assert_equals(estimate, numbers)


def test_minimum_wage_interactions_equal_fixest(reference, expected):
    numbers, estimate = expected("mpdta_fixest")["sunab"], minimum_wage(reference / "data" / "mpdta.csv", "sun_abraham")
    assert_equals(estimate, [numbers["raw"][place] for place in in_order(numbers["raw"])])
    for by, name in (("simple", "att"), ("event_time", "event"), ("cohort", "cohort")):
        assert_equals(aggregate(estimate, by), numbers[name])


@pytest.mark.parametrize(("case", "weights"), [("sunab", None), ("sunab_weighted", "w")])
def test_interactions_and_their_averages_equal_fixest(case, weights, reference, expected):
    numbers, file = expected("panel_a_fixest")["results"][case], reference / "data" / "panel_a.csv"
    by_city, by_worker = (regress(file, weights, cluster, "sun_abraham") for cluster in ("city", "worker"))
    order = in_order(numbers["raw_city"])
    assert_equals(by_city, [numbers["raw_city"][place] for place in order])
    assert_allclose(by_city.errors.covariance, np.array(numbers["vcov_event_city"])[np.ix_(order, order)], rtol=1e-6, atol=1e-12)
    assert_equals(aggregate(by_city, "cohort"), numbers["cohort_city"])
    for estimate, cluster in ((by_city, "city"), (by_worker, "worker")):
        assert_equals(aggregate(estimate, "simple"), numbers[f"att_{cluster}"])
        assert_equals(aggregate(estimate, "event_time"), numbers[f"event_{cluster}"])
    plain = aggregate(by_city, "event_time").tidy()["std_error"].iloc[:-1] / by_city.correction**0.5
    assert_allclose(plain, [row["se"] for row in numbers["event_city_noSSC"]], rtol=EXACT)
