"""What is found in a registry, as one study needs it: about its own agreements in full, the rest as one line. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from impact.clean.audit import Finding
from impact.clean.registry.registry import check_registry
from impact.sources.registry import Registry
from impact.sources.registry_records import Agreement, Event
from impact.study import Study
from impact.study.delivery import DeliverySource
from impact.text import Text

LEVELS = ("stop", "warning", "note")
_OF_THE_WHOLE = ("no_agreement",)
"""Rules that speak of the registry and of no record: they are asked of the whole of it."""


def registry_findings(registry: Registry, study: Study, there: Sequence[str] | None, everything: bool = False) -> tuple[Finding, ...]:
    """Give the findings about the agreements that cover somebody in the study, and how many there are about others.

    `there` are the platforms or bargaining units of the study's accounts; None where they cannot be told, so that every agreement may be one of them.
    """
    whole = tuple(_placed(finding) for finding in check_registry(registry))
    if everything:
        return whole
    mine = tuple(_placed(one) for one in check_registry(_about(registry, study, there)) if one.rule not in _OF_THE_WHOLE)
    kept = (*(one for one in whole if one.rule in _OF_THE_WHOLE), *mine)
    return (*kept, *_rest(whole, kept))


def _placed(finding: Finding) -> Finding:
    return replace(finding, where=f"registry/{finding.where}")


def own_agreements(registry: Registry, study: Study, there: Sequence[str] | None) -> Mapping[str, Agreement]:
    """Give the agreements that cover a platform or bargaining unit of the study, and the one whose representatives it asks about."""
    assert isinstance(study.source, DeliverySource)
    sample = study.source.sample
    elected = study.survey.representatives.agreement if study.survey and study.survey.representatives else ""

    def covers(one: Agreement) -> bool:
        group = one.unit if sample.covered_by == "bargaining_unit" else one.platform if one.unit is None else None
        if group is None:
            return False
        named = not sample.groups or any(fnmatchcase(group, pattern) for pattern in sample.groups)
        return named and (there is None or group in there)

    return {name: one for name, one in registry.agreements.items() if name == elected or covers(one)}


def _about(registry: Registry, study: Study, there: Sequence[str] | None) -> Registry:
    """Leave in a registry what concerns the study's agreements; clauses of agreements that nobody knows may be theirs.

    The network agreements of their platforms stay too: whether a unit lies within one of them is a question about the unit.
    """
    mine = own_agreements(registry, study, there)
    known = registry.agreements
    platforms = {one.platform for one in mine.values() if one.platform}
    around = {name: one for name, one in known.items() if one.unit is None and one.platform in platforms}
    clauses = {name: one for name, one in registry.clauses.items() if one.agreement in mine or one.agreement not in known}
    events = {name: one for name, one in registry.events.items() if _hits(one, mine)}
    claims = {name: one for name, one in registry.claims.items() if one.about in mine}
    return replace(registry, agreements={**around, **mine}, clauses=clauses, events=events, claims=claims, campaigns={}, programmes={})


def _hits(event: Event, agreements: Mapping[str, Agreement]) -> bool:
    """Say whether an event names a platform that one of the agreements covers."""
    return any(one.platform in event.platforms for one in agreements.values() if one.platform)


def _rest(whole: Sequence[Finding], kept: Sequence[Finding]) -> tuple[Finding, ...]:
    """Count what the whole registry has beyond what is shown: records that a rule met, by level."""
    counts = {level: _records(whole, level) - _records(kept, level) for level in LEVELS}
    rows = sum(counts.values())
    if rows <= 0:
        return ()
    words = Text(
        f"{_several(counts['stop'], 'stop')}, {_several(counts['warning'], 'warning')} and {_several(counts['note'], 'note')} about records that are not of this study's agreements",
        f"另有与本研究的协议无关的记录：停止{counts['stop']}条，警告{counts['warning']}条，提示{counts['note']}条",
    )
    advice = Text("`impact check STUDY --registry` names them all", "用 `impact check 研究文件 --registry` 可逐条查看")
    return (Finding("registry_elsewhere", "note", "registry/*.yaml", rows, words, advice),)


def _records(findings: Sequence[Finding], level: str) -> int:
    return sum(finding.rows for finding in findings if finding.level == level)


def _several(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
