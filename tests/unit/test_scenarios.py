"""The scenario pack: complete, honest about what cannot be answered yet, and a null world in which only definitions make a claim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impact.errors import WorldError
from impact.simulate.definitions import claimed
from impact.simulate.rehearsal import rehearse
from impact.simulate.scenarios import AS_EXPECTED, NOT_YET, OTHERWISE, missing_parts, play, scenario_files, summary
from impact.simulate.tally import OUTCOMES
from impact.simulate.world import load_world
from impact.study import load_study

ROOT = Path(__file__).parents[2]
PACK = ROOT / "worlds" / "scenarios"
every_scenario = pytest.mark.parametrize("path", scenario_files(PACK), ids=lambda path: path.stem)


def small(path: Path, tmp_path: Path, extra: str = "") -> Path:
    """Write a scenario again with a hundredth of the default's people, in a folder of its own."""
    copy = tmp_path / path.name
    study = ROOT / "studies" / "dier.yaml"
    copy.write_text(
        f"extends: {path}\nscale: 0.002\ncampaign: {{agreements: 12, others: 8, firms: 30, workers: 20}}\nscenario: {{study: {study}}}\n{extra}",
        encoding="utf-8",
    )
    return copy


def test_the_pack_holds_s0_to_s14_once_each():
    ids = [load_world(path).scenario.id for path in scenario_files(PACK)]
    assert ids == [f"S{number}" for number in range(15)]


@every_scenario
def test_every_scenario_is_called_like_its_file_and_its_study_can_be_asked_of_it(path):
    world = load_world(path)
    assert path.stem == world.name
    if world.scenario.study:
        study = load_study(path.parent / world.scenario.study)
        assert study.outcomes[0].column in OUTCOMES or study.outcomes[0].column == "below_minimum"


@pytest.mark.parametrize(("scenario", "before", "after"), [("S0", 0.22, 0.07), ("S1", 0.22, 0.07)])
def test_with_zero_effect_definitions_alone_make_22_into_7_per_cent(scenario, before, after):
    world = load_world(scenario_files(PACK, (scenario,))[0], scale=0.1)
    lived = rehearse(world, "ride_hail")
    found = [claimed(lived.counts, "RH01", rate) for rate in (world.scenario.claim.before, world.scenario.claim.after)]
    assert found == pytest.approx([before, after], abs=0.01)
    assert lived.truth("exit_90d") == 0.0
    assert lived.truth("income_net_yuan") == 0.0


def test_a_missing_part_of_the_house_is_not_yet_and_never_a_pass(tmp_path):
    path = small(scenario_files(PACK, ("S3",))[0], tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("scenario: {", "scenario: {needs: [nowhere.at_all], "), encoding="utf-8")
    played = play(path, 1)
    assert missing_parts(load_world(path).scenario) == ["nowhere.at_all"]
    assert (played.status, played.why) == (NOT_YET, "lacks nowhere.at_all")
    assert np.isfinite([played.truth, played.estimate]).all()
    assert played.verdict == "V2"


def test_one_covered_platform_of_twelve_gives_no_bounded_interval_and_the_verdict_says_so(tmp_path):
    played = play(small(scenario_files(PACK, ("S3",))[0], tmp_path), 1)
    assert (played.conf_low, played.conf_high, played.status) == (-np.inf, np.inf, AS_EXPECTED)
    assert played.capped_by.startswith("p_value_floor, few_covered_clusters")


def test_a_part_that_exists_is_not_missing():
    scenario = load_world(scenario_files(PACK, ("S3",))[0]).scenario
    assert missing_parts(scenario.model_copy(update={"needs": ("check.leads", "infer.bands")})) == []
    assert missing_parts(scenario.model_copy(update={"needs": ("nowhere.at_all",)})) == ["nowhere.at_all"]


@pytest.mark.parametrize(
    ("changed", "status", "why"),
    [
        ("expected: [V2]", AS_EXPECTED, "Leaving fell by an eighth"),
        ("expected: [V3]", OTHERWISE, "expected V3, found V2"),
        ("flags: [few_covered_clusters]", AS_EXPECTED, "Leaving fell by an eighth"),
        ("flags: [fragile]", OTHERWISE, "did not flag fragile"),
    ],
)
def test_the_status_holds_the_verdict_and_its_rules_against_what_is_expected(changed, status, why, tmp_path):
    path = small(scenario_files(PACK, ("S3",))[0], tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("scenario: {", f"scenario: {{needs: [], {changed}, "), encoding="utf-8")
    played = play(path, 1)
    assert played.status == status
    assert played.why.startswith(why)


def test_data_that_are_refused_are_a_stop(tmp_path):
    path = small(scenario_files(PACK, ("S3",))[0], tmp_path, "planted: {purge_share: 0.1}\n")
    text = path.read_text(encoding="utf-8").replace("scenario: {", "scenario: {needs: [], expected: [stop], ")
    path.write_text(text.replace("scale: 0.002", "scale: 0.00002"), encoding="utf-8")
    played = play(path, 1)
    assert (played.verdict, played.status) == ("stop", AS_EXPECTED)


def test_core_cities_chosen_afterwards_have_lower_churn_though_nothing_changed():
    path = scenario_files(PACK, ("S7",))[0]
    played = play(path, 1)
    assert played.truth == 0.0
    assert played.claim_after < played.claim_before - 0.05


def test_the_summary_takes_the_worst_status_and_counts_coverage(tmp_path):
    one = play(small(scenario_files(PACK, ("S3",))[0], tmp_path), 1)
    rows = [
        replace(one, truth=0.0, conf_low=-1.0, conf_high=1.0, status=AS_EXPECTED),
        replace(one, truth=2.0, conf_high=1.0, status=OTHERWISE, why="odd"),
    ]
    row = summary(rows).iloc[0]
    assert (row["covers"], row["status"], row["why"]) == ("1/2", OTHERWISE, "odd")


def test_the_same_scenario_and_seed_give_the_same_answer(tmp_path):
    path = small(scenario_files(PACK, ("S3",))[0], tmp_path)
    first, second, other = play(path, 3), play(path, 3), play(path, 4)
    assert (first.truth, first.status) == (second.truth, second.status)
    assert first.estimate == pytest.approx(second.estimate, abs=1e-12)  # DuckDB adds up in parallel
    assert first.estimate != pytest.approx(other.estimate, abs=1e-6)


def test_an_unknown_scenario_gets_the_nearest_name():
    with pytest.raises(WorldError, match=r"scenario `S33` is not known\.\nKnown: S0, .*\nDid you mean `S3`\?"):
        scenario_files(PACK, ("S33",))


def test_a_world_that_is_no_scenario_is_refused():
    with pytest.raises(WorldError, match="this world is no scenario"):
        play(ROOT / "worlds" / "default.yaml", 1)
