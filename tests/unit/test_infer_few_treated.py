"""The spread of clusters never covered stands for that of the covered, by size where sizes differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

from clusters import NEVER, shocked_design
from impact.errors import EstimationError
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.infer.few_treated import Options, _variances, few_treated
from panels import design_from
from words import complains

PLAIN = Options("conley_taber")


def test_one_covered_cluster_is_held_against_each_other_one_by_plain_loops():
    design = shocked_design([4] + [NEVER] * 9, [20.0, 5, 60, 33, 12, 8, 90, 14, 40, 25], seed=8, effect=0.5)
    found = few_treated(aggregate(att_gt.fit(design), "simple"), PLAIN, level=0.8)
    means, added = design.total / design.weight, []
    for lender in range(1, 10):
        others = [place for place in range(1, 10) if place != lender]
        rest = design.total[others].sum(axis=0) / design.weight[others].sum(axis=0)
        stray = means[lender] - rest
        added.append(abs(stray[3:].mean() - stray[2]))
    value = found.estimate[0]
    assert found.draws == 9 and found.floor == 0.1
    assert found.p_value[0] == (1 + sum(size >= abs(value) for size in added)) / 10
    assert_allclose(found.std_error[0], np.sqrt(np.mean(np.square(added))))
    assert_allclose(found.conf_high[0] - value, sorted(added)[-2])


def test_two_covered_clusters_borrow_every_pair():
    design = shocked_design([3, 5] + [NEVER] * 4, [20.0] * 6, seed=2)
    found = few_treated(aggregate(att_gt.fit(design, att_gt.Options(comparison="never")), "simple"), PLAIN)
    assert found.draws == 16 and found.floor == pytest.approx(1 / 17)


def test_sizes_change_nothing_where_all_clusters_are_of_one_size():
    estimate = aggregate(att_gt.fit(shocked_design([4] + [NEVER] * 20, [20.0] * 21, seed=5)), "event_time")
    plain, by_size = few_treated(estimate, PLAIN), few_treated(estimate, Options("ferman_pinto"))
    assert_allclose(by_size.conf_low, plain.conf_low)
    assert_allclose(by_size.p_value, plain.p_value)


@pytest.mark.parametrize(("covered_size", "too_rarely"), [(6.0, True), (600.0, False)])
def test_only_sizes_make_the_interval_of_a_small_or_large_cluster_hold(covered_size, too_rarely):
    """Where noise of workers rules, a small covered cluster strays more than the others; 95 % intervals by 39 lenders, 400 worlds."""
    sizes, held = [covered_size, *np.geomspace(20, 400, 39).round()], np.zeros(2)
    for seed in range(400):
        design = shocked_design([2] + [NEVER] * 39, sizes, seed, months=2, shock=0.05)
        estimate = att_gt.fit(design)
        held += [bool(found.conf_low[0] <= 0 <= found.conf_high[0]) for found in (few_treated(estimate, PLAIN), few_treated(estimate))]
    plain, by_size = held / 400
    assert plain < 0.85 if too_rarely else plain > 0.98
    assert 0.92 < by_size < 0.98


def test_variances_by_size_are_those_of_the_largest_likelihood():
    generator = np.random.default_rng(4)
    by_size = generator.uniform(0.1, 4, 40)
    squares = (0.4 + 1.5 * by_size) * generator.chisquare(1, 40)

    def against(found: np.ndarray) -> float:
        expected = np.exp(found[0]) + np.exp(found[1]) * by_size
        return float((np.log(expected) + squares / expected).sum())

    best = optimize.minimize(against, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
    assert_allclose(_variances(by_size, squares), np.exp(best.x), rtol=1e-4)


def test_several_covered_clusters_share_the_error_of_those_they_are_compared_with():
    """Three covered at once against 19: their mean varies by 1/3 + 1/19, and lenders alone would bring (1 + 1/19) / 3."""
    held = {1.0: 0, 3.0: 0}
    for seed in range(400):
        for covered in held:
            design = shocked_design([2] * int(covered) + [NEVER] * 19, [50.0] * (19 + int(covered)), seed, months=2, worker_noise=0.01)
            found = few_treated(att_gt.fit(design), PLAIN, level=0.8)
            held[covered] += bool(found.conf_low[0] <= 0 <= found.conf_high[0])
    assert all(abs(count / 400 - 0.8) < 0.05 for count in held.values()), held


def test_never_covered_units_beside_the_covered_do_not_make_their_cluster_larger():
    """Two covered workers, alone in their cluster or beside sixty who are not: what they add to the error is the same."""
    sizes = [2.0, *np.geomspace(20, 90, 20).round()]
    alone = shocked_design([3] + [NEVER] * 20, sizes, seed=3, shock=0.05)
    rows = np.vstack([alone.rows, np.full((1, alone.rows.shape[1]), 60.0)])
    mean = np.vstack([alone.total / alone.weight, np.zeros((1, rows.shape[1]))])
    beside = replace(
        alone,
        units=(*alone.units, "beside"),
        cluster=(*alone.cluster, alone.cluster[0]),
        cohort=np.append(alone.cohort, NEVER),
        coverage=np.vstack([alone.coverage, np.zeros((1, rows.shape[1]), dtype=bool)]),
        rows=rows,
        weight=rows,
        total=rows * mean,
        square=rows * mean**2,
        workers=rows[:, 0],
        headcount=rows[:, 0],
    )
    errors = [few_treated(aggregate(att_gt.fit(design), "simple")).std_error[0] for design in (alone, beside)]
    assert_allclose(errors[1], errors[0], rtol=0.02)


def test_a_cluster_unseen_in_a_month_lends_nothing_to_it():
    design = shocked_design([4] + [NEVER] * 9, [20.0] * 10, seed=8)
    hole = np.zeros(design.weight.shape, dtype=bool)
    hole[3, 4] = True
    holed = replace(design, **{name: np.where(hole, 0.0, getattr(design, name)) for name in ("rows", "weight", "total", "square")})
    found = few_treated(att_gt.fit(holed), PLAIN)
    assert found.draws == 8 and found.floor == 0.1, "the term with fewest lenders, and the smallest p-value of any term"
    assert few_treated(att_gt.fit(design), PLAIN).draws == 9


def test_a_term_that_is_zero_by_construction_leaves_the_floor_to_the_others():
    design = shocked_design([4] + [NEVER] * 9, [20.0] * 10, seed=8)
    found = few_treated(att_gt.fit(design, att_gt.Options(base="universal")), PLAIN)
    assert np.isnan(found.p_value).sum() == 1 and found.draws == 9 and found.floor == 0.1
    assert "no p-value can be below 0.1" in found.notes[0].en


def test_a_panel_with_holes_and_several_cohorts_gives_whole_answers(nasty):
    found = few_treated(aggregate(att_gt.fit(design_from(nasty, level="unit")), "event_time"))
    assert np.isfinite(found.p_value).all() and np.isfinite(found.conf_low).all() and found.draws == 999


def test_without_clusters_that_are_never_covered_there_is_nothing_to_borrow():
    estimate = att_gt.fit(shocked_design([3, 3, 4, 4, NEVER], [20.0] * 5, seed=1))
    with complains(
        EstimationError, "the spread of clusters by unit is not known", "Found 1 never covered cluster, 4 covered", "Add clusters"
    ):
        few_treated(estimate)
