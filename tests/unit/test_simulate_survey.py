"""The simulated survey: who is asked, what they answer, and an export whose every defect stands in the ledger."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from impact.schema.questionnaire import BY_FIELD, FILL_INS, ITEMS, LIKERT, header, option_headers
from impact.schema.questionnaire.items_views import ATTENTION_ANSWER
from impact.simulate.survey.answer_views import INTENTION_SHARES
from impact.simulate.survey.answers import COLUMNS
from impact.simulate.survey.blemishes import identity_number
from impact.simulate.survey.cells import BLANK, DETAIL, FLAVOURS, NUMBER, SECONDS, SKIPPED, TIME
from impact.simulate.survey.fieldwork import Wave, survey_wave
from impact.simulate.survey.scales import SCALES
from impact.simulate.survey.wenjuanxing import write_wave
from impact.simulate.world import World, load_world
from impact.simulate.world_parts import INDUSTRIES

PLATFORMS = {"ride_hail": ("RH01", "RH02"), "freight": ("FR01", "FR02"), "courier": ("CR01", "CR02"), "delivery": ("DL01", "DL05")}
FILES = [f"wave1_{flavour}{ending}" for flavour in FLAVOURS for ending in (".xlsx", "_gb18030.csv")]
CHOSEN = [item for item in ITEMS if item.kind in ("single", "likert")]
PHONE, IDENTITY = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), re.compile(r"(?<!\d)\d{17}[\dX]")
DEFECTS = {"duplicate_exact", "duplicate_changed", "speeder", "straight_liner", "attention_failed", "screened_out"}
DEFECTS |= {"income_in_wan", "income_in_fen", "full_width_digits", "phone_in_text", "id_number_in_text"}


def workforce_of(month: str, number: int = 6000) -> pd.DataFrame:
    """Make up workers in service; the same accounts in every month, more of them covered from 2025 on."""
    draw, later = np.random.default_rng(11), month >= "2025"
    industry = draw.choice(INDUSTRIES, number, p=[0.4, 0.2, 0.15, 0.25])
    platform = np.array([PLATFORMS[name][side] for name, side in zip(industry, draw.integers(0, 2, number), strict=True)])
    full = draw.random(number) < 0.6
    days = np.where(full, draw.integers(18, 29, number), draw.integers(1, 15, number))
    hours = days * np.where(full, 9, 4) * draw.uniform(0.7, 1.3, number)
    gross = np.exp(draw.normal(9.0, 0.4, number)) * days / 26
    take = np.where(np.isin(industry, ["ride_hail", "freight"]), 0.18, 0.0) * gross
    unit = np.where(draw.random(number) < 0.2, np.char.add("U", draw.integers(1, 60, number).astype(str)), "")
    accounts = [f"{on}-{place:07d}" for place, on in enumerate(platform)]
    known = pd.DataFrame({"account_id": accounts, "industry": industry, "platform_id": platform, "unit": unit, "district": "市北区"})
    born, tenure = (1985 + draw.normal(0, 8, number)).astype(int), draw.exponential(20, number).astype(int) + 12 * later
    known = known.assign(sex=np.where(draw.random(number) < 0.93, "男", "女"), birth_year=born, tenure_months=tenure, full_time=full)
    known = known.assign(name="王小明", phone=[f"1990000{place:04d}" for place in range(number)], active_days=days, online_hours=hours)
    known["covered"] = ((platform == "RH01") & later) | (unit == "U1") | (unit == "U2")
    known["disability_grade"] = np.where(draw.random(number) < 0.006, draw.choice([3, 4], number), 0)
    shares = {"clause_eligible": 0.1, "veteran": 0.04, "chronic": 0.06, "multi_home": 0.4, "leaves_within_12_months": 0.3}
    known = known.assign(**{name: draw.random(number) < share for name, share in shares.items()})
    known = known.assign(engaged_hours=hours * 0.6, orders=(hours * 1.5).astype(int), gross_yuan=gross, commission_yuan=take)
    return known.assign(receipts_yuan=gross - take, cost_yuan=0.25 * gross, net_yuan=0.75 * gross - take)


def world_with(root: Path, seed: int = 1, planted: float = 1.0, **survey: object) -> World:
    world = load_world(root / "worlds" / "default.yaml", seed=seed)
    changed = world.survey.model_copy(update=survey)
    return world.model_copy(update={"survey": changed, "planted": world.planted.model_copy(update={"survey": planted})})


@pytest.fixture(scope="module")
def world(root: Path) -> World:
    return world_with(root)


@pytest.fixture(scope="module")
def wave(world: World) -> Wave:
    return survey_wave(world, 1, "2024-10", workforce_of("2024-10"))


@pytest.fixture(scope="module")
def second(world: World) -> Wave:
    return survey_wave(world, 2, "2025-10", workforce_of("2025-10"))


@pytest.fixture(scope="module")
def written(wave: Wave, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """Folder and ledger of the first wave."""
    folder = tmp_path_factory.mktemp("raw") / "survey"
    return folder, write_wave(wave, folder, 1.0, 1)


def read(path: Path) -> pd.DataFrame:
    """Read a file of the export, every cell as text."""
    if path.suffix == ".xlsx":
        rows = [list(row) for row in load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)]
        assert all(isinstance(cell, str) for row in rows[1:] for cell in row[1:]) and all(isinstance(row[0], int) for row in rows[1:])
    else:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("gb18030"), newline="")))
    return pd.DataFrame([[str(cell) for cell in row] for row in rows[1:]], columns=rows[0])


@pytest.fixture(scope="module")
def tables(written: tuple[Path, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: read(written[0] / name) for name in FILES}


def coded(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Turn labels or option numbers of questions with one answer into option numbers; markers of missing become 0."""
    flavour = "text" if "_text" in name else "number"
    columns = {}
    for item in CHOSEN:
        numbers = {option.words.zh if flavour == "text" else str(place): place for place, option in enumerate(item.options, start=1)}
        numbers |= {SKIPPED[flavour]: 0, BLANK[flavour]: 0}
        columns[item.field] = table[header(item)].str.replace(r"〖.*〗", "", regex=True).map(numbers)
    return pd.DataFrame(columns).astype(int)


def has_identity(text: str) -> bool:
    found = IDENTITY.search(text)
    return bool(found) and found[0] == identity_number(int(found[0][6:10]), int(found[0][14:17]))


def shown(table: pd.DataFrame, name: str) -> dict[str, set[int]]:
    """Find the rows that show each defect, by looking at the file alone; rows are counted as users count."""
    codes, questions = coded(table, name), table.columns[6:]
    consents, again = codes["consent"] == 1, table[DETAIL].duplicated()
    exact = consents & table.duplicated([DETAIL, "来自IP", *questions])
    seconds = table[SECONDS].str.removesuffix("秒").astype(int)
    net, gross, open_text = (table[header(BY_FIELD[field])] for field in ("inc_net_30", "inc_gross_30", "open_text"))
    net = pd.to_numeric(net, errors="coerce").where(lambda values: values >= 0)
    rows = {
        "duplicate_exact": exact,
        "duplicate_changed": again & ~exact,
        "speeder": consents & (seconds < seconds.median() / 3),
        "straight_liner": consents & (codes[list(LIKERT)].nunique(axis=1) == 1),
        "attention_failed": consents & (codes["attn_check"] != ATTENTION_ANSWER),
        "screened_out": ~consents,
        "income_in_wan": (net < 20) & (net % 1 > 0),
        "income_in_fen": net >= 100_000,
        "full_width_digits": gross.str.contains("[０-９]"),
        "phone_in_text": open_text.str.contains(PHONE),
        "id_number_in_text": open_text.map(has_identity).astype(bool),
    }
    return {defect: set((np.flatnonzero(found.to_numpy(dtype=bool)) + 2).tolist()) for defect, found in rows.items()}


def test_the_same_seed_gives_the_same_bytes(world, written, tmp_path):
    again = survey_wave(world, 1, "2024-10", workforce_of("2024-10"))
    ledger = write_wave(again, tmp_path, 1.0, 1)
    pd.testing.assert_frame_equal(ledger, written[1])
    names = sorted(path.name for path in written[0].iterdir())
    assert names == sorted([*FILES, "wave1_frame.csv", "wave1_margins.csv"])
    assert all((tmp_path / name).read_bytes() == (written[0] / name).read_bytes() for name in names)


def test_a_workbook_holds_no_time_of_writing(written):
    for name in FILES[::2]:
        with ZipFile(written[0] / name) as parts:
            assert {part.date_time for part in parts.infolist()} == {(2026, 1, 1, 0, 0, 0)}
            moments = re.findall(rb"\d{4}-\d{2}-\d{2}T[^<]*", parts.read("docProps/core.xml"))
            assert moments == [b"2026-01-01T00:00:00Z"] * 2


def test_the_order_of_the_workforce_does_not_matter_and_the_seed_does(root, world, wave):
    shuffled = survey_wave(world, 1, "2024-10", workforce_of("2024-10").sample(frac=1, random_state=5))
    pd.testing.assert_frame_equal(shuffled.issued, wave.issued)
    pd.testing.assert_frame_equal(shuffled.answers, wave.answers)
    other = survey_wave(world_with(root, seed=2), 1, "2024-10", workforce_of("2024-10"))
    assert set(other.issued["account_id"]) != set(wave.issued["account_id"])


@pytest.mark.parametrize("which", ["wave", "second"])
def test_returned_and_valid_shares_are_those_of_the_world_within_binomial_error(which, world, request):
    wave, survey = request.getfixturevalue(which), world.survey
    assert len(wave.issued) == survey.issued
    assert abs(wave.issued["returned"].mean() - survey.returned_share) < 3 * np.sqrt(0.74 * 0.26 / len(wave.issued))
    assert abs(wave.answers["valid"].mean() - survey.valid_share) < 3 * np.sqrt(0.93 * 0.07 / len(wave.answers))
    assert wave.answers["frame_id"].nunique() == wave.issued["returned"].sum()


def test_issued_questionnaires_stand_for_the_whole_frame(wave):
    workforce = workforce_of("2024-10")
    assert wave.issued["industry"].value_counts().max() == 498
    represented = wave.issued.groupby("industry")["design_weight"].sum()
    pd.testing.assert_series_equal(represented, workforce.groupby("industry").size().astype(float), check_names=False)
    assert wave.frame_counts["workers"].sum() == len(workforce)
    assert wave.issued["account_id"].is_unique and wave.issued["frame_id"].is_unique


def test_an_industry_too_small_for_its_share_is_taken_whole_and_the_rest_goes_to_others(world):
    workforce = workforce_of("2024-10")
    few = workforce.loc[(workforce["industry"] != "courier") | (workforce["account_id"] < "CR01-0000600")]
    taken = survey_wave(world, 1, "2024-10", few).issued["industry"].value_counts()
    assert taken["courier"] == (few["industry"] == "courier").sum() < 498 < taken.drop("courier").min() and taken.sum() == 1992


@pytest.mark.parametrize("changes", [{"issued": 0}, {"returned_share": 0.0}])
def test_a_wave_of_nobody_is_written_all_the_same(root, tmp_path, changes):
    wave = survey_wave(world_with(root, **changes), 1, "2024-10", workforce_of("2024-10", 500))
    assert len(write_wave(wave, tmp_path, 1.0, 1)) == 0
    assert list(read(tmp_path / FILES[1]).columns[:3]) == [NUMBER, TIME, SECONDS]


def test_members_and_full_timers_answer_more_readily(root):
    eager = world_with(root, logit_member=3.0, logit_part_time=-3.0)
    wave = survey_wave(eager, 1, "2024-10", workforce_of("2024-10"))
    assert wave.answers["union_member"].mean() > eager.survey.member_share + 0.05
    share = wave.issued.groupby("intensity")["returned"].mean()
    assert share["full"] > share["part"] + 0.3


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
def test_the_lines_of_a_scale_hang_together(wave, scale):
    lines = wave.answers.loc[wave.answers["valid"], list(scale.lines)].astype(float)
    reverse = [line for line in scale.lines if BY_FIELD[line].reverse]
    assert set(reverse) == scale.reverse
    lines[reverse] = 6 - lines[reverse]
    number = len(scale.lines)
    assert 0.78 <= number / (number - 1) * (1 - lines.var().sum() / lines.sum(axis=1).var()) <= 0.90


@pytest.mark.parametrize("which", ["wave", "second"])
@pytest.mark.parametrize("industry", INDUSTRIES)
def test_turnover_intention_is_as_in_print(which, industry, request):
    answers = request.getfixturevalue(which).answers
    said = answers.loc[answers["valid"] & (answers["industry"] == INDUSTRIES.index(industry) + 1), "ti_3"] >= 4
    expected = INTENTION_SHARES[industry]
    assert abs(said.mean() - expected) < 3 * np.sqrt(expected * (1 - expected) / len(said))


def test_those_who_leave_intend_to_and_the_covered_have_more_voice(second):
    workforce = workforce_of("2025-10").set_index("account_id")
    answers = second.answers.loc[second.answers["valid"]].join(workforce[["leaves_within_12_months", "covered"]], on="account_id")
    assert answers.groupby("leaves_within_12_months")["ti_3"].mean().diff().iloc[-1] > 0.3
    assert answers.groupby("leaves_within_12_months")["ti_prob_12m"].mean().diff().iloc[-1] > 5
    voice = answers[[f"voice_{line}" for line in range(1, 6)]].astype(float).mean(axis=1)
    assert voice[answers["covered"]].mean() > voice[~answers["covered"]].mean() + 0.08


def test_reported_income_is_the_true_one_with_some_error_and_heaped(wave):
    truth = workforce_of("2024-10").set_index("account_id")["net_yuan"]
    answers = wave.answers.loc[wave.answers["valid"] & wave.answers["inc_net_30"].notna() & (wave.answers["inc_net_30"] > 1000)]
    said = answers["inc_net_30"].astype(float)
    error = np.log(said.to_numpy() / truth[answers["account_id"]].to_numpy())
    assert abs(error.mean()) < 0.02 and 0.10 < error.std() < 0.20
    assert (said % 100 == 0).mean() > 0.8 and (said % 500 == 0).mean() > 0.35
    blank = wave.answers.loc[wave.answers["valid"] & wave.answers["inc_net_30"].isna()]
    assert len(blank) > 50 and blank["inc_net_bracket"].notna().all() and blank["inc_net_bracket"].eq(98).any()


def test_what_lasts_is_the_same_for_an_account_in_both_waves(wave, second):
    lasting = [
        "union_member",
        "educ",
        "hukou",
        "sex",
        "birth_year",
        "work_form",
        "prior_job",
        "start_ym",
        "sens_consent",
        "union_join_ym",
        "vet",
    ]
    one, two = (each.answers.loc[each.answers["valid"]].set_index("account_id") for each in (wave, second))
    both = one.index.intersection(two.index)
    assert len(both) > 200
    pd.testing.assert_frame_equal(one.loc[both, lasting], two.loc[both, lasting])
    assert (one.loc[both, "ti_1"] != two.loc[both, "ti_1"]).mean() > 0.2


@pytest.mark.parametrize("name", FILES)
def test_every_defect_stands_in_the_ledger_and_every_line_of_it_in_the_file(name, written, tables):
    lines = written[1].loc[written[1]["file"] == f"survey/{name}"]
    found = shown(tables[name], name)
    assert {defect: set(lines.loc[lines["defect"] == defect, "row"].tolist()) for defect in DEFECTS} == found
    assert all(found.values()) and set(lines["defect"]) == DEFECTS
    assert not lines.duplicated(["defect", "row"]).any()


@pytest.mark.parametrize("name", FILES)
def test_a_line_of_the_ledger_quotes_its_cell(name, written, tables, wave):
    lines = written[1].loc[(written[1]["file"] == f"survey/{name}") & (written[1]["column"] != "")]
    fields = {header(item): item.field for item in ITEMS}
    for line in lines.itertuples():
        row = tables[name].iloc[line.row - 2]
        assert row[NUMBER] == line.key and row[line.column] == line.written != line.original
        if line.expected != "drop":
            assert str(wave.answers.loc[line.row - 2, fields[line.column]]) == line.original


def test_nobody_is_named_in_open_text_but_where_the_ledger_says_so(written, tables):
    table = tables["wave1_text.xlsx"]
    lines = written[1].loc[written[1]["file"] == "survey/wave1_text.xlsx"]
    listed = set(lines.loc[lines["defect"].isin(["phone_in_text", "id_number_in_text"]), "row"])
    for field in ("open_text", "cba_q6"):
        texts = table[header(BY_FIELD[field])]
        assert set(np.flatnonzero(texts.str.contains(r"\d{6}|王小明")) + 2) <= listed


def test_the_four_files_have_the_same_submissions_in_the_same_order(tables, wave):
    for flavour in FLAVOURS:
        pd.testing.assert_frame_equal(tables[f"wave1_{flavour}.xlsx"], tables[f"wave1_{flavour}_gb18030.csv"])
    text, number = tables[FILES[0]], tables[FILES[2]]
    pd.testing.assert_frame_equal(text[text.columns[:6]], number[number.columns[:6]])
    assert text[DETAIL].tolist() == [f"sojumpparm={code}" for code in wave.answers["frame_id"]]
    moments = pd.to_datetime(text[TIME], format="%Y/%m/%d %H:%M:%S")
    assert moments.is_monotonic_increasing and not text[TIME].str.contains(r"/0| 0\d").any()
    assert text["来自IP"].str.fullmatch(r"100\.\d+\.\d+\.\d+\(\w+-\w+\)").all()


def test_labels_and_option_numbers_agree_through_the_questionnaire(tables, wave):
    text, number = tables[FILES[0]], tables[FILES[2]]
    pd.testing.assert_frame_equal(coded(text, FILES[0]), coded(number, FILES[2]))
    for item in CHOSEN:
        codes = [None if place == 0 else item.code_of(place) for place in coded(text, FILES[0])[item.field]]
        truth = wave.answers[item.field].astype(object).where(wave.answers[item.field].notna(), None).tolist()
        assert codes == truth, item.field
        assert all(item.option_number(option.code) == place for place, option in enumerate(item.options, start=1))


def test_several_and_ranked_answers_agree_in_both_files(tables, wave):
    text, number = tables[FILES[0]], tables[FILES[2]]
    clauses, topics = BY_FIELD["cba_clause_used"], BY_FIELD["cba_q2"]
    ticked = number[option_headers(clauses)].to_numpy()
    labels = np.array([option.words.zh for option in clauses.options])
    for cell, row in zip(text[header(clauses)], ticked, strict=True):
        assert (cell == SKIPPED["text"] and set(row) == {SKIPPED["number"]}) or cell.split("┋") == labels[row == "1"].tolist()
    assert text[header(clauses)].str.contains("┋").any()
    for cell, row, codes in zip(text[header(topics)], number[option_headers(topics)].to_numpy(), wave.answers["cba_q2"], strict=True):
        if not pd.isna(codes):
            assert cell == "→".join(topics.label(int(code)) for code in codes.split("|"))
            assert [int(rank) for rank in row] == [codes.split("|").index(str(option.code)) + 1 for option in topics.options]


def test_a_question_left_out_by_a_rule_is_not_one_left_blank(tables, wave):
    text, number, answers = tables[FILES[0]], tables[FILES[2]], wave.answers
    for field, kept in (
        ("union_join_ym", answers["union_member"] == 1),
        ("vet", answers["sens_consent"] == 1),
        ("cba_q5", answers["know_agreement"] == 0),
    ):
        for table, flavour in ((text, "text"), (number, "number")):
            assert ((table[header(BY_FIELD[field])] == SKIPPED[flavour]) == ~kept.fillna(False)).all()
    blank = answers["inc_net_30"].isna() & (answers["consent"] == 1)
    assert ((text[header(BY_FIELD["inc_net_30"])] == BLANK["text"]) == blank).all()
    assert ((number[header(BY_FIELD["inc_net_30"])] == BLANK["number"]) == blank).all()
    refused = answers["consent"] == 0
    assert (text.loc[refused.to_numpy(dtype=bool), text.columns[7:]] == SKIPPED["text"]).all(axis=None)


def test_words_beside_other_stand_in_their_brackets(tables, wave):
    for field, words in FILL_INS.items():
        cells, said = tables[FILES[0]][header(BY_FIELD[field])], wave.answers[words]
        assert said.notna().any()
        assert (cells[said.notna()] == "其他〖" + said[said.notna()] + "〗").all()


def test_nothing_planted_means_nothing_wrong(root, tmp_path):
    wave = survey_wave(world_with(root, planted=0.0), 1, "2024-10", workforce_of("2024-10"))
    assert wave.answers["valid"].all() and len(wave.answers) == wave.issued["returned"].sum()
    assert len(write_wave(wave, tmp_path, 0.0, 1)) == 0
    for name in (FILES[1], FILES[3]):
        assert not any(shown(read(tmp_path / name), name).values())


def test_a_repeat_comes_later_and_points_at_the_first(wave):
    repeats = wave.answers.loc[wave.answers["duplicate_of"].notna()]
    first = wave.answers.set_index("resp_id").loc[repeats["duplicate_of"]]
    assert len(repeats) > 10 and repeats["duplicate_exact"].any() and not repeats["duplicate_exact"].all()
    assert (repeats["end_ts"].to_numpy() > first["end_ts"].to_numpy()).all()
    assert (repeats["frame_id"].to_numpy() == first["frame_id"].to_numpy()).all() and first["valid"].all()
    same = (repeats[list(COLUMNS)].astype(object).fillna("").to_numpy() == first[list(COLUMNS)].astype(object).fillna("").to_numpy()).all(
        axis=1
    )
    assert (same == repeats["duplicate_exact"].to_numpy()).all()


def test_the_issued_list_and_the_margins_read_back(written, wave):
    listed = pd.read_csv(written[0] / "wave1_frame.csv", dtype=str, encoding="utf-8-sig")
    assert listed["frame_id"].tolist() == wave.issued["frame_id"].tolist()
    assert listed["phone"].str.fullmatch(r"1990000\d{4}").all() and "returned" not in listed
    margins = pd.read_csv(written[0] / "wave1_margins.csv", encoding="utf-8-sig")
    assert margins["workers"].sum() == wave.frame_counts["workers"].sum()
    assert (written[0] / "wave1_margins.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_an_identity_number_has_its_checksum():
    number = identity_number(1985, 21)
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
    assert number.startswith("3702001985") and (total + (10 if number[-1] == "X" else int(number[-1]))) % 11 == 1


def test_headers_are_unique_and_wording_is_whole():
    headers = [header(item) for item in ITEMS] + [
        title for item in ITEMS if item.kind in ("multi", "ranking") for title in option_headers(item)
    ]
    assert len(set(headers)) == len(headers) and len({item.field for item in ITEMS}) == len(ITEMS)
    words = [item.words for item in ITEMS] + [option.words for item in ITEMS for option in item.options]
    assert all(text.zh and text.en for text in words)
    assert not [text.zh for text in words if re.search(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]", text.zh)]
    rules = [rule for item in ITEMS for rule in item.asked_if]
    assert all(rule.field in BY_FIELD for rule in rules)
