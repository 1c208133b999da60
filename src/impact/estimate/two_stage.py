"""Two-stage difference in differences: unit and month effects from those not yet covered, then a regression of what is left on coverage.

Estimand: the mean effect over all covered rows, or by months since coverage; rows count alike.
Assumes:  parallel trends of all months and all units, no anticipation beyond `anticipation` months, coverage that lasts.
Source:   Gardner (2022), arXiv:2207.05943: errors of the two stages together by the method of moments; conventions of R `did2s` 1.2.1: plain sums over
          clusters, no small-sample factor. Points equal those of imputation, errors also hold what effects of cohorts and months differ by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.design.design import Bools, Design
from impact.estimate.parts.imputed import Averages, average, covered_cells, notes_on_alone
from impact.estimate.parts.untreated import fit_untreated, usable
from impact.infer.cluster import cluster_errors
from impact.results import Estimate, Info, Term

INFO = Info(
    "two_stage", "Two-stage difference in differences", "两阶段双重差分", "Gardner (2022)", follows=True, covariates=True, of_means=False
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the second stage tells apart, and what is held constant."""

    second_stage: Literal["overall", "event_time"] = "event_time"
    """One effect for all covered rows, or one for each number of months since coverage."""
    leads: int = 0
    """Months before coverage of which the second stage shows what the first left over; they helped to fit it, so that they lie too near to zero."""
    effects: Literal["worker", "unit"] = "worker"
    """Who has an effect of their own: each worker, where rows name workers, or each unit."""
    anticipation: int = 0
    """Months before coverage in which behaviour may already change: the first stage leaves them out, and they have effects of their own."""
    covariates: tuple[Design, ...] = ()
    """Designs of covariates that change over time, on the same units and months; alike for all who share a unit and month."""


def fit(design: Design, options: Options = Options()) -> Estimate:
    """Fit the path without coverage, and average what is left, with errors that know that it was fitted.

    The effects are those of the workers where the design follows them, and of the design's units elsewhere. Raises DesignError where nobody is seen both
    before coverage and under it, EstimationError where no month of the covered can be predicted.
    """
    kept, covariates = usable(design, options)
    stage = fit_untreated(kept, options.anticipation, covariates)
    counted, notes = covered_cells(stage, options.anticipation)
    alone = notes_on_alone(average(stage, counted))
    averages = average(stage, counted | _lead_cells(kept, options))
    times = np.asarray(kept.months)[averages.month] - np.asarray(kept.cohorts)[averages.cohort]
    group = np.where(times >= 0, 0, times) if options.second_stage == "overall" else times
    found, place = np.unique(group, return_inverse=True)
    shares = np.where(place == np.arange(len(found))[:, None], averages.mass, 0.0)
    shares /= shares.sum(axis=1, keepdims=True)
    averages = averages.centred_at(averages.spread((shares @ averages.values)[place]))
    contrasts = tuple(averages.contrast(share) for share in shares)
    rows = averages.gathered(kept.rows)
    terms = tuple(_term(averages, int(time), float(rows[place == order].sum()), options) for order, time in enumerate(found))
    return Estimate(INFO, kept, options, terms, contrasts, cluster_errors(kept, contrasts), (*kept.notes, *notes, *alone))


def _lead_cells(design: Design, options: Options) -> Bools:
    """Find the cells not yet covered whose leads are asked for."""
    since = np.asarray(design.months)[None, :] - design.cohort[:, None] + options.anticipation
    return np.asarray(design.seen & (since >= -options.leads) & (since < 0))


def _term(averages: Averages, time: int, rows: float, options: Options) -> Term:
    if options.second_stage == "event_time" or time < 0:
        return Term(f"att({time:+d})", event_time=time, workers=rows)
    design = averages.stage.design
    return Term("overall", workers=float(design.headcount[averages.counted.any(axis=1)].sum()))
