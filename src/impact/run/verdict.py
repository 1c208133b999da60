"""What the stages found, laid before the verdict. May touch: the run's folder."""

from __future__ import annotations

from impact.months import per_year
from impact.run.folder import RunFolder
from impact.study import Study
from impact.verdict.verdict import Evidence, Verdict, verdict


def verdict_of(study: Study, run: RunFolder) -> Verdict:
    """Give the verdict of a run and write it for the manifest: `stages/verdict.json`."""
    found = verdict(_evidence(study, run))
    run.write_json("verdict", found.as_dict())
    return found


def _evidence(study: Study, run: RunFolder) -> Evidence:
    if study.coverage is None:
        return Evidence(has_comparison=False)
    facts, errors = run.read_json("design_facts"), run.read_json("errors")
    leads = next(check for check in run.read_json("checks") if check["name"] == "leads")
    return Evidence(
        has_comparison=True,
        decided_by=study.coverage.decided_by,
        periods_before=facts["periods_before"],
        periods_after=facts["periods_after"],
        periods_per_year=per_year(run.read_json("period")),
        covered_clusters=errors["covered_clusters"],
        leads_p_value=leads["numbers"].get("p_value"),
    )
