"""Rows that stand twice: copies and replaced versions are dropped and counted, contradictions are refused. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from impact.clean.platform.reading import Typed
from impact.clean.rules import RowRule
from impact.errors import DataError
from impact.sources.dataset import FILE, ROW, Dataset
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

_VERSION = "updated_at"
_NAMES = {"worker_day": ("duplicate_day", "amended_day")}


def mark_repeats(table: ir.Table, typed: Typed, dataset: Dataset) -> tuple[ir.Table, list[RowRule]]:
    """Mark rows that an identical row before them makes superfluous, and rows that a later version replaces; give the rules for them.

    Raises DataError where two rows share a key and contradict each other.
    """
    copies, versions = _NAMES.get(dataset.name, ("duplicate_row", "amended_row"))
    key, dated = list(typed.delivered.key), _VERSION in table.columns
    none = {copies: ibis.literal(False), **({versions: ibis.literal(False)} if dated else {})}
    counted = table.group_by(key).aggregate(rows_=table.count())
    several = counted.filter(counted["rows_"] > 1).drop("rows_")
    if not int(several.count().to_pyarrow().as_py()):
        return table.mutate(**none), _rules(copies, versions, dated)
    business = [name for name in table.columns if name not in (FILE, ROW, "declared_date", "correction")]
    meeting = table.semi_join(several, key)
    meeting = store(dataset.engine, f"repeats_of_{dataset.name}", meeting.mutate(content_=_content(meeting, business)))
    same = ibis.window(group_by=[*key, "content_"], order_by=[FILE, ROW])
    marks = {copies: ibis.row_number().over(same) > 0}
    if dated:
        latest = meeting[_VERSION].max().over(ibis.window(group_by=key))
        marks[versions] = (meeting[_VERSION] < latest).fill_null(False)
    meeting = store(dataset.engine, f"ranked_{dataset.name}", meeting.mutate(**marks))
    _refuse_contradictions(meeting, typed, dataset, meeting[copies] | (meeting[versions] if dated else ibis.literal(False)))
    found = meeting.select(file_met_=meeting[FILE], row_met_=meeting[ROW], **{f"{name}_met_": meeting[name] for name in none})
    joined = table.left_join(found, [table[FILE] == found["file_met_"], table[ROW] == found["row_met_"]])
    joined = joined.mutate(**{name: joined[f"{name}_met_"].fill_null(False) for name in none})
    return joined.drop("file_met_", "row_met_", *(f"{name}_met_" for name in none)), _rules(copies, versions, dated)


def _content(table: ir.Table, names: list[str]) -> ir.StringValue:
    """Write a row as one text; a missing value is told from an empty one."""
    text = ibis.literal("")
    for name in names:
        text = text + table[name].cast("string").fill_null("␀") + ibis.literal("␟")
    return text


def _refuse_contradictions(table: ir.Table, typed: Typed, dataset: Dataset, gone: ir.BooleanValue) -> None:
    left = table.filter(~gone)
    key = list(typed.delivered.key)
    twice = left.group_by(key).aggregate(rows_=left.count())
    twice = twice.filter(twice["rows_"] > 1)
    number = int(twice.count().to_pyarrow().as_py())
    if not number:
        return
    first = twice.order_by(key).limit(1).to_pyarrow().to_pylist()[0]
    here = ibis.literal(True)
    for name in key:
        here = here & (left[name] == ibis.literal(first[name], type=left[name].type()))
    rows = left.filter(here).order_by(FILE, ROW).limit(3).select(FILE, ROW).to_pyarrow().to_pylist()
    named = " and ".join(f"`{typed.received[name]}`" for name in key)
    places = " and ".join(f"{row[FILE]}, row {row[ROW]}" for row in rows)
    raise DataError(
        f"{dataset.name}: {number:,} key{'s' if number > 1 else ''} stand more than once, with different values.\n"
        f"Found the same {named} in {places}.\nAsk which row holds, and take the other out of the export; identical rows are dropped and counted."
    )


def _rules(copies: str, versions: str, dated: bool) -> list[RowRule]:
    rules = [
        RowRule(
            copies,
            "dropped",
            Text("the same row again", "重复行"),
            Text("every value is that of an earlier row; the first one stays", "所有取值与前面某行相同；保留首行"),
        )
    ]
    if dated:
        why = Text("a version of the same key was written later, and stays", "同一主键有更晚写入的版本，保留后者")
        rules.append(RowRule(versions, "dropped", Text("replaced by a later version", "已被更新的版本取代"), why, _VERSION))
    return rules
