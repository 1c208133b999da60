"""A study answered in memory, without notebooks or files: for scenarios and simulations, which ask the same question of many worlds. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass

from impact.check import CHECKS
from impact.clean.for_study import clean_for
from impact.design.facts import facts_of
from impact.infer.aggregate import aggregate
from impact.results import CheckResult, Estimate
from impact.run.effects import coverage_of, main_estimate, moments_of
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
    checks: tuple[CheckResult, ...]
    verdict: Verdict


def answer(study: Study, raw: RawTable) -> StudyAnswer:
    """Walk the way of the notebooks: clean, coverage, moments, estimate, checks, verdict.

    Raises what cleaning, design and estimation raise.
    """
    clean = clean_for(study, raw)
    moments = moments_of(study, coverage_of(study, clean.table).sample("restricted"), clean.period)
    estimate = main_estimate(study, moments, study.outcomes[0].name)
    checks = tuple(check.run(estimate) for check in CHECKS.values())
    leads = next(check for check in checks if check.name == "leads")
    facts = facts_of(estimate.design).as_dict()
    evidence = evidence_of(study, clean.period, facts, estimate.errors.covered_clusters, leads.numbers.get("p_value"))
    return StudyAnswer(estimate, aggregate(estimate, "simple"), checks, verdict(evidence))
