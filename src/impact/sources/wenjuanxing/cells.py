"""The cells of one exported file, all text, and what messages call them. May touch: the file, the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from impact.sources.files import open_file

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class Cells:
    """One exported file as it is."""

    frame: pd.DataFrame
    """Every cell as text, empty where nothing stands, one row per submission, columns as the file names them."""
    name: str
    """Path of the file below the folder of the delivery, for messages."""
    first_row: int
    """Number that users see beside the first submission."""
    sha256: str

    def row(self, place: int) -> int:
        """Give the row that users see for a position, from 0."""
        return place + self.first_row


def read_cells(engine: Backend, path: Path, root: Path | None = None) -> Cells:
    """Open an exported file, Excel or CSV, nothing understood yet; rows name it by its path below `root`.

    Raises SourceError where it is missing, of another kind, or in no encoding that is known.
    """
    raw = open_file(engine, path)
    received = raw.table.to_pyarrow()
    frame = pd.DataFrame(
        {name: ["" if cell is None else str(cell) for cell in received[name].to_pylist()] for name in received.column_names}, dtype=object
    )
    name = path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name
    return Cells(frame, name, raw.first_row, raw.sha256)
