"""Clusters of unequal size with shocks that last, as cells: the worlds in which inference is tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.design.design import Design

NEVER = float("nan")


def shocked_design(
    cohorts: Sequence[float],
    sizes: Sequence[float],
    seed: int,
    months: int = 6,
    persistence: float = 0.7,
    worker_noise: float = 3.0,
    shock: float = 1.0,
    effect: float = 0.0,
) -> Design:
    """Make one unit a cluster: AR(1) shocks of deviation `shock` common to its workers, noise of workers, and an effect from the cohort on.

    `worker_noise` is the deviation of one worker, so that the mean of n workers varies by worker_noise / √n.
    """
    generator, count = np.random.default_rng(seed), len(cohorts)
    steps = generator.normal(0, shock, (count, months))
    path = np.zeros((count, months))
    path[:, 0] = steps[:, 0] / np.sqrt(1 - persistence**2)
    for month in range(1, months):
        path[:, month] = persistence * path[:, month - 1] + steps[:, month]
    rows = np.repeat(np.asarray(sizes, dtype=float)[:, None], months, axis=1)
    cohort = np.asarray(cohorts, dtype=float)
    coverage = np.where(np.isnan(cohort), np.inf, cohort)[:, None] <= np.arange(1, months + 1)
    mean = path + generator.normal(0, worker_noise, (count, months)) / np.sqrt(rows) + effect * coverage
    names = tuple(f"city {place:03d}" for place in range(count))
    return Design(
        outcome="income",
        period="index",
        months=tuple(range(1, months + 1)),
        units=names,
        cohort=cohort,
        coverage=coverage,
        rows=rows,
        weight=rows,
        total=rows * mean,
        square=rows * mean**2,
        workers=rows[:, 0],
        headcount=rows[:, 0],
        cluster=names,
        cluster_level="unit",
        pairs=None,
        one_worker_per_unit=False,
    )
