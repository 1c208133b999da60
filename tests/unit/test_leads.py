"""The test of the leads has the level and the power that it prints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from impact.check import leads
from impact.estimate import att_gt
from impact.infer.bands import chosen, critical_value
from impact.results import Estimate
from panels import design_from


@pytest.fixture(scope="module")
def before(nasty) -> Estimate:
    """The effects before coverage alone."""
    estimate = att_gt.fit(design_from(nasty, level="worker"))
    return chosen(estimate, [place for place, term in enumerate(estimate.terms) if term.event_time < 0])


def probability_inside(estimate: Estimate, reach: float, shift: float = 0.0) -> float:
    """Probability that no |t| exceeds `reach` where every term is shifted alike, by integration."""
    error = estimate.errors.std_error
    correlation = estimate.errors.covariance / np.outer(error, error)
    normal = stats.multivariate_normal(mean=shift / error, cov=correlation, allow_singular=True, seed=1)
    return float(normal.cdf(np.full(len(error), reach), lower_limit=np.full(len(error), -reach)))


def scaled(estimate: Estimate, factor: float) -> Estimate:
    return replace(estimate, contrasts=tuple(replace(contrast, value=factor * contrast.value) for contrast in estimate.contrasts))


@pytest.mark.parametrize("factor", [0.3, 0.4, 0.5])
def test_the_joint_p_value_is_the_chance_of_a_larger_t_among_all_leads(factor, before):
    estimate = scaled(before, factor)
    numbers = leads.run(estimate).numbers
    assert numbers["leads"] == len(estimate.terms) == 9
    assert numbers["largest_t"] == pytest.approx(np.abs(estimate.values / estimate.errors.std_error).max())
    assert 0.02 < numbers["p_value"] < 0.9
    assert numbers["p_value"] == pytest.approx(1 - probability_inside(estimate, numbers["largest_t"]), abs=0.01)


def test_the_detectable_shift_is_found_in_four_cases_of_five(before):
    numbers = leads.run(before).numbers
    assert 1 - probability_inside(before, critical_value(before, 0.95), numbers["detectable"]) == pytest.approx(0.80, abs=0.02)


@pytest.mark.parametrize(("factor", "passed"), [(0.0, True), (50.0, False)])
def test_leads_pass_where_they_are_zero_and_fail_where_they_are_large(factor, passed, before):
    found = leads.run(scaled(before, factor))
    assert found.passed is passed
    assert ("not compatible" in found.text_en) is not passed and ("不相容" in found.text_zh) is not passed


def test_effects_after_coverage_and_terms_without_an_error_are_no_leads(nasty, before):
    whole = att_gt.fit(design_from(nasty, level="worker"))
    assert leads.run(whole).numbers == pytest.approx(leads.run(before).numbers, rel=1e-6)
    universal = att_gt.fit(design_from(nasty, level="worker"), att_gt.Options(base="universal"))
    assert leads.run(universal).numbers["leads"] == 9


def test_without_a_month_before_coverage_nothing_is_decided(nasty):
    late = att_gt.fit(design_from(nasty[nasty["month"].isin([7, 8, 9]) & (nasty["first_covered"] != 5)]))
    only_after = chosen(late, [place for place, term in enumerate(late.terms) if term.event_time >= 0])
    assert leads.run(only_after).passed is None
