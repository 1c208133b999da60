"""Randomisation inference: what the estimate is when the actual agreements, with their dates, go to other clusters.

Assumes: clusters could as well have been covered in any other order; under the null that the effect is the same known number in every covered month.
Source:  Fisher (1935); MacKinnon and Webb (2020), doi:10.1016/j.jeconom.2020.04.024, for studentising where clusters are of unequal size; Phipson and
         Smyth (2010), doi:10.2202/1544-6115.1585, for p-values that are never zero.

Averages of group-time effects are reassigned at once, from sums of clusters, and keep the shares that the cohorts actually have; any other estimate is fitted
again under every assignment. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from impact import settings
from impact.design.design import Bools, Design
from impact.errors import EstimationError, listing
from impact.infer.aggregate import By, Window
from impact.infer.inference import Draws, Inference, cluster_places, invert, p_value_at, require_clusters
from impact.infer.means import parts_of
from impact.infer.reassigned import Reassigned, Refit, by_means, by_refits
from impact.moments.moments import Floats
from impact.results import Estimate
from impact.text import Text

_CONSTANT = 1e-6
"""How near to one a term must move with a constant effect of one."""


@dataclass(frozen=True, slots=True)
class Options:
    """How agreements are reassigned."""

    draws: int = settings.WILD_DRAWS
    """Assignments drawn at random; all of them are used instead where they are no more."""
    studentised: bool | None = None
    """Compare estimates by their errors, as clusters of unequal size vary unequally. Unless said otherwise, where every cohort has two clusters: a cohort of
    one has no error of its own."""
    always_refit: bool = False
    """Fit again under every assignment also where sums of clusters would do, so that shares of cohorts change with them."""
    seed: int = settings.SEED
    """Seed of the assignments."""


def permutation(
    estimate: Estimate,
    refit: Refit,
    by: By = "none",
    window: Window = Window(),
    options: Options = Options(),
    level: float = settings.LEVEL,
) -> Inference:
    """Test each term against its values under other assignments of the actual cohorts, and turn the tests into intervals for a constant effect.

    `estimate` holds the effects before they are averaged; `refit` fits and averages. Terms that a constant effect of one does not move by one, such as leads,
    have no interval. Raises EstimationError where a cluster holds units of several cohorts, or no other assignment can be estimated.
    """
    require_clusters(estimate, "permutation")
    _require_exchange(estimate)
    actual = cohorts_of_clusters(estimate.design)
    complete = assignment_count(actual) <= options.draws
    assignments = [actual, *(all_assignments(actual) if complete else _sampled(actual, options))]
    parts = parts_of(estimate, by, window)
    found = (None if options.always_refit else by_means(parts, assignments)) or by_refits(parts.aggregate, refit, assignments)
    estimated: Bools = np.asarray(np.isfinite(found.values).all(axis=1))
    used = int(estimated[1:].sum())
    _require_assignments(used, len(assignments) - 1)
    studentised = _varies_in_every_cohort(actual) if options.studentised is None else options.studentised
    rows = [_one_term(found, estimated, place, complete, studentised, level) for place in range(len(parts.aggregate.terms))]
    floor = 1 / used if complete else 1 / (1 + used)
    p_value, low, high = (np.array(column) for column in zip(*rows, strict=True))
    return Inference(
        method="permutation",
        terms=tuple(term.name for term in parts.aggregate.terms),
        estimate=parts.aggregate.values,
        std_error=parts.aggregate.errors.std_error,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        level=level,
        floor=floor,
        draws=used,
        notes=_notes(used, complete, floor, len(assignments) - 1 - used),
    )


def _require_exchange(estimate: Estimate) -> None:
    """Refuse what cannot be given to another cluster, or taken away from covered rows."""
    if "dose" in estimate.design.traits:
        raise EstimationError(
            "inference `permutation`: agreements go to other clusters, and their doses would not go with them.\nFound a dose for each unit.\n"
            "Choose another method."
        )
    if not estimate.info.linear:
        raise EstimationError(
            f"inference `permutation`: it takes effects away from outcomes, in which {estimate.info.name} is not linear.\n"
            "Found a method that rests on that.\nChoose another method."
        )


def cohorts_of_clusters(design: Design) -> Floats:
    """Give the cohort of every cluster, in the order of their names.

    Raises EstimationError where a cluster holds units of several cohorts, so that its agreement cannot be given to another.
    """
    names, place = cluster_places(design)
    spelled = [np.unique(design.cohort[place == cluster]) for cluster in range(len(names))]
    mixed = [name for name, cohorts in zip(names, spelled, strict=True) if len(cohorts) > 1]
    if mixed:
        raise EstimationError(
            f"inference `permutation`: agreements are reassigned by {design.cluster_level}, and some hold units of several cohorts.\n"
            f"Found {len(mixed)}: {listing(mixed)}.\nCluster at the level at which agreements were signed."
        )
    return np.array([cohorts[0] for cohorts in spelled])


def assignment_count(cohorts: Floats) -> int:
    """Count the different ways to give these cohorts to these clusters."""
    left, ways = len(cohorts), []
    for size in np.unique(cohorts, return_counts=True)[1]:
        ways.append(comb(left, int(size)))
        left -= int(size)
    return prod(ways)


def all_assignments(cohorts: Floats) -> Iterator[Floats]:
    """Give every different way to give these cohorts to these clusters, the actual one among them."""
    kinds, counts = np.unique(cohorts, return_counts=True)
    yield from (kinds[list(places)] for places in _arrangements(tuple(counts.tolist())))


def _arrangements(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Give all sequences that hold kind k `counts[k]` times."""
    if sum(counts) == 0:
        yield ()
        return
    for kind, count in enumerate(counts):
        if count:
            rest = (*counts[:kind], count - 1, *counts[kind + 1 :])
            yield from ((kind, *tail) for tail in _arrangements(rest))


def _varies_in_every_cohort(cohorts: Floats) -> bool:
    return bool((np.unique(cohorts[~np.isnan(cohorts)], return_counts=True)[1] > 1).all())


def _sampled(cohorts: Floats, options: Options) -> Iterator[Floats]:
    generator = np.random.default_rng(options.seed)
    yield from (generator.permutation(cohorts) for _ in range(options.draws))


def _require_assignments(used: int, tried: int) -> None:
    if used < 2:
        raise EstimationError(
            f"inference `permutation`: there is nothing to compare the actual agreements with.\n"
            f"Found {used} assignment{'s' if used != 1 else ''} that can be estimated, of {tried}.\nAdd clusters that are never covered."
        )


def _one_term(
    found: Reassigned, estimated: Bools, place: int, complete: bool, studentised: bool, level: float
) -> tuple[float, float, float]:
    """Give p-value and interval of one term; the actual assignment is the first row, and is counted among all where they are all."""
    value, error = float(found.values[0, place]), float(np.sqrt(found.squares[0, place]))
    if not error > 0:
        return float("nan"), float("nan"), float("nan")
    draws = _draws(found, np.flatnonzero(estimated[1:]) + 1, place, complete, studentised)
    p_value = p_value_at(draws, value, value / error if studentised else value)
    if abs(found.slopes[0, place] - 1) > _CONSTANT:
        return p_value, float("nan"), float("nan")
    return p_value, *invert(draws, value, error, level, studentised)


def _draws(found: Reassigned, rows: NDArray[np.intp], place: int, complete: bool, studentised: bool) -> Draws:
    """Write the statistic of every assignment as a function of d = estimate − null: refitting y − null·D is refitting (y − estimate·D) + d·D."""
    value, slope = float(found.values[0, place]), found.slopes[rows, place]
    at_zero = found.values[rows, place] - value * slope
    if not studentised:
        one, none = np.ones_like(slope), np.zeros_like(slope)
        return Draws(at_zero, slope, one, none, none, complete)
    square, cross, moved = found.squares[rows, place], found.crosses[rows, place], found.slope_squares[rows, place]
    return Draws(at_zero, slope, square - 2 * value * cross + value**2 * moved, cross - value * moved, moved, complete)


def _notes(used: int, complete: bool, floor: float, failed: int) -> tuple[Text, ...]:
    how = (
        Text("every assignment of the agreements to clusters", "协议在各聚类间的全部分配方式")
        if complete
        else Text("assignments drawn at random", "随机抽取的分配方式")
    )
    notes = [
        Text(
            f"p-value by permutation over {used:,} assignments ({how.en}): none can be below {floor:.2g}",
            f"p值由{used:,}种分配方式的置换检验得出（{how.zh}）：不可能低于{floor:.2g}",
        )
    ]
    if failed:
        left = "1 assignment left out: it cannot" if failed == 1 else f"{failed:,} assignments left out: they cannot"
        notes.append(Text(f"{left} be estimated", f"{failed:,}种分配方式无法估计，未使用"))
    return tuple(notes)
