"""Answer one question by the package's own functions, in a process of its own: `python ours.py QUESTION PANEL TERMS`. May touch: the panel, the file of terms.

Prints one line of JSON: seconds from the Parquet file to the tidy table, imports apart, and where they went.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass

import scipy.stats

from impact.design.design import design_of
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import aggregate
from impact.moments.compress import Parts, compress
from impact.sources.engine import connect

CELLS = Parts()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the panel."""

    estimator: str
    level: str
    parts: Parts = CELLS
    averaged: bool = True


QUESTIONS = {
    "group_time": Question("att_gt", "cluster"),
    "pairs": Question("att_gt", "worker", Parts(pairs=True)),
    "twfe": Question("twfe", "cluster", Parts(patterns=True), averaged=False),
}


def main(name: str, path: str, out: str) -> None:
    """Answer, time the steps, write the terms."""
    engine = connect()
    scipy.stats.norm.ppf(0.5)
    steps, begun = {}, time.perf_counter()
    question = QUESTIONS[name]
    rows = engine.read_parquet(path)
    table = rows.mutate(first_covered=rows["first_covered"].nullif(0), cluster=rows["city"]).drop("city")
    by_city = question.level == "cluster"
    unit = ("first_covered", "cluster") if by_city else ("first_covered",)
    moments = compress(table if by_city else table.drop("cluster"), ["income"], "index", question.parts, unit)
    steps["compress"] = time.perf_counter() - begun
    design = design_of(moments, "income", question.level, follow_workers=question.parts.patterns)
    estimate = ESTIMATORS[question.estimator].fit(design)
    effects = estimate.tidy()
    averages = aggregate(estimate, "event_time").tidy() if question.averaged else effects
    seconds = time.perf_counter() - begun
    assert len(averages)
    effects.to_csv(out, index=False)
    print(json.dumps({"seconds": seconds, "steps": steps}))


if __name__ == "__main__":
    main(*sys.argv[1:])
