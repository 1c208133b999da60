"""What the stage of effects needs of worker-months: each sample compressed once, and the same as if it were compressed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.design.design import WORKER
from impact.moments.compress import Parts, compress
from impact.panel.coverage import find_coverage, sample_of
from impact.run import needed
from impact.run.folder import RunFolder
from impact.run.needed import MAIN, Need, cluster_level, compress_needed, distinct, moments_from, moments_needed, shared_by, sizes_of
from impact.sources.engine import connect, register
from impact.study import Study, load_study

ROOT = Path(__file__).parents[2]
NLS = load_study(ROOT / "studies" / "nls-bargaining.yaml")
WAIVER = load_study(ROOT / "studies" / "waiver-eligibility.yaml")


def workers(ending: bool) -> pd.DataFrame:
    """Unequal units, late entrants, a unit covered from the start, 5 % of rows and some values missing, a month without anybody."""
    generator = np.random.default_rng(2)
    rows = []
    for unit in range(9):
        start, end = (0, 4, 99, 6)[unit % 4], 8 if ending and unit == 1 else 99
        for worker in range(2 + 3 * unit):
            for month in range(int(generator.integers(0, 5)), 11):
                covered = start <= month < end
                rows.append((f"u{unit}", f"{unit}-{worker}", month, covered, generator.integers(0, 50), generator.integers(0, 9)))
    table = pd.DataFrame(rows, columns=["unit", "worker", "month", "covered", "pay", "hours"]).astype({"pay": float, "hours": float})
    table.loc[generator.random(len(table)) < 0.1, "hours"] = np.nan
    table.loc[generator.random(len(table)) < 0.05, "pay"] = np.nan
    return table[(generator.random(len(table)) > 0.05) & (table["month"] != 7)].reset_index(drop=True)


def need(rows: str = "restricted", switching: str = "first_spell", complete=(), outcomes=("pay",), parts=Parts(), apart=False) -> Need:
    return Need(switching, rows, complete, outcomes, parts, apart)  # type: ignore[arg-type]


NEEDS = {
    MAIN: need(parts=Parts(pairs=True)),
    "benchmark.full": need("full", outcomes=("pay", "covered")),
    "benchmark.switching": need("ever_switching", outcomes=("pay", "covered")),
    "benchmark.complete": need("full", complete=("pay", "hours"), outcomes=("pay", "hours")),
    "variant.on": need(switching="first_switch_on"),
    "variant.stayers": need(parts=Parts(patterns=True)),
}


@pytest.mark.parametrize("ending", [True, False])
def test_every_purpose_gets_what_its_sample_alone_would_give(ending: bool) -> None:
    table = register(connect(), "worker_month", workers(ending))
    held = compress_needed(table, "month", NEEDS)
    assert list(held) == list(NEEDS)
    for purpose, asked in NEEDS.items():
        panel = find_coverage(table, asked.switching).table
        sample = sample_of(panel, asked.rows).filter([panel[name].notnull() for name in asked.complete] or True)
        alone = compress(sample, asked.outcomes, "month", asked.parts)
        found = held[purpose]
        assert set(asked.outcomes) <= set(found.outcomes)
        for outcome in asked.outcomes:
            for column in ("n", "w", "wy", "wy2"):
                at = found.units.index.get_indexer(alone.units.index), np.searchsorted(found.months, alone.months)
                np.testing.assert_allclose(found.array(outcome, column)[np.ix_(*at)], alone.array(outcome, column), atol=1e-9)
                assert found.array(outcome, column).sum() == pytest.approx(alone.array(outcome, column).sum())
        assert asked.parts.pairs <= (found.pairs is not None)
        assert asked.parts.patterns <= (found.patterns is not None)


def test_samples_of_the_same_rows_share_one_pass_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        needed, "compress", lambda sample, outcomes, *rest: passes.append(tuple(outcomes)) or compress(sample, outcomes, *rest)
    )
    table = register(connect(), "worker_month", workers(ending=True))
    held = compress_needed(table, "month", NEEDS)
    assert len(passes) == len(distinct(held)) == 5
    assert held[MAIN] is held["variant.stayers"]
    passes.clear()
    lasting = {name: NEEDS[name] for name in (MAIN, "benchmark.switching")}
    assert set(shared_by(compress_needed(register(connect(), "w", workers(ending=False)), "month", lasting)).values()) == {MAIN}
    assert passes == [("pay", "covered")]  # no coverage ends, so nothing is set aside, and the rows are the same


def test_moments_come_back_from_the_folder_as_they_were_shared(tmp_path: Path) -> None:
    table = register(connect(), "worker_month", workers(ending=True))
    held = compress_needed(table, "month", NEEDS)
    needed.hand_on_moments(RunFolder(tmp_path), held)
    back = moments_from(RunFolder(tmp_path))
    assert list(back) == list(held)
    assert shared_by(back) == shared_by(held)
    for purpose, moments in held.items():
        pd.testing.assert_frame_equal(back[purpose].cells, moments.cells)
    assert sizes_of(held)["serves"].tolist()[0] == "main, variant.stayers"


def test_a_study_asks_for_coverage_as_an_outcome_only_where_coverage_may_end() -> None:
    assert all("covered" not in asked.outcomes for asked in moments_needed(WAIVER).values())
    asked = moments_needed(NLS)
    assert all("covered" in one.outcomes for purpose, one in asked.items() if purpose.startswith("benchmark."))
    assert {purpose for purpose, one in asked.items() if one.apart} == {purpose for purpose in asked if purpose.startswith("benchmark.")}
    assert asked["variant.first_switch_on"].switching == "first_switch_on"
    assert asked["benchmark.published"].complete == ("wage_hourly_log", "is_married", "experience_squared")


def test_workers_are_followed_and_pairs_kept_only_where_units_hold_workers() -> None:
    followed = _with(WAIVER, effects={"workers": "stayers"}, columns={"cluster": "worker"})
    assert (cluster_level(WAIVER), cluster_level(NLS), cluster_level(followed)) == ("cluster", WORKER, WORKER)
    assert moments_needed(WAIVER)[MAIN].parts == Parts()
    assert moments_needed(NLS)[MAIN].parts == Parts(pairs=True)
    assert moments_needed(followed)[MAIN].parts == Parts(pairs=True, patterns=True)


def _with(study: Study, **changes: dict[str, str]) -> Study:
    return study.model_copy(update={part: getattr(study, part).model_copy(update=values) for part, values in changes.items()})


def test_a_need_is_met_by_moments_of_the_same_rows_with_at_least_its_outcomes_and_parts() -> None:
    more = need(outcomes=("pay", "hours"), parts=Parts(pairs=True, patterns=True), apart=True)
    assert need().is_met_by(more)
    for lacking in (need(outcomes=("pay", "hours")), need(parts=Parts(pairs=True)), need(parts=Parts(patterns=True)), need(apart=True)):
        assert not lacking.is_met_by(need())
    for other in (need("full"), need(switching="refuse"), need(complete=("pay", "hours"))):
        assert not need().is_met_by(other)
    assert Need.from_dict(more.as_dict()) == more
