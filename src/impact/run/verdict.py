"""What the stages found, laid before the verdict. May touch: the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from impact.months import Period, per_year
from impact.run.folder import RunFolder
from impact.study import Study
from impact.verdict.verdict import Evidence, Verdict, verdict


def verdict_of(study: Study, run: RunFolder) -> Verdict:
    """Give the verdict of a run and write it for the manifest: `stages/verdict.json`."""
    found = verdict(_evidence(study, run))
    run.write_json("verdict", found.as_dict())
    return found


def evidence_of(
    study: Study,
    period: Period,
    facts: Mapping[str, Any],
    covered_clusters: int,
    checks: Mapping[str, Mapping[str, float]],
    inference: Mapping[str, Any],
) -> Evidence:
    """Lay what a study's design, errors, inference and checks came to before the verdict.

    `facts` are those of `DesignFacts`; `checks` gives the numbers of every check by its name; `inference` is an `inference_record`.
    """
    assert study.coverage is not None
    by_number = inference["by_number"] or {}
    return Evidence(
        has_comparison=True,
        decided_by=study.coverage.decided_by,
        periods_before=facts["periods_before"],
        periods_after=facts["periods_after"],
        periods_per_year=per_year(period),
        covered_clusters=covered_clusters,
        leads_p_value=checks["leads"].get("p_value"),
        breakdown=checks["honest"].get("breakdown"),
        p_value=by_number.get("p_value"),
        p_value_floor=by_number.get("floor", 0.0),
        level=inference["level"],
    )


def _evidence(study: Study, run: RunFolder) -> Evidence:
    if study.coverage is None:
        return Evidence(has_comparison=False)
    checks = {check["name"]: check["numbers"] for check in run.read_json("checks")}
    clusters = run.read_json("errors")["covered_clusters"]
    return evidence_of(study, run.read_json("period"), run.read_json("design_facts"), clusters, checks, run.read_json("inference"))
