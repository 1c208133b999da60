"""The data dictionary: every table and column in English and Chinese, as Markdown. May touch: nothing."""

from __future__ import annotations

from impact.schema.table import Column, Group, Sensitivity, TableSchema

_CLASSES: dict[Sensitivity, str] = {"none": "", "quasi": "quasi-identifier", "sensitive": "sensitive", "direct": "direct identifier"}
_HEAD = """# Data dictionary / 数据字典

Made from `src/impact/schema/` by `make docs`; do not edit by hand.

*Always* says whether every row has a value. *Sensitivity* is a class for values of persons: a **direct identifier** names a person or an account; a **quasi-identifier** singles one out
together with others; **sensitive** is what the law protects most (health, disability, service, and what gives them away). Types: `integer`, `number`, `text`, `yes_no`, `date`, and
`time` (a day with a local time of day, no zone).

“必有”表示每行均有值。“敏感级别”针对个人数据：直接标识符可直接指向个人或账户；准标识符与其他信息结合可识别个人；敏感信息为法律重点保护的内容（健康、残疾、退役身份及可据以推知者）。
"""


def as_markdown(groups: tuple[Group, ...]) -> str:
    """Write the data dictionary as Markdown, in English and Chinese."""
    return "\n".join([_HEAD, *(line for group in groups for line in _group(group))])


def _group(group: Group) -> list[str]:
    head = [f"## {group.en} / {group.zh}", "", group.en_about, "", group.zh_about, ""]
    return [*head, *(line for table in group.tables for line in _table(table))]


def _table(table: TableSchema) -> list[str]:
    headed = any(column.heading for column in table.columns)
    files = [f"Files / 文件: {', '.join(f'`{file}`' for file in table.files)}", ""] if table.files else []
    ranged = any(_range(column) for column in table.columns)
    kinds = ["type", "unit", *(["range / 取值"] if ranged else []), "always / 必有", "sensitivity / 敏感级别"]
    titles = ["column", *(["heading"] if headed else []), *kinds, "meaning", "含义"]
    rows = [_line(["---"] * len(titles)), *(_line(_cells(column, headed, ranged)) for column in table.columns)]
    return [f"### `{table.name}`", "", f"One row: {table.grain}. {table.en}", "", table.zh, "", *files, _line(titles), *rows, ""]


def _cells(column: Column, headed: bool, ranged: bool) -> list[str]:
    now, later = column.written(), column.written(renewed=True)
    names = now if now == later else f"{now}, later / 后为 {later}"
    shown = [f"`{column.name}`", names] if headed else [f"`{names}`"]
    always = "yes" if column.required else ""
    values = [_range(column)] if ranged else []
    return [*shown, column.kind, column.unit, *values, always, _CLASSES[column.sensitivity], column.en, column.zh]


def _range(column: Column) -> str:
    """Write the possible values of a column: codes with the words of Chinese exports, or the lowest and the highest number."""
    if column.codes:
        return ", ".join(code if code == word else f"{code} {word}" for code, word in column.codes)
    if column.least is None:
        return ""
    return f"{column.least:g} – {column.most:g}" if column.most is not None else f"≥ {column.least:g}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
