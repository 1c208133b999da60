"""The check of sensitivity asks the right path: one base month, no gaps, nothing of the anticipation; and says what it found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from impact.check import honest
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import aggregate
from impact.infer.bands import chosen
from impact.infer.honest.intervals import breakdown, intervals
from impact.infer.honest.path import event_path
from impact.results import CheckResult, Estimate
from panels import design_from


@pytest.fixture(scope="module")
def universal(nasty) -> Estimate:
    """Effects with one base month, every worker a cluster of his own."""
    return att_gt.fit(design_from(nasty, level="worker"), att_gt.Options(base="universal"))


@pytest.fixture(scope="module")
def found(universal) -> CheckResult:
    return honest.run(universal)


def path_of(estimate: Estimate, before: int, after: int):
    """Cut the path out by hand, with the plain mean as the question."""
    by_time = aggregate(estimate, "event_time")
    wanted = [*range(-1 - before, -1), *range(after)]
    places = [next(place for place, term in enumerate(by_time.terms) if term.event_time == time) for time in wanted]
    return event_path(by_time.values[places], by_time.errors.covariance[np.ix_(places, places)], before, np.full(after, 1 / after))


def raised(estimate: Estimate, by: float) -> Estimate:
    """Add to every effect after coverage."""
    return replace(
        estimate,
        contrasts=tuple(
            replace(contrast, value=contrast.value + by * ((term.event_time or 0) >= 0))
            for term, contrast in zip(estimate.terms, estimate.contrasts, strict=True)
        ),
    )


def test_it_asks_for_the_mean_and_the_first_effect_on_the_path_around_the_base_month(universal, found):
    path = path_of(universal, before=6, after=8)
    assert found.numbers["periods_before"] == 6 and found.numbers["periods_after"] == 8 and found.numbers["left_out"] == 0
    assert found.numbers["breakdown"] == breakdown(path, "relative_magnitudes").bound
    assert found.numbers["breakdown_smoothness"] == breakdown(path, "smoothness").bound
    bends = [abs(path.beta[k] - 2 * path.beta[k + 1] + (path.beta[k + 2] if k < 4 else 0)) for k in range(5)]
    assert found.numbers["largest_bend"] == pytest.approx(max(bends))
    first = replace(path, weights=np.eye(8)[0])
    for target, asked in (("mean", path), ("first", first)):
        for kind, bounds in (("relative_magnitudes", honest.MBARS), ("smoothness", max(bends) * np.array(honest.MBARS))):
            rows = found.table[(found.table["target"] == target) & (found.table["kind"] == kind)]
            expected = intervals(asked, kind, list(bounds))
            assert rows["conf_low"].tolist() == pytest.approx([each.low for each in expected])
            assert rows["conf_high"].tolist() == pytest.approx([each.high for each in expected])


def test_effects_with_varying_bases_are_brought_to_one_and_an_aggregate_is_taken_as_it_is(universal, found, nasty):
    varying = att_gt.fit(design_from(nasty, level="worker"))
    for estimate in (varying, aggregate(universal, "event_time")):
        assert honest.run(estimate).numbers == pytest.approx(found.numbers, rel=1e-6)


def test_in_the_table_the_effect_breaks_where_the_breakdown_value_says(found):
    rows = found.table[(found.table["target"] == "mean") & (found.table["kind"] == "relative_magnitudes")]
    excludes = (rows["conf_low"] > 0) | (rows["conf_high"] < 0)
    assert (excludes == (rows["bound"] < found.numbers["breakdown"])).all() and excludes.any() and not excludes.all()


def test_months_of_anticipation_are_neither_before_nor_weighed(nasty):
    estimate = att_gt.fit(design_from(nasty, level="worker"), att_gt.Options(base="universal", anticipation=2))
    plain = honest.run(estimate)
    assert plain.numbers["periods_before"] == 4 and plain.numbers["periods_after"] == 8
    by_time = aggregate(estimate, "event_time")
    wanted = [*range(-7, -3), *range(-2, 8)]
    places = [next(place for place, term in enumerate(by_time.terms) if term.event_time == time) for time in wanted]
    weights = np.r_[0.0, 0.0, np.full(8, 1 / 8)]
    path = event_path(by_time.values[places], by_time.errors.covariance[np.ix_(places, places)], 4, weights)
    assert plain.numbers["breakdown"] == breakdown(path, "relative_magnitudes").bound


def test_the_path_ends_at_a_gap_and_at_twelve_periods(universal, monkeypatch):
    by_time = aggregate(universal, "event_time")
    gapped = chosen(by_time, [place for place, term in enumerate(by_time.terms) if term.event_time not in (-4, 5)])
    found = honest.run(gapped)
    assert (found.numbers["periods_before"], found.numbers["periods_after"], found.numbers["left_out"]) == (2, 5, 5)
    assert "5 periods further away or beyond a gap left out" in found.text_en and "更远或间断之外的5期未使用" in found.text_zh
    assert honest.MOST_BEFORE == 12
    monkeypatch.setattr(honest, "MOST_BEFORE", 3)
    assert honest.run(universal).numbers["periods_before"] == 3


def test_a_finding_that_stands_a_finding_that_falls_and_none_are_told_apart(universal, found):
    strong, none = honest.run(raised(universal, 200)), honest.run(raised(universal, -float(found.table["conf_low"][0]) - 0.5))
    assert found.passed is False and found.numbers["breakdown"] < 1
    assert (
        "stays above zero as long as trends part" in found.text_en
        and "at most 0." in found.text_en
        and "平均效应就仍高于零" in found.text_zh
    )
    assert strong.passed is True and strong.numbers["breakdown"] == 5 and strong.numbers["breakdown_is_at_least"] == 1
    assert "stays above zero even where trends part, from one period to the next, 5.00 times" in strong.text_en
    assert "the largest factor tried" in strong.text_en and "所试的最大倍数" in strong.text_zh
    assert none.passed is None and none.numbers["breakdown"] == 0
    assert "no finding to overturn" in none.text_en and "没有可被推翻的结论" in none.text_zh
    below = honest.run(raised(universal, -200))
    assert "stays below zero" in below.text_en and "仍低于零" in below.text_zh


def test_a_finding_that_a_straight_line_explains_says_so(universal):
    by_time = aggregate(universal, "event_time")
    line = replace(
        by_time,
        contrasts=tuple(
            replace(contrast, value=3.0 * (0 if term.event_time is None else term.event_time + 1))
            for term, contrast in zip(by_time.terms, by_time.contrasts, strict=True)
        ),
    )
    told = honest.run(line)
    assert told.numbers["breakdown_smoothness"] == 0
    assert "straight line is allowed to continue" in told.text_en and "直线趋势延续，区间即包含零" in told.text_zh


def test_too_few_clusters_for_the_periods_and_no_path_are_said(nasty, universal):
    regions = honest.run(att_gt.fit(design_from(nasty)))
    assert regions.passed is None and regions.numbers == {} and "too few clusters for so many periods" in regions.text_en
    assert "聚类过少" in regions.text_zh
    late = att_gt.fit(design_from(nasty[nasty["month"].isin([7, 8, 9]) & (nasty["first_covered"] != 5)], level="worker"))
    benchmark = twfe.fit(design_from(nasty))
    only_before = chosen(universal, [place for place, term in enumerate(universal.terms) if term.event_time < 0])
    for estimate in (late, benchmark, only_before, aggregate(universal, "simple")):
        told = honest.run(estimate)
        assert (
            told.passed is None
            and told.numbers == {}
            and "no period before the base month" in told.text_en
            and "基期之前没有" in told.text_zh
        )


def test_one_period_before_coverage_is_enough_and_has_no_bend(universal):
    by_time = aggregate(universal, "event_time")
    told = honest.run(chosen(by_time, [place for place, term in enumerate(by_time.terms) if (term.event_time or 0) >= -2]))
    assert told.numbers["periods_before"] == 1 and "largest_bend" not in told.numbers
    assert (told.table["kind"] == "smoothness").sum() == 2 and "the largest estimated" not in told.text_en


def test_order_of_rows_and_a_constant_for_all_do_not_matter(nasty, found):
    moved = nasty.assign(income=nasty["income"] + 100).sample(frac=1, random_state=1)
    estimate = att_gt.fit(design_from(moved, level="worker"), att_gt.Options(base="universal"))
    assert honest.run(estimate).numbers == pytest.approx(found.numbers, rel=1e-4)
