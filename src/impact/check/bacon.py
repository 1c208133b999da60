"""Two-by-two comparisons inside the two-way coefficient.

The coefficient of coverage beside unit and month effects is a weighted average of comparisons of two cohorts, each before and after one of them comes under
coverage (Goodman-Bacon 2021, doi:10.1016/j.jeconom.2021.03.014, theorem 1). Where the other is covered already, its effects enter as if they were its path without
coverage: how much of the weight rests on such comparisons, and what they find, says how far the coefficient can be trusted. Exact where the same rows
are seen in every month; elsewhere nothing is taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from impact.design.design import Bools, Design
from impact.moments.moments import Floats
from impact.results import CheckResult, Estimate, Info
from impact.text import Text

INFO = Info("bacon", "Comparisons inside the two-way coefficient", "双向固定效应系数中的两两比较", "Goodman-Bacon (2021)")

Kind = Literal["covered_vs_never", "earlier_vs_later", "later_vs_earlier", "later_vs_always"]
KINDS: tuple[Kind, ...] = ("covered_vs_never", "earlier_vs_later", "later_vs_earlier", "later_vs_always")
FORBIDDEN: tuple[Kind, ...] = ("later_vs_earlier", "later_vs_always")
"""Comparisons with those who are covered already."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Units that come under coverage in the same month; those covered from the first month on, or never, are groups as well."""

    cohort: int | None
    covered: Bools
    """Shape (months,)."""
    share: float
    """Of all weight."""
    path: Floats
    """Mean outcome by month; shape (months,)."""

    @property
    def varies(self) -> bool:
        """Whether it is seen both before and under coverage."""
        return bool(self.covered.any() and not self.covered.all())


def run(estimate: Estimate) -> CheckResult:
    """Take the two-way coefficient of the estimate's design apart.

    `passed` is always None: the check informs. The table has one row per comparison: `kind` (one of `KINDS`), `cohort`, the one whose coverage changes, `compared`, missing for
    the never covered, `weight` (they sum to one) and `estimate`. `numbers` holds `coefficient`, `comparisons`, `forbidden_weight`, and for each kind that
    occurs `weight_KIND` and `estimate_KIND`; none where nothing can be taken apart.
    """
    design = estimate.design
    obstacle = _obstacle(design)
    if obstacle is not None:
        return CheckResult(INFO.name, None, obstacle.en, obstacle.zh)
    groups = _groups(design)
    rows = [comparison for one in groups for other in groups if one is not other for comparison in _comparisons(one, other)]
    table = pd.DataFrame(rows, columns=["kind", "cohort", "compared", "weight", "estimate"]).astype(
        {"cohort": "Int64", "compared": "Int64"}
    )
    table["weight"] /= table["weight"].sum()
    numbers = _numbers(table)
    text = _text(numbers)
    return CheckResult(INFO.name, None, text.en, text.zh, table, numbers)


def _obstacle(design: Design) -> Text | None:
    """Say why the coefficient cannot be taken apart."""
    follows = np.where(np.isnan(design.cohort), np.inf, design.cohort)[:, None] <= np.asarray(design.months)[None, :]
    if (design.coverage != follows).any():
        return Text(
            "The two-way coefficient is not taken apart into two-by-two comparisons: coverage ends in some units.",
            "双向固定效应系数未作两两比较分解：部分单位的覆盖会终止。",
        )
    change = np.abs(design.weight - design.weight[:, :1]).max(axis=1) > 1e-9 * design.weight.max(axis=1)
    if change.any():
        return Text(
            f"The two-way coefficient is not taken apart into two-by-two comparisons: in {int(change.sum()):,} of {len(change):,} units the rows, or their weight, "
            "change from month to month, and the decomposition is exact only where they stay the same.",
            f"双向固定效应系数未作两两比较分解：{len(change):,}个单位中有{int(change.sum()):,}个的行数或权重逐期变化，而该分解仅在其保持不变时才精确成立。",
        )
    if not any(group.varies for group in _groups(design)) or len(_groups(design)) < 2:
        return Text(
            "The two-way coefficient is not taken apart into two-by-two comparisons: there are no two groups of which one comes under coverage.",
            "双向固定效应系数未作两两比较分解：没有可供比较的两组，其中一组在观察期内进入覆盖。",
        )
    return None


def _groups(design: Design) -> list[_Group]:
    """Put together the units with the same path of coverage, in order of coverage, the never covered last."""
    first, last = design.months[0], design.months[-1]
    start = np.where(np.isnan(design.cohort) | (design.cohort > last), np.inf, np.maximum(design.cohort, first))
    groups = []
    for month in np.unique(start[design.weight[:, 0] > 0]):
        own = start == month
        weight = design.weight[own].sum(axis=0)
        cohort = None if np.isinf(month) else int(month)
        covered = np.asarray(design.months) >= month
        groups.append(_Group(cohort, covered, float(weight[0] / design.weight[:, 0].sum()), design.total[own].sum(axis=0) / weight))
    return groups


def _comparisons(one: _Group, other: _Group) -> Iterator[tuple[Kind, int, int | None, float, float]]:
    """Compare the change of one group, as it comes under coverage, with that of another over the months in which the coverage of the other stays as it is."""
    if not one.varies:
        return
    for stays in (False, True):
        window = other.covered == stays
        before, after = window & ~one.covered, window & one.covered
        if not (before.any() and after.any()):
            continue
        change = one.path[after].mean() - one.path[before].mean() - other.path[after].mean() + other.path[before].mean()
        weight = one.share * other.share * before.sum() * after.sum()
        yield _kind(other, stays), int(one.cohort or 0), other.cohort, float(weight), float(change)


def _kind(other: _Group, covered: bool) -> Kind:
    """Name a comparison by the coverage of the group that stays as it is."""
    if covered:
        return "later_vs_earlier" if other.varies else "later_vs_always"
    return "earlier_vs_later" if other.varies else "covered_vs_never"


def _numbers(table: pd.DataFrame) -> dict[str, float]:
    numbers = {"coefficient": float((table["weight"] * table["estimate"]).sum()), "comparisons": float(len(table)), "forbidden_weight": 0.0}
    for kind in KINDS:
        own = table[table["kind"] == kind]
        if len(own):
            numbers[f"weight_{kind}"] = float(own["weight"].sum())
            numbers[f"estimate_{kind}"] = float((own["weight"] * own["estimate"]).sum() / own["weight"].sum())
    numbers["forbidden_weight"] = sum(numbers.get(f"weight_{kind}", 0.0) for kind in FORBIDDEN)
    return numbers


def _mean(numbers: dict[str, float], kinds: tuple[Kind, ...]) -> float:
    """Average what comparisons of some kinds find."""
    found = [(numbers[f"weight_{kind}"], numbers[f"estimate_{kind}"]) for kind in kinds if f"weight_{kind}" in numbers]
    return sum(weight * value for weight, value in found) / sum(weight for weight, _ in found)


def _text(numbers: dict[str, float]) -> Text:
    count, coefficient, share = int(numbers["comparisons"]), numbers["coefficient"], numbers["forbidden_weight"]
    start = Text(
        f"The two-way coefficient, {coefficient:.4g}, is an average of {count} two-by-two comparison{'s' if count > 1 else ''}.",
        f"双向固定效应系数{coefficient:.4g}是{count}个两两比较的加权平均。",
    )
    if share == 0:
        rest = Text("None of them is with units that are covered already.", "其中没有以已受覆盖者为比较对象的。")
        return Text(f"{start.en} {rest.en}", start.zh + rest.zh)
    forbidden, clean = _mean(numbers, FORBIDDEN), share < 1
    allowed = _mean(numbers, ("covered_vs_never", "earlier_vs_later")) if clean else 0.0
    en = f"{share:.0%} of the weight rests on comparisons with units that are covered already, which find {forbidden:.4g} on average" + (
        f"; the others find {allowed:.4g}." if clean else "."
    )
    zh = f"其中{share:.0%}的权重来自以已受覆盖者为对象的比较，平均为{forbidden:.4g}" + (
        f"；其余比较平均为{allowed:.4g}。" if clean else "。"
    )
    return Text(f"{start.en} {en}", start.zh + zh)
