"""Open a CSV or Parquet file as it is; every CSV value stays text. May touch: the file, the engine."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import SourceError, listing, nearest
from impact.sources.raw import RawTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar", ",": "comma"}


def open_file(engine: Backend, path: Path, delimiter: str = ",") -> RawTable:
    """Open a `.csv` or `.parquet` file.

    Raises SourceError where the file is missing, empty, of another kind, not UTF-8, or separated by something else.
    """
    _require_file(path)
    if path.suffix.lower() == ".tsv" and delimiter == "," and _has_tabs(path):
        delimiter = "\t"
    if len(delimiter) != 1:
        raise SourceError(
            f"{path}: `{delimiter}` separates nothing.\nFound {len(delimiter)} characters.\nName one character, such as `;` or a tab."
        )
    if path.suffix.lower() in (".parquet", ".pq"):
        return RawTable(_read_parquet(engine, path), engine, path.name, first_row=1, sha256=_sha256(path))
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        _require_text(path)
        header = _header(path, delimiter)
        _require_columns(path, delimiter, header)
        return RawTable(_read_csv(engine, path, delimiter, header), engine, path.name, first_row=2, sha256=_sha256(path))
    raise SourceError(
        f"{path}: this kind of file is not read.\nFound the ending `{path.suffix}`.\nSave the table as .csv (UTF-8) or .parquet."
    )


_OTHER_KINDS = {b"\x1f\x8b": "gzip archive", b"PK\x03\x04": "zip archive or Excel workbook", b"PAR1": "Parquet file", b"\x89PNG": "picture"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def _literal(path: Path) -> str:
    """Write a path so that DuckDB reads this file alone, whatever signs of a pattern its name holds."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _has_tabs(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\t" in stream.readline()


def _require_text(path: Path) -> None:
    """Refuse what is no text at all, by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(4)
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise SourceError(f"{path}: this is not a CSV file.\nFound a {kind}.\nUnpack it, or save the table as CSV UTF-8.")
    if head.startswith(_UTF16):
        raise SourceError(f"{path}: the file is not UTF-8 text.\nFound UTF-16, by its first two bytes.\nSave it as CSV UTF-8.")


def _require_file(path: Path) -> None:
    if path.is_dir():
        inside = sorted(found.name for found in path.iterdir())
        raise SourceError(f"{path}: this is a folder.\nFound in it: {listing(inside) or 'nothing'}.\nName one CSV or Parquet file.")
    if not path.is_file():
        there = sorted(found.name for found in path.parent.glob("*") if found.is_file()) if path.parent.is_dir() else []
        hint = nearest(path.name, there) or "Check the path."
        raise SourceError(f"{path}: there is no such file.\nFound in `{path.parent}`: {listing(there) or 'no file'}.\n{hint}")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: the file may not be read.\nFound no right to read it.\nAsk its owner, or copy it.")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty.\nFound 0 bytes.\nExport the table again.")


def _require_columns(path: Path, delimiter: str, header: list[str]) -> None:
    if len(header) == 1:
        for other, name in _DELIMITERS.items():
            if other != delimiter and other in header[0]:
                raise SourceError(
                    f"{path}: the columns are not separated by `{delimiter}`.\nFound one column, `{header[0][:60]}`, which holds {name}s.\n"
                    f"Say so: --delimiter {other!r} on the command line, `source: delimiter` in a study."
                )
    _require_distinct(path, header)


def _require_distinct(path: Path, names: list[str]) -> None:
    """Refuse columns of one name; the engine does not tell capital letters apart."""
    lower = [name.lower() for name in names]
    for name in names:
        if lower.count(name.lower()) > 1:
            raise SourceError(
                f"{path}: column `{name}` stands {lower.count(name.lower())} times.\n"
                f"Found: {listing(names, 30)}; capital letters make no difference.\nRename or remove one."
            )


def _header(path: Path, delimiter: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(path, f"byte {error.object[error.start]:#04x} at position {error.start}") from None
    except csv.Error as error:
        raise SourceError(f"{path}: the first line is not a header.\nFound: {error}.\nExport the table again, as CSV.") from None
    return [name or f"unnamed_{position}" for position, name in enumerate(names, start=1)]


def _not_utf8(path: Path, found: str) -> SourceError:
    return SourceError(f"{path}: the file is not UTF-8 text.\nFound {found}.\nSave it as CSV UTF-8 (Chinese exports are often GB18030).")


def _read_csv(engine: Backend, path: Path, delimiter: str, header: list[str]) -> ir.Table:
    """Read every value as text, with nothing guessed: a row with too few or too many values is an error."""
    columns = dict.fromkeys(header, "VARCHAR")
    try:
        table = engine.read_csv(
            _literal(path),
            auto_detect=False,
            columns=columns,
            header=True,
            delim=delimiter,
            quote='"',
            escape='"',
            strict_mode=True,
            max_line_size=2**24,
        )
        table.count().execute()
    except Exception as error:  # DuckDB raises several unrelated classes here
        found = _csv_complaint(str(error))
        if "utf-8" in found.lower() or "unicode" in found.lower():
            raise _not_utf8(path, found) from None
        raise SourceError(
            f"{path}: this is not a well-formed CSV file.\nFound: {found}.\nMend that line, or export the table again."
        ) from None
    return table


def _csv_complaint(message: str) -> str:
    """Keep of DuckDB's long message the line number and the reason."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    place = next((line.removeprefix("Invalid Input Error: ").removeprefix("CSV Error on ") for line in lines if "Line:" in line), lines[0])
    reason = next((line for line in lines if line.startswith(("Expected", "Value with", "Invalid unicode", "Too many", "Maximum"))), "")
    return f"{place} {reason}".strip().rstrip(".")


def _read_parquet(engine: Backend, path: Path) -> ir.Table:
    from pyarrow import parquet

    try:
        names = list(parquet.read_schema(path).names)
        table = engine.read_parquet(_literal(path))
        table.count().execute()
    except Exception as error:  # pyarrow and DuckDB raise several unrelated classes here
        raise SourceError(f"{path}: this is not a Parquet file.\nFound: {str(error).splitlines()[0]}\nWrite the table again.") from None
    _require_distinct(path, names)
    return table


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
