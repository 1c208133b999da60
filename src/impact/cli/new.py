"""`impact new`: a study to be filled in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class StudyKind(StrEnum):
    platform = "platform"
    survey = "survey"
    both = "both"


def new(
    name: Annotated[str, typer.Argument(help="Name of the study, such as qingdao-riders.")],
    into: Annotated[Path, typer.Option(help="Folder of the project, in which `studies/` and `data/` stand.")] = Path(),
    kind: Annotated[StudyKind, typer.Option(help="Which data there will be.")] = StudyKind.platform,
) -> None:
    """Write a new study: its file, empty tables to fill in, an empty registry, a table of corrections and a guide. Nothing is overwritten."""
    from impact.run.new_study import new_study

    written = new_study(name, into, kind.value)
    typer.echo(f"Study     {written.study}")
    typer.echo(f"Data      {written.data}   ({len(written.files) - 1} files; begin with README.md)")
    typer.echo("Next / 下一步")
    typer.echo(f"  1  In {written.data}: fill in registry/, and the tables of templates/, each saved")
    typer.echo("     in the folder that README.md names / 填写登记册与模板，存入 README.md 所列文件夹")
    typer.echo(f"  2  Replace every TO FILL IN in {written.study} / 补全研究文件中的待填处")
    if kind is not StudyKind.survey:
        typer.echo("  3  impact key new FILE, and set IMPACT_KEY_FILE to it / 生成假名密钥")
    typer.echo(f"  {3 if kind is StudyKind.survey else 4}  impact check {written.study}, then impact run {written.study}")
