"""How much memory a pass over rows may take, and where what does not fit is written. May touch: the environment, the disk (is the folder there?)."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impact.errors import RunError

MEMORY, FOLDER = "IMPACT_MEMORY", "IMPACT_TMP"
"""Environment variables that set the limits."""
_SHARE = 0.6
"""Part of the machine's memory that a pass takes where nothing is said; the rest is for Python, and for whoever else works here."""
_LEAST = 200_000_000
"""Bytes below which the engine cannot keep its own buffers."""
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?) ?([MGT]i?B)", re.IGNORECASE)
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pass over rows may take."""

    memory_bytes: int
    """Memory of the engine; what Python lays out of a result is held against it too."""
    folder: Path
    """Where rows that do not fit into memory are written for the time of the pass."""


def limits(environ: Mapping[str, str] = os.environ) -> Limits:
    """Read the limits from `IMPACT_MEMORY` (such as 2GB; 60 % of the machine where it is not set) and `IMPACT_TMP` (the system's where it is not set).

    Raises RunError where they say no amount of memory, one that is too small or more than there is, or a folder that cannot be written to.
    """
    return Limits(_memory(environ.get(MEMORY, "").strip()), _folder(environ.get(FOLDER, "").strip()))


def machine_bytes() -> int:
    """Give the memory of this machine, or of the container that this process runs in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(_CGROUP.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit
        return physical


def in_words(count: float) -> str:
    """Write a number of bytes for a reader."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _memory(said: str) -> int:
    there = machine_bytes()
    if not said:
        return int(_SHARE * there)
    written = _WRITTEN.fullmatch(said)
    if written is None:
        raise RunError(f"{MEMORY}: this is no amount of memory.\nFound `{said}`.\nWrite a number and a unit, such as 500MB, 2GB or 1.5GiB.")
    wanted = int(float(written[1]) * _UNITS[written[2].upper()])
    if not _LEAST <= wanted <= there:
        raise RunError(
            f"{MEMORY}: a pass cannot be given {'so little' if wanted < _LEAST else 'more memory than there is'}.\n"
            f"Found `{said}`; this machine has {in_words(there)}.\nSet it to between {in_words(_LEAST)} and {in_words(there)}."
        )
    return wanted


def _folder(said: str) -> Path:
    folder = Path(said or tempfile.gettempdir())
    if not folder.is_dir():
        raise RunError(
            f"{FOLDER}: there is no such folder.\nFound `{folder}`{', which is a file' if folder.is_file() else ''}.\nMake it, or name one that is there."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"{FOLDER}: the folder cannot be written to.\nFound `{folder}`.\nName one that this user may write to.")
    return folder.resolve()
