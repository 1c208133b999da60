"""What leaves the building rests on enough workers, adds up to nothing that does not, and does not depend on what is withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from impact.design.design import design_of
from impact.errors import DataError
from impact.estimate import att_gt, twfe
from impact.infer.aggregate import aggregate
from impact.moments.disclose.disclose import Disclosed, disclose
from impact.moments.disclose.draws import normals, rounded, uniforms
from impact.moments.disclose.groups import Groups, blurred, dominated
from impact.moments.disclose.pairs import projected
from impact.moments.disclose.rules import Rules
from impact.moments.disclose.top_codes import top_codes
from impact.moments.moments import Moments
from impact.moments.patterns import Patterns
from impact.moments.spells import CENSORED, ENTERED, spell_sums
from impact.moments.tables import from_tables, to_tables
from panels import moments_from, turnover_panel

few = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
KEY = b"stays with the rows"
RULES = Rules()
KEYS = ["unit", "month", "outcome"]


def whole(frame: pd.DataFrame) -> Moments:
    spells = frame.groupby(["unit", "worker"], as_index=False)["month"].agg(entry_cohort="min", end="max")
    spells = spells.assign(
        entry_days=0, end_days=spells["end"] - spells["entry_cohort"], cause=np.where(spells["end"] % 2 == 1, "left", None)
    )
    moments = moments_from(frame, ("income", "left"), pairs=True, patterns=True, bins=("income",))
    return replace(moments, spells=spell_sums(ibis.memtable(spells.drop(columns="end"))))


@st.composite
def moments_of(draw: Any) -> Moments:
    sizes = tuple(draw(st.lists(st.sampled_from((3, 9, 12, 25, 60, 140)), min_size=2, max_size=4)))
    return whole(
        turnover_panel(
            (*sizes, 200), draw(st.integers(0, 10**6)), turnover=draw(st.sampled_from((0.0, 0.1, 0.6))), weighted=draw(st.booleans())
        )
    )


def released_patterns(full: Moments, safe: Moments, outcome: str) -> np.ndarray:
    """Say which of the patterns are in the bundle."""
    if safe.patterns is None or outcome not in safe.patterns:
        return np.zeros(len(full.patterns[outcome].unit), dtype=bool)
    out = set(zip(safe.units.index[safe.patterns[outcome].unit], safe.patterns[outcome].names(), strict=True))
    found = full.patterns[outcome]
    return np.array([pair in out for pair in zip(full.units.index[found.unit], found.names(), strict=True)])


@few
@given(moments_of())
def test_nothing_rests_on_fewer_workers_than_the_threshold(moments):
    safe = disclose(moments, RULES, KEY).moments
    before = moments.cells.set_index(KEYS)["n"]
    assert (before.loc[pd.MultiIndex.from_frame(safe.cells[KEYS])] >= 10).all()
    for table, column in (
        (safe.cells, "n"),
        (safe.workers, "workers"),
        (safe.bins, "n"),
        *([(safe.spells, "n")] if safe.spells is not None else []),
    ):
        assert (table[column] >= 10).all() and (table[column] % 5 == 0).all()
    for outcome, found in (safe.patterns or {}).items():
        assert (moments.patterns[outcome].workers[released_patterns(moments, safe, outcome)] >= 10).all()
        assert (found.workers >= 10).all() and (found.workers % 5 == 0).all()


@few
@given(moments_of())
def test_no_rest_of_a_cell_or_pair_is_small(moments):
    safe = disclose(moments, RULES, KEY).moments
    cells = safe.cells.set_index(KEYS).index
    for outcome, found in moments.patterns.items():
        out = released_patterns(moments, safe, outcome)
        for unit in np.unique(found.unit):
            rows = (found.unit == unit) & ~out
            rest = found.workers[rows] @ found.seen[rows]
            for month, count in zip(moments.months, rest, strict=True):
                assert count == 0 or count >= 10 or (moments.units.index[unit], month, outcome) not in cells


def incidence(moments: Moments, safe: Moments, outcome: str, unit: int, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Write every released sum over a pair of months (a month with itself: its cell) as a combination of the sums of all patterns seen in both."""
    found = moments.patterns[outcome]
    rows = np.flatnonzero((found.unit == unit) & found.seen[:, first] & found.seen[:, second])
    out = released_patterns(moments, safe, outcome)[rows]
    sums = [np.eye(len(rows))[place] for place in np.flatnonzero(out)]
    names = [(moments.units.index[unit], moments.months[place], outcome) for place in (first, second)]
    cells = safe.cells.set_index(KEYS).index
    if all(name in cells for name in names) and pair_is_out(moments, safe, outcome, unit, first, second):
        sums.append(np.ones(len(rows)))
    return np.array(sums).reshape(len(sums), len(rows)), found.workers[rows]


def pair_is_out(moments: Moments, safe: Moments, outcome: str, unit: int, first: int, second: int) -> bool:
    if first == second:
        return True
    if safe.pairs is None or outcome not in safe.pairs:
        return False
    return not ignores(moments, outcome, unit, first, second)


def ignores(moments: Moments, outcome: str, unit: int, first: int, second: int) -> bool:
    """Say whether the bundle stays the same when the products of the pair change."""
    changed = with_pair(moments, outcome, unit, first, second)
    one, other = (disclose(held, RULES, KEY).moments.pairs[outcome] for held in (moments, changed))
    return bool(np.allclose(one, other))


def with_pair(moments: Moments, outcome: str, unit: int, first: int, second: int) -> Moments:
    gram = moments.pairs[outcome].copy()
    gram[unit, [first, second], [second, first]] += 1e4
    return replace(moments, pairs={**moments.pairs, outcome: gram})


@pytest.mark.parametrize("seed", range(2))
def test_solving_for_all_released_sums_determines_no_small_group(seed):
    moments = whole(turnover_panel((14, 40, 130), seed, months=4))
    safe = disclose(moments, RULES, KEY).moments
    hidden, small = 0, 0
    for unit in range(3):
        for first in range(4):
            for second in range(first, 4):
                sums, workers = incidence(moments, safe, "income", unit, first, second)
                if not len(workers):
                    continue
                for group in determined(sums):
                    assert workers[group].sum() >= 10, (unit, first, second, workers[group])
                hidden += 1
                small += int((workers < 10).any())
    assert hidden > 10 and small > 5


def determined(sums: np.ndarray) -> list[np.ndarray]:
    """List the groups of patterns, among single ones and what is left of the whole, whose sum is a combination of what is released."""
    count, rank = sums.shape[1], np.linalg.matrix_rank(sums) if len(sums) else 0
    singles = [np.eye(count)[place] for place in range(count)]
    out = sums.sum(axis=0) > 0 if len(sums) else np.zeros(count)
    alone = np.array([len(sums) > 0 and np.linalg.matrix_rank(np.vstack([sums, one])) == rank for one in singles])
    groups = [one for one, known in zip(singles, alone, strict=True) if known] + (
        [(~alone).astype(float)] if (~alone).any() and out.any() else []
    )
    return [group > 0 for group in groups if len(sums) and np.linalg.matrix_rank(np.vstack([sums, group])) == rank]


def test_the_attack_finds_small_groups_where_complementary_suppression_is_left_out():
    moments = whole(turnover_panel((14, 40, 130), 0, months=4))
    found = moments.patterns["income"]
    naive = []
    for unit in range(3):
        rows = found.unit == unit
        rest = (found.workers * (found.workers < 10))[rows] @ found.seen[rows]
        naive += [count for count in rest if 0 < count < 10]
    assert naive


@few
@given(moments_of(), st.integers(0, 1000))
def test_what_is_withheld_does_not_move_what_is_released(moments, seed):
    """Cells, patterns and pairs of too few workers may hold anything: the bundle is the same to the last digit."""
    rng = np.random.default_rng(seed)
    small = (moments.cells["n"] < 10).to_numpy()
    cells = moments.cells.assign(**{name: moments.cells[name] * np.where(small, 7.7, 1.0) for name in ("wy", "wy2")})
    cells.loc[small & (cells["outcome"] == "left"), "wy2"] = cells["wy"]
    patterns, pairs = {}, {}
    for name, found in moments.patterns.items():
        factor = np.where(found.workers < 10, rng.uniform(2, 3, len(found.workers)), 1.0)
        patterns[name] = replace(
            found, total=found.total * factor[:, None], square=found.square * factor[:, None], pairs=found.pairs * factor[:, None, None]
        )
        pairs[name] = spoilt(moments, name)
    other = replace(moments, cells=cells, patterns=patterns, pairs=pairs)
    assert_same(disclose(moments, RULES, KEY), disclose(other, RULES, KEY))


def spoilt(moments: Moments, outcome: str) -> np.ndarray:
    """Change the sums of pairs of months in which fewer than ten workers are seen in both."""
    found, gram, size = moments.patterns[outcome], moments.pairs[outcome].copy(), len(moments.months)
    for unit in range(len(moments.units)):
        rows = found.unit == unit
        counts = found.seen[rows].T.astype(float) @ (found.workers[rows, None] * found.seen[rows])
        small = np.kron([[1, 0], [0, 0]], (counts < 10) & ~np.eye(size, dtype=bool))
        gram[unit, : 2 * size, : 2 * size] *= np.where(small, 3.3, 1.0)
    return gram


def assert_same(first: Disclosed, second: Disclosed) -> None:
    tables, others = to_tables(first.moments), to_tables(second.moments)
    assert tables.keys() == others.keys()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, others[name], rtol=1e-12)


def test_two_runs_give_the_same_and_another_key_gives_other_numbers():
    frame = turnover_panel((30, 60), 3)
    first, again = (disclose(whole(rows), RULES, KEY) for rows in (frame, frame.sample(frac=1, random_state=5)))
    pd.testing.assert_frame_equal(first.moments.cells, again.moments.cells)
    assert_allclose(first.moments.pairs["income"], again.moments.pairs["income"], rtol=1e-6)
    assert not first.moments.cells["wy"].equals(disclose(whole(frame), RULES, b"another key, as long").moments.cells["wy"])


@few
@given(moments_of())
def test_pairs_are_positive_semidefinite_and_agree_with_cells(moments):
    safe = disclose(moments, RULES, KEY).moments
    grams = [*(safe.pairs or {}).values(), *(found.pairs for found in (safe.patterns or {}).values())]
    for gram in grams:
        values = np.linalg.eigvalsh(gram)
        assert (values[:, 0] >= -1e-9 * np.maximum(values[:, -1], 1)).all()
    for outcome, gram in (safe.pairs or {}).items():
        months = len(safe.months)
        assert_allclose(np.diagonal(gram, axis1=1, axis2=2)[:, months:-1], safe.array(outcome, "w2"), rtol=1e-9)


def test_every_estimator_runs_on_what_is_released():
    moments = whole(turnover_panel((60, 90, 120, 70), 4))
    safe = disclose(moments, RULES, KEY).moments
    back = from_tables(to_tables(safe))
    for held in (safe, back):
        for level in ("unit", "worker"):
            overall = aggregate(att_gt.fit(design_of(held, "income", level)), "simple").tidy()
            assert np.isfinite(overall["estimate"]).all() and (overall["std_error"] > 0).all()
        assert np.isfinite(twfe.fit(design_of(held, "income", "worker", follow_workers=True)).tidy()["std_error"]).all()


def test_rounding_is_unbiased_and_never_below_the_threshold():
    counts = np.repeat(np.arange(10, 30.0), 4000)
    found = rounded(counts, 5, uniforms(KEY, [str(place) for place in range(len(counts))])[:, 0], 10)
    assert (found % 5 == 0).all() and (found >= 10).all() and (np.abs(found - counts) < 5).all()
    assert_allclose(found.reshape(20, -1).mean(axis=1), np.arange(10, 30), atol=0.2)


def test_draws_are_standard_normal_within_three_deviations():
    drawn = normals(uniforms(KEY, [str(place) for place in range(20_000)])[:, 1])
    assert abs(drawn.mean()) < 0.03 and abs(drawn.std() - 0.987) < 0.02 and np.abs(drawn).max() < 3


def test_the_drawn_worker_moves_a_mean_by_one_worker_and_not_more():
    one = np.ones(5000)
    groups = Groups(20 * one, 20 * one, 20 * one, 20 * 100 * one, 20 * (100**2 + 15**2) * one)
    safe = blurred(groups, 20 * one, uniforms(KEY, [str(place) for place in range(5000)]), RULES, False)
    assert_allclose([safe.mean.mean(), safe.mean.std()], [100, 0.987 * 15 / 21], atol=0.03)


def test_a_single_large_value_is_found_by_the_bound_and_an_even_group_is_not():
    values = np.array([[1.0] * 11 + [500.0], [40.0] * 6 + [60.0] * 6, [5.0] * 12])
    groups = Groups(np.full(3, 12.0), np.full(3, 12.0), np.full(3, 12.0), values.sum(axis=1), (values**2).sum(axis=1))
    assert dominated(groups, RULES).tolist() == [True, False, False]


@given(st.lists(st.floats(0.01, 1e4), min_size=10, max_size=40))
def test_dominance_is_never_missed_whatever_the_values(values):
    held = np.array(values)
    groups = Groups(*(np.array([total]) for total in (len(held), len(held), len(held), held.sum(), (held**2).sum())))
    if held.max() / held.sum() > 0.85:
        assert dominated(groups, RULES).all()


def test_a_known_share_of_the_largest_contributor_decides():
    moments = moments_from(turnover_panel((60, 80), 5), ("income",))
    cells = moments.cells[KEYS].assign(largest_share=0.2)
    cells.loc[(cells["unit"] == "u1") & (cells["month"] == 4), "largest_share"] = 0.9
    found = disclose(moments, RULES, KEY, cells)
    assert not ((found.moments.cells["unit"] == "u1") & (found.moments.cells["month"] == 4)).any()
    assert found.statement.table["rule"].tolist() == ["dominance"]


def test_projection_leaves_sound_matrices_and_mends_others():
    sound, torn = np.eye(3)[None], np.array([[[1, 0.9, 0], [0.9, 1, 0.9], [0, 0.9, 1.0]]])
    assert_allclose(projected(sound), sound)
    mended = projected(torn)
    assert np.linalg.eigvalsh(mended)[0, 0] > -1e-12
    assert_allclose(np.diagonal(mended[0]), 1)


def test_sums_of_one_month_by_presence_in_another_are_not_released():
    moments = whole(turnover_panel((80, 120), 6))
    safe = disclose(moments, RULES, KEY).moments
    gram, months = safe.pairs["income"], len(safe.months)
    mean = safe.array("income", "wy") / np.maximum(safe.array("income", "w"), 1)
    assert_allclose(gram[:, :months, months:-1], mean[:, :, None] * gram[:, months:-1, months:-1], atol=1e-6)


def test_top_codes_leave_enough_workers_above_and_are_edges_of_bins():
    values = np.r_[np.linspace(100, 200, 990), [5000.0] * 10, 1e6]
    frame = pd.DataFrame({"worker": [f"w{place}" for place in range(1001)], "unit": "u0", "month": 1, "income": values})
    frame = pd.concat([frame, frame.assign(unit="u1", worker=frame["worker"] + "b")])
    cap = top_codes(moments_from(frame, ("income",), bins=("income",)).bins)["income"]
    assert 4800 < cap <= 5000 and (frame["income"] >= cap).sum() >= 10


def test_spells_keep_their_balance_and_join_neighbours():
    moments = whole(turnover_panel((90, 140, 200), 8))
    safe = disclose(moments, RULES, KEY).moments.spells
    totals = safe.groupby(["unit", "cause"])["n"].sum().unstack(fill_value=0)
    full = moments.spells.groupby(["unit", "cause"])["n"].sum().unstack(fill_value=0)
    assert (totals[ENTERED] - totals.drop(columns=ENTERED).sum(axis=1)).abs().max() <= 30
    assert (totals - full.loc[totals.index]).abs().to_numpy().max() <= 25 and CENSORED in totals


def test_joined_bins_hold_enough_and_lie_where_their_rows_lie():
    moments = whole(turnover_panel((25, 200), 9))
    safe = disclose(moments, RULES, KEY).moments
    means = safe.bins.groupby(["unit", "month"])[["wy", "w"]].sum()
    full = moments.cells[moments.cells["outcome"] == "income"].set_index(["unit", "month"]).loc[means.index]
    assert_allclose(means["wy"] / means["w"], full["wy"] / full["w"], rtol=0.06)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: disclose(moments_from(turnover_panel((20, 20), 1), ("income",)), replace(RULES, threshold=1), KEY),
            r"these rules cannot be applied\.\nFound threshold 1",
        ),
        (
            lambda: disclose(moments_from(turnover_panel((20, 20), 1), ("income",)), RULES, b"short"),
            r"the key is too short.*\nFound 5 bytes\.\nGive 16",
        ),
        (
            lambda: disclose(moments_from(turnover_panel((1, 1, 1), 1), ("income",)), RULES, KEY),
            r"every unit is one worker.*\nFound 3 units\.\nCompress by",
        ),
        (
            lambda: disclose(moments_from(turnover_panel((8, 9), 1), ("income",)), RULES, KEY),
            r"nothing is left to release\.\nFound .* at most \d workers",
        ),
    ],
)
def test_what_cannot_be_released_is_refused(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_weights_without_patterns_leave_pairs_out_and_say_so():
    moments = moments_from(turnover_panel((40, 60), 2, weighted=True), ("income",), pairs=True)
    found = disclose(moments, RULES, KEY)
    assert found.moments.pairs is None
    assert any("Pairs of months (income): left out" in text.en and "不能发布" in text.zh for text in found.statement.texts)


def test_the_input_is_not_changed():
    moments = whole(turnover_panel((15, 40), 2))
    before = {name: table.copy(deep=True) for name, table in to_tables(moments).items()}
    disclose(moments, RULES, KEY)
    for name, table in to_tables(moments).items():
        pd.testing.assert_frame_equal(table, before[name])


def test_patterns_type_is_kept():
    safe = disclose(whole(turnover_panel((80, 120), 6)), RULES, KEY).moments
    assert isinstance(safe.patterns["income"], Patterns) and safe.patterns["income"].pairs.shape[1] == 2 * len(safe.months) + 1
