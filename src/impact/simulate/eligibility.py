"""Who is named by the waiver clause, when that was verified, and what it brought. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from impact.simulate.chunk import Lived
from impact.simulate.life import first_covered
from impact.simulate.platform_tables import first_days, registrations
from impact.simulate.population import Integers
from impact.simulate.streams import mixed
from impact.simulate.study_tables import eligible_as_known

CLAUSES = {"veteran": "CL02", "disability": "CL03", "score": "CL01"}
"""Clause of the printed agreement (`data/registry/clauses.yaml`) under which the commission is waived, by ground."""
_SPREAD = 60
"""Days after registration, or after the agreement where eligibility is declared, within which it is verified [A]."""


def has_waiver(one: Lived) -> bool:
    """Say whether the pool is a platform whose agreement pays commission back."""
    held = one.scene.by_platform.get(one.pool.name)
    return not one.pool.local and held is not None and held.effects.waives_commission


def eligibility_table(one: Lived) -> pa.Table:
    """Write one row for each account of a chunk that counts as eligible and is open when the agreement takes effect."""
    people, world = one.people, one.scene.world
    start = first_covered(one.scene, one.pool, people)
    rows = np.nonzero(eligible_as_known(one) & (start < world.months) & (one.life.closed > start))[0]
    begin = first_days(one)[np.minimum(start[rows], world.months - 1)]
    registered = registrations(one)[rows]
    wait = (mixed(people.key[rows], 43) % np.uint64(_SPREAD)).astype(np.int64)
    paid = np.bincount(one.months.account, one.pay.waiver_refund, minlength=len(people.key))[rows]
    recorded = world.eligible_from == "records"
    agreement = one.scene.by_platform[one.pool.name].agreement
    verified = (registered if recorded else np.maximum(begin, registered)) + wait
    before = recorded & (verified < np.datetime64(agreement.offer))
    benefits = np.where(paid > 0, np.maximum(begin, registered), np.datetime64("NaT"))
    return pa.table(
        {
            "account_id": one.ids.take(pa.array(rows)),
            "clause_id": [f"{agreement.id}-{CLAUSES[ground]}" for ground in _grounds(one, rows)],
            "eligible_pre": before.astype(np.int8),
            "source": ["登记档案" if recorded else "本人申报"] * len(rows),
            "verified_date": verified,
            "benefit_start": benefits,
            "benefit_yuan": np.round(paid, 2),
        }
    )


def _grounds(one: Lived, rows: Integers) -> list[str]:
    if one.scene.world.hardship_score:
        return ["score"] * len(rows)
    return ["disability" if grade else "veteran" for grade in one.people.disability_grade[rows]]
