"""Worker-months as exported: testers out, wrong signs out, work after closure and sums that do not add up flagged. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import ibis

from impact.clean.audit import Cleaned
from impact.clean.platform.account import CleanAccounts
from impact.clean.platform.corrections import Correction
from impact.clean.platform.declared import carried_out, marks
from impact.clean.platform.reading import Typed, read_typed
from impact.clean.platform.repeats import mark_repeats
from impact.clean.platform.sums import unequal_sums
from impact.clean.platform.suspicious import gaps, money_findings, partly_delivered, strangers, sum_findings
from impact.clean.rules import RowRule, apply
from impact.errors import DataError
from impact.sources.dataset import FILE, ROW, Dataset
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery


@dataclass(frozen=True, slots=True)
class CleanMonths:
    """Clean worker-months, and the days of work that absences are measured from."""

    cleaned: Cleaned
    worked: ir.Table
    """`account_id, ym, first_active_date, last_active_date` of every month with work, also of months whose money was dropped: who was paid wrongly was there all the same."""


def clean_worker_months_of(
    dataset: Dataset, delivery: Delivery, accounts: CleanAccounts, corrections: Sequence[Correction] = (), restricted: bool = False
) -> CleanMonths:
    """Clean the worker-months of an export.

    The result has `platform_id` (and `city_id`, `firm_id`, `unit_id` where known) beside the columns of the export, and flags `flag_…`.
    Raises DataError for what cannot be read, for dates outside the row's month, and for keys that stand twice with different values.
    """
    typed = read_typed(dataset, delivery, corrections, restricted)
    table, files = carried_out(typed, dataset, delivery)
    table = with_accounts(table, accounts)
    table = store(dataset.engine, "months_with_accounts", table)
    _refuse_other_months(table, typed)
    _refuse_impossible_dates(table, typed)
    table, said = marks(typed, table)
    table, repeats = mark_repeats(table, typed, dataset)
    table, mine = _marked(table, typed)
    findings = [*partly_delivered(typed), *money_findings(table, typed), *sum_findings(table), *strangers(table), *gaps(table)]
    cleaned = apply(
        dataset.engine,
        dataset.name,
        table.drop("tester_", "closed_"),
        [*said, *repeats, *mine],
        dataset.name,
        dataset.sha256,
        files,
        findings,
    )
    return CleanMonths(cleaned, _worked(dataset, table))


def with_accounts(table: ir.Table, accounts: CleanAccounts) -> ir.Table:
    """Add to rows what the accounts know: platform_id, where it is not there city_id, firm_id, unit_id; `tester_`, `known_account_`, `closed_`."""
    everybody = accounts.everybody
    wanted = [name for name in ("platform_id", "city_id", "firm_id", "unit_id") if name in everybody.columns and name not in table.columns]
    held = everybody.select(
        account_id_=everybody["account_id"],
        **{name: everybody[name] for name in wanted},
        closed_=everybody["closed_date"] if "closed_date" in everybody.columns else ibis.null("date"),
    ).distinct(on="account_id_")
    good = accounts.cleaned.table.select(good_="account_id").distinct()
    joined = table.left_join(held, table["account_id"] == held["account_id_"])
    joined = joined.left_join(good, joined["account_id"] == good["good_"])
    known = joined["account_id_"].notnull()
    return joined.mutate(tester_=known & joined["good_"].isnull(), unknown_account=~known).drop("account_id_", "good_")


def _refuse_other_months(table: ir.Table, typed: Typed) -> None:
    """A date read the wrong way round mostly falls into another month than the row's own."""
    for name in ("first_active_date", "last_active_date"):
        day = cast("ir.DateColumn", table[name])
        other = table.filter((day.strftime("%Y-%m") != table["ym"]).fill_null(False))
        number = int(other.count().to_pyarrow().as_py())
        if number:
            row = other.order_by(FILE, ROW).limit(1).select(FILE, ROW, "ym", day_=other[name].cast("string")).to_pyarrow().to_pylist()[0]
            raise DataError(
                f"{row[FILE]}: column `{typed.received[name]}` lies outside its row's month in {number:,} row{'s' if number > 1 else ''}.\n"
                f"Found {row['day_']} in month {row['ym']}, row {row[ROW]}.\n"
                "Day and month may be the wrong way round: see how the file writes its dates, and declare it in the delivery."
            )


def _refuse_impossible_dates(table: ir.Table, typed: Typed) -> None:
    """Absences are measured between last and first working days: a month with work must have both, in this order."""
    first, last = table["first_active_date"], table["last_active_date"]
    works = (table["active_days"] > 0) & ~table["tester_"]
    for met, words in (
        (works & (first.isnull() | last.isnull()), "is missing in a month with work"),
        (works & (last < first).fill_null(False), "lies before the first working day"),
    ):
        bad = table.filter(met)
        number = int(bad.count().to_pyarrow().as_py())
        if number:
            row = bad.order_by(FILE, ROW).limit(1).select(FILE, ROW, "ym").to_pyarrow().to_pylist()[0]
            raise DataError(
                f"{row[FILE]}: column `{typed.received['last_active_date']}` {words} in {number:,} row{'s' if number > 1 else ''}.\n"
                f"Found it in row {row[ROW]}, month {row['ym']}; `{typed.received['first_active_date']}` stands beside it.\n"
                "Who was away for how long cannot be told without both days: ask for them, or correct single rows with a table of corrections."
            )


def _marked(table: ir.Table, typed: Typed) -> tuple[ir.Table, list[RowRule]]:
    works = table["active_days"] > 0
    if "gross" in table.columns:
        works = works | (table["gross"] != 0)
    tester = table["tester_"]
    conditions: dict[str, ir.BooleanValue] = {
        "test_account_activity": tester & works.fill_null(False),
        "test_account_row": tester & ~works.fill_null(False),
        "activity_after_closure": _after_closure(table) & ~tester,
        "unknown_account": table["unknown_account"],
    }
    if "gross" in table.columns:
        conditions["negative_fare"] = (table["gross"] < 0).fill_null(False)
    conditions |= {
        name: met & ~tester & ~conditions.get("negative_fare", ibis.literal(False))
        for name, met in unequal_sums(table, with_refund=True).items()
    }
    span = table["last_active_date"].delta(table["first_active_date"], unit="day") + 1
    conditions["impossible_days"] = (span < table["active_days"]).fill_null(False)
    table = table.mutate(**conditions)
    rules = [
        RowRule(name, action, words, why, typed.received.get(column, ""))  # type: ignore[arg-type]
        for name, (action, words, why, column) in RULES.items()
        if name in conditions
    ]
    return table, rules


def _after_closure(table: ir.Table) -> ir.BooleanValue:
    """Work later than the day on which the account was closed; where no day is known, in a later month than that."""
    closed = cast("ir.DateColumn", table["closed_"])
    later = (table["ym"] > closed.strftime("%Y-%m")) | (table["last_active_date"] > closed)
    return ((table["active_days"] > 0) & later).fill_null(False)


def _worked(dataset: Dataset, table: ir.Table) -> ir.Table:
    """Keep the days of work of everybody but testers, copies and closed accounts."""
    gone = table["tester_"] | table["activity_after_closure"] | table["duplicate_row"]
    held = table.filter(~gone & table["first_active_date"].notnull() & (table["active_days"] > 0))
    return store(dataset.engine, "worked_months", held.select("account_id", "ym", "first_active_date", "last_active_date"))


RULES: dict[str, tuple[str, Text, Text, str]] = {
    "test_account_activity": (
        "dropped",
        Text("activity of a test account", "测试账户的活动"),
        Text("orders that the platform's own testers made up", "平台测试人员产生的订单"),
        "",
    ),
    "test_account_row": ("dropped", Text("empty row of a test account", "测试账户的空行"), Text("nobody works there", "并非劳动者"), ""),
    "negative_fare": (
        "dropped",
        Text("negative gross", "流水为负"),
        Text(
            "customers cannot pay less than nothing; the month's money is left out, its working days still count",
            "乘客支付不可能为负；该月金额剔除，出工日仍计",
        ),
        "gross",
    ),
    "activity_after_closure": (
        "flagged",
        Text("work after the account was closed", "注销后仍有活动"),
        Text("either the day of closure or the work is wrong; the month is set aside", "注销日期或活动有误；该月不计入"),
        "",
    ),
    "unknown_account": (
        "flagged",
        Text("no such account", "无对应账户"),
        Text("it is not among the accounts delivered", "不在交付的账户表中"),
        "account_id",
    ),
    "unequal_hours": (
        "flagged",
        Text("hours do not add up", "时长不等"),
        Text(
            "waiting + to the pick-up + with a passenger is not the time online, to the hundredth",
            "等单＋接驾＋服务时长与在线时长不等（精确到百分位）",
        ),
        "online_h",
    ),
    "unequal_money": (
        "flagged",
        Text("money does not add up", "金额不等"),
        Text(
            "gross − commission + incentive + refund − penalty is not receipts, to the fen",
            "流水－抽成＋奖励＋返还－罚款与到手收入不等（精确到分）",
        ),
        "receipts",
    ),
    "impossible_days": (
        "flagged",
        Text("more working days than days", "出工天数超过日历天数"),
        Text("between the first and the last working day there are fewer days", "首末出工日之间的天数少于出工天数"),
        "active_days",
    ),
}
