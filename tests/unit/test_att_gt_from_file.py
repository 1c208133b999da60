"""Covariates and strata of `impact estimate`: categories, missing values, what is refused, and inference that asks again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DataError, StudyError
from impact.infer.aggregate import Window
from impact.run.inferred import infer_as_asked
from panels import answer_from
from words import complains

WORKERS = {"unit": "worker", "cluster": "cluster"}


@pytest.fixture(scope="module")
def told(nasty: pd.DataFrame) -> pd.DataFrame:
    """The unbalanced panel with the age of workers, a grade from 2 to 10, and the vehicle that they ride."""
    number = nasty["worker"].str[1:].astype(int)
    vehicle = number.map(lambda one: ("bike", "car", "scooter")[one * 5 % 7 % 3])
    return nasty.assign(age=20 + number * 37 % 41, grade=np.array([10, 2, 3])[number * 11 % 13 % 3], vehicle=vehicle)


@pytest.mark.parametrize("estimator", ["att_gt", "twfe"])
@pytest.mark.parametrize(("column", "levels"), [("vehicle", ["bike", "car", "scooter"]), ("grade", ["2", "3", "10"])])
def test_categories_are_a_dummy_for_each_level_but_the_first(column, levels, estimator, told, tmp_path: Path):
    moving = told.assign(**{column: told[column].where(told["month"] % 5 != 0, told[column].shift(fill_value=told[column].iloc[0]))})
    written = moving.assign(**{f"is {level}": (moving[column].astype(str) == level).astype(int) for level in levels[1:]})
    asked = {**WORKERS, "estimator": estimator}
    named = answer_from(moving, tmp_path, covariates=("age", f"C({column})") if estimator == "att_gt" else (f"C({column})",), **asked)
    dummies = tuple(f"is {level}" for level in levels[1:])
    by_hand = answer_from(written, tmp_path, covariates=("age", *dummies) if estimator == "att_gt" else dummies, **asked)
    assert_allclose(named.estimate.values, by_hand.estimate.values, rtol=1e-9)
    assert_allclose(named.estimate.errors.std_error, by_hand.estimate.errors.std_error, rtol=1e-9)
    assert f"C({column}): {levels[0]} (left out), {', '.join(levels[1:])}" in named.facts
    assert [one.outcome for one in named.estimate.options.covariates][-2:] == [f"C({column})={level}" for level in levels[1:]]


def test_numbers_written_in_several_ways_are_one_level(told, tmp_path: Path):
    plain = answer_from(told, tmp_path, covariates=("C(grade)",), **WORKERS)
    mixed = told.assign(grade=[f"{grade}.0" if place % 2 else f" {grade}" for place, grade in enumerate(told["grade"])])
    other = answer_from(mixed, tmp_path, covariates=("C(grade)",), **WORKERS)
    assert plain.facts == other.facts
    assert_allclose(other.estimate.values, plain.estimate.values, rtol=1e-9)


@pytest.mark.parametrize("column", ["age", "C(vehicle)"])
@pytest.mark.parametrize("missing", ["", "NA"])
def test_rows_without_a_covariate_are_left_out_and_counted_under_its_name(column, missing, told, tmp_path: Path):
    source = column.removeprefix("C(").removesuffix(")")
    chosen = told.index[::50]
    frame = told.astype({source: object})
    frame.loc[chosen, source] = missing
    answer = answer_from(frame, tmp_path, covariates=(column,), **WORKERS)
    without = answer_from(told.drop(index=chosen), tmp_path, covariates=(column,), **WORKERS)
    assert_allclose(answer.estimate.values, without.estimate.values, rtol=1e-9)
    assert f"{len(chosen)} rows without a value of `{column}` left out" in {note.en for note in answer.estimate.notes}
    assert not any("`income`" in note.en for note in answer.estimate.notes)


def test_a_covariate_that_is_empty_everywhere_is_named(told, tmp_path: Path):
    with complains(DataError, "column `age` holds no value", f"Found {len(told):,} rows, all empty in it", "Name another covariate"):
        answer_from(told.assign(age=""), tmp_path, covariates=("age",), **WORKERS)


@pytest.mark.parametrize(("values", "found"), [(lambda _: "all", "Found 1 level;"), (lambda table: table["worker"], "Found 160 levels")])
def test_a_column_with_one_level_or_very_many_is_no_category(values, found, told, tmp_path: Path):
    assert told["worker"].nunique() == 160
    with complains(StudyError, "covariate `C(vehicle)` cannot be used as categories", found, "name it without C()"):
        answer_from(told.assign(vehicle=values(told)), tmp_path, covariates=("C(vehicle)",), **WORKERS)


def test_a_category_that_is_not_there_is_refused_with_the_nearest_spelling(told, tmp_path: Path):
    with complains(DataError, "there is no column `vehicles`", "Columns found", "Did you mean `vehicle`?"):
        answer_from(told, tmp_path, covariates=("C(vehicles)",), **WORKERS)


@pytest.mark.parametrize("method", ["cr1", "cr2", "multiplier", "wild", "permutation"])
@pytest.mark.parametrize("asked", [{"covariates": ("age",)}, {"traits": {"stratum": "vehicle"}}], ids=["covariates", "strata"])
def test_every_way_to_infer_can_ask_again(asked, method, told, tmp_path: Path):
    """Permutations ask anew for each assignment of cohorts to clusters, of which few clusters leave few."""
    few = told[told["cluster"].isin(sorted(told["cluster"].unique())[::2]) & told["month"].between(3, 6)]
    few = few if method == "permutation" else told
    answer = answer_from(few, tmp_path, cluster="cluster", by="simple", unit="worker" if "covariates" in asked else "unit", **asked)
    found = infer_as_asked(method, answer.effects, "simple", Window(), 0.95, 1)
    assert found is not None
    assert_allclose(found.first.estimate, answer.estimate.values, rtol=1e-9)
    assert np.isfinite(found.first.p_value).all() and 0 < found.first.p_value[0] < 0.5


def test_rows_that_name_nobody_are_repeated_cross_sections(told, tmp_path: Path):
    rows = told.assign(row=[f"r{place}" for place in range(len(told))])
    named = {"worker": None, "cluster": "cluster", "covariates": ("age",)}
    answer = answer_from(rows, tmp_path, unit="row", **named)
    levels = answer_from(told, tmp_path, **WORKERS, covariates=("age",), options={"form": "levels"})
    assert_allclose(answer.estimate.values, levels.estimate.values, rtol=1e-9)
    assert_allclose(answer.estimate.errors.std_error, levels.estimate.errors.std_error, rtol=1e-9)
