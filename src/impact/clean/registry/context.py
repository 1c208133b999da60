"""Rules over events, programmes and sources. May touch: nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from impact.clean.audit import Finding
from impact.clean.registry.rule import RegistryRule
from impact.sources.registry import sources_in
from impact.sources.registry_dates import days_of
from impact.text import Text

if TYPE_CHECKING:
    from impact.sources.registry import Registry
    from impact.sources.registry_records import Event, Record

_EARLIEST, _LATEST = 1949, 2100

_IMPOSSIBLE = RegistryRule(
    "event_date_impossible",
    "stop",
    "events.yaml",
    Text("an event that ends before it begins, or with a date that cannot be", "事件结束早于开始，或日期不可能"),
    Text(
        "Correct `date` or `until`; write them as 2025-07-01, 2025-07 or 2025.", "请更正 `date` 或 `until`，写作2025-07-01、2025-07或2025。"
    ),
)
_UNDATED = RegistryRule(
    "event_undated",
    "note",
    "events.yaml",
    Text("an event without a date", "事件未注明日期"),
    Text("Find its date; no window can be closed before an event that has none.", "请查明日期；没有日期便无法据以截断观察窗口。"),
)
_YEAR_ONLY = RegistryRule(
    "event_dated_by_year",
    "note",
    "events.yaml",
    Text("an event that is dated to the year alone", "事件仅注明年份"),
    Text("Find the month before a window is closed by it.", "在据以截断窗口之前，请查明月份。"),
)
_NO_DESIGN = RegistryRule(
    "programme_without_design",
    "note",
    "programmes.yaml",
    Text("a programme for which nobody has worked out how it could be evaluated", "尚未设计评估方案的项目"),
    Text("Work out a comparison, or write `evaluable: false`.", "请设计比较方案，或写明 `evaluable: false`。"),
)
_EMPTY_DESIGN = RegistryRule(
    "evaluable_without_design",
    "warning",
    "programmes.yaml",
    Text("a programme that is called evaluable and has no design", "项目称可评估却没有方案"),
    Text("Add the design, or write `evaluable: null`.", "请补充方案，或写作 `evaluable: null`。"),
)
_SECONDARY = Text("a record that rests on secondary sources alone", "记录仅依据转引来源")
_FIND = Text(
    "Find the original before it is quoted: the text of the agreement, the notice, the law.", "引用前请找到原件：协议文本、通知、法规。"
)
_MEMORY = Text("a record from memory, not verified, or assumed", "记录凭记忆、未核实或属推断")
_VERIFY = Text("Verify it, or leave it out of print.", "请核实，否则不要刊用。")


def context_findings(registry: Registry) -> Iterator[Finding]:
    """Apply the rules to events, programmes and the sources of every file."""
    events, programmes = registry.events.values(), registry.programmes.values()
    yield from _IMPOSSIBLE.met([one.id for one in events if _is_impossible(one)])
    yield from _UNDATED.met([one.id for one in events if one.date is None])
    yield from _YEAR_ONLY.met([one.id for one in events if one.date_precision == "year"])
    yield from _NO_DESIGN.met([one.id for one in programmes if one.evaluable is None])
    yield from _EMPTY_DESIGN.met([one.id for one in programmes if one.evaluable and not one.designs])
    for file, records in _files(registry).items():
        yield from RegistryRule("unverified", "warning", file, _MEMORY, _VERIFY).met(_uncertain(records))
        yield from RegistryRule("secondary_sources_only", "note", file, _SECONDARY, _FIND).met(_secondary(records, registry))


def _files(registry: Registry) -> dict[str, Mapping[str, Record]]:
    return {
        "agreements.yaml": {**registry.agreements, **registry.campaigns},
        "events.yaml": registry.events,
        "programmes.yaml": registry.programmes,
        "claims.yaml": registry.claims,
    }


def _uncertain(records: Mapping[str, Record]) -> list[str]:
    return [name for name, record in records.items() if getattr(record, "status", "") in ("unverified", "assumed")]


def _secondary(records: Mapping[str, Record], registry: Registry) -> list[str]:
    return [name for name, record in records.items() if all(registry.sources[source].secondary for source in sources_in(record))]


def _is_impossible(event: Event) -> bool:
    try:
        start = days_of(event.date) if event.date else None
        end = days_of(event.until) if event.until else None
    except ValueError:
        return True
    known = [days for days in (start, end) if days]
    if any(not _EARLIEST <= days.first.year <= _LATEST for days in known):
        return True
    return bool(end and not start) or bool(start and end and start.first > end.last)
