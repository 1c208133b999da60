"""Figure of agreements and events on one axis of time: what is known, how precisely, and what nobody has stated."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from impact.report.style import PALETTE, WIDTH_INCHES
from impact.sources.registry_dates import DATE_NAMES
from impact.text import Language, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ALONE = 12
"""More agreements than these are not drawn one by one; those that cover most workers are, and the others are counted by month."""
_ALONE_AMONG_MANY = 4
_DAY = 1.0
_ZERO = date(1970, 1, 1)
_FEW_YEARS, _MOST_YEARS = 2, 12
_MARKS = {"offer": "o", "talks": ">", "announced": "^", "signed": "D"}
_INDUSTRIES = {
    "ride_hail": (Text("ride-hail", "网约车"), PALETTE.covered),
    "freight": (Text("freight", "货运"), PALETTE.compared),
    "courier": (Text("courier", "快递"), PALETTE.others[0]),
    "delivery": (Text("delivery", "网约配送"), PALETTE.others[2]),
}
_UNKNOWN = Text("not stated", "未说明")
_LETTERS: dict[Language, int] = {"en": 44, "zh": 20}
_ROW_INCHES, _SECOND_LINE_INCHES = 0.175, 0.12

Span = tuple[float, float]
"""First and last day on the axis, in days."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the picture."""

    label: str
    spans: Mapping[str, Span]
    """By name of the date; of an event `lasts` where its days are known, `within` where the month or year alone is. What is not stated is left out."""


def timeline(registry: Mapping[str, Any], language: Language, alone: Sequence[str] = ()) -> Figure:
    """Draw agreements from offer to expiry, and events, below each other on one axis.

    `registry` is what `registry_values` gives. With more than MOST_ALONE agreements, those named in `alone` have a line each (by default those that cover
    most workers), and the others are counted by month of signing. Dates known to the month or year are drawn as long as that; dates nobody stated as hatching.
    """
    chosen, others = _split(registry["agreements"], alone)
    agreements = [_agreement_row(one, language) for one in _in_time(chosen, _began)]
    events = [_Row(_folded(one["name"][language], language), _event_spans(one)) for one in _in_time(registry["events"], _happened)]
    figure, panels = _panels(agreements, events, counted=bool(others))
    limits = _limits([*agreements, *events], others)
    for axes in panels.values():
        axes.set_xlim(*limits)
    _draw_agreements(panels["agreements"], agreements, limits, language)
    if others:
        _draw_counts(panels["counts"], others, language)
    if events:
        _draw_events(panels["events"], events, limits, language)
    _time_axis(list(panels.values())[-1], limits)
    handles = _legend(agreements, events, language)
    columns = len(handles) if len(handles) <= 5 else 4
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, fontsize=7.5, columnspacing=1.2)
    return figure


def _split(agreements: Sequence[Mapping[str, Any]], alone: Sequence[str]) -> tuple[list[Any], list[Any]]:
    if len(agreements) <= MOST_ALONE:
        return list(agreements), []
    largest = sorted(agreements, key=lambda one: -(one["workers"] or 0))[:_ALONE_AMONG_MANY]
    names = set(alone) or {one["id"] for one in largest}
    return [one for one in agreements if one["id"] in names], [one for one in agreements if one["id"] not in names]


def _in_time(records: Sequence[Any], when: Any) -> list[Any]:
    """Sort by the first known day; what has none comes last."""
    return sorted(records, key=lambda one: when(one) or "9999")


def _began(agreement: Mapping[str, Any]) -> str | None:
    known = [days[0] for days in agreement["dates"].values() if days]
    return min(known) if known else None


def _happened(event: Mapping[str, Any]) -> str | None:
    return event["days"][0] if event["days"] else None


def _agreement_row(agreement: Mapping[str, Any], language: Language) -> _Row:
    spans = {name: _span(days) for name, days in agreement["dates"].items() if days}
    missing = [DATE_NAMES[name][language] for name in agreement["dates"] if name not in spans]
    label = _folded(agreement["name"][language], language)
    if missing and spans:
        gaps = Text(f"not stated: {', '.join(missing)}", f"未说明：{'、'.join(missing)}")[language]
        label = f"{label}\n{_folded(gaps, language)}"
    return _Row(label, spans)


def _event_spans(event: Mapping[str, Any]) -> dict[str, Span]:
    sign = "lasts" if event["precision"] == "day" else "within"
    return {sign: _span(event["days"])} if event["days"] else {}


def _span(days: Sequence[str]) -> Span:
    first, last = (_place(date.fromisoformat(day)) for day in days)
    return first, last + _DAY


def _place(day: date) -> float:
    """Count days from the one on which the axis has its zero."""
    return float((day - _ZERO).days)


def _folded(words: str, language: Language) -> str:
    """Break a label into lines that are about as long as each other."""
    lines = -(-len(words) // _LETTERS[language])
    even = -(-len(words) // lines) + (6 if language == "en" else 1)
    return "\n".join(textwrap.wrap(words, min(_LETTERS[language], even), break_on_hyphens=False))


def _limits(rows: Sequence[_Row], others: Sequence[Mapping[str, Any]]) -> Span:
    """Give the first day of the first year and the last of the last that anything lies in; this decade where nothing is dated."""
    spans = [span for row in rows for span in row.spans.values()]
    spans += [_span(days) for one in others for days in one["dates"].values() if days]
    if not spans:
        return _place(date(2020, 1, 1)), _place(date(2030, 1, 1))
    first, last = (_ZERO + timedelta(days=days) for days in (min(span[0] for span in spans), max(span[1] for span in spans) - _DAY))
    return _place(date(first.year, 1, 1)), _place(date(last.year + 1, 1, 1))


def _panels(agreements: Sequence[_Row], events: Sequence[_Row], counted: bool) -> tuple[Figure, dict[str, Axes]]:
    """Make a panel for each part, as high as its lines need."""
    from matplotlib.figure import Figure as NewFigure

    heights = {
        "agreements": 0.22 + _height(agreements),
        "counts": 1.3 if counted else 0.0,
        "events": 0.22 + _height(events) if events else 0.0,
    }
    heights = {name: height for name, height in heights.items() if height}
    figure = NewFigure(figsize=(WIDTH_INCHES, 0.75 + sum(heights.values())))
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights.values()))[:, 0]
    return figure, dict(zip(heights, axes, strict=True))


def _height(rows: Sequence[_Row]) -> float:
    return sum(_room(row) for row in rows)


def _room(row: _Row) -> float:
    return _ROW_INCHES + _SECOND_LINE_INCHES * row.label.count("\n")


def _lines(axes: Axes, rows: Sequence[_Row], title: str) -> list[float]:
    """Set the labels of a panel, and give the height at which each row is drawn; rows with more lines have more room."""
    places, top = [], 0.0
    for row in rows:
        places.append(-(top + _room(row) / 2))
        top += _room(row)
    axes.set_ylim(-max(top, _ROW_INCHES), 0)
    axes.set_yticks(places, [row.label for row in rows], fontsize=7.5, linespacing=1.1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.spines["left"].set_visible(False)
    axes.set_title(title, fontsize=9)
    return places


def _draw_agreements(axes: Axes, rows: Sequence[_Row], limits: Span, language: Language) -> None:
    for row, place in zip(rows, _lines(axes, rows, Text("Agreements", "协议")[language]), strict=True):
        if row.spans:
            _draw_agreement(axes, row.spans, place, limits)
        else:
            _draw_unknown(axes, place, limits, Text("no date stated", "日期均未说明")[language])


def _draw_agreement(axes: Axes, spans: Mapping[str, Span], place: float, limits: Span) -> None:
    before = [span for name, span in spans.items() if name in _MARKS or name == "effective"]
    if before:
        axes.hlines(place, min(span[0] for span in before), max(span[0] for span in before), color=PALETTE.neutral, linewidth=0.9)
    if "effective" in spans:
        _draw_effect(axes, spans["effective"], spans.get("expiry"), place, limits)
    elif "expiry" in spans:
        axes.scatter(spans["expiry"][1], place, marker="|", s=60, color=PALETTE.covered)
    for name, mark in _MARKS.items():
        if name in spans:
            _draw_mark(axes, spans[name], place, mark)


def _draw_effect(axes: Axes, start: Span, end: Span | None, place: float, limits: Span) -> None:
    """Draw the days in effect: firm where certain, faint where the month or year alone is known, hatched where the end is not stated."""
    thick = 0.5 * _ROW_INCHES
    certain, last = (start[1] - _DAY, (end[0] + _DAY) if end else start[1])
    axes.barh(place, (end or start)[1] - start[0], thick, left=start[0], color=PALETTE.covered, alpha=0.35, linewidth=0)
    if end:
        axes.barh(place, max(0.0, last - certain), thick, left=certain, color=PALETTE.covered, linewidth=0)
    else:
        _hatched(axes, place, start[0], limits[1], thick, PALETTE.covered)


def _draw_mark(axes: Axes, span: Span, place: float, mark: str) -> None:
    if not _is_one_day(span):
        axes.hlines(place, *span, color=PALETTE.warning, linewidth=3, alpha=0.45)
    axes.scatter((span[0] + span[1]) / 2, place, marker=mark, s=17, color="white", edgecolor=PALETTE.warning, linewidth=0.9, zorder=3)


def _draw_events(axes: Axes, rows: Sequence[_Row], limits: Span, language: Language) -> None:
    for row, place in zip(rows, _lines(axes, rows, Text("Events", "事件")[language]), strict=True):
        if not row.spans:
            _draw_unknown(axes, place, limits, _UNKNOWN[language])
        for sign, span in row.spans.items():
            _draw_event(axes, sign, span, place)


def _draw_event(axes: Axes, sign: str, span: Span, place: float) -> None:
    """Draw a dot for a day, a firm bar for several, and an open bar where it lies on some day of a month or year."""
    if sign == "lasts" and _is_one_day(span):
        axes.scatter(span[0], place, marker="o", s=17, color=PALETTE.neutral, zorder=3)
    else:
        face = PALETTE.neutral if sign == "lasts" else "white"
        axes.barh(place, span[1] - span[0], 0.45 * _ROW_INCHES, left=span[0], facecolor=face, edgecolor=PALETTE.neutral, linewidth=0.9)


def _is_one_day(span: Span) -> bool:
    return span[1] - span[0] <= _DAY


def _draw_unknown(axes: Axes, place: float, limits: Span, words: str) -> None:
    _hatched(axes, place, *limits, 0.6 * _ROW_INCHES, "#B4BBC2")
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    axes.text(sum(limits) / 2, place, words, ha="center", va="center", fontsize=7, color=PALETTE.neutral, bbox=box)


def _hatched(axes: Axes, place: float, left: float, right: float, thick: float, colour: str) -> None:
    axes.barh(place, right - left, thick, left=left, facecolor="none", edgecolor=colour, hatch="//////", linewidth=0)


def _draw_counts(axes: Axes, others: Sequence[Mapping[str, Any]], language: Language) -> None:
    """Count the other agreements by month of signing and industry; those without that month are in the title alone."""
    placed = [one for one in others if (days := one["dates"]["signed"]) and days[0][:7] == days[1][:7]]
    months = sorted({one["dates"]["signed"][0][:7] for one in placed})
    bottom = dict.fromkeys(months, 0)
    for industry, (words, colour) in _INDUSTRIES.items():
        found = [one["dates"]["signed"][0][:7] for one in placed if one["industry"] == industry]
        if not found:
            continue
        heights = [found.count(month) for month in months]
        starts = [_place(date.fromisoformat(f"{month}-01")) for month in months]
        axes.bar(starts, heights, 27, bottom=list(bottom.values()), align="edge", color=colour, label=words[language])
        bottom = {month: bottom[month] + height for month, height in zip(months, heights, strict=True)}
    axes.set_title(_count_title(len(placed), len(others) - len(placed))[language], fontsize=9)
    axes.set_ylim(0, 1.1 * max([1, *bottom.values()]))
    axes.legend(loc="center right", fontsize=7.5)


def _count_title(placed: int, unplaced: int) -> Text:
    rest = Text(f"; {unplaced} without that month" if unplaced else "", f"；另有{unplaced}份月份未说明" if unplaced else "")
    return Text(f"The other {placed} agreements, counted by month of signing{rest.en}", f"其余{placed}份协议，按签订月份计数{rest.zh}")


def _time_axis(axes: Axes, limits: Span) -> None:
    """Mark the years, and the quarters between them without words; within two years, mark the quarters with words."""
    first, last = ((_ZERO + timedelta(days=limit)).year for limit in limits)
    years = [date(year, 1, 1) for year in range(first, last + 1)]
    quarters = [date(year, month, 1) for year in range(first, last) for month in (1, 4, 7, 10)]
    if last - first <= _FEW_YEARS:
        axes.set_xticks([_place(day) for day in quarters], [f"{day:%Y-%m}" for day in quarters])
        return
    step = -(-len(years) // _MOST_YEARS)
    axes.set_xticks([_place(day) for day in years[::step]], [str(day.year) for day in years[::step]])
    if step == 1:
        axes.set_xticks([_place(day) for day in quarters], minor=True)


def _legend(agreements: Sequence[_Row], events: Sequence[_Row], language: Language) -> list[Any]:
    """Explain the signs that occur."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    drawn = {name for row in agreements for name in row.spans}
    handles: list[Any] = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=mark,
            markersize=4.5,
            color="white",
            markeredgecolor=PALETTE.warning,
            label=DATE_NAMES[name][language],
        )
        for name, mark in _MARKS.items()
        if name in drawn
    ]
    if "effective" in drawn:
        handles.append(Patch(color=PALETTE.covered, label=Text("in effect", "有效期")[language]))
    lasting = [span for row in events if (span := row.spans.get("lasts"))]
    if any(_is_one_day(span) for span in lasting):
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=4.5, color=PALETTE.neutral, label=Text("event", "事件")[language])
        )
    if any(not _is_one_day(span) for span in lasting):
        handles.append(Patch(color=PALETTE.neutral, label=Text("event of several days", "历时多日的事件")[language]))
    if any("within" in row.spans for row in events):
        words = Text("event, month or year known alone", "事件，仅知年份或月份")[language]
        handles.append(Patch(facecolor="white", edgecolor=PALETTE.neutral, linewidth=0.9, label=words))
    if any(not row.spans for row in (*agreements, *events)):
        handles.append(Patch(facecolor="none", edgecolor="#B4BBC2", hatch="//////", label=_UNKNOWN[language]))
    return handles
