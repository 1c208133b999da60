"""Group-time effects, their averages, leads and bands equal R `did` 2.5.1, wherever no covariates are used."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from impact.check import leads
from impact.infer.aggregate import By, Window, aggregate
from impact.infer.bands import chosen, critical_value
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

EXACT = 1e-8
COMPARISON = {"nevertreated": "never", "notyettreated": "not_yet"}
PATHS = {
    "simple": ("simple", Window(), None),
    "group": ("cohort", Window(), "cohort"),
    "dynamic": ("event_time", Window(), "event_time"),
    "calendar": ("calendar", Window(), "month"),
    "dynamic_min_m3_max3": ("event_time", Window(-3, 3), "event_time"),
    "dynamic_balance_e1": ("event_time", Window(balance=1), "event_time"),
}
MPDTA = (
    "nocov|nevertreated|varying",
    "nocov|nevertreated|universal",
    "nocov|notyettreated|varying",
    "nocov|notyettreated|universal",
    "nocov|cluster_countyreal",
    "nocov|anticipation1|varying",
    "nocov|anticipation1|universal",
    "nocov|weights_lpop",
    "nocov|allow_unbalanced_panel",
    "nocov|panel_FALSE",
)
PANEL_A = (
    "nocov|nevertreated|varying|unit",
    "nocov|nevertreated|varying|cluster_city",
    "nocov|notyettreated|varying|unit",
    "nocov|notyettreated|varying|cluster_city",
    "nocov|nevertreated|universal|unit",
    "nocov|notyettreated|universal|cluster_city",
    "nocov|nevertreated|varying|unit|w",
    "nocov|notyettreated|varying|cluster_city|w",
    "nocov|nevertreated|varying|unit|anticipation1",
    "nocov|notyettreated|varying|unit|anticipation1",
    "y_levels|nocov|nevertreated|varying|cluster_city",
    "exit|nocov|nevertreated|varying|cluster_city",
    "drop_nevertreated|nocov|notyettreated|varying|unit",
    "drop_nevertreated|nocov|notyettreated|varying|cluster_city",
)


def said(call: str, argument: str, default: str = "") -> str:
    """Read one argument of an R call."""
    found = re.search(rf'\b{argument}="?([^",)]+)', call)
    return found.group(1) if found else default


def asked(call: str) -> dict[str, Any]:
    """Translate the arguments of `att_gt` in R into those of a request."""
    return {
        "comparison": COMPARISON[said(call, "control_group", "nevertreated")],
        "base": said(call, "base_period", "varying"),
        "anticipation": int(said(call, "anticipation", "0")),
        "weights": said(call, "weightsname") or None,
    }


@cache
def mpdta(case: str, call: str, file: Path) -> Estimate:
    people = {"worker": None if "panel=FALSE" in call else "countyreal", "cluster": "worker" if "panel=FALSE" in call else None}
    columns = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal"}
    return estimate_file(Request(file=file, **columns, **people, **asked(call))).estimate


@cache
def panel_a(case: str, call: str, unit: str, file: Path) -> Estimate:
    outcome = said(call, "yname")
    columns = {"month": "month", "first_covered": "g", "outcome": outcome.replace("ly", "y"), "unit": unit, "worker": "worker"}
    columns |= {"cluster": "city" if "clustervars" in call else "worker", "transform": "log" if outcome == "ly" else "none"}
    return estimate_file(Request(file=file, **columns, **asked(call))).estimate


def assert_rows(table: pd.DataFrame, label: list[str], rows: list[dict[str, Any]], keys: list[str]) -> None:
    """Compare estimates and errors row by row; a null error stands for a missing one."""
    assert table[label].to_numpy(dtype=int).tolist() == [[row[key] for key in keys] for row in rows]
    assert_allclose(table["estimate"], [row["att"] for row in rows], rtol=EXACT, atol=EXACT)
    assert_allclose(table["std_error"], [np.nan if row["se"] is None else row["se"] for row in rows], rtol=EXACT, atol=EXACT)


def assert_case(estimate: Estimate, case: dict[str, Any]) -> None:
    rows = sorted(case["att_gt"], key=lambda row: (row["g"], row["t"]))
    assert_rows(estimate.tidy().sort_values(["cohort", "month"]), ["cohort", "month"], rows, ["g", "t"])
    assert set(case["aggte"]) <= set(PATHS)
    for name, numbers in case["aggte"].items():
        by, window, label = PATHS[name]
        table = aggregate(estimate, by, window).tidy()
        overall = table[table["term"] == "overall"].iloc[0]
        assert_allclose(
            (overall["estimate"], overall["std_error"]), (numbers["overall_att"], numbers["overall_se"]), rtol=EXACT, atol=EXACT
        )
        if label:
            assert_rows(table[table["term"] != "overall"], [label], numbers["rows"], ["egt"])


def assert_leads(estimate: Estimate, wald: dict[str, float]) -> None:
    numbers = leads.run(estimate).numbers
    assert_allclose(numbers["wald"], wald["W"], rtol=EXACT)
    assert numbers["wald_p_value"] == pytest.approx(wald["p"], abs=6e-6)


def named(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(case for case in content["cases"] if case["case"] == name)


def is_without_covariates(case: dict[str, Any]) -> bool:
    return "xformla" not in case["call"]


def test_every_case_without_covariates_is_examined(expected):
    assert {case["case"] for case in expected("mpdta_did")["cases"] if is_without_covariates(case)} == set(MPDTA)
    assert {case["case"] for case in expected("panel_a_did")["cases"] if is_without_covariates(case)} == set(PANEL_A)


@pytest.mark.parametrize("name", MPDTA)
def test_minimum_wage_effects_and_their_averages_equal_did(name, reference, expected):
    case = named(expected("mpdta_did"), name)
    assert_case(mpdta(name, case["call"], reference / "data" / "mpdta.csv"), case)


@pytest.mark.parametrize("name", MPDTA)
def test_minimum_wage_leads_equal_the_wald_test_of_did(name, reference, expected):
    case = named(expected("mpdta_did"), name)
    assert_leads(mpdta(name, case["call"], reference / "data" / "mpdta.csv"), case["wald_pretest"])


@pytest.fixture(scope="module")
def panel_a_files(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The whole panel, and the panel without the never covered; as Parquet, which is read faster."""
    frame, folder = pd.read_csv(reference / "data" / "panel_a.csv"), tmp_path_factory.mktemp("panel_a")
    files = {False: folder / "whole.parquet", True: folder / "ever_covered.parquet"}
    frame.to_parquet(files[False])
    frame[frame["g"] > 0].to_parquet(files[True])
    return files


@pytest.mark.parametrize("unit", ["city", "worker"])
@pytest.mark.parametrize("name", PANEL_A)
def test_panel_effects_averages_and_leads_equal_did_whichever_level_is_the_unit(name, unit, panel_a_files, expected):
    case = named(expected("panel_a_did"), name)
    estimate = panel_a(name, case["call"], unit, panel_a_files[name.startswith("drop_nevertreated")])
    assert_case(estimate, case)
    if case["wald_pretest"] and case["wald_pretest"].get("W") is not None:
        assert_leads(estimate, case["wald_pretest"])


@pytest.fixture
def minimum_wage_path(reference, expected):
    """The path of effects by event time or by cohort and year, without its overall mean."""

    def path(by: By) -> Estimate:
        call = named(expected("mpdta_did"), MPDTA[0])["call"]
        estimate = aggregate(mpdta(MPDTA[0], call, reference / "data" / "mpdta.csv"), by)
        return chosen(estimate, [place for place, term in enumerate(estimate.terms) if term.name != "overall"])

    return path


CRITICAL = pytest.mark.parametrize(("by", "key"), [("none", "att_gt"), ("event_time", "dynamic")])


@CRITICAL
def test_multipliers_on_the_influence_give_the_bootstrap_of_did(by, key, minimum_wage_path, expected):
    """Rademacher multipliers, errors from the quartiles, as `did` takes them."""
    bootstrap, path = expected("mpdta_did_bootstrap"), minimum_wage_path(by)
    signs = np.random.default_rng(1).choice(np.float32([-1, 1]), size=(20_000, len(path.design.units)))
    draws = signs @ path.influence().to_numpy(dtype=np.float32)
    errors = np.subtract(*np.quantile(draws, (0.75, 0.25), axis=0)) / 1.349
    assert_allclose(errors, [row["se"] for row in bootstrap[key]], rtol=0.03)
    assert np.quantile(np.abs(draws / errors).max(axis=1), 0.95) == pytest.approx(bootstrap[f"{key}_crit"], rel=0.02)


@CRITICAL
def test_uniform_critical_values_are_near_those_of_did(by, key, minimum_wage_path, expected):
    """The multipliers of `did` are lighter in the tails than the normal in cohorts of 20 and 40 counties, and its errors come from quartiles."""
    bootstrap, path = expected("mpdta_did_bootstrap"), minimum_wage_path(by)
    assert critical_value(path) == pytest.approx(bootstrap[f"{key}_crit"], rel=0.07)


@CRITICAL
def test_the_uniform_critical_value_bounds_all_terms_with_the_level_asked(by, key, minimum_wage_path):
    path = minimum_wage_path(by)
    correlation = path.errors.covariance / np.outer(path.errors.std_error, path.errors.std_error)
    reach = np.full(len(path.terms), critical_value(path, 0.95))
    inside = stats.multivariate_normal(cov=correlation, allow_singular=True, seed=1).cdf(reach, lower_limit=-reach)
    assert inside == pytest.approx(0.95, abs=0.004)
