"""Answers of a sitting, coded as the domain notes have them. May touch: nothing."""

from __future__ import annotations

import pandas as pd

from impact.schema.questionnaire import BY_FIELD, FILL_INS, ITEMS, Item
from impact.simulate.survey.answer_person import person_answers
from impact.simulate.survey.answer_views import view_answers
from impact.simulate.survey.answer_work import work_answers
from impact.simulate.survey.asked import asked
from impact.simulate.survey.sitting import Sitting

_DECIMAL = frozenset({"hrs_online_day", "hrs_order_day"})
_TEXTS = frozenset({"text", "month", "multi", "ranking"})
COLUMNS: tuple[str, ...] = (*(item.field for item in ITEMS), *FILL_INS.values())
"""One column per question, and the words beside `其他`."""


def answer(who: Sitting) -> pd.DataFrame:
    """Fill in the questionnaire, one row per worker in their order, columns `COLUMNS`.

    Codes are whole numbers (`Int64`), hours are `Float64`, months are text such as `2024-03`; several codes are joined by `|`, ranked ones from the first to the
    last. Missing means not asked (the skip rules tell) or left blank.
    """
    values = person_answers(who) | work_answers(who) | view_answers(who)
    frame = pd.DataFrame({name: values[name] for name in COLUMNS}, columns=list(COLUMNS))
    return skipped(typed(frame))


def typed(answers: pd.DataFrame) -> pd.DataFrame:
    """Give every column the type of its question."""
    types = {item.field: _type(item) for item in ITEMS} | dict.fromkeys(FILL_INS.values(), "string")
    return answers.astype(types)


def skipped(answers: pd.DataFrame) -> pd.DataFrame:
    """Take away what a respondent was not asked, in the order of the page, so that what hangs on a skipped answer is skipped too."""
    result = answers.copy()
    for item in ITEMS:
        result.loc[~asked(item, result), item.field] = pd.NA
    for field, words in FILL_INS.items():
        chosen = result[field].isin([option.code for option in BY_FIELD[field].options if option.fill_in])
        result.loc[~chosen.to_numpy(dtype=bool), words] = pd.NA
    return result


def _type(item: Item) -> str:
    if item.kind in _TEXTS:
        return "string"
    return "Float64" if item.field in _DECIMAL else "Int64"
