"""Sums by the set of months in which workers are seen. May touch: the engine.

The months of a worker are written as bits of whole numbers, because a worker has one row a month: adding powers of two then sets bits, in every
engine. Workers of one unit with the same bits share a pattern; its number is joined back to the rows, which are summed by pattern and month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from impact.errors import DataError
from impact.moments.pass_pairs import CHUNK, add_up, worker_rows
from impact.moments.patterns import Patterns
from impact.moments.rows import Rows, unit_places
from impact.sources.engine import kept
from impact.sources.limits import MEMORY, in_words, limits

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.moments.moments import Floats

_BITS = 62
"""Months that one whole number of 64 bits holds."""
_BYTES_LAID_OUT = 17
"""Bytes of a pattern and month: whether it is seen, and two sums."""
_BYTES_OF_A_SUM = 110
"""Bytes of a pattern and month in which somebody is seen, while its sums come over from the engine; measured."""
_STEADY = 1e-9
"""How far a worker's weights may differ from their mean, relative to it, and still be one weight."""


def pattern_sums(rows: Rows, outcome: str, months: tuple[int, ...], units: pd.Index, pairs: bool = False) -> Patterns:
    """Sum one outcome by unit and pattern; with `pairs` also over pairs of months, pattern by pattern.

    Raises DataError where rows do not name workers, a worker's weight changes, or there are more patterns than memory.
    """
    if not rows.followed:
        raise DataError(
            "patterns: workers are not followed over time.\nFound rows without `worker`.\nName the column of workers, or leave patterns out."
        )
    each, words = _seen(rows, outcome, months)
    _require_room(each, months, pairs)
    marked = _marked(rows, outcome, each)
    found, heads = _sums_by_month(rows, marked, outcome), _heads(rows, each, words, units)
    _require_steady(found)
    patterns = _arranged(heads, found, months)
    return patterns.with_pairs(_pairs(rows, marked, outcome, months, heads)) if pairs else patterns


def _seen(rows: Rows, outcome: str, months: tuple[int, ...]) -> tuple[ir.Table, list[str]]:
    """Give one row per worker: the months in which the worker has a value, as `mask_0, …`, their number, the worker's sum and mean weight."""
    table = rows.table.filter(rows.table[outcome].notnull())
    place = (table["month"] - months[0]).cast("int64")
    masks = {f"mask_{word}": _bits(place, word) for word in range((months[-1] - months[0]) // _BITS + 1)}
    weight = table["weight"].mean() if rows.weighted else ibis.literal(1.0)
    sums = {"sum_": (rows.weight(table) * table[outcome]).sum(), "months_": table.count(), "weight_": weight}
    each = kept(table.group_by(*rows.keys, "worker").aggregate(**masks, **sums))
    # DuckDB keeps the sum of whole numbers, and the figure 1.0, as decimals, which come into Python one by one
    each = each.mutate(**{mask: each[mask].cast("int64") for mask in masks}, weight_=each["weight_"].cast("float64"))
    labels = [*rows.keys, *masks]
    # Numbered are the patterns, not the workers: an engine of many machines gives a number to every row on one of them
    patterns = each.select(*labels).distinct().mutate(pattern_=ibis.row_number().over(ibis.window(order_by=labels)))
    return kept(each.inner_join(kept(patterns), labels).select(*each.columns, "pattern_")), list(masks)


def _bits(place: ir.IntegerColumn, word: int) -> ir.IntegerScalar:
    """Set a bit for each month that a word holds."""
    inside = place.between(word * _BITS, word * _BITS + _BITS - 1)
    # PostgreSQL and Spark shift a 64-bit number, which a literal is not there, by a 32-bit one
    power = inside.ifelse(1, 0).cast("int64") << inside.ifelse(place - word * _BITS, 0).cast("int32")
    return power.sum().cast("int64")


def _require_room(each: ir.Table, months: tuple[int, ...], pairs: bool) -> None:
    """Refuse before anything is laid out what would not fit: where months are missed at random, every worker has a pattern of its own."""
    patterns = each.group_by("pattern_").aggregate(months_=each["months_"].max())
    sums = patterns.aggregate(patterns=patterns.count(), cells=patterns["months_"].sum(), workers=each.count().as_scalar())
    found = sums.to_pyarrow().to_pylist()[0]
    count, cells = int(found["patterns"]), int(found["cells"] or 0)
    needed = count * len(months) * _BYTES_LAID_OUT + cells * _BYTES_OF_A_SUM + (count * 8 * (2 * len(months) + 1) ** 2 if pairs else 0)
    allowed = limits().memory_bytes
    if needed <= allowed:
        return
    raise DataError(
        f"patterns: there are more sets of months than memory.\nFound {count:,} sets among {int(found['workers']):,} workers in {len(months):,} months, "
        f"which {'with pairs of months ' if pairs else ''}take {in_words(needed)}; allowed are {in_words(allowed)}.\n"
        f"Take effects of units in the place of workers ({'errors by unit, or ' if pairs else ''}`att_gt` on all workers needs no patterns), write months "
        f"in which a worker stays and earns nothing as zeros, so that a worker is seen from first to last month, or set {MEMORY} higher."
    )


def _marked(rows: Rows, outcome: str, each: ir.Table) -> ir.Table:
    """Write to every row with a value the pattern of its worker."""
    table = rows.table.filter(rows.table[outcome].notnull())
    counted = each.aggregate(rows=each.count(), workers=each["worker"].nunique()).to_pyarrow().to_pylist()[0]
    on = ["worker"] if counted["rows"] == counted["workers"] else [*rows.keys, "worker"]
    marks = each.select(*on, "pattern_", "weight_")
    marked = table.inner_join(marks, on)
    return marked.select("worker", "month", outcome, "pattern_", "weight_", *(["weight"] if rows.weighted else []))


def _sums_by_month(rows: Rows, marked: ir.Table, outcome: str) -> pd.DataFrame:
    """Sum by pattern and month."""
    value, weight = marked[outcome], rows.weight(marked)
    sums = {"wy": (weight * value).sum(), "wy2": (weight * value * value).sum()}
    if rows.weighted:
        sums["unsteady"] = ((marked["weight"] / marked["weight_"] - 1).abs() > _STEADY).sum()
    found: pd.DataFrame = marked.group_by("pattern_", "month").aggregate(**sums).to_pandas()
    return found


def _require_steady(found: pd.DataFrame) -> None:
    count = int(found["unsteady"].sum()) if "unsteady" in found else 0
    if count:
        raise DataError(
            f"patterns: the weight of a worker changes from month to month.\nFound in {count:,} worker-months.\n"
            "Fixed effects of workers are compressed with one weight a worker: give each worker one weight, or leave patterns out."
        )


def _heads(rows: Rows, each: ir.Table, words: list[str], units: pd.Index) -> pd.DataFrame:
    """Give one row per pattern, in the order of unit and masks: `unit_, pattern_, mask_0, …, workers, w, between`."""
    between = each["sum_"] * each["sum_"] / (each["weight_"] * each["months_"])
    sums = {"workers": each.count(), "w": each["weight_"].sum(), "between": between.sum()}
    found: pd.DataFrame = each.group_by(*rows.keys, *words, "pattern_").aggregate(**sums).to_pandas()
    return found.assign(unit_=unit_places(rows, found, units)).sort_values(["unit_", *words], ignore_index=True)


def _arranged(heads: pd.DataFrame, found: pd.DataFrame, months: tuple[int, ...]) -> Patterns:
    """Lay the sums out by pattern."""
    row = pd.Index(heads["pattern_"]).get_indexer(pd.Index(found["pattern_"]))
    place = np.searchsorted(np.asarray(months), found["month"].to_numpy())
    shape = (len(heads), len(months))
    seen, total, square = np.zeros(shape, dtype=bool), np.zeros(shape), np.zeros(shape)
    seen[row, place], total[row, place], square[row, place] = True, found["wy"].to_numpy(), found["wy2"].to_numpy()
    workers, weight, between = (heads[name].to_numpy(dtype=float) for name in ("workers", "w", "between"))
    return Patterns(heads["unit_"].to_numpy(), seen, workers, weight, total, square, between)


def _pairs(rows: Rows, marked: ir.Table, outcome: str, months: tuple[int, ...], heads: pd.DataFrame) -> Floats:
    """Sum over pairs of months, pattern by pattern."""
    gram = np.zeros((len(heads), 2 * len(months) + 1, 2 * len(months) + 1))
    patterns = pd.Index(heads["pattern_"])
    wide = worker_rows(rows, marked, outcome, months, ("pattern_",))
    for batch in wide.to_pyarrow_batches(chunk_size=CHUNK):
        frame = batch.to_pandas()
        add_up(gram, frame, patterns.get_indexer(pd.Index(frame["pattern_"])), months)
    return gram
