"""Known counts of workers, and whether a sample can be brought to them. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import DataError, listing
from impact.survey.sample import Floats, Ints, whole_column

SAME_TOTAL = 1e-6
"""Share by which totals of margins may differ: rounding, no more."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Workers in each category of a column, or of several columns crossed."""

    columns: tuple[str, ...]
    levels: tuple[tuple[object, ...], ...]
    """One value for each column."""
    counts: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name the margin for tables and messages."""
        return " × ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the rows of a sample stand in a margin."""

    margin: Margin
    cell: Ints
    """Number of the row's category, one per row."""
    counts: Floats
    """Workers in each category, one per category found."""
    labels: tuple[str, ...]


def margins_of(workers: pd.DataFrame, columns: Sequence[str | tuple[str, ...]], count: str = "workers") -> tuple[Margin, ...]:
    """Sum a table of active workers to margins; each entry of `columns` is a column, or several crossed.

    Raises DataError where a column is missing or has gaps, or a count is missing or negative.
    """
    size = whole_column(workers, count).astype(float)
    if not (np.isfinite(size) & (size >= 0)).all():
        raise DataError(
            f"the margins: column `{count}` has counts below zero or without end.\nFound {int((size < 0).sum())} below zero.\nGive numbers of workers."
        )
    return tuple(_margin(workers.assign(**{count: size}), (names,) if isinstance(names, str) else tuple(names), count) for names in columns)


def _margin(workers: pd.DataFrame, names: tuple[str, ...], count: str) -> Margin:
    for name in names:
        whole_column(workers, name)
    sums = workers.groupby(list(names), sort=True, observed=True)[count].sum()
    levels = tuple(level if isinstance(level, tuple) else (level,) for level in sums.index)
    return Margin(names, levels, tuple(float(size) for size in sums))


def check_totals(margins: Sequence[Margin]) -> None:
    """Refuse margins that count different workforces.

    Raises DataError with the totals.
    """
    if not margins:
        raise DataError("the margins: there is none.\nFound 0 margins.\nName at least one column with known counts.")
    sums = {margin.name: sum(margin.counts) for margin in margins}
    if max(sums.values()) - min(sums.values()) > SAME_TOTAL * max(sums.values()):
        found = ", ".join(f"{name} {total:,.0f}" for name, total in sums.items())
        raise DataError(
            f"the margins: their totals disagree.\nFound {found}.\nTake all margins from one list of active workers of one date."
        )


def place(frame: pd.DataFrame, margin: Margin) -> Placed:
    """Find the category of each row.

    Raises DataError where a row has no category, the margin does not know its category, or a category has workers and no row.
    """
    for name in margin.columns:
        whole_column(frame, name)
    counts = dict(zip(margin.levels, margin.counts, strict=True))
    wrong = [size for size in counts.values() if not (np.isfinite(size) and size >= 0)]
    if wrong or len(counts) != len(margin.levels):
        raise DataError(
            f"margin `{margin.name}`: its counts cannot be used.\nFound {len(wrong)} that are missing, below zero or without end, and "
            f"{len(margin.levels) - len(counts)} categories listed twice.\nGive each category once, with a number of workers."
        )
    rows = list(frame[list(margin.columns)].itertuples(index=False, name=None))
    _check_known(margin, counts, rows)
    seen = [level for level in margin.levels if counts[level] > 0]
    number = {level: spot for spot, level in enumerate(seen)}
    cell = np.array([number[row] for row in rows], dtype=np.int64)
    _check_filled(margin, [level for level, size in zip(seen, np.bincount(cell, minlength=len(seen)), strict=True) if not size])
    return Placed(margin, cell, np.array([counts[level] for level in seen]), tuple(label(level) for level in seen))


def unfilled(frame: pd.DataFrame, margin: Margin) -> tuple[str, ...]:
    """Name the categories that have workers and nobody in the sample; `place` refuses a margin with such.

    Raises DataError where a row has no category, or the margin does not know it.
    """
    for name in margin.columns:
        whole_column(frame, name)
    rows = list(frame[list(margin.columns)].itertuples(index=False, name=None))
    _check_known(margin, dict(zip(margin.levels, margin.counts, strict=True)), rows)
    there = set(rows)
    return tuple(label(level) for level, size in zip(margin.levels, margin.counts, strict=True) if size > 0 and level not in there)


def label(level: tuple[object, ...]) -> str:
    """Write a category for tables and messages."""
    return " × ".join(str(part) for part in level)


def _check_known(margin: Margin, counts: dict[tuple[object, ...], float], rows: list[tuple[object, ...]]) -> None:
    strange = sorted({label(row) for row in rows if not counts.get(row, 0.0) > 0})
    if strange:
        raise DataError(
            f"margin `{margin.name}`: the sample has categories without workers in the counts.\nFound {listing(strange)}; "
            f"the counts know {listing(label(level) for level in margin.levels)}.\nSpell categories the same way in both, or correct the counts."
        )


def _check_filled(margin: Margin, empty: list[tuple[object, ...]]) -> None:
    if empty:
        raise DataError(
            f"margin `{margin.name}`: some categories have workers and nobody in the sample.\nFound {listing(label(level) for level in empty)}.\n"
            "Join each with a category that is alike, in the sample and in the counts; no weight can speak for a group that was not asked."
        )
