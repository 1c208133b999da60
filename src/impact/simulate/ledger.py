"""The ledger of planted defects: every one has a line, so that cleaning can be scored. May touch: nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DEFECT_COLUMNS = ("defect", "file", "row", "key", "column", "original", "written", "expected")
"""What is wrong; the file below `raw/`; the row as users count (2 is the first below a header, 1 the first of a Parquet file; missing where the whole file
is meant); the identifier of the row; the column; what it should say; what it says; what cleaning should do: `drop`, `change`, `flag` or `refuse`."""


NONE = pd.DataFrame({name: pd.Series(dtype="Int64" if name == "row" else "string") for name in DEFECT_COLUMNS})
"""A ledger without lines."""


def ledger(
    defect: str,
    file: str,
    rows: Sequence[int | None] | NDArray[np.int64],
    keys: Sequence[str],
    column: str = "",
    original: Iterable[object] | None = None,
    written: Iterable[object] | None = None,
    expected: str = "drop",
) -> pd.DataFrame:
    """Write lines of the ledger, one for each row; values are kept as text."""
    if len(rows) == 0:
        return NONE
    frame = pd.DataFrame({"row": pd.array(list(rows), dtype="Int64"), "key": pd.array(list(keys), dtype="string")})
    before, after = (_texts(values, len(frame)) for values in (original, written))
    return frame.assign(defect=defect, file=file, column=column, original=before, written=after, expected=expected)[list(DEFECT_COLUMNS)]


def joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put ledgers together; an empty one where there are none."""
    held = [part for part in parts if len(part)]
    return pd.concat(held, ignore_index=True) if held else NONE


def _texts(values: Iterable[object] | None, number: int) -> pd.Series[str]:
    texts = [""] * number if values is None else ["" if value is None else str(value) for value in values]
    return pd.Series(texts, dtype="string")
