"""Which values are possible in the columns of exports, and how Chinese exports write codes. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from impact.schema.table import Column

Ranges = Mapping[str, tuple[float | None, float | None]]

_HOURS = 31 * 24
OF_A_MONTH: Ranges = {
    "active_days": (0, 31),
    "online_h": (0, _HOURS),
    "p1_h": (0, _HOURS),
    "p2_h": (0, _HOURS),
    "p3_h": (0, _HOURS),
    "orders": (0, 20_000),
    "take": (0, None),
    "incentive": (0, None),
    "waiver_refund": (0, None),
    "penalty": (0, None),
    "cost_est": (0, None),
    "complaints": (0, None),
    "rating": (1, 5),
}
"""What a month can hold. The sign of `gross` is a rule of cleaning, because exports get it wrong."""
OF_A_DAY: Ranges = {
    **dict.fromkeys(("online_h", "p1_h", "p2_h", "p3_h"), (0.0, 24.0)),
    **dict.fromkeys(("take", "incentive", "penalty", "cost_est"), (0.0, None)),
    "orders": (0, 1_000),
}
OF_AN_ACCOUNT: Ranges = {"birth_year": (1900, 2020), "disability_grade": (0, 4), "eligible_pre": (0, 1), "benefit_yuan": (0, None)}

CODES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "status_end": (("active", "正常"), ("inactive", "未出工"), ("closed", "已注销"), ("purged", "已清理")),
    "status": (("open", "正常"), ("closed", "已注销"), ("purged", "已清理")),
    "sex": (("男", "男"), ("女", "女")),
}
"""Code → the word in a Chinese export; either is read."""


def bounded(column: Column, ranges: Ranges) -> Column:
    """Add to a column its possible values."""
    least, most = ranges.get(column.name, (None, None))
    return replace(column, least=least, most=most, codes=CODES.get(column.name, ()))
