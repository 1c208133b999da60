"""An empty table as a workbook and as CSV. May touch: nothing."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from impact.schema.templates import DATA_SHEET, DICTIONARY_SHEET, Template, TemplateColumn

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped, unused-ignore]

_FORMATS = {"text": "@", "integer": "0", "number": "General", "date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm:ss", "yes_no": "0"}
"""Text keeps the zeros of an account and the month that a spreadsheet would make a day of."""
_DICTIONARY = (
    ("列名 / Column", 34),
    ("字段名 / Name", 18),
    ("含义", 46),
    ("Meaning", 46),
    ("单位 / Unit", 12),
    ("类型", 34),
    ("Type", 34),
    ("敏感性", 22),
    ("Sensitivity", 26),
    ("必填 / Needed", 12),
)
_NEEDED_FILL = "FFF2CC"
_WIDEST = 30


def workbook_bytes(template: Template) -> bytes:
    """Write a workbook of two sheets: the headings alone, in cells of the right format, and the dictionary."""
    from openpyxl import Workbook  # type: ignore[import-untyped, unused-ignore]

    book = Workbook()
    data = book.active
    data.title = DATA_SHEET
    _fill_data(data, template)
    _fill_dictionary(book.create_sheet(DICTIONARY_SHEET), template)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def csv_bytes(template: Template) -> bytes:
    """Write the headings as CSV that a Chinese spreadsheet opens without a question: UTF-8 with a byte-order mark."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([column.heading for column in template.columns])
    return text.getvalue().encode("utf-8-sig")


def _fill_data(sheet: Worksheet, template: Template) -> None:
    from openpyxl.styles import Font, PatternFill  # type: ignore[import-untyped, unused-ignore]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped, unused-ignore]

    sheet.append([column.heading for column in template.columns])
    for place, column in enumerate(template.columns, start=1):
        head, whole = sheet.cell(1, place), sheet.column_dimensions[get_column_letter(place)]
        head.font = Font(bold=True)
        if column.needed:
            head.fill = PatternFill("solid", start_color=_NEEDED_FILL)
        whole.number_format = _FORMATS[column.kind]
        whole.width = min(_WIDEST, 4 + 2 * len(column.heading))
    sheet.freeze_panes = "A2"


def _fill_dictionary(sheet: Worksheet, template: Template) -> None:
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped, unused-ignore]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped, unused-ignore]

    sheet.append([heading for heading, _ in _DICTIONARY])
    for column in template.columns:
        sheet.append(_described(column))
    for place, (_, width) in enumerate(_DICTIONARY, start=1):
        sheet.cell(1, place).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = width
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"


def _described(column: TemplateColumn) -> list[Any]:
    return [
        column.heading,
        column.name,
        column.what.zh,
        column.what.en,
        column.unit,
        column.type.zh,
        column.type.en,
        column.sensitivity.zh,
        column.sensitivity.en,
        "是 / yes" if column.needed else "",
    ]
