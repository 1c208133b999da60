"""Changes in changes: effects on the mean and on quantiles of a distribution.

Estimand: the mean effect, and the quantile effects Q(q) − Q⁰(q), on the workers of the units first covered in month g, in month t; averaged over the months
          from coverage on, each alike, and over cohorts by their workers. Quantile effects compare distributions: they say nothing of who in them gained.
Assumes:  `cic`: without coverage, whoever holds a rank holds an outcome that changes from month to month in the same way in both groups, and the spread of ranks in a
          group does not change; outcomes of the covered lie within those of the compared. `qdid`: each quantile would have moved by as much as in the comparison
          group. No anticipation beyond `anticipation` months; coverage that lasts.
Source:   Athey and Imbens (2006), doi:10.1111/j.1468-0262.2006.00668.x, eq. 16-18, and section 4 where many hold the same outcome. Read from bins 2.3 % wide: values
          inside a bin lie evenly around their mean. Errors by the Bayesian bootstrap of clusters (Rubin 1981, doi:10.1214/aos/1176345338).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

import numpy as np

from impact import settings
from impact.design.contrast import CellContrast, Contrast, mean, total
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts import extended
from impact.estimate.parts.binned import cells_of, cluster_weights, clusters_in_order, required_distribution, spread_over
from impact.estimate.parts.cohorts import not_covered
from impact.estimate.parts.spreads import Places, Spread, average_through, quantiles, ranks_through, share_beyond
from impact.infer.replicates import replicate_errors
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Replicates, Term
from impact.text import Text

INFO = Info(
    "changes_in_changes",
    "Changes in changes",
    "双重变化法（分布效应）",
    "Athey and Imbens (2006)",
    grain="unit",
    bins=True,
    influence=False,
)

_AT_ONCE = 20_000_000
"""Numbers held in memory for the draws that are worked on together."""
_SMALL = 0.01
"""Mean size of outcomes in the bin of zero, over all rows, beyond which they are too many."""
_BEYOND = 0.01
"""Share of the covered outside the outcomes of the compared from which on it is said."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the covered are compared, and which effects are given."""

    by: Literal["cic", "qdid"] = "cic"
    """What carries over from the compared: how outcomes change at each rank they hold (`cic`), or how each quantile changes (`qdid`)."""
    comparison: Literal["never", "not_yet"] = "not_yet"
    """Who stands for the path without coverage: units never covered, or all that are not covered yet."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change."""
    before: Literal["last", "all"] = "last"
    """What coverage is compared with: the last month before it and its anticipation, or all of those months together, each alike."""
    quantiles: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)
    """Which quantile effects are given, beside the mean."""
    draws: int = settings.REPLICATES
    """Of cluster weights, behind errors."""
    seed: int = settings.SEED
    """Of these draws."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What one month of a cohort under coverage is compared with; kinds and months by position."""

    cohort: int
    kind: int
    month: int
    before: tuple[int, ...]
    compared: tuple[int, ...]


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Compare each cohort's distribution with what the change of the compared makes of its own before coverage.

    Raises DesignError where the distribution is not known, errors are asked for by worker in units of several, or nobody can be compared, EstimationError where
    somebody is missing in every month that is needed.
    """
    _require_fine_bins(design)
    _require_usable(options)
    usable = extended.usable(design, options.comparison, options.anticipation)
    kind, cluster = extended.kinds(usable), clusters_in_order(usable)
    changes, asked = _changes(usable, kind, options)
    weights = cluster_weights(int(cluster.max()) + 1, options.draws, options.seed)
    values, beyond = _values(usable, kind, cluster, weights, changes, options)
    alone = _alone(changes, kind, cluster)
    terms = _terms(usable, changes, options)
    linear = _cells_used(usable, kind, changes)
    contrasts = tuple(replace(linear, value=float(value)) for value in values[0])
    replicates = Replicates(values[1:] if not alone else np.full_like(values[1:], np.nan), None)
    errors = replicate_errors(usable, contrasts, "bootstrap", replicates)
    notes = (*usable.notes, *extended.note_on_left_out(asked - len(changes)), *_notes(beyond, alone, weights, options))
    return Estimate(INFO, usable, options, terms, contrasts, errors, notes)


def _require_fine_bins(design: Design) -> None:
    """Refuse outcomes many of which are smaller than one in size without being zero: bins do not tell them apart."""
    found = required_distribution(design)
    middle = ((found.low < 0) & (found.high > 0))[found.bin]
    size = float(np.abs(found.total[middle]).sum())
    if size > _SMALL * float(np.abs(found.total).sum()):
        share = found.weight[middle].sum() / found.weight.sum()
        raise DesignError(
            f"outcome `{design.outcome}`: bins do not tell values between -1 and 1 apart.\nFound {share:.0%} of rows there, not all of them zero.\n"
            "Give the outcome in a smaller unit, such as fen for yuan, or without its logarithm."
        )


def _require_usable(options: Options) -> None:
    if not options.quantiles or not all(0 < one < 1 for one in options.quantiles) or len(set(options.quantiles)) < len(options.quantiles):
        raise DesignError(
            f"quantiles: each must lie between 0 and 1, and be given once.\nFound {', '.join(f'{one:g}' for one in options.quantiles) or 'none'}.\nWrite, for instance, --option quantiles=0.1,0.5,0.9."
        )
    if options.draws < 2:
        raise DesignError(f"draws: an error needs at least two.\nFound {options.draws}.\nLeave the option out, or ask for more.")


def _changes(design: Design, kind: Places, options: Options) -> tuple[list[_Change], int]:
    """List the months of coverage that can be compared, and count those asked for.

    Raises EstimationError where there are none.
    """
    seen = np.array([design.seen[kind == one].any(axis=0) for one in range(int(kind.max()) + 1)])
    found, asked = [], 0
    for place, cohort in enumerate(design.cohorts):
        for month in np.flatnonzero((np.asarray(design.months) >= cohort) & seen[place]):
            asked += 1
            compared = np.unique(kind[not_covered(design, cohort, design.months[month], options.comparison, options.anticipation)])
            before = _before(design, cohort, seen[place] & seen[compared].any(axis=0), options)
            if before and seen[compared, month].any():
                found.append(_Change(cohort, place, int(month), before, tuple(compared.tolist())))
    if not found:
        raise EstimationError(
            f"outcome `{design.outcome}`: no distribution under coverage can be compared.\nFound {len(design.cohorts)} cohort{'s' if len(design.cohorts) > 1 else ''}, and nobody to compare in the months needed.\n"
            "Check the months and the comparison group."
        )
    return found, asked


def _before(design: Design, cohort: int, seen: Bools, options: Options) -> tuple[int, ...]:
    months = np.flatnonzero((np.asarray(design.months) + options.anticipation < cohort) & seen)
    return tuple(months.tolist() if options.before == "all" else months[-1:].tolist())


def _values(
    design: Design, kind: Places, cluster: Places, weights: Floats, changes: Sequence[_Change], options: Options
) -> tuple[Floats, float]:
    """Give the terms in the data and in every draw, of shape (draws + 1, terms), and the share of the covered beyond all of the compared."""
    distribution = required_distribution(design)
    size = (int(kind.max()) + 1) * len(design.months) * len(distribution.low)
    step = max(1, _AT_ONCE // size)
    parts = []
    for first in range(0, len(weights), step):
        drawn = weights[first : first + step]
        cells = cells_of(design, kind, cluster, drawn)
        spread = cache(partial(spread_over, cells))
        effects, beyond = zip(*(_effects(spread, change, options) for change in changes), strict=True)
        shares = _shares(design, kind, cluster, drawn, changes)
        parts.append((np.einsum("dc,cdt->dt", shares, np.array(effects)), float(shares[0] @ [one[0] for one in beyond])))
    return np.concatenate([values for values, _ in parts]), parts[0][1]


def _effects(spread: Callable[[tuple[int, ...], tuple[int, ...]], Spread], change: _Change, options: Options) -> tuple[Floats, Floats]:
    """Give the mean effect and the quantile effects of one month, of shape (D, terms), and the share beyond the compared, of shape (D,)."""
    own_before, own = spread((change.kind,), change.before), spread((change.kind,), (change.month,))
    others_before, others = spread(change.compared, change.before), spread(change.compared, (change.month,))
    ranks = np.broadcast_to(np.array(options.quantiles), (len(own.mass), len(options.quantiles)))
    if options.by == "cic":
        average = average_through(own_before, others_before, others)
        without = quantiles(others, ranks_through(own_before, others_before, ranks))
    else:
        average = own_before.average + others.average - others_before.average
        without = quantiles(own_before, ranks) + quantiles(others, ranks) - quantiles(others_before, ranks)
    return np.column_stack([own.average - average, quantiles(own, ranks) - without]), share_beyond(own_before, others_before)


def _shares(design: Design, kind: Places, cluster: Places, weights: Floats, changes: Sequence[_Change]) -> Floats:
    """Let months of a cohort count alike, and cohorts by their workers in each draw; rows sum to one; shape (D, changes)."""
    kinds = np.array([change.kind for change in changes])
    workers = np.stack([weights[:, cluster[kind == one]] @ design.workers[kind == one] for one in kinds], axis=1)
    counted = workers / np.bincount(kinds)[kinds]
    return np.asarray(counted / counted.sum(axis=1, keepdims=True))


def _cells_used(design: Design, kind: Places, changes: Sequence[_Change]) -> CellContrast:
    """Give the cells that enter, with the sign and weight that they have in differences of means; the value is that of the differences."""
    shares = _shares(design, kind, np.arange(len(design.units)), np.ones((1, len(design.units))), changes)[0]
    found = total([_four_means(design, kind, change) for change in changes], list(shares))
    assert isinstance(found, CellContrast)
    return found


def _four_means(design: Design, kind: Places, change: _Change) -> Contrast:
    sides = []
    for units in (kind == change.kind, np.isin(kind, change.compared)):
        before = [mean(design, units, design.months[month]) for month in change.before]
        sides.append(mean(design, units, design.months[change.month]) - total(before, [1 / len(before)] * len(before)))
    return sides[0] - sides[1]


def _terms(design: Design, changes: Sequence[_Change], options: Options) -> tuple[Term, ...]:
    workers = float(design.headcount[np.isin(design.cohort, [change.cohort for change in changes])].sum())
    return tuple(Term(name, workers=workers) for name in ("mean", *(f"q{100 * one:g}" for one in options.quantiles)))


def _alone(changes: Sequence[_Change], kind: Places, cluster: Places) -> bool:
    """Say whether some cohort, or those it is compared with, are a single cluster: draws cannot tell how such clusters differ."""
    sides = {kinds for change in changes for kinds in ((change.kind,), change.compared)}
    return any(len(np.unique(cluster[np.isin(kind, kinds)])) < 2 for kinds in sides)


def _notes(beyond: float, alone: bool, weights: Floats, options: Options) -> list[Text]:
    notes = [
        Text("each quantile is read from bins 2.3 % wide, and may be off by as much", "每个分位数均由宽2.3%的区间读出，误差不超过区间宽度")
    ]
    if alone:
        notes.append(
            Text(
                "effects have no error: a cohort, or those it is compared with, are a single cluster",
                "效应没有误差：某一组群或其比较组只有一个聚类",
            )
        )
    else:
        draws, clusters = len(weights) - 1, weights.shape[1]
        notes.append(
            Text(
                f"errors by Bayesian bootstrap over {clusters:,} clusters, {draws:,} draws",
                f"误差由{clusters:,}个聚类的贝叶斯自助法得出，共{draws:,}次抽样",
            )
        )
    if options.by == "cic" and beyond > _BEYOND:
        notes.append(
            Text(
                f"{beyond:.0%} of the covered stood, before coverage, below or above all of the compared: the end of the compared's outcomes stands for their path",
                f"{beyond:.0%}的受覆盖者在受覆盖之前低于或高于全部比较对象：以比较组结果的端点代替其路径",
            )
        )
    return notes
