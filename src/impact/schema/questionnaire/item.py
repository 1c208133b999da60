"""What a question of the questionnaire is. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from impact.text import Text

Kind = Literal["single", "likert", "number", "month", "text", "multi", "ranking"]
Sensitivity = Literal["none", "quasi", "sensitive", "free_text"]
Code = int | str
YES_NO = {1: ("是", "Yes"), 0: ("否", "No")}
AGREEMENT = {
    1: ("非常不同意", "Strongly disagree"),
    2: ("比较不同意", "Disagree"),
    3: ("一般", "Neither"),
    4: ("比较同意", "Agree"),
    5: ("非常同意", "Strongly agree"),
}
SATISFACTION = {
    1: ("非常不满意", "Very dissatisfied"),
    2: ("比较不满意", "Dissatisfied"),
    3: ("一般", "Neither"),
    4: ("比较满意", "Satisfied"),
    5: ("非常满意", "Very satisfied"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """An answer that can be ticked; its number in an export is its place in the list, from 1, whatever its code is."""

    code: Code
    words: Text
    fill_in: bool = False
    """Whether it asks for words of one's own, exported as `其他〖…〗`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A skip rule: the question is asked where `field` has one of `codes`; where it was asked and left blank, if there are none."""

    field: str
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A question, or one line of a matrix question."""

    field: str
    number: int
    """Number on the page; the lines of a matrix share it."""
    words: Text
    """The question; for a line of a matrix, the line."""
    kind: Kind
    options: tuple[Option, ...] = ()
    asked_if: tuple[Asked, ...] = ()
    """All must hold; that consent was given is asked of every question after the first."""
    sensitivity: Sensitivity = "none"
    stem: Text | None = None
    """The question above the lines of a matrix."""
    reverse: bool = False
    """Whether agreement means less of what the scale measures."""
    unit: str = ""
    """Unit of a number, such as `yuan`; empty where there is none."""
    least: float | None = None
    """Smallest number that can be true; None where there is no bound."""
    most: float | None = None
    """Largest number that can be true; None where there is no bound."""
    missing: tuple[Option, ...] = ()
    """Values that stand for a reason why there is no answer, such as `99` for a refusal, as the file declares them."""

    def label(self, code: Code) -> str:
        """Give the Chinese words of a code."""
        return next(option.words.zh for option in self.options if option.code == code)

    def option_number(self, code: Code) -> int:
        """Give the number that the export by option number writes for a code."""
        return next(place for place, option in enumerate(self.options, start=1) if option.code == code)

    def code_of(self, number: int) -> Code:
        """Give the code behind a number of the export by option number."""
        return self.options[number - 1].code


def choices(words: Mapping[int, tuple[str, str]] | Mapping[str, tuple[str, str]], fill_in: Code | None = None) -> tuple[Option, ...]:
    """Make options of code → (zh, en), in the order in which they stand on the page."""
    return tuple(Option(code, Text(en=en, zh=zh), code == fill_in) for code, (zh, en) in words.items())


def matrix(
    number: int,
    stem: tuple[str, str],
    lines: Mapping[str, tuple[str, str]],
    options: Mapping[int, tuple[str, str]],
    kind: Kind = "likert",
    reverse: frozenset[str] = frozenset(),
) -> tuple[Item, ...]:
    """Make the lines, field → (zh, en), of one matrix question."""
    above, ticked = Text(en=stem[1], zh=stem[0]), choices(options)
    return tuple(
        Item(field, number, Text(en=en, zh=zh), kind, ticked, stem=above, reverse=field in reverse) for field, (zh, en) in lines.items()
    )
