"""What margins of a survey and their categories are called. May touch: nothing."""

from __future__ import annotations

import re

import pandas as pd

from impact.text import Text

MARGINS: dict[str, Text] = {
    "industry": Text("industry", "行业"),
    "platform_group": Text("platform", "平台类型"),
    "tenure_band": Text("months of tenure", "从业月数"),
    "intensity": Text("full or part time", "专兼职"),
    "sex": Text("sex", "性别"),
    "age_band": Text("age", "年龄"),
}
"""Column of the list → its name."""

LEVELS: dict[str, Text] = {
    "ride_hail": Text("ride-hail", "网约车"),
    "freight": Text("freight", "货运"),
    "courier": Text("courier", "快递"),
    "delivery": Text("delivery", "网约配送"),
    "giant": Text("largest of its industry", "行业最大平台"),
    "other": Text("another", "其他平台"),
    "full": Text("full time", "专职"),
    "part": Text("part time", "兼职"),
    "男": Text("men", "男"),
    "女": Text("women", "女"),
    "total": Text("all", "合计"),
}
"""Category as the list writes it → its name; numbers such as `3-12` stand for themselves."""


def with_words(shares: pd.DataFrame) -> pd.DataFrame:
    """Put the names that readers know, in both languages, beside margins and their categories; bands in the order of their numbers."""
    margin_order = {name: place for place, name in enumerate(dict.fromkeys(shares["margin"]))}
    keys = [(margin_order[margin], _band(level)) for margin, level in zip(shares["margin"], shares["level"], strict=True)]
    shares = shares.iloc[sorted(range(len(shares)), key=lambda place: keys[place])].reset_index(drop=True)
    margins = [MARGINS.get(name, Text(name, name)) for name in shares["margin"]]
    levels = [LEVELS.get(name, Text(name, name)) for name in shares["level"]]
    return shares.assign(
        margin_en=[one.en for one in margins],
        margin_zh=[one.zh for one in margins],
        level_en=[one.en for one in levels],
        level_zh=[one.zh for one in levels],
    )


def _band(level: str) -> float:
    """Give the lower end of a band such as `3-12`, `36+` or `<3`; words come in the order in which they stand."""
    lower = re.match(r"\d+", level)
    return float(lower[0]) if lower else -1.0
