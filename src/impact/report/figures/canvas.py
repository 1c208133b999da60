"""What every figure begins with."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from impact.report.style import WIDTH_INCHES
from impact.text import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def empty_axes(height: float = 3.4) -> tuple[Figure, Axes]:
    """Give an empty figure of the printed width, `height` inches high, and its axes."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(WIDTH_INCHES, height))
    return figure, figure.add_subplot()


def folded(title: str, language: Language) -> str:
    """Break a long label into lines."""
    return "\n".join(textwrap.wrap(title, 44 if language == "en" else 22))
