"""What these data cannot say, and what would change that."""

from __future__ import annotations

from impact.report.document import Block, Bullets, Paragraph, Section
from impact.report.material import Material, text_of
from impact.text import Text
from impact.verdict.verdict import RULES
from impact.verdict.wording import DESCRIPTIVE, MANDATORY

ORDER = 50


def section(material: Material) -> Section:
    """Print the mandatory sentence, the rules that capped the verdict, and the study's own limits."""
    blocks: list[Block] = []
    if material.verdict.level < "V3":
        blocks.append(Paragraph(MANDATORY if material.study.coverage else DESCRIPTIVE))
    if material.study.notes.limits:
        blocks.append(Paragraph(text_of(material.study.notes.limits)))
    caps = _caps(material)
    if caps:
        blocks.append(Paragraph(Text("What holds the grade down, the deciding reason first:", "压低证据等级的原因，决定性的在前：")))
        blocks.append(Bullets(caps))
    return Section(Text("What we do not know", "我们不知道什么"), tuple(blocks), in_brief=True)


def _caps(material: Material) -> tuple[Text, ...]:
    """Give the reason of every rule that caps below V3, and what would lift it."""
    capping = [rule for name in material.verdict.capped_by for rule in RULES if rule.name == name and rule.cap < "V3"]
    return tuple(
        Text(f"{rule.reason.en} To lift it: {_small(rule.would_raise.en)}", f"{rule.reason.zh}若要改善：{rule.would_raise.zh}")
        for rule in capping
    )


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
