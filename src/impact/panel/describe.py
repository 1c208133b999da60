"""Descriptions before any model: who is there, who is covered when, raw means. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def by_month(table: ir.Table, outcomes: tuple[str, ...] = ()) -> pd.DataFrame:
    """Count rows by month, with the mean of each outcome; one row per month."""
    means = {f"mean_{outcome}": table[outcome].mean() for outcome in outcomes}
    described: pd.DataFrame = table.group_by("month").aggregate(rows=table.count(), **means).order_by("month").to_pandas()
    return described


def adoption(table: ir.Table) -> pd.DataFrame:
    """Count workers by month and state; columns `month, state, workers`.

    The table is that of `Coverage`; workers covered when first seen are not in it.
    """
    switching = table.filter(~table["covered_at_start"])
    aside, covered = switching["set_aside"], switching["covered"]
    state = aside.ifelse(ibis.literal("set_aside"), covered.ifelse(ibis.literal("covered"), ibis.literal("not_covered")))
    counted: pd.DataFrame = switching.group_by(month=switching["month"], state=state).aggregate(workers=switching.count()).to_pandas()
    return counted.sort_values(["month", "state"], ignore_index=True)


def paths(sample: ir.Table, outcome: str) -> pd.DataFrame:
    """Average an outcome by month, for those who come under coverage at some time and those who never do; columns `month, group, mean, workers`."""
    group = sample["first_covered"].isnull().ifelse(ibis.literal("never"), ibis.literal("ever"))
    valued = sample[outcome].notnull()
    grouped = sample.group_by(month=sample["month"], group=group)
    averaged: pd.DataFrame = grouped.aggregate(mean=sample[outcome].mean(), workers=valued.sum()).to_pandas()
    return averaged.sort_values(["month", "group"], ignore_index=True)
