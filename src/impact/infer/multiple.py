"""Several outcomes asked at once: p-values that hold for the family, from the same random multipliers for every outcome.

Source: Romano and Wolf (2005), doi:10.1198/016214504000000539, stepdown with the p-values of Romano and Wolf (2016), doi:10.1016/j.spl.2016.02.012.
        Clusters keep their multiplier over all outcomes, so that what moves together is not paid for twice. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.errors import EstimationError
from impact.infer.aggregate import By, Window
from impact.infer.inference import cluster_places, require_clusters, statistics_at
from impact.infer.means import Parts, parts_of
from impact.infer.wild import Options, draw_multipliers, restricted_draws, smallest_p_value
from impact.moments.moments import Floats
from impact.results import Estimate


@dataclass(frozen=True, slots=True)
class Family:
    """Hypotheses tested together; arrays have one entry per hypothesis, in the order given."""

    names: tuple[str, ...]
    """`outcome: term`."""
    statistic: Floats
    """t of each; missing where a term has no error."""
    p_value: Floats
    """By itself, from the same draws."""
    adjusted_p_value: Floats
    """For the family: the chance that any true hypothesis is rejected stays below it."""
    floor: float
    draws: int


def romano_wolf(estimates: Sequence[Estimate], by: By = "none", window: Window = Window(), options: Options = Options()) -> Family:
    """Adjust the p-values of all terms of several estimates, averaged `by`, each tested by the restricted wild bootstrap.

    `estimates` hold effects before they are averaged; clusters are matched by name. Raises EstimationError where there is nothing to adjust, or errors do not
    come from clusters of units.
    """
    if not estimates:
        raise EstimationError("inference `romano_wolf`: there is no family.\nFound no estimate.\nName the secondary outcomes.")
    for estimate in estimates:
        require_clusters(estimate, "romano_wolf")
    names = sorted({name for estimate in estimates for name in estimate.design.cluster})
    weights, complete = draw_multipliers(len(names), options)
    families = [parts_of(estimate, by, window) for estimate in estimates]
    sizes = np.hstack([_sizes(parts, weights[:, np.searchsorted(names, cluster_places(parts.aggregate.design)[0])]) for parts in families])
    statistic = np.concatenate([_statistic(parts.aggregate) for parts in families])
    return Family(
        names=tuple(f"{parts.aggregate.design.outcome}: {term.name}" for parts in families for term in parts.aggregate.terms),
        statistic=statistic,
        p_value=np.array([_rank(sizes[:, place], statistic[place], complete) for place in range(len(statistic))]),
        adjusted_p_value=stepdown(sizes, statistic, complete),
        floor=smallest_p_value(len(weights), complete),
        draws=len(weights),
    )


def stepdown(sizes: Floats, statistic: Floats, complete: bool = False) -> Floats:
    """Hold each |t| against the largest |t| among the hypotheses not larger than it; `sizes` has shape (draws, hypotheses).

    Adjusted p-values never fall from a larger |t| to a smaller one.
    """
    adjusted, least = np.full(len(statistic), np.nan), 0.0
    known = np.flatnonzero(np.isfinite(statistic))
    order = known[np.argsort(-np.abs(statistic[known]), kind="stable")]
    for step, place in enumerate(order):
        least = max(least, _rank(sizes[:, order[step:]].max(axis=1), statistic[place], complete))
        adjusted[place] = least
    return adjusted


def _rank(sizes: Floats, statistic: float, complete: bool) -> float:
    """Give the share of draws at least as large; sampled draws count the actual one with them."""
    if not np.isfinite(statistic):
        return float("nan")
    found = int(np.count_nonzero(sizes >= abs(statistic) * (1 - 1e-9)))
    return found / len(sizes) if complete else (1 + found) / (1 + len(sizes))


def _statistic(estimate: Estimate) -> Floats:
    return np.asarray(estimate.values / estimate.errors.std_error * estimate.correction**0.5)


def _sizes(parts: Parts, weights: Floats) -> Floats:
    """Give |t| of every term in every draw, each with its own null imposed; shape (draws, terms)."""
    values = parts.aggregate.values
    return np.column_stack([np.abs(statistics_at(restricted_draws(parts, place, weights), value)) for place, value in enumerate(values)])
