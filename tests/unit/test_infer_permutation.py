"""Permutation is a refit under every assignment, exact where all are tried, and its interval is every null that refits would not reject."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER, shocked_design
from impact.design.contrast import total
from impact.design.design import Design, design_of
from impact.errors import EstimationError
from impact.estimate import ESTIMATORS, att_gt
from impact.infer.aggregate import By, aggregate
from impact.infer.means import parts_of
from impact.infer.permutation import Options, all_assignments, assignment_count, cohorts_of_clusters, permutation
from impact.infer.reassigned import by_means, by_refits
from impact.results import Estimate
from panels import design_from, moments_from
from words import complains

SIZES = [12, 90, 31, 8, 55, 20, 160, 40]


def refit(design: Design, by: By = "simple") -> Estimate:
    return aggregate(att_gt.fit(design), by)


def with_cohorts(design: Design, cohorts: np.ndarray) -> Design:
    """Give one-unit clusters other cohorts."""
    return replace(design, cohort=cohorts, coverage=np.nan_to_num(cohorts, nan=np.inf)[:, None] <= np.asarray(design.months))


def without_effect(design: Design, effect: float) -> Design:
    return replace(design, total=design.total - effect * design.weight * design.coverage)


def p_value_by_loops(design: Design, null: float, studentised: bool) -> float:
    """Take the effect away, refit under every order of the clusters, and count."""
    data, size, count = without_effect(design, null), 0, 0
    actual = statistic(refit(data), studentised)
    for order in permutations(range(len(design.units))):
        size += statistic(refit(with_cohorts(data, design.cohort[list(order)])), studentised) >= actual * (1 - 1e-9)
        count += 1
    return size / count


def statistic(estimate: Estimate, studentised: bool) -> float:
    return abs(float(estimate.values[0])) / (float(estimate.errors.std_error[0]) if studentised else 1.0)


@pytest.mark.parametrize(("cohorts", "studentised"), [([4, NEVER, NEVER, NEVER, NEVER], False), ([3, 3, NEVER, NEVER, NEVER], True)])
def test_the_p_value_equals_that_of_plain_loops_over_all_orders(cohorts, studentised):
    design = shocked_design(cohorts, SIZES[:5], seed=1, effect=2.0)
    found = permutation(att_gt.fit(design), refit, "simple")
    assert found.p_value[0] == pytest.approx(p_value_by_loops(design, 0.0, studentised))
    assert found.draws == assignment_count(design.cohort) == round(1 / found.floor)


@pytest.mark.parametrize("studentised", [False, True])
def test_the_interval_ends_where_refits_without_the_effect_begin_to_reject(studentised):
    design = shocked_design([3, 3, NEVER, NEVER, NEVER], SIZES[:5], seed=4, effect=1.0)
    found = permutation(att_gt.fit(design), refit, "simple", options=Options(studentised=studentised), level=0.75)
    assert found.conf_low[0] < found.estimate[0] < found.conf_high[0]
    for edge, outwards in ((found.conf_low[0], -1e-3), (found.conf_high[0], 1e-3)):
        assert p_value_by_loops(design, edge - outwards, studentised) > 0.25
        assert p_value_by_loops(design, edge + outwards, studentised) <= 0.25


def test_whoever_is_covered_p_values_are_evenly_spread_without_an_effect():
    """The law that makes permutation exact: over all clusters that could have been covered, each rank occurs once."""
    design = shocked_design([NEVER] * 8, SIZES, seed=3)
    found = []
    for covered in range(8):
        cohorts = np.full(8, np.nan)
        cohorts[covered] = 4
        found.append(permutation(att_gt.fit(with_cohorts(design, cohorts)), refit, "simple").p_value[0])
    assert_allclose(sorted(found), np.arange(1, 9) / 8)


def test_one_covered_cluster_of_eight_has_a_floor_of_an_eighth_and_an_endless_interval():
    design = shocked_design([4] + [NEVER] * 7, SIZES, seed=2, effect=100.0)
    found = permutation(att_gt.fit(design), refit, "simple")
    assert found.floor == found.p_value[0] == 1 / 8
    assert found.conf_low[0] == -np.inf and found.conf_high[0] == np.inf
    assert "8 assignments (every assignment" in found.notes[0].en and "none can be below 0.12" in found.notes[0].en


def test_sampled_assignments_near_the_exact_p_value_and_say_their_floor():
    design = shocked_design([3, 3, 4] + [NEVER] * 5, SIZES, seed=6)
    exact = permutation(att_gt.fit(design), refit, "simple", options=Options(studentised=False))
    sampled = permutation(att_gt.fit(design), refit, "simple", options=Options(studentised=False, draws=120))
    assert exact.draws == 168 and sampled.draws == 120 and sampled.floor == 1 / 121
    assert abs(exact.p_value[0] - sampled.p_value[0]) < 3 * np.sqrt(0.25 / 120)


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("by", ["none", "simple", "event_time"])
def test_sums_of_clusters_give_what_refits_give(comparison, by, nasty):
    """Refits with coefficients held, as sums of clusters keep the shares of cohorts."""
    design, options = design_from(nasty), att_gt.Options(comparison=comparison)
    parts = parts_of(att_gt.fit(design, options), by)

    def held(asked: Design) -> Estimate:
        again = att_gt.fit(asked, options)
        return replace(parts.aggregate, design=asked, contrasts=tuple(total(again.contrasts, list(row)) for row in parts.coefficients))

    actual = cohorts_of_clusters(design)
    assignments = [actual, *(np.random.default_rng(seed).permutation(actual) for seed in range(4))]
    fast, slow = by_means(parts, assignments), by_refits(parts.aggregate, held, assignments)
    assert fast is not None
    for name in ("values", "slopes", "squares", "crosses", "slope_squares"):
        assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-7, atol=1e-9)


def test_stayers_are_refitted_as_their_means_leave_out_units(nasty):
    estimate = att_gt.fit(
        design_of(moments_from(nasty, patterns=True), "income", "cluster", follow_workers=True), att_gt.Options(workers="stayers")
    )
    assert by_means(parts_of(estimate, "simple"), [cohorts_of_clusters(estimate.design)]) is None


def test_assignments_are_all_and_each_once():
    cohorts = np.array([3, NEVER, 5, 3, NEVER])
    found = [tuple(np.nan_to_num(assignment)) for assignment in all_assignments(cohorts)]
    assert len(found) == len(set(found)) == assignment_count(cohorts) == 30
    assert set(found) == set(permutations(np.nan_to_num(cohorts)))


def test_leads_are_tested_but_have_no_interval_of_an_effect(nasty):
    design = design_from(nasty)
    found = permutation(att_gt.fit(design), partial(refit, by="event_time"), "event_time", options=Options(draws=19))
    leads = np.array(["-" in term for term in found.terms])
    assert np.isfinite(found.p_value).all()
    assert np.isnan(found.conf_low[leads]).all() and not np.isnan(found.conf_low[~leads]).any()


def test_two_way_fixed_effects_are_reassigned_as_well(nasty):
    estimate = ESTIMATORS["twfe"].fit(design_from(nasty))
    found = permutation(estimate, ESTIMATORS["twfe"].fit, options=Options(draws=99), level=0.9)
    assert found.floor == 0.01 and found.p_value[0] < 0.1
    assert 0 < found.conf_low[0] < found.estimate[0] < found.conf_high[0]


def test_clusters_with_several_cohorts_cannot_be_reassigned(nasty):
    design = design_from(nasty)
    mixed = replace(design, cluster=("north", "north", *design.cluster[2:]))
    with complains(EstimationError, "some hold units of several cohorts", "Found 1: north", "Cluster at the level"):
        cohorts_of_clusters(mixed)


def test_assignments_that_leave_nobody_to_compare_are_counted(nasty):
    design = shocked_design([3, NEVER, NEVER, NEVER], SIZES[:4], seed=1)

    def failing(asked: Design) -> Estimate:
        if asked.cohort[2] == 3:
            raise EstimationError("nobody to compare.\nFound nobody.\nStop.")
        return refit(asked)

    found = permutation(att_gt.fit(design), failing, "simple", options=Options(always_refit=True))
    assert found.draws == 3 and found.floor == 1 / 3
    assert found.notes[1].en.startswith("1 assignment left out: it cannot be estimated")
