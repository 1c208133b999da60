"""What may be printed: numbers that rest on too few workers are emptied before a table or figure is made of them. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def suppressed(
    table: pd.DataFrame, fewest: int, numbers: Sequence[str], resting_on: str = "workers", out_of: str | None = None
) -> pd.DataFrame:
    """Empty the columns `numbers` in the rows that rest on at least one and fewer than `fewest` workers; the rows and their labels stay.

    `resting_on` names the column that counts the workers; it is emptied as well. `out_of` names the column that counts those whom they are some of, where there
    is one: if all but a few left, the few who stayed are as easily known. A row that rests on nobody says nothing of anybody, and stays.
    """
    few = table[resting_on].between(0, fewest, inclusive="neither")
    if out_of is not None:
        few |= (table[out_of] - table[resting_on]).between(0, fewest, inclusive="neither")
    columns = [name for name in (*numbers, resting_on) if name in table]
    return table.assign(**{name: table[name].mask(few) for name in columns})
