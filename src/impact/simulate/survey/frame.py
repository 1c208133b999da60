"""The sampling frame: strata, how many questionnaires each gets, who gets one, who returns it. May touch: nothing.

Strata are industry × tenure × intensity. Industries get equal shares as far as they have people; inside, cells get shares by size, and workers are taken
systematically from a list ordered by platform.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from impact.simulate.streams import stream
from impact.simulate.survey.sitting import Floats, Sitting, fresh, is_member
from impact.simulate.world import World
from impact.simulate.world_parts import INDUSTRIES

TENURE_BANDS = ("<3", "3-12", "12-36", "36+")
AGE_BANDS = ("<30", "30-39", "40-49", "50+")
MARGINS = ("industry", "platform_group", "tenure_band", "intensity", "sex", "age_band")
_LEAST = 2
"""Questionnaires that a stratum gets at least, so that its variance can be told [A]."""


def framed(world: World, month: str, workforce: pd.DataFrame) -> pd.DataFrame:
    """Add what the frame knows of a worker: platform_group, tenure_band, intensity, age_band, stratum; ordered by account."""
    known = workforce.sort_values("account_id", ignore_index=True)
    age = int(month[:4]) - known["birth_year"].to_numpy()
    tenure = _banded(known["tenure_months"].to_numpy(), (3, 12, 36), TENURE_BANDS)
    intensity = np.where(known["full_time"].to_numpy(dtype=bool), "full", "part")
    known = known.assign(
        platform_group=np.where(known["platform_id"].isin(_giants(world)), "giant", "other"),
        tenure_band=tenure,
        intensity=intensity,
        age_band=_banded(age, (30, 40, 50), AGE_BANDS),
    )
    return known.assign(stratum=known["industry"] + "|" + known["tenure_band"] + "|" + known["intensity"])


def frame_counts(known: pd.DataFrame) -> pd.DataFrame:
    """Count the population by every combination of the margins, column `workers`."""
    return known.groupby(list(MARGINS), as_index=False).size().rename(columns={"size": "workers"})


def issue(world: World, number: int, known: pd.DataFrame) -> pd.DataFrame:
    """Take the workers who get a questionnaire, with frame_id and design_weight (workers of the stratum / questionnaires)."""
    shares = _allocated(world.survey.issued, known)
    parts = [_systematic(world, number, cell, shares[str(stratum)]) for stratum, cell in known.groupby("stratum", sort=True)]
    taken = pd.concat([known.iloc[:0].assign(design_weight=1.0), *parts], ignore_index=True)
    return taken.assign(frame_id=pd.Series([f"W{number}-{place + 1:04d}" for place in range(len(taken))], dtype="str"))


def returned(who: Sitting) -> NDArray[np.bool_]:
    """Tell who sends the questionnaire back: a logit whose intercept makes the expected share that of the world file."""
    survey, workers = who.world.survey, who.workers
    lean = survey.logit_member * is_member(who).astype(np.float64)
    lean += survey.logit_long_tenure * (workers["tenure_months"].to_numpy() >= 36)
    lean += survey.logit_part_time * ~workers["full_time"].to_numpy(dtype=bool)
    lean += survey.logit_covered * workers["covered"].to_numpy(dtype=bool)
    return fresh(who, "response") < _with_mean(lean, survey.returned_share)


def _with_mean(lean: Floats, share: float) -> Floats:
    """Give the probabilities of a logit with these terms whose mean is `share`."""
    if len(lean) == 0 or share in (0.0, 1.0):
        return np.full(len(lean), share)
    base = brentq(lambda shift: expit(shift + lean).mean() - share, -40.0, 40.0)
    return np.asarray(expit(base + lean), dtype=np.float64)


def _giants(world: World) -> set[str]:
    """List the largest platform of each industry."""
    by_size = sorted(world.platforms, key=lambda platform: platform.registered)
    return set({platform.industry: platform.id for platform in by_size}.values())


def _banded(values: NDArray[np.int64], cuts: tuple[int, ...], names: tuple[str, ...]) -> NDArray[np.str_]:
    return np.array(names)[np.searchsorted(np.array(cuts), values, side="right")]


def _allocated(issued: int, known: pd.DataFrame) -> dict[str, int]:
    """Share the questionnaires out: evenly to industries, then to strata by size."""
    people = known.groupby("industry").size()
    present = [industry for industry in INDUSTRIES if industry in people.index]
    even = _filled(issued, [int(people[industry]) for industry in present])
    cells = {industry: known.loc[known["industry"] == industry].groupby("stratum").size() for industry in present}
    return {
        str(stratum): taken
        for industry, total in zip(present, even, strict=True)
        for stratum, taken in zip(cells[industry].index, _by_size(total, cells[industry].to_numpy()), strict=True)
    }


def _filled(total: int, rooms: list[int]) -> list[int]:
    """Share a total evenly over rooms of limited size; what does not fit goes to the others, smallest room first."""
    result, left = [0] * len(rooms), total
    for place, position in enumerate(sorted(range(len(rooms)), key=lambda position: rooms[position])):
        result[position] = min(rooms[position], left // (len(rooms) - place))
        left -= result[position]
    return result


def _by_size(total: int, sizes: NDArray[np.integer[Any]]) -> list[int]:
    """Share a total over strata by size, at least two each where there are two, never more than there are: largest remainders."""
    least = np.minimum(sizes, _LEAST if total >= _LEAST * len(sizes) else 0)
    room, left = sizes - least, total - int(least.sum())
    exact = room * left / max(1, int(room.sum()))
    result = least + np.floor(exact).astype(int)
    order = np.argsort(-(exact - np.floor(exact)), kind="stable")
    result[order[: total - int(result.sum())]] += 1
    return [int(value) for value in result]


def _systematic(world: World, number: int, cell: pd.DataFrame, taken: int) -> pd.DataFrame:
    """Take every k-th worker of a stratum, from a random start."""
    listed = cell.sort_values(["platform_id", "account_id"])
    start = stream(world.seed, "survey", number, "start", str(cell["stratum"].iloc[0])).random()
    places = np.floor((start + np.arange(taken)) * len(listed) / max(1, taken)).astype(int)
    return listed.iloc[places].assign(design_weight=len(listed) / max(1, taken))
