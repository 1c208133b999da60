"""What an estimator and a check hand over, and the one tidy table. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from impact import schema
from impact.design.contrast import Contrast
from impact.design.design import Design
from impact.moments.moments import Floats
from impact.text import Text

TIDY_COLUMNS = schema.TIDY.column_names()
"""Columns of every tidy table; the glossary is `schema.TIDY`."""

LABELS = ("cohort", "month", "event_time")


@dataclass(frozen=True, slots=True)
class Info:
    """What an estimator or check is called."""

    name: str
    title_en: str
    title_zh: str
    source: str


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is estimated, and its labels."""

    name: str
    cohort: int | None = None
    month: int | None = None
    event_time: int | None = None
    workers: float = float("nan")
    """Covered workers behind it, each counted once; rows, in repeated cross-sections."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How uncertain the terms of an estimate are, together."""

    covariance: Floats
    """Shape (terms, terms)."""
    degrees_of_freedom: float | None
    """Of the t distribution; None for the normal."""
    method: Literal["cluster", "homoskedastic"]
    cluster_level: str
    clusters: int
    """Clusters that move the estimate."""
    covered_clusters: int
    """Those of them with a covered worker."""

    @property
    def std_error(self) -> Floats:
        """Standard error of each term; missing where a term is zero by construction."""
        variance = np.diag(self.covariance)
        return np.asarray(np.sqrt(np.where(variance > 0, variance, np.nan)))

    def as_dict(self) -> dict[str, Any]:
        """Give how errors were taken as plain values, without the covariance."""
        return {
            "method": self.method,
            "cluster_level": self.cluster_level,
            "clusters": self.clusters,
            "covered_clusters": self.covered_clusters,
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """An answer, with the question it answers, its contrasts and its errors."""

    info: Info
    design: Design
    options: Any
    terms: tuple[Term, ...]
    contrasts: tuple[Contrast, ...]
    errors: Errors
    notes: tuple[Text, ...] = ()
    """What was left out on the way."""
    aggregate: str = "none"
    correction: float = 1.0
    """Small-sample factor on the variance, by the convention of the estimator."""

    @property
    def values(self) -> Floats:
        """Point estimates; shape (terms,)."""
        return np.array([contrast.value for contrast in self.contrasts])

    def influence(self) -> pd.DataFrame:
        """Give the influence of each unit on each term, by unit id: rows are units, columns are terms."""
        columns = {term.name: contrast.unit_influence(self.design) for term, contrast in zip(self.terms, self.contrasts, strict=True)}
        return pd.DataFrame(columns, index=pd.Index(self.design.units, name="unit"))

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Give the one table that every figure, table and sentence reads: columns `TIDY_COLUMNS`, one row per term."""
        from scipy import stats

        errors, values = self.errors.std_error, self.values
        spread = stats.norm() if self.errors.degrees_of_freedom is None else stats.t(self.errors.degrees_of_freedom)
        reach = spread.ppf(0.5 + level / 2) * errors
        table = pd.DataFrame({"term": [term.name for term in self.terms], "estimate": values, "std_error": errors})
        table["conf_low"], table["conf_high"] = values - reach, values + reach
        table["p_value"] = 2 * spread.sf(np.abs(values / errors))
        for name in LABELS:
            table[name] = pd.array([getattr(term, name) for term in self.terms], dtype="Int64")
        return table.assign(workers=[term.workers for term in self.terms])[list(TIDY_COLUMNS)]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found."""

    name: str
    passed: bool | None
    """None where the check informs and does not decide."""
    text_en: str
    text_zh: str
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    numbers: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give the result as plain values, without its table."""
        return {"name": self.name, "passed": self.passed, "text_en": self.text_en, "text_zh": self.text_zh, "numbers": self.numbers}
