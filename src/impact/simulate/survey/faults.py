"""Submissions that quality control should drop: copies, second tries, speeders, straight-liners, the inattentive, those who do not consent. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.schema.questionnaire import LIKERT
from impact.schema.questionnaire.items_views import ATTENTION_ANSWER
from impact.simulate.streams import stream
from impact.simulate.survey.answers import answer, skipped
from impact.simulate.survey.sitting import Sitting, sitting
from impact.simulate.survey.submission import MEDIAN_SECONDS, submitted
from impact.simulate.world import World

SHARES = {"copied": 0.10, "tried_again": 0.08, "speeder": 0.26, "straight_liner": 0.20, "attention_failed": 0.20, "screened_out": 0.16}
"""How the invalid share of the world file is made up [A]."""
MARKS = ("speeder", "straight_liner", "attention_failed", "screened_out")
"""Truth columns that make a submission invalid, beside `duplicate_of`."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Faults:
    """Positions of the submissions with each fault; no submission has two."""

    copied: Places
    tried_again: Places
    speeder: Places
    straight_liner: Places
    attention_failed: Places
    screened_out: Places


def with_faults(who: Sitting, clean: pd.DataFrame) -> pd.DataFrame:
    """Spoil some submissions and add copies and second tries; ordered and numbered by the time of submission.

    Adds resp_id, duplicate_of (resp_id of the first submission of the same person, missing for most), duplicate_exact (every answer is the same),
    the marks and valid.
    """
    faults = _drawn(who.world, who.wave, len(clean))
    draw = stream(who.world.seed, "survey", who.wave, "faults")
    marked = clean.assign(**{mark: _at(getattr(faults, mark), len(clean)) for mark in MARKS})
    marked = marked.assign(order=np.arange(len(clean)), first=-1, duplicate_exact=False)
    spoiled = skipped(_inattentive(_straight(_hurried(_refusing(marked, draw), draw), draw), draw))
    whole = pd.concat([spoiled, *_repeats(who, spoiled, faults, draw)], ignore_index=True)
    return _numbered(who.wave, whole)


def _drawn(world: World, wave: int, rows: int) -> Faults:
    """Draw distinct submissions for every fault; their number is the invalid share times the scale of planted defects."""
    invalid = rows * (1 - world.survey.valid_share) * world.planted.survey
    counts = [round(invalid * share) for share in SHARES.values()]
    places = stream(world.seed, "survey", wave, "spoiled").permutation(rows)
    ends = np.minimum(np.cumsum(counts), rows)
    return Faults(*(np.sort(part) for part in np.split(places[: ends[-1]], ends[:-1])))


def _at(places: Places, rows: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(rows), places)


def _refusing(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Let the screened out refuse consent, which ends the questionnaire within half a minute."""
    rows = frame["screened_out"].to_numpy(dtype=bool)
    return _timed(frame.assign(consent=frame["consent"].mask(rows, 0)), rows, draw.uniform(8, 30, rows.sum()))


def _hurried(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Give speeders a tenth to three tenths of the median time."""
    rows = frame["speeder"].to_numpy(dtype=bool)
    return _timed(frame, rows, MEDIAN_SECONDS * draw.uniform(0.10, 0.29, rows.sum()))


def _timed(frame: pd.DataFrame, rows: NDArray[np.bool_], seconds: NDArray[np.float64]) -> pd.DataFrame:
    """Let the start be so many seconds before the end in some rows."""
    start = frame["start_ts"].to_numpy(copy=True)
    start[rows] = frame["end_ts"].to_numpy()[rows] - np.round(seconds).astype("timedelta64[s]")
    return frame.assign(start_ts=start)


def _straight(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Let straight-liners tick the same step everywhere, the reversed and the attention item included, which they therefore fail."""
    rows = frame["straight_liner"].to_numpy(dtype=bool)
    step = pd.Series(draw.choice([3, 4, 5], len(frame), p=[0.4, 0.35, 0.25]), dtype="Int64")
    ticked = {field: frame[field].mask(rows, step) for field in LIKERT}
    return frame.assign(**ticked, attention_failed=frame["attention_failed"].to_numpy() | rows)


def _inattentive(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Let the inattentive miss the attention item."""
    rows = (frame["attention_failed"] & ~frame["straight_liner"]).to_numpy(dtype=bool)
    others = [step for step in range(1, 6) if step != ATTENTION_ANSWER]
    return frame.assign(attn_check=frame["attn_check"].mask(rows, pd.Series(draw.choice(others, len(frame)), dtype="Int64")))


def _repeats(who: Sitting, frame: pd.DataFrame, faults: Faults, draw: np.random.Generator) -> list[pd.DataFrame]:
    """Make the copies, minutes later from the same device, and the second tries, days later with other answers."""
    minutes = pd.to_timedelta(np.round(draw.uniform(40, 900, len(faults.copied))), unit="s").to_numpy().astype("timedelta64[s]")
    copies = frame.iloc[faults.copied].assign(first=faults.copied, duplicate_exact=True)
    copies = copies.assign(start_ts=copies["start_ts"].to_numpy() + minutes, end_ts=copies["end_ts"].to_numpy() + minutes)
    again = sitting(who.world, who.wave, who.month, who.workers.iloc[faults.tried_again], again=True)
    tries = submitted(again, answer(again)).assign(first=faults.tried_again, duplicate_exact=False, order=-1, **dict.fromkeys(MARKS, False))
    return [part.assign(order=-1) for part in (copies, tries) if len(part)]


def _numbered(wave: int, whole: pd.DataFrame) -> pd.DataFrame:
    """Number submissions by time and let repeats point at the number of the first."""
    ranked = whole.sort_values(["end_ts", "frame_id"], kind="stable", ignore_index=True)
    numbers = np.array([f"W{wave}-R{place + 1:04d}" for place in range(len(ranked))], dtype=object)
    name_of = dict(zip(ranked["order"], numbers, strict=True))
    repeat_of = ranked["first"].map(partial(_name, name_of)).astype("string")
    invalid = ranked[list(MARKS)].any(axis=1) | repeat_of.notna()
    return ranked.assign(resp_id=numbers, duplicate_of=repeat_of, valid=~invalid).drop(columns=["order", "first"])


def _name(name_of: dict[int, str], place: int) -> str | None:
    return name_of[place] if place >= 0 else None
