"""The two-way coefficient, taken apart, adds up again: by hand, by loops and by the regression itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.check import bacon
from impact.design.design import Design
from impact.estimate import att_gt, twfe
from impact.results import CheckResult
from panels import design_from


def taken_apart(design: Design) -> CheckResult:
    return bacon.run(twfe.fit(design))


def with_always(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn two never covered units into units covered since before the first month, one longer than the other."""
    one, other = sorted(frame.loc[frame["first_covered"].isna(), "unit"].unique())[:2]
    return frame.assign(first_covered=frame["first_covered"].mask(frame["unit"] == one, 0).mask(frame["unit"] == other, -3))


def test_the_example_worked_by_hand():
    """Three units of one worker in four months: covered from month 2, from month 4, never; outcomes chosen so that every comparison differs."""
    outcome = {"a": [0, 3, 3, 6], "b": [0, 0, 3, 8], "c": [0, 1, 2, 3]}
    start = {"a": 2, "b": 4, "c": np.nan}
    rows = [(u, u, m + 1, start[u], float(y), 1.0) for u, ys in outcome.items() for m, y in enumerate(ys)]
    frame = pd.DataFrame(rows, columns=["unit", "worker", "month", "first_covered", "income", "weight"])
    found = taken_apart(design_from(frame, level="unit"))
    table = found.table.set_index(["cohort", "compared"])
    wanted = {
        (2, 4): ("earlier_vs_later", 1 * 2, 3 - 1.5),
        (4, 2): ("later_vs_earlier", 2 * 1, (8 - 1.5) - (6 - 3)),
        (2, pd.NA): ("covered_vs_never", 1 * 3, 4 - 2),
        (4, pd.NA): ("covered_vs_never", 3 * 1, (8 - 1) - (3 - 1)),
    }
    assert len(table) == 4
    for row in found.table.itertuples(index=False):
        kind, weight, value = wanted[(row.cohort, row.compared)]
        assert (row.kind, row.weight, row.estimate) == (kind, pytest.approx(weight / 10), pytest.approx(value))
    assert found.numbers["coefficient"] == pytest.approx((2 * 1.5 + 2 * 3.5 + 3 * 2 + 3 * 5) / 10)
    assert found.numbers["forbidden_weight"] == pytest.approx(0.2)
    assert "The two-way coefficient, 3.1, is an average of 4 two-by-two comparisons. 20% of the weight" in found.text_en
    assert "其中20%的权重来自以已受覆盖者为对象的比较，平均为3.5；其余比较平均为3。" in found.text_zh


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_weights_times_comparisons_add_up_to_the_regression(unit, always, balanced):
    frame = with_always(balanced) if always else balanced
    design = design_from(frame, unit=unit)
    found, coefficient = taken_apart(design), twfe.fit(design).values[0]
    assert (found.table["weight"] * found.table["estimate"]).sum() == pytest.approx(coefficient, abs=1e-10)
    assert found.table["weight"].sum() == pytest.approx(1) and (found.table["weight"] > 0).all()
    assert set(found.table["kind"]) == set(bacon.KINDS) - (set() if always else {"later_vs_always"})
    assert bacon.run(att_gt.fit(design)).numbers["comparisons"] >= 4 or always


def comparisons_by_loops(frame: pd.DataFrame) -> dict[tuple[float, float], tuple[float, float]]:
    """Run the regression of each two cohorts by itself, over the months the theorem names; weights by its formulas, with shares of the weight."""
    frame = frame.assign(start=frame["first_covered"].fillna(99).clip(1))
    months = frame["month"].nunique()
    weight = frame.groupby("start")["weight"].sum() / frame["weight"].sum()
    treated = {g: (frame.loc[frame["start"] == g, "month"] >= g).mean() for g in weight.index}
    found: dict[tuple[float, float], tuple[float, float]] = {}

    def compare(one: float, other: float, rows: pd.DataFrame, size: float) -> None:
        rows = rows[rows["start"].isin([one, other])]
        found[one, other] = (
            size,
            twfe.fit(design_from(rows.assign(first_covered=rows["first_covered"].where(rows["start"] == one)))).values[0],
        )

    for k in weight.index:
        for el in weight.index:
            pair, part = weight[k] + weight[el], weight[k] / (weight[k] + weight[el])
            dk, dl = treated[k], treated[el]
            if 0 < dk < 1 and dl in (0, 1):
                compare(k, el, frame, pair**2 * part * (1 - part) * dk * (1 - dk))
            elif 0 < dl < dk < 1:
                early = frame[frame["month"] < el]
                compare(k, el, early, (pair * (1 - dl)) ** 2 * part * (1 - part) * (dk - dl) / (1 - dl) * (1 - dk) / (1 - dl))
                late = frame[frame["month"] >= k]
                compare(el, k, late, (pair * dk) ** 2 * part * (1 - part) * (dl / dk) * (dk - dl) / dk)
    assert months == 12
    return found


def test_every_comparison_equals_the_regression_on_its_own_rows(balanced):
    frame = with_always(balanced)
    loops = comparisons_by_loops(frame)
    table = taken_apart(design_from(frame)).table
    keys = list(zip(table["cohort"].astype(float), table["compared"].fillna(99).astype(float), strict=True))
    assert sorted(keys) == sorted(loops)
    whole = sum(size for size, _ in loops.values())
    assert_allclose(table["weight"], [loops[key][0] / whole for key in keys], rtol=1e-9)
    assert_allclose(table["estimate"], [loops[key][1] for key in keys], rtol=1e-9)


def test_where_workers_come_and_go_nothing_is_taken_apart(nasty):
    found = taken_apart(design_from(nasty))
    assert found.passed is None and found.table.empty and found.numbers == {}
    assert (
        "in 17 of 18 units the rows, or their weight, change from month to month" in found.text_en and "18个单位中有17个" in found.text_zh
    )


def test_coverage_that_ends_and_groups_that_do_not_vary_are_not_taken_apart(balanced):
    design = design_from(balanced)
    ends = design.coverage.copy()
    ends[:, -1] = False
    assert "coverage ends in some units" in bacon.run(replace(twfe.fit(design), design=replace(design, coverage=ends))).text_en
    alone = design.keep(np.isnan(design.cohort))
    assert "there are no two groups" in bacon.run(replace(twfe.fit(design), design=alone)).text_en


def test_without_forbidden_comparisons_the_text_says_so(balanced):
    found = taken_apart(design_from(balanced[balanced["first_covered"] != 8]))
    assert found.text_en.endswith("is an average of 1 two-by-two comparison. None of them is with units that are covered already.")
    assert found.numbers["forbidden_weight"] == 0
