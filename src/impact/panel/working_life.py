"""Clean exports become the worker-months that a study compares: every month from the first to the last working day, with who left when. May touch: the engine.

`exit_{w}d` says whether an exit by w is dated in the month: no work in (τ, τ + w] after a working day τ of it. For 30 days and more τ can only be the month's last
working day; absences of 7, 14 and 28 days begin and end within months, so that those columns are there only for workers whose worker-days were delivered. Months in
which τ + w may lie beyond the last day of the data are left out for everybody: those who came back would be a selection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import ibis

from impact.clean.audit import Finding, Rule
from impact.clean.values import is_text
from impact.errors import DataError
from impact.panel.attrition.absences import EPOCH, exits_in_month
from impact.panel.attrition.definitions import SHORTEST_FROM_MONTHS
from impact.panel.attrition.definitions import WINDOWS as ALL_WINDOWS
from impact.panel.attrition.leavers import Leavers, leavers
from impact.panel.income.pay import COLUMNS, SOURCES, PayRecords, amounts, with_pay
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

    from impact.study.delivery import Key, Sample

WINDOWS = tuple(days for days in ALL_WINDOWS if days >= SHORTEST_FROM_MONTHS)
"""Days of absence after which somebody counts as having left, in columns such as `exit_90d`."""
WITHIN_MONTHS = tuple(days for days in ALL_WINDOWS if days < SHORTEST_FROM_MONTHS)
"""Those that only worker-days show."""


@dataclass(frozen=True, slots=True)
class Exports:
    """The clean tables of one delivery."""

    engine: Backend
    accounts: ir.Table
    months: ir.Table
    worked: ir.Table
    """`account_id, ym, first_active_date, last_active_date` of every month with work."""
    eligible: ir.Table | None
    """`account_id` of those whom a clause of eligibility names."""
    city_month: ir.Table | None
    """`city_id, ym`, with price index and minimum wages."""
    covered: ir.Table
    """`group, first_covered`: platform or bargaining unit, and its first month under an agreement on record."""
    days: ir.Table | None = None
    """`account_id, date` of every day with work."""


@dataclass(frozen=True, slots=True)
class WorkingLife:
    """Worker-months of a study, and what was set aside on the way."""

    table: ir.Table
    """Columns of `study_worker_month` and `worker_month_income`; `worker` is still the account as exported."""
    rules: tuple[Rule, ...]
    rows_in: int
    """Worker-months between first and last working day, before anything was set aside."""
    leavers: Leavers
    """Who was away when, and whose account was closed; `worker` is the account here too."""
    findings: tuple[Finding, ...] = ()
    """What of pay the delivery did not bring."""


def working_life(exports: Exports, sample: Sample) -> WorkingLife:
    """Lay out the months of every worker, join what was exported of them, and say who left and who was covered from when."""
    _require_columns(exports, sample)
    held = _accounts(exports, sample)
    spans = _spans(exports, held)
    gone = leavers(exports.engine, spans, exports.worked, exports.days, held)
    table = _months_of(exports, spans, gone)
    rules, rows_in = _set_aside(table, spans)
    table = table.filter(table["held_"] & ~table["odd_"])
    records = PayRecords(exports.engine, exports.accounts, exports.worked, exports.eligible, exports.city_month, sample.prices)
    paid = with_pay(_placed(exports, table, sample), records)
    columns = ["worker", "month", "platform", "city", "unit", "cluster", "first_covered", "eligible", "joined", "left"]
    numbers = [name for name in (*(f"exit_{days}d" for days in ALL_WINDOWS), *COLUMNS) if name in paid.table.columns]
    return WorkingLife(paid.table.select(*columns, *numbers), rules, rows_in, gone, paid.findings)


def _require_columns(exports: Exports, sample: Sample) -> None:
    """See that what the sample groups workers by was delivered."""
    known = {*exports.accounts.columns, *exports.months.columns}
    for key in (*sample.unit, *sample.cluster, sample.covered_by):
        column = {"city": "city_id", "firm": "firm_id", "bargaining_unit": "unit_id"}.get(key)
        if column and column not in known:
            raise DataError(
                f"sample: workers cannot be grouped by `{key}`.\nFound no column `{column}` among accounts and worker-months.\n"
                f"Ask for it, name it in the delivery's `mapping`, or group workers by something else."
            )


def _reach(exports: Exports) -> ir.Table:
    """Give the first month and the last day of each platform's export: `reach_of, first_month, end_`."""
    months = exports.months
    by = months.group_by(reach_of=months["platform_id"]).aggregate(first_month=months["ym"].min(), last_=months["ym"].max())
    start = (by["last_"] + "-01").cast("date")
    return by.select("reach_of", "first_month", end_=(start + ibis.interval(months=1) - ibis.interval(days=1)).cast("date"))


def _accounts(exports: Exports, sample: Sample) -> ir.Table:
    """Give the accounts of the sample, with the reach of their platform's export and the first covered month of their group."""
    accounts, reach, covered = exports.accounts, _reach(exports), exports.covered
    table = accounts.mutate(
        city_id=_column(accounts, "city_id"),
        unit_id=_column(accounts, "unit_id"),
        firm_id=_column(accounts, "firm_id"),
        group=_column(accounts, "platform_id" if sample.covered_by == "platform" else "unit_id"),
        begun=_column(accounts, "first_trip_date", "date"),
    )
    if sample.groups:
        table = table.filter(ibis.or_(*(table["group"].re_search(_pattern(name)) for name in sample.groups)))
    table = table.join(reach, table["platform_id"] == reach["reach_of"]).drop("reach_of")
    return table.left_join(covered.rename(group_="group"), [table["group"] == covered["group"]]).drop("group_")


def _spans(exports: Exports, accounts: ir.Table) -> ir.Table:
    """Give for each worker first and last working day within the export, day of joining, and the months that count."""
    worked = exports.worked
    seen = worked.group_by("account_id").aggregate(first=worked["first_active_date"].min(), last=worked["last_active_date"].max())
    places = ("account_id", "platform_id", "city_id", "unit_id", "firm_id", "group", "first_covered", "begun", "first_month", "end_")
    table = seen.join(accounts.select(*places), "account_id")
    joined = ibis.least(ibis.coalesce(table["begun"], table["first"]), table["first"])
    known = (table["last"] + ibis.interval(days=max(WINDOWS))).cast("date") <= table["end_"]
    spans = table.mutate(
        joined=joined,
        left=known.ifelse(table["last"], ibis.null("date")),
        late_=(table["begun"] > table["first"]).fill_null(False),
        from_=ibis.greatest(cast("ir.DateColumn", joined).strftime("%Y-%m"), table["first_month"]),
        until_=cast("ir.DateColumn", table["last"]).strftime("%Y-%m"),
        quiet_=cast("ir.DateColumn", (table["end_"] - ibis.interval(days=max(WINDOWS) - 1)).cast("date")).strftime("%Y-%m"),
    )
    return store(exports.engine, "spans_of_workers", spans)


def _column(table: ir.Table, name: str, kind: str = "string") -> ir.Column:
    """Give a column, missing throughout where it was not delivered."""
    return table[name] if name in table.columns else ibis.null(kind)


def _pattern(name: str) -> str:
    return "^" + ".*".join(re.escape(part) for part in name.split("*")) + "$"


def _months_of(exports: Exports, spans: ir.Table, gone: Leavers) -> ir.Table:
    """Lay out the months of every worker: those exported, those without a row, those whose row was dropped."""
    calendar = exports.months.select("ym").distinct()
    grid = spans.join(calendar, [spans["from_"] <= calendar["ym"], spans["until_"] >= calendar["ym"], calendar["ym"] < spans["quiet_"]])
    worked = _absences(exports).select(worker_="account_id", ym_="ym", **{f"exit_{days}d": f"exit_{days}d" for days in WINDOWS})
    grid = grid.left_join(worked, [grid["account_id"] == worked["worker_"], grid["ym"] == worked["ym_"]])
    grid = grid.mutate(works_=grid["worker_"].notnull()).drop("worker_", "ym_")
    if exports.days is not None:
        grid = _within_months(grid, gone)
    rows = exports.months
    odd = rows["flag_activity_after_closure"]
    wanted = {source: rows[source].cast("float64") for source in SOURCES if source in rows.columns}
    city = {"city_now": rows["city_id"]} if "city_id" in rows.columns else {}
    exported = rows.select(account_="account_id", month_="ym", odd_=odd, **wanted, **city)
    table = grid.left_join(exported, [grid["account_id"] == exported["account_"], grid["ym"] == exported["month_"]])
    exported_row = table["account_"].notnull()
    table = table.mutate(
        # a month with work and no row lost its row to a rule; a month without either is a pause that was not exported
        held_=exported_row | ~table["works_"],
        missing_=~exported_row & ~table["works_"],
        odd_=table["odd_"].fill_null(False),
    )
    return store(exports.engine, "months_of_workers", table.drop("account_", "month_"))


def _absences(exports: Exports) -> ir.Table:
    """Say for each month with work whether an absence follows it, by window; months in which the data end too soon to tell are no part of the grid."""
    worked = exports.worked
    following = worked["first_active_date"].lead().over(ibis.window(group_by="account_id", order_by="ym"))
    table = worked.mutate(next_=following)
    exits = {}
    for days in WINDOWS:
        reach = (table["last_active_date"] + ibis.interval(days=days)).cast("date")
        exits[f"exit_{days}d"] = (table["next_"].isnull() | (table["next_"] > reach)).cast("float64")
    return table.mutate(**exits)


def _within_months(grid: ir.Table, gone: Leavers) -> ir.Table:
    """Add the exits that only days show, for those whose days were delivered; a month with work in which no absence begins has none."""
    absent, daily = gone.absences, gone.people.filter("by_day").select(daily_="worker")
    day = cast("ir.DateColumn", (ibis.date(EPOCH.isoformat()) + absent["since"].as_interval("D")).cast("date"))
    exits = exits_in_month(absent, day.strftime("%Y-%m"), WITHIN_MONTHS).rename(worker_="worker", ym_="month")
    grid = grid.left_join(daily, grid["account_id"] == daily["daily_"])
    table = grid.left_join(exits, [grid["account_id"] == exits["worker_"], grid["ym"] == exits["ym_"]])
    known = table["works_"] & table["daily_"].notnull()
    columns = {f"exit_{days}d": known.ifelse(table[f"exit_{days}d"].fill_null(0.0), ibis.null("float64")) for days in WITHIN_MONTHS}
    return table.mutate(**columns).drop("daily_", "worker_", "ym_")


def _set_aside(table: ir.Table, spans: ir.Table) -> tuple[tuple[Rule, ...], int]:
    counted = table.aggregate(
        rows=table.count(), dropped=(~table["held_"]).sum(), odd=(table["odd_"] & table["held_"]).sum(), missing=table["missing_"].sum()
    )
    found = counted.to_pyarrow().to_pylist()[0]
    late = int(spans.aggregate(late=spans["late_"].sum()).to_pyarrow().to_pylist()[0]["late"] or 0)
    rules = (
        Rule(
            Text("workers with work before their first order", "首单之前已有出工的劳动者"),
            "read",
            late,
            Text(
                "the accounts say a later first order than the months do: they count from the first working day",
                "账户所载首单晚于月表所载出工：自首个出工日起计",
            ),
            "late_first_order",
        ),
        Rule(
            Text("month whose row was dropped", "该行已被剔除的月份"),
            "dropped",
            int(found["dropped"] or 0),
            Text("cleaning dropped the row, so that what the month brought is not known", "清洗已剔除该行，当月金额未知"),
            "dropped_month",
        ),
        Rule(
            Text("month with work after closure", "注销后仍有活动的月份"),
            "dropped",
            int(found["odd"] or 0),
            Text("either the day of closure or the work is wrong; the month counts for nothing", "注销日期或活动有误；该月不计入"),
            "activity_after_closure",
        ),
        Rule(
            Text("month without a row", "无记录的月份"),
            "kept",
            int(found["missing"] or 0),
            Text(
                "between first and last working day nothing was exported: a pause, which counts with zero",
                "首末出工日之间无导出记录：视为暂停，以零计入",
            ),
            "month_without_row",
        ),
    )
    return rules, int(found["rows"] or 0)


def _placed(exports: Exports, table: ir.Table, sample: Sample) -> ir.Table:
    """Give place, unit, cluster, coverage, eligibility and amounts of every worker-month."""
    table = _with_eligible(exports, table)
    city = ibis.coalesce(table["city_now"], table["city_id"]) if "city_now" in table.columns else table["city_id"]
    first = table["first_covered"]
    if sample.covered == "eligible":
        first = table["eligible"].ifelse(first, ibis.null("string"))
    keys: dict[Key, ir.Column] = {
        "platform": table["platform_id"],
        "city": city,
        "firm": table["firm_id"],
        "bargaining_unit": table["unit_id"],
        "eligible": table["eligible"].ifelse("eligible", "other"),
    }
    return table.select(
        worker=table["account_id"],
        month=table["ym"],
        platform=keys["platform"],
        city=city,
        unit=_joined(keys, sample.unit),
        cluster=_joined(keys, sample.cluster),
        first_covered=first,
        eligible=table["eligible"],
        joined=table["joined"],
        left=table["left"],
        **{name: table[name] for days in ALL_WINDOWS if (name := f"exit_{days}d") in table.columns},
        **amounts(table),
    )


def _joined(keys: dict[Key, ir.Column], names: tuple[Key, ...]) -> ir.Column:
    joined = keys[names[0]]
    for name in names[1:]:
        joined = cast("ir.StringColumn", joined) + "·" + cast("ir.StringColumn", keys[name])
    return joined


def _with_eligible(exports: Exports, table: ir.Table) -> ir.Table:
    """Say whom the clause names: by the table of eligibility, and at platforms without one by the accounts' own record, so that they can be compared."""
    accounts = exports.accounts
    lists = [exports.eligible.select(named_="account_id")] if exports.eligible is not None else []
    if "eligibility_source" in accounts.columns:
        recorded = accounts.filter(is_text(accounts["eligibility_source"]))
        if exports.eligible is not None:
            listed = accounts.semi_join(exports.eligible, "account_id").select("platform_id").distinct()
            recorded = recorded.anti_join(listed, "platform_id")
        lists.append(recorded.select(named_="account_id"))
    if not lists:
        return table.mutate(eligible=ibis.literal(False))
    named = ibis.union(*lists, distinct=True) if len(lists) > 1 else lists[0].distinct()
    joined = table.left_join(named, table["account_id"] == named["named_"])
    return joined.mutate(eligible=joined["named_"].notnull()).drop("named_")
