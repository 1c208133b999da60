"""The figures of an estimate: what is drawn, what the numbers in it are, and whose files are written over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from pyarrow import parquet
from typer.testing import CliRunner

from impact.cli.app import app
from impact.design.design import Design
from impact.errors import ReportError
from impact.estimate import ESTIMATORS
from impact.estimate.regression_discontinuity import picture_of
from impact.infer.aggregate import Window, aggregate
from impact.report import figures
from impact.report.figures.cells import _plain_name
from impact.report.style import figure_style
from impact.results import Estimate
from impact.run import estimate_figures
from impact.run.estimate_figures import MANIFEST, Asked, drawings_of, is_synthetic, require_own, write_figures
from impact.run.estimate_file import Request
from impact.text import LANGUAGES, Language, Text
from panels import design_from

ASKED = Asked("cluster", Window(), 0.95, 1)
OF_ATT_GT = ("adoption", "cells", "event_study")
COLUMNS = {"month": "month", "first_covered": "first_covered", "outcome": "income", "unit": "unit", "worker": "worker"}


@pytest.fixture(scope="module")
def effects(nasty) -> Estimate:
    return ESTIMATORS["att_gt"].fit(design_from(nasty, level="unit"))


@pytest.fixture(scope="module")
def request_of() -> Request:
    return Request(file=Path("panel.csv"), traits={"score": "score", "dose": "dose"}, **COLUMNS)


def means_of(design: Design) -> np.ndarray:
    return np.divide(design.total, design.weight, out=np.zeros_like(design.total), where=design.seen)


def expected_files(names: tuple[str, ...]) -> set[str]:
    return {f"{name}.{language}.{kind}" for name in names for language in LANGUAGES for kind in ("svg", "png")} | {MANIFEST}


@pytest.mark.parametrize("name", ["att_gt", "twfe", "regression_discontinuity"])
def test_what_cells_count_times_their_means_is_the_estimate(name, nasty):
    module = ESTIMATORS[name]
    estimate = module.fit(design_from(nasty, level="unit", traits=module.INFO.reads))
    for term in estimate.terms[-3:]:
        table = figures.cell_weights(estimate, term.name)
        wide = table.pivot(index="unit", columns="month", values="weight").loc[list(estimate.design.units)]
        assert (wide.isna().to_numpy() == ~estimate.design.seen).all()
        value = estimate.values[[one.name for one in estimate.terms].index(term.name)]
        assert np.nansum(wide.to_numpy() * means_of(estimate.design)) == pytest.approx(value, rel=1e-6)


def drawn_numbers(figure: Figure) -> np.ndarray:
    return np.ma.filled(figure.axes[0].collections[0].get_array().astype(float), np.nan)


def test_cells_are_drawn_by_cohort_with_the_never_covered_last(effects):
    overall = aggregate(effects, "simple")
    table = figures.cell_weights(overall, "overall")
    with figure_style("en"):
        figure = figures.cells(table, "index", "en")
    cohort = table.drop_duplicates("unit").set_index("unit")["cohort"]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert cohort.loc[names].fillna(99).is_monotonic_increasing and len(names) == len(cohort) == 18
    wide = table.pivot(index="unit", columns="month", values="weight").loc[names]
    assert_allclose(drawn_numbers(figure).reshape(wide.shape), 100 * wide.to_numpy())


def test_many_units_share_a_row_by_cohort(nasty):
    overall = aggregate(ESTIMATORS["att_gt"].fit(design_from(nasty, level="unit", unit="worker")), "simple")
    table = figures.cell_weights(overall, "overall")
    assert table["unit"].nunique() > figures.MOST_UNITS
    for language, words in (
        ("en", ["covered from period 5", "covered from period 8", "never covered"]),
        ("zh", ["第5期起受覆盖", "第8期起受覆盖", "从未受覆盖"]),
    ):
        with figure_style(language):
            figure = figures.cells(table, "index", language)
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == words
    sums = table.assign(cohort=table["cohort"].fillna(99)).groupby(["cohort", "month"])["weight"].sum().unstack("month")
    assert_allclose(drawn_numbers(figure).reshape(sums.shape), 100 * sums.to_numpy(), atol=1e-9)


def test_cohort_sizes_count_who_is_seen(nasty):
    sizes = figures.cohort_sizes(design_from(nasty, level="unit"))
    cohort, month = sizes["cohort"].fillna(0), sizes["month"]
    by_hand = nasty.assign(cohort=nasty["first_covered"].fillna(0)).groupby(["cohort", "month"])["worker"].nunique()
    assert_allclose(sizes["workers"], by_hand.loc[list(zip(cohort, month, strict=True))])
    assert ((month >= cohort) & (cohort > 0)).tolist() == sizes["covered"].tolist()
    assert sizes.drop_duplicates("cohort")["units"].tolist() == [6, 6, 6]


def test_the_lines_of_a_discontinuity_meet_the_cut_off_where_the_estimate_says(nasty):
    module = ESTIMATORS["regression_discontinuity"]
    estimate = module.fit(design_from(nasty, level="unit", traits=("score",)), module.Options(bandwidth=0.5))
    lines = picture_of(estimate).query("kind == 'line'")
    ends = lines[lines["score"] == 0].set_index("covered")["outcome"]
    assert ends[True] - ends[False] == pytest.approx(estimate.values[0])
    assert (lines["score"].min(), lines["score"].max()) == (-0.5, 0.5)
    assert (lines["score"] >= 0)[lines["covered"]].all() and (lines["score"] <= 0)[~lines["covered"]].all()
    means = picture_of(estimate).query("kind == 'mean'")
    assert (means["score"].ge(0) == means["covered"]).all() and means["units"].sum() <= len(estimate.design.units)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("att_gt", OF_ATT_GT),
        ("twfe", ("adoption", "cells")),
        ("synthetic_did", ("adoption", "cells", "event_study", "weights")),
        ("dose", ("adoption", "cells", "dose")),
        ("regression_discontinuity", ("cells", "discontinuity")),
    ],
)
def test_an_estimate_has_the_figures_of_its_kind_in_both_languages(name, expected, nasty, request_of):
    module = ESTIMATORS[name]
    drawings, _ = drawings_of(module.fit(design_from(nasty, level="unit", traits=module.INFO.reads)), request_of, ASKED)
    assert tuple(sorted(drawings)) == expected
    for draw in drawings.values():
        for language in LANGUAGES:
            with figure_style(language):
                draw(language).canvas.draw()


def test_intervals_are_those_of_the_inference_that_was_asked_for(effects, request_of):
    drawings, _ = drawings_of(effects, request_of, Asked("wild", Window(), 0.9, 3))
    with figure_style("en"):
        figure = drawings["event_study"]("en")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["interval, each alone"]


def test_dose_response_draws_each_group_at_its_mean_dose():
    table = pd.DataFrame(
        {
            "dose_low": [0.1, 0.3],
            "dose_high": [0.2, 0.5],
            "dose_mean": [0.15, 0.4],
            "estimate": [1.0, 2.0],
            "conf_low": [0.5, np.nan],
            "conf_high": [1.5, np.nan],
        }
    )
    with figure_style("zh"):
        figure = figures.dose_response(table, Text("dose", "剂量"), Text("effect", "效应"), "zh")
    assert_allclose(figure.axes[0].collections[-1].get_offsets(), [[0.15, 1.0], [0.4, 2.0]])
    assert figure.axes[0].get_xlabel() == "剂量"


@pytest.fixture
def bare(monkeypatch) -> Callable[..., None]:
    """Let every estimate have some bare figures, which take no time."""

    def only(*names: str) -> None:
        def draw(language: Language) -> Figure:
            return Figure(figsize=(0.5, 0.5))

        monkeypatch.setattr(estimate_figures, "drawings_of", lambda *_: (dict.fromkeys(names, draw), "overall"))

    return only


def test_figures_are_written_again_and_those_of_an_earlier_estimate_are_taken_away(bare, effects, request_of, tmp_path):
    folder = tmp_path / "new" / "figures"
    bare(*OF_ATT_GT)
    assert write_figures(effects, request_of, ASKED, folder).in_words == ("adoption", "cells (of overall)", "event_study")
    assert {path.name for path in folder.iterdir()} == expected_files(OF_ATT_GT)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_figures(effects, request_of, ASKED, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    bare("weights", "cells")
    (folder / "adoption.en.svg").write_text("kept by somebody")
    with pytest.raises(ReportError, match=r"Found adoption\.en\.svg"):
        write_figures(effects, request_of, ASKED, folder)
    (folder / "adoption.en.svg").unlink()
    write_figures(effects, request_of, ASKED, folder)
    assert {path.name for path in folder.iterdir()} == expected_files(("weights", "cells"))


def test_files_of_others_are_not_written_over(bare, effects, request_of, tmp_path):
    bare("adoption", "cells")
    (tmp_path / "notes.txt").write_text("mine")
    write_figures(effects, request_of, ASKED, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "cells.en.svg").write_text("changed by hand")
    with pytest.raises(ReportError, match=r"it holds files that would be overwritten.*\nFound cells\.en\.svg\.\n"):
        write_figures(effects, request_of, ASKED, tmp_path)
    assert (tmp_path / "cells.en.svg").read_text() == "changed by hand"
    (tmp_path / MANIFEST).write_text("not json")
    with pytest.raises(ReportError, match=r"Found adoption\.en\.svg, .*in all"):
        require_own(tmp_path)
    with pytest.raises(ReportError, match="this is no folder"):
        require_own(tmp_path / "notes.txt")


def test_a_run_that_is_killed_leaves_nothing_that_looks_foreign(bare, effects, request_of, tmp_path, monkeypatch):
    bare("cells", "weights")
    write_figures(effects, request_of, ASKED, tmp_path)
    bare("adoption", "cells")
    moved, replaced = [], Path.replace

    def killed(path: Path, target: Path) -> Path:
        if target.parent == tmp_path and target.name != MANIFEST:
            moved.append(target)
        if len(moved) > 3:
            raise KeyboardInterrupt
        return replaced(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_figures(effects, request_of, ASKED, tmp_path)
    write_figures(effects, request_of, ASKED, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == expected_files(("adoption", "cells"))


def test_synthetic_data_are_stamped(bare, effects, nasty, tmp_path):
    bare("cells")
    (tmp_path / "world" / "raw").mkdir(parents=True)
    (tmp_path / "world" / "world.json").write_text("{}")
    real, stamped = tmp_path / "panel.parquet", tmp_path / "stamped.parquet"
    nasty.to_parquet(real)
    parquet.write_table(pa.Table.from_pandas(nasty).replace_schema_metadata({b"synthetic": b"SYNTHETIC"}), stamped)
    assert [is_synthetic(file) for file in (real, stamped, tmp_path / "world" / "raw" / "a.csv")] == [False, True, True]
    for file in (real, stamped):
        write_figures(effects, Request(file=file, **COLUMNS), ASKED, tmp_path / file.stem)
    assert (tmp_path / "panel" / "cells.en.png").read_bytes() != (tmp_path / "stamped" / "cells.en.png").read_bytes()


def test_the_command_writes_figures_and_keeps_standard_output_for_data(nasty, tmp_path):
    nasty.to_csv(tmp_path / "panel.csv", index=False)
    columns = [part for name, column in COLUMNS.items() for part in (f"--{name.replace('_', '-')}", column)]
    command = ["estimate", str(tmp_path / "panel.csv"), *columns, "--json", "--figures", str(tmp_path / "figures")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) > 5
    assert f"figures in {tmp_path / 'figures'}: adoption, cells (of overall), event_study" in done.stderr
    assert {path.name for path in (tmp_path / "figures").iterdir()} == expected_files(OF_ATT_GT)


def test_a_strange_folder_is_refused_before_anything_is_estimated(tmp_path):
    (tmp_path / "cells.zh.png").write_bytes(b"mine")
    columns = ["--month", "month", "--first-covered", "first_covered", "--outcome", "income"]
    done = CliRunner().invoke(app, ["estimate", str(tmp_path / "absent.csv"), *columns, "--figures", str(tmp_path)])
    assert isinstance(done.exception, ReportError) and "Found cells.zh.png." in str(done.exception)
    assert not (tmp_path / MANIFEST).exists()


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("24291 / 上海", "上海"),
        ("never / 南京 | 1101", "南京"),
        ("city 3", "city 3"),
        ("滴滴 / 上海", "滴滴 / 上海"),
        ("5 / a / b", "a / b"),
    ],
)
def test_rows_of_cells_are_named_without_what_only_the_pass_needs(unit, name):
    assert _plain_name(unit) == name
