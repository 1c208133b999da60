"""One cell of an export, or the cells of its options, as an answer of the codebook. May touch: nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from impact.schema.questionnaire import Code, Item

Flavour = Literal["text", "number"]
Written = tuple[str, ...]
"""What stands in the column of a question, or in the columns of its options."""
_SKIPPED = {"text": "(跳过)", "number": "-3"}
_BLANK = {"text": "(空)", "number": "-2"}
_FILLED = re.compile(r"^(.*?)〖(.*)〗$", re.DOTALL)
"""A label with the words written beside it: `其他〖押金不退〗`."""
_BETWEEN = re.compile(r"┋(?![^〖]*〗)")
"""The mark between ticked labels, but not one within words of one's own."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a respondent said to one question."""

    value: Code | float | None = None
    """A code of the codebook, codes joined by `|`, a number, or words; None where missing."""
    reason: str = ""
    """Why it is missing; empty where it is not."""
    words: str | None = None
    """Words written beside `其他`."""


Reader = Callable[[Written], Answer | None]
"""Gives the answer that cells stand for; None where they are no option of the question."""


def reader(item: Item, flavour: Flavour, columns: int) -> Reader:
    """Choose how a question is read: by labels or by option numbers, from one column or from one for each option."""
    if item.kind in ("multi", "ranking"):
        several = _by_options(item) if columns > 1 else _joined(item, flavour)
        return lambda cells: _missing(cells, flavour) or several(cells)
    if item.kind in ("single", "likert"):
        one = _labelled(item) if flavour == "text" else _numbered(item)
        return lambda cells: _missing(cells, flavour) or one(cells[0].strip())
    if item.kind == "text":
        return lambda cells: _missing(cells, flavour) or Answer(cells[0].strip())
    return lambda cells: _missing(cells, flavour) or _measured(item, cells[0].strip())


def as_number(written: str) -> float | None:
    """Read a plain number in half-width digits; `1,234`, `约3000` and full-width digits are none."""
    return float(written) if _NUMBER.fullmatch(written) else None


def as_month(written: str) -> str | None:
    """Read a month such as `2024-03`."""
    return written if _MONTH.fullmatch(written) else None


def plain(label: str) -> str:
    """Write a label in half width and without blanks around it, so that the same label is the same text."""
    return unicodedata.normalize("NFKC", label).strip()


def is_missing(cell: str, flavour: Flavour) -> bool:
    """Tell whether a cell says that there is no answer."""
    return plain(cell) in (_SKIPPED[flavour], _BLANK[flavour], "")


def label_and_words(cell: str) -> tuple[str, str | None]:
    """Take `其他〖押金不退〗` apart into the label and the words beside it; None where there are no brackets."""
    filled = _FILLED.match(cell)
    return (filled[1].strip(), filled[2].strip()) if filled else (cell.strip(), None)


def parts_of(cell: str, ranked: bool) -> list[str]:
    """Take `A┋B`, or a ranking `A→B`, apart."""
    return [part.strip() for part in (cell.split("→") if ranked else _BETWEEN.split(cell))]


def _missing(cells: Written, flavour: Flavour) -> Answer | None:
    distinct = {plain(cell) for cell in cells}
    if distinct == {_SKIPPED[flavour]}:
        return Answer(reason="skipped")
    return Answer(reason="blank") if distinct in ({_BLANK[flavour]}, {""}) else None


def _measured(item: Item, written: str) -> Answer:
    value = as_number(written) if item.kind == "number" else as_month(written)
    return Answer(reason="unread") if value is None else Answer(value)


def _labelled(item: Item) -> Callable[[str], Answer | None]:
    codes = {plain(option.words.zh): option.code for option in item.options}
    open_ended = {option.code for option in item.options if option.fill_in}

    def read(cell: str) -> Answer | None:
        label, words = label_and_words(cell)
        code = codes.get(plain(label))
        return None if code is None or (words is not None and code not in open_ended) else Answer(code, words=words or None)

    return read


def _numbered(item: Item) -> Callable[[str], Answer | None]:
    codes = {str(place): option.code for place, option in enumerate(item.options, start=1)}
    return lambda cell: Answer(codes[cell.removesuffix(".0")]) if cell.removesuffix(".0") in codes else None


def _joined(item: Item, flavour: Flavour) -> Callable[[Written], Answer | None]:
    """Read `A┋B` or `A→B` in one cell."""
    one = _labelled(item) if flavour == "text" else _numbered(item)

    def read(cells: Written) -> Answer | None:
        found = [one(part) for part in parts_of(cells[0], item.kind == "ranking")]
        given = [answer for answer in found if answer is not None]
        if len(given) < len(found) or len({answer.value for answer in given}) < len(given):
            return None
        words = "；".join(answer.words for answer in given if answer.words) or None
        return Answer(_ordered(item, [str(answer.value) for answer in given]), words=words)

    return read


def _by_options(item: Item) -> Callable[[Written], Answer | None]:
    """Read 0 or 1 for each option of a multiple choice, or its rank, 0 for unranked."""

    def read(cells: Written) -> Answer | None:
        numbers = [cell.strip().removesuffix(".0") for cell in cells]
        if item.kind == "multi":
            if not set(numbers) <= {"0", "1"}:
                return None
            ticked = [str(option.code) for option, number in zip(item.options, numbers, strict=True) if number == "1"]
        else:
            ranked = sorted(
                (int(number), str(option.code)) for option, number in zip(item.options, numbers, strict=True) if number.isdecimal()
            )
            ticked = [code for rank, code in ranked if rank > 0]
            if len(ranked) < len(numbers) or [rank for rank, _ in ranked if rank > 0] != list(range(1, len(ticked) + 1)):
                return None
        return Answer(_ordered(item, ticked)) if ticked else Answer(reason="blank")

    return read


def _ordered(item: Item, codes: list[str]) -> str:
    """Join codes: ranked ones from the first to the last, ticked ones in the order of the page."""
    places = {str(option.code): place for place, option in enumerate(item.options)}
    return "|".join(codes if item.kind == "ranking" else sorted(codes, key=places.__getitem__))
