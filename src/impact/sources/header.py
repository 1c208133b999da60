"""What must hold for the names of columns, in whatever file they stand. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from impact.errors import SourceError, listing


def named(names: Sequence[str]) -> list[str]:
    """Give a column without a name one, by its place: `unnamed_1`."""
    return [name or f"unnamed_{position}" for position, name in enumerate(names, start=1)]


def require_distinct(path: Path, names: Sequence[str]) -> None:
    """Refuse columns of one name; the engine does not tell capital letters apart.

    Raises SourceError that names the column and how often it stands.
    """
    lower = [name.lower() for name in names]
    for name in names:
        if lower.count(name.lower()) > 1:
            raise SourceError(
                f"{path}: column `{name}` stands {lower.count(name.lower())} times.\n"
                f"Found: {listing(names, 30)}; capital letters make no difference.\nRename or remove one."
            )
