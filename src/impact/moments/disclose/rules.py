"""The rules under which moments leave the building. May touch: nothing.

The terms are those of Hundepool et al., *Handbook on Statistical Disclosure Control* (2nd ed., 2024, ch. 4 magnitude tables, ch. 5 frequency tables):
minimum frequency, (1, k) dominance, complementary suppression, random rounding, noise before tabulation.
"""

from __future__ import annotations

from dataclasses import dataclass

from impact.errors import DataError
from impact.settings import MINIMUM_CELL

LEAST_THRESHOLD = 3
"""Below this a cell could be of one worker and a colleague who knows himself."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Parameters of disclosure control; all of them may be published."""

    threshold: int = MINIMUM_CELL
    """Fewest workers that a number may rest on, and fewest workers by which two released groups may differ."""
    base: int = 5
    """Counts are rounded at random, without bias, to multiples of it."""
    dominance: float = 0.85
    """Largest share of a total that one contributor may have."""
    top_share: float = 0.005
    """Share of worker-months whose outcome is cut off at the top before the pass."""
    least_months: int = 2
    """Fewest months that a unit, or workers who share a pattern, must be seen in."""
    drawn: bool = True
    """Whether a worker drawn from the group's own distribution is added to every group, so that a difference of two bundles is not one worker's value."""


def require_rules(rules: Rules, key: bytes) -> None:
    """Refuse rules that protect nobody, and a key that can be guessed.

    Raises DataError.
    """
    if (
        rules.threshold < LEAST_THRESHOLD
        or rules.base < 1
        or not 0 < rules.dominance <= 1
        or not 0 <= rules.top_share < 0.5
        or rules.least_months < 1
    ):
        raise DataError(
            f"disclosure: these rules cannot be applied.\nFound threshold {rules.threshold}, base {rules.base}, dominance {rules.dominance}, "
            f"top share {rules.top_share}, months {rules.least_months}.\n"
            f"Threshold at least {LEAST_THRESHOLD}, base at least 1, dominance above 0 up to 1, top share from 0 to below 0.5, months at least 1."
        )
    if len(key) < 16:
        raise DataError(
            f"disclosure: the key is too short to keep the rounding secret.\nFound {len(key)} bytes.\nGive 16 or more, and keep them where the rows are."
        )
