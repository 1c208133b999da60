"""Look at the data of a study without making anything of them: what arrived, what cleaning does to it, what looks suspicious. May touch: what sources touch; writes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impact.clean.audit import Audit, Finding
from impact.clean.for_study import clean_for
from impact.clean.quality.columns import Complete
from impact.clean.quality.quality import Quality, study_quality
from impact.errors import SourceError
from impact.run.check_tables import Looked, attempt, look_at_delivery, stop_of
from impact.run.delivery import ORDER
from impact.run.receive import Received, key_for, panel_of, receive, refuse_plain_accounts
from impact.sources.dataset import Dataset, find_files
from impact.sources.engine import connect
from impact.sources.key import SYNTHETIC_KEY, Key
from impact.study import Study, load_study, locate_delivery
from impact.study.delivery import Delivered, DeliverySource
from impact.text import Text

if TYPE_CHECKING:
    pass

LEVELS = ("stop", "warning", "note")
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Arrived:
    """Files of one table, as they arrived."""

    table: str
    files: int
    rows: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What there is to say of a study's data before any estimate."""

    study: str
    title: Text
    synthetic: bool
    arrived: tuple[Arrived, ...]
    audits: tuple[Audit, ...]
    """What cleaning does, table by table, the worker-months of the study last."""
    findings: tuple[Finding, ...]
    """The gravest first."""
    complete: tuple[Complete, ...]
    key_id: str | None

    def count(self, level: str) -> int:
        """Count the findings of a level."""
        return sum(finding.level == level for finding in self.findings)

    def stands_in_the_way(self, strict: bool = False) -> bool:
        """Say whether something must be mended before an estimate; with `strict` a warning is enough."""
        return self.count("stop") > 0 or (strict and self.count("warning") > 0)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON; no rows."""
        return {
            "study": self.study,
            "synthetic": self.synthetic,
            "arrived": [{"table": one.table, "files": one.files, "rows": one.rows} for one in self.arrived],
            "audits": [audit.as_dict() for audit in self.audits],
            "findings": [finding.as_dict() for finding in self.findings],
            "complete": [one.as_dict() for one in self.complete],
            "key_id": self.key_id,
        }


def check_study(study_path: Path, data_root: Path, environ: Mapping[str, str] = os.environ, all_of_registry: bool = False) -> QualityReport:
    """Open and clean everything that a study reads, and collect what was done and found; nothing is written.

    Of the registry, what concerns the study's own agreements is told in full, the rest as a count, unless `all_of_registry` is asked for. An error about a table is a finding of level `stop`, and the other tables are looked at all the same. Raises StudyError where the study cannot be read.
    """
    study, engine = load_study(study_path), connect()
    found: list[Finding] = []
    if isinstance(study.source, DeliverySource):
        looked = look_at_delivery(engine, study, data_root, environ, all_of_registry)
        found += looked.findings
        received = _panel(found, study, looked, environ)
        audits = received.audits if received else tuple(one.audit for one in looked.cleaned)
        audits = (*audits, *looked.surveys)
        arrived = tuple(_arrived(dataset) for dataset in looked.datasets.values())
    else:
        received = attempt(found, study.name, lambda: receive(engine, study, data_root, environ))
        audits, arrived = (), _one(received)
    quality, panel = _of_panel(found, study, received)
    ordered = sorted(dict.fromkeys([*found, *quality.findings]), key=lambda finding: LEVELS.index(finding.level))
    title, key_id = Text(study.title.en, study.title.zh), received.key_id if received else None
    return QualityReport(study.name, title, study.synthetic, arrived, (*audits, *panel), tuple(ordered), quality.complete, key_id)


def files_read(study: Study, data_root: Path) -> int:
    """Count the files, and tables of databases, that a study's tables are read from; one for a source of one table.

    Raises what locating and finding them raises.
    """
    if not isinstance(study.source, DeliverySource):
        return 1
    delivery, only, folder = study.source.delivery, study.source.sample.only, locate_delivery(study, data_root)
    tables: Sequence[Delivered] = [name for name in ORDER if name in delivery.tables]
    files = sum(len(find_files(folder, delivery.files_of(name), only if name != "city_month" else ("**",))) for name in tables)
    return files + sum(len(delivery.databases_of(name)) for name in tables)


def _arrived(dataset: Dataset) -> Arrived:
    return Arrived(dataset.name, len(dataset.files), dataset.rows)


def _one(received: Received | None) -> tuple[Arrived, ...]:
    if received is None:
        return ()
    return (Arrived(received.raw.name, 1, int(received.raw.table.count().to_pyarrow().as_py())),)


def _panel(found: list[Finding], study: Study, looked: Looked, environ: Mapping[str, str]) -> Received | None:
    """Lay out the worker-months of a delivery; without a key they are looked at under the public one, and that is said."""
    if looked.whole is None:
        return None
    opened, cleaned = looked.whole
    attempt(found, "account", partial(refuse_plain_accounts, study, cleaned.accounts.everybody))
    try:
        key: Key = key_for(study, environ)
    except SourceError as error:
        found.append(stop_of("IMPACT_KEY_FILE", error))
        key = SYNTHETIC_KEY
    received = attempt(found, "worker_month", lambda: panel_of(study, opened, cleaned, key))
    found += received.findings if received else ()
    return received


def _of_panel(found: list[Finding], study: Study, received: Received | None) -> tuple[Quality, tuple[Audit, ...]]:
    """Read the worker-months as the study does, and look at them; the audit is given for a source of one table alone."""
    clean = attempt(found, study.name, lambda: clean_for(study, received.raw)) if received else None
    if received is None or clean is None:
        return Quality((), ()), ()
    raw = received.raw
    quality = attempt(found, study.name, lambda: study_quality(study, raw, clean)) or Quality((), ())
    return quality, () if received.audits else (clean.audit,)
