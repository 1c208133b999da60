"""Cells of an export that say what no honest cell says: impossible incomes, full-width digits, phone and identity numbers in open text. May touch: nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from impact.simulate.streams import stream
from impact.simulate.survey.fieldwork import Wave

_COUNTS = {"income_in_wan": 0.004, "income_in_fen": 0.003, "full_width_digits": 0.006, "phone_in_text": 0.008, "id_number_in_text": 0.0}
"""Share of the submissions with each blemish at scale 1; at any scale above zero there is at least one [A]."""
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_LEAST_NET = 2000
"""Net income from which on a slip of unit is impossible and not just odd."""
_REGION = "370200"
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
"""Checksum of identity numbers, GB 11643-1999."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Blemish:
    """One spoiled cell; it stands in every file of the wave."""

    defect: str
    row: int
    """Position among the submissions, from 0."""
    field: str
    original: str
    written: str
    expected: str
    """What cleaning should do: `change` where the cell can be mended, `flag` where it must not be guessed."""


@dataclass(frozen=True, slots=True)
class _Kind:
    field: str
    expected: str
    fits: Callable[[pd.DataFrame], pd.Series[bool]]
    """Rows where it can be planted."""
    write: Callable[[Row], str]
    """Writes the cell of a row, which knows name and phone."""


def blemishes(wave: Wave, scale: float, seed: int) -> tuple[Blemish, ...]:
    """Draw the cells to spoil, all on valid submissions that nobody repeats, at most one on each."""
    people = wave.issued.set_index("frame_id")[["name", "phone"]]
    rows = wave.answers.join(people, on="frame_id").reset_index(drop=True)
    free = rows["valid"] & ~rows["resp_id"].isin(rows["duplicate_of"].dropna())
    order = pd.Series(stream(seed, "survey", wave.number, "blemishes").permutation(len(rows)))
    order = order[free.to_numpy()[order]]
    found: list[Blemish] = []
    for name, kind in _KINDS.items():
        fits = kind.fits(rows).fillna(False).to_numpy(dtype=bool)
        places = order[fits[order] & ~order.isin([blemish.row for blemish in found])]
        found += [_blemish(name, kind, rows, place) for place in places[: _count(name, scale, len(rows))]]
    return tuple(found)


def identity_number(birth_year: int, sequence: int) -> str:
    """Write an identity number of the region 370200, which is nobody's: no county has this code."""
    body = f"{_REGION}{birth_year:04d}0615{sequence:03d}"
    return body + _CHECKS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def _count(name: str, scale: float, rows: int) -> int:
    return max(1, round(_COUNTS[name] * scale * rows)) if scale > 0 else 0


def _blemish(name: str, kind: _Kind, rows: pd.DataFrame, place: int) -> Blemish:
    row: Row = {str(name): value for name, value in rows.loc[place].items()}
    return Blemish(name, int(place), kind.field, str(row[kind.field]), kind.write(row), kind.expected)


def _plausible_net(rows: pd.DataFrame) -> pd.Series[bool]:
    """Find incomes whose slip of unit shows: large enough, and with decimals when written in units of ten thousand."""
    return (rows["inc_net_30"] >= _LEAST_NET) & (rows["inc_net_30"] % 10000 != 0)


def _wan(row: Row) -> str:
    """Type 6,000 yuan as 0.6, in units of ten thousand."""
    return str(round(int(str(row["inc_net_30"])) / 10000, 4))


def _fen(row: Row) -> str:
    return str(int(str(row["inc_net_30"])) * 100)


def _wide(row: Row) -> str:
    return str(row["inc_gross_30"]).translate(_FULL_WIDTH)


def _with_phone(row: Row) -> str:
    return f"{row['open_text']}。我叫{row['name']}，电话{row['phone']}，请回电"


def _with_identity(row: Row) -> str:
    return f"{row['open_text']}，身份证{identity_number(int(str(row['birth_year'])), 21)}，帮我查一下入会没有"


def _writes(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["open_text"].notna()


_KINDS: dict[str, _Kind] = {
    "income_in_wan": _Kind("inc_net_30", "flag", _plausible_net, _wan),
    "income_in_fen": _Kind("inc_net_30", "flag", _plausible_net, _fen),
    "full_width_digits": _Kind("inc_gross_30", "change", lambda rows: rows["inc_gross_30"] > 0, _wide),
    "phone_in_text": _Kind("open_text", "change", _writes, _with_phone),
    "id_number_in_text": _Kind("open_text", "change", _writes, _with_identity),
}
