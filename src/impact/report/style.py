"""How a figure looks, and how it is written. May touch: matplotlib; `save` writes two files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from impact.atomic import write_whole
from impact.errors import ReportError
from impact.report.fonts import FALLBACK, SANS, font_files
from impact.text import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAMP = "SYNTHETIC DATA / 合成数据"
"""Printed on every page, figure and table that comes from synthetic data."""
WIDTH_INCHES = 6.3
"""A figure is printed 16 cm wide; drawn at this width, its letters keep their size."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of Okabe and Ito (2008), which readers with any colour vision tell apart, by role."""

    covered: str = "#0072B2"
    """Units under an agreement."""
    compared: str = "#E69F00"
    """Units that stand for the path without agreement."""
    neutral: str = "#5F6B76"
    """Reference lines, secondary text."""
    warning: str = "#D55E00"
    """What a reader must not miss."""
    others: tuple[str, ...] = ("#009E73", "#CC79A7", "#56B4E9", "#000000")
    """Further series, in this order."""


PALETTE = Palette()


@contextmanager
def figure_style(language: Language) -> Iterator[None]:
    """Draw in the house style inside the block; whatever was set before returns after it.

    Raises ReportError for a character that no font can show.
    """
    import matplotlib

    _register_fonts()
    with matplotlib.rc_context(_settings()), warnings.catch_warnings():
        warnings.filterwarnings("error", message=r"Glyph .* missing")
        try:
            yield
        except UserWarning as warning:
            if "Glyph" not in str(warning):
                raise
            raise _missing_glyph(str(warning), language) from warning


def save(figure: Figure, folder: Path, name: str, language: Language, synthetic: bool = False) -> tuple[Path, Path]:
    """Write `{name}.{language}.svg` and `.png` into `folder`, the same bytes for the same figure; return both paths.

    With `synthetic`, the files carry the stamp; the figure itself is left as it was.
    """
    svg, png = folder / f"{name}.{language}.svg", folder / f"{name}.{language}.png"
    with figure_style(language), _stamped(figure, synthetic), _spaced(figure, language):
        write_whole(svg, _drawn(figure, "svg", {"Date": None, "Creator": None}))
        write_whole(png, _drawn(figure, "png", {"Software": None}))
    return svg, png


def _drawn(figure: Figure, kind: Literal["svg", "png"], metadata: dict[str, str | None]) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


@cache
def _register_fonts() -> None:
    from matplotlib import font_manager

    fonts = font_files()
    for path in (fonts.sans, fonts.serif):
        font_manager.fontManager.addfont(path)


def _settings() -> dict[Any, Any]:
    return {**_output(), **_typography(), **_frame()}


def _output() -> dict[Any, Any]:
    return {
        "figure.figsize": (WIDTH_INCHES, 3.4),
        "figure.constrained_layout.use": True,
        "savefig.dpi": 300,
        "savefig.facecolor": "white",
        "svg.fonttype": "path",  # a PDF/A reader has no say in the letters
        "svg.hashsalt": "impact",
    }


def _typography() -> dict[Any, Any]:
    return {
        "font.family": [SANS, FALLBACK],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "axes.unicode_minus": False,
    }


def _frame() -> dict[Any, Any]:
    from cycler import cycler

    return {
        "axes.prop_cycle": cycler(color=[PALETTE.covered, PALETTE.compared, *PALETTE.others]),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#8A949E",
        "axes.linewidth": 0.7,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": "#E3E7EB",
        "grid.linewidth": 0.7,
        "xtick.color": "#8A949E",
        "ytick.color": "#8A949E",
        "xtick.labelcolor": "#2B333B",
        "ytick.labelcolor": "#2B333B",
        "lines.linewidth": 1.8,
        "lines.markersize": 4.5,
    }


@contextmanager
def _stamped(figure: Figure, synthetic: bool) -> Iterator[None]:
    """Print the stamp in a strip at the top, and take both away again."""
    if not synthetic:
        yield
        return
    strip, right = 0.26 / figure.get_figheight(), 1 - 0.07 / figure.get_figwidth()
    stamp = figure.text(right, 1 - strip / 2, STAMP, ha="right", va="center", fontsize=8, color=_INK, bbox=_FRAME)
    try:
        with _room_on_top(figure, strip):
            yield
    finally:
        stamp.remove()


@contextmanager
def _room_on_top(figure: Figure, strip: float) -> Iterator[None]:
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        yield
        return
    kept = engine.get()["rect"]
    engine.set(rect=(0, 0, 1, 1 - strip))
    try:
        yield
    finally:
        engine.set(rect=kept)


_INK = "#A34400"
_FRAME = {"boxstyle": "square,pad=0.35", "facecolor": "#FFF4EC", "edgecolor": _INK, "linewidth": 0.8}


@contextmanager
def _spaced(figure: Figure, language: Language) -> Iterator[None]:
    """Set quotation marks and dots as narrow as English wants them; the font has them a hanzi wide."""
    from matplotlib.text import Text

    texts = figure.findobj(Text) if language == "en" else []
    texts = [text for text in texts if hasattr(text, "set_fontfeatures")]  # from matplotlib 3.11
    kept = [text.get_fontfeatures() for text in texts]
    for text in texts:
        text.set_fontfeatures(("pwid", "palt"))
    try:
        yield
    finally:
        for text, features in zip(texts, kept, strict=True):
            text.set_fontfeatures(features)


def _missing_glyph(message: str, language: Language) -> ReportError:
    return ReportError(
        f"A figure ({language}) contains a character that no font can show.\n"
        f"{message}\n"
        "Replace the character, or name a folder with other fonts in IMPACT_FONT_DIR."
    )
