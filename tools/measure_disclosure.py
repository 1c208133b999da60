"""Measure what disclosure control costs: estimates from disclosed moments against those from full moments, in standard errors.

Run: `python tools/measure_disclosure.py`; `docs/disclosure.md` keeps the table. May touch: stdout.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from impact.design.design import design_of
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import aggregate
from impact.moments.compress import Parts, compress
from impact.moments.disclose.disclose import disclose
from impact.moments.disclose.rules import Rules
from impact.moments.moments import Moments
from impact.sources.engine import connect, register

MONTHS, UNITS, PANELS, EFFECT = 12, 30, 20, 5.0
SIZES = (12, 25, 50, 100, 300)
KEY = b"made up for measuring"


def panel(size: int, seed: int) -> pd.DataFrame:
    """Make units whose sizes vary by half around `size`; a tenth of the workers enter late, a tenth leave early, 5 % of the rows are missing."""
    generator = np.random.default_rng(seed)
    sizes = np.maximum(generator.integers(size // 2, size + size // 2 + 1, UNITS), 3)
    unit = np.repeat(np.arange(UNITS), sizes)
    workers = pd.DataFrame(
        {"worker": [f"w{place}" for place in range(len(unit))], "unit": [f"u{place:02d}" for place in unit], "place": unit}
    )
    entry = np.where(generator.random(len(unit)) < 0.1, generator.integers(2, MONTHS, len(unit)), 1)
    leave = np.where(generator.random(len(unit)) < 0.1, generator.integers(2, MONTHS, len(unit)), MONTHS)
    cohort = np.array([5.0, 8.0, np.nan])[unit % 3]
    workers = workers.assign(entry=entry, leave=np.maximum(entry, leave), first_covered=cohort, level=generator.normal(0, 20, len(unit)))
    rows = workers.merge(pd.DataFrame({"month": np.arange(1, MONTHS + 1)}), how="cross")
    shock = generator.normal(0, 4, (UNITS, MONTHS + 1))[rows["place"], rows["month"]]
    covered = (rows["month"] >= rows["first_covered"]).to_numpy()
    rows["income"] = 100 + rows["level"] + rows["month"] + EFFECT * covered + shock + generator.normal(0, 15, len(rows))
    rows["left"] = (generator.random(len(rows)) < 0.08 - 0.02 * covered).astype(float)
    seen = rows["month"].between(rows["entry"], rows["leave"]) & (generator.random(len(rows)) >= 0.05)
    return rows.loc[seen, ["worker", "unit", "month", "first_covered", "income", "left"]]


def compared(size: int, seed: int) -> list[dict[str, object]]:
    """Estimate from both moments of one panel."""
    table = register(connect(), "panel", panel(size, seed))
    full = compress(table, ("income", "left"), "index", Parts(pairs=True, patterns=True))
    found = disclose(full, Rules(), KEY)
    cells = found.statement.table.query("part == 'cells' and outcome == 'income'")["workers_share"].sum()
    patterns = found.statement.table.query("part == 'patterns' and outcome == 'income'")["workers_share"].sum()
    rows = []
    for what in (
        "income, overall, by unit",
        "income, overall, by worker",
        "income, event time, by unit",
        "left, overall, by unit",
        "income, twfe from patterns",
    ):
        rows.append(
            {
                "workers in a unit": size,
                "estimate": what,
                **difference(what, full, found.moments),
                "cells withheld": cells,
                "patterns withheld": patterns,
            }
        )
    return rows


def difference(what: str, full: Moments, safe: Moments) -> dict[str, object]:
    """Give differences in standard errors of the full estimate, the ratio of standard errors, and how often each interval covers the truth."""
    tables = [estimated(what, held) for held in (full, safe)]
    if tables[1] is None or tables[0] is None:
        return {"difference": np.nan, "ratio": np.nan, "truth": np.nan, "full": np.nan}
    both = tables[0].merge(tables[1], on="term", suffixes=("", "_safe"))
    gap = (both["estimate_safe"] - both["estimate"]).abs() / both["std_error"]
    return {
        "difference": gap.mean(),
        "ratio": (both["std_error_safe"] / both["std_error"]).mean(),
        "truth": covers(what, both, "_safe"),
        "full": covers(what, both, ""),
    }


def covers(what: str, both: pd.DataFrame, which: str) -> float:
    """Say how often the interval of either moments holds the truth; terms before coverage have a truth of zero."""
    effect = -0.02 if what.startswith("left") else EFFECT
    truth = np.where(both.get("event_time", pd.Series(0.0, index=both.index)).fillna(0) < 0, 0.0, effect)
    return float(((both[f"conf_low{which}"] <= truth) & (truth <= both[f"conf_high{which}"])).mean())


def estimated(what: str, held: Moments) -> pd.DataFrame | None:
    """Estimate one quantity; None where nothing is left to estimate it from."""
    outcome, kind, *level = what.split(", ")
    if kind.startswith("twfe"):
        if held.patterns is None or outcome not in held.patterns or len(set(held.patterns[outcome].unit)) < 6:
            return None
        return twfe.fit(design_of(held, outcome, "unit", follow_workers=True)).tidy()
    design = design_of(held, outcome, "worker" if level == ["by worker"] else "unit")
    return aggregate(att_gt.fit(design), "simple" if kind == "overall" else "event_time").tidy()


def main() -> None:
    """Print the table."""
    rows = [row for size in SIZES for seed in range(PANELS) for row in compared(size, 100 * size + seed)]
    table = pd.DataFrame(rows).groupby(["workers in a unit", "estimate"], sort=False)
    means = table[["difference", "ratio", "full", "truth", "cells withheld", "patterns withheld"]].mean().reset_index()
    means["largest"] = table["difference"].max().to_numpy()
    heads = [
        "workers in a unit",
        "estimate",
        "difference, mean",
        "largest",
        "ratio of std errors",
        "full covers truth",
        "disclosed covers truth",
        "worker-months withheld",
        "workers in patterns withheld",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in means.itertuples(index=False):
        values = [
            f"{row.difference:.2f}",
            f"{row.largest:.2f}",
            f"{row.ratio:.2f}",
            f"{row.full:.0%}",
            f"{row.truth:.0%}",
            f"{row[6]:.0%}",
            f"{row[7]:.0%}",
        ]
        lines.append(
            "| " + " | ".join([str(row[0]), row.estimate, *("—" if value in ("nan", "nan%") else value for value in values)]) + " |"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
