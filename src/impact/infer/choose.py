"""Which inference for how many covered clusters: chosen by that number, never by habit.

| clusters on the smaller side | first | beside it | why |
| --- | --- | --- | --- |
| 1 to 9, a date with one cluster, no larger than most | ferman_pinto | permutation | a single cluster has no spread of its own: that of the never covered, brought to its size, stands for it; no t-test |
| 1 to 9, a date with one larger cluster | permutation | ferman_pinto | the never covered vary more than it does, so that permutation errs on the safe side; brought to its size their spread is too small |
| 2 to 9, several at each date | permutation | wild | errors by cluster are too small, and a restricted bootstrap may never reject |
| 10 or more | CR2 | wild | errors by cluster hold once they mind unequal clusters; bands are uniform |
| 10 or more, an estimator that is no difference of means | CR3 | wild | what a cluster weighs there only its absence tells |

Plain permutation takes clusters for exchangeable, which the largest and the smallest are not; estimates are compared by their errors where every date has
several clusters. Covered clusters are usually fewer than those they are compared with; where the never covered are fewer, they are what is scarce, cannot
lend their spread, and agreements are permuted. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact import settings
from impact.design.design import Design
from impact.errors import EstimationError, listing, nearest
from impact.infer import few_treated, jackknife, permutation, small_sample, wild
from impact.infer.aggregate import By, Window, aggregate
from impact.infer.inference import METHODS, Inference, Method, cluster_places
from impact.infer.reassigned import Refit
from impact.results import Estimate
from impact.text import Text

ENOUGH = 10
"""Clusters on the smaller side from which on errors by cluster are trusted, with a small-sample correction."""


@dataclass(frozen=True, slots=True)
class Override:
    """Another method than the number of clusters asks for, and why."""

    method: Method
    reason: Text


@dataclass(frozen=True, slots=True)
class Choice:
    """The method that decides, what is shown beside it, and why."""

    method: Method
    beside: tuple[Method, ...]
    covered_clusters: int
    never_clusters: int
    reason: Text
    """Printed with the result; of an override, the study's own words."""
    overridden: Method | None = None
    """The method by the number of clusters, where a study set it aside."""


def choose(design: Design, override: Override | None = None, of_means: bool = True) -> Choice:
    """Choose by the number of covered clusters, or by that of never covered ones where these are fewer.

    `of_means` says whether effects are differences of means (`Info.of_means`). Raises EstimationError where an override names no method, or gives no reason in both languages.
    """
    covered, never = _cluster_sides(design)
    lone = _lone_date(design) if never >= covered else None
    method, beside = _by_count(min(covered, never) if never else covered, lone, of_means)
    if override is None:
        return Choice(method, beside, covered, never, _reason(method, covered, never))
    _require_reason(override)
    others = tuple(name for name in (method, *beside) if name != override.method)
    return Choice(override.method, others, covered, never, override.reason, None if override.method == method else method)


def infer(
    choice: Choice,
    estimate: Estimate,
    refit: Refit,
    by: By = "none",
    window: Window = Window(),
    level: float = settings.LEVEL,
) -> tuple[Inference, ...]:
    """Carry out the method that decides and those beside it, in that order; `refit` fits and averages as `estimate` and `by` do."""
    return tuple(carry_out(method, estimate, refit, by, window, level) for method in (choice.method, *choice.beside))


def carry_out(
    method: Method,
    estimate: Estimate,
    refit: Refit,
    by: By = "none",
    window: Window = Window(),
    level: float = settings.LEVEL,
    seed: int = settings.SEED,
) -> Inference:
    """Infer about the averages `by` of effects, or about the effects themselves, by one method; `seed` is that of its draws."""
    if method == "cr2":
        return small_sample.cr2(estimate, by, window, small_sample.Options(seed=seed), level)
    if method == "wild":
        return wild.wild(estimate, by, window, wild.Options(seed=seed), level)
    if method == "permutation":
        return permutation.permutation(estimate, refit, by, window, permutation.Options(seed=seed), level)
    averaged = aggregate(estimate, by, window)
    if method == "cr3":
        return jackknife.cr3(averaged, refit, level, seed)
    if method == "cr1":
        return small_sample.cr1(averaged, level, seed)
    if method == "multiplier":
        return wild.multiplier(averaged, wild.Options(seed=seed), level)
    return few_treated.few_treated(averaged, few_treated.Options(method, seed=seed), level)


def _cluster_sides(design: Design) -> tuple[int, int]:
    """Count the clusters with a covered unit, and those without."""
    names, place = cluster_places(design)
    covered = len(np.unique(place[~np.isnan(design.cohort)]))
    return covered, len(names) - covered


def _lone_date(design: Design) -> Literal["small", "large"] | None:
    """Say whether a cohort is a single cluster, and whether all such clusters have more workers than most of the never covered; None where there is none."""
    names, place = cluster_places(design)
    ever = ~np.isnan(design.cohort)
    size = np.bincount(place, weights=design.headcount, minlength=len(names))
    others = np.delete(size, np.unique(place[ever]))
    own = [np.unique(place[design.cohort == cohort]) for cohort in design.cohorts]
    lone = [float(design.headcount[ever & (place == clusters[0])].sum()) for clusters in own if len(clusters) == 1]
    if not lone or not len(others):
        return None
    return "large" if min(lone) > np.median(others) else "small"


def _by_count(clusters: int, lone: Literal["small", "large"] | None, of_means: bool) -> tuple[Method, tuple[Method, ...]]:
    """Choose by the clusters on the smaller side; `lone` says that a date has one cluster, and that there are enough others to lend their spread."""
    if clusters >= ENOUGH:
        return "cr2" if of_means else "cr3", ("wild",)
    if lone == "small":
        return "ferman_pinto", ("permutation",)
    return "permutation", ("ferman_pinto",) if lone == "large" else ("wild",)


def _reason(method: Method, covered: int, never: int) -> Text:
    found = Text(
        f"{covered} covered and {never} never covered cluster{'s' if never != 1 else ''}",
        f"{covered}个受覆盖、{never}个从未受覆盖的聚类",
    )
    if method == "cr2":
        return Text(
            f"{found.en}: errors by cluster with a small-sample correction (CR2)", f"{found.zh}：采用小样本校正的聚类稳健标准误（CR2）"
        )
    if method == "cr3":
        return Text(
            f"{found.en}: errors from leaving out one cluster at a time (CR3), as only its absence tells what a cluster weighs in this estimator",
            f"{found.zh}：采用逐一剔除聚类的刀切法标准误（CR3），因为各聚类在该估计量中的分量只有剔除后才能得知",
        )
    if method == "ferman_pinto":
        return Text(
            f"{found.en}, too few for errors by cluster, and a date with a single cluster: the spread of the never covered, brought to its size, stands for its own (Ferman–Pinto)",
            f"{found.zh}，不足以使用聚类稳健标准误，且有某一生效日期只含一个聚类：以从未受覆盖聚类的离散程度按规模调整后代替（Ferman–Pinto法）",
        )
    return Text(
        f"{found.en}, too few for errors by cluster: permutation of the agreements over clusters",
        f"{found.zh}，不足以使用聚类稳健标准误：采用协议在聚类间的置换检验",
    )


def _require_reason(override: Override) -> None:
    if override.method not in METHODS:
        raise EstimationError(
            f"inference `{override.method}` is not known.\nKnown: {listing(METHODS)}. {nearest(override.method, METHODS)}".rstrip()
            + "\nName one of them."
        )
    if not (override.reason.en.strip() and override.reason.zh.strip()):
        raise EstimationError(
            f"inference `{override.method}` is asked for without a reason.\nFound an empty text.\nSay why, in English and Chinese; it is printed with the result."
        )
