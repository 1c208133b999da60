"""The question: units × months of one outcome, and who is covered when. May touch: nothing.

One gate, `design_of`, builds a `Design` and makes every complaint about shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact.design.distribution import Distribution, distribution_of
from impact.errors import DesignError
from impact.moments.moments import ATTRIBUTES, Floats, Moments
from impact.moments.patterns import Patterns
from impact.months import Period, label
from impact.text import Text

Bools = NDArray[np.bool_]
Traits = NDArray[Any]
WORKER = "worker"
"""Name of the cluster level at which every worker stands alone."""


@dataclass(frozen=True, slots=True)
class Design:
    """One outcome by unit and month, the cohort of every unit, and the clusters in which errors move together.

    Arrays have shape (units, months) or (units,), in the order of `units` and `months`.
    """

    outcome: str
    period: Period
    months: tuple[int, ...]
    units: tuple[str, ...]
    cohort: Floats
    """First covered month; missing means never, and there is no other spelling of never."""
    coverage: Bools
    """Whether the unit is covered in the month; follows from `cohort` unless coverage may end."""
    rows: Floats
    """Worker-months seen."""
    weight: Floats
    """Σw over the workers seen."""
    total: Floats
    """Σwy over the workers seen."""
    square: Floats
    """Σwy² over the workers seen."""
    workers: Floats
    """Workers of the unit, each counted with its mean weight."""
    headcount: Floats
    """Workers of the unit, each counted once."""
    cluster: tuple[str, ...]
    """Cluster of each unit; not used where `cluster_level` is `worker` and a unit holds several."""
    cluster_level: str
    pairs: Floats | None
    """Worker-level second moments as in `Moments.pairs`; None where a unit is one worker or they were not asked for."""
    one_worker_per_unit: bool
    followed: bool = False
    """Whether the workers of a unit are seen in the same months, so that what is held constant for the unit is held constant for each of them."""
    between: Floats | None = None
    """Σ w·n·ȳ² over the workers of a unit, as in `Patterns.between`; None where it is not known."""
    traits: Mapping[str, Traits] = field(default_factory=dict)
    """What else is constant in a unit, by name; each of shape (units,), numbers or text."""
    distribution: Distribution | None = None
    """How the outcome is distributed in each cell; None where it was not asked for, or units are split by the months in which workers are seen."""
    notes: tuple[Text, ...] = ()

    @property
    def cohorts(self) -> tuple[int, ...]:
        """First covered months that occur, ascending."""
        return tuple(int(month) for month in np.unique(self.cohort[~np.isnan(self.cohort)]))

    @property
    def seen(self) -> Bools:
        """Whether anybody is seen in a unit and month."""
        return self.weight > 0

    def place(self, month: int) -> int:
        """Give the position of a month on the axis."""
        return self.months.index(month)

    def label(self, month: int) -> str:
        """Write a month for readers."""
        return label(self.period, month)

    def keep(self, units: Bools, months: Bools | None = None, note: Text | None = None) -> Design:
        """Restrict to some units and months."""
        chosen = np.ones(len(self.months), dtype=bool) if months is None else months
        if units.all() and chosen.all():
            return replace(self, notes=(*self.notes, note)) if note else self
        grid = np.ix_(units, chosen)
        pairs = None if self.pairs is None else self.pairs[np.ix_(units, *[np.r_[chosen, chosen, True]] * 2)]
        return replace(
            self,
            months=tuple(month for month, kept in zip(self.months, chosen, strict=True) if kept),
            units=tuple(unit for unit, kept in zip(self.units, units, strict=True) if kept),
            cluster=tuple(cluster for cluster, kept in zip(self.cluster, units, strict=True) if kept),
            cohort=self.cohort[units],
            workers=self.workers[units],
            headcount=self.headcount[units],
            coverage=self.coverage[grid],
            rows=self.rows[grid],
            weight=self.weight[grid],
            total=self.total[grid],
            square=self.square[grid],
            pairs=pairs,
            between=self.between[units] if self.between is not None and chosen.all() else None,
            traits={name: values[units] for name, values in self.traits.items()},
            distribution=None if self.distribution is None else self.distribution.keep(units, chosen),
            notes=(*self.notes, note) if note else self.notes,
        )


def design_of(
    moments: Moments, outcome: str, cluster_level: str = "unit", covered: str | None = None, follow_workers: bool = False
) -> Design:
    """Build the design of one outcome from moments whose units carry `first_covered`.

    `cluster_level` is `worker`, `unit`, or what the units' attribute `cluster` is called. `covered` names an outcome of the moments that is one
    where a unit is covered in a month, for coverage that may end; otherwise coverage follows from the first covered month.
    `follow_workers` splits units by the months in which their workers are seen, so that workers can be held constant; it needs patterns, unless a
    unit is one worker.
    Raises DesignError where coverage is unknown, errors by worker need pairs, or following workers needs patterns that the moments do not hold.
    """
    if "first_covered" not in moments.units:
        raise DesignError(
            "moments: their units do not say when they are first covered.\nFound no `first_covered`.\nCompress the panel with that column."
        )
    by_worker = cluster_level == WORKER
    split = follow_workers and not moments.one_worker_per_unit
    if split and moments.patterns is None:
        raise DesignError(
            "moments: following workers needs sums by the months in which they are seen.\nFound no patterns.\nCompress the panel again with patterns."
        )
    pairs = (moments.patterns[outcome].pairs if moments.patterns else None) if split else (moments.pairs or {}).get(outcome)
    if by_worker and pairs is None and not moments.one_worker_per_unit:
        raise DesignError(
            "moments: errors by worker need sums over pairs of months.\nFound cells alone.\nCompress the panel again with pairs."
        )
    cohort = moments.units["first_covered"].to_numpy(dtype=float)
    months = np.asarray(moments.months)
    follows = np.where(np.isnan(cohort), np.inf, cohort)[:, None] <= months[None, :]
    clusters = moments.units["cluster"] if "cluster" in moments.units and not by_worker else moments.units.index
    design = Design(
        outcome=outcome,
        period=moments.period,
        months=moments.months,
        units=tuple(str(unit) for unit in moments.units.index),
        cohort=cohort,
        coverage=follows if covered is None else moments.array(covered, "wy") > 0,
        rows=moments.array(outcome, "n"),
        weight=moments.array(outcome, "w"),
        total=moments.array(outcome, "wy"),
        square=moments.array(outcome, "wy2"),
        workers=moments.worker_weight(outcome),
        headcount=moments.worker_count(outcome),
        cluster=tuple(str(name) for name in clusters),
        cluster_level=cluster_level,
        pairs=pairs if by_worker and not split else None,
        one_worker_per_unit=moments.one_worker_per_unit,
        followed=moments.one_worker_per_unit,
        traits={str(name): moments.units[name].to_numpy() for name in moments.units if name not in ATTRIBUTES},
        distribution=None if split else distribution_of(moments, outcome),
    )
    if split:
        assert moments.patterns is not None
        design = _split(design, moments.patterns[outcome], pairs if by_worker else None)
    everybody = np.ones(len(design.units), dtype=bool)
    return design.keep(everybody, np.asarray(design.seen.any(axis=0)))


def _split(design: Design, patterns: Patterns, pairs: Floats | None) -> Design:
    """Split units by the months in which their workers are seen."""
    at, names = patterns.unit, patterns.names()
    return replace(
        design,
        units=tuple(f"{design.units[unit]} | {name}" for unit, name in zip(at, names, strict=True)),
        cohort=design.cohort[at],
        coverage=design.coverage[at],
        rows=patterns.workers[:, None] * patterns.seen,
        weight=patterns.weight[:, None] * patterns.seen,
        total=patterns.total,
        square=patterns.square,
        workers=patterns.weight,
        headcount=patterns.workers,
        cluster=tuple(design.cluster[unit] for unit in at),
        traits={name: values[at] for name, values in design.traits.items()},
        pairs=pairs,
        one_worker_per_unit=bool((patterns.workers == 1).all()),
        followed=True,
        between=None if np.isnan(patterns.between).any() else patterns.between,
    )
