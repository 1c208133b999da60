"""Open the source of a study, whatever it is. May touch: what `files` and `packages` touch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from impact.sources.files import open_file
from impact.sources.packages import open_packaged
from impact.sources.raw import RawTable
from impact.study import Study, locate
from impact.study.model import FileSource, PackageSource

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def open_source(engine: Backend, study: Study, data_root: Path) -> RawTable:
    """Open the table that a study names.

    Raises StudyError where its path leaves the data root or nothing is there, SourceError where it cannot be read.
    """
    source = study.source
    if isinstance(source, PackageSource):
        return open_packaged(engine, source.package, source.dataset)
    path = locate(study, data_root)
    assert path is not None
    assert isinstance(source, FileSource)
    return open_file(engine, path, source.delimiter)
