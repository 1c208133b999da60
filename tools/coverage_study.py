"""Ask how often 95 % intervals hold the truth, by method and number of covered clusters. `make coverage-study` calls this and keeps the output in docs/coverage.md.

Every world has clusters with AR(1) shocks and noise of workers, and no effect; intervals move with a constant effect, so that none is as good as any.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

import impact
from impact.design.design import Design
from impact.estimate import att_gt
from impact.infer import few_treated, permutation, small_sample, wild
from impact.infer.aggregate import Window, aggregate
from impact.infer.choose import choose
from impact.infer.inference import Inference
from impact.results import Estimate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import coverage_estimators  # noqa: E402

from clusters import NEVER, shocked_design  # noqa: E402

OUT = ROOT / "docs" / "coverage.md"
WORLDS, DRAWS, MONTHS, NEVER_COVERED = 200, 199, 8, 40
COVERED = {
    "1": [5.0],
    "3": [5.0] * 3,
    "3, own dates": [5.0, 6.0, 7.0],
    "10": [5.0, 6.0, 7.0, 5.0, 6.0] * 2,
    "40": [5.0, 6.0, 7.0, 5.0, 6.0] * 8,
}
"""First covered months of the covered clusters; beside them, 40 never covered."""
SIZES = ("equal", "unequal", "covered largest", "covered smallest")
METHODS = {
    "plain": "cluster sums, normal",
    "cr1": "CR1, t(G − 1)",
    "cr2": "CR2, Satterthwaite",
    "multiplier": "multiplier",
    "wild": "wild, restricted",
    "permutation_plain": "permutation",
    "permutation_t": "permutation, studentised",
    "conley_taber": "Conley–Taber",
    "ferman_pinto": "Ferman–Pinto",
    "chosen": "**chosen**",
}


@dataclass(slots=True)
class Tally:
    """How often intervals of one method held, how long they were, and how often the band over all event times held."""

    held: list[bool] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    band: list[bool] = field(default_factory=list)


def main() -> None:
    """Try every world and write the page."""
    begun, worlds = time.process_time(), int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    results = {(covered, sizes): _tried(covered, sizes, worlds) for covered in COVERED for sizes in SIZES}
    page = _page(results, worlds, time.process_time() - begun)
    OUT.write_text("\n".join([page.rstrip(), "", *coverage_estimators.study(worlds // 4)]) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def _tried(covered: str, sizes: str, worlds: int) -> dict[str, Tally]:
    tallies = {name: Tally() for name in METHODS}
    for seed in range(worlds):
        design = _world(covered, sizes, seed)
        for name, low, high in _intervals(design):
            tallies[name].held.append(bool(low <= 0 <= high))
            tallies[name].length.append(high - low)
        for name, whole in _bands(design) if len(COVERED[covered]) >= 10 else ():
            tallies[name].band.append(whole)
    return tallies


def _world(covered: str, sizes: str, seed: int) -> Design:
    """Make one world; workers vary by 6, shocks by 1, so that noise of workers rules below some 36 workers."""
    cohorts = COVERED[covered] + [NEVER] * NEVER_COVERED
    workers = np.full(len(cohorts), 40.0)
    if sizes != "equal":
        workers = np.random.default_rng(seed + 10_000).lognormal(3.2, 1.1, len(cohorts)).round() + 5
    if sizes in ("covered largest", "covered smallest"):
        workers = np.sort(workers)[:: -1 if sizes == "covered largest" else 1]
    return shocked_design(cohorts, workers.tolist(), seed, MONTHS, worker_noise=6.0)


def _intervals(design: Design) -> Iterator[tuple[str, float, float]]:
    estimate = att_gt.fit(design)
    averaged = aggregate(estimate, "simple")
    table = averaged.tidy().iloc[0]
    yield "plain", float(table["conf_low"]), float(table["conf_high"])
    found = _inferences(estimate, averaged)
    method = choose(design).method
    by_number = _default_permutation(design) if method == "permutation" else method
    for name, inference in (*found.items(), ("chosen", found[by_number])):
        yield name, float(inference.conf_low[0]), float(inference.conf_high[0])


def _inferences(estimate: Estimate, averaged: Estimate) -> dict[str, Inference]:
    reassign = partial(permutation.permutation, estimate, partial(_refit, estimate), "simple")
    return {
        "cr1": small_sample.cr1(averaged),
        "cr2": small_sample.cr2(estimate, "simple"),
        "multiplier": wild.multiplier(averaged, wild.Options(draws=DRAWS)),
        "wild": wild.wild(estimate, "simple", options=wild.Options(draws=DRAWS)),
        "permutation_plain": reassign(options=permutation.Options(draws=DRAWS, studentised=False)),
        "permutation_t": reassign(options=permutation.Options(draws=DRAWS, studentised=True)),
        "conley_taber": few_treated.few_treated(averaged, few_treated.Options("conley_taber", draws=999)),
        "ferman_pinto": few_treated.few_treated(averaged, few_treated.Options("ferman_pinto", draws=999)),
    }


def _refit(estimate: Estimate, design: Design) -> Estimate:
    return aggregate(att_gt.fit(design, estimate.options), "simple")


def _default_permutation(design: Design) -> str:
    counts = np.unique(design.cohort[~np.isnan(design.cohort)], return_counts=True)[1]
    return "permutation_t" if (counts > 1).all() else "permutation_plain"


def _bands(design: Design) -> Iterator[tuple[str, bool]]:
    """Say whether the band over all event times from −3 to 3 holds zero everywhere."""
    estimate, window = att_gt.fit(design), Window(-3, 3)
    cr2 = small_sample.cr2(estimate, "event_time", window)
    multiplier = wild.multiplier(aggregate(estimate, "event_time", window), wild.Options(draws=999))
    for name, inference in (("cr2", cr2), ("chosen", cr2), ("multiplier", multiplier)):
        assert inference.band_reach is not None
        yield name, bool((np.abs(inference.estimate) <= inference.band_reach)[:-1].all())


def _page(results: dict[tuple[str, str], dict[str, Tally]], worlds: int, seconds: float) -> str:
    noise = 1.96 * 100 * np.sqrt(0.95 * 0.05 / worlds)
    lines = [
        "# Coverage: which intervals hold",
        "",
        f"Written by `make coverage-study` on {datetime.now(UTC):%Y-%m-%d}, impact {impact.__version__}: {worlds} worlds a cell, {DRAWS} draws or assignments, {seconds / 60:.0f} minutes of one core.",
        "",
        f"Share of 95 % intervals for the overall effect (`att_gt`, not-yet-covered comparison, `simple`) that hold the truth, in percent; one that holds at its rate shows 95 ± {noise:.1f}. "
        f"{MONTHS} months, {NEVER_COVERED} never covered clusters beside the covered, AR(1) shocks of clusters (ρ = 0.7, deviation 1) and workers who vary by 6. Sizes: `equal` 40 workers; `unequal` "
        "log-normal, deviation 1.1, median some 30; `covered largest` and `covered smallest` the same sizes, with the covered at one end. Behind the rate: the median length. "
        "One covered cluster of 41 allows p-values down to 1/41, so that its interval by permutation is finite.",
        "",
    ]
    for covered in COVERED:
        lines += _table(covered, results)
    return "\n".join(lines) + "\n"


def _table(covered: str, results: dict[tuple[str, str], dict[str, Tally]]) -> list[str]:
    rows = [f"| {title} | " + " | ".join(_cell(results[covered, sizes][name]) for sizes in SIZES) + " |" for name, title in METHODS.items()]
    lines = [f"## Covered clusters: {covered}", "", "| method | " + " | ".join(SIZES) + " |", "| --- |" + " --: |" * len(SIZES), *rows, ""]
    banded = [name for name in METHODS if results[covered, SIZES[0]][name].band]
    if banded:
        shares = ["; ".join(f"{sizes} {100 * np.mean(results[covered, sizes][name].band):.1f}" for sizes in SIZES) for name in banded]
        lines += [
            "Uniform bands over event times −3 to 3: "
            + " · ".join(f"{METHODS[name]}: {share}" for name, share in zip(banded, shares, strict=True))
            + ".",
            "",
        ]
    return lines


def _cell(tally: Tally) -> str:
    length = float(np.median(tally.length))
    return f"{100 * np.mean(tally.held):.1f} ({'endless' if not np.isfinite(length) else f'{length:.2f}'})"


if __name__ == "__main__":
    main()
