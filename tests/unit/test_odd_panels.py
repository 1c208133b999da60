"""Panels from which an estimate would mislead are refused, or come out without an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError, ImpactError
from impact.estimate import ESTIMATORS, att_gt, twfe
from impact.infer.aggregate import aggregate
from panels import design_from, moments_from
from words import complains


def with_covariates(frame: pd.DataFrame, *names: str) -> tuple[Design, twfe.Options]:
    """The design of incomes with a worker as the unit, and covariates beside it."""
    frame = frame.assign(unit=frame["worker"])
    moments = moments_from(frame, ("income", *names))
    designs = [design_of(moments, name, "cluster") for name in ("income", *names)]
    return designs[0], twfe.Options(tuple(designs[1:]))


def test_a_covariate_that_varies_and_is_known_everywhere_is_held_constant(nasty):
    generator = np.random.default_rng(3)
    frame = nasty.assign(age=generator.normal(size=len(nasty)))
    frame["income"] += 5 * frame["age"]
    design, options = with_covariates(frame, "age")
    held, plain = twfe.fit(design, options), twfe.fit(design)
    assert held.errors.std_error[0] < 0.8 * plain.errors.std_error[0]
    unmoved = twfe.fit(design_from(nasty, unit="worker"))
    assert abs(held.values[0] - unmoved.values[0]) < unmoved.errors.std_error[0]


@pytest.mark.parametrize("unknown", ["one row", "a month", "the outcome"])
def test_a_covariate_that_is_not_known_wherever_the_outcome_is_is_refused(unknown, nasty):
    frame = nasty.assign(age=np.random.default_rng(3).normal(size=len(nasty)))
    if unknown == "one row":
        frame.loc[7, "age"] = np.nan
    elif unknown == "a month":
        frame.loc[frame["month"] == 6, "age"] = np.nan
    else:
        frame.loc[7, "income"] = np.nan
    design, options = with_covariates(frame, "age")
    counts = frame[["age", "income"]].notna().sum()
    found = f"Found {counts['age']:,} worker-months with it, {counts['income']:,} with the outcome"
    with complains(DesignError, "covariate `age`: it is not known wherever `income` is", found, "Compress only rows that have both"):
        twfe.fit(design, options)


CONSTANT: dict[str, Any] = {
    "one value": lambda frame: frame.assign(age=40.0),
    "zero": lambda frame: frame.assign(age=0.0),
    "fixed for a worker": lambda frame: frame.assign(age=20.0 + frame["worker"].str[1:].astype(int) % 7),
    "alike for everybody": lambda frame: frame.assign(age=frame["month"].astype(float) ** 2),
}


@pytest.mark.parametrize("how", CONSTANT)
def test_a_covariate_that_adds_nothing_beside_the_effects_is_refused(how, nasty):
    design, options = with_covariates(CONSTANT[how](nasty), "age")
    wrong = "outcome `income`: a covariate adds nothing beside unit and month effects"
    with complains(EstimationError, wrong, "Found 1 covariate.", "Leave out covariates that are fixed for a worker"):
        twfe.fit(design, options)


def test_a_covariate_that_repeats_another_is_refused(nasty):
    age = np.random.default_rng(3).normal(size=len(nasty))
    design, options = with_covariates(nasty.assign(age=age, older=2 * age + 1), "age", "older")
    with complains(EstimationError, "a covariate adds nothing", "Found 2 covariates", "repeat another"):
        twfe.fit(design, options)


OTHER_SCALES = {"etwfe_cloglog", "etwfe_poisson", "changes_in_changes"}
"""Estimators whose outcomes are shares, amounts or bins: large values of both signs are none of these."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - OTHER_SCALES))
@pytest.mark.parametrize("level", ["unit", "cluster", "worker"])
def test_values_too_large_to_square_are_refused(level, name, nasty):
    sign = np.where(np.arange(len(nasty)) % 2 == 0, 1.0, -1.0)
    huge = nasty.assign(income=sign * nasty["income"] * 1e306)
    with complains(EstimationError, "outcome `income`: its values are too large to compute with", "Found totals up to", "rescale it"):
        ESTIMATORS[name].fit(design_from(huge, level=level, traits=ESTIMATORS[name].INFO.reads))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", sorted(OTHER_SCALES))
def test_values_of_another_scale_are_refused(name, nasty):
    huge = nasty.assign(income=np.where(np.arange(len(nasty)) % 2 == 0, 1.0, -1.0) * nasty["income"] * 1e306)
    with pytest.raises(ImpactError):
        ESTIMATORS[name].fit(design_from(huge, bins=ESTIMATORS[name].INFO.bins))


LEVELS = {"synthetic_control", "regression_discontinuity", "triple_difference", *OTHER_SCALES}
"""Estimators that take levels for effects, or cannot be fitted to four units."""


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - LEVELS))
@pytest.mark.parametrize("size", [1.0, 1e-6, 1e9])
def test_units_that_differ_by_a_constant_have_no_error(size, name):
    rows = [
        (unit, month, first, size * (level + 0.1 * month))
        for unit, first, level in (("a", 4.0, 1 / 3), ("b", np.nan, 0.7), ("c", 6.0, 0.9), ("d", np.nan, 2 / 7))
        for month in range(1, 9)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "month", "first_covered", "income"]).assign(
        worker=lambda table: table["unit"], cluster="one", dose=lambda table: table["first_covered"].notna().astype(float)
    )
    for some in (frame, frame[frame["unit"].isin(["a", "b"])]):
        estimate = ESTIMATORS[name].fit(design_from(some, level="unit", traits=ESTIMATORS[name].INFO.reads))
        assert_allclose(estimate.values, 0, atol=1e-12 * size)
        assert estimate.tidy()[["std_error", "conf_low", "conf_high", "p_value"]].isna().all().all()


def test_a_little_noise_is_no_rounding(balanced):
    little = balanced.assign(income=100 + 1e-6 * balanced["income"])
    assert np.isfinite(att_gt.fit(design_from(little)).errors.std_error).all()


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("base", ["varying", "universal"])
def test_a_cohort_first_covered_after_the_last_month_within_the_anticipation_does_not_serve_as_never_covered(base, comparison):
    rows = [
        (f"{first} {number}", month, first, 10.0 + number + 0.5 * month + 10 * (first == 9 and month == 8))
        for first in (5.0, 9.0, np.nan)
        for number in range(4)
        for month in range(1, 9)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "month", "first_covered", "income"]).assign(
        worker=lambda table: table["unit"], cluster="one", dose=lambda table: table["first_covered"].notna().astype(float)
    )
    estimate = att_gt.fit(design_from(frame, level="unit"), att_gt.Options(comparison, base, anticipation=2))
    assert {term.cohort for term in estimate.terms} == {5}
    assert max(term.month for term in estimate.terms) == 8
    assert_allclose(estimate.values, 0, atol=1e-9)
    unanticipated = att_gt.fit(design_from(frame, level="unit"), att_gt.Options("never", base))
    assert any("first covered after the last month count as never covered" in note.en for note in unanticipated.notes)
    assert_allclose(unanticipated.values[-1], -5, atol=1e-9)


def test_the_workers_of_every_average_are_heads_also_with_weights(nasty):
    heavy = att_gt.fit(design_from(nasty.assign(weight=100 * nasty["weight"])))
    heads = nasty[nasty["first_covered"].notna()].groupby("first_covered")["worker"].nunique()
    rows = aggregate(heavy, "cohort").tidy().set_index("cohort")["workers"]
    assert rows[[5, 8]].tolist() == heads.tolist()
    for by in ("simple", "cohort", "event_time", "calendar"):
        assert aggregate(heavy, by).terms[-1].workers == heads.sum()
