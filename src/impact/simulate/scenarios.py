"""The scenario pack: worlds whose truth is known, each asked its question many times. May touch: scenario and study files, the engine.

A scenario that needs a part of the house that does not exist yet is `not yet`, whatever verdict comes out: the pipeline has not looked at what matters there.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from impact.errors import ImpactError, WorldError, listing, nearest
from impact.estimate import twfe
from impact.run.answer import StudyAnswer, answer
from impact.run.inference import table_by
from impact.run.survey.weights import coverage_finding
from impact.simulate.definitions import claimed, lowest_cities
from impact.simulate.refusals import Refusals, refusals
from impact.simulate.rehearsal import Rehearsal, rehearse
from impact.simulate.survey_rehearsal import SurveyRehearsal, rehearse_survey
from impact.simulate.world import load_world
from impact.simulate.world_parts import Claim, ClaimedRate, Scenario
from impact.sources.engine import connect, register
from impact.sources.raw import RawTable
from impact.study import Study, load_delivery, load_study
from impact.study.delivery import DeliverySource
from impact.verdict.verdict import Evidence, verdict

FOLDER = Path("worlds/scenarios")
LEVEL = 0.95
NOT_YET, AS_EXPECTED, OTHERWISE = "not yet", "as expected", "OTHERWISE"


@dataclass(frozen=True, slots=True)
class Played:
    """One scenario with one seed."""

    scenario: str
    seed: int
    truth: float
    estimate: float
    conf_low: float
    conf_high: float
    two_way: float
    """Two-way fixed effects on the same design."""
    claim_before: float
    claim_after: float
    verdict: str
    """Level, or `stop` where the data were refused."""
    capped_by: str
    status: str
    why: str
    unweighted: float = np.nan
    """Share among the questionnaires that came back, as they came; of scenarios that ask the survey."""

    @property
    def covers(self) -> bool:
        """Say whether the interval contains the truth."""
        return bool(self.conf_low <= self.truth <= self.conf_high)


def scenario_files(folder: Path = FOLDER, only: tuple[str, ...] = ()) -> list[Path]:
    """List the files of the pack, S0 first; `only` names some by their ids.

    Raises WorldError where there is none, or an id is not known.
    """
    files = sorted(folder.glob("s*.yaml"))
    by_id = {f"S{int(path.stem.split('-')[0][1:])}": path for path in files}
    if not files:
        raise WorldError(f"{folder}: there are no scenarios.\nFound no file `s*.yaml`.\nRun from the project's root, or name their folder.")
    only = tuple(name.upper() for name in only)
    for name in only:
        if name not in by_id:
            hint = nearest(name, by_id) or "Name one of them."
            raise WorldError(f"scenario `{name}` is not known.\nKnown: {listing(by_id, 20)}.\n{hint}")
    return [path for name, path in by_id.items() if not only or name in only]


def play_all(files: list[Path], seeds: range, processes: int = 1) -> Iterator[Played]:
    """Play scenarios with several seeds, in several processes; results come in order."""
    jobs = [(path, seed) for path in files for seed in seeds]
    if processes == 1:
        yield from (play(path, seed) for path, seed in jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(play, [path for path, _ in jobs], [seed for _, seed in jobs])


def play(path: Path, seed: int) -> Played:
    """Simulate a scenario with a seed, ask its study's question, and hold the answer against the truth.

    Raises WorldError where the file is no scenario.
    """
    world = load_world(path, seed=seed)
    scenario = world.scenario
    if scenario is None:
        raise WorldError(f"{path}: this world is no scenario.\nFound no key `scenario`.\nSay what it asks and expects, as the others do.")
    missing = missing_parts(scenario)
    if scenario.delivery is not None and not missing:
        return _refused(scenario, seed, refusals(world, load_delivery(path.parent / scenario.delivery)))
    if scenario.survey is not None and not missing:
        return _surveyed(scenario, seed, rehearse_survey(world, scenario.survey, LEVEL))
    if scenario.study is None:
        return _played(scenario, seed, missing)
    study = load_study(path.parent / scenario.study)
    if not isinstance(study.source, DeliverySource) or study.source.sample.yardstick is None:
        raise WorldError(
            f"{path}: its study reads no world.\nFound `{scenario.study}`, whose source is other data.\nName a study of a world's delivery, with `sample: yardstick`."
        )
    rehearsal = rehearse(world, study.source.sample.yardstick)
    try:
        found = answer(study, _as_raw(rehearsal), LEVEL)
    except ImpactError as error:
        return _played(scenario, seed, missing, rehearsal, study, stopped=str(error).splitlines()[0])
    return _played(scenario, seed, missing, rehearsal, study, found)


def missing_parts(scenario: Scenario) -> list[str]:
    """List the parts of the house that a scenario needs and that do not exist."""
    return [name for name in scenario.needs if not _exists(f"impact.{name}")]


def summary(played: list[Played]) -> pd.DataFrame:
    """Sum up by scenario: means over seeds, how often the interval contains the truth, verdicts, and the worst status; one row each."""
    table = pd.DataFrame([{**asdict(one), "covers": one.covers} for one in played])
    rows = []
    for name, group in table.groupby("scenario", sort=False):
        means = group[["truth", "estimate", "conf_low", "conf_high", "two_way", "claim_before", "claim_after", "unweighted"]].mean()
        status = max(group["status"], key=(AS_EXPECTED, NOT_YET, OTHERWISE).index)
        seen = int(group["truth"].notna().sum())
        levels = ", ".join(f"{level}×{count}" for level, count in group["verdict"].value_counts().items() if level)
        why = group.loc[group["status"] == status, "why"].iloc[0]
        covers = f"{int(group['covers'].sum())}/{seen}" if seen else ""
        counted = pd.Series({"seeds": len(group), "covers": covers, "verdicts": levels, "status": status, "why": why})
        rows.append(pd.concat([pd.Series({"scenario": name}), means, counted]))
    return pd.DataFrame(rows)


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _as_raw(rehearsal: Rehearsal) -> RawTable:
    engine = connect()
    table = register(engine, "worker_months_of_the_world", rehearsal.rows)
    return RawTable(table, engine, f"{rehearsal.scene.world.name}: {rehearsal.name}", first_row=1, sha256="")


def _played(
    scenario: Scenario,
    seed: int,
    missing: list[str],
    rehearsal: Rehearsal | None = None,
    study: Study | None = None,
    found: StudyAnswer | None = None,
    stopped: str = "",
) -> Played:
    numbers = dict.fromkeys(("truth", "estimate", "conf_low", "conf_high", "two_way", "claim_before", "claim_after"), np.nan)
    level, capped = "stop" if stopped else "", ""
    if rehearsal and study:
        numbers["truth"] = _truth(scenario, rehearsal, study)
        numbers |= _claim(rehearsal, scenario.claim)
    if found:
        row = table_by(found.certainty, "simple").iloc[-1]
        numbers |= {name: float(row[name]) for name in ("estimate", "conf_low", "conf_high")}
        numbers["two_way"] = float(twfe.fit(found.estimate.design).values[-1])
        level, capped = found.verdict.level, ", ".join(found.verdict.capped_by)
    status, why = _status(scenario, missing, level, capped, stopped)
    return Played(scenario.id, seed, **numbers, verdict=level, capped_by=capped, status=status, why=why)


def _refused(scenario: Scenario, seed: int, found: Refusals) -> Played:
    """Say whether cleaning stopped at every file that is wrong as a whole."""
    if found.all_named:
        return _played(scenario, seed, [], stopped=found.first_message.splitlines()[0])
    played = _played(scenario, seed, [])
    unseen = [file for file in found.planted if file not in found.named]
    return replace(played, why=f"expected stop; not named: {listing(unseen) or 'nothing'}")


def _surveyed(scenario: Scenario, seed: int, found: SurveyRehearsal) -> Played:
    """Hold the raked share against what everybody asked would have answered; a survey of one month compares nobody."""
    given = verdict(Evidence(has_comparison=False))
    capped = ", ".join([*given.capped_by, *(finding.rule for finding in coverage_finding(found.uneven, (), scenario.id))])
    status, why = _status(scenario, [], given.level, capped, "")
    played = replace(_played(scenario, seed, []), verdict=given.level, capped_by=capped, status=status, why=why)
    raked, came = found.estimates["raked"], found.estimates["unweighted"]
    return replace(played, truth=found.truth, estimate=raked, conf_low=found.conf_low, conf_high=found.conf_high, unweighted=came)


def _truth(scenario: Scenario, rehearsal: Rehearsal, study: Study) -> float:
    """Give what the estimate is held against, in the unit of the study's outcome."""
    if scenario.truth is not None:
        return scenario.truth
    outcome = study.outcomes[0]
    return rehearsal.truth(outcome.column) * (100 if outcome.transform == "percent" else 1)


def _claim(rehearsal: Rehearsal, claim: Claim | None) -> dict[str, float]:
    if claim is None:
        return {}
    return {name: _rate(rehearsal, claim.platform, rate) for name, rate in (("claim_before", claim.before), ("claim_after", claim.after))}


def _rate(rehearsal: Rehearsal, platform: str, rate: ClaimedRate) -> float:
    if rate.lowest_cities:
        return lowest_cities(rehearsal.rows.to_pandas(), platform, rate)
    return claimed(rehearsal.counts, platform, rate)


def _status(scenario: Scenario, missing: list[str], level: str, capped: str, stopped: str) -> tuple[str, str]:
    if missing:
        return NOT_YET, f"lacks {', '.join(missing)}"
    if level not in scenario.expected:
        return OTHERWISE, f"expected {' or '.join(scenario.expected)}, found {level or 'nothing'} {stopped}".strip()
    silent = [rule for rule in scenario.flags if rule not in capped.split(", ")]
    return (OTHERWISE, f"did not flag {', '.join(silent)}") if silent else (AS_EXPECTED, scenario.says.en)
