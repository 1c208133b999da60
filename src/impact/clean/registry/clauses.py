"""Rules over clauses: whose they are, what they are coded as, their number and its unit, their days. May touch: nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.clean.registry.rule import RegistryRule
from impact.sources.registry_dates import days_of_fact
from impact.text import Text

if TYPE_CHECKING:
    from impact.sources.registry import Registry
    from impact.sources.registry_records import Agreement, Clause, ClauseType

_FILE = "clauses.yaml"
_SHARE = {"share": (0.0, 1.0)}
PARAMETERS: Mapping[ClauseType, Mapping[str, tuple[float, float]]] = {
    "commission_cap": _SHARE,
    "commission_waiver": _SHARE,
    "min_wage": {"yuan an hour": (1, 500), "yuan a month": (500, 50_000), "times the minimum wage": (0.5, 10)},
    "overtime": {"times the usual pay": (1, 5), "yuan an hour": (1, 500)},
    "rest_limit": {"hours": (0.25, 24), "minutes": (1, 1440)},
    "insurance": {"yuan": (1, 10_000_000), "a year": (1, 366)},
    "penalty_appeal": {"days to answer": (0, 366), "days of notice": (0, 366)},
    "dispatch": {"kilometres": (0, 1000), "minutes": (0, 1440), "days of notice": (0, 366)},
    "algorithm_transparency": {"days of notice": (0, 366), "a year": (1, 366)},
    "reward": {"yuan": (0, 1_000_000), "yuan an order": (0, 1000), "yuan a year": (0, 1_000_000)},
    "union_time": {"hours a month": (0, 744), "days a year": (0, 366)},
    "monitoring": {"a year": (1, 366), "days of notice": (0, 366)},
}
"""Type of clause → unit of its number → smallest and largest number that can be true; a share is written from 0 to 1."""

_UNKNOWN = RegistryRule(
    "clause_of_unknown_agreement",
    "stop",
    _FILE,
    Text("a clause of an agreement that is not on record", "条款所属协议不在登记册中"),
    Text("Correct `agreement`, or add the agreement to `agreements.yaml`.", "请更正 `agreement`，或在 `agreements.yaml` 中补录该协议。"),
)
_TWICE = RegistryRule(
    "clause_twice",
    "warning",
    _FILE,
    Text("clauses of one agreement that say the same", "同一协议中内容相同的条款"),
    Text("Keep one of them.", "请只保留一条。"),
)
_UNCODED = RegistryRule(
    "topic_unknown",
    "warning",
    _FILE,
    Text("a clause without one of the sixteen topics", "条款未归入16个议题之一"),
    Text(
        "Give it a `topic_id`; the strength index counts such clauses in its upper bound alone.",
        "请填写 `topic_id`；在此之前力度指数仅将其计入上限。",
    ),
)
_UNREAD = RegistryRule(
    "enforceability_unknown",
    "note",
    _FILE,
    Text("a clause whose text nobody has read", "尚无人阅读原文的条款"),
    Text(
        "Read the text and grade it from 0 to 3; until then the strength index is a range.",
        "请阅读原文并按0至3评级；在此之前力度指数只是一个区间。",
    ),
)
_NO_UNIT = RegistryRule(
    "parameter_without_unit",
    "warning",
    _FILE,
    Text("a number without a unit, or a unit without a number", "有数值而无单位，或有单位而无数值"),
    Text("Write both, or `null` for both.", "两者都写，或都写 `null`。"),
)
_ODD_UNIT = RegistryRule(
    "parameter_unit",
    "warning",
    _FILE,
    Text("a unit that does not go with the type of the clause", "单位与条款类型不符"),
    Text(
        "Use one of the units of `docs/registry.md`, such as `share` from 0 to 1 for commission.",
        "请使用 `docs/registry.md` 所列单位，例如抽成用0至1的 `share`。",
    ),
)
_ODD_VALUE = RegistryRule(
    "parameter_out_of_range",
    "warning",
    _FILE,
    Text("a number that cannot be true in its unit", "数值超出其单位的可能范围"),
    Text("Check number and unit: 27 per cent is the share 0.27.", "请核对数值与单位：27%应写作0.27。"),
)
_DAYS = RegistryRule(
    "clause_ends_before_it_starts",
    "stop",
    _FILE,
    Text("a clause that ends before it starts", "条款结束日早于起始日"),
    Text("Correct its days.", "请更正日期。"),
)
_OUTSIDE = RegistryRule(
    "clause_outside_agreement",
    "warning",
    _FILE,
    Text("a clause with days outside its agreement's", "条款日期超出协议期限"),
    Text("Correct the days, or say in `says` why the clause lives longer.", "请更正日期，或在 `says` 中说明条款为何更长。"),
)


def clause_findings(registry: Registry) -> Iterator[Finding]:
    """Apply the rules to clauses."""
    clauses = list(registry.clauses.values())
    yield from _UNKNOWN.met([_with(one, one.agreement) for one in clauses if one.agreement not in registry.agreements])
    yield from _DAYS.met([one.id for one in clauses if one.start and one.end and one.start > one.end])
    yield from _TWICE.met(_repeated(clauses))
    yield from _UNCODED.met([_with(one, one.topic.en, one.topic.zh) for one in clauses if one.code is None])
    yield from _NO_UNIT.met([one.id for one in clauses if (one.param_value is None) != (one.unit is None)])
    yield from _ODD_UNIT.met([_with(one, str(one.unit)) for one in clauses if _has_odd_unit(one)])
    yield from _ODD_VALUE.met([_with(one, f"{one.param_value:g} {one.unit}") for one in clauses if _is_out_of_range(one)])
    yield from _OUTSIDE.met([one.id for one in clauses if _is_outside(one, registry.agreements.get(one.agreement))])
    yield from _UNREAD.met([one.id for one in clauses if one.enforceability is None])


def _repeated(clauses: list[Clause]) -> list[str]:
    """Name clauses that repeat an earlier one of their agreement in everything that they say."""
    seen: dict[tuple[object, ...], str] = {}
    again: dict[str, list[str]] = defaultdict(list)
    for one in clauses:
        rule = one.eligibility_rule.zh if one.eligibility_rule else None
        said = (one.agreement, one.topic.zh, one.type, one.says.zh, rule, one.param_value, one.unit, one.start, one.end)
        first = seen.setdefault(said, one.id)
        if first != one.id:
            again[first].append(one.id)
    return [f"{later} = {first}" for first, laters in again.items() for later in laters]


def _has_odd_unit(clause: Clause) -> bool:
    return clause.type is not None and clause.unit is not None and clause.unit not in PARAMETERS[clause.type]


def _is_out_of_range(clause: Clause) -> bool:
    if clause.type is None or clause.unit is None or clause.param_value is None or _has_odd_unit(clause):
        return False
    least, most = PARAMETERS[clause.type][clause.unit]
    return not least <= clause.param_value <= most


def _is_outside(clause: Clause, agreement: Agreement | None) -> bool:
    if agreement is None:
        return False
    first, last = days_of_fact(agreement.effective), days_of_fact(agreement.expiry)
    early = bool(first and clause.start and clause.start < first.first)
    return early or bool(last and clause.end and clause.end > last.last)


def _with(clause: Clause, found: str, found_zh: str = "") -> Text:
    return Text(f"{clause.id} ({found})", f"{clause.id}（{found_zh or found}）")
