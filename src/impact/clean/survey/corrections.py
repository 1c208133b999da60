"""Corrections of single answers, said by a person with a reason, applied between reading and cleaning. May touch: nothing.

Reading changes nothing, and the rules of cleaning should judge what holds: so a corrected amount is no longer flagged. `id` is the number of the submission
(序号), after the wave and a blank where there are several waves: `2 17`. `column` is a field of the codebook; `old` and `new` are codes, numbers or words as the
codebook has them, and `old` is empty where there is no answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from impact.clean.audit import Rule
from impact.clean.platform.corrections import Correction
from impact.clean.privacy import masked
from impact.clean.rules import TOUCHED
from impact.clean.survey.rules import Named, counted, touched
from impact.errors import DataError, listing, nearest
from impact.schema.questionnaire import Item
from impact.sources.survey_table import SurveyTable
from impact.sources.wenjuanxing.answers import as_month, as_number, plain
from impact.text import Text

_CORRECTED = Named(
    "correction",
    "changed",
    Text("corrected by a person", "人工更正"),
    Text("a line of the table of corrections, with its reason, says what the answer must be", "依据更正表中注明理由的条目"),
)


@dataclass(frozen=True, slots=True)
class Corrected:
    """Answers after corrections, and what the audit must say of them."""

    table: SurveyTable
    rules: tuple[Rule, ...]
    """One rule, or none where nothing was corrected."""
    touched: pa.Table


def corrected_answers(raw: SurveyTable, corrections: Sequence[Correction], wave: int, waves: Collection[int]) -> Corrected:
    """Apply the corrections of table `survey` that mean this wave; `waves` are those of the delivery.

    Raises DataError that names the row of the table of corrections, for a field or submission that is not known, an old value that is another, or a new one
    that the codebook does not allow.
    """
    mine = [one for one in corrections if one.table == "survey" and _of_wave(one, waves) in (None, str(wave))]
    if not mine:
        return Corrected(raw, (), TOUCHED.empty_table())
    answers, reasons, cells = raw.answers.copy(), raw.reasons.copy(), list[tuple[int, str]]()
    unread = {(cell.place, cell.field): cell.written for cell in raw.unread}
    for one in mine:
        item, place = _item(raw, one), _place(raw, one)
        _refuse_other_value(unread.pop((place, one.column), answers.at[place, one.column]), one)
        answers.at[place, one.column], reasons.at[place, one.column] = _new(item, one), ""
        cells.append((place, raw.columns.get(one.column, one.column)))
    left = tuple(cell for cell in raw.unread if (cell.place, cell.field) in unread)
    mets = [_CORRECTED.cells(cells)]
    return Corrected(replace(raw, answers=answers, reasons=reasons, unread=left), counted(mets, raw.answers), touched(mets, raw.answers))


def _item(raw: SurveyTable, one: Correction) -> Item:
    fields = raw.codebook.by_field
    if one.column not in fields:
        hint = nearest(one.column, fields) or "Name a field of the codebook."
        raise DataError(
            f"corrections, row {one.line}: the survey has no field `{one.column}`.\nFound fields {listing(fields, 12)}.\n{hint}"
        )
    return fields[one.column]


def _of_wave(one: Correction, waves: Collection[int]) -> str | None:
    """Give the wave that a correction names; None where there is only one and it names none."""
    parts = one.id.split()
    if len(parts) == 2 and parts[0] in [str(wave) for wave in waves]:
        return parts[0]
    if len(parts) == 1 and len(waves) == 1:
        return None
    raise DataError(
        f"corrections, row {one.line}: `id` does not say which submission is meant.\nFound `{masked(one.id)}` where the delivery has {listing(f'wave {wave}' for wave in waves)}.\n"
        "Write the wave, a blank, and the number of the submission (序号): `2 17`."
    )


def _place(raw: SurveyTable, one: Correction) -> int:
    number = one.id.split()[-1]
    met = raw.answers.index[(raw.answers["submission"].astype("string") == number).fillna(False)]
    if len(met) != 1:
        raise DataError(
            f"corrections, row {one.line}: `id` does not mean one submission of the survey.\nFound {len(met)} submissions with the number `{masked(number)}` in {raw.name}.\n"
            "Write the number of the submission (序号) of the export."
        )
    return int(met[0])


def _refuse_other_value(found: Any, one: Correction) -> None:
    text = "" if pd.isna(found) else str(found)
    if _equal(text, one.old):
        return
    raise DataError(
        f"corrections, row {one.line}: the old value of `{one.column}` is not what the survey says.\nFound `{masked(text)}` where `{masked(one.old)}` was expected.\n"
        "Look at the submission again; write the code or number as the codebook has it, and nothing for no answer."
    )


def _equal(found: str, old: str) -> bool:
    first, second = as_number(plain(found)), as_number(plain(old))
    return plain(found) == plain(old) if first is None or second is None else first == second


def _new(item: Item, one: Correction) -> float | str:
    """Read the new value as the codebook reads an answer to this question."""
    codes = {str(option.code): option.code for option in item.options}
    value: float | str | None
    if item.kind == "number":
        value = as_number(plain(one.new))
    elif item.kind == "month":
        value = as_month(plain(one.new))
    elif item.kind in ("single", "likert"):
        value = codes.get(one.new)
    else:
        value = one.new
    if value is None:
        allowed = f"one of {listing(codes, 12)}" if codes else f"a {item.kind}"
        raise DataError(
            f"corrections, row {one.line}: the new value of `{one.column}` cannot be an answer.\nFound `{masked(one.new)}`.\nWrite {allowed}."
        )
    return value
