"""What the passes over the rows do for speed changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.moments.pass_pairs import add_up
from panels import moments_from


def movers() -> pd.DataFrame:
    """Unequal units, a worker in two of them, one who enters late, a month without anybody, missing values, small whole numbers."""
    rows = [(unit, f"{unit}{who}", month) for unit, size in (("a", 2), ("b", 5), ("c", 9)) for who in range(size) for month in (1, 2, 5, 6)]
    frame = pd.DataFrame(rows, columns=["unit", "worker", "month"])
    frame = frame[(frame["worker"] != "c3") | (frame["month"] > 2)]
    frame.loc[(frame["worker"] == "b1") & (frame["month"] > 2), "unit"] = "c"
    generator = np.random.default_rng(3)
    frame = frame.assign(income=generator.integers(0, 9, len(frame)).astype(float), weight=generator.uniform(0.5, 2, len(frame)))
    frame.loc[frame["worker"] == "b2", "income"] = np.nan
    return frame[generator.random(len(frame)) > 0.05]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("moving", [False, True])
def test_workers_are_counted_once_in_every_unit_where_they_have_a_value(moving: bool, weighted: bool) -> None:
    frame = movers() if moving else movers()[lambda rows: rows["worker"] != "b1"]
    frame = frame if weighted else frame.drop(columns="weight")
    found = moments_from(frame).workers.set_index("unit")
    seen = frame[frame["income"].notna()]
    assert found["workers"].to_dict() == seen.groupby("unit")["worker"].nunique().to_dict()
    means = seen.assign(weight=seen.get("weight", 1.0)).groupby(["unit", "worker"])["weight"].mean()
    assert_allclose(found["w"], means.groupby("unit").sum())


@pytest.mark.parametrize(("workers", "months"), [(1, 3), (700, 36), (131, 130), (40, 300)])
def test_pairs_are_the_same_whatever_the_slices(workers: int, months: int) -> None:
    generator = np.random.default_rng(workers)
    values = np.where(generator.random((workers, months)) < 0.3, np.nan, generator.normal(size=(workers, months)))
    place = generator.integers(0, 2, workers)
    gram = np.zeros((2, 2 * months + 1, 2 * months + 1))
    add_up(gram, pd.DataFrame(values, columns=[f"y{at}" for at in range(months)]), place, range(months))
    for unit in (0, 1):
        mine = values[place == unit]
        stacked = np.column_stack([np.nan_to_num(mine), ~np.isnan(mine), np.ones(len(mine))])
        assert_allclose(gram[unit], np.einsum("ij,ik->jk", stacked, stacked), atol=1e-9)
