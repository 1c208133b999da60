"""A spell ends when the worker leaves or nobody looks any more, and rows that do not fit it are counted."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from impact.errors import DataError
from impact.months import month_number
from impact.panel.attrition.spells import Spells, worker_spells
from impact.sources.engine import connect, register
from words import complains

# worker, joined, left, first and last month seen in 2024
WORKERS = [("stays", "2024-01-10", None, 1, 6), ("leaves", "2024-01-05", "2024-04-20", 1, 4), ("late", "2023-11-01", None, 3, 6)]


def month(number: int) -> int:
    return month_number(date(2024, number, 1))


def spells(workers: list[tuple[str, str, str | None, int, int]], until: date = date(2024, 6, 30)) -> Spells:
    rows = [
        (worker, month(number), pd.Timestamp(joined), pd.Timestamp(left) if left else pd.NaT)
        for worker, joined, left, first, last in workers
        for number in range(first, last + 1)
    ]
    frame = pd.DataFrame(rows, columns=["worker", "month", "joined", "left"])
    table = register(connect(), "months", frame)
    return worker_spells(table.mutate(joined=table["joined"].cast("date"), left=table["left"].cast("date")), until)


def counted(found: Spells) -> dict[str, int]:
    return {rule.name.en: rule.rows for rule in found.rules}


def test_a_spell_runs_from_joining_to_leaving_or_to_the_last_day_observed():
    table = spells(WORKERS).table.set_index("worker")
    assert table["exited"].to_dict() == {"late": False, "leaves": True, "stays": False}
    assert table["tenure_days"].to_dict() == {"late": 242, "leaves": 106, "stays": 172}
    assert table["entry_days"].to_dict() == {"late": 121, "leaves": 0, "stays": 0}


@pytest.mark.parametrize("until", [date(2024, 5, 31), date(2024, 5, 1), date(2023, 12, 31)])
def test_rows_after_the_last_day_observed_are_refused(until):
    with complains(
        DataError,
        "spells: rows go on after the last day on which an exit would have been seen",
        f"Found rows in 2024-06, `observed_until` is {until}",
        "Mend `attrition: observed_until` in the study",
    ):
        spells(WORKERS, until)


def test_rows_of_the_month_of_the_last_day_observed_may_stand():
    assert len(spells(WORKERS, date(2024, 6, 1)).table) == 3


def test_rows_before_joining_and_after_leaving_are_counted_and_kept():
    fitting = counted(spells(WORKERS))
    assert (fitting["rows before the month of joining"], fitting["rows after the month of leaving"]) == (0, 0)
    found = spells([*WORKERS, ("early", "2024-04-30", None, 2, 6), ("beyond", "2024-01-01", "2024-02-29", 1, 5)])
    assert counted(found)["rows before the month of joining"] == 2
    assert counted(found)["rows after the month of leaving"] == 3
    actions = {rule.name.en: rule.action for rule in found.rules}
    assert actions["rows before the month of joining"] == actions["rows after the month of leaving"] == "kept"
    assert found.table.set_index("worker")["months_seen"].to_dict() == {"beyond": 5, "early": 5, "late": 4, "leaves": 4, "stays": 6}
