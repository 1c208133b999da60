"""Whatever file of a run holds an identifier of a person, the run is refused; numbers that are none are left alone."""

from __future__ import annotations

import json
import zlib

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from impact.errors import RunError
from impact.run.leaks import Leak, refuse_leaks, scan
from words import complains

PHONE = "13912345678"


def run_of(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def pdf_of(shown: bytes, table: bytes = b"") -> bytes:
    streams = [zlib.compress(part) for part in (b"BT " + shown + b" Tj ET", table) if part]
    return b"%PDF-1.7\n" + b"".join(b"1 0 obj <<>> stream\n" + stream + b"\nendstream endobj\n" for stream in streams)


def test_a_run_without_people_passes(tmp_path):
    run_of(tmp_path, manifest_dot_json=json.dumps({"seed": 20240601, "rows": 13912345}), report_dot_html="<p>12,000 workers</p>")
    assert scan(tmp_path) == ()
    refuse_leaks(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("stages__audit_dot_json", f'{{"rows": ["{PHONE}"]}}', "phone"),
        ("notebooks__01_dot_ipynb", json.dumps({"text": [f"worker {PHONE}\n"]}), "phone"),
        ("tables__t_dot_csv", f"a,b\n1,{PHONE}\n", "phone"),
        ("tables__t_dot_csv", f"a,b\n1,{PHONE}.0\n", "phone"),
        ("report_dot_html", "<td>&#49;3912345678</td>", "phone"),
        ("figures__f_dot_svg", '<svg><path d="M 1 2"/><text>１３９-1234-5678</text></svg>', "phone"),
        ("notes_dot_md", "证件37020019810615021X", "id_number"),
        ("notes_dot_txt", "卡6222021234567890128，", "bank_card"),
        ("a_dot_log", "from 100.76.84.113", "ip"),
        ("a_dot_unknown", "to zhang.wei@mail.cn", "email"),
        ("plates_dot_csv", "鲁B12345\n", "plate"),
        ("report_dot_pdf", pdf_of(b"(13912345678)"), "phone"),
        (
            "report_dot_pdf",
            pdf_of(b"[<00010003>-20<000900010002000300040005000600070008>]", b"1 beginbfrange <0001> <0009> <0031> endbfrange"),
            "phone",
        ),
    ],
)
def test_an_identifier_is_found_in_whatever_file_it_stands(tmp_path, name, content, kind):
    leaks = scan(run_of(tmp_path, **{name: content}))
    assert [(leak.kind, leak.count) for leak in leaks] == [(kind, 1)]


def test_pictures_tables_and_names_of_files_are_searched_too(tmp_path):
    figure = plt.figure()
    figure.savefig(tmp_path / "f.png", metadata={"Title": f"call {PHONE}"})
    plt.close(figure)
    pd.DataFrame({"note": ["fine", f"call {PHONE}", f"call {PHONE}"]}).to_parquet(tmp_path / "notes.parquet")
    pd.DataFrame({"phone": range(13912345678, 13912345688)}).to_parquet(tmp_path / "numbers.parquet")
    pd.DataFrame({"total": [13912345678, 5, 70, 800, 12]}).to_parquet(tmp_path / "totals.parquet")
    run_of(tmp_path, **{f"{PHONE}_dot_txt": "fine"})
    assert set(scan(tmp_path)) == {
        Leak("f.png", "phone", 1),
        Leak("notes.parquet", "phone", 1),
        Leak("numbers.parquet", "phone", 10),
        Leak("[phone].txt", "phone", 1),
    }


def test_accounts_and_names_of_the_raw_tables_are_found_where_they_are_handed_in(tmp_path):
    run_of(tmp_path, tables__t_dot_csv="worker,name\nCR01-0000238,郑德胜\nCR01-0000239,青岛市\n", report_dot_html="<p>郑德胜利日</p>")
    known = {"CR01-0000238", "郑德胜", "QC-0000142"}
    assert scan(tmp_path) == ()
    assert scan(tmp_path, known) == (Leak("tables/t.csv", "known", 2),)


@pytest.mark.parametrize(
    "text",
    [
        "0.13912345678",
        "13912345678.25",
        "sha256: a13912345678f",
        "4f1c09be-13d2-4c1e-9d2a-139123456789",
        "20261125T034106Z",
        "1391234567890 ms",
        "doi:10.1080/13504850110079",
        "doi:10.1080/13912345678",
        "[ 138 1234 5678 9012]",
        '<path d="Q 138 1234 5678"/>',
        '"duckdb": "1.5.0.1"',
        "Chrome/120.0.0.0 127.0.0.1",
        "icon@2x.png",
        "me@example.org",
        "data:image/png;base64,AAAA/13912345678+AAAA",
        "numpy==2.1.3",
        "工会电话0532-88881234",
        "370200198106150211",
    ],
)
def test_numbers_that_are_no_identifiers_are_left_alone(tmp_path, text):
    assert scan(run_of(tmp_path, a_dot_svg=text, b_dot_json=text)) == ()


def test_the_refusal_names_files_kinds_and_counts_and_never_the_value(tmp_path):
    run_of(tmp_path, a_dot_txt=f"{PHONE} and 13812345678", b_dot_txt="a@mail.cn")
    with complains(RunError, "3 identifiers of people in 2 files", "a.txt (phone × 2), b.txt (email × 1)", "Nothing of this run may leave"):
        refuse_leaks(tmp_path)
    with pytest.raises(RunError) as caught:
        refuse_leaks(tmp_path)
    assert PHONE not in str(caught.value)
