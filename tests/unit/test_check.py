"""`impact check` looks at every table, writes nothing, and says by its exit status whether an estimate may follow."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import typer
import yaml
from typer.testing import CliRunner

from impact.cli.check import check, language_of, lines_of, wrapped
from impact.errors import DataError
from impact.run.check import check_study, files_read
from impact.run.check_registry import registry_findings
from impact.run.check_tables import stop_of
from impact.sources.registry import load_registry
from impact.study import load_study
from words import assert_three_parts

ROOT = Path(__file__).parents[2]
MONTHS = [f"2024-{month:02d}" for month in range(1, 9)]
KEY = {"IMPACT_KEY": "9f2c61d07ab84e35c1d8f06b7a39e254"}
STUDY = {
    "name": "tiny",
    "title": {"en": "What goes with it?", "zh": "有何不同？"},
    "question": {"en": "By how much?", "zh": "相差多少？"},
    "period": "month",
    "columns": {"worker": "worker", "month": "month", "unit": "unit", "cluster": "cluster", "first_covered": "first_covered"},
    "outcomes": [
        {
            "name": "net_income",
            "column": "income_net_yuan",
            "kind": "income",
            "title": {"en": "Net income", "zh": "净收入"},
            "unit": {"en": "yuan", "zh": "元"},
        }
    ],
    "coverage": {"name": {"en": "the agreement", "zh": "协议"}, "decided_by": "agreement"},
    "effects": {"comparison": "never", "base": "varying"},
}
TABLES = {"account": ["account.csv"], "worker_month": ["month/*.csv"], "worker_day": ["day/*.csv"]}


def written(folder: Path, name: str, frame: pd.DataFrame) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / name, index=False)


def months(platform: str, ym: str, times: float = 1.0) -> pd.DataFrame:
    rows = range(40)
    pay = [round(times * (4990 + 10 * int(platform[2:]) + 9 * row + int(ym[5:])), 2) for row in rows]
    return pd.DataFrame(
        {
            "account_id": [f"{platform}-{row}" for row in rows],
            "ym": ym,
            "active_days": 2,
            "online_h": [10.0 + row / 10 for row in rows],
            "gross": pay,
            "net_est": pay,
            "first_active_date": f"{ym}-01",
            "last_active_date": f"{ym}-02",
        }
    )


def days(platform: str, ym: str) -> pd.DataFrame:
    rows = [(f"{platform}-{row}", f"{ym}-0{day}") for row in range(40) for day in (1, 2)]
    return pd.DataFrame(rows, columns=["account_id", "date"])


@pytest.fixture
def delivery(tmp_path) -> Path:
    """Two platforms, eight months, nothing wrong."""
    folder = tmp_path / "data" / "raw"
    accounts = [(f"{platform}-{row}", platform, "C01", "2023-12-01") for platform in ("RH01", "RH02") for row in range(40)]
    written(folder, "account.csv", pd.DataFrame(accounts, columns=["account_id", "platform_id", "city_id", "first_trip_date"]))
    for ym in MONTHS:
        for platform in ("RH01", "RH02"):
            written(folder, f"month/{platform}_{ym}.csv", months(platform, ym))
            written(folder, f"day/{platform}_{ym}.csv", days(platform, ym))
    shutil.copytree(ROOT / "data" / "registry", folder / "registry")
    return folder


def study_file(folder: Path, **delivered) -> Path:
    source = {
        "delivery": {"folder": "raw", "tables": TABLES, "registry": "registry", "citation": "Made for a test.", **delivered},
        "sample": {"unit": ["platform"], "cluster": ["platform"], "covered_by": "platform"},
    }
    path = folder.parents[1] / "tiny.yaml"
    path.write_text(yaml.safe_dump({**STUDY, "source": source}, allow_unicode=True), encoding="utf-8")
    return path


def looked_at(folder: Path, **delivered):
    return check_study(study_file(folder, **delivered), folder.parent, KEY)


def of_data(report) -> list[tuple[str, str]]:
    """List what is wrong: what a delivery merely lacks is a note, and left aside here."""
    told = [finding for finding in report.findings if not finding.where.startswith("registry/")]
    return [(finding.level, finding.rule) for finding in told if finding.level != "note"]


def test_nothing_is_found_where_nothing_is_wrong_and_nothing_is_written(delivery):
    path = study_file(delivery)
    before = sorted(path.parent.rglob("*"))
    report = check_study(path, delivery.parent, KEY)
    assert of_data(report) == [] and not report.stands_in_the_way()
    assert [(one.table, one.files, one.rows) for one in report.arrived] == [
        ("account", 1, 80),
        ("worker_month", 16, 640),
        ("worker_day", 16, 1280),
    ]
    assert [audit.table for audit in report.audits] == ["account", "worker_month", "worker_day", "panel"]
    assert sorted(path.parent.rglob("*")) == before


def registry_rows(report) -> Counter[str]:
    found: Counter[str] = Counter()
    for finding in report.findings:
        found[finding.rule] += finding.rows if finding.where.startswith("registry/") else 0
    return +found


def test_what_the_registry_says_of_others_is_one_line_with_its_count(delivery):
    report = looked_at(delivery)
    whole = check_study(study_file(delivery), delivery.parent, KEY, all_of_registry=True)
    assert set(registry_rows(report)) == {"registry_elsewhere"}
    assert registry_rows(report)["registry_elsewhere"] == sum(registry_rows(whole).values())
    assert [finding.level for finding in report.findings if finding.rule == "registry_elsewhere"] == ["note"]


def test_what_the_registry_says_of_the_agreement_of_a_platform_in_the_study_is_told_in_full(delivery):
    path = delivery / "registry" / "agreements.yaml"
    text = path.read_text(encoding="utf-8").replace("    level: platform_network\n", "    level: platform_network\n    platform: RH01\n", 1)
    path.write_text(text, encoding="utf-8")
    mine = [finding for finding in looked_at(delivery).findings if finding.where == "registry/agreements.yaml"]
    assert "effective_unknown" in {finding.rule for finding in mine}
    for finding in mine:
        assert "dier-network" in finding.text.en and "ciwei" not in finding.text.en


def test_an_agreement_of_a_platform_without_accounts_here_is_of_others(delivery):
    path = delivery / "registry" / "agreements.yaml"
    text = path.read_text(encoding="utf-8").replace("    level: platform_network\n", "    level: platform_network\n    platform: RH09\n", 1)
    path.write_text(text, encoding="utf-8")
    assert set(registry_rows(looked_at(delivery))) == {"registry_elsewhere"}


def test_a_registry_without_any_agreement_stops_whatever_the_study_is_about(delivery):
    (delivery / "registry" / "agreements.yaml").write_text("agreements: []\n", encoding="utf-8")
    stops = [finding.rule for finding in looked_at(delivery).findings if finding.level == "stop"]
    assert "no_agreement" in stops


def test_a_table_that_cannot_be_read_hides_nothing_of_the_others(delivery):
    written(delivery, "day/RH01_2024-03.csv", days("RH01", "2024-03").replace("2024-03-02", "soon"))
    written(delivery, "month/RH02_2024-05.csv", months("RH02", "2024-05", times=100))
    report = looked_at(delivery)
    stops = {finding.rule: finding for finding in report.findings if finding.level == "stop"}
    assert set(stops) == {"cannot_be_read", "money_unit"}
    assert stops["cannot_be_read"].where == "worker_day" and "RH01_2024-03.csv" in stops["cannot_be_read"].text.en
    assert stops["money_unit"].where == "month/RH02_2024-05.csv"
    assert "panel" in [audit.table for audit in report.audits]


def test_a_table_is_looked_at_although_the_delivery_is_refused_as_a_whole(delivery):
    written(delivery, "month/RH02_2024-05.csv", months("RH02", "2024-05", times=100))
    report = looked_at(delivery, tables={**TABLES, "eligibility": ["nowhere.csv"]})
    stops = [(finding.where, finding.rule) for finding in report.findings if finding.level == "stop"]
    assert ("month/RH02_2024-05.csv", "money_unit") in stops
    assert sum(rule == "cannot_be_read" for _, rule in stops) == 1


def test_months_are_read_by_their_types_although_accounts_cannot_be(delivery):
    written(delivery, "account.csv", pd.DataFrame({"who": ["a"]}))
    written(delivery, "month/RH02_2024-05.csv", months("RH02", "2024-05").assign(online_h="many"))
    report = looked_at(delivery)
    assert [finding.where for finding in report.findings if finding.level == "stop"] == ["account", "worker_month"]


def test_a_missing_month_is_found_in_the_files(delivery):
    (delivery / "day" / "RH02_2024-04.csv").unlink()
    found = [finding for finding in looked_at(delivery).findings if finding.rule == "month_without_file"]
    assert [(finding.level, finding.where) for finding in found] == [("warning", "day/RH02_2024-01.csv")]
    assert "2024-04" in found[0].text.en


def test_a_month_that_a_platform_lacks_is_found_once(delivery):
    (delivery / "month" / "RH02_2024-04.csv").unlink()
    assert of_data(looked_at(delivery)) == [("stop", "platform_without_month")]


def with_a_warning(delivery: Path) -> None:
    written(delivery, "month/RH02_2024-05.csv", months("RH02", "2024-05").drop(columns="online_h"))


def test_a_warning_stands_in_the_way_where_one_is_strict(delivery):
    with_a_warning(delivery)
    report = looked_at(delivery)
    assert of_data(report) == [("warning", "column_missing_in_files")]
    assert not report.stands_in_the_way() and report.stands_in_the_way(strict=True)


def test_without_a_key_the_data_are_looked_at_and_the_key_is_asked_for(delivery):
    report = check_study(study_file(delivery), delivery.parent, {})
    stops = [finding for finding in report.findings if finding.level == "stop"]
    assert [finding.where for finding in stops] == ["IMPACT_KEY_FILE"]
    assert "panel" in [audit.table for audit in report.audits]


def test_a_source_of_one_table_is_looked_at(tmp_path):
    rows = [
        (f"w{row}", month, f"u{row % 4}", "2024-05" if row % 4 == 0 else "", 4000 + row + place, f"1391234{row:04d}")
        for row in range(60)
        for place, month in enumerate(MONTHS)
        if month != "2024-03"
    ]
    written(tmp_path, "panel.csv", pd.DataFrame(rows, columns=["worker", "month", "unit", "first_covered", "income_net_yuan", "contact"]))
    columns = {**STUDY["columns"]}
    del columns["cluster"]
    study = {**STUDY, "columns": columns, "source": {"file": "panel.csv", "citation": "Made."}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    report = check_study(tmp_path / "tiny.yaml", tmp_path, {})
    assert sorted(of_data(report)) == [("warning", "month_missing"), ("warning", "names_persons")]
    assert [(one.files, one.rows) for one in report.arrived] == [(1, 420)]
    assert files_read(load_study(tmp_path / "tiny.yaml"), tmp_path) == 1


def test_the_three_parts_of_an_error_become_what_was_found_and_what_to_do():
    message = "a.csv: it is broken.\nFound: nothing.\nMend it."
    assert_three_parts(message, "broken", "nothing", "Mend")
    found = stop_of("account", DataError(message))
    assert (found.level, found.text.en, found.advice.en) == ("stop", "a.csv: it is broken. Found: nothing.", "Mend it.")
    assert "account" in found.text.zh and "Mend it." in found.advice.zh


def run(*arguments: str, **environ: str):
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, list(arguments), env={**KEY, **environ})


def test_the_exit_status_says_whether_an_estimate_may_follow(delivery):
    path, data = str(study_file(delivery)), str(delivery.parent)
    assert run(path, "--data", data).exit_code == 0
    with_a_warning(delivery)
    assert (run(path, "--data", data).exit_code, run(path, "--data", data, "--strict").exit_code) == (0, 4)
    written(delivery, "month/RH02_2024-05.csv", months("RH02", "2024-05", times=100))
    assert run(path, "--data", data).exit_code == 4


def test_json_holds_everything_and_nothing_else(delivery):
    path, data = str(study_file(delivery)), str(delivery.parent)
    content = json.loads(run(path, "--data", data, "--json").stdout)
    assert set(content) == {"study", "synthetic", "arrived", "audits", "findings", "complete", "key_id"}
    assert content["arrived"][1] == {"table": "worker_month", "files": 16, "rows": 640}


def test_words_come_in_the_language_that_is_asked_for(delivery):
    path, data = str(study_file(delivery)), str(delivery.parent)
    assert "没有妨碍估计的问题" in run(path, "--data", data, IMPACT_LANG="zh_CN.UTF-8").stdout
    assert "Nothing stands in the way" in run(path, "--data", data, IMPACT_LANG="").stdout
    assert (language_of({}), language_of({"IMPACT_LANG": "zh"})) == ("en", "zh")


def test_no_line_is_wider_than_a_terminal(delivery):
    written(delivery, "day/RH01_2024-03.csv", days("RH01", "2024-03").replace("2024-03-02", "soon"))
    report = looked_at(delivery)
    for language in ("en", "zh"):
        for line in lines_of(report, language):
            assert sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in line) <= 80, line


def test_breaking_a_text_loses_nothing_and_begins_no_line_with_a_closing_mark():
    text = "平台于2025年1月关闭了三百八十四个账户，其中四十五个从未使用；通常为六十个。" * 4
    lines = wrapped(text, "    ")
    assert "".join(line.strip() for line in lines) == text and len(lines) > 3
    assert not any(line.strip()[0] in "，；。" for line in lines)


def test_a_study_of_pay_is_told_what_of_pay_was_not_delivered(delivery):
    notes = {finding.rule for finding in looked_at(delivery).findings if finding.level == "note"}
    assert {"no_engaged_hours", "no_cpi", "no_minimum_wage"} <= notes


def test_a_unit_with_an_agreement_of_its_own_within_that_of_its_platform_is_told_in_full(delivery):
    path = delivery / "registry" / "agreements.yaml"
    text = path.read_text(encoding="utf-8").replace("    level: platform_network\n", "    level: platform_network\n    platform: RH01\n", 1)
    path.write_text(text, encoding="utf-8")
    registry = load_registry(delivery / "registry")
    found = registry.agreements["dier-network"]
    effective = found.effective.model_copy(update={"value": date(2024, 3, 1), "precision": "day"})
    network = found.model_copy(update={"effective": effective})
    own = network.model_copy(update={"id": "unit-agreement", "unit": "U1"})
    both = replace(registry, agreements={**registry.agreements, network.id: network, own.id: own})
    study = load_study(study_file(delivery))
    by_unit = study.source.sample.model_copy(update={"covered_by": "bargaining_unit"})
    study = study.model_copy(update={"source": study.source.model_copy(update={"sample": by_unit})})
    assert "agreement_within_network" in {finding.rule for finding in registry_findings(both, study, ["U1"])}
