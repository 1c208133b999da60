"""`impact key`: the secret that pseudonyms are made with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

key = typer.Typer(name="key", help="The key that pseudonyms are made with: make one, or see which one is in use.", no_args_is_help=True)


@key.command("new")
def new(file: Annotated[Path, typer.Argument(help="File that receives the key: outside the repository, not there yet.")]) -> None:
    """Write a new random key that only you can read; the key itself is not shown.

    Example: impact key new ~/keys/retirement-study.key
    """
    from impact.sources.key import FILE_VARIABLE, write_key

    made = write_key(file.expanduser())
    typer.echo(f"Key {made.id} written to {file} (mode 600).")
    typer.echo(f"Use it:     export {FILE_VARIABLE}={file}")
    typer.echo("Keep it:    one copy where the data officer decides; who has it can tell who a pseudonym is.")
    typer.echo("Declare it: whoever sends pseudonyms made with it names this id. Destroy it when the linkage is done.")


@key.command("id")
def show() -> None:
    """Print the id of the key in use, never the key."""
    import os

    from impact.sources.key import FILE_VARIABLE, VARIABLE, load_key

    found = load_key(os.environ)
    typer.echo(f"Key {found.id}." if found else f"No key: neither {FILE_VARIABLE} nor {VARIABLE} is set. Synthetic data needs none.")
