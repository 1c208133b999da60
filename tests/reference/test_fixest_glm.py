"""Ratios and hazards equal R `fixest` 0.14.2 (fepois, feglm) and `etwfe` 0.6.0 (family poisson, emfx).

Points agree to 1e-10. Errors agree to some 3e-7: fixest takes regressors out of effects by steps that stop at 1e-6, `marginaleffects` differentiates by
finite steps; a dense regression, without either, agrees to 1e-9 (tests/unit/test_etwfe_glm.py). Models with covariates, which the estimators do not take,
are met by the dense regression, so that it may stand for R there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from dense_glm import dense_glm, dummies
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

POINTS, ERRORS = 1e-10, 1e-6


@pytest.fixture(scope="module")
def fit(reference):
    """Fit an estimator to panel a."""

    def fit(cluster: str = "city", by: str = "none", **options: str) -> Estimate:
        columns = {"month": "month", "first_covered": "g", "outcome": "y", "unit": "city", "worker": "worker", "cluster": cluster}
        request = Request(file=reference / "data" / "panel_a.csv", **columns, estimator="etwfe_poisson", options=options)
        return aggregate(estimate_file(request).estimate, by)

    return fit


def assert_equal(estimate: Estimate, rows: list[dict[str, float]]) -> None:
    count = len(rows)
    assert_allclose(estimate.values[:count], [row["estimate"] for row in rows], rtol=POINTS)
    assert_allclose(estimate.errors.std_error[:count], [row["se"] for row in rows], rtol=ERRORS)


@pytest.mark.parametrize("cluster", ["city", "worker"])
def test_one_ratio_with_effects_of_workers_equals_fepois(cluster, fit, expected):
    estimate = fit(cluster, effects="worker", differ="no", scale="log")
    assert_equal(estimate, expected("panel_a_fixest")["results"]["fepois_y"][f"cluster_{cluster}"])
    if cluster == "city":
        without = expected("panel_a_fixest")["results"]["fepois_y"]["cluster_city_noSSC"][0]["se"]
        assert estimate.errors.std_error[0] / estimate.correction**0.5 == pytest.approx(without, rel=ERRORS)


def test_ratios_by_event_time_with_effects_of_workers_equal_fepois_with_sunab(fit, expected):
    numbers = expected("panel_a_fixest")["results"]["fepois_sunab"]
    asked = {"effects": "worker", "comparison": "never", "scale": "log"}
    path = fit(by="event_time", **asked)
    assert [f"month::{term.event_time}" for term in path.terms[:-1]] == [row["term"] for row in numbers["event_city"]]
    assert_equal(path, numbers["event_city"])
    assert_equal(fit(by="simple", **asked), numbers["att_city"])


@pytest.mark.parametrize(("scale", "case"), [("response", "simple"), ("log", "simple_link")])
def test_the_average_effect_equals_etwfe(scale, case, fit, expected):
    assert_equal(fit(by="simple", scale=scale), expected("panel_a_etwfe")["results"]["poisson_notyet"][case])


@pytest.mark.parametrize(("case", "link", "fixed"), [("fepois_exit", "log", "city"), ("feglm_cloglog_exit", "cloglog", None)])
def test_the_dense_regression_that_stands_for_r_equals_it(case, link, fixed, reference, expected):
    rows = pd.read_csv(reference / "data" / "panel_a.csv")
    covered = ((rows["g"] > 0) & (rows["month"] >= rows["g"])).to_numpy(dtype=float)
    regressors = [covered[:, None], rows[["x1"]].to_numpy(dtype=float), dummies(rows["x2"], drop_first=True)]
    effects = [dummies(rows["month"]), *([dummies(rows[fixed], drop_first=True)] if fixed else [])]
    fitted = dense_glm(rows["exit"].to_numpy(dtype=float), np.hstack([*regressors, *effects]), link)
    numbers = expected("panel_a_fixest")["results"][case]["cluster_city"]
    slopes, cities = len(numbers), rows["city"].nunique()
    factor = cities / (cities - 1) * (len(rows) - 1) / (len(rows) - slopes - rows["month"].nunique())
    assert_allclose(fitted.coefficients[:slopes], [row["estimate"] for row in numbers], rtol=3e-8)
    assert_allclose(fitted.std_errors(rows["city"], factor)[:slopes], [row["se"] for row in numbers], rtol=ERRORS)
