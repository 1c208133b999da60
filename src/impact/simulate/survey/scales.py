"""Answers on five steps: an ordinal probit with one factor per scale. May touch: nothing.

A line's latent answer is lift + mean + √ρ·factor + √(1−ρ)·error + acquiescence, cut at four thresholds. The factor lasts in part from wave to wave and shares a
general outlook over scales. ρ is set from Cronbach's α; 0.80 to 0.88 is what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.simulate.survey.sitting import Floats, Sitting, fresh, lasting, normal

ACQUIESCENCE_SD = 0.3
"""Tendency to agree with whatever is said, in latent standard deviations [A]."""
CUTS = (-1.5, -0.5, 0.5, 1.5)
SPREAD = float(np.sqrt(1 + ACQUIESCENCE_SD**2))
"""Standard deviation of a latent answer around its mean."""
_COARSE = 0.88
"""Correlation of five-step answers relative to that of the latent ones [C]."""
_OUTLOOK, _LASTING = 0.5, 0.6
"""Share of a factor that is the general outlook, as a correlation, and share of its variance that lasts between waves [A]."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The lines of one scale."""

    name: str
    lines: tuple[str, ...]
    lifts: tuple[float, ...]
    """How readily each line is agreed with, in latent standard deviations [A]."""
    outlook: int = 1
    """+1 where a good general outlook raises the answers, −1 where it lowers them."""
    reverse: frozenset[str] = frozenset()
    """Lines worded the other way round."""
    alpha: float = 0.84
    """Cronbach's α aimed at, with equal means and all lines worded alike: unequal means raise it, a reversed line lowers it [A]."""


SCALES: tuple[Scale, ...] = (
    Scale("voice", tuple(f"voice_{line}" for line in range(1, 6)), (0.1, -0.1, -0.4, 0.0, -0.2)),
    Scale("fair", tuple(f"fair_{line}" for line in range(1, 6)), (0.0, -0.4, 0.1, -0.3, -0.1)),
    Scale("sat", ("sat_pay", "sat_hours", "sat_insur", "sat_mgmt", "sat_safety", "sat_overall"), (-0.1, -0.2, -0.4, 0.0, 0.1, 0.1)),
    Scale("ti", tuple(f"ti_{line}" for line in range(1, 5)), (0.1, -0.1, 0.0, -0.3), outlook=-1, alpha=0.80),
    Scale("burnout", tuple(f"burnout_{line}" for line in range(1, 4)), (0.3, 0.0, -0.2), outlook=-1),
    Scale("support", tuple(f"support_{line}" for line in range(1, 4)), (0.0, 0.1, 0.1), reverse=frozenset({"support_3"}), alpha=0.875),
)


def answered(scale: Scale, who: Sitting, mean: Floats) -> dict[str, Floats]:
    """Answer the lines of a scale with codes 1 to 5; `mean` shifts its factor, in latent standard deviations."""
    common, agrees = factor(scale, who), ACQUIESCENCE_SD * normal(lasting(who, "acquiescence"))
    share = _common_share(scale)
    result = {}
    for line, lift in zip(scale.lines, scale.lifts, strict=True):
        sign = -1.0 if line in scale.reverse else 1.0
        error = normal(fresh(who, line))
        latent = sign * (lift + mean + np.sqrt(share) * common) + np.sqrt(1 - share) * error + agrees
        result[line] = 1.0 + np.searchsorted(np.array(CUTS), latent, side="right")
    return result


def factor(scale: Scale, who: Sitting) -> Floats:
    """Draw a scale's factor, standard normal, shape (workers,)."""
    outlook = scale.outlook * normal(lasting(who, "outlook"))
    own = np.sqrt(_LASTING) * normal(lasting(who, scale.name)) + np.sqrt(1 - _LASTING) * normal(fresh(who, scale.name))
    return np.asarray(_OUTLOOK * outlook + np.sqrt(1 - _OUTLOOK**2) * own, dtype=np.float64)


def _common_share(scale: Scale) -> float:
    """Give ρ: α = k·r / (1 + (k − 1)·r) solved for r, undone for coarse answers and for acquiescence."""
    lines = len(scale.lines)
    between = scale.alpha / (lines - scale.alpha * (lines - 1)) / _COARSE
    return between * SPREAD**2 - ACQUIESCENCE_SD**2
