"""The effective number of clusters is their number where they count alike, and falls where one rules."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER, shocked_design
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.infer.leverage import leverage, leverages
from impact.results import Estimate
from panels import design_from


def simple(cohorts: list[float], sizes: list[float]) -> Estimate:
    return aggregate(att_gt.fit(shocked_design(cohorts, sizes, seed=1)), "simple")


def test_equal_clusters_on_both_sides_all_count():
    found = leverage(simple([4] * 7 + [NEVER] * 7, [20.0] * 14))
    assert found.effective_clusters[0] == pytest.approx(14) and found.effective_covered[0] == pytest.approx(7)
    assert found.largest_leverage[0] == pytest.approx(1 / 14)


def test_one_covered_cluster_carries_half_of_what_the_many_give_once():
    found = leverage(simple([4] + [NEVER] * 50, [20.0] * 51))
    assert found.largest == ("city 000",) and found.largest_leverage[0] == pytest.approx(50 / 51)
    assert found.effective_covered[0] == pytest.approx(1) and found.effective_clusters[0] < 1.1
    assert found.largest_influence[0] < 0.5


def test_a_dominating_cluster_leaves_few():
    found = leverage(simple([4] * 7 + [NEVER] * 7, [2000.0] + [20.0] * 13))
    assert found.largest == ("city 000",) and found.effective_covered[0] < 1.2 and found.largest_leverage[0] > 0.8


def test_leverages_equal_plain_loops_and_sum_to_one(nasty):
    estimate = aggregate(att_gt.fit(design_from(nasty)), "event_time")
    names, found = sorted(set(estimate.design.cluster)), leverages(estimate)
    for term, contrast in enumerate(estimate.contrasts):
        weights = contrast.a * estimate.design.weight
        slow = []
        for name in names:
            own = [unit for unit, other in enumerate(estimate.design.cluster) if other == name]
            slow.append(sum(sum(weights[unit, month] for unit in own) ** 2 for month in range(weights.shape[1])))
        assert_allclose(found[:, term], np.array(slow) / sum(slow))
    assert_allclose(found.sum(axis=0), 1)
    assert_allclose(leverage(estimate).effective_clusters, 1 / (found**2).sum(axis=0))


def test_a_term_that_is_zero_by_construction_has_no_leverage(nasty):
    estimate = att_gt.fit(design_from(nasty), att_gt.Options(base="universal"))
    zero = np.array([term.event_time == -1 for term in estimate.terms])
    assert (np.isnan(leverage(estimate).effective_clusters) == zero).all()
