"""Effects by dose against regressions on rows, against group-time effects where doses are all one, and against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt, dose
from impact.infer.aggregate import aggregate
from panels import answer_from, design_from

Options = dose.Options


def design_with(frame: pd.DataFrame, level: str = "cluster", unit: str = "unit") -> Design:
    return design_from(frame, level=level, unit=unit, traits=("dose",))


def mean_of(rows: pd.DataFrame, month: int) -> float:
    there = rows[rows["month"] == month]
    return float((there["weight"] * there["income"]).sum() / there["weight"].sum())


def groups_by_loops(frame: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """Give the workers of each group: a group ends at the smallest dose that brings the share of workers to its quantile."""
    workers = (
        frame[frame["first_covered"].notna()]
        .groupby("worker")
        .agg(dose=("dose", "first"), w=("weight", "mean"), g=("first_covered", "first"))
    )
    doses, cuts = sorted(workers["dose"].unique()), []
    for number in range(1, count):
        cuts.append(next(d for d in doses if workers.loc[workers["dose"] <= d, "w"].sum() >= number / count * workers["w"].sum() - 1e-9))
    place = [sum(d > cut for cut in cuts) for d in workers["dose"]]
    return [part for _, part in workers.groupby(place)]


def test_groups_of_doses_have_the_mean_effects_of_rows(nasty):
    table = dose.fit(design_with(nasty)).tidy()
    never, wanted, names = nasty[nasty["first_covered"].isna()], [], []
    for members in groups_by_loops(nasty, 4):
        found = []
        for cohort, own in members.groupby("g"):
            rows = nasty[nasty["worker"].isin(own.index)]
            for month in range(int(cohort), 13):
                value = mean_of(rows, month) - mean_of(rows, int(cohort) - 1) - mean_of(never, month) + mean_of(never, int(cohort) - 1)
                found.append((value, own["w"].sum()))
        wanted.append(np.average([value for value, _ in found], weights=[weight for _, weight in found]))
        names.append(f"effect(dose {members['dose'].min():g} to {members['dose'].max():g})")
    assert table["term"].tolist() == names
    assert_allclose(table["estimate"], wanted, rtol=1e-9)


def test_one_group_is_the_simple_average_of_group_time_effects(nasty):
    table = dose.fit(design_with(nasty), Options(groups=1)).tidy()
    wanted = aggregate(att_gt.fit(design_from(nasty), att_gt.Options("never")), "simple").tidy()
    assert_allclose(table[["estimate", "std_error", "workers"]], wanted[["estimate", "std_error", "workers"]], rtol=1e-9)


@pytest.mark.parametrize("form", ["linear", "per_unit"])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("level", ["cluster", "worker"])
@pytest.mark.parametrize("by", ["none", "event_time"])
def test_with_dose_one_for_all_effects_per_unit_are_group_time_effects(form, base, level, by, nasty):
    ones = nasty.assign(dose=nasty["first_covered"].notna().astype(float))
    estimate = dose.fit(design_with(ones, level), Options(form=form, base=base, anticipation=1))
    wanted = att_gt.fit(design_from(nasty, level=level), att_gt.Options("never", base, 1))
    table, other = aggregate(estimate, by).tidy(), aggregate(wanted, by).tidy().dropna(subset="std_error")
    assert_allclose(table[["estimate", "std_error"]], other[["estimate", "std_error"]], rtol=1e-8, atol=1e-11)


def test_slopes_are_least_squares_on_the_rows_of_two_months_with_their_errors(nasty):
    table = dose.fit(design_with(nasty), Options(form="linear")).tidy().set_index("term")
    for cohort, month, base in ((5, 9, 4), (8, 8, 7), (8, 3, 2)):
        rows = nasty[nasty["month"].isin([base, month]) & (nasty["first_covered"].isna() | (nasty["first_covered"] == cohort))]
        post = (rows["month"] == month).to_numpy(dtype=float)
        bite = rows["dose"].to_numpy()
        ols = sm.WLS(
            rows["income"].to_numpy(), np.column_stack([np.ones(len(rows)), post, bite, post * bite]), weights=rows["weight"].to_numpy()
        ).fit()
        robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
        found = table.loc[f"slope({cohort}, {month})"]
        assert_allclose([found["estimate"], found["std_error"]], [ols.params[3], robust.bse[3]], rtol=1e-8)


def test_while_nobody_comes_or_goes_a_slope_is_that_with_effects_of_workers_and_months(balanced):
    table = dose.fit(design_with(balanced), Options(form="linear")).tidy().set_index("term")
    rows = balanced[balanced["month"].isin([4, 9]) & (balanced["first_covered"].isna() | (balanced["first_covered"] == 5))]
    post = (rows["month"] == 9).to_numpy(dtype=float)
    dummies = pd.get_dummies(rows["worker"]).to_numpy(dtype=float)
    ols = sm.WLS(rows["income"].to_numpy(), np.column_stack([post * rows["dose"], post, dummies]), weights=rows["weight"].to_numpy()).fit()
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    found = table.loc["slope(5, 9)"]
    assert_allclose([found["estimate"], found["std_error"]], [ols.params[0], robust.bse[0]], rtol=1e-8)


def test_effects_per_unit_are_those_of_groups_over_their_mean_dose_with_the_error_of_both(nasty):
    """The error is that of a ratio of two means, by the sums of its influence over clusters."""
    estimate = dose.fit(design_with(nasty, unit="worker"), Options(form="per_unit"))
    effects = att_gt.fit(design_from(nasty, unit="worker"), att_gt.Options("never"))
    workers = (
        nasty[nasty["first_covered"] == 8].groupby("worker").agg(dose=("dose", "first"), w=("weight", "mean"), cluster=("cluster", "first"))
    )
    mean = np.average(workers["dose"], weights=workers["w"])
    place = [term.name for term in effects.terms].index("att(8, 10)")
    effect, found = effects.contrasts[place], estimate.tidy().set_index("term").loc["per unit(8, 10)"]
    by_cluster = pd.Series(effect.unit_influence(effects.design) / mean).groupby(list(effects.design.cluster)).sum()
    of_mean = (workers["w"] * (workers["dose"] - mean) / workers["w"].sum() * effect.value / mean**2).groupby(workers["cluster"]).sum()
    assert_allclose(found["estimate"], effect.value / mean, rtol=1e-9)
    assert_allclose(found["std_error"], (by_cluster.sub(of_mean, fill_value=0) ** 2).sum() ** 0.5, rtol=1e-9)


def made(power: float = 1.0, slope: float = 3.0) -> pd.DataFrame:
    """Make levels, common months and effects slope × dose^power without noise; doses are even in both cohorts."""
    cohort = np.repeat([4.0, 6.0, np.nan], [40, 40, 40])
    bite = np.where(np.isnan(cohort), 0.0, np.tile(np.arange(1, 41) / 40, 3))
    workers = pd.DataFrame({"worker": [f"w{place:03d}" for place in range(120)], "first_covered": cohort, "dose": bite})
    workers = workers.assign(unit=workers["worker"], cluster=workers["worker"], weight=1.0, level=np.sqrt(np.arange(120)))
    rows = workers.merge(pd.DataFrame({"month": np.arange(1, 9, dtype=np.int8)}), how="cross")
    return rows.assign(
        income=rows["level"] + np.cos(rows["month"]) + slope * rows["dose"] ** power * (rows["month"] >= rows["first_covered"])
    )


def test_a_proportional_effect_is_found_in_every_form():
    frame = made()
    slopes = dose.fit(design_with(frame), Options(form="linear")).tidy()
    assert_allclose(slopes["estimate"], np.where(slopes["event_time"] >= 0, 3.0, 0.0), atol=1e-9)
    ratios = dose.fit(design_with(frame), Options(form="per_unit")).tidy()
    assert_allclose(ratios["estimate"], np.where(ratios["event_time"] >= 0, 3.0, 0.0), atol=1e-9)


def test_the_dose_response_shows_a_curve():
    curve = dose.dose_response(dose.fit(design_with(made(power=2)), Options(groups=5)), level=0.9)
    assert list(curve.columns) == ["dose_low", "dose_high", "dose_mean", "estimate", "conf_low", "conf_high"]
    assert_allclose(curve["dose_low"], [0.025, 0.225, 0.425, 0.625, 0.825])
    assert_allclose(curve["dose_high"], [0.2, 0.4, 0.6, 0.8, 1.0])
    squares = (np.arange(1, 41) / 40).reshape(5, 8) ** 2
    assert_allclose(curve["estimate"], 3 * squares.mean(axis=1), rtol=1e-9)
    assert (curve["conf_low"] < curve["estimate"]).all() and (curve["estimate"] < curve["conf_high"]).all()
    with pytest.raises(EstimationError, match=r"does not hold effects by group of doses[\s\S]*slope\(4, 2\)[\s\S]*form=bins"):
        dose.dose_response(dose.fit(design_with(made()), Options(form="linear")))


def test_a_trend_that_grows_with_the_dose_shows_in_the_leads_of_slopes():
    frame = made(slope=0.0)
    bent = frame.assign(income=frame["income"] + 0.5 * frame["dose"] * frame["month"])
    table = aggregate(dose.fit(design_with(bent), Options(form="linear")), "event_time").tidy()
    assert_allclose(table.loc[table["event_time"] < 0, "estimate"], 0.5, atol=1e-9)


@pytest.mark.parametrize(
    ("form", "words"), [("bins", "从未受覆盖者满足平行趋势"), ("linear", "效应与剂量成正比"), ("per_unit", "平均剂量的每单位")]
)
def test_strong_parallel_trends_are_said_aloud(form, words, nasty):
    notes = dose.fit(design_with(nasty), Options(form=form)).notes
    assert any("STRONG parallel trends" in note.en and words in note.zh and "强平行趋势" in note.zh for note in notes)


def test_groups_with_few_covered_clusters_are_named_with_their_number(nasty):
    said = next(note for note in dose.fit(design_with(nasty), Options(groups=2)).notes if note.en.startswith("covered clusters by dose"))
    halves = [(part["dose"], nasty.loc[nasty["worker"].isin(part.index), "cluster"].nunique()) for part in groups_by_loops(nasty, 2)]
    assert said.en.startswith(
        "covered clusters by dose: " + "; ".join(f"{bite.min():g} to {bite.max():g}: {count}" for bite, count in halves)
    )
    assert "；".join(f"{bite.min():g}至{bite.max():g}：{count}" for bite, count in halves) in said.zh
    assert not any("covered clusters by dose" in note.en for note in dose.fit(design_with(made()), Options(groups=2)).notes)


def test_equal_doses_make_fewer_groups_and_what_counts_as_zero_is_said(nasty):
    frame = nasty.assign(dose=np.where(nasty["unit"].isin(["city 00", "city 01"]), 0.0, 0.3))
    estimate = dose.fit(design_with(frame))
    assert [term.name for term in estimate.terms] == ["effect(dose 0 to 0.3)"]
    said = " ".join(note.en for note in estimate.notes)
    assert "never covered count with dose zero" in said and "covered with dose zero" in said and "instead of 4" in said


@pytest.mark.parametrize("form", ["bins", "linear", "per_unit"])
def test_what_is_given_as_dose_of_the_never_covered_does_not_matter(form, nasty):
    given = nasty.assign(dose=nasty["dose"].where(nasty["first_covered"].notna(), 0.2))
    tables = [dose.fit(design_with(frame), Options(form=form)).tidy() for frame in (nasty, given)]
    pd.testing.assert_frame_equal(*tables)


def test_ranges_are_written_with_as_many_digits_as_tell_them_apart():
    frame = made()
    close = frame.assign(dose=np.where(frame["dose"] > 0, 0.1 + frame["dose"] * 1e-4, 0.0))
    names = [term.name for term in dose.fit(design_with(close), Options(groups=2)).terms]
    assert names == ["effect(dose 0.100003 to 0.10005)", "effect(dose 0.100053 to 0.1001)"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dose": -1.0}, r"zero or more where a unit is covered[\s\S]*Found -1 in \d+ of"),
        ({"dose": 0.0}, r"coverage bites nowhere[\s\S]*att_gt"),
    ],
)
def test_doses_must_make_sense(change, said, nasty):
    with pytest.raises(DesignError, match=said):
        dose.fit(design_with(nasty.assign(**change)))


def test_a_design_without_doses_or_without_the_never_covered_is_refused(nasty):
    with pytest.raises(DesignError, match=r"not known how hard coverage bites"):
        dose.fit(design_from(nasty))
    with pytest.raises(DesignError, match=r"of units never covered[\s\S]*all of them covered"):
        dose.fit(design_with(nasty.dropna(subset="first_covered")))
    with pytest.raises(DesignError, match=r"groups must be 1 or more"):
        dose.fit(design_with(nasty), Options(groups=0))


def test_the_command_line_reads_the_dose_and_joins_units_of_one_dose(nasty, tmp_path):
    asked = {"estimator": "dose", "cluster": "cluster", "weights": "weight", "traits": {"dose": "dose"}}
    for options in ({}, {"form": "linear"}, {"form": "per_unit"}):
        answer = answer_from(nasty, tmp_path, options=options, **asked)
        wanted = dose.fit(design_with(nasty), Options(**options)).tidy()
        assert_allclose(answer.estimate.tidy()[["estimate", "std_error"]], wanted[["estimate", "std_error"]], rtol=1e-8)
