"""One wave of a delivery, opened, corrected, cleaned and joined to the list of those asked. May touch: the delivery's files, the engine.

Behind this gate nobody has a name, a phone number, an account or the code of a link: those asked are rows, respondents are pseudonyms.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from impact.clean.audit import Audit, Finding
from impact.clean.link import Linked, link
from impact.clean.platform.account import clean_accounts
from impact.clean.platform.corrections import read_corrections
from impact.clean.privacy import pseudonyms
from impact.clean.survey.corrections import corrected_answers
from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.survey import clean_survey
from impact.errors import DataError, StudyError
from impact.panel.agreements import first_covered
from impact.run.delivery import open_table_of
from impact.schema.questionnaire import CODEBOOK, Codebook
from impact.sources.codebook import load_codebook
from impact.sources.files import open_file
from impact.sources.key import Key
from impact.sources.registry import load_registry
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from impact.study import Study, locate_delivery
from impact.study.delivery import DeliverySource
from impact.study.survey import SurveyPart, misfit
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from impact.sources.dataset import Dataset
    from impact.study.delivery import Delivery

KEPT = ("respondent", "returned", "valid", "covered", "stratum", "design_weight")
"""Columns of `Wave.issued` beside the margins and the answers that the study asks for."""


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave, ready for weights."""

    issued: pd.DataFrame
    """One row per questionnaire issued: `KEPT`, the margins, the fields that the study names, and `flag_…`; answers are missing where none is valid."""
    workforce: pd.DataFrame
    """Active workers by the margins crossed, column `workers`."""
    codebook: Codebook
    linked: Linked | None
    """None where the list names no accounts, or the delivery has none."""
    audit: Audit
    findings: tuple[Finding, ...]
    touched: pa.Table
    month: str
    """Month in which most answers came, such as `2025-10`."""


def open_wave(
    engine: Backend,
    study: Study,
    part: SurveyPart,
    data_root: Path,
    key: Key,
    linkage: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> Wave:
    """Read, correct and clean a wave, and put its answers beside the list of those asked; without `linkage` nobody asks which answers meet an account.

    Raises StudyError for a field that the codebook does not have; SourceError and DataError where files cannot be read or do not belong together.
    """
    assert isinstance(study.source, DeliverySource)
    delivery, folder = study.source.delivery, locate_delivery(study, data_root)
    files = delivery.survey[part.wave]
    assert files.frame is not None
    assert files.margins is not None
    codebook = load_codebook(folder / files.codebook) if files.codebook else CODEBOOK
    _refuse_misfit(study, part, codebook)
    raw = read_wenjuanxing(engine, folder / files.text, folder / files.number if files.number else None, codebook, folder)
    lines = read_corrections(open_file(engine, folder / delivery.corrections)) if delivery.corrections else ()
    corrected = corrected_answers(raw, lines, part.wave, delivery.survey)
    cleaned = clean_survey(corrected.table, SurveyOptions(key=key))
    answers = cleaned.table.to_pandas()
    listed = _listed(engine, folder / files.frame, part.margins)
    counts = open_file(engine, folder / files.margins)
    columns = {name: counts.column(name) for name in part.margins} | {"workers": counts.column("workers").cast("float64")}
    mine, strangers = _of_the_list(answers, listed, raw.name)
    month = str(raw.answers["end_ts"].dt.strftime("%Y-%m").mode().iloc[0])
    issued = _joined(listed, raw.answers["link_code"], mine, part, key)
    issued["covered"] = _covered(listed, folder / delivery.registry if delivery.registry else None, month).to_numpy()
    asks = linkage and "account_id" in listed and "link_consent" in mine and delivery.tables.get("account")
    accounts = open_table_of(engine, "account", folder, delivery, environ=environ) if asks else None
    return Wave(
        issued,
        counts.table.select(**columns).to_pandas(),
        codebook,
        _linked(accounts, delivery, mine, listed, key, study.name) if accounts else None,
        replace(cleaned.audit, rules=(*corrected.rules, *cleaned.audit.rules)),
        (*cleaned.findings, *strangers),
        pa.concat_tables([corrected.touched, cleaned.touched]),
        month,
    )


def _refuse_misfit(study: Study, part: SurveyPart, codebook: Codebook) -> None:
    complaint = misfit(part, codebook)
    if complaint:
        raise StudyError(
            f"study {study.name}: its survey does not fit the codebook `{codebook.name}`.\nFound: {complaint}.\n"
            "Name a field as the codebook spells it."
        )


def _listed(engine: Backend, path: Path, margins: Sequence[str]) -> pd.DataFrame:
    """Read the list of those asked; names and phone numbers stay in the file."""
    raw = open_file(engine, path)
    needed = ("frame_id", "stratum", "design_weight", *margins)
    for name in needed:
        raw.column(name)
    wanted = dict.fromkeys([*needed, *(name for name in ("account_id", "platform_id", "unit") if name in raw.table.columns)])
    table = raw.table.select(*wanted).to_pandas()
    twice = table["frame_id"].duplicated()
    if twice.any() or table["frame_id"].isna().any():
        raise DataError(
            f"{raw.name}: column `frame_id` does not name each questionnaire once.\nFound {int(twice.sum())} codes that stand twice and "
            f"{int(table['frame_id'].isna().sum())} rows without one, among {len(table)} rows.\nAsk for the list as it was issued: one row per questionnaire."
        )
    weights = pd.to_numeric(table["design_weight"], errors="coerce")
    if weights.isna().any():
        raise DataError(
            f"{raw.name}: column `design_weight` is no number in every row.\nFound {int(weights.isna().sum())} rows, first row {int(weights.isna().argmax()) + raw.first_row}.\n"
            "Give the workers of the stratum divided by its questionnaires."
        )
    checked: pd.DataFrame = table.assign(design_weight=weights)
    return checked


def _of_the_list(answers: pd.DataFrame, listed: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the answers that belong to one questionnaire of the list, and count the others."""
    code = answers["link_code"]
    unknown = code.isna() | ~code.isin(listed["frame_id"])
    shared = ~unknown & code.duplicated(keep=False)
    findings = [
        Finding(rule, "warning", name, int(met.sum()), words, advice)
        for rule, met, words, advice in (("code_unknown", unknown, *_UNKNOWN), ("code_shared", shared, *_SHARED))
        if met.any()
    ]
    return answers[~unknown & ~shared], findings


_UNKNOWN = (
    Text(
        "valid answers without a code of the issued list: nobody knows for whom they stand, and they have no weight",
        "有效答卷的链接编码不在发放名单中：无法判断其代表谁，不予加权",
    ),
    Text("Send links with the codes of the list.", "请按发放名单中的编码发送链接。"),
)
_SHARED = (
    Text("several valid answers with one code: none of them is used", "同一编码有多份有效答卷：均不采用"),
    Text("Ask who answered; one link belongs to one person.", "请核实由谁作答；同一链接只应对应一人。"),
)


def _joined(listed: pd.DataFrame, returned: pd.Series[str], answers: pd.DataFrame, part: SurveyPart, key: Key) -> pd.DataFrame:
    """Put answers beside those asked, and a pseudonym in the place of the code; only what the study asks for is kept."""
    # answers say their own industry and sex; those of the list, which everybody has, keep the plain name
    asked = [name for name in part.fields if name not in part.margins]
    flags = [name for name in answers.columns if name.startswith("flag_")]
    given = answers.set_index("link_code")[[*asked, *flags]]
    beside = given.reindex(listed["frame_id"]).reset_index(drop=True)
    codes = [f"wave {part.wave} {code}" for code in listed["frame_id"]]
    own = listed[[*part.margins, "stratum", "design_weight"]].reset_index(drop=True)
    marks = {
        "respondent": pseudonyms(codes, key, "r_"),
        "returned": listed["frame_id"].isin(returned.dropna()).to_numpy(),
        "valid": listed["frame_id"].isin(answers["link_code"]).to_numpy(),
    }
    beside[flags] = beside[flags].astype("boolean").fillna(False).astype(bool)
    return pd.concat([pd.DataFrame(marks), own, beside], axis=1)


def _covered(listed: pd.DataFrame, registry: Path | None, month: str) -> pd.Series[bool]:
    """Tell who works for a platform or in a unit that is under an agreement in the month, as far as the list says where they work."""
    covered = pd.Series(False, index=listed.index)
    if registry is None:
        return covered
    record = load_registry(registry)
    for column, by in (("platform_id", "platform"), ("unit", "bargaining_unit")):
        if column in listed:
            begun = first_covered(record, "platform" if by == "platform" else "bargaining_unit")[0].to_pylist()
            covered |= listed[column].isin([row["group"] for row in begun if row["first_covered"] <= month])
    return covered


def _linked(dataset: Dataset, delivery: Delivery, answers: pd.DataFrame, listed: pd.DataFrame, key: Key, purpose: str) -> Linked:
    """Ask which answers can be joined to an account; the pairs stay here, and only rates leave."""
    accounts = clean_accounts(dataset, delivery).cleaned.table
    asked = listed["account_id"].dropna().tolist()
    there = accounts.filter(accounts["account_id"].isin(asked)).select("account_id").to_pyarrow()["account_id"].to_pylist()
    known = [worker for worker in pseudonyms(there, key) if worker]
    said = answers.assign(resp_id=answers["submission"].astype("string"), frame_id=answers["link_code"])
    return link(said[["resp_id", "frame_id", "link_consent"]], listed, known, key, purpose)
