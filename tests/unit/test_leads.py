"""The test of the leads has the level and the power that it prints."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact.check import leads
from impact.design.design import Design
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.infer.bands import chosen, critical_value, joint_draws
from impact.results import Estimate
from panels import design_from


@pytest.fixture(scope="module")
def whole(nasty) -> Estimate:
    """All effects, with every worker a cluster of his own, so that each cohort has many."""
    return att_gt.fit(design_from(nasty, level="worker"))


def leads_of(estimate: Estimate) -> Estimate:
    """The effects before coverage, averaged by event time."""
    by_time = aggregate(estimate, "event_time")
    places = [place for place, term in enumerate(by_time.terms) if term.event_time is not None and term.event_time < 0]
    return chosen(by_time, places)


def probability_inside(estimate: Estimate, reach: float, shift: float = 0.0) -> float:
    """Probability that no |t| exceeds `reach` where every term is shifted alike, by integration."""
    error = estimate.errors.std_error
    correlation = estimate.errors.covariance / np.outer(error, error)
    normal = stats.multivariate_normal(mean=shift / error, cov=correlation, allow_singular=True, seed=1)
    return float(normal.cdf(np.full(len(error), reach), lower_limit=np.full(len(error), -reach)))


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Multiply every effect, and leave its error as it is."""
    return replace(estimate, contrasts=tuple(replace(contrast, value=factor * contrast.value) for contrast in estimate.contrasts))


def without(estimate: Estimate, cohort: int) -> Estimate:
    return chosen(estimate, [place for place, term in enumerate(estimate.terms) if term.cohort != cohort])


@pytest.mark.parametrize("factor", [0.3, 0.4, 0.5])
def test_the_joint_p_value_is_the_chance_of_a_larger_t_among_all_leads(factor, whole):
    estimate = scaled(whole, factor)
    numbers, among = leads.run(estimate).numbers, leads_of(estimate)
    assert numbers["leads"] == len(among.terms) == 6 and numbers["left_out"] == 0
    assert numbers["largest_t"] == pytest.approx(np.abs(among.values / among.errors.std_error).max())
    assert 0.02 < numbers["p_value"] < 0.95
    assert numbers["p_value"] == pytest.approx(1 - probability_inside(among, numbers["largest_t"]), abs=0.01)


def test_the_detectable_shift_is_found_in_four_cases_of_five(whole):
    numbers, among = leads.run(whole).numbers, leads_of(whole)
    assert 1 - probability_inside(among, critical_value(among, 0.95), numbers["detectable"]) == pytest.approx(0.80, abs=0.02)


@pytest.mark.parametrize(("factor", "passed"), [(0.0, True), (50.0, False)])
def test_leads_pass_where_they_are_zero_and_fail_where_they_are_large(factor, passed, whole):
    found = leads.run(scaled(whole, factor))
    assert found.passed is passed
    assert ("not compatible" in found.text_en) is not passed and ("不相容" in found.text_zh) is not passed


def test_effects_after_coverage_do_not_move_the_test(whole):
    shifted = replace(
        whole,
        contrasts=tuple(
            replace(contrast, value=contrast.value + 1000 * (term.event_time >= 0))
            for term, contrast in zip(whole.terms, whole.contrasts, strict=True)
        ),
    )
    assert leads.run(shifted).numbers == pytest.approx(leads.run(whole).numbers, rel=1e-6)


def test_terms_without_an_error_are_no_leads(nasty):
    universal = att_gt.fit(design_from(nasty, level="worker"), att_gt.Options(base="universal"))
    among = leads_of(universal)
    assert np.isnan(among.errors.std_error).sum() == 1
    assert leads.run(universal).numbers["leads"] == np.isfinite(among.errors.std_error).sum() == 6


def test_the_wald_test_stands_beside_it_over_the_group_time_effects_before_coverage(whole):
    before = chosen(whole, [place for place, term in enumerate(whole.terms) if term.event_time < 0])
    numbers = leads.run(whole).numbers
    statistic = before.values @ np.linalg.solve(before.errors.covariance, before.values)
    assert numbers["wald_degrees_of_freedom"] == len(before.terms) == 9
    assert numbers["wald"] == pytest.approx(statistic)
    assert numbers["wald_p_value"] == pytest.approx(stats.chi2.sf(statistic, 9))


@pytest.mark.parametrize("anticipation", [1, 2])
def test_months_inside_the_declared_anticipation_are_no_leads(anticipation, nasty):
    estimate = att_gt.fit(design_from(nasty, level="worker"), att_gt.Options(anticipation=anticipation))
    among = leads_of(estimate)
    anticipated = {term.event_time for term in among.terms if term.event_time >= -anticipation}
    assert anticipated == set(range(-anticipation, 0))
    found = leads.run(estimate)
    assert found.numbers["leads"] == len(among.terms) - anticipation
    assert found.table["event_time"].max() == -anticipation - 1
    shifted = replace(
        estimate,
        contrasts=tuple(
            replace(contrast, value=contrast.value + 1000 * (-anticipation <= term.event_time < 0))
            for term, contrast in zip(estimate.terms, estimate.contrasts, strict=True)
        ),
    )
    for name in ("largest_t", "p_value", "detectable"):
        assert leads.run(shifted).numbers[name] == pytest.approx(found.numbers[name], rel=1e-6)


def clustered(nasty: pd.DataFrame, fifth: int, eighth: int) -> Estimate:
    """Effects with errors by clusters of workers, so many in each of the two cohorts."""
    sizes = nasty["first_covered"].map({5.0: fifth, 8.0: eighth}).fillna(20)
    names = nasty["first_covered"].astype(str) + " " + (nasty["worker"].str[1:].astype(int) % sizes).astype(int).astype(str)
    return att_gt.fit(design_from(nasty.assign(cluster=names, unit=names)))


def test_cohorts_of_fewer_than_ten_covered_clusters_are_not_tested(nasty):
    both, one = clustered(nasty, 10, 10), clustered(nasty, 10, 9)
    assert leads.run(both).numbers["left_out"] == 0
    found = leads.run(one)
    assert found.numbers["left_out"] == 1 and "fewer than 10 covered clusters" in found.text_en and "不足10个" in found.text_zh
    alone = leads_of(without(one, 8))
    assert found.numbers["leads"] == len(alone.terms)
    assert found.numbers["largest_t"] == pytest.approx(np.abs(alone.values / alone.errors.std_error).max())


def test_where_every_cohort_has_fewer_than_ten_covered_clusters_nothing_is_decided(nasty):
    found = leads.run(clustered(nasty, 9, 9))
    assert found.passed is None and found.numbers == {}
    assert "cannot be tested: every cohort has fewer than 10 covered clusters" in found.text_en
    assert "每个组群的受覆盖聚类均不足10个" in found.text_zh


def test_without_a_month_before_coverage_nothing_is_decided(nasty):
    late = att_gt.fit(design_from(nasty[nasty["month"].isin([7, 8, 9]) & (nasty["first_covered"] != 5)], level="worker"))
    only_after = chosen(late, [place for place, term in enumerate(late.terms) if term.event_time >= 0])
    found = leads.run(only_after)
    assert found.passed is None and "no month before coverage" in found.text_en and "没有可供比较的月份" in found.text_zh


CLUSTERS, MONTHS, DRAWS = 20, 12, 500


def quiet(generator: np.random.Generator) -> Design:
    """Draw a panel without any effect: two cohorts of 20 clusters and 40 never covered, with shocks that last from month to month (AR(1), 0.7)."""
    cohort = np.repeat([6.0, 9.0, np.nan, np.nan], CLUSTERS)
    shocks = np.empty((len(cohort), MONTHS))
    shocks[:, 0] = generator.normal(size=len(cohort)) / np.sqrt(1 - 0.7**2)
    for month in range(1, MONTHS):
        shocks[:, month] = 0.7 * shocks[:, month - 1] + generator.normal(size=len(cohort))
    rows = np.broadcast_to(np.resize([20.0, 40.0, 60.0, 80.0, 100.0], len(cohort))[:, None], shocks.shape).copy()
    names, months = tuple(f"city {place:02d}" for place in range(len(cohort))), tuple(range(1, MONTHS + 1))
    return Design(
        outcome="income",
        period="index",
        months=months,
        units=names,
        cohort=cohort,
        coverage=cohort[:, None] <= np.array(months),
        rows=rows,
        weight=rows,
        total=rows * (10 + shocks),
        square=rows * ((10 + shocks) ** 2 + 1),
        workers=rows[:, 0],
        headcount=rows[:, 0],
        cluster=names,
        cluster_level="unit",
        pairs=None,
        one_worker_per_unit=False,
    )


def test_the_test_rejects_fewer_than_one_in_five_quiet_panels_at_ten_per_cent(monkeypatch):
    monkeypatch.setattr(leads, "joint_draws", partial(joint_draws, draws=2000))  # as good for a share of panels, and ten times as fast
    generator = np.random.default_rng(20240601)
    rejected = [leads.run(att_gt.fit(quiet(generator))).passed is False for _ in range(DRAWS)]
    assert 0.05 < np.mean(rejected) < 0.20
