"""Worker-days become worker-months with exits, and these moments, in a process of its own: `python days.py DAYS TERMS`. May touch: the file of days, the engine's folder.

The memory that it may use is `IMPACT_MEMORY`. Prints one line of JSON: seconds, imports apart, and where they went.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, cast

import ibis

from impact.moments.compress import compress
from impact.panel.attrition.absences import absences, day_number, exits_in_month
from impact.sources.engine import connect, store

if TYPE_CHECKING:
    import ibis.expr.types as ir

WINDOWS = (7, 30)


def main(path: str, out: str) -> None:
    """Compress, time the steps, write the cells."""
    begun, steps = time.perf_counter(), {}
    engine = connect()
    days = engine.read_parquet(path)
    away = store(engine, "away", absences(days.select("worker", time=day_number(days["day"])), min(WINDOWS)))
    steps["absences"] = time.perf_counter() - begun
    exits = exits_in_month(away, _month(ibis.date("1970-01-01") + away["since"].as_interval("D")), WINDOWS)
    earned = days.group_by("worker", month=_month(days["day"])).aggregate(income=days["income"].sum())
    joined = store(engine, "worker_month", earned.left_join(exits, ["worker", "month"]).drop("worker_right", "month_right"))
    steps["worker-months"] = time.perf_counter() - begun
    # an exit that the data cannot see yet would be left missing in earnest; here only the work counts
    gone = {f"exit_{window}d": joined[f"exit_{window}d"].coalesce(0.0) for window in WINDOWS}
    moments = compress(joined.mutate(unit=(joined["worker"] % 250).cast("string"), **gone), ["income", *gone], "month")
    steps["moments"] = time.perf_counter() - begun
    moments.cells.to_csv(out, index=False)
    print(json.dumps({"seconds": steps["moments"], "steps": steps}))


def _month(day: ir.Value) -> ir.Value:
    date = cast("ir.DateValue", day)
    return (date.year() * 12 + date.month() - 1).cast("int64")


if __name__ == "__main__":
    main(*sys.argv[1:])
