"""`impact estimate`: effects on any panel, in one command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impact import settings

if TYPE_CHECKING:
    import pandas as pd

    from impact.infer.inference import Inference
    from impact.run.estimate_file import Answer
    from impact.run.inferred import Inferred


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
    file: Annotated[Path, typer.Argument(help="A panel as CSV (UTF-8), Parquet, Excel, SPSS or Stata.")],
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
    estimator: Annotated[
        str, typer.Option(help="att_gt (group-time effects), twfe (two-way fixed effects), synthetic_control or synthetic_did.")
    ] = "att_gt",
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
            "multiplier, wild, permutation, conley_taber, ferman_pinto; all but cluster for att_gt."
        ),
    ] = "cluster",
    bands: Annotated[bool, typer.Option("--bands", help="Add uniform bands, which hold for all terms together.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws behind bands and --inference.")] = settings.SEED,
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

    if as_json and as_csv:
        raise StudyError("--json and --csv are both asked for.\nFound two forms for one output.\nLeave one of them out.")
    require_inference(inference, estimator)
    window = Window(event_from, event_to, balance)
    answer = estimate_file(
        Request(
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
        )
    )
    found = infer_as_asked(inference, answer.effects, aggregate.value, window, level, seed)
    if found:
        table = tidy_by(found.first, answer.estimate, bands)
    else:
        table = with_bands(answer.estimate, level, seed) if bands else answer.estimate.tidy(level)
    _print_answer(answer, found, table, as_json, as_csv)


def _print_answer(answer: Answer, found: Inferred | None, table: pd.DataFrame, as_json: bool, as_csv: bool) -> None:
    period = answer.estimate.design.period
    if as_json:
        import json

        typer.echo(json.dumps(_records(table, period), indent=1))
    elif as_csv:
        import pandas as pd

        typer.echo(pd.DataFrame(_records(table, period), dtype=object).to_csv(index=False, lineterminator="\n"), nl=False)
    else:
        typer.echo(_shown(table))
    quiet = as_json or as_csv
    if not quiet:
        typer.echo("")
    errors = _errors_in_words(answer, trusted=found is not None and not found.by_errors)
    inferred = _inferred_in_words(found) if found else ()
    for line in (*answer.facts, errors, *inferred, *(note.en for note in answer.estimate.notes)):
        typer.echo(line, err=quiet)


def _records(table: pd.DataFrame, period: Any) -> list[dict[str, Any]]:
    """Give plain values: missing as null, months as `2024-03`, years and indices as numbers."""
    import math

    import pandas as pd

    from impact.months import label

    def plain(name: str, value: Any) -> Any:
        if pd.isna(value):
            return None
        if name in ("cohort", "month"):
            return label(period, int(value)) if period == "month" else int(value)
        if name == "event_time":
            return int(value)
        if isinstance(value, str):
            return value
        if name == "workers":
            return int(value)
        return value if math.isfinite(value) else None

    return [{str(name): plain(str(name), value) for name, value in record.items()} for record in table.to_dict("records")]


def _shown(table: pd.DataFrame) -> str:
    """Lay the table out for a terminal of 80 columns."""
    last = ("band_low", "band_high") if "band_low" in table else ("conf_low", "conf_high", "p_value")
    columns = ["estimate", "std_error", *last]
    width = max(8, *(len(term) for term in table["term"]))
    lines = [" ".join([f"{'term':<{width}}", *(f"{name:>10}" for name in columns)])]
    for record in table.to_dict("records"):
        lines.append(" ".join([f"{record['term']:<{width}}", *(f"{_number(record[name]):>10}" for name in columns)]))
    return "\n".join(lines)


def _number(value: float) -> str:
    """Write a number with five significant digits, and p-values no smaller than can be meant."""
    if value != value:
        return "–"
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{value:.1e}"
    return f"{value:.{4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 1}f}"


def _inferred_in_words(found: Inferred) -> tuple[str, ...]:
    """Say which method it is and why, how small its p-values can be, its caveats, and what the methods beside it say; lines of 80 columns."""
    from textwrap import fill

    beside = (f"beside it, {_overall_in_words(one)}" for one in found.beside)
    lines = (
        found.why,
        *_made_in_words(found.first),
        *_endless_in_words(found.first),
        *(note.en for note in found.first.notes),
        *beside,
        *found.left_out,
    )
    return tuple(fill(line, 80, subsequent_indent="  ") for line in lines)


def _made_in_words(inference: Inference) -> tuple[str, ...]:
    """Say what errors and p-values are made of, where the notes of the method do not."""
    if inference.method == "multiplier":
        return (f"errors from {inference.draws:,} draws",)
    if inference.method == "wild":
        return (
            f"p-values and intervals from {inference.draws:,} draws: no p-value can be below {inference.floor:.2g}; std_error is that by cluster",
        )
    if inference.method == "permutation":
        return ("std_error is that by cluster; terms that a constant effect does not move alike, such as leads, have no interval",)
    freedom = inference.degrees_of_freedom
    if freedom is None:
        return ()
    known = freedom[freedom == freedom]
    span = " to ".join(dict.fromkeys(f"{value:.3g}" for value in (known.min(), known.max()))) if known.size else "unknown"
    return (f"t with {span} degrees of freedom",)


def _endless_in_words(inference: Inference) -> tuple[str, ...]:
    count = sum(abs(end) == float("inf") for end in (*inference.conf_low, *inference.conf_high))
    if not count:
        return ()
    ends = "1 end of an interval is" if count == 1 else f"{count} ends of intervals are"
    return (f"{ends} infinite, and empty in --json and --csv: no effect on that side is rejected",)


def _overall_in_words(inference: Inference) -> str:
    place = inference.terms.index("overall")
    value, low, high, p_value = (
        _number(float(getattr(inference, name)[place])) for name in ("estimate", "conf_low", "conf_high", "p_value")
    )
    notes = "".join(f"; {note.en}" for note in inference.notes)
    return f"{inference.method}: overall {value}, from {low} to {high}, p-value {p_value} (none can be below {inference.floor:.2g}){notes}"


def _errors_in_words(answer: Answer, trusted: bool) -> str:
    errors = answer.estimate.errors
    who = "worker" if errors.cluster_level == "worker" else errors.cluster_level
    words = f"errors by {who}: {errors.clusters:,} clusters, {errors.covered_clusters:,} of them covered"
    words += "" if answer.followed or who != "worker" else "\nno --worker is named: every row counts as a worker of its own"
    few = errors.covered_clusters < 10 and errors.method != "placebo" and not trusted
    return words + ("\nfewer than ten covered clusters: do not trust these errors" if few else "")
