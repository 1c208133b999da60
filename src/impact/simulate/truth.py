"""The truth about people: who really left, when and why; who the survey could have asked. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from impact.simulate.chunk import NOWHERE, Lived
from impact.simulate.identities import names, phones
from impact.simulate.life import CAUSES, first_covered
from impact.simulate.platform_defects import is_test_account
from impact.simulate.platform_tables import first_days, first_trips, named
from impact.simulate.population import STOCK
from impact.simulate.scene import NEVER
from impact.simulate.study_tables import month_labels

_DAYS_A_MONTH = 30.4375


def worker_truth(one: Lived) -> pa.Table:
    """Write one row per account of a chunk: what the exports do not say of it."""
    people, life, world = one.people, one.life, one.scene.world
    left, closed = life.exit < NEVER, life.closed < NEVER
    start = first_days(one)
    exits = np.where(left, start[np.minimum(life.exit, world.months - 1)] + life.exit_day - 1, np.datetime64("NaT"))
    covered = first_covered(one.scene, one.pool, people)
    return pa.table(
        {
            "account_id": one.ids,
            "industry": pa.array([one.pool.industry] * len(left)).dictionary_encode(),
            "group": named(list(one.pool.groups), people.group),
            "city_id": named([city.id for city in one.scene.places], people.city),
            "kind": np.select(
                [is_test_account(one), people.never_trips, people.active], ["test", "never_trips", "worker"], "lapsed_before"
            ),
            "entry": pa.array(first_trips(one).astype("datetime64[D]")),
            "in_stock_at_start": people.active & (people.entry == STOCK),
            "exit": pa.array(exits.astype("datetime64[D]")),
            "cause": pa.array(np.array(CAUSES)[life.cause], mask=~left),
            "closed_month": month_labels(world.first, np.where(closed, life.closed, NEVER)),
            "closing": np.array(["open", "closed", "purged"])[life.closing],
            "first_covered": month_labels(world.first, np.where(covered < world.months, covered, NEVER)),
            "eligible": people.eligible,
            "score": people.score,
            "full_time": people.full_time,
            "multi_home": people.multi_home,
            "ability": people.ability,
            "frailty": people.frailty,
        }
    )


def workforce(one: Lived, month: int) -> pd.DataFrame:
    """List the people of the home city who are in service in a month, with what the survey asks about."""
    people, world = one.people, one.scene.world
    rows = np.nonzero(one.life.in_service[:, month] & (people.city == 0))[0]
    at = one.at[rows, month]
    worked = at != NOWHERE
    pay, months = one.pay, one.months

    def of(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.where(worked, values[np.where(worked, at, 0)], 0)

    units = {unit.id: unit for unit in one.scene.units}
    group = [one.pool.groups[place] for place in people.group[rows]]
    covered = first_covered(one.scene, one.pool, people)[rows]
    day = first_days(one)[month]
    return pd.DataFrame(
        {
            "account_id": one.ids.take(pa.array(rows)).to_pylist(),
            "industry": one.pool.industry,
            "platform_id": [world.platforms[place].id for place in people.platform[rows]],
            "unit": [name if name in units else "" for name in group],
            "district": [units[name].district if name in units else "" for name in group],
            "covered": covered <= month,
            "clause_eligible": people.eligible[rows],
            "sex": np.where(people.male[rows], "男", "女"),
            "birth_year": people.birth_year[rows],
            "veteran": people.veteran[rows],
            "disability_grade": people.disability_grade[rows],
            "chronic": people.chronic[rows],
            "name": names(people).take(pa.array(rows)).to_pylist(),
            "phone": phones(people).take(pa.array(rows)).to_pylist(),
            "tenure_months": np.maximum(0, (day - first_trips(one)[rows].astype("datetime64[D]")).astype(int) / _DAYS_A_MONTH).astype(int),
            "full_time": people.full_time[rows],
            "multi_home": people.multi_home[rows],
            "active_days": of(months.days),
            "online_hours": of(pay.online_hours),
            "engaged_hours": of(pay.engaged_hours),
            "orders": of(months.orders),
            "gross_yuan": of(pay.gross),
            "commission_yuan": of(pay.commission),
            "receipts_yuan": of(pay.receipts),
            "cost_yuan": of(pay.cost),
            "net_yuan": of(pay.net),
            "leaves_within_12_months": one.life.exit[rows] <= month + 12,
        }
    )
