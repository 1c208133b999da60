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

_CAUSAL: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(reduc(es|ed)|led to|leads to|thanks to|caus(es|ed)|brought about|due to the agreement|because of the agreement)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(r"促使|带来|导致|使得|归功于|得益于|引起"),
}


def causal_words(text: str, language: Language) -> list[str]:
    """Find the causal verbs in a text, outside the mandatory sentences, which deny them."""
    for allowed in (MANDATORY, DESCRIPTIVE):
        text = text.replace(allowed[language], "")
    return [match.group(0) for match in _CAUSAL[language].finditer(text)]


def require_allowed(texts: list[Text], level: Level) -> None:
    """Refuse texts that claim more than the verdict carries.

    Raises ReportError with the sentence and the word.
    """
    if level >= "V3":
        return
    for text in texts:
        for language in LANGUAGES:
            found = causal_words(text[language], language)
            if found:
                raise ReportError(
                    f"wording: a verdict of {level} does not carry the word `{found[0]}`.\nFound in: {text[language]}\n"
                    "Say what differs, not what caused it; or raise the evidence."
                )
