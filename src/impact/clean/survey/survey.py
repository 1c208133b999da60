"""Answers as they were given become answers that can be analysed; every row taken out and every cell changed is counted. May touch: the engine.

Rules on whole submissions come first, in a fixed order; a submission that several would drop counts under the first, and is listed under each. What is doubtful
is flagged in a column `flag_…` and left as it is, so that every estimate can be made with and without it.
"""

from __future__ import annotations

import ibis
import pandas as pd

from impact.clean.audit import Audit, Cleaned, Finding
from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.privacy import without_identifiers
from impact.clean.survey.quality import quality, shared_links, straight_blocks, switched_off
from impact.clean.survey.rules import Met, counted, dropped, touched
from impact.clean.survey.values import Draft, mended, odd_numbers
from impact.sources.engine import register
from impact.sources.survey_table import SurveyTable
from impact.text import Text

NAME = "survey"
"""What the audit calls the table."""


def clean_survey(raw: SurveyTable, options: SurveyOptions = SurveyOptions()) -> Cleaned:
    """Clean one wave of a survey; one row per submission kept, in the order received.

    Columns: what was recorded without what identifies (`ip_province`, `ip_hash` for the address), one per field of the codebook and per fill-in,
    `why_<field>` with the reason of a missing answer (empty where there is an answer), `straight_blocks`, and `flag_<rule>`.
    """
    whole = quality(raw, options)
    stay = ~dropped(whole, raw.answers.index)
    draft, read = mended(Draft(raw.answers.loc[stay], raw.reasons.loc[stay]), raw)
    odd = odd_numbers(draft, raw.codebook, raw.columns, options)
    final, private = without_identifiers(draft, raw.codebook, raw.columns, options)
    mets = [*whole, *read, *odd, *private]
    table = _table(final, mets).assign(straight_blocks=straight_blocks(raw, options).loc[stay])
    audit = Audit(raw.name, raw.sha256, len(raw.answers), counted(mets, raw.answers), len(table), NAME)
    findings = (*_noted(raw), *_switched_off(raw, options), *_doubtful(mets, raw), *_left_out(raw))
    return Cleaned(register(raw.engine, ibis.util.gen_name(f"clean_{NAME}"), table), audit, touched(mets, raw.answers), findings)


def _table(draft: Draft, mets: list[Met]) -> pd.DataFrame:
    """Put reasons and flags beside the answers; a flag that met nothing is a column too, so that every wave has the same columns."""
    flags = {f"flag_{met.id}": draft.answers.index.isin(met.places) for met in mets if met.action == "flagged"}
    return pd.concat(
        [draft.answers, draft.reasons.add_prefix("why_"), pd.DataFrame(flags, index=draft.answers.index)],
        axis=1,
    )


def _noted(raw: SurveyTable) -> list[Finding]:
    return [Finding(note.rule, "note", note.where, note.rows, note.text, note.advice) for note in raw.notes]


def _switched_off(raw: SurveyTable, options: SurveyOptions) -> list[Finding]:
    """Say which rules the questionnaire gives no ground for."""
    advice = Text(
        "Name the question in the options of cleaning, if it is asked under another name.", "如该题使用其他字段名，请在清洗选项中指明。"
    )
    found = [
        Finding(
            rule,
            "note",
            raw.name,
            0,
            Text(f"the rule `{rule}` is not applied: the codebook has no `{field}`", f"未应用规则“{rule}”：编码本中没有“{field}”"),
            advice,
        )
        for rule, field in switched_off(raw.codebook, options)
    ]
    if raw.answers["link_code"].isna().all():
        words = Text("no link code: repeats by the same person cannot be told", "没有链接参数：无法识别同一人重复提交")
        found.append(Finding("no_link_code", "warning", raw.name, len(raw.answers), words, _LINK_ADVICE))
    return [*found, *_shared(raw, options)]


def _shared(raw: SurveyTable, options: SurveyOptions) -> list[Finding]:
    """Say which links tell no repeats, since many people answered through each."""
    shared = shared_links(raw, options)
    if not shared:
        return []
    rows = int(raw.answers["link_code"].isin(shared).sum())
    words = Text(
        f"{len(shared)} links were each used more than {options.most_per_link} times: repeats among their answers cannot be told",
        f"有{len(shared)}个链接各被使用超过{options.most_per_link}次，无法识别其中的重复提交",
    )
    return [Finding("shared_link", "warning", raw.name, rows, words, _LINK_ADVICE)]


_LINK_ADVICE = Text("Send links with `?sojumpparm=` and a code of one's own.", "发放链接时请附加 `?sojumpparm=` 及每人唯一的编号。")
_DOUBTFUL = {
    "income_in_wan": Text(
        "Decide on these rows with the raw file; no estimate should use them unasked.", "请对照原始文件逐条判断；未经判断不应用于估计。"
    ),
    "income_in_fen": Text(
        "Decide on these rows with the raw file; no estimate should use them unasked.", "请对照原始文件逐条判断；未经判断不应用于估计。"
    ),
    "unreadable_value": Text(
        "Look at the cells in the raw file; let the questionnaire take numbers alone.", "请核对原始单元格；建议在问卷中限定只能填写数字。"
    ),
    "same_device_answers": Text(
        "Ask the interviewers; compare estimates without these rows.", "请向访问员核实；并比较剔除这些答卷后的估计结果。"
    ),
}


def _doubtful(mets: list[Met], raw: SurveyTable) -> list[Finding]:
    """Bring the flags that a reader must decide on before amounts are believed."""
    return [
        Finding(met.id, "warning", raw.name, len(set(met.places)), met.name, _DOUBTFUL[met.id])
        for met in mets
        if met.id in _DOUBTFUL and met.places
    ]


def _left_out(raw: SurveyTable) -> list[Finding]:
    """Say that columns outside the codebook, which may name people, are not in the clean table."""
    if raw.extras.empty:
        return []
    number = raw.extras.shape[1]
    words = Text(f"{number} columns outside the codebook are not in the clean table", f"编码本之外的{number}列未进入清洗后的表")
    advice = Text("Add them to the codebook with their sensitivity, if they are needed.", "如需使用，请将其连同敏感级别写入编码本。")
    return [Finding("extras_left_out", "note", raw.name, len(raw.extras), words, advice)]
