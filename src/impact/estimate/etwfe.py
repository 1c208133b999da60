"""Extended two-way fixed effects, linear: levels of cohorts or units and of months, and an effect of its own for each cohort and month of coverage.

Estimand: ATT(g, t), the mean effect in month t on the workers of the units first covered in month g; in averages each counts by its covered rows.
Assumes:  parallel trends with all that are not covered yet, or with the never covered alone; with covariates, among those who are alike in them;
          no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Wooldridge (2021), doi:10.2139/ssrn.3906345, eq. 6.33 with covariates; errors as R `etwfe` 0.6 takes them from `fixest`, with shares of cohorts
          and means of covariates taken as given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.design import Design
from impact.estimate.parts.cohorts import Comparison
from impact.estimate.parts.extended import alive, counts, effects, estimated, kinds, usable
from impact.estimate.parts.extended_covariates import estimated_with
from impact.estimate.parts.fixest_errors import clustered
from impact.results import Estimate, Info
from impact.text import Text

INFO = Info(
    "etwfe", "Extended two-way fixed effects", "扩展双向固定效应", "Wooldridge (2021)", follows=True, covariates=True, of_means=False
)


@dataclass(frozen=True, slots=True)
class Options:
    """Whom the covered are compared with, and what is held constant."""

    comparison: Comparison = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered yet."""
    effects: Literal["cohort", "unit", "worker"] = "cohort"
    """Whose own level is taken out: that of cohorts, of units, or of workers where rows name them; alike where nobody comes or goes."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""
    covariates: tuple[Design, ...] = ()
    """Designs of the covariates, on the same units and months, each with one value for a unit; levels, months and effects may differ with them."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Regress the outcome on cohorts by month of coverage, with the effects of months and of cohorts, units or workers.

    Raises DesignError where no cohort can be compared or a covariate changes within a unit, EstimationError where no effect can be told from the others.
    """
    kept, notes = _entering(design, options)
    asked = effects(kept, options.comparison, options.anticipation)
    by_cohort = options.effects == "cohort"
    covariates = [_within(covariate, kept) for covariate in options.covariates]
    found = (
        estimated_with(covariates, kept, asked, not by_cohort) if covariates else estimated(kept, asked, kinds(kept) if by_cohort else None)
    )
    errors, correction = clustered(kept, found.contrasts, *_counted(kept, found.coefficients, by_cohort, len(covariates)))
    notes = (*notes, *_note_on_means(kept, len(covariates)), *found.notes)
    return Estimate(
        INFO, kept, options, found.terms, found.contrasts, errors, notes, correction=correction, counts=counts(kept, found.terms)
    )


def _entering(design: Design, options: Options) -> tuple[Design, tuple[Text, ...]]:
    """Give those who can be compared; rows alone in their unit or month count where units have levels of their own."""
    if options.effects != "cohort":
        return alive(design, options.comparison, options.anticipation)
    kept = usable(design, options.comparison, options.anticipation)
    return kept, kept.notes


def _within(covariate: Design, kept: Design) -> Design:
    """Restrict a covariate to the units and months that entered."""
    return covariate.keep(np.isin(covariate.units, kept.units), np.isin(covariate.months, kept.months))


def _counted(design: Design, coefficients: int, by_cohort: bool, covariates: int) -> tuple[int, int | None]:
    """Count the coefficients beside months and levels, and the levels where they are those of cohorts."""
    groups = len(design.cohorts) + 1
    beside = coefficients - (len(design.months) + (groups - 1 if by_cohort else -1)) if covariates else coefficients
    return beside, groups if by_cohort else None


def _note_on_means(design: Design, covariates: int) -> tuple[Text, ...]:
    together = int((design.rows > 1).any(axis=1).sum()) if covariates else 0
    if together == 0:
        return ()
    return (
        Text(
            f"{together:,} unit{'s hold' if together > 1 else ' holds'} several workers, and covariates enter as means",
            f"{together:,}个单位含有多名劳动者，其协变量以均值计入",
        ),
    )
