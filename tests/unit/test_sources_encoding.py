"""Text is UTF-8 or GB18030, and what is neither is refused with line and byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact.errors import SourceError
from impact.sources.engine import connect
from impact.sources.files import open_file
from words import complains

CHINESE = "城市,月,备注\n上海,2,骑手喆、镕\n北京,3,㐀𠀀\n"


def written(folder: Path, content: bytes) -> Path:
    file = folder / "panel.csv"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_same_text_is_read_from_every_encoding_and_the_encoding_is_noted(encoding, tmp_path):
    raw = open_file(connect(), written(tmp_path, CHINESE.encode(encoding)))
    assert raw.encoding == encoding and raw.first_row == 2
    assert raw.table.to_pyarrow().to_pylist() == [
        {"城市": "上海", "月": "2", "备注": "骑手喆、镕"},
        {"城市": "北京", "月": "3", "备注": "㐀𠀀"},
    ]


def test_gb18030_keeps_order_and_numbering_over_many_rows(tmp_path):
    text = "号,名\n" + "".join(f"{number},工人{number}\n" for number in range(5000))
    raw = open_file(connect(), written(tmp_path, text.encode("gb18030")))
    assert raw.first_rows(raw.table["号"] == "4321", ("名",)) == [(4323, {"名": "工人4321"})]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("name,n\nMüller,1\nnaïve,2\n".encode("latin-1"), "it may be Western text"),
        ("name,n\ncafé,1\n".encode("latin-1"), "in line 2"),
        ("城市,月\n上海,1\n".encode()[:-5] + b"\n", "the file is damaged"),
        ("城市,月\n这一行是合法的文字,1\n".encode() + "上海,2\n".encode("gb18030"), "put together from two encodings"),
        ("城市,月\n上海,1\n".encode("gb18030") + b"\x80,1\n", "byte 0x80 in line 3"),
        ("城市,月\n上海,1\n".encode("gb18030") + b"\x00\x01,1\n", "a control character (U+000"),
        ("城市,月\n上海\ue000,1\n".encode("gb18030"), "a character of the private use area (U+E000) in line 2"),
        ("城市,月\n上海\ufffd,1\n".encode("gb18030"), "the sign for a lost character (U+FFFD) in line 2"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "a byte order mark of UTF-8, but byte 0xff at position 9 (line 2)"),
    ],
)
def test_damaged_western_or_mixed_text_does_not_pass_as_gb18030(content, found, tmp_path):
    with complains(SourceError, "panel.csv: the file is neither UTF-8 nor GB18030 text", found, "save it as CSV UTF-8"):
        open_file(connect(), written(tmp_path, content))


def test_the_place_of_the_first_bad_byte_is_right_beyond_the_first_megabyte(tmp_path):
    good = "上,b\n".encode() * 300_000
    with complains(SourceError, "neither UTF-8", f"byte 0xff at position {len(good)} (line 300001)", "UTF-8"):
        open_file(connect(), written(tmp_path, good + b"\xff,1\n"))


@pytest.mark.parametrize("row", ["3", "3,4,5"])
def test_a_row_of_gb18030_with_too_few_or_too_many_values_is_named(row, tmp_path):
    with complains(SourceError, "panel.csv: this is not a well-formed CSV file", "Line: 3", "Mend that line"):
        open_file(connect(), written(tmp_path, f"城市,月\n上海,2\n{row}\n".encode("gb18030")))
