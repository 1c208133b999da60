"""What a column and a table are, and how the files of a table are called. May touch: nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "date", "time", "yes_no"]
"""What a value is; `time` is a day with a time of day, local and without zone."""
Sensitivity = Literal["none", "quasi", "sensitive", "direct"]
"""Whether a value of a person is harmless, helps to single the person out together with others, is of a kind that the law protects most, or names the person."""
_PLACES = {
    "platform": r"[A-Z]{2}\d{2}",
    "month": r"\d{4}-\d{2}",
    "industry": "[a-z_]+",
    "group": "[a-z_]+",
    "wave": r"\d+",
    "flavour": "text|number",
}
"""What may stand in the places of a file's name."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    """Unit of measurement, or an empty string where there is none."""
    en: str
    """Meaning, in English."""
    zh: str
    """Meaning, in Chinese."""
    required: bool = False
    """Whether every row has a value; otherwise it may be missing, or the whole column where a study does not ask for it."""
    sensitivity: Sensitivity = "none"
    heading: str = ""
    """What the files call it, where that is not its name."""
    renamed: str = ""
    """What the files call it once the vendor's software has been renewed, where that is another name again."""
    codes: tuple[tuple[str, str], ...] = ()
    """Values that may stand there: code → the word that a Chinese export writes for it."""
    least: float | None = None
    """Lowest possible value."""
    most: float | None = None
    """Highest possible value."""
    only_with: str = ""
    """Part of the world file without which the column is left out."""

    def written(self, renewed: bool = False) -> str:
        """Give the name that stands in a file, before or after the renewal."""
        return (self.renamed if renewed else "") or self.heading or self.name


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table: what a row is, its columns, and where a world keeps it."""

    name: str
    grain: str
    """What one row stands for; no two rows may share these columns."""
    en: str
    zh: str
    columns: tuple[Column, ...]
    files: tuple[str, ...] = ()
    """Files below a world's folder, with places such as `{month}`; none for a table that only the pipeline has."""
    questions: bool = False
    """Whether a column for every question of the questionnaire stands beside these."""

    def column_names(self) -> tuple[str, ...]:
        """Give the names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def holds(self, path: str) -> bool:
        """Say whether a file, by its path below a world's folder, is one of this table's."""
        return any(re.fullmatch(_pattern(file), path) for file in self.files)


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that belong together."""

    en: str
    zh: str
    en_about: str
    zh_about: str
    tables: tuple[TableSchema, ...]


def _pattern(file: str) -> str:
    """Turn a file name with places into a regular expression."""
    parts = re.split(r"\{(\w+)\}", file)
    return "".join(f"(?:{_PLACES[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts))
