"""The number of clusters chooses; a study may choose otherwise only with a reason; every method keeps the laws of an interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER, shocked_design
from impact.design.design import Design
from impact.errors import EstimationError
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.infer.choose import Override, carry_out, choose, infer
from impact.infer.inference import METHODS, Inference, inference_table
from impact.results import Estimate
from impact.text import Text
from words import complains

REASON = Text("the court asked for it", "法院要求")
every_method = pytest.mark.parametrize("method", METHODS)


def world(covered: int, never: int, effect: float = 0.0) -> Design:
    sizes = np.geomspace(6, 300, covered + never).round()[np.random.default_rng(3).permutation(covered + never)]
    return shocked_design([3 + place // 2 % 2 for place in range(covered)] + [NEVER] * never, sizes, seed=covered, effect=effect)


def refit(design: Design) -> Estimate:
    return aggregate(att_gt.fit(design), "simple")


def asked(method: str, design: Design) -> Inference:
    return carry_out(method, att_gt.fit(design), refit, "simple")


@pytest.mark.parametrize(
    ("covered", "never", "method", "beside"),
    [
        (1, 30, "permutation", ("ferman_pinto",)),
        (2, 30, "permutation", ("wild",)),
        (3, 30, "permutation", ("ferman_pinto",)),
        (8, 30, "permutation", ("wild",)),
        (9, 30, "permutation", ("wild",)),
        (10, 30, "cr2", ("wild",)),
        (40, 40, "cr2", ("wild",)),
        (40, 3, "permutation", ("wild",)),
        (3, 2, "permutation", ("wild",)),
        (12, 0, "cr2", ("wild",)),
    ],
)
def test_the_smaller_side_chooses(covered, never, method, beside):
    choice = choose(world(covered, never))
    assert (choice.method, choice.beside, choice.covered_clusters, choice.never_clusters) == (method, beside, covered, never)
    assert f"{covered} covered and {never} never covered" in choice.reason.en and f"{covered}个受覆盖" in choice.reason.zh


@pytest.mark.parametrize(("size", "method", "beside"), [(6.0, "ferman_pinto", "permutation"), (600.0, "permutation", "ferman_pinto")])
def test_a_lone_covered_cluster_chooses_by_its_size(size, method, beside):
    choice = choose(shocked_design([3.0] + [NEVER] * 20, [size, *np.geomspace(20, 200, 20).round()], seed=1))
    assert (choice.method, choice.beside) == (method, (beside,))


def test_an_override_is_kept_with_its_reason_and_what_it_sets_aside():
    choice = choose(world(4, 20), Override("cr1", REASON))
    assert choice.method == "cr1" and choice.reason is REASON
    assert choice.overridden == "permutation" and choice.beside == ("permutation", "wild")


def test_an_override_that_agrees_sets_nothing_aside():
    choice = choose(world(4, 20), Override("permutation", REASON))
    assert choice.overridden is None and choice.beside == ("wild",)


def test_an_override_needs_a_reason_in_both_languages():
    with complains(EstimationError, "inference `cr1` is asked for without a reason", "Found an empty text", "in English and Chinese"):
        choose(world(3, 20), Override("cr1", Text("because", " ")))


def test_an_unknown_method_is_met_with_the_nearest():
    with complains(EstimationError, "inference `permutations` is not known", "Did you mean `permutation`?", "Name one of them"):
        choose(world(3, 20), Override("permutations", REASON))


def test_the_method_that_decides_comes_first():
    design = world(4, 8, effect=3.0)
    found = infer(choose(design), att_gt.fit(design), refit, "simple")
    assert [one.method for one in found] == ["permutation", "wild"]


@every_method
def test_every_method_gives_the_estimate_itself_inside_its_interval(method):
    design = world(5, 9, effect=2.0)
    table = inference_table(asked(method, design)).iloc[0]
    assert table["estimate"] == pytest.approx(refit(design).values[0]) and table["term"] == "overall" and table["method"] == method
    assert table["conf_low"] <= table["estimate"] <= table["conf_high"] and table["floor"] <= table["p_value"] <= 1


@every_method
def test_adding_c_to_covered_cells_moves_the_interval_by_c_and_scaling_scales_it(method):
    design = world(5, 9, effect=1.0)
    lifted = replace(design, total=design.total + 7 * design.weight * design.coverage)
    scaled = replace(design, total=100 * design.total, square=1e4 * design.square)
    plain, higher, larger = (asked(method, one) for one in (design, lifted, scaled))
    for side in ("conf_low", "conf_high"):
        assert_allclose(getattr(higher, side), getattr(plain, side) + 7, rtol=1e-4)
        assert_allclose(getattr(larger, side), getattr(plain, side) * 100, rtol=1e-4)
    assert_allclose(larger.p_value, plain.p_value)


@every_method
def test_the_interval_holds_zero_where_the_p_value_is_above_five_percent(method):
    for seed in range(6):
        design = shocked_design([3, 3, 4, 4] + [NEVER] * 6, np.geomspace(5, 80, 10).round(), seed)
        table = inference_table(asked(method, design)).iloc[0]
        assert (table["conf_low"] <= 0 <= table["conf_high"]) == (table["p_value"] > 0.05)


@every_method
def test_a_study_gets_the_same_answer_twice_and_its_design_back_untouched(method):
    design = world(4, 8)
    before = {name: getattr(design, name).copy() for name in ("total", "weight", "cohort", "coverage")}
    first, second = asked(method, design), asked(method, design)
    assert_allclose(first.p_value, second.p_value)
    for name, array in before.items():
        assert_allclose(getattr(design, name), array)
