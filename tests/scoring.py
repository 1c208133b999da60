"""How well cleaning found what the synthetic world planted, rule by rule."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa


def score(touched: pa.Table, ledger: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Compare the rows that rules met with the ledger of planted defects, both of the same files; `rows` is how many rows these files have.

    Columns: rule, planted, found, share_found, wrongly_touched, share_wrong (of the rows without this defect), one line per planted defect.
    A row counts once, and where the ledger names a column the rule must name it too.
    """
    met = touched.to_pandas()
    lines = []
    for rule, planted in ledger.groupby("defect"):
        exact = ["file", "row", "column"] if (planted["column"] != "").all() else ["file", "row"]
        wanted = {tuple(line) for line in planted[exact].astype({"row": int}).to_numpy().tolist()}
        found = {tuple(line) for line in met.loc[met["rule"] == rule, exact].to_numpy().tolist()}
        right, wrong = len(wanted & found), len(found - wanted)
        lines.append((rule, len(wanted), right, right / len(wanted), wrong, wrong / max(1, rows - len(wanted))))
    return pd.DataFrame(lines, columns=["rule", "planted", "found", "share_found", "wrongly_touched", "share_wrong"])
