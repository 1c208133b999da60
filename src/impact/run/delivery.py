"""A delivery of raw exports, opened and cleaned table by table. May touch: the delivery's files, the engine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from impact.clean.audit import Cleaned, Finding
from impact.clean.platform.account import CleanAccounts, clean_accounts
from impact.clean.platform.corrections import Correction, read_corrections
from impact.clean.platform.declared import require_used
from impact.clean.platform.headings import is_known
from impact.clean.platform.plain import clean_eligibility, clean_plain
from impact.clean.platform.suspicious import days_against_months, drift
from impact.clean.platform.worker_day import clean_worker_days
from impact.clean.platform.worker_month import CleanMonths, clean_worker_months_of
from impact.clean.quality.quality import dataset_findings
from impact.errors import StudyError
from impact.schema.delivered import DELIVERED
from impact.sources.database_address import address_in
from impact.sources.dataset import Dataset, ReceivedFile, open_dataset, with_database
from impact.sources.files import open_file

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from impact.study.delivery import Delivered, Delivery

ORDER: tuple[Delivered, ...] = ("account", "worker_month", "worker_day", "eligibility", "city_month")


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery whose files have been opened and hashed."""

    folder: Path
    delivery: Delivery
    datasets: dict[Delivered, Dataset]
    corrections: tuple[Correction, ...]
    restricted: bool = False
    """Whether files were left aside because the study does not need them."""

    @property
    def files(self) -> tuple[ReceivedFile, ...]:
        """Every file that was opened."""
        return tuple(file for dataset in self.datasets.values() for file in dataset.files)


@dataclass(frozen=True, slots=True)
class CleanDelivery:
    """The clean tables of a delivery; they still name accounts, and live in the engine only."""

    accounts: CleanAccounts
    months: CleanMonths
    days: Cleaned | None
    eligibility: Cleaned | None
    city_month: Cleaned | None
    across: tuple[Finding, ...]
    """What was found when files and tables were held against each other."""

    @property
    def tables(self) -> tuple[Cleaned, ...]:
        """Every clean table, in the order of cleaning."""
        held = (self.accounts.cleaned, self.months.cleaned, self.days, self.eligibility, self.city_month)
        return tuple(one for one in held if one is not None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, in the order of cleaning."""
        return (*(finding for one in self.tables for finding in one.findings), *self.across)


def open_table_of(
    engine: Backend,
    name: Delivered,
    folder: Path,
    delivery: Delivery,
    only: Sequence[str] = ("**",),
    environ: Mapping[str, str] = os.environ,
) -> Dataset:
    """Open one table of a delivery, from files and databases; `only` are patterns of the files that matter, and keeps no database away.

    Raises SourceError where a file or database cannot be read, StudyError where the address of a database is not set.
    """
    mine = only if name != "city_month" else ("**",)
    dataset = open_dataset(engine, name, folder, delivery.files_of(name), mine)
    wanted = partial(is_known, DELIVERED[name], delivery.mapping)
    for table in delivery.databases_of(name):
        address = address_in(environ, table.connection, f"delivery, table `{name}`")
        dataset = with_database(dataset, address, table, wanted)
    return dataset


def open_delivery(
    engine: Backend, folder: Path, delivery: Delivery, only: Sequence[str] = ("**",), environ: Mapping[str, str] = os.environ
) -> Opened:
    """Open every table of a delivery; `only` are patterns of the files that matter, `environ` holds the addresses of databases.

    Raises SourceError where a file is missing or cannot be read, DataError where the table of corrections or a declaration does not hold together.
    """
    datasets = {name: open_table_of(engine, name, folder, delivery, only, environ) for name in ORDER if delivery.tables.get(name)}
    datasets = {name: dataset for name, dataset in datasets.items() if dataset.files}
    for name in ("account", "worker_month"):
        if name not in datasets:
            raise StudyError(
                f"delivery: there is no table `{name}`.\nFound files of {', '.join(datasets) or 'no table'}{'' if tuple(only) == ('**',) else f', among those that `only` names ({only})'}.\n"
                f"Name its files in `tables: {name}`."
            )
    restricted = tuple(only) != ("**",)
    require_used(delivery, tuple(datasets.values()), only)
    corrections = read_corrections(open_file(engine, folder / delivery.corrections)) if delivery.corrections else ()
    _require_tables(corrections, datasets, restricted)
    return Opened(folder, delivery, datasets, corrections, restricted)


def _require_tables(corrections: Sequence[Correction], datasets: Mapping[Delivered, Dataset], restricted: bool) -> None:
    for one in corrections:
        if one.table != "survey" and one.table not in datasets and not restricted:
            raise StudyError(
                f"corrections, row {one.line}: its table was not delivered.\nFound `{one.table}`; delivered: {', '.join(datasets)}.\n"
                "Name its files in `tables` of the delivery, or take the line out."
            )


def clean_delivery(opened: Opened) -> CleanDelivery:
    """Clean the tables of a delivery, and hold them against each other.

    Raises DataError where a table cannot be read; what is merely suspicious is among the findings.
    """
    held, delivery, said = opened.datasets, opened.delivery, (opened.corrections, opened.restricted)
    accounts = clean_accounts(held["account"], delivery, *said)
    months = clean_worker_months_of(held["worker_month"], delivery, accounts, *said)
    days = clean_worker_days(held["worker_day"], delivery, accounts, *said) if "worker_day" in held else None
    eligibility = clean_eligibility(held["eligibility"], delivery, *said) if "eligibility" in held else None
    city_month = clean_plain(held["city_month"], delivery, *said) if "city_month" in held else None
    clean = CleanDelivery(accounts, months, days, eligibility, city_month, across(days, months))
    about_files = (finding for one in clean.tables for finding in dataset_findings(held[one.audit.table], one))  # type: ignore[index]
    return replace(clean, across=(*clean.across, *about_files))


def across(days: Cleaned | None, months: CleanMonths) -> tuple[Finding, ...]:
    """Hold tables, and the months of platforms, against each other."""
    table = months.cleaned.table
    with_platform = days is not None and "platform_id" in days.table.columns
    return (*(days_against_months(days.table, table) if days is not None and with_platform else ()), *drift(table))
