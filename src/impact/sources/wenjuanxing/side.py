"""One exported file, read through the codebook. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from impact.errors import DataError, listing, nearest
from impact.schema.questionnaire import Codebook, Item
from impact.sources.wenjuanxing.answers import Answer, Flavour, Written, reader
from impact.sources.wenjuanxing.cells import Cells
from impact.sources.wenjuanxing.headers import Found, located
from impact.sources.wenjuanxing.meta import recorded


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two exports of a survey."""

    flavour: Flavour
    cells: Cells
    found: Found
    recorded: pd.DataFrame
    """What the platform recorded, one row per submission."""
    answers: Mapping[str, tuple[Answer, ...]]
    """Field → one answer per submission."""

    def written(self, field: str, place: int) -> str:
        """Give what stands in the cells of a question, for messages."""
        return "┋".join(str(self.cells.frame[column].iloc[place]) for column in self.found.columns[field])


def side_of(cells: Cells, flavour: Flavour, codebook: Codebook) -> Side:
    """Find the questions in a file and read every answer.

    Raises DataError where a question is missing, a recorded column cannot be read, or an answer is no option of its question.
    """
    if cells.frame.empty:
        raise DataError(f"{cells.name}: there are no submissions.\nFound the header alone.\nExport the answers again.")
    found = located(cells.name, cells.frame.columns, codebook)
    answers = {item.field: _answers(cells, found, item, flavour) for item in codebook.items}
    return Side(flavour, cells, found, recorded(cells, found), answers)


def _answers(cells: Cells, found: Found, item: Item, flavour: Flavour) -> tuple[Answer, ...]:
    """Read the answers to one question, each distinct cell once."""
    columns = found.columns[item.field]
    read, known = reader(item, flavour, len(columns)), dict[Written, Answer | None]()
    result = []
    for place, written in enumerate(zip(*(cells.frame[column].astype(str) for column in columns), strict=True)):
        if written not in known:
            known[written] = read(written)
        answer = known[written]
        if answer is None:
            raise _unknown(cells, item, flavour, columns, place, written)
        result.append(answer)
    return tuple(result)


def _unknown(cells: Cells, item: Item, flavour: Flavour, columns: tuple[str, ...], place: int, written: Written) -> DataError:
    labels = [option.words.zh for option in item.options]
    offered = labels if flavour == "text" else [f"{number} {label}" for number, label in enumerate(labels, start=1)]
    hint = nearest(written[0], labels) or f"Add the option to `{item.field}` in the codebook, or mend the cell."
    return DataError(
        f"{cells.name}: column `{columns[0]}` has an answer in row {cells.row(place)} that is no option of `{item.field}`.\n"
        f"Found `{' '.join(written)}`; the codebook has {listing(offered, 12)}.\n{hint}"
    )
