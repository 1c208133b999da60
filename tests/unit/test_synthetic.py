"""Synthetic control and synthetic difference in differences: a second implementation by loops, errors by brute force, coverage, refusals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from impact.design.design import Design
from impact.errors import DesignError, EstimationError
from impact.estimate import synthetic_control, synthetic_did
from impact.estimate.parts.synthetic import unit_weights
from impact.infer.aggregate import aggregate
from impact.infer.bands import with_bands
from impact.report.figures import event_study, synthetic_weights
from impact.report.style import figure_style
from impact.results import Estimate
from impact.text import Text
from panels import EMPTY_UNIT, design_from
from words import complains

BOTH = pytest.mark.parametrize("module", [synthetic_control, synthetic_did], ids=lambda module: module.INFO.name)


# A second implementation: cell means by pandas, loops, and a general solver.


def means_by_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Weighted mean of every unit and month, of the units seen in every month, and their first covered months."""
    rows = frame.assign(product=frame["income"] * frame["weight"]).groupby(["unit", "month"])[["product", "weight"]].sum()
    wide = (rows["product"] / rows["weight"]).unstack().dropna()
    return wide, frame.groupby("unit")["first_covered"].first().loc[wide.index]


def slow_weights(matrix, target, ridge):
    size = np.abs(matrix).max()
    matrix, target, ridge, columns = matrix / size, target / size, ridge / size**2, matrix.shape[1]
    return minimize(
        lambda x: ((matrix @ x - target) ** 2).sum() + ridge * (x**2).sum(),
        np.full(columns, 1 / columns),
        jac=lambda x: 2 * matrix.T @ (matrix @ x - target) + 2 * ridge * x,
        bounds=[(0, 1)] * columns,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 5000},
    ).x


def noise_of(wide: pd.DataFrame, never: list[str], cohort: float) -> float:
    before = [month for month in wide.columns if month < cohort]
    return float(np.std(np.diff(wide.loc[never, before], axis=1), ddof=1))


def slow_effects(wide, covered, never, cohort, did, ridge):
    """Effects of one cohort in all months, as the text of the papers says it; `ridge` are those of units and months."""
    before, after = [m for m in wide.columns if m < cohort], [m for m in wide.columns if m >= cohort]
    target, donors = wide.loc[covered, before].mean().to_numpy(), wide.loc[never, before].to_numpy()
    level = (target.mean(), donors.mean(axis=1)) if did else (0.0, np.zeros(len(never)))
    omega = slow_weights((donors - level[1][:, None]).T, target - level[0], len(before) * ridge[0] ** 2)
    outcome = wide.loc[never, after].mean(axis=1).to_numpy()
    lam = slow_weights(donors - donors.mean(axis=0), outcome - outcome.mean(), len(never) * ridge[1] ** 2) if did else np.zeros(len(before))
    gaps = {month: wide.loc[covered, month].mean() - float(omega @ wide.loc[never, month]) for month in wide.columns}
    base = sum(weight * gaps[month] for weight, month in zip(lam, before, strict=True))
    return {month: gap - base for month, gap in gaps.items()}


def ridges(wide, covered, never, cohort, did):
    noise, after = noise_of(wide, never, cohort), sum(month >= cohort for month in wide.columns)
    return ((len(covered) * after) ** 0.25 if did else 1e-6) * noise, 1e-6 * noise


def slow_fit(frame: pd.DataFrame, did: bool):
    wide, first = means_by_rows(frame)
    never = list(first.index[first.isna()])
    found = {}
    for cohort in (5.0, 8.0):
        covered = list(first.index[first == cohort])
        effects = slow_effects(wide, covered, never, cohort, did, ridges(wide, covered, never, cohort, did))
        found |= {(int(cohort), int(month)): (value, len(covered)) for month, value in effects.items()}
    return found


@BOTH
def test_effects_of_several_cohorts_equal_plain_loops(module, nasty):
    slow = slow_fit(nasty, module is synthetic_did)
    estimate = module.fit(design_from(nasty))
    table = estimate.tidy()
    assert list(zip(table["cohort"], table["month"], strict=True)) == list(slow)
    assert_allclose(table["estimate"], [value for value, _ in slow.values()], atol=2e-5)
    cells = [(value, units) for (cohort, month), (value, units) in slow.items() if month >= cohort]
    by_unit_months = sum(value * units for value, units in cells) / sum(units for _, units in cells)
    assert aggregate(estimate, "simple").values[0] == pytest.approx(by_unit_months, abs=2e-5)


@BOTH
def test_an_effect_is_its_contrast_of_cell_means(module, nasty):
    estimate = module.fit(design_from(nasty))
    sums = [float((contrast.a * estimate.design.total).sum()) for contrast in estimate.contrasts]
    assert_allclose(estimate.values, sums, atol=1e-11)
    influence = estimate.influence()
    assert_allclose(influence.to_numpy().sum(axis=0), 0, atol=1e-10)
    assert list(influence.index) == list(estimate.design.units)


@BOTH
def test_weights_of_the_compared_are_a_mean(module, nasty):
    weights = unit_weights(module.fit(design_from(nasty)))
    assert weights["weight"].min() >= 0
    assert_allclose(weights.groupby("cohort")["weight"].sum(), 1)
    assert set(weights["unit"]) == set(nasty.loc[nasty["first_covered"].isna(), "unit"])


# What is set aside.


@BOTH
def test_a_unit_with_a_month_without_anybody_is_left_out_with_a_note(module, nasty):
    estimate = module.fit(design_from(nasty))
    full = nasty.groupby("unit")["month"].nunique() == 12
    assert EMPTY_UNIT not in estimate.design.units
    assert set(estimate.design.units) == set(full.index[full])
    assert f"{(~full).sum()} units left out: not seen in every month" in [note.en for note in estimate.notes]
    again = module.fit(design_from(nasty[nasty["unit"].isin(full.index[full])]))
    assert_allclose(again.values, estimate.values)


def test_units_covered_too_early_are_left_out_and_too_late_count_as_never(balanced):
    moved = balanced.assign(first_covered=balanced["first_covered"].where(balanced["unit"] != "city 00", 2.0))
    moved["first_covered"] = moved["first_covered"].where(moved["unit"] != "city 01", 40.0)
    estimate = synthetic_did.fit(design_from(moved))
    notes = " ".join(note.en for note in estimate.notes)
    assert "1 unit left out: covered without two months before to choose weights in" in notes
    assert "1 unit first covered after the last month count as never covered" in notes
    assert "city 00" not in estimate.design.units
    assert "city 01" in set(unit_weights(estimate)["unit"])


def test_without_anybody_to_compare_nothing_is_estimated(balanced):
    with complains(DesignError, "synthetic weights need covered units", "and 0 units of the second among 12", "estimator att_gt"):
        synthetic_did.fit(design_from(balanced[balanced["first_covered"].notna()]))


def test_months_of_anticipation_choose_no_weights(balanced):
    options = synthetic_did.Options(anticipation=2)
    jump = balanced.assign(income=balanced["income"] + 9 * balanced["month"].isin([6, 7]) * (balanced["first_covered"] == 8))
    plain, jumped = (synthetic_did.fit(design_from(frame), options).tidy() for frame in (balanced, jump))
    moved = (plain["cohort"] == 8) & plain["month"].isin([6, 7])
    assert_allclose(jumped["estimate"], plain["estimate"] + 9 * moved, atol=1e-9)


def test_by_workers_the_covered_count_as_many_as_they_are(balanced):
    options = synthetic_control.Options(counting="workers")
    estimate, design = synthetic_control.fit(design_from(balanced), options), design_from(balanced)
    covered = design.cohort == 5
    path = design.total[covered].sum(axis=0) / design.weight[covered].sum(axis=0)
    weights = unit_weights(estimate)
    omega = weights[weights["cohort"] == 5]["weight"].to_numpy()
    compared = omega @ (design.total / design.weight)[np.isnan(design.cohort)]
    assert_allclose(estimate.values[:12], path - compared, atol=1e-9)
    sizes = {cohort: design.workers[design.cohort == cohort].sum() for cohort in (5, 8)}
    after = [(value, sizes[term.cohort]) for term, value in zip(estimate.terms, estimate.values, strict=True) if term.event_time >= 0]
    values, counts = zip(*after, strict=True)
    assert aggregate(estimate, "simple").values[0] == pytest.approx(np.average(values, weights=counts))


# Errors, by brute force.


def held(design: Design, estimate: Estimate, stays: np.ndarray, by: str) -> float:
    """The average after some units are gone, with weights held and brought back to one."""
    means, effects = design.total / design.weight, {}
    for cohort in design.cohorts:
        covered, never = (design.cohort == cohort) & stays, np.isnan(design.cohort)
        omega = unit_weights(estimate).query("cohort == @cohort")["weight"].to_numpy() * stays[never]
        gap = means[covered].mean(axis=0) - omega @ means[never] / omega.sum()
        term = next(k for k, one in enumerate(estimate.terms) if (one.cohort, one.month) == (cohort, cohort))
        unit = int(np.flatnonzero(design.cohort == cohort)[0])
        lam = -estimate.contrasts[term].a[unit] / estimate.contrasts[term].a[unit, design.place(cohort)]
        lam[design.place(cohort)] = 0
        effects[cohort] = (gap - lam @ gap, covered.sum())
    if by == "simple":
        cells = [(v, n) for g, (row, n) in effects.items() for m, v in zip(design.months, row, strict=True) if m >= g]
    else:
        cells = [(row[design.place(g + 2)], n) for g, (row, n) in effects.items()]
    values, counts = zip(*cells, strict=True)
    return float(np.average(values, weights=counts))


@pytest.mark.parametrize("by", ["simple", "event_time"])
@pytest.mark.parametrize("level", ["unit", "cluster"])
@BOTH
def test_leave_one_out_equals_leaving_out_by_hand_with_the_shares_of_who_is_left(module, level, by, nasty):
    estimate = module.fit(design_from(nasty, level=level), module.Options(errors="jackknife"))
    design, averaged = estimate.design, aggregate(estimate, by)
    place = 0 if by == "simple" else next(k for k, term in enumerate(averaged.terms) if term.event_time == 2)
    clusters = np.asarray(design.cluster)
    values = np.array([held(design, estimate, clusters != name, by) for name in np.unique(clusters)])
    count = len(values)
    assert held(design, estimate, np.ones(len(clusters), dtype=bool), by) == pytest.approx(averaged.values[place])
    by_hand = np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum())
    assert averaged.errors.std_error[place] == pytest.approx(by_hand, rel=1e-9)


def one_covered(frame: pd.DataFrame, covered: str = "city 05") -> pd.DataFrame:
    """The never covered cities, and one that is covered from month 8."""
    never = frame[frame["first_covered"].isna()]
    return never.assign(first_covered=np.where(never["unit"] == covered, 8.0, np.nan))


@BOTH
def test_placebos_are_estimates_on_the_never_covered_alone(module):
    design = simulated(6, 1, never=12, months=10, first=7)
    estimate = aggregate(module.fit(design), "simple")
    wide = pd.DataFrame(design.total / design.weight, index=design.units, columns=design.months)
    never, did = [unit for unit in design.units if unit != "u000"], module is synthetic_did
    ridge = ridges(wide, ["u000"], never, 7, did)
    slow = []
    for unit in never:
        effects = slow_effects(wide, [unit], [other for other in never if other != unit], 7, did, ridge)
        slow.append(np.mean([value for month, value in effects.items() if month >= 7]))
    assert estimate.errors.method == "placebo"
    assert_allclose(np.sort(estimate.errors.replicates.values[:, 0]), np.sort(slow), atol=1e-4)
    assert estimate.errors.std_error[0] == pytest.approx(np.std(slow), rel=1e-4)


@BOTH
def test_an_effect_does_not_move_the_placebos(module, nasty):
    frame = one_covered(nasty)
    lifted = frame.assign(income=frame["income"] + 50 * (frame["month"] >= frame["first_covered"]))
    plain, other = (aggregate(module.fit(design_from(one, level="unit")), "simple") for one in (frame, lifted))
    assert_allclose(other.errors.replicates.values, plain.errors.replicates.values)
    assert other.tidy()["p_value"][0] == pytest.approx(1 / (1 + len(other.errors.replicates.values)))


def simulated(seed: int, covered: int, never: int = 24, months: int = 14, first: int = 10, effect: float = 0.0) -> Design:
    """Units with two common factors of differing weight, shocks that last (AR 0.5), and units of unequal size."""
    generator = np.random.default_rng(seed)
    units = covered + never
    template = _template(covered, never, months, first)
    shocks = np.zeros((units, months + 10))
    for month in range(1, months + 10):
        shocks[:, month] = 0.5 * shocks[:, month - 1] + generator.normal(size=units)
    loading, factors = generator.normal(size=(units, 2)), 0.5 * generator.normal(size=(2, months)).cumsum(axis=1)
    means = generator.normal(0, 2, (units, 1)) + generator.normal(size=months) + loading @ factors + shocks[:, 10:]
    means += effect * template.coverage
    return replace(template, total=means * template.weight, square=means**2 * template.weight)


@cache
def _template(covered: int, never: int, months: int, first: int) -> Design:
    rows = pd.MultiIndex.from_product([range(covered + never), range(1, months + 1), range(3)], names=["unit", "month", "w"]).to_frame(
        index=False
    )
    rows = rows[rows["w"] <= rows["unit"] % 3]
    rows = rows.assign(first_covered=np.where(rows["unit"] < covered, first, np.nan), income=0.0, weight=1.0, cluster="one")
    rows["unit"] = rows["unit"].map("u{:03d}".format)
    return design_from(rows.assign(worker=rows["unit"] + rows["w"].astype(str)), level="unit")


@pytest.mark.parametrize(
    ("covered", "errors", "repeats", "coverage", "ratio"),
    [
        (1, "placebo", 50, (0.83, 1.0), (0.75, 1.4)),
        (3, "placebo", 30, (0.77, 1.0), (0.7, 1.5)),
        (12, "jackknife", 100, (0.85, 0.99), (0.8, 1.3)),
    ],
)
def test_intervals_cover_and_errors_are_as_large_as_estimates_stray(covered, errors, repeats, coverage, ratio):
    options = synthetic_did.Options(draws=39)
    rows = []
    for seed in range(repeats):
        averaged = aggregate(synthetic_did.fit(simulated(seed, covered, effect=2.0), options), "simple")
        assert averaged.errors.method == errors
        rows.append(averaged.tidy(0.92).iloc[0])
    table = pd.DataFrame(rows)
    inside = ((table["conf_low"] <= 2) & (table["conf_high"] >= 2)).mean()
    stray = table["estimate"].std()
    assert coverage[0] <= inside <= coverage[1]
    assert abs(table["estimate"].mean() - 2) < 3.5 * stray / repeats**0.5
    assert ratio[0] < table["std_error"].mean() / stray < ratio[1]


def test_p_values_of_placebos_are_uniform_where_nothing_happened():
    p_values = [aggregate(synthetic_did.fit(simulated(seed, 1, never=11)), "simple").tidy()["p_value"][0] for seed in range(80)]
    assert min(p_values) == pytest.approx(1 / 12)
    for at_most in (1 / 12, 3 / 12, 6 / 12):
        share = np.mean(np.asarray(p_values) <= at_most + 1e-9)
        assert abs(share - at_most) < 3.5 * np.sqrt(at_most * (1 - at_most) / 80)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_an_interval_holds_the_effects_that_placebos_do_not_reject(level):
    averaged = aggregate(synthetic_did.fit(simulated(3, 1)), "event_time")
    table, placebos = averaged.tidy(level), np.abs(averaged.errors.replicates.values)
    count = len(placebos)
    for place, row in table.iterrows():
        for effect in np.linspace(row["estimate"] - 6, row["estimate"] + 6, 241):
            rank = (1 + (placebos[:, place] >= abs(row["estimate"] - effect) - 1e-12).sum()) / (1 + count)
            inside = row["conf_low"] - 1e-9 <= effect <= row["conf_high"] + 1e-9
            assert inside == (rank > 1 - level + 1e-12)


def test_too_few_placebos_bound_nothing_and_can_be_drawn():
    estimate = aggregate(synthetic_did.fit(simulated(3, 1, never=8)), "event_time")
    table = with_bands(estimate)
    assert np.isinf(table["conf_high"]).all()
    assert table["std_error"].notna().all()
    assert any("no p-value can be below 0.11" in note.en for note in estimate.notes)
    with figure_style("en"):
        event_study(table, "index", Text("yuan", "元"), "en").canvas.draw()


def test_bands_of_placebos_hold_the_whole_path_of_all_but_few():
    estimate = aggregate(synthetic_did.fit(simulated(5, 1, never=39)), "event_time")
    table = with_bands(estimate, 0.9)
    path = table["band_high"].notna().to_numpy()
    reach = (table["band_high"] - table["estimate"])[path].to_numpy()
    beyond = (np.abs(estimate.errors.replicates.values[:, path]) > reach * (1 + 1e-9)).any(axis=1)
    assert (1 + beyond.sum()) / 40 == pytest.approx(0.1)
    assert (table["band_high"] >= table["conf_high"] - 1e-9)[path].all()


def test_the_bootstrap_is_repeatable_and_near_leave_one_out():
    design = simulated(2, 12)
    options = synthetic_did.Options(errors="bootstrap", draws=150)
    first, second = (aggregate(synthetic_did.fit(design, options), "simple").errors.std_error[0] for _ in range(2))
    jackknife = aggregate(synthetic_did.fit(design, synthetic_did.Options(errors="jackknife")), "simple").errors.std_error[0]
    assert first == second
    assert first == pytest.approx(jackknife, rel=0.3)


def test_the_bootstrap_averages_the_cohorts_that_a_draw_has(nasty):
    estimate = synthetic_did.fit(design_from(nasty, level="unit"), synthetic_did.Options(errors="bootstrap", draws=40))
    missing = np.isnan(estimate.errors.replicates.values).any(axis=1)
    averaged = aggregate(estimate, "simple")
    assert np.isfinite(averaged.errors.replicates.values).all()
    assert averaged.errors.std_error[0] > 0
    assert np.isfinite(estimate.errors.std_error).all()
    assert missing.sum() < 10


@pytest.mark.parametrize("errors", ["jackknife", "bootstrap"])
def test_one_covered_unit_has_no_error_but_by_placebos(errors, nasty):
    estimate = synthetic_did.fit(design_from(one_covered(nasty), level="unit"), synthetic_did.Options(errors=errors))
    assert estimate.tidy()[["std_error", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert any(f"some or all effects have no error: {errors} needs two covered clusters" in note.en for note in estimate.notes)


def test_errors_are_chosen_by_the_number_of_covered_clusters(nasty):
    chosen = {covered: synthetic_did.fit(simulated(1, covered)).errors.method for covered in (1, 9, 10)}
    assert chosen == {1: "placebo", 9: "placebo", 10: "jackknife"}
    assert synthetic_did.fit(design_from(nasty)).errors.method == "jackknife"


def test_placebos_without_enough_never_covered_are_refused(nasty):
    found = "Found 7 covered and 4 never covered clusters by cluster"
    with complains(
        EstimationError, "errors `placebo`: the never covered cannot stand in for the covered", found, "ask for errors `jackknife`"
    ):
        synthetic_did.fit(design_from(nasty), synthetic_did.Options(errors="placebo"))


def test_placebos_by_cluster_move_whole_clusters(balanced):
    frame = one_covered(balanced).assign(cluster=lambda table: np.where(table["unit"].isin(["city 02", "city 08"]), "pair", table["unit"]))
    estimate = synthetic_did.fit(design_from(frame))
    assert len(estimate.errors.replicates.values) == 4
    assert (estimate.errors.clusters, estimate.errors.covered_clusters) == (5, 1)


def test_random_placebos_do_not_depend_on_names():
    design = simulated(4, 3)
    order = np.random.default_rng(1).permutation(len(design.units))
    names = tuple(np.asarray(design.units)[np.argsort(order)])
    turned = replace(
        design,
        **{
            name: getattr(design, name)[order]
            for name in ("cohort", "total", "square", "weight", "rows", "coverage", "workers", "headcount")
        },
    )
    turned = replace(turned, units=names, cluster=names)
    plain, other = (synthetic_did.fit(one, synthetic_did.Options(draws=20)) for one in (design, turned))
    assert_allclose(other.errors.std_error, plain.errors.std_error, rtol=1e-9)


# The figure.


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_shows_the_largest_weights_and_the_rest_together(language):
    weights = np.r_[np.arange(30, 0, -1), 0, 0] / 465
    table = pd.DataFrame({"cohort": 2019 * 12, "unit": [f"u{number:02d}" for number in range(32)], "weight": weights})
    with figure_style(language):
        figure = synthetic_weights(table, "month", language)
        figure.canvas.draw()
    axes = figure.axes[0]
    widths = [patch.get_width() for patch in axes.patches]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(widths) == 21
    assert_allclose(sum(widths), 100)
    assert labels[:2] == ["u00", "u01"]
    assert labels[-1] == {"en": "10 others together", "zh": "其他10个单位合计"}[language]
    assert "2019-01" in axes.get_legend().get_texts()[0].get_text()
