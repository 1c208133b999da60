"""A codebook made of exports, written as YAML to be filled in: `impact codebook`. May touch: the files, the engine, the file that it writes."""

from __future__ import annotations

from pathlib import Path

import yaml

from impact.errors import SourceError
from impact.schema.questionnaire import Codebook
from impact.sources.codebook import template
from impact.sources.codebook_labels import codebook_of_file
from impact.sources.codebook_pair import codebook_of_pair
from impact.sources.engine import connect


def made_codebook(file: Path, pair: Path | None = None) -> Codebook:
    """Make a codebook of both exports of 问卷星 (by text, then by number), or of one file that brings labels.

    Raises SourceError or DataError where a file cannot be read, or the two do not belong together.
    """
    return codebook_of_pair(connect(), file, pair) if pair else codebook_of_file(connect(), file)


def as_yaml(codebook: Codebook) -> str:
    """Write a codebook as YAML that `load_codebook` reads."""
    return yaml.safe_dump(template(codebook), allow_unicode=True, sort_keys=False, width=120)


def write_codebook(codebook: Codebook, out: Path) -> None:
    """Write a codebook to a file that is not there yet.

    Raises SourceError where it is there: what somebody filled in is not overwritten.
    """
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(as_yaml(codebook))
    except FileExistsError:
        raise SourceError(f"{out}: this file is there already.\nFound a file of that name.\nName another one, or move it away.") from None
