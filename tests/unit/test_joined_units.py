"""Units that no question of a study tells apart are joined before small cells are withheld, and nothing that is left changes by it."""

from __future__ import annotations

from pathlib import Path

from numpy.testing import assert_allclose

from bundles import STUDY
from impact.design.design import design_of
from impact.estimate import att_gt
from impact.infer.aggregate import aggregate
from impact.run.bundle.compress import joined_units
from impact.study import Study, load_study
from panels import moments_from

COLUMNS = "columns: {worker: driver, month: month, unit: city, first_covered: agreed}"


def study(folder: Path, cluster: str = "") -> Study:
    """The study of a bundle, with errors clustered by a column."""
    file = folder / "drivers.yaml"
    columns = COLUMNS.replace("}", f", cluster: {cluster}}}") if cluster else COLUMNS
    file.write_text(STUDY.replace(COLUMNS, columns), encoding="utf-8")
    return load_study(file)


def test_group_time_effects_and_their_errors_are_the_same_from_joined_units(nasty, tmp_path):
    moments = moments_from(nasty)
    joined = joined_units(study(tmp_path, "region"), {"main": moments})["main"]
    assert len(joined.units) < len(moments.units)
    before, after = (aggregate(att_gt.fit(design_of(one, "income", "cluster")), "event_time").tidy() for one in (moments, joined))
    for column in ("estimate", "std_error", "workers"):
        assert_allclose(after[column], before[column], rtol=1e-9)


def test_errors_by_worker_need_cohorts_alone(nasty, tmp_path):
    moments = moments_from(nasty, pairs=True)
    joined = joined_units(study(tmp_path, "driver"), {"main": moments})["main"]
    assert joined.units.index.tolist() == ["5", "8", "never"]
    before, after = (aggregate(att_gt.fit(design_of(one, "income", "worker")), "simple").tidy() for one in (moments, joined))
    assert_allclose(after[["estimate", "std_error"]], before[["estimate", "std_error"]], rtol=1e-9)


def test_a_benchmark_goes_where_units_were_joined_and_stays_where_none_were(nasty, tmp_path):
    moments = moments_from(nasty)
    held = {"main": moments, "variant.never": moments, "benchmark.two_way": moments}
    joined = joined_units(study(tmp_path, "region"), held)
    assert set(joined) == {"main", "variant.never"} and joined["main"] is joined["variant.never"]
    alone = joined_units(study(tmp_path), dict.fromkeys(held, moments_from(nasty.assign(cluster=nasty["unit"]))))
    assert set(alone) == set(held)
