"""What these data cannot say, and what would change that."""

from __future__ import annotations

from impact.report.document import Block, Bullets, Paragraph, Section
from impact.report.material import Material, text_of
from impact.text import Text
from impact.verdict.wording import DESCRIPTIVE, MANDATORY

ORDER = 50


def section(material: Material) -> Section:
    """Print the mandatory sentence, the rules that capped the verdict, and the study's own limits."""
    blocks: list[Block] = []
    if material.verdict.level < "V3":
        blocks.append(Paragraph(MANDATORY if material.study.coverage else DESCRIPTIVE))
    if material.study.notes.limits:
        blocks.append(Paragraph(text_of(material.study.notes.limits)))
    blocks.append(Paragraph(Text("What would raise the grade:", "怎样才能提高证据等级：")))
    blocks.append(Bullets(_would_raise(material)))
    return Section(Text("What we do not know", "我们不知道什么"), tuple(blocks), in_brief=True)


def _would_raise(material: Material) -> tuple[Text, ...]:
    from impact.verdict.verdict import RULES

    capping = [rule for rule in RULES if rule.name in material.verdict.capped_by and rule.cap == material.verdict.level]
    return tuple(rule.would_raise for rule in capping)
