"""The attrition of a study under every definition. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from impact.clean.audit import Rule
from impact.moments.disclosure import suppressed
from impact.panel.attrition import tenure_hazards, yearly_rates
from impact.panel.spells import worker_spells
from impact.panel.survival import error_at, survival, survival_at, with_interval
from impact.study import Study

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class AttritionTables:
    """What the attrition stage hands on."""

    spells: pd.DataFrame
    rules: tuple[Rule, ...]
    rates: pd.DataFrame
    hazards: pd.DataFrame
    curves: pd.DataFrame
    """Survival by tenure day: `curve, tenure_days, at_risk, exits, survival, std_error, low, high`."""
    survival_at: pd.DataFrame
    """Survival at the study's tenures: `curve, day, survival, std_error`."""


def attrition_of(study: Study, worker_months: ir.Table, level: float) -> AttritionTables:
    """Measure who leaves, as the study says.

    Raises DataError where spells contradict themselves or the year is not wholly observed.
    """
    assert study.attrition is not None
    asked, fewest = study.attrition, study.report.minimum_cell
    spells = worker_spells(worker_months, asked.observed_until)
    months = worker_months.select("worker", "month", "joined").to_pandas()
    joined = months.groupby("worker")["joined"].min().map(lambda day: day.year * 12 + day.month - 1)
    curves = _curves(spells.table, joined, int(months["month"].min()))
    marked = pd.concat([with_interval(curve, level).assign(curve=name) for name, curve in curves.items()], ignore_index=True)
    points = [
        {"curve": name, "day": day, "survival": survival_at(curve, day), "std_error": error_at(curve, day)}
        for name, curve in curves.items()
        for day in asked.survival_days
    ]
    return AttritionTables(
        spells.table,
        spells.rules,
        suppressed(yearly_rates(months, spells.table, asked.year), fewest, ("value", "denominator"), "numerator"),
        suppressed(tenure_hazards(months, spells.table, joined), fewest, ("hazard", "at_risk"), "exits"),
        marked,
        pd.DataFrame(points),
    )


def _curves(spells: pd.DataFrame, joined: pd.Series[int], first_month: int) -> dict[str, pd.DataFrame]:
    """Estimate survival naively, with delayed entry, and for those who joined within the data, where there are any."""
    tenure, exited, entry = spells["tenure_days"].to_numpy(), spells["exited"].to_numpy(), spells["entry_days"].to_numpy()
    within = (spells["worker"].map(joined) >= first_month).to_numpy()
    curves = {"naive": survival(tenure, exited), "delayed_entry": survival(tenure, exited, entry)}
    return {**curves, "entrants": survival(tenure[within], exited[within])} if within.any() else curves
