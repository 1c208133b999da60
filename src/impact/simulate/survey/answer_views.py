"""Answers to questions 43 to 60: the agreement, the scales, intentions, open text. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from impact.schema.questionnaire import BY_FIELD, Item
from impact.schema.questionnaire.items_views import ATTENTION_ANSWER, NO_CLAUSE
from impact.simulate.survey.answer_person import Column, only_where
from impact.simulate.survey.scales import CUTS, SCALES, SPREAD, answered, factor
from impact.simulate.survey.sitting import Floats, Sitting, fresh, is_member, lasting, normal, picked
from impact.simulate.survey.voices import REMARKS, SUGGESTIONS

INTENTION_SHARES = {"ride_hail": 0.24, "freight": 0.50, "courier": 0.35, "delivery": 0.32}
"""Share with ti_3 of 4 or 5 among the uncovered [V, courier A]."""
COVERED_VOICE, COVERED_FAIR, MEMBER_VOICE = 0.25, 0.15, 0.20
"""Shift of the factor among the covered and the members, in latent standard deviations [A]."""
LEAVES_TI, INCOME_TI, INCOME_SAT = 0.8, -0.25, 0.2
"""Shift of turnover intention for those who leave within a year and by a standard deviation of log income, and of satisfaction [A]."""
_KNOWS_COVERED, _KNOWS_OTHER = 0.62, 0.24
_CLAUSES = {"CL01": 0.70, "CL02": 0.35, "CL03": 0.15, "CL04": 0.22, "CL05": 0.30, "CL06": 0.18, "CL07": 0.20, "CL08": 0.25}
"""Share of the covered (CL01: of those whom the waiver names) who say that they have used a clause [A]."""
_WANTS = (1.2, 0.3, 0.5, 0.4, 0.0)
_WRITES_REMARK, _WRITES_SUGGESTION = 0.36, 0.28


def with_leaning(workforce: pd.DataFrame) -> pd.DataFrame:
    """Add `income_score`, log net income standardised among the full- or part-timers of the industry, and `turnover_lean`, the mean of the turnover factor.

    The latter is leaving, income, and a shift by industry that meets `INTENTION_SHARES`; the shift is solved over the uncovered, so that what an agreement
    does to leaving shows in intentions.
    """
    score = _income_score(workforce)
    lean = LEAVES_TI * workforce["leaves_within_12_months"].to_numpy(dtype=float) + INCOME_TI * score
    for industry, share in INTENTION_SHARES.items():
        rows = workforce["industry"].eq(industry).to_numpy(dtype=bool)
        free = rows & ~workforce["covered"].to_numpy(dtype=bool)
        lean[rows] += _shift(lean[free if free.any() else rows], share)
    return workforce.assign(income_score=score, turnover_lean=lean)


def view_answers(who: Sitting) -> dict[str, Column]:
    """Answer on the agreement, the scales, intentions and in one's own words."""
    return _agreement(who) | _scales(who) | _intentions(who) | _bargaining(who) | _words(who)


def _shift(lean: Floats, share: float) -> float:
    if len(lean) == 0:
        return 0.0
    return float(brentq(lambda shift: ndtr((lean + shift - CUTS[2]) / SPREAD).mean() - share, -20.0, 20.0))


def _income_score(workforce: pd.DataFrame) -> Floats:
    logs = pd.Series(np.log(np.maximum(workforce["net_yuan"].to_numpy(dtype=float), 100.0)))
    grouped = logs.groupby([workforce["industry"].to_numpy(dtype=object), workforce["full_time"].to_numpy(dtype=bool)])
    score = (logs - grouped.transform("mean")) / grouped.transform("std")
    return score.replace([np.inf, -np.inf], np.nan).fillna(0.0).to_numpy(dtype=np.float64, copy=True)


def _covered(who: Sitting) -> Floats:
    return who.workers["covered"].to_numpy(dtype=float)


def _agreement(who: Sitting) -> dict[str, Column]:
    covered = _covered(who) == 1
    knows = fresh(who, "knows") < np.where(covered, _KNOWS_COVERED, _KNOWS_OTHER)
    draw = fresh(who, "cover self")
    thinks = np.where(covered, picked(draw, (1, 0, 9), (0.7, 0.08, 0.22)), picked(draw, (1, 0, 9), (0.12, 0.58, 0.3)))
    return {"know_agreement": knows.astype(float), "cba_cover_self": thinks, "cba_clause_used": _clauses(who)}


def _clauses(who: Sitting) -> NDArray[np.object_]:
    """Give the codes of the clauses used, joined by `|`."""
    covered, eligible = _covered(who) == 1, who.workers["clause_eligible"].to_numpy(dtype=bool)
    used = np.column_stack(
        [(fresh(who, code) < share) & covered & (eligible if code == "CL01" else True) for code, share in _CLAUSES.items()]
    )
    names = np.array(list(_CLAUSES), dtype=object)
    return np.array(["|".join(names[row]) or NO_CLAUSE for row in used], dtype=object)


def _scales(who: Sitting) -> dict[str, Column]:
    covered, nobody = _covered(who), np.zeros(len(who.keys))
    means = {
        "voice": COVERED_VOICE * covered + MEMBER_VOICE * is_member(who),
        "fair": COVERED_FAIR * covered,
        "sat": INCOME_SAT * who.workers["income_score"].to_numpy(dtype=float),
        "ti": who.workers["turnover_lean"].to_numpy(dtype=float),
    }
    answers = {line: codes for scale in SCALES for line, codes in answered(scale, who, means.get(scale.name, nobody)).items()}
    return {**answers, "attn_check": np.full(len(who.keys), float(ATTENTION_ANSWER))}


def _intentions(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    turnover = next(scale for scale in SCALES if scale.name == "ti")
    lean = workers["turnover_lean"].to_numpy(dtype=float) + 0.5 * workers["leaves_within_12_months"].to_numpy(dtype=float)
    chance = 100 * ndtr(0.8 * (lean + factor(turnover, who)) - 0.3 + 0.4 * normal(fresh(who, "chance")))
    wage = np.maximum(2500.0, workers["net_yuan"].to_numpy(dtype=float)) * np.exp(0.1 + 0.2 * normal(fresh(who, "reservation")))
    return {
        "ti_prob_12m": np.round(chance / 10) * 10,
        "res_wage": np.where(fresh(who, "blank res_wage") < 0.03, np.nan, np.round(wage / 500) * 500),
    }


def _bargaining(who: Sitting) -> dict[str, Column]:
    covered = _covered(who) == 1
    return {
        "cba_q1": (fresh(who, "took part") < np.where(covered, 0.16, 0.04)).astype(float),
        "cba_q2": _ranked(who, BY_FIELD["cba_q2"]),
        "cba_q3": picked(fresh(who, "carried out"), (1, 2, 3, 9), (0.22, 0.38, 0.14, 0.26)),
        "cba_q4": picked(fresh(who, "gained"), (1, 2, 3, 9), (0.20, 0.40, 0.25, 0.15)),
        "cba_q5": picked(fresh(who, "why not"), (1, 2, 3, 4), (0.55, 0.15, 0.18, 0.12)),
    }


def _ranked(who: Sitting, item: Item) -> NDArray[np.object_]:
    """Rank the topics by a noisy wish, first the most important; codes joined by `|`."""
    wishes = np.column_stack([want - np.log(-np.log(fresh(who, f"topic {place}"))) for place, want in enumerate(_WANTS)])
    codes = np.array([str(option.code) for option in item.options], dtype=object)
    return np.array(["|".join(codes[row]) for row in np.argsort(-wishes, axis=1, kind="stable")], dtype=object)


def _words(who: Sitting) -> dict[str, Column]:
    return {
        "cba_q6": _written(who, "suggestion", SUGGESTIONS, _WRITES_SUGGESTION),
        "open_text": _written(who, "remark", REMARKS, _WRITES_REMARK),
    }


def _written(who: Sitting, name: str, texts: tuple[str, ...], share: float) -> NDArray[np.object_]:
    words = np.array(texts, dtype=object)[np.floor(fresh(who, f"{name} words") * len(texts)).astype(int)]
    return only_where(lasting(who, f"writes {name}") < share, words)
