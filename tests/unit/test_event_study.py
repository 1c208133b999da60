"""The two-way event study equals least squares with dummies, shares coefficients at the ends, and says what cannot be told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import event_study
from impact.estimate.event_study import Options
from panels import design_from, moments_from
from words import complains


def by_least_squares(frame: pd.DataFrame, unit: str, options: Options) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Event times, coefficients and clustered errors from a regression on the rows with dummies; the factor is fixest's."""
    rows = frame[frame.groupby(unit)["month"].transform("size") > 1]
    since = (rows["month"] - rows["first_covered"]).clip(options.first, options.last)
    times = sorted({int(time) for time in since.dropna()} - {-1 - options.anticipation})
    held = pd.concat([pd.get_dummies(rows[unit]), pd.get_dummies(rows["month"], drop_first=True)], axis=1)
    regressors = np.column_stack([*(since == time for time in times), held]).astype(float)
    ols = sm.WLS(rows["income"].to_numpy(), regressors, weights=rows["weight"].to_numpy()).fit()
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    clusters, nobs = rows["cluster"].nunique(), len(rows)
    factor = clusters / (clusters - 1) * (nobs - 1) / (nobs - len(times) - rows["month"].nunique())
    return times, ols.params[: len(times)], robust.bse[: len(times)] * factor**0.5


@pytest.mark.parametrize("options", [Options(), Options(first=-3, last=4), Options(first=-4, anticipation=1)])
@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_the_event_study_equals_least_squares_with_dummies(unit, options, nasty):
    estimate = event_study.fit(design_from(nasty, unit=unit), options)
    times, coefficients, errors = by_least_squares(nasty, unit, options)
    assert [term.event_time for term in estimate.terms] == times
    assert_allclose(estimate.values, coefficients, rtol=1e-7, atol=1e-9)
    assert_allclose(estimate.errors.std_error, errors, rtol=1e-7)


def test_event_times_at_the_ends_share_a_coefficient_and_say_so(nasty):
    estimate = event_study.fit(design_from(nasty), Options(first=-3, last=2))
    names = [term.name for term in estimate.terms]
    assert names == ["effect(-3 and before)", "effect(-2)", "effect(+0)", "effect(+1)", "effect(+2 and after)"]
    covered = nasty[nasty["first_covered"].notna()]
    assert estimate.terms[-1].workers == (covered["month"] - covered["first_covered"] >= 2).sum()


def test_workers_are_held_constant_alike_from_patterns_and_from_rows(nasty):
    frame = nasty.assign(weight=nasty.groupby("worker")["weight"].transform("first"))
    rows = design_from(frame.assign(unit=frame["worker"]))
    followed = design_of(moments_from(frame, patterns=True), "income", "cluster", follow_workers=True)
    wanted, found = (event_study.fit(design).tidy() for design in (rows, followed))
    assert_allclose(found[["estimate", "std_error", "workers"]], wanted[["estimate", "std_error", "workers"]], rtol=1e-7)


def test_effects_alike_in_every_cohort_are_recovered(nasty):
    since = nasty["month"] - nasty["first_covered"]
    exact = nasty.assign(income=nasty["month"] * 0.5 + nasty["unit"].str[-2:].astype(int) + np.where(since >= 0, 1 + since**2, 0.0))
    estimate = event_study.fit(design_from(exact))
    wanted = [1.0 + term.event_time**2 if term.event_time >= 0 else 0.0 for term in estimate.terms]
    assert_allclose(estimate.values, wanted, atol=1e-8)


def test_leads_pick_up_effects_that_differ_between_cohorts(nasty):
    since = nasty["month"] - nasty["first_covered"]
    parted = nasty.assign(income=np.where((since >= 0) & (nasty["first_covered"] == 5), 1.0 + since, 0.0))
    leads = [
        one for term, one in zip(*(lambda e: (e.terms, e.values))(event_study.fit(design_from(parted))), strict=True) if term.event_time < 0
    ]
    assert np.abs(leads).max() > 0.2


def test_event_times_that_cannot_be_told_apart_are_refused(nasty):
    covered = design_from(nasty[nasty["first_covered"].notna()])
    with complains(EstimationError, "event times cannot be told from unit and month effects", "0 units never covered", "--option first=-3"):
        event_study.fit(covered)
    assert len(event_study.fit(covered, Options(first=-3)).terms) == 10
    one_cohort = design_from(nasty[nasty["first_covered"] == 5])
    with complains(
        EstimationError, "event times cannot be told from", "0 units never covered", "Add units that are covered later, or never"
    ):
        event_study.fit(one_cohort)


@pytest.mark.parametrize("options", [Options(first=0), Options(last=-1), Options(first=-2, anticipation=2)])
def test_a_window_without_its_reference_or_coverage_is_refused(options, nasty):
    with complains(DesignError, "window of event times: it must hold the reference", "anticipation", "Widen the window"):
        event_study.fit(design_from(nasty), options)
