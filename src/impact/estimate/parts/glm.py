"""Generalised linear models with group and month effects, where regressors depend on the kind of a unit and the month alone.

All workers of a cell are expected to have the same mean h(index), so that Σw and Σwy of the cells are sufficient. Each step of iterated weighted least
squares is a two-way regression of the working outcome z = index + (ȳ − μ) / h' with weights w h'² / V. At the last one a score is Σ (regressor − its
effects) · ρ · (total − w μ), with ρ = h' / V, so that the influence is that of a generalised linear model with expected information, as in R `glm` and `fixest`.

Effects of workers with the log link: a worker's effect is Σ_s w y / Σ_s w e_s, where e_s depends on kind and month alone. Workers who are seen in the same
months thus have effects that add up to the effect of their sum, and their scores need no effect at all: exact where units are split by patterns. May touch: nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from impact.design.contrast import SpanContrast
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.estimate.parts.two_way import Places, Regression, regress
from impact.moments.moments import Floats

_STEPS = 100
_SETTLED = 1e-11
"""Change of the index, relative to its size, at which steps end; they are Newton's, or close to it, so that what is left is far smaller."""
_FAR = 25.0
"""Distance from the index of the overall mean at which a mean is at the end of its range: nothing but separation leads there."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a mean depends on the index; functions take and give arrays."""

    name: str
    mean: Callable[[Floats], Floats]
    index: Callable[[Floats], Floats]
    """Inverse of `mean`."""
    slope: Callable[[Floats], Floats]
    """Of the mean, by index."""
    variance: Callable[[Floats], Floats]
    """Of the outcome, by mean, up to a factor."""
    most: float
    """Upper end of the range of means; the lower one is zero."""


def _cloglog_slope(index: Floats) -> Floats:
    return np.asarray(np.exp(index - np.exp(index)))


LOG = Link("log", np.exp, np.log, np.exp, lambda mean: mean, np.inf)
LOGIT = Link(
    "logit",
    lambda index: 1 / (1 + np.exp(-index)),
    lambda mean: np.log(mean / (1 - mean)),
    lambda index: 1 / (np.exp(index / 2) + np.exp(-index / 2)) ** 2,
    lambda mean: mean * (1 - mean),
    1.0,
)
CLOGLOG = Link(
    "cloglog",
    lambda index: -np.expm1(-np.exp(index)),
    lambda mean: np.log(-np.log1p(-mean)),
    _cloglog_slope,
    lambda mean: mean * (1 - mean),
    1.0,
)


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model; it is the span of its coefficients; K coefficients, U units, S months."""

    link: Link
    regression: Regression
    """Of the working outcome, at the last step."""
    mean: Floats
    """What is expected of each cell; shape (U, S)."""
    ratio: Floats
    """ρ, one for links that are canonical; shape (U, S)."""
    residual: Floats
    """Totals less what is expected of them; shape (U, S)."""

    @property
    def coefficients(self) -> Floats:
        """Shape (K,)."""
        return self.regression.coefficients

    @property
    def kept(self) -> Places:
        """Which of the regressors asked for were kept; shape (K,)."""
        return self.regression.kept

    @property
    def influence(self) -> Floats:
        """Influence of the workers of each unit on each coefficient; shape (U, K)."""
        return self.regression.influence

    @property
    def used(self) -> Bools:
        """Units that move any coefficient; shape (U,)."""
        return self.regression.used

    @property
    def sizes(self) -> Floats:
        """Scale of the rounding of each coefficient; shape (K,)."""
        return self.regression.sizes

    def a(self, weights: Floats) -> Floats:
        """Make what a unit of weighted outcome counts in a combination of coefficients; shape (U, S)."""
        return self.regression.a(weights) * self.ratio

    def b(self, weights: Floats) -> Floats:
        """Make what a unit of weight takes away again."""
        return self.a(weights) * self.mean

    def contrast(self, weights: Floats) -> SpanContrast:
        """Combine coefficients, with weights of shape (K,)."""
        return SpanContrast(float(weights @ self.coefficients), weights, self, np.zeros(len(self.mean)))


def fit_model(
    design: Design, link: Link, kind: Places, regressors: Floats, group: Places | None = None, cells: Bools | None = None
) -> Model:
    """Fit the index to regressors of shape (K, kinds, months), month effects and the effects of groups of units (units where None).

    As in `two_way.regress`, `cells` says which cells enter, and regressors that those before them explain are left out.
    Raises EstimationError where steps do not settle, or lead to the end of the range.
    """
    data = _data(design, cells)
    index = link.index(_start(data, link))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # runaway steps are refused, in words
        for _ in range(_STEPS):
            weight, total = _working(data, link, index)
            if not _in_range(data, link, index, weight):
                break
            regression = regress(replace(design, weight=weight, total=total), kind, regressors, group, data.inside)
            moved = np.abs(regression.fitted - index)[data.inside].max()
            index = np.where(data.inside, regression.fitted, index)
            if moved <= _SETTLED * max(1.0, np.abs(index[data.inside]).max()):
                return _model(data, link, regression, index)
    raise EstimationError(
        f"outcome `{design.outcome}`: the {link.name} model does not settle.\nFound {len(design.units):,} units, {len(design.months)} months and {len(regressors)} effects; some means go to the end of their range.\n"
        "Take longer periods or fewer cohorts, or an estimator of differences such as att_gt."
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """What enters; arrays have shape (U, S) and are zero elsewhere."""

    inside: Bools
    weight: Floats
    total: Floats
    means: Floats
    overall: Floats
    """Mean of all; a single number."""


def _data(design: Design, cells: Bools | None) -> _Data:
    inside = design.seen if cells is None else design.seen & cells
    weight, total = (np.where(inside, values, 0.0) for values in (design.weight, design.total))
    return _Data(inside, weight, total, total / np.where(inside, weight, 1.0), np.asarray(total.sum() / weight.sum()))


def _start(data: _Data, link: Link) -> Floats:
    """Start between the means of cells and the mean of all, inside the range."""
    if np.isinf(link.most):
        return np.asarray(0.5 * (data.means + data.overall))
    return np.asarray((data.total + data.overall) / (data.weight + 1))


def _working(data: _Data, link: Link, index: Floats) -> tuple[Floats, Floats]:
    """Give weights and weighted totals of the working outcome."""
    mean, slope = link.mean(index), link.slope(index)
    ratio = slope / link.variance(mean)
    weight = np.where(data.inside, data.weight * slope * ratio, 0.0)
    return weight, np.where(data.inside, weight * index + ratio * (data.total - data.weight * mean), 0.0)


def _in_range(data: _Data, link: Link, index: Floats, weight: Floats) -> bool:
    far = np.abs(index - link.index(data.overall))[data.inside].max() >= _FAR
    return bool(np.isfinite(weight).all() and (weight[data.inside] > 0).all() and not far)


def _model(data: _Data, link: Link, regression: Regression, index: Floats) -> Model:
    mean = np.where(data.inside, link.mean(index), 0.0)
    ratio = np.where(data.inside, link.slope(index) / link.variance(link.mean(index)), 0.0)
    return Model(link, regression, mean, ratio, data.total - data.weight * mean)
