"""Smoothness: from month to month, the slope of the trends that part changes by at most M.

Fixed-length confidence intervals (Rambachan and Roth 2023, doi:10.1093/restud/rdad018, section 4.1; Armstrong and Kolesár 2018, doi:10.3982/ECTA14434):
the estimate l'β after coverage is corrected by a weighted sum of the coefficients before it, and the weights make the interval as short as its worst bias and its
variance together allow. They do not depend on the estimates.

A weight v_k on the k-th month before the reference month enters through W_r = Σ_{k>r} (k − r) v_k, r = 0 … pre − 1: the bias of the corrected estimate from the
bend r months before is W_r, a straight line is taken out where W_0 = Σ t l_t, and bends after coverage bias by what no weight can change. So worst bias
is M (constant + |W_0| + Σ |W_r|), the variance is a quadratic in W, and the best trade-offs of the two are the path of a lasso, which is piecewise linear and
is followed from corner to corner without iterations. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.design import Bools
from impact.infer.honest.path import EventPath
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Frontier:
    """The corners of the path of best trade-offs, from the least bias to the least variance."""

    weights: Floats
    """On the coefficients before the reference month, in order of time; shape (corners, pre)."""
    bias: Floats
    """Worst bias where M is one; shape (corners,)."""


def smoothness_interval(path: EventPath, frontier: Frontier, m: float, level: float) -> tuple[float, float]:
    """Give the lower and upper end of the shortest fixed-length interval where slopes change by at most `m` a month."""
    from scipy import optimize

    corners = len(frontier.bias)

    def half_length(place: float) -> float:
        weights, bias = _between(frontier, place)
        deviation = _deviation(path, weights)
        return deviation * folded_critical(m * bias / deviation, level)

    found = (
        optimize.minimize_scalar(half_length, bounds=(0, corners - 1), method="bounded", options={"xatol": 1e-9}) if corners > 1 else None
    )
    places = [0.0, float(corners - 1), *([float(found.x)] if found is not None else [])]
    best = min(places, key=half_length)
    weights, half = _between(frontier, best)[0], half_length(best)
    centre = float(weights @ path.beta[: path.pre]) + path.value
    return centre - half, centre + half


def frontier_of(path: EventPath) -> Frontier:
    """Follow the best trade-offs of bias and variance.

    Source of the method: Osborne, Presnell and Turlach (2000), doi:10.1093/imanum/20.3.389.
    """
    to_weights = _weights_of_bends(path.pre)
    line = float(np.arange(1, path.post + 1) @ path.weights)
    before, across = path.sigma[: path.pre, : path.pre], path.sigma[: path.pre, path.pre :] @ path.weights
    free = to_weights[:, 1:]
    corners = lasso_path(free.T @ before @ free, free.T @ (before @ to_weights[:, 0] * line + across))
    bends = np.column_stack([np.full(len(corners), line), corners])
    return Frontier(bends @ to_weights.T, np.abs(bends).sum(axis=1) + _bias_after(path.weights))


def lasso_path(quadratic: Floats, linear: Floats) -> Floats:
    """Give the corners of argmin ½ x'Qx + q'x + λ |x|₁ as λ falls from where x is zero to zero; shape (corners, len(q))."""
    size = len(linear)
    x, penalty = np.zeros(size), float(np.abs(linear).max(initial=0.0))
    corners, active, just_left = [x], np.zeros(size, dtype=bool), -1
    if size:
        active[int(np.abs(linear).argmax())] = True
    sign = -np.sign(linear)
    while active.any() and penalty > 0:
        direction = np.zeros(size)
        direction[active] = np.linalg.solve(quadratic[np.ix_(active, active)], sign[active])
        steps = _steps_to_corner(quadratic @ x + linear, quadratic @ direction, x, direction, penalty, active, just_left)
        step, event = float(steps.min()), int(steps.argmin())
        just_left = -1
        if step >= penalty:
            corners.append(x + penalty * direction)
            break
        x, penalty = x + step * direction, penalty - step
        if active[event]:
            x[event], active[event], just_left = 0.0, False, event
        else:
            sign[event] = -np.sign((quadratic @ x + linear)[event])
            active[event] = True
        corners.append(x)
    return np.array(corners)


def _steps_to_corner(
    gradient: Floats, drift: Floats, x: Floats, direction: Floats, penalty: float, active: Bools, just_left: int
) -> Floats:
    """Say for each variable how far λ falls until it leaves or enters; infinite where it does neither."""
    with np.errstate(divide="ignore", invalid="ignore"):
        leaves = -x / direction
        enters_below, enters_above = (penalty - gradient) / (1 + drift), (penalty + gradient) / (1 - drift)
    tiny = 1e-12 * penalty
    leaves = np.where(leaves > tiny, leaves, np.inf)
    enters = np.minimum(np.where(enters_below > tiny, enters_below, np.inf), np.where(enters_above > tiny, enters_above, np.inf))
    steps = np.where(active, leaves, enters)
    if just_left >= 0:
        # what has just left sits on the edge it came from: only the opposite edge counts
        far = enters_above if gradient[just_left] > 0 else enters_below
        steps[just_left] = far[just_left] if far[just_left] > tiny else np.inf
    return np.asarray(steps)


def _weights_of_bends(pre: int) -> Floats:
    """Give the matrix that turns W_0 … W_{pre−1} into weights in order of time: v_k = W_{k−1} − 2 W_k + W_{k+1}."""
    by_distance = np.eye(pre) - 2 * np.eye(pre, k=1) + np.eye(pre, k=2)
    return by_distance[::-1]


def _bias_after(weights: Floats) -> float:
    """Sum what bends after the reference month do to the estimate, in absolute value, where each is one."""
    post = len(weights)
    return float(sum(abs(np.arange(1, post - bend + 1) @ weights[bend:]) for bend in range(1, post)))


def _between(frontier: Frontier, place: float) -> tuple[Floats, float]:
    """Give weights and worst bias at a place on the path: 1.5 lies halfway between the second and the third corner."""
    first = min(int(place), len(frontier.bias) - 1)
    second, part = min(first + 1, len(frontier.bias) - 1), place - first
    weights = (1 - part) * frontier.weights[first] + part * frontier.weights[second]
    return weights, float((1 - part) * frontier.bias[first] + part * frontier.bias[second])


def _deviation(path: EventPath, weights: Floats) -> float:
    every = np.r_[weights, path.weights]
    return float(np.sqrt(every @ path.sigma @ every))


def folded_critical(bias: float, level: float) -> float:
    """Give the value that |N(bias, 1)| stays below with probability `level`."""
    from scipy import optimize, special

    def excess(value: float) -> float:
        return float(special.ndtr(value - bias) - special.ndtr(-value - bias)) - level

    low, high = float(special.ndtri(level)), float(special.ndtri((1 + level) / 2))
    return float(optimize.brentq(excess, bias + low - 1e-9, bias + high + 1e-9, xtol=1e-12))
