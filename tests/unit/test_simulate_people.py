"""People come, work, pause and leave as the world file says; an agreement changes what it says and nothing else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from impact.simulate import population
from impact.simulate.absences import FAR, absences
from impact.simulate.chunk import Lived, lived
from impact.simulate.life import Life, live, luck_of, month_lengths
from impact.simulate.orders import order_law
from impact.simulate.population import STOCK, People, Pool, people_of, pools
from impact.simulate.scene import NEVER, Scene, scene_of
from impact.simulate.world import World, load_world
from impact.simulate.world_parts import Agreement, Bilingual, Effects

DEFAULT = Path(__file__).parents[2] / "worlds" / "default.yaml"
SIZES = {"RH01": 12_000, "RH02": 4_000, "DL01": 4_000, "FR01": 2_000, "CR01": 2_000}
START = 20
"""Month, counted from the world's first, from which the tests' agreements hold: 2025-03."""
INDUSTRIES = {"ride_hail": "RH01", "freight": "FR01", "courier": "CR01", "delivery": "DL01"}
every_industry = pytest.mark.parametrize("industry", INDUSTRIES)


@cache
def default() -> World:
    return load_world(DEFAULT)


def platforms(sizes: dict[str, int], **changes: object) -> tuple:
    return tuple(one.model_copy(update={"registered": sizes[one.id], **changes}) for one in default().platforms if one.id in sizes)


def world(sizes: dict[str, int] = SIZES, effects: Effects | None = None, **changes: object) -> World:
    """A world without shocks, events and income's pull on leaving; with one agreement on RH01 where effects are given."""
    flat = {"shocks": default().shocks.model_copy(update={"hazard_sd": 0.0, "income_sd": 0.0})}
    bare = {"scale": 1.0, "events": (), "campaign": None, "local_units": ()}
    people = {"people": default().people.model_copy(update={"income_slope": 0.0})}
    signed = (agreement(effects),) if effects else ()
    return default().model_copy(update={"platforms": platforms(sizes), "agreements": signed, **flat, **bare, **people, **changes})


def agreement(effects: Effects) -> Agreement:
    return Agreement(
        id="one",
        name=Bilingual(en="One", zh="一"),
        industry="ride_hail",
        platform="RH01",
        pathway="上带下",
        offer=date(2024, 9, 1),
        talks=date(2024, 10, 1),
        signed=date(2025, 2, 1),
        effective=date(2025, 3, 1),
        effects=effects,
    )


def without_pauses(held: World) -> World:
    return held.model_copy(update={"work": {name: work.model_copy(update={"return_share": 0.0}) for name, work in held.work.items()}})


def pool_of(scene: Scene, name: str) -> Pool:
    return next(pool for pool in pools(scene) if pool.name == name)


def one_of(scene: Scene, name: str = "RH01", chunk: int = 0, with_days: bool = False) -> Lived:
    pool = pool_of(scene, name)
    return lived(scene, pool, chunk, people_of(scene, pool, chunk), order_law(scene.world.work[pool.industry]), with_days)


@cache
def plain(name: str) -> Lived:
    """A platform of the flat world, with its days."""
    return one_of(scene_of(world()), name, with_days=True)


def newcomers(held: World, name: str, number: int) -> tuple[Pool, People, Life]:
    """Let people begin together on the first day of the world."""
    scene = scene_of(held)
    pool = pool_of(scene, name)
    nobody = np.zeros(number, dtype=bool)
    pool = replace(pool, group=np.zeros(number, dtype=int), entry=np.zeros(number, dtype=int), lapsed=nobody, never_trips=nobody)
    people = replace(people_of(scene, pool, 0), entry_share=np.zeros(number))
    return pool, people, live(scene, pool, people, luck_of(scene, pool, 0, number))


def arrays(record: object, path: str = "") -> dict[str, np.ndarray]:
    """List every array of a record and of the records in it."""
    found: dict[str, np.ndarray] = {}
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            found[path + field.name] = value
        elif is_dataclass(value) and field.name not in ("scene", "pool"):
            found |= arrays(value, f"{path}{field.name}.")
    return found


def assert_same(left: Lived, right: Lived) -> None:
    one, other = arrays(left), arrays(right)
    assert set(one) == set(other)
    for name in one:
        assert_array_equal(one[name], other[name], err_msg=name)


def binomial_error(share: np.ndarray | float, number: np.ndarray | float) -> np.ndarray | float:
    return np.sqrt(np.maximum(share * (1 - share), 1e-12) / number)


def clustered_error(values: np.ndarray, people: np.ndarray) -> float:
    """Standard error of a mean over days, where the days of a person move together."""
    summed = np.bincount(people, values - values.mean())
    return float(np.sqrt((summed**2).sum()) / len(values))


# Coming and leaving


@every_industry
def test_newcomers_leave_at_the_hazards_of_the_file(industry):
    number, held = 20_000, without_pauses(world(months=36))
    _, _, life = newcomers(held, INDUSTRIES[industry], number)
    hazards = np.zeros(36)
    for step in held.work[industry].hazards:
        hazards[step.from_month :] = step.hazard
    expected = np.cumprod(1 - hazards)
    seen = np.array([(life.exit > month).mean() for month in range(36)])
    assert np.abs((seen - expected) / binomial_error(expected, number)).max() < 4


def test_pauses_do_not_make_people_stay_longer():
    _, _, life = newcomers(world(months=12), "DL01", 20_000)
    expected = 0.8**2 * 0.92
    assert abs((life.exit > 2).mean() - expected) < 4 * binomial_error(expected, 20_000)


def test_newcomers_of_ride_hail_last_a_year_in_57_of_100_cases_and_the_stock_loses_30_of_100():
    law = plain("RH01").pool.law
    assert law.survival[12] == pytest.approx(0.57, abs=0.03)
    assert 1 - (1 - law.stock_hazard) ** 12 == pytest.approx(0.30, abs=0.03)


@pytest.mark.parametrize("industry", ["ride_hail", "freight", "courier", "delivery"])
def test_the_stock_neither_grows_nor_shrinks(industry):
    name = INDUSTRIES[industry]
    held = without_pauses(world({name: 20_000}, platforms=platforms({name: 16_000}, active_share=0.9)))
    scene = scene_of(held)
    pool = pool_of(scene, name)
    everybody = [people_of(scene, pool, chunk) for chunk in range(pool.chunks)]
    lives = [live(scene, pool, people, luck_of(scene, pool, chunk, len(people.entry))) for chunk, people in enumerate(everybody)]

    def there(month: int) -> int:
        return sum(
            int((people.active & (people.entry <= month) & (life.exit > month)).sum())
            for people, life in zip(everybody, lives, strict=True)
        )

    ends = there(-1), there(35)
    assert abs(ends[1] - ends[0]) < 4 * np.sqrt(ends[0])  # the variance of who is there is below their number


def test_those_who_last_are_those_with_low_frailty():
    pool, people, life = newcomers(without_pauses(world(months=36)), "RH01", 20_000)
    variance = default().people.frailty_variance
    for month in (0, 11, 23, 35):
        there = people.frailty[life.exit > month]
        expected = 1 / (1 + variance * pool.law.cumulative[month + 1])
        assert abs(there.mean() - expected) < 4 * np.sqrt(variance) * expected / np.sqrt(len(there))


def test_the_stock_has_the_frailty_of_those_who_have_lasted_so_long():
    one = plain("RH01")
    stock = one.people.entry == STOCK
    variance = default().people.frailty_variance
    for low, high in ((0, 6), (6, 24), (24, 120)):
        chosen = stock & (one.people.tenure_at_start >= low) & (one.people.tenure_at_start < high)
        scaled = one.people.frailty[chosen] * (1 + variance * one.pool.law.reached(one.people.tenure_at_start[chosen]))
        assert scaled.mean() == pytest.approx(1, abs=4 * np.sqrt(variance / chosen.sum()))
        assert scaled.var() == pytest.approx(variance, rel=0.15)


def test_a_platform_loses_the_yearly_share_that_its_file_asks_for():
    scene = scene_of(without_pauses(world(platforms=platforms({"RH02": 18_000}, active_share=0.9, annual_churn=0.45))))
    one = one_of(scene, "RH02")
    stock = one.people.active & (one.people.entry == STOCK)
    left = (one.life.exit[stock] == 0).mean()
    expected = 1 - (1 - 0.45) ** (1 / 12)
    assert abs(left - expected) < 4 * binomial_error(expected, stock.sum())


def test_of_30_day_absences_the_stated_share_ends_within_60_days_more():
    one = plain("RH01")
    held = absences(one.months, one.scene.world.first, one.scene.world.months)
    seen = one.people.full_time[one.months.account] & (held.gap > 30) & (held.last + 90 <= held.end)
    back = (held.gap[seen] <= 90).mean()
    target = default().work["ride_hail"].return_share
    assert target == 0.18
    assert abs(back - target) < 4 * binomial_error(target, seen.sum())


def test_no_full_timer_comes_back_after_more_than_90_days():
    for name in ("RH01", "DL01", "FR01", "CR01"):
        one = plain(name)
        gap = absences(one.months, one.scene.world.first, one.scene.world.months).gap
        pauses = gap[one.people.full_time[one.months.account] & (gap < FAR)]
        assert (pauses > 30).any()
        assert pauses.max() <= 90


def test_the_first_month_is_a_month_like_any_other():
    one = plain("RH01")
    stock = one.people.active & (one.people.entry == STOCK)
    first, later = (one.months.days[(one.months.month == month) & stock[one.months.account]].mean() for month in (0, 12))
    assert first == pytest.approx(later, rel=0.03)


def test_nobody_works_before_registering_in_the_first_month():
    one = plain("DL01")
    entering = (one.months.month == 0) & (one.people.entry[one.months.account] == 0)
    assert entering.sum() > 20
    entry_day = 1 + (one.people.entry_share[one.months.account] * 31).astype(int)
    assert (one.months.first_day >= entry_day)[entering].all()


def test_accounts_are_closed_alike_in_every_chunk(monkeypatch):
    monkeypatch.setattr(population, "CHUNK", 1_500)
    scene = scene_of(world({"RH02": 3_000}))
    pool = pool_of(scene, "RH02")
    assert pool.chunks >= 3
    for chunk in range(pool.chunks):
        people = people_of(scene, pool, chunk)
        life = live(scene, pool, people, luck_of(scene, pool, chunk, len(people.entry)))
        unused = people.never_trips | (life.exit < 30)
        assert (life.closed[unused] < NEVER).any(), f"chunk {chunk}: no account of {unused.sum()} is ever closed"


# Working days


@pytest.mark.parametrize("name", SIZES)
def test_nobody_works_before_coming_or_after_leaving_and_the_last_day_is_worked(name):
    one = plain(name)
    people, life, months = one.people, one.life, one.months
    lengths = month_lengths(one.scene.world.first, one.scene.world.months)
    assert people.active[months.account].all()
    assert (months.month >= people.entry[months.account]).all()
    assert (months.month <= life.exit[months.account]).all()
    entering = (months.month == people.entry[months.account]) & (months.month > 0)
    entry_day = 1 + (people.entry_share[months.account] * lengths[months.month]).astype(int)
    assert (months.first_day >= entry_day)[entering].all()
    leaving = months.month == life.exit[months.account]
    assert_array_equal(months.last_day[leaving], life.exit_day[months.account[leaving]])
    assert set(months.account[leaving]) == set(np.nonzero(life.exit < NEVER)[0])


@pytest.mark.parametrize("name", SIZES)
def test_working_days_are_days_of_the_month_each_once_in_order(name):
    months = plain(name).months
    assert months.day_of_month is not None
    row = np.repeat(np.arange(len(months.days)), months.days)
    day = months.day_of_month.astype(int)
    lengths = month_lengths(plain(name).scene.world.first, plain(name).scene.world.months)
    assert (np.diff(day)[np.diff(row) == 0] > 0).all()
    assert day.min() >= 1
    assert (day <= lengths[months.month[row]]).all()
    assert_array_equal(day[months.starts], months.first_day)
    assert_array_equal(day[months.starts + months.days - 1], months.last_day)
    assert_array_equal(np.bincount(row, months.day_orders), months.orders)


def test_nobody_works_on_a_day_on_which_they_are_away():
    one = plain("RH01")
    account, month = one.months.account, one.months.month
    assert (one.months.first_day >= one.life.first_day[account, month]).all()
    assert (one.months.last_day <= one.life.last_day[account, month]).all()
    assert (one.life.first_day[account, month] > 0).all()


def test_asking_for_dates_changes_nothing_else():
    held = scene_of(world({"RH01": 2_000}))
    dated, undated = (arrays(one_of(held, with_days=asked)) for asked in (True, False))
    assert {name for name in set(dated) - set(undated) if not name.startswith("pay.by_day.")} == {"months.day_of_month"}
    for name in undated:
        assert_array_equal(dated[name], undated[name])


@pytest.mark.parametrize("name", SIZES)
def test_a_working_day_has_an_order(name):
    assert plain(name).months.day_orders.min() >= 1


def drawn_orders(industry: str, number: int = 1_000_000) -> np.ndarray:
    """Orders of independent working days, full-timers' and part-timers' in their shares of all days."""
    work, draw = default().work[industry], np.random.default_rng(5)
    full = work.full_time_share * work.days_full_time
    part = (1 - work.full_time_share) * work.days_part_time[0] / sum(work.days_part_time)
    normal = draw.standard_normal((2, number), dtype=np.float32)
    return order_law(work).at(draw.random(number) < full / (full + part), *normal).astype(float)


@every_industry
def test_orders_of_independent_days_have_the_mean_of_the_file(industry):
    orders, mean = drawn_orders(industry), default().work[industry].orders_mean
    assert orders.min() >= 1
    assert abs(orders.mean() - mean) < 4 * orders.std() / 1_000 + 0.002 * mean


def test_orders_of_independent_days_fall_into_the_bins_of_the_bulletin():
    orders = drawn_orders("ride_hail")
    shares = np.bincount(np.searchsorted([5, 10, 15], orders, side="right")) / len(orders)
    assert np.abs(shares - (0.235, 0.203, 0.196, 0.366)).max() < 4 * 0.5 / 1_000


def test_vehicle_days_fall_into_the_bins_of_the_bulletin_and_have_its_mean():
    months = plain("RH01").months
    person = np.repeat(months.account, months.days)
    orders = months.day_orders.astype(float)
    bins = np.searchsorted([5, 10, 15], orders, side="right")
    for bin_, target in enumerate((0.235, 0.203, 0.196, 0.366)):
        inside = (bins == bin_).astype(float)
        assert abs(inside.mean() - target) < 4 * clustered_error(inside, person), f"bin {bin_}: {inside.mean():.4f}"
    assert abs(orders.mean() - 14) < 4 * clustered_error(orders, person)
    assert clustered_error(orders, person) < 0.15


@pytest.mark.parametrize("name", SIZES)
def test_hours_and_money_add_up_to_the_fen(name):
    pay = plain(name).pay
    assert_allclose(pay.online_hours, pay.waiting_hours + pay.pickup_hours + pay.engaged_hours, atol=1e-9)
    assert_allclose(pay.receipts, pay.gross - pay.commission + pay.incentive + pay.waiver_refund - pay.penalty, atol=1e-9)
    assert_allclose(pay.net, pay.receipts - pay.cost, atol=1e-9)
    for field in (field for field in fields(pay) if field.name != "by_day"):
        values = getattr(pay, field.name)
        assert_allclose(values, np.round(values, 2), atol=1e-9, err_msg=field.name)
    assert (pay.waiting_hours >= 0).all()


# Whose luck is whose


def test_the_same_seed_gives_the_same_people_and_another_seed_others():
    small = world({"RH01": 2_000})
    assert_same(one_of(scene_of(small), with_days=True), one_of(scene_of(small), with_days=True))
    other = one_of(scene_of(small.model_copy(update={"seed": 2})))
    assert not np.array_equal(other.people.frailty[:500], one_of(scene_of(small)).people.frailty[:500])


def test_chunks_and_pools_share_no_luck(monkeypatch):
    monkeypatch.setattr(population, "CHUNK", 3_000)
    scene = scene_of(world({"RH01": 6_000, "RH02": 6_000}))
    drawn = []
    for name, chunk in (("RH01", 0), ("RH01", 1), ("RH02", 0)):
        pool = pool_of(scene, name)
        people, luck = people_of(scene, pool, chunk), luck_of(scene, pool, chunk, 3_000)
        drawn.append([people.ability, people.frailty, luck.exit[:, 5], luck.pause[:, 5], luck.cause])
    for one in range(3):
        for other in range(one):
            for left in drawn[one]:
                for right in drawn[other]:
                    assert abs(np.corrcoef(left, right)[0, 1]) < 4.5 / np.sqrt(3_000)


def test_no_two_accounts_share_a_key():
    scene = scene_of(world())
    keys = np.concatenate([people_of(scene, pool, chunk).key for pool in pools(scene) for chunk in range(pool.chunks)])
    assert len(np.unique(keys)) == len(keys)


def test_the_size_of_one_platform_does_not_touch_the_people_of_another():
    small, large = (scene_of(world({"RH01": size, "RH02": 1_000, "DL01": 500})) for size in (500, 2_000))
    for name in ("RH02", "DL01"):
        assert_same(one_of(small, name, with_days=True), one_of(large, name, with_days=True))


def test_a_platform_more_or_less_does_not_touch_the_people_of_another():
    sizes = {"RH02": 1_000, "DL01": 500}
    alone, together = scene_of(world(sizes)), scene_of(world({"RH01": 500, **sizes}))
    left, right = arrays(one_of(alone, "RH02")), arrays(one_of(together, "RH02"))
    assert_array_equal(right.pop("people.platform"), left.pop("people.platform") + 1)
    for name in left:
        assert_array_equal(left[name], right[name], err_msg=name)


# With and without an agreement


def twins(effects: Effects, size: int = 4_000, name: str = "RH01", **changes: object) -> tuple[Lived, Lived]:
    scene = scene_of(world({"RH01": size, "RH02": size, "DL01": 500}, effects, **changes))
    return one_of(scene, name), one_of(scene.without_agreements(), name)


def exits_between(one: Lived, begin: int, end: int, mine: np.ndarray | None = None) -> int:
    left = (one.life.exit >= begin) & (one.life.exit < end)
    return int((left & mine).sum() if mine is not None else left.sum())


def risen(one: Lived, other: Lived) -> np.ndarray:
    """Difference of the log hazards of two worlds; shape (accounts, months)."""
    return one.life.log_hazard.astype(float) - other.life.log_hazard


def test_an_agreement_without_effects_changes_no_number():
    assert_same(*twins(Effects()))


def test_both_worlds_are_the_same_until_the_agreement_begins():
    with_, without = twins(
        Effects(hazard_ratio=0.5, commission_change=-0.05, waives_commission=True, pay_floor_ratio=1.5, income_ratio=1.1)
    )
    assert_array_equal(with_.life.first_day[:, :START], without.life.first_day[:, :START])
    assert_array_equal(with_.life.last_day[:, :START], without.life.last_day[:, :START])
    before, twin = with_.months.month < START, without.months.month < START
    for part in ("months", "pay"):
        left, right = arrays(getattr(with_, part)), arrays(getattr(without, part))
        for name in set(left) - {"day_orders"}:
            assert_array_equal(left[name][before], right[name][twin], err_msg=name)


def test_a_halved_hazard_halves_the_exits_of_the_first_covered_months():
    with_, without = twins(Effects(hazard_ratio=0.5), 20_000)
    few, many = exits_between(with_, START, START + 3), exits_between(without, START, START + 3)
    assert exits_between(with_, 0, START) == exits_between(without, 0, START) > 0
    assert abs(few / many - 0.5) < 4 * binomial_error(0.5, many)
    assert exits_between(with_, START, NEVER) < exits_between(without, START, NEVER)
    assert_allclose(risen(with_, without)[:, START:], np.log(0.5), atol=1e-6)


def test_an_effect_that_grows_does_so_for_a_year():
    with_, without = twins(Effects(hazard_ratio=0.9, hazard_ratio_growth=-0.02))
    expected = np.log(0.9) - 0.02 * np.clip(np.arange(36 - START), 0, 12)
    assert_allclose(risen(with_, without)[:, START:], np.broadcast_to(expected, (len(with_.people.key), 36 - START)), atol=1e-5)


def test_the_eligible_get_their_own_effect_and_the_others_none_of_it():
    many = world().people.model_copy(update={"veteran_share": 0.5})
    with_, without = twins(Effects(eligible_hazard_ratio=0.3), 10_000, people=many)
    eligible = with_.people.eligible
    assert 0.45 < eligible.mean() < 0.55
    assert_array_equal(with_.life.exit[~eligible], without.life.exit[~eligible])
    few, all_ = (exits_between(one, START, START + 3, eligible) for one in (with_, without))
    assert abs(few / all_ - 0.3) < 4 * binomial_error(0.3, all_)


def test_anticipation_stays_in_its_months():
    with_, without = twins(Effects(anticipation_months=3, anticipation_hazard_ratio=0.2))
    difference = risen(with_, without)
    inside = np.isin(np.arange(36), [START - 3, START - 2, START - 1])
    assert_allclose(difference[:, inside], np.log(0.2), atol=1e-6)
    assert_array_equal(difference[:, ~inside], 0)
    assert exits_between(with_, START - 3, START) < exits_between(without, START - 3, START)
    assert exits_between(with_, 0, START - 3) == exits_between(without, 0, START - 3)


@pytest.mark.parametrize(("name", "concerned"), [("RH01", False), ("RH02", True), ("DL01", False)])
def test_spillover_reaches_those_with_a_second_platform_on_the_industry_s_other_platforms(name, concerned):
    with_, without = twins(Effects(spillover_hazard_ratio=0.5), name=name)
    difference = risen(with_, without)
    reached = np.zeros(difference.shape, dtype=bool)
    reached[with_.people.multi_home, START:] = concerned
    assert_allclose(difference[reached], np.log(0.5), atol=1e-6)
    assert_array_equal(difference[~reached], 0)


def test_the_covered_of_a_unit_get_no_spillover_of_their_own_agreement():
    own = next(one for one in default().agreements if one.unit == "ciwei")
    signed = own.model_copy(update={"effects": Effects(spillover_hazard_ratio=0.5)})
    units = tuple(unit for unit in default().local_units if unit.group == "water")
    scene = scene_of(world({"DL01": 500, "DL05": 500}, local_units=units, agreements=(signed,)))
    with_, without = (one_of(held, "local delivery") for held in (scene, scene.without_agreements()))
    mine = with_.people.group == 0
    assert_array_equal(risen(with_, without)[mine], 0)


def test_an_agreement_that_has_expired_does_nothing_any_more():
    ended = agreement(Effects(hazard_ratio=0.5)).model_copy(update={"expiry": date(2025, 8, 31)})
    scene = scene_of(world({"RH01": 500}, agreements=(ended,)))
    difference = risen(one_of(scene), one_of(scene.without_agreements()))
    assert_array_equal(difference[:, START + 6 :], 0)


def test_a_changed_commission_lowers_what_is_taken_by_exactly_that():
    with_, without = twins(Effects(commission_change=-0.03))
    difference = with_.terms.take.astype(float) - without.terms.take
    assert without.terms.take.min() > 0.03
    assert_allclose(difference[:, START:], -0.03, atol=1e-6)
    assert_array_equal(difference[:, :START], 0)
    for one in (with_, without):
        rate = one.terms.take[one.months.account, one.months.month].astype(float)
        assert_allclose(one.pay.commission, one.pay.gross * rate, atol=0.006)


def test_where_nothing_is_taken_no_agreement_gives_anything_back():
    scene = scene_of(
        world(
            {"DL01": 1_000},
            agreements=(
                agreement(Effects(commission_change=-0.05, waives_commission=True)).model_copy(
                    update={"platform": "DL01", "industry": "delivery"}
                ),
            ),
        )
    )
    with_, without = one_of(scene, "DL01"), one_of(scene.without_agreements(), "DL01")
    assert with_.pay.commission.max() == with_.pay.waiver_refund.max() == 0
    assert_array_equal(with_.pay.receipts, without.pay.receipts)


def test_the_waiver_gives_the_commission_back_to_the_eligible_who_accept():
    many = world().people.model_copy(update={"veteran_share": 0.5})
    with_, without = twins(Effects(waives_commission=True), people=many)
    account, covered = with_.months.account, with_.months.month >= START
    refund, commission, eligible = with_.pay.waiver_refund, with_.pay.commission, with_.people.eligible[account]
    paid = refund > 0
    assert_array_equal(refund[paid], commission[paid])
    assert not paid[~covered | ~eligible].any()
    accepts = np.bincount(account, paid & covered & eligible, minlength=len(with_.people.key)) > 0
    assert_array_equal(paid, covered & accepts[account])
    asked = np.unique(account[covered & eligible])
    assert accepts[asked].mean() == pytest.approx(0.9, abs=4 * binomial_error(0.9, len(asked)))
    assert without.pay.waiver_refund.max() == 0


def test_nobody_covered_earns_less_than_the_floor():
    with_, without = twins(Effects(pay_floor_ratio=1.2))
    below = []
    for one in (with_, without):
        account, month = one.months.account, one.months.month
        wage = one.scene.minimum_wage[one.people.city[account], START]
        lowest = 1.2 * wage * np.minimum(1, one.pay.online_hours / 174)
        below.append((one.pay.net < lowest - 0.02)[month >= START].mean())
    assert below[0] == 0
    assert below[1] > 0.01


def test_a_pay_gain_fades_by_half_in_the_stated_months():
    with_, without = twins(Effects(commission_change=-0.05))
    gain = (
        np.log1p(-with_.terms.take.astype(float))
        + with_.terms.log_gross
        - np.log1p(-without.terms.take.astype(float))
        - without.terms.log_gross
    )
    half = int(default().fade_half_life_months)
    assert (gain[:, START] > 0.05).all()
    assert_allclose(gain[:, START + half], gain[:, START] / 2, rtol=1e-3)
    assert_allclose(with_.terms.log_hours[:, START:], default().hours_elasticity * gain[:, START:], atol=1e-5)


def test_other_platforms_do_not_notice_an_agreement_without_spillover():
    everything = Effects(hazard_ratio=0.5, commission_change=-0.05, waives_commission=True, pay_floor_ratio=1.5, income_ratio=1.1)
    for name in ("RH02", "DL01"):
        assert_same(*twins(everything, name=name))
