"""The export of 问卷星 for one wave, by text and by option number, each as xlsx and as GB18030 CSV. May touch: the disk, below the folder it is told to write."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from impact.atomic import write_whole
from impact.schema.questionnaire import BY_FIELD, header
from impact.simulate.ledger import joined, ledger
from impact.simulate.survey.blemishes import Blemish, blemishes
from impact.simulate.survey.cells import DETAIL, FLAVOURS, SECONDS, Flavour, exported
from impact.simulate.survey.fieldwork import Wave
from impact.simulate.survey.workbook import csv_bytes, xlsx_bytes

FOLDER = "survey"
"""Folder of the survey below `raw/`, as the ledger names it."""
_SHEET = "Sheet1"
_ROW_DEFECTS = {
    "duplicate_exact": DETAIL,
    "duplicate_changed": DETAIL,
    "speeder": SECONDS,
    "straight_liner": "",
    "attention_failed": header(BY_FIELD["attn_check"]),
    "screened_out": header(BY_FIELD["consent"]),
}
"""Defects of whole submissions, all to be dropped, and the column that shows each."""


def write_wave(wave: Wave, folder: Path, scale: float, seed: int) -> pd.DataFrame:
    """Write the four exports, the issued list and the margins of a wave; give the ledger of what is wrong in them, one line per defect and file."""
    spoiled = blemishes(wave, scale, seed)
    ledgers = [_write_pair(wave, folder, flavour, spoiled) for flavour in FLAVOURS]
    listed = wave.issued.drop(columns="returned").assign(design_weight=wave.issued["design_weight"].round(6))
    write_whole(folder / f"wave{wave.number}_frame.csv", csv_bytes(listed, "utf-8-sig"))
    write_whole(folder / f"wave{wave.number}_margins.csv", csv_bytes(wave.frame_counts, "utf-8-sig"))
    return joined(ledgers)


def _write_pair(wave: Wave, folder: Path, flavour: Flavour, spoiled: tuple[Blemish, ...]) -> pd.DataFrame:
    """Write one flavour of the export in both formats, with the same cells in both."""
    table = _spoiled(exported(wave.answers, flavour), spoiled)
    stem = f"wave{wave.number}_{flavour}"
    files = {f"{stem}.xlsx": xlsx_bytes(table, _SHEET), f"{stem}_gb18030.csv": csv_bytes(table, "gb18030")}
    for name, data in files.items():
        write_whole(folder / name, data)
    return joined(part for name in files for part in _lines(wave, table, f"{FOLDER}/{name}", spoiled))


def _spoiled(table: pd.DataFrame, spoiled: tuple[Blemish, ...]) -> pd.DataFrame:
    result = table.copy()
    for blemish in spoiled:
        result.loc[blemish.row, header(BY_FIELD[blemish.field])] = blemish.written
    return result


def _lines(wave: Wave, table: pd.DataFrame, file: str, spoiled: tuple[Blemish, ...]) -> Iterator[pd.DataFrame]:
    """Give the lines of the ledger for one file; rows are counted as a spreadsheet does, the key is 序号."""
    listed = partial(ledger, file=file)
    for defect, column in _ROW_DEFECTS.items():
        places = [int(place) for place in _shows(wave.answers, defect).to_numpy().nonzero()[0]]
        written = table[column].iloc[places].tolist() if column else None
        yield listed(defect, rows=[place + 2 for place in places], keys=_keys(places), column=column, written=written)
    for blemish in spoiled:
        column, before, after = header(BY_FIELD[blemish.field]), [blemish.original], [blemish.written]
        yield listed(
            blemish.defect,
            rows=[blemish.row + 2],
            keys=_keys([blemish.row]),
            column=column,
            original=before,
            written=after,
            expected=blemish.expected,
        )


def _keys(places: list[int]) -> list[str]:
    return [str(place + 1) for place in places]


def _shows(answers: pd.DataFrame, defect: str) -> pd.Series[bool]:
    """Tell which submissions have a defect; a repeat is exact, or has other answers."""
    if defect == "duplicate_changed":
        return answers["duplicate_of"].notna() & ~answers["duplicate_exact"]
    return answers[defect].astype(bool)
