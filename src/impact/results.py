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


Role = Literal["dose", "eligible", "score", "stratum"]
"""What may be constant in a unit beside its cohort: how hard coverage bites, whether its workers are eligible, what eligibility is decided by, and what it
is compared within."""


@dataclass(frozen=True, slots=True)
class Info:
    """What an estimator or check is called."""

    name: str
    title_en: str
    title_zh: str
    source: str
    grain: Literal["cohort", "unit"] = "cohort"
    """Coarsest units that it can work on: those of one cohort and cluster together, or the units at which coverage is decided."""
    follows: bool = False
    """Whether it holds workers constant, where rows name them."""
    reads: tuple[Role, ...] = ()
    """What else it must know of units."""
    may_read: tuple[Role, ...] = ()
    """What else it can use of units."""
    covariates: bool = False
    """Whether it takes covariates: `Options.covariates`, designs of them on the same units and months."""
    bins: bool = False
    """Whether it needs the distribution of the outcome in each cell."""
    influence: bool = True
    """Whether the influence of clusters tells its error, so that methods of inference can be asked for."""
    of_means: bool = True
    """Whether effects are differences of means of groups in months, from which CR2 follows; not so for regressions over all months, and for comparisons of
    many groups that are weighted together."""
    linear: bool = True
    """Whether it is linear in the outcome, given who is covered, so that an effect can be taken away from covered rows."""


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
class Replicates:
    """Estimates of the same terms on changed data."""

    values: Floats
    """Shape (replicates, terms); missing where a replicate does not have the term."""
    workers: Floats | None
    """What each unit counts in shares of cohorts; shape (replicates, units). None where shares stay as they are."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How uncertain the terms of an estimate are, together."""

    covariance: Floats
    """Shape (terms, terms)."""
    degrees_of_freedom: float | None
    """Of the t distribution; None for the normal."""
    method: Literal["cluster", "homoskedastic", "placebo", "jackknife", "bootstrap"]
    cluster_level: str
    clusters: int
    """Clusters that move the estimate."""
    covered_clusters: int
    """Those of them with a covered worker."""
    replicates: Replicates | None = None
    """What the errors are made of where they do not come from influence; placebos also give p-values and intervals."""

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
    counts: Floats | None = None
    """What each term counts in averages, taken as given; None where cohorts count by their workers, and these shares are estimated; shape (terms,)."""

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
        from scipy import special  # scipy.stats takes most of a second to load

        errors, values = self.errors.std_error, self.values
        freedom = self.errors.degrees_of_freedom
        rank = 0.5 + level / 2
        reach = (special.ndtri(rank) if freedom is None else special.stdtrit(freedom, rank)) * errors
        table = pd.DataFrame({"term": [term.name for term in self.terms], "estimate": values, "std_error": errors})
        table["conf_low"], table["conf_high"] = values - reach, values + reach
        statistic = -np.abs(values / errors)
        table["p_value"] = 2 * (special.ndtr(statistic) if freedom is None else special.stdtr(freedom, statistic))
        if self.errors.method == "placebo" and self.errors.replicates is not None:
            _read_off_placebos(table, self.errors.replicates.values, level)
        for name in LABELS:
            table[name] = pd.array([getattr(term, name) for term in self.terms], dtype="Int64")
        return table.assign(workers=[term.workers for term in self.terms])[list(TIDY_COLUMNS)]


def placebo_reach(sizes: Floats, level: float) -> Floats:
    """Give what the size of an estimate must exceed to be rarer than 1 − `level` among placebos, itself counted; infinite where they are too few.

    `sizes` has one row per placebo.
    """
    rank = int(np.floor((1 - level) * (1 + len(sizes)) + 1e-9))
    return np.sort(sizes, axis=0)[-rank] if rank else np.full(sizes.shape[1:], np.inf)


def _read_off_placebos(table: pd.DataFrame, placebos: Floats, level: float) -> None:
    """Write p-values by rank, and the intervals of all effects that rank would not reject (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585)."""
    values, sizes = table["estimate"].to_numpy(), np.abs(placebos)
    known = table["std_error"].notna().to_numpy()
    reach = placebo_reach(sizes, level)
    as_large = (sizes >= np.abs(values) * (1 - 1e-9)).sum(axis=0)
    table["conf_low"], table["conf_high"] = np.where(known, values - reach, np.nan), np.where(known, values + reach, np.nan)
    table["p_value"] = np.where(known, (1 + as_large) / (1 + len(sizes)), np.nan)


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
