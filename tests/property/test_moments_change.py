"""Changing moments gives what compressing the changed rows gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from impact.errors import DataError, DesignError
from impact.moments.change import combine, merge, restrict, reweight
from impact.moments.moments import Moments
from impact.moments.patterns import patterns_frame
from impact.moments.spells import spell_sums
from impact.moments.tables import from_tables, to_tables
from panels import moments_from

few = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)
BINS = ("income",)


@st.composite
def panels(draw: Any) -> pd.DataFrame:
    """Unbalanced panels of 2 to 5 units with 2 to 6 workers in months with gaps; each worker has one weight, some outcomes are missing."""
    sizes = draw(st.lists(st.integers(2, 6), min_size=2, max_size=5))
    months = draw(st.lists(st.integers(1, 30), min_size=2, max_size=4, unique=True))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = np.repeat(np.arange(len(sizes)), sizes)
    workers = pd.DataFrame({"worker": [f"w{place}" for place in range(len(unit))], "unit": [f"u{place}" for place in unit]})
    workers["weight"] = generator.uniform(0.1, 3, len(unit)) if draw(st.booleans()) else 1.0
    rows = workers.merge(pd.DataFrame({"month": months}), how="cross")
    rows = rows.assign(income=generator.normal(5, 3, len(rows)), hours=generator.normal(size=len(rows)))
    rows["first_covered"] = np.where(rows["unit"] == "u0", np.nan, float(max(months)))
    rows.loc[generator.random(len(rows)) < 0.1, "income"] = np.nan
    kept = rows[generator.random(len(rows)) < 0.85].sample(frac=1, random_state=1)
    assume(kept.groupby("unit")["income"].count().reindex(workers["unit"].unique(), fill_value=0).min() > 0)
    assume(kept["hours"].notna().any())
    return kept


def whole(frame: pd.DataFrame) -> Moments:
    spells = frame.groupby(["unit", "worker"], as_index=False)["month"].agg(entry_cohort="min", end_days="max")
    spells = spells.assign(entry_days=0, cause=np.where(spells["end_days"] < 20, "left", None))
    return replace(moments_from(frame, ("income", "hours"), pairs=True, patterns=True, bins=BINS), spells=spell_sums(ibis.memtable(spells)))


def in_order(patterns: Any, moments: Moments) -> pd.DataFrame:
    return patterns_frame(patterns, moments.months, moments.units.index).sort_values(["unit", "pattern", "month"], ignore_index=True)


def assert_same(found: Moments, expected: Moments, spells: bool = True, between: bool = True) -> None:
    assert found.months == expected.months
    pd.testing.assert_frame_equal(found.units, expected.units, check_dtype=False)
    for name in ("cells", "workers", "bins", *(["spells"] if spells else [])):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name), check_dtype=False, rtol=1e-9, atol=1e-9)
    for outcome in expected.outcomes:
        if expected.pairs is not None:
            assert_allclose(found.pairs[outcome], expected.pairs[outcome], atol=1e-8)
        if expected.patterns is not None:
            frames = [in_order(one.patterns[outcome], one) for one in (found, expected)]
            frames = frames if between else [frame.drop(columns="between") for frame in frames]
            pd.testing.assert_frame_equal(*frames, check_dtype=False, rtol=1e-9, atol=1e-9)
            if not np.isnan(frames[0].get("between", pd.Series(0.0))).all():
                assert_allclose(found.patterns[outcome].pairs.sum(axis=0), expected.patterns[outcome].pairs.sum(axis=0), atol=1e-8)


@few
@given(panels(), st.integers(0, 2**32 - 1))
def test_reweighting_equals_workers_who_stand_more_than_once(frame, seed):
    units = sorted(frame["unit"].unique())
    times = dict(zip(units, np.random.default_rng(seed).integers(0, 4, len(units)), strict=True))
    assume(sum(times.values()) > 0)
    copies = [
        frame[frame["unit"].map(times) > time].assign(worker=lambda rows, time=time: rows["worker"] + f" {time}") for time in range(3)
    ]
    moments, repeated = whole(frame), whole(pd.concat(copies))
    found = reweight(moments, times)
    assert found.months == moments.months
    assert_same(restrict(found, months=repeated.months), repeated)


@few
@given(panels(), st.integers(0, 2**32 - 1))
def test_restricting_equals_compressing_the_rows_that_are_left(frame, seed):
    generator, moments = np.random.default_rng(seed), whole(frame)
    units = [unit for unit in moments.units.index if generator.random() < 0.7]
    months = [month for month in moments.months if generator.random() < 0.7]
    left = frame[frame["unit"].isin(units) & frame["month"].isin(months)]
    assume(len(left) and left[["income", "hours"]].notna().any().all() and set(left["month"]) == set(months))
    expected = whole(left)
    assume(not expected.one_worker_per_unit)
    assert_same(restrict(moments, units, months), expected, spells=False, between=False)


@few
@given(panels())
def test_between_is_kept_where_a_pattern_lost_no_month_and_unknown_elsewhere(frame):
    moments = moments_from(frame, ("hours",), patterns=True)
    months = moments.months[1:]
    left = frame[frame["month"].isin(months)]
    assume(len(left) and moments.patterns is not None)
    found, whole_ones = restrict(moments, months=months), moments.patterns["hours"]
    units = moments.units.index[whole_ones.unit]
    lost = {f"{unit} {name[1:]}" for unit, name in zip(units, whole_ones.names(), strict=True) if name[0] == "1"}
    kept = {
        f"{unit} {name[1:]}": value
        for unit, name, value in zip(units, whole_ones.names(), whole_ones.between, strict=True)
        if name[0] == "0"
    }
    cut = found.patterns["hours"]
    for unit, name, value in zip(found.units.index[cut.unit], cut.names(), cut.between, strict=True):
        key = f"{unit} {name}"
        assert np.isnan(value) if key in lost else value == pytest.approx(kept[key])


@few
@given(panels(), st.integers(2, 3))
def test_merging_equals_compressing_by_the_coarser_unit(frame, count):
    groups = {unit: "u0" if unit == "u0" else f"group {int(unit[1:]) % count}" for unit in frame["unit"].unique()}
    assert_same(merge(whole(frame), groups), whole(frame.assign(unit=frame["unit"].map(groups))))


@few
@given(panels())
def test_combining_disjoint_strata_equals_compressing_them_together(frame):
    first = frame["unit"].isin(["u0", "u2"])
    assume((~first).any() and all(set(frame[part]["month"]) == set(frame["month"]) for part in (first, ~first)))
    parts = [whole(frame[~first]), whole(frame[first])]
    assume(not any(part.one_worker_per_unit for part in parts))
    assert_same(combine(*parts), whole(frame))


@few
@given(panels())
def test_nothing_given_is_changed(frame):
    moments = whole(frame)
    before = {name: table.copy(deep=True) for name, table in to_tables(moments).items()}
    reweight(moments, dict.fromkeys(moments.units.index, 2))
    restrict(moments, months=moments.months[:1])
    merge(moments, {unit: unit for unit in moments.units.index})
    for name, table in to_tables(moments).items():
        pd.testing.assert_frame_equal(table, before[name])


def test_a_between_that_is_not_known_stays_unknown_in_tables(nasty):
    moments = restrict(moments_from(nasty, patterns=True), months=range(1, 7))
    back = from_tables(to_tables(moments))
    assert np.isnan(moments.patterns["income"].between).any()
    frames = [in_order(one.patterns["income"], one) for one in (moments, back)]
    pd.testing.assert_frame_equal(*frames)


def test_without_patterns_workers_are_counted_again_where_each_row_is_one(nasty):
    cross_section = nasty.drop(columns="worker")
    found, expected = restrict(moments_from(cross_section), months=range(1, 7)), moments_from(cross_section[cross_section["month"] < 7])
    pd.testing.assert_frame_equal(found.workers, expected.workers)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda m: reweight(m, {"city 01": 1}),
            DesignError,
            r"weights: 17 of 18 units have no weight.*\nFound city 00, city 02.*\nGive every unit one\.",
        ),
        (lambda m: reweight(m, dict.fromkeys(m.units.index, -1)), DesignError, r"weights: 18 of 18 units"),
        (
            lambda m: restrict(m, ["city 0l"]),
            DesignError,
            r"unit `city 0l` is not there\.\nFound city 00.*Did you mean `city \d\d`\?\nKeep a unit",
        ),
        (lambda m: restrict(m, months=[99]), DesignError, r"month `99` is not there\.\nFound 1, 2"),
        (lambda m: restrict(m, []), DesignError, r"nobody is left\.\nFound no rows in 0 units"),
        (lambda m: merge(m, {"city 01": "a"}), DesignError, r"groups: 17 units have no group\.\nFound city 00"),
        (
            lambda m: merge(m, dict.fromkeys(m.units.index, "all")),
            DataError,
            r"`first-covered` differs within 1 of 1 coarser units\.\nFound in: all",
        ),
        (lambda m: combine(m, m), DataError, r"they share 18 units.*\nFound city 00"),
        (
            lambda m: combine(restrict(m, ["city 00"]), restrict(m, ["city 01"], [1, 2])),
            DataError,
            r"they differ in months\.\nFound \(1, 2, 3",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, error, words, nasty):
    with pytest.raises(error, match=words):
        call(moments_from(nasty))
