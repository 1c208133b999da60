"""The questionnaire as a list of questions, and which of them a respondent is asked. May touch: nothing.

Fields are those of `survey_response` in the domain notes; `sens_consent`, `inc_net_bracket` and `open_text` are added: the separate consent to sensitive
questions, the bracket for those who give no amount, and the last open question.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.simulate.survey.item import Asked, Item
from impact.simulate.survey.items_person import PERSON
from impact.simulate.survey.items_views import VIEWS
from impact.simulate.survey.items_work import WORK

ITEMS: tuple[Item, ...] = (*PERSON, *WORK, *VIEWS)
BY_FIELD: dict[str, Item] = {item.field: item for item in ITEMS}
LIKERT: tuple[str, ...] = tuple(item.field for item in ITEMS if item.kind == "likert")
"""Fields answered on five steps, the attention item among them."""
FILL_INS: dict[str, str] = {item.field: f"{item.field}_other" for item in ITEMS if any(option.fill_in for option in item.options)}
"""Field → column that holds the words written beside `其他`."""


def asked(item: Item, answers: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows are asked a question, shape (rows,): those that consent and meet its skip rules."""
    if item.field == "consent":
        return np.ones(len(answers), dtype=bool)
    held = [answers["consent"].eq(1).to_numpy(dtype=bool, na_value=False), *(_holds(rule, answers) for rule in item.asked_if)]
    return np.asarray(np.logical_and.reduce(held), dtype=bool)


def header(item: Item) -> str:
    """Write the header of a question's column: `1、题干`, and `12、(子题)` for a line of a matrix."""
    return f"{item.number}、({item.words.zh})" if item.stem else f"{item.number}、{item.words.zh}"


def option_headers(item: Item) -> list[str]:
    """Write the headers of the columns that a multiple or ranking question has in the export by number: `23(选项)`."""
    return [f"{item.number}({option.words.zh})" for option in item.options]


def _holds(rule: Asked, answers: pd.DataFrame) -> NDArray[np.bool_]:
    values = answers[rule.field]
    if rule.codes:
        return values.isin(rule.codes).to_numpy(dtype=bool)
    return values.isna().to_numpy(dtype=bool) & asked(BY_FIELD[rule.field], answers)
