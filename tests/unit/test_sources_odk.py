"""An export of ODK, SurveyCTO or Kobo is read with its form, and nothing is left out."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from impact.errors import DataError, SourceError
from impact.sources.engine import connect
from impact.sources.odk import open_odk
from impact.sources.raw import RawTable
from words import assert_three_parts, complains

SURVEY = [
    ["type", "name", "label::English (en)", "label::中文 (zh)"],
    ["start", "start", None, None],
    ["begin_group", "work", "Work", "工作"],
    ["select_one yn", "rider", "Do you deliver?", "您送外卖吗？"],
    ["select_multiple apps", "apps", "Which apps?", "您用哪些平台？"],
    ["end_group", None, None, None],
    ["begin repeat", "trips", "Trips", "行程"],
    ["integer", "km", "How far?", "多远？"],
    ["end repeat", None, None, None],
    ["integer", "age", "How old?", "您的年龄？"],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::中文 (zh)"],
    ["yn", 1, "Yes", "是"],
    ["yn", 0, "No", "否"],
    ["apps", "a", "App A", "甲平台"],
    ["apps", "b", "App B", "乙平台"],
    ["apps", "c", "App C", "丙平台"],
]


def form(folder: Path, survey: list[list[object]] = SURVEY, choices: list[list[object]] = CHOICES) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in {"survey": survey, "choices": choices, "settings": [["form_title"], ["t"]]}.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "form.xlsx")
    return folder / "form.xlsx"


def opened(folder: Path, text: str, language: str = "zh") -> RawTable:
    (folder / "export.csv").write_text(text)
    return open_odk(connect(), folder / "export.csv", form(folder), language)


def column(raw: RawTable, name: str) -> list[object]:
    return raw.table.to_pyarrow()[name].to_pylist()


AS_CELLS = "KEY,work{j}rider,work{j}apps,age\nu1,1,c a,30\nu2,0,,40\nu3,1,b,50\n"
AS_COLUMNS = "KEY,work{j}rider,work{j}apps{j}a,work{j}apps{j}b,work{j}apps{j}c,age\nu1,1,1,0,1,30\nu2,0,0,0,0,40\nu3,1,0,1,,50\n"


@pytest.mark.parametrize("text", [AS_CELLS, AS_COLUMNS])
@pytest.mark.parametrize("joint", ["/", "-"])
def test_several_answers_have_one_form_however_they_were_exported(text, joint, tmp_path):
    raw = opened(tmp_path, text.replace("{j}", joint))
    assert column(raw, f"work{joint}apps") == ["a|c", None, "b"]
    assert raw.table.columns == ("KEY", f"work{joint}rider", f"work{joint}apps", "age")
    assert raw.first_rows(raw.table["KEY"] == "u3", ("age",)) == [(4, {"age": "50"})]


def test_names_without_groups_are_found_too(tmp_path):
    raw = opened(tmp_path, "rider,apps_a,apps_b,apps_c\n1,1,1,0\n")
    assert column(raw, "apps") == ["a|b"] and raw.titles["rider"] == "您送外卖吗？"


def test_both_forms_in_one_file_must_agree(tmp_path):
    text = "KEY,work/apps,work/apps/a,work/apps/b,work/apps/c\nu1,a b,1,1,0\nu2,{},0,0,1\n"
    assert column(opened(tmp_path, text.replace("{}", "c")), "work/apps") == ["a|b", "c"]
    with complains(DataError, "export.csv, row 3, column `work/apps`: the cell and the columns of 0 and 1", "other codes", "Export"):
        opened(tmp_path, text.replace("{}", "b"))


def test_labels_and_titles_come_in_the_language_asked_for(tmp_path):
    text = AS_CELLS.replace("{j}", "/")
    raw, english = opened(tmp_path, text), opened(tmp_path, text, "en")
    assert raw.labels == {"work/rider": {"1": "是", "0": "否"}, "work/apps": {"a": "甲平台", "b": "乙平台", "c": "丙平台"}}
    assert raw.titles == {"work/rider": "您送外卖吗？", "work/apps": "您用哪些平台？", "age": "您的年龄？"}
    assert english.labels["work/rider"] == {"1": "Yes", "0": "No"} and english.titles["age"] == "How old?"


def test_a_form_in_one_language_serves_every_language(tmp_path):
    (tmp_path / "export.csv").write_text("age\n3\n")
    raw = open_odk(connect(), tmp_path / "export.csv", form(tmp_path, [["type", "name", "label"], ["integer", "age", "Age"]]))
    assert raw.titles == {"age": "Age"}


@pytest.mark.parametrize(
    ("name", "value"), [("ReviewState", "rejected"), ("review_status", "REJECTED"), ("_validation_status", "Not Approved")]
)
def test_rejected_submissions_stay_and_are_counted(name, value, tmp_path):
    raw = opened(tmp_path, f"KEY,age,{name}\nu1,30,{value}\nu2,40,approved\nu3,50,\n")
    assert column(raw, "KEY") == ["u1", "u2", "u3"] and column(raw, name)[0] == value
    assert raw.notes[0].en.startswith("1 of 3 submissions were rejected") and "1 份未通过审核" in raw.notes[0].zh


def test_a_code_that_the_form_does_not_know_is_placed_and_not_repeated(tmp_path):
    with pytest.raises(DataError) as caught:
        opened(tmp_path, "work/apps\na secret\n")
    assert_three_parts(
        str(caught.value), "export.csv, row 2, column `work/apps`: the form does not know", "none of a, b, c", "Name the form"
    )
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("survey", "choices", "wrong", "found"),
    [
        ([["type", "name"], ["begin_group", "g"]], CHOICES, "the groups do not fit together", "group `g` is not closed"),
        ([["type", "name"], ["end group", None]], CHOICES, "the groups do not fit together", "in row 2 closes nothing"),
        ([["type", "name"], ["select_one x", "q"]], CHOICES, "row 2: question `q` names a list that is not there", "yn, apps"),
        ([["kind", "name"], ["a", "q"]], CHOICES, "there is no column `type`", "kind, name"),
        (SURVEY, [*CHOICES, ["yn", 1, "Y", "对"]], "row 7: answer `1` stands twice", "Found"),
        ([["type", "name"], ["text", "other"]], CHOICES, "no column belongs to a question of the form", "age"),
    ],
)
def test_a_form_that_cannot_be_followed_is_refused(survey, choices, wrong, found, tmp_path):
    (tmp_path / "export.csv").write_text("age\n3\n")
    with complains(SourceError, wrong, found, ""):
        open_odk(connect(), tmp_path / "export.csv", form(tmp_path, survey, choices))
