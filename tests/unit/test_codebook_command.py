"""`impact codebook` writes what a file says of its questions, in a form that is read back as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

from impact.cli.app import app
from impact.errors import SourceError
from impact.run.codebook_file import made_codebook, write_codebook
from impact.sources.codebook import load_codebook
from words import complains

FRAME = pd.DataFrame(
    {"Q1": [1.0, 2.0, 99.0, 7.0], "pay": [100.5, -8.0, 20.0, 5000.0], "words": ["a", "b", "", "c"], "满意": [1.0, 1.0, 2.0, 2.0]}
)
LABELS = {"Q1": {1: "是", 2: "否", 99: "拒答"}, "pay": {-8: "不知道"}, "满意": {1: "好", 2: "好"}}


def sav(folder: Path) -> Path:
    pyreadstat.write_sav(
        FRAME, folder / "w.sav", column_labels={"Q1": "参加工会吗"}, variable_value_labels=LABELS, missing_ranges={"Q1": [99], "pay": [-8]}
    )
    return folder / "w.sav"


def dta(folder: Path) -> Path:
    frame = pd.DataFrame({"q1": [1, 2, "a"]})
    pyreadstat.write_dta(
        frame, folder / "w.dta", variable_value_labels={"q1": {1: "yes", 2: "no", "a": "refused"}}, missing_user_values={"q1": ["a"]}
    )
    return folder / "w.dta"


def form(folder: Path) -> Path:
    survey = [
        ["select_one yn", "q1", "参加吗", "Member?"],
        ["select_multiple app", "apps", "哪些平台", "Which?"],
        ["text", "why", "原因", "Why?"],
    ]
    choices = [["yn", "1", "是", "Yes"], ["yn", "0", "否", "No"], ["app", "a", "甲", "A"], ["app", "b", "乙", "B"]]
    labels = ["label::中文 (zh)", "label::English (en)"]
    with pd.ExcelWriter(folder / "form.xlsx") as book:
        pd.DataFrame(survey, columns=["type", "name", *labels]).to_excel(book, sheet_name="survey", index=False)
        pd.DataFrame(choices, columns=["list_name", "name", *labels]).to_excel(book, sheet_name="choices", index=False)
    return folder / "form.xlsx"


@pytest.mark.parametrize("make", [sav, dta, form])
def test_a_codebook_is_read_back_as_it_was_made(make, tmp_path):
    made = made_codebook(make(tmp_path))
    write_codebook(made, tmp_path / "book.yaml")
    assert load_codebook(tmp_path / "book.yaml") == made


def test_labels_titles_and_declared_reasons_of_spss_each_have_their_place(tmp_path):
    q1, pay, words, last = made_codebook(sav(tmp_path)).items
    assert (q1.field, q1.words.zh, q1.kind) == ("q1", "参加工会吗", "single")
    assert [(one.code, one.words.zh) for one in q1.options] == [(1, "是"), (2, "否"), (7, "7")]
    assert [(one.code, one.words.zh) for one in q1.missing] == [(99, "拒答")]
    assert (pay.kind, pay.options, [(one.code, one.words.zh) for one in pay.missing]) == ("number", (), [(-8, "不知道")])
    assert (words.kind, words.sensitivity) == ("text", "free_text")
    assert (last.field, [one.words.zh for one in last.options]) == ("column_4", ["好 (1)", "好 (2)"])


def test_a_letter_that_stata_takes_for_missing_is_a_reason_and_no_answer(tmp_path):
    (item,) = made_codebook(dta(tmp_path)).items
    assert [one.code for one in item.options] == [1, 2]
    assert [(one.code, one.words.zh) for one in item.missing] == [(".a", "refused")]


def test_a_form_gives_both_languages_and_tells_one_answer_from_several(tmp_path):
    items = made_codebook(form(tmp_path)).items
    assert [item.kind for item in items] == ["single", "multi", "text"]
    assert (items[1].words.zh, items[1].words.en, items[1].options[0].words.en) == ("哪些平台", "Which?", "A")


def test_what_somebody_filled_in_is_not_overwritten_and_a_file_without_labels_is_refused(tmp_path):
    made = made_codebook(sav(tmp_path))
    write_codebook(made, tmp_path / "book.yaml")
    with complains(SourceError, "there already", "a file of that name", "another one"):
        write_codebook(made, tmp_path / "book.yaml")
    with complains(SourceError, "brings no labels", "`.csv`", "both exports"):
        made_codebook(tmp_path / "x.csv")


def test_the_command_writes_a_file_or_standard_output_within_80_columns(tmp_path):
    runner, file = CliRunner(), sav(tmp_path)
    told = runner.invoke(app, ["codebook", str(file)])
    assert (told.exit_code, "拒答" in told.stdout) == (0, True)
    (tmp_path / "out.yaml").write_text(told.stdout, encoding="utf-8")
    assert load_codebook(tmp_path / "out.yaml") == made_codebook(file)
    assert runner.invoke(app, ["codebook", str(file), "--out", str(tmp_path / "b.yaml")]).exit_code == 0
    assert load_codebook(tmp_path / "b.yaml") == made_codebook(file)
