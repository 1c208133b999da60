"""Changes in changes: equal to loops over rows within the width of a bin, true in simulation, plain about what it cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt
from impact.estimate import changes_in_changes as cic
from impact.estimate.parts.binned import cells_of, cluster_weights, clusters_in_order
from panels import answer_from, moments_from

BIN = 10**0.01 - 1
"""Width of a bin, relative to its lower edge."""
RANKS = (0.1, 0.25, 0.5, 0.75, 0.9)


def question(frame: pd.DataFrame, level: str = "cluster") -> Design:
    frame = frame if level == "cluster" else frame.assign(cluster=frame["unit"])
    return design_of(moments_from(frame, bins=("income",)), "income", level)


def value_at(rows: pd.DataFrame, rank: float) -> float:
    """The least value with at least that share of weight at or below."""
    sums = rows.groupby("income")["weight"].sum().cumsum()
    return float(sums.index[np.searchsorted(sums.to_numpy() / sums.iloc[-1], rank - 1e-12)])


def ranks_of(rows: pd.DataFrame, value: float) -> tuple[float, float]:
    """The shares of weight below, and at or below, a value."""
    whole = rows["weight"].sum()
    return rows.loc[rows["income"] < value, "weight"].sum() / whole, rows.loc[rows["income"] <= value, "weight"].sum() / whole


def mean_between(rows: pd.DataFrame, low: float, high: float) -> float:
    """Average the values at the ranks of a stretch, one step of the distribution after another."""
    summed = 0.0
    for value in np.unique(rows["income"]):
        below, up_to = ranks_of(rows, value)
        summed += value * max(0.0, min(high, up_to) - max(low, below))
    return summed / (high - low)


def by_rows(before: pd.DataFrame, after: pd.DataFrame, other_before: pd.DataFrame, other_after: pd.DataFrame, by: str) -> list[float]:
    """Mean effect and quantile effects of one cohort and month, by loops over rows; ranks within one value are spread evenly."""
    average, found = 0.0, []
    for value, weight in before.groupby("income")["weight"].sum().items():
        low, high = ranks_of(other_before, float(value))
        average += weight * (mean_between(other_after, low, high) if high > low else value_at(other_after, high)) / before["weight"].sum()
    if by == "qdid":
        average = sum(
            sign * np.average(rows["income"], weights=rows["weight"]) for sign, rows in ((1, before), (1, other_after), (-1, other_before))
        )
    for rank in RANKS:
        value = value_at(before, rank)
        below, up_to = ranks_of(before, value)
        low, high = ranks_of(other_before, value)
        through = low + (high - low) * (rank - below) / (up_to - below)
        moved = value_at(other_after, through) if by == "cic" else value + value_at(other_after, rank) - value_at(other_before, rank)
        found.append(value_at(after, rank) - moved)
    return [float(np.average(after["income"], weights=after["weight"]) - average), *found]


def all_by_rows(frame: pd.DataFrame, comparison: str, by: str = "cic") -> np.ndarray:
    """Average over the months of a cohort, and over cohorts by their workers at their mean weight."""
    frame = frame if "weight" in frame else frame.assign(weight=1.0)
    means, workers = [], []
    for cohort in sorted(frame["first_covered"].dropna().unique()):
        own, effects = frame[frame["first_covered"] == cohort], []
        for month in range(int(cohort), frame["month"].max() + 1):
            others = frame["first_covered"].isna() | ((comparison == "not_yet") & (frame["first_covered"] > month))
            parts = [part[part["month"] == at] for part in (own, frame[others]) for at in (cohort - 1, month)]
            effects.append(by_rows(*parts, by))
        means.append(np.mean(effects, axis=0))
        workers.append(own.groupby("worker")["weight"].mean().sum())
    return np.average(means, axis=0, weights=workers)


@pytest.fixture(scope="module")
def spread(nasty) -> pd.DataFrame:
    """The panel with incomes that spread, a few months of it."""
    generator = np.random.default_rng(3)
    level = generator.normal(0, 0.4, nasty["worker"].nunique())[pd.factorize(nasty["worker"], sort=True)[0]]
    income = np.exp(
        8 + level + 0.02 * nasty["month"] + generator.normal(0, 0.3, len(nasty)) + 0.1 * (nasty["month"] >= nasty["first_covered"])
    )
    return nasty.assign(income=income)[nasty["month"].between(4, 9)]


@pytest.fixture(scope="module")
def stepped(spread) -> pd.DataFrame:
    """The same incomes, each at the lower edge of some bin, a tenth of them zero: within a bin nothing is lost."""
    steps = 10 ** (np.round(np.log10(spread["income"]) * 25) / 25)
    return spread.assign(income=np.where(np.random.default_rng(4).random(len(spread)) < 0.1, 0.0, steps))


@pytest.mark.parametrize("by", ["cic", "qdid"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_effects_equal_loops_over_rows_where_bins_lose_nothing(comparison, by, stepped):
    estimate = cic.fit(question(stepped), cic.Options(by, comparison, draws=2))
    assert [term.name for term in estimate.terms] == ["mean", "q10", "q25", "q50", "q75", "q90"]
    assert_allclose(estimate.values, all_by_rows(stepped, comparison, by), rtol=1e-8, atol=1e-8)


def two_groups(generator: np.random.Generator, count: int, effect: float = 0.0, clusters: int = 20) -> pd.DataFrame:
    """Make two months of two groups whose ranks hold the same incomes, with more of the high ranks among the covered; coverage multiplies theirs."""
    unit = np.repeat(np.arange(clusters), count // clusters)
    rows = pd.DataFrame({"unit": [f"u{number:02d}" for number in unit], "first_covered": np.where(unit % 2 == 0, 2.0, np.nan)})
    rows = rows.assign(worker=np.arange(len(rows))).merge(pd.DataFrame({"month": [1, 2]}), how="cross")
    covered = rows["first_covered"].notna()
    rank = generator.normal(0, 1, len(rows)) + 0.3 * covered
    income = np.where(rows["month"] == 1, np.exp(8 + 0.5 * rank), 500 + np.exp(8.1 + 0.4 * rank))
    return rows.assign(income=income * np.where(covered & (rows["month"] == 2), 1 + effect, 1.0))


@pytest.mark.parametrize("by", ["cic", "qdid"])
def test_continuous_outcomes_are_off_by_less_than_a_bin(by):
    rows = two_groups(np.random.default_rng(8), 1000, 0.1)
    found, expected = cic.fit(question(rows, "unit"), cic.Options(by, draws=2)).values, all_by_rows(rows, "never", by)
    level = rows["income"].quantile([0.5, *RANKS]).to_numpy()
    assert abs(found - expected)[0] < 0.3 * BIN * level[0]  # loops jump from row to row, by a five-hundredth of the ranks
    assert (np.abs(found - expected)[1:] < BIN * level[1:]).all()


def test_an_outcome_of_few_values_is_off_by_less_than_a_bin(nasty):
    rows = nasty.assign(income=(nasty["rides"] // 4).astype(np.int8))[nasty["month"].between(4, 9)]
    found, expected = cic.fit(question(rows), cic.Options(draws=2)).values, all_by_rows(rows, "not_yet")
    assert_allclose(found, expected, atol=BIN * rows["income"].max())


def test_quantile_effects_are_found_where_differences_of_means_are_wrong():
    """The truth is a tenth of what would have been, at every quantile; means grow by 690 among the compared, by 599 among the covered without coverage."""
    design = question(two_groups(np.random.default_rng(9), 100_000, 0.1, clusters=50), "unit")
    estimate = cic.fit(design, cic.Options(draws=50))
    without = 500 + np.exp(8.1 + 0.4 * np.r_[0.3 + 0.2, 0.3 + np.array([-1.2816, -0.6745, 0, 0.6745, 1.2816])])
    assert (np.abs(estimate.values - 0.1 * without) < 3 * estimate.errors.std_error + 0.1 * BIN * without).all()
    assert (3 * estimate.errors.std_error < 0.03 * without).all()
    assert att_gt.fit(design).values[-1] == pytest.approx(0.1 * without[0] - 91, abs=50)


def test_errors_are_the_spread_of_estimates():
    generator = np.random.default_rng(10)
    found = []
    for _ in range(24):
        rows = two_groups(generator, 2000, 0.1, clusters=40)
        shock = generator.normal(0, 0.1, 40)[pd.factorize(rows["unit"])[0]]
        rows = rows.assign(income=rows["income"] * np.exp(shock * (rows["month"] == 2)))
        estimate = cic.fit(question(rows, "unit"), cic.Options(draws=60))
        found.append((estimate.values, estimate.errors.std_error))
    values, errors = np.array(found).transpose(1, 0, 2)
    ratio = errors.mean(axis=0) / values.std(axis=0)
    assert ratio.mean() == pytest.approx(1, abs=0.15) and (np.abs(ratio - 1) < 0.4).all()


def test_each_draw_is_the_estimate_with_the_clusters_weighed_anew(stepped):
    """Replicates equal loops over rows that carry the weight of their cluster."""
    stepped = stepped[(stepped["month"] <= 6) & ~stepped["first_covered"].eq(8)]
    design, options = question(stepped), cic.Options(draws=2, comparison="never")
    estimate = cic.fit(design, options)
    place = clusters_in_order(design)
    weights = cluster_weights(int(place.max()) + 1, options.draws, options.seed)
    for draw, found in enumerate(estimate.errors.replicates.values, start=1):
        drawn = stepped.assign(weight=stepped["weight"] * weights[draw][by_row(stepped)])
        assert_allclose(found, all_by_rows(drawn, "never"), rtol=1e-7, atol=1e-7)


def test_all_months_before_count_alike_however_many_are_seen_in_them(stepped):
    """Equal to loops over rows whose weights sum to one in each month."""
    cohort, month = stepped["first_covered"].eq(8), stepped["month"]
    rows = stepped[
        (stepped["first_covered"].isna() | cohort)
        & month.between(5, 8)
        & ~(month.eq(6) & stepped["worker"].str.endswith(("2", "4", "6", "7", "9")))
    ]
    covered, before = rows["first_covered"].eq(8), rows["month"] < 8
    alike = rows.assign(weight=rows["weight"] / rows.groupby([covered, "month"])["weight"].transform("sum"))
    expected = by_rows(alike[covered & before], alike[covered & ~before], alike[~covered & before], alike[~covered & ~before], "cic")
    every, last = (cic.fit(question(rows), cic.Options(before=before, draws=2)) for before in ("all", "last"))
    assert_allclose(every.values, expected, rtol=1e-8, atol=1e-8)
    assert np.abs(every.values - last.values).max() > 1
    drawn = rows.assign(weight=rows["weight"] * cluster_weights(8, 2, cic.Options().seed)[1][by_row(rows)])
    again = cic.fit(question(drawn), cic.Options(before="all", draws=2, quantiles=(0.5,)))
    assert again.values[0] == pytest.approx(every.errors.replicates.values[0, 0], rel=1e-6)


@pytest.mark.parametrize("before", ["last", "all"])
def test_the_mean_effect_of_quantile_differences_is_the_difference_of_means(before, spread):
    """Exactly, whatever bins lose: they carry the sum of those in them."""
    estimate = cic.fit(question(spread), cic.Options("qdid", before=before, draws=2))
    assert estimate.values[0] == pytest.approx((estimate.contrasts[0].a * estimate.design.total).sum(), rel=1e-9)


def by_row(rows: pd.DataFrame) -> np.ndarray:
    """Give the place of each row's cluster in the order of draws."""
    design = question(rows)
    place = dict(zip(design.units, clusters_in_order(design), strict=True))
    return rows["unit"].map(place).to_numpy()


def test_card_and_krueger_s_stores_are_the_same_by_rows_and_by_bins(reference, tmp_path):
    rows = pd.read_csv(reference / "data" / "card_krueger.csv")
    rows = rows.assign(month=rows["d"] + 1, first_covered=np.where(rows["nj"] == 1, 2.0, 0.0), income=rows["fte"], worker=rows["id"])
    rows = rows.dropna(subset=["fte"]).drop_duplicates(["worker", "month"])[["worker", "month", "first_covered", "income"]]
    estimate = answer_from(rows, tmp_path, estimator="changes_in_changes", unit="worker").estimate
    expected = all_by_rows(rows.assign(first_covered=rows["first_covered"].replace(0.0, np.nan)), "never")
    level = rows["income"].quantile([0.5, *RANKS]).to_numpy()
    assert (np.abs(estimate.values - expected) <= BIN * level).all()


def test_the_scale_of_the_outcome_is_carried_over_by_powers_of_ten(spread):
    plain, larger = (cic.fit(question(spread.assign(income=spread["income"] * by)), cic.Options(draws=9)) for by in (1, 1000))
    assert_allclose(larger.values, 1000 * plain.values, rtol=1e-9)
    assert_allclose(larger.errors.std_error, 1000 * plain.errors.std_error, rtol=1e-9)


def test_outcomes_below_zero_are_mirrored(stepped):
    plain, turned = (
        cic.fit(question(stepped.assign(income=stepped["income"] * by)), cic.Options(quantiles=(0.5,), draws=2)) for by in (1, -1)
    )
    assert turned.values[0] == pytest.approx(-plain.values[0], rel=1e-6)


def test_what_cannot_be_told_is_refused(spread, nasty):
    with pytest.raises(DesignError, match=r"nothing is known of its distribution\.\nFound means of 18 units alone"):
        cic.fit(replace(question(spread), distribution=None))
    by_worker = design_of(moments_from(spread.drop(columns="cluster"), pairs=True, bins=("income",)), "income", "worker")
    with pytest.raises(DesignError, match=r"errors by worker need each worker's months together"):
        cic.fit(by_worker)
    with pytest.raises(DesignError, match=r"bins do not tell values between -1 and 1 apart\.\nFound 100% of rows there"):
        cic.fit(question(spread.assign(income=spread["income"] / 1e5)))
    for wrong in ((), (0.5, 1.0), (0.5, 0.5)):
        with pytest.raises(DesignError, match="each must lie between 0 and 1, and be given once"):
            cic.fit(question(spread), cic.Options(quantiles=wrong))
    with pytest.raises(DesignError, match="an error needs at least two"):
        cic.fit(question(spread), cic.Options(draws=1))
    apart = spread[~(spread["first_covered"].isna() & spread["month"].gt(4)) & ~spread["first_covered"].eq(8)]
    with pytest.raises(EstimationError, match="no distribution under coverage can be compared"):
        cic.fit(question(apart))


def test_a_single_covered_cluster_has_no_error_and_it_is_said(spread):
    rows = spread[spread["first_covered"].isna() | spread["unit"].eq("city 09")]
    estimate = cic.fit(question(rows), cic.Options(draws=5))
    assert np.isfinite(estimate.values).all() and np.isnan(estimate.errors.std_error).all()
    assert any("have no error" in note.en and "没有误差" in note.zh for note in estimate.notes)


def test_covered_beyond_the_compared_are_counted(spread):
    richer = spread.assign(income=spread["income"] * np.where(spread["first_covered"].eq(5), 30, 1))
    estimate = cic.fit(question(richer), cic.Options(draws=2))
    assert any("below or above all of the compared" in note.en and "%" in note.zh for note in estimate.notes)
    assert not any("below or above" in note.en for note in cic.fit(question(richer), cic.Options("qdid", draws=2)).notes)


def test_a_design_keeps_the_distribution_of_those_it_keeps(spread):
    design = question(spread)
    units, months = np.arange(18) % 2 == 0, np.arange(6) > 1
    kept = design.keep(units, months).distribution
    weight, total = np.zeros((9, 4)), np.zeros((9, 4))
    np.add.at(weight, (kept.unit, kept.month), kept.weight)
    np.add.at(total, (kept.unit, kept.month), kept.total)
    assert_allclose(weight, design.weight[np.ix_(units, months)])
    assert_allclose(total, design.total[np.ix_(units, months)])


def test_draws_are_worked_on_in_parts_without_a_difference(spread, monkeypatch):
    whole = cic.fit(question(spread), cic.Options(draws=7)).errors.replicates.values
    monkeypatch.setattr(cic, "_AT_ONCE", 1)
    assert_allclose(cic.fit(question(spread), cic.Options(draws=7)).errors.replicates.values, whole, rtol=1e-12)


def test_cells_of_all_draws_hold_what_the_design_holds(spread):
    design = question(spread)
    cells = cells_of(design, np.zeros(18, dtype=np.intp), clusters_in_order(design), np.ones((2, 12)))
    assert_allclose(cells.held.sum(axis=2)[0], design.weight.sum(axis=0))
    assert_allclose(cells.drawn.sum(axis=3)[0, :, 1], design.weight.sum(axis=0))
