"""What a platform exports of a chunk: accounts, worker-months, worker-days, without defects. May touch: nothing.

Columns and units as in the data dictionary (`raw_account`, `raw_worker_month`, `raw_worker_day` of `impact.schema`).
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from impact.months import label
from impact.simulate.chunk import NOWHERE, Lived
from impact.simulate.eligibility import eligible_as_known
from impact.simulate.identities import names, phones
from impact.simulate.life import CLOSED, OPEN, PURGED, first_covered, month_lengths, month_starts
from impact.simulate.population import STOCK, Bools, Integers
from impact.simulate.streams import mixed, uniform

CLAUSES = {"veteran": "CL02", "disability": "CL03", "score": "CL01"}
"""Clause of the printed agreement (`data/registry/clauses.yaml`) under which the commission is waived, by ground."""
_SPREAD = 60
"""Days after registration, or after the agreement where eligibility is declared, within which it is verified [A]."""
MONEY = ("gross", "take", "incentive", "waiver_refund", "penalty", "receipts", "cost_est", "net_est")
"""Columns in yuan."""
SOURCES = {"records": "登记档案", "self_report": "本人申报"}
"""How eligibility is known, as the exports put it."""
STATUS = ("active", "inactive", "closed", "purged")
Dates = NDArray[np.datetime64]
_MINUTE = np.timedelta64(1, "m")
_SHARED_DEVICES = 5
"""Devices of a platform from which bought registrations come [A]."""


def shares_device(one: Lived) -> Bools:
    """Say which accounts share a device with others: some of those that never take an order."""
    return np.asarray(one.people.never_trips & (uniform(one.people.key, 14) < one.scene.world.planted.shared_devices))


def devices(one: Lived) -> pa.Array:
    """Write device ids; bought registrations share a few devices of their platform."""
    random = mixed(one.people.key, 13)
    shared = mixed((random % np.uint64(_SHARED_DEVICES)) + np.uint64(crc32(one.pool.name.encode()) << 8), 15)
    device = np.where(shares_device(one), shared, random) >> np.uint64(16)
    return pc.binary_join_element_wise("D", pc.utf8_lpad(pc.cast(pa.array(device), pa.string()), 15, "0"), "")


def account_table(one: Lived) -> pa.Table:
    """Write one row per account of a chunk, with the direct identifiers that raw exports have."""
    people, world = one.people, one.scene.world
    registered = registrations(one)
    closed = np.where(
        one.life.closing == OPEN,
        np.datetime64("NaT"),
        first_days(one)[np.minimum(one.life.closed, world.months - 1)] + _day_of_closure(people.key),
    )
    status = np.array(["open", "closed", "purged"])[one.life.closing]
    columns = {
        "account_id": one.ids,
        "name": names(people),
        "phone": phones(people),
        "platform_id": named([platform.id for platform in world.platforms], people.platform),
        "city_id": named([city.id for city in one.scene.places], people.city),
        "reg_date": registered,
        "first_trip_date": first_trips(one),
        "sex": np.where(people.male, "男", "女"),
        "birth_year": people.birth_year.astype(np.int16),
        "veteran": people.veteran,
        "disability_grade": people.disability_grade.astype(np.int8),
        "chronic_illness": people.chronic,
        "eligibility_source": np.where(eligible_as_known(one), SOURCES[world.eligible_from], ""),
        "device_id": devices(one),
        "status": status,
        "closed_date": closed,
    }
    if one.scene.world.hardship_score:
        columns["hardship_score"] = people.score
    return pa.table(columns)


def eligibility_table(one: Lived) -> pa.Table:
    """Write one row for each account of a chunk that counts as eligible and is open at some time under the agreement."""
    people, world = one.people, one.scene.world
    start = first_covered(one.scene, one.pool, people)
    rows = np.nonzero(eligible_as_known(one) & (start < world.months) & (one.life.closed > start))[0]
    begin = first_days(one)[np.clip(start[rows], 0, world.months - 1)]
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
            "source": [SOURCES[world.eligible_from]] * len(rows),
            "verified_date": verified,
            "benefit_start": benefits,
            "benefit_yuan": np.round(paid, 2),
        }
    )


def _grounds(one: Lived, rows: Integers) -> list[str]:
    if one.scene.world.hardship_score:
        return ["score"] * len(rows)
    return ["disability" if grade else "veteran" for grade in one.people.disability_grade[rows]]


def month_table(one: Lived, month: int) -> tuple[pa.Table, NDArray[np.int64]]:
    """Write the worker-months of one month, one row per account on the books; with the place of each account in the chunk."""
    people, world, life = one.people, one.scene.world, one.life
    rows = np.nonzero((people.entry <= month) & (life.closed >= month))[0]
    place = one.at[rows, month]
    worked = place != NOWHERE
    pay, months = one.pay, one.months

    def of(values: NDArray[np.generic], kind: type = np.float64) -> NDArray[np.generic]:
        filled: NDArray[np.generic] = np.zeros(len(rows), dtype=kind)
        filled[worked] = values[place[worked]]
        return filled

    first = first_days(one)[month]
    random = mixed(people.key[rows] * np.uint64(256) + np.uint64(month), 21)
    columns = {
        "account_id": one.ids.take(pa.array(rows)),
        "ym": pa.array([label("month", world.first + month)] * len(rows)).dictionary_encode(),
        "city_id": named([city.id for city in one.scene.places], people.city[rows]),
        "active_days": of(months.days, np.int16),
        "online_h": of(pay.online_hours),
        "p1_h": of(pay.waiting_hours),
        "p2_h": of(pay.pickup_hours),
        "p3_h": of(pay.engaged_hours),
        "orders": of(months.orders, np.int32),
        "gross": of(pay.gross),
        "take": of(pay.commission),
        "incentive": of(pay.incentive),
        "waiver_refund": of(pay.waiver_refund),
        "penalty": of(pay.penalty),
        "receipts": of(pay.receipts),
        "cost_est": of(pay.cost),
        "net_est": of(pay.net),
        "complaints": np.where(worked, _complaints(random), 0).astype(np.int16),
        "rating": pa.array(np.round(4.6 + 0.4 * ((random >> np.uint64(20)) % np.uint64(1000)).astype(float) / 1000, 2), mask=~worked),
        "status_end": named(list(STATUS), _status(one, rows, month, worked)),
        "first_active_date": _active(first, of(months.first_day, np.int64), worked),
        "last_active_date": _active(first, of(months.last_day, np.int64), worked),
        "other_platform_flag": people.multi_home[rows],
    }
    return pa.table(columns), rows


def day_table(one: Lived, month: int) -> pa.Table:
    """Write the worker-days of one month; amounts add up to the month's to the fen, waiver refunds apart, which are paid by the month."""
    months, people = one.months, one.people
    assert months.day_of_month is not None
    assert one.pay.by_day is not None
    chosen = np.nonzero(months.month == month)[0]
    number = months.days[chosen]
    row = np.repeat(np.arange(len(chosen)), number)
    begin = np.cumsum(number) - number
    source = np.repeat(months.starts[chosen], number) + np.arange(len(row)) - np.repeat(begin, number)
    orders = months.day_orders[source].astype(np.int64)
    share = _cumulated(orders, row, begin, months.orders[chosen])
    date = first_days(one)[month] + months.day_of_month[source].astype(np.int64) - 1
    account = months.account[chosen][row]
    online, pickup, engaged = one.pay.by_day.online[source], one.pay.by_day.pickup[source], one.pay.by_day.engaged[source]
    money = {name: _split(getattr(one.pay, held)[chosen], row, share) for name, held in _DAY_MONEY.items()}
    start, end = _clock(people.key[account], date, online)
    columns = {
        "account_id": one.ids.take(pa.array(account)),
        "date": date.astype("datetime64[D]"),
        "city_id": named([city.id for city in one.scene.places], people.city[account]),
        "orders": orders.astype(np.int16),
        "online_h": online,
        "p1_h": np.round(online - pickup - engaged, 2),
        "p2_h": pickup,
        "p3_h": engaged,
        **money,
        "receipts": np.round(money["gross"] - money["take"] + money["incentive"] - money["penalty"], 2),
        "first_order_at": start,
        "last_order_at": end,
        "updated_at": (date + 1).astype("datetime64[s]") + np.timedelta64(4, "h"),
    }
    return pa.table(columns)


_DAY_MONEY = {"gross": "gross", "take": "commission", "incentive": "incentive", "penalty": "penalty", "cost_est": "cost"}


def _cumulated(
    parts: NDArray[np.int64], row: NDArray[np.int64], begin: NDArray[np.int64], total: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give the share of each row's total that is reached with each of its parts."""
    running = np.cumsum(parts)
    before = np.r_[0, running][begin]
    return (running - before[row]) / total[row], begin


def _split(total: NDArray[np.float64], row: NDArray[np.int64], share: tuple[NDArray[np.float64], NDArray[np.int64]]) -> NDArray[np.float64]:
    """Split totals over parts to the hundredth, so that the parts add up."""
    reached = np.round(share[0] * np.round(total * 100)[row])
    parts = np.diff(reached, prepend=0.0)
    parts[share[1]] = reached[share[1]]
    return np.asarray(parts / 100)


def _clock(keys: NDArray[np.uint64], date: Dates, hours: NDArray[np.float64]) -> tuple[Dates, Dates]:
    """Give the local times of the first and last order; each person starts at an hour of its own."""
    minute = (5 * 60 + 30 + mixed(keys, 22) % np.uint64(5 * 60)).astype(np.int64)
    start = (date.astype("datetime64[s]") + minute * _MINUTE).astype("datetime64[s]")
    end = (start + np.minimum(hours * 60, 24 * 60 - 1 - minute).astype(np.int64) * _MINUTE).astype("datetime64[s]")
    return start, end


def _active(first: np.datetime64, day: NDArray[np.generic], worked: NDArray[np.bool_]) -> Dates:
    """Give a working day of the month; missing where there was none."""
    return np.where(worked, first + day.astype(np.int64) - 1, np.datetime64("NaT")).astype("datetime64[D]")


def _complaints(random: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Draw complaints of a month: most people have none."""
    return np.asarray((random % np.uint64(97) < 6).astype(np.int64) + (random % np.uint64(89) < 3) + (random % np.uint64(83) < 1))


def _day_of_closure(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray((mixed(keys, 25) % np.uint64(25)).astype(np.int64))


def _status(one: Lived, rows: NDArray[np.int64], month: int, worked: NDArray[np.bool_]) -> NDArray[np.int64]:
    ends = one.life.closed[rows] == month
    closing = np.where(one.life.closing[rows] == PURGED, 3, 2)
    return np.where(ends & (one.life.closing[rows] >= CLOSED), closing, np.where(worked, 0, 1))


def first_days(one: Lived) -> Dates:
    """Give the first day of each month of the world."""
    return month_starts(one.scene.world.first, one.scene.world.months)[:-1]


def last_day(one: Lived, month: int) -> np.datetime64:
    """Give the last day of a month of the world."""
    lengths = month_lengths(one.scene.world.first, one.scene.world.months)
    return np.datetime64(first_days(one)[month] + (lengths[month] - 1))


def registrations(one: Lived) -> Dates:
    """Give the registration day; those of before registered with their tenure, or at some time in five years."""
    people, firsts = one.people, first_days(one)
    ago = np.where(people.active, 30.4375 * people.tenure_at_start, 30 + (mixed(people.key, 23) % np.uint64(1800)).astype(float)).astype(
        np.int64
    )
    lengths = month_lengths(one.scene.world.first, one.scene.world.months)
    place = np.maximum(people.entry, 0)
    within = firsts[place] + (people.entry_share * lengths[place]).astype(np.int64)
    return np.where(people.entry == STOCK, firsts[0] - 1 - ago, within)


def first_trips(one: Lived) -> Dates:
    """Give the day of the first order: within the world for entrants, soon after registration for those of before; missing where there is none."""
    people, firsts = one.people, first_days(one)
    place = one.at[np.arange(len(people.entry)), np.maximum(people.entry, 0)]
    seen = (people.entry != STOCK) & (place != NOWHERE)
    first = np.ones(len(place), dtype=np.int64)
    first[seen] = one.months.first_day[place[seen]]
    entrants = firsts[np.maximum(people.entry, 0)] + first - 1
    before = np.minimum(registrations(one) + (mixed(people.key, 24) % np.uint64(20)).astype(np.int64), firsts[0] - 1)
    trips = np.where(people.entry == STOCK, before, entrants)
    return np.where(people.never_trips, np.datetime64("NaT"), trips)


def named(held: list[str], place: NDArray[np.int64]) -> pa.Array:
    """Write names by their places, each name once."""
    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), pa.array(held))
