"""How much an agreement binds, from 0 to 100, with everything that goes into the number beside it. May touch: nothing.

A clause counts `duration × parameter × (1 + enforceability) / 4`: a declaration counts a quarter, an amount with deadline and consequence counts whole. A
topic counts as much as its strongest clause, and the index is the mean over the sixteen topics, times 100. What nobody has read or stated is no zero: every
number has a lower and an upper bound, which meet once the whole text has been read. `docs/registry.md` gives the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from impact.sources.registry_dates import days_of_fact
from impact.sources.registry_topics import TOPICS

if TYPE_CHECKING:
    from impact.sources.registry_records import Agreement, Clause

HIGHEST_GRADE = 3
WITHOUT_NUMBER = 0.5
"""What a clause is worth whose text leaves out the number that its type lives by."""
NUMBERED = (
    "commission_cap",
    "commission_waiver",
    "min_wage",
    "overtime",
    "rest_limit",
    "insurance",
    "penalty_appeal",
    "reward",
    "union_time",
)
"""Types of clause that promise little without a number; rules on dispatch, algorithms and monitoring need none."""
_CLAUSES = (
    "agreement",
    "clause",
    "topic",
    "grade_low",
    "grade_high",
    "parameter_low",
    "parameter_high",
    "duration_low",
    "duration_high",
    "low",
    "high",
)
_TOPICS = ("agreement", "topic", "clauses", "low", "high")
_TOTALS = ("agreement", "topics", "breadth", "clauses", "unread", "uncoded", "unseen", "depth_low", "depth_high", "low", "high")


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float

    def __mul__(self, other: _Range) -> _Range:
        return _Range(self.low * other.low, self.high * other.high)


def clause_scores(clauses: Iterable[Clause], agreements: Mapping[str, Agreement]) -> pd.DataFrame:
    """Score every clause from 0 to 1, one row a clause, with the three components that are multiplied, each with its bounds.

    Columns `agreement, clause, topic` (missing where nobody has coded it), then `grade`, `parameter`, `duration` and the product, each `_low` and `_high`.
    """
    rows = []
    for clause in clauses:
        grade, parameter, duration = _grade(clause), _parameter(clause), _duration(clause, agreements.get(clause.agreement))
        score = grade * parameter * duration
        parts = (bound for part in (grade, parameter, duration, score) for bound in (part.low, part.high))
        rows.append((clause.agreement, clause.id, clause.code, *parts))
    return pd.DataFrame(rows, columns=list(_CLAUSES))


def clause_strength(clauses: Iterable[Clause], agreements: Mapping[str, Agreement]) -> pd.DataFrame:
    """Score every topic of every agreement from 0 to 1: its strongest clause.

    One row for an agreement and a topic on which it has a clause, columns `agreement, topic, clauses, low, high`; clauses that nobody has coded are left out.
    """
    scores = clause_scores(clauses, agreements)
    grouped = scores[scores["topic"].notna()].groupby(["agreement", "topic"], sort=False)
    return grouped.agg(clauses=("clause", "size"), low=("low", "max"), high=("high", "max")).reset_index()[list(_TOPICS)]


def agreement_strength(clauses: Iterable[Clause], agreements: Mapping[str, Agreement]) -> pd.DataFrame:
    """Give the index of every agreement, from 0 to 100, with what it is made of; one row an agreement, in the order given.

    `topics` coded, `breadth` their share of the sixteen, `clauses`, `unread` and `uncoded` ones, `unseen` topics that may be in the text and are in no
    clause on record, `depth` the mean score of the coded topics, and `low` and `high`: the index.
    """
    listed = list(clauses)
    topics, scores = clause_strength(listed, agreements), clause_scores(listed, agreements)
    unread = {clause.id for clause in listed if clause.enforceability is None}
    rows = [
        _total(one, topics[topics["agreement"] == one.id], scores[scores["agreement"] == one.id], unread) for one in agreements.values()
    ]
    return pd.DataFrame(rows, columns=list(_TOTALS))


def _total(agreement: Agreement, topics: pd.DataFrame, scores: pd.DataFrame, unread: set[str]) -> tuple[str | float, ...]:
    number, waiting = len(topics), int(scores["clause"].isin(unread).sum())
    uncoded = int(scores["topic"].isna().sum())
    unseen = _unseen(agreement, number, read=bool(len(scores)) and not waiting and not uncoded, uncoded=uncoded)
    low, high = float(topics["low"].sum()), float(topics["high"].sum())
    per_topic = 100 / len(TOPICS)
    return (
        agreement.id,
        number,
        number / len(TOPICS),
        len(scores),
        waiting,
        uncoded,
        unseen,
        low / number if number else 0.0,
        high / number if number else 0.0,
        per_topic * low,
        per_topic * (high + unseen),
    )


def _unseen(agreement: Agreement, number: int, read: bool, uncoded: int) -> int:
    """Count topics that may be in the text and are in no coded clause: the stated number is believed, otherwise all are open until the text has been read."""
    stated = agreement.topics_n.value
    if stated is None:
        return 0 if read else len(TOPICS) - number
    return max(0, min(len(TOPICS) - number, max(stated - number, uncoded)))


def _grade(clause: Clause) -> _Range:
    if clause.enforceability is None:
        return _Range(1 / (HIGHEST_GRADE + 1), 1.0)
    grade = (1 + clause.enforceability) / (HIGHEST_GRADE + 1)
    return _Range(grade, grade)


def _parameter(clause: Clause) -> _Range:
    """A number that is not on record may still be in a text that nobody has read; a type that nobody knows may need none."""
    if clause.param_value is not None or (clause.type is not None and clause.type not in NUMBERED):
        return _Range(1.0, 1.0)
    read = clause.enforceability is not None and clause.type is not None
    return _Range(WITHOUT_NUMBER, WITHOUT_NUMBER if read else 1.0)


def _duration(clause: Clause, agreement: Agreement | None) -> _Range:
    """Share of the agreement's days on which a clause holds; the whole where it has no days of its own, between none and all where the agreement's are unknown."""
    if clause.start is None and clause.end is None:
        return _Range(1.0, 1.0)
    first = days_of_fact(agreement.effective) if agreement else None
    last = days_of_fact(agreement.expiry) if agreement else None
    if first is None or last is None or last.last < first.first:
        return _Range(0.0, 1.0)
    share = _share(clause.start or first.first, clause.end or last.last, first.first, last.last)
    return _Range(share, share)


def _share(start: date, end: date, first: date, last: date) -> float:
    held = (min(end, last) - max(start, first)).days + 1
    return max(0, held) / ((last - first).days + 1)
