"""One wave of the survey: a frame, questionnaires issued, and what comes back, with the truth about it. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from impact.simulate.survey.answer_views import with_leaning
from impact.simulate.survey.answers import COLUMNS, answer
from impact.simulate.survey.faults import MARKS, with_faults
from impact.simulate.survey.frame import MARGINS, frame_counts, framed, issue, returned
from impact.simulate.survey.sitting import sitting
from impact.simulate.survey.submission import submitted
from impact.simulate.world import World

ISSUED_COLUMNS = (
    "frame_id",
    "account_id",
    "name",
    "phone",
    "platform_id",
    "unit",
    "district",
    "stratum",
    *MARGINS,
    "design_weight",
    "returned",
)
_BEFORE, _AFTER = ("resp_id", "wave", "start_ts", "end_ts"), ("source", "ip", "ip_place", "account_id", "frame_id")
ANSWER_COLUMNS = (*_BEFORE, *COLUMNS, *_AFTER, "duplicate_of", "duplicate_exact", *MARKS, "valid")


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave of the survey."""

    number: int
    month: str
    """Month of the fieldwork, such as `2024-10`."""
    issued: pd.DataFrame
    """One row per questionnaire issued, columns `ISSUED_COLUMNS`; `design_weight` is workers / questionnaires of the stratum, `returned` is 0 or 1."""
    answers: pd.DataFrame
    """One row per submission in the order of time, columns `ANSWER_COLUMNS`: coded answers as they were given, and the truth about them.

    Repeats by the same person are rows of their own, so that `valid` is true for the valid share of the submissions.
    """
    frame_counts: pd.DataFrame
    """Workers of the frame by every combination of `MARGINS`, column `workers`: the margins to rake to."""


def survey_wave(world: World, number: int, month: str, workforce: pd.DataFrame) -> Wave:
    """Issue questionnaires to the workforce of a month and collect what comes back.

    `workforce` has one row per worker of the home city in service; its order does not matter.
    """
    known = with_leaning(framed(world, month, workforce))
    issued = issue(world, number, known)
    came_back = returned(sitting(world, number, month, issued))
    who = sitting(world, number, month, issued.loc[came_back])
    answers = with_faults(who, submitted(who, answer(who))).assign(wave=number)
    listed = issued.assign(returned=came_back.astype(int))[list(ISSUED_COLUMNS)]
    return Wave(number, month, listed, answers[list(ANSWER_COLUMNS)], frame_counts(known))
