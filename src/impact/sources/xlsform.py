"""Read the questions of an XLSForm: names, groups, titles and answers. May touch: the file, the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impact.errors import SourceError, listing
from impact.sources.files import open_file

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

_LANGUAGES = {"zh": ("zh", "中文", "chinese", "汉语", "简体"), "en": ("en", "english", "英文", "英语")}
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form."""

    name: str
    path: tuple[str, ...]
    """Groups around it, and its name."""
    title: str
    choices: Mapping[str, str]
    """Code to label, in the order of the form; empty where the answer is free."""
    several: bool
    """More than one answer may be given."""


def read_form(engine: Backend, form: Path, language: str) -> tuple[Question, ...]:
    """Read the questions outside repeats, with titles and labels in one language where the form has it.

    Raises SourceError where a sheet is missing, groups do not close, or a question names a list that is not there.
    """
    survey = _rows(engine, form, "survey", ("type", "name"))
    choices = _choices(form, _rows(engine, form, "choices", ("list_name", "name")), language) if _asks_for_lists(survey) else {}
    groups: list[tuple[str, bool]] = []
    questions = []
    for number, row in enumerate(survey, start=2):
        words = row.get("type", "").replace("_", " ").split()
        if words[:1] == ["begin"]:
            groups.append((row.get("name", ""), words[1:2] == ["repeat"]))
        elif words[:1] == ["end"]:
            if not groups:
                raise _unbalanced(form, f"`{row['type']}` in row {number} closes nothing")
            groups.pop()
        elif words and row.get("name") and not any(repeats for _, repeats in groups):
            questions.append(_question(form, number, row, tuple(name for name, _ in groups), choices, language))
    if groups:
        raise _unbalanced(form, f"group `{groups[-1][0]}` is not closed")
    return tuple(questions)


def _asks_for_lists(survey: list[Row]) -> bool:
    return any(row.get("type", "").startswith("select") for row in survey)


def _question(
    form: Path, number: int, row: Row, groups: tuple[str, ...], choices: Mapping[str, Mapping[str, str]], language: str
) -> Question:
    kind, _, rest = row["type"].strip().replace("select one", "select_one").replace("select multiple", "select_multiple").partition(" ")
    name, title = row["name"], _label(row, language)
    if kind not in ("select_one", "select_multiple"):
        return Question(name, (*groups, name), title, {}, False)
    asked = rest.split()[0] if rest.split() else ""
    if asked not in choices:
        raise SourceError(
            f"{form}, sheet `survey`, row {number}: question `{name}` names a list that is not there.\nFound the lists {listing(choices, 12)}.\n"
            f"Add `{asked}` to the sheet `choices`."
        )
    return Question(name, (*groups, name), title, choices[asked], kind == "select_multiple")


def _rows(engine: Backend, form: Path, sheet: str, needed: tuple[str, ...]) -> list[Row]:
    """Read a sheet as rows of what is filled; headings as the form writes them, without blanks around them."""
    found = open_file(engine, form, sheet=sheet).table.to_pyarrow()
    found = found.rename_columns([name.strip() for name in found.column_names])
    if sheet == "choices" and "list name" in found.column_names:
        found = found.rename_columns(["list_name" if name == "list name" else name for name in found.column_names])
    absent = [name for name in needed if name not in found.column_names]
    if absent:
        raise SourceError(
            f"{form}, sheet `{sheet}`: there is no column `{absent[0]}`.\nFound: {listing(found.column_names, 20)}.\nName the XLSForm of the export."
        )
    return [{name: value.strip() for name, value in row.items() if value} for row in found.to_pylist()]


def _choices(form: Path, rows: list[Row], language: str) -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if "list_name" not in row or "name" not in row:
            raise SourceError(
                f"{form}, sheet `choices`, row {number}: an answer needs a list and a name.\nFound only {listing(row)}.\nComplete the row."
            )
        known = lists.setdefault(row["list_name"], {})
        if row["name"] in known:
            raise SourceError(
                f"{form}, sheet `choices`, row {number}: answer `{row['name']}` stands twice in list `{row['list_name']}`.\n"
                f"Found two labels for one code.\nGive each answer its own name."
            )
        known[row["name"]] = _label(row, language)
    return lists


def _label(row: Row, language: str) -> str:
    """Choose among `label::中文 (zh)`, `label::English (en)` and `label`: the language asked for, then the one without a name, then any."""
    labels = {name.partition("::")[2].strip(): text for name, text in row.items() if re.fullmatch(r"label(::.*)?", name)}
    for name, text in labels.items():
        if _speaks(name, language):
            return text
    return labels.get("") or next(iter(labels.values()), "")


def _speaks(name: str, language: str) -> bool:
    code = re.search(r"\(([A-Za-z]{2,3})\b[^)]*\)", name)
    if code:
        return code.group(1).lower() == language
    return any(name.lower().startswith(word) for word in _LANGUAGES.get(language, (language,)))


def _unbalanced(form: Path, found: str) -> SourceError:
    return SourceError(f"{form}, sheet `survey`: the groups do not fit together.\nFound: {found}.\nMend the form.")
