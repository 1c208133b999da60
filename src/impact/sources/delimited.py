"""Open a CSV file as it is; every value stays text. May touch: the file, a temporary copy in UTF-8, the engine."""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from impact.errors import SourceError, listing
from impact.sources.engine import store
from impact.sources.header import named, require_distinct
from impact.sources.text_encoding import encoding_of, transcode

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar", ",": "comma"}
_OTHER_KINDS = {
    b"\x1f\x8b": "gzip archive",
    b"PK\x03\x04": "zip archive or Excel workbook",
    b"\xd0\xcf\x11\xe0": "old or encrypted Excel workbook",
    b"PAR1": "Parquet file",
    b"\x89PNG": "picture",
}
_LONGEST_LINE = 2**24


def read_delimited(engine: Backend, path: Path, delimiter: str) -> tuple[ir.Table, str]:
    """Read a text file, and say in which encoding it is written.

    Raises SourceError where it is another kind of file, neither UTF-8 nor GB18030, or separated by something else.
    """
    delimiter = _delimiter(path, delimiter)
    _require_text(path)
    encoding = encoding_of(path)
    header = _header(path, delimiter, encoding)
    _require_columns(path, delimiter, header)
    if encoding == "gb18030":
        return _read_transcoded(engine, path, delimiter, header), encoding
    return _read(engine, path, path, delimiter, header), encoding


def literal(path: Path) -> str:
    """Write a path so that DuckDB reads this file alone, whatever signs of a pattern its name holds."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _delimiter(path: Path, delimiter: str) -> str:
    if path.suffix.lower() == ".tsv" and delimiter == "," and _has_tabs(path):
        return "\t"
    if len(delimiter) != 1:
        raise SourceError(
            f"{path}: `{delimiter}` separates nothing.\nFound {len(delimiter)} characters.\nName one character, such as `;` or a tab."
        )
    return delimiter


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


def _header(path: Path, delimiter: str, encoding: str) -> list[str]:
    csv.field_size_limit(_LONGEST_LINE)
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as lines:
            names = next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error as error:
        raise SourceError(f"{path}: the first line is not a header.\nFound: {error}.\nExport the table again, as CSV.") from None
    return named(names)


def _require_columns(path: Path, delimiter: str, header: list[str]) -> None:
    if len(header) == 1:
        for other, name in _DELIMITERS.items():
            if other != delimiter and other in header[0]:
                raise SourceError(
                    f"{path}: the columns are not separated by `{delimiter}`.\nFound one column, `{header[0][:60]}`, which holds {name}s.\n"
                    f"Say so: --delimiter {other!r} on the command line, `source: delimiter` in a study."
                )
    require_distinct(path, header)


def _require_read(path: Path, file: Path, header: list[str], rows: int) -> None:
    """A header over several lines makes the engine lose its way where the other lines end in CR LF: it then gives no rows at all."""
    if rows == 0 and any("\n" in name for name in header) and file.read_bytes().count(b"\r\n") > 1:
        raise SourceError(
            f"{path}: this is not a well-formed CSV file.\nFound {_line_ends(file)}, and a heading over several lines.\n"
            "Write every heading on one line, or save the table as .xlsx."
        )


def _read_transcoded(engine: Backend, path: Path, delimiter: str, header: list[str]) -> ir.Table:
    """Read GB18030 through a copy in UTF-8 that lives as long as the reading, so that one reader judges both."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "utf8.csv"
        with copy.open("wb") as stream:
            transcode(path, stream)
        return store(engine, f"gb18030_{uuid4().hex}", _read(engine, path, copy, delimiter, header))


def _read(engine: Backend, path: Path, file: Path, delimiter: str, header: list[str]) -> ir.Table:
    """Read every value as text, with nothing guessed: a row with too few or too many values is an error."""
    columns = dict.fromkeys(header, "VARCHAR")
    try:
        table = engine.read_csv(
            literal(file),
            auto_detect=False,
            columns=columns,
            header=True,
            delim=delimiter,
            quote='"',
            escape='"',
            strict_mode=True,
            max_line_size=_LONGEST_LINE,
        )
        rows = int(table.count().to_pyarrow().as_py())
    except Exception as error:  # DuckDB raises several unrelated classes here
        found = _line_ends(file) if "state machine" in str(error) else _complaint(str(error))
        raise SourceError(
            f"{path}: this is not a well-formed CSV file.\nFound: {found}.\nMend that line, or export the table again."
        ) from None
    _require_read(path, file, header, rows)
    return table


def _line_ends(file: Path) -> str:
    """Say how the lines of a file end; the engine loses its way where they end in more than one."""
    content = file.read_bytes()
    pairs = content.count(b"\r\n")
    counts = {"CR LF": pairs, "LF": content.count(b"\n") - pairs, "CR": content.count(b"\r") - pairs}
    return f"lines that end in different ways: {listing([f'{count} in {end}' for end, count in counts.items() if count])}"


def _complaint(message: str) -> str:
    """Keep of DuckDB's long message the line number and the reason."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    place = next((line.removeprefix("Invalid Input Error: ").removeprefix("CSV Error on ") for line in lines if "Line:" in line), lines[0])
    reason = next((line for line in lines if line.startswith(("Expected", "Value with", "Invalid unicode", "Too many", "Maximum"))), "")
    return f"{place} {reason}".strip().rstrip(".")
