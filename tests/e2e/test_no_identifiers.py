"""No identifier of a person in any byte that a run writes: names, phones, accounts, links and addresses of a whole world are looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from impact.run.leaks import scan

ROOT = Path(__file__).parents[2]
MARGINS = "margins: [industry, platform_group, tenure_band, intensity, sex, age_band]"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a small world, whose survey and bargaining units are in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("studies", "studies/deliveries", "worlds", "notebooks", "data"):
        (folder / name).mkdir()
    copied = (*(ROOT / "studies").glob("**/*.yaml"), *(ROOT / "notebooks").glob("*.ipynb"))
    for path in copied:
        text = path.read_text(encoding="utf-8").replace(MARGINS, "margins: [industry]")  # few answers cannot be raked to six margins
        (folder / path.relative_to(ROOT)).write_text(text, encoding="utf-8")
    small = "scale: 0.003\ncampaign: {agreements: 14, others: 8, firms: 40, workers: 25}\nsurvey: {issued: 400}\n"
    (folder / "worlds" / "default.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{small}", encoding="utf-8")
    (folder / "data" / "registry").symlink_to(ROOT / "data" / "registry")
    return folder


def clear_values(raw: Path) -> set[str]:
    """Collect what identifies people in the raw exports."""
    accounts = pd.concat([pd.read_parquet(path) for path in (raw / "platform" / "account").glob("*.parquet")])
    frames = pd.concat([pd.read_csv(path, dtype=str) for path in (raw / "survey").glob("*_frame.csv")])
    found = {*accounts["account_id"], *accounts["phone"], *accounts["name"], *accounts["device_id"].dropna()}
    return {str(value) for value in (*found, *frames["account_id"], *frames["name"], *frames["phone"], *frames["frame_id"])}


@pytest.mark.parametrize("study", ["dier", "qingdao-1124"])
def test_no_name_phone_account_or_link_stands_in_any_file_of_a_run(study, home):
    command = [sys.executable, "-c", "from impact.cli import main; main()", "run", f"studies/{study}.yaml"]
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    latest = (home / "reports" / study / "latest").resolve()
    assert sum(1 for path in latest.rglob("*") if path.is_file()) > 15
    assert scan(latest, clear_values(home / "data" / "worlds" / "default" / "raw")) == ()


def test_the_search_would_find_what_it_looks_for(home, tmp_path):
    values = sorted(clear_values(home / "data" / "worlds" / "default" / "raw"))
    account = next(value for value in values if value.startswith("RH01-"))
    (tmp_path / "table.csv").write_text(f"worker,month\n{account},2025-01\n", encoding="utf-8")
    pd.DataFrame({"worker": [account]}).to_parquet(tmp_path / "rows.parquet")
    assert {leak.file for leak in scan(tmp_path, values)} == {"table.csv", "rows.parquet"}
