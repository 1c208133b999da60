"""What cleaning of a survey may be told. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from impact.schema.questionnaire import ATTENTION_ANSWER, Code
from impact.sources.key import Key


@dataclass(frozen=True, slots=True)
class SurveyOptions:
    """Which questions have a part in the rules, and where the rules draw the line; fields that the codebook lacks switch their rule off, with a note."""

    consent: str = "consent"
    """Question by which people take part; code 1 means yes."""
    sens_consent: str = "sens_consent"
    """Question by which people allow sensitive questions; code 1 means yes."""
    attention: str = "attn_check"
    attention_answer: Code = ATTENTION_ANSWER
    incomes: tuple[str, ...] = ("inc_net_30", "inc_platform_30", "inc_gross_30")
    """Amounts of one month that cannot be far from each other: net, paid out, gross."""
    not_above: tuple[tuple[str, str], ...] = (("hrs_order_day", "hrs_online_day"),)
    """Pairs of numbers of which the first cannot be above the second."""
    least_share_of_median: float = 1 / 3
    """Share of the median time below which somebody did not read the questions."""
    least_likert: int = 10
    """Fewest answers on steps from which ticking one step everywhere says something."""
    income_most: float = 150_000
    """Yuan a month above which an amount is taken for a slip of the unit."""
    field_dates: tuple[date, date] | None = None
    """First and last day of the fieldwork; without them the rule is left out."""
    most_per_link: int = 5
    """Most submissions of one link that can be the tries of one person; a link with more was given to many, and tells no repeats."""
    same_device: Literal["flagged", "dropped"] = "flagged"
    """What becomes of the same answers from the same address under another link."""
    key: Key | None = None
    """Makes pseudonyms of addresses; without it addresses leave nothing but their province."""
