"""Coded answers as the cells of an export: labels in the one by text, option numbers in the one by number. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.schema.questionnaire import FILL_INS, ITEMS, Code, Item, header, option_headers
from impact.simulate.survey.asked import asked

Flavour = Literal["text", "number"]
FLAVOURS: tuple[Flavour, ...] = ("text", "number")
NUMBER, TIME, SECONDS, SOURCE, DETAIL, ADDRESS = ("序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP")
SKIPPED: dict[Flavour, str] = {"text": "(跳过)", "number": "-3"}
"""What stands where a skip rule left a question out."""
BLANK: dict[Flavour, str] = {"text": "(空)", "number": "-2"}
"""What stands where a question was asked and not answered."""

Cells = NDArray[np.object_]


def exported(answers: pd.DataFrame, flavour: Flavour) -> pd.DataFrame:
    """Write the table of an export, every cell text but 序号, one row per submission in the order given."""
    columns = dict(_recorded(answers))
    for item in ITEMS:
        columns |= _columns(item, answers, flavour)
    return pd.DataFrame(columns)


def _recorded(answers: pd.DataFrame) -> Iterator[tuple[str, object]]:
    """Give the six columns that the platform of the questionnaire adds; 来源详情 carries the code of the link."""
    taken = (answers["end_ts"] - answers["start_ts"]).dt.total_seconds().astype(int)
    yield NUMBER, np.arange(1, len(answers) + 1)
    yield TIME, [f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}:{t.second:02d}" for t in answers["end_ts"]]
    yield SECONDS, [f"{seconds}秒" for seconds in taken]
    yield SOURCE, answers["source"].to_numpy(dtype=object)
    yield DETAIL, [f"sojumpparm={code}" for code in answers["frame_id"]]
    yield ADDRESS, [f"{ip}({place})" for ip, place in zip(answers["ip"], answers["ip_place"], strict=True)]


def _columns(item: Item, answers: pd.DataFrame, flavour: Flavour) -> dict[str, Cells]:
    values = _plain(answers[item.field])
    missing = np.where(asked(item, answers), BLANK[flavour], SKIPPED[flavour])
    if flavour == "number" and item.kind in ("multi", "ranking"):
        return _by_option(item, values, missing)
    write = _writer(item, flavour)
    cells = np.array([gap if value is None else write(value) for value, gap in zip(values, missing, strict=True)], dtype=object)
    return {header(item): _filled_in(item, answers, cells) if flavour == "text" else cells}


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Give the values of a column, None where missing."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def _writer(item: Item, flavour: Flavour) -> Callable[[Code], str]:
    """Choose how a question's value is written in one cell."""
    if item.kind in ("single", "likert"):
        written = {option.code: option.words.zh if flavour == "text" else str(place) for place, option in enumerate(item.options, start=1)}
        return written.__getitem__
    if item.kind in ("multi", "ranking"):
        labels, mark = {str(option.code): option.words.zh for option in item.options}, "┋" if item.kind == "multi" else "→"
        return lambda codes: mark.join(labels[code] for code in str(codes).split("|"))
    return str if item.kind in ("text", "month") else _number


def _number(value: Code) -> str:
    return f"{float(value):.1f}".removesuffix(".0")


def _filled_in(item: Item, answers: pd.DataFrame, cells: Cells) -> Cells:
    """Write the words beside `其他` into the cell: `其他〖押金不退〗`."""
    if item.field not in FILL_INS:
        return cells
    words = _plain(answers[FILL_INS[item.field]])
    return np.array([cell if word is None else f"{cell}〖{word}〗" for cell, word in zip(cells, words, strict=True)], dtype=object)


def _by_option(item: Item, values: list[str | None], missing: NDArray[np.str_]) -> dict[str, Cells]:
    """Write one column per option: 0 or 1 for a multiple choice, the rank for a ranking."""
    chosen = [None if value is None else value.split("|") for value in values]
    result = {}
    for title, option in zip(option_headers(item), item.options, strict=True):
        code, ranks = str(option.code), item.kind == "ranking"
        cells = [gap if codes is None else _tick(codes, code, ranks) for codes, gap in zip(chosen, missing, strict=True)]
        result[title] = np.array(cells, dtype=object)
    return result


def _tick(codes: list[str], code: str, ranks: bool) -> str:
    if code not in codes:
        return "0"
    return str(codes.index(code) + 1) if ranks else "1"
