"""Triple differences against eight means of rows, a saturated regression, and a truth that two plain differences in differences miss."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt, triple_difference
from impact.infer.aggregate import aggregate
from panels import answer_from, design_from

Options = triple_difference.Options


def design_with(frame: pd.DataFrame, level: str = "cluster") -> Design:
    return design_from(frame, level=level, traits=("eligible",))


def mean_of(rows: pd.DataFrame, month: int) -> tuple[float, float]:
    """Give the weighted mean of a month, and what it weighs."""
    there = rows[rows["month"] == month]
    return float((there["weight"] * there["income"]).sum() / there["weight"].sum()), float(there["weight"].sum())


def gap_by_loops(rows: pd.DataFrame, base: int, month: int) -> tuple[float, float]:
    """Give the change of the gap between eligible and ineligible, from four means, and the inverse of the sum of what they weigh inverted."""
    cells = {(side, at): mean_of(rows[rows["eligible"] == side], at) for side in (0, 1) for at in (base, month)}
    value = cells[1, month][0] - cells[1, base][0] - cells[0, month][0] + cells[0, base][0]
    return value, 1 / sum(1 / weight for _, weight in cells.values())


def att_by_loops(frame: pd.DataFrame, comparison: str, base: str, anticipation: int) -> dict[tuple[int, int], float]:
    found = {}
    for cohort in (5, 8):
        for month in range(1, 13):
            last = cohort - 1 - anticipation
            against = last if base == "universal" or month > last else month - 1
            if against in (0, month):
                continue
            groups = [frame[frame["first_covered"].isna()]]
            for other in (5, 8):
                if comparison == "not_yet" and other != cohort and other > max(month, against) + anticipation:
                    groups.append(frame[frame["first_covered"] == other])
            gaps = [gap_by_loops(rows, against, month) for rows in groups]
            compared = np.average([value for value, _ in gaps], weights=[precision for _, precision in gaps])
            found[cohort, month] = gap_by_loops(frame[frame["first_covered"] == cohort], against, month)[0] - compared
    return found


@pytest.mark.parametrize("anticipation", [0, 2])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_effects_equal_eight_means_of_rows_and_those_of_each_cohort_compared(comparison, base, anticipation, nasty):
    table = triple_difference.fit(design_with(nasty), Options(comparison, base, anticipation)).tidy()
    by_loops = att_by_loops(nasty, comparison, base, anticipation)
    assert list(zip(table["cohort"], table["month"], strict=True)) == list(by_loops)
    assert_allclose(table["estimate"], list(by_loops.values()), rtol=1e-9, atol=1e-9)


def test_two_months_give_the_saturated_regression_with_its_errors(nasty):
    rows = nasty[nasty["month"].isin([4, 6]) & (nasty["first_covered"].isna() | (nasty["first_covered"] == 5))]
    post, covered, eligible = rows["month"] == 6, rows["first_covered"] == 5, rows["eligible"] == 1
    factors = [np.ones(len(rows)), post, covered, eligible, post & covered, post & eligible, covered & eligible, post & covered & eligible]
    ols = sm.WLS(rows["income"].to_numpy(), np.column_stack(factors).astype(float), weights=rows["weight"].to_numpy()).fit()
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    table = triple_difference.fit(design_with(nasty), Options("never")).tidy().set_index("term")
    assert_allclose(table.loc["att(5, 6)", "estimate"], ols.params[-1], rtol=1e-9)
    assert_allclose(table.loc["att(5, 6)", "std_error"], robust.bse[-1], rtol=1e-9)


@pytest.mark.parametrize("level", ["cluster", "worker"])
def test_against_the_never_covered_it_is_the_effect_on_the_eligible_less_that_on_the_ineligible(level, nasty):
    sides = [att_gt.fit(design_from(nasty[nasty["eligible"] == side], level=level), att_gt.Options("never")) for side in (1, 0)]
    estimate = triple_difference.fit(design_with(nasty, level), Options("never"))
    assert_allclose(estimate.values, sides[0].values - sides[1].values, rtol=1e-9, atol=1e-12)
    if level == "worker":  # no worker is on both sides
        assert_allclose(estimate.errors.std_error**2, sides[0].errors.std_error ** 2 + sides[1].errors.std_error ** 2, rtol=1e-8)


def test_averages_count_cohorts_by_their_eligible_workers(nasty):
    estimate = triple_difference.fit(design_with(nasty))
    eligible = nasty[nasty["eligible"] == 1].groupby("worker").agg(cohort=("first_covered", "max"), weight=("weight", "mean"))
    shares = eligible.groupby("cohort")["weight"].sum()
    table = estimate.tidy()
    now = table[table["event_time"] == 0].set_index("cohort")["estimate"]
    averaged = aggregate(estimate, "event_time").tidy().set_index("event_time")
    assert_allclose(averaged.loc[0, "estimate"], np.average(now[[5, 8]], weights=shares[[5, 8]]), rtol=1e-9)


def made(share_late: float = 0.9, share_never: float = 0.2) -> pd.DataFrame:
    """Make levels and trends without noise: the eligible grow faster, cohorts have trends of their own, and shares of the eligible differ between cohorts."""
    sizes, shares = {3.0: 40, 6.0: 60, np.nan: 50}, {3.0: 0.5, 6.0: share_late, np.nan: share_never}
    people = [
        {"first_covered": cohort, "eligible": int(place < share * size), "worker": f"{cohort} {place}"}
        for (cohort, size), share in zip(sizes.items(), shares.values(), strict=True)
        for place in range(size)
    ]
    workers = pd.DataFrame(people).assign(unit=lambda frame: frame["worker"], cluster=lambda frame: frame["worker"], weight=1.0)
    rows = workers.merge(pd.DataFrame({"month": np.arange(1, 9, dtype=np.int8)}), how="cross")
    trend = rows["month"] * (0.5 * rows["eligible"] + rows["first_covered"].map({3.0: 0.3, 6.0: -0.7}).fillna(0.1))
    effect = 2.0 * (rows["month"] >= rows["first_covered"]) * rows["eligible"]
    return rows.assign(income=np.sin(rows["month"]) + trend + effect)


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_trends_of_cohorts_and_of_the_eligible_are_taken_out_where_two_plain_differences_pool(comparison):
    table = triple_difference.fit(design_with(made()), Options(comparison)).tidy()
    assert_allclose(table["estimate"], np.where(table["event_time"] >= 0, 2.0, 0.0), atol=1e-9)
    if comparison == "not_yet":
        sides = [att_gt.fit(design_from(made().query("eligible == @side"))).tidy().set_index("term")["estimate"] for side in (1, 0)]
        assert abs((sides[0] - sides[1])["att(3, 4)"] - 2.0) > 0.3
        assert np.abs(sides[0]["att(3, 7)"] - 2.0) > 0.3


def test_where_everybody_is_covered_in_the_end_nobody_is_left_to_compare_with_and_that_is_the_reason_given():
    covered = made()[lambda frame: frame["first_covered"].notna()]
    notes = triple_difference.fit(design_with(covered)).notes
    assert any("everybody is covered, and nobody is left to compare with" in note.en and "均已受覆盖" in note.zh for note in notes)
    assert not any("not both seen" in note.en for note in notes)


def test_a_cohort_that_lacks_a_side_is_left_out_with_a_note_and_gives_no_comparison():
    frame = made(share_late=1.0)
    estimate = triple_difference.fit(design_with(frame))
    assert {term.cohort for term in estimate.terms} == {3}
    assert (
        estimate.notes[-1].en.startswith("7 effects left out: eligible and ineligible are not both seen")
        and "7个效应未估计" in estimate.notes[-1].zh
    )
    assert_allclose(estimate.values, triple_difference.fit(design_with(frame), Options("never")).values)


def test_the_last_cohort_serves_until_it_is_covered_where_everybody_is_in_the_end():
    table = triple_difference.fit(design_with(made().dropna(subset="first_covered"))).tidy()
    assert set(zip(table["cohort"], table["month"], strict=True)) == {(3, 2), (3, 3), (3, 4), (3, 5), (6, 2)}
    with pytest.raises(EstimationError, match=r"no triple difference can be estimated[\s\S]*Check the column of eligibility"):
        triple_difference.fit(design_with(made().dropna(subset="first_covered")), Options("never"))


def test_eligibility_must_be_known_one_or_zero_and_vary(nasty):
    with pytest.raises(DesignError, match=r"not known who is eligible[\s\S]*Name the column"):
        triple_difference.fit(design_from(nasty))
    with pytest.raises(DesignError, match=r"must be 1 for the eligible[\s\S]*Found 2 for \d+ workers"):
        triple_difference.fit(design_with(nasty.assign(eligible=2 * nasty["eligible"])))
    with pytest.raises(DesignError, match=r"Found \d+ workers eligible, 0 workers not"):
        triple_difference.fit(design_with(nasty.assign(eligible=1)))


def test_the_command_line_tells_eligible_and_ineligible_apart_within_a_unit(nasty, tmp_path):
    answer = answer_from(
        nasty,
        tmp_path,
        estimator="triple_difference",
        cluster="cluster",
        weights="weight",
        traits={"eligible": "eligible"},
        comparison="never",
    )
    wanted = triple_difference.fit(design_with(nasty), Options("never")).tidy()
    assert_allclose(answer.estimate.tidy()[["estimate", "std_error"]], wanted[["estimate", "std_error"]], rtol=1e-9)
