"""Words for what was done to data, and counts as they may be published. May touch: nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from impact.clean.audit import Audit, Finding
from impact.report.format import count
from impact.text import Text

PANEL = "panel"
"""Name of the audit that lays out the worker-months of a study."""
TABLE_NAMES: Mapping[str, Text] = {
    "account": Text("accounts", "账户"),
    "worker_month": Text("worker-months", "劳动者-月"),
    "worker_day": Text("worker-days", "劳动者-日"),
    "eligibility": Text("list of the eligible", "资格名单"),
    "city_month": Text("city-months", "城市-月"),
    "survey": Text("survey answers", "问卷答卷"),
    PANEL: Text("rows of the study", "研究所用的行"),
}
ACTIONS: Mapping[str, Text] = {
    "read": Text("read", "读取"),
    "changed": Text("changed", "更正"),
    "dropped": Text("left out", "剔除"),
    "flagged": Text("flagged", "标记"),
    "kept": Text("kept", "保留"),
}
LEVELS: Mapping[str, Text] = {
    "stop": Text("Stop", "停止"),
    "warning": Text("Warning", "警告"),
    "note": Text("Note", "提示"),
}
_NOT_OF_PERSONS = (
    "column_missing_in_files",
    "column_not_used",
    "month_without_file",
    "empty_file",
    "column_empty_in_files",
    "month_missing",
    "agreement_without_day",
)
"""Findings that count files, columns, months or agreements; every other small number may be one of persons."""
_NUMBER = re.compile(r"(?<![A-Za-z0-9.,\-])(\d+)(?![A-Za-z0-9%\-]|[.,]\d)")


def table_name(name: str) -> Text:
    """Give the words for a table; its name where there are none."""
    return TABLE_NAMES.get(name, Text(name, name))


def printable(rows: int, fewest: int) -> str:
    """Write a count; one between nobody and the fewest that are printed is written as `<10`."""
    return f"<{fewest}" if 0 < rows < fewest else count(rows)


def printable_ends(audit: Audit, fewest: int) -> tuple[str, str]:
    """Write rows in and rows kept; where a rule left out fewer rows than are printed, rows in are rounded, so that nobody can take one from the other."""
    small = any(rule.action == "dropped" and 0 < rule.rows < fewest for rule in audit.rules)
    return (f"≈{count(round(audit.rows_in, -2))}" if small else count(audit.rows_in)), count(audit.rows_kept)


def printable_text(finding: Finding, fewest: int) -> Text:
    """Write what was found, without numbers of persons between nobody and the fewest that are printed."""
    if finding.rule in _NOT_OF_PERSONS:
        return finding.text
    return Text(_masked(finding.text.en, fewest), _masked(finding.text.zh, fewest))


def _masked(text: str, fewest: int) -> str:
    return _NUMBER.sub(lambda found: printable(int(found[1]), fewest) if int(found[1]) < fewest else found[0], text)
