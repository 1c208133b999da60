"""Answers to questions 1 to 20. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.simulate.survey.sitting import Floats, Sitting, fresh, lasting, picked
from impact.simulate.world_parts import INDUSTRIES, Industry

LINK_SHARE, SENSITIVE_SHARE = 0.82, 0.88
"""Share that consents to linkage, and to sensitive questions [A]."""
_MODES = (0.78, 0.17, 0.05)
_FORMS: dict[Industry, tuple[float, ...]] = {
    "ride_hail": (0.06, 0.42, 0.38, 0.08, 0.06),
    "freight": (0.08, 0.34, 0.44, 0.08, 0.06),
    "courier": (0.38, 0.18, 0.02, 0.36, 0.06),
    "delivery": (0.08, 0.24, 0.46, 0.16, 0.06),
}
"""Shares of labour contract, service agreement, crowd work, outsourcing, do not know [A]."""
_EDUCATION = (0.30, 0.24, 0.22, 0.17, 0.07)
_HUKOU: dict[Industry, tuple[float, ...]] = {
    "ride_hail": (0.58, 0.16, 0.26),
    "freight": (0.50, 0.14, 0.36),
    "courier": (0.34, 0.16, 0.50),
    "delivery": (0.32, 0.18, 0.50),
}
_PRIOR_OTHERS = ("跟船", "保安", "汽修", "军人", "装卸工", "导游")

Column = Floats | NDArray[np.object_]


def person_answers(who: Sitting) -> dict[str, Column]:
    """Answer who one is; what a questionnaire may not ask stays to the skip rules."""
    return _consents(who) | _work_facts(who) | _demography(who) | _sensitive(who) | _career(who)


def month_text(numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    """Write months, counted from January of year 0, as `2024-03`."""
    return np.array([f"{number // 12}-{number % 12 + 1:02d}" for number in numbers], dtype=object)


def month_count(month: str) -> int:
    """Count the months from January of year 0 to `2024-03`."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def start_month(who: Sitting) -> NDArray[np.int64]:
    """Give the month in which a person began this work: that of the account, or earlier on another platform."""
    tenure = who.workers["tenure_months"].to_numpy(dtype=np.int64)
    earlier = lasting(who, "earlier work")
    before = np.where(earlier < 0.6, 0, np.floor((earlier - 0.6) / 0.4 * 36)).astype(np.int64)
    return month_count(who.month) - tenure - before


def picked_by_industry(who: Sitting, uniform: Floats, codes: tuple[int, ...], shares: dict[Industry, tuple[float, ...]]) -> Floats:
    """Pick codes with shares that differ by industry."""
    industry = who.workers["industry"]
    return np.select(
        [industry.eq(name).to_numpy(dtype=bool) for name in INDUSTRIES], [picked(uniform, codes, shares[name]) for name in INDUSTRIES]
    )


def only_where(rows: NDArray[np.bool_], words: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep words in some rows; missing elsewhere."""
    kept = words.copy()
    kept[~rows] = None
    return kept


def _consents(who: Sitting) -> dict[str, Column]:
    return {
        "consent": np.ones(len(who.keys)),
        "link_consent": (lasting(who, "link") < LINK_SHARE).astype(float),
        "sens_consent": (lasting(who, "sensitive") < SENSITIVE_SHARE).astype(float),
        "mode": picked(fresh(who, "mode"), (1, 2, 3), _MODES),
    }


def _work_facts(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    several = workers["multi_home"].to_numpy(dtype=bool)
    return {
        "industry": workers["industry"].map({name: place + 1 for place, name in enumerate(INDUSTRIES)}).to_numpy(dtype=float),
        "platform_main": workers["platform_id"].to_numpy(dtype=object),
        "platforms_n": np.where(several, picked(fresh(who, "platforms"), (2, 3, 4), (0.7, 0.22, 0.08)), 1.0),
        "work_form": picked_by_industry(who, lasting(who, "form"), (1, 2, 3, 4, 9), _FORMS),
    }


def _demography(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    born = workers["birth_year"].to_numpy(dtype=float)
    age = int(who.month[:4]) - born
    marital = np.where(lasting(who, "marital") < np.clip((age - 20) / 14, 0.05, 0.92), 2.0, np.where(age > 38, 3.0, 1.0))
    children = np.where(marital == 1, 0.0, picked(lasting(who, "children"), (0, 1, 2, 3), (0.15, 0.48, 0.33, 0.04)))
    return {
        "sex": np.where(workers["sex"].eq("男").to_numpy(dtype=bool), 1.0, 2.0),
        "birth_year": born,
        "educ": picked(lasting(who, "education"), (1, 2, 3, 4, 5), _EDUCATION),
        "hukou": picked_by_industry(who, lasting(who, "hukou"), (1, 2, 3), _HUKOU),
        "marital": marital,
        "kids_n": children,
    }


def _sensitive(who: Sitting) -> dict[str, Column]:
    workers = who.workers
    return {
        "vet": workers["veteran"].to_numpy(dtype=float),
        "disab_grade": workers["disability_grade"].to_numpy(dtype=float),
        "chronic": workers["chronic"].to_numpy(dtype=float),
    }


def _career(who: Sitting) -> dict[str, Column]:
    prior = picked(lasting(who, "prior job"), (1, 2, 3, 4, 5, 6, 7), (0.24, 0.12, 0.24, 0.14, 0.06, 0.12, 0.08))
    words = pd.Series(_PRIOR_OTHERS)[np.floor(lasting(who, "prior words") * len(_PRIOR_OTHERS)).astype(int)].to_numpy(dtype=object)
    return {
        "start_ym": month_text(start_month(who)),
        "prior_job": prior,
        "prior_job_other": only_where(prior == 7, words),
        "fulltime": who.workers["full_time"].to_numpy(dtype=float),
    }
