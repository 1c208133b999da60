"""A world lived through in memory, as far as one study needs it, with the truth about the study's question. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from impact.months import label
from impact.simulate.chunk import lived
from impact.simulate.orders import order_law
from impact.simulate.population import Pool, people_of, pools
from impact.simulate.scene import Scene, scene_of
from impact.simulate.study_tables import QUIET_MONTHS, study_tables
from impact.simulate.tally import OUTCOMES, Tally, table, tally
from impact.simulate.world import World

CONTRAST = "waiver"
"""Table in which the eligible of a covered platform are set against its others, both under the agreement."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a study would read, and the counts of the worlds with and without agreements."""

    scene: Scene
    name: str
    rows: pa.Table
    counts: pd.DataFrame

    def truth(self, column: str) -> float:
        """Give the true mean effect on a column of the study's table, over covered workers and months that the study sees.

        Where the eligible are set against others who are covered too, it is the difference between their effects.
        """
        if self.name != CONTRAST:
            return _effect(self.scene, self.counts, column)
        parts = [_effect(self.scene, self.counts[self.counts["eligible"] == eligible], column) for eligible in (True, False)]
        return parts[0] - parts[1]


def rehearse(world: World, name: str) -> Rehearsal:
    """Live through the pools that a table of `clean/` is made of, in both worlds, without writing anything."""
    scene = scene_of(world)
    twin, tables, counts = scene.without_agreements(), [], []
    for pool in _needed(scene, name):
        law, worlds = order_law(world.work[pool.industry]), dict[str, Tally]()
        for chunk in range(pool.chunks):
            people = people_of(scene, pool, chunk)
            one = lived(scene, pool, chunk, people, law)
            tables += [rows for held, rows in study_tables(one).items() if held.replace("-", "_") == name]
            both = (("with", tally(one)), ("without", tally(lived(twin, pool, chunk, people, law))))
            worlds = {key: worlds[key] + more if key in worlds else more for key, more in both}
        counts.append(table(scene, pool, worlds))
    plain = pa.concat_tables([_plain(rows) for rows in tables])
    held = pd.concat(counts, ignore_index=True)
    return Rehearsal(scene, name, plain, _of_table(scene, name, held))


def _needed(scene: Scene, name: str) -> list[Pool]:
    """Choose the pools that a table is made of."""
    groups = {unit.industry for unit in scene.units if unit.group.replace("-", "_") == name}
    if name == CONTRAST:
        return [pool for pool in pools(scene) if pool.name in scene.by_platform]
    return [pool for pool in pools(scene) if (pool.local and pool.industry in groups) or (name == pool.industry and not pool.local)]


def _of_table(scene: Scene, name: str, counts: pd.DataFrame) -> pd.DataFrame:
    mine = {unit.id for unit in scene.units if unit.group.replace("-", "_") == name}
    return counts[counts["group"].isin(mine)] if mine else counts


def _plain(rows: pa.Table) -> pa.Table:
    """Write out names that stand once each, so that parts can be put together."""
    columns = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in rows.columns]
    return pa.table(columns, names=rows.column_names)


def _effect(scene: Scene, counts: pd.DataFrame, column: str) -> float:
    above, below = OUTCOMES[column]
    start = {**{name: one.start for name, one in scene.by_platform.items()}, **{name: one.start for name, one in scene.by_unit.items()}}
    until = label("month", scene.world.first + scene.world.months - QUIET_MONTHS)
    begun = counts["group"].map({name: label("month", scene.world.first + place) for name, place in start.items() if place < 10**4})
    covered = counts[(counts["month"] >= begun.fillna("9999-12")) & (counts["month"] < until)].assign(cohort=begun)
    if covered.empty:
        return float("nan")
    summed = covered.groupby(["cohort", "month", "world"])[[above, below]].sum()
    rates = (summed[above] / summed[below].where(summed[below] > 0)).unstack("world")
    weight = summed[below].unstack("world")["with"].where(rates.notna().all(axis=1), 0.0)
    difference = (rates["with"] - rates["without"]).fillna(0.0)
    return float(np.average(difference, weights=weight))
