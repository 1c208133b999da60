"""Panels on which other packages of group-time effects go wrong; each test is named for what broke one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DataError
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from panels import answer_from, design_from, moments_from
from words import complains

CLOSE = {"rtol": 1e-9, "atol": 1e-9}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "dr": {"covariates": ("age",), "options": {"adjust": "dr"}},
    "reg": {"covariates": ("age",), "options": {"adjust": "reg"}},
    "ipw": {"covariates": ("age",), "options": {"adjust": "ipw"}},
    "strata": {"traits": {"stratum": "kind"}},
}
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def told(nasty: pd.DataFrame) -> pd.DataFrame:
    """The unbalanced panel with small whole numbers for the age of workers, and two kinds of them."""
    number = nasty["worker"].str[1:].astype(int)
    return nasty.assign(age=(20 + number * 37 % 41).astype(np.int8), kind=(number % 2).astype(np.int8))


def questioned(frame: pd.DataFrame, way: str, level: str = "cluster") -> tuple[Design, att_gt.Options]:
    """Build the design with a worker as the unit, and the options of a way to compare like with like."""
    frame = frame.assign(unit=frame["worker"], stratum=frame["kind"])
    names = WAYS[way].get("covariates", ())
    moments = moments_from(frame, ("income", *names), traits=("stratum",) if way == "strata" else ())
    design, *covariates = (design_of(moments, name, level) for name in ("income", *names))
    return design, att_gt.Options(covariates=tuple(covariates), **WAYS[way].get("options", {}))


@every_way
def test_unequal_clusters_add_their_workers_up_and_do_not_average_them(way, told):
    design, options = questioned(told, way)
    estimate = att_gt.fit(design, options)
    influence = estimate.influence()
    by_cluster = influence.groupby(np.asarray(estimate.design.cluster))
    assert_allclose(estimate.errors.std_error, (by_cluster.sum() ** 2).sum() ** 0.5, **CLOSE)
    sizes = by_cluster.size()
    averaged = ((by_cluster.mean().mul(sizes.mean())) ** 2).sum() ** 0.5
    apart = np.abs(averaged / estimate.errors.std_error - 1)
    assert sizes.max() > 5 * sizes.min() and apart.min() > 1e-3 and np.median(apart) > 0.05


@every_way
def test_errors_clustered_by_a_column_are_not_those_of_workers(way, told, tmp_path: Path):
    asked = {"unit": "worker", **WAYS[way]}
    workers, clusters = (answer_from(told, tmp_path, cluster=level, **asked).estimate for level in ("worker", "cluster"))
    assert_allclose(workers.values, clusters.values, **CLOSE)
    assert (np.abs(workers.errors.std_error / clusters.errors.std_error - 1) > 1e-3).all()
    assert (workers.errors.clusters, clusters.errors.clusters) == (told["worker"].nunique(), 12)


@every_way
def test_late_entrants_belong_to_the_cohort_of_their_unit(way, told, tmp_path: Path):
    late = told.groupby("worker").agg(first=("month", "min"), covered=("first_covered", "max"))
    assert (late["first"] > late["covered"]).sum() > 5
    estimate = answer_from(told, tmp_path, cluster="cluster", **WAYS[way]).estimate
    assert estimate.design.cohorts == (5, 8)
    assert {term.workers for term in estimate.terms if term.cohort == 5 and term.month == 12} == {
        told[(told["first_covered"] == 5) & (told["month"] == 12)]["worker"].nunique()
    }


@pytest.mark.parametrize("way", ["dr", "reg", "ipw"])
def test_deleted_rows_leave_the_others_in(way, told):
    """Where balanced panels alone are known, a worker who misses one month is gone from all."""
    design, options = questioned(told, way)
    estimate = att_gt.fit(design, options)
    ends = np.isin(np.asarray(design.months), (4, 12))
    pair = att_gt.fit(design.keep(np.ones(len(design.units), dtype=bool), ends), options)
    at = {(term.cohort, term.month): value for term, value in zip(estimate.terms, estimate.values, strict=True)}
    assert pair.terms[0].cohort == 5 and pair.terms[0].month == 12
    assert_allclose(pair.values[0], at[5, 12], **CLOSE)
    assert pair.terms[0].workers < told[told["first_covered"] == 5]["worker"].nunique()


@every_way
def test_small_integers_give_what_floats_give(way, told, tmp_path: Path):
    small = told.assign(first_covered=told["first_covered"].fillna(0).astype(np.int8))
    wide = small.astype({"month": float, "rides": float, "first_covered": float, "age": float})
    asked = {"outcome": "rides", "unit": "worker", "cluster": "cluster", "suffix": ".parquet", **WAYS[way]}
    one, other = (answer_from(frame, tmp_path, **asked).estimate for frame in (small, wide))
    assert_allclose(one.values, other.values, **CLOSE)
    assert_allclose(one.errors.std_error, other.errors.std_error, **CLOSE)


@every_way
def test_a_cohort_of_one_worker_has_effects_with_the_errors_of_those_it_is_compared_with(way, told):
    alone = told[(told["first_covered"] == 5)].groupby("worker")["month"].nunique().idxmax()
    frame = told.assign(first_covered=told["first_covered"].where(told["worker"] != alone, 6.0))
    design, options = questioned(frame, way)
    estimate = att_gt.fit(design, options)
    own = [place for place, term in enumerate(estimate.terms) if term.cohort == 6]
    assert len(own) == 11 and {estimate.terms[place].workers for place in own} == {1.0}
    assert np.isfinite(estimate.values[own]).all() and (estimate.errors.std_error[own] > 0).all()
    influence = estimate.influence()
    place = [unit.split(" / ")[0] for unit in influence.index].index(alone)
    assert_allclose(influence.iloc[place, own], 0, atol=1e-6 if way in ("plain", "reg", "strata") else 0.5)


@every_way
def test_the_last_cohort_as_only_comparison_serves_until_it_is_covered(way, told):
    ever = told[told["first_covered"].notna()]
    design, options = questioned(ever, way)
    estimate = att_gt.fit(design, options)
    served = ever.assign(first_covered=ever["first_covered"].where(ever["first_covered"] < 8))
    wanted_design, wanted_options = questioned(served[served["month"] < 8], way)
    wanted = att_gt.fit(wanted_design, wanted_options)
    assert [term.name for term in estimate.terms] == [term.name for term in wanted.terms]
    assert {term.cohort for term in estimate.terms} == {5} and max(int(term.month or 0) for term in estimate.terms) == 7
    assert_allclose(estimate.values, wanted.values, **CLOSE)
    assert_allclose(estimate.errors.std_error, wanted.errors.std_error, **CLOSE)
    assert any("every unit is covered in the end" in note.en for note in estimate.notes)


@every_way
def test_a_worker_twice_in_a_month_is_refused_and_not_averaged(way, told, tmp_path: Path):
    twice = pd.concat([told, told.iloc[[9]]])
    with complains(DataError, "1 pair of `worker` and `month` stand more than once", "Found worker", "One worker has one row a month"):
        answer_from(twice, tmp_path, cluster="cluster", unit="worker", **WAYS[way])


@every_way
def test_the_order_of_rows_and_the_names_of_units_do_not_matter(way, told):
    design, options = questioned(told, way)
    names = told["worker"].drop_duplicates().to_numpy()
    other = told.assign(worker=told["worker"].map(dict(zip(names, np.random.default_rng(2).permutation(names), strict=True))))
    again = att_gt.fit(*questioned(other.sample(frac=1, random_state=3), way))
    estimate = att_gt.fit(design, options)
    for by in ("none", "simple"):
        one, two = (aggregate(each, by) for each in (estimate, again))
        assert_allclose(one.values, two.values, **CLOSE)
        assert_allclose(one.errors.std_error, two.errors.std_error, **CLOSE)


def test_the_panel_is_one_on_which_they_went_wrong(told):
    assert [str(told[name].dtype) for name in ("month", "rides", "age", "kind")] == ["int8"] * 4
    assert len(design_from(told, unit="worker").units) == told["worker"].nunique()
