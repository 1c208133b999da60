"""The weights of effects inside the two-way coefficient are those of the regression of coverage, and the coefficient is their sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.check import two_way_weights
from impact.design.contrast import total
from impact.estimate import att_gt, twfe
from panels import design_from


def weights_by_least_squares(frame: pd.DataFrame, unit: str) -> pd.Series:
    """Residuals of coverage on dummies, over the covered rows."""
    rows = frame[frame.groupby(unit)["month"].transform("size") > 1]
    covered = (rows["month"] >= rows["first_covered"]).astype(float)
    held = pd.concat([pd.get_dummies(rows[unit]), pd.get_dummies(rows["month"], drop_first=True)], axis=1).astype(float)
    weight = rows["weight"].to_numpy()
    residual = sm.WLS(covered.to_numpy(), held.to_numpy(), weights=weight).fit().resid
    part = pd.Series(residual * weight, index=rows.index)[covered == 1]
    cells = part.groupby([rows["first_covered"], rows["month"]]).sum()
    return cells / cells.sum()


@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_weights_equal_least_squares_with_dummies(unit, nasty):
    design = design_from(nasty, unit=unit)
    table = two_way_weights.run(att_gt.fit(design)).table
    wanted = weights_by_least_squares(nasty, unit)
    assert list(zip(table["cohort"], table["month"], strict=True)) == [(int(g), int(t)) for g, t in wanted.index]
    assert_allclose(table["weight"], wanted, rtol=1e-8)
    assert table["rows"].sum() == pytest.approx(1)


@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_the_coefficient_is_the_weighted_sum_of_effects(unit, nasty):
    """Outcomes that hold nothing but effects."""
    generator = np.random.default_rng(1)
    effect = {(g, t): generator.normal() for g in (5, 8) for t in range(g, 13)}
    keys = list(zip(nasty["first_covered"], nasty["month"], strict=True))
    design = design_from(nasty.assign(income=[effect.get(key, 0.0) for key in keys]), unit=unit)
    found = two_way_weights.run(att_gt.fit(design))
    effects = [effect[g, t] for g, t in zip(found.table["cohort"], found.table["month"], strict=True)]
    assert found.numbers["coefficient"] == pytest.approx((found.table["weight"] * effects).sum())


def test_effects_spread_by_sigma_can_average_to_zero_and_no_less(nasty):
    """The least favourable effects of the paper: away from the coefficient in proportion to the weights."""
    found = two_way_weights.run(att_gt.fit(design_from(nasty)))
    rows, ratio = found.table["rows"], found.table["weight"] / found.table["rows"]
    effects = found.numbers["coefficient"] * (ratio - 1) / (rows * (ratio - 1) ** 2).sum()
    assert (rows * effects).sum() == pytest.approx(0, abs=1e-12)
    assert (found.table["weight"] * effects).sum() == pytest.approx(found.numbers["coefficient"])
    assert ((rows * effects**2).sum()) ** 0.5 == pytest.approx(found.numbers["sigma"])


def test_effects_of_the_estimate_stand_beside_their_weights(nasty):
    estimate = att_gt.fit(design_from(nasty))
    table = two_way_weights.run(estimate).table
    effects = estimate.tidy().set_index(["cohort", "month"])["estimate"]
    assert_allclose(table["estimate"], [effects[g, t] for g, t in zip(table["cohort"], table["month"], strict=True)])
    simple = replace(estimate, terms=estimate.terms[:1], contrasts=(total(estimate.contrasts, [1.0] * len(estimate.contrasts)),))
    assert two_way_weights.run(simple).table["estimate"].isna().all()


def test_negative_weights_are_counted_and_said(nasty):
    found = two_way_weights.run(twfe.fit(design_from(nasty[nasty["first_covered"].notna()])))
    negative = found.table.loc[found.table["weight"] < 0, "weight"]
    assert found.passed is None and found.numbers["negative"] == len(negative) > 2
    assert found.numbers["negative_weight"] == pytest.approx(negative.sum())
    assert f"{len(negative)} of them negatively (sum {negative.sum():.3f})" in found.text_en
    assert f"其中{len(negative)}个的权重为负（合计{negative.sum():.3f}）" in found.text_zh


def test_one_cohort_against_the_never_covered_weighs_rows_alike(balanced):
    found = two_way_weights.run(twfe.fit(design_from(balanced[balanced["first_covered"] != 8])))
    assert np.isnan(found.numbers["sigma"]) and "Its weights are the shares of covered rows" in found.text_en
    assert_allclose(found.table["weight"], found.table["rows"])


def test_without_a_coefficient_there_are_no_weights(balanced):
    estimate = twfe.fit(design_from(balanced))
    found = two_way_weights.run(replace(estimate, design=estimate.design.keep(np.isnan(estimate.design.cohort))))
    assert found.numbers == {} and "cannot be estimated from these rows" in found.text_en
