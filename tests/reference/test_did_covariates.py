"""Group-time effects with covariates, and their averages, equal R `did` 2.5.1 with `DRDID` 1.2.3."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_did import EXACT, asked, assert_case, assert_leads, is_without_covariates, named, said

from impact.design.design import Design
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

MPDTA = (
    *(
        f"lpop_{how}|{who}treated|{base}"
        for who in ("never", "notyet")
        for base in ("varying", "universal")
        for how in ("reg", "dr", "ipw")
    ),
    "lpop_dr|cluster_countyreal",
    "lpop_dr|weights_lpop",
    "lpop_dr|allow_unbalanced_panel",
    "lpop_reg|panel_FALSE",
    "lpop_ipw|panel_FALSE",
)
OTHER_ERRORS = "lpop_dr|panel_FALSE"
"""In `drdid_rc` of DRDID 1.2.3 the regression of the earlier month enters the influence of the means with the wrong sign."""
PANEL_A = (
    *(f"x1x2_{how}|{who}treated|varying|unit" for who in ("never", "notyet") for how in ("dr", "reg", "ipw")),
    *(f"x1x2_dr|{who}treated|varying|cluster_city" for who in ("never", "notyet")),
    "x1x2_dr|notyettreated|universal|cluster_city",
    *(f"x1x2_{how}|nevertreated|varying|unit|w" for how in ("dr", "reg", "ipw")),
    "x1x2_dr|notyettreated|varying|cluster_city|w",
)


def options_in(call: str) -> dict[str, str]:
    """Translate how covariates are allowed for."""
    form = {"form": "levels"} if "allow_unbalanced_panel" in call else {}
    return {"adjust": said(call, "est_method", "dr"), **form}


@cache
def mpdta(call: str, file: Path) -> Estimate:
    people = {"worker": None, "cluster": "worker"} if "panel=FALSE" in call else {"worker": "countyreal"}
    columns = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal", "covariates": ("lpop",)}
    return estimate_file(Request(file=file, **columns, **people, **asked(call), options=options_in(call))).estimate


def panel_a(call: str, file: Path, **more: Any) -> Estimate:
    columns = {"month": "month", "first_covered": "g", "outcome": "y", "transform": "log", "unit": "worker", "worker": "worker"}
    cluster = "city" if "clustervars" in call else "worker"
    return estimate_file(Request(file=file, cluster=cluster, **{**columns, **asked(call), **more})).estimate


def test_every_case_with_covariates_is_examined(expected):
    for name, known in (("mpdta_did", (*MPDTA, OTHER_ERRORS)), ("panel_a_did", PANEL_A)):
        assert {case["case"] for case in expected(name)["cases"] if not is_without_covariates(case)} == set(known)


@pytest.mark.parametrize("name", MPDTA)
def test_minimum_wage_effects_with_covariates_and_their_averages_equal_did(name, reference, expected):
    case = named(expected("mpdta_did"), name)
    estimate = mpdta(case["call"], reference / "data" / "mpdta.csv")
    assert_case(estimate, case)
    assert_leads(estimate, case["wald_pretest"])


@pytest.fixture(scope="module")
def panel_a_file(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Panel a as Parquet, which is read faster, with a column that names each of the eight groups of x1 and x2."""
    file = tmp_path_factory.mktemp("panel_a") / "panel.parquet"
    frame = pd.read_csv(reference / "data" / "panel_a.csv")
    frame.assign(group=frame["x1"].astype(str) + " of " + frame["x2"].astype(str)).to_parquet(file)
    return file


@pytest.mark.parametrize("name", PANEL_A)
def test_panel_effects_with_covariates_and_their_averages_equal_did(name, panel_a_file, expected):
    case = named(expected("panel_a_did"), name)
    estimate = panel_a(case["call"], panel_a_file, covariates=("x1", "C(x2)"), options=options_in(case["call"]))
    assert_case(estimate, case)
    if case["wald_pretest"] and case["wald_pretest"].get("W") is not None:
        assert_leads(estimate, case["wald_pretest"])


def levels_before(design: Design, lpop: Design, cohort: int, month: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shares of odds, covariates, and rows before of the covered and of the compared, for an effect on a cohort in a month."""
    base = design.place(min(cohort, month) - 1)
    covered, compared = design.cohort == cohort, np.isnan(design.cohort)
    x = np.column_stack([np.ones(len(covered)), lpop.total[:, base]])
    used, beta = covered | compared, np.zeros(2)
    for _ in range(30):
        fitted = 1 / (1 + np.exp(-x[used] @ beta))
        beta += np.linalg.solve((x[used].T * fitted * (1 - fitted)) @ x[used], x[used].T @ (covered[used] - fitted))
    odds = np.exp(x @ beta)
    return odds, x, covered, compared


def as_in_drdid(estimate: Estimate) -> np.ndarray:
    """Errors with the sign that `drdid_rc` has: what the regression before moves through the means of covered and compared counts the other way round."""
    design, lpop = estimate.design, estimate.options.covariates[0]
    found = []
    for term, contrast in zip(estimate.terms, estimate.contrasts, strict=True):
        odds, x, covered, compared = levels_before(design, lpop, term.cohort, term.month)
        base = design.place(min(term.cohort, term.month) - 1)
        before = x[compared], design.total[compared, base]
        beta = np.linalg.lstsq(*before, rcond=None)[0]
        left = before[1] - before[0] @ beta
        apart = x[covered].mean(axis=0) - (odds[compared] @ before[0]) / odds[compared].sum()
        rows = contrast.a * design.total - contrast.b
        rows[compared, base] -= 2 * left * (before[0] @ np.linalg.solve(before[0].T @ before[0], apart))
        found.append(np.sqrt((rows**2).sum()))
    return np.array(found)


def test_doubly_robust_effects_in_repeated_cross_sections_equal_did_and_errors_but_for_a_sign_of_drdid(reference, expected):
    case = named(expected("mpdta_did"), OTHER_ERRORS)
    estimate = mpdta(case["call"], reference / "data" / "mpdta.csv")
    rows = sorted(case["att_gt"], key=lambda row: (row["g"], row["t"]))
    table = estimate.tidy()
    assert table[["cohort", "month"]].to_numpy(dtype=int).tolist() == [[row["g"], row["t"]] for row in rows]
    assert_allclose(table["estimate"], [row["att"] for row in rows], rtol=EXACT, atol=EXACT)
    assert_allclose(table["std_error"], [row["se"] for row in rows], rtol=2e-3)
    assert_allclose(as_in_drdid(estimate), [row["se"] for row in rows], rtol=EXACT)
    for by, name in (("simple", "simple"), ("cohort", "group"), ("event_time", "dynamic"), ("calendar", "calendar")):
        overall = aggregate(estimate, by).tidy().iloc[-1]
        assert_allclose(overall["estimate"], case["aggte"][name]["overall_att"], rtol=EXACT, atol=EXACT)
        assert_allclose(overall["std_error"], case["aggte"][name]["overall_se"], rtol=2e-3)


@pytest.mark.parametrize("adjust", ["reg", "ipw", "dr"])
@pytest.mark.parametrize("by", ["none", "simple", "event_time"])
def test_effects_within_strata_from_joined_units_are_those_with_a_dummy_for_each_stratum(adjust, by, panel_a_file):
    call = 'control_group="notyettreated", clustervars="city"'
    joined = panel_a(call, panel_a_file, unit="city", traits={"stratum": "group"})
    dummies = panel_a(call, panel_a_file, covariates=("C(group)",), options={"adjust": adjust})
    assert len(joined.design.units) <= 320 and len(dummies.design.units) == 2000
    one, other = (aggregate(estimate, by).tidy() for estimate in (joined, dummies))
    assert_allclose(one["estimate"], other["estimate"], rtol=0, atol=1e-10)
    assert_allclose(one["std_error"], other["std_error"], rtol=0, atol=1e-10)
