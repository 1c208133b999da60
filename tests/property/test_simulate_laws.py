"""Laws of the simulator's small parts, whatever the numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from impact.simulate.absences import Absences, absences
from impact.simulate.chunk import Lived, lived
from impact.simulate.definitions import claimed, definitions
from impact.simulate.hazards import tenure_law
from impact.simulate.orders import order_law
from impact.simulate.platform_tables import day_table, month_table
from impact.simulate.population import people_of, pools
from impact.simulate.scene import scene_of
from impact.simulate.streams import mixed, stream
from impact.simulate.working_days import WorkerMonths
from impact.simulate.world import World, load_world
from impact.simulate.world_parts import ClaimedRate, TenureHazard

DEFAULT = Path(__file__).parents[2] / "worlds" / "default.yaml"
MONTHS = 12
FIRST = 2023 * 12 + 6
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
fewest = settings(few, max_examples=6)
seeds = st.integers(0, 2**32 - 1)
hazards = st.lists(st.floats(0.005, 0.2), min_size=1, max_size=4).map(
    lambda values: tuple(TenureHazard(from_month=3 * place**2, hazard=value) for place, value in enumerate(values))
)


@cache
def default_world() -> World:
    return load_world(DEFAULT)


# Random numbers by name


@few
@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=200, unique=True), st.integers(0, 60))
def test_different_keys_stay_different(keys, salt):
    assert len(np.unique(mixed(np.array(keys, dtype=np.uint64), salt))) == len(keys)


@few
@given(st.integers(0, 2**63), st.integers(0, 60), st.sampled_from([1, 64, 128, 2**16]))
def test_neighbouring_keys_fill_every_sixteenth_alike(begin, salt, step):
    random = mixed(np.uint64(begin) + np.arange(4096, dtype=np.uint64) * np.uint64(step), salt)
    for shift in (60, 40, 0):
        held = np.bincount(((random >> np.uint64(shift)) & np.uint64(15)).astype(int), minlength=16)
        assert stats.chisquare(held).pvalue > 1e-7


@few
@given(st.integers(0, 2**63), st.integers(0, 60), st.integers(0, 60))
def test_two_salts_have_nothing_in_common(begin, one, other):
    keys = np.uint64(begin) + np.arange(4096, dtype=np.uint64)
    left, right = ((mixed(keys, salt) >> np.uint64(11)).astype(float) for salt in (one, other))
    related = np.corrcoef(left, right)[0, 1]
    assert related == pytest.approx(1) if one == other else abs(related) < 0.09


def test_keys_of_another_type_are_refused_because_floats_are_not_distinct():
    with pytest.raises(TypeError, match="unsigned 64-bit"):
        mixed(np.arange(3), 1)  # type: ignore[arg-type]


@few
@given(seeds, st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_a_stream_is_its_seed_and_its_names_in_their_order(seed, one, other):
    again = stream(seed, one, other).random(4)
    assert_array_equal(stream(seed, one, other).random(4), again)
    assert not np.array_equal(stream(seed + 1, one, other).random(4), again)
    assert one == other or not np.array_equal(stream(seed, other, one).random(4), again)


# Tenure


@few
@given(hazards, st.floats(0.05, 1.5))
def test_frailty_keeps_the_hazards_of_the_file(steps, variance):
    law = tenure_law(steps, variance)
    assert_allclose((1 + variance * law.cumulative) ** (-1 / variance), law.survival, rtol=1e-9)
    for step, following in zip(steps, [*(step.from_month for step in steps[1:]), 240], strict=True):
        kept = law.survival[step.from_month + 1 : following + 1] / law.survival[step.from_month : following]
        assert_allclose(1 - kept, step.hazard, rtol=1e-9)


@few
@given(hazards, st.floats(0.0, 1.0), st.floats(0.1, 0.7))
def test_a_wanted_yearly_churn_is_hit_and_the_shape_of_the_hazards_kept(steps, variance, churn):
    plain, scaled = tenure_law(steps, variance), tenure_law(steps, variance, churn)
    assert 1 - (1 - scaled.stock_hazard) ** 12 == pytest.approx(churn, abs=1e-6)
    ratio = (1 - scaled.survival[1:41] / scaled.survival[:40]) / (1 - plain.survival[1:41] / plain.survival[:40])
    assert_allclose(ratio, ratio[0], rtol=1e-6)


@few
@given(hazards, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_tenures_of_the_stock_grow_with_their_rank(steps, uniform):
    tenures = tenure_law(steps, 0.5).stock_tenures(np.sort(uniform))
    assert (np.diff(tenures) >= 0).all()
    assert tenures.min() >= 0
    assert tenures.max() <= 240


# Days and months


def live_shortly(seed: int, platform: str) -> Lived:
    world = default_world()
    chosen = world.platform(platform).model_copy(update={"registered": 60, "active_share": 0.7})
    bare = {"seed": seed, "scale": 1.0, "months": 3, "platforms": (chosen,), "local_units": (), "campaign": None, "events": ()}
    small = world.model_copy(update={**bare, "agreements": tuple(one for one in world.agreements if one.platform == platform)})
    scene = scene_of(small)
    pool = pools(scene)[0]
    return lived(scene, pool, 0, people_of(scene, pool, 0), order_law(small.work[pool.industry]), with_days=True)


@fewest
@given(seeds, st.sampled_from(["RH01", "DL01"]))
def test_the_days_add_up_to_the_month_to_the_fen(seed, platform):
    one = live_shortly(seed, platform)
    for month in range(3):
        days, months = day_table(one, month).to_pandas(), month_table(one, month)[0].to_pandas().set_index("account_id")
        summed = days.groupby("account_id").sum(numeric_only=True)
        worked = months[months["active_days"] > 0]
        assert set(summed.index) == set(worked.index)
        for column in ("orders", "p1_h", "p2_h", "p3_h", "online_h", "gross", "take", "incentive", "penalty"):
            assert_allclose(summed[column], worked.loc[summed.index, column], atol=1e-6, err_msg=column)
        assert_allclose(summed["receipts"], (worked["receipts"] - worked["waiver_refund"])[summed.index], atol=1e-6)
        assert_array_equal(days.groupby("account_id").size(), worked.loc[summed.index, "active_days"])


@fewest
@given(seeds, st.sampled_from(["RH01", "DL01"]))
def test_no_day_has_a_negative_part(seed, platform):
    days = pd.concat([day_table(live_shortly(seed, platform), month).to_pandas() for month in range(3)])
    assert (days[["orders", "p1_h", "p2_h", "p3_h", "gross", "take", "incentive", "penalty"]] >= 0).all().all()
    assert (days["orders"] >= 1).all()


# Absences


@st.composite
def worked(draw) -> list[list[int]]:
    """Working days of some people, counted from the world's first day; with holes of weeks and months."""
    steps = st.lists(st.sampled_from([1, 1, 2, 7, 29, 30, 31, 60, 61, 90, 91, 150]), max_size=12)
    end = int((np.datetime64("2024-07", "D") - np.datetime64("2023-07", "D")).astype(int))
    people = draw(st.lists(st.tuples(st.integers(0, 330), steps), min_size=1, max_size=6))
    return [[int(day) for day in np.cumsum([begin, *further]) if day < end] for begin, further in people]


def gone(people: list[list[int]]) -> Absences:
    start = np.datetime64("2023-07-01")
    frame = pd.DataFrame([(place, start + day) for place, days in enumerate(people) for day in days], columns=["account", "date"])
    date = pd.DatetimeIndex(frame["date"])
    frame["month"], frame["day"] = date.year * 12 + date.month - 1 - FIRST, date.day
    held = frame.groupby(["account", "month"])["day"].agg(["min", "max", "size"]).reset_index()
    columns = [held[name].to_numpy().astype(np.int64) for name in ("account", "month", "size", "min", "max", "size")]
    return absences(WorkerMonths(*columns, day_of_month=None, day_orders=np.ones(len(frame), dtype=np.int32)), FIRST, MONTHS)


def by_hand(days: list[int], window: int, end: int) -> list[float]:
    """Say for the last working day of each month whether none follows within the window; missing where the data end before."""
    start, found = np.datetime64("2023-07-01"), []
    for place, day in enumerate(days):
        month = (start + day).astype("datetime64[M]")
        following = days[place + 1] if place + 1 < len(days) else None
        if following is not None and (start + following).astype("datetime64[M]") == month:
            continue
        if day + window > end:
            found.append(np.nan)
        else:
            found.append(float(following is None or following > day + window))
    return found


@settings(few, max_examples=100)
@given(worked(), st.sampled_from([7, 14, 28, 30, 60, 90]))
def test_an_exit_is_what_the_definition_says(people, window):
    held = gone(people)
    assert_array_equal(held.exit(window), np.concatenate([by_hand(days, window, held.end) for days in people]))


@few
@given(worked(), st.integers(1, 120), st.integers(0, 60))
def test_a_longer_window_counts_no_exit_more_and_knows_no_month_more(people, window, more):
    held = gone(people)
    short, long = held.exit(window), held.exit(window + more)
    both = ~np.isnan(short) & ~np.isnan(long)
    assert (long[both] <= short[both]).all()
    assert np.isnan(long[np.isnan(short)]).all()


# Definitions


@st.composite
def histories(draw) -> pd.DataFrame:
    """Counts of one group over a year whose stock follows from entries and exits."""
    stock, rows = draw(st.integers(50, 500)), []
    for month in range(12):
        entries = draw(st.integers(0, 30))
        exits = draw(st.integers(0, max(0, (stock + entries) // 6)))
        rows.append({"month": f"2024-{month + 1:02d}", "entries": entries, "in_service": stock + entries, "exits": exits})
        stock += entries - exits
    frame = pd.DataFrame(rows).assign(world="with", group="RH01", exits_30d=0.0, exits_90d=0.0, closures=0.0)
    stock = frame["in_service"]
    return frame.assign(registered=stock * 2, working=stock, known_30d=stock, known_90d=stock)


def rates(counts: pd.DataFrame) -> dict[str, float]:
    world = default_world().model_copy(update={"months": 12})
    found = definitions(world, counts)
    return dict(found[found["exits_counted"] == "true"].set_index("denominator")["rate"])


@few
@given(histories())
def test_the_same_exits_give_rates_in_the_order_of_their_denominators(counts):
    found = rates(counts)
    assert found["ever_in_stock"] <= found["opening_stock"] + 1e-12
    assert found["ever_in_stock"] <= found["average_stock"] + 1e-12
    assert found["average_registered"] == pytest.approx(found["average_stock"] / 2)
    assert found["person_months"] <= found["average_stock"] + 1e-12
    assert found["person_months"] == pytest.approx(1 - (1 - found["average_stock"] / 12) ** 12)


@few
@given(histories())
def test_without_entries_the_opening_stock_is_everybody_and_no_smaller_than_the_average(counts):
    closed = counts.assign(entries=0, in_service=lambda frame: 500 - frame["exits"].cumsum().shift(fill_value=0))
    found = rates(closed)
    assert found["opening_stock"] == pytest.approx(found["ever_in_stock"])
    assert found["opening_stock"] == pytest.approx(closed["exits"].sum() / 500)
    assert found["average_stock"] >= found["opening_stock"] - 1e-12


@few
@given(st.floats(0.001, 0.3), st.one_of(st.integers(1, 12), st.sampled_from([3.5, 0.5, 11.25])))
def test_a_constant_hazard_cumulates_to_what_compounding_says(hazard, months):
    counts = pd.DataFrame({"world": "with", "group": "RH01", "month": [f"2024-{place:02d}" for place in range(1, 13)]})
    counts = counts.assign(in_service=1000.0, exits=1000 * hazard, entries=0.0, registered=1.0, working=1.0)
    rate = ClaimedRate(first_month="2024-01", months=months, denominator="cumulated_hazard")
    assert claimed(counts, "RH01", rate) == pytest.approx(1 - (1 - hazard) ** months)


@few
@given(histories(), st.integers(1, 12))
def test_a_claim_counts_only_its_months_of_the_world_with_agreements(counts, months):
    other = counts.assign(world="without", exits=counts["exits"] + 1000)
    rate = ClaimedRate(first_month="2024-01", months=months, denominator="opening_stock")
    expected = counts["exits"].iloc[:months].sum() / (counts["in_service"].iloc[0] - counts["entries"].iloc[0])
    assert claimed(pd.concat([counts, other]), "RH01", rate) == pytest.approx(expected)
