"""The nine errors. May touch: nothing.

Every message has three parts, each on a line of its own: what is wrong, what was found, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ImpactError(Exception):
    """Anything that a user can mend; the CLI prints it without a traceback."""


class StudyError(ImpactError):
    """A study file says something that cannot be carried out."""


class WorldError(ImpactError):
    """A world file says something that cannot be simulated."""


class SourceError(ImpactError):
    """A file or table cannot be read as it is."""


class DataError(ImpactError):
    """A table was read, but its rows break a rule."""


class DesignError(ImpactError):
    """The question cannot be asked of these units, months and dates."""


class EstimationError(ImpactError):
    """An estimator cannot give a number here."""


class ReportError(ImpactError):
    """A report cannot be printed as it should be."""


class RunError(ImpactError):
    """A run stopped before its end, or cannot start."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known spelling is nearest, or nothing where none is near.

    Returns a sentence such as "Did you mean `exit_30d`?", or an empty string.
    """
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else ""


def listing(names: Iterable[object], most: int = 8) -> str:
    """Join names for a message, the first `most` of them, with the count of the rest."""
    written = [str(name) for name in names]
    shown = ", ".join(written[:most])
    return shown if len(written) <= most else f"{shown}, … ({len(written)} in all)"
