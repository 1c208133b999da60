"""A wave of the survey in memory, with what everybody asked would have answered: for scenarios about who does not answer. May touch: nothing.

The same person gives the same answer whether the questionnaire came back or not, so that the difference is of non-response alone. No fault is planted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.run.survey.weights import Uneven, uneven_response, weighted
from impact.simulate.chunk import lived
from impact.simulate.orders import order_law
from impact.simulate.population import Pool, people_of, pools
from impact.simulate.scene import Scene, scene_of
from impact.simulate.survey.answer_views import with_leaning
from impact.simulate.survey.answers import answer
from impact.simulate.survey.frame import MARGINS, frame_counts, framed, issue, returned
from impact.simulate.survey.sitting import sitting
from impact.simulate.truth import workforce
from impact.simulate.world import World
from impact.simulate.world_parts import AskedOfSurvey
from impact.survey.estimates import means
from impact.survey.sample import Sample

_VALUE = "value"


@dataclass(frozen=True, slots=True)
class SurveyRehearsal:
    """A share of workers as everybody asked would give it, and as those who answered do; all in per cent."""

    truth: float
    """Design-weighted over all who were issued a questionnaire."""
    estimates: dict[str, float]
    """By weighting: `unweighted`, `design`, `raked`, and `with_coverage`, raked to the count of the covered as well, which no real list holds today."""
    conf_low: float
    """Ends of the raked interval."""
    conf_high: float
    uneven: Uneven | None
    """Whether response differs by coverage beside the margins."""


def rehearse_survey(world: World, asked: AskedOfSurvey, level: float) -> SurveyRehearsal:
    """Issue a wave, let everybody answer in secret, and estimate from those whose questionnaire came back."""
    month = world.survey.waves[asked.wave - 1]
    known = with_leaning(framed(world, month, _workforce(world, month)))
    issued = issue(world, asked.wave, known)
    who = sitting(world, asked.wave, month, issued)
    given = answer(who)[asked.field]
    rows = issued.assign(valid=returned(who), value=100.0 * given.isin(asked.codes).to_numpy(dtype=float))
    # who refuses to take part has no answer, whether the questionnaire came back or not
    rows = rows[given.notna().to_numpy()].reset_index(drop=True)
    weighting = weighted(rows, frame_counts(known), MARGINS)
    aided = weighted(rows, _counts(known, (*MARGINS, "covered")), (*MARGINS, "covered"))
    samples = {**weighting.versions, "with_coverage": aided.versions["raked"]}
    told = means(_valued(samples["raked"]), (_VALUE,)).tidy(level).iloc[0]
    return SurveyRehearsal(
        truth=float(np.average(rows[_VALUE], weights=rows["design_weight"])),
        estimates={name: float(means(_valued(sample), (_VALUE,)).values[0]) for name, sample in samples.items()},
        conf_low=float(told["low"]),
        conf_high=float(told["high"]),
        uneven=uneven_response(rows, MARGINS),
    )


def _valued(sample: Sample) -> Sample:
    return replace(sample, frame=sample.frame[[_VALUE]])


def _workforce(world: World, month: str) -> pd.DataFrame:
    """Live through every pool, and list who is in service in the home city."""
    scene = scene_of(world)
    return pd.concat([part for pool in pools(scene) for part in _of_pool(scene, pool, world.place(month))], ignore_index=True)


def _of_pool(scene: Scene, pool: Pool, month: int) -> list[pd.DataFrame]:
    law = order_law(scene.world.work[pool.industry])
    chunks = (lived(scene, pool, chunk, people_of(scene, pool, chunk), law) for chunk in range(pool.chunks))
    return [workforce(one, month) for one in chunks]


def _counts(known: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    return known.groupby(list(columns), as_index=False).size().rename(columns={"size": "workers"})
