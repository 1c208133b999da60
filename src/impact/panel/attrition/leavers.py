"""Everybody of a sample, when they were away, and when their accounts were opened and closed: what the definitions of leaving are made from. May touch: the engine.

Days of work come from worker-days, and the first and last working day of each month from worker-months; days that are delivered for a worker through all months of the
platform's export show absences within a month as well, otherwise only those of more than thirty days are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from impact.panel.attrition.absences import absences, day_number
from impact.panel.attrition.definitions import SHORTEST_FROM_MONTHS, WINDOWS
from impact.sources.engine import store

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

PLACES = ("platform", "city", "firm", "bargaining_unit")


@dataclass(frozen=True, slots=True)
class Leavers:
    """People, absences and accounts of a sample, in days since 1970; `worker` is what the worker-months call it."""

    people: ir.Table
    """`worker, platform, city, firm, bargaining_unit, first_covered, joined, first, seen_from, until, by_day`: one row for everybody who worked."""
    absences: ir.Table
    """`worker, since, back`: of more than seven days, of more than thirty for those without `by_day`; and everybody's last."""
    accounts: ir.Table
    """`worker, platform, city, firm, bargaining_unit, first_covered, opened, closed, purged, until`: every account, also those that never worked."""
    has_accounts: bool
    """Whether opening and closing of accounts were delivered."""


def leavers(engine: Backend, spans: ir.Table, worked: ir.Table, days: ir.Table | None, accounts: ir.Table) -> Leavers:
    """Collect who was there and when they were away.

    `spans` has one row per account that worked: `account_id, platform_id, city_id, firm_id, unit_id, group, joined, first, first_month, end_`, and `first_covered`;
    `accounts` the same places of every account. `worked` is `account_id, first_active_date, last_active_date` by month, `days` is `account_id, date`.
    """
    people = store(engine, "people_of_study", _people(spans, days))
    active = _active(people, worked, days)
    found = absences(active, min(WINDOWS)).join(people.select("worker", "by_day"), "worker")
    known = found.filter(found["by_day"] | found["back"].isnull() | (found["back"] - found["since"] > SHORTEST_FROM_MONTHS))
    dated = {"reg_date", "closed_date", "status"} <= set(accounts.columns)
    return Leavers(
        people,
        store(engine, "absences_of_study", known.drop("by_day")),
        store(engine, "accounts_of_study", _accounts(accounts, dated)),
        dated,
    )


def _people(spans: ir.Table, days: ir.Table | None) -> ir.Table:
    people = spans.select(
        **_places(spans),
        joined=day_number(spans["joined"]),
        first=day_number(spans["first"]),
        seen_from=day_number(spans["first_month"] + "-01"),
        until=day_number(spans["end_"]),
    )
    if days is None:
        return people.mutate(by_day=ibis.literal(False))
    number = day_number(days["date"])
    reach = days.join(spans.select("account_id", "platform_id"), "account_id")
    reach = reach.group_by(platform_="platform_id").aggregate(from_=day_number(reach["date"].min()), to_=day_number(reach["date"].max()))
    seen = days.group_by(worker_="account_id").aggregate(first_=number.min())
    table = people.left_join(reach, people["platform"] == reach["platform_"]).left_join(seen, people["worker"] == seen["worker_"])
    # days of the whole first and last month, give or take a month in which the platform's few workers rested
    whole = (table["from_"] <= table["seen_from"] + 30) & (table["to_"] >= table["until"] - 30)
    table = table.mutate(by_day=(whole & table["worker_"].notnull()).fill_null(False), first=ibis.least(table["first"], table["first_"]))
    return table.drop("platform_", "from_", "to_", "worker_", "first_")


def _active(people: ir.Table, worked: ir.Table, days: ir.Table | None) -> ir.Table:
    """List the days known to be worked: of months their first and last, whose money may have been dropped with a day's row, and those of the days."""
    parts = [worked.select(worker="account_id", time=day_number(worked[name])) for name in ("first_active_date", "last_active_date")]
    if days is not None:
        parts.append(days.select(worker="account_id", time=day_number(days["date"])))
    return ibis.union(*parts).semi_join(people, "worker")


def _accounts(accounts: ir.Table, dated: bool) -> ir.Table:
    until = day_number(accounts["end_"])
    if not dated:
        return accounts.select(
            **_places(accounts), opened=ibis.null("int32"), closed=ibis.null("int32"), purged=ibis.literal(False), until=until
        )
    opened, closed = day_number(accounts["reg_date"]), day_number(accounts["closed_date"])
    # what is closed after the export ends has not been seen to end
    seen = (closed <= until).ifelse(closed, ibis.null("int32"))
    purged = (accounts["status"] == "purged").fill_null(False)
    table = accounts.select(**_places(accounts), opened=opened, closed=seen, purged=purged, until=until)
    return table.filter(table["closed"].isnull() | (table["closed"] >= table["opened"]))


def _places(table: ir.Table) -> dict[str, ir.Column]:
    sources = ("platform_id", "city_id", "firm_id", "unit_id")
    return {
        "worker": table["account_id"],
        **{name: table[source] for name, source in zip(PLACES, sources, strict=True)},
        "first_covered": table["first_covered"],
    }
