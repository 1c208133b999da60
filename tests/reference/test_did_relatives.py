"""Stacked effects, local projections and effects by dose equal R `did` 2.5.1 where the methods coincide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.infer.aggregate import aggregate
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

EXACT = {"rtol": 1e-8, "atol": 1e-8}
MPDTA = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal", "worker": "countyreal"}
PANEL_A = {
    "month": "month",
    "first_covered": "g",
    "outcome": "y",
    "transform": "log",
    "unit": "city",
    "worker": "worker",
    "cluster": "city",
}


def case_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(case for case in content["cases"] if case["case"] == name)


def by_cohort_and_month(case: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(case["att_gt"]).set_index(["g", "t"])


def estimated(file: Path, columns: dict[str, str], estimator: str, **more: Any) -> Estimate:
    return estimate_file(Request(file=file, estimator=estimator, **columns, **more)).estimate


@pytest.mark.parametrize("cohorts", [("nevertreated", "never"), ("notyettreated", "not_yet")])
def test_local_projections_with_equal_weights_equal_the_dynamic_average(cohorts, reference, expected):
    """Dube et al. show it; the base of leads is universal, and in `did` the base itself is shown."""
    file = reference / "data" / "mpdta.csv"
    estimate = estimated(file, MPDTA, "local_projections", comparison=cohorts[1], options={"weights": "equal"})
    rows = case_of(expected("mpdta_did"), f"nocov|{cohorts[0]}|universal")["aggte"]["dynamic"]["rows"]
    wanted = {row["egt"]: row["att"] for row in rows if row["egt"] != -1}
    assert [term.event_time for term in estimate.terms] == list(wanted)
    assert_allclose(estimate.values, list(wanted.values()), **EXACT)


def test_a_stack_of_the_first_covered_year_equals_the_dynamic_average_with_its_error(reference, expected):
    estimate = estimated(reference / "data" / "mpdta.csv", MPDTA, "stacked", comparison="never", options={"before": "1", "after": "0"})
    row = next(row for row in case_of(expected("mpdta_did"), "nocov|nevertreated|varying")["aggte"]["dynamic"]["rows"] if row["egt"] == 0)
    table = aggregate(estimate, "event_time").tidy().set_index("event_time")
    assert_allclose(table.loc[0, ["estimate", "std_error"]].astype(float), [row["att"], row["se"]], **EXACT)


def test_stacks_hold_the_group_time_effects_of_the_window_with_errors_by_city(reference, expected):
    estimate = estimated(reference / "data" / "panel_a.csv", PANEL_A, "stacked", comparison="never", options={"before": "1", "after": "2"})
    wanted = by_cohort_and_month(case_of(expected("panel_a_did"), "nocov|nevertreated|varying|cluster_city"))
    table = estimate.tidy()
    assert sorted(set(table["cohort"])) == [4, 7, 10]
    assert_allclose(table[["estimate", "std_error"]], wanted.loc[list(zip(table["cohort"], table["month"], strict=True))], **EXACT)


@pytest.mark.parametrize("form", ["linear", "per_unit"])
def test_with_a_dose_of_one_effects_per_unit_are_group_time_effects_with_errors_by_city(form, reference, expected, tmp_path):
    frame = pd.read_csv(reference / "data" / "panel_a.csv").assign(bite=lambda rows: (rows["g"] > 0).astype(float))
    file = tmp_path / "panel.parquet"
    frame.to_parquet(file)
    table = estimated(file, PANEL_A, "dose", traits={"dose": "bite"}, options={"form": form}).tidy()
    wanted = by_cohort_and_month(case_of(expected("panel_a_did"), "nocov|nevertreated|varying|cluster_city"))
    assert_allclose(table[["estimate", "std_error"]], wanted.loc[list(zip(table["cohort"], table["month"], strict=True))], **EXACT)


def test_one_group_of_doses_is_the_simple_average(reference, expected, tmp_path):
    frame = pd.read_csv(reference / "data" / "panel_a.csv").assign(bite=lambda rows: np.where(rows["g"] > 0, rows["city"] % 7 + 1, 0))
    file = tmp_path / "panel.parquet"
    frame.to_parquet(file)
    table = estimated(file, PANEL_A, "dose", traits={"dose": "bite"}, options={"groups": "1"}).tidy()
    wanted = case_of(expected("panel_a_did"), "nocov|nevertreated|varying|cluster_city")["aggte"]["simple"]
    assert_allclose(table[["estimate", "std_error"]], [[wanted["overall_att"], wanted["overall_se"]]], **EXACT)
