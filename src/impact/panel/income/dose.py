"""How hard an agreement can bite in a unit: the commission before it × the share of workers who were eligible before it. May touch: the engine.

Only months before the unit's first covered month enter, and only eligibility that was on record by then: a share that counts those who registered because of the clause is an outcome and
no dose. Units that are never covered are measured over the months before the first agreement of the sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import ibis

from impact.clean.platform.plain import OWN_WORD
from impact.clean.values import is_text
from impact.panel.income.notes import NOT_DELIVERED, note

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.clean.audit import Finding

_LONG_BEFORE = "0000-00"
"""Month of a record that is known to be older than the agreement, and not by how much; sorts before every month."""


def with_dose(table: ir.Table, accounts: ir.Table, eligible: ir.Table | None) -> tuple[ir.Table, list[Finding]]:
    """Add `commission_before`, `eligible_share_before` and `bite` of the unit, as far as the delivery allows, and say what is lacking."""
    begun = table.aggregate(first_=table["first_covered"].min())
    if begun.to_pyarrow().to_pylist()[0]["first_"] is None:
        return table, [note("no_agreement", *NOT_DELIVERED["agreement"])]
    rows = table.cross_join(begun)
    rows = rows.mutate(until_=ibis.coalesce(rows["first_covered"], rows["first_"]))
    rows = _with_records(rows, accounts, eligible)
    before = rows.filter((rows["month"] < rows["until_"]) & works(rows))
    units = before.group_by(unit_="unit").aggregate(**_measures(before))
    if "commission_before" in units.columns:
        units = units.mutate(bite=units["commission_before"] * units["eligible_share_before"])
    dosed = table.left_join(units, table["unit"] == units["unit_"])
    return dosed.drop("unit_"), _lacking(table, units)


def works(table: ir.Table) -> ir.BooleanValue:
    """Say which worker-months have work: days, orders or hours above zero, by the first of these that was delivered."""
    for name in ("active_days", "orders", "online_hours", "gross_yuan"):
        if name in table.columns:
            return cast("ir.BooleanValue", (table[name] > 0).fill_null(False))
    return cast("ir.BooleanValue", table["month"].notnull())


def commission_kept(table: ir.Table) -> ir.Value:
    """Give commission less what was paid back; where refunds were not delivered, commission."""
    return table["commission_yuan"] - table["waiver_refund_yuan"] if "waiver_refund_yuan" in table.columns else table["commission_yuan"]


def _measures(before: ir.Table) -> dict[str, ir.Value]:
    """Measure the months before: Σ kept commission / Σ gross, and eligible workers / workers; the latter missing where eligibility is unknown for anybody."""
    people = before["worker"].nunique(where=before["early_"]) / before["worker"].nunique()
    found: dict[str, ir.Value] = {"eligible_share_before": before["known_"].all().ifelse(people, ibis.null("float64"))}
    if {"commission_yuan", "gross_yuan"} <= set(before.columns):
        kept, gross = commission_kept(before), before["gross_yuan"]
        both = kept.notnull() & gross.notnull()
        found["commission_before"] = kept.sum(where=both) / gross.sum(where=both).nullif(0)
    return found


def _with_records(rows: ir.Table, accounts: ir.Table, eligible: ir.Table | None) -> ir.Table:
    """Add `early_`, whether the worker was on record as eligible before the agreement, and `known_`, whether records can tell.

    A platform's list of eligibility decides where it says when; the accounts' own record bears no date, and counts where no agreement could have led to it.
    """
    since, platforms = _dated(accounts, eligible)
    recorded, says = _recorded(accounts)
    rows = rows.left_join(since, rows["worker"] == since["named_"]).drop("named_")
    rows = rows.left_join(recorded, rows["worker"] == recorded["recorded_"])
    rows = rows.left_join(platforms, rows["platform"] == platforms["listed_"])
    listed, elsewhere = rows["listed_"].notnull(), rows["first_covered"].isnull() & says
    rows = rows.mutate(
        early_=listed.ifelse((rows["since_"] < rows["until_"]).fill_null(False), rows["recorded_"].notnull()),
        known_=listed.ifelse(rows["datable_"].fill_null(False), elsewhere),
    )
    return rows.drop("since_", "listed_", "datable_", "recorded_")


def _recorded(accounts: ir.Table) -> tuple[ir.Table, bool]:
    """Give `recorded_`, the accounts whose own record says that they are eligible, other than by the worker's word; and whether accounts have such a record."""
    if "eligibility_source" not in accounts.columns:
        return accounts.filter(ibis.literal(False)).select(recorded_="account_id"), False
    source = accounts["eligibility_source"]
    return accounts.filter(is_text(source) & (source != OWN_WORD)).select(recorded_="account_id").distinct(), True


def _dated(accounts: ir.Table, eligible: ir.Table | None) -> tuple[ir.Table, ir.Table]:
    """Give `named_, since_` (month of the record) of those on lists of eligibility, and `listed_, datable_` of the platforms that have one."""
    if eligible is None:
        nobody = accounts.filter(ibis.literal(False))
        return nobody.select(named_="account_id", since_=ibis.null("string")), nobody.select(
            listed_="platform_id", datable_=ibis.literal(False)
        )
    held = set(eligible.columns)
    month = cast("ir.DateColumn", eligible["verified_date"]).strftime("%Y-%m") if "verified_date" in held else ibis.null("string")
    if "eligible_pre" in held:
        month = (eligible["eligible_pre"] == 1).ifelse(ibis.literal(_LONG_BEFORE), ibis.null("string"))
    named = eligible.select(named_="account_id", since_=month)
    platforms = accounts.semi_join(eligible, "account_id").select(listed_="platform_id").distinct()
    return named, platforms.mutate(datable_=ibis.literal(bool({"eligible_pre", "verified_date"} & held)))


def _lacking(table: ir.Table, units: ir.Table) -> list[Finding]:
    """Count units without a month before the agreement, and without a record of eligibility from before it."""
    everywhere = int(table["unit"].nunique().to_pyarrow().as_py())
    found = units.aggregate(seen=units.count(), unknown=units["eligible_share_before"].isnull().sum()).to_pyarrow().to_pylist()[0]
    counts = {"months_before": everywhere - int(found["seen"]), "dated_eligibility": int(found["unknown"] or 0)}
    return [note(f"no_{name}", *NOT_DELIVERED[name], rows=rows) for name, rows in counts.items() if rows]
