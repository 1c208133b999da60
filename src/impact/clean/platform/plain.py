"""Small tables that need no rules of their own: eligibility for a clause, minimum wages by city and month. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import ibis

from impact.clean.audit import Cleaned, Finding
from impact.clean.platform.corrections import Correction
from impact.clean.platform.declared import carried_out, marks
from impact.clean.platform.reading import read_typed
from impact.clean.platform.repeats import mark_repeats
from impact.clean.platform.suspicious import partly_delivered
from impact.clean.rules import apply
from impact.sources.dataset import Dataset
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery


OWN_WORD = "本人申报"
"""What the table of eligibility writes where a worker's own word is all there is."""


def clean_plain(dataset: Dataset, delivery: Delivery, corrections: Sequence[Correction] = (), restricted: bool = False) -> Cleaned:
    """Read a table by its types, drop copies, refuse contradictions.

    Raises DataError for what cannot be read, and for keys that stand twice with different values.
    """
    typed = read_typed(dataset, delivery, corrections, restricted)
    table, files = carried_out(typed, dataset, delivery)
    table, said = marks(typed, table)
    table, repeats = mark_repeats(table, typed, dataset)
    return apply(dataset.engine, dataset.name, table, [*said, *repeats], dataset.name, dataset.sha256, files, partly_delivered(typed))


def clean_eligibility(dataset: Dataset, delivery: Delivery, corrections: Sequence[Correction] = (), restricted: bool = False) -> Cleaned:
    """Read whom a clause of eligibility names, and say where that was not on record before the talks.

    Raises what `clean_plain` raises.
    """
    cleaned = clean_plain(dataset, delivery, corrections, restricted)
    return replace(cleaned, findings=(*cleaned.findings, *_late(cleaned.table)))


def _late(table: ir.Table) -> list[Finding]:
    """Say how many were not on record before the talks were offered, and how many of them only say so themselves."""
    if "eligible_pre" not in table.columns:
        return []
    own_word = (table["source"] == OWN_WORD) if "source" in table.columns else ibis.literal(True)
    late = table["eligible_pre"] == 0
    counted = table.aggregate(rows=table.count(), late=late.sum(), said=(late & own_word).sum()).to_pyarrow().to_pylist()[0]
    rows, said, recorded = counted["rows"], counted["said"] or 0, (counted["late"] or 0) - (counted["said"] or 0)
    found = []
    if said:
        found.append(
            Finding(
                "eligibility_by_own_word",
                "warning",
                "eligibility",
                said,
                Text(
                    f"{said:,} of {rows:,} eligible workers say so themselves, and were not on record before the talks were offered",
                    f"{rows:,}名符合条件者中有{said:,}名仅为本人申报，在要约之前没有档案记录",
                ),
                Text(
                    "who is still there to declare it has not left: do not compare the eligible with others on this basis",
                    "事后仍在岗才能申报，因而未离开：不得据此比较符合条件者与其他人",
                ),
            )
        )
    if recorded:
        found.append(
            Finding(
                "eligibility_after_offer",
                "note",
                "eligibility",
                recorded,
                Text(
                    f"{recorded:,} of {rows:,} eligible workers came on record after the talks were offered",
                    f"{rows:,}名符合条件者中有{recorded:,}名在要约之后才有档案记录",
                ),
                Text(
                    "mostly workers who joined later; a comparison of those already there leaves them out",
                    "多为之后加入者；比较要约之前已在岗者时应将其排除",
                ),
            )
        )
    return found
