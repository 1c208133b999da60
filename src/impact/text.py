"""Words in both languages. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in English and in Chinese."""

    en: str
    zh: str

    def as_dict(self) -> dict[str, str]:
        """Give both as plain values, for JSON."""
        return {"en": self.en, "zh": self.zh}

    def __getitem__(self, language: Language) -> str:
        return self.en if language == "en" else self.zh
