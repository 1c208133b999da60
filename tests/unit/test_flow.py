"""The way of the rows adds up, is drawn in both languages, and prints no count of fewer people than may be printed."""

from __future__ import annotations

import pytest

from impact.clean.audit import Audit, Finding, Rule
from impact.report.data_words import printable, printable_ends, printable_text
from impact.report.figures.flow import flow, flow_alt, flow_of
from impact.report.sections.quality import complete_table, findings_table, rules_table
from impact.report.style import figure_style
from impact.text import LANGUAGES, Text


def rule(name: str, rows: int, action: str = "dropped") -> Rule:
    return Rule(Text(name, f"“{name}”"), action, rows, Text("why", "理由"), name)


def audit(table: str, rows_in: int, *rules: Rule) -> Audit:
    return Audit(table, "0" * 64, rows_in, rules, rows_in - sum(one.rows for one in rules if one.action == "dropped"), table)


MONTHS = audit("worker_month", 52_345, rule("testers", 40), rule("wrong sign", 7), rule("renamed", 5000, "read"))
PANEL = audit("panel", 31_111, rule("row was dropped", 47))
AS_READ = audit("", PANEL.rows_kept)


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_shows_files_tables_what_was_left_out_and_what_stays(language):
    way = flow_of([audit("account", 1200), MONTHS, PANEL], AS_READ, 360, 1)
    with figure_style(language):
        drawn = texts(flow(way, language))
    for word in ("360", "1,200", "52,345", "40", "7", "52,298", "31,111", "47", "31,064"):
        assert word in drawn
    assert "renamed" not in drawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_source_of_one_table_has_two_boxes(language):
    with figure_style(language):
        figure = flow(flow_of([], audit("", 4360), 1, 10), language)
    assert len(figure.axes[0].patches) == 2
    assert texts(figure).count("4,360") == 2


def test_the_words_beside_the_figure_hold_every_count_of_it():
    said = flow_alt(flow_of([MONTHS, PANEL], AS_READ, 360, 1))
    for words in (said.en, said.zh):
        assert all(number in words for number in ("360", "52,345", "40", "52,298", "31,064"))


def test_small_counts_cannot_be_read_nor_found_by_taking_kept_rows_from_rows_in():
    said = flow_alt(flow_of([MONTHS, PANEL], AS_READ, 360, 10))
    for words in (said.en, said.zh):
        assert "<10" in words and "≈52,300" in words and "52,345" not in words
    assert printable_ends(MONTHS, 10) == ("≈52,300", "52,298")
    assert printable_ends(PANEL, 10) == ("31,111", "31,064")


@pytest.mark.parametrize(("rows", "written"), [(0, "0"), (1, "<10"), (9, "<10"), (10, "10"), (1234, "1,234")])
def test_counts_between_nobody_and_the_fewest_are_not_printed(rows, written):
    assert printable(rows, 10) == written


def finding(en: str, zh: str, name: str = "days_against_months", level: str = "note") -> Finding:
    return Finding(name, level, "platform RH01, 2025-01", 3, Text(en, zh), Text("ask for 3 of 5 days", "请核实"))


def test_small_numbers_in_findings_are_not_printed_and_dates_names_and_large_numbers_are():
    shown = printable_text(finding("3 of 2,722 in 2025-01 at RH01, 0.1%, 12 more; 4", "2,722个中有3个，占0.1%"), 10)
    assert shown.en == "<10 of 2,722 in 2025-01 at RH01, 0.1%, 12 more; <10"
    assert shown.zh == "2,722个中有<10个，占0.1%"


def test_counts_of_files_are_printed():
    assert printable_text(finding("missing in 3 files", "3个文件缺少", "column_missing_in_files"), 10).en == "missing in 3 files"


def test_the_table_of_rules_names_tables_and_rules_that_met_rows_alone():
    table = rules_table([MONTHS, PANEL], AS_READ, [rule("never covered", 265, "kept").as_dict(), rule("none", 0).as_dict()], 10)
    assert table is not None
    assert [row[1].en for row in table.rows] == ["testers", "wrong sign", "renamed", "row was dropped", "never covered"]
    assert [row[3] for row in table.rows] == ["40", "<10", "5,000", "47", "265"]
    assert "≈52,300 → 52,298" in table.note.en


def test_without_rules_and_without_missing_values_there_are_no_tables():
    assert rules_table([], audit("", 5), [], 10) is None
    assert complete_table([{"column": "pay", "rows": 5, "missing": 0, "worst": "", "worst_share": 0.0}], 10) is None


def test_completeness_hides_what_rests_on_few_rows():
    table = complete_table([{"column": "pay", "rows": 50, "missing": 3, "worst": "2024-01", "worst_share": 0.5}], 10)
    assert table.rows == (("pay", "<10", "–", "–", "–"),)


def test_every_warning_is_printed_and_many_notes_are_counted():
    found = [finding("w", "w", level="warning")] * 6 + [finding("n", "n")] * 6
    table = findings_table(found, 10)
    assert len(table.rows) == 6 + 4
    assert table.note.en.startswith("2 more notes")
