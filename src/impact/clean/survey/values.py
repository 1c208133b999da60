"""Rules on single answers: digits in full width are read, impossible amounts and numbers are flagged and never guessed. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.rules import Met, Named
from impact.schema.questionnaire import Codebook
from impact.sources.survey_table import SurveyTable
from impact.sources.wenjuanxing.answers import as_month, as_number, plain
from impact.text import Text

_WIDE = Named(
    "full_width_digits",
    "changed",
    Text("digits in full width", "全角数字"),
    Text("６０ is 60, typed with a Chinese keyboard", "“６０”即60，系中文输入法全角输入"),
)
_UNREADABLE = Named(
    "unreadable_value",
    "flagged",
    Text("no number or month where one is asked", "应填数字或年月处无法读取"),
    Text("left missing, with the reason `unread`: words are not guessed into numbers", "按缺失处理，原因记为 unread：不从文字猜测数值"),
)
_WAN = Named(
    "income_in_wan",
    "flagged",
    Text("amount perhaps in units of 10,000 yuan", "金额疑似以万元为单位"),
    Text("below 20 while the other amounts of the same person say thousands", "数值小于20，而同一人其他金额为数千元"),
)
_FEN = Named(
    "income_in_fen",
    "flagged",
    Text("amount perhaps in fen", "金额疑似以分为单位"),
    Text(
        "tens of times the other amounts of the same person, or more than anybody earns in a month",
        "为同一人其他金额的数十倍以上，或超出合理月收入上限",
    ),
)
_ORDER = Named(
    "income_order",
    "flagged",
    Text("net income above what came in", "净收入高于流水和到账"),
    Text("more is left than gross fares and payments allow, beyond rounding", "扣除开支后的收入不应高于流水与平台到账，四舍五入除外"),
)
_RANGE = Named(
    "out_of_range",
    "flagged",
    Text("outside the bounds of the codebook", "超出编码本规定的范围"),
    Text("the codebook says which numbers can be true", "编码本规定了可能的取值范围"),
)
_ABOVE = Named(
    "part_above_whole",
    "flagged",
    Text("a part is larger than the whole", "部分大于整体"),
    Text("hours with orders are part of the hours online", "接单时长是在线时长的一部分"),
)
_WAN_BELOW, _THOUSANDS = 20.0, 1000.0
_WAN_NEAR, _FEN_RATIO, _FEN_LEAST = (0.1, 10.0), (20.0, 500.0), 20_000.0
"""How far ten thousand times an amount may be from the others; how many times the others an amount in fen may be, and from what amount on."""
_ROUNDING = 1.1


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers on their way to the clean table; the index is that of the table as received."""

    answers: pd.DataFrame
    reasons: pd.DataFrame


def mended(draft: Draft, raw: SurveyTable) -> tuple[Draft, list[Met]]:
    """Read numbers and months in full width; whatever still cannot be read stays missing and is flagged."""
    answers, reasons, wide, unread = draft.answers.copy(), draft.reasons.copy(), list[tuple[int, str]](), list[tuple[int, str]]()
    for cell in (cell for cell in raw.unread if cell.place in answers.index):
        value = _reading(raw.codebook, cell.field)(plain(cell.written))
        if value is None:
            unread.append((cell.place, cell.column))
            continue
        answers.at[cell.place, cell.field], reasons.at[cell.place, cell.field] = value, ""
        wide.append((cell.place, cell.column))
    return Draft(answers, reasons), [_WIDE.cells(wide), _UNREADABLE.cells(unread)]


def odd_numbers(draft: Draft, codebook: Codebook, columns: Mapping[str, str], options: SurveyOptions) -> list[Met]:
    """Flag amounts in a wrong unit, an order of amounts that cannot be, and numbers out of bounds."""
    incomes = [field for field in options.incomes if field in draft.answers]
    amounts = draft.answers[incomes].astype("Float64")
    wan = _cells({field: _in_wan(amounts, field) for field in incomes}, columns)
    fen = _cells({field: _in_fen(amounts, field, options.income_most) for field in incomes}, columns)
    slipped = {place for place, _ in (*wan, *fen)}
    found = [_WAN.cells(wan), _FEN.cells(fen)]
    if len(incomes) == 3:
        above = amounts[incomes[0]] > _ROUNDING * amounts[incomes[1:]].max(axis=1)
        found.append(_ORDER.rows(above & ~amounts.index.isin(slipped), columns.get(incomes[0], "")))
    bounds = {item.field: _outside(draft.answers[item.field], item.least, item.most) for item in codebook.items if item.kind == "number"}
    above_whole = {
        part: draft.answers[part] > draft.answers[whole] for part, whole in options.not_above if {part, whole} <= {*codebook.fields}
    }
    return [*found, _RANGE.cells(_cells(bounds, columns)), _ABOVE.cells(_cells(above_whole, columns))]


def _reading(codebook: Codebook, field: str) -> Callable[[str], float | str | None]:
    return as_number if codebook.by_field[field].kind == "number" else as_month


def _cells(met: Mapping[str, pd.Series[Any]], columns: Mapping[str, str]) -> list[tuple[int, str]]:
    return [
        (int(place), columns.get(field, field)) for field, yes in met.items() for place in yes.index[yes.fillna(False).to_numpy(dtype=bool)]
    ]


def _others(amounts: pd.DataFrame, field: str) -> pd.Series[Any]:
    """Give the largest of a person's other amounts; missing where there is none above zero."""
    others = amounts.drop(columns=field).max(axis=1)
    return others.where(others > 0)


def _in_wan(amounts: pd.DataFrame, field: str) -> pd.Series[Any]:
    value, others = amounts[field], _others(amounts, field)
    return (value > 0) & (value < _WAN_BELOW) & (others >= _THOUSANDS) & (10_000 * value / others).between(*_WAN_NEAR)


def _in_fen(amounts: pd.DataFrame, field: str, most: float) -> pd.Series[Any]:
    value, others = amounts[field], _others(amounts, field)
    many_times = ((value / others).between(*_FEN_RATIO) & (value >= _FEN_LEAST)).fillna(False)
    return many_times | (value > most)


def _outside(values: pd.Series[Any], least: float | None, most: float | None) -> pd.Series[Any]:
    low = values < least if least is not None else pd.Series(False, index=values.index)
    high = values > most if most is not None else pd.Series(False, index=values.index)
    return low.fillna(False) | high.fillna(False)
