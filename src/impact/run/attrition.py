"""The attrition of a study under every definition. May touch: the engine, the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from impact.clean.audit import Rule
from impact.moments.suppress import suppressed
from impact.panel.attrition.leavers import Leavers
from impact.panel.attrition.leaving import Leaving, leaving
from impact.panel.attrition.spells import worker_spells
from impact.panel.attrition.survival import error_at, survival, survival_at, with_interval
from impact.panel.attrition.worker_months import tenure_hazards, yearly_rates
from impact.run.folder import RunFolder
from impact.study import Study
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_PARTS = ("people", "absences", "accounts")


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
        suppressed(yearly_rates(months, spells.table, asked.year), fewest, ("value", "denominator"), "numerator", "denominator"),
        suppressed(tenure_hazards(months, spells.table, joined), fewest, ("hazard", "at_risk"), "exits", "at_risk"),
        marked,
        pd.DataFrame(points),
    )


def hand_on_leavers(run: RunFolder, study: Study, gone: Leavers | None) -> None:
    """Write people, absences and accounts for the stage of attrition, where the study asks for it and the source has them."""
    if study.attrition is None or gone is None:
        return
    for name in _PARTS:
        run.write_rows(name, getattr(gone, name))
    run.write_json("leavers", {"has_accounts": gone.has_accounts})


def leaving_of(study: Study, run: RunFolder, engine: Backend) -> Leaving | None:
    """Measure who leaves under every definition of absence and closure; None for a source of one table, which has no days.

    Numbers that rest on fewer than the study's smallest cell are emptied.
    """
    assert study.attrition is not None
    if not run.has("leavers"):
        return None
    asked, fewest = study.attrition, study.report.minimum_cell
    people, absences, accounts = (engine.read_parquet(run.table_path(name)) for name in _PARTS)
    gone = Leavers(people, absences, accounts, bool(run.read_json("leavers")["has_accounts"]))
    found = leaving(engine, gone, asked.year, asked.compare_year, asked.survival_days)
    return Leaving(
        suppressed(found.rates, fewest, ("value", "denominator_value"), "numerator", "denominator_value"),
        suppressed(found.returns, fewest, ("share", "followed"), "returned", "followed"),
        suppressed(found.cohorts, fewest, ("survival", "std_error")),
        _safe_change(found.change, fewest),
        found.notes,
    )


def _safe_change(change: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Empty the lines in which too few left in either of the two years."""
    numbers = [name for name in change.columns if name != "covered"]
    for when in ("gone_before", "gone_after"):
        change = suppressed(change, fewest, numbers, when)
    return change


def write_leaving(run: RunFolder, found: Leaving | None) -> None:
    """Write the tables of `leaving_of` for the report, and what could not be computed."""
    run.write_json("not_computed", [note.as_dict() for note in notes_of(found)])
    if found is None:
        return
    tables = {"definitions": found.rates, "returns": found.returns, "entry_cohorts": found.cohorts, "churn_change": found.change}
    for name, table in tables.items():
        run.write_table(name, table)


def notes_of(found: Leaving | None) -> tuple[Text, ...]:
    """Say which definitions could not be computed, and why; of a source of one table all that need days."""
    return _ONE_TABLE if found is None else found.notes


def _curves(spells: pd.DataFrame, joined: pd.Series[int], first_month: int) -> dict[str, pd.DataFrame]:
    """Estimate survival naively, with delayed entry, and for those who joined within the data, where there are any."""
    tenure, exited, entry = spells["tenure_days"].to_numpy(), spells["exited"].to_numpy(), spells["entry_days"].to_numpy()
    within = (spells["worker"].map(joined) >= first_month).to_numpy()
    curves = {"naive": survival(tenure, exited), "delayed_entry": survival(tenure, exited, entry)}
    return {**curves, "entrants": survival(tenure[within], exited[within])} if within.any() else curves


_ONE_TABLE = (
    Text(
        "Exits by absences of 7, 14, 28, 30, 60 and 90 days, closure of accounts and moves to another platform: not computed. One table of worker-months has no days of "
        "work, no accounts and no identifier of a person over platforms. Exits here are the leaving days on record.",
        "7、14、28、30、60、90天未出工口径、账户注销与转投其他平台：未计算。单一的“劳动者-月”表没有出工日、账户信息，也没有跨平台的人员标识。此处的离职为来源所记录的离职日期。",
    ),
)
