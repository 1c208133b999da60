"""The tables of the survey's section."""

from __future__ import annotations

from typing import Any

import pandas as pd

from impact.report.document import Table
from impact.report.format import MISSING, count, decimal, p_value, percent
from impact.report.material import Material, text_of
from impact.report.survey_words import LEVELS, MARGINS
from impact.study.survey import Representatives, SurveyPart
from impact.text import Text


def titles(part: SurveyPart) -> dict[str, Text]:
    """Give the words for every number that the study asks of its survey."""
    return {one.name: text_of(one.title) for one in part.numbers}


def flow_table(flow: pd.DataFrame) -> Table:
    """Lay out issued, returned and valid questionnaires by stratum."""
    return Table(
        "survey_flow",
        Text("Issued, returned, valid", "发放、回收、有效"),
        (Text("Group", "组别"), Text("Issued", "发放"), Text("Returned", "回收"), Text("Valid", "有效"), Text("Response rate", "应答率")),
        tuple(
            (
                LEVELS.get(row["stratum"], row["stratum"]),
                count(row["issued"]),
                count(row["returned"]),
                count(row["valid"]),
                percent(row["response_rate_1"]),
            )
            for row in flow.to_dict("records")
        ),
        ("left", "right", "right", "right", "right"),
        Text("Response rate 1 of AAPOR: valid over issued.", "应答率按AAPOR的RR1：有效份数 ÷ 发放份数。"),
    )


def estimates_table(material: Material) -> Table:
    """Lay out every number under every weighting, the raked one with its interval."""
    part = _part(material)
    table = material.tables["survey_estimates"].set_index(["name", "version"])
    names = [one.name for one in part.answers]
    words = titles(part) | {one.name: _with_unit(one.title.en, one.title.zh, one.unit.en, one.unit.zh) for one in part.means}
    level = f"{material.values['level']:.0%}"
    return Table(
        "survey_estimates",
        Text("What respondents say, and what that says of the workforce", "答卷者的回答及其对总体的估计"),
        (
            Text("Number", "指标"),
            Text("As they came", "未加权"),
            Text("Design weights", "设计权重"),
            Text("Raked", "边际加权"),
            Text(f"{level} interval", f"{level}区间"),
            Text("Answers", "答卷数"),
            Text("Unflagged", "剔除标记"),
        ),
        tuple(
            (
                words[name],
                *(written(table.loc[(name, version)]) for version in ("unweighted", "design", "raked")),
                _ends(table.loc[(name, "raked")]),
                count(float(table["rows"].loc[(name, "raked")])),
                written(table.loc[(name, "unflagged")]),
            )
            for name in names
        ),
        ("left", "right", "right", "right", "right", "right", "right"),
        Text(
            "Intervals are those of the raked number, with errors of the stratified design and of the residuals after raking; weights for non-response are taken as given.",
            "区间对应边际加权后的估计，误差按分层设计和加权后的残差计算；无应答权重视为已知。",
        ),
    )


def groups_table(material: Material) -> Table:
    """Lay out the raked numbers by the margin that the study names: groups below each other, numbers side by side."""
    part, table = _part(material), material.tables["survey_by"]
    names = [one.name for one in part.answers]
    cells = table.set_index(["level", "name"])
    levels = list(dict.fromkeys(table["level"]))
    margin = MARGINS.get(str(part.by), Text(str(part.by), str(part.by)))
    return Table(
        "survey_by_group",
        Text(f"The raked numbers by {margin.en} (standard error)", f"按{margin.zh}的边际加权估计（标准误）"),
        (Text("Number", "指标"), *(LEVELS.get(level, Text(level, level)) for level in levels)),
        tuple((titles(part)[name], *(_with_error(cells.loc[(level, name)]) for level in levels)) for name in names),
        ("left", *["right" for _ in levels]),  # type: ignore[arg-type]
    )


def scales_table(material: Material) -> Table:
    """Lay out how the items of each scale hang together."""
    names, level = titles(_part(material)), f"{material.values['level']:.0%}"
    return Table(
        "survey_scales",
        Text("Whether the items of a scale measure one thing", "各量表的题目是否测量同一事物"),
        (
            Text("Scale", "量表"),
            Text("Items (reversed)", "题数（反向）"),
            Text("α", "α"),
            Text(f"{level} interval", f"{level}区间"),
            Text("ω", "ω"),
            Text("Lowest item–rest r", "最低题余相关"),
            Text("Answers", "答卷数"),
        ),
        tuple(
            (
                names[row["name"]],
                f"{row['items']} ({row['reversed']})",
                decimal(row["alpha"], 2),
                f"{decimal(row['alpha_low'], 2)}–{decimal(row['alpha_high'], 2)}",
                decimal(row["omega"], 2),
                decimal(row["lowest_item_rest"], 2),
                count(row["people"]),
            )
            for row in material.tables["survey_scales"].to_dict("records")
        ),
        ("left", "right", "right", "right", "right", "right", "right"),
    )


def ranks_table(ranks: pd.DataFrame, asked: Representatives, number: int) -> Table:
    """Lay out how the elected representatives rank among the workforce."""
    words = {name: text_of(title) for name, title in asked.ranks.items()}
    return Table(
        "survey_representatives",
        Text(f"Ranks of the {number} elected representatives among the workforce", f"{number}名当选协商代表在全体劳动者中的排名"),
        (
            Text("Rank by", "排名依据"),
            Text("Mean percentile", "平均百分位"),
            Text("In the upper half", "位于上半"),
            Text("p, sign test", "符号检验p值"),
        ),
        tuple(
            (words[row["column"]], decimal(row["mean"], 0), _of(row["above_half"], row["representatives"]), p_value(row["p_value"]))
            for row in ranks.to_dict("records")
        ),
        ("left", "right", "right", "right"),
        Text(
            "Representatives drawn by lot would have a mean percentile near 50: those elected stand out in what they are ranked by, and their views need not be those of others.",
            "若随机抽取，代表的平均百分位应接近50：当选者在这些方面较为突出，其看法未必与其他人相同。",
        ),
    )


def written(row: Any) -> str:
    """Write a share as a percentage and a mean with as many decimals as its size asks for."""
    value = float(row["estimate"])
    return percent(value) if row["kind"] == "share" else decimal(value, _digits(value))


def _part(material: Material) -> SurveyPart:
    assert material.study.survey is not None
    return material.study.survey


def _with_unit(en: str, zh: str, unit_en: str, unit_zh: str) -> Text:
    return Text(f"{en}, {unit_en}", f"{zh}（{unit_zh}）")


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 2


def _ends(row: Any) -> str:
    if row["kind"] == "share":
        return f"{percent(row['low'])}–{percent(row['high'])}"
    digits = _digits(float(row["estimate"]))
    return f"{decimal(row['low'], digits)}–{decimal(row['high'], digits)}"


def _with_error(row: Any) -> str:
    text = written(row)
    if text == MISSING:
        return text
    error = float(row["std_error"])
    return f"{text} ({decimal(100 * error, 1) if row['kind'] == 'share' else decimal(error, _digits(float(row['estimate'])))})"


def _of(part: float, whole: float) -> str:
    return MISSING if pd.isna(part) else f"{count(part)} / {count(whole)}"
