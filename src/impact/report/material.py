"""What a report is made of: the study, and the tables and values that its stages wrote. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impact.clean.audit import Audit
from impact.months import Period
from impact.study import Study
from impact.study.model import Outcome
from impact.study.parts import Bilingual
from impact.text import Text
from impact.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that sections may read: the study's own prose, and numbers that the stages wrote."""

    study: Study
    run: str
    period: Period
    audit: Audit
    verdict: Verdict
    tables: Mapping[str, pd.DataFrame]
    """By name: `rates`, `hazards`, `survival`, `results`, `benchmarks`, `variants`, `coverage_rules`, … where the study has them."""
    values: Mapping[str, Any]
    """By name: `checks`, `evidence`, `source`, … where the study has them."""

    @property
    def outcome(self) -> Outcome:
        """The study's first outcome, on which the headline rests."""
        return self.study.outcomes[0]

    @property
    def effect_unit(self) -> Text:
        """Unit of effects, in words."""
        return effect_unit(self.outcome)

    @property
    def digits(self) -> int:
        """Decimals of effects: as many as the headline's error deserves."""
        table = self.tables["results"]
        row = table[(table["outcome"] == self.outcome.name) & (table["aggregate"] == "simple")].iloc[0]
        return digits_of(float(row["std_error"]))


def digits_of(std_error: float) -> int:
    """Choose decimals so that a standard error shows two significant digits."""
    import math

    if not (math.isfinite(std_error) and std_error > 0):
        return 3
    return max(0, 1 - math.floor(math.log10(std_error)))


def text_of(words: Bilingual) -> Text:
    """Turn words of a study file into words of a report."""
    return Text(words.en, words.zh)


def effect_unit(outcome: Outcome) -> Text:
    """Name the unit of effects on an outcome: log points where it is in logs, percentage points where it is in per cent."""
    if outcome.transform == "percent":
        return Text("percentage points", "个百分点")
    return Text("log points", "对数点") if outcome.in_logs else text_of(outcome.unit)
