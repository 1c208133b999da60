"""What workers say: who was asked, who answered, for whom they stand, and the numbers with their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from impact.clean.audit import Audit, Finding
from impact.report.data_words import printable
from impact.report.document import Block, Bullets, Figure, Paragraph, Section
from impact.report.format import count, decimal, percent
from impact.report.material import Material, text_of
from impact.report.sections.survey_tables import estimates_table, flow_table, groups_table, ranks_table, scales_table, titles
from impact.report.survey_words import LEVELS, MARGINS
from impact.study.survey import SurveyPart
from impact.text import Text

ORDER = 45
FIGURE = "survey_respondents"


def section(material: Material) -> Section | None:
    """Print response, weights, numbers, scales and representatives; None where the study asks for no survey."""
    part, values = material.study.survey, material.values.get("survey")
    if part is None or values is None:
        return None
    tables = material.tables
    blocks: list[Block] = [Paragraph(_population(part)), Paragraph(_who_is_missing(part, tables)), flow_table(tables["survey_flow"])]
    blocks += [
        Paragraph(_cleaned(values, material.study.report.minimum_cell)),
        Paragraph(Text(**values["response"]["sentence"])),
        Paragraph(_weights(values, part)),
    ]
    blocks += [
        _figure(tables["survey_shares"], part, values["raking"]["margins"]),
        estimates_table(material),
        Paragraph(_apart(tables["survey_estimates"], part)),
    ]
    if "survey_by" in tables:
        blocks.append(groups_table(material))
    if "survey_scales" in tables:
        blocks += [scales_table(material), Bullets(_scale_sentences(values, part))]
    blocks += _representatives(material, values)
    blocks += _linkage(tables)
    blocks += _findings(values, material.study.report.minimum_cell)
    if material.study.notes.survey:
        blocks.append(Paragraph(text_of(material.study.notes.survey)))
    return Section(Text("What workers say", "劳动者怎么说"), tuple(blocks))


def _population(part: SurveyPart) -> Text:
    return Text(
        f"These numbers speak of {part.population.en}, and of nobody else; they are not the workers whom other sections compare. A survey of one month describes: it "
        "cannot say what any agreement changed.",
        f"本节数字只适用于{part.population.zh}，不适用于其他人，也不是其他章节所比较的劳动者。一个月的问卷只能描述现状，不能说明任何协议改变了什么。",
    )


def _who_is_missing(part: SurveyPart, tables: Mapping[str, pd.DataFrame]) -> Text:
    total = tables["survey_flow"].iloc[-1]
    members = _estimate(tables["survey_estimates"], "union_member", "unweighted")
    said = (
        Text(f" ({percent(members, 0)} of the respondents say that they are members)", f"（答卷者中{percent(members, 0)}自称会员）")
        if "union_member" in [share.name for share in part.shares]
        else Text("", "")
    )
    return Text(
        f"{count(total['issued'])} questionnaires were issued, {count(total['returned'])} came back and {count(total['valid'])} are valid: a distributed questionnaire is not an answer. "
        f"Leavers are missing by construction, since only people in service are on the list: the survey cannot speak of those who left. Questionnaires sent through the union reach its members more "
        f"readily{said.en}; membership is in no margin, so weights do not mend that.",
        f"共发放问卷{count(total['issued'])}份，回收{count(total['returned'])}份，有效{count(total['valid'])}份：发放数不等于应答数。"
        f"名单只含在职者，已离开者从设计上就缺失，因此问卷不能说明离开者的情况。经工会渠道发放的问卷更容易触及会员{said.zh}；边际变量不含会员身份，加权无法纠正这一点。",
    )


def _estimate(table: pd.DataFrame, name: str, version: str) -> float:
    met = table[(table["name"] == name) & (table["version"] == version)]["estimate"]
    return float(met.iloc[0]) if len(met) else float("nan")


def _cleaned(values: Mapping[str, Any], fewest: int) -> Text:
    audit = Audit.from_dict(values["audit"])
    dropped = [rule for rule in audit.rules if rule.action == "dropped" and rule.rows]
    changed = [rule for rule in audit.rules if rule.id == "correction"]
    en = ", ".join(f"{rule.name.en} {printable(rule.rows, fewest)}" for rule in dropped)
    zh = "、".join(f"{rule.name.zh}{printable(rule.rows, fewest)}份" for rule in dropped)
    by_hand = sum(rule.rows for rule in changed)
    return Text(
        f"Of {count(audit.rows_in)} submissions {count(audit.rows_kept)} were kept; left out were: {en or 'none'}. {printable(by_hand, fewest)} were corrected by hand.",
        f"收到答卷{count(audit.rows_in)}份，保留{count(audit.rows_kept)}份；剔除：{zh or '无'}。人工更正{printable(by_hand, fewest)}份。",
    )


def _weights(values: Mapping[str, Any], part: SurveyPart) -> Text:
    spreads, raking = values["spreads"], values["raking"]
    names = [MARGINS.get(name, Text(name, name)) for name in raking["margins"]]
    if not names:
        return _weights_by_design(spreads)
    those = (
        Text(
            f"within {part.classes} classes by the chance to answer, those who answered stand for those who did not",
            f"按应答概率分为{part.classes}类，类内由应答者代表未应答者",
        )
        if raking["modelled"]
        else Text(
            "those who answered stand for those who did not, all alike, because no margin tells who answers",
            "由于任何边际都无法区分应答与否，由全体应答者同等代表未应答者",
        )
    )
    return Text(
        f"Weights are made in three steps: the inverse chance of being drawn; {those.en}; and raking to the "
        f"active workforce by {', '.join(name.en for name in names)}. Kish’s design effect is {decimal(spreads['design']['design_effect'], 2)} with design weights and "
        f"{decimal(spreads['raked']['design_effect'], 2)} after raking, so that {count(spreads['raked']['rows'])} answers count as {count(spreads['raked']['effective_rows'])}; "
        f"{count(raking['trimmed_rows'])} weights above {decimal(part.trim, 0)} times the median were cut.",
        f"权重分三步得到：先取入样概率的倒数；再{those.zh}；最后按{'、'.join(name.zh for name in names)}对在职总体做边际加权。"
        f"基什设计效应在设计权重下为{decimal(spreads['design']['design_effect'], 2)}，边际加权后为{decimal(spreads['raked']['design_effect'], 2)}，"
        f"即{count(spreads['raked']['rows'])}份答卷相当于{count(spreads['raked']['effective_rows'])}份；有{count(raking['trimmed_rows'])}个超过中位数{decimal(part.trim, 0)}倍的权重被截断。",
    )


def _weights_by_design(spreads: Mapping[str, Any]) -> Text:
    effect, rows, as_many = (spreads["design"][name] for name in ("design_effect", "rows", "effective_rows"))
    return Text(
        f"Weights are the inverse chance of being drawn and nothing else: no margin of the active workforce can be met with these answers, so the column of raked numbers repeats the design weights. "
        f"Kish’s design effect is {decimal(effect, 2)}, so that {count(rows)} answers count as {count(as_many)}.",
        f"权重仅为入样概率的倒数：这些答卷无法满足在职总体的任何边际，“边际加权”一列因此与设计权重相同。基什设计效应为{decimal(effect, 2)}，即{count(rows)}份答卷相当于{count(as_many)}份。",
    )


def _met(part: SurveyPart, raked: Sequence[str]) -> Text:
    """Say of which margins the weighted shares are those of the workforce."""
    if not raked:
        return Text("No margin is met by the weights.", "权重未能满足任何边际。")
    if set(raked) == set(part.margins):
        return Text("After raking all shares are those of the workforce.", "加权后各占比与全体劳动者一致。")
    en, zh = (
        ", ".join(MARGINS.get(name, Text(name, name)).en for name in raked),
        "、".join(MARGINS.get(name, Text(name, name)).zh for name in raked),
    )
    return Text(
        f"After raking the shares by {en} are those of the workforce, the others need not be.",
        f"加权后{zh}的占比与全体劳动者一致，其余边际变量未必一致。",
    )


def _figure(shares: pd.DataFrame, part: SurveyPart, raked: Sequence[str]) -> Figure:
    came = shares[(shares["version"] == "unweighted") & shares["margin"].isin(part.margins)]
    furthest = came.iloc[int(came["difference"].abs().argmax())]
    name, level = MARGINS.get(furthest["margin"], Text(*[furthest["margin"]] * 2)), level_words(str(furthest["level"]))
    share, known = percent(furthest["share"], 0), percent(furthest["share_workers"], 0)
    met = _met(part, raked)
    return Figure(
        FIGURE,
        Text("Respondents and workforce, before and after raking", "加权前后的答卷者构成与全体劳动者"),
        Text(
            f"Dots of shares by category: the workforce, respondents as they came, respondents raked. Furthest apart before weighting: {name.en}, {level.en}: {share} of the respondents, "
            f"{known} of the workforce. {met.en}",
            f"各类别占比的点图：全体劳动者、未加权的答卷者、加权后的答卷者。加权前相差最大的是{name.zh}“{level.zh}”：占答卷者的{share}，占全体劳动者的{known}。{met.zh}",
        ),
    )


def level_words(level: str) -> Text:
    """Give the words of a category of a margin; as it is written where it has none."""
    return LEVELS.get(level, Text(level, level))


def _apart(table: pd.DataFrame, part: SurveyPart) -> Text:
    """Say for how many numbers the weights matter more than chance."""
    wide = table.pivot(index="name", columns="version", values="estimate")
    error = table[table["version"] == "raked"].set_index("name")["std_error"].reindex(wide.index)
    moved = ((wide["unweighted"] - wide["raked"]).abs() > error).sum()
    incomes = [mean for mean in part.means if mean.unit.en == "yuan"]
    left_out = (
        Text(
            " Amounts that cleaning flags (perhaps in another unit, or more left than came in) enter no mean of income unless a correction says what they are.",
            "清洗时标记的金额（疑似单位有误，或净收入高于流水）不计入收入均值，除非更正表已注明应为何值。",
        )
        if incomes
        else Text("", "")
    )
    return Text(
        f"Weights move {count(moved)} of {count(len(wide))} numbers by more than their standard error. The last column asks the same without any answer that carries an income flag.{left_out.en}",
        f"{count(len(wide))}个数字中，有{count(moved)}个经加权后的变动超过其标准误。最后一列为剔除全部带收入标记的答卷之后的结果。{left_out.zh}",
    )


def _scale_sentences(values: Mapping[str, Any], part: SurveyPart) -> tuple[Text, ...]:
    """Give of each scale what is not well; one sentence where all is well."""
    names = titles(part)
    found = [
        Text(f"{names[name].en}: {text['en']}", f"{names[name].zh}：{text['zh']}")
        for name, texts in values["scales"].items()
        for text in texts
        if any(word in text["en"] for word in ("do not hang together", "do not go with"))
    ]
    well = Text(
        "Every scale hangs together well enough to be added up, and every item goes with the rest of its scale.",
        "各量表的内部一致性均达到要求，每道题都与所属量表的其余题目相关。",
    )
    return tuple(found) or (well,)


def _representatives(material: Material, values: Mapping[str, Any]) -> list[Block]:
    who = values["representatives"]
    if not who or material.study.survey is None or material.study.survey.representatives is None:
        return []
    blocks: list[Block] = [ranks_table(material.tables["survey_ranks"], material.study.survey.representatives, who["number"])]
    if who["by_city"]:
        blocks.append(Paragraph(Text(**who["by_city"])))
    return blocks


def _linkage(tables: Mapping[str, pd.DataFrame]) -> list[Block]:
    if "survey_link_rates" not in tables:
        return []
    rates, missed = tables["survey_link_rates"], tables["survey_link_missed"]
    everybody = rates[rates["margin"] == "all"].iloc[0]
    worst = missed.iloc[int(missed["standardised"].abs().argmax())] if len(missed) else None
    linked = Text(
        f"{percent(everybody['consent_rate'])} of the respondents allow their answers to be joined to the platform’s records; of these {percent(everybody['match_rate'])} meet one account.",
        f"{percent(everybody['consent_rate'])}的答卷者同意将答案与平台记录关联，其中{percent(everybody['match_rate'])}可对应到唯一账号。",
    )
    if worst is None:
        return [Paragraph(linked)]
    name, level = MARGINS.get(worst["margin"], Text(*[worst["margin"]] * 2)), level_words(str(worst["level"]))
    shares = percent(worst["share_linked"]), percent(worst["share_missed"])
    return [
        Paragraph(
            Text(
                f"{linked.en} Linked and missed differ most by {name.en} ({level.en}: {shares[0]} of the linked, {shares[1]} of the missed). No answer was joined for this report.",
                f"{linked.zh}已关联与未关联者在{name.zh}上差别最大（“{level.zh}”分别占{shares[0]}和{shares[1]}）。本报告未使用任何关联结果。",
            )
        )
    ]


def _findings(values: Mapping[str, Any], fewest: int) -> list[Block]:
    found = [Finding.from_dict(one) for one in values["findings"] if one["level"] != "note"]
    if not found:
        return []
    lines = tuple(
        Text(
            f"{_capital(one.text.en)} ({printable(one.rows, fewest)} rows). {_capital(one.advice.en).rstrip('.')}.",
            f"{one.text.zh}（{printable(one.rows, fewest)}行）。{one.advice.zh.rstrip('。')}。",
        )
        for one in found
    )
    return [Paragraph(Text("What a reader must know of the answers:", "使用这些答卷时须知：")), Bullets(lines)]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
