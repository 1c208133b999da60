"""`impact schema`: what the files that users write may say."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    study = "study"
    world = "world"


def schema(of: Annotated[Document, typer.Argument(help="Which kind of file.")] = Document.study) -> None:
    """Print the JSON schema of study files or world files, for editors."""
    from impact import study

    if of is Document.world:
        from impact.simulate import world

        typer.echo(world.json_schema(), nl=False)
    else:
        typer.echo(study.json_schema(), nl=False)
