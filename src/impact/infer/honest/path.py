"""An event study as sensitivity analysis sees it: coefficients around a reference month, their covariance, and what is asked of them. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.errors import EstimationError
from impact.moments.moments import Floats

SINGULAR = 1e-10
"""Smallest eigenvalue of a correlation matrix, as a share of the largest, that still counts as full rank."""


@dataclass(frozen=True, slots=True)
class EventPath:
    """Coefficients in order of time, month after month, without the reference month in which they are zero."""

    beta: Floats
    """Shape (pre + post,)."""
    sigma: Floats
    """Covariance of `beta`, of full rank; shape (pre + post, pre + post)."""
    pre: int
    """Months before the reference month."""
    weights: Floats
    """What is asked: the effects after the reference month are summed with these weights; shape (post,)."""

    @property
    def post(self) -> int:
        """Months after the reference month."""
        return len(self.weights)

    @property
    def value(self) -> float:
        """Weighted sum of the coefficients after the reference month: the estimate where trends are parallel."""
        return float(self.weights @ self.beta[self.pre :])

    @property
    def std_error(self) -> float:
        """Standard error of `value`."""
        return float(np.sqrt(self.weights @ self.sigma[self.pre :, self.pre :] @ self.weights))


def event_path(beta: Floats, sigma: Floats, pre: int, weights: Floats | Sequence[float]) -> EventPath:
    """Take an event study for sensitivity analysis.

    Raises EstimationError where the shapes do not fit, a number is not finite, the weights are all zero, or the covariance is not symmetric or not of full rank.
    """
    path = EventPath(np.asarray(beta, dtype=float), np.asarray(sigma, dtype=float), pre, np.asarray(weights, dtype=float))
    size = len(path.beta)
    if pre < 1 or path.post < 1 or size != pre + path.post or path.sigma.shape != (size, size):
        raise EstimationError(
            f"sensitivity analysis: coefficients, covariance and weights do not belong together.\nFound {size} coefficients, a covariance of "
            f"{' × '.join(map(str, path.sigma.shape))}, {pre} months before the reference month and {path.post} weights.\n"
            "Give at least one month on either side, a weight for each month after, and one row of the covariance for each coefficient."
        )
    numbers = np.concatenate([path.beta, path.sigma.ravel(), path.weights])
    if not np.isfinite(numbers).all() or not path.weights.any():
        raise EstimationError(
            f"sensitivity analysis: there is nothing to work with.\nFound {int((~np.isfinite(numbers)).sum())} numbers that are missing or infinite, "
            f"and {int((path.weights != 0).sum())} weights other than zero.\nLeave out months without an estimate, and weigh at least one month."
        )
    uneven = int((~np.isclose(path.sigma, path.sigma.T, rtol=1e-6, atol=0)).sum()) // 2
    if uneven:
        raise EstimationError(
            f"sensitivity analysis: the covariance of the event study is not symmetric.\nFound {uneven} pair{'s' if uneven != 1 else ''} of "
            "coefficients with two covariances.\nGive the whole matrix, not a triangle of it."
        )
    rank = _rank(path.sigma)
    if rank < size:
        raise EstimationError(
            f"sensitivity analysis: the covariance of the event study is not of full rank.\nFound rank {rank} for {size} coefficients, as where clusters are "
            "fewer than months.\nUse fewer months, or cluster at a finer level."
        )
    return path


def _rank(sigma: Floats) -> int:
    """Count the eigenvalues of the correlation matrix that are not zero."""
    variance = np.diag(sigma)
    if (variance <= 0).any():
        return int((variance > 0).sum())
    values = np.linalg.eigvalsh((sigma + sigma.T) / 2 / np.sqrt(np.outer(variance, variance)))
    return int((values > SINGULAR * values.max()).sum())
