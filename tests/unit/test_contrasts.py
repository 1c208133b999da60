"""Contrasts that are spanned by a regression are those of their arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.contrast import CellContrast, SpanContrast, change, total
from impact.design.design import Design
from impact.estimate.parts.two_way import Regression, regress
from impact.infer.cluster import cluster_errors
from panels import design_from


def regression(design: Design, coarse: bool = False) -> Regression:
    """Effects of each cohort in each covered month."""
    cohorts = [5.0, 8.0, np.inf]
    kind = np.searchsorted(cohorts, np.where(np.isnan(design.cohort), np.inf, design.cohort))
    places = [(which, month) for which, cohort in enumerate(cohorts[:2]) for month, name in enumerate(design.months) if name >= cohort]
    regressors = np.zeros((len(places), 3, len(design.months)))
    for place, (which, month) in enumerate(places):
        regressors[place, which, month] = 1.0
    return regress(design, kind, regressors, group=kind if coarse else None)


def with_arrays(contrast: SpanContrast) -> CellContrast:
    return CellContrast(contrast.value, contrast.a, contrast.b, contrast.share)


@pytest.fixture(params=["unit", "worker", "pairs", "coarse"])
def fitted(request, nasty) -> Regression:
    unit = "worker" if request.param == "worker" else "unit"
    design = design_from(nasty, level="worker" if request.param == "pairs" else "cluster", unit=unit)
    return regression(design, request.param == "coarse")


def test_influence_and_value_are_those_of_the_arrays(fitted):
    for place in range(len(fitted.coefficients)):
        contrast = fitted.coefficient(place)
        assert_allclose(contrast.unit_influence(fitted.design), with_arrays(contrast).unit_influence(fitted.design), atol=1e-10)
        assert_allclose((contrast.a * fitted.design.total).sum(), contrast.value, atol=1e-9)


def test_sums_stay_in_the_span_and_mix_with_others(fitted):
    design = fitted.design
    one, other = fitted.coefficient(0), fitted.coefficient(3)
    both = total([one, other], [0.25, -2.0])
    assert isinstance(both, SpanContrast) and both.value == pytest.approx(0.25 * one.value - 2 * other.value)
    assert_allclose((one - other).a, one.a - other.a, atol=1e-12)
    plain = change(design, np.isnan(design.cohort), 1, 2)
    for mixed, sign in ((one + plain, 1.0), (plain + one, 1.0), (one - plain, -1.0)):
        assert isinstance(mixed, CellContrast)
        assert_allclose(mixed.b, one.b + sign * plain.b)
        assert mixed.value == pytest.approx(one.value + sign * plain.value)


def test_errors_and_counts_of_clusters_are_those_of_the_arrays(fitted):
    spanned = [fitted.coefficient(place) for place in range(4)]
    by_span, by_arrays = (cluster_errors(fitted.design, contrasts) for contrasts in (spanned, [with_arrays(one) for one in spanned]))
    assert_allclose(by_span.covariance, by_arrays.covariance, rtol=1e-8, atol=1e-12)
    assert (by_span.clusters, by_span.covered_clusters) == (by_arrays.clusters, by_arrays.covered_clusters)
    assert all(one.size(fitted.design) > 0 for one in spanned)


@pytest.mark.parametrize("effects", ["unit", "worker", "coarse"])
def test_a_regression_equals_least_squares_with_dummies(effects, nasty):
    unit = "worker" if effects == "worker" else "unit"
    found = regression(design_from(nasty, unit=unit), effects == "coarse")
    rows = nasty.assign(kind=nasty["first_covered"].fillna(99))
    covered = rows["month"] >= rows["first_covered"]
    cells = pd.get_dummies(rows["kind"].where(covered).astype(str) + "." + rows["month"].astype(str).str.zfill(2)).filter(regex="^[58]")
    held = pd.get_dummies(rows["kind"] if effects == "coarse" else rows[unit])
    columns = np.column_stack([cells, held, pd.get_dummies(rows["month"], drop_first=True)]).astype(float)
    ols = sm.WLS(rows["income"].to_numpy(), columns, weights=rows["weight"].to_numpy()).fit()
    assert_allclose(found.coefficients, ols.params[: cells.shape[1]], rtol=1e-8)
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    errors = cluster_errors(found.design, [found.coefficient(place) for place in range(cells.shape[1])]).std_error
    assert_allclose(errors, robust.bse[: cells.shape[1]], rtol=1e-7)


def test_regressors_that_others_explain_are_left_out_in_order(nasty):
    design = design_from(nasty)
    whole = regression(design)
    again = regress(
        design, whole.kind, np.concatenate([whole.regressors[:2], whole.regressors[:2].sum(axis=0, keepdims=True), whole.regressors[2:]])
    )
    assert again.kept.tolist() == [0, 1, *range(3, len(whole.regressors) + 1)]
    assert_allclose(again.coefficients, whole.coefficients, atol=1e-8)
