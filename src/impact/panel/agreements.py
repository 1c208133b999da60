"""Agreements on record become the first covered month of platforms and bargaining units. May touch: nothing."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pyarrow as pa

from impact.clean.audit import Finding
from impact.sources.registry import Registry
from impact.sources.registry_records import Agreement
from impact.text import Text

COVERED = pa.schema([("group", pa.string()), ("first_covered", pa.string())])
"""Group that agreements name, and its first covered month, such as 2025-03."""


def first_covered(registry: Registry, by: Literal["platform", "bargaining_unit"]) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Give the first covered month of every platform or bargaining unit under an agreement, from the day on which the first of them takes effect.

    An agreement without that day covers nobody here, and is named among the findings.
    """
    mine = [agreement for agreement in registry.agreements.values() if _group(agreement, by)]
    months: dict[str, str] = {}
    for agreement in mine:
        day = _known_day(agreement)
        if day:
            group, month = _group(agreement, by), f"{day:%Y-%m}"
            months[group] = min(month, months.get(group, month))
    unknown = [agreement for agreement in mine if not _known_day(agreement)]
    rows = [{"group": group, "first_covered": month} for group, month in months.items()]
    return pa.Table.from_pylist(rows, COVERED), tuple(_unknown(agreement) for agreement in unknown)


def _group(agreement: Agreement, by: Literal["platform", "bargaining_unit"]) -> str:
    """Name what an agreement covers; a platform's name in the record of a bargaining unit does not cover the platform."""
    if by == "bargaining_unit":
        return agreement.unit or ""
    return agreement.platform or "" if agreement.unit is None else ""


def _known_day(agreement: Agreement) -> date | None:
    """Give the day on which an agreement takes effect, where at least its month is known."""
    fact = agreement.effective
    return fact.value if isinstance(fact.value, date) and fact.precision != "year" else None


def _unknown(agreement: Agreement) -> Finding:
    return Finding(
        "agreement_without_day",
        "warning",
        agreement.id,
        1,
        Text(f"{agreement.name.en}: the day on which it takes effect is not on record", f"{agreement.name.zh}：生效日期无记录"),
        Text(
            "those whom it covers count as not covered: find the day, or leave them out of the comparison",
            "其覆盖者被当作未覆盖：请查明日期，或将其排除在比较之外",
        ),
    )
