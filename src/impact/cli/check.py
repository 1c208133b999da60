"""`impact check`: what there is to say of a study's data before any estimate."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from unicodedata import east_asian_width

import typer

from impact.cli.world import built_world
from impact.report.data_words import ACTIONS, PANEL, table_name
from impact.text import Language, Text

if TYPE_CHECKING:
    from impact.clean.audit import Audit, Finding
    from impact.run.check import QualityReport

WIDTH = 80
STANDS_IN_THE_WAY = 4
"""Exit status where something must be mended before any estimate."""
LANGUAGE = "IMPACT_LANG"
_HEADS = {
    "stop": Text("STOP: no estimate before this is mended", "停止：处理之前不做任何估计"),
    "warning": Text("WARNING: look at it", "警告：请核实"),
    "note": Text("NOTE: good to know", "提示：供了解"),
}


def check(
    study: Annotated[Path, typer.Argument(help="A study file, such as studies/dier.yaml.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that the study's paths are relative to. [env: IMPACT_DATA; default: data]", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write plain values as JSON to standard output, and nothing else.")] = False,
    registry: Annotated[
        bool, typer.Option("--registry", help="Name every finding about the registry, not only those about this study's agreements.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 for a warning too.")] = False,
) -> None:
    """Look at the data of a study without making anything of them: what arrived, what cleaning does, what looks suspicious.

    Writes nothing but a synthetic world on its first use. Exits with 0 where nothing stands in the way of an estimate, with 4 where something must be mended first.
    IMPACT_LANG=zh prints Chinese.

    Example: impact check studies/dier.yaml
    """
    from impact.run.check import check_study

    data_root = data or Path(os.environ.get("IMPACT_DATA") or "data")
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        built_world(study, data_root)
    report = check_study(study, data_root, os.environ, registry)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        for line in lines_of(report, language_of(os.environ)):
            typer.echo(line)
    if report.stands_in_the_way(strict):
        raise typer.Exit(STANDS_IN_THE_WAY)


def language_of(environ: Mapping[str, str]) -> Language:
    """Give the language that `IMPACT_LANG` asks for; English unless it begins with zh."""
    return "zh" if environ.get(LANGUAGE, "").lower().startswith("zh") else "en"


def lines_of(report: QualityReport, language: Language) -> list[str]:
    """Lay a report out for a terminal of 80 columns."""
    stamp = ["SYNTHETIC / 合成数据"] if report.synthetic else []
    lines = [*stamp, *wrapped(f"{report.study}: {report.title[language]}"), "", *_arrived(report, language)]
    for audit in report.audits:
        lines += ["", *_audit(audit, language)]
    for level in _HEADS:
        found = [finding for finding in report.findings if finding.level == level]
        if found:
            lines += ["", f"{_HEADS[level][language]} ({len(found)})", *(line for one in found for line in _finding(one, language))]
    return [*lines, "", *wrapped(_last(report)[language])]


def wrapped(text: str, indent: str = "") -> list[str]:
    """Break a text into lines of at most 80 columns; a hanzi is two columns wide, and a line does not begin with a closing mark."""
    lines, line = [], indent
    for piece in _pieces(text):
        if columns_of(line + piece.rstrip()) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def _pieces(text: str) -> Iterator[str]:
    """Give what must not be broken: a word with what follows it closely, one hanzi with its marks; a word longer than a line in parts."""
    for piece in re.findall(r"[（“《]*(?:[^\s\u2e80-\uffef]+|[\u2e80-\uffef])[，。；：、）”》！？]*\s*|\s+", text):
        yield from (piece[place : place + WIDTH - 8] for place in range(0, len(piece), WIDTH - 8))


def columns_of(text: str) -> int:
    """Give the width of a text on a terminal; a hanzi is two columns wide."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - columns_of(text))


def _arrived(report: QualityReport, language: Language) -> list[str]:
    heads = Text("What arrived", "收到的数据"), Text("files", "文件"), Text("rows", "行")
    width = max([34, *(columns_of(one.table) for one in report.arrived)])
    lines = [
        f"{_padded(heads[0][language], width)}{' ' * (8 - columns_of(heads[1][language]))}{heads[1][language]}{' ' * (14 - columns_of(heads[2][language]))}{heads[2][language]}"
    ]
    return lines + [f"  {_padded(one.table, width - 2)}{one.files:>8,}{one.rows:>14,}" for one in report.arrived]


def _audit(audit: Audit, language: Language) -> list[str]:
    ends = Text(f"{audit.rows_in:,} rows in, {audit.rows_kept:,} kept", f"读入{audit.rows_in:,}行，保留{audit.rows_kept:,}行")
    name = table_name(PANEL)[language] if audit.table == PANEL else audit.table or audit.source
    lines = wrapped(f"{name}: {ends[language]}")
    for rule in audit.rules:
        if rule.rows:
            lines += wrapped(f"{rule.rows:>11,}  {_padded(ACTIONS[rule.action][language], 9)} {rule.name[language]}", "  ")
    return lines


def _finding(finding: Finding, language: Language) -> list[str]:
    first = wrapped(f"- {finding.where}: {finding.text[language]}", "  ")
    return [first[0].removeprefix("  "), *first[1:], *wrapped(f"→ {finding.advice[language]}", "    ")]


def _last(report: QualityReport) -> Text:
    stops, warnings, notes = (report.count(level) for level in _HEADS)
    if stops:
        return Text(
            f"{_several(stops, 'finding')} must be mended or declared before any estimate; {_several(warnings, 'warning')}, {_several(notes, 'note')}.",
            f"有{stops}项须先处理或声明，才能估计；另有警告{warnings}项，提示{notes}项。",
        )
    return Text(
        f"Nothing stands in the way of an estimate; {_several(warnings, 'warning')}, {_several(notes, 'note')}.",
        f"没有妨碍估计的问题；警告{warnings}项，提示{notes}项。",
    )


def _several(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
