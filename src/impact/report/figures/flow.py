"""Figure of the way from the files received to the worker-months of a study, with what was left out on it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impact.clean.audit import Audit
from impact.report.data_words import PANEL, printable, printable_ends, table_name
from impact.report.style import PALETTE, WIDTH_INCHES
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE, _PAD, _GAP = 0.15, 0.14, 0.13
"""Inches: height of a line, of what is above and below it in a box, and between boxes."""
_LEFT, _MIDDLE, _RIGHT, _WHOLE = (0.0, 1.7), (1.95, 4.2), (4.45, WIDTH_INCHES), (0.0, WIDTH_INCHES)
"""Inches from the left: what arrived, what was left out, what stays; all three."""
_EDGE = 0.03
_LETTERS: dict[Language, int] = {"en": 40, "zh": 22}
_HEADS = Text("received", "收到"), Text("left out", "剔除"), Text("kept", "保留")
_FONT = 7.5


@dataclass(frozen=True, slots=True)
class Lane:
    """The way of one table: what arrived, what was left out, what stays."""

    arrived: Text
    left_out: tuple[Text, ...]
    kept: Text


@dataclass(frozen=True, slots=True)
class Flow:
    """The way from files to worker-months, in words and counts that may be printed."""

    files: Text | None
    """How many files were read; None where the source is one table."""
    lanes: tuple[Lane, ...]
    laid_out: Lane | None
    """How tables become the worker-months of the study; None where one table holds them."""


def flow_of(audits: Sequence[Audit], panel: Audit, files: int, fewest: int) -> Flow:
    """Prepare the figure: `audits` of the tables that arrived (none where the source is one table), `panel` of the worker-months as the study reads them.

    `files` is how many files were read; counts of rows between nobody and `fewest` are written as `<10`.
    """
    last = next((audit for audit in audits if audit.table == PANEL), None)
    if last is None:
        return Flow(None, (_lane(panel, fewest, Text("rows read", "读入的行"), table_name(PANEL)),), None)
    lanes = tuple(_lane(audit, fewest, table_name(audit.table), _HEADS[2]) for audit in audits if audit is not last)
    arrived = Text("months from each worker’s first to last working day", "每名劳动者首个至末个出工日之间的月份")
    return Flow(Text(f"{files:,} files received", f"收到{files:,}个文件"), lanes, _lane(last, fewest, arrived, table_name(PANEL)))


def flow(way: Flow, language: Language) -> Figure:
    """Draw the way from top to bottom: files, one line for each table, worker-months of the study."""
    heights = [_height(lane, language) for lane in way.lanes]
    first = _box_height(1) + _GAP if way.files else 0.0
    last = 2 * _GAP + _box_height(1) + _height(way.laid_out, language) if way.laid_out else 0.0
    figure, axes = _canvas(first + _LINE + sum(heights) + (len(heights) - 1) * _GAP + last)
    place = axes.get_ylim()[1] - _EDGE
    if way.files:
        _box(axes, _WHOLE, place - _box_height(1), _box_height(1), way.files[language], PALETTE.neutral)
        place -= first
    for span, words in zip((_LEFT, _MIDDLE, _RIGHT), _HEADS, strict=True):
        axes.text(sum(span) / 2, place - _LINE / 2, words[language], ha="center", va="center", fontsize=_FONT, color=PALETTE.neutral)
    place -= _LINE
    for lane, height in zip(way.lanes, heights, strict=True):
        _draw_lane(axes, lane, place - height, height, language, final=way.laid_out is None)
        place -= height + _GAP
    if way.laid_out:
        _draw_last(axes, way.laid_out, place + _GAP, language)
    return figure


def flow_alt(way: Flow) -> Text:
    """Say in words what the figure shows."""
    lanes = (*way.lanes, *((way.laid_out,) if way.laid_out else ()))
    first = Text(f"{way.files.en}. ", f"{way.files.zh}。") if way.files else Text("", "")
    return Text(
        first.en + " ".join(f"{_said(lane, 'en')}." for lane in lanes), first.zh + "".join(f"{_said(lane, 'zh')}。" for lane in lanes)
    )


def _said(lane: Lane, language: Language) -> str:
    comma = Text("; ", "；")[language]
    left_out = comma.join(words[language] for words in lane.left_out) or Text("nothing", "无")[language]
    return f"{lane.arrived[language]}{comma}{Text('left out – ', '剔除——')[language]}{left_out}{comma}{lane.kept[language]}"


def _lane(audit: Audit, fewest: int, arrived: Text, kept: Text) -> Lane:
    rows_in, rows_kept = printable_ends(audit, fewest)
    left_out = tuple(_counted(rule.name, printable(rule.rows, fewest)) for rule in audit.rules if rule.action == "dropped" and rule.rows)
    return Lane(_counted(arrived, rows_in), left_out, _counted(kept, rows_kept))


def _counted(words: Text, rows: str) -> Text:
    return Text(f"{words.en}: {rows}", f"{words.zh}：{rows}")


def _canvas(height: float) -> tuple[Figure, Axes]:
    """Give axes in inches, without anything on them."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(WIDTH_INCHES, height + 2 * _EDGE))
    axes = figure.add_subplot()
    axes.set(xlim=(-_EDGE, WIDTH_INCHES + _EDGE), ylim=(-_EDGE, height + _EDGE))
    axes.set_axis_off()
    return figure, axes


def _broken(words: Sequence[Text], language: Language) -> list[str]:
    """Give the lines of what was left out, long ones broken."""
    return [line for one in words for line in textwrap.wrap(one[language], _LETTERS[language])]


def _height(lane: Lane, language: Language) -> float:
    return _box_height(max(1, len(_broken(lane.left_out, language))))


def _box_height(lines: int) -> float:
    return lines * _LINE + _PAD


def _draw_lane(axes: Axes, lane: Lane, bottom: float, height: float, language: Language, final: bool) -> None:
    """Draw one table: two boxes, and between them what was left out."""
    middle = bottom + height / 2
    _box(axes, _LEFT, bottom, height, lane.arrived[language], PALETTE.neutral)
    if lane.left_out:
        _arrow(axes, (_LEFT[1], middle), (_MIDDLE[0], middle))
        _draw_left_out(axes, lane, bottom, height, language)
    _arrow(axes, (_MIDDLE[1] if lane.left_out else _LEFT[1], middle), (_RIGHT[0], middle))
    _box(axes, _RIGHT, bottom, height, lane.kept[language], PALETTE.covered if final else PALETTE.neutral, strong=final)


def _draw_left_out(axes: Axes, lane: Lane, bottom: float, height: float, language: Language) -> None:
    _box(axes, _MIDDLE, bottom, height, "\n".join(_broken(lane.left_out, language)), PALETTE.warning, dashed=True)


def _draw_last(axes: Axes, lane: Lane, place: float, language: Language) -> None:
    """Draw how the tables come together: a box over the whole width, and below it the worker-months of the study."""
    centre, bottom, height = sum(_RIGHT) / 2, place - _GAP - _box_height(1), _height(lane, language)
    low = bottom - _GAP - height
    _arrow(axes, (centre, place), (centre, place - _GAP))
    _box(axes, _WHOLE, bottom, _box_height(1), lane.arrived[language], PALETTE.neutral)
    _arrow(axes, (centre, bottom), (centre, bottom - _GAP))
    _box(axes, _RIGHT, low, height, lane.kept[language], PALETTE.covered, strong=True)
    if lane.left_out:
        _arrow(axes, (sum(_MIDDLE) / 2, bottom), (sum(_MIDDLE) / 2, bottom - _GAP))
        _draw_left_out(axes, lane, low, height, language)


def _box(
    axes: Axes, span: tuple[float, float], bottom: float, height: float, words: str, colour: str, dashed: bool = False, strong: bool = False
) -> None:
    from matplotlib.patches import Rectangle

    style: dict[str, Any] = {"linestyle": (0, (3, 2))} if dashed else {}
    face = colour if strong else "white"
    axes.add_patch(Rectangle((span[0], bottom), span[1] - span[0], height, facecolor=face, edgecolor=colour, linewidth=0.9, **style))
    ink = "white" if strong else "#2B333B"
    axes.text(sum(span) / 2, bottom + height / 2, words, ha="center", va="center", fontsize=_FONT, linespacing=1.25, color=ink)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look = {"arrowstyle": "-|>", "color": PALETTE.neutral, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    axes.annotate("", end, start, arrowprops=look)
