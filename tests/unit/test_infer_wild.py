"""A product of matrices is what refits on bootstrapped outcomes would give; intervals hold what the test does not reject."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER, shocked_design
from impact.design.contrast import total
from impact.design.design import Design
from impact.errors import EstimationError
from impact.estimate import ESTIMATORS, att_gt
from impact.infer.aggregate import aggregate
from impact.infer.inference import Draws, inference_table, invert, p_value_at, statistics_at
from impact.infer.means import parts_of
from impact.infer.wild import Options, draw_multipliers, multiplier, restricted_draws, wild
from impact.moments.moments import Floats
from impact.results import Estimate
from panels import design_from
from words import complains

NEVER_COVERED = att_gt.Options(comparison="never")


@pytest.fixture(scope="module")
def design(nasty) -> Design:
    return design_from(nasty)


@pytest.fixture(scope="module")
def effects(design) -> Estimate:
    return att_gt.fit(design, NEVER_COVERED)


def means_under_null(design: Design, loading: Floats, shift: float) -> Floats:
    """Least squares on cohort × month means that must satisfy loading · means = estimate + shift; loading has the shape of cells of cohorts."""
    kinds = [*design.cohorts, NEVER]
    weight = np.zeros((len(kinds), len(design.months)))
    means = np.zeros_like(weight)
    for row, kind in enumerate(kinds):
        units = np.isnan(design.cohort) if np.isnan(kind) else design.cohort == kind
        weight[row] = design.weight[units].sum(axis=0)
        means[row] = design.total[units].sum(axis=0) / weight[row]
    return means + shift * (loading / weight) / (loading**2 / weight).sum()


def loading_of(design: Design, a: Floats) -> Floats:
    """What the mean of each cohort and month counts in a contrast."""
    rows = [(np.isnan(design.cohort) if np.isnan(kind) else design.cohort == kind) for kind in (*design.cohorts, NEVER)]
    return np.array([(a * design.weight)[units].sum(axis=0) for units in rows])


def restricted_residuals(design: Design, a: Floats, distance: float) -> Floats:
    """What is left of each unit and month once its cohort's mean under the null is taken away."""
    means = means_under_null(design, loading_of(design, a), -distance)
    kind = np.where(np.isnan(design.cohort), len(design.cohorts), np.searchsorted(design.cohorts, np.nan_to_num(design.cohort)))
    return np.where(design.seen, design.total - design.weight * means[kind], 0.0)


def refitted(estimate: Estimate, residuals: Floats, weights: Floats, coefficients: Floats) -> float:
    """t of one draw, by multiplying the residuals of every cluster and estimating again."""
    design = estimate.design
    names = sorted(set(design.cluster))
    by_unit = np.array([weights[names.index(name)] for name in design.cluster])
    again = att_gt.fit(replace(design, total=by_unit[:, None] * residuals), estimate.options)
    contrast = total(again.contrasts, list(coefficients))
    influence = contrast.unit_influence(again.design)
    sums = [sum(influence[unit] for unit, other in enumerate(design.cluster) if other == name) for name in names]
    return contrast.value / float(np.sqrt(np.sum(np.square(sums))))


@pytest.mark.parametrize(("by", "place"), [("none", 3), ("none", 20), ("simple", 0), ("cohort", 1)])
@pytest.mark.parametrize("null", [0.0, 1.7])
def test_a_draw_equals_a_refit_on_restricted_residuals(by, place, null, effects):
    parts = parts_of(effects, by)
    parts = replace(parts, share_influence=np.zeros_like(parts.share_influence))
    contrast = total(effects.contrasts, list(parts.coefficients[place]))
    distance = contrast.value - null
    weights, _ = draw_multipliers(parts.means.share.shape[1], Options(draws=5, seed=3))
    fast = statistics_at(restricted_draws(parts, place, weights), distance)
    residuals = restricted_residuals(effects.design, contrast.a, distance)
    slow = [refitted(effects, residuals, draw, parts.coefficients[place]) for draw in weights]
    assert_allclose(fast, slow, rtol=1e-8)


@pytest.mark.parametrize("by", ["simple", "cohort", "event_time", "calendar"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_an_aggregate_is_the_sum_of_its_parts(by, comparison, design):
    estimate = att_gt.fit(design, att_gt.Options(comparison=comparison))
    parts = parts_of(estimate, by)
    assert_allclose(parts.coefficients @ estimate.values, aggregate(estimate, by).values)
    for place, contrast in enumerate(parts.aggregate.contrasts):
        factor = parts.coefficients[place][parts.means.term]
        influence = factor @ parts.means.influence + parts.share_influence[:, place]
        names = sorted(set(estimate.design.cluster))
        unit = contrast.unit_influence(estimate.design)
        slow = [sum(unit[row] for row, other in enumerate(estimate.design.cluster) if other == name) for name in names]
        assert_allclose(influence, slow, atol=1e-12)


def test_the_actual_draw_has_the_actual_statistic(effects):
    parts = parts_of(effects, "cohort")
    draws = restricted_draws(parts, 0, np.ones((1, parts.means.share.shape[1])))
    value = parts.aggregate.values[0]
    assert_allclose(statistics_at(draws, value), value / parts.aggregate.errors.std_error[0], rtol=1e-9)


def test_all_sign_patterns_are_used_where_they_are_few():
    design = shocked_design([4, 4, 4, NEVER, NEVER, NEVER, NEVER], [9, 30, 14, 80, 22, 41, 10], seed=5, effect=1.0)
    estimate = att_gt.fit(design)
    found = wild(estimate, "simple")
    assert found.draws == 2**7 and found.floor == 2 / 2**7
    parts = parts_of(estimate, "simple")
    contrast, size = parts.aggregate.contrasts[0], 0
    actual = abs(contrast.value / parts.aggregate.errors.std_error[0])
    for signs in product([-1.0, 1.0], repeat=7):
        size += abs(float(statistics_at(restricted_draws(parts, 0, np.array([signs])), contrast.value)[0])) >= actual * (1 - 1e-9)
    assert found.p_value[0] == size / 2**7


def test_an_interval_ends_where_the_test_begins_to_reject(effects):
    parts = parts_of(effects, "simple")
    weights, _ = draw_multipliers(12, Options(draws=399))
    draws, value, error = restricted_draws(parts, 0, weights), parts.aggregate.values[0], parts.aggregate.errors.std_error[0]
    low, high = invert(draws, value, error, 0.9)
    assert low < value < high
    for edge, outwards in ((low, -1), (high, 1)):
        inside, outside = (value - (edge + outwards * step * error) for step in (-1e-4, 1e-4))
        assert p_value_at(draws, inside, inside / error) > 0.1
        assert p_value_at(draws, outside, outside / error) <= 0.1


def test_an_interval_far_shorter_than_the_error_is_still_no_point():
    """Draws within 0.05 of zero, and an error of one: effects up to the largest draws but four are not rejected."""
    sizes, one = np.linspace(-0.05, 0.05, 99), np.ones(99)
    draws = Draws(at_zero=sizes, slope=0 * one, square=one, cross=0 * one, slope_square=0 * one)
    low, high = invert(draws, 2.0, 1.0, 0.95, studentised=False)
    assert_allclose([2.0 - low, high - 2.0], sorted(abs(sizes))[-5], rtol=1e-5)


@pytest.mark.parametrize("kind", ["rademacher", "mammen", "webb"])
def test_multipliers_have_mean_zero_and_variance_one(kind):
    weights, complete = draw_multipliers(50, Options(multipliers=kind, draws=20_000))
    assert not complete and weights.shape == (20_000, 50)
    assert abs(weights.mean()) < 0.004 and abs((weights**2).mean() - 1) < 0.006
    assert abs((weights**3).mean() - (1 if kind == "mammen" else 0)) < 0.012


def test_the_multiplier_bootstrap_equals_plain_loops(effects):
    estimate = aggregate(effects, "event_time")
    found = multiplier(estimate, Options(draws=200, seed=9))
    weights, _ = draw_multipliers(12, Options(draws=200, seed=9))
    sums = estimate.influence().groupby(list(estimate.design.cluster)).sum().to_numpy()
    drawn = [[sum(draw[c] * sums[c, term] for c in range(12)) for term in range(sums.shape[1])] for draw in weights]
    errors = []
    for term in range(sums.shape[1]):
        ordered = sorted(row[term] for row in drawn)
        errors.append((ordered[149] - ordered[49]) / 1.3489795003921634)
    largest = sorted(max(abs(row[term]) / errors[term] for term in range(len(errors))) for row in drawn)
    assert_allclose(found.std_error, errors)
    assert_allclose(found.band_reach, largest[189] * np.array(errors))


def test_a_band_holds_the_interval_of_every_term(effects):
    found = multiplier(aggregate(effects, "event_time"))
    assert (found.estimate - found.band_reach <= found.conf_low).all()


def test_a_term_that_is_zero_by_construction_has_no_test(design):
    estimate = att_gt.fit(design, att_gt.Options(comparison="never", base="universal"))
    zero = [place for place, term in enumerate(estimate.terms) if term.event_time == -1]
    for found in (wild(estimate), multiplier(estimate)):
        table = inference_table(found)
        assert table.loc[zero, ["std_error", "p_value", "conf_low", "conf_high"]].isna().all(axis=None)
        assert table["p_value"].drop(zero).notna().all()


def test_few_covered_clusters_are_said_to_be_few():
    sizes = [20.0] * 30
    few = wild(att_gt.fit(shocked_design([4] * 3 + [NEVER] * 27, sizes, 1)), "simple")
    many = wild(att_gt.fit(shocked_design([4] * 12 + [NEVER] * 18, sizes, 1)), "simple")
    assert "3 covered clusters" in few.notes[0].en and "3个" in few.notes[0].zh and many.notes == ()


def test_two_way_fixed_effects_can_be_tested_as_well(design):
    estimate = ESTIMATORS["twfe"].fit(design)
    found = wild(estimate)
    assert 0 < found.p_value[0] < 0.2 and found.conf_low[0] < found.estimate[0] < found.conf_high[0]


def test_errors_by_worker_and_by_replicates_are_refused(nasty):
    by_worker = att_gt.fit(design_from(nasty, level="worker"))
    with complains(EstimationError, "inference `wild`: it needs clusters of units", "Found 160 workers in 18 units", "Cluster by the unit"):
        wild(by_worker)
    replicated = ESTIMATORS["synthetic_control"].fit(shocked_design([4] + [NEVER] * 8, [20.0] * 9, 1))
    with complains(EstimationError, "the influence of synthetic_control", "Found errors by placebo", "Use these"):
        multiplier(replicated)
