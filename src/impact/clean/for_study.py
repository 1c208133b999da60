"""What a study says about columns, turned into what cleaning needs. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impact.clean.worker_month import Columns, WorkerMonths, clean_worker_months
from impact.study import Study

if TYPE_CHECKING:
    from impact.sources.raw import RawTable


def clean_for(study: Study, raw: RawTable) -> WorkerMonths:
    """Read the source of a study as worker-months.

    Raises what `clean_worker_months` raises.
    """
    named = study.columns
    columns = Columns(
        month=named.month,
        worker=named.worker,
        unit=named.unit,
        cluster=None if named.cluster == named.worker else named.cluster,
        weight=named.weight,
        first_covered=named.first_covered,
        covered=named.covered,
        joined=named.joined,
        left=named.left,
        two_units=named.two_units,
        hours=named.hours,
        numbers={outcome.name: outcome.column for outcome in study.outcomes} | {one.name: one.column for one in study.covariates},
        transforms={outcome.name: outcome.transform for outcome in study.outcomes},
    )
    return clean_worker_months(raw, columns, study.period, study.dates.formats if study.dates else ())
