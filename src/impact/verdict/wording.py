"""The words that a verdict allows: below V3 no sentence may say that coverage caused anything. May touch: nothing."""

from __future__ import annotations

import re

from impact.errors import ReportError
from impact.text import LANGUAGES, Language, Text
from impact.verdict.verdict import Level

MANDATORY = Text(
    "The data show that the outcome differed before and after coverage, or between covered and compared; they do not show that coverage caused it.",
    "现有数据只能说明覆盖前后或覆盖与比较对象之间结果有差异，不能说明差异由覆盖引起。",
)
"""Printed in every brief below V3."""

DESCRIPTIVE = Text(
    "These numbers describe; they are not evidence that any agreement changed anything.",
    "这些数字只是描述，不能作为任何协议改变了什么的证据。",
)
"""Printed where nothing is compared."""

_NOT_AFTER = "".join(f"(?<!{word} )(?<!{word} the )" for word in ("after", "before", "under", "since", "during", "without", "of"))
_SUBJECT_EN = (
    _NOT_AFTER + r"\b(?:agreements?|contracts?|coverage|bargaining|clauses?|waivers?|unions?)\b(?:(?! not (?!only)| nor )[^.;:?])*?"
)
_EFFECT_EN = r"\b(?:(?:lower|reduc|decreas|rais|increas|improv|cut|cutt|boost|curb|prevent|help)(?:s|es|ed|ing|e)?|made|makes)\b"
_ALWAYS_EN = r"\b(?:led to|leads? to|thanks to|caus(?:es|ed)|brought about|(?:due to|because of) the (?:agreement|contract|coverage))\b"
_SUBJECT_ZH = r"(?:协议|合同|谈判|条款|免佣|工会|覆盖(?!之|前|后|的|者))(?!之前|之后|前|后)[^。；：，？]{0,12}?"
_EFFECT_ZH = r"(?:降低|提高|减少|增加|改善|促进|推动|缩短|稳定了|有助于|让|令|(?<!即)(?<!假)使(?!用))"

_CAUSAL: dict[Language, tuple[re.Pattern[str], ...]] = {
    "en": (re.compile(_ALWAYS_EN, re.IGNORECASE), re.compile(_SUBJECT_EN + f"({_EFFECT_EN})", re.IGNORECASE)),
    "zh": (re.compile("促使|带来|导致|使得|归功于|得益于|引起"), re.compile(_SUBJECT_ZH + f"({_EFFECT_ZH})")),
}
"""Phrases that always speak of causes, and verbs of effect whose subject is the agreement."""


def causal_words(text: str, language: Language) -> list[str]:
    """Find the causal verbs in a text, outside the mandatory sentences, which deny them."""
    for allowed in (MANDATORY, DESCRIPTIVE):
        text = text.replace(allowed[language], "")
    return [match.group(match.lastindex or 0) for pattern in _CAUSAL[language] for match in pattern.finditer(text)]


def require_allowed(texts: list[Text], level: Level, quoted: tuple[str, ...] = ()) -> None:
    """Refuse texts that claim more than the verdict carries; `quoted` are others' words, such as the title of a paper.

    Raises ReportError with the sentence and the word.
    """
    if level >= "V3":
        return
    for text in texts:
        for language in LANGUAGES:
            said = text[language]
            for quotation in quoted:
                said = said.replace(quotation, "")
            found = causal_words(said, language)
            if found:
                raise ReportError(
                    f"wording: a verdict of {level} does not carry the word `{found[0]}`.\nFound in: {text[language]}\n"
                    "Say what differs, not what caused it; or raise the evidence."
                )
