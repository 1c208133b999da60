"""`impact codebook`: the questions and answers of a questionnaire, from its exports."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer


def codebook(
    file: Annotated[
        Path, typer.Argument(help="Export of 问卷星 by text, an SPSS or Stata file, or the XLSForm of ODK, SurveyCTO or Kobo.")
    ],
    pair: Annotated[Path | None, typer.Argument(help="Export of 问卷星 by option number.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output where left out.")] = None,
) -> None:
    """Write the codebook of a questionnaire, as YAML to be filled in. Nothing is overwritten.

    Fill in the English words, sensitivity, units, ranges, what is reversed and when a question is asked; then name the file in `survey: codebook` of a delivery.

    Example: impact codebook text.xlsx number.xlsx --out codebook.yaml
    """
    from impact.run.codebook_file import as_yaml, made_codebook, write_codebook

    made = made_codebook(file, pair)
    if out is None:
        typer.echo(as_yaml(made), nl=False)
        return
    write_codebook(made, out)
    kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(item.kind for item in made.items).items())
    typer.echo(f"Codebook  {out}   ({len(made.items)} questions: {kinds})")
    typer.echo(
        "Next      fill in English words, sensitivity, units, ranges, reverse, asked_if / 补全英文、敏感程度、单位、范围、反向计分与跳题条件"
    )
