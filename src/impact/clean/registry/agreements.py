"""Rules over agreements and campaigns: order of dates, parties, counts of workers, scope shared with another agreement. May touch: nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.clean.registry.rule import RegistryRule
from impact.sources.registry_dates import DATE_NAMES, DATES, Days, days_of_fact
from impact.text import Text

if TYPE_CHECKING:
    from impact.sources.registry import Registry
    from impact.sources.registry_records import Agreement, Campaign

_FILE = "agreements.yaml"
_LABOUR = {"行业工会", "企业工会", "地方工会", "劳动者代表"}
_EMPLOYERS = {"平台", "合作方", "企业联合会"}
_BINDING = tuple(day for day in DATES if day != "announced")
_SUPPOSED_END = date.max

_EMPTY = RegistryRule(
    "no_agreement",
    "stop",
    _FILE,
    Text("the registry holds no agreement", "登记册中没有任何协议"),
    Text(
        "Fill in `agreements.yaml`: one record for each agreement that the study speaks of.",
        "请填写 `agreements.yaml`：研究涉及的每份协议各一条。",
    ),
)
_DATE_ORDER = RegistryRule(
    "date_order",
    "stop",
    _FILE,
    Text(
        "dates of an agreement that do not follow each other (offer, talks, signed, effective, expiry)",
        "协议日期先后颠倒（应依次为要约、协商、签订、生效、届满）",
    ),
    Text("Read the text again and correct the date; a first covered month rests on it.", "请核对原文并更正日期；首次覆盖月份以此为据。"),
)
_ANNOUNCED = RegistryRule(
    "announced_order",
    "warning",
    _FILE,
    Text(
        "announced before the talks began or after the signing",
        "公布日期早于协商开始或晚于签订",
    ),
    Text(
        "Check what was announced: the plan to sign, or the signed text. Workers may act on the first, so leads must begin there.",
        "请核对所公布的是签订意向还是已签文本；劳动者可能据前者提前反应，事前期应自此算起。",
    ),
)
_NO_EFFECTIVE = RegistryRule(
    "effective_unknown",
    "warning",
    _FILE,
    Text("the first day in effect is not stated", "生效日期未说明"),
    Text(
        "Ask the parties; until then no study can date its coverage by this agreement.",
        "请向签约方索取；在此之前任何研究都不能据此确定覆盖起点。",
    ),
)
_BY_YEAR = RegistryRule(
    "effective_by_year",
    "stop",
    _FILE,
    Text("the first day in effect is known to the year alone", "生效日期仅知年份"),
    Text(
        "Find the month, or write `value: null` with `status: not stated`: a first covered month cannot be taken from a year.",
        "请查明月份，否则写作 `value: null` 与 `status: not stated`：仅凭年份无法确定首次覆盖月份。",
    ),
)
_NO_EXPIRY = RegistryRule(
    "expiry_unknown",
    "note",
    _FILE,
    Text("the last day in effect is not stated", "届满日期未说明"),
    Text(
        "Ask the parties; coverage is taken to last, and collective contracts mostly run one to three years.",
        "请向签约方索取；目前视为持续有效，而集体合同期限一般为一至三年。",
    ),
)
_ONE_SIDED = RegistryRule(
    "party_missing",
    "warning",
    _FILE,
    Text("a side without a party", "缺少一方签约主体"),
    Text(
        "Name who signed for the workers, and who for the platform or its partners.", "请写明劳动者一方与平台（或合作方）一方各由谁签约。"
    ),
)
_OVERLAP = RegistryRule(
    "agreements_overlap",
    "warning",
    _FILE,
    Text("two agreements in effect at the same time for the same unit", "同一单元同时有两份协议有效"),
    Text("Say which one is meant, or end the first where the second begins.", "请说明以哪一份为准，或让前者在后者生效时终止。"),
)
_NESTED = RegistryRule(
    "agreement_within_network",
    "note",
    _FILE,
    Text(
        "a unit under an agreement of its own while its platform has one for the whole network", "单元自有协议期间，其平台另有全网协议有效"
    ),
    Text(
        "Its workers are covered twice; compare them neither with the network nor with the uncovered.",
        "其劳动者受双重覆盖，不宜归入全网组，也不宜作对照。",
    ),
)
_ACTIVE = RegistryRule(
    "active_above_registered",
    "warning",
    _FILE,
    Text("fewer workers registered than active within 30 days", "注册人数少于近30日活跃人数"),
    Text("One of the two counts something else; ask for both on the same day.", "两数口径不一；请索取同一日期的两项数字。"),
)
_NO_BASIS = RegistryRule(
    "workers_basis_unknown",
    "warning",
    _FILE,
    Text("a count of workers without its basis", "劳动者人数未说明口径"),
    Text(
        "Ask whether registered, active or contracted workers are counted; such counts cannot be added or compared.",
        "请问明是注册、活跃还是签约人数；口径不明的人数不可相加或比较。",
    ),
)
_TOPICS = RegistryRule(
    "more_topics_than_stated",
    "warning",
    _FILE,
    Text("clauses on more topics than the agreement is said to have", "条款涉及的议题多于协议所称议题数"),
    Text("Correct the number of topics, or the coding of the clauses.", "请更正议题数或条款编码。"),
)


def agreement_findings(registry: Registry) -> Iterator[Finding]:
    """Apply the rules to agreements and campaigns."""
    signed = list(registry.agreements.values())
    yield from _EMPTY.met([] if signed else [_FILE])
    yield from _DATE_ORDER.met([words for one in signed if (words := _disorder(one, _BINDING))])
    yield from _ANNOUNCED.met([words for one in signed if (words := _announced_late(one))])
    yield from _NO_EFFECTIVE.met([one.id for one in signed if one.effective.value is None])
    yield from _BY_YEAR.met([one.id for one in signed if one.effective.precision == "year"])
    yield from _NO_EXPIRY.met([one.id for one in signed if one.expiry.value is None])
    yield from _ONE_SIDED.met([one.id for one in signed if not _has_both_sides(one)])
    yield from _OVERLAP.met(_overlaps(signed))
    yield from _NESTED.met(_nested(signed))
    counted: list[Agreement | Campaign] = [*signed, *registry.campaigns.values()]
    yield from _ACTIVE.met([one.id for one in counted if _more_active(one)])
    yield from _NO_BASIS.met([one.id for one in counted if any(count.basis == "not stated" and count.value for count in one.workers)])
    yield from _TOPICS.met([one.id for one in signed if _has_more_topics(one, registry)])


def _disorder(agreement: Agreement, names: tuple[str, ...]) -> Text | None:
    """Name the first two dates that cannot stand in their order, whatever day of their month or year they mean; None where all can."""
    known = [(name, days) for name in names if (days := days_of_fact(getattr(agreement, name)))]
    for (before, earlier), (after, later) in combinations(known, 2):
        if earlier.first > later.last:
            return Text(
                f"{agreement.id} ({before} {earlier.first}, {after} {later.first})",
                f"{agreement.id}（{DATE_NAMES[before].zh}{earlier.first}，{DATE_NAMES[after].zh}{later.first}）",
            )
    return None


def _announced_late(agreement: Agreement) -> Text | None:
    return _disorder(agreement, ("talks", "announced")) or _disorder(agreement, ("announced", "signed"))


def _has_both_sides(agreement: Agreement) -> bool:
    roles = {party.role for party in agreement.parties}
    return bool(roles & _LABOUR) and bool(roles & _EMPLOYERS)


def _overlaps(signed: list[Agreement]) -> list[str]:
    """Name pairs of one scope; agreements without a platform or unit on record cannot be told apart and are left out."""
    by_scope: dict[tuple[str | None, str | None], list[Agreement]] = defaultdict(list)
    for one in signed:
        if one.platform or one.unit:
            by_scope[one.platform, one.unit].append(one)
    pairs = (pair for same in by_scope.values() for pair in combinations(same, 2))
    return [f"{first.id} & {second.id}" for first, second in pairs if _meet(first, second)]


def _nested(signed: list[Agreement]) -> list[str]:
    networks = {one.platform: one for one in signed if one.level == "platform_network" and one.platform}
    return [one.id for one in signed if one.unit and one.platform in networks and _meet(one, networks[one.platform])]


def _meet(first: Agreement, second: Agreement) -> bool:
    """Say whether two agreements are certainly in effect on some day together; an end that is not stated is taken as far off."""
    one, other = _in_effect(first), _in_effect(second)
    return one is not None and other is not None and max(one.first, other.first) <= min(one.last, other.last)


def _in_effect(agreement: Agreement) -> Days | None:
    start, end = days_of_fact(agreement.effective), days_of_fact(agreement.expiry)
    return Days(start.last, end.first if end else _SUPPOSED_END) if start else None


def _more_active(counted: Agreement | Campaign) -> bool:
    values = {count.basis: count.value for count in counted.workers}
    registered, active = values.get("registered"), values.get("active_30d")
    return registered is not None and active is not None and registered < active


def _has_more_topics(agreement: Agreement, registry: Registry) -> bool:
    coded = {clause.code for clause in registry.clauses_of(agreement.id)} - {None}
    return agreement.topics_n.value is not None and len(coded) > agreement.topics_n.value
