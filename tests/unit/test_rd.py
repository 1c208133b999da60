"""Regression discontinuity: against another programme, against plain loops and dummies, and against a known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design
from impact.errors import DesignError, EstimationError, StudyError
from impact.estimate.parts.local_polynomial import Side, fit_side, residuals
from impact.estimate.regression_discontinuity import Options, fit
from impact.results import Estimate
from panels import answer_from, design_from

MONTHS = 4


def made(seed: int, count: int, steps: int = 0) -> pd.DataFrame:
    """Make one month of units with a score (in whole steps where `steps` are given), a curved outcome and a jump of 0.8 at zero; no cluster has units on both sides."""
    generator = np.random.default_rng(seed)
    score = generator.integers(-steps, steps, count) / steps if steps else generator.uniform(-1, 1, count)
    curve = 3 + 2 * score + 1.5 * score**2 - 2 * score**3
    income = curve + 0.8 * (score >= 0) + (0.3 + 0.5 * (score > 0)) * generator.normal(size=count)
    weight, cluster = generator.uniform(0.5, 2, count), generator.integers(0, 60, count) + 1000 * (score >= 0)
    names = [f"u{number:04d}" for number in range(count)]
    covered = np.where(score >= 0, 1.0, np.nan)
    return pd.DataFrame(
        {"worker": names, "unit": names, "month": 1, "first_covered": covered, "score": score, "income": income}
        | {"weight": weight, "cluster": cluster.astype(str)}
    )


def question(frame: pd.DataFrame, level: str = "unit") -> Design:
    return design_from(frame, level=level, traits=("score",))


def row(estimate: Estimate, name: str) -> pd.Series:
    return estimate.tidy().set_index("term").loc[name]


FROM_RDROBUST = {
    "plain": (0.63566937270, 0.66955902357, 0.28746352879, 0.35965296241, 0.24374892813, 0.36787842964),
    "uniform": (0.62933479570, 0.60843887235, 0.25120369470, 0.29975725130, 0.22514097057, 0.39569163836),
    "epanechnikov": (0.65788970537, 0.70062380215, 0.29994667711, 0.36301080506, 0.21027161646, 0.34196353660),
    "quadratic": (0.62466585528, 0.68363744233, 0.34601623155, 0.40820980885, 0.38660245161, 0.50916840992),
    "five neighbours": (0.63559866183, 0.67060106150, 0.28439751685, 0.35552972205, 0.24386951944, 0.36565034548),
    "weighted": (0.72581424156, 0.73735389625, 0.27886029525, 0.35094939409, 0.26530702031, 0.41397889016),
    "given": (0.61484982704, 0.46854680573, 0.18758968985, 0.22942164246, 0.5, 0.7),
    "clusters": (0.63651154586, 0.67607230822, 0.24974988206, 0.31364217763, 0.24233570830, 0.35936839110),
    "shared": (0.86844978973, 0.87387513580, 0.12261202585, 0.14591323870, 0.29393518864, 0.43267150385),
    "shared, ignored": (0.88615911583, 0.89179671406, 0.12351531541, 0.14682333408, 0.27643602199, 0.42688525749),
    "shared, clusters, weighted": (0.92196874883, 0.93014135369, 0.12635373190, 0.15234439383, 0.28332507384, 0.42558840940),
    "coarse": (0.97539558013, 0.91638082487, 0.08968133552, 0.11558797450, 0.31469721928, 0.59817659237),
}
"""Conventional and bias-corrected estimate, conventional and robust error, both bandwidths, by Python `rdrobust` 2.1.1 on `made(1, 400)`, or
`made(2, 600, 20)` where scores are shared and `made(3, 500, 10)` where they are coarse: rdrobust(income, score), with kernel="uni", kernel="epa", p=2, nnmatch=5, weights=weight, h=.5 b=.7,
cluster=cluster, masspoints="off" as the names say."""

ASKED = {
    "uniform": Options(kernel="uniform"),
    "epanechnikov": Options(kernel="epanechnikov"),
    "quadratic": Options(order=2),
    "five neighbours": Options(neighbours=5),
    "given": Options(bandwidth=0.5, bias_bandwidth=0.7),
    "shared, ignored": Options(shared_scores="ignore"),
}


@pytest.mark.parametrize("case", FROM_RDROBUST)
def test_estimates_errors_and_bandwidths_equal_rdrobust(case):
    frame = made(2, 600, 20) if "shared" in case else made(3, 500, 10) if case == "coarse" else made(1, 400)
    frame = frame if "weighted" in case else frame.drop(columns="weight")
    estimate = fit(question(frame, "cluster" if "clusters" in case else "unit"), ASKED.get(case, Options()))
    conventional, corrected, error, robust, effect, bias = FROM_RDROBUST[case]
    assert_allclose(estimate.tidy()["estimate"], [conventional, corrected, corrected], rtol=3e-7)
    assert_allclose(estimate.tidy()["std_error"], [error, error, robust], rtol=3e-7)
    assert any(f"within {effect:.4g} of the cut-off ({bias:.4g} for the bias)" in note.en for note in estimate.notes)


def test_a_jump_is_the_coefficient_of_least_squares_weighted_by_the_kernel(nasty):
    estimate = fit(question(nasty.drop(columns="weight")), Options(bandwidth=0.6, months="all"))
    design = estimate.design
    score, mean = np.asarray(design.traits["score"], dtype=float), unit_effects(nasty.drop(columns="weight"), design)
    near = np.abs(score) < 0.6
    above = (score >= 0).astype(float)
    regressors = np.column_stack([above, np.ones_like(score), score, above * score])[near]
    ols = sm.WLS(mean[near], regressors, weights=(1 - np.abs(score) / 0.6)[near]).fit()
    assert_allclose(estimate.values[0], ols.params[0], rtol=1e-9)


def unit_effects(frame: pd.DataFrame, design: Design) -> np.ndarray:
    """Take from each row the month effect of a regression of the compared on dummies, and average over the rows of a unit."""
    compared = frame[frame["score"] < 0]
    dummies = pd.concat([pd.get_dummies(compared["worker"]), pd.get_dummies(compared["month"], drop_first=True)], axis=1)
    effects = sm.OLS(compared["income"], dummies.astype(float)).fit().params
    left = frame["income"] - frame["month"].map(effects).fillna(0.0)
    means = left.groupby(frame["unit"] + " " + frame["score"].astype(str)).mean()
    own = frame.assign(key=frame["unit"] + " " + frame["score"].astype(str)).drop_duplicates("key").set_index("key")
    assert own["score"].nunique() == len(set(np.asarray(design.traits["score"], dtype=float)))
    by_place = {(unit_of_name, score): means[key] for key, unit_of_name, score in zip(own.index, own["unit"], own["score"], strict=True)}
    return np.array([by_place[name] for name in places(design, own)])


def places(design: Design, own: pd.DataFrame) -> list[tuple[str, float]]:
    """Find the city and the score of each unit by its name."""
    cities = sorted(own["unit"].unique())
    found = [next(city for city in cities if name.startswith(city)) for name in design.units]
    return list(zip(found, np.asarray(design.traits["score"], dtype=float).tolist(), strict=True))


@pytest.mark.parametrize("least", [1, 3, 5])
def test_residuals_equal_plain_loops_over_the_nearest(least):
    generator = np.random.default_rng(least)
    score, outcome = generator.integers(1, 15, 40) / 10.0, generator.normal(size=40)
    side = Side("above", score, outcome, np.ones(40), None, least, "uniform")
    found = residuals(fit_side(side, 2.0, 1))
    for unit in range(40):
        gaps = np.round(np.abs(score - score[unit]), 9)
        others = np.delete(np.arange(40), unit)
        reach = np.sort(gaps[others])[least - 1]
        near = others[gaps[others] <= reach]
        expected = (len(near) / (len(near) + 1)) ** 0.5 * (outcome[unit] - outcome[near].mean())
        assert found[unit] == pytest.approx(expected, rel=1e-9)


def panel(seed: int, jump: float = 2.0) -> pd.DataFrame:
    """Make 300 units over four months with shocks common to months, an effect of `jump` from month 3 on and 10 % of rows deleted."""
    generator = np.random.default_rng(seed)
    score = generator.normal(0, 2, 300)
    level = 10 + np.sin(score) + generator.normal(0, 0.6, 300)
    units = pd.DataFrame({"unit": [f"u{number:03d}" for number in range(300)], "score": score, "level": level})
    rows = units.merge(pd.DataFrame({"month": np.arange(1, MONTHS + 1)}), how="cross")
    rows["first_covered"] = np.where(rows["score"] >= 0, 3.0, np.nan)
    rows["income"] = (
        rows["level"] + 5 * rows["month"] + jump * (rows["month"] >= rows["first_covered"]) + generator.normal(0, 0.4, len(rows))
    )
    rows["worker"] = rows["cluster"] = rows["unit"]
    return rows.drop(columns="level")[generator.random(len(rows)) > 0.1]


def test_robust_intervals_hold_the_truth_as_often_as_they_say():
    design, generator, held = question(panel(1)), np.random.default_rng(11), []
    score = np.asarray(design.traits["score"], dtype=float)
    for _ in range(200):
        means = np.sin(score)[:, None] + 2.0 * design.coverage + generator.normal(0, 0.6, (len(score), 1))
        drawn = replace(design, total=design.weight * (means + generator.normal(0, 0.4, means.shape)))
        robust = row(fit(drawn), "robust")
        held.append(robust["conf_low"] <= 2 <= robust["conf_high"])
    assert 0.9 <= np.mean(held) <= 0.985


def test_months_before_coverage_do_not_count():
    frame = panel(1)
    moved = frame.assign(income=frame["income"] + 100 * frame["score"].gt(0) * (frame["month"] < 3))
    assert_allclose(fit(question(moved)).values, fit(question(frame)).values, rtol=1e-12)
    assert fit(question(frame)).design.months == (3, 4)
    assert fit(question(frame), Options(months="all")).design.months == (1, 2, 3, 4)


def test_months_count_in_which_all_the_covered_are_and_some_of_the_compared_are_seen():
    frame = panel(2)
    frame.loc[frame["unit"].isin(["u000", "u005"]) & (frame["score"] >= 0), "first_covered"] = 2.0
    assert frame["first_covered"].nunique() == 2 and fit(question(frame)).design.months == (3, 4)
    gone = frame[~((frame["month"] == 4) & (frame["score"] < 0))]
    estimate = fit(question(gone))
    assert estimate.design.months == (3,)
    assert any("means over 1 of 4 periods, 3 to 3" in note.en for note in estimate.notes)


def test_units_that_leave_when_covered_do_not_mix_the_months_up():
    """The covered are seen in the first month under coverage only; what that month has in common is not taken for an effect."""
    frame = panel(3)
    stays = frame[~((frame["month"] == 4) & (frame["score"] >= 0))]
    lifted = stays.assign(income=stays["income"] + 1000 * (stays["month"] == 4))
    assert_allclose(fit(question(lifted)).values, fit(question(stays)).values, rtol=1e-9)
    assert abs(row(fit(question(lifted)), "robust")["estimate"] - 2) < 1


def test_contrasts_give_the_estimate_and_its_error_back(nasty):
    estimate = fit(question(nasty))
    for contrast, error in zip(estimate.contrasts, estimate.errors.std_error, strict=True):
        assert contrast.value == pytest.approx((contrast.a * estimate.design.total).sum())
        sums = pd.Series(contrast.unit_influence(estimate.design)).groupby(np.asarray(estimate.design.cluster)).sum()
        assert error == pytest.approx((sums**2).sum() ** 0.5)


def test_the_covered_side_may_be_below():
    frame = made(1, 400).drop(columns="weight")
    turned = frame.assign(score=5 - frame["score"])
    other = fit(question(turned), Options(cutoff=5.0, covered="below"))
    assert_allclose(other.tidy()["estimate"], fit(question(frame)).tidy()["estimate"], rtol=1e-6)
    assert_allclose(other.tidy()["std_error"], fit(question(frame)).tidy()["std_error"], rtol=1e-6)


def test_clusters_on_both_sides_are_summed_over_both():
    frame = made(1, 400).drop(columns="weight")
    together = frame.assign(cluster=[str(int(name) % 1000) for name in frame["cluster"]])
    estimate = fit(question(together, "cluster"), Options(bandwidth=0.5))
    influence = estimate.influence()["conventional"].groupby(np.asarray(estimate.design.cluster)).sum()
    assert estimate.errors.std_error[0] == pytest.approx((influence**2).sum() ** 0.5)
    apart = fit(question(frame, "cluster"), Options(bandwidth=0.5))
    assert estimate.errors.std_error[0] != pytest.approx(apart.errors.std_error[0], rel=1e-3)


def test_units_without_a_score_are_left_out_and_counted():
    frame = panel(5)
    frame.loc[frame["unit"].isin(["u000", "u001"]), "score"] = np.nan
    estimate = fit(question(frame))
    assert any("2 units left out: no score is known" in note.en for note in estimate.notes)


def test_partial_take_up_gives_the_effect_of_being_eligible():
    frame = panel(6)
    some = frame["unit"].isin([f"u{number:03d}" for number in range(0, 300, 10)])
    frame.loc[some, "first_covered"] = np.where(frame.loc[some, "score"] >= 0, np.nan, 3.0)
    with pytest.raises(
        DesignError, match=r"does not decide coverage.*\nFound \d+ of \d+ workers on the covered side never covered, and \d+ of"
    ):
        fit(question(frame))
    assert np.isfinite(fit(question(frame), Options(take_up="partial")).values).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(bandwidth=1e-4), "distinct scores are the least"),
        (Options(bandwidth=-1.0), "option `bandwidth`: it cannot be -1.0"),
        (Options(neighbours=0), "option `neighbours`"),
        (Options(bias_bandwidth=1.0), "it goes with `bandwidth`"),
    ],
)
def test_what_cannot_be_done_is_refused_in_three_lines(options, words):
    with pytest.raises(EstimationError, match=words) as refused:
        fit(question(panel(7)), options)
    assert len(str(refused.value).splitlines()) == 3


def test_a_cut_off_beyond_all_scores_leaves_nothing_to_compare():
    with pytest.raises(DesignError, match="nothing to compare at the cut-off"):
        fit(question(panel(8)), Options(cutoff=-99.0, take_up="partial"))


def test_the_command_line_needs_a_score(tmp_path):
    with pytest.raises(StudyError, match="it needs --score"):
        answer_from(panel(9), tmp_path, estimator="regression_discontinuity")
    asked = {"estimator": "regression_discontinuity", "traits": {"score": "score"}, "options": {"bandwidth": "1.5"}}
    found = answer_from(panel(9), tmp_path, **asked).estimate
    assert [term.name for term in found.terms] == ["conventional", "bias_corrected", "robust"]
    assert any("within 1.5 of the cut-off" in note.en for note in found.notes)
