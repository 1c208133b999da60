"""A world file: what it may say, how one changes another, and the words of each complaint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from impact.errors import WorldError
from impact.simulate.simulate import simulate
from impact.simulate.world import load_world

ROOT = Path(__file__).parents[2]
LATE = "{first_month: 2026-01, months: 12, denominator: average_stock}"
DEFAULT = ROOT / "worlds" / "default.yaml"


def written(folder: Path, text: str) -> Path:
    path = folder / "odd.yaml"
    path.write_text(f"extends: {DEFAULT}\n{text}", encoding="utf-8")
    return path


def test_the_default_world_is_the_one_of_the_newspaper_page():
    world = load_world(DEFAULT)
    count = {industry: sum(platform.industry == industry for platform in world.platforms) for industry in world.work}
    assert count == {"ride_hail": 12, "freight": 4, "courier": 8, "delivery": 5}
    assert (world.cities.number, world.cities.core) == (50, 13)
    giant = world.platform("RH01")
    assert (giant.registered, giant.hq_home) == (560_000, True)
    assert world.survey.issued == 1992
    assert sum(unit.workers for unit in world.local_units if unit.id == "ciwei") == 400
    assert world.campaign.agreements + len(world.agreements) == 130


def test_a_change_reaches_one_member_of_a_list_and_leaves_the_others(tmp_path):
    world = load_world(written(tmp_path, "platforms:\n  - {id: RH01, annual_churn: 0.22}\nsurvey: {issued: 60}\n"))
    plain = load_world(DEFAULT)
    assert world.platform("RH01").annual_churn == 0.22
    assert world.platform("RH01").registered == plain.platform("RH01").registered
    assert world.platforms[1:] == plain.platforms[1:]
    assert world.survey.waves == plain.survey.waves


def test_what_the_command_line_sets_comes_last(tmp_path):
    path = written(tmp_path, "seed: 5\nscale: 0.02\n")
    assert (load_world(path).seed, load_world(path, seed=9, scale=None).seed) == (5, 9)
    assert load_world(path, seed=9, scale=None).scale == 0.02


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeed: 3\n", r"key `seeed` is not known\.(.|\n)*Did you mean `seed`\?"),
        ("survey: {isued: 3}\n", r"key `survey.isued` is not known(.|\n)*Did you mean `issued`\?"),
        ("synthetic: false\n", r"`synthetic` cannot be used"),
        ("first_month: 2023-13\n", r"write a month as 2025-03"),
        ("platforms:\n  - {id: RH01, active_share: 0.95}\n", r"Platform `RH01`: `active_share` and `never_trip_share` make more"),
        ("agreements:\n  - {id: dier-network, signed: 2025-03-05}\n", r"Agreement `dier-network`: its dates are out of order"),
        ("agreements:\n  - {id: dier-network, platform: RH99}\n", r"there is no platform `RH99`"),
        ("agreements:\n  - {id: ciwei-tripartite, unit: chengyang}\n", r"Two agreements cover `chengyang`"),
        ("work: {freight: {hazards: [{from_month: 3, hazard: 0.1}]}}\n", r"`work` of freight: the first of `hazards` must be from month 0"),
        ("survey: {waves: [2031-01]}\n", r"wave 2031-01 lies outside the world"),
        ("scale: 2\n", r"`scale` cannot be used"),
        (
            "agreements:\n  - {id: dier-network, effects: {hazard_ratio_spread: 0.1}}\n",
            r"`hazard_ratio_spread` is drawn between the agreements",
        ),
        (
            f"scenario: {{id: S1, says: {{en: a, zh: b}}, expected: [V1], claim: {{platform: RH01, before: {LATE}, after: {LATE}}}}}\n",
            r"12 months from 2026-01 reach",
        ),
        ("local_units:\n  - {id: water-2, group: ../../evil}\n", r"`local_units.\d+.group` cannot be used"),
        ("local_units:\n  - {id: water-2, group: ride-hail}\n", r"Local units cannot be of group `ride-hail`"),
        ("campaign: {first_signed: 2025-06, last_signed: 2025-01}\n", r"`last_signed` lies before `first_signed`"),
        ("work: {freight: {cost_share: [0.9, 0.1]}}\n", r"`cost_share` names the lowest first"),
        ("work: {freight: {days_part_time: [0, 0]}}\n", r"`work.freight.days_part_time.0` cannot be used"),
        ("work: {ride_hail: {day_orders: [0.5, 0.5, 0.5, 0.5]}}\n", r"`day_orders` must add up to 1; they make 2.0000"),
        ("events:\n  - {id: price-war-2025, effects: {pay_floor_ratio: 1.2}}\n", r"key `events.\d+.effects.pay_floor_ratio` is not known"),
    ],
)
def test_what_does_not_hang_together_is_refused_in_words(text, words, tmp_path):
    with pytest.raises(WorldError, match=words):
        load_world(written(tmp_path, text))


def test_a_circle_of_worlds_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n", encoding="utf-8")
    with pytest.raises(WorldError, match="leads in a circle"):
        load_world(tmp_path / "a.yaml")


def test_two_runs_do_not_write_one_world_at_once(tmp_path):
    world = load_world(written(tmp_path, "scale: 0.0005\n"))
    with FileLock(tmp_path / ".out.lock"), pytest.raises(WorldError, match="another run is writing this world"):
        simulate(world, tmp_path / "out", ("context",), registry=ROOT / "data" / "registry")
    assert not (tmp_path / "out").exists()


def test_the_manifest_says_what_the_folder_is(tmp_path):
    world = load_world(written(tmp_path, "scale: 0.0005\n"))
    simulate(world, tmp_path / "out", ("context",), registry=ROOT / "data" / "registry")
    manifest = json.loads((tmp_path / "out" / "world.json").read_text(encoding="utf-8"))
    assert manifest["synthetic"].startswith("SYNTHETIC / 合成数据")
    assert manifest["world_file"]["cities"]["number"] == 50
    assert str(tmp_path) not in json.dumps(manifest)
