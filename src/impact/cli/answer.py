"""What `impact estimate` prints: the tidy table, and the words below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from impact.infer.inference import Inference
    from impact.run.estimate_file import Answer
    from impact.run.inferred import Inferred


def print_answer(answer: Answer, found: Inferred | None, table: pd.DataFrame, as_json: bool, as_csv: bool) -> None:
    """Print the tidy table of an estimate, as JSON, CSV or for a terminal, and what must be said beside it; the words go to standard error where the table is data."""
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
    notes = (_filled(note.en) for note in answer.estimate.notes)
    for line in (*map(_filled, answer.facts), errors, *inferred, *notes):
        typer.echo(line, err=quiet)


def _filled(line: str) -> str:
    """Break a line for a terminal of 80 columns."""
    from textwrap import fill

    return fill(line, 80, subsequent_indent="  ", break_long_words=False)


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
    beside = (f"beside it, {_overall_in_words(one)}" for one in found.beside)
    lines = (
        found.why,
        *_made_in_words(found.first),
        *_endless_in_words(found.first),
        *(note.en for note in found.first.notes),
        *beside,
        *found.left_out,
    )
    return tuple(_filled(line) for line in lines)


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
