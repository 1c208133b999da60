"""Covariates as users name them become columns of numbers: `x1`, and `C(x2)` for categories. May touch: the engine.

A column of categories becomes one column of zeros and ones for each level but the first, which the others are measured against.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis

from impact import settings
from impact.clean import values
from impact.errors import StudyError

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.sources.raw import RawTable

MOST_LEVELS = 50
"""Levels above which a column is taken for a name or a number, and refused as categories."""
_CATEGORIES = re.compile(r"C\((.+)\)")


@dataclass(frozen=True, slots=True)
class Covariate:
    """One covariate as named, the columns of numbers that stand for it, and its levels where it has some."""

    name: str
    columns: tuple[str, ...]
    levels: tuple[str, ...] = ()

    @property
    def fact(self) -> str:
        """Say which levels there are; empty for numbers."""
        return f"{self.name}: {self.levels[0]} (left out), {', '.join(self.levels[1:])}" if self.levels else ""


def with_categories(raw: RawTable, names: Sequence[str]) -> tuple[RawTable, tuple[Covariate, ...]]:
    """Add columns of zeros and ones for the levels of every covariate written C(NAME).

    Raises DataError for a column that is not there, StudyError for a column with a single level or more than `MOST_LEVELS`.
    """
    found: list[Covariate] = []
    added: dict[str, ir.Column] = {}
    for name in names:
        match = _CATEGORIES.fullmatch(name)
        if match is None:
            found.append(Covariate(name, (name,)))
            continue
        key = _key(raw, match[1].strip())
        levels = _levels(raw, name, key)
        columns = {f"{name}={level}": (key == value).cast("float64") for level, value in list(levels.items())[1:]}
        added |= columns
        found.append(Covariate(name, tuple(columns), tuple(levels)))
    return (replace(raw, table=raw.table.mutate(**added)) if added else raw), tuple(found)


def _key(raw: RawTable, source: str) -> ir.Column:
    """Give what tells levels apart: numbers where all values are numbers, text elsewhere; missing where nothing is given."""
    column = raw.column(source)
    written = values.text(column).value
    missing = written.lower().isin(settings.MISSING_WORDS) | column.cast("string").isin(list(raw.missing.get(source, ())))
    number = values.number(column)
    others = raw.table.aggregate(found=(number.bad & ~missing.fill_null(True)).sum()).to_pyarrow().to_pylist()[0]["found"]
    return missing.fill_null(True).ifelse(ibis.null(), written if others else number.value)


def _levels(raw: RawTable, name: str, key: ir.Column) -> dict[str, object]:
    """List levels in order, as written and as they are."""
    each = raw.table.select(level_=key).filter(ibis._["level_"].notnull()).distinct()
    count = int(each.count().to_pyarrow().as_py())
    if not 1 < count <= MOST_LEVELS:
        raise StudyError(
            f"{raw.name}: covariate `{name}` cannot be used as categories.\nFound {count:,} level{'s' if count != 1 else ''}; there may be 2 to {MOST_LEVELS}.\n"
            "Leave it out, name it without C() if it is a number, or join its levels in the source."
        )
    levels = sorted(each.to_pyarrow()["level_"].to_pylist())
    return {f"{level:.15g}" if isinstance(level, float) else values.shown(level): level for level in levels}
