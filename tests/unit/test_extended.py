"""Sun–Abraham and extended two-way regressions equal least squares with dummies, each other, and the truth where it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt, etwfe, sun_abraham
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from panels import answer_from, design_from, moments_from
from words import complains

SUFFIX = {"unit": "unit", "worker": "worker", "cohort": "kind"}


def one_weight(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(weight=frame.groupby("worker")["weight"].transform("first"))


def dummies(values: pd.Series) -> pd.DataFrame:
    return pd.get_dummies(values.astype(str)).astype(float)


def by_least_squares(frame: pd.DataFrame, effects: str, comparison: str, covariate: str | None = None) -> pd.DataFrame:
    """ATT(g, t) and clustered errors from a regression on the rows with a dummy for everything; the factor is fixest's."""
    rows = frame.assign(kind=frame["first_covered"].fillna(99))
    if effects != "cohort":
        rows = rows[rows.groupby(effects)["month"].transform("size") > 1]
    reached = rows["first_covered"].notna() & (
        rows["month"] >= rows["first_covered"] if comparison == "not_yet" else rows["month"] != rows["first_covered"] - 1
    )
    names = sorted({(int(g), int(t)) for g, t in rows.loc[reached, ["first_covered", "month"]].itertuples(index=False)})
    cells = np.column_stack([(rows["first_covered"] == g) & (rows["month"] == t) for g, t in names]).astype(float)
    held, months = dummies(rows[SUFFIX[effects]]), dummies(rows["month"]).iloc[:, 1:]
    blocks = [cells, held.to_numpy(), months.to_numpy()]
    if covariate is not None:
        x = rows[[covariate]].to_numpy(dtype=float)
        blocks += [cells * x, months.to_numpy() * x, *([held.to_numpy() * x] if effects == "cohort" else [])]
    regressors = np.column_stack(blocks)
    ols = sm.WLS(rows["income"].to_numpy(), regressors, weights=rows["weight"].to_numpy()).fit()
    combine = np.zeros((len(names), regressors.shape[1]))
    combine[:, : len(names)] = np.eye(len(names))
    if covariate is not None:
        slopes = sum(block.shape[1] for block in blocks[:3])
        for place in range(len(names)):
            inside = cells[:, place] == 1
            combine[place, slopes + place] = np.average(rows.loc[inside, covariate], weights=rows.loc[inside, "weight"])
    clusters, nobs = rows["cluster"].nunique(), len(rows)
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    nested = held.shape[1] - 1 if effects != "cohort" else 0
    counted = np.linalg.matrix_rank(regressors) - nested
    factor = clusters / (clusters - 1) * (nobs - 1) / (nobs - counted)
    variance = np.diag(combine @ robust.cov_params() @ combine.T) * factor
    return pd.DataFrame({"term": names, "estimate": combine @ ols.params, "std_error": variance**0.5})


def assert_equals(estimate: Estimate, rows: pd.DataFrame) -> None:
    table = estimate.tidy()
    assert list(zip(table["cohort"], table["month"], strict=True)) == rows["term"].tolist()
    assert_allclose(table["estimate"], rows["estimate"], rtol=1e-7, atol=1e-8)
    assert_allclose(table["std_error"], rows["std_error"], rtol=1e-7)


@pytest.mark.parametrize("effects", ["unit", "worker"])
def test_sun_abraham_equals_least_squares_with_dummies(effects, nasty):
    estimate = sun_abraham.fit(design_from(nasty, unit=effects), sun_abraham.Options(effects=effects))
    assert_equals(estimate, by_least_squares(nasty, effects, "never"))


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("effects", ["cohort", "unit", "worker"])
def test_the_extended_regression_equals_least_squares_with_dummies(effects, comparison, nasty):
    design = design_from(nasty, unit="worker" if effects == "worker" else "unit")
    estimate = etwfe.fit(design, etwfe.Options(comparison=comparison, effects=effects))
    assert_equals(estimate, by_least_squares(nasty, effects, comparison))


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("effects", ["cohort", "worker"])
def test_covariates_equal_least_squares_with_slopes_for_everything(effects, comparison, nasty):
    frame = nasty.assign(age=30 + 5 * nasty["worker"].str[1:].astype(int).mod(7))
    frame["income"] += 0.02 * frame["age"] * frame["month"] + (frame["month"] >= frame["first_covered"]) * frame["age"] / 20
    design, age = (design_from(frame, outcome, unit="worker") for outcome in ("income", "age"))
    estimate = etwfe.fit(design, etwfe.Options(comparison=comparison, effects=effects, covariates=(age,)))
    assert_equals(estimate, by_least_squares(frame, effects, comparison, "age"))
    contrast = estimate.contrasts[4]
    assert (contrast.a * estimate.design.total).sum() == pytest.approx(contrast.value, abs=1e-8)
    by_arrays = (contrast.a * estimate.design.total - contrast.b * estimate.design.weight).sum(axis=1)
    assert_allclose(contrast.unit_influence(estimate.design), by_arrays, atol=1e-9)
    assert contrast.size(estimate.design) >= np.abs(contrast.a * estimate.design.total).sum() * 0.1


@pytest.mark.parametrize("shift", [-40.0, 1e4])
def test_the_origin_and_the_scale_of_a_covariate_do_not_matter(shift, nasty):
    frame = nasty.assign(age=nasty["worker"].str[1:].astype(int).mod(7), other=lambda rows: shift + rows["age"] * 1e-3)
    design, age, other = (design_from(frame, outcome, unit="worker") for outcome in ("income", "age", "other"))
    plain, moved = (etwfe.fit(design, etwfe.Options(covariates=(one,))).tidy() for one in (age, other))
    assert_allclose(moved[["estimate", "std_error"]], plain[["estimate", "std_error"]], rtol=1e-6, atol=1e-7)


def test_a_covariate_that_does_not_vary_changes_no_effect(nasty):
    frame = nasty.assign(same=1.0)
    design, same = (design_from(frame, outcome, unit="worker") for outcome in ("income", "same"))
    plain, held = (etwfe.fit(design, etwfe.Options(covariates=one)) for one in ((), (same,)))
    assert_allclose(held.values, plain.values, rtol=1e-9)
    assert_allclose(held.errors.std_error, plain.errors.std_error, rtol=1e-9)


def test_the_never_covered_alone_give_what_sun_abraham_gives(nasty):
    design = design_from(nasty, unit="worker")
    one, other = sun_abraham.fit(design), etwfe.fit(design, etwfe.Options(comparison="never", effects="worker"))
    pd.testing.assert_frame_equal(one.tidy(), other.tidy())


def test_where_nobody_comes_or_goes_effects_are_those_of_four_means(balanced):
    design = design_from(balanced)
    groups = att_gt.fit(design, att_gt.Options(comparison="never", base="universal")).tidy().set_index(["cohort", "month"])
    for estimate in (
        sun_abraham.fit(design),
        *(etwfe.fit(design, etwfe.Options(comparison="never", effects=effects)) for effects in ("cohort", "unit")),
    ):
        table = estimate.tidy().set_index(["cohort", "month"])
        assert len(table) == len(groups) - 2
        assert_allclose(table["estimate"], groups.loc[table.index, "estimate"], atol=1e-9)


@pytest.mark.parametrize("level", ["cluster", "worker"])
@pytest.mark.parametrize("module", [sun_abraham, etwfe])
def test_workers_are_held_constant_alike_from_patterns_and_from_rows(module, level, nasty):
    frame = one_weight(nasty)
    options = module.Options(effects="worker")
    rows = design_from(frame.assign(unit=frame["worker"]), level=level)
    followed = design_of(moments_from(frame, pairs=level == "worker", patterns=True), "income", level, follow_workers=True)
    assert len(followed.units) < len(rows.units)
    for by in ("none", "event_time", "cohort"):
        wanted, found = (aggregate(module.fit(design, options), by).tidy() for design in (rows, followed))
        assert found["term"].tolist() == wanted["term"].tolist()
        for column in ("estimate", "std_error", "conf_low", "workers"):
            assert_allclose(found[column], wanted[column], rtol=1e-7, atol=1e-9, err_msg=column)


def test_averages_count_by_covered_rows(nasty):
    estimate = etwfe.fit(design_from(nasty))
    rows = nasty[nasty["month"] >= nasty["first_covered"]]
    weight = rows.groupby(["first_covered", "month"])["weight"].sum()
    table = estimate.tidy().set_index(["cohort", "month"])
    simple = aggregate(estimate, "simple").values[0]
    assert simple == pytest.approx((table["estimate"].to_numpy() * weight.to_numpy()).sum() / weight.sum())


def test_where_all_are_covered_in_the_end_the_last_cohort_serves_as_comparison(nasty):
    covered = nasty[nasty["first_covered"].notna()]
    early = covered[covered["month"] < 8]
    wanted = sun_abraham.fit(design_from(early.assign(first_covered=early["first_covered"].where(early["first_covered"] < 8))))
    found = sun_abraham.fit(design_from(covered))
    assert_allclose(found.tidy()[["estimate", "std_error"]], wanted.tidy()[["estimate", "std_error"]], rtol=1e-9)
    assert "the last cohort serves as comparison only" in found.notes[0].en
    with complains(DesignError, "comparison `never`: every unit is covered at some time", "Found cohorts 5, 8", "Compare with `not_yet`"):
        sun_abraham.fit(design_from(covered), sun_abraham.Options(without_never="refuse"))
    with complains(DesignError, "there is one cohort, and nobody to compare it with", "all first covered at the same time", "Add units"):
        sun_abraham.fit(design_from(covered[covered["first_covered"] == 5]))


@pytest.mark.parametrize("module", [sun_abraham, etwfe])
def test_a_month_without_anybody_to_compare_with_has_no_effects_and_changes_no_others(module, balanced):
    alone = balanced[(balanced["month"] != 10) | balanced["first_covered"].notna()]
    without = balanced[balanced["month"] != 10]
    found, wanted = (module.fit(design_from(frame), module.Options(effects="unit")) for frame in (alone, without))
    assert [term.name for term in found.terms] == [term.name for term in wanted.terms]
    assert_allclose(found.values, wanted.values, rtol=1e-9)
    assert found.notes[-1].en.startswith("2 group-time effects left out: nobody is seen to compare with")


def test_a_cohort_that_is_not_seen_before_coverage_is_left_out(nasty):
    late = nasty[(nasty["first_covered"] != 5) | (nasty["month"] >= 5)]
    found = sun_abraham.fit(design_from(late, unit="worker"))
    assert {term.cohort for term in found.terms} == {8}
    assert any("nobody of their cohort is seen before coverage" in note.en for note in found.notes)
    with complains(DesignError, "no cohort is seen before its coverage", "seen under coverage only", "Add the months before coverage"):
        sun_abraham.fit(design_from(late[late["first_covered"] != 8]))


def test_where_the_month_before_coverage_is_missing_the_last_one_seen_is_the_reference(nasty):
    gap = nasty[(nasty["first_covered"] != 8) | (nasty["month"] != 7)]
    months = [term.month for term in sun_abraham.fit(design_from(gap)).terms if term.cohort == 8]
    assert months == [1, 2, 3, 4, 5, 8, 9, 10, 11, 12]


def test_anticipation_moves_the_reference_and_counts_from_it(nasty):
    design = design_from(nasty)
    months = [[t.event_time for t in m.fit(design, m.Options(anticipation=2)).terms if t.cohort == 8] for m in (sun_abraham, etwfe)]
    assert months == [[-7, -6, -5, -4, -2, -1, 0, 1, 2, 3, 4], [-2, -1, 0, 1, 2, 3, 4]]


def test_rows_alone_in_their_worker_do_not_count(nasty):
    first = nasty.sort_values("month").drop_duplicates("worker").head(3)
    lone = first.assign(worker="lone " + first["worker"])
    plain, more = (sun_abraham.fit(design_from(frame, unit="worker")) for frame in (nasty, pd.concat([nasty, lone])))
    assert_allclose(more.errors.covariance, plain.errors.covariance, rtol=1e-9)
    assert any("left out: their worker or month is seen only once" in note.en for note in more.notes)


def test_covariates_that_change_are_refused(nasty):
    design = design_from(nasty, unit="worker")
    with complains(
        DesignError, "covariate `rides`: it must stay as it is", "units in which its mean changes", "Give each worker one value"
    ):
        etwfe.fit(design, etwfe.Options(covariates=(design_from(nasty, "rides", unit="worker"),)))
    fewer = design_from(nasty.iloc[5:].assign(age=1.0), "age", unit="worker")
    with complains(DesignError, "covariate `age`: it is not known wherever", "cells with it", "Compress only rows that have both"):
        etwfe.fit(design, etwfe.Options(covariates=(fewer,)))


def test_covariates_of_units_with_several_workers_enter_as_means_with_a_note(balanced):
    frame = balanced.assign(age=balanced["worker"].str[1:].astype(int).mod(7))
    estimate = etwfe.fit(design_from(frame), etwfe.Options(covariates=(design_from(frame, "age"),)))
    assert any("units hold several workers, and covariates enter as means" in note.en for note in estimate.notes)


def test_effects_without_anybody_to_compare_with_are_refused(nasty):
    before = nasty[(nasty["month"] < 5) | (nasty["first_covered"].notna())]
    with complains(EstimationError, "no group-time effect can be estimated", "nobody to compare in the months needed", "Check the months"):
        sun_abraham.fit(design_from(before[before["first_covered"] != 8]))


@pytest.mark.parametrize(("options", "units"), [({}, "city"), ({"effects": "unit"}, "city"), ({"effects": "worker"}, "pattern")])
def test_the_command_line_follows_workers_where_their_level_is_taken_out(options, units, nasty, tmp_path):
    answer = answer_from(one_weight(nasty), tmp_path, estimator="etwfe", cluster="cluster", weights="weight", options=options)
    assert (len(answer.estimate.design.units) > 18) == (units == "pattern")


def made(generator: np.random.Generator, effect: dict[int, float], slope: float = 0.0) -> Design:
    """Make 40 units of one worker in 8 months, cohorts 4, 6 and never, whose effects grow since coverage, one cluster each."""
    months, cohort = np.arange(1, 9), np.tile([4.0, 6.0, np.nan, np.nan], 10)
    since = months[None, :] - cohort[:, None]
    level = np.vectorize(lambda one: effect.get(one, 0.0))(np.nan_to_num(cohort))[:, None]
    noise = np.cumsum(generator.normal(0, 0.3, (40, 8)), axis=1) + generator.normal(0, 0.5, (40, 8))
    total = generator.normal(0, 2, (40, 1)) + 0.1 * months + np.where(since >= 0, level + slope * since, 0.0) + noise
    ones, names = np.ones((40, 8)), tuple(f"u{place}" for place in range(40))
    return Design(
        outcome="income",
        period="index",
        months=tuple(months.tolist()),
        units=names,
        cohort=cohort,
        coverage=since >= 0,
        rows=ones,
        weight=ones,
        total=total,
        square=total**2,
        workers=ones[:, 0],
        headcount=ones[:, 0],
        cluster=names,
        cluster_level="unit",
        pairs=None,
        one_worker_per_unit=True,
        followed=True,
    )


@pytest.mark.parametrize("module", [sun_abraham, etwfe])
def test_effects_that_differ_are_recovered_and_covered_at_the_rate_stated(module):
    generator, truth = np.random.default_rng(2), 0.5 * (5 * 1.0 + 3 * 2.0) / 4 + 0.2 * (10 + 3) / 8
    found = [aggregate(module.fit(made(generator, {4: 1.0, 6: 2.0}, 0.2)), "simple").tidy().iloc[0] for _ in range(250)]
    estimates = np.array([row["estimate"] for row in found])
    assert abs(estimates.mean() - truth) < 4 * estimates.std() / 250**0.5
    inside = np.mean([row["conf_low"] <= truth <= row["conf_high"] for row in found])
    assert 0.91 <= inside <= 0.985
