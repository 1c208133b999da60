"""Workers by the months in which they are seen: sums equal plain pandas, and fixed effects of workers come out as from the rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from test_moments import CLOSE, few, panels

from impact.design.design import design_of
from impact.errors import DataError, DesignError, EstimationError
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import aggregate
from impact.moments.tables import from_tables, to_tables
from panels import design_from, moments_from
from words import complains


def one_weight(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each worker the same weight throughout."""
    return frame.assign(weight=frame.groupby("worker")["weight"].transform("first"))


def brute_patterns(frame: pd.DataFrame, months: tuple[int, ...]) -> dict[tuple[str, str], dict[str, object]]:
    """Sort workers by hand."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for (unit, _), rows in frame[frame["income"].notna()].groupby(["unit", "worker"]):
        values = rows.set_index("month")["income"]
        weight = float(rows["weight"].iloc[0])
        name = "".join("1" if month in values else "0" for month in months)
        sums = found.setdefault(
            (unit, name), {"workers": 0, "w": 0.0, "between": 0.0, "wy": np.zeros(len(months)), "wy2": np.zeros(len(months))}
        )
        laid = np.array([values.get(month, 0.0) for month in months])
        sums["workers"] += 1
        sums["w"] += weight
        sums["between"] += weight * len(values) * values.mean() ** 2
        sums["wy"] = sums["wy"] + weight * laid
        sums["wy2"] = sums["wy2"] + weight * laid**2
    return found


@few
@given(panels())
def test_patterns_equal_sums_over_workers(frame):
    frame = one_weight(frame)
    moments = moments_from(frame, ("income",), patterns=True)
    if moments.one_worker_per_unit:
        assert moments.patterns is None
        return
    found, wanted = moments.patterns["income"], brute_patterns(frame, moments.months)
    keys = list(zip(moments.units.index[found.unit], found.names(), strict=True))
    assert sorted(keys) == sorted(wanted)
    for place, key in enumerate(keys):
        one = wanted[key]
        assert (found.workers[place], found.weight[place]) == (one["workers"], pytest.approx(one["w"]))
        assert_allclose(found.between[place], one["between"], **CLOSE)
        assert_allclose(found.total[place], one["wy"], **CLOSE)
        assert_allclose(found.square[place], one["wy2"], **CLOSE)


@few
@given(panels())
def test_patterns_add_up_to_the_cells_and_the_workers(frame):
    moments = moments_from(one_weight(frame), ("income",), patterns=True)
    if moments.patterns is None:
        return
    found = moments.patterns["income"]
    sums = np.zeros((len(moments.units), len(moments.months)))
    np.add.at(sums, found.unit, found.total)
    assert_allclose(sums, moments.array("income", "wy"), **CLOSE)
    assert_allclose(np.bincount(found.unit, found.workers, len(moments.units)), moments.worker_count("income"))


def test_months_beyond_one_whole_number_are_kept_apart(nasty):
    far = nasty.assign(month=nasty["month"].astype(int) * 40, first_covered=nasty["first_covered"] * 40)
    near, wide = (moments_from(one_weight(frame), patterns=True).patterns["income"] for frame in (nasty, far))
    assert wide.names() and sorted(near.names()) == sorted(wide.names())
    assert_allclose(np.sort(near.between), np.sort(wide.between))


def test_tables_carry_patterns_there_and_back(nasty, tmp_path):
    moments = moments_from(one_weight(nasty), ("income", "rides"), pairs=True, patterns=True, bins=("income",))
    for name, table in to_tables(moments).items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    back = from_tables({file.stem: pd.read_parquet(file) for file in tmp_path.iterdir()})
    for outcome, patterns in moments.patterns.items():
        for field in dataclasses.fields(patterns):
            assert_allclose(getattr(back.patterns[outcome], field.name), getattr(patterns, field.name), err_msg=field.name)
    pd.testing.assert_frame_equal(back.bins, moments.bins)


@pytest.mark.parametrize("errors", ["cluster", "homoskedastic"])
@pytest.mark.parametrize("level", ["unit", "cluster", "worker"])
@pytest.mark.parametrize("weighted", [False, True])
def test_fixed_effects_of_workers_are_the_same_from_patterns_as_from_the_rows(weighted, level, errors, nasty):
    frame = one_weight(nasty) if weighted else nasty.drop(columns="weight")
    frame = frame if level == "cluster" else frame.assign(cluster=frame["unit"])
    by_worker = design_from(frame.assign(unit=frame["worker"]), level="worker" if level == "worker" else "cluster")
    moments = moments_from(frame, pairs=level == "worker", patterns=True)
    followed = design_of(moments, "income", "worker" if level == "worker" else "cluster", follow_workers=True)
    assert len(followed.units) < len(by_worker.units)
    wanted, found = (twfe.fit(design, twfe.Options(errors=errors)).tidy() for design in (by_worker, followed))
    for column in ("estimate", "std_error", "conf_low", "workers"):
        assert_allclose(found[column], wanted[column], rtol=1e-7, err_msg=column)


@pytest.mark.parametrize("level", ["cluster", "worker"])
def test_stayers_are_compared_from_patterns_as_from_the_rows(level, nasty):
    frame = one_weight(nasty)
    rows = design_from(frame.assign(unit=frame["worker"]), level=level)
    followed = design_of(moments_from(frame, pairs=level == "worker", patterns=True), "income", level, follow_workers=True)
    options = att_gt.Options(workers="stayers")
    wanted, found = (aggregate(att_gt.fit(design, options), "event_time").tidy() for design in (rows, followed))
    assert found["term"].tolist() == wanted["term"].tolist()
    for column in ("estimate", "std_error", "workers"):
        assert_allclose(found[column], wanted[column], rtol=1e-8, err_msg=column)


def test_homoskedastic_errors_are_refused_where_a_month_of_a_single_worker_is_set_aside(nasty):
    frame = nasty.drop(columns="weight")
    lone = frame[frame["unit"] == "city 16"].iloc[[0]].assign(month=np.int8(20))
    design = design_of(moments_from(pd.concat([frame, lone]), patterns=True), "income", "cluster", follow_workers=True)
    assert np.isfinite(twfe.fit(design).errors.std_error[0])
    with complains(EstimationError, "need the whole of each worker's months", "Found months set aside", "Ask for errors by cluster"):
        twfe.fit(design, twfe.Options(errors="homoskedastic"))


def test_weights_that_change_are_refused(nasty):
    changing = one_weight(nasty)
    changing.loc[changing.index[3], "weight"] *= 1.001
    with complains(DataError, "the weight of a worker changes from month to month", "worker-month", "give each worker one weight"):
        moments_from(changing, patterns=True)


def test_rows_without_workers_have_no_patterns(nasty):
    with complains(DataError, "workers are not followed over time", "Found rows without `worker`", "leave patterns out"):
        moments_from(nasty.drop(columns="worker"), patterns=True)


def test_following_workers_without_patterns_is_refused(nasty):
    with complains(
        DesignError, "following workers needs sums by the months", "Found no patterns", "Compress the panel again with patterns"
    ):
        design_of(moments_from(nasty), "income", "cluster", follow_workers=True)


def test_an_outcome_that_is_no_number_is_refused(nasty):
    with complains(DataError, "outcome `income`: it is not a number", "Found values of type string", "clean it first"):
        moments_from(nasty.assign(income="many"))
