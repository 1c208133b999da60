"""The questionnaire: what a question is, the codebook that travels with the answers, and the questions of this project. May touch: nothing."""

from impact.schema.questionnaire.codebook import MISSING, Codebook
from impact.schema.questionnaire.item import Asked, Code, Item, Option
from impact.schema.questionnaire.items_views import ATTENTION_ANSWER
from impact.schema.questionnaire.questionnaire import BY_FIELD, CODEBOOK, FILL_INS, ITEMS, LIKERT, header, option_headers

__all__ = [
    "ATTENTION_ANSWER",
    "BY_FIELD",
    "CODEBOOK",
    "FILL_INS",
    "ITEMS",
    "LIKERT",
    "MISSING",
    "Asked",
    "Code",
    "Codebook",
    "Item",
    "Option",
    "header",
    "option_headers",
]
