"""Workers on one occasion of answering, and random numbers that belong to the worker and not to the row. May touch: nothing.

What lasts (education, membership) is drawn from seed, account and name alone, so that it is the same in every wave; what is of the day is drawn from the
occasion too.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from impact.simulate.streams import mixed
from impact.simulate.world import World

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sitting:
    """Some workers who fill in the questionnaire on one occasion."""

    world: World
    wave: int
    month: str
    workers: pd.DataFrame
    """One row per worker, as the frame has them, with `income_score` and `turnover_lean`."""
    keys: NDArray[np.uint64]
    """Hash of the account, shape (workers,)."""
    occasion: str
    """Name of the occasion: the wave, and whether it is a second try of the same person."""


def sitting(world: World, wave: int, month: str, workers: pd.DataFrame, again: bool = False) -> Sitting:
    """Seat some workers; `again` gives another occasion in the same wave."""
    return Sitting(world, wave, month, workers.reset_index(drop=True), _keys(workers), f"{wave} again" if again else str(wave))


def lasting(who: Sitting, name: str) -> Floats:
    """Draw uniform numbers that a person keeps over waves, shape (workers,)."""
    return _uniform(who.keys, f"{who.world.seed}/survey/{name}")


def fresh(who: Sitting, name: str) -> Floats:
    """Draw uniform numbers of this occasion, shape (workers,)."""
    return _uniform(who.keys, f"{who.world.seed}/survey/{who.occasion}/{name}")


def normal(uniform: Floats) -> Floats:
    """Turn uniform numbers into standard normal ones."""
    return np.asarray(ndtri(uniform), dtype=np.float64)


def picked(uniform: Floats, codes: tuple[int, ...], shares: tuple[float, ...]) -> Floats:
    """Pick one of the codes for each uniform number, with these shares."""
    steps = np.cumsum(shares)[:-1] / sum(shares)
    return np.asarray(codes, dtype=np.float64)[np.searchsorted(steps, uniform, side="right")]


def is_member(who: Sitting) -> NDArray[np.bool_]:
    """Tell who is a union member; the same in every wave."""
    return lasting(who, "member") < who.world.survey.member_share


def _keys(workers: pd.DataFrame) -> NDArray[np.uint64]:
    return np.array([crc32(account.encode()) for account in workers["account_id"].astype(str)], dtype=np.uint64)


def _uniform(keys: NDArray[np.uint64], name: str) -> Floats:
    """Hash keys into the middles of 2⁵³ cells of (0, 1), so that neither end is met."""
    return ((mixed(keys, crc32(name.encode())) >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
