"""What a reader must know of margins that the weights of a survey could not use. May touch: nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.survey.feasible import LeftOut
from impact.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from impact.run.survey.weights import Weighting


def margin_findings(weighting: Weighting, issued: pd.DataFrame, margins: Sequence[str], trim: float, where: str) -> tuple[Finding, ...]:
    """Name each margin that weights are not raked to, with the reason, and those that the chance to answer is not modelled by; none where all are used."""
    left = weighting.left_out
    raked = [name for name in margins if name not in {one.margin for one in left}]
    answered = int(issued["valid"].sum())
    found = [_left_out(one, issued, raked, trim, where, answered) for one in left]
    if not raked:
        found.append(Finding("survey_not_raked", "warning", where, answered, *_NOT_RAKED))
    silent = [name for name in raked if name not in weighting.response_margins]
    return (*found, *(_not_modelled(silent, where, answered) if silent else ()))


def _left_out(one: LeftOut, issued: pd.DataFrame, raked: Sequence[str], trim: float, where: str, answered: int) -> Finding:
    if not one.empty:
        return Finding("margin_not_met", "warning", where, answered, _not_met(one.margin, raked, trim), _LOOSEN)
    asked = int(issued[one.margin].astype(str).isin(one.empty).sum())
    words = Text(
        f"margin `{one.margin}` is left out of the raking: nobody of {', '.join(one.empty)} gave a valid answer, and no weight can speak for them; {_rest(raked).en}",
        f"边际变量“{one.margin}”未用于边际加权：{'、'.join(one.empty)}无有效答卷，任何权重都无法代表他们；{_rest(raked).zh}",
    )
    return Finding("margin_without_answers", "warning", where, asked, words, _JOIN)


def _not_met(margin: str, raked: Sequence[str], trim: float) -> Text:
    beside = Text(f" together with {', '.join(raked)}", f"与{'、'.join(raked)}同时") if raked else Text("", "")
    return Text(
        f"margin `{margin}` is left out of the raking: no weights up to {trim:g} times the median meet it{beside.en}",
        f"边际变量“{margin}”未用于边际加权：权重不超过中位数的{trim:g}倍时，无法{beside.zh}满足该边际",
    )


def _rest(raked: Sequence[str]) -> Text:
    if not raked:
        return Text("no margin is left", "已无可用的边际变量")
    return Text(f"weights are raked to {', '.join(raked)}", f"权重仅按{'、'.join(raked)}做边际加权")


def _not_modelled(margins: Sequence[str], where: str, answered: int) -> Iterator[Finding]:
    words = Text(
        f"the chance to answer is modelled without {', '.join(margins)}: with it some group always or never answers; raking uses it all the same",
        f"应答概率模型未纳入{'、'.join(margins)}：纳入后有的组全部应答或无人应答；边际加权仍使用该变量",
    )
    yield Finding("response_not_modelled", "note", where, answered, words, _JOIN)


_NOT_RAKED = (
    Text("no margin can be met: the numbers are those of design weights", "没有任何边际可以满足：各项数字仅使用设计权重"),
    Text(
        "Read the numbers as a description of those who answered; ask more people, or take margins with fewer categories",
        "只宜将这些数字视为对答卷者的描述；请扩大样本，或改用类别较少的边际变量",
    ),
)
_JOIN = Text(
    "Join the category with one that is alike, in the list of those asked and in the counts of workers, or ask more of these people",
    "请将该类别与相近类别合并（发放名单与在职人数须同时合并），或增加对这些人的调查",
)
_LOOSEN = Text(
    "Join small categories, in the list of those asked and in the counts of workers, or allow larger weights (`survey: trim`)",
    "请合并过小的类别（发放名单与在职人数须同时合并），或放宽权重上限（`survey: trim`）",
)
