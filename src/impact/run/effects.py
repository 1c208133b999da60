"""The estimates of a study: the main one, its variants, its benchmarks, each from moments. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from impact.design.design import Design, design_of
from impact.design.weights import negative_weight
from impact.errors import DesignError, RunError
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import BYS, By, aggregate
from impact.moments.moments import Moments
from impact.moments.suppress import suppressed
from impact.report.figures.cells import cell_weights
from impact.results import Estimate
from impact.run.inference import Certainty, certainty, table_by
from impact.run.needed import COVERED, benchmark_of, cluster_level, units_hold_workers, variant_of
from impact.study import Study
from impact.study.model import Benchmark, Variant

NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "band_low", "band_high")
"""Columns of a tidy table that are emptied where they rest on too few workers."""
PUBLISHED = ("sample", "errors", "published", "published_error", "digits", "published_source")
"""Columns of the ladder that only benchmarks fill."""


def main_estimate(study: Study, moments: Moments, outcome: str) -> Estimate:
    """Estimate the group-time effects on one outcome as the study says.

    Raises DesignError where fewer workers are covered than the study prints numbers of.
    """
    options = main_options(study)
    design = design_of(moments, outcome, cluster_level(study), follow_workers=options.workers == "stayers")
    estimate = att_gt.fit(design, options)
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


def tidy_results(study: Study, certain: Mapping[str, Certainty]) -> pd.DataFrame:
    """Put every aggregate of every outcome's main estimate into one tidy table, with the band of each path where the inference has one.

    Numbers that rest on fewer workers than the study prints are left empty.
    """
    parts = [
        printable_by(study, found, by).assign(outcome=outcome, estimator=found.effects.info.name, aggregate=by)
        for outcome, found in certain.items()
        for by in BYS
    ]
    return pd.concat(parts, ignore_index=True)


def printable_by(study: Study, certain: Certainty, by: By) -> pd.DataFrame:
    """Give the tidy table of an average of the main estimate; numbers that rest on fewer workers than the study prints are left empty."""
    return suppressed(table_by(certain, by), study.report.minimum_cell, NUMBERS)


def ladder(study: Study, held: Mapping[str, Moments], certain: Certainty, exact: bool = True) -> pd.DataFrame:
    """Lay benchmarks, main estimate and variants out, one below the other; those without moments are left out.

    Benchmarks keep the errors of their convention; the inference of a variant is chosen as that of the main estimate is.
    `held` are the moments by purpose; they are not `exact` where small cells were withheld, and published numbers then need not come out. Columns: kind, title_en, title_zh, main, the tidy numbers, `workers` (all who
    enter), `covered_workers`, `negative_weight`, for benchmarks `sample, errors`, and for published ones also `published, published_error, digits,
    published_source`. Numbers that rest on too few covered workers are left empty.
    Raises RunError where a published number does not come out.
    """
    main, level = certain.effects, certain.level
    outcome = main.design.outcome
    asked = [benchmark for benchmark in study.benchmarks if benchmark.outcome == outcome and benchmark_of(benchmark) in held]
    rows = [_benchmark_row(study, benchmark, held[benchmark_of(benchmark)], level, exact) for benchmark in asked]
    info = main.info
    titles = {"title_en": f"Main estimate: {info.title_en.lower()}, overall", "title_zh": f"主要估计：{info.title_zh}，总体"}
    rows.append({"kind": "main", **titles, **_certain_numbers(certain)})
    tried = [variant for variant in study.variants if variant_of(variant) in held]
    rows += [_variant_row(study, variant, held[variant_of(variant)], certain) for variant in tried]
    table = suppressed(pd.DataFrame(rows), study.report.minimum_cell, (*NUMBERS, "negative_weight"), "covered_workers")
    return table.reindex(columns=[*table.columns, *(name for name in PUBLISHED if name not in table)]).assign(main=table["kind"] == "main")


def cells_behind(study: Study, main: Estimate) -> pd.DataFrame:
    """Give what each cell's mean counts in the overall mean; columns `unit, cohort, month, weight`. Units that are single workers are not named, but added up by cohort."""
    table = cell_weights(aggregate(main, "simple"), "overall")
    if units_hold_workers(study) and not main.design.followed:
        return table
    together = table.groupby(["cohort", "month"], dropna=False)[["weight"]].sum(min_count=1).reset_index()
    together["unit"] = together["cohort"].map(lambda cohort: "never" if np.isnan(cohort) else main.design.label(int(cohort)))
    return together[["unit", "cohort", "month", "weight"]]


def benchmark_estimate(study: Study, benchmark: Benchmark, moments: Moments) -> Estimate:
    """Run the regression of a benchmark."""
    designs = {name: _switching_design(study, moments, name) for name in (benchmark.outcome, *benchmark.covariates)}
    options = twfe.Options(covariates=tuple(designs[name] for name in benchmark.covariates), errors=benchmark.errors)
    return twfe.fit(designs[benchmark.outcome], options)


def variant_estimate(study: Study, variant: Variant, moments: Moments, outcome: str) -> Estimate:
    """Give the average of the main estimate with the choices of a variant.

    Raises what `main_estimate` raises.
    """
    return aggregate(_variant_effects(study, variant, moments, outcome), "simple")


def _variant_effects(study: Study, variant: Variant, moments: Moments, outcome: str) -> Estimate:
    assert study.effects is not None
    effects = {name: getattr(variant, name) for name in ("comparison", "anticipation", "workers") if getattr(variant, name) is not None}
    changed = study.model_copy(update={"effects": study.effects.model_copy(update=effects)})
    return main_estimate(changed, moments, outcome)


def _benchmark_row(study: Study, benchmark: Benchmark, moments: Moments, level: float, exact: bool) -> dict[str, Any]:
    estimate = benchmark_estimate(study, benchmark, moments)
    named = {"kind": "benchmark", "title_en": benchmark.title.en, "title_zh": benchmark.title.zh}
    row = {**named, "sample": benchmark.sample, "errors": benchmark.errors, **_numbers(estimate, level)}
    if benchmark.published is None:
        return row
    published = benchmark.published
    if exact:
        _require_published(benchmark, row)
    return {
        **row,
        "published": published.estimate,
        "published_error": published.std_error,
        "digits": published.digits,
        "published_source": published.source,
    }


def _switching_design(study: Study, moments: Moments, outcome: str) -> Design:
    """Take a unit for covered where it is, and only in months in which it has the outcome: coverage may end, and a regression sees nothing else."""
    design = design_of(moments, outcome, cluster_level(study), covered=COVERED if study.columns.covered else None)
    return replace(design, coverage=design.coverage & design.seen).keep(np.asarray(design.seen.any(axis=1)))


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


def _variant_row(study: Study, variant: Variant, moments: Moments, main: Certainty) -> dict[str, Any]:
    effects = _variant_effects(study, variant, moments, main.effects.design.outcome)
    numbers = _certain_numbers(certainty(study, effects, main.level, main.seed, bys=("simple",)))
    return {"kind": "variant", "title_en": variant.title.en, "title_zh": variant.title.zh, **numbers}


def _certain_numbers(certain: Certainty) -> dict[str, Any]:
    """Give the overall mean of effects with the chosen inference."""
    return _row_of(aggregate(certain.effects, "simple"), table_by(certain, "simple"))


def _numbers(estimate: Estimate, level: float) -> dict[str, Any]:
    return _row_of(estimate, estimate.tidy(level))


def _row_of(estimate: Estimate, tidy: pd.DataFrame) -> dict[str, Any]:
    """Give the numbers of the last term, and the workers behind it."""
    row = tidy.iloc[-1]
    numbers = {name: float(row[name]) for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value")}
    design, contrast = estimate.design, estimate.contrasts[-1]
    used = contrast.a.any(axis=1)
    covered = used & design.coverage.any(axis=1)
    counts = {"workers": float(design.headcount[used].sum()), "covered_workers": float(design.headcount[covered].sum())}
    return {**numbers, **counts, "negative_weight": negative_weight(design, contrast)}
