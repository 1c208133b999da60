"""Rows that count, and errors, of regressions with unit and month effects, by the conventions of R `fixest` 0.14. May touch: nothing.

Rows that are alone in their unit or month are dropped, as they add nothing but count; the factor is G/(G−1) · (n−1)/(n−K), where unit effects
nested in the clusters are not counted in K; t has G−1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.design.contrast import Contrast
from impact.design.design import Bools, Design
from impact.errors import EstimationError
from impact.infer.cluster import cluster_counts, cluster_errors
from impact.results import Errors
from impact.text import Text


def without_singletons(design: Design) -> tuple[Bools, Bools]:
    """Choose the units and months of which something is left once others with a single row are gone; shapes (units,) and (months,).

    Raises EstimationError where nothing is left.
    """
    rows = np.where(design.seen, design.rows, 0.0)
    effects = np.maximum(design.headcount, 1) if design.followed else np.ones(len(design.units))
    units, months = np.ones(rows.shape[0], dtype=bool), np.ones(rows.shape[1], dtype=bool)
    while True:
        left = rows * units[:, None] * months[None, :]
        few_units, few_months = units & (left.sum(axis=1) <= effects), months & (left.sum(axis=0) <= 1)
        if not (few_units.any() or few_months.any()):
            break
        units, months = units & ~few_units, months & ~few_months
    if not (units.any() and months.any()):
        raise EstimationError(
            f"outcome `{design.outcome}`: every unit is seen only once.\nFound {len(design.units):,} units.\n"
            "Two-way fixed effects follow units over time: name the worker or the unit that is seen in several months."
        )
    return units, months


def note_on_singletons(design: Design, kept: Design) -> tuple[Text, ...]:
    """Say how many rows were dropped on the way from one design to the other."""
    dropped = int(np.where(design.seen, design.rows, 0.0).sum() - np.where(kept.seen, kept.rows, 0.0).sum())
    if not dropped:
        return ()
    whom = Text("worker", "劳动者") if kept.followed else Text("unit", "单位")
    rows = "1 row left out: its" if dropped == 1 else f"{dropped:,} rows left out: their"
    return (Text(f"{rows} {whom.en} or month is seen only once", f"{dropped:,}行未使用：其{whom.zh}或月份只出现一次"),)


def clustered(design: Design, contrasts: Sequence[Contrast], coefficients: int, groups: int | None = None) -> tuple[Errors, float]:
    """Give clustered errors and their factor, for a regression with that many coefficients beside month effects and those of units, or of `groups` of units."""
    everybody = np.ones(len(design.units), dtype=bool)
    clusters, _ = cluster_counts(design, everybody)
    counted = coefficients + len(design.months) + (_uncounted(design) if groups is None else groups - 1)
    rows = float(design.rows.sum())
    if rows <= counted:
        raise EstimationError(
            f"outcome `{design.outcome}`: there are no more rows than coefficients.\nFound {rows:,.0f} rows, {counted:,} coefficients.\n"
            "Ask for fewer effects, or add rows."
        )
    factor = clusters / (clusters - 1) * (rows - 1) / (rows - counted) if clusters > 1 else 1.0
    return cluster_errors(design, contrasts, factor, float(clusters - 1)), factor


def unit_effects(design: Design) -> int:
    """Count the effects beside those of the months: one for each worker who is followed, or one for each unit."""
    return int(design.headcount.sum()) if design.followed else len(design.units)


def _uncounted(design: Design) -> int:
    """Count unit effects for K: none where they are nested in the clusters, which they are unless rows without an identity are the clusters."""
    return 0 if design.pairs is None or design.followed else unit_effects(design) - 1
