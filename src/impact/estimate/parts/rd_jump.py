"""The jump at a cut-off, without and with the bias of its regressions taken off, as contrasts of cell means. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.design.contrast import CellContrast
from impact.design.design import Bools
from impact.estimate.parts.local_polynomial import Side, fit_side, residuals
from impact.estimate.parts.rd_bandwidth import Bandwidths
from impact.estimate.parts.rd_units import Units
from impact.moments.moments import Floats


@dataclass(frozen=True, slots=True)
class Jump:
    """What units count in the jump; arrays have shape (units,)."""

    plain: Floats
    corrected: Floats
    """With the bias taken off."""
    plain_residual: Floats
    """Squares to the variance of a unit, by the regression whose jump it is."""
    corrected_residual: Floats
    """By the regression that tells the bias."""
    near: Bools
    """Within the bandwidth of the effect."""


def jump_of(eligible: Bools, below: Side, above: Side, bandwidths: Bandwidths, order: int) -> Jump:
    """Fit both sides, and give what units count in the difference between them; the first side is that of the compared."""
    plain, corrected, plain_residual, corrected_residual = (np.zeros(len(eligible)) for _ in range(4))
    near = np.zeros(len(eligible), dtype=bool)
    for side, mask, sign in ((below, ~eligible, -1.0), (above, eligible, 1.0)):
        fit, wide = fit_side(side, bandwidths.effect, order), fit_side(side, bandwidths.bias, order + 1)
        weights, either = fit.weights(0), fit.used | wide.used
        bias = float(weights @ side.distance ** (order + 1)) * wide.weights(order + 1)
        plain[mask], corrected[mask] = sign * weights, sign * (weights - bias)
        plain_residual[mask], corrected_residual[mask], near[mask] = residuals(fit, either), residuals(wide, either), fit.used
    return Jump(plain, corrected, plain_residual, corrected_residual, near)


def contrasts_of(units: Units, jump: Jump) -> tuple[CellContrast, CellContrast, CellContrast]:
    """Give the jump by convention, without its bias but with the error by convention, and without its bias with an error that allows for it."""
    plain, corrected = _cells(units, jump.plain), _cells(units, jump.corrected)
    by_convention = _influence(units, jump.plain, jump.plain_residual)
    allowing = _influence(units, jump.corrected, jump.corrected_residual)
    return _contrast(units, plain, by_convention), _contrast(units, corrected, by_convention), _contrast(units, corrected, allowing)


def _share(units: Units) -> Floats:
    """Give what each month counts in the mean of a unit; shape (units, months)."""
    return np.asarray(units.design.weight / units.design.weight.sum(axis=1, keepdims=True))


def _through_months(units: Units, weights: Floats) -> Floats:
    """Give what a cell of the compared counts through the effects of months that are taken out; zero where all are seen in the same months."""
    share = _share(units)
    moved = units.months.inverse @ (weights @ share)
    return np.asarray(np.where(units.eligible[:, None], 0.0, moved[None, :] - (share @ moved)[:, None]))


def _cells(units: Units, weights: Floats) -> Floats:
    """Give `a`, what a unit of weighted outcome counts in a cell."""
    a = weights[:, None] / units.design.weight.sum(axis=1, keepdims=True) - _through_months(units, weights)
    return np.where(units.design.seen, a, 0.0)


def _influence(units: Units, weights: Floats, residual: Floats) -> Floats:
    """Give the influence of the workers of each cell; shape (units, months)."""
    return np.asarray((weights * residual)[:, None] * _share(units) - _through_months(units, weights) * units.months.residual)


def _contrast(units: Units, a: Floats, influence: Floats) -> CellContrast:
    design = units.design
    b = np.divide(a * design.total - influence, design.weight, out=np.zeros_like(a), where=design.seen)
    return CellContrast(float((a * design.total).sum()), a, b, np.zeros(len(design.units)))
