"""Pay of worker-months: gross → commission → receipts → costs → net, by hour, in the prices of one month, beside the minimum wage. May touch: the engine.

Source of the identities: online = p1 + p2 + p3; receipts = gross − commission + bonuses + refund − fines; net = receipts − costs; real = nominal × CPI of the base month / CPI
of the month, city by city. A pause counts with zero hours and zero pay; what is divided by zero, or not delivered, is missing and never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from impact import settings
from impact.errors import DataError, listing
from impact.panel.income.dose import commission_kept, with_dose
from impact.panel.income.notes import NOT_DELIVERED, note
from impact.schema.income import WORKER_MONTH_INCOME
from impact.sources.engine import store

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

    from impact.clean.audit import Finding

NUMBERS = {
    "active_days": "active_days",
    "orders": "orders",
    "online_hours": "online_h",
    "waiting_hours": "p1_h",
    "pickup_hours": "p2_h",
    "service_hours": "p3_h",
    "gross_yuan": "gross",
    "commission_yuan": "take",
    "incentive_yuan": "incentive",
    "waiver_refund_yuan": "waiver_refund",
    "penalty_yuan": "penalty",
    "receipts_yuan": "receipts",
    "cost_yuan": "cost_est",
    "income_net_yuan": "net_est",
}
"""Column of the result → column of the export."""
_MULTI_HOMER = "other_platform_flag"
SOURCES = (*NUMBERS.values(), _MULTI_HOMER)
"""Columns of exported worker-months that pay is made of."""
COLUMNS = WORKER_MONTH_INCOME.column_names()
"""Every column of pay, in order; a delivery brings what some of them are made of."""


@dataclass(frozen=True, slots=True)
class PayRecords:
    """What pay is seen beside: tables of the delivery, and the month whose prices are meant."""

    engine: Backend
    accounts: ir.Table
    worked: ir.Table
    """`account_id, ym` of every month with work."""
    eligible: ir.Table | None
    city_month: ir.Table | None
    prices: str | None
    """Month such as 2025-02; None where no real terms are asked for."""


@dataclass(frozen=True, slots=True)
class Paid:
    """Worker-months with their pay, and what the delivery did not bring."""

    table: ir.Table
    findings: tuple[Finding, ...]


def amounts(table: ir.Table) -> dict[str, ir.Value]:
    """Give what the exports say of hours and pay: zero in a month without a row (`missing_`), missing where a row leaves a value out."""
    said: dict[str, ir.Value] = {
        name: table["missing_"].ifelse(0.0, table[source]) for name, source in NUMBERS.items() if source in table.columns
    }
    # whether somebody works elsewhere is not known of a month that was not exported
    return said | ({"multi_homer": table[_MULTI_HOMER]} if _MULTI_HOMER in table.columns else {})


def with_pay(table: ir.Table, records: PayRecords) -> Paid:
    """Add every column of pay that the delivery allows to worker-months (`worker, month, platform, city, unit, first_covered`, and `amounts`).

    Raises DataError where a price index is not positive, or has no value at all in the base month.
    """
    table = _with_rates(_with_sums(table))
    table = _with_real(table, records)
    table = _with_minimum(table, records.city_month)
    # kept once: what follows asks it several times
    table = store(records.engine, "pay_of_worker_months", _with_multi_homer(table, records))
    dosed, dose = with_dose(table, records.accounts, records.eligible)
    return Paid(dosed, (*_lacking(table, records), *_counted(table), *dose))


def require_delivered(study: str, asked: Sequence[str], table: ir.Table) -> None:
    """See that the columns of pay that a study asks for could be computed.

    Raises DataError that says what is lacking.
    """
    for name in asked:
        if name in COLUMNS and name not in table.columns:
            raise DataError(
                f"study {study}: `{name}` cannot be computed from its delivery.\n"
                f"It needs {_NEEDS.get(name) or f'column `{NUMBERS[name]}` of worker-months'}; found of pay: {listing([one for one in COLUMNS if one in table.columns])}.\n"
                "Ask for what is lacking, name it in the delivery's `mapping`, or ask another question."
            )


_REAL = "`cpi` of city_month, the amount itself, and the base month in `sample: prices`"
_NEEDS = {
    "online_hours": "`online_h`, or `p1_h`, `p2_h` and `p3_h`, of worker-months",
    "receipts_yuan": "`receipts`, or `gross`, `take`, `incentive`, `waiver_refund` and `penalty`, of worker-months",
    "income_net_yuan": "`net_est`, or receipts and `cost_est`, of worker-months",
    "engaged_hours": "`p2_h` and `p3_h` of worker-months",
    "hourly_net_yuan": "net pay and hours online",
    "hourly_net_engaged_yuan": "net pay, `p2_h` and `p3_h`",
    "effective_commission": "`gross` and `take`",
    "receipts_real_yuan": _REAL,
    "income_net_real_yuan": _REAL,
    "hourly_net_real_yuan": _REAL,
    "below_minimum": "net pay, hours online, and `min_wage_month_yuan` of city_month",
    "below_minimum_hourly": "net pay, hours online, and `min_wage_hour_yuan` of city_month",
    "multi_homer": "`other_platform_flag` of worker-months, or `person_id` of accounts",
    "commission_before": "`gross` and `take`, and an agreement",
    "eligible_share_before": "an agreement, and eligibility with `eligible_pre` or `verified_date`",
    "bite": "`gross`, `take`, an agreement, and eligibility with `eligible_pre` or `verified_date`",
}


def _with_sums(table: ir.Table) -> ir.Table:
    """Add hours with an order, and sums that were left out though their parts were delivered."""
    held = set(table.columns)
    if {"pickup_hours", "service_hours"} <= held:
        table = table.mutate(engaged_hours=table["pickup_hours"] + table["service_hours"])
    if "online_hours" not in held and {"waiting_hours", "engaged_hours"} <= set(table.columns):
        table = table.mutate(online_hours=table["waiting_hours"] + table["engaged_hours"])
    if "receipts_yuan" not in held and {"gross_yuan", "commission_yuan", "incentive_yuan", "waiver_refund_yuan", "penalty_yuan"} <= held:
        kept = table["gross_yuan"] - table["commission_yuan"]
        table = table.mutate(receipts_yuan=kept + table["incentive_yuan"] + table["waiver_refund_yuan"] - table["penalty_yuan"])
    if "income_net_yuan" not in held and {"receipts_yuan", "cost_yuan"} <= set(table.columns):
        table = table.mutate(income_net_yuan=table["receipts_yuan"] - table["cost_yuan"])
    return table


def _with_rates(table: ir.Table) -> ir.Table:
    """Add net pay by hour and the commission that was kept."""
    held, rates = set(table.columns), {}
    for name, hours in (("hourly_net_yuan", "online_hours"), ("hourly_net_engaged_yuan", "engaged_hours")):
        if {"income_net_yuan", hours} <= held:
            rates[name] = _ratio(table["income_net_yuan"], table[hours])
    if {"commission_yuan", "gross_yuan"} <= held:
        rates["effective_commission"] = _ratio(commission_kept(table), table["gross_yuan"])
    return table.mutate(**rates) if rates else table


def _ratio(above: ir.Value, below: ir.Value) -> ir.Value:
    """Divide by what is above zero; missing otherwise."""
    return (below > 0).ifelse(above / below, ibis.null("float64"))


def _has(city_month: ir.Table | None, name: str) -> bool:
    return city_month is not None and name in city_month.columns


def _with_real(table: ir.Table, records: PayRecords) -> ir.Table:
    """Add amounts in the prices of the base month."""
    nominal = [name for name in ("receipts_yuan", "income_net_yuan", "hourly_net_yuan") if name in table.columns]
    if records.prices is None or records.city_month is None or not _has(records.city_month, "cpi") or not nominal:
        return table
    index = records.city_month.filter(records.city_month["cpi"].notnull()).select(city_="city_id", ym_="ym", cpi_="cpi")
    _require_index(index, records.prices)
    base = index.filter(index["ym_"] == records.prices).select(base_city_="city_", base_="cpi_")
    table = table.left_join(index, [table["city"] == index["city_"], table["month"] == index["ym_"]])
    table = table.left_join(base, table["city"] == base["base_city_"])
    # zero yuan are missing too where the index is: zeros alone would pull the mean of those who are left
    deflator = table["base_"] / table["cpi_"]
    table = table.mutate(**{name.replace("_yuan", "_real_yuan"): table[name] * deflator for name in nominal})
    return table.drop("city_", "ym_", "cpi_", "base_city_", "base_")


def _require_index(index: ir.Table, month: str) -> None:
    found = index.aggregate(
        least=index["cpi_"].min(), first=index["ym_"].min(), last=index["ym_"].max(), based=(index["ym_"] == month).sum()
    ).to_pyarrow()
    said = found.to_pylist()[0]
    if said["least"] is not None and said["least"] <= 0:
        raise DataError(
            f"city_month: a price index is not positive.\nFound `cpi` as low as {said['least']:g}.\nGive an index such as 103.2 (base month = 100), not a change in per cent."
        )
    if not said["based"]:
        raise DataError(
            f"city_month: there are no prices for the base month {month}.\nFound `cpi` from {said['first']} to {said['last']}.\nName one of these months in `sample: prices`."
        )


def _with_minimum(table: ir.Table, city_month: ir.Table | None) -> ir.Table:
    """Say which months' net pay is below the minimum wage: that of a month, in proportion to hours up to a standard month, and that of an hour."""
    wages = {"month": "min_wage_month_yuan", "hour": "min_wage_hour_yuan"}
    held = {f"{by}_": name for by, name in wages.items() if _has(city_month, name)}
    if city_month is None or not held or "hourly_net_yuan" not in table.columns:
        return table
    lowest = city_month.select(city_="city_id", ym_="ym", **held)
    table = table.left_join(lowest, [table["city"] == lowest["city_"], table["month"] == lowest["ym_"]])
    below = {}
    if "month_" in held:
        due = table["month_"] * ibis.least(1.0, table["online_hours"] / settings.STANDARD_MONTH)
        below["below_minimum"] = (table["online_hours"] > 0).ifelse((table["income_net_yuan"] < due).cast("float64"), ibis.null("float64"))
    if "hour_" in held:
        below["below_minimum_hourly"] = (table["hourly_net_yuan"] < table["hour_"]).cast("float64")
    return table.mutate(**below).drop("city_", "ym_", *held)


def _with_multi_homer(table: ir.Table, records: PayRecords) -> ir.Table:
    """Say who also works elsewhere: whom the export flags, and whose person id works on two platforms in the month."""
    if "person_id" not in records.accounts.columns:
        return table
    people = records.accounts.filter(records.accounts["person_id"].notnull()).select("account_id", "person_id", "platform_id")
    seen = records.worked.select("account_id", "ym").join(people, "account_id")
    many = seen.group_by(person_="person_id", ym_="ym").aggregate(platforms_=seen["platform_id"].nunique())
    table = table.left_join(people.select(account_="account_id", who_="person_id"), table["worker"] == people["account_id"])
    many = many.filter(many["platforms_"] > 1)
    table = table.left_join(many, [table["who_"] == many["person_"], table["month"] == many["ym_"]])
    twice, named = table["person_"].notnull(), table["who_"].notnull()
    flagged = table["multi_homer"] if "multi_homer" in table.columns else ibis.null("float64")
    by_person = named.ifelse(0.0, ibis.null("float64"))
    told = twice.ifelse(1.0, ibis.coalesce(flagged, by_person))
    return table.mutate(multi_homer=told).drop("account_", "who_", "person_", "ym_", "platforms_")


def _lacking(table: ir.Table, records: PayRecords) -> list[Finding]:
    """Say which parts of pay the delivery did not bring."""
    held = set(table.columns)
    lacks = {
        "costs": not {"cost_yuan", "income_net_yuan"} & held,
        "engaged_hours": "engaged_hours" not in held,
        "refunds": "commission_yuan" in held and "waiver_refund_yuan" not in held,
        "commission": "effective_commission" not in held,
        "cpi": not _has(records.city_month, "cpi"),
        "base_month": _has(records.city_month, "cpi") and records.prices is None,
        "minimum_wage": not _has(records.city_month, "min_wage_month_yuan"),
        "multi_homers": "multi_homer" not in held,
    }
    return [note(f"no_{name}", *NOT_DELIVERED[name]) for name, lacking in lacks.items() if lacking]


def _counted(table: ir.Table) -> list[Finding]:
    """Count months with pay and no hours, and months in whose city and month an index or a minimum wage is missing."""
    held, met = set(table.columns), {}
    if "hourly_net_yuan" in held:
        met["pay_without_hours"] = (table["income_net_yuan"] != 0) & ~(table["online_hours"] > 0).fill_null(False)
    if "income_net_real_yuan" in held:
        met["months_without_cpi"] = table["income_net_yuan"].notnull() & table["income_net_real_yuan"].isnull()
    if "below_minimum" in held:
        met["months_without_minimum_wage"] = table["hourly_net_yuan"].notnull() & table["below_minimum"].isnull()
    if not met:
        return []
    counted = table.aggregate(**{name: condition.fill_null(False).sum() for name, condition in met.items()}).to_pyarrow().to_pylist()[0]
    return [note(name, *NOT_DELIVERED[name], rows=int(rows)) for name, rows in counted.items() if rows]
