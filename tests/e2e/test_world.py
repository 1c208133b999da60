"""From a world file to a brief, on the command line: the default main job in small."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

ROOT = Path(__file__).parents[2]
MARGINS = "margins: [industry, platform_group, tenure_band, intensity, sex, age_band]"
STUDIES = ("dier", "dier-income", "qingdao-1124", "ciwei", "chengyang-freight", "waiver-eligibility")


def impact(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from impact.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of a newcomer: a small world, the studies of the repository, their notebooks and facts."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("studies", "studies/deliveries", "worlds", "notebooks", "data"):
        (folder / name).mkdir()
    for path in (*(ROOT / "studies").glob("**/*.yaml"), *(ROOT / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8").replace(MARGINS, "margins: [industry]")  # few answers cannot be raked to six margins
        (folder / path.relative_to(ROOT)).write_text(text, encoding="utf-8")
    small = "scale: 0.003\ncampaign: {agreements: 14, others: 8, firms: 40, workers: 25}\nsurvey: {issued: 400}\n"
    (folder / "worlds" / "default.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{small}", encoding="utf-8")
    (folder / "data" / "registry").symlink_to(ROOT / "data" / "registry")
    return folder


@pytest.fixture(scope="module")
def dier(home: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    return impact("run", "studies/dier.yaml", folder=home), home / "reports" / "dier" / "latest"


def test_the_main_job_builds_its_world_on_first_use_and_says_where_the_brief_is(dier, home):
    ended, latest = dier
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"World     data.worlds.default \(synthetic, built on first use\)", ended.stdout)
    assert re.search(r"Brief     reports.dier.*brief\.en\.pdf", ended.stdout)
    assert re.search(r"简报      reports.dier.*brief\.zh\.pdf", ended.stdout)
    assert (latest / "brief.zh.pdf").is_file()


def test_every_page_figure_and_table_is_stamped(dier):
    _, latest = dier
    for name in ("brief.en.pdf", "brief.zh.pdf", "report.pdf"):
        for number, page in enumerate(PdfReader(latest / name).pages, start=1):
            assert "SYNTHETIC" in page.extract_text(), f"{name}, page {number}"
    for path in latest.glob("tables/*.csv"):
        assert set(pd.read_csv(path, encoding="utf-8-sig")["data"]) == {"SYNTHETIC / 合成数据"}, path.name
    assert set(pd.read_parquet(latest / "results.parquet")["data"]) == {"SYNTHETIC / 合成数据"}
    assert "合成数据" in (latest / "report.html").read_text(encoding="utf-8")


def test_nothing_is_done_again_where_nothing_has_changed(dier, home):
    ended = impact("run", "studies/dier.yaml", folder=home)
    assert "World " not in ended.stdout
    assert "Nothing has changed" in ended.stdout


@pytest.mark.parametrize("name", STUDIES)
def test_every_default_study_runs_on_the_world_and_claims_no_more_than_it_may(name, dier, home):
    ended = impact("run", f"studies/{name}.yaml", folder=home)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"Verdict   V[12] ", ended.stdout)


def test_the_default_main_job_is_the_synthetic_one():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    study = re.search(r"^STUDY\s+\?= (\S+)$", makefile, re.MULTILINE)
    assert study
    assert study.group(1) == "studies/dier.yaml"


def test_a_world_that_is_missing_is_named_with_the_command_that_makes_it(home, tmp_path):
    from impact.errors import StudyError
    from impact.study import load_study, locate_delivery

    with pytest.raises(StudyError, match=r"its synthetic world is not there(.|\n)*impact simulate"):
        locate_delivery(load_study(home / "studies" / "dier.yaml"), tmp_path)


def test_simulate_says_what_it_wrote_and_refuses_a_folder_of_something_else(home):
    first = impact("simulate", "worlds/default.yaml", "--out", "w", "--tables", "context,registry", folder=home)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("SYNTHETIC / 合成数据   world default, seed 1, scale 0.003")
    assert (
        "Nothing has changed" in impact("simulate", "worlds/default.yaml", "--out", "w", "--tables", "context,registry", folder=home).stdout
    )
    (home / "mine").mkdir()
    (home / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    refused = impact("simulate", "worlds/default.yaml", "--out", "mine", folder=home)
    assert refused.returncode == 1
    assert "this is not a folder of a synthetic world" in refused.stderr
    assert (home / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_an_interrupted_simulation_says_so_and_leaves_no_folder(home):
    command = [
        sys.executable,
        "-c",
        "from impact.cli import main; main()",
        "simulate",
        "worlds/default.yaml",
        "--out",
        "cut",
        "--scale",
        "0.02",
    ]
    child = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(home.glob(".cut.partial/raw/platform/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Interrupted. Nothing half-finished is left under its final name" in said
    assert not (home / "cut").exists()


def test_a_pattern_without_files_is_named_with_what_is_there(dier, home):
    text = (home / "studies" / "deliveries" / "default-world.yaml").read_text(encoding="utf-8")
    (home / "studies" / "deliveries" / "odd.yaml").write_text(text.replace("platform/account/*", "platform/acount/*"), encoding="utf-8")
    study = (home / "studies" / "dier.yaml").read_text(encoding="utf-8").replace("default-world.yaml", "odd.yaml")
    (home / "studies" / "odd.yaml").write_text(study.replace("name: dier", "name: odd"), encoding="utf-8")
    ended = impact("check", "studies/odd.yaml", folder=home)
    assert ended.returncode == 4
    assert "no file is called `platform/acount/*.parquet`" in " ".join(ended.stdout.split())


def test_undeclared_fen_stops_the_check_and_the_run_and_names_the_file(dier, home):
    text = (home / "studies" / "deliveries" / "default-world.yaml").read_text(encoding="utf-8")
    begin, end = text.index("declared:"), text.index("citation:")
    (home / "studies" / "deliveries" / "silent.yaml").write_text(text[:begin] + text[end:], encoding="utf-8")
    study = (
        (home / "studies" / "dier.yaml")
        .read_text(encoding="utf-8")
        .replace("default-world.yaml", "silent.yaml")
        .replace("name: dier", "name: silent")
    )
    (home / "studies" / "silent.yaml").write_text(
        study.replace('"platform/**/RH*"', '"platform/**/CR*", "platform/**/RH*"'), encoding="utf-8"
    )
    checked = impact("check", "studies/silent.yaml", folder=home)
    assert checked.returncode == 4
    assert "ym=2026-01/CR02.parquet" in checked.stdout
    run = impact("run", "studies/silent.yaml", folder=home)
    assert run.returncode == 1
    assert "money looks as if it were in fen" in run.stderr or "times in UTC" in run.stderr


def test_the_scenario_command_fits_eighty_columns():
    ended = impact("scenarios", "--only", "S12", "--only", "S13", "--seeds", "1", "--processes", "1", folder=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("as expected: ") == 2
    assert "answers as they came" in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines()) <= 80


def test_a_world_file_with_a_wrong_key_is_refused_with_the_nearest_spelling(home):
    (home / "worlds" / "odd.yaml").write_text("extends: default.yaml\nseeed: 3\n", encoding="utf-8")
    ended = impact("simulate", "worlds/odd.yaml", "--out", "odd", folder=home)
    assert ended.returncode == 1
    assert "key `seeed` is not known" in ended.stderr
    assert "Did you mean `seed`?" in ended.stderr
    assert not (home / "odd").exists()
