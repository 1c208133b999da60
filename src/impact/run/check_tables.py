"""A delivery looked at table by table, so that a table that cannot be read hides nothing of the others. May touch: the delivery's files, the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from impact.clean.audit import Audit, Cleaned, Finding
from impact.clean.platform.account import CleanAccounts, clean_accounts
from impact.clean.platform.plain import clean_eligibility, clean_plain
from impact.clean.platform.worker_day import clean_worker_days
from impact.clean.platform.worker_month import CleanMonths, clean_worker_months_of
from impact.clean.quality.quality import dataset_findings
from impact.clean.survey.survey import clean_survey
from impact.errors import ImpactError
from impact.run.check_registry import registry_findings
from impact.run.delivery import ORDER, CleanDelivery, Opened, across, open_table_of
from impact.run.receive import opened_delivery
from impact.run.survey.answers import open_wave
from impact.run.survey.margin_findings import margin_findings
from impact.run.survey.weights import weighted
from impact.schema.questionnaire import CODEBOOK
from impact.sources.codebook import load_codebook
from impact.sources.dataset import Dataset, matches
from impact.sources.key import SYNTHETIC_KEY
from impact.sources.registry import load_registry
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from impact.study import Study, locate_delivery
from impact.study.delivery import Delivered, DeliverySource, SurveyFiles
from impact.study.survey import SurveyPart
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in a delivery, as far as it could be looked at."""

    findings: tuple[Finding, ...]
    cleaned: tuple[Cleaned, ...] = ()
    """Clean tables, in the order of cleaning."""
    surveys: tuple[Audit, ...] = ()
    """What cleaning does to the waves of the survey."""
    datasets: Mapping[Delivered, Dataset] = field(default_factory=dict)
    whole: tuple[Opened, CleanDelivery] | None = None
    """The delivery as a study reads it; None where accounts or worker-months could not be cleaned."""


def attempt(found: list[Finding], where: str, step: Callable[[], Made]) -> Made | None:
    """Take a step; an error that a user can mend becomes a finding that stops, and None is given."""
    try:
        return step()
    except ImpactError as error:
        found.append(stop_of(where, error))
        return None


def stop_of(where: str, error: ImpactError) -> Finding:
    """Turn an error, whose three parts stand on lines of their own, into a finding that stops."""
    wrong, *rest = str(error).splitlines()
    advice = rest.pop() if rest else "Read the documentation of the delivery."
    said = " ".join([wrong, *rest])
    return Finding(
        "cannot_be_read",
        "stop",
        where,
        0,
        Text(said, f"“{where}”无法继续处理（英文原文）：{said}"),
        Text(advice, f"处理办法（英文原文）：{advice}"),
    )


def look_at_delivery(engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str], all_of_registry: bool = False) -> Looked:
    """Open and clean every table that can be, and hold what there is against each other; of the registry, what concerns the study, or all of it."""
    assert isinstance(study.source, DeliverySource)
    found: list[Finding] = []
    opened = _opened(found, engine, study, data_root, environ)
    if opened is None:
        return Looked(tuple(found))
    accounts, months, others = _cleaned(found, opened)
    tables = {"account": accounts.cleaned if accounts else None, "worker_month": months.cleaned if months else None, **others}
    held = {name: one for name, one in tables.items() if one is not None}
    for name, one in held.items():
        found += one.findings
        found += attempt(found, name, partial(dataset_findings, opened.datasets[name], one)) or ()  # type: ignore[index]
    together = (attempt(found, "delivery", lambda: across(held.get("worker_day"), months)) or ()) if months else ()
    found += together
    whole = (
        CleanDelivery(accounts, months, others.get("worker_day"), others.get("eligibility"), others.get("city_month"), together)
        if accounts and months
        else None
    )
    surveys = _surveys(found, engine, study, data_root, opened.folder)
    facts = opened.folder / opened.delivery.registry if opened.delivery.registry else None
    registry = attempt(found, "registry", lambda: load_registry(facts)) if facts else None
    found += registry_findings(registry, study, _groups(study, accounts), all_of_registry) if registry else ()
    return Looked(tuple(dict.fromkeys(found)), tuple(held.values()), tuple(surveys), opened.datasets, (opened, whole) if whole else None)


def _groups(study: Study, accounts: CleanAccounts | None) -> tuple[str, ...] | None:
    """List the platforms or bargaining units of the accounts; None where they cannot be told."""
    assert isinstance(study.source, DeliverySource)
    column = "platform_id" if study.source.sample.covered_by == "platform" else "unit_id"
    if accounts is None or column not in accounts.cleaned.table.columns:
        return None
    found = accounts.cleaned.table.select(column).distinct().to_pyarrow()[column].to_pylist()
    return tuple(str(one) for one in found if one is not None)


def _opened(found: list[Finding], engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str]) -> Opened | None:
    """Open the delivery; where that is refused, those of its tables that can be opened alone."""
    assert isinstance(study.source, DeliverySource)
    whole = attempt(found, "delivery", lambda: opened_delivery(engine, study, data_root, environ))
    if whole is not None:
        return whole
    delivery, only = study.source.delivery, study.source.sample.only
    folder = attempt([], "delivery", lambda: locate_delivery(study, data_root))
    if folder is None:
        return None
    alone: dict[Delivered, Dataset] = {}
    for name in ORDER:
        step = partial(open_table_of, engine, name, folder, delivery, only, environ)
        dataset = attempt(found, name, step) if delivery.tables.get(name) else None
        if dataset is not None and dataset.files:
            alone[name] = dataset
    said = found[0].text
    found[1:] = [finding for finding in found[1:] if finding.text.en != said.en]
    return Opened(folder, delivery, alone, (), tuple(only) != ("**",))


def _cleaned(found: list[Finding], opened: Opened) -> tuple[CleanAccounts | None, CleanMonths | None, dict[str, Cleaned | None]]:
    """Clean each table by its own rules; months and days without accounts are at least read by their types."""
    held, delivery, said = opened.datasets, opened.delivery, (opened.corrections, opened.restricted)
    accounts = attempt(found, "account", lambda: clean_accounts(held["account"], delivery, *said)) if "account" in held else None
    months: CleanMonths | None = None
    others: dict[str, Cleaned | None] = {}
    for name, dataset in held.items():
        if name == "worker_month" and accounts:
            months = attempt(found, name, partial(clean_worker_months_of, dataset, delivery, accounts, *said))
        elif name != "account":
            others[name] = attempt(found, name, _step(opened, dataset, accounts))
    return accounts, months, {name: one for name, one in others.items() if name != "worker_month"}


def _step(opened: Opened, dataset: Dataset, accounts: CleanAccounts | None) -> Callable[[], Cleaned]:
    said = (opened.corrections, opened.restricted)
    if dataset.name == "worker_day" and accounts:
        return partial(clean_worker_days, dataset, opened.delivery, accounts, *said)
    return partial(clean_eligibility if dataset.name == "eligibility" else clean_plain, dataset, opened.delivery, *said)


def _surveys(found: list[Finding], engine: Backend, study: Study, data_root: Path, folder: Path) -> list[Audit]:
    """Clean the wave of the survey that the study is about, as far as its weights, and those whose files are not left aside."""
    assert isinstance(study.source, DeliverySource)
    audits = []
    for wave, files in study.source.delivery.survey.items():
        part = study.survey if study.survey is not None and study.survey.wave == wave else None
        if part is None and not matches(files.text, study.source.sample.only):
            continue
        step = partial(_weighed, engine, study, part, data_root) if part else partial(_survey, engine, folder, files)
        seen = attempt(found, f"survey, wave {wave}", step)
        if seen is not None:
            found += seen[1]
            audits.append(seen[0])
    return audits


def _survey(engine: Backend, folder: Path, files: SurveyFiles) -> tuple[Audit, tuple[Finding, ...]]:
    codebook = load_codebook(folder / files.codebook) if files.codebook else CODEBOOK
    clean = clean_survey(read_wenjuanxing(engine, folder / files.text, folder / files.number if files.number else None, codebook, folder))
    return clean.audit, clean.findings


def _weighed(engine: Backend, study: Study, part: SurveyPart, data_root: Path) -> tuple[Audit, tuple[Finding, ...]]:
    """Weigh the answers as a run does; the public key will do, since no pseudonym leaves."""
    wave = open_wave(engine, study, part, data_root, SYNTHETIC_KEY, linkage=False)
    weighting = weighted(wave.issued, wave.workforce, part.margins, part.trim, part.classes)
    return wave.audit, (*wave.findings, *margin_findings(weighting, wave.issued, part.margins, part.trim, wave.audit.source))
