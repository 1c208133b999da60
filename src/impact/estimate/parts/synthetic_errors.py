"""How certain a synthetic estimate is: placebos, leave-one-out, bootstrap, by clusters of units.

Source: Arkhangelsky et al. (2021), algorithms 2-4, with their conventions in R `synthdid` 0.0.9: ridges stay as they are, the jackknife holds the
weights fixed and brings them back to one, errors of placebos and bootstrap are spreads over their number. With placebos, p-values and intervals go by rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations
from math import comb, perm

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.estimate.parts.synthetic import Block, Cast, Places, Plan, Weights, effects, fit_weights, means_of
from impact.infer.replicates import Method, replicate_errors
from impact.moments.moments import Floats
from impact.results import Errors, Replicates
from impact.text import Text

_ENOUGH = 10
"""Covered clusters from which on leave-one-out is trusted; below, placebos where there are enough never covered."""
_ZH = {"placebo": "安慰剂法", "jackknife": "刀切法", "bootstrap": "自助法"}
_LEFT = 1e-9
"""A share of unit weights below this is nothing to bring back to one."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything that errors are made from."""

    design: Design
    plan: Plan
    blocks: Sequence[Block]
    casts: Sequence[Cast]
    weights: Sequence[Weights]
    contrasts: Sequence[Contrast]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of units by what happens in them."""

    units: Sequence[Places]
    """Units of each cluster."""
    cohort: Floats
    """Cohort of each cluster; missing where it is never covered, infinite where it is mixed."""

    @property
    def never(self) -> Places:
        """Clusters that are never covered."""
        return np.flatnonzero(np.isnan(self.cohort))

    @property
    def covered(self) -> Places:
        """Clusters that hold a covered unit."""
        return np.flatnonzero(~np.isnan(self.cohort))


def errors_of(fitted: Fitted) -> tuple[Errors, list[Text]]:
    """Take errors as the plan says, and say how.

    Raises EstimationError where a way is asked for that the units do not allow.
    """
    clusters = clusters_of(fitted.design)
    method = fitted.plan.errors
    if method == "chosen":
        method = _chosen(fitted, clusters)
    elif method == "placebo":
        _require_placebos(fitted, clusters)
    make: dict[Method, Callable[[Fitted, Clusters], Replicates]] = {"placebo": placebos, "jackknife": jackknife, "bootstrap": bootstrap}
    replicates = make[method](fitted, clusters)
    errors = replicate_errors(fitted.design, fitted.contrasts, method, replicates)
    return errors, [_note(method, replicates, clusters)]


def clusters_of(design: Design) -> Clusters:
    """Group units by their cluster, in an order that neither names nor effects enter: by how far outcomes stray from means of units and months."""
    _, place = np.unique(np.asarray(design.cluster), return_inverse=True)
    units = [np.flatnonzero(place == cluster) for cluster in range(int(place.max()) + 1)]
    means = means_of(design)
    centred = means - means.mean(axis=1, keepdims=True)
    stray = ((centred - centred[np.isnan(design.cohort)].mean(axis=0)) ** 2).sum(axis=1)
    order = np.argsort([float(stray[members].sum()) for members in units], kind="stable")
    ordered = [units[cluster] for cluster in order]
    return Clusters(ordered, np.array([_cohort(design.cohort[members]) for members in ordered]))


def placebos(fitted: Fitted, clusters: Clusters) -> Replicates:
    """Let never covered clusters stand in for the covered ones, cohort by cohort: every choice of them, or `draws` at random."""
    cohorts = np.sort(clusters.cohort[clusters.covered])
    values = [_placebo(fitted, clusters, cohorts, chosen) for chosen in _assignments(clusters.never, cohorts, fitted.plan)]
    return Replicates(np.array(values), None)


def jackknife(fitted: Fitted, clusters: Clusters) -> Replicates:
    """Leave each cluster out in turn, with weights held fixed and brought back to one.

    Terms are missing where a cluster holds all that is covered, or all weight of the compared.
    """
    design, means = fitted.design, means_of(fitted.design)
    stays = np.ones((len(clusters.units), len(design.units)))
    for place, members in enumerate(clusters.units):
        stays[place, members] = 0.0
    parts = [
        _without(stays, means - (means[:, block.before] @ weights.months)[:, None], cast, weights)
        for block, cast, weights in zip(fitted.blocks, fitted.casts, fitted.weights, strict=True)
    ]
    values = np.hstack(parts)
    whole: Bools = np.asarray(np.isnan(values).any(axis=1))
    counted = np.where(whole[:, None], design.workers, design.workers * stays)
    return Replicates(values, counted)


def bootstrap(fitted: Fitted, clusters: Clusters) -> Replicates:
    """Draw clusters with replacement, and choose the weights again; draws without anybody to compare are drawn again.

    Everything is missing where a cohort is one cluster: draws with it twice say nothing about how such clusters differ.
    """
    generator = np.random.default_rng(fitted.plan.seed)
    design, means = fitted.design, means_of(fitted.design)
    if _fewest_covered(fitted, clusters) < 2:
        return Replicates(np.full((1, len(fitted.contrasts)), np.nan), None)
    values: list[Floats] = []
    counted: list[Floats] = []
    while len(values) < fitted.plan.draws:
        drawn = generator.integers(0, len(clusters.units), len(clusters.units))
        units = np.sort(np.concatenate([clusters.units[cluster] for cluster in drawn]))
        never: Bools = np.asarray(np.isnan(design.cohort[units]))
        if never.all() or not never.any():
            continue
        values.append(np.concatenate([_resampled(fitted, block, means, units) for block in fitted.blocks]))
        counted.append(design.workers * np.bincount(units, minlength=len(design.units)))
    return Replicates(np.array(values), np.array(counted))


def _chosen(fitted: Fitted, clusters: Clusters) -> Method:
    """Choose by the number of covered clusters: placebos below ten where the never covered are more, else leave-one-out where it exists."""
    few = len(clusters.covered) < _ENOUGH or _fewest_covered(fitted, clusters) < 2
    return "placebo" if few and _placebos_exist(clusters) else "jackknife"


def _fewest_covered(fitted: Fitted, clusters: Clusters) -> int:
    """Count the clusters of the cohort that has fewest."""
    cohort = fitted.design.cohort
    return min(sum(bool((cohort[members] == block.cohort).any()) for members in clusters.units) for block in fitted.blocks)


def _placebos_exist(clusters: Clusters) -> bool:
    return bool(np.isfinite(clusters.cohort[clusters.covered]).all()) and len(clusters.never) > len(clusters.covered)


def _require_placebos(fitted: Fitted, clusters: Clusters) -> None:
    if not _placebos_exist(clusters):
        raise EstimationError(
            f"errors `placebo`: the never covered cannot stand in for the covered.\nFound {len(clusters.covered)} covered and {len(clusters.never)} never covered "
            f"clusters by {fitted.design.cluster_level}, {int(np.isinf(clusters.cohort).sum())} of the covered with units of several cohorts.\n"
            "Placebos need more never covered clusters than covered ones, each of one cohort; cluster by the unit, or ask for errors `jackknife`."
        )


def _assignments(never: Places, cohorts: Floats, plan: Plan) -> Iterator[Sequence[int]]:
    """Give the never covered clusters that stand in, in the order of the cohorts that they stand in for."""
    one_cohort = len(np.unique(cohorts)) == 1
    count = comb(len(never), len(cohorts)) if one_cohort else perm(len(never), len(cohorts))
    if count <= max(plan.draws, len(never)):
        yield from (combinations if one_cohort else permutations)(never.tolist(), len(cohorts))
        return
    generator = np.random.default_rng(plan.seed)
    yield from islice(iter(lambda: generator.permutation(never)[: len(cohorts)].tolist(), None), plan.draws)


def _placebo(fitted: Fitted, clusters: Clusters, cohorts: Floats, chosen: Sequence[int]) -> Floats:
    """Estimate every block with stand-ins, and the never covered that are left to compare with."""
    means = means_of(fitted.design)
    never = np.sort(np.concatenate([clusters.units[cluster] for cluster in np.setdiff1d(clusters.never, chosen)]))
    values = []
    for block in fitted.blocks:
        stand_ins = [clusters.units[cluster] for cluster, cohort in zip(chosen, cohorts, strict=True) if cohort == block.cohort]
        values.append(_again(fitted, block, means, np.sort(np.concatenate(stand_ins)), never))
    return np.concatenate(values)


def _resampled(fitted: Fitted, block: Block, means: Floats, units: Places) -> Floats:
    cohort = fitted.design.cohort[units]
    covered = units[cohort == block.cohort]
    return _again(fitted, block, means, covered, units[np.isnan(cohort)]) if len(covered) else np.full(means.shape[1], np.nan)


def _again(fitted: Fitted, block: Block, means: Floats, covered: Places, compared: Places) -> Floats:
    counts = fitted.design.workers[covered]
    cast = Cast(covered, counts / counts.sum(), compared)
    return effects(block, means, cast, fit_weights(block, fitted.plan, means, cast))


def _without(stays: Floats, changes: Floats, cast: Cast, weights: Weights) -> Floats:
    """Give a block's effects without each cluster; `stays` has shape (clusters, units)."""
    share, omega = stays[:, cast.covered] * cast.share, stays[:, cast.compared] * weights.units
    left, held = share.sum(axis=1, keepdims=True), omega.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = share @ changes[cast.covered] / left - omega @ changes[cast.compared] / held
    return np.asarray(np.where((left > _LEFT) & (held > _LEFT), found, np.nan))


def _cohort(cohort: Floats) -> float:
    """Say when the covered units of a cluster are covered; never covered units beside them make no difference."""
    when = np.unique(cohort[~np.isnan(cohort)])
    if len(when) == 0:
        return float("nan")
    return float(when[0]) if len(when) == 1 else float("inf")


def _note(method: Method, replicates: Replicates, clusters: Clusters) -> Text:
    count = len(replicates.values)
    if np.isnan(replicates.values).all() or (method == "jackknife" and np.isnan(replicates.values).any()):
        return Text(
            f"some or all effects have no error: {method} needs two covered clusters in each cohort, and placebos more never covered clusters than covered "
            f"ones; there are {len(clusters.covered)} covered and {len(clusters.never)} never covered",
            f"部分或全部效应没有误差：{_ZH[method]}要求每个组群至少有两个受覆盖聚类，安慰剂法要求从未受覆盖的聚类多于受覆盖者；"
            f"现有{len(clusters.covered)}个受覆盖、{len(clusters.never)}个从未受覆盖的聚类",
        )
    if method == "placebo":
        floor = 1 / (1 + count)
        return Text(
            f"errors by {count:,} placebos, in which never covered clusters stand in for the covered: no p-value can be below {floor:.2g}",
            f"误差由{count:,}次安慰剂估计得出，即以从未受覆盖的聚类代替受覆盖者：p值不可能低于{floor:.2g}",
        )
    if method == "bootstrap":
        return Text(f"errors by bootstrap over clusters, {count:,} draws", f"误差由聚类自助法得出，共{count:,}次抽样")
    return Text(
        f"errors by leaving out one of {count:,} clusters at a time, with the weights held (jackknife)",
        f"误差由刀切法得出：权重不变，逐一剔除{count:,}个聚类",
    )
