"""Worker-days as exported: copies and replaced versions out, testers out, sums flagged. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis

from impact.clean.audit import Cleaned
from impact.clean.platform.account import CleanAccounts
from impact.clean.platform.corrections import Correction
from impact.clean.platform.declared import carried_out, marks
from impact.clean.platform.reading import read_typed
from impact.clean.platform.repeats import mark_repeats
from impact.clean.platform.sums import unequal_sums
from impact.clean.platform.suspicious import partly_delivered, sum_findings
from impact.clean.platform.worker_month import RULES, with_accounts
from impact.clean.rules import RowRule, apply
from impact.sources.dataset import Dataset

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery


def clean_worker_days(
    dataset: Dataset, delivery: Delivery, accounts: CleanAccounts, corrections: Sequence[Correction] = (), restricted: bool = False
) -> Cleaned:
    """Clean the worker-days of an export: one row for account and day, with `platform_id` and flags `flag_…`.

    Raises DataError for what cannot be read, and for days that stand twice with different values and no order between them.
    """
    typed = read_typed(dataset, delivery, corrections, restricted)
    table, files = carried_out(typed, dataset, delivery)
    table, said = marks(typed, table)
    table, repeats = mark_repeats(table, typed, dataset)
    table = with_accounts(table, accounts)
    table = table.mutate(day_after_closure=(table["date"] > table["closed_"]).fill_null(False) & ~table["tester_"])
    conditions: dict[str, ir.BooleanValue] = {
        "test_account_activity": table["tester_"],
        "activity_after_closure": table["day_after_closure"],
    }
    negative: ir.BooleanValue = ibis.literal(False)
    if "gross" in table.columns:
        negative = (table["gross"] < 0).fill_null(False)
        conditions["negative_fare"] = negative
    conditions |= {name: met & ~negative for name, met in unequal_sums(table, with_refund=False).items()}
    conditions["unknown_account"] = table["unknown_account"]
    table = table.mutate(**conditions).drop("tester_", "closed_", "day_after_closure")
    mine = [
        RowRule(name, action, words, why, typed.received.get(column, ""))  # type: ignore[arg-type]
        for name, (action, words, why, column) in RULES.items()
        if name in conditions
    ]
    findings = [*partly_delivered(typed), *sum_findings(table)]
    return apply(dataset.engine, dataset.name, table, [*said, *repeats, *mine], dataset.name, dataset.sha256, files, findings)
