"""`impact new`: what it writes can be read, filled in and read again; it writes over nothing."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from openpyxl import load_workbook
from typer import Typer
from typer.testing import CliRunner

from impact.clean.platform.corrections import read_corrections
from impact.clean.platform.headings import headings, unknown_columns
from impact.clean.registry.registry import check_registry
from impact.cli.new import new
from impact.errors import RunError
from impact.run.new_study import Kind, new_study
from impact.run.new_study.workbook import workbook_bytes
from impact.schema.delivered import DELIVERED
from impact.schema.questionnaire import CODEBOOK, ITEMS
from impact.schema.templates import ANSWERS, DATA_SHEET, DICTIONARY_SHEET, TEMPLATES
from impact.sources.dataset import Layout, find_files, open_dataset
from impact.sources.engine import connect
from impact.sources.files import open_file
from impact.sources.registry import load_registry
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from impact.study import load_study, locate_delivery

KINDS: tuple[Kind, ...] = ("platform", "survey", "both")
PLATFORM = ("worker_month", "account", "eligibility")
ROW = {
    "司机编号": "0007", "月份": "2025-03", "出工天数": 22, "流水（元）": 6543.21, "月末状态": "正常", "最早出工日": "2025-03-01",
    "account_id": "0007", "platform_id": "RH01", "reg_date": "2024-05-06", "clause_id": "CL01", "eligible_pre": 1,
}  # fmt: skip


def filled(path: Path, target: Path, row: dict[str, object]) -> Path:
    """Fill a row into a template as somebody with a spreadsheet would."""
    book = load_workbook(path)
    sheet = book[DATA_SHEET]
    for place, cell in enumerate(sheet[1], start=1):
        if cell.value in row:
            sheet.cell(2, place, row[cell.value])
    book.save(target)
    return target


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_study_is_valid_and_its_folder_is_found(tmp_path, kind):
    written = new_study("riders", tmp_path, kind)
    study = load_study(written.study)
    assert study.name == "riders"
    assert not study.synthetic
    assert locate_delivery(study, tmp_path / "data") == (tmp_path / "data" / "riders").resolve()
    assert set(study.source.delivery.tables) == (set() if kind == "survey" else {"worker_month", "account"})
    assert set(study.source.delivery.survey) == (set() if kind == "platform" else {1})
    for path in (written.study, written.data / "README.md"):
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text and not re.search(r"#[+-]", text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_templates_are_those_of_the_kind(tmp_path, kind):
    written = new_study("riders", tmp_path, kind)
    names = {path.stem for path in (written.data / "templates").iterdir()}
    assert names == {"platform": set(PLATFORM), "survey": {ANSWERS}, "both": {*PLATFORM, ANSWERS}}[kind]
    assert {path.suffix for path in (written.data / "templates").iterdir()} == {".csv", ".xlsx"}


@pytest.mark.parametrize("there", ["studies/riders.yaml", "data/riders/old.csv"])
def test_nothing_is_written_over_and_nothing_is_written_at_all(tmp_path, there):
    path = tmp_path / there
    path.parent.mkdir(parents=True)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(
        RunError, match=r"would write over what is there\.\nFound .*riders.*\.\nChoose another name(.|\n)*nothing was written"
    ):
        new_study("riders", tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["Riders", "../riders", "骑手", "", "1124"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(RunError, match=r"no name of a study\.\nFound `.*`\.\nUse small letters"):
        new_study(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", PLATFORM)
def test_reading_knows_every_column_of_a_template(tmp_path, name):
    columns = tuple(column.heading for column in TEMPLATES[name].columns)
    layout = Layout(("x.csv",), columns, table=None)
    assert unknown_columns(DELIVERED[name], layout, {}) == ()
    assert set(headings(DELIVERED[name], layout, {})) == {column.name for column in TEMPLATES[name].columns}


def test_no_template_asks_for_a_name_or_a_phone_number():
    asked = {column.name for template in TEMPLATES.values() for column in template.columns}
    assert "account_id" in asked
    assert not {"name", "phone", "device_id", "ip"} & asked


@pytest.mark.parametrize("name", PLATFORM)
def test_what_is_filled_into_a_workbook_is_read_back_as_written(tmp_path, name):
    template = new_study("riders", tmp_path).data / "templates" / f"{name}.xlsx"
    raw = open_file(connect(), filled(template, tmp_path / "filled.xlsx", ROW), sheet=DATA_SHEET)
    assert list(raw.table.columns) == [column.heading for column in TEMPLATES[name].columns]
    (row,) = raw.table.to_pyarrow().to_pylist()
    assert {key: value for key, value in row.items() if value is not None} == {key: str(value) for key, value in ROW.items() if key in row}


def test_a_workbook_without_its_dictionary_needs_no_name_of_a_sheet(tmp_path):
    written = new_study("riders", tmp_path)
    path = filled(written.data / "templates" / "account.xlsx", written.data / "account" / "all.xlsx", ROW)
    assert f"The sheet `{DICTIONARY_SHEET}`" in (written.data / "README.md").read_text(encoding="utf-8")
    book = load_workbook(path)
    del book[DICTIONARY_SHEET]
    book.save(path)
    dataset = open_dataset(connect(), "account", written.data, load_study(written.study).source.delivery.tables["account"])
    assert dataset.rows == 1
    assert dataset.layouts[0].columns == tuple(column.heading for column in TEMPLATES["account"].columns)


def test_a_month_and_an_account_stay_text_in_a_spreadsheet():
    sheet = load_workbook(BytesIO(workbook_bytes(TEMPLATES["worker_month"])))[DATA_SHEET]
    formats = {sheet.cell(1, place).value: one.number_format for place, one in enumerate(sheet.column_dimensions.values(), start=1)}
    assert (formats["司机编号"], formats["月份"], formats["最早出工日"]) == ("@", "@", "yyyy-mm-dd")


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_the_csv_has_the_same_headings_and_opens_in_a_chinese_spreadsheet(tmp_path, name):
    folder = new_study("riders", tmp_path, "both").data / "templates"
    data = (folder / f"{name}.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
    book = load_workbook(folder / f"{name}.xlsx")
    head = [cell.value for cell in book[DATA_SHEET][1]]
    assert head == [column.heading for column in TEMPLATES[name].columns]
    (folder / f"{name}.csv").write_bytes(data + ("," * (len(head) - 1) + "x\r\n").encode())
    assert list(open_file(connect(), folder / f"{name}.csv").table.columns) == head


def test_the_dictionary_explains_every_column_in_both_languages(tmp_path):
    for name, template in TEMPLATES.items():
        rows = list(load_workbook(BytesIO(workbook_bytes(template)))[DICTIONARY_SHEET].iter_rows(min_row=2, values_only=True))
        assert [row[0] for row in rows] == [column.heading for column in template.columns], name
        assert all(row[2] and row[3] and row[5] and row[6] and row[7] and row[8] for row in rows), name


def test_a_filled_in_questionnaire_is_read_as_an_export_by_text(tmp_path):
    template = new_study("riders", tmp_path, "survey").data / "templates" / f"{ANSWERS}.xlsx"
    answers = {column.heading: "(跳过)" for column in TEMPLATES[ANSWERS].columns if column.name}
    answers |= {"序号": 1, "提交答卷时间": "2026/3/1 9:30:00", "所用时间": "600秒", "9、您的性别": "女"}
    path = filled(template, tmp_path / "wave1.xlsx", answers)
    book = load_workbook(path)
    del book[DICTIONARY_SHEET]
    book.save(path)
    read = read_wenjuanxing(connect(), path, None, CODEBOOK).answers
    assert len(read) == 1
    assert read["seconds"].tolist() == [600]
    sex = next(item for item in ITEMS if item.words.zh == "您的性别")
    assert sex.label(read[sex.field].tolist()[0]) == "女"


def test_an_empty_registry_is_read_and_says_what_to_fill_in(tmp_path):
    folder = new_study("riders", tmp_path).data / "registry"
    registry = load_registry(folder)
    (stop,) = [finding for finding in check_registry(registry) if finding.level == "stop"]
    assert stop.rule == "no_agreement" and "Fill in `agreements.yaml`" in stop.advice.en and "请填写" in stop.advice.zh


def test_the_examples_in_the_registry_are_valid_once_the_signs_are_taken_away(tmp_path):
    folder = new_study("riders", tmp_path).data / "registry"
    for path in folder.glob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        lines = [line.removeprefix("#") if line.startswith("#  ") else line for line in lines]
        kept = [line.replace(": []", ":") if line == f"{path.stem}: []" else line for line in lines]
        path.write_text("\n".join(kept), encoding="utf-8")
        assert yaml.safe_load(path.read_text(encoding="utf-8"))[path.stem], path.name
    registry = load_registry(folder)
    assert {finding.rule for finding in check_registry(registry) if finding.level != "note"} == set()
    assert registry.clauses["my-agreement-CL01"].code == "commission_cap"


def test_an_empty_table_of_corrections_holds_none(tmp_path):
    path = new_study("riders", tmp_path).data / "corrections.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_corrections(open_file(connect(), path)) == ()


def test_files_that_spreadsheets_and_systems_leave_behind_are_no_data(tmp_path):
    written = new_study("riders", tmp_path)
    for name in ("2025.csv", ".DS_Store", "~$2025.xlsx"):
        (written.data / "account" / name).write_text("account_id,platform_id\n1,RH01\n", encoding="utf-8")
    patterns = load_study(written.study).source.delivery.tables["account"]
    assert [path.name for path in find_files(written.data, patterns)] == ["2025.csv"]


def test_personal_data_stay_out_of_version_control(tmp_path):
    lines = (new_study("riders", tmp_path).data / ".gitignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    assert set(rules[1:]) == {"!.gitignore", "!README.md", "!registry/", "!registry/*.yaml"}


def test_the_command_says_what_comes_next(tmp_path):
    app = Typer()
    app.command()(new)
    done = CliRunner().invoke(app, ["riders", "--into", str(tmp_path), "--kind", "both"])
    assert done.exit_code == 0, done.output
    assert f"impact run {tmp_path / 'studies' / 'riders.yaml'}" in done.output.replace("\n", "")
    assert "IMPACT_KEY_FILE" in done.output
