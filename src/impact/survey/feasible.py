"""Raking to as many margins as the answers can meet; what is left out is named, and no categories are joined. May touch: nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from impact.errors import EstimationError
from impact.survey.margins import Margin, check_totals, unfilled
from impact.survey.raking import Control, Raking, Trim, rake
from impact.survey.sample import Sample

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A margin that weights are not raked to."""

    margin: str
    empty: tuple[str, ...]
    """Categories with workers and without respondents; none where no weights meet the margin together with the others."""


@dataclass(frozen=True, slots=True)
class Feasible:
    """Weights raked to the margins that can be met, and the margins that cannot."""

    raking: Raking | None
    """None where no margin can be met."""
    left_out: tuple[LeftOut, ...]
    """In the order of the margins."""


def rake_feasible(sample: Sample, margins: Sequence[Margin], trim: Trim | None = None, control: Control = Control()) -> Feasible:
    """Rake to every margin whose categories all have respondents; where no weights meet those together, to as many as can be met.

    The fewest are left out, and of as many those that stand last: the order of the margins is that of their weight.
    Raises DataError for a margin that does not fit the sample otherwise: totals that disagree, a category that the counts do not know.
    """
    check_totals(margins)
    empty = {margin.name: unfilled(sample.frame, margin) for margin in margins}
    full = [margin for margin in margins if not empty[margin.name]]
    for chosen in fewer_and_fewer(full):
        try:
            raking = rake(sample, chosen, trim, control) if chosen else None
        except EstimationError:
            continue
        return Feasible(raking, tuple(LeftOut(one.name, empty[one.name]) for one in margins if one not in chosen))
    raise AssertionError("the last choice, no margin at all, always can be met")


def fewer_and_fewer(named: Sequence[Kept]) -> Iterator[tuple[Kept, ...]]:
    """Give all of them, then all but one, the last one left out first, and so on to none of them."""
    for size in range(len(named), -1, -1):
        yield from combinations(named, size)
