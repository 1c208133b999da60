"""What a report is made of: the study, and the tables and values that its stages wrote. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impact.clean.audit import Audit
from impact.months import Period
from impact.study import Study
from impact.study.model import Bilingual, Outcome
from impact.text import Text
from impact.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that sections may read; nothing in a report is typed by hand."""

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


def text_of(words: Bilingual) -> Text:
    """Turn words of a study file into words of a report."""
    return Text(words.en, words.zh)
