"""A panel in a file becomes an estimate: `impact estimate`. May touch: the file, the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from impact.clean.two_units import TWO_UNITS, TwoUnits
from impact.clean.worker_month import Columns, Transform, WorkerMonths, clean_worker_months
from impact.design.design import WORKER, Design, design_of
from impact.errors import DataError, DesignError, StudyError, listing, nearest
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import By, Window, aggregate
from impact.moments.compress import Parts, compress
from impact.moments.moments import Moments
from impact.results import Estimate, Info, Role
from impact.run.covariates import Covariate, with_categories
from impact.run.options import options_of
from impact.run.traits import require_constant
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
    sheet: str | None = None
    """Sheet of a workbook that has several."""
    two_units: TwoUnits = "refuse"
    """What becomes of a worker who is seen in two units in one month."""
    hours: str | None = None
    """Column of hours, for `two_units` main."""
    estimator: str = "att_gt"
    by: By = "none"
    window: Window = field(default_factory=Window)
    comparison: Literal["never", "not_yet"] = "not_yet"
    base: Literal["varying", "universal"] = "varying"
    anticipation: int = 0
    covariates: tuple[str, ...] = ()
    """Columns that the estimator allows for, `C(NAME)` for one of categories; a row without a value of one of them does not count."""
    traits: Mapping[Role, str] = field(default_factory=dict)
    """Columns of what else is constant in a unit, or for a worker."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further options of the estimator, as written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimate, and what to say about the file it came from."""

    estimate: Estimate
    facts: tuple[str, ...]
    followed: bool
    """Whether the rows name workers, so that people are followed over time."""
    effects: Estimate
    """The estimate before it was averaged."""


def estimate_file(request: Request) -> Answer:
    """Read, clean, compress, and estimate.

    Raises StudyError for an unknown estimator, for options that mean nothing together and where nobody is named; DataError where the outcome has no
    value; and the errors of the rooms on the way.
    """
    if request.estimator not in ESTIMATORS:
        hint = nearest(request.estimator, ESTIMATORS) or "Choose one of them."
        raise StudyError(
            f"estimator `{request.estimator}` is not known.\nKnown estimators: {listing(ESTIMATORS, len(ESTIMATORS))}.\n{hint}"
        )
    if request.unit is None and request.worker is None:
        raise StudyError(
            "neither --unit nor --worker is given.\nFound no column that says whom a row is about.\n"
            "Name --unit, the level at which coverage is decided, and --worker where people are followed."
        )
    _require_columns(request)
    options = _options(request)
    if (request.two_units == "main") != (request.hours is not None):
        raise StudyError(
            f"--two-units main and --hours belong together.\nFound --two-units {request.two_units}, --hours {request.hours or 'not given'}.\n"
            "Name the column of hours with --hours, or choose first or split."
        )
    if request.two_units == "split" and _follows(request, options):
        raise StudyError(
            f"--two-units split does not go with --estimator {request.estimator}.\nFound both: a worker who is shared out weighs less in some months, and is held constant with one weight.\n"
            "Choose first or main, or another estimator."
        )
    if request.by != "event_time" and request.window != Window():
        raise StudyError(
            f"--event-from, --event-to and --balance belong to --aggregate event_time.\nFound --aggregate {request.by}.\nLeave them out, or aggregate by event_time."
        )
    raw, covariates = with_categories(open_file(connect(), request.file, request.delimiter, request.sheet), request.covariates)
    clean = clean_worker_months(raw, _columns(request, covariates))
    require_constant(clean.table, raw.name, request.traits)
    missing = _missing(clean, request.outcome, covariates)
    for name, rows in missing.items():
        if rows == clean.audit.rows_in:
            raise DataError(
                f"{raw.name}: column `{name}` holds no value.\nFound {rows:,} rows, all empty in it.\nName another {'outcome' if name == request.outcome else 'covariate'}."
            )
    level = _cluster_level(request)
    design, held = _designs(request, clean, level, missing, _follows(request, options), covariates)
    options = replace(options, covariates=held) if held else options
    with np.errstate(over="ignore", invalid="ignore"):  # what comes out infinite is refused, in words
        estimate = ESTIMATORS[request.estimator].fit(design, options)
        averaged = aggregate(estimate, request.by, request.window)
    levels = tuple(covariate.fact for covariate in covariates if covariate.levels)
    facts = (*_facts(request, clean, design), *levels, *(note.en for note in raw.notes))
    return Answer(averaged, facts, request.worker is not None, estimate)


def _names_of(covariates: Sequence[Covariate]) -> dict[str, str]:
    """Name the columns of covariates in the clean table, and in the source."""
    return {f"covariate_{place}": name for place, name in enumerate(name for covariate in covariates for name in covariate.columns)}


def _columns(request: Request, covariates: Sequence[Covariate]) -> Columns:
    cluster = request.cluster if _cluster_level(request) not in (WORKER, "unit") else None
    return Columns(
        month=request.month,
        worker=request.worker,
        unit=request.unit,
        cluster=cluster,
        weight=request.weights,
        first_covered=request.first_covered,
        numbers={OUTCOME: request.outcome, **_names_of(covariates)},
        traits={str(role): column for role, column in request.traits.items()},
        transforms={OUTCOME: request.transform},
        two_units=request.two_units,
        hours=request.hours,
        keep_whole_numbers=True,
    )


def _cluster_level(request: Request) -> str:
    """Name the cluster level: `worker`, `unit`, or the column."""
    if request.cluster in (WORKER, request.worker) and request.cluster is not None:
        return WORKER
    if request.cluster in (None, request.unit):
        return "unit" if request.unit else WORKER
    return str(request.cluster)


def _designs(
    request: Request, clean: WorkerMonths, level: str, missing: Mapping[str, int], follow: bool, named_covariates: Sequence[Covariate]
) -> tuple[Design, tuple[Design, ...]]:
    """Compress to the coarsest units that the question tells apart, and build the design, and one for each covariate.

    Group-time effects need cohort and cluster alone; estimators with effects of workers follow the worker where there is one.
    """
    info = ESTIMATORS[request.estimator].INFO
    table = clean.table.mutate(cluster=clean.table["unit"]) if level == "unit" else clean.table
    names = _names_of(named_covariates)
    covariates = tuple(names)
    if covariates:
        table = table.filter(*(table[name].notnull() for name in (OUTCOME, *covariates)))
    units = _units_told_apart(request, level, follow)
    parts = Parts(pairs=level == WORKER, patterns=follow, bins=(OUTCOME,) if info.bins else ())
    moments = compress(table, [OUTCOME, *covariates], clean.period, parts, units)
    movers = _movers(table) if request.worker and not _all_in_one_place(clean, moments, sum(missing.values())) else []
    if movers and (follow or level == WORKER):
        _refuse_movers(movers, f"--estimator {request.estimator}" if follow else "--cluster worker")
    design = design_of(moments, OUTCOME, level, follow_workers=follow)
    notes = (*_notes_on_missing(missing), *_note_on_two_units(clean), *_note_on_movers(len(movers)))
    named = replace(design, outcome=request.outcome, notes=(*design.notes, *notes))
    held = [design_of(moments, name, level, follow_workers=follow) for name in covariates]
    return named, tuple(replace(one, outcome=name) for one, name in zip(held, names.values(), strict=True))


def _units_told_apart(request: Request, level: str, follow: bool) -> tuple[str, ...]:
    """Name the columns whose values together make a unit: cohort and cluster, unless the estimator holds each unit constant, weighs it or describes it."""
    info: Info = ESTIMATORS[request.estimator].INFO
    if info.grain == "unit" or request.covariates or (info.follows and not follow):
        return ("unit", *request.traits)
    return ("first_covered", *request.traits) if level == WORKER else ("first_covered", "cluster", *request.traits)


def _follows(request: Request, options: Any) -> bool:
    """Say whether workers are told apart by the months in which they are seen."""
    if request.worker is None:
        return False
    holds = ESTIMATORS[request.estimator].INFO.follows and getattr(options, "effects", "worker") == "worker"
    return holds or getattr(options, "workers", "all") == "stayers"


def _require_columns(request: Request) -> None:
    """Refuse columns that the estimator does not read, and the lack of those that it needs."""
    info: Info = ESTIMATORS[request.estimator].INFO
    if request.covariates and not info.covariates:
        raise StudyError(
            f"estimator `{info.name}`: --covariates means nothing to it.\nFound {listing(request.covariates)}.\n"
            f"Leave them out, or choose one of {listing(name for name, module in ESTIMATORS.items() if module.INFO.covariates)}."
        )
    for role in request.traits:
        if role not in (*info.reads, *info.may_read):
            able = [name for name, module in ESTIMATORS.items() if role in (*module.INFO.reads, *module.INFO.may_read)]
            raise StudyError(
                f"estimator `{info.name}`: --{role} means nothing to it.\nFound --{role} {request.traits[role]}.\n"
                f"Leave it out, or choose {listing(able) or 'another estimator'}."
            )
    for role in info.reads:
        if role not in request.traits:
            raise StudyError(f"estimator `{info.name}`: it needs --{role}.\nFound none.\nName the column of the {role} with --{role}.")


def _missing(clean: WorkerMonths, outcome: str, covariates: Sequence[Covariate]) -> dict[str, int]:
    """Count the rows without a value of the outcome, and of each covariate, by the name that users gave."""
    named = {OUTCOME: outcome, **_names_of(covariates)}
    rows = {named[name]: rule.rows for name in named for rule in clean.audit.rules if rule.name.en == f"no value of {name}"}
    return {outcome: rows[outcome], **{one.name: rows[one.columns[0]] for one in covariates}}


def _notes_on_missing(missing: Mapping[str, int]) -> list[Text]:
    return [
        Text(f"{count:,} row{'s' if count > 1 else ''} without a value of `{name}` left out", f"{count:,}行没有“{name}”的值，未使用")
        for name, count in missing.items()
        if count
    ]


def _note_on_two_units(clean: WorkerMonths) -> list[Text]:
    return [
        Text(f"{rule.name.en}: {rule.rows:,}; {rule.why.en}", f"{rule.name.zh}：{rule.rows:,}；{rule.why.zh}")
        for rule in clean.audit.rules
        if rule.id == TWO_UNITS
    ]


def _note_on_movers(count: int) -> list[Text]:
    """Say how many workers are seen under more than one cluster or first covered month: they count once in each."""
    if count == 0:
        return []
    whom = f"{count:,} worker{'s are' if count > 1 else ' is'}"
    return [
        Text(
            f"{whom} seen in more than one cluster or cohort, and count{'s' if count == 1 else ''} once in each",
            f"{count:,}人出现在多个聚类或组群中，在每处各计一次",
        )
    ]


def _all_in_one_place(clean: WorkerMonths, moments: Moments, missing: int) -> bool:
    """Say whether no worker is counted in two units, from the counts alone; where values are missing they cannot tell."""
    return missing == 0 and clean.workers == int(moments.workers["workers"].sum())


def _movers(table: ir.Table) -> list[str]:
    """List the workers who are seen under more than one cluster or first covered month."""
    cohort = table["first_covered"]
    moves = (cohort.min() != cohort.max()).fill_null(False) | ((cohort.count() > 0) & (cohort.count() < table.count()))
    if "cluster" in table.columns:
        moves = moves | (table["cluster"].min() != table["cluster"].max())
    each = table.group_by("worker").aggregate(moves=moves)
    return [str(worker) for worker in each.filter(each["moves"]).order_by("worker").to_pyarrow()["worker"].to_pylist()]


def _refuse_movers(movers: list[str], why: str) -> None:
    """Some questions need each worker in one place: the sums of one worker must not be taken for two."""
    count = len(movers)
    raise DesignError(
        f"{why}: {count:,} worker{'s move' if count > 1 else ' moves'} between clusters or first covered months.\nFound: {listing(movers, 3)}.\n"
        "Cluster by the unit or a level above it, or leave these workers out in the source."
    )


def _options(request: Request) -> Any:
    """Give the estimator's options, and refuse those that it does not know; covariates enter once they are compressed."""
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
    for name in set(request.options) & set(known):
        if known[name] != plain[name].default:
            raise StudyError(
                f"estimator `{request.estimator}`: `{name}` is given twice.\nFound --{name} {known[name]} and --option {name}={request.options[name]}.\nLeave one of them out."
            )
    return options_of(module, known, request.options)


def _facts(request: Request, clean: WorkerMonths, design: Design) -> tuple[str, ...]:
    """Say how many units there are and how many of them are never covered."""
    span = f"{design.label(design.months[0])} to {design.label(design.months[-1])}"
    assert clean.units is not None
    units, never = clean.units
    whom = f"{clean.workers:,} workers" if request.worker else f"{int(design.rows.sum()):,} rows of repeated cross-sections"
    return (
        f"{clean.audit.rows_in:,} rows, {whom}, {units:,} units, {span}",
        f"{never:,} of {units:,} units are never covered (0, empty or inf in `{request.first_covered}`)",
    )
