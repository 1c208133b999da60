"""Answers of a survey as they were given, typed by the codebook. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impact.schema.questionnaire import Codebook
from impact.text import Text

if TYPE_CHECKING:
    import pandas as pd
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class Note:
    """Something noticed on reading that changes no answer."""

    rule: str
    where: str
    rows: int
    text: Text
    advice: Text


@dataclass(frozen=True, slots=True)
class Unread:
    """A cell that is no number or month where one is asked."""

    place: int
    """Index of the row in the table."""
    field: str
    column: str
    """What the file calls it."""
    written: str


@dataclass(frozen=True, slots=True)
class SurveyTable:
    """One export, or a pair of them, one row per submission; all frames have the index 0, 1, 2 … in the order of the first file."""

    answers: pd.DataFrame
    """`META_COLUMNS`, then one column per field of the codebook and per fill-in: codes `Int64` or text, numbers `Float64`, several codes joined by `|`."""
    reasons: pd.DataFrame
    """One column per field: why the answer is missing (a key of `codebook.missing`), empty where it is not."""
    unread: tuple[Unread, ...]
    """Cells that are left to cleaning; their answers are missing, with the reason `unread`."""
    extras: pd.DataFrame
    """Columns that the codebook does not know, as text."""
    codebook: Codebook
    columns: Mapping[str, str]
    """Field, or name of a recorded column → what the files call it; the first of several columns."""
    notes: tuple[Note, ...]
    engine: Backend
    name: str
    """Name of the file or files, for messages."""
    sha256: str
    """Hash of the bytes that were read; of two files, both, joined by `+`."""
