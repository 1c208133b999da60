"""What the stage of effects needs of worker-months: a few samples, each compressed once; behind this file nobody reads a row of a worker. May touch: the engine, the run's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from impact.design.design import WORKER
from impact.moments.compress import Parts, compress
from impact.moments.moments import Moments
from impact.months import Period
from impact.panel.coverage import Sample, Switching, find_coverage
from impact.run.folder import RunFolder
from impact.study import Study
from impact.study.model import Benchmark, Variant

if TYPE_CHECKING:
    import ibis.expr.types as ir

MAIN = "main"
"""Purpose of the moments that the main estimate is made from."""
COVERED = "covered"
"""Coverage of the month as one more outcome, for coverage that may end."""
_INDEX = "moments"


@dataclass(frozen=True, slots=True)
class Need:
    """A sample of worker-months, and what must be known of it."""

    switching: Switching
    """What is done where coverage ends again."""
    rows: Sample
    complete: tuple[str, ...]
    """Outcomes and covariates that every row must have; a row without the one outcome that is asked for does not count anyway."""
    outcomes: tuple[str, ...]
    parts: Parts
    apart: bool = False
    """Whether units must be told apart, as effects of units need; of moments: whether they are."""

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Need:
        """Read back what `as_dict` gave."""
        parts = Parts(**{**content["parts"], "bins": tuple(content["parts"]["bins"])})
        return cls(content["switching"], content["rows"], tuple(content["complete"]), tuple(content["outcomes"]), parts, content["apart"])

    def is_met_by(self, other: Need) -> bool:
        """Say whether moments made for `other` serve this need as well."""
        same_rows = (self.switching, self.rows, self.complete) == (other.switching, other.rows, other.complete)
        parts = (self.parts.pairs <= other.parts.pairs) and (self.parts.patterns <= other.parts.patterns)
        return same_rows and parts and self.apart <= other.apart and set(self.outcomes) <= set(other.outcomes)


def cluster_level(study: Study) -> str:
    """Name the level at which errors are clustered: the study's column, or the unit; the worker where each is a unit."""
    columns = study.columns
    if columns.cluster:
        return WORKER if columns.cluster == columns.worker else columns.cluster
    return "unit" if units_hold_workers(study) else WORKER


def variant_of(variant: Variant) -> str:
    """Name the purpose of a variant's moments."""
    return f"variant.{variant.name}"


def benchmark_of(benchmark: Benchmark) -> str:
    """Name the purpose of a benchmark's moments."""
    return f"benchmark.{benchmark.name}"


def moments_needed(study: Study) -> dict[str, Need]:
    """List by purpose what the main estimate, its variants and its benchmarks are made from."""
    assert study.coverage is not None
    assert study.effects is not None
    outcomes = tuple(outcome.name for outcome in study.outcomes)
    needs = {MAIN: Need(study.coverage.switching, "restricted", (), outcomes, _parts(study, study.effects.workers))}
    for variant in study.variants:
        parts = _parts(study, variant.workers or study.effects.workers)
        needs[variant_of(variant)] = Need(variant.switching or study.coverage.switching, "restricted", (), outcomes, parts)
    coverage = (COVERED,) if study.columns.covered else ()
    for benchmark in study.benchmarks:
        names = (benchmark.outcome, *benchmark.covariates)
        complete = names if benchmark.covariates else ()
        needs[benchmark_of(benchmark)] = Need(
            study.coverage.switching, benchmark.sample, complete, (*names, *coverage), _parts(study, "all"), apart=True
        )
    return needs


def compress_needed(worker_months: ir.Table, period: Period, needs: Mapping[str, Need]) -> dict[str, Moments]:
    """Compress clean worker-months for every purpose; purposes whose rows are the same share one pass, and the moments.

    Raises what finding coverage and compressing raise.
    """
    held: dict[str, Moments] = {}
    for switching in dict.fromkeys(need.switching for need in needs.values()):
        alike = {purpose: need for purpose, need in needs.items() if need.switching == switching}
        panel = find_coverage(worker_months, switching).table
        panel = panel if "cluster" in panel.columns else panel.mutate(cluster=panel["unit"])
        for shared in _with_the_same_rows(panel, alike):
            first, outcomes, parts = _together(tuple(shared.values()))
            moments = compress(panel.filter(_inside(panel, first)), outcomes, period, parts)
            held |= dict.fromkeys(shared, moments)
    return {purpose: held[purpose] for purpose in needs}


def distinct(held: Mapping[str, Moments]) -> dict[str, Moments]:
    """Keep each of the moments once, under the first purpose that it serves."""
    names: dict[int, str] = {}
    for purpose, moments in held.items():
        names.setdefault(id(moments), purpose)
    return {name: held[name] for name in names.values()}


def shared_by(held: Mapping[str, Moments]) -> dict[str, str]:
    """Say for each purpose under which name its moments are kept by `distinct`."""
    kept = distinct(held)
    return {purpose: next(name for name, one in kept.items() if one is moments) for purpose, moments in held.items()}


def sizes_of(held: Mapping[str, Moments]) -> pd.DataFrame:
    """Say how much is left of the rows: one row for each of the moments, with the purposes that it serves."""
    names = shared_by(held)
    rows = [
        moments.sizes().assign(serves=", ".join(to for to, kept in names.items() if kept == name))
        for name, moments in distinct(held).items()
    ]
    table = pd.concat(rows, ignore_index=True)
    return table[["serves", *(column for column in table.columns if column != "serves")]]


def hand_on_moments(run: RunFolder, held: Mapping[str, Moments]) -> None:
    """Write the moments for the stages that follow, each once, and which purpose they serve."""
    for name, moments in distinct(held).items():
        run.write_moments(f"{_INDEX}.{name}", moments)
    run.write_json(_INDEX, shared_by(held))


def moments_from(run: RunFolder) -> dict[str, Moments]:
    """Read by purpose the moments that an earlier stage handed on."""
    index: dict[str, str] = run.read_json(_INDEX)
    kept = {name: run.read_moments(f"{_INDEX}.{name}") for name in dict.fromkeys(index.values())}
    return {purpose: kept[name] for purpose, name in index.items()}


def _parts(study: Study, workers: str) -> Parts:
    return Parts(pairs=cluster_level(study) == WORKER, patterns=workers == "stayers" and units_hold_workers(study))


def units_hold_workers(study: Study) -> bool:
    """Say whether a unit may hold several workers."""
    return bool(study.columns.unit and study.columns.unit != study.columns.worker)


def _with_the_same_rows(panel: ir.Table, needs: Mapping[str, Need]) -> Iterator[dict[str, Need]]:
    """Put needs together whose rows are the same: by what they say, and by what the rows are."""
    said = list(dict.fromkeys((need.rows, need.complete) for need in needs.values()))
    same_as = _same_rows(panel, [next(need for need in needs.values() if (need.rows, need.complete) == one) for one in said])
    for first in dict.fromkeys(same_as):
        yield {purpose: need for purpose, need in needs.items() if same_as[said.index((need.rows, need.complete))] == first}


def _same_rows(panel: ir.Table, samples: list[Need]) -> list[int]:
    """Give for each sample the first one that holds exactly its rows."""
    pairs = list(combinations(range(len(samples)), 2))
    if not pairs:
        return [0]
    marked = panel.select(**{f"in_{place}": _inside(panel, sample) for place, sample in enumerate(samples)})
    differing = {f"{one}_{other}": (marked[f"in_{one}"] != marked[f"in_{other}"]).sum() for one, other in pairs}
    found = marked.aggregate(**differing).to_pyarrow().to_pylist()[0]
    return [next((one for one in range(place) if not found[f"{one}_{place}"]), place) for place in range(len(samples))]


def _inside(panel: ir.Table, need: Need) -> ir.BooleanValue:
    """Say of each row whether it is in a sample."""
    inside: ir.BooleanValue = ibis.literal(True)
    if need.rows != "full":
        inside &= ~panel["covered_at_start"]
    if need.rows == "restricted":
        inside &= ~panel["set_aside"]
    for name in need.complete:
        inside &= panel[name].notnull()
    return inside


def _together(needs: tuple[Need, ...]) -> tuple[Need, tuple[str, ...], Parts]:
    outcomes = tuple(dict.fromkeys(name for need in needs for name in need.outcomes))
    bins = tuple(dict.fromkeys(name for need in needs for name in need.parts.bins))
    parts = Parts(any(need.parts.pairs for need in needs), any(need.parts.patterns for need in needs), bins)
    return needs[0], outcomes, parts
