"""The two exports of one survey, held against each other. May touch: nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from impact.errors import DataError, listing
from impact.schema.questionnaire import Codebook, Item
from impact.sources.wenjuanxing.answers import as_number, plain
from impact.sources.wenjuanxing.side import Side

_OPTIONS = ("single", "likert", "multi", "ranking")


def paired(text: Side, number: Side) -> Side:
    """Put the submissions of the export by number into the order of the export by text.

    Raises DataError where they are not the same submissions: 序号 and time of submission tell.
    """
    _refuse_other_submissions(text, number)
    places = {int(one): place for place, one in enumerate(number.recorded["submission"])}
    order = [places[int(one)] for one in text.recorded["submission"]]
    frame = number.recorded.iloc[order].reset_index(drop=True)
    cells = replace(number.cells, frame=number.cells.frame.iloc[order].reset_index(drop=True))
    answers = {field: tuple(given[place] for place in order) for field, given in number.answers.items()}
    result = replace(number, cells=cells, recorded=frame, answers=answers)
    _refuse_other_times(text, result)
    return result


def refuse_other_answers(text: Side, number: Side, codebook: Codebook) -> None:
    """Refuse a pair that says different things of one answer.

    Raises DataError that names the row, the column and both values; for an option, with what the codebook has at that number.
    """
    for item in codebook.items:
        for place, (one, other) in enumerate(zip(text.answers[item.field], number.answers[item.field], strict=True)):
            same = one.value == other.value and one.reason == other.reason
            if not same and (item.kind in _OPTIONS or not _same_cell(text, number, item.field, place)):
                raise _disagreement(text, number, item, place)


def _same_cell(text: Side, number: Side, field: str, place: int) -> bool:
    """Where no option is ticked both cells hold the same words; -2 may be a number that somebody wrote."""
    one, other = text.written(field, place), number.written(field, place)
    values = as_number(one.strip()), as_number(other.strip())
    return plain(one) == plain(other) or (values[0] is not None and values[0] == values[1])


def _refuse_other_submissions(text: Side, number: Side) -> None:
    ours, theirs = set(text.recorded["submission"]), set(number.recorded["submission"])
    if ours != theirs:
        only = [
            f"{side.cells.name} alone has {listing(sorted(some))}"
            for side, some in ((text, ours - theirs), (number, theirs - ours))
            if some
        ]
        raise DataError(
            f"{text.cells.name} and {number.cells.name}: they do not hold the same submissions by `{text.found.meta['number']}`.\n"
            f"Found: {'; '.join(only)}.\nExport both again at the same moment, with the same filter."
        )


def _refuse_other_times(text: Side, number: Side) -> None:
    differs = (text.recorded["end_ts"].to_numpy() != number.recorded["end_ts"].to_numpy()).nonzero()[0]
    if len(differs):
        place = int(differs[0])
        title = text.found.meta["time"]
        raise DataError(
            f"{text.cells.name} row {_row(text, place)} and {number.cells.name} row {_row(number, place)}: column `{title}` differs.\n"
            f"Found `{text.cells.frame[title].iloc[place]}` and `{number.cells.frame[number.found.meta['time']].iloc[place]}` for submission "
            f"{text.recorded['submission'].iloc[place]}.\nThese are two surveys: take both files from one export."
        )


def _disagreement(text: Side, number: Side, item: Item, place: int) -> DataError:
    column = text.found.columns[item.field][0]
    one, other = text.written(item.field, place), number.written(item.field, place)
    known = [f"{at} {option.words.zh}" for at, option in enumerate(item.options, start=1)]
    has = f"; the codebook has {listing(known, 12)}" if known else ""
    return DataError(
        f"{text.cells.name} row {_row(text, place)} and {number.cells.name} row {_row(number, place)}: they disagree in column `{column}` ({item.field}).\n"
        f"Found `{one}` by text and `{other}` by number{has}.\n"
        "Put the options of the codebook into the order of the page, or take both files from one export."
    )


def _row(side: Side, place: int) -> int:
    return int(np.asarray(side.recorded["row_"])[place])
