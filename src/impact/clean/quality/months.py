"""Rows by month: a hole, a jump, a first or last month that is only half there. May touch: the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.errors import listing
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

JUMP = 1.5
"""Factor by which the number of rows must change from one month to the next to be called a jump."""
USUAL_TIMES = 8
"""And so many times as much as it usually changes."""
HALF = 0.6
"""Share of its neighbour's rows below which a first or last month is called half there."""
_FEW = 100
"""Groups with fewer rows a month vary by chance."""


def month_findings(table: ir.Table, name: str, label: Callable[[int], str], group: str | None = None) -> list[Finding]:
    """Look at the number of rows by month, for each group where one is named.

    `table` has `month`, a whole number that counts months (or years, or periods) on; `label` writes it; `name` is what messages call the table.
    """
    keys = ["month", *([group] if group else [])]
    counted = table.group_by(keys).aggregate(rows=table.count()).to_pandas().dropna()
    found: list[Finding] = []
    for key, rows in counted.groupby(group, sort=True) if group else [(name, counted)]:
        series = rows.set_index("month")["rows"].sort_index()
        found += _of_one(series, f"{name}, {key}" if group else name, label)
    return found


def _of_one(series: pd.Series[int], where: str, label: Callable[[int], str]) -> list[Finding]:
    months = [int(month) for month in series.index]
    holes = sorted(set(range(months[0], months[-1] + 1)) - set(months))
    found = [_hole(where, [label(month) for month in holes])] if holes else []
    return found + _changes(series, months, where, label)


def _changes(series: pd.Series[int], months: list[int], where: str, label: Callable[[int], str]) -> list[Finding]:
    import numpy as np

    if len(months) < 4 or int(series.median()) < _FEW:
        return []
    logs = np.log(series.to_numpy(dtype=float))
    change = np.diff(logs)
    usual = float(np.median(np.abs(change))) / 0.6745
    found = []
    for place in _jumps(change, usual):
        before, after = int(series.iloc[place]), int(series.iloc[place + 1])
        at_end = (place == 0 and before < HALF * after) or (place == len(change) - 1 and after < HALF * before)
        month = months[place] if place == 0 and at_end else months[place + 1]
        found.append(_half(where, label(month), before, after, place == 0) if at_end else _jump(where, label(month), before, after))
    return found


def _jumps(change: np.ndarray[tuple[int], np.dtype[np.float64]], usual: float) -> list[int]:
    import numpy as np

    size = np.abs(change)
    return [int(place) for place in np.flatnonzero((size > np.log(JUMP)) & (size > USUAL_TIMES * usual))]


def _hole(where: str, months: list[str]) -> Finding:
    return Finding(
        "month_missing",
        "warning",
        where,
        len(months),
        Text(f"no rows in {listing(months, 6)}, between months that have some", f"{listing(months, 6)}没有任何行，而前后月份均有"),
        Text(
            "ask whether the month was not delivered; a month without rows looks like everybody leaving",
            "核实该月是否漏交；没有数据的月份看起来像是所有人都离开",
        ),
    )


def _jump(where: str, month: str, before: int, after: int) -> Finding:
    return Finding(
        "rows_jump",
        "warning",
        f"{where}, {month}",
        after,
        Text(f"{after:,} rows, after {before:,} in the month before", f"{after:,}行，而上月为{before:,}行"),
        Text(
            "ask what changed: who is in the export, or how many there are; an effect that begins in this month may be this",
            "核实变化的原因：是导出范围改变，还是人数确实改变；始于该月的“效应”可能即源于此",
        ),
    )


def _half(where: str, month: str, before: int, after: int, first: bool) -> Finding:
    rows, beside = (before, after) if first else (after, before)
    end = Text("first", "首") if first else Text("last", "末")
    return Finding(
        "half_month",
        "warning",
        f"{where}, {month}",
        rows,
        Text(
            f"the {end.en} month has {rows:,} rows, the month beside it {beside:,}: it may be only half there",
            f"{end.zh}月有{rows:,}行，相邻月份为{beside:,}行：该月可能不完整",
        ),
        Text("leave the month out of the export, or ask for the rest of it", "从导出中去掉该月，或索取其余部分"),
    )
