"""Write a new study: its file, empty tables, an empty registry, a table of corrections and a guide. May touch: the disk, where nothing stands yet."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

from impact.atomic import write_whole
from impact.clean.platform.corrections import HEADER
from impact.errors import RunError, listing
from impact.run.new_study.workbook import csv_bytes, workbook_bytes
from impact.schema.templates import ANSWERS, TEMPLATES

Kind = Literal["platform", "survey", "both"]
_FILES = Path(__file__).parent / "files"
_PLATFORM = ("worker_month", "account", "eligibility")
_TABLES: dict[Kind, tuple[str, ...]] = {"platform": _PLATFORM, "survey": (ANSWERS,), "both": (*_PLATFORM, ANSWERS)}
_FOLDERS: dict[Kind, tuple[str, ...]] = {
    "platform": ("worker_month", "account"),
    "survey": ("survey",),
    "both": ("worker_month", "account", "survey"),
}
"""Folders for the filled-in tables; that of `eligibility` is made by whoever has such a list."""
_PARTS: dict[Kind, tuple[str, ...]] = {"platform": ("platform",), "survey": ("survey", "alone"), "both": ("platform", "survey")}
"""Parts of the texts that a kind of study keeps; `alone` is what a survey needs where there is nothing else."""
_SLUG = re.compile(r"^[a-z][a-z0-9-]*$")
_MARK = re.compile(r"^[ ]*#(?P<sign>[+-])(?P<part>platform|survey|alone)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NewStudy:
    """What was written, and where."""

    study: Path
    """The study file."""
    data: Path
    """The folder of its data, with templates, registry and guide."""
    files: tuple[Path, ...]


def new_study(name: str, into: Path, kind: Kind = "platform") -> NewStudy:
    """Write `studies/NAME.yaml` and `data/NAME/` below a folder.

    Raises RunError where the name is none, or anything that would be written stands there already; then nothing is written.
    """
    _require_name(name)
    study, data = into / "studies" / f"{name}.yaml", into / "data" / name
    contents = {data / place: content for place, content in _contents(name, kind).items()} | {study: _text("study.yaml", name, kind)}
    _refuse_existing(study, data)
    for path, content in contents.items():
        write_whole(path, content)
    for folder in _FOLDERS[kind]:
        (data / folder).mkdir()
    return NewStudy(study, data, tuple(contents))


def _contents(name: str, kind: Kind) -> dict[str, bytes]:
    """Give what stands in the folder of the data, by path."""
    made = {"README.md": _text("README.md", name, kind), ".gitignore": _text("gitignore", name, kind), "corrections.csv": _corrections()}
    for table in _TABLES[kind]:
        made[f"templates/{table}.csv"] = csv_bytes(TEMPLATES[table])
        made[f"templates/{table}.xlsx"] = workbook_bytes(TEMPLATES[table])
    for file in sorted((_FILES / "registry").glob("*.yaml")):
        made[f"registry/{file.name}"] = file.read_bytes()
    return made


def _corrections() -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(HEADER)
    return text.getvalue().encode("utf-8-sig")


def _text(file: str, name: str, kind: Kind) -> bytes:
    """Fill the name into a text, and keep the parts that are of the study's kind."""
    return _of_kind((_FILES / file).read_text(encoding="utf-8"), kind).replace("{{name}}", name).encode()


def _of_kind(text: str, kind: Kind) -> str:
    """Keep what stands between the marks `#+part` and `#-part` where the study has that part; the marks go."""
    kept, place, leaving_out = [], 0, False
    for mark in _MARK.finditer(text):
        if not leaving_out:
            kept.append(text[place : mark.start()])
        leaving_out = mark["sign"] == "+" and mark["part"] not in _PARTS[kind]
        place = mark.end()
    return "".join((*kept, text[place:]))


def _require_name(name: str) -> None:
    if not _SLUG.match(name):
        raise RunError(
            f"new: this is no name of a study.\nFound `{name}`.\nUse small letters, digits and hyphens, starting with a letter: qingdao-riders."
        )


def _refuse_existing(study: Path, data: Path) -> None:
    there = [path for path in (study, data) if path.exists()]
    if there:
        raise RunError(
            f"new: this would write over what is there.\nFound {listing(there)}.\nChoose another name, or move it away; nothing was written."
        )
