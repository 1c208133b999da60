"""Reading a survey: two exports say the same or are refused, every difference from the codebook has a name, nothing is mended on the way."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from openpyxl import Workbook

from impact.errors import DataError, SourceError
from impact.schema.questionnaire import CODEBOOK, Codebook, Item, Option
from impact.sources.codebook import load_codebook, template
from impact.sources.codebook_pair import codebook_of_pair
from impact.sources.engine import connect
from impact.sources.survey_table import SurveyTable
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from impact.text import Text
from words import complains


def words(zh: str) -> Text:
    return Text(en=f"en {zh}", zh=zh)


def options(*labels: str, first: int = 1, fill_in: str = "") -> tuple[Option, ...]:
    return tuple(Option(code, words(label), label == fill_in) for code, label in enumerate(labels, start=first))


SMALL = Codebook(
    "small",
    (
        Item("consent", 1, words("是否同意参加？"), "single", options("不同意", "同意", first=0)),
        Item("job", 2, words("以前的工作"), "single", options("工厂", "务农", "其他", fill_in="其他")),
        Item("days", 3, words("出工几天"), "number", unit="days", least=0, most=30),
        Item("since", 4, words("入行年月"), "month"),
        Item("used", 5, words("享受过的条款"), "multi", options("保险", "申诉", "其他条款", fill_in="其他条款")),
        Item("rank", 6, words("请排序"), "ranking", options("报酬", "休息", "安全")),
        Item("fair_1", 7, words("派单公平"), "likert", options("不同意", "一般", "同意"), stem=words("您同意吗？")),
        Item("fair_2", 7, words("抽成公平"), "likert", options("不同意", "一般", "同意"), stem=words("您同意吗？")),
        Item("said", 8, words("还有什么想说的？"), "text", sensitivity="free_text"),
    ),
)
META = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
ASKED = ["1、是否同意参加？", "2、以前的工作", "3、出工几天", "4、入行年月"]
LINES = ["7、(派单公平)", "7、(抽成公平)", "8、还有什么想说的？"]
TEXT = [*META, *ASKED, "5、享受过的条款", "6、请排序", *LINES]
NUMBER = [*META, *ASKED, "5(保险)", "5(申诉)", "5(其他条款)", "6(报酬)", "6(休息)", "6(安全)", *LINES]
FIRST = ["1", "2024/10/8 7:29:36", "843秒", "微信", "sojumpparm=W1-0007", "100.64.0.1(山东-青岛)"]
SECOND = ["2", "2024/10/9 17:05:01", "75秒", "链接", "", "100.64.0.2(山东-烟台)"]
IN_TEXT = [
    [*FIRST, "同意", "其他〖开店┋零工〗", "26", "2020-04", "保险┋其他条款〖团建┋旅游〗", "安全→报酬→休息", "同意", "一般", "-3"],
    [*SECOND, "不同意", "(跳过)", "(空)", "(跳过)", "(跳过)", "(跳过)", "(跳过)", "(空)", "(空)"],
]
IN_NUMBER = [
    [*FIRST, "2", "3", "26", "2020-04", "1", "0", "1", "2", "3", "1", "3", "2", "-3"],
    [*SECOND, "1", "-3", "-2", "-3", *["-3"] * 6, "-3", "-2", "-2"],
]


def write(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> Path:
    if path.suffix == ".xlsx":
        book = Workbook()
        for row in rows:
            book.worksheets[0].append(list(row))
        book.save(path)
        return path
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def pair(folder: Path, text: Sequence[Sequence[str]] = IN_TEXT, number: Sequence[Sequence[str]] = IN_NUMBER) -> tuple[Path, Path]:
    return write(folder / "by_text.csv", [TEXT, *text]), write(folder / "by_number.csv", [NUMBER, *number])


def read(folder: Path, text: Path | None, number: Path | None, codebook: Codebook = SMALL) -> SurveyTable:
    return read_wenjuanxing(connect(), text, number, codebook, folder)


def changed(rows: Sequence[Sequence[str]], row: int, place: int, cell: str) -> list[list[str]]:
    result = [list(one) for one in rows]
    result[row][place] = cell
    return result


def values(table: SurveyTable, row: int) -> dict[str, object]:
    found = table.answers.iloc[row]
    return {name: None if found.isna()[name] else found[name] for name in (*SMALL.fields, *SMALL.fill_ins.values())}


def test_every_answer_is_a_code_of_the_codebook_and_every_gap_has_its_reason(tmp_path):
    table = read(tmp_path, *pair(tmp_path))
    assert values(table, 0) == {
        "consent": 1, "job": 3, "days": 26.0, "since": "2020-04", "used": "1|3", "rank": "3|1|2",
        "fair_1": 3, "fair_2": 2, "said": "-3", "job_other": "开店┋零工", "used_other": "团建┋旅游",
    }  # fmt: skip
    assert table.reasons.iloc[0].eq("").all()
    reasons = table.reasons.iloc[1]
    assert {name: reasons[name] for name in reasons.index if reasons[name] == "blank"}.keys() == {"days", "fair_2", "said"}
    assert reasons.value_counts()["skipped"] == 5 and table.notes == ()


def test_what_the_platform_recorded_is_typed(tmp_path):
    row = read(tmp_path, *pair(tmp_path)).answers.iloc[0]
    assert (row["file_"], row["row_"], row["submission"], row["seconds"]) == ("by_text.csv", 2, 1, 843)
    assert (row["link_code"], row["ip"], row["ip_place"]) == ("W1-0007", "100.64.0.1", "山东-青岛")
    assert str(row["end_ts"]) == "2024-10-08 07:29:36" and str(row["start_ts"]) == "2024-10-08 07:15:33"


@pytest.mark.parametrize(("ending", "encoding"), [(".csv", "utf-8"), (".csv", "utf-8-sig"), (".csv", "gb18030"), (".xlsx", "")])
def test_the_kind_of_file_and_its_encoding_change_nothing(tmp_path, ending, encoding):
    plain = read(tmp_path, *pair(tmp_path))
    text = write(tmp_path / f"t{ending}", [TEXT, *IN_TEXT], encoding)
    number = write(tmp_path / f"n{ending}", [NUMBER, *IN_NUMBER], encoding)
    again = read(tmp_path, text, number)
    assert again.answers.drop(columns="file_").equals(plain.answers.drop(columns="file_")) and again.reasons.equals(plain.reasons)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3、出工几天", "3.出工几天"),
        ("3、出工几天", "3：出工几天[填空题]"),
        ("3、出工几天", "第3题 出工\n几天"),
        ("1、是否同意参加？", "1、是否同意参加?【单选题】"),
        ("7、(派单公平)", "第7题（派单公平）"),
        ("5、享受过的条款", "５、享受过的条款[多选题]"),
    ],
)
def test_the_dress_of_a_header_means_nothing(tmp_path, old, new):
    dressed = [new if title == old else title for title in TEXT]
    text = write(tmp_path / "t.csv", [dressed, *IN_TEXT])
    assert values(read(tmp_path, text, None), 0) == values(read(tmp_path, *pair(tmp_path)), 0)


def test_one_export_alone_gives_the_same_answers_and_says_what_is_lost(tmp_path):
    text, number = pair(tmp_path)
    whole, by_text, by_number = read(tmp_path, text, number), read(tmp_path, text, None), read(tmp_path, None, number)
    assert by_text.answers.equals(whole.answers) and [note.rule for note in by_text.notes] == ["only_by_text"]
    codes = [field for field in SMALL.fields if field != "said"]
    assert by_number.answers[codes].equals(whole.answers[codes]) and by_number.answers["job_other"].isna().all()
    assert [note.rule for note in by_number.notes] == ["only_by_number"] and "其他" in by_number.notes[0].text.zh


def test_rows_are_paired_by_number_and_not_by_place(tmp_path):
    whole = read(tmp_path, *pair(tmp_path))
    assert read(tmp_path, *pair(tmp_path, number=IN_NUMBER[::-1])).answers.equals(whole.answers)


def test_a_pair_that_disagrees_is_refused_with_both_values(tmp_path):
    with pytest.raises(
        DataError,
        match=r"(?s)by_text\.csv row 2 and by_number\.csv row 2: they disagree in column `7、\(派单公平\)` \(fair_1\).*`同意` by text and `1` by number",
    ):
        read(tmp_path, *pair(tmp_path, number=changed(IN_NUMBER, 0, 16, "1")))
    with pytest.raises(DataError, match=r"`26` by text and `27` by number"):
        read(tmp_path, *pair(tmp_path, number=changed(IN_NUMBER, 0, 8, "27")))
    with pytest.raises(DataError, match=r"row 3.*\n.*`\(空\)` by text and `-3` by number"):
        read(tmp_path, *pair(tmp_path, number=changed(IN_NUMBER, 1, 8, "-3")))


def test_a_pair_of_two_surveys_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"(?s)by_text\.csv alone has 2; by_number\.csv alone has 9.*same filter"):
        read(tmp_path, *pair(tmp_path, number=changed(IN_NUMBER, 1, 0, "9")))
    with pytest.raises(DataError, match=r"(?s)column `提交答卷时间` differs.*`2024/10/9 17:05:01` and `2024/10/9 17:05:02`"):
        read(tmp_path, *pair(tmp_path, number=changed(IN_NUMBER, 1, 1, "2024/10/9 17:05:02")))


def test_an_unknown_option_is_refused_with_its_row_and_the_nearest_label(tmp_path):
    text, _ = pair(tmp_path, text=changed(IN_TEXT, 0, 7, "务农业"))
    with pytest.raises(
        DataError, match=r"(?s)by_text\.csv: column `2、以前的工作`.*row 2.*`务农业`.*工厂, 务农, 其他.*Did you mean `务农`\?"
    ):
        read(tmp_path, text, None)
    _, number = pair(tmp_path, number=changed(IN_NUMBER, 0, 7, "4"))
    with pytest.raises(DataError, match=r"row 2.*\n.*`4`; the codebook has 1 工厂"):
        read(tmp_path, None, number)
    for cells in (["1", "1", "2"], ["0", "2", "4"]):
        broken = [[*IN_NUMBER[0][:13], *cells, *IN_NUMBER[0][16:]], IN_NUMBER[1]]
        with pytest.raises(DataError, match="no option of `rank`"):
            read(tmp_path, None, pair(tmp_path, number=broken)[1])


def test_a_renamed_question_is_missing_and_its_likely_new_name_is_said(tmp_path):
    renamed = ["3、最近出工几天" if title == "3、出工几天" else title for title in TEXT]
    with pytest.raises(DataError, match=r"(?s)a question is missing: days.*nearest is `3、最近出工几天`.*change the codebook"):
        read(tmp_path, write(tmp_path / "t.csv", [renamed, *IN_TEXT]), None)


def test_added_moved_and_renumbered_questions_are_read_and_named(tmp_path):
    titles = [*META, "9、您的工号", *TEXT[6:8], TEXT[9], "13、出工几天", *TEXT[10:]]
    rows = [[*row[:6], "A17", *row[6:8], row[9], row[8], *row[10:]] for row in IN_TEXT]
    table = read(tmp_path, write(tmp_path / "t.csv", [titles, *rows]), None)
    assert values(table, 0) == values(read(tmp_path, *pair(tmp_path)), 0)
    assert table.extras.to_dict("list") == {"9、您的工号": ["A17", "A17"]}
    said = {note.rule: note.text.en for note in table.notes}
    assert said["questions_reordered"].endswith(": since")
    assert "days 3 → 13" in said["questions_renumbered"] and "9、您的工号" in said["questions_added"]


def test_what_is_no_number_is_kept_for_cleaning_and_not_guessed(tmp_path):
    text, _ = pair(tmp_path, text=changed(changed(IN_TEXT, 0, 8, "２６"), 0, 9, "2020年4月"))
    table = read(tmp_path, text, None)
    assert table.answers.loc[0, ["days", "since"]].isna().all() and table.reasons.loc[0, ["days", "since"]].eq("unread").all()
    assert [(cell.place, cell.field, cell.column, cell.written) for cell in table.unread] == [
        (0, "days", "3、出工几天", "２６"),
        (0, "since", "4、入行年月", "2020年4月"),
    ]


@pytest.mark.parametrize(
    ("place", "cell", "said"),
    [
        (1, "昨天", r"column `提交答卷时间` cannot be read in row 2.*\n.*`昨天`"),
        (2, "14分", r"column `所用时间` cannot be read in row 2"),
        (0, "2", r"column `序号` has a number twice.*\n.*`2` among rows 2, 3"),
    ],
)
def test_what_the_platform_recorded_must_be_readable(tmp_path, place, cell, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, pair(tmp_path, text=changed(IN_TEXT, 0, place, cell))[0], None)


def test_a_file_without_the_platforms_columns_and_no_file_at_all_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no column `序号`"):
        read(tmp_path, write(tmp_path / "t.csv", [TEXT[1:], *(row[1:] for row in IN_TEXT)]), None)
    with pytest.raises(SourceError, match="no file to read"):
        read(tmp_path, None, None)


def test_a_codebook_is_read_back_as_it_was_written(tmp_path):
    for codebook in (SMALL, CODEBOOK):
        path = tmp_path / "codebook.yaml"
        path.write_text(yaml.safe_dump(template(codebook), allow_unicode=True), encoding="utf-8")
        assert load_codebook(path) == codebook


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "singel"}, r"`questions\.1\.kind` cannot be used"),
        ({"optoins": []}, r"(?s)key `questions\.1\.optoins` is not known.*Did you mean `options`"),
        ({"options": []}, "kind `single` needs options"),
        ({"options": [{"code": 1, "zh": "男"}, {"code": 2, "zh": " 男 "}]}, "label `男` stands twice"),
        ({"options": [{"code": 1, "zh": "男"}, {"code": 1, "zh": "女"}]}, "code `1` stands twice"),
        ({"field": "consent"}, "[Ff]ield `consent` stands twice"),
        ({"field": "ip"}, "[Ff]ield `ip` is a name that the survey table keeps"),
        ({"range": [9, 1]}, "range begins at 9 and ends at 1"),
        ({"asked_if": [{"field": "nobody"}]}, "names `nobody`"),
    ],
)
def test_a_codebook_that_does_not_hang_together_is_refused(tmp_path, change, said):
    content = template(SMALL)
    content["questions"][1] |= change
    path = tmp_path / "codebook.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        load_codebook(path)


def test_a_codebook_made_of_a_pair_reads_that_pair(tmp_path):
    more = [*IN_TEXT, [*SECOND, "同意", "工厂", "3", "2021-01", "申诉", "报酬→休息→安全", "不同意", "同意", "很好"]]
    also = [*IN_NUMBER, [*SECOND, "2", "1", "3", "2021-01", "0", "1", "0", "1", "2", "3", "1", "3", "很好"]]
    more[2][0] = also[2][0] = "3"
    text, number = pair(tmp_path, more, also)
    made = codebook_of_pair(connect(), text, number, "made")
    kinds = {item.field: item.kind for item in made.items}
    assert kinds == {
        "q1": "single", "q2": "single", "q3": "number", "q4": "month", "q5": "multi", "q6": "ranking",
        "q7_1": "single", "q7_2": "single", "q8": "text",
    }  # fmt: skip
    assert [option.words.zh for option in made.by_field["q2"].options] == ["工厂", "选项2（无人选择，文字未知）", "其他"]
    assert made.by_field["q2"].options[2].fill_in and made.by_field["q8"].sensitivity == "free_text"
    assert read(tmp_path, text, number, made).answers["q6"].tolist()[::2] == ["3|1|2", "1|2|3"]


def test_the_export_by_number_in_the_place_of_the_one_by_text_is_refused(tmp_path):
    text, number = pair(tmp_path, IN_TEXT, IN_NUMBER)
    assert codebook_of_pair(connect(), text, number).items
    with complains(DataError, "they stand the other way round", "Found numbers in", "Name the export by text first"):
        codebook_of_pair(connect(), number, text)
