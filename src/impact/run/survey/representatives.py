"""Whom the elected representatives stand for: by the city they come from, and by the ranks they stand out with. May touch: the delivery's file, the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from impact.errors import DataError, listing, nearest
from impact.moments.suppress import suppressed
from impact.sources.files import open_file
from impact.study import Study, locate_delivery
from impact.study.delivery import DeliverySource
from impact.study.survey import Representatives
from impact.survey.margins import Margin
from impact.survey.representatives import Representation, rank_table, representation
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_CITY = Text("city", "城市")


@dataclass(frozen=True, slots=True)
class Elected:
    """What is known of the representatives; no row of any of them."""

    number: int
    ranks: pd.DataFrame
    """As `rank_table` gives it, emptied where there are fewer representatives than may be printed."""
    by_city: Representation | None
    """Against the covered workforce of the last month before coverage; None where units are no cities, or representatives have none."""


def elected(
    engine: Backend, study: Study, asked: Representatives, data_root: Path, worker_months: ir.Table | None, fewest: int, seed: int
) -> Elected:
    """Compare the representatives of an agreement with the workforce.

    Raises SourceError or DataError where the file cannot be read, or nobody is on it for the agreement.
    """
    raw = open_file(engine, locate_delivery(study, data_root) / asked.file)
    for name in ("agreement_id", *asked.ranks):
        raw.column(name)
    rows = raw.table.to_pandas()
    mine = rows[rows["agreement_id"] == asked.agreement]
    if mine.empty:
        known = sorted(rows["agreement_id"].dropna().unique())
        raise DataError(
            f"{raw.name}: nobody is on record for the agreement `{asked.agreement}`.\nFound representatives of {listing(known) or 'none'}.\n"
            f"{nearest(asked.agreement, known) or 'Name an agreement of the file.'}"
        )
    numbers = {name: pd.to_numeric(mine[name], errors="coerce") for name in asked.ranks}
    ranks = suppressed(rank_table(pd.DataFrame(numbers), list(asked.ranks)), fewest, ("mean", "lowest", "above_half"), "representatives")
    return Elected(len(mine), ranks.drop(columns="lowest"), _by_city(study, mine, worker_months, seed))


def _by_city(study: Study, rows: pd.DataFrame, worker_months: ir.Table | None, seed: int) -> Representation | None:
    assert isinstance(study.source, DeliverySource)
    unit = study.source.sample.unit
    if worker_months is None or "city" not in unit or "city_id" not in rows or rows["city_id"].isna().any():
        return None
    table = worker_months
    before = table.filter(table["first_covered"].notnull() & (table["month"] == table["first_covered"] - 1))
    counts = before.group_by("unit").aggregate(workers=before["worker"].nunique()).to_pandas()
    counts["city"] = counts["unit"].str.split("·").str[unit.index("city")]
    cities = counts.groupby("city")["workers"].sum()
    if not set(rows["city_id"]) <= set(cities.index):
        return None  # some come from where nobody in this study works: there is no workforce to set them beside
    margin = Margin(("city_id",), tuple((city,) for city in cities.index), tuple(float(size) for size in cities))
    return representation(rows, margin, _CITY, seed)
