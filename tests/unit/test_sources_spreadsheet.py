"""A workbook is read as a careful person would read it, or refused with the cell that stands in the way."""

from __future__ import annotations

import base64
import datetime as dt
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from impact.errors import SourceError
from impact.sources import archive, spreadsheet
from impact.sources.engine import connect
from impact.sources.files import open_file
from words import complains

GOOD_XLS = "c-rk)OK4L;6g_ud(tK$1sj1KkB^0b$Td2Cwh4rbRU0I?o6kE{N1eDrTf}6UrS_5tb!Ik2sP#12hZv3DHKN}Z9MHhk~q>3w7f}%p3=bfAPG>r-kXrVgiF=uA(%)N8x&CGqDXVdY*_|2vnRA37%6rB)i%4EbT<W*wecE{00FAs8Z43-o^L0-rjKkn5%4d^x0>pcU78@`9kz#C3|IF6p-Y$myg*e*WwllGyDnQ(<A5j2Wd^}>gRmkD2&p7({fisZa-7xyjD0ZiLHZJXR(ykE6QTLjwfZP9rpl67dn6TOR1U7%85KepwL_8(hf4b8q<On?`(JCn`ibUliz2m>RGj-jEBbh>~9FZKjJIZ5E7cd8#GjeK$C1eSl9FAw}i9^^%=lwVXnU=+?FIV5>r<bY510v$Owix%DykVK%*dzm(;nBHZWzV=!`XXnPS4(k#IV)Md4og9x^<}{*Gj>{p5u^+S7K0Mzwkg^YoWK=?b=>f4)`vV83wFWCkq{R}}Ep4K)R``rqT_NQr;RO52d26b{E$keVK4+!1mB-m2cww(9E3f8q{{8Md&H1<X8ZJ+E&zww5zO=`A{vr0B<QhXewbSKG8h33kCpVb97H<40umn}i_1$rwf>F%rqr`{{mumX%(D#~h?^UU0am{jV(JyR~*wS}rioGGRwO+#9qsNNv_*IZ)mW-fns0tfX?i}JgU(LNrVgYL@(c;Iss>dzeg@fY{gkfM{U|?WiU|{f{f#hYi^n&hlKNa-Lf582(GsmfDev|yO*n?rdPVh(N4rDpcVWg`4vmAc%Y|#RBy#Iw7`*`#m1~DLh3|75=`NN0G=d)nN*q=K>)sA1R#?QYz{x>lV(@_"
"""Two rows as an .xls file: text, an integer, a day, a truth value; written once with another library, packed."""
BAD_XLS = "c-rk)O=uHA6#iy*)BMmT*_tY?P(s0~wS}q&J=m@a+LI;fL9qpGO+cwlC3vX^t=51SLGYw_Db$0PsuzFIf<G4zLPZaPAS8+>PlBRCoAu4hZktAh2DA{FZ<%jq-pqURc7EReyqvLe6L*^OC_^_46r3PxN@Rjk(5pm2?T(|0ULK(2XjBz~0b0l!A0F1d@T)ac>z#+hZSx5+@SajXPNH`tor*6bcCrrxLix}|EO4D9VKlN=^~^_^S1{k=o{yNfv*Z$U7xm4FLzuC9+qSy9_@HdzwlI|4d#v-8B^%Lz=V}+9y)24-eb|vXK5(MS8k)^oOoA4)CzVcRR6T+l2mzynj^W{sWHN^sE%qe7I&t8Ocd8%9wS0Ny0wn*wSnmIWJV1+BF25p8U<}R?J|tOMWWULKK^(g{ix%1u;3Ocv?I+rnAo`dh`q5_qot;}kDy(xDh%O2Pb$mQ(iIa$M+2TVIB|m0wetxxQFkv5N$ry+J;sauh@&^viDGgE%bBj68ZLG0@`8-=)&E+QM82L(hYofs|>>lSn7r3>R#@WnxZLcjUucLDI)86~d*$?)5Do^#~PsgU-*b{XBLGoVkHI8=CF0Nfwcwl?EaD&M^=Eh$FOF%|l-yQcU7{Q!6N(76!SW~kj=4;ZOt76Tdn&H|Kzp*9QmYSVu@<y<&O&sQ)K9gj}Cj%ricm!obmf4tg@4=$`Roo{z7Lb-?t>VZA`?a8TMuu2s(Y%6t8$9wV(Jkw7R~e*Gx_}TgG&D3cG&D3csvd%03c)Xeru(U&UjF^=f1No>1^t`kzr{X`&~=JFDt94Gc?P2u?VpwK3D1^TqK@~!P~iZLp1}|X*^i-$_b+|;h|>F6vSRe_9id9cFI3{^KOX-lnQ+yB"
"""The same, with `#REF!` in B4."""


def workbook(folder: Path, *sheets: list[list[object]], name: str = "panel.xlsx", merge: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
        if merge:
            sheet.merge_cells(merge)
    book.save(folder / name)
    return folder / name


def ods(folder: Path, body: str) -> Path:
    spaces = " ".join(
        f'xmlns:{short}="urn:{long}"'
        for short, long in {
            "office": "oasis:names:tc:opendocument:xmlns:office:1.0",
            "table": "oasis:names:tc:opendocument:xmlns:table:1.0",
            "text": "oasis:names:tc:opendocument:xmlns:text:1.0",
            "calcext": "org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
        }.items()
    )
    rows = f'<table:table table:name="表">{body}</table:table>'
    with zipfile.ZipFile(folder / "panel.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        file.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>{rows}</office:spreadsheet></office:body></office:document-content>",
        )
    return folder / "panel.ods"


def ods_row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def ods_text(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{text}</text:p></table:table-cell>'


def cells(path: Path, sheet: str | None = None) -> list[list[object]]:
    table = open_file(connect(), path, sheet=sheet).table.to_pyarrow()
    return [table.column_names, *[list(row.values()) for row in table.to_pylist()]]


def test_every_cell_becomes_the_text_that_a_careful_person_reads(tmp_path):
    file = workbook(
        tmp_path,
        [
            ["号", "pay", "day", "at", "ok", "long"],
            ["007", 12, dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, 9, 30, 1), True, dt.timedelta(hours=30)],
            [8, 1.5, dt.date(2024, 2, 29), dt.datetime(2024, 1, 6), False, None],
            [None, -0.1, None, None, None, dt.timedelta(minutes=5)],
            [" x ", 123456789012345, None, None, None, None],
        ],
    )
    assert cells(file) == [
        ["号", "pay", "day", "at", "ok", "long"],
        ["007", "12", "2024-01-05", "2024-01-05 09:30:01", "TRUE", "30:00:00"],
        ["8", "1.5", "2024-02-29", "2024-01-06 00:00:00", "FALSE", None],
        [None, "-0.1", None, None, None, "0:05:00"],
        [" x ", "123456789012345", None, None, None, None],
    ]


def test_rows_are_numbered_as_in_the_workbook_and_an_empty_row_stays(tmp_path):
    raw = open_file(connect(), workbook(tmp_path, [["a", "b"], ["1", "x"], [], ["2", "y"]]))
    assert raw.first_rows(raw.table["a"] == "2", ("b",)) == [(4, {"b": "y"})]


def test_an_xls_and_an_ods_file_read_like_an_xlsx_file(tmp_path):
    (tmp_path / "panel.xls").write_bytes(zlib.decompress(base64.b85decode(GOOD_XLS)))
    assert cells(tmp_path / "panel.xls") == [["号", "值", "日", "对"], ["007", "12", "2024-01-05", "TRUE"], ["8", "1.5", None, "FALSE"]]
    number = '<table:table-cell office:value-type="float" office:value="12"><text:p>12</text:p></table:table-cell>'
    body = ods_row(ods_text("号"), ods_text("值")) + ods_row(ods_text("007"), number) + ods_row("<table:table-cell/>", repeated=1048000)
    assert cells(ods(tmp_path, body)) == [["号", "值"], ["007", "12"]]


def test_several_sheets_are_named_and_one_can_be_chosen(tmp_path):
    file = workbook(tmp_path, [["a"], ["1"]], [["b"], ["2"]])
    with complains(SourceError, "panel.xlsx: the workbook has several sheets", "S1, S2", "`sheet`"):
        open_file(connect(), file)
    assert cells(file, "S2") == [["b"], ["2"]]
    with complains(SourceError, "there is no sheet `S3`", "S1, S2", "Name one of them"):
        open_file(connect(), file, sheet="S3")


def test_sheets_without_a_value_do_not_count_as_several(tmp_path):
    assert cells(workbook(tmp_path, [["a"], ["1"]], [], [])) == [["a"], ["1"]]


@pytest.mark.parametrize(
    ("rows", "wrong", "found", "advice"),
    [
        ([[]], "the sheet is empty", "no value", "Export the table again"),
        (
            [["a", "b"], [1, "=1+1"]],
            "cell B2: the cell holds no value",
            "a formula without a stored result; 1 such cells: B2",
            "let it compute",
        ),
        ([["a"], ["#REF!"], ["#N/A"]], "cell A2: the cell holds no value", "the error #REF!; 2 such cells: A2, A3", "mend them"),
        ([["a", "A"], [1, 2]], "column `a` stands 2 times", "a, A", "Rename or remove one"),
        ([[], ["a"], [1]], "row 1: there are no names of columns", "the first value in row 2", "Delete the rows above"),
        ([["id"], [110101199003070000]], "cell A2: the number has more digits", "1 numbers of more than 15 digits", "as text"),
    ],
)
def test_a_sheet_that_cannot_be_read_without_a_guess_is_refused(rows, wrong, found, advice, tmp_path):
    with complains(SourceError, wrong, found, advice):
        open_file(connect(), workbook(tmp_path, rows))


def test_a_number_that_lost_digits_is_not_repeated_in_the_message(tmp_path):
    with pytest.raises(SourceError) as caught:
        open_file(connect(), workbook(tmp_path, [["id"], [110101199003070000]]))
    assert "110101" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("merge", ["A1:B1", "A2:A3"])
def test_merged_cells_are_refused_wherever_they_stand(merge, tmp_path):
    with complains(SourceError, "cells are merged", merge, "Unmerge them"):
        open_file(connect(), workbook(tmp_path, [["a", "b"], [1, 2], [3, 4]], merge=merge))


def test_a_formula_with_a_stored_result_is_read_as_its_result(tmp_path):
    file = workbook(tmp_path, [["a", "b"], [1, "=1+1"], [2, '=""']])
    content = {part: zipfile.ZipFile(file).read(part) for part in zipfile.ZipFile(file).namelist()}
    sheet = content["xl/worksheets/sheet1.xml"].decode()
    sheet = sheet.replace('<c r="B2"><f>1+1</f><v />', '<c r="B2"><f>1+1</f><v>2</v>')
    sheet = sheet.replace('<c r="B3"><f>""</f><v />', '<c r="B3" t="str"><f>""</f><v></v>')
    with zipfile.ZipFile(file, "w") as target:
        for part, data in content.items():
            target.writestr(part, sheet if part.endswith("sheet1.xml") else data)
    assert cells(file) == [["a", "b"], ["1", "2"], ["2", None]]


def test_an_error_in_an_xls_file_is_named(tmp_path):
    (tmp_path / "panel.xls").write_bytes(zlib.decompress(base64.b85decode(BAD_XLS)))
    with complains(SourceError, "panel.xls, sheet `表`, cell B4: the cell holds no value", "the error #REF!", "mend them"):
        open_file(connect(), tmp_path / "panel.xls")


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ('<table:table-cell table:formula="of:=1+1"/>', "a formula without a stored result; 1 such cells: C2"),
        (ods_text("#REF!", 'calcext:value-type="error" table:formula="of:=[.X1]"'), "the error #REF!; 1 such cells: C2"),
    ],
)
def test_an_error_or_an_uncomputed_formula_in_an_ods_file_is_named(cell, found, tmp_path):
    body = ods_row(ods_text("a"), ods_text("b"), ods_text("c")) + ods_row(ods_text("x", 'table:number-columns-repeated="2"'), cell)
    with complains(SourceError, "panel.ods, sheet `表`, cell C2: the cell holds no value", found, "mend them"):
        open_file(connect(), ods(tmp_path, body))


def test_merged_cells_of_an_ods_file_are_refused(tmp_path):
    body = ods_row(ods_text("a", 'table:number-columns-spanned="2"'), "<table:covered-table-cell/>") + ods_row(ods_text("1"), ods_text("2"))
    with complains(SourceError, "cells are merged", "A1", "Unmerge them"):
        open_file(connect(), ods(tmp_path, body))


def test_a_sheet_that_spans_too_many_cells_is_refused_before_it_is_read(tmp_path):
    far = openpyxl.Workbook()
    far.active["A1"], far.active["XFD1048576"] = "a", "stray"
    far.save(tmp_path / "far.xlsx")
    with complains(SourceError, "the sheet is too large", "17,179,869,184 cells", "Delete stray cells"):
        open_file(connect(), tmp_path / "far.xlsx")
    many = ods_row(ods_text("a", 'table:number-columns-repeated="16384"'), repeated=1048576)
    with complains(SourceError, "the sheet is too large", "17179869184 cells", "Delete stray cells"):
        open_file(connect(), ods(tmp_path, many))


def test_an_archive_that_grows_beyond_the_limit_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "RATIO_FROM", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", bytes(5_000_000))
    with complains(SourceError, "the workbook is too large when unpacked", "MB that become 5 MB", "200 times"):
        open_file(connect(), tmp_path / "bomb.xlsx")


def test_a_stated_size_that_is_too_small_is_found(tmp_path):
    file = workbook(tmp_path, [["a"], *([number] for number in range(500))])
    with zipfile.ZipFile(file) as book:
        size = book.getinfo("xl/worksheets/sheet1.xml").file_size
    content = file.read_bytes().replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    file.write_bytes(content)
    with complains(SourceError, "this workbook is damaged", "Found", "Save it again"):
        archive.require_sound(file)


def test_a_workbook_that_lost_its_styles_is_refused_because_its_days_would_be_numbers(tmp_path):
    file = workbook(tmp_path, [["day"], [dt.date(2024, 1, 5)]])
    content = {part: zipfile.ZipFile(file).read(part) for part in zipfile.ZipFile(file).namelist() if part != "xl/styles.xml"}
    with zipfile.ZipFile(file, "w") as target:
        for part, data in content.items():
            target.writestr(part, data)
    with complains(SourceError, "this workbook is damaged", "part xl/styles.xml is missing", "Save it again"):
        open_file(connect(), file)


def test_an_encrypted_workbook_is_named(tmp_path):
    (tmp_path / "panel.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(500) + "EncryptedPackage".encode("utf-16-le"))
    with complains(SourceError, "the workbook is encrypted", "needs a password", "without a password"):
        open_file(connect(), tmp_path / "panel.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("panel.xls", b"<html><table>", "a web page"),
        ("panel.xls", b"PK\x03\x04", "a zip archive"),
        ("panel.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), "an old Excel workbook"),
        ("panel.xlsx", b"a,b\n1,2\n", "the bytes 61 2c 62 0a"),
    ],
)
def test_another_kind_of_file_under_the_name_of_a_workbook_is_refused(name, content, found, tmp_path):
    (tmp_path / name).write_bytes(content)
    with complains(SourceError, "not a workbook of the kind that its ending says", found, "save it as .xlsx"):
        open_file(connect(), tmp_path / name)


def test_the_limits_are_those_that_the_documentation_states():
    assert (archive.MOST_BYTES, archive.MOST_RATIO, archive.RATIO_FROM, spreadsheet.MOST_CELLS) == (2 * 10**9, 200, 10**8, 5 * 10**7)
