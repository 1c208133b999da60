"""Weights of effects inside the two-way coefficient.

Under parallel trends the coefficient of coverage beside unit and month effects is Σ W_gt ATT(g, t) over the covered cohorts and months, with weights that sum to
one and that the design alone decides; some may be negative, so that an effect of the one sign in every cohort and month can give a coefficient of the other
(de Chaisemartin and D'Haultfœuille 2020, doi:10.1257/aer.20181169, theorem 1). How unlike each other the effects would have to be for that is
their σ (corollary 1): the least standard deviation of effects, over covered rows, with which their mean could be zero.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.errors import EstimationError
from impact.estimate import twfe
from impact.results import CheckResult, Estimate, Info

INFO = Info(
    "two_way_weights", "Weights inside the two-way coefficient", "双向固定效应系数中的权重", "de Chaisemartin and D'Haultfœuille (2020)"
)
_NEGATIVE = -1e-12
"""Weight from which on it counts as negative, and not as zero by rounding."""


def run(estimate: Estimate) -> CheckResult:
    """Weigh the effects of cohorts by month inside the two-way coefficient of the estimate's design.

    `passed` is always None: the check informs. The table has one row per covered cohort and month: `cohort`, `month`, `event_time`, `rows` (their share of
    covered rows, weighted), `weight`, and `estimate`, the effect where the estimate holds it. `numbers` holds `coefficient`, `cells`, `negative` (cells with a negative
    weight), `negative_weight` (their sum) and `sigma`, missing where weights are those of the rows; none where there is no coefficient.
    """
    try:
        two_way = twfe.fit(estimate.design)
    except EstimationError:
        return _unknown()
    table = _table(two_way, estimate)
    coefficient, negative = float(two_way.values[0]), table["weight"] < _NEGATIVE
    spread = float(np.sqrt((table["rows"] * (table["weight"] / table["rows"] - 1) ** 2).sum()))
    numbers = {
        "coefficient": coefficient,
        "cells": float(len(table)),
        "negative": float(negative.sum()),
        "negative_weight": float(table.loc[negative, "weight"].sum()),
        "sigma": abs(coefficient) / spread if spread > 1e-9 else float("nan"),
    }
    return CheckResult(INFO.name, None, _in_english(numbers), _in_chinese(numbers), table, numbers)


def _table(two_way: Estimate, estimate: Estimate) -> pd.DataFrame:
    """Sum the weights of covered cells over the units of each cohort."""
    design = two_way.design
    rows = np.where(design.coverage, design.weight, 0.0)
    weight = rows * two_way.contrasts[0].a
    known = {(term.cohort, term.month): value for term, value in zip(estimate.terms, estimate.values, strict=True)}
    found = []
    for cohort in design.cohorts:
        own = design.cohort == cohort
        for place, month in enumerate(design.months):
            if rows[own, place].any():
                sums = rows[own, place].sum() / rows.sum(), weight[own, place].sum()
                found.append((cohort, month, month - cohort, *sums, known.get((cohort, month), np.nan)))
    return pd.DataFrame(found, columns=["cohort", "month", "event_time", "rows", "weight", "estimate"])


def _unknown() -> CheckResult:
    return CheckResult(
        INFO.name,
        None,
        "There are no weights to show: the two-way coefficient cannot be estimated from these rows.",
        "无权重可供查看：这些数据无法估计双向固定效应系数。",
    )


def _number(value: float) -> str:
    """Write a number with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def _in_english(numbers: dict[str, float]) -> str:
    cells, negative = int(numbers["cells"]), int(numbers["negative"])
    start = (
        f"The two-way coefficient on the rows of the main estimate, {_number(numbers['coefficient'])}, weighs {cells} effect{'s' if cells > 1 else ''} of cohorts by month, "
        + (f"{negative} of them negatively (sum {numbers['negative_weight']:.3f})." if negative else "none of them negatively.")
    )
    if np.isnan(numbers["sigma"]):
        return f"{start} Its weights are the shares of covered rows."
    return f"{start} The mean effect could be zero in spite of it if effects differed by a standard deviation of {_number(numbers['sigma'])} or more."


def _in_chinese(numbers: dict[str, float]) -> str:
    cells, negative = int(numbers["cells"]), int(numbers["negative"])
    start = f"主要估计同一样本上的双向固定效应系数{_number(numbers['coefficient'])}是{cells}个组群-时间效应的加权和，" + (
        f"其中{negative}个的权重为负（合计{numbers['negative_weight']:.3f}）。" if negative else "权重均不为负。"
    )
    if np.isnan(numbers["sigma"]):
        return f"{start}其权重即受覆盖行数的占比。"
    return f"{start}若各效应的标准差达到{_number(numbers['sigma'])}，则即使系数如此，平均效应也可能为零。"
