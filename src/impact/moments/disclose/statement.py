"""What a bundle says of itself: what is in it, what was withheld and by which rule. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.moments.disclose.rules import Rules
from impact.text import Text

STATEMENT_COLUMNS = ("part", "outcome", "rule", "groups", "withheld", "workers_share")
"""Columns of `Statement.table`: groups of the part, groups withheld by the rule, and their share of the workers (worker-months in cells and bins)."""
WHOLE = "whole"
"""Rule of a part that is left out as a whole."""
RULES = {
    "threshold": Text("fewer workers than the threshold", "人数低于阈值"),
    "dominance": Text("one contributor may have too large a share", "单一贡献者占比可能过高"),
    "difference": Text("too few workers differ from what is already out", "与已发布结果相差的人数过少"),
    "months": Text("seen in too few months", "可见月份过少"),
    "cells": Text("its cell is withheld", "所在单元未发布"),
    "complementary": Text("what is left of a cell would be too few workers", "单元的剩余人数会过少"),
    WHOLE: Text("cannot be released at all", "整体不能发布"),
}
"""What each rule is called."""
PARTS = {
    "cells": Text("unit-months", "单位-月份"),
    "pairs": Text("pairs of months", "月份对"),
    "patterns": Text("patterns of months seen", "可见月份模式"),
    "bins": Text("bins of the distribution", "分布区间"),
    "spells": Text("counts of spells", "在职时段计数"),
}
"""What each part is called."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The rules, what they did, and both in words."""

    rules: Rules
    table: pd.DataFrame
    """One row per part, outcome and rule, with `STATEMENT_COLUMNS`; a part from which nothing is withheld has one row with an empty rule."""
    texts: tuple[Text, ...]


def tally(part: str, outcome: str, reason: np.ndarray, workers: np.ndarray) -> list[dict[str, object]]:
    """Count what was withheld of one part and outcome; `reason` is empty text where a group is released."""
    whole = float(workers.sum()) or 1.0
    head = {"part": part, "outcome": outcome, "groups": len(reason)}
    rules = [name for name in RULES if (reason == name).any()]
    rows = [
        {**head, "rule": name, "withheld": int((reason == name).sum()), "workers_share": float(workers[reason == name].sum() / whole)}
        for name in rules
    ]
    return rows or [{**head, "rule": "", "withheld": 0, "workers_share": 0.0}]


def statement_of(rules: Rules, rows: Sequence[dict[str, object]]) -> Statement:
    """Write what was done in both languages."""
    table = pd.DataFrame(rows, columns=list(STATEMENT_COLUMNS))
    return Statement(rules, table, (*_rules_in_words(rules), *(_in_words(row) for row in rows)))


def _rules_in_words(rules: Rules) -> list[Text]:
    drawn = Text(
        "To every group one worker is added who is drawn from the group's own distribution.",
        "每组均加入一名按该组自身分布随机抽取的虚拟劳动者。",
    )
    return [
        Text(
            f"No number rests on fewer than {rules.threshold} workers; counts are rounded at random to multiples of {rules.base}, with a key that is not in the bundle.",
            f"任何数字所依据的人数均不少于{rules.threshold}人；计数以不随数据包提供的密钥随机取整为{rules.base}的倍数。",
        ),
        Text(
            f"No contributor has more than {rules.dominance:.0%} of a total; units and patterns are seen in at least {rules.least_months} months.",
            f"任何贡献者在总额中的占比均不超过{rules.dominance:.0%}；单位和模式至少在{rules.least_months}个月中可见。",
        ),
        *([drawn] if rules.drawn else []),
    ]


def _in_words(row: dict[str, object]) -> Text:
    part, outcome = PARTS[str(row["part"])], f" ({row['outcome']})" if row["outcome"] else ""
    there = f"（{row['outcome']}）" if row["outcome"] else ""
    if row["rule"] == WHOLE:
        return Text(f"{part.en.capitalize()}{outcome}: left out, cannot be released.", f"{part.zh}{there}：未收入，不能发布。")
    if not row["rule"]:
        return Text(
            f"{part.en.capitalize()}{outcome}: {row['groups']:,}, none withheld.", f"{part.zh}{there}：{row['groups']:,}个，全部发布。"
        )
    rule = RULES[str(row["rule"])]
    return Text(
        f"{part.en.capitalize()}{outcome}: {row['withheld']:,} of {row['groups']:,} withheld, with {row['workers_share']:.1%} of the workers: {rule.en}.",
        f"{part.zh}{there}：{row['groups']:,}个中有{row['withheld']:,}个未发布，占人数的{row['workers_share']:.1%}：{rule.zh}。",
    )
