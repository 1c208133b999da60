"""Contrasts of the means of groups of units by month, made at once. May touch: nothing.

The same as adding and subtracting `design.contrast.mean`, whose arrays, added up one mean after the other, take most of the time where an effect is made of many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.design.contrast import CellContrast
from impact.design.design import Design
from impact.infer.cluster import over_clusters
from impact.moments.moments import Floats

NOBODY = -1
"""Group of units that are in none."""


@dataclass(frozen=True, slots=True)
class GroupMeans:
    """Means by group and month; G groups, S months, U units."""

    group: NDArray[np.intp]
    """Of each unit, or `NOBODY`; shape (U,)."""
    weight: Floats
    """Shape (G, S)."""
    mean: Floats
    """Zero where nobody is seen; shape (G, S)."""

    def contrast(self, coefficients: Floats) -> CellContrast:
        """Add means up, each times its coefficient; shape (G, S), zero where nobody is seen."""
        months = np.flatnonzero(coefficients.any(axis=0))
        weight, mean = self.weight[:, months], self.mean[:, months]
        each = np.divide(coefficients[:, months], weight, out=np.zeros_like(weight), where=weight > 0)
        inside = self.group != NOBODY
        a, b = np.zeros((2, len(inside), self.weight.shape[1]))
        for place, month in enumerate(months):
            a[inside, month] = each[self.group[inside], place]
            b[inside, month] = (each[:, place] * mean[:, place])[self.group[inside]]
        return CellContrast(float((coefficients[:, months] * mean).sum()), a, b, np.zeros(len(inside)))


def group_means(design: Design, group: NDArray[np.intp], groups: int) -> GroupMeans:
    """Take the means of groups of units, numbered from 0."""
    inside = group != NOBODY
    weight, total = (over_clusters(group[inside], values[inside], groups) for values in (design.weight, design.total))
    return GroupMeans(group, weight, np.divide(total, weight, out=np.zeros_like(weight), where=weight > 0))
