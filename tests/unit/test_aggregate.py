"""Averages of group-time effects are the averages that they say, and their influence is the derivative in the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate import ESTIMATORS, att_gt
from impact.infer.aggregate import BYS, Window, aggregate
from impact.infer.bands import chosen, with_bands
from impact.infer.cluster import cluster_errors
from impact.results import Estimate
from panels import design_from
from words import complains


@pytest.fixture(scope="module")
def effects(nasty) -> Estimate:
    return att_gt.fit(design_from(nasty))


@pytest.fixture(scope="module")
def table(effects) -> pd.DataFrame:
    """Effects after coverage, with the weight of their cohort: the sum over its workers of their mean weight."""
    cells = effects.tidy().dropna(subset="cohort").astype({"cohort": int, "month": int, "event_time": int})
    return cells[cells["event_time"] >= 0]


@pytest.fixture(scope="module")
def sizes(nasty) -> pd.Series:
    return nasty.groupby(["first_covered", "worker"])["weight"].mean().groupby("first_covered").sum()


def weighted(table: pd.DataFrame, sizes: pd.Series) -> float:
    return float(np.average(table["estimate"], weights=table["cohort"].map(sizes)))


def overall(estimate: Estimate) -> float:
    rows = estimate.tidy().set_index("term")["estimate"]
    assert rows.index[-1] == "overall"
    return float(rows.iloc[-1])


def test_simple_weighs_every_effect_by_its_cohort(effects, table, sizes):
    estimate = aggregate(effects, "simple")
    assert [term.name for term in estimate.terms] == ["overall"]
    assert overall(estimate) == pytest.approx(weighted(table, sizes))


def test_cohort_averages_its_months_plainly_and_cohorts_by_size(effects, table, sizes):
    estimate, means = aggregate(effects, "cohort"), table.groupby("cohort", as_index=False)["estimate"].mean()
    assert_allclose(estimate.values[:-1], means["estimate"])
    assert overall(estimate) == pytest.approx(weighted(means, sizes))


@pytest.mark.parametrize(("by", "label"), [("event_time", "event_time"), ("calendar", "month")])
def test_a_path_weighs_cohorts_by_size_and_its_overall_is_the_plain_mean(by, label, effects, table, sizes):
    estimate = aggregate(effects, by)
    rows = estimate.tidy().iloc[:-1].set_index(label)["estimate"]
    for place, part in table.groupby(label):
        assert rows[place] == pytest.approx(weighted(part, sizes))
    assert overall(estimate) == pytest.approx(rows[rows.index >= 0].mean())


def test_leads_are_on_the_path_but_not_in_its_overall_mean(effects):
    rows = aggregate(effects, "event_time").tidy()
    assert rows["event_time"].dropna().tolist() == list(range(-6, 8))
    assert overall(aggregate(effects, "event_time", Window(first=0))) == pytest.approx(overall(aggregate(effects, "event_time")))


def test_a_window_shows_and_averages_only_what_is_inside(effects):
    estimate = aggregate(effects, "event_time", Window(-2, 3))
    rows = estimate.tidy()
    assert rows["event_time"].dropna().tolist() == [-2, -1, 0, 1, 2, 3]
    assert overall(estimate) == pytest.approx(rows[rows["event_time"] >= 0]["estimate"].mean())


def test_balance_keeps_only_cohorts_seen_long_enough_and_no_later_month(effects):
    rows = aggregate(effects, "event_time", Window(balance=6)).tidy().iloc[:-1]
    fifth = effects.tidy().query("cohort == 5").set_index("event_time")["estimate"]
    assert rows["event_time"].max() == 6
    assert_allclose(rows["estimate"], fifth.loc[rows["event_time"]])


def test_none_gives_the_effects_themselves(effects):
    assert aggregate(effects, "none") is effects


def test_an_estimate_without_cohorts_cannot_be_averaged(nasty):
    estimate = ESTIMATORS["twfe"].fit(design_from(nasty))
    with complains(EstimationError, "twfe: its terms cannot be averaged by simple", "terms without cohort", "--aggregate none"):
        aggregate(estimate, "simple")


@pytest.mark.parametrize("by", BYS[1:])
def test_leads_alone_have_nothing_to_average(by, effects):
    leads = chosen(effects, [place for place, term in enumerate(effects.terms) if term.event_time < 0])
    with complains(
        EstimationError, "no effect after coverage to average", f"Found {len(leads.terms)} terms, all before", "Check the months"
    ):
        aggregate(leads, by)


def test_a_panel_that_ends_before_coverage_is_refused(nasty):
    with complains(
        DesignError,
        "no unit comes under coverage within the months seen",
        "Found months 1 to 4, first covered months 5, 8, anticipation 0",
        "A cohort needs a month before",
    ):
        att_gt.fit(design_from(nasty[nasty["month"] < 5]))


def heavier(design: Design, place: int, factor: float) -> Design:
    """Give every worker of one unit another weight."""
    factors = np.ones(len(design.units))
    factors[place] = factor
    arrays = {name: getattr(design, name) * factors[:, None] for name in ("weight", "total", "square")}
    return replace(design, workers=design.workers * factors, **arrays)


@pytest.mark.parametrize(("name", "by"), [*(("att_gt", by) for by in BYS), ("twfe", "none")])
def test_the_influence_of_a_unit_is_the_derivative_of_the_estimate_in_its_weight(name, by, nasty):
    design, step = design_from(nasty), 1e-5
    influence = aggregate(ESTIMATORS[name].fit(design), by).influence()
    for place in range(0, len(design.units), 3):
        up, down = (aggregate(ESTIMATORS[name].fit(heavier(design, place, 1 + move)), by).values for move in (step, -step))
        assert_allclose(influence.loc[design.units[place]], (up - down) / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("by", BYS)
def test_errors_are_the_sums_of_influence_over_clusters(by, effects):
    estimate = aggregate(effects, by)
    sums = estimate.influence().groupby(list(estimate.design.cluster)).sum()
    assert_allclose(estimate.errors.covariance, sums.T @ sums, rtol=1e-9, atol=1e-12)


def test_one_cluster_has_no_error(nasty):
    design = replace(design_from(nasty), cluster=("same",) * nasty["unit"].nunique())
    with complains(EstimationError, "errors clustered by cluster", "Found 1 cluster", "Cluster at a finer level"):
        att_gt.fit(design)
    assert cluster_errors(design_from(nasty), att_gt.fit(design_from(nasty)).contrasts).clusters == nasty["cluster"].nunique()


def test_a_uniform_band_holds_the_pointwise_interval_and_leaves_out_the_overall_mean(effects):
    rows = with_bands(aggregate(effects, "event_time"), 0.95)
    path, last = rows.iloc[:-1], rows.iloc[-1]
    assert (path["band_low"] < path["conf_low"]).all() and (path["conf_high"] < path["band_high"]).all()
    assert last[["band_low", "band_high"]].isna().all() and np.isfinite(last["conf_low"])
