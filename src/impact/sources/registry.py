"""The registry: dated facts about programmes, agreements, clauses, events and claims, each with its source. May touch: the registry's files.

A folder with six files, in `data/registry/` or in the raw export of a synthetic world; what they may say stands in `registry_records`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from impact.documents import read_yaml, validated
from impact.errors import SourceError, listing, nearest
from impact.sources.registry_records import Agreement, Campaign, Claim, Clause, Event, Programme, Record, Source
from impact.study.parts import Part

_HELP = "`src/impact/sources/registry_records.py` says what each key means"


@dataclass(frozen=True, slots=True)
class Registry:
    """What is on record, by id."""

    sources: Mapping[str, Source]
    programmes: Mapping[str, Programme]
    agreements: Mapping[str, Agreement]
    campaigns: Mapping[str, Campaign]
    clauses: Mapping[str, Clause]
    events: Mapping[str, Event]
    claims: Mapping[str, Claim]

    def clauses_of(self, agreement: str) -> tuple[Clause, ...]:
        """Give the clauses of one agreement, in the order of the file."""
        return tuple(clause for clause in self.clauses.values() if clause.agreement == agreement)


def load_registry(folder: Path) -> Registry:
    """Read and check the six files of a registry.

    Raises SourceError that names file and record: unknown keys, an unknown source, a fact without source, an id that stands twice.
    """
    read = {name: _read(model, folder / f"{name}.yaml") for name, model in _FILES.items()}
    known = list(read["sources"]["sources"])
    for name, keys in read.items():
        for records in keys.values():
            _check_sources(records, known, folder / f"{name}.yaml")
    return Registry(**{key: records for keys in read.values() for key, records in keys.items()})


class _Sources(Part):
    sources: tuple[Source, ...]


class _Programmes(Part):
    programmes: tuple[Programme, ...]


class _Agreements(Part):
    agreements: tuple[Agreement, ...]
    campaigns: tuple[Campaign, ...] = ()


class _Clauses(Part):
    clauses: tuple[Clause, ...]


class _Events(Part):
    events: tuple[Event, ...]


class _Claims(Part):
    claims: tuple[Claim, ...]


_FILES: dict[str, type[Part]] = {
    "sources": _Sources,
    "programmes": _Programmes,
    "agreements": _Agreements,
    "clauses": _Clauses,
    "events": _Events,
    "claims": _Claims,
}


def _read(model: type[Part], path: Path) -> dict[str, dict[str, Any]]:
    """Read one file: for each of its keys, the records by id."""
    content = validated(model, read_yaml(path, "registry", SourceError), path, "registry", SourceError, _HELP)
    return {key: _by_id(getattr(content, key), path) for key in model.model_fields}


def _by_id(records: Sequence[Record], path: Path) -> dict[str, Record]:
    twice = [name for name, times in Counter(record.id for record in records).items() if times > 1]
    if twice:
        raise SourceError(f"{path}: an id stands twice.\nFound twice: {listing(twice)}.\nGive each record an id of its own, or remove one.")
    return {record.id: record for record in records}


def _check_sources(records: Mapping[str, Record], known: Sequence[str], path: Path) -> None:
    for name, record in records.items():
        for source in sources_in(record):
            if source not in known:
                hint = nearest(source, known) or "Add it to `sources.yaml`, with its kind and what it is."
                raise SourceError(f"{path}: `{name}` names a source that is not known.\nFound `{source}`; known: {listing(known)}.\n{hint}")


def sources_in(part: BaseModel) -> Iterator[str]:
    """Give every source that a record names, at any depth; one that is named twice comes twice."""
    for key in type(part).model_fields:
        value = getattr(part, key)
        if key in ("source", "sources"):
            yield from (value,) if isinstance(value, str) else value
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from sources_in(inner)
