"""Find the cells of a sheet that show no value, and how far the sheet reaches. May touch: the file.

The reader of workbooks gives an empty cell for an error (`#REF!`) and for a formula that was never computed. Both would be missing values that nobody
declared; so the sheet's own XML is searched for them before it is read.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_SUSPICIOUS = re.compile(rb"""<(?:\w+:)?f[\s/>]|\bt\s*=\s*["']e["']""")
_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Z]+)(\d+)["']""")


@dataclass(frozen=True, slots=True)
class SheetFaults:
    """What was found in the XML of one sheet."""

    cells: tuple[tuple[str, str], ...]
    """Cell and what is wrong with it, such as `("B3", "the error #REF!")`, in the order of the sheet."""
    size: int
    """Cells of the rectangle that the sheet spans."""
    spanning: tuple[str, ...] = ()
    """Cells that span others, where only the XML says so."""


def excel_faults(path: Path, sheet: str) -> SheetFaults:
    """Search a sheet of an .xlsx or .xlsm file.

    Raises KeyError or ParseError where the parts of the archive do not fit together.
    """
    with zipfile.ZipFile(path) as archive:
        content = archive.read(_member(archive, sheet))
    columns, rows = set(), 0
    for found in _CELL.finditer(content):
        columns.add(found.group(1))
        rows = max(rows, int(found.group(2)))
    size = rows * max((_column_number(name.decode()) for name in columns), default=0)
    return SheetFaults(tuple(_excel_cells(content)) if _SUSPICIOUS.search(content) else (), size)


def old_excel_faults(path: Path, sheet: str) -> SheetFaults:
    """Search a sheet of an .xls file; a formula always has a stored result there."""
    import os

    import xlrd

    with Path(os.devnull).open("w") as nowhere, xlrd.open_workbook(path, logfile=nowhere) as book:
        found = book.sheet_by_name(sheet)
        errors = [
            (f"{column_name(column)}{row + 1}", f"the error {xlrd.error_text_from_code.get(int(found.cell_value(row, column)), '#?')}")
            for row in range(found.nrows)
            for column, kind in enumerate(found.row_types(row))
            if kind == xlrd.XL_CELL_ERROR
        ]
        return SheetFaults(tuple(errors), found.nrows * found.ncols)


def open_document_faults(path: Path, sheet: str) -> SheetFaults:
    """Search a sheet of an .ods file, where one cell may stand for many.

    Raises ParseError where the XML is damaged.
    """
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as content:
        for _, element in ElementTree.iterparse(content):
            if element.tag == f"{_TABLE}table":
                if element.get(f"{_TABLE}name") == sheet:
                    return _open_document_cells(element)
                element.clear()
    return SheetFaults((), 0)


def column_name(column: int) -> str:
    """Write the place of a column, from 0, in letters: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): _part(one.get("Target", "")) for one in relations if one.get("TargetMode") != "External"}
    # Without its styles a workbook would still be read, with every day as a number
    absent = [part for part in targets.values() if part not in archive.namelist()]
    if absent:
        raise KeyError(f"part {absent[0]} is missing")
    for one in book.iter():
        if one.tag.endswith("}sheet") and one.get("name") == sheet:
            relation = one.get(_RELATION) or next((value for key, value in one.items() if key.endswith("}id")), None)
            return targets[relation]
    raise KeyError(f"sheet {sheet} is missing")


def _part(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _excel_cells(content: bytes) -> list[tuple[str, str]]:
    found = []
    for cell in ElementTree.fromstring(content).iter():
        if not cell.tag.endswith("}c"):
            continue
        parts = {part.tag.rsplit("}", 1)[-1]: part.text or "" for part in cell}
        kind = cell.get("t", "n")
        if kind == "e":
            found.append((cell.get("r", "?"), f"the error {parts.get('v') or '#?'}"))
        elif "f" in parts and (not parts.get("v") if kind != "str" else "v" not in parts):
            found.append((cell.get("r", "?"), "a formula without a stored result"))
    return found


def _open_document_cells(table: ElementTree.Element) -> SheetFaults:
    cells: list[tuple[str, str]] = []
    spanning: list[str] = []
    row_number, last_row, last_column = 0, 0, 0
    for row in table.iter(f"{_TABLE}table-row"):
        row_number += 1
        column = 0
        for cell in row:
            width = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            place = f"{column_name(column)}{row_number}"
            column += width
            if _fault(cell):
                cells.append((place, _fault(cell)))
            if _spans(cell):
                spanning.append(place)
            if cell.get(f"{_OFFICE}value-type") or len(cell):
                last_row, last_column = row_number, max(last_column, column)
        repeated = int(row.get(f"{_TABLE}number-rows-repeated", "1"))
        last_row += (repeated - 1) * (last_row == row_number)
        row_number += repeated - 1
    return SheetFaults(tuple(cells), last_row * last_column, tuple(spanning))


def _fault(cell: ElementTree.Element) -> str:
    """Say what is wrong with a cell of an .ods file, or nothing."""
    shown = "".join(cell.itertext()).strip()
    if cell.get(f"{_CALC}value-type") == "error" or (cell.get(f"{_TABLE}formula") and re.match(r"#[A-Z/0!?]+|Err:\d+", shown)):
        return f"the error {shown or '#?'}"
    if cell.get(f"{_TABLE}formula") and not cell.get(f"{_OFFICE}value-type"):
        return "a formula without a stored result"
    return ""


def _spans(cell: ElementTree.Element) -> bool:
    return any(int(cell.get(f"{_TABLE}number-{what}-spanned", "1")) > 1 for what in ("columns", "rows"))
