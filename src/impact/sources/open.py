"""Open the source of a study, where it is one table. May touch: what `files`, `packages`, `odk` and `database` touch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import StudyError
from impact.sources.database import open_table
from impact.sources.files import open_file
from impact.sources.odk import open_odk
from impact.sources.packages import open_packaged
from impact.sources.raw import RawTable
from impact.study import Study, below
from impact.study.model import DatabaseSource, FileSource, PackageSource

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def open_source(engine: Backend, study: Study, data_root: Path, environ: Mapping[str, str] = os.environ) -> RawTable:
    """Open the table that a study names; `environ` holds the addresses of databases.

    Raises StudyError where its path leaves the data root, nothing is there, or an address is not set; SourceError where it cannot be read.
    """
    source = study.source
    if isinstance(source, PackageSource):
        return open_packaged(engine, source.package, source.dataset)
    if isinstance(source, DatabaseSource):
        address = _address(study, source, environ)
        return open_table(engine, address, source.table, source.namespace, _columns(study))
    assert isinstance(source, FileSource)
    path = below(study, source.file, data_root)
    if source.form:
        return open_odk(engine, path, below(study, source.form, data_root))
    return open_file(engine, path, source.delimiter, source.sheet)


def _address(study: Study, source: DatabaseSource, environ: Mapping[str, str]) -> str:
    address = environ.get(source.connection, "")
    if not address:
        raise StudyError(
            f"study {study.name}: the address of its database is not set.\nFound no environment variable `{source.connection}`.\n"
            f"Set it, such as: export {source.connection}=postgres://user:password@host:5432/database"
        )
    return address


def _columns(study: Study) -> tuple[str, ...]:
    """List the columns that the study reads, so that no other leaves the database."""
    named = [name for name in study.columns.model_dump().values() if name]
    read = [*(outcome.column for outcome in study.outcomes), *(covariate.column for covariate in study.covariates)]
    return tuple(dict.fromkeys([*named, *read]))
