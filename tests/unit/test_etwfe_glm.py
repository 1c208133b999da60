"""Extended two-way forms for ratios and hazards: equal to dense regressions, true in simulation, plain about what they cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from dense_glm import Dense, dense_glm, dummies
from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import etwfe_cloglog, etwfe_poisson
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from panels import answer_from, design_from, moments_from

CLOSE = {"rtol": 1e-8}


@pytest.fixture(scope="module")
def paid(nasty) -> pd.DataFrame:
    """The panel with an income of which a tenth are zero, and leaving."""
    generator = np.random.default_rng(11)
    income = np.where(generator.random(len(nasty)) < 0.1, 0.0, nasty["income"].clip(lower=0) * generator.lognormal(0, 0.3, len(nasty)))
    chance = 0.1 + 0.05 * generator.random(len(nasty)) + 0.1 * (nasty["month"] >= nasty["first_covered"])
    return nasty.assign(income=income, left=(generator.random(len(nasty)) < chance).astype(np.int8))


def regressors(rows: pd.DataFrame, level: str, comparison: str) -> tuple[list[tuple[float, int]], np.ndarray, np.ndarray]:
    """Give the effects, their dummies, and those of levels and months; the last month before coverage has none."""
    cohorts = sorted(rows["first_covered"].dropna().unique())
    pairs = [(g, t) for g in cohorts for t in sorted(rows["month"].unique()) if (t != g - 1 if comparison == "never" else t >= g)]
    effects = np.column_stack([(rows["first_covered"].eq(g) & rows["month"].eq(t)).to_numpy(dtype=float) for g, t in pairs])
    levels = dummies(rows["first_covered"].fillna(0) if level == "cohort" else rows[level], drop_first=True)
    return pairs, effects, np.hstack([levels, dummies(rows["month"])])


def dense(rows: pd.DataFrame, outcome: str, link: str, level: str, comparison: str) -> tuple[list[tuple[float, int]], Dense]:
    pairs, effects, others = regressors(rows, level, comparison)
    columns = np.hstack([effects, others])
    return pairs, dense_glm(rows[outcome].to_numpy(dtype=float), columns, link, rows["weight"].to_numpy())


def alive(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Leave out levels that are zero throughout, or seen only once."""
    if level == "cohort":
        return rows
    grouped = rows.groupby(level)
    return rows[(grouped["income"].transform("sum") > 0) & (grouped["month"].transform("size") > 1)]


def design_at(rows: pd.DataFrame, level: str, errors: str = "cluster") -> Design:
    """Build the design with workers followed by patterns of months, or units as they are."""
    if level != "worker":
        return design_from(rows, level=errors)
    frame = rows if errors == "cluster" else rows.drop(columns="cluster")
    return design_of(moments_from(frame, pairs=errors == "worker", patterns=True), "income", errors, follow_workers=True)


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("level", ["cohort", "unit", "worker"])
def test_ratios_equal_a_dense_regression(level, comparison, paid):
    rows = alive(paid, level)
    pairs, by_rows = dense(rows, "income", "log", level, comparison)
    estimate = etwfe_poisson.fit(design_at(rows, level), etwfe_poisson.Options(comparison, scale="log", effects=level))
    assert [(term.cohort, term.month) for term in estimate.terms] == pairs
    assert_allclose(estimate.values, by_rows.coefficients[: len(pairs)], rtol=1e-8, atol=1e-10)
    assert_allclose(estimate.errors.std_error, by_rows.std_errors(rows["cluster"], estimate.correction)[: len(pairs)], **CLOSE)


@pytest.mark.parametrize("level", ["cohort", "unit", "worker"])
def test_effects_in_money_equal_the_delta_method_on_a_dense_regression(level, paid):
    rows = alive(paid, level)
    pairs, by_rows = dense(rows, "income", "log", level, "not_yet")
    estimate = etwfe_poisson.fit(design_at(rows, level), etwfe_poisson.Options(effects=level))
    without = np.where(np.arange(by_rows.columns.shape[1]) < len(pairs), 0.0, by_rows.columns)
    found = [by_rows.effect(without, by_rows.columns[:, place], rows["cluster"]) for place in range(len(pairs))]
    assert_allclose(estimate.values, [value for value, _ in found], **CLOSE)
    assert_allclose(estimate.errors.std_error / estimate.correction**0.5, [error for _, error in found], **CLOSE)
    covered = by_rows.columns[:, : len(pairs)].sum(axis=1)
    value, error = by_rows.effect(without, covered, rows["cluster"])
    average = aggregate(estimate, "simple")
    assert_allclose([average.values[0], average.errors.std_error[0] / average.correction**0.5], [value, error], **CLOSE)


@pytest.mark.parametrize("scale", ["response", "log"])
@pytest.mark.parametrize("level", ["cohort", "worker"])
def test_errors_by_worker_from_pairs_equal_those_of_rows(level, scale, paid):
    rows = alive(paid, level)
    pairs, by_rows = dense(rows, "income", "log", level, "not_yet")
    estimate = etwfe_poisson.fit(design_at(rows, level, "worker"), etwfe_poisson.Options(scale=scale, effects=level))
    without = np.where(np.arange(by_rows.columns.shape[1]) < len(pairs), 0.0, by_rows.columns)
    if scale == "log":
        found = by_rows.std_errors(rows["worker"])[: len(pairs)]
    else:
        found = [by_rows.effect(without, by_rows.columns[:, place], rows["worker"])[1] for place in range(len(pairs))]
    assert_allclose(estimate.errors.std_error / estimate.correction**0.5, found, rtol=1e-7)


def test_one_ratio_equals_a_dense_regression_on_coverage(paid):
    _, effects, others = regressors(paid, "unit", "not_yet")
    by_rows = dense_glm(
        paid["income"].to_numpy(), np.hstack([effects.sum(axis=1, keepdims=True), others]), "log", paid["weight"].to_numpy()
    )
    asked = etwfe_poisson.Options(scale="log", effects="unit", differ=False)
    estimate = etwfe_poisson.fit(design_from(paid), asked)
    assert_allclose(estimate.values, by_rows.coefficients[:1], **CLOSE)
    assert_allclose(estimate.errors.std_error, by_rows.std_errors(paid["cluster"], estimate.correction)[:1], **CLOSE)
    covered = effects.sum(axis=1)
    without = np.hstack([np.zeros((len(paid), 1)), others])
    value, error = by_rows.effect(without, covered, paid["cluster"])
    in_money = etwfe_poisson.fit(design_from(paid), replace(asked, scale="response"))
    assert_allclose([in_money.values[0], in_money.errors.std_error[0] / in_money.correction**0.5], [value, error], **CLOSE)


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("link", ["cloglog", "logit"])
def test_hazards_equal_a_dense_regression(link, comparison, paid):
    pairs, by_rows = dense(paid, "left", link, "cohort", comparison)
    on_index = etwfe_cloglog.fit(design_from(paid, "left"), etwfe_cloglog.Options(comparison, link=link, scale="link"))
    chances = etwfe_cloglog.fit(design_from(paid, "left"), etwfe_cloglog.Options(comparison, link=link))
    assert [(term.cohort, term.month) for term in on_index.terms] == pairs
    assert_allclose(on_index.values, by_rows.coefficients[: len(pairs)], rtol=1e-8, atol=1e-9)
    assert_allclose(on_index.errors.std_error, by_rows.std_errors(paid["cluster"], on_index.correction)[: len(pairs)], **CLOSE)
    for place, (value, error) in enumerate(zip(chances.values, chances.errors.std_error / chances.correction**0.5, strict=True)):
        without = by_rows.columns.copy()
        without[:, place] = 0.0
        assert_allclose((value, error), by_rows.effect(without, by_rows.columns[:, place], paid["cluster"]), rtol=1e-7, atol=1e-9)


def test_hazards_are_the_same_from_small_integers_in_a_file(paid, tmp_path):
    asked = {"estimator": "etwfe_cloglog", "outcome": "left", "cluster": "cluster", "weights": "weight", "suffix": ".parquet"}
    small = answer_from(paid, tmp_path, **asked).estimate
    assert small.values == pytest.approx(etwfe_cloglog.fit(design_from(paid, "left")).values, rel=1e-9)


def assert_arrays_make_the_influence(estimate: Estimate) -> None:
    for contrast in estimate.contrasts[::5]:
        made = (contrast.a * estimate.design.total - contrast.b * estimate.design.weight).sum(axis=1)
        assert_allclose(made, contrast.unit_influence(estimate.design), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("level", ["cohort", "worker"])
def test_arrays_made_on_demand_are_those_that_the_influence_sums(level, paid):
    design = design_at(alive(paid, level), level)
    for scale in ("response", "log"):
        assert_arrays_make_the_influence(etwfe_poisson.fit(design, etwfe_poisson.Options(effects=level, scale=scale)))
    for scale in ("response", "link"):
        assert_arrays_make_the_influence(etwfe_cloglog.fit(design_from(paid, "left"), etwfe_cloglog.Options(scale=scale)))


def cells(generator: np.random.Generator, cohorts: list[float], units: int = 40) -> Design:
    """Make the design of units in 8 months, 60 workers in each cell, with nothing in them yet."""
    unit, month = (part.ravel() for part in np.meshgrid(np.arange(units), np.arange(1, 9), indexing="ij"))
    cohort = np.resize(cohorts, units)[unit]
    names = [f"u{number:02d}" for number in unit]
    rows = pd.DataFrame({"worker": unit, "unit": names, "month": month, "first_covered": cohort, "income": generator.random(len(unit))})
    design = design_from(rows, level="unit")
    return replace(design, rows=60 * design.rows, weight=60 * design.weight, one_worker_per_unit=False)


def test_a_ratio_is_found_where_differences_mislead():
    """Everybody grows by the same factor from different levels, and the covered by 1.2 more: parallel as ratios only; a third of the cells hold nothing."""
    generator = np.random.default_rng(5)
    design = cells(generator, [4.0, 6.0, np.nan, np.nan])
    mean = np.resize([50.0, 100.0, 300.0, 200.0], 40)[:, None] * 1.1 ** np.arange(1, 9) * np.where(design.coverage, 1.2, 1.0)
    found = []
    for _ in range(100):
        income = mean * generator.lognormal(0, 0.2, (40, 1)) * generator.gamma(2, 0.5, mean.shape) * (generator.random(mean.shape) < 2 / 3)
        estimate = etwfe_poisson.fit(replace(design, total=60 * income), etwfe_poisson.Options(scale="log"))
        average = aggregate(estimate, "simple")
        found.append((average.values[0], average.errors.std_error[0]))
    estimates, errors = np.array(found).T
    assert estimates.mean() == pytest.approx(np.log(1.2), abs=3 * estimates.std() / 10)
    assert errors.mean() == pytest.approx(estimates.std(), rel=0.2)


def test_hazard_ratios_are_found_in_simulation():
    generator = np.random.default_rng(6)
    design = cells(generator, [4.0, 6.0, np.nan, np.nan])
    hazard = np.resize([0.05, 0.1, 0.2, 0.15], 40)[:, None] * 1.05 ** np.arange(1, 9) * np.where(design.coverage, 0.7, 1.0)
    found = []
    for _ in range(100):
        left = generator.binomial(60, 1 - np.exp(-hazard)).astype(float)
        average = aggregate(etwfe_cloglog.fit(replace(design, total=left, square=left), etwfe_cloglog.Options(scale="link")), "simple")
        found.append((average.values[0], average.errors.std_error[0]))
    estimates, errors = np.array(found).T
    assert estimates.mean() == pytest.approx(np.log(0.7), abs=3 * estimates.std() / 10)
    assert errors.mean() == pytest.approx(estimates.std(), rel=0.2)


def test_what_is_zero_throughout_is_left_out_and_said(paid):
    """A cohort without income in a covered month, a month in which nobody to compare has any, a unit that never has any."""
    gone = (
        (paid["first_covered"].eq(5) & paid["month"].eq(9))
        | (paid["first_covered"].isna() & paid["month"].eq(12))
        | paid["unit"].eq("city 02")
    )
    rows = paid.assign(income=paid["income"].where(~gone, 0.0))
    estimate = etwfe_poisson.fit(design_from(rows), etwfe_poisson.Options(effects="unit"))
    again = etwfe_poisson.fit(design_from(rows[~gone]), etwfe_poisson.Options(effects="unit"))
    assert [term.name for term in estimate.terms] == [term.name for term in again.terms]
    assert "att(5, 9)" not in {term.name for term in estimate.terms} and not any(term.month == 12 for term in estimate.terms)
    assert_allclose(estimate.values, again.values, rtol=1e-8)
    assert (
        f"{gone.sum():,} rows left out: the outcome is zero" in estimate.notes[0].en
        and estimate.notes[0].en.endswith("averages are over the others")
        and f"{gone.sum():,}行未使用" in estimate.notes[0].zh
    )


def test_hazards_of_one_are_left_out_as_those_of_zero(paid):
    everybody = paid["first_covered"].eq(8) & paid["month"].eq(10)
    estimate = etwfe_cloglog.fit(design_from(paid.assign(left=paid["left"].where(~everybody, 1)), "left"))
    assert "att(8, 10)" not in {term.name for term in estimate.terms} and "att(8, 11)" in {term.name for term in estimate.terms}
    assert "zero, or one, throughout" in estimate.notes[0].en


def test_a_cohort_without_income_before_coverage_has_no_ratio(paid):
    before = paid["first_covered"].eq(5) & (paid["month"] < 5)
    estimate = etwfe_poisson.fit(design_from(paid.assign(income=paid["income"].where(~before, 0.0))))
    assert {term.cohort for term in estimate.terms} == {8}


def test_outcomes_out_of_range_are_refused(paid):
    lowered = design_from(paid.assign(income=paid["income"] - 30))
    with pytest.raises(DesignError, match=r"the log link is for outcomes of zero or more\.\nFound .* cells with a negative total"):
        etwfe_poisson.fit(lowered)
    with pytest.raises(
        DesignError, match=r"the cloglog link is for outcomes between zero and one\.\nFound .* cells with outcomes above one"
    ):
        etwfe_cloglog.fit(design_from(paid))
    with pytest.raises(EstimationError, match="no effect can be told from what is seen"):
        etwfe_poisson.fit(design_from(paid.assign(income=0.0)))
    with pytest.raises(DesignError, match="one ratio for all coverage"):
        etwfe_poisson.fit(design_from(paid), etwfe_poisson.Options("never", differ=False))


def test_effects_run_away_only_where_separation_is_hidden():
    """Two units that share months only where one of them earns nothing: no group is zero throughout, and yet there is no end."""
    income = pd.DataFrame(
        {"a": [3.0, 0, 5, 4], "b": [0.0, 2, 0, 0], "c": [0.0, 1, 0, 0], "d": [0.0, 3.0, 0, 0]}, index=[1, 2, 3, 4]
    ).stack()
    rows = income.rename("income").rename_axis(["month", "unit"]).reset_index()
    rows = rows.assign(first_covered=np.where(rows["unit"].isin(["a", "b"]), 3.0, np.nan))
    with pytest.raises(EstimationError, match=r"does not settle|no effect can be told"):
        etwfe_poisson.fit(design_from(rows.assign(worker=rows["unit"]), level="unit"), etwfe_poisson.Options(effects="unit", differ=False))


def test_logs_say_that_they_are_logs(paid):
    assert "logarithms of ratios of mean outcomes" in etwfe_poisson.fit(design_from(paid), etwfe_poisson.Options(scale="log")).notes[-1].en
    notes = etwfe_cloglog.fit(design_from(paid, "left"), etwfe_cloglog.Options(scale="link", link="logit")).notes
    assert "ratios of odds" in notes[-1].en and "几率" in notes[-1].zh
