"""Tables of what was done to the data, what looks suspicious in them, and how complete they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact.clean.audit import Audit, Finding, Rule
from impact.report.data_words import ACTIONS, LEVELS, PANEL, printable, printable_ends, printable_text, table_name
from impact.report.document import Table
from impact.report.format import count, percent
from impact.text import Text

_MOST_NOTES = 4
"""More notes than these are counted and not printed."""


def rules_table(audits: Sequence[Audit], panel: Audit, later: Sequence[Mapping[str, Any]], fewest: int) -> Table | None:
    """Lay out every rule that met rows, table by table; None where none did.

    `panel` is the audit of the worker-months as the study reads them, `later` are rules of later stages on them.
    """
    ends = [(table_name(audit.table), rule) for audit in audits for rule in audit.rules if rule.rows]
    ends += [(table_name(PANEL if audits else ""), rule) for rule in (*panel.rules, *map(_read_back, later)) if rule.rows]
    if not ends:
        return None
    named = bool(audits)
    rows = tuple(_rule_row(table, rule, fewest, named) for table, rule in ends)
    columns = (Text("Rule", "规则"), Text("Done", "处理"), Text("Count", "数量"), Text("Why", "理由"))
    return Table(
        "cleaning_rules",
        Text("What was done to the rows, rule by rule", "对数据行的处理，逐条列出"),
        (Text("Table", "表"), *columns) if named else columns,
        rows,
        ("left", "left", "left", "right", "left") if named else ("left", "left", "right", "left"),
        _note(audits, fewest),
    )


def findings_table(findings: Sequence[Finding], fewest: int) -> Table:
    """Lay out what was found, the gravest first, each with what to do."""
    notes = [finding for finding in findings if finding.level == "note"]
    shown = [finding for finding in findings if finding.level != "note"] + notes[:_MOST_NOTES]
    more = len(notes) - _MOST_NOTES
    return Table(
        "data_findings",
        Text("What looks suspicious, and what to do about it", "可疑之处与处理建议"),
        (Text("Level", "级别"), Text("Where", "位置"), Text("Found", "发现"), Text("What to do", "建议")),
        tuple((LEVELS[one.level], one.where, printable_text(one, fewest), one.advice) for one in shown),
        ("left", "left", "left", "left"),
        Text(f"{more} more notes: tables of the run’s notebook.", f"另有{more}条提示，见本次运行的笔记本。") if more > 0 else None,
    )


def complete_table(complete: Sequence[Mapping[str, Any]], fewest: int) -> Table | None:
    """Lay out the columns with missing values, and say which have none; None where no value is missing."""
    gaps = [one for one in complete if one["missing"]]
    if not gaps:
        return None
    whole = [one["column"] for one in complete if not one["missing"]]
    note = Text(f"Complete: {', '.join(whole)}.", f"无缺失：{'、'.join(whole)}。") if whole else None
    rows = tuple(_complete_row(one, fewest) for one in gaps)
    return Table(
        "completeness",
        Text("Columns with missing values, in the rows of the study", "研究所用的行中有缺失值的列"),
        (
            Text("Column", "列"),
            Text("Missing", "缺失行数"),
            Text("Share", "占比"),
            Text("Worst period", "缺失最多的时期"),
            Text("Share there", "该期占比"),
        ),
        rows,
        ("left", "right", "right", "left", "right"),
        note,
    )


def _complete_row(one: Mapping[str, Any], fewest: int) -> tuple[str, ...]:
    if one["missing"] < fewest:
        return (one["column"], printable(one["missing"], fewest), "–", "–", "–")
    return (one["column"], count(one["missing"]), percent(one["missing"] / one["rows"]), one["worst"], percent(one["worst_share"], 0))


def _read_back(rule: Mapping[str, Any]) -> Rule:
    return Rule.from_dict(dict(rule))


def _rule_row(table: Text, rule: Rule, fewest: int, named: bool) -> tuple[Text | str, ...]:
    row = (rule.name, ACTIONS[rule.action], printable(rule.rows, fewest), rule.why)
    return (table, *row) if named else row


def _note(audits: Sequence[Audit], fewest: int) -> Text | None:
    """Say how many rows each table had and kept; the hash of the source stands with its provenance."""
    ends = [(table_name(audit.table), *printable_ends(audit, fewest)) for audit in audits]
    en = "; ".join(f"{name.en} {rows_in} → {kept}" for name, rows_in, kept in ends)
    zh = "；".join(f"{name.zh}{rows_in} → {kept}" for name, rows_in, kept in ends)
    return Text(f"Rows in → kept: {en}.", f"读入→保留：{zh}。") if ends else None
