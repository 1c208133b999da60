"""Open a file as it is: CSV, Excel, SPSS, Stata, Parquet, or a folder of Parquet files. May touch: the file, the engine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import SourceError, listing, nearest
from impact.sources.columnar import PARQUET, parquet_files, read_folder, read_parquet
from impact.sources.delimited import read_delimited
from impact.sources.labelled import read_labelled
from impact.sources.raw import RawTable
from impact.sources.spreadsheet import read_spreadsheet

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

TEXT = (".csv", ".tsv", ".txt")
SPREADSHEET = (".xlsx", ".xlsm", ".xls", ".ods")
LABELLED = (".sav", ".zsav", ".dta")
_DEFAULT_DELIMITER = ","


def open_file(engine: Backend, path: Path, delimiter: str = _DEFAULT_DELIMITER, sheet: str | None = None) -> RawTable:
    """Open a file by its ending; `sheet` names the sheet of a workbook that has several, `delimiter` what separates the columns of text.

    Raises SourceError where the file is missing, empty, damaged, of another kind, or cannot be read without a guess.
    """
    if path.is_dir():
        return _open_folder(engine, path)
    _require_file(path)
    kind = path.suffix.lower()
    _require_fitting(path, kind, delimiter, sheet)
    if kind in TEXT:
        table, encoding = read_delimited(engine, path, delimiter)
        return RawTable(table, engine, path.name, first_row=2, sha256=_sha256(path), encoding=encoding)
    if kind in SPREADSHEET:
        return RawTable(read_spreadsheet(engine, path, sheet), engine, path.name, first_row=2, sha256=_sha256(path))
    if kind in LABELLED:
        found = read_labelled(engine, path)
        return RawTable(found.table, engine, path.name, 1, _sha256(path), found.labels, found.titles, found.missing)
    if kind in PARQUET:
        return RawTable(read_parquet(engine, path), engine, path.name, first_row=1, sha256=_sha256(path), typed=True)
    raise SourceError(
        f"{path}: this kind of file is not read.\nFound the ending `{path.suffix}`.\n"
        f"Save the table as .csv (UTF-8) or .parquet; read are {', '.join((*TEXT, *SPREADSHEET, *LABELLED, *PARQUET))}."
    )


def _open_folder(engine: Backend, folder: Path) -> RawTable:
    files = parquet_files(folder)
    if not files:
        inside = sorted(found.name for found in folder.iterdir())
        raise SourceError(
            f"{folder}: this is a folder.\nFound in it: {listing(inside) or 'nothing'}.\nName one CSV or Parquet file, or a folder of Parquet files."
        )
    table, notes = read_folder(engine, folder, files)
    each = "\n".join(f"{file.relative_to(folder).as_posix()} {_sha256(file)}" for file in files)
    return RawTable(table, engine, folder.name, first_row=1, sha256=hashlib.sha256(each.encode()).hexdigest(), notes=notes, typed=True)


def _require_fitting(path: Path, kind: str, delimiter: str, sheet: str | None) -> None:
    if sheet is not None and kind not in SPREADSHEET:
        raise SourceError(f"{path}: this file has no sheets.\nFound the sheet `{sheet}` named for it.\nLeave the name of the sheet out.")
    if delimiter != _DEFAULT_DELIMITER and kind not in TEXT:
        raise SourceError(
            f"{path}: nothing separates the columns of this file.\nFound the delimiter {delimiter!r} named for it.\nLeave it out."
        )


def _require_file(path: Path) -> None:
    if not path.is_file():
        there = sorted(found.name for found in path.parent.glob("*") if found.is_file()) if path.parent.is_dir() else []
        hint = nearest(path.name, there) or "Check the path."
        raise SourceError(f"{path}: there is no such file.\nFound in `{path.parent}`: {listing(there) or 'no file'}.\n{hint}")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: the file may not be read.\nFound no right to read it.\nAsk its owner, or copy it.")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty.\nFound 0 bytes.\nExport the table again.")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
