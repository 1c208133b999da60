"""Synthetic difference in differences, of one cohort or several.

Estimand: ATT(g, t), the mean effect in month t on the units first covered in month g; averaged by `simple`, each covered unit and month counts once.
Assumes:  without coverage, the covered would have moved as a weighted mean of the never covered does, up to a constant; no anticipation beyond
          `anticipation` months; coverage that lasts. Months before coverage choose the weights: effects there are no test of this.
Source:   Arkhangelsky et al. (2021), doi:10.1257/aer.20190159; several cohorts by Clarke et al. (2023), arXiv:2301.11859. Differs from R `synthdid` by
          exact weights instead of Frank-Wolfe steps that stop early (some 1e-3 of the noise).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact import settings
from impact.design.design import Design
from impact.estimate.parts.synthetic import ErrorsBy, Plan
from impact.estimate.parts.synthetic_fit import fit_plan
from impact.results import Estimate, Info

INFO = Info(
    "synthetic_did", "Synthetic difference in differences", "合成双重差分", "Arkhangelsky et al. (2021)", grain="unit", influence=False
)


@dataclass(frozen=True, slots=True)
class Options:
    """How weights are chosen, what units count, and how errors are taken."""

    anticipation: int = 0
    """Months before coverage in which behaviour may already change; weights are chosen before them."""
    unit_weights: Literal["fitted", "equal"] = "fitted"
    """Weights of the never covered units: fitted to the path of the covered, or all alike."""
    month_weights: Literal["fitted", "equal"] = "fitted"
    """Weights of the months before coverage, likewise; both `equal` is plain difference in differences."""
    counting: Literal["units", "workers"] = "units"
    """Whether covered units count one each, as in the literature, or by their workers."""
    errors: ErrorsBy = "chosen"
    """Placebos below ten covered clusters where the never covered are more, else jackknife, unless one is named."""
    draws: int = settings.REPLICATES
    """Of placebos where there are more choices than that, and of the bootstrap."""
    seed: int = settings.SEED
    """Seed of these draws."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare each cohort's change with that of a weighted mean of the never covered, since a weighted mean of the months before.

    Raises DesignError where no unit can be compared, EstimationError where errors are asked for that the units do not allow.
    """
    plan = Plan(
        intercept=True,
        unit_weights=options.unit_weights,
        month_weights=options.month_weights,
        ridge_by_size=True,
        anticipation=options.anticipation,
        counting=options.counting,
        errors=options.errors,
        draws=options.draws,
        seed=options.seed,
    )
    return fit_plan(INFO, design, options, plan)
