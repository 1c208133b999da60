"""Run one process and take its figures. May touch: processes, the folder of the peers' environment.

Whoever calls stays small: on Linux a process begins with the peak memory of the one that started it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S, LIMIT_GB = 100, 16
"""What a process may take before it is ended: seconds, and GB of address space."""
PEERS = ("diff-diff==3.13.*", "csdid==0.4.3", "pyfixest==0.60.*", "pyarrow")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a process took."""

    wall: float
    """Seconds of the whole process, imports included."""
    cpu: float
    """User and system seconds of the whole process."""
    peak_mb: float
    inside: float | None
    """Seconds that the process itself counted, imports apart."""
    steps: Mapping[str, float]
    failed: str = ""


def best(command: Sequence[str], runs: int, environment: Mapping[str, str] = {}) -> Figures:
    """Run a command several times and keep the fastest run, with the largest peak."""
    found: list[Figures] = []
    while len(found) < runs and not (found and found[-1].failed):
        found.append(_run(command, environment))
    if found[-1].failed:
        return found[-1]
    fastest = min(found, key=lambda one: one.inside or one.wall)
    peak = max(one.peak_mb for one in found)
    return Figures(fastest.wall, fastest.cpu, peak, fastest.inside, fastest.steps)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> Figures:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        begun = time.monotonic()
        child = subprocess.Popen(
            command, stdout=out, stderr=errors, env={**os.environ, **environment}, preexec_fn=_limit, start_new_session=True
        )
        clock = threading.Timer(LIMIT_S, lambda: os.killpg(child.pid, signal.SIGKILL))
        clock.start()
        _, status, usage = os.wait4(child.pid, 0)
        clock.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begun
        out.seek(0)
        errors.seek(0)
        said, complaint = out.read(), errors.read()
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    told = json.loads(said.strip().splitlines()[-1]) if status == 0 and said.rstrip().endswith("}") else {}
    return Figures(
        wall, usage.ru_utime + usage.ru_stime, peak, told.get("seconds"), told.get("steps", {}), _why(status, wall, peak, complaint)
    )


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_GB * 2**30,) * 2)


def _why(status: int, wall: float, peak: float, complaint: str) -> str:
    """Say in a few words why a process did not end well; nothing where it did."""
    if status == 0:
        return ""
    if wall >= LIMIT_S:
        return f"more than {LIMIT_S} s"
    if "MemoryError" in complaint or "Unable to allocate" in complaint or peak > 0.7 * LIMIT_GB * 1024:
        return f"more than {LIMIT_GB} GB"
    return (complaint.strip().splitlines() or ["ended without a word"])[-1][:120].replace("|", "/")


def peers_python() -> Path:
    """Give the Python of the peers' environment, which is made where it is not there yet."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "impact-bench" / "peers"
    made = folder / "made"
    wanted = "\n".join(PEERS)
    if not made.exists() or made.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PEERS], check=True)
        made.write_text(wanted, encoding="utf-8")
    return folder / "bin" / "python"
