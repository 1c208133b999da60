"""Synthetic control, of one cohort or several.

Estimand: ATT(g, t), the mean effect in month t on the units first covered in month g.
Assumes:  a weighted mean of the never covered, which stands at the level of the covered in the months before coverage, would stand there after it; no
          anticipation beyond `anticipation` months; coverage that lasts. Months before coverage choose the weights: effects there are no test of this.
Source:   Abadie, Diamond and Hainmueller (2010), doi:10.1198/jasa.2009.ap08746, matched on the outcome in all months before coverage as in
          Arkhangelsky et al. (2021); exact weights, with a ridge of 1e-6 of the noise to choose among weights that fit alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact import settings
from impact.design.design import Design
from impact.estimate.parts.synthetic import ErrorsBy, Plan
from impact.estimate.parts.synthetic_fit import fit_plan
from impact.results import Estimate, Info

INFO = Info("synthetic_control", "Synthetic control", "合成控制", "Abadie, Diamond and Hainmueller (2010)", grain="unit", influence=False)


@dataclass(frozen=True, slots=True)
class Options:
    """What units count, and how errors are taken."""

    anticipation: int = 0
    """Months before coverage in which behaviour may already change; weights are chosen before them."""
    counting: Literal["units", "workers"] = "units"
    """Whether covered units count one each, as in the literature, or by their workers."""
    errors: ErrorsBy = "chosen"
    """Placebos below ten covered clusters where the never covered are more, else jackknife, unless one is named."""
    draws: int = settings.REPLICATES
    """Of placebos where there are more choices than that, and of the bootstrap."""
    seed: int = settings.SEED
    """Seed of these draws."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare each cohort's outcome with that of a weighted mean of the never covered, month by month.

    Raises DesignError where no unit can be compared, EstimationError where errors are asked for that the units do not allow.
    """
    plan = Plan(
        intercept=False,
        unit_weights="fitted",
        month_weights="none",
        ridge_by_size=False,
        anticipation=options.anticipation,
        counting=options.counting,
        errors=options.errors,
        draws=options.draws,
        seed=options.seed,
    )
    return fit_plan(INFO, design, options, plan)
