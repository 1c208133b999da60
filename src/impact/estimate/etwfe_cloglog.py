"""Extended two-way hazard regression: effects on the chance to leave in a month, from grouped binomial cells.

Estimand: ATT(g, t), the mean effect in month t on the chance of those first covered in month g, as a difference of chances; or on the index: with the
          complementary log-log link the logarithm of a hazard ratio, with the logit link that of an odds ratio.
Assumes:  parallel trends of the index: without coverage, log hazards (or log odds) of the covered and of those they are compared with would have moved alike; no
          anticipation beyond `anticipation` months; coverage that lasts. Rows are worker-months at risk, and the outcome is 1 where the worker leaves.
Source:   Wooldridge (2023), doi:10.1093/ectj/utad016; Prentice and Gloeckler (1978), doi:10.2307/2529588, for hazards by month. Levels are those of cohorts: effects of
          many small units would bias hazards (incidental parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact.design.design import Design
from impact.estimate.parts.extended_glm import Plan, fit_extended
from impact.estimate.parts.glm import CLOGLOG, LOGIT
from impact.results import Estimate, Info

INFO = Info("etwfe_cloglog", "Extended two-way hazard regression", "扩展双向风险率回归", "Wooldridge (2023)", linear=False, of_means=False)


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared, and on which scale effects are given."""

    comparison: Literal["never", "not_yet"] = "not_yet"
    """Who stands for the path without coverage; with `never`, months before coverage have effects as well, except the last."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change; they have effects of their own."""
    link: Literal["cloglog", "logit"] = "cloglog"
    """`cloglog` belongs to hazards in continuous time that are seen by month; `logit` to chances."""
    scale: Literal["response", "link"] = "response"
    """Differences of chances, or of the index: logarithms of hazard ratios (cloglog) or of odds ratios (logit)."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Fit chances to leave to the movement of those not covered, cohort by cohort and month by month.

    Raises DesignError where the outcome is not between zero and one or nobody can be compared, EstimationError where nothing can be told from what is seen.
    """
    plan = Plan(
        link=CLOGLOG if options.link == "cloglog" else LOGIT,
        comparison=options.comparison,
        anticipation=options.anticipation,
        scale="response" if options.scale == "response" else "index",
    )
    return fit_extended(INFO, design, options, plan)
