"""The conditional, least favourable hybrid test of moment inequalities.

H0: E[m] <= 0 for every normal moment m_j, where the statistic is η = max_j m_j. A first stage of size κ rejects where η exceeds its quantile in the least
favourable case, all means zero; the second compares η with a normal, truncated to where the moment that is largest stays the largest and the first stage
did not reject. Source: Andrews, Roth and Pakes (2023), doi:10.1093/restud/rdac076, sections 5 and 6.2. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.design import Bools
from impact.moments.moments import Floats

PARALLEL = 1e-10
"""Slopes nearer to one than this do not cut the range of the largest moment."""


@dataclass(frozen=True, slots=True)
class Inequalities:
    """Sets of moments m_j(θ) = at_zero_j + slope_j · θ, each of which is at most zero in expectation in one set at least where θ is true."""

    at_zero: Floats
    """Shape (sets, moments)."""
    slope: Floats
    """Shape (sets, moments)."""
    covariance: Floats
    """Of the moments of each set; shape (sets, moments, moments)."""
    critical: Floats
    """Value that η stays below with probability 1 − κ in the least favourable case; shape (sets,)."""


def not_rejected(sets: Inequalities, thetas: Floats, size: float, first_size: float) -> Bools:
    """Say which θ the hybrid test of size `size`, with a first stage of size `first_size`, leaves standing in which set; shape (sets, thetas)."""
    moments = sets.at_zero[:, None, :] + thetas[:, None] * sets.slope[:, None, :]
    eta = moments.max(axis=2)
    standing = eta <= 0
    undecided = ~standing & (eta <= sets.critical[:, None])
    place, _ = np.nonzero(undecided)
    standing[undecided] = _second_stage(
        sets.covariance[place], sets.critical[place], moments[undecided], (size - first_size) / (1 - first_size)
    )
    return np.asarray(standing)


def _second_stage(covariance: Floats, critical: Floats, moments: Floats, size: float) -> Bools:
    """Compare the largest moment, on each row, with its quantile given that it is the largest and that the first stage did not reject."""
    rows, largest = np.arange(len(moments)), moments.argmax(axis=1)
    eta, among = moments[rows, largest], covariance[rows, largest]
    variance = among[rows, largest]
    low, high = _truncation(among / variance[:, None], moments, eta)
    deviation = np.sqrt(variance)
    bound = truncated_quantile(1 - size, low / deviation, np.minimum(high, critical) / deviation)
    return np.asarray(eta <= deviation * bound)


def _truncation(slope: Floats, moments: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """Find between which values the largest moment stays the largest, where the others move with it by `slope` and what is independent of it stays."""
    room = 1 - slope
    limit = (moments - slope * eta[:, None]) / np.where(np.abs(room) > PARALLEL, room, 1.0)
    return np.where(room > PARALLEL, limit, -np.inf).max(axis=1), np.where(room < -PARALLEL, limit, np.inf).min(axis=1)


def truncated_quantile(probability: float, low: Floats, high: Floats) -> Floats:
    """Give the quantile of a standard normal truncated to [low, high], exact far out in the upper tail."""
    from scipy import special

    above, beyond = special.log_ndtr(-low), special.log_ndtr(-high)
    left = above + np.log1p(-probability * -np.expm1(np.minimum(beyond - above, 0.0)))
    return np.asarray(np.clip(-special.ndtri_exp(left), low, np.maximum(low, high)))
