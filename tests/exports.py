"""Tiny exports of one platform, written by hand, and the way through cleaning to worker-months."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from impact.panel.agreements import COVERED
from impact.panel.working_life import Exports, WorkingLife, working_life
from impact.run.delivery import CleanDelivery, Opened, clean_delivery, open_delivery
from impact.run.receive import Received, receive
from impact.sources.engine import connect, register
from impact.study import Study, load_study
from impact.study.delivery import Delivery, Sample

KEY = {"IMPACT_KEY": hashlib.sha256(b"made up").hexdigest()}
"""A key that protects nothing, for data that are made up."""
BOTH = {"en": "Words", "zh": "文字"}
TABLES: dict[str, list[str]] = {"account": ["account/*"], "worker_month": ["month/*"]}
SAMPLE: dict[str, Any] = {"unit": ["platform", "city"], "cluster": ["platform"], "covered_by": "platform"}
GOOD_MONTH: dict[str, Any] = {
    "active_days": 3,
    "online_h": 24.0,
    "p1_h": 8.0,
    "p2_h": 4.0,
    "p3_h": 12.0,
    "orders": 30,
    "gross": 900.0,
    "take": 180.0,
    "incentive": 10.0,
    "waiver_refund": 0.0,
    "penalty": 5.0,
    "receipts": 725.0,
    "cost_est": 125.0,
    "net_est": 600.0,
}
"""A month with work whose hours and money add up."""


def account(account_id: str = "A-1", **changed: Any) -> dict[str, Any]:
    """One account; `name=DROP` leaves the column out."""
    plain = {
        "account_id": account_id,
        "name": f"赵铁柱{account_id[-1]}",
        "phone": "19912345678",
        "platform_id": "P1",
        "city_id": "C1",
        "reg_date": "2024-01-02",
        "first_trip_date": "2024-01-05",
        "device_id": f"device of {account_id}",
        "status": "open",
        "closed_date": "",
    }
    return _without(plain | changed)


def month(
    account_id: str = "A-1", ym: str = "2024-01", first: str | None = None, last: str | None = None, **changed: Any
) -> dict[str, Any]:
    """One worker-month, with work on the 5th to the 20th unless said otherwise."""
    days = {"first_active_date": first or f"{ym}-05", "last_active_date": last or f"{ym}-20"}
    return _without({"account_id": account_id, "ym": ym, "city_id": "C1"} | GOOD_MONTH | days | changed)


def pause(account_id: str, ym: str) -> dict[str, Any]:
    """One month on the books without work, as platforms export it."""
    return month(account_id, ym, **dict.fromkeys(GOOD_MONTH, 0), first_active_date="", last_active_date="")


def day(account_id: str = "A-1", date: str = "2024-01-05", **changed: Any) -> dict[str, Any]:
    """One worker-day."""
    plain = {"account_id": account_id, "date": date, "orders": 10, "gross": 300.0, "first_order_at": f"{date} 09:00:00"}
    return _without(plain | changed)


def months_of(account_id: str, names: Iterable[str], **changed: Any) -> list[dict[str, Any]]:
    """Several months with work of one account."""
    return [month(account_id, name, **changed) for name in names]


def calendar(first: str = "2024-01", last: str = "2024-12") -> list[str]:
    """Names of months."""
    return [str(period) for period in pd.period_range(first, last, freq="M")]


class _Drop:
    pass


DROP = _Drop()
"""In the place of a value: the column is left out."""


def write(path: Path, rows: Iterable[dict[str, Any]], encoding: str = "utf-8") -> Path:
    """Write rows as CSV or Parquet, by the ending."""
    frame = pd.DataFrame(list(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, encoding=encoding)
    return path


def delivered(folder: Path, accounts: Iterable[dict[str, Any]], months: Iterable[dict[str, Any]]) -> Path:
    """Write accounts and worker-months as one CSV file each."""
    write(folder / "account" / "p1.csv", accounts)
    write(folder / "month" / "p1.csv", months)
    return folder


def delivery(**changed: Any) -> Delivery:
    """Describe tiny exports."""
    return Delivery(**({"folder": "exports", "tables": TABLES, "citation": "made up"} | changed))


def declared(files: str, says: str) -> list[dict[str, str]]:
    """Declare one thing about files."""
    return [{"files": files, "says": says, "reason": "a letter of the data desk", "who": "data desk", "when": "2024-07-01"}]


def opened(folder: Path, only: tuple[str, ...] = ("**",), **changed: Any) -> Opened:
    """Open tiny exports."""
    return open_delivery(connect(), folder, delivery(**changed), only)


def cleaned(folder: Path, only: tuple[str, ...] = ("**",), **changed: Any) -> CleanDelivery:
    """Open and clean tiny exports."""
    return clean_delivery(opened(folder, only, **changed))


def life_of(clean: CleanDelivery, covered: dict[str, str] | None = None, **sample: Any) -> WorkingLife:
    """Lay out the working lives of clean exports; `covered` is group → first covered month."""
    import pyarrow as pa

    engine = clean.accounts.everybody.get_backend()
    groups = [{"group": group, "first_covered": first} for group, first in (covered or {}).items()]
    tables = (clean.accounts.cleaned.table, clean.months.cleaned.table, clean.months.worked)
    others = [None if one is None else one.table for one in (clean.eligibility, clean.city_month)]
    agreed = register(engine, "covered_by_hand", pa.Table.from_pylist(groups, COVERED))
    days = clean.days.table.select("account_id", "date") if clean.days else None
    return working_life(Exports(engine, *tables, *others, agreed, days), Sample(**(SAMPLE | sample)))  # type: ignore[arg-type]


def panel(life: WorkingLife) -> pd.DataFrame:
    """Give worker-months in a fixed order."""
    return life.table.to_pandas().sort_values(["worker", "month"], ignore_index=True)


def registry(folder: Path) -> Path:
    """Write a registry with nothing on record."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: [name] for name in ("sources", "programmes", "agreements", "clauses", "events", "claims")}
    for name, held in keys.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({key: [] for key in held}), encoding="utf-8")
    return folder


def study(home: Path, sample: dict[str, Any] | None = None, **changed: Any) -> Study:
    """Write and read a study of tiny exports in `data/exports` below a home, with a registry of nothing."""
    registry(home / "data" / "exports" / "registry")
    described = {"folder": "exports", "tables": TABLES, "citation": "made up", "registry": "registry"} | changed
    content = {
        "name": "tiny",
        "title": BOTH,
        "question": BOTH,
        "source": {"delivery": described, "sample": SAMPLE | (sample or {})},
        "period": "month",
        "columns": {"worker": "worker", "month": "month", "unit": "unit", "first_covered": "first_covered"},
        "outcomes": [{"name": "left_30d", "column": "exit_30d", "kind": "attrition", "title": BOTH, "unit": BOTH}],
        "coverage": {"name": BOTH, "decided_by": "agreement"},
        "effects": {"comparison": "never"},
    }
    file = home / "tiny.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_study(file)


def received(home: Path, sample: dict[str, Any] | None = None, **changed: Any) -> Received:
    """Carry tiny exports in `data/exports` through `receive`."""
    return receive(connect(), study(home, sample, **changed), home / "data", KEY)


def rules_of(clean: CleanDelivery, table: str) -> dict[str, int]:
    """Give rule → rows of the audit of one table."""
    audits = {one.audit.table: one.audit for one in clean.tables}
    return {rule.id: rule.rows for rule in audits[table].rules}


def found(clean: CleanDelivery, rule: str) -> list[str]:
    """Give where a finding points to, each time it was made."""
    return [finding.where for finding in clean.findings if finding.rule == rule]


def _without(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not DROP}
