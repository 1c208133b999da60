"""Regressions of long differences on coming under coverage, with an effect of every month of coming: what local projections are made of.

A question asks for the mean of the outcome over some months after (or before) coverage, less the base month. Its sample are, for each cohort, the cohort and
the units that are not covered yet in the last of these months, all seen in every month needed. The regression has one coefficient and a constant for each
cohort's sample, so that all there is to it are four numbers a cohort: what the covered and the compared weigh, and how much they change. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import SpanContrast
from impact.design.design import Bools, Design
from impact.estimate.parts.cohorts import Comparison, base_month, cohorts_seen, not_covered
from impact.moments.moments import Floats

Places = NDArray[np.intp]
Question = tuple[int, ...]
"""Event times whose mean is asked for."""
_UNSEEN = 1e200
"""Stands for the inverse of the weight of a unit that is not seen, as a product of zero and infinity is no number."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a cohort brings to the questions that can be asked of it; U units, K questions."""

    units: Places
    """Those in the cohort or compared with it; shape (U,)."""
    questions: Places
    """Shape (K,)."""
    months: Floats
    """What each month counts in the outcome of each question, of shape (S, K)."""
    base: int
    """Place of the base month."""
    covered: Bools
    """Of the cohort itself; shape (U, 1)."""
    size: Floats
    """What a unit counts: the inverse of the sum of its inverse weights in the months needed, zero outside the sample; shape (U, K)."""
    change: Floats
    """Of the unit's mean outcome since the base; shape (U, K)."""


@dataclass(frozen=True, slots=True)
class LongDifferences:
    """Fitted regressions, one a question; it is the span of their coefficients. G cohorts, K questions, U units, S months."""

    design: Design
    questions: tuple[Question, ...]
    comparison: Comparison
    anticipation: int
    cohorts: tuple[int, ...]
    factor: Floats
    """What an observation of a cohort's sample counts, divided by the variation of coverage over all samples; shape (G, K)."""
    share: Floats
    """Of the covered in each sample; shape (G, K)."""
    constant: Floats
    """Of each sample; shape (G, K)."""
    coefficients: Floats
    """Zero where the question cannot be asked of any cohort; shape (K,)."""
    counts: Floats
    """What each cohort counts in each coefficient; columns sum to one where the question can be asked; shape (G, K)."""
    workers: Floats
    """Covered workers behind each; shape (K,)."""
    influence: Floats
    """Influence of the workers of each unit; shape (U, K)."""
    used: Bools
    """Shape (U,)."""
    sizes: Floats
    """A bound on Σ |a × total|; shape (K,)."""

    @property
    def known(self) -> Places:
        """Places of the questions that can be asked of some cohort."""
        return np.flatnonzero(self.counts.any(axis=0))

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of coefficients; shape (U, S)."""
        return self._arrays(weights)[0]

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self._arrays(weights)[1]

    def contrast(self, place: int) -> SpanContrast:
        """Give one coefficient."""
        count, units = len(self.coefficients), len(self.design.units)
        return SpanContrast(float(self.coefficients[place]), np.eye(1, count, place)[0], self, np.zeros(units))

    def _arrays(self, weights: Floats) -> tuple[Floats, Floats]:
        """Spread what each unit counts over the months of the question and the base, per unit of weight there."""
        asked = np.flatnonzero(weights)
        mean, inverse = _means(self.design), _inverse(self.design.weight)
        a, b = np.zeros_like(self.design.total), np.zeros_like(self.design.total)
        for place, sample in enumerate(
            _samples(self.design, [self.questions[one] for one in asked], self.cohorts, self.comparison, self.anticipation)
        ):
            chosen, units = asked[sample.questions], sample.units
            loads, expected = _loads(
                sample, self.factor[place, chosen], self.share[place, chosen], self.constant[place, chosen], self.coefficients[chosen]
            )
            loads = weights[chosen] * loads
            after = inverse[units] * (loads @ sample.months.T)
            a[units] += after
            b[units] += after * mean[units, sample.base][:, None] + inverse[units] * ((loads * expected) @ sample.months.T)
            before = inverse[units, sample.base] * loads.sum(axis=1)
            a[units, sample.base] -= before
            b[units, sample.base] -= before * mean[units, sample.base]
        return a, b


def long_differences(
    design: Design, questions: Sequence[Question], comparison: Comparison, anticipation: int, equal: bool
) -> LongDifferences:
    """Regress long differences on coverage, one regression a question.

    Cohorts count by how much coverage varies in their samples, as least squares has it; with `equal`, by their covered workers.
    """
    cohorts = tuple(cohort for cohort in cohorts_seen(design) if base_month(design, cohort, cohort, "universal", anticipation) is not None)
    asked = tuple(questions)
    covered, compared, change, change_compared, workers = _sums(design, asked, cohorts, comparison, anticipation)
    whole = covered + compared
    varies = _ratio(covered * compared, whole)
    weight = covered * (compared > 0) if equal else varies
    counts = _ratio(weight, weight.sum(axis=0))
    coefficients = (counts * (change - change_compared)).sum(axis=0)
    factor = _ratio(counts, varies)
    share = _ratio(covered, whole)
    constant = _ratio(covered * (change - coefficients) + compared * change_compared, whole)
    influence, sizes = np.zeros((len(design.units), len(asked))), np.zeros(len(asked))
    used = np.zeros(len(design.units), dtype=bool)
    mean = np.abs(_means(design))
    for place, sample in enumerate(_samples(design, asked, cohorts, comparison, anticipation)):
        chosen, units = sample.questions, sample.units
        loads, expected = _loads(sample, factor[place, chosen], share[place, chosen], constant[place, chosen], coefficients[chosen])
        influence[np.ix_(units, chosen)] += loads * (sample.change - expected)
        sizes[chosen] += (np.abs(loads) * (mean[units] @ sample.months + mean[units, sample.base][:, None])).sum(axis=0)
        used[units] |= loads.any(axis=1)
    return LongDifferences(
        design, asked, comparison, anticipation, cohorts, factor, share, constant, coefficients, counts, workers, influence, used, sizes
    )


def _loads(sample: _Sample, factor: Floats, share: Floats, constant: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """Give what each unit counts in each coefficient, and the change that is expected of it; both of shape (U, K)."""
    return factor * sample.size * (sample.covered - share), constant + sample.covered * coefficients


def _sums(
    design: Design, questions: tuple[Question, ...], cohorts: tuple[int, ...], comparison: Comparison, anticipation: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Give what the covered and the compared of each cohort's sample weigh, their mean changes, and the covered workers of each question."""
    covered, compared, change, change_compared = np.zeros((4, len(cohorts), len(questions)))
    workers = np.zeros(len(questions))
    for place, sample in enumerate(_samples(design, questions, cohorts, comparison, anticipation)):
        chosen, own = sample.questions, sample.covered[:, 0]
        moved = sample.size * sample.change
        for side, weight, changed in ((own, covered, change), (~own, compared, change_compared)):
            weight[place, chosen] = sample.size[side].sum(axis=0)
            changed[place, chosen] = _ratio(moved[side].sum(axis=0), weight[place, chosen])
        seen = (sample.size[own] > 0) * (design.rows[sample.units[own]] @ sample.months)
        workers[chosen] += np.where(compared[place, chosen] > 0, seen.sum(axis=0), 0.0)
    return covered, compared, change, change_compared, workers


def _samples(
    design: Design, questions: Sequence[Question], cohorts: tuple[int, ...], comparison: Comparison, anticipation: int
) -> Iterator[_Sample]:
    """Gather the sample of every cohort, for all questions at once."""
    mean = _means(design)
    inverse = np.where(design.seen, _inverse(design.weight), _UNSEEN)
    for cohort in cohorts:
        base = base_month(design, cohort, cohort, "universal", anticipation)
        assert base is not None
        at, (places, months) = design.place(base), _months(design, cohort, questions)
        last = np.array([cohort + max(questions[place]) for place in places], dtype=np.intp)
        units = np.flatnonzero(
            design.seen[:, at] & ((design.cohort == cohort) | not_covered(design, cohort, base, comparison, anticipation))
        )
        first_covered = design.cohort[units, None]
        covered = first_covered == cohort
        inside = covered | np.isnan(first_covered) | (first_covered > last + anticipation)
        needed = inverse[units, at][:, None] + inverse[units] @ (months > 0)
        size = np.where(inside & (needed < _UNSEEN), 1 / needed, 0.0)
        yield _Sample(units, places, months, at, covered, size, mean[units] @ months - mean[units, at][:, None])


def _months(design: Design, cohort: int, questions: Sequence[Question]) -> tuple[Places, Floats]:
    """Find the questions whose months are all seen, and lay these out over months."""
    place = {month: at for at, month in enumerate(design.months)}
    found = [one for one, question in enumerate(questions) if all(cohort + event_time in place for event_time in question)]
    laid = np.zeros((len(design.months), len(found)))
    for column, one in enumerate(found):
        laid[[place[cohort + event_time] for event_time in questions[one]], column] = 1 / len(questions[one])
    return np.array(found, dtype=np.intp), laid


def _means(design: Design) -> Floats:
    return np.asarray(design.total * _inverse(design.weight))


def _inverse(weight: Floats) -> Floats:
    """Divide one by weights; zero where nobody is seen."""
    return np.asarray(np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Divide, and give zero where there is nothing."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0))
