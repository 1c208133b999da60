"""Stacked difference in differences against regressions on a stack whose rows are really duplicated, against group-time effects, and against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.errors import DesignError
from impact.estimate import att_gt, stacked
from impact.infer.aggregate import aggregate
from panels import design_from

OPTIONS = stacked.Options(before=3, after=2)
EVENT_TIMES = [-3, -2, 0, 1, 2]


def stack_of(frame: pd.DataFrame, options: stacked.Options) -> pd.DataFrame:
    """Stack the rows of each cohort and its clean controls, with the paper's weights; shares of cohorts are those of their workers."""
    workers = frame.groupby("worker").agg(first_covered=("first_covered", "max"), weight=("weight", "mean"))
    treated = workers.groupby("first_covered")["weight"].sum()
    stacks = []
    for cohort in (5, 8):
        own = frame["first_covered"] == cohort
        clean = frame["first_covered"].isna() | (frame["first_covered"] > cohort + options.after)
        inside = frame["month"].between(cohort - options.before, cohort + options.after)
        rows = frame[(own | clean) & inside].assign(stack=cohort, covered=own, event=frame["month"] - cohort)
        mass = rows.groupby(["covered", "event"])["weight"].transform("sum")
        stacks.append(rows.assign(q=rows["weight"] * treated[cohort] / treated.sum() / mass))
    return pd.concat(stacks, ignore_index=True)


def regression(stack: pd.DataFrame, by_stack: bool) -> tuple[list[float], list[float]]:
    """Regress on event times, side, and their products, weighted; with `by_stack` within each stack, the effects of stacks then averaged by their shares."""
    share = stack[stack["covered"] & (stack["event"] == 0)].groupby("stack")["q"].sum()
    columns, markers = [], []
    for key, rows in stack.groupby("stack") if by_stack else [(0, stack)]:
        here = stack["stack"].eq(key) if by_stack else np.ones(len(stack), dtype=bool)
        columns += [here, here & stack["covered"]]
        markers += [None, None]
        for event in EVENT_TIMES:
            columns += [here & (stack["event"] == event), here & (stack["event"] == event) & stack["covered"]]
            markers += [None, (event, share[key] if by_stack else 1.0)]
        assert len(rows)
    wls = sm.WLS(stack["income"].to_numpy(), np.column_stack(columns).astype(float), weights=stack["q"].to_numpy()).fit()
    robust = wls.get_robustcov_results("cluster", groups=pd.factorize(stack["cluster"])[0], use_correction=False)
    picks = [np.array([mark[1] if mark and mark[0] == event else 0.0 for mark in markers]) for event in EVENT_TIMES]
    return [pick @ wls.params for pick in picks], [float(pick @ robust.cov_params() @ pick) ** 0.5 for pick in picks]


def by_event_time(frame: pd.DataFrame, options: stacked.Options) -> pd.DataFrame:
    return aggregate(stacked.fit(design_from(frame), options), "event_time").tidy().iloc[:-1]


@pytest.mark.parametrize("panel", ["nasty", "balanced"])
def test_averages_by_event_time_are_the_papers_weighted_regression(panel, request):
    frame = request.getfixturevalue(panel)
    table = by_event_time(frame, OPTIONS)
    assert table["event_time"].tolist() == EVENT_TIMES
    assert_allclose(table["estimate"], regression(stack_of(frame, OPTIONS), by_stack=False)[0], rtol=1e-9)


@pytest.mark.parametrize("panel", ["nasty", "balanced"])
def test_with_shares_given_errors_are_those_of_the_regression_with_effects_by_stack(panel, request):
    frame = request.getfixturevalue(panel)
    table = by_event_time(frame, replace(OPTIONS, shares_given=True))
    estimates, errors = regression(stack_of(frame, OPTIONS), by_stack=True)
    assert_allclose(table["estimate"], estimates, rtol=1e-9)
    assert_allclose(table["std_error"], errors, rtol=1e-9)


@pytest.mark.parametrize("panel", ["nasty", "balanced"])
@pytest.mark.parametrize("by", ["none", "simple", "cohort", "event_time"])
def test_against_the_never_covered_it_is_the_group_time_effect_inside_the_window(panel, by, request):
    design = design_from(request.getfixturevalue(panel))
    table = aggregate(stacked.fit(design, replace(OPTIONS, comparison="never")), by).tidy()
    other = att_gt.fit(design, att_gt.Options("never", "universal"))
    inside = [place for place, term in enumerate(other.terms) if term.event_time in EVENT_TIMES]
    chosen = replace(
        other, terms=tuple(other.terms[place] for place in inside), contrasts=tuple(other.contrasts[place] for place in inside)
    )
    wanted = aggregate(chosen, by).tidy() if by != "none" else other.tidy().iloc[inside]
    assert_allclose(table["estimate"], wanted["estimate"], rtol=1e-12)
    assert_allclose(table["std_error"], wanted["std_error"], rtol=1e-12)


def test_controls_are_clean_through_the_window_and_not_only_up_to_the_month(balanced):
    """With a window of six months the cohort of month 8 is no control of that of month 5, also in the months in which it is not covered yet."""
    estimate = stacked.fit(design_from(balanced), stacked.Options(before=2, after=3))
    first = next(contrast for term, contrast in zip(estimate.terms, estimate.contrasts, strict=True) if (term.cohort, term.month) == (5, 5))
    assert not first.a[estimate.design.cohort == 8].any()
    short = stacked.fit(design_from(balanced), stacked.Options(before=2, after=2))
    first = next(contrast for term, contrast in zip(short.terms, short.contrasts, strict=True) if (term.cohort, term.month) == (5, 5))
    assert first.a[short.design.cohort == 8].any()


def test_anticipation_moves_the_base_and_who_is_clean(balanced):
    table = stacked.fit(design_from(balanced), stacked.Options(before=3, after=1, anticipation=1)).tidy()
    assert table.loc[table["cohort"] == 5, "event_time"].tolist() == [-3, -1, 0, 1]
    rows = {
        False: balanced[balanced["first_covered"].isna() | (balanced["first_covered"] > 7)],
        True: balanced[balanced["first_covered"] == 5],
    }
    means = {
        (side, month): np.average(part.loc[part["month"] == month, "income"], weights=part.loc[part["month"] == month, "weight"])
        for side, part in rows.items()
        for month in (3, 6)
    }
    by_hand = means[True, 6] - means[True, 3] - means[False, 6] + means[False, 3]
    assert_allclose(table.set_index("term").loc["att(5, 6)", "estimate"], by_hand, rtol=1e-12)


def test_who_anticipates_within_the_window_is_not_clean(balanced):
    estimate = stacked.fit(design_from(balanced), stacked.Options(before=3, after=2, anticipation=1))
    first = next(contrast for term, contrast in zip(estimate.terms, estimate.contrasts, strict=True) if (term.cohort, term.month) == (5, 5))
    assert not first.a[estimate.design.cohort == 8].any()


def test_cohorts_without_the_whole_window_are_left_out_with_a_note(nasty):
    estimate = stacked.fit(design_from(nasty), stacked.Options(before=2, after=5))
    assert {term.cohort for term in estimate.terms} == {5}
    said = estimate.notes[-1]
    count = nasty.loc[nasty["first_covered"] == 8, "worker"].nunique()
    assert said.en.startswith(f"cohort 8 ({count} workers) left out: it is not seen") and f"组群8（{count}人）未使用" in said.zh


def test_a_window_that_nobody_fills_is_refused(nasty):
    with pytest.raises(DesignError, match=r"no cohort is seen[\s\S]*first covered months 5, 8[\s\S]*option before=1"):
        stacked.fit(design_from(nasty), stacked.Options(before=11, after=0))
    with pytest.raises(DesignError, match=r"no base[\s\S]*before 1, after 3, anticipation 1"):
        stacked.fit(design_from(nasty), stacked.Options(before=1, anticipation=1))


def test_the_truth_is_found_where_cohorts_differ_in_size_and_effect_and_the_plain_stack_misses_it():
    frame, options = without_noise(), stacked.Options(before=2, after=1)
    truth = [0.0, (30 * 1 + 90 * 3) / 120, (30 * 1 + 90 * 3) / 120]
    assert_allclose(by_event_time(frame, options)["estimate"], truth, atol=1e-9)
    stack = stack_of(frame, options)
    side = stack[stack["event"].isin([-1, 0])].groupby(["covered", "event"])["income"].mean().unstack()
    plain = side[0] - side[-1]
    assert abs(plain[True] - plain[False] - truth[1]) > 0.1


def without_noise() -> pd.DataFrame:
    """Two cohorts, of 30 and 90 workers, and 60 workers never covered, with levels and common months and nothing else."""
    cohort = np.repeat([5.0, 8.0, np.nan], [30, 90, 60])
    units = pd.DataFrame({"worker": [f"w{place:03d}" for place in range(180)], "first_covered": cohort, "level": np.sqrt(np.arange(180))})
    units["unit"], units["cluster"], units["weight"] = units["worker"], units["worker"], 1.0
    rows = units.merge(pd.DataFrame({"month": np.arange(1, 13, dtype=np.int8)}), how="cross")
    effect = np.where(rows["month"] >= rows["first_covered"], np.where(rows["first_covered"] == 5, 1.0, 3.0), 0.0)
    return rows.assign(income=rows["level"] + np.sin(rows["month"]) + effect)
