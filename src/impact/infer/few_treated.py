"""One or a few covered clusters among many that are not: the spread of the others stands for theirs.

Assumes: but for coverage, covered clusters stray from the path of the never covered as these do among themselves; with `ferman_pinto`, once the sizes of
         clusters are allowed for.
Source:  Conley and Taber (2011), doi:10.1162/REST_a_00049; Ferman and Pinto (2019), doi:10.1162/rest_a_00759.

What a covered cluster adds to the error of a contrast is Σ_s α_s e_s: its weights α over months, and how far its means stray, e. Each never covered cluster
lends its e, taken from the mean of the other never covered, to the weights α of each covered one. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

import numpy as np

from impact import settings
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.infer.cluster import over_clusters
from impact.infer.inference import Inference, cluster_places, require_clusters
from impact.infer.means import by_kind
from impact.moments.moments import Floats
from impact.results import Estimate, placebo_reach
from impact.text import Text

Variances = Literal["conley_taber", "ferman_pinto"]
_GRIDS, _POINTS = 4, 41
"""Each grid is twenty times as fine as the one before."""
_LEAST = 1e-3
"""Of the mean variance: none is taken for less, so that one cluster that happens to lie at zero does not rule."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the spread of the never covered is carried over."""

    variances: Variances = "ferman_pinto"
    """`conley_taber`: all clusters vary alike; `ferman_pinto`: variance is a part common to all plus a part that falls with the workers of the cluster."""
    draws: int = settings.WILD_DRAWS
    """Draws of never covered clusters for the covered ones; all choices are used instead where they are no more."""
    seed: int = settings.SEED
    """Seed of the draws."""


@dataclass(frozen=True, slots=True)
class _Clusters:
    """Means of clusters, and who can lend; C clusters, S months of each kind of unit that is compared within."""

    rows: Floats
    """Shape (C, S)."""
    stray: Floats
    """How far the mean of a never covered cluster is from that of the others; missing where nobody is seen; shape (J, S)."""
    never: Bools
    covered: Bools


def few_treated(estimate: Estimate, options: Options = Options(), level: float = settings.LEVEL) -> Inference:
    """Test each term against what the never covered clusters would add to it, and give the interval of all effects that are not rejected.

    Raises EstimationError where fewer than two clusters are never covered in whole.
    """
    require_clusters(estimate, options.variances)
    clusters = _clusters(estimate)
    rows, used = [], []
    for contrast in estimate.contrasts:
        weights = _weights(estimate.design, contrast.a)
        drawn = _in_common(clusters, weights) * _drawn(_lent(clusters, weights, options), options)
        used.append(len(drawn))
        rows.append(_read_off(contrast.value, drawn, level) if len(drawn) > 1 else (np.nan,) * 4)
    error, p_value, low, high = (np.array(column) for column in zip(*rows, strict=True))
    draws = [count for count in used if count > 1] or [0]
    floor = 1 / (1 + max(draws))
    return Inference(
        method=options.variances,
        terms=tuple(term.name for term in estimate.terms),
        estimate=estimate.values,
        std_error=error,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        level=level,
        floor=floor,
        draws=min(draws),
        notes=_notes(clusters, floor),
    )


def _clusters(estimate: Estimate) -> _Clusters:
    design = estimate.design
    names, place = cluster_places(design)
    ever = ~np.isnan(design.cohort)
    covered = np.bincount(place[ever], minlength=len(names)) > 0
    if (~covered).sum() < 2:
        raise EstimationError(
            f"inference with few covered clusters: the spread of clusters by {design.cluster_level} is not known.\n"
            f"Found {(~covered).sum()} never covered cluster{'s' if (~covered).sum() != 1 else ''}, {covered.sum()} covered.\nAdd clusters that are never covered."
        )
    # What a covered cluster adds comes from its covered units alone; never covered ones beside them would make it look larger.
    own = design.rows * (ever | ~covered[place])[:, None]
    total, weight, rows = (over_clusters(place, by_kind(design, array)) for array in (design.total, design.weight, own))
    return _Clusters(rows, _stray(total[~covered], weight[~covered]), ~covered, covered)


def _stray(total: Floats, weight: Floats) -> Floats:
    """Take the mean of the others from each mean, as a covered cluster is held against clusters that it is not one of."""
    others = weight.sum(axis=0) - weight
    usable = (weight > 0) & (others > 1e-12 * weight)
    own = np.divide(total, weight, out=np.full_like(total, np.nan), where=usable)
    rest = np.divide(total.sum(axis=0) - total, others, out=np.full_like(total, np.nan), where=usable)
    return np.asarray(own - rest)


def _weights(design: Design, a: Floats) -> Floats:
    """Give the weights of the means of clusters through their ever covered units; shape (C, S)."""
    _, place = cluster_places(design)
    ever = ~np.isnan(design.cohort)
    return over_clusters(place[ever], by_kind(design, a * design.weight)[ever], int(place.max()) + 1)


def _lent(clusters: _Clusters, weights: Floats, options: Options) -> list[Floats]:
    """Give, for each covered cluster with weight, what each never covered cluster would add in its stead; those unseen in a month it needs are left out."""
    lent = []
    for cluster in np.flatnonzero(weights.any(axis=1)):
        path, months = weights[cluster], weights[cluster] != 0
        added = clusters.stray[:, months] @ path[months]
        able = np.isfinite(added)
        added = added[able]
        if options.variances == "ferman_pinto" and len(added) > 1:
            lenders = clusters.rows[clusters.never][able][:, months]
            added = added * _scale(path[months], added, lenders, clusters.rows[cluster, months])
        lent.append(added)
    return lent


def _in_common(clusters: _Clusters, weights: Floats) -> float:
    """Give the factor for what covered clusters have in common: the error of the mean that they are all held against.

    Each lender brings that error once, so that draws hold Σ_c |α_c|² (1 + 1/J), and the estimate varies by Σ_c |α_c|² + |Σ_c α_c|² / J; J is the number of never
    covered clusters, or what they are worth where they are unequal. One for a single covered cluster.
    """
    own, together = float((weights**2).sum()), float((weights.sum(axis=0) ** 2).sum())
    rows = clusters.rows[clusters.never].sum(axis=1)
    part = float((rows**2).sum() / rows.sum() ** 2)
    return float(np.sqrt((own + together * part) / (own * (1 + part)))) if own > 0 else 1.0


def _scale(path: Floats, added: Floats, lenders: Floats, own: Floats) -> Floats:
    """Give the factors that bring each lender's spread to that of the covered cluster: Var = A·Σα² + B·Σα²/n, with A and B not negative."""
    common = float((path**2).sum())
    by_size = (path**2 / np.maximum(lenders, 1)).sum(axis=1)
    unit = by_size.mean()
    whole, part = _variances(by_size / unit, added**2)
    fitted = whole + part * by_size / unit
    asked = whole + part * float((path**2 / np.maximum(own, 1)).sum()) / unit
    return np.asarray(np.sqrt(asked / fitted)) if common > 0 and (fitted > 0).all() else np.ones_like(added)


def _variances(by_size: Floats, squares: Floats) -> tuple[float, float]:
    """Fit the expected square as A + B × `by_size` by the likelihood of the normal, with A and B not negative.

    Squares spread as much as they are large, so that least squares would listen to the smallest clusters only. For a given part ρ that goes with size the
    scale is a mean; ρ is sought on ever finer grids.
    """
    low, high = 0.0, 1.0
    for _ in range(_GRIDS):
        parts = np.linspace(low, high, _POINTS)
        shape = np.maximum(1 - parts[:, None] + parts[:, None] * by_size, _LEAST)
        scale = (squares / shape).mean(axis=1)
        best = int(np.argmin(np.log(scale) + np.log(shape).mean(axis=1)))
        low, high = parts[max(best - 1, 0)], parts[min(best + 1, _POINTS - 1)]
    return float(scale[best] * (1 - parts[best])), float(scale[best] * parts[best])


def _drawn(lent: list[Floats], options: Options) -> Floats:
    """Add up lenders for all covered clusters: every choice of them, or draws with replacement."""
    if not lent or min(len(added) for added in lent) == 0:
        return np.zeros(0)
    choices = prod(float(len(added)) for added in lent)  # of floats: too many to count are infinitely many
    if choices <= options.draws:
        return np.array([sum(chosen) for chosen in _choices(lent)])
    generator = np.random.default_rng(options.seed)
    return np.asarray(sum(generator.choice(added, options.draws) for added in lent))


def _choices(lent: list[Floats]) -> Iterator[tuple[float, ...]]:
    yield from product(*(added.tolist() for added in lent))


def _read_off(value: float, drawn: Floats, level: float) -> tuple[float, float, float, float]:
    """Give the spread, the p-value by rank with the estimate counted, and the interval of what ranks would not reject."""
    sizes = np.abs(drawn)
    reach = float(placebo_reach(sizes, level))
    as_large = np.count_nonzero(sizes >= abs(value) * (1 - 1e-9))
    return float(np.sqrt((drawn**2).mean())), (1 + as_large) / (1 + len(drawn)), value - reach, value + reach


def _notes(clusters: _Clusters, floor: float) -> tuple[Text, ...]:
    never, covered = int(clusters.never.sum()), int(clusters.covered.sum())
    return (
        Text(
            f"the spread of {never} never covered cluster{'s' if never != 1 else ''} stands for that of {covered} covered: no p-value can be below {floor:.2g}",
            f"以{never}个从未受覆盖聚类的离散程度代替{covered}个受覆盖聚类：p值不可能低于{floor:.2g}",
        ),
    )
