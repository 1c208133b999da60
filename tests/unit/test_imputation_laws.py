"""Imputation and two stages: equal least squares with dummies and plain loops, obey their laws, cover the truth, and say what they leave out."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt, imputation, two_stage
from impact.infer.aggregate import aggregate
from panels import design_from, moments_from

CLOSE = {"rtol": 1e-8, "atol": 1e-10}
LEVELS = {"cluster": "cluster", "unit": "unit", "worker": "worker"}


class Dummies:
    """Imputation on rows by least squares with dummies."""

    def __init__(self, frame: pd.DataFrame, effects: str, anticipation: int = 0, covariates: tuple[str, ...] = ()) -> None:
        covered = (frame["month"] >= frame["first_covered"] - anticipation).to_numpy()
        known = frame[effects].isin(frame.loc[~covered, effects])
        self.rows, self.covered = frame[known].reset_index(drop=True), covered[known]
        held = [pd.get_dummies(self.rows[effects]), pd.get_dummies(self.rows["month"], drop_first=True)]
        self.regressors = np.column_stack([*held, *(self.rows[name] for name in covariates)]).astype(float)
        self.weight = self.rows["weight"].to_numpy()
        inside = self.regressors[~self.covered]
        weighted = inside * self.weight[~self.covered, None]
        self.inverse = np.linalg.pinv(inside.T @ weighted, rcond=1e-12, hermitian=True)
        fitted = self.inverse @ (weighted.T @ self.rows.loc[~self.covered, "income"].to_numpy())
        self.gap = self.rows["income"].to_numpy() - self.regressors @ fitted

    def effect(self, chosen: np.ndarray) -> float:
        return float(np.average(self.gap[chosen], weights=self.weight[chosen]))

    def std_error(self, chosen: np.ndarray, centre: np.ndarray, cluster: str) -> float:
        """Give the error of the mean of chosen rows, each held against `centre`, in loops over rows and clusters."""
        share = np.where(chosen, self.weight, 0.0) / self.weight[chosen].sum()
        imputed = self.regressors @ (self.inverse @ (self.regressors.T @ share))
        sums: dict[str, float] = {}
        for row, name in enumerate(self.rows[cluster].tolist()):
            moved = share[row] * (self.gap[row] - centre[row])
            if not self.covered[row]:
                moved -= self.weight[row] * imputed[row] * self.gap[row]
            sums[name] = sums.get(name, 0.0) + moved
        return sum(value**2 for value in sums.values()) ** 0.5

    def of(self, cohort: float, month: float) -> np.ndarray:
        return ((self.rows["first_covered"] == cohort) & (self.rows["month"] == month)).to_numpy()

    def centre(self, others: str | None = None) -> np.ndarray:
        """Give the mean of each covered row's cohort and month, or that of its other clusters."""
        centre = np.zeros(len(self.rows))
        for cohort, month in product(self.rows["first_covered"].dropna().unique(), self.rows["month"].unique()):
            same = self.of(cohort, month) & self.covered
            for name in self.rows.loc[same, others].unique() if others else [None]:
                its = same if others is None else same & (self.rows[others] == name).to_numpy()
                if its.any():
                    centre[its] = self.effect(same if others is None else same & ~its)
        return centre


@pytest.fixture(scope="module")
def dummies(nasty: pd.DataFrame) -> Callable[..., Dummies]:
    """Fit the panel with dummies, each question once."""
    return cache(lambda effects, anticipation=0: Dummies(nasty, effects, anticipation))


def by_patterns(frame: pd.DataFrame, level: str) -> Design:
    """Build the design in which the workers of a cohort and cluster who are seen in the same months are one unit."""
    keys = {"cluster": ["first_covered", "cluster"], "unit": ["first_covered", "unit"], "worker": ["first_covered"]}[level]
    named = frame.assign(
        cluster=frame["cluster" if level == "cluster" else "unit"], unit=frame[keys].fillna(0).astype(str).agg(" ".join, axis=1)
    )
    named = named if level != "worker" else named.drop(columns="cluster")
    return design_of(moments_from(named, pairs=level == "worker", patterns=True), "income", level, follow_workers=True)


@pytest.mark.parametrize("anticipation", [0, 2])
@pytest.mark.parametrize(("effects", "level"), list(product(["unit", "worker"], LEVELS)))
def test_effects_and_errors_equal_least_squares_with_dummies(effects, level, anticipation, nasty, dummies):
    rows = dummies(effects, anticipation)
    estimate = imputation.fit(design_from(nasty, level=level, unit=effects), imputation.Options(anticipation=anticipation))
    cluster = effects if level == "unit" else level
    centre = rows.centre()
    chosen = [rows.of(term.cohort, term.month) for term in estimate.terms]
    assert estimate.terms[0].event_time == -anticipation and len(chosen) == 8 + 5 + 2 * anticipation
    assert_allclose(estimate.values, [rows.effect(one) for one in chosen], **CLOSE)
    assert_allclose(estimate.errors.std_error[::4], [rows.std_error(one, centre, cluster) for one in chosen[::4]], **CLOSE)
    after = rows.covered & (rows.rows["month"] >= rows.rows["first_covered"]).to_numpy()
    overall = aggregate(estimate, "simple")
    assert_allclose(overall.values, rows.effect(after), **CLOSE)
    assert_allclose(overall.errors.std_error, rows.std_error(after, centre, cluster), **CLOSE)


@pytest.mark.parametrize("level", LEVELS)
def test_workers_by_the_months_in_which_they_are_seen_give_what_workers_one_by_one_give(level, nasty):
    together = by_patterns(nasty, level)
    apart = design_from(
        nasty.assign(cluster=nasty["unit"]) if level == "unit" else nasty, level="worker" if level == "worker" else "cluster", unit="worker"
    )
    assert not together.one_worker_per_unit and len(together.units) < len(apart.units)
    for module, options in (
        (imputation, {"leads": 2}),
        (imputation, {}),
        (two_stage, {"leads": 2}),
        (two_stage, {"second_stage": "overall"}),
    ):
        one, other = (module.fit(design, module.Options(**options)) for design in (together, apart))
        assert_allclose(one.values, other.values, **CLOSE)
        assert_allclose(one.errors.std_error, other.errors.std_error, **CLOSE)
        assert [term.name for term in one.terms] == [term.name for term in other.terms]


def test_rows_can_be_held_against_the_other_clusters(nasty, dummies):
    rows, design = dummies("worker"), design_from(nasty, unit="worker")
    centre = rows.centre(others="cluster")
    estimate = imputation.fit(design, imputation.Options(centre="others"))
    chosen = [rows.of(term.cohort, term.month) for term in estimate.terms[:2]]
    assert_allclose(estimate.errors.std_error[:2], [rows.std_error(one, centre, "cluster") for one in chosen], **CLOSE)
    assert_allclose(estimate.values, imputation.fit(design).values, **CLOSE)


def test_leads_equal_a_regression_with_dummies_on_the_rows_not_yet_covered(nasty):
    for anticipation in (0, 1):
        free = nasty[~(nasty["month"] >= nasty["first_covered"] - anticipation)]
        times = [-3 - anticipation, -2 - anticipation, -1 - anticipation]
        leads = np.column_stack([free["month"] - free["first_covered"] == time for time in times])
        regressors = np.column_stack([leads, pd.get_dummies(free["worker"]), pd.get_dummies(free["month"], drop_first=True)]).astype(float)
        fitted = sm.WLS(free["income"].to_numpy(), regressors, weights=free["weight"].to_numpy()).fit()
        robust = fitted.get_robustcov_results("cluster", groups=pd.factorize(free["cluster"])[0], use_correction=False)
        path = imputation.fit(design_from(nasty, unit="worker"), imputation.Options(leads=3, anticipation=anticipation))
        assert [term.event_time for term in path.terms[:3]] == times
        assert_allclose(path.values[:3], fitted.params[:3], **CLOSE)
        assert_allclose(path.errors.std_error[:3], robust.bse[:3], **CLOSE)
        plain = aggregate(imputation.fit(path.design, imputation.Options(anticipation=anticipation)), "event_time")
        assert_allclose(path.values[3:], plain.values, **CLOSE)
        assert_allclose(path.errors.covariance[3:, 3:], plain.errors.covariance, **CLOSE)


def test_leads_without_an_earlier_month_are_left_out_with_a_note(nasty):
    path = imputation.fit(design_from(nasty[nasty["month"] > 2]), imputation.Options(leads=8))
    assert 0 < sum(term.event_time < 0 for term in path.terms if term.event_time is not None) < 8
    assert any("left out: no earlier month" in note.en for note in path.notes)


@pytest.mark.parametrize(("second_stage", "leads"), [("overall", 0), ("event_time", 0), ("event_time", 3)])
@pytest.mark.parametrize("effects", ["unit", "worker"])
def test_two_stages_equal_moments_of_rows(effects, second_stage, leads, nasty, dummies):
    rows = dummies(effects)
    estimate = two_stage.fit(design_from(nasty, unit=effects), two_stage.Options(second_stage, leads))
    since = (rows.rows["month"] - rows.rows["first_covered"]).to_numpy()
    chosen = [rows.covered if term.event_time is None else since == term.event_time for term in estimate.terms]
    assert [term.name for term in estimate.terms] == (
        ["overall"] if second_stage == "overall" else [f"att({time:+d})" for time in range(-leads, 8)]
    )
    values = [rows.effect(one) for one in chosen]
    assert_allclose(estimate.values, values, **CLOSE)
    errors = [rows.std_error(one, np.full(len(one), value), "cluster") for one, value in list(zip(chosen, values, strict=True))[::4]]
    assert_allclose(estimate.errors.std_error[::4], errors, **CLOSE)


@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_with_two_months_it_is_the_difference_in_differences(unit, balanced):
    two = balanced[balanced["month"].isin([4, 5])].assign(first_covered=balanced["first_covered"].where(balanced["first_covered"] == 5))
    one, other = imputation.fit(design_from(two, unit=unit)), att_gt.fit(design_from(two, unit=unit))
    assert [term.name for term in one.terms] == [term.name for term in other.terms]
    assert_allclose(one.values, other.values, **CLOSE)
    assert_allclose(one.errors.std_error, other.errors.std_error, **CLOSE)


@pytest.mark.parametrize("module", [imputation, two_stage])
def test_its_arrays_give_its_value_and_its_influence(module, nasty):
    for design in (design_from(nasty), by_patterns(nasty, "cluster")):
        estimate = module.fit(design)
        kept = estimate.design
        for contrast in estimate.contrasts:
            a, b = contrast.a, contrast.b
            assert (a * kept.total).sum() == pytest.approx(contrast.value, rel=1e-8)
            assert_allclose((a * kept.total - b * kept.weight).sum(axis=1), contrast.unit_influence(kept), **CLOSE)
            assert contrast.size(kept) > 0.5 * np.abs(a * kept.total)[kept.coverage].sum()


def test_late_entrants_are_left_out_with_their_number_and_change_nothing(nasty):
    first = nasty.groupby("worker")["month"].transform("min")
    late = first >= nasty["first_covered"]
    estimate, without = (imputation.fit(design_from(frame, unit="worker")) for frame in (nasty, nasty[~late]))
    workers, rows = nasty.loc[late, "worker"].nunique(), int(late.sum())
    assert any(note.en.startswith(f"{workers} workers with {rows} rows left out: never seen before coverage") for note in estimate.notes)
    assert_allclose(estimate.values, without.values, **CLOSE)
    assert_allclose(estimate.errors.covariance, without.errors.covariance, **CLOSE)
    assert estimate.design.cohorts == (5, 8)


def test_months_in_which_everybody_is_covered_are_left_out_with_their_rows(nasty):
    ever = nasty[nasty["first_covered"].notna()]
    estimate, without = (imputation.fit(design_from(frame)) for frame in (ever, ever[ever["month"] < 8]))
    assert {term.month for term in estimate.terms} == {5, 6, 7}
    assert_allclose(estimate.values, without.values, **CLOSE)
    assert_allclose(estimate.errors.covariance, without.errors.covariance, **CLOSE)
    rows = f"{(ever['month'] >= 8).sum():,}"
    assert any(note.en.startswith(f"{rows} covered rows left out") for note in estimate.notes)
    assert any(rows in note.zh for note in estimate.notes)


def test_a_month_that_nobody_links_to_those_before_is_left_out(nasty):
    """Those not yet covered are seen up to month 6, or from month 9 on, never in both: months 9 to 12 say nothing of who was there before."""
    never = nasty["first_covered"].isna()
    early = nasty["worker"].str[-1].astype(int) < 5
    broken = nasty[(~never & ~nasty["month"].isin([7, 8])) | (never & np.where(early, nasty["month"] <= 6, nasty["month"] >= 9))]
    broken = broken[broken["first_covered"] != 8]
    estimate = imputation.fit(design_from(broken, unit="worker"))
    assert {term.month for term in estimate.terms} == {5, 6}
    lost = int(
        (broken["month"] >= 9)[broken["first_covered"].notna() & broken["worker"].isin(broken.loc[broken["month"] < 5, "worker"])].sum()
    )
    assert any(note.en.startswith(f"{lost} covered rows left out (9 to 12)") for note in estimate.notes)


def test_cohorts_after_the_last_month_count_as_never_covered(nasty):
    later = nasty.assign(first_covered=nasty["first_covered"].replace(8, 15))
    same = imputation.fit(design_from(nasty.assign(first_covered=nasty["first_covered"].replace(8, np.nan))))
    estimate = imputation.fit(design_from(later))
    assert_allclose(estimate.values, same.values, **CLOSE)
    assert any("count as never covered" in note.en for note in estimate.notes)


@pytest.fixture
def with_covariate(nasty: pd.DataFrame) -> pd.DataFrame:
    drawn = np.random.default_rng(11).normal(0, 1, len(nasty))
    return nasty.assign(hours=drawn, income=nasty["income"] + 3 * drawn, twice=2 * drawn)


def test_covariates_equal_least_squares_with_dummies(with_covariate):
    design, hours = (design_from(with_covariate, outcome, unit="worker") for outcome in ("income", "hours"))
    rows = Dummies(with_covariate, "worker", covariates=("hours",))
    estimate = imputation.fit(design, imputation.Options(covariates=(hours,)))
    chosen = [rows.of(term.cohort, term.month) for term in estimate.terms]
    assert_allclose(estimate.values, [rows.effect(one) for one in chosen], **CLOSE)
    assert_allclose(estimate.errors.std_error[::4], [rows.std_error(one, rows.centre(), "cluster") for one in chosen[::4]], **CLOSE)
    contrast = estimate.contrasts[3]
    moved = (contrast.a * estimate.design.total - contrast.b * estimate.design.weight).sum(axis=1)
    assert_allclose(moved, contrast.unit_influence(estimate.design), **CLOSE)
    overall = two_stage.fit(design, two_stage.Options("overall", covariates=(hours,)))
    assert overall.values == pytest.approx(rows.effect(rows.covered), rel=1e-8)


def test_covariates_of_units_serve_where_workers_share_them(with_covariate):
    shared = with_covariate.assign(hours=with_covariate.groupby(["unit", "month"])["hours"].transform("mean"))
    rows = Dummies(shared, "unit", covariates=("hours",))
    estimate = imputation.fit(design_from(shared), imputation.Options(covariates=(design_from(shared, "hours"),)))
    assert_allclose(estimate.values, [rows.effect(rows.of(term.cohort, term.month)) for term in estimate.terms], **CLOSE)


def test_what_cannot_be_done_is_refused(with_covariate, nasty):
    worker, coarse = (design_from(with_covariate, unit=unit) for unit in ("worker", "unit"))
    hours, twice = (design_from(with_covariate, name, unit="worker") for name in ("hours", "twice"))
    asked = imputation.Options
    refused = [
        (worker, asked(covariates=(hours, twice)), EstimationError, "a covariate adds nothing"),
        (
            coarse,
            asked(covariates=(design_from(with_covariate, "hours"),)),
            DesignError,
            "differs between workers of the same unit and month",
        ),
        (worker, asked(covariates=(design_from(with_covariate),)), DesignError, "is not known wherever"),
        (worker, asked(covariates=(hours,), leads=2), DesignError, "leads and covariates"),
        (worker, asked(leads=-1), DesignError, "option `leads`: it is a number of months"),
        (worker, asked(anticipation=-1), DesignError, "option `anticipation`"),
        (design_from(nasty, level="worker"), asked(centre="others"), DesignError, "centre `others`: it needs each worker's own outcome"),
        (by_patterns(nasty, "cluster"), asked(effects="unit"), DesignError, "the design holds workers apart"),
        (
            design_from(nasty[nasty["month"] >= nasty["first_covered"].fillna(0)]),
            asked(),
            DesignError,
            "nobody is seen both before coverage and under it",
        ),
        (design_from(nasty[nasty["first_covered"].isna()]), asked(), DesignError, "no unit comes under coverage within the months seen"),
        (design_from(nasty[nasty["first_covered"] == 5]), asked(), EstimationError, "nobody who is not yet covered in their months"),
    ]
    for design, options, error, words in refused:
        with pytest.raises(error, match=words) as raised:
            imputation.fit(design, options)
        assert len(str(raised.value).split("\n")) == 3, str(raised.value)


def test_a_cohort_in_one_cluster_is_named_and_cannot_be_held_against_others(nasty):
    alone = nasty.assign(cluster=nasty["cluster"].where(nasty["first_covered"] != 5, "one region"))
    estimate = imputation.fit(design_from(alone))
    assert any(note.en.startswith("8 of 13 group-time effects rest on a single cluster") for note in estimate.notes)
    assert not any("single cluster" in note.en for note in imputation.fit(design_from(nasty)).notes)
    same = two_stage.fit(design_from(alone), two_stage.Options(leads=2))
    assert any(note.en.startswith("8 of 13 group-time effects rest on a single cluster") for note in same.notes)
    with pytest.raises(EstimationError, match="8 of 13 group-time effects rest on a single cluster"):
        imputation.fit(design_from(alone), imputation.Options(centre="others"))


def blank_design(cohorts: np.ndarray, months: int) -> Design:
    """Make a balanced design of one worker per unit, each its own cluster, with nothing in it."""
    names = [f"u{place:04d}" for place in range(len(cohorts))]
    frame = pd.DataFrame(
        {"unit": np.repeat(names, months), "month": np.tile(np.arange(1, months + 1), len(names)), "income": 0.0, "weight": 1.0}
    )
    frame["worker"], frame["first_covered"] = frame["unit"], np.repeat(cohorts, months)
    return design_from(frame.assign(cluster="one"), level="unit")


def covered_share(module: ModuleType, options: object, by: str, draws: int = 150) -> float:
    """Share of 95 % intervals around the overall effect that hold the truth, with 40 clusters whose shocks last and whose effects differ by month."""
    cohorts, generator = np.repeat([4.0, 6.0, np.nan], [12, 12, 16]), np.random.default_rng(5)
    blank = blank_design(cohorts, 8)
    since = np.arange(1, 9)[None, :] - cohorts[:, None]
    effect = np.where(since >= 0, 1 + 0.5 * np.nan_to_num(since), 0.0)
    truth, held = effect[since >= 0].mean(), 0
    for _ in range(draws):
        shocks = generator.normal(0, 1, (40, 8)).cumsum(axis=1) * 0.5 + generator.normal(0, 1, (40, 8))
        total = generator.normal(0, 3, (40, 1)) + np.arange(8) + effect + shocks
        table = aggregate(module.fit(replace(blank, total=total, square=total**2), options), by).tidy().iloc[-1]
        held += table["conf_low"] <= truth <= table["conf_high"]
    return held / draws


@pytest.mark.parametrize(
    ("module", "options", "by", "low"),
    [
        (imputation, imputation.Options(), "simple", 0.90),
        (imputation, imputation.Options(centre="others"), "simple", 0.92),
        (two_stage, two_stage.Options("overall"), "none", 0.90),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(module, options, by, low):
    assert low <= covered_share(module, options, by) <= 0.98


def test_no_array_of_terms_by_units_by_months_is_made():
    cohorts = np.where(np.arange(3000) % 4 == 0, np.nan, 6 + np.arange(3000) % 9)
    design = blank_design(cohorts, 24)
    total = np.random.default_rng(2).normal(size=design.total.shape)
    tracemalloc.start()
    estimate = imputation.fit(replace(design, total=total, square=total**2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    dense = 8 * len(estimate.terms) * total.size
    assert len(estimate.terms) > 100 and peak < dense / 4
