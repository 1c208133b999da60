"""What looks wrong with the files of a table, beside each other: empty ones, a month without file, one much smaller or larger, one sent twice. May touch: the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.errors import listing
from impact.sources.dataset import FILE, ReceivedFile
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

OUT_OF_STEP = 3.0
"""Times by which a file may have more or fewer rows than both of its neighbours in time."""
FEW_ROWS = 30
"""Files with fewer rows than these vary by chance."""
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(0[1-9]|1[0-2])(?!\d)")

Series = Mapping[str, Mapping[str, ReceivedFile]]
"""Path of a file with `*` in the place of its month → month such as 2025-03 → the file."""


def file_findings(files: Sequence[ReceivedFile]) -> list[Finding]:
    """Hold the files of one table against their neighbours in time; a month is read off the path of a file."""
    series = _series(files)
    last = _usual_end(series)
    empty = [file.name for file in files if not file.rows]
    found = [_empty(empty)] if empty else []
    for months in series.values():
        found += _gaps(months, last)
        found += _out_of_step(months)
    return found


def resent_months(table: ir.Table, numbers: Sequence[str]) -> list[Finding]:
    """Find files with as many rows and the same totals as another file: a month that was sent again under another name.

    `table` has `file_`; `numbers` are columns of amounts.
    """
    held = [name for name in numbers if name in table.columns]
    if not held:
        return []
    totals = {f"total_{place}": table[name].sum().round(2) for place, name in enumerate(held)}
    counted = table.group_by(FILE).aggregate(rows=table.count(), **totals).order_by(FILE).to_pyarrow().to_pylist()
    seen: dict[tuple[object, ...], str] = {}
    found = []
    for row in counted:
        content = (row["rows"], *(row[name] for name in totals))
        if row["rows"] >= FEW_ROWS and any(row[name] for name in totals):
            if content in seen:
                found.append(_resent(seen[content], str(row[FILE]), int(row["rows"])))
            seen.setdefault(content, str(row[FILE]))
    return found


def _series(files: Sequence[ReceivedFile]) -> dict[str, dict[str, ReceivedFile]]:
    series: dict[str, dict[str, ReceivedFile]] = {}
    for file in files:
        months = _MONTH.findall(file.name)
        if months:
            series.setdefault(_MONTH.sub("*", file.name), {})["-".join(months[-1])] = file
    return {name: dict(sorted(months.items())) for name, months in series.items()}


def _usual_end(series: Series) -> str:
    """Give the last month of most series."""
    ends = sorted(max(months) for months in series.values())
    return ends[len(ends) // 2] if ends else ""


def _gaps(months: Mapping[str, ReceivedFile], usual_end: str) -> list[Finding]:
    names = list(months)
    missing = [month for month in _between(names[0], max(names[-1], usual_end)) if month not in months]
    if len(names) < 2 or not missing:
        return []
    return [
        Finding(
            "month_without_file",
            "warning",
            months[names[0]].name,
            len(missing),
            Text(
                f"no file for {listing(missing, 6)}, beside files for {names[0]} to {names[-1]}",
                f"有{names[0]}至{names[-1]}的文件，但缺少{listing(missing, 6)}的文件",
            ),
            Text(
                "ask for it; where there is none because the platform had stopped, say so in the study: a month that is missing looks like everybody leaving",
                "请补充；若因平台已停运而没有文件，请在研究中说明：缺失的月份看起来像是所有人都离开",
            ),
        )
    ]


def _between(first: str, last: str) -> list[str]:
    start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{place // 12}-{place % 12 + 1:02d}" for place in range(start, end + 1)]


def _out_of_step(months: Mapping[str, ReceivedFile]) -> list[Finding]:
    """Compare each file with the one before and the one after; the first and the last with the two beside them."""
    files = list(months.values())
    if len(files) < 3:
        return []
    found = []
    for place, file in enumerate(files):
        begin = min(max(place - 1, 0), len(files) - 3)
        beside = [other.rows for other in files[begin : begin + 3] if other is not file]
        large, small = file.rows > OUT_OF_STEP * max(beside), file.rows * OUT_OF_STEP < min(beside)
        if file.rows and (large or small) and max(file.rows, *beside) >= FEW_ROWS:
            found.append(_size(file, beside))
    return found


def _size(file: ReceivedFile, beside: Sequence[int]) -> Finding:
    others = " and ".join(f"{rows:,}" for rows in beside)
    return Finding(
        "file_size",
        "warning",
        file.name,
        file.rows,
        Text(
            f"{file.rows:,} rows, where the files beside it have {others}",
            f"共{file.rows:,}行，而相邻文件为{others.replace(' and ', '与')}行",
        ),
        Text(
            "ask whether the export was cut off or holds more than its month; compare with the platform's own totals",
            "核实导出是否被截断，或含有其他月份的数据；并与平台自身的合计数核对",
        ),
    )


def _empty(names: Sequence[str]) -> Finding:
    return Finding(
        "empty_file",
        "warning",
        names[0],
        len(names),
        Text(f"no rows: {listing(names, 3)}", f"没有任何数据行：{listing(names, 3)}"),
        Text("ask whether nobody worked, or the export failed", "核实是确实无人出工，还是导出失败"),
    )


def _resent(first: str, again: str, rows: int) -> Finding:
    return Finding(
        "same_content",
        "warning",
        again,
        rows,
        Text(
            f"as many rows ({rows:,}) and the same totals as `{first}`: the same month may have been sent twice",
            f"行数（{rows:,}）与各项合计均与“{first}”相同：可能重复发送了同一个月",
        ),
        Text("ask for the month that this file should hold", "请索取该文件本应包含的月份"),
    )
