"""Relative magnitudes: from month to month, trends part after coverage at most Mbar times as far as they ever did before it.

With v the largest step before coverage and D_t the steps after it, the unknown steps of the effect x_t must satisfy |D_t − x_t| <= Mbar·v and Σ c_t x_t = θ.
Which step is the largest is not known, so each is tried with either sign and the interval is the union (Rambachan and Roth 2023,
doi:10.1093/restud/rdad018, section 3.2 and eq. 16). The statistic of the test is min η subject to D_t − x_t − Mbar·v <= η σ⁺_t and
x_t − D_t − Mbar·v <= η σ⁻_t: a linear program whose x can be eliminated by hand, because each x_t has a range of its own and one equation ties them. What is
left are the vertices of its dual: the range of each x_t is not empty (−2 Mbar·v / (σ⁺_t + σ⁻_t), of which the largest is always that of the smallest or
of the largest σ), and θ is not above or below all sums. Four moments, whatever the number of months, and no solver. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from impact.design.design import Bools
from impact.infer.honest.conditional import Inequalities, not_rejected
from impact.infer.honest.path import EventPath
from impact.moments.moments import Floats

FIRST_STAGE = 0.1
"""Share of the size that the first stage of the test takes (κ = α / 10, as in Rambachan and Roth)."""
POINTS = 1001
"""Points of the search between the outer limits; odd, so that the estimate is one of them."""
ZOOM, ZOOMS = 33, 3
"""Points and rounds by which an end of the interval is located between two points of the search."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Values of θ that are tried, as the R package does."""

    low: float
    high: float
    points: int = 1000


def relative_interval(path: EventPath, mbar: float, level: float, grid: Grid | None = None) -> tuple[float, float, bool]:
    """Give the lower and upper end of the interval, and whether the grid cuts it off.

    Without a grid the search spans all that the first stage can leave standing, so nothing is cut off, and the ends are exact to 1e-6 of the search. With
    one, the ends are points of it, and missing where none is left standing.
    """
    size = 1 - level
    sets = restrictions(path, mbar, FIRST_STAGE * size)

    def kept(thetas: Floats) -> Bools:
        return np.asarray(not_rejected(sets, thetas, size, FIRST_STAGE * size).any(axis=0))

    tried = _outer(path, sets) if grid is None else np.linspace(grid.low, grid.high, grid.points)
    standing = kept(tried)
    if not standing.any():
        return float("nan"), float("nan"), True
    first, last = int(standing.argmax()), len(tried) - 1 - int(standing[::-1].argmax())
    if grid is not None:
        return float(tried[first]), float(tried[last]), bool(standing[0] or standing[-1])
    low = tried[first] if first == 0 else _edge(kept, tried[first - 1], tried[first])
    high = tried[last] if last == len(tried) - 1 else _edge(kept, tried[last + 1], tried[last])
    return float(low), float(high), False


def default_grid(path: EventPath, points: int = 1000) -> Grid:
    """Give the grid of the R package: twenty standard errors to either side of zero."""
    return Grid(-20 * path.std_error, 20 * path.std_error, points)


def restrictions(path: EventPath, mbar: float, first_size: float) -> Inequalities:
    """Write the moments for each step before coverage as the largest one, in order of time, upwards and then downwards; 2 × pre sets of four."""
    steps = _steps(path)
    rows, slopes = zip(
        *(_functionals(path, mbar, steps[path.pre :], sign * step) for step in steps[: path.pre] for sign in (1.0, -1.0)), strict=True
    )
    functionals = np.array(rows)
    covariance = functionals @ path.sigma @ functionals.transpose(0, 2, 1)
    # turning every sign around leaves the distribution as it is, so that one critical value serves both directions
    critical = np.repeat([least_favourable(each, first_size) for each in covariance[::2]], 2)
    return Inequalities(functionals @ path.beta, np.array(slopes), covariance, critical)


def _steps(path: EventPath) -> Floats:
    """Take each coefficient from the next, the reference month with its zero among them; shape (pre + post, pre + post)."""
    steps = np.eye(len(path.beta)) - np.eye(len(path.beta), k=-1)
    steps[: path.pre] = np.eye(path.pre, len(path.beta), k=1) - np.eye(path.pre, len(path.beta))
    steps[path.pre - 1, path.pre], steps[path.pre, path.pre - 1] = 0.0, 0.0
    return steps


def _functionals(path: EventPath, mbar: float, after: Floats, largest: Floats) -> tuple[Floats, Floats]:
    """Give the four moments as functionals of the coefficients, (4, coefficients), and their slopes in θ, (4,)."""
    reach = np.cumsum(path.weights[::-1])[::-1]
    above, below = _deviation(path, after - mbar * largest), _deviation(path, -after - mbar * largest)
    up = np.where(reach > 0, reach * below, -reach * above).sum()
    down = np.where(reach > 0, reach * above, -reach * below).sum()
    target = np.r_[np.zeros(path.pre), path.weights]
    allowed = np.abs(reach).sum() * mbar * largest
    both = above + below
    rows = np.array(
        [
            -2 * mbar * largest / both.min(),
            -2 * mbar * largest / both.max(),
            (-target - allowed) / up,
            (target - allowed) / down,
        ]
    )
    return rows, np.array([0.0, 0.0, 1 / up, -1 / down])


def _deviation(path: EventPath, rows: Floats) -> Floats:
    """Standard deviations of functionals of the coefficients."""
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", rows, path.sigma, rows)))


def least_favourable(covariance: Floats, size: float) -> float:
    """Find the value that the largest of the four moments exceeds with probability `size` where all means are zero.

    The first two are multiples of one another, the smaller σ deciding where they are positive; the events that the third or the fourth exceeds a positive value where the first
    does not exclude each other. What is left are probabilities of two normals, by Owen's T.
    """
    from scipy import optimize, special

    deviation = np.sqrt(np.diag(covariance))

    def beyond(value: float) -> float:
        if deviation[0] <= 0:
            return float(special.ndtr(-value / deviation[2:]).sum())
        correlation = covariance[0, 2:] / (deviation[0] * deviation[2:])
        first = float(special.ndtr(-value / deviation[0]))
        pairs = zip(value / deviation[2:], correlation, strict=True)
        return first + sum(_below_and_above(value / deviation[0], other, float(between)) for other, between in pairs)

    highest = float(special.ndtri(1 - size / 3)) * float(deviation.max()) * 1.001
    return float(optimize.brentq(lambda value: beyond(value) - size, 1e-9 * highest, highest, xtol=1e-10 * highest))


def _below_and_above(low: float, high: float, correlation: float) -> float:
    """Give the probability that one standard normal is at most `low` and another at least `high`, both positive, with their correlation."""
    from scipy import special

    rest = np.sqrt(max(1 - correlation**2, 1e-15))
    first = special.owens_t(low, (-high + correlation * low) / (low * rest))
    second = special.owens_t(-high, (low - correlation * high) / (-high * rest))
    return float((special.ndtr(low) + special.ndtr(-high)) / 2 - first - second - 0.5)


def _outer(path: EventPath, sets: Inequalities) -> Floats:
    """Spread points over all that the first stage can leave standing, around the estimate."""
    ends = (sets.critical[:, None] - sets.at_zero[:, 2:]) / sets.slope[:, 2:]
    reach = 1.001 * float(np.abs(ends - path.value).max())
    return np.linspace(path.value - reach, path.value + reach, POINTS)


def _edge(kept: Callable[[Floats], Bools], outside: float, inside: float) -> float:
    """Locate where rejection ends between a value that is rejected and one that is not."""
    for _ in range(ZOOMS):
        tried = np.linspace(outside, inside, ZOOM)
        place = int(kept(tried).argmax())
        outside, inside = float(tried[max(place - 1, 0)]), float(tried[place])
    return inside
