"""Extended two-way regressions equal R `etwfe` 0.6.0: averages of effects to rounding, errors as closely as its numerical derivatives allow."""

from __future__ import annotations

from typing import Any

import pytest
from numpy.testing import assert_allclose

from impact.infer.aggregate import aggregate
from impact.run.estimate_file import Request, estimate_file

AVERAGES = {"simple": "simple", "event": "event_time", "group": "cohort", "calendar": "calendar"}
CASES = {
    "nocov_notyet": {"comparison": "not_yet"},
    "nocov_never": {"comparison": "never"},
    "ivar_worker_notyet": {"options": {"effects": "worker"}},
    "x1_notyet": {"unit": "worker", "covariates": ("x1",)},
}


@pytest.mark.parametrize("case", CASES)
def test_averages_of_effects_equal_etwfe(case, reference, expected):
    columns: dict[str, Any] = {
        "month": "month",
        "first_covered": "g",
        "outcome": "y",
        "transform": "log",
        "unit": "city",
        "worker": "worker",
    }
    file = reference / "data" / "panel_a.csv"
    estimate = estimate_file(Request(file=file, cluster="city", estimator="etwfe", **{**columns, **CASES[case]})).estimate
    numbers = expected("panel_a_etwfe")["results"][case]
    for name, by in AVERAGES.items():
        if name in numbers:
            table = aggregate(estimate, by).tidy()
            table = table if by == "simple" else table.iloc[:-1]
            assert_allclose(table["estimate"], [row["estimate"] for row in numbers[name]], atol=1e-10)
            assert_allclose(table["std_error"], [row["se"] for row in numbers[name]], rtol=2e-6)
