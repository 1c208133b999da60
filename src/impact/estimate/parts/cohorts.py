"""Which cohorts can be studied, since when, and who stands for the path without coverage. May touch: nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from impact.design.design import Bools, Design
from impact.errors import DesignError, listing
from impact.text import Text

Comparison = Literal["never", "not_yet"]
Base = Literal["varying", "universal"]


def studied(design: Design, anticipation: int) -> Design:
    """Set aside units covered from the first month on, and count those first covered after the last month as never covered, each with a note.

    Raises DesignError where no cohort comes under coverage within the months seen.
    """
    first, last, asked = design.months[0], design.months[-1], design.cohorts
    early = design.cohort <= first + anticipation
    if early.any():
        workers = workers_in_words(design, early)
        note = Text(
            f"{workers.en} left out: covered from the first month on, so there is nothing to compare with",
            f"{workers.zh}未使用：自首期起即受覆盖，没有可比较的时期",
        )
        design = design.keep(~early, note=note)
    late = design.cohort > last + anticipation
    if late.any():
        workers = workers_in_words(design, late)
        note = Text(
            f"{workers.en} first covered after the last month count as never covered", f"{workers.zh}在末期之后才受覆盖，视为从未覆盖"
        )
        design = replace(design, cohort=np.where(late, np.nan, design.cohort), notes=(*design.notes, note))
    if not cohorts_seen(design):
        raise DesignError(
            f"outcome `{design.outcome}`: no unit comes under coverage within the months seen.\n"
            f"Found months {design.label(first)} to {design.label(last)}, first covered months {listing(design.label(g) for g in asked) or 'none'}, "
            f"anticipation {anticipation}.\nA cohort needs a month before its coverage and anticipation, and one from its coverage on."
        )
    return design


def cohorts_seen(design: Design) -> list[int]:
    """List the cohorts whose coverage starts within the months seen."""
    return [cohort for cohort in design.cohorts if design.months and cohort <= design.months[-1]]


def base_month(design: Design, cohort: int, month: int, base: Base, anticipation: int) -> int | None:
    """Give the month that a cohort's outcome is compared with: the last before coverage and its anticipation; for leads of a varying base, the one before.

    None where there is none.
    """
    before = [one for one in design.months if one + anticipation < cohort]
    if not before or base == "universal" or month > before[-1]:
        return before[-1] if before else None
    place = design.place(month)
    return design.months[place - 1] if place else None


def not_covered(design: Design, cohort: int, last: int, comparison: Comparison, anticipation: int) -> Bools:
    """Say which units of other cohorts are not covered up to a month, nor change their behaviour in view of coverage; shape (units,)."""
    never = np.isnan(design.cohort)
    if comparison == "never":
        return never
    return np.asarray(never | ((design.cohort > last + anticipation) & (design.cohort != cohort)))


def workers_in_words(design: Design, units: Bools) -> Text:
    """Count the workers of some units, for a note."""
    count = int(design.headcount[units].sum())
    return Text(f"{count:,} worker{'s' if count != 1 else ''}", f"{count:,}人")


def note_on(count: int, one: str, several: str, zh: str) -> list[Text]:
    """Say something of some effects, and nothing where there are none; each text holds `{count}`."""
    return [Text((one if count == 1 else several).format(count=count), zh.format(count=count))] if count else []
