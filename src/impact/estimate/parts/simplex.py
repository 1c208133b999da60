"""Weights that are not negative and sum to one: the exact optimum of a small least-squares problem. May touch: nothing.

Problem:  min ‖A x − c‖² + ridge ‖x‖² over x ≥ 0 with Σx = 1. Deterministic, and without a tolerance that a user would have to choose.
Source:   Lawson and Hanson (1974), ch. 23, with the sum held, where the ridge is next to nothing; otherwise Newton steps on the dual, which has one
          variable for each row of A however many columns there are (Qi and Sun 2006, doi:10.1137/050624509).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from impact.moments.moments import Floats

_STEEP = 1e-3
"""Below this ridge, in a problem scaled to one, the dual is steep, and columns are added one by one first."""
_NEWTON_STEPS = 60
_ROUNDING = 1e-13


def simplex_weights(matrix: Floats, target: Floats, ridge: float) -> Floats:
    """Give the weights of the columns of `matrix`, of shape (rows, columns), that come closest to `target`, of shape (rows,).

    Equal weights where all values are zero.
    """
    scale = float(max(np.abs(matrix).max(initial=0.0), np.abs(target).max(initial=0.0)))
    columns = matrix.shape[1]
    if scale == 0 or columns == 1:
        return np.full(columns, 1.0 / columns)
    scaled, aim = _fewest_rows(matrix / scale, target / scale)
    penalty = ridge / scale**2
    # Many more columns than values to fit are used only where the fit is all but exact and the ridge chooses: that is where the dual is easy.
    found = _column_by_column(scaled, aim, penalty, most=2 * len(aim)) if penalty < _STEEP else None
    if found is None and penalty > 0:
        found = _by_dual(scaled, aim, penalty)
    if found is None:
        found = _column_by_column(scaled, aim, penalty, most=columns)
    assert found is not None
    return found


def projected(point: Floats) -> Floats:
    """Give the nearest point, by distance, whose entries are not negative and sum to one."""
    ordered = np.sort(point)[::-1]
    excess = (np.cumsum(ordered) - 1.0) / np.arange(1, len(point) + 1)
    return np.asarray(np.maximum(point - excess[np.flatnonzero(ordered > excess)[-1]], 0.0))


def _fewest_rows(matrix: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Turn a tall problem into one with as many rows as columns, and the same optimum."""
    if matrix.shape[0] <= matrix.shape[1] + 1:
        return matrix, target
    _, upper = np.linalg.qr(np.column_stack([matrix, target]))
    return np.ascontiguousarray(upper[:, :-1]), np.ascontiguousarray(upper[:, -1])


def _by_dual(matrix: Floats, target: Floats, ridge: float) -> Floats | None:
    """Minimise the dual, where the weights are the projection of Aᵀr and ridge × r is the residual; None where it is too steep."""
    dual = np.zeros(matrix.shape[0])
    weights = projected(matrix.T @ dual)
    for _ in range(_NEWTON_STEPS):
        slope = matrix @ weights - target + ridge * dual
        used = matrix[:, weights > 0]
        centred = used - used.mean(axis=1, keepdims=True)
        step = np.linalg.solve(centred @ centred.T + ridge * np.eye(len(dual)), slope)
        length, moved = _step_length(matrix, target, ridge, dual, step, float(slope @ step))
        if length == 0:
            return None
        dual = dual - length * step
        settled = length == 1 and np.array_equal(moved > 0, weights > 0)
        weights = moved
        if settled:
            return weights
    return None


def _step_length(matrix: Floats, target: Floats, ridge: float, dual: Floats, step: Floats, gain: float) -> tuple[float, Floats]:
    """Halve a step until it descends; zero where rounding leaves nothing to gain."""
    here, weights = _dual_value(matrix, target, ridge, dual)
    length = 1.0
    while length > _ROUNDING:
        value, moved = _dual_value(matrix, target, ridge, dual - length * step)
        if value <= here - 1e-4 * length * gain + _ROUNDING * abs(here) * (length == 1):
            return length, moved
        length /= 2
    return 0.0, weights


def _dual_value(matrix: Floats, target: Floats, ridge: float, dual: Floats) -> tuple[float, Floats]:
    point = matrix.T @ dual
    weights = projected(point)
    return float(point @ weights - 0.5 * weights @ weights + 0.5 * ridge * dual @ dual - target @ dual), weights


def _column_by_column(matrix: Floats, target: Floats, ridge: float, most: int) -> Floats | None:
    """Add the column that helps most, drop those that would count negative, until none helps; None where more than `most` are used."""
    columns = matrix.shape[1]
    weights = np.zeros(columns)
    weights[int(np.argmin(((matrix - target[:, None]) ** 2).sum(axis=0)))] = 1.0
    value = _value(matrix, target, ridge, weights)
    while np.count_nonzero(weights) <= most:
        slope = matrix.T @ (matrix @ weights - target) + ridge * weights
        entering = int(np.argmin(np.where(weights > 0, np.inf, slope)))
        if weights[entering] > 0 or slope[entering] >= float(slope @ weights) - _ROUNDING * 1e-3:
            return weights
        tried = _without_negative(matrix, target, ridge, weights, entering)
        better = _value(matrix, target, ridge, tried)
        if better >= value:
            return weights
        weights, value = tried, better
    return None


def _value(matrix: Floats, target: Floats, ridge: float, weights: Floats) -> float:
    residual = matrix @ weights - target
    return float(residual @ residual + ridge * weights @ weights)


def _without_negative(matrix: Floats, target: Floats, ridge: float, weights: Floats, entering: int) -> Floats:
    """Move to the optimum over the used columns and `entering`, dropping each that turns negative on the way."""
    used = np.flatnonzero((weights > 0) | (np.arange(len(weights)) == entering))
    current = weights[used]
    while True:
        wanted = _on_line(matrix[:, used], target, ridge)
        if (wanted > 0).all():
            result = np.zeros(len(weights))
            result[used] = wanted
            return result
        falling = wanted <= 0
        reach = np.full(len(used), np.inf)
        reach[falling] = current[falling] / np.maximum(current[falling] - wanted[falling], np.finfo(float).tiny)
        share = float(reach.min())
        kept = reach > share
        if not kept.any():
            return weights
        current = (current + share * (wanted - current))[kept]
        used = used[kept]


def _on_line(matrix: Floats, target: Floats, ridge: float) -> Floats:
    """Solve with the sum held at one and signs free: the first weight is one minus the others."""
    columns = matrix.shape[1]
    if columns == 1:
        return np.ones(1)
    others = matrix[:, 1:] - matrix[:, :1]
    root = ridge**0.5
    penalty = root * np.vstack([-np.ones(columns - 1), np.eye(columns - 1)])
    aim = np.concatenate([target - matrix[:, 0], [-root], np.zeros(columns - 1)])
    tall = np.vstack([others, penalty])
    # Without a ridge, columns may repeat each other, and the factorisation by QR, which is five times as fast, would fail.
    found = lapack.dgels(tall, aim)[1][: columns - 1] if ridge > 0 else np.linalg.lstsq(tall, aim, rcond=None)[0]
    return np.concatenate([[1.0 - found.sum()], found])
