"""A folder of this process's own for rows that do not fit into memory: nobody else may read it, and it goes when the process goes. May touch: that folder.

A process that is killed cannot clean up after itself. Its folder is known by a lock that nobody holds any more, and the next process takes it away.
"""

from __future__ import annotations

import atexit
import os
import shutil
from functools import cache
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from impact.errors import RunError
from impact.sources.limits import FOLDER

_PREFIX, _LOCK = "impact-spill-", ".lock"
_PATIENCE = 5
"""Seconds to wait for the lock of a name that nobody else knows: if it takes longer, the folder takes no files."""


def spill_folder(inside: Path) -> Path:
    """Give this process's folder below another one, and take away those whose process was killed.

    Raises RunError where no file can be made there.
    """
    return _of_process(inside, os.getpid())


@cache
def _of_process(inside: Path, process: int) -> Path:
    _sweep(inside)
    folder = inside / f"{_PREFIX}{uuid4().hex}"
    lock = _lock(folder)
    try:
        lock.acquire(timeout=_PATIENCE)
        folder.mkdir(mode=0o700)  # a folder is made after its lock is held, so that no sweep meets one that is alive
    except (Timeout, OSError) as error:
        raise RunError(
            f"{FOLDER}: nothing can be written to the folder for what does not fit into memory.\n"
            f"Found `{inside}`: {type(error).__name__}.\nName another folder of the disk of this machine."
        ) from None
    atexit.register(_leave, folder, lock, process)
    return folder


def _sweep(inside: Path) -> None:
    for folder in inside.glob(f"{_PREFIX}*"):
        lock = _lock(folder)
        if not folder.is_dir() or not Path(lock.lock_file).is_file():
            continue
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):  # its process lives, or it belongs to another user
            continue
        _take_away(folder, lock)


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(_LOCK), mode=0o600)


def _leave(folder: Path, lock: FileLock, process: int) -> None:
    if os.getpid() == process:  # a fork has not made it
        _take_away(folder, lock)


def _take_away(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release(force=True)
