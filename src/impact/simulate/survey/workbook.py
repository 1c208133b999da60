"""The same table gives the same bytes: xlsx with fixed times, and CSV in GB18030 or UTF-8. May touch: a temporary file, which openpyxl writes and removes."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from io import BytesIO, StringIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
from openpyxl import Workbook  # type: ignore[import-untyped, unused-ignore]

_WRITTEN = datetime(2026, 1, 1)
"""Time that every workbook and every part of it says it was written."""
_PROPERTIES = "docProps/core.xml"


def xlsx_bytes(table: pd.DataFrame, sheet: str) -> bytes:
    """Write a table as a workbook of one sheet; text stays text, whole numbers stay numbers."""
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append([str(name) for name in table.columns])
    for row in zip(*(table[name].tolist() for name in table.columns), strict=True):
        page.append(row)
    written = BytesIO()
    book.save(written)
    return _timeless(written.getvalue())


def csv_bytes(table: pd.DataFrame, encoding: str) -> bytes:
    """Write a table as CSV with the line ends of Windows; a letter that the encoding lacks is an error."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*(table[name].tolist() for name in table.columns), strict=True))
    return text.getvalue().encode(encoding)


def _timeless(data: bytes) -> bytes:
    """Pack a workbook again, its parts in the same order, with `_WRITTEN` for every time of writing."""
    packed = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(packed, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = ZipInfo(name, _WRITTEN.timetuple()[:6])
            part.compress_type, part.external_attr = ZIP_DEFLATED, 0o600 << 16
            target.writestr(part, _dated(source.read(name)) if name == _PROPERTIES else source.read(name))
    return packed.getvalue()


def _dated(properties: bytes) -> bytes:
    """Set created and modified, which openpyxl sets to now on saving."""
    moment = f"{_WRITTEN.isoformat()}Z".encode()
    return re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", lambda found: found[1] + moment, properties)
