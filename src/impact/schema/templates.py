"""The tables that a new study is given empty, to be filled in: which columns, what each is called in a file, and what its user must know. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from impact.schema.delivered import DELIVERED
from impact.schema.questionnaire import ITEMS, Item, header
from impact.schema.table import Column, Kind
from impact.text import Text

DATA_SHEET, DICTIONARY_SHEET = "data", "说明"
"""Sheets of a template: rows are filled into the first, the second says what the columns mean and is no data."""
ANSWERS = "survey_response"
"""The template of a survey; its columns are those of an export of 问卷星 by text."""
_TABLES = {
    "worker_month": Text("Worker-months", "劳动者月度数据"),
    "account": Text("Accounts", "账户"),
    "eligibility": Text("Eligibility", "资格名单"),
}
_NOT_ASKED = ("hardship_score",)
"""Columns that synthetic worlds alone have."""
_RECORDED = (
    ("序号", "Number of the submission", "答卷编号", True),
    ("提交答卷时间", "Time of submission, such as 2026/3/1 9:30:00", "提交时间，如 2026/3/1 9:30:00", True),
    ("所用时间", "Time taken, such as 843秒", "答题用时，如 843秒", False),
    ("来源", "Channel, such as 微信", "来源渠道，如 微信", False),
    ("来源详情", "Code of the personal link, as sojumpparm=…", "专属链接编码，形如 sojumpparm=…", False),
)
_SENSITIVITY = {
    "none": Text("none", "无"),
    "quasi": Text("helps to single somebody out", "间接识别"),
    "sensitive": Text("sensitive: separate consent", "敏感：须单独同意"),
    "direct": Text("names a person: never share", "直接识别：不得外传"),
    "free_text": Text("free text: may name persons", "自由文本：可能含个人信息"),
}
_KINDS = {
    "text": Text("text", "文本"),
    "integer": Text("whole number", "整数"),
    "number": Text("number", "数值"),
    "date": Text("day, 2025-03-07", "日期，如 2025-03-07"),
    "time": Text("day and time", "日期与时间"),
    "yes_no": Text("1 yes, 0 no", "1是，0否"),
}
_ANSWER_KINDS = {
    "single": Text("one of the options, in its words", "单选，填选项文字"),
    "likert": Text("one of the options, in its words", "单选，填选项文字"),
    "number": Text("number", "数值"),
    "month": Text("year and month, 2024-05", "年月，如 2024-05"),
    "text": Text("free text", "自由文本"),
    "multi": Text("options, joined by ┋", "多选，用┋连接"),
    "ranking": Text("options in order, joined by →", "排序，用→连接"),
}


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """One column of a template, in words for whoever fills it in."""

    heading: str
    """What stands in the first row; reading knows the column by it."""
    name: str
    """Its name in the schema."""
    kind: Kind
    what: Text
    unit: str
    type: Text
    sensitivity: Text
    needed: bool
    """Whether nothing can be done without it."""


@dataclass(frozen=True, slots=True)
class Template:
    """An empty table."""

    name: str
    title: Text
    columns: tuple[TemplateColumn, ...]


def _column(column: Column, needed: tuple[str, ...]) -> TemplateColumn:
    allowed = "、".join(word for _, word in column.codes)
    kind = _KINDS[column.kind]
    kind = Text(f"one of {allowed}", f"取值：{allowed}") if allowed else kind
    what, sensitivity = Text(column.en, column.zh), _SENSITIVITY[column.sensitivity]
    return TemplateColumn(column.written(), column.name, column.kind, what, column.unit, kind, sensitivity, column.name in needed)


def _delivered(name: str, title: Text) -> Template:
    """Leave out what names a person, but for the account that rows are joined by, and what only synthetic worlds have."""
    table = DELIVERED[name]
    asked = [one for one in table.columns if one.name == "account_id" or (one.sensitivity != "direct" and one.name not in _NOT_ASKED)]
    return Template(name, title, tuple(_column(one, table.needed) for one in asked))


def _question(item: Item) -> TemplateColumn:
    options = "、".join(option.words.zh for option in item.options)
    kind = _ANSWER_KINDS[item.kind]
    kind = Text(f"{kind.en}: {options}", f"{kind.zh}：{options}") if options else kind
    stem = item.stem or Text("", "")
    what = Text(f"{stem.en} {item.words.en}".strip(), f"{stem.zh}{item.words.zh}")
    written: Kind = "number" if item.kind == "number" else "text"
    return TemplateColumn(header(item), item.field, written, what, item.unit, kind, _SENSITIVITY[item.sensitivity], True)


def _answers() -> Template:
    recorded = tuple(
        TemplateColumn(heading, "", "text", Text(en, zh), "", _KINDS["text"], _SENSITIVITY["none"], needed)
        for heading, en, zh, needed in _RECORDED
    )
    return Template(ANSWERS, Text("Answers to the questionnaire", "问卷答案"), (*recorded, *(_question(item) for item in ITEMS)))


TEMPLATES: Mapping[str, Template] = {**{name: _delivered(name, title) for name, title in _TABLES.items()}, ANSWERS: _answers()}
"""By name."""
