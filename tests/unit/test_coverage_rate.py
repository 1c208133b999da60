"""Intervals clustered by agreement hold the truth as often as they say, also where shocks to a cluster last."""

from __future__ import annotations

import numpy as np

from impact.design.design import Design
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate

CLUSTERS, MONTHS, DRAWS = 40, 12, 400
COHORTS = np.repeat([5.0, 9.0, np.nan, np.nan], CLUSTERS // 4)
SIZES = np.resize([20.0, 40.0, 60.0, 80.0, 100.0], CLUSTERS)


def effects() -> np.ndarray:
    """True effects by cluster and month: they grow with the time since coverage, and differ by cohort."""
    since = np.arange(1, MONTHS + 1) - COHORTS[:, None]
    return np.where(since >= 0, np.where(COHORTS == 5, 1.0, 2.0)[:, None] + 0.1 * since, 0.0)


def truth() -> float:
    """Mean true effect over the covered worker-months of the cohorts, each cohort by its workers."""
    covered = COHORTS[:, None] <= np.arange(1, MONTHS + 1)
    return float(np.average(effects()[covered], weights=np.broadcast_to(SIZES[:, None], covered.shape)[covered]))


def draw(generator: np.random.Generator) -> Design:
    """Draw cell means with shocks to clusters that last from month to month (AR(1), 0.7)."""
    shocks = np.empty((CLUSTERS, MONTHS))
    shocks[:, 0] = generator.normal(size=CLUSTERS) / np.sqrt(1 - 0.7**2)
    for month in range(1, MONTHS):
        shocks[:, month] = 0.7 * shocks[:, month - 1] + generator.normal(size=CLUSTERS)
    means = 10 + effects() + shocks + generator.normal(size=(CLUSTERS, MONTHS)) / np.sqrt(SIZES)[:, None]
    rows = np.repeat(SIZES[:, None], MONTHS, axis=1)
    names = tuple(f"city {place:02d}" for place in range(CLUSTERS))
    months = tuple(range(1, MONTHS + 1))
    return Design(
        outcome="income",
        period="index",
        months=months,
        units=names,
        cohort=COHORTS,
        coverage=COHORTS[:, None] <= np.array(months),
        rows=rows,
        weight=rows,
        total=rows * means,
        square=rows * (means**2 + 1),
        workers=SIZES,
        headcount=SIZES,
        cluster=names,
        cluster_level="unit",
        pairs=None,
        one_worker_per_unit=False,
    )


def test_nineteen_of_twenty_intervals_hold_the_overall_effect():
    generator, target = np.random.default_rng(20240601), truth()
    rows = [aggregate(att_gt.fit(draw(generator)), "simple").tidy(0.95).iloc[0] for _ in range(DRAWS)]
    held = np.mean([row["conf_low"] <= target <= row["conf_high"] for row in rows])
    estimates, errors = (np.array([row[name] for row in rows]) for name in ("estimate", "std_error"))
    assert 0.91 <= held <= 0.98
    assert abs(estimates.mean() - target) < 3 * estimates.std() / DRAWS**0.5
    assert 0.9 < np.sqrt((errors**2).mean()) / estimates.std() < 1.1
