"""Who counts as eligible for the waiver: by records, or by what workers say. May touch: nothing."""

from __future__ import annotations

import numpy as np

from impact.simulate.chunk import Lived
from impact.simulate.population import Bools
from impact.simulate.streams import uniform

_DECLARED_AFTER = 3
"""Months after the agreement at which eligibility is asked of those still there, where it is declared and not recorded."""
_DECLARED_WRONGLY = 0.02
"""Share of the others who declare themselves eligible then."""


def has_waiver(one: Lived) -> bool:
    """Say whether the pool is a platform whose agreement pays commission back."""
    held = one.scene.by_platform.get(one.pool.name)
    return not one.pool.local and held is not None and held.effects.waives_commission


def eligible_as_known(one: Lived) -> Bools:
    """Say who counts as eligible: by records, or by what those still there declare after the agreement."""
    people, world = one.people, one.scene.world
    if world.eligible_from == "records":
        return people.eligible
    begin = min((held.start for held in one.scene.by_platform.values() if held.effects.waives_commission), default=0)
    there = one.life.in_service[:, min(begin + _DECLARED_AFTER, world.months - 1)]
    declares = uniform(people.key, 41) < _DECLARED_WRONGLY
    return np.asarray(there & (people.eligible | declares))
