"""`impact estimate`: numbers to standard output, words to standard error, and complaints without a traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from impact import __version__
from impact.cli import main
from impact.results import TIDY_COLUMNS
from words import assert_three_parts


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def impact(monkeypatch, capsys) -> Callable[..., Said]:
    """Run a command in this process."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["impact", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        capture = capsys.readouterr()
        return Said(int(ended.value.code or 0), capture.out, capture.err)

    return run


COLUMNS = ("--month", "month", "--first-covered", "first_covered", "--outcome", "income", "--unit", "unit", "--worker", "worker")


@pytest.fixture
def panel(nasty: pd.DataFrame, tmp_path: Path) -> Path:
    file = tmp_path / "panel.csv"
    nasty.to_csv(file, index=False)
    return file


def spoiled(nasty: pd.DataFrame, folder: Path, column: str, value: object) -> Path:
    """Write the panel with another value in its second row (row 3 of the file)."""
    frame = nasty.astype({column: object})
    frame.loc[1, column] = value
    file = folder / "panel.csv"
    frame.to_csv(file, index=False)
    return file


def assert_refused(said: Said, kind: str, wrong: str, found: str, advice: str) -> None:
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"{kind}: ") and "Traceback" not in said.err
    assert_three_parts(said.err.rstrip("\n"), wrong, found, advice)


def test_json_writes_the_tidy_table_to_standard_output_and_nothing_else(impact, panel):
    said = impact("estimate", panel, *COLUMNS, "--aggregate", "event_time", "--json")
    records = json.loads(said.out)
    assert said.code == 0 and all(tuple(record) == TIDY_COLUMNS for record in records)
    assert [record["event_time"] for record in records] == [*range(-6, 8), None]
    assert records[-1]["term"] == "overall"


def test_csv_writes_what_json_writes(impact, panel):
    asked = ("estimate", panel, *COLUMNS, "--aggregate", "cohort")
    as_json, as_csv = impact(*asked, "--json"), impact(*asked, "--csv")
    table = pd.read_csv(io.StringIO(as_csv.out))
    assert tuple(table.columns) == TIDY_COLUMNS and as_csv.err == as_json.err
    pd.testing.assert_frame_equal(table, pd.DataFrame(json.loads(as_json.out)).astype(table.dtypes))


def test_facts_and_caveats_go_to_standard_error_beside_json(impact, panel, nasty):
    said = impact("estimate", panel, *COLUMNS, "--cluster", "cluster", "--json")
    assert f"{len(nasty):,} rows, {nasty['worker'].nunique()} workers, 18 units, 1 to 12" in said.err
    assert "6 of 18 units are never covered (0, empty or inf in `first_covered`)" in said.err
    assert "errors by cluster: 12 clusters, 8 of them covered\nfewer than ten covered clusters: do not trust these errors\n" in said.err


def test_without_a_format_a_table_and_the_facts_are_shown(impact, panel):
    said = impact("estimate", panel, *COLUMNS, "--aggregate", "simple")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].split() == ["term", "estimate", "std_error", "conf_low", "conf_high", "p_value"]
    assert said.out.splitlines()[1].startswith("overall") and "6 of 18 units are never covered" in said.out
    assert max(map(len, said.out.splitlines()[:2])) <= 80


@pytest.mark.parametrize("never", ["0", "", "inf", "never"])
def test_every_word_for_never_gives_the_same_numbers(never, impact, nasty, panel, tmp_path):
    plain = impact("estimate", panel, *COLUMNS, "--json")
    other = tmp_path / "other.csv"
    words = nasty["first_covered"].map(lambda month: never if pd.isna(month) else str(int(month)))
    nasty.assign(first_covered=words).to_csv(other, index=False)
    said = impact("estimate", other, *COLUMNS, "--json")
    assert (said.code, said.out) == (0, plain.out)
    assert "6 of 18 units are never covered" in said.err


def test_a_term_that_is_zero_by_construction_has_null_for_its_error(impact, panel):
    records = json.loads(impact("estimate", panel, *COLUMNS, "--base", "universal", "--json").out)
    base = [record for record in records if record["event_time"] == -1]
    assert [record["estimate"] for record in base] == [0.0, 0.0]
    assert all(record[name] is None for record in base for name in ("std_error", "conf_low", "conf_high", "p_value"))


def test_months_are_written_as_months(impact, nasty, tmp_path):
    file = tmp_path / "panel.csv"
    written = {
        name: nasty[name].map(lambda month: "" if pd.isna(month) else f"2024-{int(month):02d}") for name in ("month", "first_covered")
    }
    nasty.assign(**written).to_csv(file, index=False)
    records = json.loads(impact("estimate", file, *COLUMNS, "--json").out)
    assert (records[0]["term"], records[0]["cohort"], records[0]["month"]) == ("att(2024-05, 2024-02)", "2024-05", "2024-02")
    assert records[0]["event_time"] == -3


def test_bands_are_wider_than_intervals_and_the_same_for_the_same_seed(impact, panel):
    asked = ("estimate", panel, *COLUMNS, "--aggregate", "event_time", "--bands", "--json")
    first, again, other = (impact(*asked, "--seed", seed).out for seed in (1, 1, 2))
    record = json.loads(first)[0]
    assert record["band_low"] < record["conf_low"] < record["conf_high"] < record["band_high"]
    assert first == again != other


def test_a_wider_level_gives_wider_intervals(impact, panel):
    low, high = (json.loads(impact("estimate", panel, *COLUMNS, "--level", level, "--json").out)[0] for level in (0.9, 0.99))
    assert high["conf_low"] < low["conf_low"] < low["conf_high"] < high["conf_high"]


def test_without_a_worker_every_row_stands_alone(impact, panel, nasty):
    said = impact("estimate", panel, *COLUMNS[:8], "--cluster", "worker", "--json")
    assert said.code == 0 and f"{len(nasty):,} rows of repeated cross-sections" in said.err


def test_rows_without_an_outcome_are_left_out_and_counted(impact, nasty, tmp_path):
    said = impact("estimate", spoiled(nasty, tmp_path, "income", ""), *COLUMNS, "--json")
    assert said.code == 0 and "1 row without a value of `income` left out" in said.err


@pytest.mark.parametrize(
    ("column", "value", "wrong", "found", "advice"),
    [
        ("income", "12 yuan", "column `income` cannot be used in 1 row", "row 3 has `12 yuan`", "Each value must be a number"),
        ("month", "spring", "column `month` cannot be used in 1 row", "row 3 has `spring`", "mend these rows"),
        ("first_covered", "soon", "column `first_covered` cannot be used in 1 row", "row 3 has `soon`", "0, empty or inf for never"),
        ("first_covered", "9", "column `first_covered` changes within 1 unit of `unit`", "`9` (row 3)", "Coverage is decided for the unit"),
        ("worker", "", "column `worker` is missing in 1 row", "row 3 has ``", "a name or number that identifies"),
    ],
)
def test_a_bad_value_is_named_with_its_row(column, value, wrong, found, advice, impact, nasty, tmp_path):
    said = impact("estimate", spoiled(nasty, tmp_path, column, value), *COLUMNS, "--json")
    assert_refused(said, "DataError", wrong, found, advice)


def test_the_logarithm_of_what_is_not_positive_is_refused(impact, nasty, tmp_path):
    said = impact("estimate", spoiled(nasty, tmp_path, "income", "-2"), *COLUMNS, "--transform", "log", "--json")
    assert_refused(said, "DataError", "column `income` cannot be used in 1 row", "row 3 has `-2`", "because its logarithm is taken")


def test_two_rows_of_one_worker_in_one_month_are_named(impact, nasty, tmp_path):
    file = tmp_path / "panel.csv"
    pd.concat([nasty, nasty.iloc[[4]]]).to_csv(file, index=False)
    said = impact("estimate", file, *COLUMNS, "--json")
    found = f"Found worker `{nasty.loc[4, 'worker']}` in month `{nasty.loc[4, 'month']}` in rows 6 and {len(nasty) + 2}"
    assert_refused(said, "DataError", "1 pair of `worker` and `month` stand more than once", found, "One worker has one row a month")


def test_a_missing_column_is_named_with_the_nearest_spelling(impact, panel):
    said = impact("estimate", panel, *COLUMNS[:4], "--outcome", "incme", "--unit", "unit", "--json")
    assert_refused(said, "DataError", "panel.csv: there is no column `incme`", "worker, unit, cluster", "Did you mean `income`?")


def test_a_missing_file_is_named_with_the_nearest_one(impact, panel):
    said = impact("estimate", panel.with_name("panle.csv"), *COLUMNS, "--json")
    assert_refused(said, "SourceError", "there is no such file", "panel.csv", "Did you mean `panel.csv`?")


def test_an_unknown_estimator_is_named_with_the_nearest_one(impact, panel):
    said = impact("estimate", panel, *COLUMNS, "--estimator", "att_tg", "--json")
    assert_refused(said, "StudyError", "estimator `att_tg` is not known", "att_gt, changes_in_changes, dose", "Did you mean `att_gt`?")


def test_somebody_must_be_named(impact, panel):
    said = impact("estimate", panel, *COLUMNS[:6], "--json")
    assert_refused(said, "StudyError", "neither --unit nor --worker is given", "no column", "Name --unit")


@pytest.fixture
def moved(nasty: pd.DataFrame, tmp_path: Path) -> tuple[Path, str]:
    """A panel in which one worker goes from a city that is never covered to one that is, and the name of that worker."""
    file = tmp_path / "moved.csv"
    first, last = nasty[nasty["unit"] == "city 16"]["worker"].iloc[0], nasty[nasty["unit"] == "city 15"]["worker"].iloc[0]
    rows = nasty[~((nasty["worker"] == last) & (nasty["month"] <= 6)) & ~((nasty["worker"] == first) & (nasty["month"] > 6))]
    rows.assign(worker=rows["worker"].replace(last, first)).to_csv(file, index=False)
    return file, first


@pytest.mark.parametrize("asked", [("--cluster", "worker"), ("--estimator", "twfe")])
def test_workers_who_change_cohort_are_refused_where_each_must_be_in_one_place(asked, impact, moved):
    file, mover = moved
    said = impact("estimate", file, *COLUMNS, *asked, "--json")
    wrong = f"{' '.join(asked)}: 1 worker moves between clusters or first covered months"
    assert_refused(said, "DesignError", wrong, f"Found: {mover}", "Cluster by the unit")


@pytest.mark.parametrize("asked", [(), ("--cluster", "cluster"), ("--cluster", "unit")])
def test_workers_who_change_cohort_are_noted_where_errors_are_not_by_worker(asked, impact, moved, panel):
    note = "1 worker is seen in more than one cluster or cohort, and counts once in each"
    said = impact("estimate", moved[0], *COLUMNS, *asked, "--json")
    assert said.code == 0 and note in said.err.splitlines() and json.loads(said.out)
    assert "more than one cluster or cohort" not in impact("estimate", panel, *COLUMNS, *asked, "--json").err


@pytest.mark.parametrize(
    ("asked", "wrong", "found", "advice"),
    [
        (("--json", "--csv"), "--json and --csv are both asked for", "two forms for one output", "Leave one of them out"),
        (("--event-from", "-2"), "belong to --aggregate event_time", "Found --aggregate none", "aggregate by event_time"),
        (("--aggregate", "cohort", "--event-to", "2"), "belong to --aggregate event_time", "Found --aggregate cohort", "Leave them out"),
        (("--aggregate", "simple", "--balance", "2"), "belong to --aggregate event_time", "Found --aggregate simple", "Leave them out"),
        (("--estimator", "twfe", "--comparison", "never"), "--comparison means nothing to it", "Found --comparison never", "att_gt"),
        (("--estimator", "twfe", "--anticipation", "1"), "--anticipation means nothing to it", "Found --anticipation 1", "att_gt"),
        (("--estimator", "twfe", "--base", "universal"), "--base means nothing to it", "Found --base universal", "att_gt"),
    ],
)
def test_options_that_do_not_go_together_are_refused(asked, wrong, found, advice, impact, panel):
    assert_refused(impact("estimate", panel, *COLUMNS, *asked), "StudyError", wrong, found, advice)


def test_an_outcome_that_is_empty_everywhere_is_refused_with_file_and_column(impact, nasty, tmp_path):
    file = tmp_path / "panel.csv"
    nasty.assign(income="").to_csv(file, index=False)
    found = f"Found {len(nasty):,} rows, all empty in it"
    said = impact("estimate", file, *COLUMNS, "--json")
    assert_refused(said, "DataError", "panel.csv: column `income` holds no value", found, "Name another outcome")


@pytest.mark.parametrize("cluster", ["unit", "cluster", "worker"])
def test_the_workers_behind_a_term_are_heads_also_with_weights(cluster, impact, panel, nasty):
    asked = ("estimate", panel, *COLUMNS, "--cluster", cluster, "--weights", "weight", "--json")
    for record in json.loads(impact(*asked).out):
        seen = nasty[(nasty["first_covered"] == record["cohort"]) & (nasty["month"] == record["month"])]
        assert record["workers"] == seen["worker"].nunique()
    overall = json.loads(impact(*asked, "--aggregate", "simple").out)[0]
    assert overall["workers"] == nasty.loc[nasty["first_covered"].notna(), "worker"].nunique()


def test_months_in_which_the_outcome_is_empty_for_everybody_are_off_the_time_axis(impact, nasty, tmp_path):
    emptied, deleted = tmp_path / "emptied.csv", tmp_path / "deleted.csv"
    nothing = nasty["month"].isin([1, 4, 12])
    nasty.assign(income=nasty["income"].mask(nothing)).to_csv(emptied, index=False)
    nasty[~nothing].to_csv(deleted, index=False)
    for asked in ((), ("--aggregate", "event_time"), ("--cluster", "worker"), ("--estimator", "twfe")):
        said, wanted = (impact("estimate", file, *COLUMNS, *asked, "--json") for file in (emptied, deleted))
        frame, other = (pd.DataFrame(json.loads(one.out)) for one in (said, wanted))
        pd.testing.assert_frame_equal(frame, other)
        assert f"{int(nothing.sum())} rows without a value of `income` left out" in said.err


def test_nobody_to_compare_with_is_refused(impact, nasty, tmp_path):
    file = tmp_path / "panel.csv"
    nasty[nasty["first_covered"] == 5].to_csv(file, index=False)
    said = impact("estimate", file, *COLUMNS, "--json")
    assert (said.code, said.out) == (1, "") and "nobody to compare" in said.err and len(said.err.strip().split("\n")) == 3


def test_an_unknown_option_ends_with_two(impact, panel):
    assert impact("estimate", panel, *COLUMNS, "--outcom", "x").code == 2


def test_the_version_is_printed(impact):
    assert impact("--version").out == f"impact {__version__}\n"


def test_the_schema_is_json_and_nothing_else(impact):
    said = impact("schema")
    assert (said.code, said.err) == (0, "") and json.loads(said.out)["title"] == "Study"


def test_help_imports_nothing_heavy():
    script = """
import sys
sys.argv = ["impact", "--help"]
from impact.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code
heavy = {"pandas", "numpy", "ibis", "duckdb", "matplotlib", "statsmodels", "scipy", "sklearn", "papermill", "pyarrow", "typst"}
print("HEAVY", sorted(heavy & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "estimate" in ended.stdout and ended.stdout.rstrip().endswith("HEAVY []")


def test_labels_in_csv_are_whole_numbers_or_nothing(impact, panel):
    said = impact("estimate", panel, *COLUMNS, "--aggregate", "event_time", "--csv")
    labels = [line.split(",")[TIDY_COLUMNS.index("event_time")] for line in said.out.splitlines()[1:]]
    assert labels[-1] == "" and all(label.lstrip("-").isdigit() for label in labels[:-1])
