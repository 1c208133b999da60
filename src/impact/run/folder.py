"""The folder of a run: how stages hand tables and JSON to each other. May touch: the disk below the run's folder.

Stages pass Parquet and JSON, never pickles. Every file is written beside its final name and renamed, so that a killed stage leaves no half file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from impact.atomic import write_whole
from impact.errors import RunError, listing
from impact.moments.moments import Moments
from impact.moments.tables import PARTS, from_tables, to_tables
from impact.report.style import figure_style, save
from impact.sources.engine import write_parquet
from impact.text import LANGUAGES, Language

if TYPE_CHECKING:
    from collections.abc import Callable

    import ibis.expr.types as ir
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure, as a notebook shows it."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True)
class Markdown:
    """Sentences, as a notebook shows them."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where the stages of one run read and write."""

    path: Path

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table for later stages: `stages/{name}.parquet`."""
        target = self._stage_file(name, "parquet")
        part = target.with_suffix(".part")
        table.to_parquet(part, index=False)
        part.replace(target)

    def write_rows(self, name: str, rows: ir.Table) -> None:
        """Write a table straight from the engine, without passing through memory."""
        target = self._stage_file(name, "parquet")
        part = target.with_suffix(".part")
        write_parquet(rows, part)
        part.replace(target)

    def read_table(self, name: str) -> pd.DataFrame:
        """Read a table that an earlier stage wrote."""
        return pd.read_parquet(self.table_path(name))

    def table_path(self, name: str) -> Path:
        """Give the path of a table that an earlier stage wrote.

        Raises RunError where it is not there.
        """
        return self._existing(name, "parquet")

    def write_json(self, name: str, content: Any) -> None:
        """Write plain values for later stages: `stages/{name}.json`."""
        write_whole(self._stage_file(name, "json"), (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())

    def read_json(self, name: str) -> Any:
        """Read plain values that an earlier stage wrote."""
        return json.loads(self._existing(name, "json").read_text(encoding="utf-8"))

    def has(self, name: str) -> bool:
        """Say whether an earlier stage wrote a table or values of this name."""
        return any((self.path / "stages" / f"{name}.{kind}").is_file() for kind in ("parquet", "json"))

    def write_moments(self, name: str, moments: Moments) -> None:
        """Write moments as a small bundle of tables."""
        for part, table in to_tables(moments).items():
            self.write_table(f"{name}.{part}", table)

    def read_moments(self, name: str) -> Moments:
        """Read moments that an earlier stage wrote."""
        parts = [part for part in PARTS if self.has(f"{name}.{part}")]
        return from_tables({part: self.read_table(f"{name}.{part}") for part in parts})

    def draw(self, name: str, figure: Callable[[Language], Figure], synthetic: bool = False) -> Picture:
        """Draw a figure in both languages into `figures/`, and give the English one for display."""
        for language in LANGUAGES:
            with figure_style(language):
                drawn = figure(language)
            save(drawn, self.figures, name, language, synthetic)
        return Picture((self.figures / f"{name}.en.svg").read_text(encoding="utf-8"))

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.path / "figures"

    def write_csv(self, name: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Write the numbers behind a printed table: `tables/{name}.csv`; what a spreadsheet would take for a formula is made text."""
        table = pd.DataFrame([[_not_a_formula(cell) for cell in row] for row in rows], columns=list(columns))
        write_whole(self.path / "tables" / f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))

    def publish_table(self, name: str, published: str, stamp: Mapping[str, str] | None = None) -> None:
        """Write a table of a stage beside the report, with the columns of a stamp added: `{published}.parquet`."""
        table = self.read_table(name).assign(**(stamp or {}))
        write_whole(self.path / f"{published}.parquet", table.to_parquet(index=False))

    def _stage_file(self, name: str, kind: str) -> Path:
        folder = self.path / "stages"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.{kind}"

    def _existing(self, name: str, kind: str) -> Path:
        path = self.path / "stages" / f"{name}.{kind}"
        if not path.is_file():
            there = sorted(found.name for found in path.parent.glob("*")) if path.parent.is_dir() else []
            raise RunError(
                f"run: there is no `{name}` from an earlier stage.\nFound: {listing(there) or 'nothing'}.\nRun the earlier notebooks of this study first."
            )
        return path


def _not_a_formula(cell: str) -> str:
    """Neutralise a cell that begins like a formula; a plain number keeps its sign."""
    if cell[:1] not in ("=", "+", "-", "@"):
        return cell
    number = cell[1:].replace(",", "").replace(".", "", 1)
    return cell if cell[0] in "+-" and number.isdigit() else "'" + cell
