"""Who is covered when, before any estimate: from worker-months, or from a bundle of moments. May touch: the engine, the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.clean.audit import Rule
from impact.design.design import Design, design_of
from impact.moments.moments import Moments
from impact.moments.suppress import suppressed
from impact.panel.coverage import find_coverage
from impact.panel.describe import adoption, paths
from impact.run.folder import RunFolder
from impact.run.needed import COVERED, MAIN, cluster_level, compress_needed, moments_from, moments_needed
from impact.sources.engine import connect
from impact.study import Study


@dataclass(frozen=True, slots=True)
class Described:
    """What the stage of the design shows and hands on."""

    rules: tuple[Rule, ...]
    """What was done where coverage ends, or begins too early."""
    adoption: pd.DataFrame
    """Workers by `month, state`; numbers of too few are emptied."""
    means: pd.DataFrame
    """Raw means by `month, group`; those of too few workers are emptied."""
    moments: Mapping[str, Moments]
    """By purpose."""


def described(study: Study, run: RunFolder) -> Described:
    """Describe coverage, and compress what every estimate needs; a run that is made from a bundle takes both from there.

    Raises DataError where coverage contradicts itself or moments cannot be made.
    """
    assert study.coverage is not None
    found = _from_bundle(study, run) if run.has("bundle") else _from_rows(study, run)
    fewest = study.report.minimum_cell
    return Described(found.rules, suppressed(found.adoption, fewest, ()), suppressed(found.means, fewest, ("mean",)), found.moments)


def _from_rows(study: Study, run: RunFolder) -> Described:
    assert study.coverage is not None
    worker_months = connect().read_parquet(run.table_path("worker_month"))
    coverage = find_coverage(worker_months, study.coverage.switching)
    means = paths(coverage.sample("restricted"), study.outcomes[0].name)
    moments = compress_needed(worker_months, run.read_json("period"), moments_needed(study))
    return Described(coverage.rules, adoption(coverage.table), means, moments)


def _from_bundle(study: Study, run: RunFolder) -> Described:
    """Months set aside, and rows without the outcome, are in no moments: the counts are of rows that the estimate uses."""
    moments = moments_from(run)
    covered = COVERED if study.columns.covered else None
    design = design_of(moments[MAIN], study.outcomes[0].name, _level(study, moments[MAIN]), covered)
    rules = tuple(Rule.from_dict(rule) for rule in run.read_json("bundle")["coverage_rules"])
    return Described(rules, _adoption(design), _means(design), moments)


def _level(study: Study, moments: Moments) -> str:
    """Name a level of errors for which nothing is needed that was withheld: no error is made of this design."""
    level = cluster_level(study)
    return level if moments.pairs is not None else "unit"


def _adoption(design: Design) -> pd.DataFrame:
    states = {"covered": design.coverage, "not_covered": ~design.coverage}
    parts = [
        pd.DataFrame({"month": design.months, "state": state, "workers": np.where(inside, design.rows, 0).sum(axis=0).round().astype(int)})
        for state, inside in states.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["workers"] > 0].sort_values(["month", "state"], ignore_index=True)


def _means(design: Design) -> pd.DataFrame:
    never = np.isnan(design.cohort)
    parts = [_mean_path(design, units).assign(group=group) for group, units in (("ever", ~never), ("never", never))]
    table = pd.concat(parts, ignore_index=True)[["month", "group", "mean", "workers"]]
    return table[table["workers"] > 0].sort_values(["month", "group"], ignore_index=True)


def _mean_path(design: Design, units: np.ndarray) -> pd.DataFrame:
    total, weight, rows = (values[units].sum(axis=0) for values in (design.total, design.weight, design.rows))
    mean = np.divide(total, weight, out=np.full(len(design.months), np.nan), where=weight > 0)
    return pd.DataFrame({"month": design.months, "mean": mean, "workers": rows.round().astype(int)})
