"""The questionnaire of this project as a list of questions, and the headers that an export gives them. May touch: nothing.

Fields are those of `survey_response` in the domain notes; `sens_consent`, `inc_net_bracket` and `open_text` are added: the separate consent to sensitive
questions, the bracket for those who give no amount, and the last open question.
"""

from __future__ import annotations

from impact.schema.questionnaire.codebook import Codebook
from impact.schema.questionnaire.item import Item
from impact.schema.questionnaire.items_person import PERSON
from impact.schema.questionnaire.items_views import VIEWS
from impact.schema.questionnaire.items_work import WORK

ITEMS: tuple[Item, ...] = (*PERSON, *WORK, *VIEWS)
BY_FIELD: dict[str, Item] = {item.field: item for item in ITEMS}
LIKERT: tuple[str, ...] = tuple(item.field for item in ITEMS if item.kind == "likert")
"""Fields answered on five steps, the attention item among them."""
CODEBOOK = Codebook("platform workers", ITEMS)
"""The questionnaire as the codebook that reading and cleaning take."""
FILL_INS: dict[str, str] = CODEBOOK.fill_ins
"""Field → column that holds the words written beside `其他`."""


def header(item: Item) -> str:
    """Write the header of a question's column: `1、题干`, and `12、(子题)` for a line of a matrix."""
    return f"{item.number}、({item.words.zh})" if item.stem else f"{item.number}、{item.words.zh}"


def option_headers(item: Item) -> list[str]:
    """Write the headers of the columns that a multiple or ranking question has in the export by number: `23(选项)`."""
    return [f"{item.number}({option.words.zh})" for option in item.options]
