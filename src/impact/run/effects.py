"""The estimates of a study: the main one, its variants, its benchmarks. May touch: the engine.

Each is the same walk: sample → moments → design → fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from impact.design.design import WORKER, Design, design_of
from impact.design.weights import negative_weight
from impact.errors import DesignError, RunError
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import BYS, aggregate
from impact.infer.bands import with_bands
from impact.moments.compress import compress
from impact.moments.disclosure import suppressed
from impact.moments.moments import Moments
from impact.months import Period
from impact.panel.coverage import Coverage, find_coverage, sample_of
from impact.results import Estimate
from impact.study import Study
from impact.study.model import Benchmark, Variant

if TYPE_CHECKING:
    import ibis.expr.types as ir

_COVERED = "covered"
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "band_low", "band_high")
"""Columns of a tidy table that are emptied where they rest on too few workers."""
PUBLISHED = ("sample", "errors", "published", "published_error", "digits", "published_source")
"""Columns of the ladder that only benchmarks fill."""


def cluster_level(study: Study) -> str:
    """Name the level at which errors are clustered: the study's column, or the unit; the worker where each is a unit."""
    columns = study.columns
    if columns.cluster:
        return WORKER if columns.cluster == columns.worker else columns.cluster
    return "unit" if columns.unit and columns.unit != columns.worker else WORKER


def moments_of(study: Study, sample: ir.Table, period: Period) -> Moments:
    """Compress a sample for the study's outcomes and covariates, with coverage itself as one more outcome."""
    names = [*(outcome.name for outcome in study.outcomes), *(covariate.name for covariate in study.covariates)]
    level = cluster_level(study)
    table = sample if "cluster" in sample.columns else sample.mutate(cluster=sample["unit"])
    return compress(table, [*names, _COVERED], period, pairs=level == WORKER)


def main_estimate(study: Study, moments: Moments, outcome: str) -> Estimate:
    """Estimate the group-time effects on one outcome as the study says.

    Raises DesignError where fewer workers are covered than the study prints numbers of.
    """
    estimate = att_gt.fit(design_of(moments, outcome, cluster_level(study)), main_options(study))
    covered = int(aggregate(estimate, "simple").terms[0].workers)
    if covered < study.report.minimum_cell:
        raise DesignError(
            f"study {study.name}: too few workers come under coverage for anything to be printed.\n"
            f"Found {covered}; the study prints no number that rests on fewer than {study.report.minimum_cell}.\n"
            "Widen the study, or set `report: minimum_cell` where the data are public."
        )
    return estimate


def main_options(study: Study) -> att_gt.Options:
    """Give the options of the main estimate."""
    assert study.effects is not None
    effects = study.effects
    return att_gt.Options(effects.comparison, effects.base, effects.anticipation, effects.workers)


def tidy_results(study: Study, estimates: dict[str, Estimate], level: float, seed: int) -> pd.DataFrame:
    """Put every aggregate of every outcome's main estimate into one tidy table, with the band of each path.

    Numbers that rest on fewer workers than the study prints are left empty.
    """
    parts = []
    for outcome, estimate in estimates.items():
        for by in BYS:
            table = with_bands(aggregate(estimate, by), level, seed)
            parts.append(table.assign(outcome=outcome, estimator=estimate.info.name, aggregate=by))
    return suppressed(pd.concat(parts, ignore_index=True), study.report.minimum_cell, NUMBERS)


def ladder(study: Study, panel: ir.Table, main: Estimate, period: Period, level: float) -> pd.DataFrame:
    """Lay benchmarks, main estimate and variants out, one below the other.

    `panel` is the table of the study's `Coverage`. Columns: kind, title_en, title_zh, main, the tidy numbers, `workers` (all who
    enter), `covered_workers`, `negative_weight`, for benchmarks `sample, errors`, and for published ones also `published, published_error, digits,
    published_source`. Numbers that rest on too few covered workers are left empty.
    Raises RunError where a published number does not come out.
    """
    rows = [
        _benchmark_row(study, benchmark, panel, period, level) for benchmark in study.benchmarks if benchmark.outcome == main.design.outcome
    ]
    info = main.info
    titles = {"title_en": f"Main estimate: {info.title_en.lower()}, overall", "title_zh": f"主要估计：{info.title_zh}，总体"}
    rows.append({"kind": "main", **titles, **_numbers(aggregate(main, "simple"), level)})
    rows += [_variant_row(study, variant, panel, period, level, main.design.outcome) for variant in study.variants]
    table = suppressed(pd.DataFrame(rows), study.report.minimum_cell, (*NUMBERS, "negative_weight"), "covered_workers")
    return table.reindex(columns=[*table.columns, *(name for name in PUBLISHED if name not in table)]).assign(main=table["kind"] == "main")


def _benchmark_row(study: Study, benchmark: Benchmark, panel: ir.Table, period: Period, level: float) -> dict[str, Any]:
    sample = sample_of(panel, benchmark.sample)
    whole = sample.filter([sample[name].notnull() for name in (benchmark.outcome, *benchmark.covariates)])
    moments = moments_of(study, whole, period)
    designs = {name: _switching_design(study, moments, name) for name in (benchmark.outcome, *benchmark.covariates)}
    options = twfe.Options(tuple(designs[name] for name in benchmark.covariates), benchmark.errors)
    estimate = twfe.fit(designs[benchmark.outcome], options)
    named = {"kind": "benchmark", "title_en": benchmark.title.en, "title_zh": benchmark.title.zh}
    row = {**named, "sample": benchmark.sample, "errors": benchmark.errors, **_numbers(estimate, level)}
    if benchmark.published is None:
        return row
    published = benchmark.published
    _require_published(benchmark, row)
    return {
        **row,
        "published": published.estimate,
        "published_error": published.std_error,
        "digits": published.digits,
        "published_source": published.source,
    }


def _switching_design(study: Study, moments: Moments, outcome: str) -> Design:
    return design_of(moments, outcome, cluster_level(study), covered=_COVERED)


def _require_published(benchmark: Benchmark, row: dict[str, Any]) -> None:
    published = benchmark.published
    assert published is not None
    found = round(row["estimate"], published.digits), round(row["std_error"], published.digits)
    wanted = round(published.estimate, published.digits), round(published.std_error, published.digits)
    if found != wanted:
        raise RunError(
            f"benchmark `{benchmark.name}`: the published number does not come out.\n"
            f"Found {found[0]} ({found[1]}), published {wanted[0]} ({wanted[1]}) in {published.source}.\n"
            "Check source, columns and covariates of the benchmark; nothing else of this run should be believed before."
        )


def _variant_row(study: Study, variant: Variant, panel: ir.Table, period: Period, level: float, outcome: str) -> dict[str, Any]:
    changed = study
    effects = {name: getattr(variant, name) for name in ("comparison", "anticipation", "workers") if getattr(variant, name) is not None}
    if study.effects:
        changed = study.model_copy(update={"effects": study.effects.model_copy(update=effects)})
    coverage = find_coverage(_as_cleaned(study, panel), variant.switching or (study.coverage.switching if study.coverage else "refuse"))
    estimate = main_estimate(changed, moments_of(changed, coverage.sample("restricted"), period), outcome)
    return {"kind": "variant", "title_en": variant.title.en, "title_zh": variant.title.zh, **_numbers(aggregate(estimate, "simple"), level)}


def _as_cleaned(study: Study, panel: ir.Table) -> ir.Table:
    """Take the marks of an earlier `Coverage` off, so that another rule can set them."""
    found = "first_covered" if study.columns.covered else _COVERED
    return panel.drop(*(name for name in (found, "covered_at_start", "set_aside", "ended") if name in panel.columns))


def _numbers(estimate: Estimate, level: float) -> dict[str, Any]:
    row = estimate.tidy(level).iloc[-1]
    numbers = {name: float(row[name]) for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value")}
    design, contrast = estimate.design, estimate.contrasts[-1]
    used = contrast.a.any(axis=1)
    covered = used & design.coverage.any(axis=1)
    counts = {"workers": float(design.headcount[used].sum()), "covered_workers": float(design.headcount[covered].sum())}
    return {**numbers, **counts, "negative_weight": negative_weight(design, contrast)}


def coverage_of(study: Study, table: ir.Table) -> Coverage:
    """Find coverage as the study says."""
    assert study.coverage is not None
    return find_coverage(table, study.coverage.switching)
