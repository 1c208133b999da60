"""A second, dumber generalised linear model: one row a worker-month, one column a dummy, nothing substituted out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

LINKS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array], Callable[[Array], Array]]] = {
    "log": (np.exp, np.exp, lambda mean: mean),
    "cloglog": (lambda at: 1 - np.exp(-np.exp(at)), lambda at: np.exp(at - np.exp(at)), lambda mean: mean * (1 - mean)),
    "logit": (lambda at: 1 / (1 + np.exp(-at)), lambda at: np.exp(-at) / (1 + np.exp(-at)) ** 2, lambda mean: mean * (1 - mean)),
}
"""Mean and its slope by index, and variance by mean."""


@dataclass(frozen=True)
class Dense:
    """A fitted model; N rows, P coefficients."""

    link: str
    columns: Array
    weights: Array
    coefficients: Array
    bread: Array
    scores: Array

    def std_errors(self, clusters: pd.Series, factor: float = 1.0) -> Array:
        """Give clustered errors of the coefficients."""
        influence = pd.DataFrame(self.scores @ self.bread).groupby(clusters.to_numpy()).sum().to_numpy()
        return np.sqrt(factor * (influence**2).sum(axis=0))

    def effect(self, without: Array, rows: Array, clusters: pd.Series) -> tuple[float, float]:
        """Average over some rows what their mean is above that with other columns, with its clustered error by the delta method, without a factor."""
        mean, slope, _ = LINKS[self.link]
        share = self.weights * rows / (self.weights * rows).sum()
        at, other = self.columns @ self.coefficients, without @ self.coefficients
        gradient = (share * slope(at)) @ self.columns - (share * slope(other)) @ without
        influence = pd.Series(self.scores @ self.bread @ gradient).groupby(clusters.to_numpy()).sum()
        return float(share @ (mean(at) - mean(other))), float(np.sqrt((influence**2).sum()))


def dense_glm(outcome: Array, columns: Array, link: str, weights: Array | None = None) -> Dense:
    """Fit by scoring steps, from the mean of all."""
    mean, slope, variance = LINKS[link]
    weights = np.ones(len(outcome)) if weights is None else weights
    start = np.average(outcome, weights=weights)
    first = np.log(start) if link == "log" else np.log(-np.log(1 - start)) if link == "cloglog" else np.log(start / (1 - start))
    coefficients, step = np.linalg.lstsq(columns, np.full(len(outcome), first), rcond=None)[0], np.ones(1)
    while np.abs(step).max() > 1e-9:
        at = columns @ coefficients
        ratio = slope(at) / variance(mean(at))
        bread = np.linalg.inv(columns.T @ (columns * (weights * slope(at) * ratio)[:, None]))
        scores = columns * (weights * ratio * (outcome - mean(at)))[:, None]
        step = bread @ scores.sum(axis=0)
        coefficients = coefficients + step
    return Dense(link, columns, weights, coefficients, bread, scores)


def dummies(values: pd.Series, drop_first: bool = False) -> Array:
    """Make one column a value, in order."""
    return pd.get_dummies(values, drop_first=drop_first).to_numpy(dtype=float)
