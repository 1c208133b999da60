"""The source of a study, whatever it is, becomes one table of worker-months, with everything that was done and found on the way. May touch: what sources touch.

This is the gate of privacy: behind it nobody has a name, a phone number or an account any more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from impact.clean.audit import Audit, Finding
from impact.clean.privacy import is_direct, pseudonymised, refuse_plain_hashes
from impact.clean.rules import TOUCHED
from impact.errors import DataError, SourceError, StudyError, listing
from impact.panel.agreements import first_covered
from impact.panel.attrition.leavers import Leavers
from impact.panel.income.pay import require_delivered
from impact.panel.working_life import Exports, working_life
from impact.run.delivery import ORDER, CleanDelivery, Opened, clean_delivery, open_delivery, open_table_of
from impact.schema.income import WORKER_MONTH_INCOME
from impact.sources.dataset import ReceivedFile, find_files, hash_file
from impact.sources.engine import connect, register, store
from impact.sources.key import SYNTHETIC_KEY, Key, load_key
from impact.sources.open import open_source
from impact.sources.raw import RawTable
from impact.sources.registry import load_registry
from impact.study import Study, locate_delivery
from impact.study.delivery import DeliverySource
from impact.study.model import DatabaseSource, FileSource
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

    from impact.study.delivery import Delivered, Delivery

_LOOKED_AT = 1000
"""Rows that are looked at to tell what a column of identifiers holds."""
_PANEL = "worker_month_of_study"


@dataclass(frozen=True, slots=True)
class Received:
    """Worker-months as a study reads them, and the way that led there."""

    raw: RawTable
    audits: tuple[Audit, ...]
    """What cleaning did, table by table; none for a source of one table, which `clean_worker_months` reads."""
    findings: tuple[Finding, ...]
    touched: pa.Table
    """Rows that rules met: `rule, action, file, row, column`."""
    key_id: str | None
    """Key of the pseudonyms; None where the source has no identifiers of persons."""
    leavers: Leavers | None = None
    """Who was away when, by pseudonym; None for a source of one table."""

    def as_dict(self) -> dict[str, Any]:
        """Give what was done and found as plain values, for JSON; no rows."""
        return {
            "audits": [audit.as_dict() for audit in self.audits],
            "findings": [finding.as_dict() for finding in self.findings],
            "key_id": self.key_id,
        }


def receive(engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str] = os.environ) -> Received:
    """Open and clean the source of a study.

    Raises StudyError, SourceError or DataError; DataError too where something was found that must be mended or declared before any estimate.
    """
    if not isinstance(study.source, DeliverySource):
        return _one_table(engine, study, data_root, environ)
    key = key_for(study, environ)
    opened = opened_delivery(engine, study, data_root, environ)
    cleaned = clean_delivery(opened)
    refuse_plain_accounts(study, cleaned.accounts.everybody)
    refuse_stops(cleaned.findings)
    return panel_of(study, opened, cleaned, key)


def opened_delivery(engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str] = os.environ) -> Opened:
    """Open the files of a study's delivery.

    Raises what `open_delivery` raises, and StudyError where its folder is not there.
    """
    assert isinstance(study.source, DeliverySource)
    source = study.source
    return open_delivery(engine, locate_delivery(study, data_root), source.delivery, source.sample.only, environ)


def digest_of(study: Study, data_root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Hash the bytes of a study's source, and describe it for the manifest; nothing of a delivery is parsed.

    Raises StudyError or SourceError where something is missing.
    """
    if not isinstance(study.source, DeliverySource):
        raw = open_source(connect(), study, data_root, environ)
        rows = int(raw.table.count().to_pyarrow().as_py())
        return {"name": raw.name, "sha256": raw.sha256, "rows": rows, "citation": study.source.citation}
    delivery, folder = study.source.delivery, locate_delivery(study, data_root)
    patterns = [pattern for name in ORDER for pattern in delivery.files_of(name)]
    survey = [
        name for wave in delivery.survey.values() for name in (wave.text, wave.number, wave.frame, wave.margins, wave.codebook) if name
    ]
    registry = [f"{delivery.registry}/*.yaml"] if delivery.registry else []
    elected = [study.survey.representatives.file] if study.survey and study.survey.representatives else []
    paths = find_files(folder, [*patterns, *survey, *elected, *registry, *([delivery.corrections] if delivery.corrections else [])])
    held = [file for name in ORDER if delivery.databases_of(name) for file in _in_databases(name, folder, delivery, environ)]
    parts = [f"{path.relative_to(folder).as_posix()} {hash_file(path)}".encode() for path in paths]
    parts += [f"{file.name} {file.sha256}".encode() for file in held]
    digest = hashlib.sha256(b"\n".join(parts)).hexdigest()
    return {"name": delivery.place, "sha256": digest, "files": len(paths) + len(held), "citation": delivery.citation}


def _in_databases(name: Delivered, folder: Path, delivery: Delivery, environ: Mapping[str, str]) -> tuple[ReceivedFile, ...]:
    """Open what a table has in databases alone: their content has no bytes to hash."""
    alone = delivery.model_copy(update={"tables": {name: delivery.databases_of(name)}})
    return open_table_of(connect(), name, folder, alone, environ=environ).files


def refuse_stops(findings: tuple[Finding, ...]) -> None:
    """Stop where a finding says that no estimate may be made.

    Raises DataError with the first of them, and how many there are.
    """
    stops = [finding for finding in findings if finding.level == "stop"]
    if stops:
        more = f" (and {len(stops) - 1} more: `impact check` lists them)" if len(stops) > 1 else ""
        raise DataError(f"{stops[0].where}: {stops[0].text.en}.\nFound in {stops[0].rows:,} rows{more}.\nWhat to do: {stops[0].advice.en}.")


def refuse_plain_accounts(study: Study, accounts: ir.Table) -> None:
    """Refuse accounts that are hashes made without a key.

    Raises DataError where they look like it and the delivery names no key, and where they are plain hashes of a column beside them.
    """
    assert isinstance(study.source, DeliverySource)
    some = _some_values(accounts)
    refuse_plain_hashes("account_id", some["account_id"], study.source.delivery.key_id, some)


def key_for(study: Study, environ: Mapping[str, str]) -> Key:
    """Give the key of a study's pseudonyms: the public one for synthetic data, the one in the environment for all others.

    Raises SourceError where there is none.
    """
    if isinstance(study.source, DeliverySource) and study.source.delivery.world:
        return SYNTHETIC_KEY
    key = load_key(environ)
    if key is None:
        raise SourceError(
            f"study {study.name}: its data name persons, and there is no key for their pseudonyms.\nFound neither IMPACT_KEY nor IMPACT_KEY_FILE.\n"
            "Make a key with `impact key new FILE`, keep it outside the repository, and set IMPACT_KEY_FILE to it."
        )
    return key


def panel_of(study: Study, opened: Opened, cleaned: CleanDelivery, key: Key) -> Received:
    """Make the worker-months of a study from clean exports, with pseudonyms in the place of accounts."""
    assert isinstance(study.source, DeliverySource)
    sample, engine = study.source.sample, opened.datasets["account"].engine
    covered, undated = first_covered(load_registry(_registry_of(study, opened)), sample.covered_by)
    life = working_life(
        Exports(
            engine,
            cleaned.accounts.cleaned.table,
            cleaned.months.cleaned.table,
            cleaned.months.worked,
            cleaned.eligibility.table if cleaned.eligibility else None,
            cleaned.city_month.table if cleaned.city_month else None,
            register(engine, "covered_groups", covered),
            _working_days(cleaned),
        ),
        sample,
    )
    require_delivered(study.name, _asked(study), life.table)
    table = store(engine, _PANEL, pseudonymised(life.table, "worker", key, engine))
    _require_somebody(study, life.table, table)
    digest = _digest(opened, _registry_of(study, opened))
    rows = int(table.count().to_pyarrow().as_py())
    audit = Audit("worker-months between first and last working day", digest, life.rows_in, life.rules, rows, "panel")
    raw = RawTable(table, engine, f"{study.name}: worker-months", first_row=1, sha256=digest)
    touched = pa.concat_tables([TOUCHED.empty_table(), *(one.touched for one in cleaned.tables)])
    audits = (*(one.audit for one in cleaned.tables), audit)
    about_pay = life.findings if is_about_pay(study) else ()
    gone = replace(
        life.leavers,
        **{name: pseudonymised(getattr(life.leavers, name), "worker", key, engine) for name in ("people", "absences", "accounts")},
    )
    return Received(raw, audits, (*cleaned.findings, *undated, *about_pay), touched, key.id, gone)


def _working_days(cleaned: CleanDelivery) -> ir.Table | None:
    """Give `account_id, date` of every day with work, those after closure apart; None where no days were delivered."""
    if cleaned.days is None:
        return None
    days = cleaned.days.table
    return days.filter(~days["flag_activity_after_closure"]).select("account_id", "date")


def is_about_pay(study: Study) -> bool:
    """Say whether a study asks for pay: as the kind of an outcome, or by a column of it; days, orders and hours alone are no pay."""
    pay = {column.name for column in WORKER_MONTH_INCOME.columns if column.unit not in ("days", "orders", "hours")}
    return any(outcome.kind == "income" for outcome in study.outcomes) or not pay.isdisjoint(_asked(study))


def _asked(study: Study) -> tuple[str, ...]:
    return (*(outcome.column for outcome in study.outcomes), *(covariate.column for covariate in study.covariates))


def _registry_of(study: Study, opened: Opened) -> Path:
    """Give the folder of the agreements on record."""
    if opened.delivery.registry is None:
        raise StudyError(
            f"study {study.name}: its delivery names no registry, so that nobody knows who is covered from when.\nFound no key `registry`.\n"
            "Name the folder of the agreements on record; `impact new` writes one to fill in."
        )
    return opened.folder / opened.delivery.registry


def _require_somebody(study: Study, named: ir.Table, table: ir.Table) -> None:
    """See that the sample has workers, and that every account has a pseudonym of its own."""
    accounts, pseudonyms = (int(each["worker"].nunique().to_pyarrow().as_py()) for each in (named, table))
    if accounts == 0:
        assert isinstance(study.source, DeliverySource)
        groups = study.source.sample.groups
        raise StudyError(
            f"study {study.name}: nobody is in its sample.\nFound no worker with a month of work{f' in the groups {listing(groups)}' if groups else ''}.\n"
            "See what `sample: groups` and `sample: only` name, and whether accounts and worker-months write their ids alike."
        )
    if pseudonyms < accounts:
        raise DataError(
            f"study {study.name}: some accounts differ in nothing but blanks or the width of signs.\nFound {accounts:,} accounts, {pseudonyms:,} when written alike.\n"
            "They are one person or two: ask, and write them in one way."
        )


def _digest(opened: Opened, registry: Path) -> str:
    beside = [opened.folder / opened.delivery.corrections] if opened.delivery.corrections else []
    facts = [path.read_bytes() for path in (*sorted(registry.glob("*.yaml")), *beside)]
    parts = [f"{file.name} {file.sha256}".encode() for file in opened.files]
    return hashlib.sha256(b"\n".join([*parts, *facts])).hexdigest()


def _one_table(engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str]) -> Received:
    """Open a source of one table; a column of phone or identity numbers gets pseudonyms, hashes without a declared key are refused."""
    raw = open_source(engine, study, data_root, environ)
    named = study.columns.worker
    if named is None or named not in raw.table.columns or study.synthetic:
        return Received(raw, (), _said(raw), TOUCHED.empty_table(), None)
    some = _some_values(raw.table)
    key_id = study.source.key_id if isinstance(study.source, FileSource | DatabaseSource) else None
    refuse_plain_hashes(named, some[named], key_id, some)
    if is_direct(some[named]) is None:
        return Received(raw, (), _said(raw), TOUCHED.empty_table(), None)
    key = key_for(study, environ)
    # Pseudonyms are made here: a key does not travel to a server
    raw = open_source(engine, study, data_root, environ, bring_here=True)
    table = store(engine, "with_pseudonyms", pseudonymised(raw.table, named, key, engine))
    return Received(replace(raw, table=table), (), _said(raw), TOUCHED.empty_table(), key.id)


def _said(raw: RawTable) -> tuple[Finding, ...]:
    """Hand on what a reader must know about how the source was understood."""
    advice = Text("nothing, unless this is not what was meant", "如与本意相符，无须处理")
    return tuple(Finding("how_it_was_read", "note", raw.name, 0, note, advice) for note in raw.notes)


def _some_values(table: ir.Table) -> dict[str, list[str | None]]:
    """Give the columns of the first rows of a table, as text, to tell what they hold."""
    head = table.limit(_LOOKED_AT)
    texts = head.select(**{name: head[name].cast("string") for name in head.columns}).to_pyarrow()
    return {name: texts[name].to_pylist() for name in texts.column_names}
