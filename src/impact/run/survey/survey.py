"""The survey of a study: from exports to numbers that stand for the workforce, with everything that was done on the way. May touch: what sources touch, the run's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from impact.clean.audit import Audit, Finding
from impact.moments.suppress import suppressed
from impact.run.folder import RunFolder
from impact.run.receive import key_for
from impact.run.survey.answers import Wave, open_wave
from impact.run.survey.estimates import Scale, asked_columns, estimates, estimates_by, scale_sentences, scale_tables, scales
from impact.run.survey.margin_findings import margin_findings
from impact.run.survey.representatives import Elected, elected
from impact.run.survey.weights import Uneven, Weighting, coverage_finding, uneven_response, weighted
from impact.study import Study
from impact.study.survey import SurveyPart
from impact.survey.response import response_flow
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class SurveyTables:
    """What the survey stage hands on; nothing in it names a person or leads back to one without the key."""

    part: SurveyPart
    audit: Audit
    findings: tuple[Finding, ...]
    touched: pd.DataFrame
    flow: pd.DataFrame
    """Issued, returned and valid questionnaires, as `response_flow` gives them, by the first margin."""
    weighting: Weighting
    uneven: Uneven | None
    estimates: pd.DataFrame
    by: pd.DataFrame
    scales: tuple[Scale, ...]
    link_rates: pd.DataFrame
    link_missed: pd.DataFrame
    elected: Elected | None
    answers: pd.DataFrame
    """One row per respondent: a pseudonym, the margins, what the study asks of the answers, and the three weights."""
    month: str
    key_id: str
    fewest: int


def survey_of(
    engine: Backend,
    study: Study,
    data_root: Path,
    worker_months: ir.Table | None = None,
    level: float = 0.95,
    seed: int = 0,
    environ: Mapping[str, str] = os.environ,
) -> SurveyTables:
    """Read, clean, weight and estimate the wave that a study names; `worker_months` are those of the data stage, for the representatives.

    Raises StudyError, SourceError, DataError or EstimationError where a step cannot be taken.
    """
    assert study.survey is not None
    part, fewest, key = study.survey, study.report.minimum_cell, key_for(study, environ)
    wave = open_wave(engine, study, part, data_root, key, environ=environ)
    weighting = weighted(wave.issued, wave.workforce, part.margins, part.trim, part.classes)
    modelled = weighting.response_margins
    uneven = uneven_response(wave.issued, modelled) if modelled else None
    unused = margin_findings(weighting, wave.issued, part.margins, part.trim, wave.audit.source)
    raked = weighting.versions["raked"]
    rates, missed = _linkage(wave, fewest)
    chosen = part.representatives
    return SurveyTables(
        part=part,
        audit=wave.audit,
        findings=(*wave.findings, *unused, *coverage_finding(uneven, modelled, wave.audit.source)),
        touched=wave.touched.to_pandas(),
        flow=_flow(wave, part, fewest),
        weighting=weighting,
        uneven=uneven,
        estimates=estimates(part, weighting.versions, level, fewest),
        by=estimates_by(part, raked, level, fewest),
        scales=scales(part, wave.codebook, raked, level),
        link_rates=rates,
        link_missed=missed,
        elected=elected(engine, study, chosen, data_root, worker_months, fewest, seed) if chosen else None,
        answers=_answers(part, weighting),
        month=wave.month,
        key_id=key.id,
        fewest=fewest,
    )


def hand_on(run: RunFolder, survey: SurveyTables) -> None:
    """Write what the report reads: `stages/survey.json` and `stages/survey_….parquet`."""
    table, items = scale_tables(survey.scales)
    written = {
        "flow": survey.flow,
        "estimates": survey.estimates,
        "by": survey.by,
        "shares": printable_shares(survey),
        "scales": table,
        "scale_items": items,
        "link_rates": survey.link_rates,
        "link_missed": survey.link_missed,
        "ranks": survey.elected.ranks if survey.elected else pd.DataFrame(),
        "answers": survey.answers,
        "touched": survey.touched,
    }
    for name, content in written.items():
        if len(content.columns):
            run.write_table(f"survey_{name}", content)
    run.write_json("survey", as_dict(survey))


def as_dict(survey: SurveyTables) -> dict[str, Any]:
    """Give what is not a table as plain values, for JSON; no rows."""
    raking, who = survey.weighting.raking, survey.elected
    indicators = survey.weighting.indicators
    city = who.by_city if who else None
    return {
        "month": survey.month,
        "audit": survey.audit.as_dict(),
        "findings": [finding.as_dict() for finding in survey.findings],
        "key_id": survey.key_id,
        "spreads": {name: asdict(spread) for name, spread in survey.weighting.spreads.items()},
        "raking": {
            "modelled": list(survey.weighting.response_margins),
            "margins": [name for name in survey.part.margins if name not in {one.margin for one in survey.weighting.left_out}],
            "passes": raking.passes if raking else 0,
            "trims": raking.trims if raking else 0,
            "trimmed_rows": raking.trimmed_rows if raking else 0,
        },
        "response": {
            "rate": indicators.rate,
            "r_indicator": indicators.r_indicator,
            "variation": indicators.variation,
            "sentence": indicators.sentence.as_dict(),
            "between": indicators.partial.to_dict("records"),
        },
        "uneven": asdict(survey.uneven) if survey.uneven else None,
        "scales": {name: [text.as_dict() for text in texts] for name, texts in scale_sentences(survey.scales).items()},
        "representatives": {"number": who.number, "by_city": city.sentence.as_dict() if city else None} if who else None,
    }


def sentences(survey: SurveyTables) -> tuple[Text, ...]:
    """Give what the numbers say of representativeness, scales and representatives, for readers."""
    who = survey.elected
    named = [Text(f"`{one.name}`: {text.en}", f"`{one.name}`：{text.zh}") for one in survey.scales for text in one.found.sentences]
    return (survey.weighting.indicators.sentence, *named, *((who.by_city.sentence,) if who and who.by_city else ()))


def printable_shares(survey: SurveyTables) -> pd.DataFrame:
    """Give respondents against the workforce by version, without shares that rest on too few respondents."""
    return suppressed(survey.weighting.shares, survey.fewest, ("share", "difference", "standardised"), "rows")


def _flow(wave: Wave, part: SurveyPart, fewest: int) -> pd.DataFrame:
    table = response_flow(wave.issued, part.margins[0], "returned", "valid", weight="design_weight")
    rates = ("response_rate_1", "response_rate_2", "valid_share", "weighted_response_rate_1", "returned", "valid")
    return suppressed(table.astype({"returned": float, "valid": float, "issued": float}), fewest, rates, "issued")


def _linkage(wave: Wave, fewest: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the rates of linkage and who is missed, without groups that are too small."""
    if wave.linked is None:
        return pd.DataFrame(), pd.DataFrame()
    rates = wave.linked.rates.astype({"answers": float, "consenting": float, "linked": float})
    shown = suppressed(rates, fewest, ("consenting", "linked", "consent_rate", "match_rate", "linked_rate"), "answers")
    shown = suppressed(shown, fewest, ("linked_rate", "match_rate", "consent_rate", "consenting"), "linked")
    small = rates.loc[rates["answers"] < fewest, ["margin", "level"]].apply(tuple, axis=1).tolist()
    missed = wave.linked.missed
    return shown, missed[[pair not in small for pair in zip(missed["margin"], missed["level"], strict=True)]]


def _answers(part: SurveyPart, weighting: Weighting) -> pd.DataFrame:
    """Give the respondents as later users may have them: only what the study asks for, and no word of anybody's own."""
    raked = weighting.versions["raked"]
    rows = raked.frame
    items = list(dict.fromkeys(name for scale in part.scales for name in scale.fields))
    weights = {f"weight_{name}": sample.weights for name, sample in weighting.versions.items() if name != "unweighted"}
    kept = rows[["respondent", *part.margins, *items]]
    return kept.assign(**asked_columns(part, rows), **weights).sort_values("respondent", ignore_index=True)
