"""A registry as plain values that a stage hands to the report: agreements and events with their days, strength, findings. May touch: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impact.clean.registry.clause_strength import agreement_strength, clause_strength
from impact.clean.registry.registry import check_registry
from impact.sources.registry_dates import DATES, Days, days_of, days_of_fact

if TYPE_CHECKING:
    from impact.sources.registry import Registry
    from impact.sources.registry_records import Agreement, Event


def registry_values(registry: Registry) -> dict[str, Any]:
    """Give what the report prints of a registry, for JSON.

    `agreements` and `events` carry their days as `[first, last]` ISO texts, the same text twice where the day is known, and None where nothing is stated;
    `strength` has a row an agreement and `topics` a row an agreement and topic, as `clause_strength` gives them; `findings` are those of `check_registry`.
    """
    clauses = list(registry.clauses.values())
    return {
        "agreements": [_agreement(one) for one in registry.agreements.values()],
        "events": [_event(one) for one in registry.events.values()],
        "strength": agreement_strength(clauses, registry.agreements).to_dict("records"),
        "topics": clause_strength(clauses, registry.agreements).to_dict("records"),
        "findings": [finding.as_dict() for finding in check_registry(registry)],
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    counts = [count.value for count in agreement.workers if count.value is not None]
    return {
        "id": agreement.id,
        "name": agreement.name.model_dump(),
        "level": agreement.level,
        "industry": agreement.industry,
        "workers": max(counts) if counts else None,
        "dates": {name: _texts(days_of_fact(getattr(agreement, name))) for name in DATES},
    }


def _event(event: Event) -> dict[str, Any]:
    days = days_of(event.date) if event.date else None
    until = days_of(event.until) if event.until else days
    return {
        "id": event.id,
        "name": event.name.model_dump(),
        "type": event.type,
        "precision": event.date_precision,
        "days": _texts(Days(days.first, until.last)) if days and until else None,
    }


def _texts(days: Days | None) -> list[str] | None:
    return [days.first.isoformat(), days.last.isoformat()] if days else None
