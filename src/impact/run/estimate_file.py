"""A panel in a file becomes an estimate: `impact estimate`. May touch: the file, the engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from impact.clean.worker_month import Columns, Transform, WorkerMonths, clean_worker_months
from impact.design.design import WORKER, Design, design_of
from impact.errors import DataError, DesignError, StudyError, listing, nearest
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import By, Window, aggregate
from impact.moments.compress import compress
from impact.results import Estimate
from impact.sources.engine import connect
from impact.sources.files import open_file
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Request:
    """What to estimate from which columns of a file."""

    file: Path
    month: str
    first_covered: str
    outcome: str
    unit: str | None = None
    """Level at which coverage is decided; the worker where not given."""
    worker: str | None = None
    """The person; not given for repeated cross-sections."""
    cluster: str | None = None
    """Level at which errors move together: a column, or `worker`; the unit where not given."""
    weights: str | None = None
    transform: Transform = "none"
    delimiter: str = ","
    estimator: str = "att_gt"
    by: By = "none"
    window: Window = field(default_factory=Window)
    comparison: Literal["never", "not_yet"] = "not_yet"
    base: Literal["varying", "universal"] = "varying"
    anticipation: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimate, and what to say about the file it came from."""

    estimate: Estimate
    facts: tuple[str, ...]
    followed: bool
    """Whether the rows name workers, so that people are followed over time."""


def estimate_file(request: Request) -> Answer:
    """Read, clean, compress, and estimate.

    Raises StudyError for an unknown estimator, for options that mean nothing together and where nobody is named; DataError where the outcome has no
    value; and the errors of the rooms on the way.
    """
    if request.estimator not in ESTIMATORS:
        hint = nearest(request.estimator, ESTIMATORS) or "Choose one of them."
        raise StudyError(f"estimator `{request.estimator}` is not known.\nKnown estimators: {listing(ESTIMATORS)}.\n{hint}")
    if request.unit is None and request.worker is None:
        raise StudyError(
            "neither --unit nor --worker is given.\nFound no column that says whom a row is about.\n"
            "Name --unit, the level at which coverage is decided, and --worker where people are followed."
        )
    if request.by != "event_time" and request.window != Window():
        raise StudyError(
            f"--event-from, --event-to and --balance belong to --aggregate event_time.\nFound --aggregate {request.by}.\nLeave them out, or aggregate by event_time."
        )
    raw = open_file(connect(), request.file, request.delimiter)
    clean = clean_worker_months(raw, _columns(request))
    if not bool(clean.table[OUTCOME].notnull().any().to_pyarrow().as_py()):
        raise DataError(
            f"{raw.name}: column `{request.outcome}` holds no value.\nFound {clean.audit.rows_in:,} rows, all empty in it.\nName another outcome."
        )
    level = _cluster_level(request)
    design = _design(request, clean, level)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes out infinite is refused, in words
        estimate = ESTIMATORS[request.estimator].fit(design, _options(request))
        averaged = aggregate(estimate, request.by, request.window)
    return Answer(averaged, _facts(request, clean, design), request.worker is not None)


def _columns(request: Request) -> Columns:
    cluster = request.cluster if _cluster_level(request) not in (WORKER, "unit") else None
    return Columns(
        month=request.month,
        worker=request.worker,
        unit=request.unit,
        cluster=cluster,
        weight=request.weights,
        first_covered=request.first_covered,
        numbers={OUTCOME: request.outcome},
        transforms={OUTCOME: request.transform},
    )


def _cluster_level(request: Request) -> str:
    """Name the cluster level: `worker`, `unit`, or the column."""
    if request.cluster in (WORKER, request.worker) and request.cluster is not None:
        return WORKER
    if request.cluster in (None, request.unit):
        return "unit" if request.unit else WORKER
    return str(request.cluster)


def _design(request: Request, clean: WorkerMonths, level: str) -> Design:
    """Compress to the coarsest units that the question tells apart, and build the design.

    Group-time effects need cohort and cluster alone; two-way fixed effects follow the worker where there is one.
    """
    table = _with_cluster(clean.table, level)
    if request.estimator == "twfe":
        if request.worker:
            _refuse_movers(table, "--estimator twfe")
        moments = compress(table.mutate(unit=table["worker" if request.worker else "unit"]), [OUTCOME], clean.period, pairs=level == WORKER)
    else:
        if level == WORKER and request.worker:
            _refuse_movers(table, "--cluster worker")
        cohort = table["first_covered"].cast("string").fill_null("never")
        unit = cohort if level == WORKER else cohort + " / " + table["cluster"]
        moments = compress(table.mutate(unit=unit), [OUTCOME], clean.period, pairs=level == WORKER)
    design = design_of(moments, OUTCOME, level)
    return replace(
        design, outcome=request.outcome, notes=(*design.notes, *_note_on_missing(request, clean), *_note_on_movers(request, table))
    )


def _note_on_missing(request: Request, clean: WorkerMonths) -> list[Text]:
    missing = int(clean.table[OUTCOME].isnull().sum().to_pyarrow().as_py() or 0)
    if missing == 0:
        return []
    rows = f"{missing:,} row{'s' if missing > 1 else ''}"
    return [Text(f"{rows} without a value of `{request.outcome}` left out", f"{missing:,}行没有“{request.outcome}”的值，未使用")]


def _note_on_movers(request: Request, table: ir.Table) -> list[Text]:
    """Say how many workers are seen under more than one cluster or first covered month: they count once in each."""
    if not request.worker:
        return []
    count = len(_movers(table))
    if count == 0:
        return []
    whom = f"{count:,} worker{'s are' if count > 1 else ' is'}"
    return [
        Text(
            f"{whom} seen in more than one cluster or cohort, and count{'s' if count == 1 else ''} once in each",
            f"{count:,}人出现在多个聚类或组群中，在每处各计一次",
        )
    ]


def _movers(table: ir.Table) -> list[str]:
    """List the workers who are seen under more than one cluster or first covered month."""
    cohort = table["first_covered"]
    moves = (cohort.min() != cohort.max()).fill_null(False) | ((cohort.count() > 0) & (cohort.count() < table.count()))
    if "cluster" in table.columns:
        moves = moves | (table["cluster"].min() != table["cluster"].max())
    each = table.group_by("worker").aggregate(moves=moves)
    found: list[str] = each.filter(each["moves"]).order_by("worker").to_pyarrow()["worker"].to_pylist()
    return found


def _with_cluster(table: ir.Table, level: str) -> ir.Table:
    return table.mutate(cluster=table["unit"]) if level == "unit" else table


def _refuse_movers(table: ir.Table, why: str) -> None:
    """Some questions need each worker in one place: the sums of one worker must not be taken for two."""
    movers = _movers(table)
    if movers:
        count = len(movers)
        raise DesignError(
            f"{why}: {count:,} worker{'s move' if count > 1 else ' moves'} between clusters or first covered months.\nFound: {listing(movers, 3)}.\n"
            "Cluster by the unit or a level above it, or leave these workers out in the source."
        )


def _options(request: Request) -> Any:
    """Give the estimator's options, and refuse those that it does not know."""
    module = ESTIMATORS[request.estimator]
    asked = {"comparison": request.comparison, "base": request.base, "anticipation": request.anticipation}
    plain = Request.__dataclass_fields__
    known = {name: value for name, value in asked.items() if name in module.Options.__dataclass_fields__}
    unknown = [name for name, value in asked.items() if name not in known and value != plain[name].default]
    if unknown:
        raise StudyError(
            f"estimator `{request.estimator}`: --{unknown[0]} means nothing to it.\nFound --{unknown[0]} {asked[unknown[0]]}.\n"
            "Leave the option out, or choose the estimator att_gt."
        )
    return module.Options(**known)


def _facts(request: Request, clean: WorkerMonths, design: Design) -> tuple[str, ...]:
    """Say how many units there are and how many of them are never covered."""
    units = clean.table.group_by("unit").aggregate(first=clean.table["first_covered"].max())
    never = units.aggregate(units=units.count(), never=units["first"].isnull().sum()).to_pyarrow().to_pylist()[0]
    span = f"{design.label(design.months[0])} to {design.label(design.months[-1])}"
    whom = f"{int(design.headcount.sum()):,} workers" if request.worker else f"{int(design.rows.sum()):,} rows of repeated cross-sections"
    return (
        f"{clean.audit.rows_in:,} rows, {whom}, {never['units']:,} units, {span}",
        f"{never['never']:,} of {never['units']:,} units are never covered (0, empty or inf in `{request.first_covered}`)",
    )
