"""Group-time effects with covariates: a dumber implementation, the influence by moving weights, laws, recovery, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from impact.design.design import Design, design_of
from impact.errors import DesignError, EstimationError
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from panels import moments_from
from words import complains

Method = Literal["dr", "reg", "ipw"]
METHODS: tuple[Method, ...] = ("dr", "reg", "ipw")
every_method = pytest.mark.parametrize("method", METHODS)
every_form = pytest.mark.parametrize("form", ["changes", "levels"])
CLOSE = {"rtol": 1e-8, "atol": 1e-8}


def with_covariates(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `age`, which stays with a worker and matters for the trend, and `distance`, which moves from month to month."""
    generator = np.random.default_rng(11)
    workers = frame["worker"].drop_duplicates().sort_values()
    age = pd.Series(generator.normal(40, 8, len(workers)), index=workers.to_numpy())
    told = frame.sort_values(["worker", "month"])
    distance = pd.Series(generator.gamma(2, 3, len(told)), index=told.index)
    return frame.assign(
        age=frame["worker"].map(age), distance=distance, income=frame["income"] + 0.02 * frame["month"] * frame["worker"].map(age)
    )


@pytest.fixture(scope="module")
def people(nasty: pd.DataFrame) -> pd.DataFrame:
    """The unbalanced panel with covariates."""
    return with_covariates(nasty)


def asked(frame: pd.DataFrame, *names: str, level: str = "cluster", unit: str = "worker", **options: Any) -> tuple[Design, att_gt.Options]:
    """Build the design of incomes, and options with the covariates of these names."""
    frame = frame.assign(unit=frame[unit])
    moments = moments_from(frame, ("income", *names), pairs=level == "worker")
    design, *covariates = (design_of(moments, name, level) for name in ("income", *names))
    return design, att_gt.Options(covariates=tuple(covariates), **options)


def fitted(frame: pd.DataFrame, *names: str, **options: Any) -> Estimate:
    return att_gt.fit(*asked(frame, *(names or ("age", "distance")), **options))


def sample(frame: pd.DataFrame, cohort: int, month: int, form: str, kind: str) -> pd.DataFrame:
    """Rows behind an effect, never covered for comparison: y, w, covered, late, and covariates; changes carry the covariates of the earlier month."""
    base = month - 1 if month < cohort and kind == "varying" else cohort - 1
    rows = frame[(frame["first_covered"] == cohort) | frame["first_covered"].isna()]
    rows = rows[rows["month"].isin([base, month])].assign(
        covered=lambda table: table["first_covered"].notna(), late=lambda table: table["month"] == month
    )
    rows = rows.rename(columns={"income": "y", "weight": "w"}).set_index("worker")
    if form == "levels":
        return rows
    before, after = rows[~rows["late"]], rows[rows["late"]]
    both = before.index.intersection(after.index)
    earlier = (before if base < month else after).loc[both]
    return earlier.assign(y=after.loc[both, "y"] - before.loc[both, "y"], late=True)


def effect_by_statsmodels(rows: pd.DataFrame, method: Method) -> float:
    """An effect from generalised linear models, one group of rows after the other."""
    x = sm.add_constant(rows[["age", "distance"]].to_numpy())
    covered, late, y, w = (rows[name].to_numpy() for name in ("covered", "late", "y", "w"))
    chance = sm.GLM(covered.astype(float), x, sm.families.Binomial(), freq_weights=w).fit(tol=1e-12).fittedvalues
    counted = np.where(covered | (method == "reg"), w, np.where(chance < 0.995, w * chance / (1 - chance), 0.0))
    among_covered = np.average(x[covered], axis=0, weights=w[covered])
    effect = 0.0
    for when in np.unique(late):
        for who in (True, False):
            group = (covered == who) & (late == when)
            mean = np.average(y[group], weights=counted[group])
            if (not who and method != "ipw") or (who and method == "dr"):
                slopes = sm.WLS(y[group], x[group], weights=w[group]).fit().params
                mean += (among_covered - np.average(x[group], axis=0, weights=counted[group])) @ slopes
            effect += mean if who == when else -mean
    return float(effect)


@pytest.mark.parametrize("base", ["varying", "universal"])
@every_form
@every_method
def test_effects_equal_generalised_linear_models_group_by_group(method, form, base, people):
    estimate = fitted(people, adjust=method, form=form, comparison="never", base=base)
    moving = [
        (term, value) for term, value in zip(estimate.terms, estimate.values, strict=True) if base == "varying" or term.event_time != -1
    ]
    assert len(moving) == 22
    by_hand = [effect_by_statsmodels(sample(people, int(term.cohort), int(term.month), form, base), method) for term, _ in moving]
    assert_allclose([value for _, value in moving], by_hand, **CLOSE)


def heavier(design: Design, unit: int, factor: float) -> Design:
    """Let one unit weigh more or less."""
    by = np.ones(len(design.units))
    by[unit] = factor
    sums = {name: getattr(design, name) * by[:, None] for name in ("weight", "total", "square")}
    return dataclasses.replace(design, **sums, workers=design.workers * by)


def moved_by(design: Design, options: att_gt.Options, units: range) -> np.ndarray:
    """What effects and their mean move by, per part that the weight of a unit is moved by."""
    step = 1e-4

    def values(unit: int, factor: float) -> np.ndarray:
        estimate = att_gt.fit(heavier(design, unit, factor), options)
        return np.r_[estimate.values, aggregate(estimate, "simple").values]

    return np.array([(values(unit, 1 + step) - values(unit, 1 - step)) / (2 * step) for unit in units])


@every_form
@every_method
def test_influence_is_what_the_weight_of_a_unit_moves(method, form, people):
    """Thus with everything that is estimated on the way: regressions, propensity, covariates of the covered, shares of cohorts."""
    design, options = asked(people, "age", "distance", adjust=method, form=form)
    some = design.keep(np.ones(len(design.units), dtype=bool), np.isin(design.months, (4, 7, 8)))
    estimate, units = att_gt.fit(some, options), range(0, len(design.units), 5)
    assert {term.cohort for term in estimate.terms} == {5, 8}
    whole = np.column_stack([one.unit_influence(some) for one in (*estimate.contrasts, *aggregate(estimate, "simple").contrasts)])
    assert_allclose(moved_by(some, options, units), whole[list(units)], rtol=1e-5, atol=1e-7)
    assert_allclose(whole.sum(axis=0), 0, atol=1e-9)


@every_form
@every_method
def test_what_outcomes_count_adds_up_to_the_effect(method, form, people):
    estimate = fitted(people, adjust=method, form=form)
    for contrast in estimate.contrasts:
        assert_allclose((contrast.a * estimate.design.total).sum(), contrast.value, rtol=1e-9)
        months = (contrast.a * estimate.design.weight).sum(axis=0)
        assert_allclose(months, 0, atol=1e-9)


def assert_same(one: Estimate, other: Estimate) -> None:
    assert [term.name for term in one.terms] == [term.name for term in other.terms]
    assert_allclose(other.values, one.values, **CLOSE)
    assert_allclose(other.errors.std_error, one.errors.std_error, **CLOSE)


SAME: dict[str, Any] = {
    "other units of the covariates": lambda frame: frame.assign(age=frame["age"] / 12 - 7, distance=1000 * frame["distance"] + 1e4),
    "sums of the covariates": lambda frame: frame.assign(age=frame["age"] + 3 * frame["distance"]),
    "a constant for each month": lambda frame: frame.assign(income=frame["income"] + np.sin(frame["month"]) * 9),
    "heavier weights": lambda frame: frame.assign(weight=frame["weight"] * 37),
    "other rows first": lambda frame: frame.sample(frac=1, random_state=1),
}


@pytest.mark.parametrize("how", SAME)
@every_form
@every_method
def test_what_says_nothing_changes_nothing(method, form, how, people):
    assert_same(fitted(people, adjust=method, form=form), fitted(SAME[how](people), adjust=method, form=form))


@every_method
def test_a_constant_for_each_unit_changes_nothing_in_changes(method, people):
    level = people["worker"].str[1:].astype(int) % 13
    assert_same(
        fitted(people, adjust=method, form="changes"),
        fitted(people.assign(income=people["income"] + 5 * level), adjust=method, form="changes"),
    )


@every_form
@every_method
def test_adding_c_to_covered_rows_adds_c_to_covered_effects(method, form, people):
    plain = fitted(people, adjust=method, form=form)
    lifted = fitted(
        people.assign(income=people["income"] + 7 * (people["month"] >= people["first_covered"])),
        adjust=method,
        form=form,
        comparison="not_yet",
    )
    covered = np.array([term.event_time >= 0 for term in plain.terms])
    assert_allclose(lifted.values, plain.values + 7 * covered, **CLOSE)


@every_method
def test_where_nobody_comes_or_goes_changes_and_levels_of_lasting_covariates_have_the_same_estimates(method, balanced):
    frame = with_covariates(balanced)
    auto, changes, levels = (fitted(frame, "age", adjust=method, form=form) for form in ("auto", "changes", "levels"))
    assert_same(auto, changes)
    assert_allclose(levels.values, changes.values, **CLOSE)
    assert_same(levels, changes)


def test_without_trend_in_the_covariates_of_either_group_the_plain_effects_come_out(people):
    plain = att_gt.fit(design_of(moments_from(people.assign(unit=people["worker"]), ("income",)), "income", "cluster"))
    sign = people.assign(age=1.0 * (people["worker"].str[1:].astype(int) % 2))
    assert np.abs(fitted(sign, "age", adjust="reg").values - plain.values).max() > 1e-3
    twice = pd.concat([people.assign(age=value, worker=people["worker"] + name) for value, name in ((0.0, "a"), (1.0, "b"))])
    for method in METHODS:
        assert_allclose(fitted(twice, "age", adjust=method).values, plain.values, **CLOSE)


@every_method
def test_units_of_workers_with_the_same_covariates_give_what_their_workers_give(method, people):
    city = people["unit"].map({name: place for place, name in enumerate(sorted(people["unit"].unique()))})
    alike = people.assign(age=(city * 7 % 5).astype(float))
    for level in ("cluster", "worker"):
        one, many = (fitted(alike, "age", adjust=method, form="levels", level=level, unit=unit) for unit in ("unit", "worker"))
        assert len(one.design.units) == 18 and len(many.design.units) > 100
        assert_same(one, many)
    assert "17 units hold several workers, and their covariates enter as means" in {note.en for note in one.notes}


@pytest.fixture(scope="module")
def confounded() -> Design:
    """Months 1 to 3, 300 units in 60 clusters, covered from month 3 or never, with room for outcomes."""
    frame = pd.DataFrame({"unit": np.repeat([f"u{place:03d}" for place in range(300)], 3), "month": np.tile([1, 2, 3], 300)})
    frame = frame.assign(
        worker=frame["unit"], cluster=frame["unit"].str[:3], income=0.0, first_covered=np.where(frame["unit"] < "u150", 3.0, np.nan)
    )
    return design_of(moments_from(frame, ("income",)), "income", "unit")


def drawn(
    design: Design, generator: np.random.Generator, bent: Literal["neither", "trend", "coverage"] = "neither"
) -> tuple[Design, Design]:
    """Draw who is covered and trends, both by a covariate, of which one may not follow its logit or line; the effect is 1. Gives the design and the covariate."""
    x = generator.normal(size=300)
    index = x if bent != "coverage" else np.where(np.abs(x - 1) < 0.6, 2.0, -2.0)
    covered = generator.random(300) < 1 / (1 + np.exp(-index))
    trend = x + np.exp(x / 2) * 2 * (bent == "trend")
    outcome = generator.normal(size=(300, 3)) + trend[:, None] * np.arange(3) + 1.0 * covered[:, None] * (np.arange(3) == 2)
    coverage = covered[:, None] & (np.arange(3) == 2)
    question = dataclasses.replace(design, cohort=np.where(covered, 3.0, np.nan), coverage=coverage, total=outcome, square=outcome**2)
    return question, dataclasses.replace(question, outcome="x", total=np.repeat(x[:, None], 3, axis=1))


def test_covariates_that_decide_both_coverage_and_trend_are_allowed_for_and_errors_are_as_large_as_the_spread(confounded):
    generator, found = np.random.default_rng(5), []
    for _ in range(100):
        design, x = drawn(confounded, generator)
        fits = [att_gt.fit(design), *(att_gt.fit(design, att_gt.Options(covariates=(x,), adjust=method)) for method in METHODS)]
        found.append([(one.values[-1], one.errors.std_error[-1]) for one in fits])
    estimates, errors = np.moveaxis(np.array(found), 2, 0)
    bias = estimates.mean(axis=0) - 1
    assert bias[0] > 0.5 and (np.abs(bias[1:]) < 4 * estimates[:, 1:].std(axis=0) / 10).all()
    assert_allclose(errors[:, 1:].mean(axis=0), estimates[:, 1:].std(axis=0), rtol=0.25)
    covers = (np.abs(estimates - 1) < 1.96 * errors).mean(axis=0)
    assert (covers[1:] >= 0.87).all()


@pytest.mark.parametrize(("bent", "wrong"), [("trend", "reg"), ("coverage", "ipw")])
def test_being_doubly_robust_one_of_the_two_models_may_be_wrong(bent, wrong, confounded):
    generator, found = np.random.default_rng(6), []
    for _ in range(60):
        design, x = drawn(confounded, generator, bent)
        found.append([att_gt.fit(design, att_gt.Options(covariates=(x,), adjust=method)).values[-1] - 1 for method in METHODS])
    distance = dict(zip(METHODS, np.abs(np.mean(found, axis=0)) / (np.std(found, axis=0) / 60**0.5), strict=True))
    assert distance.pop(wrong) > 4
    assert max(distance.values()) < 3.5


def test_workers_who_come_and_go_are_compared_in_levels_and_the_reader_is_told(people):
    auto, levels, changes = (fitted(people, form=form) for form in ("auto", "levels", "changes"))
    assert_same(auto, levels)
    assert "workers come and go: with covariates, whoever is seen in a month is compared, as in repeated cross-sections" in {
        note.en for note in auto.notes
    }
    assert "with covariates, changes of those seen in both months of a change are compared" in {note.en for note in changes.notes}
    assert np.abs(changes.values - levels.values).max() > 0.01
    assert_same(changes, fitted(people, workers="stayers"))


def test_the_base_month_is_zero_and_has_no_error_with_covariates_too(people):
    estimate = fitted(people, base="universal")
    zero = np.array([term.event_time == -1 for term in estimate.terms])
    assert zero.sum() == 2 and (estimate.values[zero] == 0).all()
    assert np.isnan(estimate.errors.std_error).tolist() == zero.tolist()


@every_method
@pytest.mark.parametrize("size", [1.0, 1e-6, 1e9])
def test_workers_whose_pay_moves_alike_have_no_effect_and_no_error(size, method, people):
    alike = people.assign(income=size * (people["worker"].str[1:].astype(int) / 7 + people["month"] / 10))
    estimate = fitted(alike, adjust=method, form="changes")
    assert_allclose(estimate.values, 0, atol=1e-12 * size)
    assert np.isnan(estimate.errors.std_error).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@every_form
def test_values_too_large_to_square_are_refused(form, people):
    with complains(EstimationError, "outcome `income`: its values are too large to compute with", "Found totals up to", "rescale it"):
        fitted(people.assign(income=people["income"] * 1e306), form=form)


def test_the_input_is_left_as_it_was(people):
    design, options = asked(people, "age", "distance")
    before = [one.total.copy() for one in (design, *options.covariates)]
    att_gt.fit(design, options)
    for one, kept in zip((design, *options.covariates), before, strict=True):
        np.testing.assert_array_equal(one.total, kept)


def test_the_answer_can_be_asked_for_again_on_the_design_that_it_names(people):
    """As permutation and placebos do: some units and months were set aside on the way."""
    design, options = asked(people.assign(first_covered=people["first_covered"].where(people["unit"] != "city 03", 1.0)), "age", "distance")
    estimate = att_gt.fit(design, options)
    assert len(estimate.design.units) < len(design.units)
    assert_same(estimate, att_gt.fit(estimate.design, estimate.options))


# what cannot be done


def test_a_covariate_that_is_not_known_wherever_the_outcome_is_is_refused(people):
    design, options = asked(people, "age")
    part = people.drop(index=people.index[5])
    _, other = asked(part, "age")
    found = f"Found {len(people) - 1:,} rows with it, {len(people):,} with the outcome"
    with complains(DesignError, "covariate `age`: it is not known wherever `income` is", found, "Compress only rows that have both"):
        att_gt.fit(design, other)
    assert options.covariates


@pytest.mark.parametrize(
    ("names", "spare"),
    [(("one",), "one"), (("age", "older"), "older"), (("age", "distance", "both"), "both"), (("nothing", "age"), "nothing")],
)
def test_a_covariate_that_does_not_vary_or_repeats_others_is_refused_by_name(names, spare, people):
    frame = people.assign(one=1e6, older=2 * people["age"] + 1, both=people["age"] - 2 * people["distance"], nothing=0.0)
    wrong = f"covariate `{spare}`: it does not vary, or the covariates before it say the same"
    with complains(EstimationError, wrong, f"Found {len(names)} covariate", "Leave it out"):
        fitted(frame, *names)


def test_where_a_covariate_tells_the_covered_from_the_compared_weights_are_refused_and_regression_is_advised(people):
    tells = people.assign(age=people["first_covered"].notna() * 10 + people["age"] / 100)
    for method in ("ipw", "dr"):
        with complains(
            EstimationError, "no group-time effect can be estimated", "a covariate tells the covered from the compared", "Check"
        ):
            fitted(tells, "age", adjust=method, comparison="never")
    assert len(fitted(tells, "age", adjust="reg", comparison="never").terms) == 22


def test_effects_without_overlap_are_left_out_and_counted(people):
    """The first cohort alone is told apart."""
    tells = people.assign(age=(people["first_covered"] == 5) * 10 + people["age"] / 100)
    estimate = fitted(tells, "age", adjust="ipw", comparison="never")
    assert {term.cohort for term in estimate.terms} == {8}
    assert any(
        note.en.startswith("11 group-time effects left out: a covariate tells the covered from the compared") for note in estimate.notes
    )


def test_a_level_that_none_of_the_compared_has_cannot_be_regressed_on(people):
    alone = people.assign(age=1.0 * people["unit"].isin(["city 03", "city 09"]))
    assert people[people["unit"].isin(["city 03", "city 09"])]["first_covered"].eq(5).all()
    estimate = fitted(alone, "age", adjust="reg", comparison="never")
    assert {term.cohort for term in estimate.terms} == {8}
    assert any(
        note.en.startswith("11 group-time effects left out: among the compared a covariate does not vary") for note in estimate.notes
    )


def test_hardly_any_compared_are_said_so_and_too_few_are_left_out(people):
    never = sorted(people[people["first_covered"].isna()]["worker"].unique())
    few = people[people["first_covered"].notna() | people["worker"].isin(never[-6:])]
    notes = [note.en for note in fitted(few, adjust="reg", comparison="never").notes]
    assert any("rest on fewer than 8 compared each" in note for note in notes)
    too_few = people[people["first_covered"].notna() | people["worker"].isin(never[-3:])]
    with complains(
        EstimationError, "no group-time effect can be estimated", "no more are compared than covariates are allowed for", "Check"
    ):
        fitted(too_few, adjust="reg", comparison="never")


def steep(design: Design, slope: float) -> tuple[Design, Design]:
    """Draw who is covered by a covariate between -4 and 4; the first who is not has the highest there can be."""
    generator = np.random.default_rng(8)
    x = generator.uniform(-4, 4, 300)
    covered = generator.random(300) < 1 / (1 + np.exp(-slope * x))
    x[np.flatnonzero(~covered)[0]] = 4.0
    question, _ = drawn(design, generator)
    question = dataclasses.replace(question, cohort=np.where(covered, 3.0, np.nan), coverage=covered[:, None] & (np.arange(3) == 2))
    return question, dataclasses.replace(question, outcome="x", total=np.repeat(x[:, None], 3, axis=1))


def test_the_compared_who_resemble_the_covered_alone_count_nothing_and_the_reader_is_told(confounded):
    question, given = steep(confounded, 1.5)
    estimate = att_gt.fit(question, att_gt.Options(covariates=(given,), adjust="ipw"))
    assert any("some of the compared count nothing: their propensity is 0.995 or more" in note.en for note in estimate.notes)
    highest = int(np.flatnonzero(np.isnan(question.cohort))[0])
    assert not estimate.contrasts[-1].a[highest].any()


def test_a_propensity_near_certainty_is_no_overlap_though_it_can_be_fitted(confounded):
    question, given = steep(confounded, 3.0)
    with complains(EstimationError, "no group-time effect can be estimated", "a covariate tells the covered from the compared", "Check"):
        att_gt.fit(question, att_gt.Options(covariates=(given,)))


def test_covariates_and_strata_together_are_refused(people):
    design, options = asked(people, "age")
    both = dataclasses.replace(design, traits={"stratum": np.array(["a"] * len(design.units))})
    with complains(DesignError, "covariates and strata are two ways", "Found age, and a stratum", "C(NAME)"):
        att_gt.fit(both, options)
