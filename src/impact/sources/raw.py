"""A table as it was received. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from impact.errors import DataError, listing, nearest
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as it was received, and what messages call it."""

    table: ir.Table
    engine: Backend
    name: str
    """File or package name, for messages."""
    first_row: int
    """Number that users see beside the first record: 2 in a CSV file (the header is row 1), 1 elsewhere."""
    sha256: str
    """Hash of the bytes that were read."""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column to value as text to label, where the file brings labels."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Column to its question or description, where the file brings one."""
    missing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column to value as text to its label, for values that the file itself declares as missing; they stand in the table as they are."""
    encoding: str = ""
    """How the bytes were read as text: `utf-8`, `utf-8-sig` or `gb18030`; empty where the file is no text."""
    notes: tuple[Text, ...] = ()
    """What a reader must know about how the file was understood."""
    typed: bool = False
    """Whether the columns have their types and can be read again and again at little cost, as those of Parquet files."""

    def column(self, name: str) -> ir.Column:
        """Give one column.

        Raises DataError with the nearest spelling where it is missing.
        """
        if name not in self.table.columns:
            hint = nearest(name, self.table.columns) or "Name one of the columns found."
            raise DataError(f"{self.name}: there is no column `{name}`.\nColumns found: {listing(self.table.columns, 30)}.\n{hint}")
        return self.table[name]

    def profile(self) -> pd.DataFrame:
        """Describe the columns without showing a value: `column, type, missing, distinct`, one row per column."""
        import pandas as pd

        names = list(self.table.columns)
        counts = {f"missing_{place}": self.table[name].isnull().sum() for place, name in enumerate(names)}
        counts |= {f"distinct_{place}": self.table[name].nunique() for place, name in enumerate(names)}
        found = self.table.aggregate(**counts).to_pyarrow().to_pylist()[0]
        rows = [
            (name, str(self.table[name].type()), found[f"missing_{place}"], found[f"distinct_{place}"]) for place, name in enumerate(names)
        ]
        return pd.DataFrame(rows, columns=["column", "type", "missing", "distinct"])

    def first_rows(self, condition: ir.BooleanValue, columns: tuple[str, ...], most: int = 3) -> list[tuple[int, dict[str, object]]]:
        """Find the first rows where a condition holds, with their row numbers and the values of some columns."""
        import ibis

        marked = self.table.mutate(row_=ibis.row_number() + self.first_row, bad_=condition)
        found = marked.filter(marked["bad_"]).order_by("row_").limit(most).select("row_", *dict.fromkeys(columns))
        return [(int(record.pop("row_")), record) for record in found.to_pyarrow().to_pylist()]
