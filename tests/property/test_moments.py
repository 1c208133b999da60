"""Moments equal what plain pandas computes from the rows, whatever the panel."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from impact.errors import DataError
from impact.estimate import att_gt
from impact.infer.aggregate import BYS, aggregate
from impact.moments.moments import Moments
from impact.moments.tables import from_tables, to_tables
from panels import design_from, moments_from

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@st.composite
def panels(draw: Any) -> pd.DataFrame:
    """Unbalanced weighted panels of 2 to 5 units with 1 to 4 workers, in months with gaps, some outcomes missing."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    months = draw(st.lists(st.integers(1, 30), min_size=2, max_size=4, unique=True))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = np.repeat(np.arange(len(sizes)), sizes)
    workers = pd.DataFrame({"worker": [f"w{place}" for place in range(len(unit))], "unit": [f"u{place}" for place in unit]})
    rows = workers.merge(pd.DataFrame({"month": months}), how="cross")
    rows = rows.assign(
        weight=generator.uniform(0.1, 3, len(rows)), income=generator.normal(5, 3, len(rows)), hours=generator.normal(size=len(rows))
    )
    rows["first_covered"] = np.where(rows["unit"] == "u0", np.nan, float(max(months)))
    rows.loc[generator.random(len(rows)) < 0.2, "income"] = np.nan
    kept = rows[generator.random(len(rows)) < 0.8]
    kept = kept if kept["income"].notna().any() else rows.assign(income=1.0)
    return kept.sample(frac=1, random_state=1)


def brute_cells(frame: pd.DataFrame, outcome: str) -> pd.DataFrame:
    rows = frame[frame[outcome].notna()]
    weight, value = rows["weight"], rows[outcome]
    parts = rows.assign(n=1, w=weight, w2=weight**2, wy=weight * value, wy2=weight * value**2)
    return parts.groupby(["unit", "month"], as_index=False)[["n", "w", "w2", "wy", "wy2"]].sum()


def brute_pairs(frame: pd.DataFrame, outcome: str, unit: str, months: tuple[int, ...]) -> np.ndarray:
    """Add z zᵀ up, worker by worker."""
    gram = np.zeros((2 * len(months) + 1,) * 2)
    for _, rows in frame[(frame["unit"] == unit) & frame[outcome].notna()].groupby("worker"):
        vector = np.zeros(2 * len(months) + 1)
        for row in rows.itertuples():
            vector[months.index(row.month)] = row.weight * getattr(row, outcome)
            vector[len(months) + months.index(row.month)] = row.weight
        vector[-1] = rows["weight"].mean()
        gram += np.outer(vector, vector)
    return gram


@few
@given(panels())
def test_cells_and_workers_equal_sums_over_rows(frame):
    moments = moments_from(frame, ("income", "hours"))
    assert moments.months == tuple(sorted(frame["month"].unique()))
    assert moments.units.index.tolist() == sorted(frame["unit"].unique())
    for outcome in frame[["income", "hours"]].dropna(axis=1, how="all"):
        cells = moments.cells[moments.cells["outcome"] == outcome].drop(columns="outcome").reset_index(drop=True)
        pd.testing.assert_frame_equal(cells, brute_cells(frame, outcome), check_dtype=False, rtol=1e-12)
        weights = frame[frame[outcome].notna()].groupby(["unit", "worker"])["weight"].mean().groupby("unit")
        workers = moments.workers[moments.workers["outcome"] == outcome].set_index("unit")
        assert workers["workers"].to_dict() == weights.size().to_dict()
        assert workers["w"].to_dict() == pytest.approx(weights.sum().to_dict())


@few
@given(panels())
def test_pairs_equal_sums_over_workers(frame):
    moments = moments_from(frame, ("income",), pairs=True)
    if moments.one_worker_per_unit:
        assert moments.pairs is None
        return
    for place, unit in enumerate(moments.units.index):
        assert_allclose(moments.pairs["income"][place], brute_pairs(frame, "income", unit, moments.months), **CLOSE)


@few
@given(panels(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(frame, random):
    order = list(range(len(frame)))
    random.shuffle(order)
    assert_same_moments(moments_from(frame, pairs=True), moments_from(frame.iloc[order], pairs=True))


@few
@given(panels())
def test_tables_carry_moments_there_and_back(frame):
    moments = moments_from(frame, ("income", "hours"), pairs=True)
    back = from_tables(to_tables(moments))
    assert (back.period, back.months, back.outcomes) == (moments.period, moments.months, moments.outcomes)
    assert_same_moments(moments, back)


def assert_same_moments(moments: Moments, other: Moments) -> None:
    pd.testing.assert_frame_equal(moments.units, other.units)
    pd.testing.assert_frame_equal(moments.cells, other.cells, rtol=1e-12)
    pd.testing.assert_frame_equal(moments.workers, other.workers, rtol=1e-12)
    assert (moments.pairs is None) == (other.pairs is None)
    for outcome, gram in (moments.pairs or {}).items():
        assert_allclose(other.pairs[outcome], gram, **CLOSE)


def test_tables_survive_parquet(nasty, tmp_path):
    moments = moments_from(nasty, ("income", "rides"), pairs=True)
    for name, table in to_tables(moments).items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    back = from_tables({file.stem: pd.read_parquet(file) for file in tmp_path.iterdir()})
    assert_same_moments(moments, back)


@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_few_cells_with_pairs_give_what_one_unit_for_each_worker_gives(comparison, by, nasty):
    options = att_gt.Options(comparison=comparison)
    cohorts = nasty.assign(cohort=nasty["cluster"] + " " + nasty["first_covered"].astype(str))
    cells, workers = (
        aggregate(att_gt.fit(design_from(cohorts, level="worker", unit=unit), options), by).tidy() for unit in ("cohort", "worker")
    )
    assert len(set(cohorts["cohort"])) < cohorts["worker"].nunique() / 5
    assert cells["term"].tolist() == workers["term"].tolist()
    for column in ("estimate", "std_error", "p_value", "workers"):
        assert_allclose(cells[column], workers[column], **CLOSE)


def test_an_outcome_without_a_value_is_refused(nasty):
    with pytest.raises(DataError, match=r"outcome `income`: no row has a value\.\nFound 18 units\.\nCheck which column"):
        moments_from(nasty.assign(income=np.nan))


@pytest.mark.parametrize("column", ["first_covered", "cluster"])
def test_an_attribute_that_changes_within_a_unit_is_refused(column, nasty):
    changed = nasty.copy()
    changed.loc[changed.index[changed["unit"] == "city 16"][0], column] = 3 if column == "first_covered" else "elsewhere"
    words = column.replace("_", "-")
    with pytest.raises(DataError, match=rf"`{words}` changes within 1 of 18 units\.\nFound in: city 16\.\nIt must be one value"):
        moments_from(changed)


def test_pairs_do_not_depend_on_how_the_engine_cuts_its_answer(nasty, monkeypatch):
    whole, batches = moments_from(nasty, pairs=True), ir.Table.to_pyarrow_batches
    monkeypatch.setattr(
        ir.Table,
        "to_pyarrow_batches",
        lambda table, **_: (batch.slice(start, 5) for batch in batches(table) for start in range(0, batch.num_rows, 5)),
    )
    assert_allclose(moments_from(nasty, pairs=True).pairs["income"], whole.pairs["income"], **CLOSE)
