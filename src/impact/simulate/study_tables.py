"""The worker-months that an ideal cleaning of the raw exports would leave, joined to the agreements: what cleaning is held against. May touch: nothing.

One row for each person and month from the first to the last working day, pauses included. The last months of the world are left out, because an exit in them
cannot be told from a pause yet.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from impact import settings
from impact.months import label
from impact.simulate.absences import FAR, absences
from impact.simulate.chunk import NOWHERE, Lived
from impact.simulate.eligibility import eligible_as_known
from impact.simulate.life import first_covered
from impact.simulate.platform_tables import first_days, first_trips, named
from impact.simulate.population import Integers
from impact.simulate.scene import NEVER
from impact.simulate.streams import mixed

WINDOW = 90
"""Days of absence after which somebody has left."""
QUIET_MONTHS = 3
"""Months at the end in which exits are not known yet."""


def study_tables(one: Lived) -> dict[str, pa.Table]:
    """Give the worker-months of a chunk by the table that they belong to; other industries' platforms have none."""
    if not one.pool.local:
        if one.pool.industry != "ride_hail":
            return {}
        rows = _rows(one)
        waiver = {"waiver": _waiver(rows)} if one.pool.name in one.scene.by_platform else {}
        return {"ride_hail": rows, **waiver}
    rows, groups = _rows(one), {unit.id: unit.group for unit in one.scene.units}
    of_group = np.array([groups[name] for name in one.pool.groups])[one.people.group]
    held = _places(one)[0]
    return {str(group): rows.filter(pa.array(of_group[held] == group)) for group in np.unique(of_group)}


def _places(one: Lived) -> tuple[Integers, Integers]:
    """Give account and month of every row."""
    until = one.scene.world.months - QUIET_MONTHS
    account, month = np.nonzero(one.life.in_service[:, :until])
    return account, month


def _rows(one: Lived) -> pa.Table:
    account, month = _places(one)
    world, people, pay = one.scene.world, one.people, one.pay
    at = one.at[account, month]
    worked = at != NOWHERE
    gone = absences(one.months, world.first, world.months)

    def of(values: NDArray[np.float64], otherwise: float = 0.0) -> NDArray[np.float64]:
        filled = np.full(len(at), otherwise)
        filled[worked] = values[at[worked]]
        return filled

    covered = first_covered(one.scene, one.pool, people)
    online, net = of(pay.online_hours), of(pay.net)
    columns = {
        "worker": one.ids.take(pa.array(account)),
        "month": month_labels(world.first, month),
        **_where(one, account),
        "first_covered": month_labels(world.first, np.where(covered < world.months, covered, NEVER)[account]),
        "eligible": eligible_as_known(one)[account],
        "joined": pa.array(first_trips(one)[account].astype("datetime64[D]")),
        "left": pa.array(_left(one)[account]),
        "exit_30d": pa.array(of(gone.exit(30), np.nan), from_pandas=True),
        "exit_90d": pa.array(of(gone.exit(90), np.nan), from_pandas=True),
        "active_days": of(one.months.days.astype(float)).astype(np.int16),
        "orders": of(one.months.orders.astype(float)).astype(np.int32),
        "online_hours": online,
        "engaged_hours": of(pay.pickup_hours + pay.engaged_hours),
        "gross_yuan": of(pay.gross),
        "commission_yuan": of(pay.commission),
        "receipts_yuan": of(pay.receipts),
        "cost_yuan": of(pay.cost),
        "income_net_yuan": net,
        "hourly_net_yuan": pa.array(np.divide(net, online, out=np.full(len(net), np.nan), where=online > 0), from_pandas=True),
        "below_minimum": pa.array(_below_minimum(one, account, month, online, net), from_pandas=True),
    }
    return pa.table(columns)


def _where(one: Lived, account: Integers) -> dict[str, pa.Array]:
    """Give platform, city, and the unit and cluster at which coverage is decided."""
    world, people = one.scene.world, one.people
    platform = named([held.id for held in world.platforms], people.platform[account])
    city = named([held.id for held in one.scene.places], people.city[account])
    if not one.pool.local:
        unit = pc.binary_join_element_wise(pc.cast(platform, pa.string()), pc.cast(city, pa.string()), "·")
        return {"platform": platform, "city": city, "unit": unit.dictionary_encode(), "cluster": platform}
    firms, units = firms_and_units(one)
    return {"platform": platform, "city": city, "unit": firms.take(pa.array(account)), "cluster": units.take(pa.array(account))}


def firms_and_units(one: Lived) -> tuple[pa.Array, pa.Array]:
    """Give firm and bargaining unit of each account of a local pool; everybody stays with one firm."""
    units = {unit.id: unit for unit in one.scene.units}
    sizes = np.array([len(units[name].firms) for name in one.pool.groups])
    names = [firm for name in one.pool.groups for firm in units[name].firms]
    begin = np.cumsum(sizes) - sizes
    drawn = (mixed(one.people.key, 42) % np.uint64(2**31)).astype(np.int64)
    firm = begin[one.people.group] + drawn % sizes[one.people.group]
    return named(names, firm), named(list(one.pool.groups), one.people.group)


def _waiver(rows: pa.Table) -> pa.Table:
    """Set the eligible of a platform against its others, city by city; only the eligible count as covered."""
    eligible = rows["eligible"].to_numpy(zero_copy_only=False)
    unit = pc.binary_join_element_wise(pc.cast(rows["city"], pa.string()), pa.array(np.where(eligible, "eligible", "other")), "·")
    covered = pc.if_else(pa.array(eligible), pc.cast(rows["first_covered"], pa.string()), pa.scalar(None, pa.string()))
    changed = rows.set_column(rows.column_names.index("unit"), "unit", unit.combine_chunks().dictionary_encode())
    changed = changed.set_column(changed.column_names.index("cluster"), "cluster", unit.combine_chunks().dictionary_encode())
    return changed.set_column(changed.column_names.index("first_covered"), "first_covered", covered.combine_chunks().dictionary_encode())


def _left(one: Lived) -> NDArray[np.datetime64]:
    """Give the last working day of those whose absence after it is longer than the window and does not end; missing for the others."""
    gone = absences(one.months, one.scene.world.first, one.scene.world.months)
    final = (gone.gap == FAR) & (gone.last + WINDOW <= gone.end)
    days = np.full(len(one.people.entry), np.datetime64("NaT"), dtype="datetime64[D]")
    days[one.months.account[final]] = first_days(one)[0] + gone.last[final]
    return days


def _below_minimum(
    one: Lived, account: Integers, month: Integers, online: NDArray[np.float64], net: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Say whether net pay lies below the city's minimum wage for the hours online, a standard month at most; missing without work."""
    lowest = one.scene.minimum_wage[one.people.city[account], month] * np.minimum(1.0, online / settings.STANDARD_MONTH)
    return np.where(online > 0, (net < lowest).astype(float), np.nan)


def month_labels(first: int, place: Integers) -> pa.Array:
    """Write months as 2025-03; missing where the place is NEVER."""
    known = place[place < NEVER]
    low, high = int(known.min(initial=0)), int(known.max(initial=0))
    names = pa.array([label("month", first + at) for at in range(low, high + 1)])
    return pa.DictionaryArray.from_arrays(pa.array(np.where(place < NEVER, place - low, 0).astype(np.int32), mask=place >= NEVER), names)
