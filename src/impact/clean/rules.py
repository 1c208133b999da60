"""Rules on rows: what each is called, which rows it meets, and what becomes of them; counted once, with where the rows stand. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from impact.clean.audit import Audit, Cleaned, Finding, Rule
from impact.sources.dataset import FILE, ROW
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

TOUCHED = pa.schema([("rule", pa.string()), ("action", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("column", pa.string())])
"""Layout of the list of rows that rules met."""
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule on the rows of a table; a column of that table, yes or no, says which rows it meets."""

    id: str
    """Name of the rule, and of the column that says which rows it meets."""
    action: Literal["changed", "dropped", "flagged"]
    name: Text
    why: Text
    column: str = ""
    """Column that shows it, as files call it; empty where the whole row does."""


def apply(
    engine: Backend,
    name: str,
    marked: ir.Table,
    rules: Sequence[RowRule],
    source: str,
    sha256: str,
    files: Sequence[tuple[Rule, pa.Table]] = (),
    findings: Sequence[Finding] = (),
) -> Cleaned:
    """Drop and flag rows by rules, in their order, and count what each met.

    `marked` has a yes-or-no column for each rule, with no value missing, beside `file_` and `row_`. A row that several rules would drop is counted under
    the first, so that rows in less rows dropped are rows kept; the list of touched rows names it under each. `files` are rules on whole files, already counted.
    """
    table = store(engine, f"marked_{name}", marked)
    rows_in = int(table.count().to_pyarrow().as_py())
    lists = [_touched(table, rule) for rule in rules]
    touched = pa.concat_tables([*(list_ for _, list_ in files), *lists]) if files or lists else TOUCHED.empty_table()
    counts = _counts(table, rules)
    counted = [_rule(rule, counts[rule.id], list_) for rule, list_ in zip(rules, lists, strict=True)]
    dropping = [rule.id for rule in rules if rule.action == "dropped"]
    kept = table.filter(~_any(table, dropping)) if dropping else table
    flags = {f"flag_{rule.id}": kept[rule.id] for rule in rules if rule.action == "flagged"}
    result = kept.mutate(**flags).drop(*(rule.id for rule in rules))
    rows_kept = rows_in - sum(rule.rows for rule in counted if rule.action == "dropped")
    audit = Audit(source, sha256, rows_in, (*(rule for rule, _ in files), *counted), rows_kept, name)
    return Cleaned(result, audit, touched, tuple(findings))


def file_rule(rule: RowRule, files: Sequence[str], rows: int) -> tuple[Rule, pa.Table]:
    """Count a rule that meets whole files; their row is missing in the list of what was touched."""
    listed = [{"rule": rule.id, "action": rule.action, "file": file, "row": None, "column": rule.column} for file in files]
    examples = tuple(files[:_EXAMPLES])
    return Rule(rule.name, rule.action, rows, rule.why, rule.id, examples), pa.Table.from_pylist(listed, TOUCHED)


def _touched(table: ir.Table, rule: RowRule) -> pa.Table:
    met = table.filter(table[rule.id]).select(FILE, ROW).order_by(FILE, ROW).to_pyarrow()
    columns = [pa.array([word] * len(met), pa.string()) for word in (rule.id, rule.action)]
    return pa.table(
        [*columns, met[FILE].cast(pa.string()), met[ROW].cast(pa.int64()), pa.array([rule.column] * len(met), pa.string())], schema=TOUCHED
    )


def _counts(table: ir.Table, rules: Sequence[RowRule]) -> dict[str, int]:
    """Count the rows of each rule; those that an earlier rule drops already do not count again."""
    import ibis

    gone: ir.BooleanValue = ibis.literal(False)
    conditions = {}
    for rule in rules:
        conditions[rule.id] = (table[rule.id] & ~gone).sum()
        if rule.action == "dropped":
            gone = gone | table[rule.id]
    if not conditions:
        return {}
    found = table.aggregate(**conditions).to_pyarrow().to_pylist()[0]
    return {name: int(value or 0) for name, value in found.items()}


def _any(table: ir.Table, names: Sequence[str]) -> ir.BooleanValue:
    met = table[names[0]]
    for name in names[1:]:
        met = met | table[name]
    return met


def _rule(rule: RowRule, rows: int, touched: pa.Table) -> Rule:
    places = touched.slice(0, _EXAMPLES).to_pylist()
    return Rule(rule.name, rule.action, rows, rule.why, rule.id, tuple(f"{place['file']}, row {place['row']}" for place in places))
