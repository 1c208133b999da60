"""What is on record about the agreements: when they came, how much their clauses bind, and what nobody has stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from impact.clean.audit import Finding
from impact.report.document import Block, Bullets, Figure, Paragraph, Section, Table
from impact.report.format import count
from impact.report.material import Material
from impact.sources.registry_topics import TOPICS
from impact.text import Text

ORDER = 35
VALUES = "registry"
"""Name of the values that a stage writes: `registry_values(load_registry(folder))`."""
FIGURE = "timeline"
_MOST_ROWS = 12
"""More agreements than these are summed up by industry."""
_INDUSTRIES = {
    "ride_hail": Text("ride-hail", "网约车"),
    "freight": Text("freight", "货运"),
    "courier": Text("courier", "快递"),
    "delivery": Text("delivery", "网约配送"),
}


def section(material: Material) -> Section | None:
    """Describe the registry; None where the study has none."""
    registry = material.values.get(VALUES)
    if not registry:
        return None
    blocks: list[Block] = [Paragraph(_summary(registry))]
    if registry["strength"]:
        blocks.append(_strength(registry))
    found = [finding for finding in map(Finding.from_dict, registry["findings"]) if finding.level != "note"]
    if found:
        blocks.append(Paragraph(Text("Open questions on the record, the gravest first:", "登记册中有待查明的问题，最要紧的在前：")))
        blocks.append(Bullets(tuple(_sentence(finding) for finding in found)))
    if registry["agreements"] or registry["events"]:
        blocks.append(_figure(registry))  # a page of its own, so last
    return Section(Text("Agreements on record", "协议登记"), tuple(blocks))


def _summary(registry: Mapping[str, Any]) -> Text:
    agreements, strength = registry["agreements"], registry["strength"]
    dated = sum(one["dates"]["effective"] is not None for one in agreements)
    clauses, unread = (sum(row[key] for row in strength) for key in ("clauses", "unread"))
    events = registry["events"]
    undated = sum(one["days"] is None for one in events)
    return Text(
        f"{count(len(agreements))} agreements are on record; the first day in effect is stated for {count(dated)}. Of their {count(clauses)} clauses, "
        f"the text of {count(clauses - unread)} has been read and graded. {count(len(events))} other events are on record, {count(undated)} of them without a date.",
        f"登记在册的协议有{count(len(agreements))}份，其中{count(dated)}份注明了生效日期。所含{count(clauses)}项条款中，{count(clauses - unread)}项已阅读原文并评级。"
        f"另登记其他事件{count(len(events))}项，其中{count(undated)}项未注明日期。",
    )


def _figure(registry: Mapping[str, Any]) -> Figure:
    number, events = len(registry["agreements"]), len(registry["events"])
    return Figure(
        FIGURE,
        Text(
            "Agreements from offer to expiry, and other events. A bar as long as a month or year means that the day is not known; hatching, that nothing is stated.",
            "协议由要约至届满的时间，以及其他事件。条形长达一月或一年，表示具体日期不明；斜线表示未说明。",
        ),
        Text(
            f"Timeline of {number} agreements and {events} events on one axis of years.",
            f"{number}份协议与{events}项事件的时间轴，以年为刻度。",
        ),
    )


def _strength(registry: Mapping[str, Any]) -> Table:
    names = {one["id"]: Text(**one["name"]) for one in registry["agreements"]}
    rows = registry["strength"]
    many = len(rows) > _MOST_ROWS
    head = (
        (Text("Industry", "行业"), Text("Agreements", "协议数"))
        if many
        else (Text("Agreement", "协议"), Text("Clauses read, of all", "已读条款／全部"))
    )
    body = _by_industry(registry) if many else tuple(_one(names[row["agreement"]], row) for row in rows)
    return Table(
        "clause_strength",
        Text("How much the clauses bind, from 0 to 100", "条款约束力指数（0至100）"),
        (*head, Text(f"Topics, of {len(TOPICS)}", f"议题数（共{len(TOPICS)}项）"), Text("Index, lowest to highest", "指数，下限至上限")),
        body,
        ("left", "right", "right", "right"),
        Text(
            f"{'Medians by industry. ' if many else ''}Each of {len(TOPICS)} topics counts as much as its strongest clause: a declaration a quarter, an amount with deadline and "
            "consequence whole, a missing number half. What nobody has read or stated widens the range.",
            f"{'按行业取中位数。' if many else ''}{len(TOPICS)}项议题各按其最强条款计分：仅作宣示计四分之一，有金额、期限与责任计满分，缺少数额减半。未读或未说明之处使区间变宽。",
        ),
    )


def _one(name: Text, row: Mapping[str, Any]) -> tuple[Text | str, ...]:
    read = f"{row['clauses'] - row['unread']} / {row['clauses']}"
    return (name, read, str(row["topics"]), _range(row["low"], row["high"]))


def _by_industry(registry: Mapping[str, Any]) -> tuple[tuple[Text | str, ...], ...]:
    industries = {one["id"]: one["industry"] for one in registry["agreements"]}
    rows = []
    for industry, words in _INDUSTRIES.items():
        found = [row for row in registry["strength"] if industries[row["agreement"]] == industry]
        if found:
            middle = {key: _median(found, key) for key in ("topics", "low", "high")}
            rows.append((words, str(len(found)), f"{middle['topics']:g}", _range(middle["low"], middle["high"])))
    return tuple(rows)


def _median(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(median(row[key] for row in rows))


def _range(low: float, high: float) -> str:
    ends = f"{low:.0f}", f"{high:.0f}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"


def _sentence(finding: Finding) -> Text:
    text = finding.text
    return Text(f"{text.en[:1].upper()}{text.en[1:]}. {finding.advice.en}", f"{text.zh}。{finding.advice.zh}")
