"""How a notebook shows what a stage made: small tables and sentences, nothing else. May touch: nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import singledispatch
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from impact.clean.audit import Audit, Finding, Rule
from impact.design.facts import DesignFacts
from impact.months import Period, label
from impact.report.document import Document
from impact.report.format import count, decimal, p_value
from impact.results import CheckResult
from impact.run.folder import Markdown
from impact.study import Study
from impact.text import Text
from impact.verdict.verdict import Verdict

_TIMES = ("month", "cohort", "first_month", "last_month")
_COUNTS = ("rows", "workers", "numerator", "denominator", "at_risk", "exits", "missing", "distinct")


def show(shown: Any, period: Period | None = None) -> Any:
    """Show a value of the house in a notebook, formatted for reading; what is saved keeps its full precision."""
    return _table(shown, period) if isinstance(shown, pd.DataFrame) else _show(shown)


@singledispatch
def _show(shown: Any) -> Any:
    raise TypeError(f"show: there is no way to show a {type(shown).__name__}")


@_show.register
def _(shown: Study) -> Markdown:
    stamp = "**SYNTHETIC DATA / 合成数据**\n\n" if shown.synthetic else ""
    return Markdown(f"{stamp}**{shown.title.en}** / {shown.title.zh}\n\n{shown.question.en}\n\n*{shown.source.citation}*")


@_show.register
def _(shown: Audit) -> Styler:
    ends = pd.DataFrame([{"rule": "rows in", "done": "", "count": count(shown.rows_in), "why": shown.source}])
    kept = pd.DataFrame([{"rule": "rows kept", "done": "", "count": count(shown.rows_kept), "why": ""}])
    return _laid_out(pd.concat([ends, _rules(shown.rules), kept], ignore_index=True))


@_show.register(tuple)
@_show.register(list)
def _(shown: Sequence[Any]) -> Any:
    if shown and all(isinstance(item, Rule) for item in shown):
        return _laid_out(_rules(shown))
    if shown and all(isinstance(item, Audit) for item in shown):
        return _laid_out(pd.concat([_audited(item) for item in shown], ignore_index=True))
    if shown and all(isinstance(item, Finding) for item in shown):
        return _laid_out(pd.DataFrame([_found(item) for item in shown]))
    if all(isinstance(item, Text) for item in shown):
        return Markdown("\n".join(f"- {item.en}" for item in shown) or "None.")
    if all(isinstance(item, CheckResult) for item in shown):
        return Markdown("\n\n".join(f"**{item.name}** · {_passed(item)}. {item.text_en}" for item in shown))
    raise TypeError(f"show: there is no way to show a {type(shown).__name__} of {type(shown[0]).__name__}")


@_show.register
def _(shown: DesignFacts) -> Styler:
    return _laid_out(pd.DataFrame([{name.replace("_", " "): count(value) for name, value in asdict(shown).items()}]))


@_show.register
def _(shown: Verdict) -> Markdown:
    return Markdown(
        f"**{shown.level} · {shown.name.en}** / {shown.name.zh}\n\n{shown.reason.en}\n\nWhat would raise it: {shown.would_raise.en}\n\n"
        f"Rules that apply, the deciding one first: {', '.join(f'`{rule}`' for rule in shown.capped_by)}"
    )


@_show.register
def _(shown: Document) -> Markdown:
    sections = "\n".join(f"- {section.title.en} / {section.title.zh}" for section in shown.sections)
    return Markdown(f"**{shown.answer.en}**\n\n**{shown.answer.zh}**\n\n{sections}")


def _table(shown: pd.DataFrame, period: Period | None) -> Styler:
    table = shown.drop(columns=[name for name in shown.columns if name.endswith("_zh") or name == "main"])
    return _laid_out(pd.DataFrame({_heading(name): [_cell(name, value, period) for value in table[name]] for name in table.columns}))


def titled(table: pd.DataFrame, column: str, words: Mapping[str, Text]) -> pd.DataFrame:
    """Put the names that readers know, in both languages, beside a column of machine names."""
    return table.assign(title_en=table[column].map(lambda name: words[name].en), title_zh=table[column].map(lambda name: words[name].zh))


def _rules(rules: Sequence[Rule]) -> pd.DataFrame:
    return pd.DataFrame([{"rule": rule.name.en, "done": rule.action, "count": count(rule.rows), "why": rule.why.en} for rule in rules])


def _audited(audit: Audit) -> pd.DataFrame:
    """Lay out the way of one table: rows in, rules that met something, rows kept."""
    met = [rule for rule in audit.rules if rule.rows]
    lines = [("rows in", "", audit.rows_in, audit.source), *((rule.name.en, rule.action, rule.rows, rule.why.en) for rule in met)]
    lines.append(("rows kept", "", audit.rows_kept, ""))
    return pd.DataFrame(
        [{"table": audit.table, "rule": name, "done": done, "count": count(rows), "why": why} for name, done, rows, why in lines]
    )


def _found(finding: Finding) -> dict[str, str]:
    return {"level": finding.level, "where": finding.where, "found": finding.text.en, "what to do": finding.advice.en}


def _passed(check: CheckResult) -> str:
    return {True: "passed", False: "failed", None: "informs"}[check.passed]


def _heading(name: object) -> str:
    return str(name).removesuffix("_en").replace("_", " ")


def _cell(name: object, value: Any, period: Period | None) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if name == "p_value":
        return p_value(float(value))
    if name in _TIMES and period is not None:
        return label(period, int(value))
    if name in _COUNTS or float(value).is_integer():
        return f"{value:.0f}" if name in (*_TIMES, "event_time", "day") else count(float(value))
    return decimal(float(value), 4 if abs(value) < 100 else 1)


def _laid_out(table: pd.DataFrame) -> Styler:
    """Lay a table out for a notebook: no index, words to the left, numbers to the right, nothing cut short."""
    words = pd.Index([name for name in table.columns if table[name].map(lambda cell: any(letter.isalpha() for letter in cell)).any()])
    styled = table.style.hide(axis="index").set_properties(subset=words, **{"text-align": "left"})
    styled = styled.set_table_styles([{"selector": "th", "props": "text-align: left"}, {"selector": "td", "props": "vertical-align: top"}])
    return styled.set_uuid(hashlib.sha256(table.to_json().encode()).hexdigest()[:8])
