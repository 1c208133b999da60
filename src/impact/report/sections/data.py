"""Where the data come from, and what cleaning did to them."""

from __future__ import annotations

from impact.clean.audit import Audit, Rule
from impact.report.document import Block, Paragraph, Section, Table
from impact.report.format import count
from impact.report.material import Material, text_of
from impact.text import Text

ORDER = 30

_ACTIONS = {"read": Text("read", "读取"), "dropped": Text("left out", "剔除"), "kept": Text("kept", "保留")}


def section(material: Material) -> Section:
    """Describe source and sample."""
    audit, study = material.audit, material.study
    blocks: list[Block] = [
        Paragraph(
            Text(
                f"Source: {study.source.citation} {count(audit.rows_in)} rows were read; a value that cannot be read stops the run, "
                "and every rule that leaves rows out or chooses how to read them is counted below.",
                f"来源：{study.source.citation} 共读取{count(audit.rows_in)}行；遇到无法读取的值即停止运行，凡剔除行或选择读取方式的规则均在下表计数。",
            )
        )
    ]
    if study.notes.data:
        blocks.append(Paragraph(text_of(study.notes.data)))
    rules = _rules(material)
    if rules:
        blocks.append(_rules_table(rules, audit))
    return Section(Text("Data", "数据"), tuple(blocks))


def _rules(material: Material) -> list[Rule]:
    found = [rule for rule in material.audit.rules if rule.rows]
    for name in ("spell_rules", "coverage_rules"):
        found += [Rule.from_dict(rule) for rule in material.values.get(name, []) if rule["rows"]]
    return found


def _rules_table(rules: list[Rule], audit: Audit) -> Table:
    return Table(
        "cleaning_rules",
        Text("What was done to the rows, rule by rule", "对数据行的处理，逐条列出"),
        (Text("Rule", "规则"), Text("Done", "处理"), Text("Count", "数量"), Text("Why", "理由")),
        tuple((rule.name, _ACTIONS[rule.action], count(rule.rows), rule.why) for rule in rules),
        ("left", "left", "right", "left"),
        Text(f"SHA-256 of the source: {audit.sha256[:16]}…", f"来源文件的SHA-256：{audit.sha256[:16]}…"),
    )
