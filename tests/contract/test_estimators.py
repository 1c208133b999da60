"""Laws that hold for every estimator, and second, dumber implementations of two of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design
from impact.errors import DesignError
from impact.estimate import ESTIMATORS
from impact.results import TIDY_COLUMNS, Estimate, Info
from panels import COHORTS, EMPTY_MONTH, EMPTY_UNIT, answer_from, design_from

every_estimator = pytest.mark.parametrize("name", sorted(ESTIMATORS))

EXCEPTIONS = {
    "month constants": {
        "synthetic_did": "its ridge is measured by the changes of the never covered, in which shocks common to all count (Arkhangelsky et al., eq. 2.2)",
        "etwfe_poisson": "it takes ratios for parallel, and what is added to everybody changes them",
        "etwfe_cloglog": "it takes log hazards for parallel, and what is added to everybody changes them",
        "changes_in_changes": "what is added moves values across the edges of bins 2.3 % wide",
    },
    "unit constants": {
        "synthetic_control": "it has no intercept: the compared must stand at the level of the covered",
        "regression_discontinuity": "units are compared with others at the same score, never with themselves",
        "etwfe_poisson": "it takes ratios for parallel, and what is added to a level changes them",
        "etwfe_cloglog": "it takes log hazards for parallel, and what is added to a level changes them",
        "changes_in_changes": "a worker's rank counts, and what is added to a unit changes it",
    },
    "covered constants": {"changes_in_changes": "what is added moves values across the edges of bins 2.3 % wide"},
    "scaling": {"etwfe_cloglog": "a share is not above one: it refuses"},
    "turning": {
        "etwfe_poisson": "it is for outcomes of zero or more, and refuses others",
        "etwfe_cloglog": "it is for outcomes of zero or more, and refuses others",
        "changes_in_changes": "the half of a bin 2.3 % wide is not a bin, and quantiles change places",
    },
    "splitting": {
        "synthetic_control": "each half of a never covered unit gets a weight of its own, and each half of a covered one counts as a unit",
        "synthetic_did": "each half of a never covered unit gets a weight of its own, and each half of a covered one counts as a unit",
    },
    "merging": {
        "regression_discontinuity": "units with the same score are each other's neighbours: the gap between two that are alike would pass for noise",
        "synthetic_did": "its ridge grows with the number of covered units",
    },
    "twice the panel": {
        "synthetic_control": "leave-one-out errors centre and count clusters, and weights are chosen among twice the units",
        "synthetic_did": "its ridge grows with the number of covered units",
        "regression_discontinuity": "the bandwidth narrows as units become more",
        "changes_in_changes": "its errors are those of random draws",
    },
}
"""Laws that an estimator does not obey, and why; each is seen to fail."""
SPLIT_CLUSTERS = {"regression_discontinuity": "its bandwidth minds how clusters vary, and halves of a unit are clusters of their own"}
"""Estimators that obey the law of splitting unless the units that are split are clusters, and why; each is seen to fail."""
IN_THOUSANDS = ("etwfe_cloglog",)
"""Estimators of shares: they are asked about incomes in thousands, which lie between zero and one, and their answer is scaled back."""
NOT_BY_WORKER = ("changes_in_changes",)
"""Estimators that refuse errors by worker in units of several, as their own tests show; they are asked by cluster instead."""
every_level = pytest.mark.parametrize("level", ["unit", "cluster", "worker"])
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def every_estimator_under(law: str) -> pytest.MarkDecorator:
    """Every estimator, with those marked that the law does not bind."""
    excepted = EXCEPTIONS[law]
    names = [
        pytest.param(name, marks=pytest.mark.xfail(reason=excepted[name], raises=(AssertionError, DesignError), strict=True))
        if name in excepted
        else name
        for name in sorted(ESTIMATORS)
    ]
    return pytest.mark.parametrize("name", names)


def fit(name: str, design: Design) -> Estimate:
    return ESTIMATORS[name].fit(design)


def question(name: str, frame: pd.DataFrame, outcome: str = "income", level: str = "cluster", unit: str = "unit") -> Design:
    """Build the design that an estimator asks for, with the traits that it reads."""
    info = ESTIMATORS[name].INFO
    frame = frame.assign(**{outcome: frame[outcome] / 1000}) if name in IN_THOUSANDS else frame
    level = "cluster" if level == "worker" and name in NOT_BY_WORKER else level
    return design_from(frame, outcome, level, unit, info.reads, info.bins)


def fitted(name: str, frame: pd.DataFrame, outcome: str = "income", level: str = "cluster") -> pd.DataFrame:
    table = fit(name, question(name, frame, outcome, level)).tidy()
    numbers = ["estimate", "std_error", "conf_low", "conf_high"]
    return table.assign(**{column: table[column] * 1000 for column in numbers}) if name in IN_THOUSANDS else table


def is_covered(frame: pd.DataFrame) -> pd.Series:
    return frame["month"] >= frame["first_covered"]


def is_reached(name: str, frame: pd.DataFrame) -> pd.Series:
    """Say in which rows an agreement reaches the worker: where an estimator reads who is eligible, no others."""
    return is_covered(frame) & (frame["eligible"].eq(1) | ("eligible" not in ESTIMATORS[name].INFO.reads))


def assert_same(table: pd.DataFrame, other: pd.DataFrame, lift: object = 0.0, scale: float = 1.0) -> None:
    """Compare terms, estimates and errors; `lift` is what the other estimate may stand above `scale` times this one."""
    assert table["term"].tolist() == other["term"].tolist()
    assert_allclose(other["estimate"], scale * table["estimate"] + lift, **CLOSE)
    assert_allclose(other["std_error"], abs(scale) * table["std_error"], **CLOSE)


def test_the_panel_has_what_breaks_estimators(nasty):
    sizes = nasty.groupby("unit")["worker"].nunique()
    entry = nasty.groupby("worker").agg(first=("month", "min"), covered=("first_covered", "max"))
    assert sizes.min() == 1 < sizes.max() / 20
    assert nasty.groupby("cluster")["worker"].nunique().nunique() > 5
    assert (entry["first"] > entry["covered"]).sum() > 5
    assert not ((nasty["unit"] == EMPTY_UNIT) & (nasty["month"] == EMPTY_MONTH)).any()
    assert len(nasty) < 0.95 * 12 * nasty["worker"].nunique()
    assert [str(nasty[name].dtype) for name in ("month", "rides")] == ["int8", "int8"]


def test_estimators_are_found():
    assert {"att_gt", "twfe"} <= set(ESTIMATORS)


@every_estimator
def test_an_estimator_says_what_it_estimates_assumes_and_follows(name):
    module = ESTIMATORS[name]
    assert all(word in module.__doc__ for word in ("Estimand:", "Assumes:", "Source:"))
    assert isinstance(module.INFO, Info) and module.INFO.name == name
    assert all((module.INFO.title_en, module.INFO.title_zh, module.INFO.source))
    assert dataclasses.is_dataclass(module.Options) and module.Options.__dataclass_params__.frozen
    assert module.Options.__doc__ and module.fit.__doc__


@every_level
@every_estimator
def test_the_tidy_table_has_the_common_columns(name, level, nasty):
    table = fitted(name, nasty, level=level)
    assert tuple(table.columns) == TIDY_COLUMNS
    assert table["term"].is_unique and np.isfinite(table[["estimate", "std_error", "conf_low", "conf_high", "p_value"]]).all(axis=None)
    assert (table["conf_low"] < table["estimate"]).all() and (table["estimate"] < table["conf_high"]).all()
    assert table["p_value"].between(0, 1).all()
    assert ((table["p_value"] < 0.05) == ~((table["conf_low"] < 0) & (table["conf_high"] > 0))).all()


@every_estimator
def test_the_design_is_left_as_it_was(name, nasty):
    design = question(name, nasty, level="worker")
    fields = [field.name for field in dataclasses.fields(design)]
    before = {field: np.copy(value) if isinstance(value := getattr(design, field), np.ndarray) else value for field in fields}
    fit(name, design)
    for field in fields:
        np.testing.assert_array_equal(getattr(design, field), before[field])


@every_level
@every_estimator
def test_the_order_of_rows_does_not_matter(name, level, nasty):
    turned = nasty.sample(frac=1, random_state=1)
    assert_same(fitted(name, nasty, level=level), fitted(name, turned, level=level))


@every_level
@every_estimator
def test_the_names_of_units_do_not_matter(name, level, nasty):
    names = sorted(nasty["unit"].unique())
    renamed = nasty.assign(unit=nasty["unit"].map(dict(zip(names, np.random.default_rng(3).permutation(names), strict=True))))
    assert_same(fitted(name, nasty, level=level), fitted(name, renamed, level=level))


@every_level
@every_estimator_under("month constants")
def test_a_constant_for_each_month_changes_nothing(name, level, nasty):
    moved = nasty.assign(income=nasty["income"] + np.sin(nasty["month"]) * 9)
    assert_same(fitted(name, nasty, level=level), fitted(name, moved, level=level))


@every_level
@every_estimator_under("unit constants")
def test_a_constant_for_each_unit_changes_nothing_while_nobody_comes_or_goes(name, level, balanced):
    constants = dict(zip(sorted(balanced["unit"].unique()), np.random.default_rng(4).normal(0, 9, 18), strict=True))
    moved = balanced.assign(income=balanced["income"] + balanced["unit"].map(constants))
    assert_same(fitted(name, balanced, level=level), fitted(name, moved, level=level))


@every_level
@every_estimator_under("covered constants")
def test_adding_c_to_covered_rows_adds_c_to_covered_terms(name, level, nasty):
    plain = fitted(name, nasty, level=level)
    lifted = fitted(name, nasty.assign(income=nasty["income"] + 7 * is_reached(name, nasty)), level=level)
    covered = plain["event_time"].isna() | (plain["event_time"].fillna(0) >= 0)
    assert_same(plain, lifted, lift=7.0 * covered.to_numpy(dtype=float))


def assert_scaled(name: str, frame: pd.DataFrame, level: str, scale: float) -> None:
    plain, other = (fitted(name, frame.assign(income=frame["income"] * by), level=level) for by in (1.0, scale))
    assert_allclose(other["estimate"], scale * plain["estimate"], rtol=1e-9, atol=1e-9 * abs(scale))
    assert_allclose(other["std_error"], abs(scale) * plain["std_error"], rtol=1e-9)


@every_level
@every_estimator_under("scaling")
def test_scaling_the_outcome_scales_estimates_and_errors(name, level, nasty):
    assert_scaled(name, nasty, level, 1000.0)


@every_level
@every_estimator_under("turning")
def test_turning_the_outcome_over_turns_estimates_over(name, level, nasty):
    assert_scaled(name, nasty, level, -0.5)


@every_estimator
def test_scaling_the_weights_changes_nothing(name, nasty):
    assert_same(fitted(name, nasty), fitted(name, nasty.assign(weight=nasty["weight"] * 37)))


@every_level
@every_estimator_under("splitting")
def test_splitting_units_at_random_changes_no_estimate_while_nobody_comes_or_goes(name, level, balanced):
    half = dict(zip(balanced["worker"].unique(), np.random.default_rng(5).integers(0, 2, balanced["worker"].nunique()), strict=True))
    split = balanced.assign(unit=balanced["unit"] + " " + balanced["worker"].map(half).astype(str))
    plain, other = fitted(name, balanced, level=level), fitted(name, split, level=level)
    if level == "unit" and name in SPLIT_CLUSTERS:
        assert not np.allclose(other["estimate"], plain["estimate"], **CLOSE)
        return
    assert_allclose(other["estimate"], plain["estimate"], **CLOSE)
    if level == "cluster":
        assert_same(plain.drop(columns="std_error").assign(std_error=other["std_error"]), other)


@every_estimator_under("merging")
def test_merging_two_identical_units_changes_nothing(name, balanced):
    """Every worker has a twin, in the same unit or in a unit beside it in the same cluster."""
    twins = balanced.assign(worker=balanced["worker"] + " twin")
    apart = pd.concat([balanced, twins.assign(unit=twins["unit"] + " beside")], ignore_index=True)
    together = pd.concat([balanced, twins], ignore_index=True)
    assert_same(fitted(name, apart), fitted(name, together))


@every_estimator_under("twice the panel")
def test_twice_the_panel_under_other_names_gives_the_same_estimate_and_the_error_of_twice_the_clusters(name, nasty):
    other = nasty.assign(**{column: nasty[column] + " again" for column in ("worker", "unit", "cluster")})
    plain, double = (fit(name, question(name, frame)) for frame in (nasty, pd.concat([nasty, other], ignore_index=True)))
    assert_allclose(double.values, plain.values, **CLOSE)
    ratio = (double.errors.std_error / double.correction**0.5) / (plain.errors.std_error / plain.correction**0.5)
    assert_allclose(ratio, 0.5**0.5, rtol=1e-9)


@every_estimator
def test_small_integer_columns_give_what_floats_give(name, nasty, tmp_path):
    small = nasty.assign(first_covered=nasty["first_covered"].fillna(0).astype(np.int16))
    wide = small.astype({"month": float, "rides": float, "first_covered": float})
    traits = {role: role for role in ESTIMATORS[name].INFO.reads}
    outcome = "eligible" if name in IN_THOUSANDS else "rides"
    asked = {"outcome": outcome, "estimator": name, "cluster": "cluster", "suffix": ".parquet", "traits": traits}
    assert_same(*(answer_from(frame, tmp_path, **asked).estimate.tidy() for frame in (wide, small)))


@pytest.mark.parametrize("unit", ["unit", "worker"])
@every_estimator
def test_late_entrants_do_not_make_cohorts(name, unit, nasty):
    estimate = fit(name, question(name, nasty, unit=unit))
    assert estimate.design.cohorts == tuple(int(cohort) for cohort in COHORTS if not np.isnan(cohort))
    assert set(estimate.tidy()["cohort"].dropna()) <= set(estimate.design.cohorts)


def average(rows: pd.DataFrame) -> float:
    return (rows["weight"] * rows["income"]).sum() / rows["weight"].sum()


def att_by_loops(frame: pd.DataFrame, comparison: str, base: str, anticipation: int) -> dict[tuple[int, int], float]:
    """ATT(g, t) as four weighted means of rows, in plain loops."""
    found = {}
    for cohort in (5, 8):
        for month in range(1 if base == "universal" else 2, 13):
            last = cohort - 1 - anticipation
            against = last if base == "universal" or month > last else month - 1
            free = frame["first_covered"].isna()
            if comparison == "not_yet":
                free |= (frame["first_covered"] > max(month, against) + anticipation) & (frame["first_covered"] != cohort)
            covered, compared = frame[frame["first_covered"] == cohort], frame[free]
            changes = [average(rows[rows["month"] == month]) - average(rows[rows["month"] == against]) for rows in (covered, compared)]
            found[cohort, month] = changes[0] - changes[1]
    return found


@pytest.mark.parametrize("anticipation", [0, 2])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_group_time_effects_equal_four_means_of_rows(comparison, base, anticipation, nasty):
    module = ESTIMATORS["att_gt"]
    table = module.fit(design_from(nasty), module.Options(comparison, base, anticipation)).tidy()
    by_loops = att_by_loops(nasty, comparison, base, anticipation)
    assert list(zip(table["cohort"], table["month"], strict=True)) == list(by_loops)
    assert_allclose(table["estimate"], list(by_loops.values()), **CLOSE)
    assert table["std_error"].isna().tolist() == [value == 0 for value in by_loops.values()]


@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_two_way_fixed_effects_equal_least_squares_with_dummies(unit, nasty):
    rows = nasty[nasty.groupby(unit)["month"].transform("size") > 1]
    dummies = pd.concat([pd.get_dummies(rows[unit]), pd.get_dummies(rows["month"], drop_first=True)], axis=1)
    regressors = np.column_stack([is_covered(rows), dummies]).astype(float)
    ols = sm.WLS(rows["income"].to_numpy(), regressors, weights=rows["weight"].to_numpy()).fit()
    estimate = ESTIMATORS["twfe"].fit(design_from(nasty, unit=unit))
    assert_allclose(estimate.values[0], ols.params[0], rtol=1e-8)
    clusters, nobs, counted = rows["cluster"].nunique(), len(rows), 1 + rows["month"].nunique()
    robust = ols.get_robustcov_results("cluster", groups=pd.factorize(rows["cluster"])[0], use_correction=False)
    factor = clusters / (clusters - 1) * (nobs - 1) / (nobs - counted)
    assert_allclose(estimate.errors.std_error[0], robust.bse[0] * factor**0.5, rtol=1e-8)
    plain = ESTIMATORS["twfe"].fit(design_from(nasty, unit=unit), ESTIMATORS["twfe"].Options(errors="homoskedastic"))
    assert_allclose(plain.errors.std_error[0], ols.bse[0], rtol=1e-8)
