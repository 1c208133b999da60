"""How often 95 % intervals hold by estimator: the second part of `make coverage-study`. Each with the errors it brings, and with the inference chosen by number."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from impact.design.design import Design
from impact.errors import ImpactError
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import By, aggregate
from impact.infer.choose import carry_out, choose
from impact.results import Estimate
from impact.run.inference import refit_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from clusters import NEVER, shocked_design

WORLDS, MONTHS, NEVER_COVERED = 50, 8, 40
COVERED = {"1": [5.0], "3": [5.0, 6.0, 7.0], "10": [5.0, 6.0, 7.0, 5.0, 6.0] * 2, "40": [5.0, 6.0, 7.0, 5.0, 6.0] * 8}
"""First covered months of the covered clusters; beside them, 40 never covered."""
ELSEWHERE = {
    "changes_in_changes": "needs the distribution in each cell; its own tests hold its intervals against simulations",
    "regression_discontinuity": "has no clusters that come under coverage; its own tests hold its intervals against simulations",
}
"""Estimators that this study does not try, and why."""
Worlds = Callable[[list[float], np.ndarray, int], Design]


def study(worlds: int = WORLDS) -> Iterator[str]:
    """Write the lines of the page."""
    yield "## Every estimator"
    yield ""
    yield (
        f"The same clusters, sizes `unequal`, {worlds} worlds a cell (95 ± {196 * np.sqrt(0.95 * 0.05 / worlds):.1f}), each covered cluster of three with a date of its own. Overall effect; for `event_study` that of the first covered month. "
        "`own`: the errors an estimator brings by default; `chosen`: by the number of clusters, where the influence of clusters tells the error. Behind the rate: the median length; `no` where an estimator or the chosen method refuses in most worlds; worlds in which it does are left out."
    )
    yield ""
    yield "| estimator | " + " | ".join(f"{covered} own | {covered} chosen" for covered in COVERED) + " |"
    yield "| --- |" + " --: |" * (2 * len(COVERED))
    asked = [(name, covered, worlds) for name in ESTIMATORS if name not in ELSEWHERE for covered in COVERED]
    with ProcessPoolExecutor() as pool:
        found = dict(zip(asked, pool.map(_cells, *zip(*asked, strict=True)), strict=True))
    for name in dict.fromkeys(name for name, _, _ in asked):
        yield f"| `{name}` | " + " | ".join(cell for covered in COVERED for cell in found[name, covered, worlds]) + " |"
    yield ""
    yield "Not tried: " + "; ".join(f"`{name}` {why}" for name, why in ELSEWHERE.items() if name in ESTIMATORS) + "."


def _cells(name: str, covered: str, worlds: int) -> tuple[str, str]:
    ends = [_intervals(name, _world(name, covered, seed)) for seed in range(worlds)]
    return _cell([one for one, _ in ends]), _cell([other for _, other in ends])


def _cell(ends: list[tuple[float, float] | None]) -> str:
    known = np.array([one for one in ends if one is not None], dtype=float)
    if len(known) < len(ends) / 2:
        return "no"
    length = float(np.median(known[:, 1] - known[:, 0]))
    held = 100 * np.mean((known[:, 0] <= 0) & (known[:, 1] >= 0))
    return f"{held:.1f} ({'endless' if not np.isfinite(length) else f'{length:.3g}'})"


def _intervals(name: str, design: Design) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    module = ESTIMATORS[name]
    try:
        estimate = module.fit(design)
        by: By = "simple" if all(term.cohort is not None and term.month is not None for term in estimate.terms) else "none"
        averaged = aggregate(estimate, by)
    except ImpactError:
        return None, None
    place = _place(averaged)
    own = averaged.tidy().iloc[place]
    ends = float(own["conf_low"]), float(own["conf_high"])
    if not module.INFO.influence:
        return ends, None
    try:
        method = choose(estimate.design, of_means=module.INFO.of_means).method
        found = carry_out(method, estimate, refit_of(estimate, by), by)
    except ImpactError:
        return ends, None
    return ends, (float(found.conf_low[place]), float(found.conf_high[place]))


def _place(averaged: Estimate) -> int:
    """Find the overall effect, or that of the first covered month."""
    names = [term.name for term in averaged.terms]
    if "overall" in names:
        return names.index("overall")
    return next((place for place, term in enumerate(averaged.terms) if term.event_time == 0), 0)


def _world(name: str, covered: str, seed: int) -> Design:
    cohorts = COVERED[covered] + [NEVER] * NEVER_COVERED
    sizes = np.random.default_rng(seed + 10_000).lognormal(3.2, 1.1, len(cohorts)).round() + 5
    return _WORLDS.get(name, _plain)(cohorts, sizes, seed)


def _plain(cohorts: list[float], sizes: np.ndarray, seed: int) -> Design:
    return shocked_design(cohorts, sizes.tolist(), seed, MONTHS, worker_noise=6.0)


def _positive(cohorts: list[float], sizes: np.ndarray, seed: int) -> Design:
    """Shift the outcome so that it is never negative; effects are then in per cent of some 50."""
    design = _plain(cohorts, sizes, seed)
    total = np.maximum(design.total + 50 * design.weight, 0.0)
    return replace(design, total=total, square=total**2 / design.weight)


def _exits(cohorts: list[float], sizes: np.ndarray, seed: int) -> Design:
    """Let workers leave at some 8 % a month, more or less as shocks have it."""
    design = shocked_design(cohorts, sizes.tolist(), seed, MONTHS, worker_noise=0.0, shock=0.2)
    chance = np.clip(0.08 * np.exp(design.total / design.weight), 0, 0.9)
    total = np.random.default_rng(seed + 20_000).binomial(design.weight.astype(int), chance).astype(float)
    return replace(design, total=total, square=total)


def _dosed(cohorts: list[float], sizes: np.ndarray, seed: int) -> Design:
    design = _plain(cohorts, sizes, seed)
    dose = np.where(np.isnan(design.cohort), 0.0, np.random.default_rng(seed + 30_000).uniform(0.5, 1.5, len(cohorts)))
    return replace(design, traits={"dose": dose})


def _eligible(cohorts: list[float], sizes: np.ndarray, seed: int) -> Design:
    """Split clusters in halves, of which one is eligible; shocks of the half come on top of those of the cluster."""
    whole = [_plain(cohorts, np.maximum((sizes / 2).round(), 2), seed + 40_000 * part) for part in range(3)]
    common = whole[0].total / whole[0].weight
    halves = [replace(one, total=one.total + common * one.weight) for one in whole[1:]]
    stacked: dict[str, Any] = {
        field: np.concatenate([getattr(one, field) for one in halves])
        for field in ("cohort", "coverage", "rows", "weight", "total", "workers", "headcount")
    }
    mean = stacked["total"] / stacked["weight"]
    names = halves[0].units
    return replace(
        halves[0],
        **stacked,
        square=mean**2 * stacked["weight"],
        units=tuple(f"{name} {half}" for half in ("no", "yes") for name in names),
        cluster=names * 2,
        cluster_level="city",
        traits={"eligible": np.repeat([0.0, 1.0], len(names))},
    )


_WORLDS: dict[str, Worlds] = {
    "etwfe_poisson": _positive,
    "etwfe_cloglog": _exits,
    "dose": _dosed,
    "triple_difference": _eligible,
}
