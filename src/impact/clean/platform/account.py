"""Accounts: who is a tester, who shares a device without ever working, who was purged. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from impact.clean.audit import Cleaned
from impact.clean.platform.corrections import Correction
from impact.clean.platform.declared import carried_out, marks
from impact.clean.platform.reading import Typed, read_typed
from impact.clean.platform.repeats import mark_repeats
from impact.clean.platform.suspicious import partly_delivered, purges
from impact.clean.rules import RowRule, apply
from impact.sources.dataset import Dataset
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery

MANY_ON_A_DEVICE = 3
"""Accounts on one device, none of which ever worked, from which on they look bought: a family shares one phone between two."""
_TESTER = r"(?i)^\s*((测试|试用)|(test|demo|tester)([\W_\d]|$))"


@dataclass(frozen=True, slots=True)
class CleanAccounts:
    """The accounts that may be workers', and everybody on the list before anything was dropped."""

    cleaned: Cleaned
    everybody: ir.Table


def clean_accounts(dataset: Dataset, delivery: Delivery, corrections: Sequence[Correction] = (), restricted: bool = False) -> CleanAccounts:
    """Clean the table of accounts; the result still names them, and has `flag_shared_device`, `flag_purged_account`, `flag_account_dates`.

    Raises DataError for what cannot be read, and for an account that stands twice with different values.
    """
    typed = read_typed(dataset, delivery, corrections, restricted)
    table, files = carried_out(typed, dataset, delivery)
    table, said = marks(typed, table)
    table, repeats = mark_repeats(table, typed, dataset)
    table, mine = _marked(table, typed)
    table = store(dataset.engine, "everybody", table)
    findings = [*partly_delivered(typed), *purges(table)]
    cleaned = apply(dataset.engine, dataset.name, table, [*said, *repeats, *mine], dataset.name, dataset.sha256, files, findings)
    return CleanAccounts(cleaned, table)


def _marked(table: ir.Table, typed: Typed) -> tuple[ir.Table, list[RowRule]]:
    """Mark what each rule meets; a rule whose columns were not delivered is left out."""
    rules, conditions = [], _conditions(table)
    for name, (action, words, why, column) in _RULES.items():
        if name in conditions:
            table = table.mutate(**{name: conditions[name].fill_null(False)})
            rules.append(RowRule(name, action, words, why, typed.received.get(column, "")))  # type: ignore[arg-type]
    return table, rules


def _conditions(table: ir.Table) -> dict[str, ir.BooleanValue]:
    held, found = set(table.columns), {}
    tester = table["name"].re_search(_TESTER).fill_null(False) if "name" in held else ibis.literal(False)
    if "name" in held:
        found["test_account"] = tester
    if {"device_id", "first_trip_date"} <= held:
        idle = table["first_trip_date"].isnull() & table["device_id"].notnull() & ~tester & ~table["duplicate_row"]
        together = idle.cast("int64").sum().over(ibis.window(group_by=table["device_id"]))
        found["shared_device"] = idle & (together >= MANY_ON_A_DEVICE)
    if "status" in held:
        found["purged_account"] = table["status"] == "purged"
    if {"reg_date", "first_trip_date"} <= held:
        late = table["reg_date"] > table["first_trip_date"]
        closed = (table["closed_date"] < table["reg_date"]) if "closed_date" in held else ibis.literal(False)
        found["account_dates"] = late.fill_null(False) | closed.fill_null(False)
    return found


_RULES: dict[str, tuple[str, Text, Text, str]] = {
    "test_account": (
        "dropped",
        Text("test account", "测试账户"),
        Text("its name says that it is the platform's own; nobody works there", "账户名表明为平台自有，并非劳动者"),
        "name",
    ),
    "shared_device": (
        "flagged",
        Text("idle accounts on one device", "同一设备上的空置账户"),
        Text(
            f"{MANY_ON_A_DEVICE} or more accounts that never took an order share a device: registered workers, not working ones",
            f"{MANY_ON_A_DEVICE}个及以上从未接单的账户共用一台设备：计入注册数而非在岗数",
        ),
        "device_id",
    ),
    "purged_account": (
        "flagged",
        Text("account closed by a purge", "平台清理的账户"),
        Text("closed by the platform, unused: no worker left", "由平台关闭的未使用账户：并非劳动者离开"),
        "status",
    ),
    "account_dates": (
        "flagged",
        Text("dates out of order", "日期先后矛盾"),
        Text("registered after the first order, or closed before registration", "注册晚于首单，或注销早于注册"),
        "reg_date",
    ),
}
