"""Make a codebook for an unknown questionnaire from its two exports. May touch: the files, the engine.

The label in the one and the option number in the other, seen together in a row, give the options. What nobody ticked is not known and is named as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import DataError
from impact.schema.questionnaire import Codebook, Item, Option
from impact.schema.questionnaire.item import AGREEMENT, SATISFACTION, Kind, Sensitivity
from impact.sources.wenjuanxing.answers import Flavour, as_month, as_number, is_missing, label_and_words, parts_of, plain
from impact.sources.wenjuanxing.cells import Cells, read_cells
from impact.sources.wenjuanxing.headers import Header, meta_columns, taken_apart
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

Pairs = list[tuple[str, str]]
"""What stands in the two exports for one answer, distinct, missing ones left out: (text, number)."""
_STEPS = {plain(zh) for zh, _ in (*AGREEMENT.values(), *SATISFACTION.values())}
_MOST_OPTIONS = 60


def codebook_of_pair(engine: Backend, text: Path, number: Path, name: str = "") -> Codebook:
    """Make a codebook from a pair of exports whose rows stand in the same order; codes are option numbers, fields `q9`, `q12_1`.

    English words repeat the Chinese ones: they are to be filled in, as are sensitivity, units, ranges and what is reversed.
    Raises SourceError where a file cannot be opened, DataError where the two do not have the same number of rows.
    """
    by_text, by_number = read_cells(engine, text), read_cells(engine, number)
    if len(by_text.frame) != len(by_number.frame):
        raise DataError(
            f"{by_text.name} and {by_number.name}: they do not hold the same submissions.\n"
            f"Found {len(by_text.frame)} and {len(by_number.frame)} rows.\nExport both again at the same moment, with the same filter."
        )
    ours, theirs = _questions(by_text), _questions(by_number)
    _refuse_swapped(by_text, by_number, ours, theirs)
    lines = {number: [one for one in ours if one.number == number] for number in {one.number for one in ours}}
    items = [_item(one, lines[one.number], by_text, by_number, theirs, place) for place, one in enumerate(ours, start=1)]
    return Codebook(name or by_text.name, tuple(items))


def _questions(cells: Cells) -> list[Header]:
    headers = list(cells.frame.columns)
    recorded = meta_columns(cells.name, headers).values()
    return [taken_apart(one) for one in headers if one not in recorded]


def _refuse_swapped(by_text: Cells, by_number: Cells, ours: Sequence[Header], theirs: Sequence[Header]) -> None:
    """Refuse the export by number in the place of the one by text: numbers then stand where words should, and words where numbers should."""
    same = [(one, other) for one in ours for other in theirs if (other.number, other.key) == (one.number, one.key)]
    pairs = [pair for one, other in same for pair in _pairs(by_text, one, by_number, other)]
    straight = sum(theirs.isdecimal() and not ours.isdecimal() for ours, theirs in pairs)
    turned = sum(ours.isdecimal() and not theirs.isdecimal() for ours, theirs in pairs)
    if turned > straight:
        raise DataError(
            f"{by_text.name} and {by_number.name}: they stand the other way round.\n"
            f"Found numbers in `{by_text.name}` where `{by_number.name}` has words, for {turned} answers.\nName the export by text first, then the one by number."
        )


def _item(one: Header, lines: Sequence[Header], by_text: Cells, by_number: Cells, theirs: Sequence[Header], place: int) -> Item:
    """Work out one question of the export by text."""
    number = one.number or place
    field = f"q{number}" if len(lines) == 1 and one.number else f"q{number}_{lines.index(one) + 1}" if one.number else f"column_{place}"
    stem = Text(en=f"Question {number}", zh=f"第{number}题") if len(lines) > 1 and one.number else None
    words = Text(en=one.words, zh=one.words)
    same = [other for other in theirs if (other.number, other.key) == (one.number, one.key)]
    if same:
        kind, options, sensitivity = _guessed(_pairs(by_text, one, by_number, same[0]))
        return Item(field, number, words, kind, options, sensitivity=sensitivity, stem=stem)
    of_options = [other for other in theirs if other.number == one.number]
    ranked = any("→" in cell for cell in by_text.frame[one.written])
    filled = _filled(by_text, one, ranked)
    given = tuple(
        Option(at, Text(en=other.words, zh=other.words), plain(other.words) in filled) for at, other in enumerate(of_options, start=1)
    )
    if not given:
        return Item(field, number, words, "text", sensitivity="free_text", stem=stem)
    return Item(field, number, words, "ranking" if ranked else "multi", given, stem=stem)


def _filled(by_text: Cells, one: Header, ranked: bool) -> set[str]:
    """Find the labels that have words of one's own beside them."""
    parts = [label_and_words(part) for cell in by_text.frame[one.written].unique() for part in parts_of(cell, ranked)]
    return {plain(label) for label, words in parts if words is not None}


def _pairs(by_text: Cells, one: Header, by_number: Cells, other: Header) -> Pairs:
    cells = zip(by_text.frame[one.written], by_number.frame[other.written], strict=True)
    return [pair for pair in dict.fromkeys((ours.strip(), theirs.strip()) for ours, theirs in cells) if not _is_gap(pair)]


def _is_gap(pair: tuple[str, str]) -> bool:
    flavours: tuple[Flavour, Flavour] = ("text", "number")
    return all(is_missing(cell, flavour) for cell, flavour in zip(pair, flavours, strict=True))


def _guessed(pairs: Pairs) -> tuple[Kind, tuple[Option, ...], Sensitivity]:
    """Tell the kind of a question from its answers: where both exports say the same there are no options."""
    if pairs and all(plain(ours) == plain(theirs) for ours, theirs in pairs):
        if all(as_number(plain(ours)) is not None for ours, _ in pairs):
            return "number", (), "none"
        if all(as_month(plain(ours)) for ours, _ in pairs):
            return "month", (), "none"
        return "text", (), "free_text"
    options = _options(pairs)
    if not options:
        return "text", (), "free_text"
    steps = {plain(option.words.zh) for option in options}
    return ("likert" if steps <= _STEPS and len(steps) > 2 else "single"), options, "none"


def _options(pairs: Pairs) -> tuple[Option, ...]:
    """Read number → label; none where a number has two labels, a label two numbers, or a number is no option's."""
    labels: dict[int, str] = {}
    filled = set()
    for ours, theirs in pairs:
        label, words = label_and_words(ours)
        number = int(theirs) if theirs.isdecimal() else 0
        if not 1 <= number <= _MOST_OPTIONS or labels.setdefault(number, label) != label:
            return ()
        filled |= {number} if words is not None else set()
    if not labels or len(set(labels.values())) < len(labels):
        return ()
    return tuple(_option(number, labels.get(number), number in filled) for number in range(1, max(labels) + 1))


def _option(number: int, label: str | None, fill_in: bool) -> Option:
    if label is None:
        return Option(number, Text(en=f"option {number}, ticked by nobody", zh=f"选项{number}（无人选择，文字未知）"))
    return Option(number, Text(en=label, zh=label), fill_in)
