"""Which column of an export belongs to which question, and every difference from the codebook by name. May touch: nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from impact.errors import DataError, listing
from impact.schema.questionnaire import Codebook, Item, header, option_headers
from impact.text import Text

META: Mapping[str, tuple[str, ...]] = {
    "number": ("序号", "答卷编号"),
    "time": ("提交答卷时间", "提交时间"),
    "seconds": ("所用时间", "答题时间"),
    "source": ("来源",),
    "detail": ("来源详情",),
    "address": ("来自IP", "来源IP", "IP"),
    "score": ("总分",),
}
"""Columns that the platform adds → how exports call them."""
_NEEDED = ("number", "time")
_SUFFIX = re.compile(r"\s*[\[【](?:单选|多选|排序|填空|矩阵|量表|下拉|评分|滑动|比重|多项填空|表格)\w*[\]】]\s*$")
"""The kind of a question, which some exports write behind it."""
_NUMBERED = re.compile(r"^(?:第\s*(\d+)\s*题|[Qq]?(\d+)\s*(?=[、.:。(]))[、.:。]?\s*(.*)$", re.DOTALL)
_LIKE = 0.5
"""Least likeness at which a header is named as what a missing question may have become."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one column, taken apart."""

    written: str
    number: int | None
    """Number of the question, where there is one."""
    words: str
    """What follows the number, without the brackets of a line or an option."""
    key: str
    """Its letters and digits alone, in half width: blanks, line ends and punctuation differ between exports and mean nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the questions of a codebook stand in a file."""

    meta: Mapping[str, str]
    """What the platform adds → column."""
    columns: Mapping[str, tuple[str, ...]]
    """Field → its column, or one column for each option in their order."""
    extras: tuple[str, ...]
    """Columns that no question claims."""
    notes: tuple[tuple[str, Text], ...]
    """Differences that change no answer: rule, words."""


def taken_apart(written: str) -> Header:
    """Take a header apart: a number, `、`, `.` or `:`, a question or `(子题)`; `23(选项)`; or 第3题 and `(选项)`; with or without `[多选题]` behind it."""
    plain = _SUFFIX.sub("", unicodedata.normalize("NFKC", written).strip())
    found = _NUMBERED.match(plain)
    words = " ".join((found[3] if found else plain).split())
    inner = words[1:-1] if words[:1] == "(" and words[-1:] == ")" else words
    return Header(written, int(found[1] or found[2]) if found else None, inner, _key(words))


def located(name: str, headers: Iterable[str], codebook: Codebook) -> Found:
    """Find the columns of every question.

    Raises DataError where a question or a column that is needed is missing, with the nearest header, or where two columns claim one question.
    """
    written = list(headers)
    meta = meta_columns(name, written)
    free = [taken_apart(one) for one in written if one not in meta.values()]
    columns = _claimed(name, free, codebook)
    _refuse_missing(name, free, codebook, columns)
    used = {column for some in columns.values() for column in some}
    extras = tuple(one.written for one in free if one.written not in used)
    return Found(meta, columns, extras, (*_moved(codebook, columns, written), *_renumbered(codebook, columns), *_added(extras)))


def meta_columns(name: str, headers: list[str]) -> dict[str, str]:
    """Find the columns that the platform adds.

    Raises DataError where one that is needed is missing.
    """
    plain = {unicodedata.normalize("NFKC", one).strip().lower(): one for one in headers}
    found = {what: plain[names.lower()] for what, spelled in META.items() for names in spelled if names.lower() in plain}
    for what in _NEEDED:
        if what not in found:
            raise DataError(
                f"{name}: there is no column `{META[what][0]}`.\nColumns found: {listing(headers, 12)}.\n"
                "Export the answers again with the columns that 问卷星 adds, such as 序号 and 提交答卷时间."
            )
    return found


def _key(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalnum())


def _claimed(name: str, free: list[Header], codebook: Codebook) -> dict[str, tuple[str, ...]]:
    """Let every question claim its column, by number and words, else by words alone where no other column or question has them."""
    exact: dict[tuple[int | None, str], list[str]] = {}
    for one in free:
        exact.setdefault((one.number, one.key), []).append(one.written)
    for (number, _), same in exact.items():
        if len(same) > 1:
            raise DataError(
                f"{name}: question {number} stands {len(same)} times.\nFound: {listing(same)}.\nRemove the columns that do not belong."
            )
    by_words = Counter(one.key for one in free)
    asked = Counter(_wanted(title)[1] for item in codebook.items for title in _titles(item))
    alone = {one.key: one.written for one in free if by_words[one.key] == 1 and asked[one.key] == 1}
    claimed = {}
    for item in codebook.items:
        for titles in ([header(item)], option_headers(item) if item.kind in ("multi", "ranking") else []):
            columns = [exact.get(_wanted(title), [alone.get(_wanted(title)[1], "")])[0] for title in titles]
            if columns and all(columns):
                claimed[item.field] = tuple(columns)
                break
    return claimed


def _titles(item: Item) -> list[str]:
    return [header(item), *(option_headers(item) if item.kind in ("multi", "ranking") else [])]


def _wanted(title: str) -> tuple[int | None, str]:
    parted = taken_apart(title)
    return parted.number, parted.key


def _refuse_missing(name: str, free: list[Header], codebook: Codebook, columns: Mapping[str, tuple[str, ...]]) -> None:
    missing = [item for item in codebook.items if item.field not in columns]
    if not missing:
        return
    used = {column for some in columns.values() for column in some}
    lines = [f"`{header(item)}` ({item.field}){_became(item, [one for one in free if one.written not in used])}" for item in missing]
    many = "a question is" if len(missing) == 1 else f"{len(missing)} questions are"
    raise DataError(
        f"{name}: {many} missing: {listing([item.field for item in missing])}.\nFound no column for {'; '.join(lines[:5])}.\n"
        "Export these questions too; where their wording was changed, change the codebook to the words of this export."
    )


def _became(item: Item, unused: list[Header]) -> str:
    """Say which unclaimed header is nearest, where one is near: the question may have been renamed."""
    key = _wanted(header(item))[1]
    near = max(unused, key=lambda one: _likeness(item, key, one), default=None)
    return f"; nearest is `{near.written}`" if near and _likeness(item, key, near) >= _LIKE else ""


def _likeness(item: Item, key: str, other: Header) -> float:
    same_number = 0.2 if item.number == other.number else 0.0
    return SequenceMatcher(None, key, other.key).ratio() + same_number


def _moved(codebook: Codebook, columns: Mapping[str, tuple[str, ...]], headers: list[str]) -> list[tuple[str, Text]]:
    """Name the questions that stand before one that precedes them in the codebook."""
    places = [headers.index(columns[field][0]) for field in codebook.fields]
    moved = [field for field, place, before in zip(codebook.fields[1:], places[1:], places[:-1], strict=True) if place < before]
    if not moved:
        return []
    return [("questions_reordered", Text(f"other order than in the codebook: {listing(moved)}", f"题目顺序与编码本不同：{listing(moved)}"))]


def _renumbered(codebook: Codebook, columns: Mapping[str, tuple[str, ...]]) -> list[tuple[str, Text]]:
    other = [
        f"{item.field} {item.number} → {taken_apart(columns[item.field][0]).number}"
        for item in codebook.items
        if taken_apart(columns[item.field][0]).number != item.number
    ]
    return (
        [("questions_renumbered", Text(f"other number than in the codebook: {listing(other)}", f"题号与编码本不同：{listing(other)}"))]
        if other
        else []
    )


def _added(extras: tuple[str, ...]) -> list[tuple[str, Text]]:
    words = Text(
        f"{len(extras)} columns are in no codebook and stay in `extras`: {listing(extras)}",
        f"有{len(extras)}列不在编码本中，另存于 extras：{listing(extras)}",
    )
    return [("questions_added", words)] if extras else []
