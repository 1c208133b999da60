"""What 问卷星 records about a submission: number, time, seconds taken, link, address. May touch: nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd

from impact.errors import DataError
from impact.sources.dataset import FILE, ROW
from impact.sources.wenjuanxing.cells import Cells
from impact.sources.wenjuanxing.headers import Found

META_COLUMNS = (FILE, ROW, "submission", "start_ts", "end_ts", "seconds", "source", "source_detail", "link_code", "ip", "ip_place", "score")
"""Columns of a survey table that are no answers; `submission` is the 序号 of the export, times are local and without zone."""
_FORMS = ("%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
"""As the export writes it, and as a spreadsheet program does that took it for a time."""
_LINK = re.compile(r"(?:^|[?&\s])sojumpparm=([^&\s]+)")
_ADDRESS = re.compile(r"([0-9A-Fa-f.:]+)\s*(?:[(（](.*)[)）])?")
_NOTHING = ("", "--", "-")


def recorded(cells: Cells, found: Found) -> pd.DataFrame:
    """Read what is recorded about each submission, one row per submission in the order of the file, columns `META_COLUMNS`.

    Raises DataError that names file, row, column and value where a number, a time or a duration cannot be read, or a number stands twice.
    """
    frame = pd.DataFrame({FILE: cells.name, ROW: range(cells.first_row, cells.first_row + len(cells.frame))})
    frame["submission"] = _column(cells, found, "number", _whole, "a whole number", "Int64")
    _refuse_twice(cells, found, frame["submission"])
    frame["end_ts"] = _column(cells, found, "time", _time, "a time such as 2024/10/8 7:29:36", "datetime64[s]")
    frame["seconds"] = _column(cells, found, "seconds", _seconds, "a duration such as 843秒", "Int64")
    frame["start_ts"] = frame["end_ts"] - pd.to_timedelta(frame["seconds"].astype("Float64"), unit="s").astype("timedelta64[s]")
    frame["source"] = _column(cells, found, "source", _words, "words", "string")
    frame["source_detail"] = _column(cells, found, "detail", _words, "words", "string")
    frame["link_code"] = frame["source_detail"].str.extract(_LINK, expand=False).astype("string")
    parts = _column(cells, found, "address", _words, "words", "string").str.extract(_ADDRESS)
    frame["ip"], frame["ip_place"] = parts[0].astype("string"), parts[1].astype("string")
    frame["score"] = _column(cells, found, "score", _decimal, "a number", "Float64")
    return frame[list(META_COLUMNS)]


def _column(cells: Cells, found: Found, what: str, read: Callable[[str], Any], needs: str, kind: str) -> pd.Series[Any]:
    """Read one column; missing everywhere where the export has none."""
    title = found.meta.get(what)
    if title is None:
        return pd.Series([None] * len(cells.frame), dtype=kind)
    values = []
    for place, cell in enumerate(cells.frame[title]):
        try:
            values.append(read(str(cell).strip()))
        except ValueError:
            raise DataError(
                f"{cells.name}: column `{title}` cannot be read in row {cells.row(place)}.\nFound `{cell}`.\nIt must be {needs}; export the answers again, or mend the cell."
            ) from None
    return pd.Series(values, dtype=kind)


def _refuse_twice(cells: Cells, found: Found, numbers: pd.Series[Any]) -> None:
    twice = numbers.duplicated(keep=False).to_numpy().nonzero()[0]
    if len(twice):
        rows = ", ".join(str(cells.row(int(place))) for place in twice[:4])
        raise DataError(
            f"{cells.name}: column `{found.meta['number']}` has a number twice.\nFound `{numbers.iloc[twice[0]]}` among rows {rows}.\n"
            "Every submission has its own number: remove rows that were pasted twice."
        )


def _whole(cell: str) -> int:
    return int(cell.removesuffix(".0"))


def _time(cell: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(cell, form)
        except ValueError:
            continue
    raise ValueError(cell)


def _seconds(cell: str) -> int | None:
    """Read `843秒`; exams write `--`, which is no time."""
    return None if cell in _NOTHING else int(cell.removesuffix("秒"))


def _words(cell: str) -> str | None:
    return cell or None


def _decimal(cell: str) -> float | None:
    return None if cell in _NOTHING else float(cell)
