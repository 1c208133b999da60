"""The rates, returns, entry cohorts and change of a sample, under every definition that its data allow. May touch: the engine.

Groups are told apart by `covered`: whose platform or bargaining unit ever comes under an agreement on record, and the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from impact.panel.attrition.absences import EPOCH, number_of
from impact.panel.attrition.definitions import (
    SHORTEST_FROM_MONTHS,
    WINDOWS,
    account_spells,
    exit_spells,
    permanent_spells,
    window_spells,
)
from impact.panel.attrition.leavers import Leavers
from impact.panel.attrition.notes import Facts, no_change, not_computed
from impact.panel.attrition.rates import CUMULATIVE_MONTHS, rates, reactivation, split_change, stock_and_flow
from impact.panel.attrition.tenure import cohort_survival, tenure_spells
from impact.sources.engine import store
from impact.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

ABSORBING = 90
"""Window of absences that survival and the split of a change rest on: the longest, which hardly anybody comes back from."""
RETURN_DAYS = 30
"""Days after a window has run out within which a return is counted."""
TENURE_STARTS = (0, 90, 180, 365, 730)
"""First day of each band of tenure in the split of a change."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Attrition of one year under every definition."""

    rates: pd.DataFrame
    """`definition, covered, denominator, numerator, denominator_value, value, start, end`."""
    returns: pd.DataFrame
    """`window, covered, followed, returned, share`, of exits dated in the year."""
    cohorts: pd.DataFrame
    """`covered, entry_year, day, workers, survival, std_error`; entry year 0 are those who joined before the data begin."""
    change: pd.DataFrame
    """`covered, gone_before, gone_after, rate_before, rate_after, change, composition, within`; no rows without another year to compare with."""
    notes: tuple[Text, ...]
    """What could not be computed, and why."""


def leaving(engine: Backend, gone: Leavers, year: int, other_year: int | None, days: Sequence[int]) -> Leaving:
    """Measure who left in a calendar year.

    A definition with a window is left out where the year ends later than the window before the end of the data: who left could not be told from who pauses.
    """
    people = store(engine, "people_by_group", gone.people.mutate(covered=gone.people["first_covered"].notnull()))
    facts = _facts(people, gone)
    windows = WINDOWS if facts.without_days == 0 else tuple(window for window in WINDOWS if window >= SHORTEST_FROM_MONTHS)
    cut = store(engine, "spells_by_window", window_spells(gone.absences, people, windows))
    known = tuple(window for window in windows if _last_day(year) + window <= facts.until)
    spells = store(engine, "spells_by_definition", _spells(cut.filter(cut["window"].isin(known)), gone, people, known))
    counts = _year_counts(spells, year, ("covered",))
    of_year = cut.filter(cut["window"].isin(known) & cut["since"].between(number_of(date(year, 1, 1)), _last_day(year)))
    change = _change(spells, people, year, other_year, facts)
    lacking = () if other_year is None or len(change) else (no_change(year, other_year, facts),)
    return Leaving(
        rates(counts, 12).assign(start=f"{year}-01", end=f"{year}-12"),
        reactivation(of_year, people, RETURN_DAYS, ("covered",)),
        _cohorts(cut, people, days),
        change,
        (*not_computed(windows, known, year, facts), *lacking),
    )


def _facts(people: ir.Table, gone: Leavers) -> Facts:
    found = people.aggregate(
        until=people["until"].min(), seen_from=people["seen_from"].max(), workers=people.count(), without_days=(~people["by_day"]).sum()
    )
    return Facts(**found.to_pyarrow().to_pylist()[0], has_accounts=gone.has_accounts)


def _last_day(year: int) -> int:
    return number_of(date(year, 12, 31))


def _spells(cut: ir.Table, gone: Leavers, people: ir.Table, known: tuple[int, ...]) -> ir.Table:
    """Put the spells of every definition below one another, with the group of each worker: `definition, worker, start, end, counted, covered`."""
    parts = [exit_spells(cut, "day")]
    if ABSORBING in known:
        parts.append(permanent_spells(gone.absences, people, ABSORBING, "day"))
    of_work = ibis.union(*parts) if len(parts) > 1 else parts[0]
    joined = of_work.join(people.select("worker", "covered"), "worker")
    if not gone.has_accounts:
        return joined
    accounts = account_spells(gone.accounts)
    held = accounts.join(gone.accounts.select("worker", covered=gone.accounts["first_covered"].notnull()), "worker")
    return ibis.union(joined, held.select(*joined.columns))


def _year_counts(spells: ir.Table, year: int, by: Sequence[str]) -> pd.DataFrame:
    start = date(year, 1, 1)
    early = date(year, 1 + CUMULATIVE_MONTHS, 1) - timedelta(days=1)
    return stock_and_flow(spells, number_of(start), _last_day(year), number_of(early), by)


def _cohorts(cut: ir.Table, people: ir.Table, days: Sequence[int]) -> pd.DataFrame:
    """Follow entry cohorts to their first exit by the longest window; who joined before the data begins late."""
    joined = (ibis.date(EPOCH.isoformat()) + people["joined"].as_interval("D")).cast("date")
    year = (people["joined"] >= people["seen_from"]).ifelse(joined.year(), 0)
    told = people.mutate(entry_year=year.cast("int64"), entry_cohort=joined.strftime("%Y-%m"), unit=people["platform"])
    spells = tenure_spells(cut.filter(cut["window"] == ABSORBING), told, recurrent=False)
    labelled = spells.join(told.select("worker", "covered", "entry_year"), "worker")
    return cohort_survival(labelled, days, ("covered", "entry_year"))


def _change(spells: ir.Table, people: ir.Table, year: int, other_year: int | None, facts: Facts) -> pd.DataFrame:
    """Split the change of the loss of the opening stock between two years by tenure × city; no rows where the data do not hold both years."""
    columns = ["covered", "gone_before", "gone_after", "rate_before", "rate_after", "change", "composition", "within"]
    years = sorted({year, other_year or year})
    if len(years) < 2 or number_of(date(years[0], 1, 1)) < facts.seen_from or _last_day(years[1]) + ABSORBING > facts.until:
        return pd.DataFrame(columns=columns)
    of_work = spells.filter(spells["definition"] == f"exit_{ABSORBING}d").join(people.select("worker", "joined", "city"), "worker")
    before, after = (_by_tenure_and_city(of_work, each) for each in years)
    rows = []
    for covered in sorted(set(before["covered"]) & set(after["covered"])):
        both = [counts[counts["covered"] == covered] for counts in (before, after)]
        parts = split_change(both[0], both[1], ("band", "city"))
        gone = [int(counts["cohort_gone"].sum()) for counts in both]
        rate = [float(number / counts["opening"].sum()) for number, counts in zip(gone, both, strict=True)]
        rows.append((covered, *gone, *rate, rate[1] - rate[0], float(parts["composition"].sum()), float(parts["within"].sum())))
    return pd.DataFrame(rows, columns=columns)


def _by_tenure_and_city(spells: ir.Table, year: int) -> pd.DataFrame:
    tenure = number_of(date(year, 1, 1)) - spells["joined"]
    band = ibis.cases(*((tenure >= first, place) for place, first in reversed(list(enumerate(TENURE_STARTS)))), else_=-1)
    return _year_counts(spells.mutate(band=band, city=spells["city"].fill_null("")), year, ("covered", "band", "city"))
