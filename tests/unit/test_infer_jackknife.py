"""Errors from leaving out one cluster at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from clusters import NEVER, shocked_design
from impact.errors import EstimationError
from impact.estimate import att_gt, imputation, triple_difference, twfe
from impact.infer.aggregate import aggregate
from impact.infer.choose import carry_out, choose
from impact.infer.jackknife import cr3
from impact.infer.leverage import leverage
from impact.run.inference import refit_of
from panels import design_from
from words import complains


def test_each_cluster_is_left_out_once_by_plain_loops(balanced):
    design = design_from(balanced)
    averaged, refit = twfe.fit(design), refit_of(twfe.fit(design), "none")
    names, without = sorted(set(design.cluster)), []
    for name in names:
        rest = balanced[balanced["cluster"] != name]
        without.append(twfe.fit(design_from(rest)).values[0])
    found = cr3(averaged, refit)
    error = np.sqrt((len(names) - 1) / len(names) * sum((value - averaged.values[0]) ** 2 for value in without))
    freedom = leverage(averaged).effective_clusters[0] - 1
    assert_allclose(found.std_error[0], error, rtol=1e-9)
    assert_allclose(found.conf_high[0], averaged.values[0] + stats.t.ppf(0.975, freedom) * error)
    assert found.draws == len(names)


def test_a_mean_of_equal_clusters_has_the_error_of_the_textbook():
    """Two means of independent clusters: the jackknife is n/(n−1) of each sum of squares."""
    design = shocked_design([2] * 12 + [NEVER] * 15, [30.0] * 27, seed=4, months=2)
    estimate = att_gt.fit(design)
    changes = (design.total / design.weight) @ [-1, 1]
    textbook = [((side - side.mean()) ** 2).sum() / (len(side) - 1) ** 2 for side in (changes[:12], changes[12:])]
    found = cr3(estimate, refit_of(estimate, "none"))
    assert_allclose(found.std_error[0], np.sqrt(sum(textbook)), rtol=0.02)


def test_a_term_that_hangs_on_one_cluster_has_no_error_and_that_is_said():
    design = shocked_design([3, 3, 5] + [NEVER] * 9, [30.0] * 12, seed=4)
    estimate = att_gt.fit(design)
    found = cr3(estimate, refit_of(estimate, "none"))
    lone = np.array([term.cohort == 5 for term in estimate.terms])
    assert np.isnan(found.std_error[lone]).all() and np.isfinite(found.std_error[~lone]).all()
    assert f"{lone.sum()} terms have no error" in found.notes[0].en


def test_where_every_term_hangs_on_one_cluster_nothing_can_be_said():
    estimate = att_gt.fit(shocked_design([3] + [NEVER] * 9, [30.0] * 10, seed=4))
    with complains(EstimationError, "no term can be estimated without each", "10 clusters", "another method"):
        cr3(estimate, refit_of(estimate, "none"))


def test_regressions_over_all_months_choose_it_and_means_do_not():
    design = shocked_design([3, 4] * 6 + [NEVER] * 20, [30.0] * 32, seed=1)
    assert choose(design).method == "cr2"
    choice = choose(design, of_means=imputation.INFO.of_means)
    assert choice.method == "cr3" and "CR3" in choice.reason.en and "刀切法" in choice.reason.zh


@pytest.mark.parametrize("name", ["imputation", "twfe"])
def test_it_holds_with_unequal_clusters_where_plain_errors_do_not(name):
    module = {"imputation": imputation, "twfe": twfe}[name]
    by, held = ("simple" if name == "imputation" else "none"), np.zeros(2)
    for seed in range(120):
        sizes = np.random.default_rng(seed).lognormal(3.2, 1.1, 24).round() + 5
        estimate = module.fit(shocked_design([3, 4] * 5 + [NEVER] * 14, sizes.tolist(), seed, worker_noise=6.0))
        plain = aggregate(estimate, by).tidy().iloc[-1]
        found = carry_out("cr3", estimate, refit_of(estimate, by), by)
        held += [plain["conf_low"] <= 0 <= plain["conf_high"], found.conf_low[-1] <= 0 <= found.conf_high[-1]]
    assert held[0] / 120 < 0.9 < held[1] / 120


def test_counts_that_are_given_stay_when_a_cluster_goes():
    """Cohorts whose effects differ by ten: without a cluster their counts would change, and the difference would pass for uncertainty."""
    design = shocked_design([3] * 6 + [4] * 6 + [NEVER] * 10, [30.0] * 22, seed=2, shock=0.02, worker_noise=0.1)
    raised = np.where((design.cohort == 4)[:, None] & design.coverage, 10.0, 0.0) * design.weight
    estimate = imputation.fit(replace(design, total=design.total + raised))
    averaged = aggregate(estimate, "simple")
    assert_allclose(cr3(averaged, refit_of(estimate, "simple")).std_error, averaged.errors.std_error, rtol=0.5)


def test_an_average_that_would_rest_on_other_effects_is_lost():
    design = shocked_design([3] * 6 + [5] + [NEVER] * 10, [30.0] * 17, seed=2)
    estimate = imputation.fit(design)
    with complains(EstimationError, "no term can be estimated without each", "an average would rest on other effects", "another method"):
        cr3(aggregate(estimate, "simple"), refit_of(estimate, "simple"))


def test_clusters_of_which_half_are_eligible_have_leverage(balanced):
    """What the eligible of a cluster weigh in a triple difference, the ineligible take away: it must not pass for no weight."""
    estimate = triple_difference.fit(design_from(balanced, traits=("eligible",)))
    found = cr3(aggregate(estimate, "simple"), refit_of(estimate, "simple"))
    assert np.isfinite([found.std_error[0], found.conf_low[0], found.p_value[0]]).all() and found.degrees_of_freedom[0] > 1


def test_covariates_follow_the_clusters_that_stay(balanced):
    held = balanced.assign(age=balanced["worker"].str[-1].astype(float))
    design, age = (design_from(held, outcome, unit="worker") for outcome in ("income", "age"))
    estimate = att_gt.fit(design, att_gt.Options(covariates=(age,)))
    found = cr3(aggregate(estimate, "simple"), refit_of(estimate, "simple"))
    assert np.isfinite(found.std_error).all()
    assert replace(estimate).options.covariates[0].units == design.units
