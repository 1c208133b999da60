"""Open one sheet of an Excel or OpenDocument workbook; every cell becomes the text that a careful person would read. May touch: the file, the engine.

Integers have no `.0`, days and times are ISO, TRUE and FALSE are capitals; an empty cell is missing. What a cell's format shows is not read: 7 shown as
`007` is 7, and 0.15 shown as `15%` is 0.15.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from impact.errors import SourceError, listing, nearest
from impact.schema.templates import DICTIONARY_SHEET
from impact.sources.archive import require_sound
from impact.sources.engine import register
from impact.sources.header import named, require_distinct
from impact.sources.sheet_faults import SheetFaults, column_name, excel_faults, old_excel_faults, open_document_faults

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend
    from python_calamine import CalamineSheet, CalamineWorkbook

MOST_CELLS = 50_000_000
"""A sheet that spans more cells is refused; one stray cell at the far corner of a sheet would fill the memory."""
_LARGEST_EXACT = 10**15
"""Workbooks keep 15 digits; a longer number has already lost its last ones."""
_OLD_EXCEL, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read_spreadsheet(engine: Backend, path: Path, sheet: str | None = None) -> ir.Table:
    """Read one sheet, whose first row names the columns.

    Raises SourceError where the workbook is damaged, encrypted or too large, where it has several sheets and none is named, and where a cell
    shows an error, was never computed, is merged with others, or holds a number that lost digits.
    """
    _require_workbook(path)
    try:
        with _workbook(path) as book:
            name = _chosen(path, book, sheet)
            _require_whole(path, name)
            found = book.get_sheet_by_name(name)
            _require_unmerged(path, name, found)
            rows = found.to_python(skip_empty_area=False)
    except SourceError:
        raise
    except BaseException as error:
        raise _damaged(path, error) from None
    return register(engine, f"sheet_{uuid4().hex}", _arrow(path, name, rows))


def _workbook(path: Path) -> CalamineWorkbook:
    from python_calamine import load_workbook

    return load_workbook(path)


def _damaged(path: Path, error: BaseException) -> BaseException:
    """Turn what the reader raises into one error; its panics are no `Exception`, and everything else that is none goes on."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        return error
    if type(error).__name__ in ("PasswordError", "XLRDError") and ("assword" in str(error) or "ncrypted" in str(error)):
        return SourceError(f"{path}: the workbook is encrypted.\nFound that it needs a password.\nSave a copy without a password.")
    found = (str(error).splitlines() or [""])[0] or type(error).__name__
    if "Cell limit exceeded" in found:
        return _too_large(str(path), found)
    return SourceError(f"{path}: this workbook is damaged.\nFound: {found}.\nSave it again, or export the table as CSV UTF-8.")


def _require_workbook(path: Path) -> None:
    """Refuse what is another kind of file under the name of a workbook, by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(4)
        if head == _OLD_EXCEL and path.suffix.lower() != ".xls" and _ENCRYPTED in head + stream.read():
            raise SourceError(f"{path}: the workbook is encrypted.\nFound that it needs a password.\nSave a copy without a password.")
    expected = _OLD_EXCEL if path.suffix.lower() == ".xls" else _ZIP
    if head != expected:
        kinds = {_OLD_EXCEL: "an old Excel workbook (.xls)", _ZIP: "a zip archive, as .xlsx and .ods are"}
        found = kinds.get(head, "a web page" if head.lstrip()[:1] == b"<" else f"the bytes {head.hex(' ')}")
        raise SourceError(
            f"{path}: this is not a workbook of the kind that its ending says.\nFound {found}.\n"
            "Open it in a spreadsheet program and save it as .xlsx, or as CSV UTF-8."
        )
    if expected == _ZIP:
        require_sound(path)


def _chosen(path: Path, book: CalamineWorkbook, sheet: str | None) -> str:
    """Give the name of the sheet to read: the one asked for, or the only one that is not empty; the sheet of explanations of our templates does not count."""
    names = [name for name in book.sheet_names if name != DICTIONARY_SHEET or name == sheet or len(book.sheet_names) == 1]
    if sheet is not None:
        if sheet not in names:
            raise SourceError(
                f"{path}: there is no sheet `{sheet}`.\nFound: {listing(names, 20) or 'no sheet'}.\n{nearest(sheet, names) or 'Name one of them.'}"
            )
        return sheet
    if len(names) == 1:
        return names[0]
    for name in names:
        _require_size(path, name, _faults(path, name))
    filled = [name for name in names if book.get_sheet_by_name(name).end is not None]
    if len(filled) > 1:
        raise SourceError(
            f"{path}: the workbook has several sheets.\nFound: {listing(filled, 20)}.\nSay which one to read: `sheet`, or save that sheet alone."
        )
    if not filled:
        raise SourceError(f"{path}: the workbook is empty.\nFound {len(names)} sheets without a value.\nExport the table again.")
    return filled[0]


def _faults(path: Path, sheet: str) -> SheetFaults:
    search = {".ods": open_document_faults, ".xls": old_excel_faults}.get(path.suffix.lower(), excel_faults)
    return search(path, sheet)


def _require_whole(path: Path, sheet: str) -> None:
    """Refuse cells that show no value, before the reader makes empty ones of them."""
    found = _faults(path, sheet)
    _require_size(path, sheet, found)
    if found.cells:
        cell, what = found.cells[0]
        raise SourceError(
            f"{path}, sheet `{sheet}`, cell {cell}: the cell holds no value.\nFound {what}; {len(found.cells)} such cells: "
            f"{listing([place for place, _ in found.cells])}.\nOpen the workbook, mend them, let it compute and save it; or paste the values alone."
        )
    if found.spanning:
        raise _merged(path, sheet, found.spanning)


def _require_size(path: Path, sheet: str, found: SheetFaults) -> None:
    if found.size > MOST_CELLS:
        raise _too_large(f"{path}, sheet `{sheet}`", f"it spans {found.size:,} cells")


def _too_large(where: str, found: str) -> SourceError:
    return SourceError(
        f"{where}: the sheet is too large.\nFound: {found}; at most {MOST_CELLS:,} are read.\n"
        "Delete stray cells far from the table, or export it as CSV UTF-8 or Parquet."
    )


def _require_unmerged(path: Path, name: str, sheet: CalamineSheet) -> None:
    height, width = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end else (0, 0)
    merged = [(start, end) for start, end in sheet.merged_cell_ranges or () if start[0] < height and start[1] < width]
    if merged:
        raise _merged(path, name, [f"{_cell(*start)}:{_cell(*end)}" for start, end in merged])


def _merged(path: Path, sheet: str, places: Sequence[str]) -> SourceError:
    return SourceError(
        f"{path}, sheet `{sheet}`: cells are merged.\nFound {len(places)}: {listing(places)}.\n"
        "Unmerge them and write the value into each cell; one row of names stands above the table."
    )


def _cell(row: int, column: int) -> str:
    return f"{column_name(column)}{row + 1}"


def _arrow(path: Path, sheet: str, rows: list[list[Any]]) -> Any:
    """Make a table of text, one row per row of the sheet below the first; rows and columns without any value at the far end are no part of it."""
    import pyarrow as pa

    while rows and not any(value != "" for value in rows[-1]):
        rows.pop()
    if not rows:
        raise SourceError(f"{path}, sheet `{sheet}`: the sheet is empty.\nFound no value.\nExport the table again.")
    columns = [list(column) for column in zip(*rows, strict=True)]
    while not any(value != "" for value in columns[-1]):
        columns.pop()
    if not any(column[0] != "" for column in columns):
        first = next(number for number, row in enumerate(rows, start=1) if any(value != "" for value in row))
        raise SourceError(
            f"{path}, sheet `{sheet}`, row 1: there are no names of columns.\nFound the first value in row {first}.\n"
            "Delete the rows above the names of the columns."
        )
    texts = [_texts(path, sheet, place, column) for place, column in enumerate(columns)]
    names = named([text[0] or "" for text in texts])
    require_distinct(path, names)
    return pa.table({name: pa.array(text[1:], pa.string()) for name, text in zip(names, texts, strict=True)})


def _texts(path: Path, sheet: str, place: int, column: list[Any]) -> list[str | None]:
    # A midnight comes as a day; among times of day it must not look like another kind of value
    timed = any(isinstance(value, datetime.datetime) for value in column)
    found = [_text(value, timed) for value in column]
    if "" in found:
        raise SourceError(
            f"{path}, sheet `{sheet}`, cell {_cell(found.index(''), place)}: the number has more digits than a workbook keeps.\n"
            f"Found {found.count('')} numbers of more than 15 digits in this column; their last digits are lost.\n"
            "Export the column as text, or the table as CSV UTF-8."
        )
    return found


def _text(value: Any, timed: bool) -> str | None:
    """Write a value as text; None where there is none, and the empty text for a number that lost digits."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return f"{value.isoformat()} 00:00:00" if timed and isinstance(value, datetime.date) else str(value.isoformat())


def _number(value: float) -> str:
    if abs(value) >= _LARGEST_EXACT:
        return ""
    return str(int(value)) if value == int(value) else repr(value)
