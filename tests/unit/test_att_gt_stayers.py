"""Group-time effects among stayers: those seen in both months of a change, from the command and by loops over workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DesignError
from impact.estimate import att_gt
from panels import answer_from, design_from
from words import complains


def stayers_by_loops(frame: pd.DataFrame, cohort: int, month: int) -> tuple[float, float, int]:
    """The effect that R `did` gives on the balanced rows of two months, never covered for comparison: estimate, error by cluster, covered workers."""
    base = month - 1 if month < cohort else cohort - 1
    changes: dict[bool, list[tuple[float, float, str]]] = {True: [], False: []}
    for _, rows in frame.groupby("worker"):
        pay = rows.set_index("month")["income"]
        first, weight, cluster = rows["first_covered"].iloc[0], rows["weight"].iloc[0], rows["cluster"].iloc[0]
        if month in pay.index and base in pay.index and (first == cohort or np.isnan(first)):
            changes[first == cohort].append((pay[month] - pay[base], weight, cluster))
    means = {side: np.average([one for one, _, _ in some], weights=[weight for _, weight, _ in some]) for side, some in changes.items()}
    moves: dict[str, float] = {}
    for side, some in changes.items():
        whole = sum(weight for _, weight, _ in some)
        for one, weight, cluster in some:
            moves[cluster] = moves.get(cluster, 0.0) + (1 if side else -1) * weight * (one - means[side]) / whole
    return means[True] - means[False], sum(move**2 for move in moves.values()) ** 0.5, len(changes[True])


@pytest.mark.parametrize("unit", ["unit", "worker"])
def test_stayers_by_command_are_those_seen_in_both_months_of_a_change(unit, nasty, tmp_path: Path):
    asked = {"cluster": "cluster", "weights": "weight", "comparison": "never", "options": {"workers": "stayers"}, "unit": unit}
    estimate = answer_from(nasty, tmp_path, **asked).estimate
    by_loops = np.array([stayers_by_loops(nasty, int(term.cohort), int(term.month)) for term in estimate.terms])
    assert len(by_loops) == 22
    assert_allclose(estimate.values, by_loops[:, 0], rtol=1e-9, atol=1e-9)
    assert_allclose(estimate.errors.std_error, by_loops[:, 1], rtol=1e-9)
    assert [term.workers for term in estimate.terms] == by_loops[:, 2].tolist()


def test_stayers_are_others_than_whoever_is_seen_where_workers_come_and_go_and_the_same_where_none_does(nasty, balanced, tmp_path: Path):
    for frame, differ in ((nasty, True), (balanced, False)):
        every, stay = (
            answer_from(frame, tmp_path, cluster="cluster", options=options).estimate for options in ({}, {"workers": "stayers"})
        )
        assert (np.abs(every.values - stay.values).max() > 1e-3) == differ
        assert (np.abs(every.errors.std_error - stay.errors.std_error).max() > 1e-3) == differ


def test_stayers_with_errors_by_worker_are_the_same_from_patterns_and_from_workers(nasty, tmp_path: Path):
    one, other = (
        answer_from(nasty, tmp_path, cluster="worker", unit=unit, options={"workers": "stayers"}).estimate for unit in ("unit", "worker")
    )
    assert_allclose(one.values, other.values, rtol=1e-9)
    assert_allclose(one.errors.std_error, other.errors.std_error, rtol=1e-9)


def test_stayers_cannot_be_told_where_workers_are_not_followed(nasty):
    with complains(DesignError, "workers `stayers`: workers can be followed only", "Found 18 units with", "name the worker as the unit"):
        att_gt.fit(design_from(nasty), att_gt.Options(workers="stayers"))
