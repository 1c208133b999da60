"""Distributions and spells, compressed: counts equal plain pandas, and quantiles and survival come out as from the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_moments import few, panels

from impact.moments.bins import PER_DECADE, edges
from impact.moments.spells import CENSORED, ENTERED, spell_sums, survival_from
from impact.panel.attrition.absences import absences
from impact.panel.attrition.definitions import window_spells
from impact.panel.attrition.survival import error_at, survival, survival_at
from impact.panel.attrition.tenure import cohort_survival, tenure_spells
from impact.sources.engine import connect, register
from panels import moments_from


def brute_bin(value: float) -> int:
    if abs(value) < 1:
        return 0
    return int(np.sign(value)) * (int(np.floor(np.log10(abs(value)) * PER_DECADE)) + 1)


@few
@given(panels(), st.sampled_from([1.0, -300.0, 1e5]))
def test_bins_count_and_add_up_the_rows(frame, scale):
    frame = frame.assign(income=frame["income"] * scale)
    moments = moments_from(frame, ("income",), bins=("income",))
    rows = frame[frame["income"].notna()]
    rows = rows.assign(bin=[brute_bin(value) for value in rows["income"]], wy=rows["weight"] * rows["income"])
    wanted = rows.groupby(["unit", "month", "bin"], as_index=False).agg(n=("bin", "size"), w=("weight", "sum"), wy=("wy", "sum"))
    pd.testing.assert_frame_equal(moments.bins.drop(columns="outcome"), wanted, check_dtype=False, rtol=1e-9)


def test_values_lie_between_the_edges_of_their_bin(nasty):
    values = np.concatenate([[0.0, 1.0, -1.0, 0.5, 10.0, 1000.0], np.random.default_rng(3).normal(0, 4000, 500)])
    bins = [brute_bin(value) for value in values]
    low, high = edges(bins)
    assert ((low * (1 - 1e-12) - 1e-9 <= values) & (values <= high * (1 + 1e-12) + 1e-9)).all()
    wide = np.array(bins) != 0
    assert (high[wide] - low[wide] <= 0.024 * np.abs(values[wide])).all()


@pytest.fixture
def spells() -> pd.DataFrame:
    generator = np.random.default_rng(5)
    count = 400
    entry = np.where(generator.random(count) < 0.4, generator.integers(1, 200, count), 0)
    cause = np.array(["exit", "closure", None], dtype=object)[generator.integers(0, 3, count)]
    return pd.DataFrame(
        {
            "unit": [f"city {number}" for number in generator.integers(0, 5, count)],
            "entry_cohort": generator.integers(24000, 24010, count),
            "entry_days": entry,
            "end_days": entry + generator.integers(1, 400, count),
            "cause": cause,
        }
    )


def test_survival_from_counts_is_survival_from_spells(spells):
    found = survival_from(spell_sums(register(connect(), "spells", spells)))
    known = spells["cause"].notna().to_numpy()
    wanted = survival(spells["end_days"].to_numpy(), known, spells["entry_days"].to_numpy())
    found, wanted = (table[table["exits"] > 0].reset_index(drop=True) for table in (found, wanted))
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_spells_of_work_become_the_survival_of_their_cohort():
    engine, generator = connect(), np.random.default_rng(2)
    people = pd.DataFrame({"worker": [f"w{number}" for number in range(120)], "joined": generator.integers(-90, 150, 120)})
    people = people.assign(unit="u", entry_cohort="2025", first=people["joined"].clip(lower=0), until=365)
    last = np.minimum(people["first"] + generator.geometric(1 / 90, 120), 365)
    days = [
        (worker, day) for worker, start, end in zip(people["worker"], people["first"], last, strict=True) for day in range(start, end + 1)
    ]
    active = register(engine, "active", pd.DataFrame(days, columns=["worker", "time"]).astype({"time": "int32"}))
    table = register(engine, "people", people)
    spells = tenure_spells(window_spells(absences(active, 7), table, (30,)), table)
    found = survival_from(spell_sums(spells))
    wanted = cohort_survival(spells, (30, 90, 180))
    for row in wanted.itertuples():
        assert (survival_at(found, row.day), error_at(found, row.day)) == pytest.approx((row.survival, row.std_error))
    assert 0.1 < wanted["survival"].min() < wanted["survival"].max() < 0.9


def test_every_spell_enters_once_and_ends_once(spells):
    counts = spell_sums(register(connect(), "spells", spells), step=30)
    entered = counts[counts["cause"] == ENTERED]["n"].sum()
    assert entered == len(spells) == counts[counts["cause"] != ENTERED]["n"].sum()
    assert counts[counts["cause"] == CENSORED]["n"].sum() == spells["cause"].isna().sum()
    by_hand = spells.assign(tenure=spells["end_days"] // 30, cause=spells["cause"].fillna(CENSORED))
    wanted = by_hand.groupby(["unit", "entry_cohort", "tenure", "cause"]).size()
    found = counts[counts["cause"] != ENTERED].set_index(["unit", "entry_cohort", "tenure", "cause"])["n"]
    assert found.sort_index().to_dict() == wanted.sort_index().to_dict()
