"""A study answered in memory, without notebooks or files: for scenarios and simulations, which ask the same question of many worlds. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass

from impact import settings
from impact.check import CHECKS
from impact.clean.for_study import clean_for
from impact.design.facts import facts_of
from impact.infer.aggregate import aggregate
from impact.results import CheckResult, Estimate
from impact.run.effects import main_estimate
from impact.run.inference import Certainty, certainty, inference_record
from impact.run.needed import MAIN, compress_needed, moments_needed
from impact.run.verdict import evidence_of
from impact.sources.raw import RawTable
from impact.study import Study
from impact.verdict.verdict import Verdict, verdict


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """What a study comes to."""

    estimate: Estimate
    """Group-time effects on the study's outcome."""
    overall: Estimate
    """Their average over all covered workers and months."""
    certainty: Certainty
    """How certain that average is."""
    checks: tuple[CheckResult, ...]
    verdict: Verdict


def answer(study: Study, raw: RawTable, level: float = settings.LEVEL, seed: int = settings.SEED) -> StudyAnswer:
    """Walk the way of the notebooks: clean, coverage, moments, estimate, inference, checks, verdict.

    Raises what cleaning, design and estimation raise.
    """
    clean = clean_for(study, raw)
    held = compress_needed(clean.table, clean.period, {MAIN: moments_needed(study)[MAIN]})
    estimate = main_estimate(study, held[MAIN], study.outcomes[0].name)
    certain = certainty(study, estimate, level, seed, bys=("simple",))
    checks = tuple(check.run(estimate) for check in CHECKS.values())
    numbers = {check.name: check.numbers for check in checks}
    facts = facts_of(estimate.design).as_dict()
    evidence = evidence_of(study, clean.period, facts, estimate.errors.covered_clusters, numbers, inference_record(certain))
    return StudyAnswer(estimate, aggregate(estimate, "simple"), certain, checks, verdict(evidence))
