"""Extended two-way Poisson regression: effects on amounts and counts, as ratios or in their unit.

Estimand: ATT(g, t), the mean effect in month t on the workers of the units first covered in month g, in the unit of the outcome; or its ratio, log(1 + effect / mean without coverage).
Assumes:  ratio parallel trends: without coverage, mean outcomes of the covered and of those they are compared with would have grown by the same factor; no
          anticipation beyond `anticipation` months; coverage that lasts. Outcomes are zero or more and need not be counts; zeros stay as they are, and
          nothing is assumed of the distribution.
Source:   Wooldridge (2023), doi:10.1093/ectj/utad016; points and errors as R `etwfe` 0.6 with family poisson and `fixest` 0.14 `fepois`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact.design.design import Design
from impact.errors import DesignError
from impact.estimate.parts.extended_glm import Plan, fit_extended
from impact.estimate.parts.glm import LOG
from impact.results import Estimate, Info

INFO = Info(
    "etwfe_poisson",
    "Extended two-way Poisson regression",
    "扩展双向泊松回归",
    "Wooldridge (2023)",
    follows=True,
    linear=False,
    of_means=False,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared, and on which scale effects are given."""

    comparison: Literal["never", "not_yet"] = "not_yet"
    """Who stands for the path without coverage; with `never`, months before coverage have effects as well, except the last."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; they have effects of their own."""
    scale: Literal["response", "log"] = "response"
    """In the unit of the outcome, or in log points: exp(effect) − 1 is the change as a share."""
    effects: Literal["cohort", "unit", "worker"] = "cohort"
    """Whose level is held constant: that of the cohort, of the unit, or of each worker where rows name them."""
    differ: bool = True
    """Let effects differ by cohort and month; without it there is one ratio for all, in which different effects are mixed with weights that may be negative."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Fit ratios to the growth of those not covered, cohort by cohort and month by month.

    Raises DesignError where the outcome is below zero or nobody can be compared, EstimationError where nothing can be told from what is seen.
    """
    if not options.differ and options.comparison == "never":
        raise DesignError(
            "differ `no`: one ratio for all coverage is compared with whoever is not covered.\nFound comparison `never`.\nUse comparison `not_yet`, or let effects differ."
        )
    plan = Plan(
        link=LOG,
        comparison=options.comparison,
        anticipation=options.anticipation,
        scale="response" if options.scale == "response" else "index",
        effects="cohort" if options.effects == "cohort" else "unit",
        differ=options.differ,
    )
    return fit_extended(INFO, design, options, plan)
