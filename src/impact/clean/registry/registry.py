"""Look through a registry before any number rests on it: dates, parties, scope, clauses, events, claims, sources. May touch: nothing.

Loading refuses what cannot be read; here stands what can be read and should not be believed as it is. One finding a rule, which counts and names its records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impact.clean.audit import Finding, Level
from impact.clean.registry.agreements import agreement_findings
from impact.clean.registry.claims import claim_findings
from impact.clean.registry.clauses import clause_findings
from impact.clean.registry.context import context_findings

if TYPE_CHECKING:
    from impact.sources.registry import Registry

_ORDER: tuple[Level, ...] = ("stop", "warning", "note")


def check_registry(registry: Registry) -> tuple[Finding, ...]:
    """Apply every rule; the gravest findings first, within a level in the order of the files."""
    found = (*agreement_findings(registry), *clause_findings(registry), *context_findings(registry), *claim_findings(registry))
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.level)))
