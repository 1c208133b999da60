"""Intervals under bounds on how trends part: the eliminated linear program equals the solver's, and the intervals cover what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special, stats

from impact.errors import EstimationError
from impact.infer.honest.conditional import Inequalities, not_rejected, truncated_quantile
from impact.infer.honest.intervals import MOST_MBAR, breakdown, intervals
from impact.infer.honest.path import EventPath, event_path
from impact.infer.honest.relative_magnitudes import Grid, default_grid, restrictions
from impact.infer.honest.smoothness import folded_critical, frontier_of, lasso_path

SIZE, FIRST = 0.05, 0.005
WEIGHTS = ([1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.0, 0.0, 1.0], [1.0, -2.0, 0.5])


def random_path(seed: int, pre: int = 3, weights: object = (1 / 3, 1 / 3, 1 / 3), trend: float = 0.3, effect: float = 1.0) -> EventPath:
    """Draw an event study of autocorrelated errors of unequal size."""
    generator = np.random.default_rng(seed)
    weights = np.asarray(weights, dtype=float)
    size = pre + len(weights)
    root = np.tril(generator.normal(size=(size, size))) * 0.2 + np.diag(generator.uniform(0.1, 0.5, size))
    sigma = root @ root.T
    mean = np.r_[generator.normal(0, trend, pre), np.full(len(weights), effect)]
    return event_path(generator.multivariate_normal(mean, sigma), sigma, pre, weights)


# --- the linear program, as Rambachan and Roth write it, for the solver


def constraints(path: EventPath, mbar: float, largest: int, sign: float) -> np.ndarray:
    """Rows A with A δ <= 0 for the restrictions that involve months after the base month; δ leaves the base month out."""
    size = path.pre + path.post
    steps = np.diff(np.insert(np.eye(size), path.pre, 0.0, axis=0), axis=0)
    bound = mbar * sign * steps[largest]
    return np.vstack([steps[path.pre :] - bound, -steps[path.pre :] - bound])


def solved(path: EventPath, rows: np.ndarray, draw: np.ndarray, theta: float) -> float:
    """Minimise η over η and τ, subject to A (β − (0, τ)) <= η σ and l'τ = θ, with the solver."""
    deviation = np.sqrt(np.diag(rows @ path.sigma @ rows.T))
    found = optimize.linprog(
        np.r_[1.0, np.zeros(path.post)],
        A_ub=np.column_stack([-deviation, -rows[:, path.pre :]]),
        b_ub=-rows @ draw,
        A_eq=np.r_[0.0, path.weights][None],
        b_eq=[theta],
        bounds=(None, None),
    )
    assert found.status == 0
    return float(found.fun)


def cases_of(path: EventPath, mbar: float) -> list[tuple[Inequalities, np.ndarray]]:
    """Give each set of four moments, alone, with its rows for the solver."""
    sets, signs = restrictions(path, mbar, FIRST), [(largest, sign) for largest in range(path.pre) for sign in (1.0, -1.0)]
    assert len(sets.critical) == len(signs)
    alone = [Inequalities(*(getattr(sets, name)[[place]] for name in Inequalities.__slots__)) for place in range(len(signs))]
    return [(case, constraints(path, mbar, *which)) for case, which in zip(alone, signs, strict=True)]


def largest_moment(case: Inequalities, theta: float) -> float:
    return float((case.at_zero[0] + case.slope[0] * theta).max())


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("mbar", [0.0, 0.7, 2.0])
def test_the_largest_of_four_moments_is_the_optimum_of_the_linear_program(weights, mbar):
    path = random_path(1, weights=weights)
    for case, rows in cases_of(path, mbar):
        for theta in (path.value - 1.3, path.value, path.value + 0.4):
            assert largest_moment(case, theta) == pytest.approx(solved(path, rows, path.beta, theta), abs=1e-8)


def test_with_one_month_on_either_side_it_still_is():
    path = random_path(2, pre=1, weights=[1.0])
    for case, rows in cases_of(path, 1.0):
        for theta in (-0.5, path.value + 0.1, 2.5):
            assert largest_moment(case, theta) == pytest.approx(solved(path, rows, path.beta, theta), abs=1e-8)


def slow_decision(path: EventPath, case: Inequalities, rows: np.ndarray, theta: float) -> bool:
    """Decide by solver and bisection: along the line on which what is independent of the statistic stays put, how far is its dual solution optimal?"""
    target = np.r_[np.zeros(path.pre), path.weights * theta / (path.weights @ path.weights)]
    null = np.linalg.svd(path.weights[None])[2][1:].T
    moment, nuisance = rows @ (path.beta - target), rows[:, path.pre :] @ null
    sigma = rows @ path.sigma @ rows.T
    equal = np.column_stack([np.sqrt(np.diag(sigma)), nuisance]).T

    def dual(values: np.ndarray) -> tuple[float, np.ndarray]:
        found = optimize.linprog(-values, A_eq=equal, b_eq=np.r_[1.0, np.zeros(nuisance.shape[1])])
        return -float(found.fun), found.x

    eta, solution = dual(moment)
    if eta <= 0 or eta > case.critical[0]:
        return eta <= 0
    variance = float(solution @ sigma @ solution)
    direction = sigma @ solution / variance

    def stays(value: float) -> bool:
        return dual(moment + direction * (value - eta))[0] <= value + 1e-9

    low, high = limit(stays, eta, eta - 60), min(limit(stays, eta, eta + 60), float(case.critical[0]))
    deviation, size = np.sqrt(variance), (SIZE - FIRST) / (1 - FIRST)
    return bool(eta <= deviation * max(0.0, float(stats.truncnorm.ppf(1 - size, low / deviation, high / deviation))))


def limit(stays: object, inside: float, outside: float) -> float:
    assert callable(stays)
    if stays(outside):
        return float(np.sign(outside - inside) * np.inf)
    for _ in range(26):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if stays(middle) else (inside, middle)
    return inside


@pytest.mark.parametrize(("seed", "weights", "mbar"), [(3, WEIGHTS[1], 0.5), (4, WEIGHTS[0], 1.0), (5, WEIGHTS[3], 0.3)])
def test_the_test_decides_as_the_solver_with_bisection_does(seed, weights, mbar):
    path = random_path(seed, pre=2, weights=weights)
    decisions = set()
    for case, rows in cases_of(path, mbar)[:2]:
        undecided = (np.array([0.4, 0.6, 0.75, 0.9]) * case.critical[0] - case.at_zero[0, 2]) / case.slope[0, 2]
        for theta in undecided:
            fast = bool(not_rejected(case, np.array([theta]), SIZE, FIRST)[0, 0])
            assert fast is slow_decision(path, case, rows, float(theta))
            decisions.add(fast)
    assert decisions == {True, False}


def smallest_eta(path: EventPath, rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Find the optimum of the linear program for many draws at θ = 0 by bisection: is there a step for each month in its range, that together give zero?"""
    post = path.post
    moments, deviation = draws @ rows.T, np.sqrt(np.diag(rows @ path.sigma @ rows.T))
    reach = np.array([path.weights[month:].sum() for month in range(post)])
    low, high = np.full(len(draws), -50.0), np.full(len(draws), 50.0)
    for _ in range(36):
        eta = (low + high) / 2
        least = moments[:, :post] - eta[:, None] * deviation[:post]
        most = -moments[:, post:] + eta[:, None] * deviation[post:]
        ends = np.sort(np.stack([least * reach, most * reach]), axis=0).sum(axis=2)
        possible = (least <= most).all(axis=1) & (ends[0] <= 0) & (ends[1] >= 0)
        low, high = np.where(possible, low, eta), np.where(possible, eta, high)
    return high


def test_one_moment_alone_is_compared_with_a_normal_cut_off_at_the_first_stage():
    deviation, first_stage = 2.0, -2.0 * special.ndtri(FIRST)
    alone = Inequalities(np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1, 1), deviation**2), np.array([first_stage]))
    bound = deviation * stats.truncnorm.ppf(1 - (SIZE - FIRST) / (1 - FIRST), -np.inf, first_stage / deviation)
    decided = not_rejected(alone, np.array([-9.0, 0.0, bound - 1e-6, bound + 1e-6, first_stage + 1e-6]), SIZE, FIRST)
    assert decided.tolist() == [[True, True, True, False, False]]


@pytest.mark.parametrize(("weights", "mbar"), [(WEIGHTS[1], 0.5), (WEIGHTS[1], 2.0), (WEIGHTS[3], 1.0), (WEIGHTS[0], 0.0)])
def test_the_least_favourable_value_is_exceeded_as_often_as_it_says(weights, mbar):
    path = random_path(6, weights=weights)
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(len(path.beta)), path.sigma, 25_000)
    eta = smallest_eta(path, constraints(path, mbar, 1, -1.0), draws)
    for size in (0.005, 0.1):
        assert np.mean(eta > restrictions(path, mbar, size).critical[3]) == pytest.approx(size, abs=4 * np.sqrt(size / len(draws)))


def test_quantiles_of_a_truncated_normal_hold_far_out():
    low, high = np.array([-1.0, 0.3, -np.inf, 2.0]), np.array([1.5, np.inf, 2.0, 2.1])
    assert_allclose(truncated_quantile(0.95, low, high), stats.truncnorm.ppf(0.95, low, high), rtol=1e-9)
    far = truncated_quantile(0.95, np.array([40.0]), np.array([np.inf]))
    assert special.log_ndtr(-far)[0] - special.log_ndtr(-40.0) == pytest.approx(np.log(0.05), rel=1e-9)


# --- what the intervals must do


@pytest.mark.parametrize("weights", WEIGHTS)
def test_without_any_parting_of_trends_the_interval_is_the_ordinary_one(weights):
    path = random_path(8, weights=weights)
    (found,) = intervals(path, "relative_magnitudes", [0.0])
    reach = stats.norm.ppf(0.975) * path.std_error
    assert_allclose([found.low, found.high], [path.value - reach, path.value + reach], atol=0.03 * reach)


@pytest.mark.parametrize("kind", ["relative_magnitudes", "smoothness"])
def test_effects_turned_around_scaled_or_raised_take_the_interval_with_them(kind):
    path = random_path(9, weights=WEIGHTS[1])
    (plain,) = intervals(path, kind, [0.5])
    (turned,) = intervals(replace(path, beta=-path.beta), kind, [0.5])
    assert_allclose([turned.low, turned.high], [-plain.high, -plain.low], atol=1e-5)
    scaled = replace(path, beta=1000 * path.beta, sigma=1e6 * path.sigma)
    (larger,) = intervals(scaled, kind, [0.5 if kind == "relative_magnitudes" else 500.0])
    assert_allclose([larger.low, larger.high], [1000 * plain.low, 1000 * plain.high], rtol=1e-5)
    added = np.array([3.0, -1.0, 4.0])
    (raised,) = intervals(replace(path, beta=path.beta + np.r_[np.zeros(path.pre), added]), kind, [0.5])
    assert_allclose([raised.low, raised.high], np.array([plain.low, plain.high]) + path.weights @ added, atol=1e-5)


@pytest.mark.parametrize("kind", ["relative_magnitudes", "smoothness"])
def test_a_wider_bound_gives_a_wider_interval(kind):
    found = intervals(random_path(10, pre=5, weights=np.full(4, 0.25)), kind, [0.0, 0.2, 0.5, 1.0, 2.0])
    lengths = [each.high - each.low for each in found]
    assert lengths == sorted(lengths) and not any(each.truncated for each in found)


def test_a_grid_gives_the_points_of_it_that_stand_and_says_where_it_cuts():
    path = random_path(11)
    (exact,) = intervals(path, "relative_magnitudes", [1.0])
    wide, narrow = Grid(exact.low - 1, exact.high + 1, 2001), Grid(exact.low + 0.1, exact.high + 1, 500)
    (found,), (cut,) = (intervals(path, "relative_magnitudes", [1.0], grid=grid) for grid in (wide, narrow))
    step = (wide.high - wide.low) / 2000
    assert not found.truncated and 0 <= found.low - exact.low <= step and 0 <= exact.high - found.high <= step
    assert cut.truncated and cut.low == narrow.low
    (nothing,) = intervals(path, "relative_magnitudes", [0.0], grid=Grid(exact.high + 50, exact.high + 60))
    assert nothing.truncated and np.isnan([nothing.low, nothing.high]).all()
    assert default_grid(path) == Grid(-20 * path.std_error, 20 * path.std_error, 1000)


@pytest.mark.parametrize("kind", ["relative_magnitudes", "smoothness"])
def test_zero_enters_the_interval_at_the_breakdown_value(kind):
    path = random_path(12, effect=3.0)
    value = breakdown(path, kind)
    assert value.bound > 0 and not value.at_least
    below, above = intervals(path, kind, [0.995 * value.bound, 1.005 * value.bound + 2e-3])
    assert below.low > 0 and above.low <= 0


def test_breakdown_is_zero_where_nothing_was_found_and_at_least_the_last_that_was_tried_where_nothing_breaks_it():
    weak, strong = random_path(13, effect=0.0), random_path(13, trend=0.01, effect=500.0)
    assert breakdown(weak, "relative_magnitudes").bound == 0.0
    assert breakdown(strong, "relative_magnitudes").bound == MOST_MBAR and breakdown(strong, "relative_magnitudes").at_least


# --- coverage where the bound is met with equality


def plug_in(path: EventPath, mbar: float) -> tuple[float, float]:
    """Take the largest estimated step before coverage for the true one, as a peer does."""
    largest = np.abs(np.diff(np.r_[path.beta[: path.pre], 0.0])).max()
    reach = mbar * largest * np.abs(np.cumsum(path.weights[::-1])).sum() + stats.norm.ppf(0.975) * path.std_error
    return path.value - reach, path.value + reach


def test_relative_magnitudes_cover_the_truth_where_trends_part_as_far_as_allowed_and_the_plug_in_does_not():
    base = random_path(14, pre=2, weights=[0.5, 0.5])
    step = 8 * np.sqrt(np.diag(base.sigma).max())
    parted = np.array([-1.2, -0.2, 1.0, 2.0]) * step  # steps of 1 and 0.2 before, of 1 and 1 after: as far as Mbar = 1 allows
    draws = np.random.default_rng(2).multivariate_normal(parted, base.sigma, 1000)
    covered, plugged = [], []
    for draw in draws:
        path = replace(base, beta=draw)
        (found,), (low, high) = intervals(path, "relative_magnitudes", [1.0], grid=Grid(0, 0, 1)), plug_in(path, 1.0)
        covered.append(found.low == 0)
        plugged.append(low <= 0 <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)
    assert np.mean(plugged) < 0.9


@pytest.mark.parametrize("m", [0.0, 0.05, 0.5])
def test_smoothness_covers_exactly_as_often_as_it_says_where_bias_is_worst(m):
    path = random_path(15, pre=5, weights=np.full(3, 1 / 3))
    (found,) = intervals(path, "smoothness", [m])
    centre, half = (found.low + found.high) / 2, (found.high - found.low) / 2
    slope = np.array([float(np.sum(np.array(ends) / 2)) for ends in _response(path, m)])
    bends = second_differences(path)
    worst = optimize.linprog(-slope, A_ub=np.vstack([bends, -bends]), b_ub=np.full(2 * len(bends), m), bounds=(-1e4, 1e4)).x
    draws = np.random.default_rng(3).multivariate_normal(worst, path.sigma, 200_000)
    assert centre == pytest.approx(slope @ path.beta, abs=1e-6)
    assert np.mean(np.abs(draws @ slope) <= half) == pytest.approx(0.95, abs=0.003)


def _response(path: EventPath, m: float) -> list[tuple[float, float]]:
    """Give the ends of the interval for each coefficient alone being one: the interval is a fixed length around a linear function of them."""
    found = [intervals(replace(path, beta=row), "smoothness", [m])[0] for row in np.eye(len(path.beta))]
    return [(each.low, each.high) for each in found]


def second_differences(path: EventPath) -> np.ndarray:
    return np.diff(np.insert(np.eye(path.pre + path.post), path.pre, 0.0, axis=0), n=2, axis=0)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_worst_bias_of_each_corner_is_that_of_the_linear_program(weights):
    path = random_path(16, pre=4, weights=weights)
    frontier, bends = frontier_of(path), second_differences(path)
    for weight, bias in zip(frontier.weights, frontier.bias, strict=True):
        slope = np.r_[weight, path.weights]
        found = optimize.linprog(-slope, A_ub=np.vstack([bends, -bends]), b_ub=np.ones(2 * len(bends)), bounds=(None, None))
        assert -found.fun == pytest.approx(bias, abs=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_the_path_of_best_trade_offs_meets_the_conditions_of_optimality_at_each_corner(seed):
    generator = np.random.default_rng(seed)
    root, linear = generator.normal(size=(11, 11)) @ np.diag(np.logspace(0, 2, 11)), generator.normal(size=11) * 50
    quadratic = root.T @ root
    corners = lasso_path(quadratic, linear)
    penalties = []
    for corner in corners:
        gradient = quadratic @ corner + linear
        penalty = np.abs(gradient).max()
        assert_allclose(gradient[corner != 0], -penalty * np.sign(corner[corner != 0]), atol=1e-6)
        penalties.append(penalty)
    assert not corners[0].any() and penalties == sorted(penalties, reverse=True)
    assert_allclose(corners[-1], -np.linalg.solve(quadratic, linear), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("seed", "m"), [(17, 0.02), (17, 0.1), (18, 0.3), (19, 1.0)])
def test_no_general_optimiser_finds_a_shorter_interval(seed, m):
    path = random_path(seed, pre=4, weights=WEIGHTS[1])
    (found,) = intervals(path, "smoothness", [m])
    line, bends = np.arange(1, path.post + 1) @ path.weights, second_differences(path)
    times = np.arange(-path.pre, 0)

    def half_length(free: np.ndarray) -> float:
        weights = np.r_[free, line + times[:-1] @ free, path.weights]  # the last one before takes a straight line out: Σ t w_t = 0
        combined = np.linalg.lstsq(bends.T, weights, rcond=None)[0]
        deviation = np.sqrt(weights @ path.sigma @ weights)
        return float(deviation * folded_critical(m * np.abs(combined).sum() / deviation, 0.95))

    starts = np.random.default_rng(0).normal(size=(3, path.pre - 1))
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    best = min(optimize.minimize(half_length, start, method="Nelder-Mead", options=options).fun for start in starts)
    assert (found.high - found.low) / 2 == pytest.approx(best, rel=1e-4)
    assert (found.high - found.low) / 2 <= best * (1 + 1e-8)


def test_the_folded_normal_stays_below_its_critical_value_as_often_as_it_says():
    for bias in (0.0, 0.3, 2.0, 50.0):
        assert stats.ncx2.cdf(folded_critical(bias, 0.95) ** 2, 1, bias**2 + 1e-300) == pytest.approx(0.95, abs=1e-6)


# --- refusals


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(
        EstimationError,
        match=r"do not belong together\.\nFound 3 coefficients, a covariance of 3 × 3, 3 months before .* and 1 weights\.\nGive",
    ):
        event_path(np.ones(3), np.eye(3), 3, [1.0])
    with pytest.raises(EstimationError, match=r"nothing to work with\.\nFound 1 numbers that are missing .* and 1 weights"):
        event_path(np.array([np.nan, 1.0]), np.eye(2), 1, [1.0])
    with pytest.raises(EstimationError, match=r"nothing to work with\.\nFound 0 numbers .* and 0 weights"):
        event_path(np.ones(2), np.eye(2), 1, [0.0])


def test_a_covariance_of_fewer_clusters_than_months_is_refused():
    sums = np.random.default_rng(4).normal(size=(4, 6))
    with pytest.raises(
        EstimationError, match=r"not of full rank\.\nFound rank 4 for 6 coefficients, as where clusters are fewer than months\.\nUse fewer"
    ):
        event_path(np.ones(6), sums.T @ sums, 3, [1.0, 0.0, 0.0])


def test_a_covariance_that_is_not_symmetric_is_refused_as_that():
    with pytest.raises(
        EstimationError, match=r"not symmetric\.\nFound 1 pair of coefficients with two covariances\.\nGive the whole matrix"
    ):
        event_path(np.ones(2), np.array([[1.0, 0.1], [0.0, 1.0]]), 1, [1.0])


def test_impossible_bounds_and_levels_are_refused():
    path = random_path(20)
    for bounds, level in (([-1.0], 0.95), ([np.nan], 0.95), ([1.0], 95.0)):
        with pytest.raises(EstimationError, match=r"impossible\.\nFound bounds .* and level .*\.\nGive bounds of zero or more"):
            intervals(path, "relative_magnitudes", bounds, level)
