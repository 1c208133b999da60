"""Interaction-weighted event study: unit and month effects, and an effect of its own for each cohort and month.

Estimand: ATT(g, t), the mean effect in month t on the workers of the units first covered in month g; in averages each counts by its covered rows.
Assumes:  parallel trends with the never covered in every month, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Sun and Abraham (2021), doi:10.1016/j.jeconom.2020.09.006, definition 4; as R `fixest` 0.14 has it in `sunab`: against the last month before
          coverage, with its small-sample factor, and shares of cohorts taken as given in the errors of averages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact.design.design import Design
from impact.estimate.parts.extended import alive, counts, effects, estimated
from impact.estimate.parts.fixest_errors import clustered
from impact.results import Estimate, Info

INFO = Info("sun_abraham", "Interaction-weighted event study", "交互加权事件研究", "Sun and Abraham (2021)", follows=True, of_means=False)


@dataclass(frozen=True, slots=True)
class Options:
    """Whom the covered are compared with, and whose level is taken out."""

    effects: Literal["worker", "unit"] = "worker"
    """Whose own level is taken out: each worker's, where rows name them, or only that of the units at which coverage is decided."""
    without_never: Literal["last_cohort", "refuse"] = "last_cohort"
    """What to do where every unit is covered in the end: compare with the last cohort, in the months before its coverage, or refuse."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; the reference is the month before them."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Regress the outcome on cohorts by month, with unit and month effects; the never covered have no effect, nor has any cohort in its reference month.

    Raises DesignError where no cohort can be compared, EstimationError where no effect can be told from the others.
    """
    comparison: Literal["never", "not_yet"] = "not_yet" if options.without_never == "last_cohort" else "never"
    kept, notes = alive(design, comparison, options.anticipation)
    found = estimated(kept, effects(kept, "never", options.anticipation))
    errors, correction = clustered(kept, found.contrasts, found.coefficients)
    notes = (*notes, *found.notes)
    return Estimate(
        INFO, kept, options, found.terms, found.contrasts, errors, notes, correction=correction, counts=counts(kept, found.terms)
    )
