"""The multiplier bootstrap equals that of R `did` up to the noise of draws, in errors and in the critical values of bands."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from impact.infer.aggregate import aggregate
from impact.infer.bands import chosen
from impact.infer.wild import Options, multiplier
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

DRAWS = Options(draws=20_000)


@pytest.fixture(scope="module")
def effects(reference) -> Estimate:
    columns = {"month": "year", "first_covered": "first_treat", "outcome": "lemp", "unit": "countyreal", "worker": "countyreal"}
    return estimate_file(Request(file=reference / "data" / "mpdta.csv", comparison="never", base="varying", **columns)).estimate


def test_errors_of_effects_and_the_critical_value_of_their_band_equal_did(effects, expected):
    numbers, found = expected("mpdta_did_bootstrap"), multiplier(effects, DRAWS)
    order = np.lexsort(([term.month for term in effects.terms], [term.cohort for term in effects.terms]))
    assert_allclose(found.estimate[order], [row["att"] for row in numbers["att_gt"]], rtol=1e-8)
    assert_allclose(found.std_error[order], [row["se"] for row in numbers["att_gt"]], rtol=0.03)
    assert_allclose(found.band_reach / found.std_error, numbers["att_gt_crit"], rtol=0.015)


def test_errors_of_the_event_study_and_the_critical_value_of_its_band_equal_did(effects, expected):
    numbers, dynamic = expected("mpdta_did_bootstrap"), aggregate(effects, "event_time")
    path = chosen(dynamic, list(range(len(dynamic.terms) - 1)))
    found = multiplier(path, DRAWS)
    assert [term.event_time for term in path.terms] == [row["e"] for row in numbers["dynamic"]]
    assert_allclose(found.std_error, [row["se"] for row in numbers["dynamic"]], rtol=0.03)
    assert_allclose(found.band_reach / found.std_error, numbers["dynamic_crit"], rtol=0.015)
    overall = multiplier(chosen(dynamic, [len(dynamic.terms) - 1]), DRAWS)
    assert_allclose(overall.std_error, numbers["dynamic_overall"]["se"], rtol=0.03)
