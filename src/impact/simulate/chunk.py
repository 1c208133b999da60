"""One chunk of people lived through: life, working days, money. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from impact.simulate.identities import account_ids
from impact.simulate.life import Life, live, luck_of
from impact.simulate.money import Pay, PayTerms, pay_of, terms_of
from impact.simulate.orders import OrderLaw
from impact.simulate.population import People, Pool
from impact.simulate.scene import Scene
from impact.simulate.working_days import WorkerMonths, working_days

NOWHERE = -1
"""Where an account has no work in a month."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of the people of one chunk."""

    scene: Scene
    pool: Pool
    chunk: int
    people: People
    life: Life
    terms: PayTerms
    months: WorkerMonths
    pay: Pay
    ids: pa.Array
    """Id of each account."""
    at: NDArray[np.int64]
    """Where each account's month stands in `months` and `pay`; NOWHERE without work; shape (accounts, months)."""


def lived(scene: Scene, pool: Pool, chunk: int, people: People, law: OrderLaw, with_days: bool = False) -> Lived:
    """Let the people of a chunk live in a scene; `with_days` keeps the date of each working day."""
    life = live(scene, pool, people, luck_of(scene, pool, chunk, len(people.entry)))
    terms = terms_of(scene, pool, chunk, people, law)
    intensity = (people.days_share[:, None] * _season(scene) * np.exp(terms.log_hours)).astype(np.float32)
    months = working_days(life, people, intensity, law, with_days)
    pay = pay_of(scene, pool, chunk, people, months, terms)
    at = np.full(life.first_day.shape, NOWHERE)
    at[months.account, months.month] = np.arange(len(months.account))
    return Lived(scene, pool, chunk, people, life, terms, months, pay, account_ids(pool, people), at)


def _season(scene: Scene) -> NDArray[np.float64]:
    calendar = (scene.world.first + np.arange(scene.world.months)) % 12
    return np.asarray(scene.world.shocks.season)[calendar]
