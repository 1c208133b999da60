"""Where outcomes are cut off at the top, before the pass. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.moments.bins import edges
from impact.moments.disclose.rules import Rules


def top_codes(bins: pd.DataFrame, rules: Rules = Rules()) -> dict[str, float]:
    """Give the value at which each outcome is cut off: the edge of the bin above which `top_share` of the worker-months lie, and no fewer than the threshold.

    `bins` are those of `Moments.bins` before disclosure. Cut the outcome off in the worker rows and compress those: a sum that holds one very large value
    gives it away whatever is done to it later. Outcomes that are seen in too few rows to have a top have no entry.
    """
    if rules.top_share == 0:
        return {}
    caps = {}
    for outcome, rows in bins.groupby("outcome"):
        counts = rows.groupby("bin")["n"].sum().sort_index()
        above = counts[::-1].cumsum()[::-1]
        wanted = max(rules.top_share * counts.sum(), rules.threshold)
        enough = above.index[above >= wanted]
        if len(enough) and enough[-1] > max(0, counts.index[0]):
            caps[str(outcome)] = float(edges(np.array([enough[-1]]))[0][0])
    return caps
