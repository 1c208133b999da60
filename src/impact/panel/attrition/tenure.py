"""Spells on the clock of tenure, with their cause: what survival and moments of spells are made of. May touch: the engine.

The clock runs from the day of joining, also after a return: who comes back enters late, at the tenure reached by then, and is at risk again (recurrent exits); with
`recurrent=False` the first exit is the last (absorbing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from impact.panel.attrition.survival import error_at, survival_at, survival_of_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir


def tenure_spells(spells: ir.Table, people: ir.Table, switched: ir.Table | None = None, recurrent: bool = True) -> ir.Table:
    """Give one row per spell: `worker, unit, entry_cohort, entry_days, end_days, cause`.

    `spells` is what `window_spells` gives for one window. `people` has `worker, unit, entry_cohort, joined, until` and, where they are known, `closed, purged` and
    `contract_end`; `switched` has `worker, since` of exits in which the person is active elsewhere. A spell that has not ended is censored, with no cause, on the last
    day on which an exit would be known: `until` less the window. What is active after it was never at risk of an exit that could be seen, so that a spell that begins
    after it is left out. The cause of an exit is what happened within the window after it: closure, purge, end of contract, then switch; `exit` where nothing is known.
    """
    held = spells.join(people, "worker")
    if not recurrent:
        held = held.filter(held["start"] == held["start"].min().over(ibis.window(group_by="worker")))
    held = held.filter(held["start"] <= held["until"] - held["window"])
    end = held["ended"].ifelse(held["since"], held["until"] - held["window"])
    return held.mutate(cause=held["ended"].ifelse(_cause(held, switched), ibis.null("string")), end=end).select(
        "worker",
        "unit",
        "entry_cohort",
        "cause",
        entry_days=ibis.greatest(held["start"] - held["joined"], 0).cast("int32"),
        end_days=ibis.greatest(end - held["joined"], 0).cast("int32"),
    )


def _cause(held: ir.Table, switched: ir.Table | None) -> ir.Column:
    cases: list[tuple[ir.Column, str]] = []
    last = held["since"] + held["window"]
    if "closed" in held.columns:
        soon = held["closed"].between(held["since"], last).fill_null(False)
        cases += [(soon & ~held["purged"], "closure"), (soon & held["purged"], "purge")]
    if "contract_end" in held.columns:
        cases.append((held["contract_end"].between(held["since"], last).fill_null(False), "contract"))
    if switched is not None:
        gone = switched.select(key=switched["worker"].concat("·", switched["since"].cast("string")))["key"]
        cases.append((held["worker"].concat("·", held["since"].cast("string")).isin(gone), "switch"))
    return ibis.cases(*cases, else_="exit") if cases else ibis.literal("exit")


def cohort_survival(spells: ir.Table, days: Sequence[int], by: Sequence[str] = ("entry_cohort",)) -> pd.DataFrame:
    """Estimate S(day) for each group of spells, with delayed entry, from counts by tenure.

    `spells` is what `tenure_spells` gives. Returns one row per group and day: `by, day, workers, survival, std_error`; missing where nobody
    of the group is at risk yet, because all enter later, and where the group is not followed so long.
    """
    none, gone = ibis.literal(0, "int64"), spells["cause"].notnull()
    starts = spells.group_by(*by, day="entry_days").aggregate(entered=spells.count(), exits=none, censored=none)
    ends = spells.group_by(*by, day="end_days").aggregate(entered=none, exits=gone.sum(), censored=(~gone).sum())
    both = ibis.union(starts, ends)
    counts = both.group_by(*by, "day").aggregate(**{name: both[name].sum() for name in ("entered", "exits", "censored")}).to_pandas()
    found = [row for group, rows in counts.groupby(list(by), sort=True) for row in _points(dict(zip(by, group, strict=True)), rows, days)]
    return pd.DataFrame(found)


def _points(labels: dict[str, object], counts: pd.DataFrame, days: Sequence[int]) -> list[dict[str, object]]:
    curve = survival_of_counts(counts.sort_values("day"))
    earliest = int(counts.loc[counts["entered"] > 0, "day"].min())
    longest = int(counts.loc[counts["exits"] + counts["censored"] > 0, "day"].max())
    rows: list[dict[str, object]] = []
    for day in days:
        known = earliest <= day <= longest
        value = (survival_at(curve, day), error_at(curve, day)) if known else (np.nan, np.nan)
        rows.append({**labels, "day": day, "workers": int(counts["entered"].sum()), "survival": value[0], "std_error": value[1]})
    return rows
