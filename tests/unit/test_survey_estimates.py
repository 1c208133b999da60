"""Estimates and their errors against slower ways, and the laws they keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DataError, EstimationError
from impact.survey.estimates import by_domain, contrast, means, ratio, shares, totals
from impact.survey.intervals import quantiles
from impact.survey.replicates import bootstrap, jackknife, replicated
from impact.survey.sample import sample_of, within


def people() -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = 120
    stratum, unit = np.arange(rows) % 3, np.arange(rows) // 3 % 8
    columns = {
        "stratum": stratum,
        "unit": [f"{s}-{u}" for s, u in zip(stratum, unit, strict=True)],
        "units": np.array([20, 40, 9])[stratum],
    }
    numbers = {"w": random.uniform(1, 6, rows), "y": random.normal(50, 9, rows) + unit, "x": random.uniform(1, 3, rows)}
    return pd.DataFrame({**columns, **numbers, "g": random.choice(["a", "b"], rows)})


@pytest.fixture(scope="module")
def sample():
    return sample_of(people(), weight="w", stratum="stratum", unit="unit", population="units")


def slow_variance(frame, linear):
    """Textbook sum over strata of (1 − f) n/(n − 1) Σ (unit sum − mean of sums)², in loops."""
    total = 0.0
    for _, stratum in frame.assign(linear=linear).groupby("stratum"):
        sums = [unit["linear"].sum() for _, unit in stratum.groupby("unit")]
        n, left_out = len(sums), 1 - len(sums) / stratum["units"].iloc[0]
        total += left_out * n / (n - 1) * sum((value - sum(sums) / n) ** 2 for value in sums)
    return total


def test_errors_equal_the_formula_of_the_book(sample):
    frame = people()
    mean = np.average(frame["y"], weights=frame["w"])
    assert_allclose(means(sample, ("y",)).covariance, slow_variance(frame, frame["w"] * (frame["y"] - mean) / frame["w"].sum()))
    assert_allclose(totals(sample, ("y",)).covariance, slow_variance(frame, frame["w"] * frame["y"]))
    share = (frame["w"] * frame["y"]).sum() / (frame["w"] * frame["x"]).sum()
    residual = frame["w"] * (frame["y"] - share * frame["x"]) / (frame["w"] * frame["x"]).sum()
    assert_allclose(ratio(sample, "y", "x").covariance, slow_variance(frame, residual))


def test_the_jackknife_of_a_total_is_the_linear_error(sample):
    values, covariance = replicated(sample, jackknife(sample), lambda some: totals(some, ("y", "x")).values)
    assert_allclose(values, totals(sample, ("y", "x")).values)
    assert_allclose(covariance, totals(sample, ("y", "x")).covariance)


def test_the_bootstrap_is_near_the_linear_error():
    plain = sample_of(people(), weight="w", stratum="stratum", unit="unit")
    drawn = bootstrap(plain, 1000)
    assert_allclose(drawn.factors.mean(axis=0), 1)
    _, covariance = replicated(plain, drawn, lambda some: [some.weights @ some.frame["y"] / some.weights.sum()])
    assert_allclose(np.sqrt(covariance), means(plain, ("y",)).errors[None], rtol=0.1)


def test_a_domain_mean_is_a_ratio_with_zeros_outside(sample):
    inside = (sample.frame["g"] == "a").astype(float)
    held = replace(sample, frame=sample.frame.assign(top=inside * sample.frame["y"], bottom=inside))
    other = ratio(held, "top", "bottom")
    domain = means(within(sample, sample.frame["g"] == "a"), ("y",))
    assert_allclose(domain.values, other.values)
    assert_allclose(domain.covariance, other.covariance)


def test_order_of_rows_units_of_measure_and_scale_of_weights_do_not_matter(sample):
    base = means(sample, ("y",))
    shuffled = people().sample(frac=1, random_state=2).reset_index(drop=True)
    again = means(sample_of(shuffled, weight="w", stratum="stratum", unit="unit", population="units"), ("y",))
    assert_allclose([again.values, again.errors], [base.values, base.errors])
    scaled = people().assign(y=lambda f: 100 * f["y"] + 7, w=lambda f: 3 * f["w"])
    moved = means(sample_of(scaled, weight="w", stratum="stratum", unit="unit", population="units"), ("y",))
    assert_allclose([moved.values, moved.errors], [100 * base.values + 7, 100 * base.errors])


def test_a_census_has_no_error():
    whole = sample_of(people().assign(units=8), weight="w", stratum="stratum", unit="unit", population="units")
    assert means(whole, ("y",)).errors.tolist() == [0]


def test_shares_sum_to_one_and_so_does_their_covariance_to_nothing(sample):
    found = shares(sample, "g")
    assert_allclose(found.values.sum(), 1)
    assert_allclose(found.covariance.sum(axis=0), 0, atol=1e-18)
    assert found.names == ("g=a", "g=b")


def test_a_contrast_of_domains_uses_their_covariance(sample):
    parts = by_domain(sample, "g", lambda some: means(some, ("y",)))
    gap = contrast(sample, parts, np.array([[1.0, -1.0]]), ("a less b",))
    variance = parts.covariance
    assert_allclose(gap.covariance, variance[0, 0] + variance[1, 1] - 2 * variance[0, 1])
    assert_allclose(gap.values, parts.values[0] - parts.values[1])
    assert abs(variance[0, 1]) > 0


def test_missing_answers_are_refused_or_counted(sample):
    gaps = replace(sample, frame=sample.frame.assign(y=sample.frame["y"].where(sample.frame.index > 4)))
    with pytest.raises(DataError, match=r"column `y` has missing values.\nFound 5 in 120 rows"):
        means(gaps, ("y",))
    found = means(gaps, ("y",), missing="drop").tidy().iloc[0]
    assert (found["rows"], found["missing"]) == (115, 5)
    assert quantiles(gaps, "y", missing="drop")["missing"].tolist() == [5]


def test_words_and_unknown_columns_are_refused(sample):
    with pytest.raises(DataError, match="column `g` is no number"):
        means(sample, ("g",))
    with pytest.raises(DataError, match="there is no column `yy`"):
        means(sample, ("yy",), missing="drop")
    with pytest.raises(DataError, match="has total 0"):
        ratio(replace(sample, frame=sample.frame.assign(none=0.0)), "y", "none")


def test_an_interval_without_degrees_of_freedom_is_not_given():
    thin = people().iloc[[0, 1, 2]]
    lonely = sample_of(thin, weight="w", stratum="stratum", unit="unit", lonely="remove")
    assert np.isnan(means(lonely, ("y",)).tidy()["low"]).all()
    with pytest.raises(EstimationError, match="every stratum has one sampled unit"):
        means(replace(lonely, lonely="average"), ("y",))
    with pytest.raises(EstimationError, match="replicates: a stratum has one"):
        jackknife(lonely)


def test_equal_weights_give_the_quantiles_of_the_sample():
    plain = sample_of(pd.DataFrame({"y": np.arange(1.0, 102.0), "w": 2.0}), weight="w")
    found = quantiles(plain, "y", (0.0, 0.25, 0.5, 1.0))
    assert found["estimate"].tolist() == [1, 26, 51, 101]
    # 51/101 ± t(100) times its error, read back
    reach = 1.983971518 * np.sqrt(51 / 101 * 50 / 101 / 100)
    assert found.loc[2, ["low", "high"]].tolist() == [np.floor(101 * (51 / 101 - reach)) + 1, np.floor(101 * (51 / 101 + reach)) + 1]
