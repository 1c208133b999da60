"""What these data cannot say, and what would change that."""

from __future__ import annotations

from impact.report.data_words import printable_text
from impact.report.document import Block, Bullets, Paragraph, Section
from impact.report.material import Material, text_of
from impact.report.sections.bundle import worth
from impact.report.sections.data import findings_of
from impact.text import Text
from impact.verdict.verdict import RULES
from impact.verdict.wording import DESCRIPTIVE, MANDATORY

ORDER = 50
_MOST_DOUBTS = 3
"""More doubts about the data than these are counted here, and listed in the section on data."""


def section(material: Material) -> Section:
    """Print the mandatory sentence, the study's own limits, what the data leave open, and the rules that capped the verdict."""
    blocks: list[Block] = []
    if material.verdict.level < "V3":
        blocks.append(Paragraph(MANDATORY if material.study.coverage else DESCRIPTIVE))
    if material.study.notes.limits:
        blocks.append(Paragraph(text_of(material.study.notes.limits)))
    doubts = _doubts(material)
    if doubts:
        blocks.append(Paragraph(doubts))
    if bundle := material.values.get("bundle"):
        blocks.append(Paragraph(worth(bundle["noise"])))
    caps = _caps(material)
    if caps:
        blocks.append(Paragraph(Text("What holds the grade down, the deciding reason first:", "压低证据等级的原因，决定性的在前：")))
        blocks.append(Bullets(caps))
    return Section(Text("What we do not know", "我们不知道什么"), tuple(blocks), in_brief=True)


def _doubts(material: Material) -> Text | None:
    """Name what looks suspicious in the data and nobody has cleared up; None where there is nothing."""
    fewest = material.study.report.minimum_cell
    found = [(one.where, printable_text(one, fewest)) for one in findings_of(material) if one.level == "warning"]
    if not found:
        return None
    more = len(found) - _MOST_DOUBTS
    en = "; ".join(f"{where}: {words.en}" for where, words in found[:_MOST_DOUBTS])
    zh = "；".join(f"{where}：{words.zh}" for where, words in found[:_MOST_DOUBTS])
    rest = Text(f"; and {more} more in the section on data" if more > 0 else "", f"；另有{more}项见“数据”一节" if more > 0 else "")
    return Text(f"Not cleared up in the data – {en}{rest.en}.", f"数据中尚未查明之处——{zh}{rest.zh}。")


def _caps(material: Material) -> tuple[Text, ...]:
    """Give the reason of every rule that caps below V3, and what would lift it."""
    capping = [rule for name in material.verdict.capped_by for rule in RULES if rule.name == name and rule.cap < "V3"]
    return tuple(
        Text(f"{rule.reason.en} To lift it: {_small(rule.would_raise.en)}", f"{rule.reason.zh}若要改善：{rule.would_raise.zh}")
        for rule in capping
    )


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
