"""Imputation: what the covered would have had without coverage is predicted from those who are not covered yet.

Estimand: ATT(g, t), the mean over the rows of cohort g in month t of the outcome less what unit and month effects predict for it.
Assumes:  parallel trends of all months and all units, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Borusyak, Jaravel and Spiess (2024), doi:10.1093/restud/rdae007: theorem 2 for effects, theorem 3 for errors, and their test of parallel
          trends; conventions of R `didimputation` 0.5.0: plain sums over clusters, no small-sample factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Bools, Design
from impact.errors import DesignError, EstimationError
from impact.estimate.parts.imputed import Averages, alone_in, average, cluster_of_kind, covered_cells, notes_on_alone, sum_by_kind, terms_of
from impact.estimate.parts.two_way import regress
from impact.estimate.parts.untreated import fit_untreated, uncovered, usable
from impact.infer.aggregate import aggregate
from impact.infer.cluster import cluster_errors, over_clusters
from impact.moments.moments import Floats
from impact.results import Estimate, Info, Term
from impact.text import Text

INFO = Info("imputation", "Imputation", "插补估计", "Borusyak, Jaravel and Spiess (2024)", follows=True, covariates=True, of_means=False)


@dataclass(frozen=True, slots=True)
class Options:
    """What is held constant, and how errors are taken."""

    effects: Literal["worker", "unit"] = "worker"
    """Who has an effect of their own: each worker, where rows name workers, or each unit."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change: they are not used to predict, and have effects of their own."""
    leads: int = 0
    """Months before coverage in which the covered are compared with all earlier months; the terms are then the path by event time, leads first."""
    centre: Literal["all", "others"] = "all"
    """What a covered row is held against in the errors: the mean of its cohort and month, or the mean of the other clusters in it, which is safer where they are few."""
    covariates: tuple[Design, ...] = ()
    """Designs of covariates that change over time, on the same units and months; alike for all who share a unit and month."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Predict the path without coverage, and average what the covered have beyond it by cohort and month.

    The effects are those of the workers where the design follows them, and of the design's units elsewhere. Raises DesignError where nobody is seen both
    before coverage and under it, EstimationError where no month of the covered can be predicted.
    """
    _require_sense(design, options)
    kept, covariates = usable(design, options)
    stage = fit_untreated(kept, options.anticipation, covariates)
    counted, notes = covered_cells(stage, options.anticipation)
    averages = average(stage, counted)
    averages = averages.centred_at(_mean_of_others(averages)) if options.centre == "others" else averages
    terms, contrasts = terms_of(averages), [averages.contrast(one) for one in np.eye(len(averages.mass))]
    notes = (*kept.notes, *notes, *notes_on_alone(averages))
    estimate = Estimate(INFO, kept, options, terms, tuple(contrasts), cluster_errors(kept, contrasts), notes, counts=averages.mass)
    return _with_leads(estimate, options) if options.leads else estimate


def _require_sense(design: Design, options: Options) -> None:
    if options.leads and options.covariates:
        raise DesignError(
            f"leads and covariates cannot be asked for together.\nFound {options.leads} leads and {len(options.covariates)} covariates.\nLeave one of them out."
        )
    if options.centre == "others" and design.pairs is not None:
        raise DesignError(
            "centre `others`: it needs each worker's own outcome where errors are by worker.\n"
            f"Found {len(design.units):,} units with {design.headcount.sum():,.0f} workers.\nName the worker as the unit, cluster at a higher level, or centre at `all`."
        )


def _mean_of_others(averages: Averages) -> Floats:
    """Hold each cell against the mean of its cohort and month in the other clusters; shape (U, S).

    Raises EstimationError where a cohort is seen in a single cluster.
    """
    alone = alone_in(averages)
    if alone.any():
        raise EstimationError(
            f"centre `others`: {alone.sum()} of {len(alone)} group-time effects rest on a single cluster.\n"
            f"Found clusters at the level of the {averages.stage.design.cluster_level}.\nCluster at a finer level, or centre at `all`."
        )
    place = cluster_of_kind(averages)
    sums = [np.where(averages.counted, values, 0.0) for values in (averages.stage.residual, averages.stage.design.weight)]
    gaps, weight = (sum_by_kind(values, averages.kind)[averages.kind] - over_clusters(place, values)[place] for values in sums)
    return np.divide(gaps, weight, out=np.zeros_like(gaps), where=averages.counted)


def _with_leads(estimate: Estimate, options: Options) -> Estimate:
    """Average effects by event time, and put leads before them, from a regression of its own on the cells not yet covered."""
    design, path = estimate.design, aggregate(estimate, "event_time")
    times = -options.anticipation - np.arange(options.leads, 0, -1)
    cohorts = np.array([*design.cohorts, np.nan])
    kind = np.where(np.isnan(design.cohort), len(cohorts) - 1, np.searchsorted(design.cohorts, design.cohort))
    since = np.asarray(design.months)[None, :] - cohorts[:, None]
    dummies = (since[None, :, :] == times[:, None, None]).astype(float)
    cells = uncovered(design, options.anticipation)
    regression = regress(design, kind, dummies, cells=cells)
    asked = [(int(times[place]), regression.coefficient(order)) for order, place in enumerate(regression.kept)]
    terms = [Term(f"att({time:+d})", event_time=time, workers=_rows_at(design, cells, time)) for time, _ in asked]
    contrasts: list[Contrast] = [*(contrast for _, contrast in asked), *path.contrasts]
    notes = (*path.notes, *_notes_on_leads(len(times) - len(asked)))
    errors = cluster_errors(design, contrasts)
    return replace(path, terms=(*terms, *path.terms), contrasts=tuple(contrasts), errors=errors, notes=notes, counts=None)


def _rows_at(design: Design, cells: Bools, time: int) -> float:
    """Count the rows of the cells at an event time."""
    at = np.asarray(design.months)[None, :] - design.cohort[:, None] == time
    return float(design.rows[at & cells].sum())


def _notes_on_leads(count: int) -> list[Text]:
    if count == 0:
        return []
    return [
        Text(
            f"{count} lead{'s' if count > 1 else ''} left out: no earlier month is left to compare {'them' if count > 1 else 'it'} with",
            f"{count}个前置期未估计：没有更早的月份可供比较",
        )
    ]
