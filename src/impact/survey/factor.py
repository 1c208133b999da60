"""One factor behind several items, by maximum likelihood. May touch: nothing.

Minimises the discrepancy of Jöreskog (1967), doi:10.1007/BF02289658, over the shares of variance that items have of their own, as R `factanal` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from impact.survey.sample import Floats

SMALLEST = 0.005
"""Least share of variance of its own that an item may have."""


@dataclass(frozen=True, slots=True)
class OneFactor:
    """Loadings and own variances of items that share one factor, in the units of the items."""

    loadings: Floats
    own: Floats
    at_bound: bool
    """Whether an item has (almost) no variance of its own: the model fits badly."""


def one_factor(covariance: Floats) -> OneFactor:
    """Fit one factor to a covariance matrix of three items or more; the loadings sum to a positive number."""
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    start = np.clip(0.5 / np.diag(np.linalg.pinv(correlation)), SMALLEST, 1)
    bounds = [(SMALLEST, 1.0)] * len(spread)
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    own = minimize(_discrepancy, start, args=(correlation,), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    loadings, _ = _largest(own, correlation)
    sign = 1.0 if loadings.sum() >= 0 else -1.0
    return OneFactor(sign * loadings * spread, own * spread**2, bool((own < SMALLEST * 1.001).any()))


def _largest(own: Floats, correlation: Floats) -> tuple[Floats, Floats]:
    """Loadings that fit best given own variances, and the eigenvalues left to them."""
    root = np.sqrt(own)
    values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
    return root * vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0)), values[:-1]


def _discrepancy(own: Floats, correlation: Floats) -> tuple[float, Floats]:
    loadings, rest = _largest(own, correlation)
    value = float(-(np.log(np.maximum(rest, 1e-300)) - rest).sum() - len(own) + 1)
    gap = np.outer(loadings, loadings) + np.diag(own) - correlation
    return value, np.diag(gap) / own**2
