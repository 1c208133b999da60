"""Adjusting for a family costs what is independent, and nothing that is the same question twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER, shocked_design
from impact.errors import EstimationError
from impact.estimate import att_gt
from impact.infer.inference import statistics_at
from impact.infer.means import parts_of
from impact.infer.multiple import romano_wolf, stepdown
from impact.infer.wild import Options, draw_multipliers, restricted_draws, wild
from impact.results import Estimate
from panels import design_from
from words import complains

FEW = Options(draws=299)


@pytest.fixture(scope="module")
def outcomes(nasty) -> list[Estimate]:
    return [att_gt.fit(design_from(nasty, outcome)) for outcome in ("income", "rides")]


def test_a_family_of_one_is_the_wild_bootstrap(outcomes):
    family, alone = romano_wolf(outcomes[:1], "simple", options=FEW), wild(outcomes[0], "simple", options=FEW)
    assert family.adjusted_p_value == family.p_value == alone.p_value
    assert family.names == ("income: overall",) and family.floor == alone.floor


def test_the_same_outcome_twice_costs_nothing(outcomes):
    family = romano_wolf([outcomes[0], outcomes[0]], "simple", options=FEW)
    assert_allclose(family.adjusted_p_value, family.p_value)


def test_adjusted_p_values_lie_between_their_own_and_bonferroni_and_follow_the_order_of_t(outcomes):
    family = romano_wolf(outcomes, "event_time", options=FEW)
    order = np.argsort(-np.abs(family.statistic))
    assert (family.adjusted_p_value >= family.p_value).all()
    assert family.adjusted_p_value[order[0]] <= min(1, len(order) * family.p_value[order].max())
    assert (np.diff(family.adjusted_p_value[order]) >= 0).all()
    assert (family.adjusted_p_value > family.p_value + 0.05).any()


def test_stepdown_equals_plain_loops():
    generator = np.random.default_rng(1)
    sizes, statistic = np.abs(generator.normal(size=(99, 5))), np.array([2.4, -3.1, 0.2, np.nan, 1.4])
    found, least, left = stepdown(sizes, statistic), 0.0, [0, 1, 2, 4]
    while left:
        place = max(left, key=lambda hypothesis: abs(statistic[hypothesis]))
        larger = sum(max(row[other] for other in left) >= abs(statistic[place]) for row in sizes)
        least = max(least, (1 + larger) / 100)
        assert found[place] == least
        left.remove(place)
    assert np.isnan(found[3])


def test_clusters_are_matched_by_name_and_not_by_place(outcomes):
    design = outcomes[1].design
    turned = np.arange(len(design.units))[::-1]
    arrays = {
        name: getattr(design, name)[turned] for name in ("cohort", "coverage", "rows", "weight", "total", "square", "workers", "headcount")
    }
    names = {name: tuple(getattr(design, name)[place] for place in turned) for name in ("units", "cluster")}
    again = att_gt.fit(replace(design, **arrays, **names))
    plain, other = romano_wolf(outcomes, "simple", options=FEW), romano_wolf([outcomes[0], again], "simple", options=FEW)
    assert_allclose(other.adjusted_p_value, plain.adjusted_p_value)


def test_an_outcome_that_lacks_a_cluster_keeps_the_multipliers_of_the_others():
    design = shocked_design([3] * 6 + [NEVER] * 10, np.linspace(5, 60, 16).tolist(), seed=1)
    whole, part = att_gt.fit(design), att_gt.fit(design.keep(np.arange(16) != 2))
    family, parts = romano_wolf([whole, part], "simple", options=FEW), parts_of(part, "simple")
    weights, _ = draw_multipliers(16, FEW)
    sizes = np.abs(statistics_at(restricted_draws(parts, 0, np.delete(weights, 2, axis=1)), parts.aggregate.values[0]))
    assert family.p_value[1] == (1 + np.count_nonzero(sizes >= abs(family.statistic[1]) * (1 - 1e-9))) / 300


def test_a_family_without_effects_is_rejected_about_as_often_as_it_should_be():
    generator = np.random.default_rng(4)
    rejected = np.zeros(2)
    for _ in range(600):
        sizes, statistic = np.abs(generator.normal(size=(199, 8))), generator.normal(size=8)
        own = (1 + (sizes >= np.abs(statistic)).sum(axis=0)) / 200
        rejected += [(own <= 0.1).any(), (stepdown(sizes, statistic) <= 0.1).any()]
    assert rejected[0] / 600 > 0.5 and 0.07 < rejected[1] / 600 < 0.13


def test_a_family_of_nothing_is_refused():
    with complains(EstimationError, "there is no family", "Found no estimate", "Name the secondary outcomes"):
        romano_wolf([])
