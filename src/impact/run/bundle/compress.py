"""Compress a study at the data holder: cleaning, one pass, disclosure, and what disclosure costs. May touch: what sources touch, the bundle's file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

import impact
from impact.clean.for_study import clean_for
from impact.clean.quality.quality import Quality, study_quality
from impact.design.design import WORKER
from impact.errors import DataError, SourceError, StudyError
from impact.moments.change import merge
from impact.moments.disclose.disclose import Disclosed
from impact.moments.disclose.rules import Rules
from impact.moments.disclose.top_codes import top_codes
from impact.panel.coverage import find_coverage
from impact.run.bundle.file import Bundle, taken, write_bundle
from impact.run.bundle.noise import leaving, noise_of
from impact.run.bundle.record import asks_of, audit_that_may_leave, finding_that_may_leave, rounded, rules_that_may_leave
from impact.run.bundle.statement import statement_of
from impact.run.bundle.together import disclose_together
from impact.run.check import files_read
from impact.run.needed import MAIN, Need, benchmark_of, cluster_level, compress_needed, distinct, moments_needed, shared_by
from impact.run.receive import Received, receive
from impact.sources.engine import connect
from impact.sources.key import SYNTHETIC_KEY, derive, load_key
from impact.study import Study, load_study
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.clean.worker_month import WorkerMonths
    from impact.moments.moments import Moments

Step = Literal["data", "moments", "disclosure", "noise", "write"]
OnStep = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Compressed:
    """A bundle that was written, and what only the data holder sees."""

    path: Path
    bundle: Bundle
    noise: pd.DataFrame
    """As `noise_of` gives it, with the full estimates, which stay inside."""
    left_out: Mapping[str, Text]
    """Estimates that cannot be made from the bundle, with the reason."""


_TOO_LITTLE = Text("too little of its cells may leave, beside those of the samples before it", "在已放行的样本之外，其可放行的单元过少")


_JOINED = Text(
    "it holds units constant that were joined, so that less had to be withheld (--fine-units keeps them)",
    "该估计须固定各单位效应，而为减少隐匿已将单位合并（--fine-units 可保留）",
)


def _silent(_: Step) -> None:
    pass


def compress_study(
    study_path: Path,
    data_root: Path,
    out: Path,
    rules: Rules,
    environ: Mapping[str, str] = os.environ,
    on_step: OnStep = _silent,
    fine_units: bool = False,
) -> Compressed:
    """Write the bundle of a study: moments that are safe to leave, and what they are.

    Units that only a benchmark tells apart are joined first (`joined_units`), unless `fine_units` keeps them.

    Raises StudyError where the study estimates nothing, SourceError where something stands at `out` already, DataError where nothing may leave, and what
    receiving, cleaning and compressing raise. Nothing is written then.
    """
    study = load_study(study_path)
    _require_usable(study, out)
    key = _rounding_key(study, environ)
    on_step("data")
    engine = connect()
    received = receive(engine, study, data_root, environ)
    clean = clean_for(study, received.raw)
    on_step("moments")
    needs = moments_needed(study)
    full, fine, caps = _moments(study, clean, needs, rules)
    coded = fine if fine_units else joined_units(study, fine)
    made = {purpose: replace(need, apart=coded[MAIN] is fine[MAIN]) for purpose, need in needs.items()}
    on_step("disclosure")
    percent = [outcome.name for outcome in study.outcomes if outcome.transform == "percent"]
    disclosed = disclose_together(distinct(coded), rules, key, MAIN, percent)
    held = {purpose: disclosed[name].moments for purpose, name in shared_by(coded).items() if name in disclosed}
    on_step("noise")
    noise = noise_of(study, full, held)
    left_out = _left_out(study, noise, disclosed, coded)
    on_step("write")
    usable = {purpose: moments for purpose, moments in held.items() if purpose not in left_out}
    provenance = _provenance(study, received, rules, caps, made, usable)
    record = _record(study, data_root, received, clean, rules, disclosed, noise, left_out)
    names = distinct(usable)
    bundle = Bundle(provenance, record, statement_of(provenance, record), names)
    digest = write_bundle(out, bundle)
    return Compressed(out, replace(bundle, sha256=digest), noise, left_out)


def _require_usable(study: Study, out: Path) -> None:
    if study.coverage is None:
        raise StudyError(
            f"study {study.name}: it estimates nothing that moments could carry.\nFound no `coverage`.\nTables of attrition leave in its report; compress a study that asks for an effect."
        )
    if out.exists():
        raise taken(out)


def _rounding_key(study: Study, environ: Mapping[str, str]) -> bytes:
    """Give the secret of the rounding: the same data are rounded alike every time, and nobody without it can undo that."""
    key = SYNTHETIC_KEY if study.synthetic else load_key(environ)
    if key is None:
        raise SourceError(
            f"study {study.name}: there is no key to round with.\nFound neither IMPACT_KEY nor IMPACT_KEY_FILE.\n"
            "Make a key with `impact key new FILE`, keep it where the rows are, and set IMPACT_KEY_FILE to it."
        )
    return derive(key, "moments").secret


def _moments(
    study: Study, clean: WorkerMonths, needs: Mapping[str, Need], rules: Rules
) -> tuple[dict[str, Moments], dict[str, Moments], dict[str, float]]:
    """Compress as it is, and with incomes above the top code set to it; the same moments where no income is asked for."""
    incomes = tuple(outcome.name for outcome in study.outcomes if outcome.kind == "income")
    main = needs[MAIN]
    full = compress_needed(clean.table, clean.period, {**needs, MAIN: replace(main, parts=replace(main.parts, bins=incomes))})
    bins = full[MAIN].bins
    if bins is None:
        return full, full, {}
    caps = top_codes(bins, rules)
    return full, compress_needed(_capped(clean.table, caps), clean.period, needs), caps


def joined_units(study: Study, held: Mapping[str, Moments]) -> dict[str, Moments]:
    """Join the units of a cohort and cluster, which group-time effects do not tell apart: fewer and larger cells leave more behind.

    Estimates and errors of the study's main question and its variants stay what they are. A benchmark holds units constant: it goes, wherever units
    were joined, because the same rows must not leave in two cuts.
    """
    apart = distinct(held)
    if any(moments.one_worker_per_unit for moments in apart.values()):
        return dict(held)
    merged = {name: _joined(study, moments) for name, moments in apart.items()}
    names, benchmarks = shared_by(held), {benchmark_of(benchmark) for benchmark in study.benchmarks}
    if all(len(merged[name].units) == len(apart[name].units) for name in merged):
        return dict(held)
    return {purpose: merged[name] for purpose, name in names.items() if purpose not in benchmarks}


def _joined(study: Study, moments: Moments) -> Moments:
    units = moments.units
    cohort = ["never" if pd.isna(first) else str(int(first)) for first in units["first_covered"]]
    if cluster_level(study) == WORKER:
        without = replace(moments, units=units.drop(columns="cluster", errors="ignore"))
        return merge(without, dict(zip(units.index, cohort, strict=True)))
    return merge(
        moments, {unit: f"{first} / {cluster}" for unit, first, cluster in zip(units.index, cohort, units["cluster"], strict=True)}
    )


def _capped(table: ir.Table, caps: Mapping[str, float]) -> ir.Table:
    return table.mutate(**{name: (table[name] > cap).ifelse(cap, table[name]) for name, cap in caps.items()})


def _left_out(study: Study, noise: pd.DataFrame, disclosed: Mapping[str, Disclosed], coded: Mapping[str, Moments]) -> dict[str, Text]:
    """Say which estimates cannot be made from what may leave.

    Raises DataError where the main one is among them.
    """
    none = noise[noise["estimate"].isna() & (noise["kind"] != "event_time")]["purpose"]
    if MAIN in set(none):
        raise DataError(
            f"study {study.name}: what may leave is too little for the main estimate.\n{_told(disclosed[MAIN])}\n"
            "Ask about coarser units or longer periods: a unit needs workers above the threshold in its months before and after coverage."
        )
    return {purpose: _TOO_LITTLE if purpose in coded else _JOINED for purpose in dict.fromkeys(none)}


def _told(disclosed: Disclosed) -> str:
    table = disclosed.statement.table
    cells = table[table["part"] == "cells"]
    return f"Found {int(cells['withheld'].sum()):,} cells withheld, {len(disclosed.moments.cells):,} left."


def _provenance(
    study: Study, received: Received, rules: Rules, caps: Mapping[str, float], made: Mapping[str, Need], usable: Mapping[str, Moments]
) -> dict[str, Any]:
    names = shared_by(usable)
    serves = [{"purpose": purpose, "moments": name, "need": made[purpose].as_dict()} for purpose, name in names.items()]
    return {
        "study": study.name,
        "title": study.title.model_dump(),
        "asks": asks_of(study),
        "synthetic": study.synthetic,
        "source": {"sha256": received.raw.sha256, "citation": study.source.citation},
        "made_with": f"impact {impact.__version__}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "rules": asdict(rules),
        "top_codes": dict(caps),
        "moments": serves,
    }


def _record(
    study: Study,
    data_root: Path,
    received: Received,
    clean: WorkerMonths,
    rules: Rules,
    disclosed: Mapping[str, Disclosed],
    noise: pd.DataFrame,
    left_out: Mapping[str, Text],
) -> dict[str, Any]:
    assert study.coverage is not None
    quality: Quality = study_quality(study, received.raw, clean)
    coverage = find_coverage(clean.table, study.coverage.switching)
    findings = dict.fromkeys([*received.findings, *quality.findings])
    sentences = [text for found in disclosed.values() for text in found.statement.texts]
    return {
        "period": clean.period,
        "audit": audit_that_may_leave(clean.audit, rules).as_dict(),
        "received": {
            "audits": [audit_that_may_leave(audit, rules).as_dict() for audit in received.audits],
            "findings": [finding_that_may_leave(finding, rules).as_dict() for finding in findings],
            "key_id": received.key_id,
            "quality": {"files": files_read(study, data_root)},
        },
        "coverage_rules": [rule.as_dict() for rule in rules_that_may_leave(coverage.rules, rules)],
        "rows": rounded(clean.audit.rows_kept, rules),
        "sentences": [text.as_dict() for text in dict.fromkeys(sentences)],
        "withheld": _withheld(disclosed).to_dict("records"),
        "noise": leaving(noise),
        "left_out": [{"purpose": purpose, **reason.as_dict()} for purpose, reason in left_out.items()],
    }


def _withheld(disclosed: Mapping[str, Disclosed]) -> pd.DataFrame:
    tables = [found.statement.table.assign(sample=name) for name, found in disclosed.items()]
    return pd.concat(tables, ignore_index=True)
