"""Cleaning a survey: what was planted is found, what is right stays as it was, and every row is accounted for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from impact.clean.audit import Cleaned
from impact.clean.survey.options import SurveyOptions
from impact.clean.survey.survey import clean_survey
from impact.schema.questionnaire import BY_FIELD, CODEBOOK, LIKERT, header
from impact.simulate.simulate import simulate
from impact.simulate.world import load_world
from impact.sources.engine import connect
from impact.sources.key import SYNTHETIC_KEY
from impact.sources.survey_table import SurveyTable, Unread
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from scoring import score

ROOT = Path(__file__).parents[2]
TINY = """
name: tiny
scale: 0.0005
months: 24
campaign: {agreements: 3, others: 2, firms: 6, last_signed: 2025-02}
survey: {issued: 500, waves: [2024-10], valid_share: 0.8}
"""
FILES = ("wave1_text.xlsx", "wave1_number.xlsx", "wave1_text_gb18030.csv", "wave1_number_gb18030.csv")
DROPPING = ("screened_out", "duplicate_exact", "duplicate_changed", "speeder", "attention_failed", "straight_liner")
PLANTED = {*DROPPING, "full_width_digits", "income_in_wan", "income_in_fen", "phone_in_text", "id_number_in_text"}
WITH_KEY = SurveyOptions(key=SYNTHETIC_KEY)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small world in which every kind of defect is planted."""
    folder = tmp_path_factory.mktemp("worlds")
    (folder / "tiny.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{TINY}", encoding="utf-8")
    return simulate(
        load_world(folder / "tiny.yaml"), folder / "out", registry=ROOT / "data" / "registry", tables=("survey", "truth")
    ).folder


@pytest.fixture(scope="module")
def raw(world: Path) -> SurveyTable:
    return read(world, "wave1_text_gb18030.csv", "wave1_number_gb18030.csv")


@pytest.fixture(scope="module")
def ledger(world: Path) -> pd.DataFrame:
    return pd.read_parquet(world / "truth" / "defects.parquet")


@pytest.fixture(scope="module")
def truth(world: Path) -> pd.DataFrame:
    return pd.read_parquet(world / "truth" / "survey_wave1.parquet")


def read(world: Path, text: str | None, number: str | None) -> SurveyTable:
    folder = world / "raw" / "survey"
    return read_wenjuanxing(connect(), folder / text if text else None, folder / number if number else None, CODEBOOK, world / "raw")


def changed(raw: SurveyTable, row: int, **answers: object) -> SurveyTable:
    """Change some values of one row."""
    frame = raw.answers.copy()
    for name, value in answers.items():
        frame.loc[row, name] = value
    return replace(raw, answers=frame)


def met(cleaned: Cleaned, rule: str) -> list[tuple[int, str]]:
    """Rows, counted as users count, and columns that a rule met."""
    return [(line["row"], line["column"]) for line in cleaned.touched.to_pylist() if line["rule"] == rule]


def rule(cleaned: Cleaned, name: str) -> int:
    return next(one.rows for one in cleaned.audit.rules if one.id == name)


def table(cleaned: Cleaned) -> pd.DataFrame:
    return cleaned.table.to_pyarrow().to_pandas().set_index("row_", drop=False)


def plain_row(raw: SurveyTable) -> int:
    """Find a row that no rule meets."""
    listed = {line["row"] for line in clean_survey(raw).touched.to_pylist() if line["rule"] != "address_replaced"}
    shared = raw.answers["ip"].duplicated(keep=False)
    return next(int(place) for place in raw.answers.index if raw.answers.at[place, "row_"] not in listed and not shared[place])


@pytest.mark.parametrize("name", FILES)
def test_everything_planted_is_found_and_nothing_else_is_touched(name, world, ledger):
    given = read(world, name, None) if "text" in name else read(world, None, name)
    scored = score(clean_survey(given, WITH_KEY).touched, ledger[ledger["file"] == f"survey/{name}"], len(given.answers))
    assert set(scored["rule"]) == PLANTED and (scored["planted"] > 0).all()
    assert (scored["share_found"] == 1).all() and (scored["wrongly_touched"] == 0).all(), scored


def test_the_score_counts_what_is_missed_and_what_is_wrong():
    ledger = pd.DataFrame({"defect": ["a", "a", "b"], "file": "f", "row": [2, 3, 4], "column": ["", "", "x"]})
    lines = [{"rule": "a", "file": "f", "row": row, "column": "z"} for row in (2, 2, 9)]
    found = pa.Table.from_pylist([*lines, {"rule": "b", "file": "f", "row": 4, "column": "y"}])
    scored = score(found, ledger, 12).set_index("rule")
    assert scored.loc["a"].tolist() == [2, 1, 0.5, 1, 0.1]
    assert scored.loc["b"].tolist() == [1, 0, 0.0, 1, 1 / 11]


def test_who_stays_is_who_is_valid_and_their_answers_are_the_true_ones(raw, truth, ledger):
    cleaned = table(clean_survey(raw, WITH_KEY))
    assert (cleaned["row_"] - 2).tolist() == truth.index[truth["valid"]].tolist()
    lines = ledger[(ledger["file"] == "survey/wave1_text_gb18030.csv") & (ledger["expected"] == "flag")]
    unmended = {(int(row), column) for row, column in zip(lines["row"], lines["column"], strict=True)}
    unmended |= {(int(row), header(BY_FIELD["open_text"])) for row in ledger.loc[ledger["defect"].str.endswith("_in_text"), "row"]}
    for field in (*CODEBOOK.fields, *CODEBOOK.fill_ins.values()):
        column = header(BY_FIELD[field]) if field in BY_FIELD else ""
        given, true = (frame[field].astype(object).where(frame[field].notna(), None) for frame in (cleaned, truth[truth["valid"]]))
        wrong = [
            row for row, one, other in zip(cleaned["row_"], given, true, strict=True) if one != other and (row, column) not in unmended
        ]
        assert wrong == [], field


def test_rows_in_are_rows_kept_and_rows_dropped(raw):
    cleaned = clean_survey(raw)
    audit = cleaned.audit
    assert audit.rows_in - sum(one.rows for one in audit.rules if one.action == "dropped") == audit.rows_kept == len(table(cleaned))
    assert [one.id for one in audit.rules if one.action == "dropped"] == list(DROPPING)
    for one in audit.rules:
        assert one.name.en and one.name.zh and one.why.en and one.why.zh
        assert all(example.startswith("survey/wave1_text_gb18030.csv, row ") for example in one.examples)


def test_a_row_that_several_rules_would_drop_counts_once_and_is_listed_under_each(raw):
    place = plain_row(raw)
    before = clean_survey(raw)
    both = clean_survey(changed(raw, place, attn_check=5, seconds=20))
    row = int(raw.answers.at[place, "row_"])
    assert row in dict(met(both, "speeder")) and row in dict(met(both, "attention_failed"))
    assert rule(both, "speeder") == rule(before, "speeder") + 1 and rule(both, "attention_failed") == rule(before, "attention_failed")


def test_the_first_valid_submission_of_a_link_stays(raw):
    first, second = raw.answers.index[raw.answers["row_"].isin(table(clean_survey(raw))["row_"])][:2]
    twice = changed(raw, int(second), link_code=raw.answers.at[first, "link_code"])
    assert (int(raw.answers.at[second, "row_"]), "来源详情") in met(clean_survey(twice), "duplicate_changed")
    hasty = changed(twice, int(first), seconds=20)
    kept = table(clean_survey(hasty))["row_"].tolist()
    assert raw.answers.at[second, "row_"] in kept and raw.answers.at[first, "row_"] not in kept


def test_a_link_that_many_were_given_tells_no_repeats(raw):
    one_for_all = raw.answers.assign(link_code=pd.array(["station"] * len(raw.answers), dtype="string"))
    cleaned = clean_survey(replace(raw, answers=one_for_all))
    assert rule(cleaned, "duplicate_exact") == rule(cleaned, "duplicate_changed") == 0
    assert [(one.rule, one.rows) for one in cleaned.findings if one.rule == "shared_link"] == [("shared_link", len(raw.answers))]


def test_the_same_answers_from_one_address_are_flagged_or_dropped_and_a_shared_address_is_no_fault(raw):
    place, other = plain_row(raw), int(table(clean_survey(raw))["row_"].iloc[-1]) - 2
    copy = raw.answers.loc[place].to_dict() | {
        name: raw.answers.at[other, name] for name in ("row_", "submission", "link_code", "end_ts", "seconds")
    }
    copied = replace(changed(raw, other, **copy), reasons=raw.reasons.copy())
    copied.reasons.loc[other] = raw.reasons.loc[place]
    row = int(raw.answers.at[other, "row_"])
    flagged = clean_survey(copied)
    assert met(flagged, "same_device_answers") == [(row, "来自IP")]
    assert table(flagged).loc[row, "flag_same_device_answers"]
    assert row not in table(clean_survey(copied, SurveyOptions(same_device="dropped"))).index
    assert met(clean_survey(raw), "same_device_answers") == [] and rule(clean_survey(raw), "shared_address") > 0


def test_one_step_everywhere_is_careless_only_if_the_reversed_line_has_it_too(raw):
    place = plain_row(raw)
    row = int(raw.answers.at[place, "row_"])
    lines = {field: 3 for field in LIKERT if field != "attn_check"}
    assert (row, "") in met(clean_survey(changed(raw, place, **lines)), "straight_liner")
    unasked = clean_survey(changed(raw, place, **lines | {"support_3": pd.NA}))
    assert (row, "") not in met(unasked, "straight_liner")
    honest = clean_survey(changed(raw, place, **lines | {"support_3": 4}))
    assert (row, "") not in met(honest, "straight_liner") and table(honest).loc[row, "straight_blocks"] == 4


def test_the_dates_of_the_fieldwork_count_to_the_end_of_the_last_day(raw):
    days = raw.answers["end_ts"].dt.date
    first, last = min(days), max(days)
    within = clean_survey(raw, SurveyOptions(field_dates=(first, last)))
    assert rule(within, "outside_field_dates") == 0
    short = clean_survey(raw, SurveyOptions(field_dates=(date(2024, 10, 9), last)))
    assert {row for row, _ in met(short, "outside_field_dates")} == set(raw.answers.loc[days < date(2024, 10, 9), "row_"])


@pytest.mark.parametrize(
    ("answers", "flag"),
    [
        ({"inc_net_30": 0.62, "inc_platform_30": 6500, "inc_gross_30": 8000}, "income_in_wan"),
        ({"inc_net_30": 6200, "inc_platform_30": 6500, "inc_gross_30": 0.8}, "income_in_wan"),
        ({"inc_net_30": 620000, "inc_platform_30": 6500, "inc_gross_30": 8000}, "income_in_fen"),
        ({"inc_net_30": 620000, "inc_platform_30": pd.NA, "inc_gross_30": pd.NA}, "income_in_fen"),
        ({"inc_net_30": 9000, "inc_platform_30": 6500, "inc_gross_30": 8000}, "income_order"),
        ({"hrs_order_day": 9, "hrs_online_day": 8}, "part_above_whole"),
        ({"take_pct_self": 110}, "out_of_range"),
        ({"days_30": 31}, "out_of_range"),
        ({"inc_net_30": 0, "inc_platform_30": 0, "inc_gross_30": 0}, ""),
        ({"inc_net_30": 15, "inc_platform_30": 50, "inc_gross_30": 60}, ""),
        ({"inc_net_30": 1500, "inc_platform_30": 50, "inc_gross_30": 50}, "income_order"),
        ({"inc_net_30": 35000, "inc_platform_30": 40000, "inc_gross_30": 49000}, ""),
        ({"hrs_order_day": 8, "hrs_online_day": 8, "days_30": 30, "take_pct_self": 0}, ""),
    ],
)
def test_an_odd_number_is_flagged_and_left_as_it_is(raw, answers, flag):
    place = plain_row(raw)
    cleaned = table(clean_survey(changed(raw, place, **answers)))
    row = cleaned.loc[raw.answers.at[place, "row_"]]
    assert [name for name in cleaned.columns if name.startswith("flag_") and row[name]] == ([f"flag_{flag}"] if flag else [])
    assert all(pd.isna(row[name]) if pd.isna(value) else row[name] == value for name, value in answers.items())


@pytest.mark.parametrize(
    ("written", "value", "reason"), [("２６", 26.0, ""), ("８．５", 8.5, ""), ("约3000", None, "unread"), ("3千", None, "unread")]
)
def test_full_width_digits_are_read_and_words_are_not(raw, written, value, reason):
    place = plain_row(raw)
    reasons = raw.reasons.copy()
    reasons.loc[place, "days_30"] = "unread"
    cell = Unread(place, "days_30", raw.columns["days_30"], written)
    given = replace(changed(raw, place, days_30=pd.NA), reasons=reasons, unread=(*raw.unread, cell))
    cleaned = clean_survey(given)
    row = table(cleaned).loc[raw.answers.at[place, "row_"]]
    assert row["why_days_30"] == reason and (pd.isna(row["days_30"]) if value is None else row["days_30"] == value)
    at = (int(raw.answers.at[place, "row_"]), raw.columns["days_30"])
    assert (at in met(cleaned, "full_width_digits"), at in met(cleaned, "unreadable_value")) == (value is not None, value is None)
    assert row["flag_unreadable_value"] == (value is None)


def test_a_missing_answer_keeps_its_reason(raw, truth):
    cleaned = table(clean_survey(raw))
    said = cleaned["why_vet"].eq("skipped")
    assert said.sum() > 10 and (said == cleaned["sens_consent"].eq(0)).all() and cleaned.loc[said, "vet"].isna().all()
    assert (cleaned["why_inc_net_30"].eq("blank") == cleaned["inc_net_30"].isna()).all()


def test_nothing_that_names_a_person_is_left(raw):
    place = plain_row(raw)
    told = changed(raw, place, prior_job=7, prior_job_other="给王小明干活，电话19900001234")
    cleaned = clean_survey(told, WITH_KEY)
    frame = table(cleaned)
    assert not {"ip", "ip_place", "source_detail"} & set(frame.columns)
    everything = frame.astype("string").to_csv()
    assert all(ip not in everything for ip in raw.answers["ip"]) and not pd.Series([everything]).str.contains(r"199\d{8}|\d{17}[\dX]").any()
    row = frame.loc[raw.answers.at[place, "row_"]]
    assert "〔手机号〕" in row["prior_job_other"] and (row["row_"], raw.columns["prior_job"]) in met(cleaned, "phone_in_text")
    assert row["ip_province"] == raw.answers.at[place, "ip_place"].split("-")[0] and row["ip_hash"].startswith("d_")
    same = frame.groupby("ip_hash").size().sort_values().tolist()
    assert same == raw.answers.loc[frame["row_"] - 2].groupby("ip").size().sort_values().tolist()
    assert table(clean_survey(raw))["ip_hash"].isna().all()


def test_sensitive_answers_without_consent_to_them_are_taken_out(raw):
    place = plain_row(raw)
    asked = clean_survey(changed(raw, place, sens_consent=0, vet=1, disab_grade=3, chronic=0))
    row = table(asked).loc[raw.answers.at[place, "row_"]]
    assert row[["vet", "disab_grade", "chronic"]].isna().all() and (row[["why_vet", "why_disab_grade", "why_chronic"]] == "withheld").all()
    assert rule(asked, "sensitive_without_consent") == 1 and len(met(asked, "sensitive_without_consent")) == 3


def test_a_questionnaire_that_lacks_a_question_switches_its_rule_off_and_says_so(raw):
    fewer = replace(
        CODEBOOK, items=tuple(item for item in CODEBOOK.items if item.field not in ("attn_check", "sens_consent") and not item.reverse)
    )
    cleaned = clean_survey(replace(raw, codebook=fewer, answers=raw.answers.drop(columns=["attn_check", "sens_consent", "support_3"])))
    said = {finding.rule for finding in cleaned.findings}
    assert {"attention_failed", "sensitive_without_consent", "straight_liner"} <= said
    assert "attention_failed" not in {one.id for one in cleaned.audit.rules} and table(cleaned)["vet"].isna().all()


def test_what_cleaning_is_given_stays_as_it_was(raw):
    answers, reasons = raw.answers.copy(), raw.reasons.copy()
    clean_survey(raw, WITH_KEY)
    assert raw.answers.equals(answers) and raw.reasons.equals(reasons)


def test_amounts_in_a_wrong_unit_are_a_warning_to_the_reader(raw):
    findings = {finding.rule: finding for finding in clean_survey(raw).findings}
    assert findings["income_in_wan"].level == "warning" and findings["income_in_wan"].rows > 0 and findings["income_in_wan"].advice.zh
