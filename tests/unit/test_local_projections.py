"""Local projections against least squares on the long differences themselves, and against group-time effects of stayers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt, local_projections
from impact.results import Term
from panels import answer_from, design_from, moments_from

Options = local_projections.Options


def long_differences(frame: pd.DataFrame, horizons: list[int], comparison: str = "not_yet", anticipation: int = 0) -> pd.DataFrame:
    """One row for each worker and cohort: the mean outcome over the horizons less the base, of the newly covered and the clean, seen in all these months."""
    income = frame.pivot(index="worker", columns="month", values="income")
    workers = frame.groupby("worker").agg(first_covered=("first_covered", "max"), cluster=("cluster", "first"), weight=("weight", "first"))
    parts = []
    for cohort in (5, 8):
        base, months = cohort - 1 - anticipation, [cohort + horizon for horizon in horizons]
        if not set(months) <= set(income.columns):
            continue
        own, later = workers["first_covered"] == cohort, workers["first_covered"] > max(*months, base) + anticipation
        clean = workers["first_covered"].isna() | (later & ~own if comparison == "not_yet" else False)
        rows = workers.assign(entry=cohort, covered=own.astype(float), change=income[months].mean(axis=1, skipna=False) - income[base])
        parts.append(rows[own | clean].dropna(subset="change"))
    return pd.concat(parts)


def least_squares(rows: pd.DataFrame, equal: bool) -> tuple[float, float]:
    weights = rows["weight"].to_numpy()
    if equal:
        # Reweighting as in the paper: by the inverse of what least squares lets a covered row of the cohort count
        for cohort, own in rows.groupby("entry"):
            mass = own.groupby("covered")["weight"].sum()
            weights = np.where(rows["entry"] == cohort, weights * mass.sum() / mass[0.0], weights)
    regressors = np.column_stack([rows["covered"], pd.get_dummies(rows["entry"]).astype(float)])
    ols = sm.WLS(rows["change"].to_numpy(), regressors, weights=weights).fit()
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    return float(ols.params[0]), float(robust.bse[0])


@pytest.mark.parametrize("weights", ["regression", "equal"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_horizons_are_least_squares_of_long_differences_of_workers(weights, comparison, anticipation, nasty):
    options = Options(weights=weights, comparison=comparison, anticipation=anticipation, pooled=2)
    table = local_projections.fit(design_from(nasty, unit="worker"), options).tidy()
    assert table["event_time"].dropna().tolist() == [h for h in range(-7, 8) if h != -1 - anticipation]
    asked = [*([int(h)] for h in table["event_time"].dropna()), [0, 1, 2]]
    wanted = [least_squares(long_differences(nasty, one, comparison, anticipation), weights == "equal") for one in asked]
    assert_allclose(table["estimate"], [value for value, _ in wanted], rtol=1e-9, atol=1e-10)
    assert_allclose(table["std_error"], [error for _, error in wanted], rtol=1e-9)


def test_patterns_of_workers_give_what_workers_give(nasty):
    moments = moments_from(nasty, patterns=True)
    design = design_of(moments, "income", "cluster", follow_workers=True)
    assert len(design.units) < nasty["worker"].nunique() and design.followed
    assert_allclose(
        local_projections.fit(design).tidy()[["estimate", "std_error"]],
        local_projections.fit(design_from(nasty, unit="worker")).tidy()[["estimate", "std_error"]],
        rtol=1e-9,
    )


def test_errors_by_worker_come_out_alike_from_pairs_and_from_workers(nasty):
    moments = moments_from(nasty.drop(columns="cluster"), pairs=True, patterns=True)
    by_pairs = local_projections.fit(design_of(moments, "income", "worker", follow_workers=True), Options(pooled=1))
    by_worker = local_projections.fit(design_from(nasty, level="worker", unit="worker"), Options(pooled=1))
    assert_allclose(by_pairs.errors.std_error, by_worker.errors.std_error, rtol=1e-9)


def test_arrays_of_the_span_give_the_values_and_the_influence(nasty):
    for unit in ("unit", "worker"):
        estimate = local_projections.fit(design_from(nasty, unit=unit), Options(pooled=2))
        for place, contrast in enumerate(estimate.contrasts):
            assert_allclose((contrast.a * estimate.design.total).sum(), contrast.value, rtol=1e-8, atol=1e-9)
            influence = (contrast.a * estimate.design.total - contrast.b * estimate.design.weight).sum(axis=1)
            assert_allclose(influence, contrast.unit_influence(estimate.design), atol=1e-10)
            assert contrast.size(estimate.design) >= np.abs(contrast.a * estimate.design.total).sum() - 1e-9, place


def test_cohorts_of_equal_weight_give_group_time_effects_of_stayers(nasty):
    """Reweighted, a horizon is the mean of group-time effects on stayers, by the covered who are seen in both months."""
    design = design_from(nasty, unit="worker")
    table = local_projections.fit(design, Options(weights="equal")).tidy().set_index("event_time")
    effects = att_gt.fit(design, att_gt.Options("not_yet", "universal", workers="stayers"))
    for horizon in (-4, -2, 0, 3, 4):
        chosen = [(t, c) for t, c in zip(effects.terms, effects.contrasts, strict=True) if t.event_time == horizon]
        counts = [seen_in_both(design, term) for term, _ in chosen]
        assert_allclose(table.loc[horizon, "estimate"], np.average([c.value for _, c in chosen], weights=counts), rtol=1e-9)


def seen_in_both(design: Design, term: Term) -> float:
    both = design.seen[:, design.place(term.cohort - 1)] & design.seen[:, design.place(term.month)] & (design.cohort == term.cohort)
    return float(design.weight[both, design.place(term.month)].sum())


def test_with_one_cohort_weights_do_not_matter_and_a_horizon_is_the_group_time_effect(nasty):
    frame = nasty[nasty["first_covered"] != 8]
    design = design_from(frame, unit="worker")
    effects = att_gt.fit(design, att_gt.Options("never", "universal", workers="stayers")).tidy().dropna(subset="std_error")
    for weights in ("regression", "equal"):
        table = local_projections.fit(design, Options(weights=weights)).tidy()
        assert_allclose(table[["estimate", "std_error"]], effects[["estimate", "std_error"]], rtol=1e-9)


def test_at_units_long_differences_are_those_of_their_means(nasty):
    """Units count by the harmonic mean of their workers in the two months."""
    cells = nasty.groupby(["unit", "month"])[["weight", "income"]].apply(
        lambda rows: pd.Series({"w": rows["weight"].sum(), "y": np.average(rows["income"], weights=rows["weight"])})
    )
    wide = cells.unstack()
    first, cluster = nasty.groupby("unit")["first_covered"].max(), nasty.groupby("unit")["cluster"].first()
    own, clean = first == 5, first.isna() | (first > 6)
    rows = pd.DataFrame(
        {"change": wide["y"][6] - wide["y"][4], "weight": 2 / (1 / wide["w"][6] + 1 / wide["w"][4]), "covered": own.astype(float)}
    )
    late = pd.DataFrame(
        {"change": wide["y"][9] - wide["y"][7], "weight": 2 / (1 / wide["w"][9] + 1 / wide["w"][7]), "covered": (first == 8).astype(float)}
    )
    both = pd.concat(
        [rows.assign(entry=5, cluster=cluster)[own | clean], late.assign(entry=8, cluster=cluster)[(first == 8) | first.isna()]]
    )
    estimate, error = least_squares(both.dropna(), equal=False)
    found = local_projections.fit(design_from(nasty)).tidy().set_index("event_time").loc[1]
    assert_allclose([found["estimate"], found["std_error"]], [estimate, error], rtol=1e-9)


def test_the_command_line_follows_workers_unless_told_not_to(nasty, tmp_path):
    asked = {"estimator": "local_projections", "cluster": "cluster"}
    followed = answer_from(nasty, tmp_path, weights="weight", **asked).estimate
    assert followed.design.followed and not any("means of units" in note.en for note in followed.notes)
    assert_allclose(followed.values, local_projections.fit(design_from(nasty, unit="worker")).values, rtol=1e-9)
    plain = answer_from(nasty, tmp_path, weights="weight", options={"effects": "unit", "before": "2", "after": "1"}, **asked).estimate
    assert [term.event_time for term in plain.terms] == [-2, 0, 1]
    assert any("means of units" in note.en and "单位均值" in note.zh for note in plain.notes)


def test_a_horizon_without_both_sides_is_left_out_with_a_note(nasty):
    frame = nasty[nasty["first_covered"].notna()]
    estimate = local_projections.fit(design_from(frame, unit="worker"))
    assert [term.event_time for term in estimate.terms] == [-4, -3, -2, 0, 1, 2]
    assert any("horizons left out" in note.en and "个时间跨度未估计" in note.zh for note in estimate.notes)
    with pytest.raises(EstimationError, match=r"no long difference can be compared[\s\S]*Found 2 cohorts"):
        local_projections.fit(design_from(frame, unit="worker"), Options(comparison="never"))


def test_a_horizon_at_which_nobody_compared_is_seen_is_left_out(nasty):
    """In the last month the never covered are away: the cohort of month 5 has no horizon of 7, that of month 8 none of 4."""
    frame = nasty[nasty["first_covered"].notna() | (nasty["month"] < 12)]
    table = local_projections.fit(design_from(frame, unit="worker"), Options(comparison="never")).tidy().set_index("event_time")
    assert table.index.max() == 6
    rows = long_differences(frame, [4], "never")
    assert_allclose(table.loc[4, "estimate"], least_squares(rows[rows["entry"] == 5], equal=False)[0], rtol=1e-9)


def test_a_negative_horizon_is_refused(nasty):
    with pytest.raises(DesignError, match=r"horizons[\s\S]*after -1"):
        local_projections.fit(design_from(nasty), Options(after=-1))


def test_errors_cover_the_truth():
    """Effects of one, levels and common shocks: 95 % intervals hold the truth in some 95 % of draws of 60 clusters."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"worker": [f"w{place:03d}" for place in range(240)], "first_covered": np.tile([3.0, 5.0, np.nan, np.nan], 60)})
    frame["unit"], frame["cluster"], frame["weight"] = frame["worker"], [f"c{place % 60}" for place in range(240)], 1.0
    rows = frame.merge(pd.DataFrame({"month": np.arange(1, 8, dtype=np.int8)}), how="cross").assign(income=0.0)
    design = design_from(rows, unit="worker")
    cluster = np.array([int(name[1:]) for name in design.cluster])
    inside = []
    for _ in range(120):
        noise = generator.normal(0, 1, (240, 7)) + generator.normal(0, 0.5, (60, 7))[cluster]
        table = local_projections.fit(
            replace(design, total=design.coverage + np.sin(np.arange(7)) + noise), Options(before=2, after=1)
        ).tidy()
        inside.append((table["conf_low"] < [0, 1, 1]) & (table["conf_high"] > [0, 1, 1]))
    assert 0.90 < np.mean(inside) < 0.98
