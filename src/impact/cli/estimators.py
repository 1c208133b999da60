"""`impact estimators`: what can be estimated, and the options of each estimator."""

from __future__ import annotations

from textwrap import fill
from typing import Annotated

import typer


def estimators(
    name: Annotated[
        str | None, typer.Argument(help="An estimator, for its assumptions and options; all in a line each where left out.")
    ] = None,
) -> None:
    """List the estimators of `impact estimate`, or say what one of them estimates, assumes and can be told.

    Example: impact estimators att_gt
    """
    from impact.errors import StudyError, listing, nearest
    from impact.estimate import ESTIMATORS
    from impact.run.options import options_in

    if name is None:
        for known, module in ESTIMATORS.items():
            typer.echo(f"{known:<26}{module.INFO.title_en} / {module.INFO.title_zh}")
        return
    if name not in ESTIMATORS:
        hint = nearest(name, ESTIMATORS) or "Choose one of them."
        raise StudyError(f"estimator `{name}` is not known.\nKnown estimators: {listing(ESTIMATORS, len(ESTIMATORS))}.\n{hint}")
    module = ESTIMATORS[name]
    typer.echo(_folded((module.__doc__ or "").strip()))
    columns = [f"--{role}" for role in module.INFO.reads] + [f"--{role} (if wanted)" for role in module.INFO.may_read]
    columns += ["--covariates (if wanted)"] if module.INFO.covariates else []
    if columns:
        typer.echo(f"\nColumns:  {', '.join(columns)}")
    typer.echo("\nOptions, each as --option NAME=VALUE:")
    for option in options_in(module):
        typer.echo(f"\n  {option.name}={_shown(option.default)}   ({option.choices})")
        typer.echo(fill(option.words, 78, initial_indent="    ", subsequent_indent="    "))


def _folded(words: str) -> str:
    """Fold the words of an estimator into 78 columns; lines that are indented go on with the entry above."""
    entries: list[str] = []
    for line in words.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        else:
            entries.append(line)
    return "\n".join(fill(entry, 78, subsequent_indent=" " * 10) if entry else "" for entry in entries)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
