"""Words for how certain an estimate is: which inference and why, how small a p-value could have been, and what stands beside it. May touch: nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from impact.infer.inference import BY_ERRORS
from impact.report.format import decimal, interval, p_value, percent
from impact.text import Text

METHODS: Mapping[str, Text] = {
    "cr1": Text("errors by cluster scaled for few clusters (CR1)", "按聚类数校正的聚类稳健标准误（CR1）"),
    "cr2": Text("errors by cluster with a small-sample correction (CR2)", "小样本校正的聚类稳健标准误（CR2）"),
    "cr3": Text("errors from leaving out one cluster at a time (CR3)", "逐一剔除聚类的刀切法标准误（CR3）"),
    "multiplier": Text("the multiplier bootstrap", "乘子自助法"),
    "wild": Text("the restricted wild cluster bootstrap", "受限野聚类自助法"),
    "permutation": Text("permutation of the agreements over clusters", "协议在聚类间的置换检验"),
    "conley_taber": Text("the spread of the never covered (Conley–Taber)", "从未受覆盖聚类的离散程度（Conley–Taber）"),
    "ferman_pinto": Text("the spread of the never covered, by size (Ferman–Pinto)", "按规模调整的从未受覆盖聚类的离散程度（Ferman–Pinto）"),
}
"""Machine name → what readers know it by."""
_NO_LIMIT = 0.01
"""A smallest possible p-value below this limits nothing, and is not said of the methods beside."""
ERRORS = (*BY_ERRORS, "cluster")
"""Methods whose intervals rest on errors by cluster, and these errors as they come with an estimate."""


def inference_words(record: Mapping[str, Any], digits: int) -> tuple[Text, ...]:
    """Say which inference it is and why, the smallest possible p-value, what stands beside it, on how much it rests, and its caveats."""
    beside = (_beside(one, digits) for one in record["beside"])
    said = (_why(record), _floor(record), *beside, _leverage(record), *_texts(record["left_out"]), *_caveats(record))
    return tuple(text for text in said if text)


def paragraph(sentences: Iterable[Text]) -> Text:
    """Put sentences one after the other."""
    kept = tuple(sentences)
    return Text(" ".join(text.en for text in kept), "".join(text.zh for text in kept))


def interval_words(low: float, high: float, record: Mapping[str, Any], digits: int) -> Text:
    """Give the interval of the overall mean in words; where it has no ends, the widest that has some."""
    level, bounded = f"{record['level']:.0%}", record["bounded"]
    if not (math.isinf(low) and math.isinf(high)):
        ends = interval(low, high, digits)
        return Text(f"{level} interval {ends.en}", f"{level}区间{ends.zh}")
    if bounded is None:
        return Text(f"no {level} interval is bounded", f"{level}区间无界")
    ends = interval(bounded["conf_low"], bounded["conf_high"], digits)
    return Text(
        f"no {level} interval is bounded; {bounded['level']:.0%} interval {ends.en}",
        f"{level}区间无界；{bounded['level']:.0%}区间{ends.zh}",
    )


def p_words(value: float) -> str:
    """Write `= 0.031` or `< 0.001`."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _why(record: Mapping[str, Any]) -> Text:
    reason, method = Text(**record["reason"]), METHODS.get(record["method"])
    if not record["asked"] or method is None:
        return Text(
            f"How errors and intervals are made goes by the number of clusters. {_capital(_ended(reason.en))}",
            f"推断方法取决于聚类数。{_ended(reason.zh, '。')}",
        )
    covered, never = record["covered_clusters"], record["never_clusters"]
    asked = Text(
        f"For errors and intervals the study asks for {method.en}. Its reason: {_ended(reason.en)}",
        f"本研究要求标准误与区间采用{method.zh}。理由：{_ended(reason.zh, '。')}",
    )
    aside = METHODS.get(record["overridden"] or "")
    if aside is None:
        return paragraph((asked, Text("The number of clusters would choose it too.", "按聚类数也会选择该方法。")))
    return paragraph(
        (
            asked,
            Text(
                f"With {covered} covered and {never} never covered clusters it would have been {aside.en}, by which the verdict goes.",
                f"在{covered}个受覆盖、{never}个从未受覆盖的聚类之下，本应采用{aside.zh}；证据等级以后者为准。",
            ),
        )
    )


def _floor(record: Mapping[str, Any]) -> Text | None:
    """Say how small the p-value could have been, and what that leaves of the interval."""
    floor, level = float(record["overall"]["floor"]), f"{record['level']:.0%}"
    if not floor:
        return None
    smallest = decimal(floor, 3)
    if floor <= 1 - record["level"] + 1e-9:
        return Text(f"The smallest possible p-value is {smallest}.", f"可达到的最小p值为{smallest}。")
    return Text(
        f"No p-value below {smallest} was possible, whatever the effect, so that no {level} interval is bounded.",
        f"无论效应多大，p值都不可能低于{smallest}，因此{level}区间无界。",
    )


def _beside(told: Mapping[str, Any], digits: int) -> Text:
    name, floor = METHODS[told["method"]], float(told["floor"])
    ends = interval(_end(told, "conf_low"), _end(told, "conf_high"), digits)
    value = p_words(_number(told["p_value"]))
    small = floor < _NO_LIMIT
    least = Text("", "") if small else Text(f", none below {decimal(floor, 3)} possible", f"，不可能低于{decimal(floor, 3)}")
    return Text(
        f"Beside it, {name.en}: {told['level']:.0%} interval {ends.en}, p {value}{least.en}.",
        f"另以{name.zh}计：{told['level']:.0%}区间{ends.zh}，p {value}{least.zh}。",
    )


def _leverage(record: Mapping[str, Any]) -> Text | None:
    effective, largest = record.get("effective_clusters"), record.get("largest_leverage")
    if effective is None or largest is None:
        return None
    count = decimal(effective, 1 if effective < 10 else 0)
    return Text(
        f"The mean rests on as much as {count} clusters of equal weight would; the weightiest carries {percent(largest, 0)}.",
        f"该均值的依据相当于{count}个权重相等的聚类；权重最大的聚类占{percent(largest, 0)}。",
    )


def _caveats(record: Mapping[str, Any]) -> tuple[Text, ...]:
    """Give the caveats; the smallest possible p-value is said already."""
    return _texts(note for note in record["notes"] if f"below {record['overall']['floor']:.2g}" not in note["en"])


def _texts(notes: Iterable[Mapping[str, str]]) -> tuple[Text, ...]:
    return tuple(Text(_capital(_ended(note["en"])), _ended(note["zh"], "。")) for note in notes)


def _ended(sentence: str, stop: str = ".") -> str:
    return sentence if sentence.endswith((stop, "!", "?", "！", "？")) else f"{sentence}{stop}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _end(told: Mapping[str, Any], side: str) -> float:
    """Give an end of an interval; null where it has none, or nothing is known."""
    if told[side] is not None:
        return float(told[side])
    if told["p_value"] is None:
        return math.nan
    return -math.inf if side == "conf_low" else math.inf


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
