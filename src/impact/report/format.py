"""Numbers as they are printed, the same in both languages. May touch: nothing."""

from __future__ import annotations

import math

from impact.text import Text

MISSING = "–"
ENDLESS = "∞"


def decimal(value: float, digits: int = 3) -> str:
    """Write a number with a true minus sign."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return ENDLESS if value > 0 else f"−{ENDLESS}"
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) != 0 else text.removeprefix("-")


def signed(value: float, digits: int = 3) -> str:
    """Write a number with its sign."""
    text = decimal(value, digits)
    if text == MISSING or text.startswith("−"):
        return text
    return f"+{text}" if text == ENDLESS or float(text.replace(",", "")) != 0 else text


def count(value: float) -> str:
    """Write a count with thousands separated."""
    return MISSING if value is None or math.isnan(value) else f"{round(value):,}"


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage."""
    text = decimal(100 * share, digits)
    return text if text == MISSING else f"{text}%"


def interval(low: float, high: float, digits: int = 3) -> Text:
    """Write an interval in words."""
    ends = signed(low, digits), signed(high, digits)
    return Text(f"{ends[0]} to {ends[1]}", f"{ends[0]}至{ends[1]}")


def p_value(value: float) -> str:
    """Write a p-value; never zero."""
    if value is None or math.isnan(value):
        return MISSING
    return "< 0.001" if value < 0.001 else decimal(value, 3)
