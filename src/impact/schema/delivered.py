"""The tables that platforms, employers and statistical offices deliver, as cleaning wants them: which columns it knows and which it cannot do without. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from impact.schema.income import PERSON
from impact.schema.platform import (
    RAW_ACCOUNT_LOCAL,
    RAW_ELIGIBILITY,
    RAW_WORKER_DAY,
    RAW_WORKER_MONTH,
    RAW_WORKER_MONTH_LOCAL,
)
from impact.schema.surroundings import RAW_CITY_MONTH
from impact.schema.table import Column, TableSchema


@dataclass(frozen=True, slots=True)
class DeliveredTable:
    """A table as it is delivered, whatever its files look like."""

    name: str
    columns: tuple[Column, ...]
    needed: tuple[str, ...]
    """Columns (of these, the ones that the schema calls required have a value in every row) without which nothing can be done; rules that need another column are left out where it is not delivered, and that is said."""
    key: tuple[str, ...]
    """No two rows may share these."""
    renamed: Mapping[str, str]
    """Names that a vendor's renewal brought → column: proposed and never taken, because what it counts may have changed with it."""

    def column(self, name: str) -> Column:
        """Give a column by its name in the schema."""
        return next(column for column in self.columns if column.name == name)


def _delivered(name: str, schema: TableSchema, needed: tuple[str, ...], key: tuple[str, ...], *others: TableSchema) -> DeliveredTable:
    renamed = {column.renamed: column.name for each in (schema, *others) for column in each.columns if column.renamed}
    return DeliveredTable(name, schema.columns, needed, key, renamed)


_MONTH = ("account_id", "ym", "active_days", "first_active_date", "last_active_date")

DELIVERED: Mapping[str, DeliveredTable] = {
    table.name: table
    for table in (
        _delivered(
            "account",
            replace(RAW_ACCOUNT_LOCAL, columns=(*RAW_ACCOUNT_LOCAL.columns, PERSON)),
            ("account_id", "platform_id"),
            ("account_id",),
        ),
        _delivered("worker_month", RAW_WORKER_MONTH_LOCAL, _MONTH, ("account_id", "ym"), RAW_WORKER_MONTH),
        _delivered("worker_day", RAW_WORKER_DAY, ("account_id", "date"), ("account_id", "date")),
        _delivered("eligibility", RAW_ELIGIBILITY, ("account_id",), ("account_id",)),
        _delivered("city_month", RAW_CITY_MONTH, ("city_id", "ym"), ("city_id", "ym")),
    )
}
"""By name, as a study's delivery names them."""
MONEY: tuple[str, ...] = ("gross", "take", "incentive", "waiver_refund", "penalty", "receipts", "cost_est", "net_est")
"""Columns in yuan that a file in fen has a hundredfold."""
HOURS: tuple[str, ...] = ("p1_h", "p2_h", "p3_h")
"""Parts of the hours online."""
ONLY_SOME: tuple[str, ...] = ("firm_id", "unit_id", "hardship_score", "person_id")
"""Columns that only some files have by their nature: employers know firm and bargaining unit, platforms do not."""
