"""Group-time effects within strata: loops over rows, the influence by moving weights, units joined and apart, and strata without comparison."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.moments.compress import Parts, compress
from impact.results import Estimate
from impact.sources.engine import connect, register
from panels import answer_from
from words import complains

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(scope="module")
def mixed(nasty: pd.DataFrame) -> pd.DataFrame:
    """The unbalanced panel with workers of three kinds in every cohort, whose pay moves apart."""
    number = nasty["worker"].str[1:].astype(int)
    kind = number.map(lambda one: ("full time", "part time", "new")[one * 7 % 5 % 3])
    apart = nasty["month"] * kind.map({"full time": 0.0, "part time": 0.2, "new": -0.3})
    return nasty.assign(stratum=kind, income=nasty["income"] + apart)


def design(frame: pd.DataFrame, level: str = "cluster", unit: tuple[str, ...] = ("first_covered", "cluster", "stratum")) -> Design:
    """Build the design of incomes from units that are told apart by some columns."""
    frame = frame if level == "cluster" else frame.drop(columns="cluster")
    table = register(connect(), "panel", frame)
    return design_of(compress(table, ["income"], "index", Parts(level == "worker"), unit), "income", level)


def average(rows: pd.DataFrame) -> float:
    return float((rows["weight"] * rows["income"]).sum() / rows["weight"].sum())


def effect_by_loops(frame: pd.DataFrame, cohort: int, month: int) -> float:
    """One effect, never covered for comparison, as a mean over strata of four means of rows."""
    base = month - 1 if month < cohort else cohort - 1
    effects, counts = [], []
    for _, rows in frame[frame["month"].isin([month, base])].groupby("stratum"):
        covered, compared = rows[rows["first_covered"] == cohort], rows[rows["first_covered"].isna()]
        if not all(one[one["month"] == at]["weight"].sum() for one in (covered, compared) for at in (month, base)):
            continue
        changes = [average(one[one["month"] == month]) - average(one[one["month"] == base]) for one in (covered, compared)]
        effects.append(changes[0] - changes[1])
        counts.append(covered["weight"].sum())
    return float(np.average(effects, weights=counts))


def assert_same(one: Estimate, other: Estimate) -> None:
    assert [term.name for term in one.terms] == [term.name for term in other.terms]
    assert [term.workers for term in one.terms] == [term.workers for term in other.terms]
    assert_allclose(other.values, one.values, **CLOSE)
    assert_allclose(other.errors.std_error, one.errors.std_error, **CLOSE)


def test_effects_are_means_over_strata_of_four_means_of_rows(mixed):
    estimate = att_gt.fit(design(mixed), att_gt.Options("never"))
    assert len(estimate.terms) == 22
    assert_allclose(estimate.values, [effect_by_loops(mixed, int(term.cohort), int(term.month)) for term in estimate.terms], **CLOSE)


def test_strata_take_out_what_moves_them_apart(mixed):
    """A trend of each stratum changes nothing; without strata it does."""
    more = mixed.assign(income=mixed["income"] + mixed["month"] ** 2 * mixed["stratum"].map({"full time": 0, "part time": 1, "new": -2}))
    assert_same(att_gt.fit(design(mixed)), att_gt.fit(design(more)))
    plain = [att_gt.fit(design(frame, unit=("first_covered", "cluster"))).values for frame in (mixed, more)]
    assert np.abs(plain[0] - plain[1]).max() > 0.5


@pytest.mark.parametrize("by", ["none", "simple", "event_time"])
def test_units_joined_and_apart_say_the_same(by, mixed):
    joined, apart, single = (
        aggregate(att_gt.fit(design(mixed, unit=unit)), by)
        for unit in (("first_covered", "cluster", "stratum"), ("unit", "stratum"), ("worker", "stratum"))
    )
    assert len(joined.design.units) < len(apart.design.units) < len(single.design.units)
    assert_same(joined, apart)
    assert_same(joined, single)


@pytest.mark.parametrize("by", ["none", "simple"])
def test_errors_by_worker_from_pairs_are_those_of_workers_as_units(by, mixed):
    joined, single = (
        aggregate(att_gt.fit(design(mixed, "worker", unit)), by) for unit in (("first_covered", "stratum"), ("worker", "stratum"))
    )
    assert len(joined.design.units) == 9
    assert_same(joined, single)


def test_influence_is_what_the_weight_of_a_unit_moves_shares_of_strata_included(mixed):
    question, step = design(mixed), 1e-4
    estimate = att_gt.fit(question)

    def values(unit: int, factor: float) -> np.ndarray:
        by = np.ones(len(question.units))
        by[unit] = factor
        sums = {name: getattr(question, name) * by[:, None] for name in ("weight", "total", "square")}
        again = att_gt.fit(dataclasses.replace(question, **sums, workers=question.workers * by))
        return np.r_[again.values, aggregate(again, "simple").values]

    whole = np.column_stack([one.unit_influence(question) for one in (*estimate.contrasts, *aggregate(estimate, "simple").contrasts)])
    for unit in range(0, len(question.units), 3):
        assert_allclose((values(unit, 1 + step) - values(unit, 1 - step)) / (2 * step), whole[unit], rtol=1e-5, atol=1e-7)


def test_one_stratum_changes_nothing(nasty):
    one = att_gt.fit(design(nasty.assign(stratum="all")))
    assert_same(one, att_gt.fit(design(nasty, unit=("first_covered", "cluster"))))


def test_a_stratum_without_anybody_to_compare_with_is_left_out_and_its_workers_counted(mixed):
    gone = mixed[~((mixed["stratum"] == "new") & mixed["first_covered"].isna())]
    estimate, without = (att_gt.fit(design(frame), att_gt.Options("never")) for frame in (gone, gone[gone["stratum"] != "new"]))
    workers = gone[gone["stratum"] == "new"]["worker"].nunique()
    assert f"{workers} workers left out: nobody in their stratum is there to compare with" in {note.en for note in estimate.notes}
    assert_same(estimate, without)
    for by in ("simple", "cohort"):
        assert_same(aggregate(estimate, by), aggregate(without, by))


def test_a_stratum_compared_with_the_later_covered_counts_until_they_are_covered_too(mixed):
    gone = mixed[~((mixed["stratum"] == "new") & mixed["first_covered"].isna())]
    estimate = att_gt.fit(design(gone))
    late = gone[(gone["stratum"] == "new") & (gone["first_covered"] == 8)]["worker"].nunique()
    notes = {note.en for note in estimate.notes}
    assert f"{late} workers left out: nobody in their stratum is there to compare with" in notes
    early = gone[(gone["stratum"] == "new") & (gone["first_covered"] == 5)]["worker"].nunique()
    assert f"{early} workers in 1 stratum left out of effects in whose months nobody is there to compare with" in notes
    seen = {(term.cohort, term.month): term.workers for term in estimate.terms}
    assert seen[5, 7] == gone[(gone["first_covered"] == 5) & (gone["month"] == 7)]["worker"].nunique()
    for cohort in (5, 8):
        rows = gone[(gone["first_covered"] == cohort) & (gone["month"] == 9) & (gone["stratum"] != "new")]
        assert seen[cohort, 9] == rows["worker"].nunique()


@pytest.mark.parametrize("level", ["cluster", "worker"])
def test_those_who_only_compare_count_nothing_in_averages(level, mixed):
    gone = mixed[~((mixed["stratum"] == "new") & mixed["first_covered"].isna())]
    joined, single = (
        att_gt.fit(design(gone, level, unit))
        for unit in ((*(("cluster",) if level == "cluster" else ()), "first_covered", "stratum"), ("worker", "stratum"))
    )
    one, other = (aggregate(estimate, "simple") for estimate in (joined, single))
    assert_allclose(one.values, other.values, **CLOSE)
    assert_allclose(one.errors.std_error, other.errors.std_error, **CLOSE)
    weight = gone.drop_duplicates("worker").groupby("first_covered")["weight"].sum()
    weight[8] = gone[gone["stratum"] != "new"].drop_duplicates("worker").groupby("first_covered")["weight"].sum()[8]
    after = [(weight[term.cohort], value) for term, value in zip(joined.terms, joined.values, strict=True) if term.event_time >= 0]
    assert_allclose(one.values[0], np.average([value for _, value in after], weights=[count for count, _ in after]), **CLOSE)


def test_where_no_stratum_holds_both_sides_the_question_is_refused(nasty):
    sides = nasty.assign(stratum=np.where(nasty["first_covered"].isna(), "a", "b"))
    with complains(DesignError, "outcome `income`: there is one cohort, and nobody to compare it with", "Found", "never"):
        att_gt.fit(design(sides), att_gt.Options("never"))


def test_the_command_takes_a_column_of_strata(mixed, tmp_path: Path):
    asked = {"cluster": "cluster", "traits": {"stratum": "kind"}}
    estimate = answer_from(mixed.rename(columns={"stratum": "kind"}), tmp_path, **asked).estimate
    assert_same(estimate, att_gt.fit(design(mixed.drop(columns="weight"))))
