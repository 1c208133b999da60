"""Print a document: PDF through typst, one self-contained web page through Jinja2. May touch: the disk, to write what it prints."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from unicodedata import east_asian_width

from impact.atomic import write_whole
from impact.errors import ReportError, listing, nearest
from impact.report.document import Block, Bullets, Document, Figure, Paragraph, Section, Table
from impact.report.fonts import LATIN, SANS, SERIF, font_files, hanzi_font
from impact.report.style import STAMP
from impact.text import LANGUAGES, Language, Text

Kind = Literal["report", "brief"]

HERE = Path(__file__).parent
GRADES = {
    "V0": ("#5B6570", "#FFFFFF"),
    "V1": ("#5B6570", "#FFFFFF"),
    "V2": ("#E69F00", "#1B2128"),
    "V3": ("#F0E442", "#1B2128"),
    "V4": ("#007A59", "#FFFFFF"),
    "V5": ("#007A59", "#FFFFFF"),
}
"""Fill and ink of each level; the words always stand beside the colour."""
MOST_KEY_FIGURES = 4


def render_pdf(document: Document, language: Language, kind: Kind, figures: Path, out: Path, when: datetime) -> None:
    """Print `document` as an accessible PDF (PDF/UA-1 and PDF/A-3a); `brief` keeps the sections marked `in_brief`.

    `figures` is the folder of the SVG files; `when` is stamped into the file, so that equal input gives equal bytes.
    Raises ReportError for whatever typst warns of or refuses, such as a character that no font has.
    """
    _check(document)
    content = _content(document, language, kind, figures)
    write_whole(out, _compile(content, _utc(when), f"{document.study}, {kind} ({language})"))


def render_html(document: Document, figures: Path, out: Path) -> None:
    """Print `document` as one HTML file that asks nothing of any network, with both languages and a switch."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    _check(document)
    loader = FileSystemLoader(HERE / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["data_uri"] = _data_uri
    pages = [_content(document, language, "report", figures) for language in LANGUAGES]
    template = environment.get_template("report.html.j2")
    font = hanzi_font(template.render(pages=pages, stamp=STAMP, hanzi_font=""))
    write_whole(out, template.render(pages=pages, stamp=STAMP, hanzi_font=font).encode())


# What the templates are given: plain values in one language.


def _content(document: Document, language: Language, kind: Kind, figures: Path) -> dict[str, Any]:
    sections = [section for section in document.sections if section.in_brief or kind == "report"]
    return {
        "language": language,
        "kind": kind,
        "words": _words()[language],
        "fonts": {"latin": LATIN, "sans": SANS, "serif": SERIF},
        "stamp": STAMP if document.synthetic else None,
        "study": document.study,
        "run": document.run,
        "title": document.title[language],
        "answer": document.answer[language],
        "verdict": _verdict(document, language),
        "key_figures": _pairs(document.key_figures, language),
        "sections": [_section(section, language, figures) for section in sections],
        "provenance": _pairs(document.provenance, language),
    }


def _verdict(document: Document, language: Language) -> dict[str, Any]:
    verdict, names = document.verdict, _words()[language]["scale"]
    fill, ink = GRADES[verdict.level]
    return {
        "level": verdict.level,
        "name": verdict.name[language],
        "reason": verdict.reason[language],
        "would_raise": verdict.would_raise[language],
        "fill": fill,
        "ink": ink,
        "scale": [{"level": level, "name": names[level]} for level in GRADES],
    }


def _pairs(pairs: tuple[tuple[Text, Text | str], ...], language: Language) -> list[dict[str, str]]:
    return [{"label": label[language], "value": _cell(value, language)} for label, value in pairs]


def _cell(value: Text | str, language: Language) -> str:
    return value if isinstance(value, str) else value[language]


def _section(section: Section, language: Language, figures: Path) -> dict[str, Any]:
    return {"title": section.title[language], "blocks": [_block(block, language, figures) for block in section.blocks]}


def _block(block: Block, language: Language, figures: Path) -> dict[str, Any]:
    match block:
        case Paragraph(text):
            return {"kind": "paragraph", "text": text[language]}
        case Bullets(items):
            return {"kind": "bullets", "items": [item[language] for item in items]}
        case Table():
            return _table(block, language)
        case Figure():
            return _figure(block, language, figures)


def _table(table: Table, language: Language) -> dict[str, Any]:
    rows = [[_cell(cell, language) for cell in row] for row in table.rows]
    columns = [column[language] for column in table.columns]
    return {
        "kind": "table",
        "name": table.name,
        "caption": table.caption[language],
        "columns": columns,
        "rows": rows,
        "align": list(table.align),
        "weights": [_weight(head, [row[i] for row in rows]) for i, head in enumerate(columns)],
        "note": table.note[language] if table.note else None,
    }


def _figure(figure: Figure, language: Language, figures: Path) -> dict[str, Any]:
    return {
        "kind": "figure",
        "caption": figure.caption[language],
        "alt": figure.alt[language],
        "svg": _svg(figure, language, figures),
    }


def _svg(figure: Figure, language: Language, figures: Path) -> str:
    path = figures / f"{figure.name}.{language}.svg"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = sorted(each.name for each in figures.glob("*.svg"))
    raise ReportError(
        f"Figure `{figure.name}`: its file `{path.name}` does not exist.\n"
        f"In `{figures.name}`: {listing(found) or 'no SVG file'}. {nearest(path.name, found)}\n"
        "Draw it with `style.save` before the report is printed."
    )


def _weight(head: str, cells: list[str]) -> float:
    """Say how much of the table's width a column needs: its longest cell within reason, a heading on one line or two."""
    words = [word for cell in cells for word in cell.split()]
    longest_word = max(map(_columns_wide, words), default=1)
    longest_cell = max(map(_columns_wide, cells), default=1)
    return 2 + max(4, min(longest_word, 30), min(longest_cell, 30), _heading_weight(head))


def _heading_weight(head: str) -> float:
    longest_word = max(map(_columns_wide, head.split()), default=1)
    lines = max(min(_columns_wide(head), 12), min(_columns_wide(head) / 2, 16))
    return max(1.2 * longest_word, lines)  # the sans letters of a heading are wider than those of a cell


def _columns_wide(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8"))


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


# What must hold before anything is printed.


def _check(document: Document) -> None:
    _check_verdict(document)
    _check_key_figures(document)
    for block in (block for section in document.sections for block in section.blocks):
        if isinstance(block, Figure):
            _check_alt(block)
        if isinstance(block, Table):
            _check_shape(block)


def _check_verdict(document: Document) -> None:
    if document.verdict.level not in GRADES:
        raise ReportError(
            f"{document.study}: the verdict has no level `{document.verdict.level}`.\nKnown levels: {listing(GRADES)}.\nGive one of them."
        )


def _check_key_figures(document: Document) -> None:
    if len(document.key_figures) > MOST_KEY_FIGURES:
        raise ReportError(
            f"{document.study}: there are more key figures than fit in one row.\n"
            f"Found {len(document.key_figures)}: {listing(label.en for label, _ in document.key_figures)}.\n"
            f"Keep the {MOST_KEY_FIGURES} that matter most; the others belong in a table."
        )


def _check_alt(figure: Figure) -> None:
    without = [language for language in LANGUAGES if not figure.alt[language].strip()]
    if without:
        raise ReportError(
            f"Figure `{figure.name}`: the alt text is missing.\n"
            f"Empty in: {listing(without)}.\n"
            "Write in `alt` what a reader who cannot see the figure must know."
        )


def _check_shape(table: Table) -> None:
    wide = len(table.columns)
    wrong = [number for number, row in enumerate(table.rows, start=1) if len(row) != wide]
    if wrong or len(table.align) != wide:
        raise ReportError(
            f"Table `{table.name}`: rows, columns and alignment do not have the same number of cells.\n"
            f"{wide} columns, {len(table.align)} alignments; rows of another length: {listing(wrong) or 'none'}.\n"
            "Give one cell and one alignment for each column."
        )


def _utc(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ReportError(
            f"The time of printing has no time zone.\nFound {when.isoformat()}.\nGive a time with its zone, such as datetime.now(UTC)."
        )
    return when.astimezone(UTC).replace(microsecond=0)


# Typst, and what it says when it refuses.


def _compile(content: dict[str, Any], when: datetime, what: str) -> bytes:
    import typst

    try:
        pdf, warnings = typst.compile_with_warnings(
            str(HERE / "templates" / "document.typ"),
            root=str(HERE / "templates"),
            font_paths=[str(folder) for folder in font_files().folders],
            ignore_system_fonts=True,
            pdf_standards=["ua-1", "a-3a"],
            timestamp=when,
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
        )
    except typst.TypstError as error:
        raise _refusal(what, error.message) from error
    if warnings:
        raise _refusal(what, "; ".join(warning.message for warning in warnings))
    return pdf


def _refusal(what: str, message: str) -> ReportError:
    glyphs = list(_unshown(message))
    if glyphs:
        return ReportError(
            f"{what}: no font can show {listing(glyphs)}.\n"
            f"typst says: {message}.\n"
            "Replace the character, or name a folder with other fonts in IMPACT_FONT_DIR."
        )
    return ReportError(
        f"{what}: the PDF cannot be printed as it should be.\n"
        f"typst says: {message}.\n"
        "Mend the text, table or figure that it names; unknown font families mean that IMPACT_FONT_DIR holds other fonts."
    )


def _unshown(message: str) -> Iterator[str]:
    """Yield each character that typst could not display, with its code point."""
    for quoted in re.findall(r'the text `?"(.+?)"`? could not be displayed', message):
        text = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda code: chr(int(code[1], 16)), quoted)
        yield from (f"`{letter}` (U+{ord(letter):04X})" for letter in text)
