"""The laws of printing: what is written comes out, in both languages, the same each time, or not at all."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from impact.errors import ReportError
from impact.report import fonts
from impact.report.document import Bullets, Document, Figure, Paragraph, Section, Table, VerdictBox
from impact.report.render import GRADES, Kind, render_html, render_pdf
from impact.report.style import STAMP, figure_style, save
from impact.text import LANGUAGES, Language, Text

WORDS = tomllib.loads(Path(fonts.__file__).with_name("words.toml").read_text(encoding="utf-8"))
WHEN = datetime(2026, 11, 4, 6, 15, tzinfo=UTC)
EVIL = "#evil *x* $y$ [z] @ref <label> \\ ~ _u_ `code` #"
SIGNS = "−1.8 % ± 0.3 ≤ 2 ≥ 1 → × € ² “quoted” couriers’ …"
RARE = "镕喆堃犇㐂"

every_language = pytest.mark.parametrize("language", LANGUAGES)
every_kind = pytest.mark.parametrize("kind", ["report", "brief"])


# The PDF.


@every_language
@every_kind
def test_a_pdf_declares_that_it_is_accessible_and_archivable(
    language: Language, kind: Kind, sample: Document, figures: Path, tmp_path: Path
):
    reader = _printed(sample, language, kind, figures, tmp_path)
    metadata = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert reader.trailer["/Root"]["/Lang"].startswith(language)
    assert reader.metadata.title == sample.title[language]


@every_language
def test_a_report_of_two_figures_and_a_long_table_has_several_numbered_pages(
    language: Language, sample: Document, figures: Path, tmp_path: Path
):
    reader = _printed(sample, language, "report", figures, tmp_path)
    assert len(reader.pages) >= 2
    last = WORDS[language]["page"].format(page=len(reader.pages), pages=len(reader.pages))
    assert _squeezed(last) in _squeezed(reader.pages[-1].extract_text())


@every_language
def test_markup_and_signs_in_the_text_come_out_as_they_are(language: Language, sample: Document, figures: Path, tmp_path: Path):
    text = _text(_printed(sample, language, "report", figures, tmp_path))
    assert _squeezed(EVIL) in text
    assert _squeezed(SIGNS) in text


@every_language
@every_kind
def test_both_chinese_fonts_are_embedded_where_they_are_used(
    language: Language, kind: Kind, sample: Document, figures: Path, tmp_path: Path
):
    embedded = _embedded_fonts(_printed(sample, language, kind, figures, tmp_path))
    assert any("NotoSansSC" in name for name in embedded)
    assert any("NotoSerifSC" in name for name in embedded)


def test_equal_input_gives_equal_bytes(sample: Document, figures: Path, tmp_path: Path):
    first, second = tmp_path / "first.pdf", tmp_path / "elsewhere" / "second.pdf"
    for out in (first, second):
        render_pdf(sample, "zh", "report", figures, out, WHEN)
    assert first.read_bytes() == second.read_bytes()


def test_another_time_gives_other_bytes(sample: Document, figures: Path, tmp_path: Path):
    first, second = tmp_path / "first.pdf", tmp_path / "second.pdf"
    render_pdf(sample, "zh", "report", figures, first, WHEN)
    render_pdf(sample, "zh", "report", figures, second, WHEN.replace(year=2027))
    assert first.read_bytes() != second.read_bytes()


def test_the_brief_keeps_only_the_sections_marked_for_it(sample: Document, figures: Path, tmp_path: Path):
    brief = _text(_printed(sample, "en", "brief", figures, tmp_path))
    assert _squeezed("What we found") in brief
    assert _squeezed("Only in the report") not in brief
    assert _squeezed("Only in the report") in _text(_printed(sample, "en", "report", figures, tmp_path))


@every_language
@pytest.mark.parametrize("level", GRADES)
def test_every_grade_is_printed_in_words(level: str, language: Language, sample: Document, figures: Path, tmp_path: Path):
    name = WORDS[language]["scale"][level]
    graded = replace(sample, sections=(), verdict=replace(sample.verdict, level=level, name=Text(name, name)))
    assert _squeezed(f"{level} {name}") in _text(_printed(graded, language, "brief", figures, tmp_path))


@every_kind
def test_every_page_of_synthetic_origin_carries_the_stamp(kind: Kind, sample: Document, figures: Path, tmp_path: Path):
    for language in LANGUAGES:
        reader = _printed(replace(sample, synthetic=True), language, kind, figures, tmp_path)
        assert all(_squeezed(STAMP) in _squeezed(page.extract_text()) for page in reader.pages)


def test_no_page_of_real_origin_carries_the_stamp(sample: Document, figures: Path, tmp_path: Path):
    assert "SYNTHETIC" not in _text(_printed(sample, "en", "report", figures, tmp_path))


def test_a_table_that_breaks_over_pages_repeats_its_header(sample: Document, figures: Path, tmp_path: Path):
    long = Table("long", Text("Long", "长表"), (Text("Uniquehead", "表头"),), tuple((str(i),) for i in range(90)), ("left",))
    only = replace(sample, sections=(Section(Text("S", "节"), (long,)),))
    reader = _printed(only, "en", "report", figures, tmp_path)
    assert sum("Uniquehead" in page.extract_text() for page in reader.pages) >= 3


def test_a_document_of_the_barest_kind_prints(sample: Document, figures: Path, tmp_path: Path):
    bare = replace(sample, key_figures=(), sections=(), provenance=())
    assert len(_printed(bare, "zh", "report", figures, tmp_path).pages) == 1
    render_html(bare, figures, tmp_path / "bare.html")


# What is refused.


def test_a_character_that_no_font_has_is_refused_by_name(sample: Document, figures: Path, tmp_path: Path):
    odd = replace(sample, answer=Text("Income of \U00012000 couriers", "收入"))
    with pytest.raises(ReportError, match=r"(?s)no font can show `\U00012000` \(U\+12000\)\.\ntypst says: .+\nReplace the character"):
        render_pdf(odd, "en", "report", figures, tmp_path / "odd.pdf", WHEN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("alt", [Text("", "折线"), Text("Lines", " ")])
def test_a_figure_without_alt_text_is_refused_by_name(alt: Text, sample: Document, figures: Path, tmp_path: Path):
    blind = replace(sample, sections=(Section(Text("S", "节"), (Figure("paths", Text("C", "题"), alt),)),))
    with pytest.raises(ReportError, match=r"Figure `paths`: the alt text is missing\.\nEmpty in: (en|zh)\.\nWrite"):
        render_pdf(blind, "en", "report", figures, tmp_path / "blind.pdf", WHEN)
    with pytest.raises(ReportError, match="alt text is missing"):
        render_html(blind, figures, tmp_path / "blind.html")


def test_a_figure_without_file_is_refused_with_the_nearest_name(sample: Document, figures: Path, tmp_path: Path):
    lost = replace(sample, sections=(Section(Text("S", "节"), (Figure("path", Text("C", "题"), Text("A", "说明")),)),))
    with pytest.raises(ReportError, match=r"`path\.en\.svg` does not exist(?s:.)+Did you mean `paths\.en\.svg`\?"):
        render_pdf(lost, "en", "report", figures, tmp_path / "lost.pdf", WHEN)


def test_a_crooked_table_is_refused_by_row(sample: Document, figures: Path, tmp_path: Path):
    crooked = Table("crooked", Text("T", "表"), (Text("A", "甲"), Text("B", "乙")), (("1", "2"), ("3",)), ("left", "right"))
    with pytest.raises(ReportError, match=r"Table `crooked`: (?s:.)+rows of another length: 2\."):
        render_html(replace(sample, sections=(Section(Text("S", "节"), (crooked,)),)), figures, tmp_path / "x.html")


def test_an_unknown_grade_is_refused_with_the_known_ones(sample: Document, figures: Path, tmp_path: Path):
    with pytest.raises(ReportError, match=r"no level `V6`\.\nKnown levels: V0, V1, V2, V3, V4, V5\."):
        render_html(replace(sample, verdict=replace(sample.verdict, level="V6")), figures, tmp_path / "x.html")


def test_a_fifth_key_figure_is_refused(sample: Document, figures: Path, tmp_path: Path):
    with pytest.raises(ReportError, match=r"more key figures than fit in one row\.\nFound 5"):
        render_html(replace(sample, key_figures=((Text("n", "数"), "1"),) * 5), figures, tmp_path / "x.html")


def test_a_time_without_zone_is_refused(sample: Document, figures: Path, tmp_path: Path):
    with pytest.raises(ReportError, match="has no time zone"):
        render_pdf(sample, "en", "report", figures, tmp_path / "x.pdf", datetime(2026, 11, 4))


def test_a_font_file_that_was_not_examined_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(fonts.FOLDER_VARIABLE, raising=False)
    monkeypatch.setitem(fonts.HASHES, fonts.SERIF, "0" * 64)
    with pytest.raises(ReportError, match=r"Noto Serif SC: the font file(?s:.)+SHA-256 expected 0{64}, found e8f3(?s:.)+Reinstall"):
        fonts.font_files()


def test_a_font_folder_without_the_fonts_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(fonts.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ReportError, match=r"IMPACT_FONT_DIR(?s:.)+Not found: NotoSansSC-Regular.otf, NotoSerifSC-Regular.otf\."):
        fonts.font_files()


def test_the_named_font_folder_comes_before_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in fonts.FILES.values():
        (tmp_path / name).write_bytes(b"a font of one's own")
    monkeypatch.setenv(fonts.FOLDER_VARIABLE, str(tmp_path))
    assert fonts.font_files().folders == (tmp_path,)


# The web page.


def test_the_web_page_asks_nothing_of_any_network(page: str):
    loads = re.findall(r'(?:src|href|srcset|action|data)\s*=\s*["\']?([^"\'\s>]+)', page)
    assert loads and all(load.startswith("data:image/svg+xml;base64,") for load in loads)
    assert not re.search(r"https?:|<link|<script|<iframe|@import|url\((?!data:font/woff;base64,)", page)


def test_the_web_page_carries_every_chinese_letter_that_it_shows(page: str):
    import base64
    from io import BytesIO

    from fontTools.ttLib import TTFont

    carried = re.search(r"url\(data:font/woff;base64,([^)]+)\)", page)
    assert carried
    letters = set(TTFont(BytesIO(base64.b64decode(carried[1]))).getBestCmap())
    shown = {
        ord(letter)
        for letter in re.sub(r"<style>.*?</style>|base64,[A-Za-z0-9+/=]+", "", page, flags=re.DOTALL)
        if "\u4e00" <= letter <= "\u9fff"
    }
    assert shown and shown <= letters


@every_language
def test_the_web_page_holds_both_languages_each_marked(language: Language, page: str, sample: Document):
    code = {"en": "en", "zh": "zh-CN"}[language]
    article = re.search(rf'<article id="page-{language}" lang="{code}">(.+?)</article>', page, re.DOTALL)
    assert article and sample.title[language] in article[1]
    assert f'<label for="pick-{language}"' in page and f'id="pick-{language}"' in page


def test_the_web_page_escapes_what_the_user_wrote(page: str):
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_every_image_of_the_web_page_has_its_alt_text(page: str, sample: Document):
    alts = re.findall(r'<img src="[^"]+" alt="([^"]+)">', page)
    assert len(alts) == page.count("<img") == 4
    assert "两条线同步上升" in alts


def test_the_web_page_of_synthetic_origin_carries_the_stamp_on_top_and_on_each_table(sample: Document, figures: Path, tmp_path: Path):
    render_html(replace(sample, synthetic=True), figures, tmp_path / "s.html")
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert page.count(f'<span class="stamp">{STAMP}</span>') == 1 + page.count("<table>")


def test_writing_a_page_leaves_nothing_but_the_page(sample: Document, figures: Path, tmp_path: Path):
    render_html(sample, figures, tmp_path / "page.html")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


# Words and figures.


def test_the_static_words_have_equal_keys_and_placeholders_in_both_languages():
    english, chinese = (_flat(WORDS[language]) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    assert all(sorted(re.findall(r"{\w+}", english[key])) == sorted(re.findall(r"{\w+}", chinese[key])) for key in english)


def test_both_languages_show_the_same_numbers(page: str, sample: Document):
    numbers = [re.findall(r"<dd>([^<]+)</dd></div>", article) for article in page.split("<article")[1:]]
    assert numbers[0] == numbers[1] == [value for _, value in sample.key_figures]


@pytest.mark.parametrize("synthetic", [False, True])
def test_the_same_figure_gives_the_same_files_and_is_left_as_it_was(synthetic: bool, tmp_path: Path):
    figure = _drawing("en")
    first = [path.read_bytes() for path in save(figure, tmp_path / "a", "x", "en", synthetic)]
    again = [path.read_bytes() for path in save(figure, tmp_path / "b", "x", "en", synthetic)]
    anew = [path.read_bytes() for path in save(_drawing("en"), tmp_path / "c", "x", "en", synthetic)]
    assert first == again == anew
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["x.en.png", "x.en.svg"]


def test_a_synthetic_figure_differs_from_a_real_one_by_its_stamp(tmp_path: Path):
    real, synthetic = (save(_drawing("zh"), tmp_path / str(flag), "x", "zh", flag)[0].read_text() for flag in (False, True))
    assert "#FFF4EC".lower() in synthetic.lower()
    assert "#FFF4EC".lower() not in real.lower()


def test_a_saved_figure_holds_paths_and_no_text_or_date(tmp_path: Path):
    svg = save(_drawing("zh"), tmp_path, "x", "zh")[0].read_text()
    assert "<text" not in svg and "<dc:date>" not in svg


def test_a_figure_with_a_character_that_no_font_has_is_refused(tmp_path: Path):
    figure = _drawing("zh")
    with figure_style("zh"):
        figure.axes[0].set_title("\U00012000")
    with pytest.raises(ReportError, match=r"no font can show\.\nGlyph 73728 (?s:.)+Replace the character"):
        save(figure, tmp_path, "x", "zh")
    assert list(tmp_path.iterdir()) == []


def test_the_style_leaves_no_trace_outside_its_block():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with figure_style("en"):
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


# The sample, and how it is read back.


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    for language in LANGUAGES:
        for name in ("paths", "event_study"):
            save(_drawing(language), folder, name, language)
    return folder


@pytest.fixture(scope="module")
def sample() -> Document:
    found = (
        Paragraph(Text(f"{EVIL} {SIGNS} {RARE}", f"姓名：{RARE}。{EVIL} {SIGNS}")),
        Figure("paths", Text("Income by month", "各月收入"), Text("Two lines rise together", "两条线同步上升")),
        Bullets((Text("<script>alert(1)</script>", "<script>alert(1)</script>"), Text("Second", "第二"))),
        Figure("event_study", Text("Effect by month", "各月影响"), Text("Points about zero", "各点接近零")),
    )
    return Document(
        study="wage",
        run="20261104T061500Z",
        title=Text("Did the agreement raise income?", "协议是否提高了收入？"),
        answer=Text("Income was 1.8 % higher (V2).", "收入高出1.8%（V2）。"),
        verdict=VerdictBox(
            "V2", Text("Suggestive", "提示性"), Text("Three platforms.", "仅三个平台。"), Text("More platforms.", "更多平台。")
        ),
        key_figures=((Text("effect", "影响"), "+1.8 %"), (Text("worker-months", "人月数"), "1,204,330")),
        sections=(
            Section(Text("What we found", "发现"), found, in_brief=True),
            Section(Text("Only in the report", "仅见于报告"), (_robustness(),)),
        ),
        provenance=((Text("Seed", "随机种子"), "20260301"),),
    )


@pytest.fixture(scope="module")
def page(sample: Document, figures: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("page") / "report.html"
    render_html(sample, figures, out)
    return out.read_text(encoding="utf-8")


def _robustness() -> Table:
    rows = tuple((Text(f"Choice {number}", f"设定{number}"), "1.8", "−0.3 to 3.9") for number in range(30))
    columns = (Text("Choice", "设定"), Text("Effect, %", "影响（%）"), Text("95 % interval", "95% 区间"))
    return Table(
        "robustness", Text("Other choices", "其他设定"), columns, rows, ("left", "right", "right"), Text("Rounded.", "已四舍五入。")
    )


def _drawing(language: Language):
    from matplotlib.figure import Figure as Drawing

    with figure_style(language):
        figure = Drawing()
        axes = figure.subplots()
        axes.plot([0, 1, 2], [-1, 0, 3], label=f"couriers’ {RARE}")
        axes.set_ylabel({"en": "Income, yuan", "zh": "收入（元）"}[language])
        axes.legend()
    return figure


def _printed(document: Document, language: Language, kind: Kind, figures: Path, folder: Path) -> PdfReader:
    out = folder / f"{kind}.{language}.pdf"
    render_pdf(document, language, kind, figures, out, WHEN)
    return PdfReader(out)


def _text(reader: PdfReader) -> str:
    return _squeezed("".join(page.extract_text() for page in reader.pages))


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _embedded_fonts(reader: PdfReader) -> set[str]:
    found = set()
    for page in reader.pages:
        for font in (each.get_object() for each in page["/Resources"]["/Font"].values()):
            descendant = font["/DescendantFonts"][0].get_object()
            assert {"/FontFile2", "/FontFile3"} & descendant["/FontDescriptor"].keys()
            found.add(font["/BaseFont"])
    return found


def _flat(words: dict) -> dict[str, str]:
    return {**{key: word for key, word in words.items() if key != "scale"}, **words["scale"]}
