"""Open the source of a study, where it is one table. May touch: what `files`, `packages`, `odk` and `database` touch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impact.sources.database import column_types, open_in_place, open_table
from impact.sources.database_address import address_in
from impact.sources.files import open_file
from impact.sources.odk import open_odk
from impact.sources.packages import open_packaged
from impact.sources.raw import RawTable
from impact.study import Study, below
from impact.study.model import DatabaseSource, FileSource, PackageSource
from impact.text import Text

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def open_source(
    engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str] = os.environ, bring_here: bool = False
) -> RawTable:
    """Open the table that a study names; `environ` holds the addresses of databases.

    Rows of a database stay there, and only results come over, unless `bring_here` asks for a copy or text must be read that DuckDB alone reads.

    Raises StudyError where its path leaves the data root, nothing is there, or an address is not set; SourceError where it cannot be read.
    """
    source = study.source
    if isinstance(source, PackageSource):
        return open_packaged(engine, source.package, source.dataset)
    if isinstance(source, DatabaseSource):
        address = address_in(environ, source.connection, f"study {study.name}")
        return _from_database(engine, study, source, address, bring_here)
    assert isinstance(source, FileSource)
    path = below(study, source.file, data_root)
    if source.form:
        return open_odk(engine, path, below(study, source.form, data_root))
    return open_file(engine, path, source.delimiter, source.sheet)


def _from_database(engine: Backend, study: Study, source: DatabaseSource, address: str, bring_here: bool) -> RawTable:
    where = (address, source.table, source.namespace, _columns(study))
    text = [] if address.startswith("duckdb:") else _to_parse(study, column_types(*where))
    if not (text or bring_here):
        return open_in_place(*where)
    raw = open_table(engine, *where)
    return replace(raw, notes=(*raw.notes, _copied(text))) if text else raw


def _to_parse(study: Study, types: Mapping[str, Any]) -> list[str]:
    """List the columns that hold neither numbers nor dates and must be read as such; names of workers, units and clusters may be text."""
    names = {study.columns.worker, study.columns.unit, study.columns.cluster}
    plain = {name for name, kind in types.items() if kind.is_numeric() or kind.is_boolean() or kind.is_date() or kind.is_timestamp()}
    return [name for name in types if name not in plain | names]


def _copied(text: list[str]) -> Text:
    columns, several = ", ".join(f"`{name}`" for name in text), len(text) > 1
    return Text(
        f"the rows were copied out of the database, because {columns} {'hold' if several else 'holds'} text that must be read as numbers or dates",
        f"{'、'.join(f'“{name}”' for name in text)}是文本，须解析为数值或日期，因此数据行已从数据库复制到本机",
    )


def _columns(study: Study) -> tuple[str, ...]:
    """List the columns that the study reads, so that no other leaves the database."""
    named = [name for name in study.columns.model_dump(exclude={"two_units"}).values() if name]
    read = [*(outcome.column for outcome in study.outcomes), *(covariate.column for covariate in study.covariates)]
    return tuple(dict.fromkeys([*named, *read]))
