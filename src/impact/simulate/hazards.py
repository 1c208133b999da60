"""Exit hazards by tenure, with frailty, and the stock that they keep up. May touch: nothing.

The world file gives the hazard of everybody who has reached a tenure. People differ, though: each has a frailty Z, gamma with mean one and variance θ, and
leaves with cumulative hazard Z·H(t). The file's hazards are kept exactly: E[exp(−Z H)] = (1 + θH)^(−1/θ), so H(t) = (S(t)^(−θ) − 1) / θ (Vaupel, Manton and
Stallard 1979, doi:10.2307/2061224). Those who are there with tenure t have Z ~ gamma(1/θ, rate 1/θ + H(t)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.world_parts import TenureHazard

Floats = NDArray[np.float64]
LONGEST = 240
"""Longest tenure, in months, of anybody in the stock at the start."""


@dataclass(frozen=True, slots=True)
class TenureLaw:
    """How long people stay, at a platform or in a bargaining unit."""

    survival: Floats
    """Share still there after 0, 1, 2 … months; shape (LONGEST + 1,)."""
    cumulative: Floats
    """H at 0, 1, 2 … months; same shape."""
    variance: float
    """θ, the variance of the frailty."""

    @property
    def stock_hazard(self) -> float:
        """Mean monthly exit hazard of a stock that neither grows nor shrinks: exits in a month over people at its start."""
        return float((self.survival[0] - self.survival[-1]) / self.survival[:-1].sum())

    @property
    def entry_rate(self) -> float:
        """People who enter in a month, relative to a stock that they keep up: one over the mean tenure."""
        return float(2 / (self.survival[1:] + self.survival[:-1]).sum())

    def reached(self, tenure: Floats) -> Floats:
        """Give H at tenures in months, between whole ones by straight lines."""
        whole = np.minimum(tenure.astype(np.int64), LONGEST - 1)
        below = self.cumulative[whole]
        return np.asarray(below + (tenure - whole) * (self.cumulative[whole + 1] - below))

    def stock_tenures(self, uniform: Floats) -> Floats:
        """Turn uniform numbers into tenures of a stock kept up by even entry: density ∝ survival."""
        cumulated = np.r_[0.0, np.cumsum((self.survival[1:] + self.survival[:-1]) / 2)]
        return np.asarray(np.interp(uniform, cumulated / cumulated[-1], np.arange(LONGEST + 1)))

    def frailties(self, draw: np.random.Generator, tenure: Floats) -> Floats:
        """Draw the frailty of people who have reached a tenure."""
        if self.variance == 0:
            return np.ones(len(tenure))
        return draw.gamma(1 / self.variance, 1.0, len(tenure)) / (1 / self.variance + self.reached(tenure))


def tenure_law(hazards: tuple[TenureHazard, ...], variance: float, annual_churn: float | None = None) -> TenureLaw:
    """Build the law of tenure from hazards by band; `annual_churn` scales them so that the stock loses that share a year, 1 − (1 − h)¹²."""
    steps = sorted(hazards, key=lambda step: step.from_month)
    monthly = np.empty(LONGEST)
    for step in steps:
        monthly[step.from_month :] = step.hazard
    if annual_churn is None:
        return _law(monthly, variance)
    from scipy import optimize

    wanted = 1 - (1 - annual_churn) ** (1 / 12)
    factor = optimize.brentq(lambda tried: _law(tried * monthly, variance).stock_hazard - wanted, 1e-3, 0.95 / monthly.max())
    return _law(float(factor) * monthly, variance)


def _law(monthly: Floats, variance: float) -> TenureLaw:
    survival = np.r_[1.0, np.cumprod(1 - monthly)]
    cumulative = -np.log(survival) if variance == 0 else (survival**-variance - 1) / variance
    return TenureLaw(survival, cumulative, variance)
