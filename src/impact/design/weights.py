"""Which cells an estimate uses, and with what sign. May touch: nothing."""

from __future__ import annotations

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Design


def negative_weight(design: Design, contrast: Contrast) -> float:
    """Give the weight of covered cells that count with the wrong sign, relative to the sum of all weights on covered cells.

    An average of effects has none; two-way fixed effects may (de Chaisemartin and D'Haultfœuille 2020, doi:10.1257/aer.20181169).
    """
    weights = (contrast.a * design.weight)[design.coverage]
    return float(np.abs(weights[weights < 0]).sum() / weights.sum())
