"""Which questions a simulated respondent is asked. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.schema.questionnaire import BY_FIELD, Asked, Item


def asked(item: Item, answers: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows are asked a question, shape (rows,): those that consent and meet its skip rules."""
    if item.field == "consent":
        return np.ones(len(answers), dtype=bool)
    held = [answers["consent"].eq(1).to_numpy(dtype=bool, na_value=False), *(_holds(rule, answers) for rule in item.asked_if)]
    return np.asarray(np.logical_and.reduce(held), dtype=bool)


def _holds(rule: Asked, answers: pd.DataFrame) -> NDArray[np.bool_]:
    values = answers[rule.field]
    if rule.codes:
        return values.isin(rule.codes).to_numpy(dtype=bool)
    return values.isna().to_numpy(dtype=bool) & asked(BY_FIELD[rule.field], answers)
