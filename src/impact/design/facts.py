"""What a design amounts to, in numbers. May touch: nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from impact.design.design import Design


@dataclass(frozen=True, slots=True)
class DesignFacts:
    """Counts that the verdict and the report read."""

    workers: int
    covered: int
    """Workers who come under coverage within the months seen."""
    never: int
    cohorts: int
    smallest_cohort: int
    periods_before: int
    """Months (or years) from the first one seen to coverage, for the median covered worker."""
    periods_after: int
    """Months (or years) from coverage to the last one seen, for the median covered worker."""

    def as_dict(self) -> dict[str, Any]:
        """Give the facts as plain values, for JSON."""
        return asdict(self)


def facts_of(design: Design) -> DesignFacts:
    """Count a design."""
    covered = ~np.isnan(design.cohort)
    by_cohort = [int(design.headcount[design.cohort == cohort].sum()) for cohort in design.cohorts]
    before = [cohort - design.months[0] for cohort in design.cohorts]
    after = [design.months[-1] - cohort + 1 for cohort in design.cohorts]
    return DesignFacts(
        workers=int(design.headcount.sum()),
        covered=int(design.headcount[covered].sum()),
        never=int(design.headcount[~covered].sum()),
        cohorts=len(by_cohort),
        smallest_cohort=min(by_cohort, default=0),
        periods_before=_median(before, by_cohort),
        periods_after=_median(after, by_cohort),
    )


def _median(values: list[int], counts: list[int]) -> int:
    return int(np.median(np.repeat(values, counts))) if values else 0
