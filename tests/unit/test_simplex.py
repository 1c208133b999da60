"""Weights on the simplex are the exact optimum: by its conditions, and by a general solver that knows nothing of the problem."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from impact.estimate.parts.simplex import projected, simplex_weights

SHAPES = [(18, 240), (240, 18), (18, 5), (5, 40), (30, 30), (7, 6), (1, 10)]
RIDGES = [0.0, 1e-12, 1e-8, 1e-4, 1e-2, 1.0, 100.0]


def problem(rows: int, columns: int, seed: int, far: bool = True):
    """Paths that move together, and a target among them or off them."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(rows, 2))
    matrix = 3 * common @ generator.normal(size=(2, columns)) + generator.normal(size=(rows, columns))
    return matrix, matrix[:, :3].mean(axis=1) + far * generator.normal(size=rows)


def by_general_solver(matrix, target, ridge):
    columns = matrix.shape[1]
    return minimize(
        lambda x: ((matrix @ x - target) ** 2).sum() + ridge * (x**2).sum(),
        np.full(columns, 1 / columns),
        jac=lambda x: 2 * matrix.T @ (matrix @ x - target) + 2 * ridge * x,
        bounds=[(0, 1)] * columns,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 2000},
    ).x


@pytest.mark.parametrize("far", [True, False])
@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_no_weight_can_be_moved_to_advantage(rows, columns, ridge, far):
    for seed in range(3):
        matrix, target = problem(rows, columns, seed, far)
        weights = simplex_weights(matrix, target, ridge)
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        slope = matrix.T @ (matrix @ weights - target) + ridge * weights
        level, size = slope @ weights, np.abs(matrix).max() ** 2
        assert (slope - level).min() > -1e-11 * size
        assert np.abs((slope - level)[weights > 0]).max() < 1e-11 * size


@pytest.mark.parametrize("ridge", [1e-2, 1.0, 30.0])
@pytest.mark.parametrize(("rows", "columns"), [(6, 10), (10, 6), (8, 8)])
def test_weights_equal_those_of_a_general_solver(rows, columns, ridge):
    for seed in range(4):
        matrix, target = problem(rows, columns, seed)
        assert_allclose(simplex_weights(matrix, target, ridge), by_general_solver(matrix, target, ridge), atol=1e-5)


def test_among_weights_that_fit_alike_the_most_even_are_chosen():
    matrix, _ = problem(3, 40, 1)
    target = matrix.mean(axis=1)
    assert_allclose(simplex_weights(matrix, target, 1e-10), np.full(40, 1 / 40), atol=1e-7)


def test_columns_that_are_the_same_share_their_weight():
    matrix, target = problem(12, 5, 2)
    single, double = simplex_weights(matrix, target, 0.5), simplex_weights(np.hstack([matrix, matrix]), target, 1.0)
    assert_allclose(double[:5] + double[5:], single, atol=1e-12)
    assert_allclose(double[:5], double[5:], atol=1e-12)


@pytest.mark.parametrize("ridge", [1e-12, 2.0])
def test_scale_and_order_of_the_problem_do_not_matter(ridge):
    matrix, target = problem(9, 14, 3)
    weights, order = simplex_weights(matrix, target, ridge), np.random.default_rng(1).permutation(14)
    assert_allclose(simplex_weights(-1e6 * matrix[:, order], -1e6 * target, 1e12 * ridge), weights[order], atol=1e-10)


def test_nothing_to_fit_gives_equal_weights():
    assert simplex_weights(np.zeros((4, 5)), np.zeros(4), 0.0).tolist() == [0.2] * 5
    assert simplex_weights(np.ones((4, 1)), np.zeros(4), 1.0).tolist() == [1.0]


def test_the_projection_is_nearer_than_any_other_point_of_the_simplex():
    generator = np.random.default_rng(4)
    for _ in range(20):
        point = generator.normal(size=6)
        nearest = projected(point)
        others = generator.dirichlet(np.ones(6), 500)
        assert nearest.sum() == pytest.approx(1)
        assert (((others - point) ** 2).sum(axis=1) >= ((nearest - point) ** 2).sum()).all()
