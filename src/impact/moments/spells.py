"""Who is at risk of leaving and who leaves, by unit, month of entry and tenure. May touch: the engine.

A spell enters at a tenure (zero, or later where it began before the data), and ends by a cause or is still open at the end. Counts of entries, exits by
cause and open ends by tenure are all that survival, hazards, competing risks and every rate of attrition need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pandas as pd

from impact.panel.attrition.survival import survival_of_counts

if TYPE_CHECKING:
    import ibis.expr.types as ir

SPELL_COLUMNS = ("unit", "entry_cohort", "tenure", "cause", "n", "w")
"""Columns of `Moments.spells`: spells, and their weights, that at a tenure do what `cause` says."""
ENTERED, CENSORED = "entered", "censored"


def spell_sums(spells: ir.Table, step: int = 1) -> pd.DataFrame:
    """Count spells by unit, month of entry, tenure and what happens there; columns `SPELL_COLUMNS`.

    `spells` has one row per spell: `unit, entry_cohort, entry_days, end_days`, `cause` (missing where the end is not seen), and may have `weight`.
    `step` is the width of a class of tenure in days: one keeps every day; tenures count from 0 in classes.
    """
    weight = spells["weight"] if "weight" in spells.columns else ibis.literal(1.0)
    held = spells.mutate(weight_=weight)
    entered = _counted(held, held["entry_days"], ibis.literal(ENTERED), step)
    ended = _counted(held, held["end_days"], held["cause"].fill_null(CENSORED), step)
    table: pd.DataFrame = ibis.union(entered, ended).to_pandas()
    return table.astype({"w": float}).sort_values(list(SPELL_COLUMNS[:4]), ignore_index=True)[list(SPELL_COLUMNS)]


def _counted(spells: ir.Table, days: ir.Column, cause: ir.Value, step: int) -> ir.Table:
    marked = spells.mutate(tenure=(days // step).cast("int64"), happens_=cause)
    keys = {
        "unit": marked["unit"].cast("string"),
        "entry_cohort": marked["entry_cohort"],
        "tenure": marked["tenure"],
        "cause": marked["happens_"],
    }
    return marked.group_by(**keys).aggregate(n=marked.count(), w=marked["weight_"].sum())


def survival_from(spells: pd.DataFrame) -> pd.DataFrame:
    """Estimate survival by tenure from the rows given, over all units and months of entry among them, with delayed entry.

    Gives what `panel.attrition.survival` gives; tenure is in classes of the step with which the spells were counted.
    """
    counts = spells.pivot_table(index="tenure", columns="cause", values="w", aggfunc="sum", fill_value=0.0)
    none = pd.Series(0.0, index=counts.index)
    exits = counts.drop(columns=[ENTERED, CENSORED], errors="ignore").sum(axis=1)
    entered, censored = counts.get(ENTERED, none), counts.get(CENSORED, none)
    return survival_of_counts(
        pd.DataFrame({"day": counts.index, "entered": entered, "exits": exits, "censored": censored}).reset_index(drop=True)
    )
