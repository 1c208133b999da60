"""Sums that must hold in every row of an export: hours, and money to the fen. May touch: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impact.schema.delivered import HOURS

if TYPE_CHECKING:
    import ibis.expr.types as ir

_CLOSE = 0.015
"""What rounding each part to the hundredth can add up to without anything being wrong."""


def unequal_sums(table: ir.Table, with_refund: bool) -> dict[str, ir.BooleanValue]:
    """Say which rows break p1 + p2 + p3 = online, and receipts = gross − take + incentive + refund − penalty; a sum whose parts were not delivered is not asked.

    `with_refund` says whether refunds are part of the row: they are paid by the month.
    """
    held, found = set(table.columns), {}
    if {"online_h", *HOURS} <= held:
        found["unequal_hours"] = _differs(sum((table[name] for name in HOURS[1:]), start=table[HOURS[0]]), table["online_h"])
    parts = {"gross", "take", "incentive", "penalty", "receipts", *(("waiver_refund",) if with_refund else ())}
    if parts <= held:
        due = table["gross"] - table["take"] + table["incentive"] - table["penalty"]
        found["unequal_money"] = _differs(due + table["waiver_refund"] if with_refund else due, table["receipts"])
    return found


def _differs(left: ir.NumericValue, right: ir.NumericValue) -> ir.BooleanValue:
    return ((left - right).abs() > _CLOSE).fill_null(False)
