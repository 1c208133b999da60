"""The commands, put together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from impact import __version__
from impact.cli.check import check
from impact.cli.codebook import codebook
from impact.cli.compress import compress
from impact.cli.estimate import estimate
from impact.cli.estimators import estimators
from impact.cli.key import key
from impact.cli.new import new
from impact.cli.run import run
from impact.cli.schema import schema
from impact.cli.world import scenarios, simulate

app = typer.Typer(
    name="impact",
    help="Evaluate collective agreements for platform workers: what they did to attrition and income, and how far the evidence carries.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


_KEPT = {run: "Finished stages are kept; the same command goes on from there."}
"""What a command keeps when it is interrupted; the others keep nothing."""


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end in words when it is interrupted."""
    kept = _KEPT.get(command, "Nothing half-finished is left under its final name; the same command begins again.")

    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. {kept}", err=True)
            raise typer.Exit(130) from None

    return wrapped


for each in (new, check, run, compress, estimate, estimators, codebook, simulate, scenarios, schema):
    app.command()(_interruptible(each))
app.add_typer(key)


def main() -> None:
    """Run a command; print what a user can mend without a traceback."""
    from impact.errors import ImpactError

    try:
        app()
    except ImpactError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        typer.echo(f"OSError: the output cannot be written.\nFound: {error.strerror or error}.\nFree space, or write elsewhere.", err=True)
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"impact {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass
