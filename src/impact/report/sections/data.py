"""Where the data come from, what cleaning did to them, and what looks suspicious in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from impact.clean.audit import Audit, Finding
from impact.report.document import Block, Figure, Paragraph, Section
from impact.report.figures.flow import flow_alt, flow_of
from impact.report.format import count
from impact.report.material import Material, text_of
from impact.report.sections.quality import complete_table, findings_table, rules_table
from impact.text import Text

ORDER = 30
FIGURE = "flow"
"""Name under which the stage of the data draws the way from files to worker-months."""


def section(material: Material) -> Section:
    """Describe source and sample: flow, rules, findings, privacy, completeness."""
    study, fewest = material.study, material.study.report.minimum_cell
    blocks: list[Block] = [Paragraph(_source(material))]
    if study.notes.data:
        blocks.append(Paragraph(text_of(study.notes.data)))
    if _quality(material):
        blocks.append(_flow(material))
    rules = rules_table(_audits(material), material.audit, _later_rules(material), fewest)
    blocks += [rules] if rules else []
    blocks += [findings_table(findings, fewest)] if (findings := findings_of(material)) else [Paragraph(_NOTHING_FOUND)]
    blocks += [Paragraph(_privacy(material))]
    counted = _quality(material).get("complete", [])
    complete = complete_table(counted, fewest) or (Paragraph(_NOTHING_MISSING) if counted else None)
    return Section(Text("Data", "数据"), (*blocks, *([complete] if complete else [])))


def findings_of(material: Material) -> tuple[Finding, ...]:
    """Give what was found in the data, the gravest first; what the registry says of itself stands in its own section."""
    found = [*_received(material).get("findings", []), *_quality(material).get("findings", [])]
    levels = ("stop", "warning", "note")
    return tuple(sorted(dict.fromkeys(Finding.from_dict(one) for one in found), key=lambda one: levels.index(one.level)))


def _received(material: Material) -> Mapping[str, Any]:
    held: Mapping[str, Any] = material.values.get("received") or {}
    return held


def _quality(material: Material) -> Mapping[str, Any]:
    held: Mapping[str, Any] = _received(material).get("quality") or {}
    return held


def _audits(material: Material) -> list[Audit]:
    return [Audit.from_dict(one) for one in _received(material).get("audits", [])]


def _later_rules(material: Material) -> list[dict[str, Any]]:
    return [rule for name in ("spell_rules", "coverage_rules") for rule in material.values.get(name, [])]


def _source(material: Material) -> Text:
    citation, files, rows = material.study.source.citation, _quality(material).get("files", 1), count(material.audit.rows_in)
    if files > 1:
        read = Text(f"{count(files)} files became {rows} rows of the study", f"由{count(files)}个文件得到研究所用的{rows}行")
    else:
        read = Text(f"{rows} rows were read", f"共读取{rows}行")
    return Text(
        f"Source: {citation} {read.en}; a value that cannot be read stops the run, "
        "and every rule that leaves rows out, mends a value or chooses how to read one is counted below.",
        f"来源：{citation} {read.zh}；遇到无法读取的值即停止运行，凡剔除行、更正值或选择读取方式的规则均在下表计数。",
    )


def _flow(material: Material) -> Figure:
    way = flow_of(_audits(material), material.audit, _quality(material)["files"], material.study.report.minimum_cell)
    return Figure(FIGURE, Text("From what arrived to the rows of the study", "从收到的数据到研究所用的行"), flow_alt(way))


_NOTHING_FOUND = Text("Nothing suspicious was found in the data.", "数据中未发现可疑之处。")
_NOTHING_MISSING = Text("No value is missing in the columns that are used.", "所用各列均无缺失值。")


def _privacy(material: Material) -> Text:
    key_id = _received(material).get("key_id")
    if key_id is None:
        return Text(
            "No pseudonyms had to be made: the columns that are used hold no names, phone or identity numbers.",
            "无需生成化名：所用各列均不含姓名、电话号码或证件号码。",
        )
    if key_id == "synthetic":
        return Text(
            "Workers bear pseudonyms made with the public key of synthetic data; real data need a key of their own, which no file of the project holds.",
            "劳动者以化名出现，化名由合成数据的公开密钥生成；真实数据须使用专用密钥，且该密钥不存于项目的任何文件中。",
        )
    return Text(
        f"Workers bear pseudonyms (HMAC-SHA-256, key {key_id}); names, phone and identity numbers do not go beyond cleaning, and the key is in no file of this run.",
        f"劳动者以化名出现（HMAC-SHA-256，密钥{key_id}）；姓名、电话与证件号码止于清洗环节，本次运行的任何文件均不含密钥。",
    )
