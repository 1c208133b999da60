"""The codebook: what every column of answers means; it travels with the answers. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from impact.schema.questionnaire.item import Item
from impact.text import Text

MISSING: Mapping[str, Text] = MappingProxyType(
    {
        "skipped": Text("not asked: a skip rule left the question out", "未提问：按跳题规则跳过"),
        "blank": Text("asked, and left without an answer", "已提问，未作答"),
        "unread": Text("answered, with something that is no such value", "已作答，但所填内容无法读取"),
        "withheld": Text("answered, and taken out since there is no consent to such questions", "已作答，因未获单独同意而删除"),
    }
)
"""Why an answer is missing: reason → words for readers."""


@dataclass(frozen=True, slots=True)
class Codebook:
    """The questions of a questionnaire in the order of the page: words, codes and labels, bounds, sensitivity."""

    name: str
    items: tuple[Item, ...]
    missing: Mapping[str, Text] = field(default_factory=lambda: MISSING)
    """Reasons for a missing answer, and their words."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Name the columns of answers, one per question or line of a matrix."""
        return tuple(item.field for item in self.items)

    @property
    def by_field(self) -> dict[str, Item]:
        """Find a question by the name of its column."""
        return {item.field: item for item in self.items}

    @property
    def fill_ins(self) -> dict[str, str]:
        """Give field → column that holds the words written beside `其他`."""
        return {item.field: f"{item.field}_other" for item in self.items if any(option.fill_in for option in item.options)}

    @property
    def blocks(self) -> dict[int, tuple[str, ...]]:
        """Give the fields of every matrix answered on steps, by the number of the question."""
        numbers = dict.fromkeys(item.number for item in self.items if item.kind == "likert" and item.stem)
        return {number: tuple(item.field for item in self.items if item.number == number) for number in numbers}
