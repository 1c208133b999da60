"""What a bundle says of the data behind it: counts that may be printed, nothing of a row. May touch: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from impact.clean.audit import Audit, Finding, Rule
from impact.moments.disclose.rules import Rules
from impact.report.data_words import printable_text
from impact.study import Study
from impact.study.delivery import DeliverySource


def asks_of(study: Study) -> dict[str, Any]:
    """Give what moments depend on: a study that says something else of it asks for other moments. Words, estimators and the place of files are not among it."""
    whole = study.model_dump(mode="json")
    columns = [
        {name: one[name] for name in ("name", "column", "transform") if name in one} for one in (*whole["outcomes"], *whole["covariates"])
    ]
    sample = study.source.sample.model_dump(mode="json") if isinstance(study.source, DeliverySource) else None
    return {"period": study.period, "columns": whole["columns"], "dates": whole["dates"], "numbers": columns, "sample": sample}


def audit_that_may_leave(audit: Audit, rules: Rules) -> Audit:
    """Round the counts of an audit; a rule that met fewer rows than the threshold is left out, and no row is named."""
    kept = rules_that_may_leave(audit.rules, rules)
    return replace(audit, rows_in=rounded(audit.rows_in, rules), rows_kept=rounded(audit.rows_kept, rules), rules=kept)


def rules_that_may_leave(met: Sequence[Rule], rules: Rules) -> tuple[Rule, ...]:
    """Round the counts of rules of cleaning, and leave those out that met somebody, but too few."""
    kept = [rule for rule in met if not 0 < rule.rows < rules.threshold]
    return tuple(replace(rule, rows=rounded(rule.rows, rules), examples=()) for rule in kept)


def finding_that_may_leave(finding: Finding, rules: Rules) -> Finding:
    """Write a finding without counts of too few persons."""
    few = 0 < finding.rows < rules.threshold
    return replace(finding, rows=0 if few else rounded(finding.rows, rules), text=printable_text(finding, rules.threshold))


def rounded(count: int, rules: Rules) -> int:
    """Round a count to the base of the rules."""
    return round(count / rules.base) * rules.base
