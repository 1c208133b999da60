"""Triple differences: agreements whose clauses reach the eligible only.

Estimand: ATT(g, t) of the eligible, the mean effect in month t on the eligible workers of the units first covered in month g.
Assumes:  without coverage, the gap between eligible and ineligible workers would have moved alike in the cohort and among those compared; neither group need have
          parallel trends by itself. No effect on the ineligible, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Olden and Møen (2022), doi:10.1093/ectj/utac010; several cohorts by Ortiz-Villavicencio and Sant'Anna (2025), arXiv:2505.09942. Units not covered yet are
          never pooled with others: where shares of cohorts differ between eligible and ineligible, two pooled comparisons have different mixtures, and their
          difference is no triple difference. Each cohort compared gives one of its own, and these are averaged with weights that are the same on both sides.
          In averages cohorts count by their eligible workers, taken as given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.cohorts import Base, Comparison, base_month, cohorts_seen, note_on, studied, workers_in_words
from impact.estimate.parts.group_means import GroupMeans, group_means
from impact.infer.cluster import cluster_errors
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info(
    "triple_difference", "Triple difference", "三重差分", "Ortiz-Villavicencio and Sant'Anna (2025)", reads=("eligible",), of_means=False
)


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared."""

    comparison: Comparison = "not_yet"
    """Who stands for the path without coverage: units never covered, or also each cohort that is not covered yet, one by one."""
    base: Base = "varying"
    """Base month of the leads: the month before, or always the last month before coverage."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """Means of eligible and ineligible workers by cohort; the never covered are the last of G groups."""

    cohort: Floats
    """Infinite for the never covered; shape (G,)."""
    means: GroupMeans
    """Of the ineligible of each group, then of the eligible of each."""

    @property
    def there(self) -> Bools:
        """Say which groups hold anybody; shape (G,)."""
        return np.asarray(self.means.weight.reshape(2, len(self.cohort), -1).any(axis=(0, 2)))

    def weight(self, base: int, month: int) -> Floats:
        """Give what each group weighs: ineligible and eligible, in the base month and the other; shape (4, G)."""
        return np.concatenate([self.means.weight[:, at].reshape(2, -1) for at in (base, month)])


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare the change of the gap between eligible and ineligible in each cohort with that among those not covered.

    Raises DesignError where eligibility is not one or zero or does not vary, or no cohort can be compared; EstimationError where no effect can be estimated.
    """
    usable = studied(design, options.anticipation)
    eligible = _eligible(usable)
    sides = _sides(usable, eligible)
    asked = [(cohort, month) for cohort in cohorts_seen(usable) for month in usable.months]
    estimable = [(cohort, month, base) for cohort, month in asked if (base := _base(usable, cohort, month, options)) is not None]
    estimated = [found for one in estimable if (found := _att(usable, sides, *one, options)) is not None]
    if not estimated:
        raise EstimationError(
            f"outcome `{design.outcome}`: no triple difference can be estimated.\n"
            f"Found {len(estimable)} months of cohorts, and in none of them eligible and ineligible workers both among covered and compared.\n"
            "Check the column of eligibility, the months and the comparison group."
        )
    terms, contrasts = zip(*estimated, strict=True)
    free = [bool((_compared(sides.cohort, cohort, max(month, base), options) & sides.there).any()) for cohort, month, base in estimable]
    notes = (*usable.notes, *_notes_on_dropped(sum(free) - len(estimated), len(free) - sum(free)))
    counts = np.array([usable.workers[eligible & (usable.cohort == term.cohort)].sum() for term in terms])
    return Estimate(INFO, usable, options, terms, contrasts, cluster_errors(usable, contrasts), notes, counts=counts)


def _eligible(design: Design) -> Bools:
    """Read who is eligible; shape (units,)."""
    if "eligible" not in design.traits:
        raise DesignError(
            "triple difference: it is not known who is eligible.\nFound no `eligible` among what is known of units.\nName the column of eligibility."
        )
    values = np.asarray(design.traits["eligible"], dtype=float)
    other = ~np.isin(values, (0.0, 1.0))
    if other.any():
        raise DesignError(
            f"triple difference: eligibility must be 1 for the eligible and 0 for others.\nFound {values[other][0]:g} for {workers_in_words(design, other).en}.\n"
            "Mend the column, or make it from the score that decides."
        )
    eligible = np.asarray(values == 1.0)
    if eligible.all() or not eligible.any():
        raise DesignError(
            f"triple difference: eligible and ineligible workers are compared.\nFound {workers_in_words(design, eligible).en} eligible, "
            f"{workers_in_words(design, ~eligible).en} not.\nWithout both sides, use the estimator att_gt."
        )
    return eligible


def _base(design: Design, cohort: int, month: int, options: Options) -> int | None:
    """Give the base month of an effect; None where the effect is not defined, or is nothing by construction."""
    base = base_month(design, cohort, month, options.base, options.anticipation)
    return None if base == month else base


def _sides(design: Design, eligible: Bools) -> _Sides:
    cohorts = np.array([*design.cohorts, np.inf])
    place = np.searchsorted(cohorts, np.where(np.isnan(design.cohort), np.inf, design.cohort))
    return _Sides(cohorts, group_means(design, place + len(cohorts) * eligible, 2 * len(cohorts)))


def _att(design: Design, sides: _Sides, cohort: int, month: int, base: int, options: Options) -> tuple[Term, Contrast] | None:
    """Estimate one effect; None where a side of it is not seen in a month that it needs."""
    at, before = design.place(month), design.place(base)
    weight = sides.weight(before, at)
    seen: Bools = np.asarray((weight > 0).all(axis=0))
    own = int(np.searchsorted(sides.cohort, cohort))
    compared = seen & _compared(sides.cohort, cohort, max(month, base), options)
    if not (seen[own] and compared.any()):
        return None
    share = _shares(weight, compared)
    share[own] = -1.0
    coefficients = np.zeros_like(sides.means.mean)
    coefficients[:, at] = np.concatenate([share, -share])
    coefficients[:, before] = -coefficients[:, at]
    workers = float(design.rows[sides.means.group == len(seen) + own, at].sum())
    term = Term(f"att({design.label(cohort)}, {design.label(month)})", cohort, month, month - cohort, workers)
    return term, sides.means.contrast(coefficients)


def _compared(cohorts: Floats, cohort: int, last: int, options: Options) -> Bools:
    """Say which groups are not covered up to a month: the never covered, and with `not_yet` later cohorts; shape (G,)."""
    if options.comparison == "never":
        return np.isinf(cohorts)
    return np.asarray((cohorts > last + options.anticipation) & (cohorts != cohort))


def _shares(weight: Floats, compared: Bools) -> Floats:
    """Let each group compared count by the inverse of the variance of its gap where all workers vary alike; sums to one; shape (G,)."""
    precision: Floats = np.zeros(weight.shape[1])
    precision[compared] = 1 / (1 / weight[:, compared]).sum(axis=0)
    return np.asarray(precision / precision.sum())


def _notes_on_dropped(unseen: int, alone: int) -> list[Text]:
    """Say how many effects lack a side that is seen, and how many lack anybody who is not covered."""
    side = note_on(
        unseen,
        "{count} effect left out: eligible and ineligible are not both seen, among covered and compared, in the months it needs",
        "{count} effects left out: eligible and ineligible are not both seen, among covered and compared, in the months they need",
        "{count}个效应未估计：所需月份中，受覆盖者或比较对象缺少符合条件者或不符合条件者",
    )
    nobody = note_on(
        alone,
        "{count} effect left out: in its month everybody is covered, and nobody is left to compare with",
        "{count} effects left out: in their months everybody is covered, and nobody is left to compare with",
        "{count}个效应未估计：当期所有人均已受覆盖，没有可比较者",
    )
    return [*side, *nobody]
