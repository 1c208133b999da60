"""`impact estimate`: effects on any panel, in one command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impact import settings
from impact.cli.answer import print_answer

if TYPE_CHECKING:
    from impact.results import Role


class Transform(StrEnum):
    none = "none"
    log = "log"


class Aggregate(StrEnum):
    none = "none"
    simple = "simple"
    cohort = "cohort"
    event_time = "event_time"
    calendar = "calendar"


class Comparison(StrEnum):
    never = "never"
    not_yet = "not_yet"


class TwoUnits(StrEnum):
    refuse = "refuse"
    first = "first"
    main = "main"
    shared_out = "split"


class Base(StrEnum):
    varying = "varying"
    universal = "universal"


def estimate(
    file: Annotated[Path, typer.Argument(help="A panel as CSV (UTF-8 or GB18030), Parquet, Excel, SPSS or Stata.")],
    month: Annotated[str, typer.Option(help="Column of the month, year or period.")],
    first_covered: Annotated[str, typer.Option(help="Column of the first covered month; 0, empty or inf mean never.")],
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")],
    unit: Annotated[str | None, typer.Option(help="Column of the level at which coverage is decided; the worker where left out.")] = None,
    worker: Annotated[str | None, typer.Option(help="Column of the person; leave out for repeated cross-sections.")] = None,
    transform: Annotated[Transform, typer.Option(help="Taken of the outcome first.")] = Transform.none,
    cluster: Annotated[
        str | None, typer.Option(help="Column in which errors move together; `worker` for worker-level errors; the unit where left out.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Column of sampling weights.")] = None,
    two_units: Annotated[
        TwoUnits,
        typer.Option(
            help="A worker in two units in one month: refuse, first (unit seen first), main (most --hours) or split (shared out)."
        ),
    ] = TwoUnits.refuse,
    hours: Annotated[str | None, typer.Option(help="Column of hours, for --two-units main.")] = None,
    estimator: Annotated[str, typer.Option(help="Which estimator; `impact estimators` lists them.")] = "att_gt",
    option: Annotated[
        list[str],
        typer.Option(help="An option of the estimator, NAME=VALUE; `impact estimators NAME` lists them. May be given several times."),
    ] = [],  # noqa: B006 (typer's way to say that an option repeats)
    covariates: Annotated[str, typer.Option(help="Columns to allow for, with commas between; C(NAME) for categories.")] = "",
    dose: Annotated[str | None, typer.Option(help="Column of how hard coverage bites in a unit.")] = None,
    eligible: Annotated[str | None, typer.Option(help="Column that is 1 where a worker is eligible, 0 elsewhere.")] = None,
    score: Annotated[str | None, typer.Option(help="Column of the score that decides eligibility.")] = None,
    stratum: Annotated[str | None, typer.Option(help="Column of groups; workers are compared within them.")] = None,
    aggregate: Annotated[Aggregate, typer.Option(help="How group-time effects are averaged.")] = Aggregate.none,
    comparison: Annotated[Comparison, typer.Option(help="Who stands for the path without coverage.")] = Comparison.not_yet,
    base: Annotated[
        Base, typer.Option(help="Base of the effects before coverage: the month before, or the last month before coverage.")
    ] = Base.varying,
    anticipation: Annotated[int, typer.Option(min=0, help="Months before coverage in which behaviour may already change.")] = 0,
    event_from: Annotated[int | None, typer.Option(help="First event time that is shown and averaged.")] = None,
    event_to: Annotated[int | None, typer.Option(help="Last event time that is shown and averaged.")] = None,
    balance: Annotated[
        int | None, typer.Option(min=0, help="Keep only cohorts seen this long after coverage, and no later event time.")
    ] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = settings.LEVEL,
    inference: Annotated[
        str,
        typer.Option(
            help="Where errors, intervals and p-values come from: cluster (as in R did and fixest), chosen (by the number of clusters), or cr1, cr2, "
            "cr3, multiplier, wild, permutation, conley_taber, ferman_pinto."
        ),
    ] = "cluster",
    bands: Annotated[bool, typer.Option("--bands", help="Add uniform bands, which hold for all terms together.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws behind bands and --inference.")] = settings.SEED,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Folder for figures as SVG and PNG, in English and Chinese: event study, cells that count, adoption, and what the estimator has of its own."
        ),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What separates the columns of a CSV file.")] = ",",
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook that has several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the tidy table as JSON to standard output, and nothing else.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write the tidy table as CSV to standard output, and nothing else.")] = False,
) -> None:
    """Estimate the effect of coverage on any panel, in one command.

    Example: impact estimate mpdta.csv --unit countyreal --worker countyreal --month year --first-covered first_treat --outcome lemp --aggregate event_time
    """
    from impact.errors import StudyError
    from impact.infer.aggregate import Window
    from impact.infer.bands import with_bands
    from impact.run.estimate_file import Request, estimate_file
    from impact.run.inferred import infer_as_asked, require_inference, tidy_by
    from impact.run.options import written

    if as_json and as_csv:
        raise StudyError("--json and --csv are both asked for.\nFound two forms for one output.\nLeave one of them out.")
    require_inference(inference, estimator)
    if figures is not None:
        from impact.run.estimate_figures import require_own

        require_own(figures)
    window = Window(event_from, event_to, balance)
    roles: dict[Role, str | None] = {"dose": dose, "eligible": eligible, "score": score, "stratum": stratum}
    request = Request(
        file=file,
        month=month,
        first_covered=first_covered,
        outcome=outcome,
        unit=unit,
        worker=worker,
        cluster=cluster,
        weights=weights,
        transform=transform.value,
        delimiter="\t" if delimiter in ("\\t", "tab") else delimiter,
        sheet=sheet,
        two_units=two_units.value,
        hours=hours,
        estimator=estimator,
        by=aggregate.value,
        window=window,
        comparison=comparison.value,
        base=base.value,
        anticipation=anticipation,
        covariates=tuple(name.strip() for name in covariates.split(",") if name.strip()),
        traits={role: column for role, column in roles.items() if column is not None},
        options=written(option),
    )
    answer = estimate_file(request)
    found = infer_as_asked(inference, answer.effects, aggregate.value, window, level, seed)
    if found:
        table = tidy_by(found.first, answer.estimate, bands)
    else:
        table = with_bands(answer.estimate, level, seed) if bands else answer.estimate.tidy(level)
    drawn = None
    if figures is not None:
        from impact.run.estimate_figures import Asked, write_figures

        drawn = write_figures(answer.effects, request, Asked(inference, window, level, seed), figures)
    print_answer(answer, found, table, as_json, as_csv)
    if drawn is not None and figures is not None:
        typer.echo(f"figures in {figures}: {', '.join(drawn.in_words)}", err=as_json or as_csv)
