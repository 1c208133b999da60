"""What a report says, before anyone draws it: plain values in both languages. May touch: nothing.

Numbers arrive here already formatted, so that the English and the Chinese text, the PDF and the web page cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact.text import Text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of running text."""

    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A short list of sentences."""

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of formatted cells; `rows` holds one `Text` or plain string for each column."""

    name: str
    """File stem of the CSV that stands behind it, such as `attrition_rates`."""
    caption: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[Text | str, ...], ...]
    align: tuple[Literal["left", "right"], ...]
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure; its files are `figures/{name}.{language}.svg` and `.png` in the run's folder."""

    name: str
    caption: Text
    alt: Text
    """What a reader who cannot see the figure must know; PDF/UA refuses a figure without it."""


Block = Paragraph | Bullets | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of the report; those marked `in_brief` are also printed in the brief."""

    title: Text
    blocks: tuple[Block, ...]
    in_brief: bool = False


@dataclass(frozen=True, slots=True)
class VerdictBox:
    """How far the evidence carries, as it is printed."""

    level: Literal["V0", "V1", "V2", "V3", "V4", "V5"]
    name: Text
    reason: Text
    would_raise: Text


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    study: str
    run: str
    title: Text
    """The question of the study."""
    answer: Text
    """One sentence with number, interval and grade."""
    verdict: VerdictBox
    key_figures: tuple[tuple[Text, Text | str], ...]
    """Up to four pairs of a label and a formatted number."""
    sections: tuple[Section, ...]
    provenance: tuple[tuple[Text, Text | str], ...]
    """Label and value: data, hash, version, seed, date."""
    synthetic: bool = False
    """Stamped on every page, figure and table where true."""
