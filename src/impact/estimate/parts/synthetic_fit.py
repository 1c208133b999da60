"""From a plan to an estimate: blocks, their weights, contrasts, errors. May touch: nothing."""

from __future__ import annotations

from typing import Any

from impact.design.design import Design
from impact.estimate.parts.synthetic import Plan, blocks_of, cast_of, collapsed, contrasts_of, fit_weights, means_of
from impact.estimate.parts.synthetic_errors import Fitted, errors_of
from impact.results import Estimate, Info
from impact.text import Text

_LEADS = Text(
    "months before coverage choose the weights: effects there show how well they fit, and are no test",
    "覆盖前各期用于选取权重：其效应只反映拟合优劣，不构成检验",
)


def fit_plan(info: Info, design: Design, options: Any, plan: Plan) -> Estimate:
    """Carry a plan out on every cohort."""
    usable = collapsed(design, plan)
    means = means_of(usable)
    blocks = blocks_of(usable, plan)
    casts = [cast_of(usable, block.cohort) for block in blocks]
    weights = [fit_weights(block, plan, means, cast) for block, cast in zip(blocks, casts, strict=True)]
    named = [each for block, cast, weight in zip(blocks, casts, weights, strict=True) for each in contrasts_of(usable, block, cast, weight)]
    terms, contrasts = zip(*named, strict=True)
    errors, notes = errors_of(Fitted(usable, plan, blocks, casts, weights, contrasts))
    return Estimate(info, usable, options, terms, contrasts, errors, (*usable.notes, *notes, _LEADS))
