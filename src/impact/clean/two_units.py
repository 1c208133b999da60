"""One worker has one row a month: find those who have two, and deal with those seen in two units as the study says. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import ibis

from impact.clean.audit import Rule
from impact.sources.engine import kept
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

TwoUnits = Literal["refuse", "first", "main", "split"]
"""What becomes of a worker seen in two units in one month: an error; the row in the unit in which the worker was seen first; the row with most hours; or
all rows, each with its share of the worker's weight."""
TWO_UNITS = "two_units"
"""Name of the rule in audits."""
_BITS = 62
"""Months that one whole number of 64 bits holds."""
HOURS = "_hours"
"""Column of hours that decides on the main unit; no outcome can be called so."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many workers there are, and who stands more than once in a month."""

    workers: int
    twice: bool
    """Whether a worker has two rows in one month."""
    within_unit: bool
    """Whether two of them are in the same unit; False where nobody looked because no worker has two."""


def repeats_in(table: ir.Table, ends: tuple[int, int]) -> Repeats:
    """Count the workers of worker-months, and look for two rows of one worker in one month.

    `ends` are the first and the last month. Months are bits of a whole number for each worker: where their sum is not their union, one stands twice.
    Grouping by worker and month tells the same of any number of months, and in every engine (Spark has no union of bits, and its sums of whole numbers
    run over), and takes three times as long.
    """
    if ends[1] - ends[0] >= _BITS or ibis.get_backend(table).name != "duckdb":
        each = table.group_by("worker", "month").aggregate(rows_=table.count())
        found = each.aggregate(workers=each["worker"].nunique(), twice=(each["rows_"] > 1).any()).to_pyarrow().to_pylist()[0]
    else:
        bit = ibis.literal(1, "int64") << (table["month"] - ends[0]).cast("int64")
        masks = table.group_by("worker").aggregate(sum_=bit.sum(), union_=bit.bit_or())
        found = masks.aggregate(workers=masks.count(), twice=(masks["sum_"] != masks["union_"]).any()).to_pyarrow().to_pylist()[0]
    twice = bool(found["twice"])
    return Repeats(int(found["workers"]), twice, twice and "unit" in table.columns and _within_unit(table))


def _within_unit(table: ir.Table) -> bool:
    each = table.group_by("worker", "month", "unit").aggregate(rows_=table.count())
    return bool(each.aggregate(found=(each["rows_"] > 1).any()).to_pyarrow().to_pylist()[0]["found"])


def one_unit_a_month(table: ir.Table, rule: TwoUnits) -> tuple[ir.Table, Rule]:
    """Leave one row of each worker a month, or share the worker out, and count the worker-months that had more.

    The table has `worker, month, unit`, `HOURS` for the rule `main`, and may have `weight`; two rows of a worker in a month are in different units.
    """
    several = table.mutate(rows_=table.count().over(ibis.window(group_by=["worker", "month"])))
    if rule == "split":
        weight = several["weight"] if "weight" in table.columns else ibis.literal(1.0)
        chosen = several.mutate(weight=weight / several["rows_"])
    else:
        ranked = _ranked(several, rule)
        chosen = ranked.filter(ranked["rank_"] == 0)
    clean = kept(chosen)
    count = clean.filter(clean["rows_"] > 1)
    rows = int(count.select("worker", "month").distinct().count().to_pyarrow().as_py())
    dropped = [name for name in ("rows_", "rank_", "seen_") if name in clean.columns]
    return clean.drop(*dropped), Rule(
        Text("worker-months in two units", "同月出现在两个单位的劳动者"),
        "dropped" if rule != "split" else "changed",
        rows,
        _WHY[rule],
        TWO_UNITS,
    )


def _ranked(several: ir.Table, rule: TwoUnits) -> ir.Table:
    """Rank the rows of a worker in a month; ties go by the name of the unit, so that the choice is the same every time."""
    if rule == "main":
        order = [several[HOURS].desc(nulls_first=False), several["unit"]]
    else:
        several = several.mutate(seen_=several["month"].min().over(ibis.window(group_by=["worker", "unit"])))
        order = [several["seen_"], several["unit"]]
    return several.mutate(rank_=ibis.row_number().over(ibis.window(group_by=["worker", "month"], order_by=order)))


_WHY: dict[TwoUnits, Text] = {
    "first": Text("rule of the study: the unit in which the worker was seen first counts", "研究规则：以该劳动者最早出现的单位为准"),
    "main": Text("rule of the study: the unit with most hours in the month counts", "研究规则：以当月工时最多的单位为准"),
    "split": Text("rule of the study: each row counts with its share of the worker's weight", "研究规则：各行按份额分摊该劳动者的权重"),
}
