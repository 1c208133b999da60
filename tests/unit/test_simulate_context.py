"""Tables of context and the log of bargaining: keys are unique, nothing is missing, and the log keeps to the agreements' dates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from impact.simulate.bargaining import LOG_COLUMNS, process_log, representatives
from impact.simulate.context import city_month_table, city_table, platform_table
from impact.simulate.places import minimum_wage
from impact.simulate.registry_files import agreement_table
from impact.simulate.terms import NETWORK_REPS, TOPICS, terms
from impact.simulate.units import agreements, bargaining_units
from impact.simulate.world import World, load_world

ROOT = Path(__file__).parents[2]
KEYS = {platform_table: ["platform_id"], city_table: ["city_id"], city_month_table: ["city_id", "ym"], agreement_table: ["agreement_id"]}
every_table = pytest.mark.parametrize("table", [*KEYS, process_log, representatives], ids=lambda table: table.__name__)


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(ROOT / "worlds" / "default.yaml")


@pytest.fixture(scope="module")
def log(world: World) -> pd.DataFrame:
    return process_log(world)


@pytest.fixture(scope="module")
def dated(world: World, log: pd.DataFrame) -> pd.DataFrame:
    return log.merge(agreement_table(world), on="agreement_id", suffixes=("", "_agreed"), validate="many_to_one")


@every_table
def test_the_same_world_gives_the_same_table_and_another_seed_another(world, table):
    assert_frame_equal(table(world), table(world))
    if table is not agreement_table:
        assert not table(world).equals(table(world.model_copy(update={"seed": 2})))


@pytest.mark.parametrize(("table", "keys"), KEYS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_keys_are_unique_and_nothing_is_missing(world, table, keys):
    frame = table(world)
    assert not frame.duplicated(keys).any()
    assert not frame.drop(columns="unit", errors="ignore").isna().any().any()


@every_table
def test_a_world_without_agreements_has_tables_too(world, table):
    quiet = world.model_copy(update={"agreements": (), "campaign": None, "local_units": ()})
    assert list(table(quiet).columns) == list(table(world).columns)


def test_the_core_list_and_the_unions_are_older_than_every_offer(world):
    cities, platforms = city_table(world), platform_table(world)
    first = min(agreement.offer for agreement in agreements(world))
    assert cities.core_flag.sum() == world.cities.core
    assert cities.core_flag_set_on.max().date() < first
    assert platforms.union_founded_date.max().date() < first


def test_headquarters_are_in_the_home_city_where_the_world_says_so(world):
    table = platform_table(world).set_index("platform_id")
    for platform in world.platforms:
        assert (table.hq_city[platform.id] == "C01") == platform.hq_home


def test_city_months_are_complete_and_of_a_plausible_size(world):
    frame = city_month_table(world)
    assert len(frame) == world.cities.number * world.months
    assert (frame.groupby("city_id").cpi.first() == 100).all()
    assert frame.cpi.between(95, 110).all()
    assert frame.fuel_index.between(70, 140).all()
    assert frame.unemployment.between(3, 8).all()
    assert (frame.min_wage_month_yuan.to_numpy() == minimum_wage(world).ravel()).all()
    assert ((frame.min_wage_hour_yuan * 174 - frame.min_wage_month_yuan).abs() < 1).all()


def test_holidays_follow_the_calendar(world):
    days = city_month_table(world).drop_duplicates("ym").set_index("ym").holiday_days
    assert days["2024-02"] == 7
    assert days["2025-01"] == 8
    assert days["2025-10"] == 7
    assert days["2025-03"] == days["2025-07"] == 0


def test_the_log_has_its_columns_in_order_of_days(log):
    assert tuple(log.columns) == LOG_COLUMNS
    assert log.log_id.is_unique
    assert log.date.is_monotonic_increasing
    assert not log.drop(columns=["unit", "agreement_id", "round", "topic"]).isna().any().any()
    assert log.date.max() <= pd.Timestamp("2026-06-30")


def test_every_agreement_has_an_offer_an_answer_talks_and_a_signing_on_its_days(world, dated):
    for kind, day in (("发出要约", "offer"), ("签订", "signed")):
        rows = dated[dated.kind == kind]
        assert sorted(rows.agreement_id) == sorted(agreement.id for agreement in agreements(world))
        assert (rows.date == rows[day]).all()
    first = dated[dated["round"] == 1].groupby("agreement_id").date.min()
    assert (first == dated.groupby("agreement_id").talks.first()).all()


def test_the_log_keeps_to_the_dates_of_the_agreements(dated):
    within = {"应约": ("offer", "talks"), "职工代表审议": ("talks", "signed"), "履约监督": ("effective", "expiry")}
    for kind, (start, end) in within.items():
        rows = dated[dated.kind == kind]
        assert len(rows)
        assert ((rows.date >= rows[start]) & (rows.date <= rows[end])).all()
    visits, talks = dated[dated.kind == "调研走访"], dated[dated["round"] >= 1]
    assert (visits.date < visits.offer).all()
    assert ((talks.date >= talks.talks) & (talks.date < talks.signed)).all()


def test_the_log_has_the_rounds_and_topics_of_the_terms(world, log):
    for agreement in agreements(world):
        talks, drawn = log[(log.agreement_id == agreement.id) & (log["round"] >= 1)], terms(world, agreement)
        assert set(talks["round"]) == set(range(1, drawn.rounds_n + 1))
        assert set(talks.topic) == {topic.words.zh for topic in drawn.topics}


def test_units_that_never_sign_are_visited_and_some_turn_an_offer_down(world, log):
    never = {unit.id for unit in bargaining_units(world)} - {agreement.unit for agreement in agreements(world)}
    rows = log[log.agreement_id.isna()]
    assert set(rows.unit) == never
    assert not rows.kind.isin(["签订", "履约监督", "职工代表审议"]).any()
    offered, answered = (set(rows[rows.kind == kind].unit) for kind in ("发出要约", "应约"))
    assert answered < offered < never


def test_instructors_stay_in_their_district(log):
    assert log[log.district != "市级专班"].instructor_id.nunique() <= 60
    assert (log.groupby("instructor_id").district.nunique() == 1).all()


def test_the_network_has_its_city_and_district_task_force_and_eleven_representatives(world, log):
    rows = log[log.agreement_id == "dier-network"]
    assert set(rows.district) == {"市级专班", "市北区"}
    assert rows[rows["round"] == 0].participants.tolist() == [NETWORK_REPS]
    chosen = representatives(world)
    assert chosen.rep_id.is_unique
    assert len(chosen) == 11
    assert set(chosen.city_id) <= set(city_table(world).city_id)
    assert not [column for column in chosen if column in ("name", "phone", "sex", "birth_year")]


def test_there_are_sixteen_topics_and_a_small_agreement_has_at_most_six(world):
    assert len({topic.words.zh for topic in TOPICS}) == 16
    numbers = {len(terms(world, agreement).topics) for agreement in agreements(world) if agreement.platform is None}
    assert numbers == {1, 2, 3, 4, 5, 6}
