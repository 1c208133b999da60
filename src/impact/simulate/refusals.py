"""Whether cleaning stops at what is wrong with whole files of a world, and names each of them. May touch: a folder for the time of asking, the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from impact.errors import DataError
from impact.run.delivery import clean_delivery, open_delivery
from impact.simulate.simulate import simulate
from impact.simulate.world import World
from impact.sources.engine import connect
from impact.study.delivery import Declared, Delivery

_SAYS = {"fen_for_yuan": "money in fen", "day_first_date": "dates also as %d/%m/%Y"}
"""Defect of a whole file → what somebody who knows the file would declare of it."""
_PLATFORMS = ("platform/**/[A-Z][A-Z][0-9][0-9]*",)
"""Files of platforms; those of the home city's employers carry no such defect."""
_TABLES = ("account", "worker_month", "truth")


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is wrong with whole files, and which of them cleaning stopped at."""

    planted: tuple[str, ...]
    named: tuple[str, ...]
    first_message: str
    passes: bool
    """Whether cleaning goes through once everything that it named has been declared."""

    @property
    def all_named(self) -> bool:
        """Say whether every file was named, and nothing stood in the way afterwards."""
        return bool(self.planted) and set(self.planted) == set(self.named) and self.passes


def refusals(world: World, delivery: Delivery) -> Refusals:
    """Clean the exports of a world with nothing declared, then declare file by file what cleaning stopped at, until it goes through.

    `delivery` says which files are which table; its declarations do not count, and neither do tables other than accounts and worker-months.
    """
    with TemporaryDirectory() as folder:
        simulate(world, Path(folder) / "world", _TABLES)
        raw = Path(folder) / "world" / "raw"
        ledger = pd.read_parquet(raw.parent / "truth" / "defects.parquet")
        planted = {str(file): str(defect) for file, defect in zip(ledger["file"], ledger["defect"], strict=True) if defect in _SAYS}
        complaints = list(_complaints(raw, delivery, planted))
    named = tuple(dict.fromkeys(file for _, files in complaints for file in files))
    return Refusals(tuple(sorted(planted)), named, complaints[0][0] if complaints else "", not complaints or bool(complaints[-1][1]))


def _complaints(raw: Path, delivery: Delivery, planted: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Give what each attempt is refused for, with the planted files that are named for the first time; after one that names none, nothing more is tried."""
    tables = {name: patterns for name, patterns in delivery.tables.items() if name in ("account", "worker_month")}
    declared: dict[str, Declared] = {}
    while True:
        mine = delivery.model_copy(update={"tables": tables, "declared": tuple(declared.values())})
        complaint = _complaint(raw, mine)
        if not complaint:
            return
        files = [file for file in planted if file in complaint and file not in declared]
        yield complaint, files
        if not files:
            return
        declared |= {file: _declared(file, planted[file]) for file in files}


def _declared(file: str, defect: str) -> Declared:
    content = {"files": file, "says": _SAYS[defect], "reason": "the ledger of the world", "who": "the world", "when": date(2026, 7, 1)}
    return Declared.model_validate(content)


def _complaint(raw: Path, delivery: Delivery) -> str:
    """Clean, and say what stood in the way; empty where nothing did."""
    try:
        cleaned = clean_delivery(open_delivery(connect(), raw, delivery, _PLATFORMS))
    except DataError as error:
        return str(error)
    return "\n".join(f"{finding.where}: {finding.text.en}" for finding in cleaned.findings if finding.level == "stop")
