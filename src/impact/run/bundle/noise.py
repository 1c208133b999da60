"""What withholding costs: every estimate from all cells, and from those that may leave, side by side. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from impact import settings
from impact.errors import ImpactError
from impact.infer.aggregate import aggregate
from impact.moments.moments import Moments
from impact.results import Estimate
from impact.run.effects import benchmark_estimate, main_estimate, variant_estimate
from impact.run.needed import MAIN, benchmark_of, variant_of
from impact.study import Study

_Fit = Callable[[Moments], Estimate]
DECIMALS = 1
"""Of the differences that leave, in standard errors: exact ones would be equations in the cells that were withheld."""


def noise_of(study: Study, full: Mapping[str, Moments], safe: Mapping[str, Moments]) -> pd.DataFrame:
    """Estimate everything twice; one row for each number.

    Columns: purpose, kind, title_en, title_zh, event_time, `full_estimate, full_error` (which stay inside), `estimate, std_error` (missing where the
    disclosed moments give none), `in_errors`: their difference in standard errors of the full estimate. Rows of fewer covered workers than the study prints are left out.
    """
    rows = [row for purpose, kind, title, fit in _fits(study) for row in _compared(study, purpose, kind, title, fit, full, safe)]
    table = pd.DataFrame(rows)
    table["in_errors"] = (table["estimate"] - table["full_estimate"]) / table["full_error"].where(table["full_error"] > 0)
    return table.astype({"event_time": "Int64"})


def leaving(noise: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the noise as it may leave: without the full estimates, differences rounded to `DECIMALS`."""
    kept = noise[["purpose", "kind", "title_en", "title_zh", "event_time", "estimate", "std_error"]].assign(
        in_errors=noise["in_errors"].round(DECIMALS) + 0.0
    )
    return [{str(name): None if pd.isna(value) else value for name, value in row.items()} for row in kept.astype(object).to_dict("records")]


def _fits(study: Study) -> Iterator[tuple[str, str, tuple[str, str], _Fit]]:
    outcome = study.outcomes[0].name
    yield (
        MAIN,
        "overall",
        ("Main estimate, overall", "主要估计，总体"),
        lambda held: aggregate(main_estimate(study, held, outcome), "simple"),
    )
    yield MAIN, "event_time", ("Main estimate", "主要估计"), lambda held: aggregate(main_estimate(study, held, outcome), "event_time")
    for benchmark in study.benchmarks:
        title = (benchmark.title.en, benchmark.title.zh)
        yield benchmark_of(benchmark), "benchmark", title, partial(benchmark_estimate, study, benchmark)
    for variant in study.variants:
        title = (variant.title.en, variant.title.zh)
        yield variant_of(variant), "variant", title, partial(variant_estimate, study, variant, outcome=outcome)


def _compared(
    study: Study, purpose: str, kind: str, title: tuple[str, str], fit: _Fit, full: Mapping[str, Moments], safe: Mapping[str, Moments]
) -> Iterator[dict[str, Any]]:
    found = _numbers(_tried(fit, safe.get(purpose)))
    for row in fit(full[purpose]).tidy(settings.LEVEL).to_dict("records"):
        time = row["event_time"]
        if 0 < row["workers"] < study.report.minimum_cell or (kind == "event_time" and pd.isna(time)):
            continue
        estimate, error = found.get(row["term"], (np.nan, np.nan))
        named = {"purpose": purpose, "kind": kind, "title_en": title[0], "title_zh": title[1], "event_time": time}
        yield {**named, "full_estimate": row["estimate"], "full_error": row["std_error"], "estimate": estimate, "std_error": error}


def _tried(fit: _Fit, moments: Moments | None) -> Estimate | None:
    """Estimate; None where what may leave is too little for it."""
    try:
        return None if moments is None else fit(moments)
    except ImpactError:
        return None


def _numbers(estimate: Estimate | None) -> dict[str, tuple[float, float]]:
    if estimate is None:
        return {}
    return {row["term"]: (row["estimate"], row["std_error"]) for row in estimate.tidy(settings.LEVEL).to_dict("records")}
