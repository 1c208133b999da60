"""Answer the same question by a peer, in a process of its own and in the peers' environment: `python peers.py PEER QUESTION PANEL TERMS`. May touch: both files.

Prints one line of JSON: seconds from the Parquet file to the effects, imports apart. Terms have the columns `cohort, month, estimate, std_error`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings
from typing import Any

import pandas as pd


def main(peer: str, question: str, path: str, out: str) -> None:
    """Answer, and write the terms; what is compiled at the first call is compiled before the clock starts, as imports are."""
    warnings.simplefilter("ignore")
    answer = {"diff-diff": _diff_diff, "csdid": _csdid, "pyfixest": _pyfixest}[peer]
    answer(None, question)
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        terms = answer(pd.read_parquet(path), question)
    seconds = time.perf_counter() - begun
    assert terms is not None
    terms.to_csv(out, index=False)
    print(json.dumps({"seconds": seconds}))


def _diff_diff(panel: pd.DataFrame | None, question: str) -> pd.DataFrame | None:
    """Give group-time effects with errors clustered by city, or by worker; without a panel, import alone."""
    from diff_diff import CallawaySantAnna

    if panel is None:
        return None
    whole = len(panel) == panel["worker"].nunique() * panel["month"].nunique()
    cluster = "city" if question == "group_time" else None
    model = CallawaySantAnna("not_yet_treated", estimation_method="reg", cluster=cluster, allow_unbalanced_panel=not whole, cband=False)
    found = model.fit(panel, "income", "worker", "month", "first_covered")
    found.aggregate("event_study")
    rows = [(g, t, effect["effect"], effect["se"]) for (g, t), effect in found.group_time_effects.items()]
    return pd.DataFrame(rows, columns=["cohort", "month", "estimate", "std_error"])


def _csdid(panel: pd.DataFrame | None, _: str) -> pd.DataFrame | None:
    """Give group-time effects with analytic errors by worker; errors by city would need its bootstrap."""
    from csdid.att_gt import ATTgt

    if panel is None:
        return None
    whole = len(panel) == panel["worker"].nunique() * panel["month"].nunique()
    model: Any = ATTgt("income", "month", "worker", "first_covered", panel, ["notyettreated"], allow_unbalanced_panel=not whole)
    model.fit(est_method="reg", bstrap=False)
    found = model.results
    model.aggte("dynamic", bstrap=False, cband=False)
    return pd.DataFrame({"cohort": found["group"], "month": found["year"], "estimate": found["att"], "std_error": found["se"]})


def _pyfixest(panel: pd.DataFrame | None, _: str) -> pd.DataFrame | None:
    """Give the coefficient of coverage with effects of workers and months, errors clustered by city."""
    import pyfixest

    if panel is None:  # the first call compiles
        small = pd.DataFrame(
            {"worker": [1, 1, 2, 2, 3, 3], "month": [1, 2] * 3, "covered": [0.0, 1, 0, 0, 0, 1], "income": [1.0, 2, 1, 3, 5, 4]}
        )
        pyfixest.feols("income ~ covered | worker + month", small, vcov={"CRV1": "worker"})
        return None
    panel["covered"] = ((panel["first_covered"] > 0) & (panel["month"] >= panel["first_covered"])).astype(float)
    found = pyfixest.feols("income ~ covered | worker + month", panel, vcov={"CRV1": "city"}, store_data=False, lean=True)
    return pd.DataFrame({"cohort": [0], "month": [0], "estimate": found.coef().to_numpy(), "std_error": found.se().to_numpy()})


if __name__ == "__main__":
    main(*sys.argv[1:])
