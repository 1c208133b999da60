"""The survey as a stage: what is asked fits the codebook, corrections hold, weights and numbers add up, and nobody can be read out of what is handed on."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from impact.clean.platform.corrections import Correction
from impact.clean.survey.corrections import corrected_answers
from impact.clean.survey.survey import clean_survey
from impact.errors import DataError, StudyError
from impact.report.figures import respondents
from impact.report.survey_words import with_words
from impact.run.folder import RunFolder
from impact.run.survey.survey import SurveyTables, as_dict, hand_on, printable_shares, survey_of
from impact.run.survey.weights import coverage_finding, uneven_response, weighted
from impact.schema.questionnaire import CODEBOOK
from impact.simulate.registry_files import registry_files
from impact.simulate.simulate import simulate
from impact.simulate.world import load_world
from impact.sources.engine import connect
from impact.sources.registry import load_registry
from impact.sources.survey_table import SurveyTable
from impact.sources.wenjuanxing.wenjuanxing import read_wenjuanxing
from impact.study import Study, load_study
from impact.text import LANGUAGES
from words import complains

ROOT = Path(__file__).parents[2]
MARGINS = ("industry", "intensity")
TINY = """
name: tiny
scale: 0.0005
months: 24
campaign: {agreements: 3, others: 2, firms: 6, last_signed: 2025-02}
survey: {issued: 600, waves: [2024-10], valid_share: 0.9}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the exports of a small world, and studies beside them."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tiny.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{TINY}", encoding="utf-8")
    world = load_world(folder / "tiny.yaml")
    out = folder / "data" / "worlds" / "tiny"
    simulate(world, out, registry=ROOT / "data" / "registry", tables=("survey", "account", "context", "truth"))
    (out / "raw" / "registry").mkdir()
    for name, text in registry_files(world, load_registry(ROOT / "data" / "registry")).items():
        (out / "raw" / "registry" / name).write_text(text, encoding="utf-8")
    return folder


def written(home: Path, **changes: object) -> Path:
    """Write the study of the network-wide agreement for the small world, with another survey."""
    study = yaml.safe_load((ROOT / "studies" / "dier.yaml").read_text(encoding="utf-8"))
    delivery = yaml.safe_load((ROOT / "studies" / "deliveries" / "default-world.yaml").read_text(encoding="utf-8"))
    waves = {1: delivery["survey"][1]}
    study["source"]["delivery"] = {**delivery, "world": "tiny.yaml", "survey": waves, "declared": []}
    study["survey"] = {**study["survey"], "wave": 1, "margins": list(MARGINS), **changes}
    path = home / "study.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def study(home: Path) -> Study:
    return load_study(written(home))


@pytest.fixture(scope="module")
def survey(home: Path, study: Study) -> SurveyTables:
    return survey_of(connect(), study, home / "data", seed=1)


@pytest.fixture(scope="module")
def raw(home: Path) -> SurveyTable:
    folder = home / "data" / "worlds" / "tiny" / "raw" / "survey"
    return read_wenjuanxing(connect(), folder / "wave1_text.xlsx", folder / "wave1_number.xlsx", CODEBOOK)


TITLE = {"en": "a", "zh": "甲"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"shares": [{"name": "a", "field": "ti_33", "codes": [4], "title": TITLE}]},
            "`ti_33`, which is no field of the codebook; the nearest spelling is `ti_3`",
        ),
        ({"shares": [{"name": "a", "field": "ti_3", "codes": [7], "title": TITLE}]}, "`ti_3` has no answer 7"),
        ({"means": [{"name": "a", "field": "ti_3", "title": TITLE, "unit": TITLE}]}, "`ti_3`, which is no number"),
        ({"scales": [{"name": "a", "fields": ["ti_1", "educ"], "title": TITLE}]}, "are not all answered on the same steps"),
        ({"wave": 3}, "`survey: wave` is 3; the delivery has wave 1"),
        ({"by": "sex"}, "`by: sex` is not among `margins`: industry, intensity"),
    ],
)
def test_what_the_survey_cannot_tell_is_refused_with_what_it_can(home, changes, found):
    with pytest.raises(StudyError) as caught:
        load_study(written(home, **changes))
    assert found in str(caught.value)


def correction(raw: SurveyTable, old: str, new: str, column: str = "inc_net_30", **other: str) -> Correction:
    place = raw.answers.index[raw.answers["inc_net_30"].notna()][0]
    told = {"id": str(raw.answers.at[place, "submission"]), **other}
    return Correction(2, "survey", told["id"], column, old, new, "asked again", "somebody", date(2025, 1, 2))


def amount(raw: SurveyTable) -> str:
    return f"{raw.answers['inc_net_30'].dropna().iloc[0]:g}"


def test_a_correction_changes_one_cell_and_is_counted_with_its_row(raw):
    before = raw.answers.copy()
    found = corrected_answers(raw, [correction(raw, amount(raw), "4321")], 1, (1,))
    changed = found.table.answers["inc_net_30"].fillna(-1) != before["inc_net_30"].fillna(-1)
    assert (int(changed.sum()), found.table.answers.loc[changed, "inc_net_30"].item()) == (1, 4321)
    assert [(rule.id, rule.action, rule.rows) for rule in found.rules] == [("correction", "changed", 1)]
    assert found.touched["rule"].to_pylist() == ["correction"]
    pd.testing.assert_frame_equal(raw.answers, before)


def test_a_corrected_amount_is_no_longer_flagged(raw):
    flags = clean_survey(raw).table.to_pandas()
    row = flags[flags["flag_income_in_fen"] & (flags["inc_net_30"] > 20_000)].iloc[0]
    line = Correction(
        2,
        "survey",
        str(row["submission"]),
        "inc_net_30",
        f"{row['inc_net_30']:.0f}",
        f"{row['inc_net_30'] / 100:.0f}",
        "asked",
        "me",
        date(2025, 1, 2),
    )
    after = clean_survey(corrected_answers(raw, [line], 1, (1,)).table).table.to_pandas()
    assert int(flags["flag_income_in_fen"].sum()) - int(after["flag_income_in_fen"].sum()) == 1


@pytest.mark.parametrize(
    ("change", "wrong", "found", "advice"),
    [
        (
            {"old": "1"},
            "the old value of `inc_net_30` is not what the survey says",
            "where `1` was expected",
            "Look at the submission again",
        ),
        ({"new": "much"}, "the new value of `inc_net_30` cannot be an answer", "Found `much`", "Write a number"),
        ({"column": "inc_net_31"}, "the survey has no field `inc_net_31`", "Found fields", "Did you mean `inc_net_30`?"),
        ({"id": "9999999"}, "`id` does not mean one submission", "Found 0 submissions", "Write the number of the submission"),
    ],
)
def test_a_correction_that_does_not_hold_is_refused(raw, change, wrong, found, advice):
    with complains(DataError, wrong, found, advice):
        corrected_answers(raw, [correction(raw, **{"old": amount(raw), "new": "5", **change})], 1, (1,))


def test_where_there_are_two_waves_a_correction_names_its_own(raw):
    bare = correction(raw, amount(raw), "5")
    with complains(DataError, "`id` does not say which submission is meant", "the delivery has wave 1, wave 2", "Write the wave, a blank"):
        corrected_answers(raw, [bare], 1, (1, 2))
    with complains(DataError, "`id` does not say which submission is meant", "Found `3 ", "Write the wave, a blank"):
        corrected_answers(raw, [replace(bare, id=f"3 {bare.id}")], 1, (1, 2))
    assert corrected_answers(raw, [replace(bare, id=f"2 {bare.id}")], 1, (1, 2)).rules == ()
    assert corrected_answers(raw, [replace(bare, id=f"1 {bare.id}")], 1, (1, 2)).rules[0].rows == 1


def test_raked_weights_meet_every_margin_and_the_flow_adds_up(survey):
    shares = survey.weighting.shares
    raked = shares[shares["version"] == "raked"]
    assert np.abs(raked["difference"]).max() < 1e-3
    assert shares[shares["version"] == "unweighted"]["difference"].abs().max() > 0.02
    flow = survey.flow.set_index("stratum")
    assert flow.loc["total", ["issued", "returned", "valid"]].tolist() == flow.drop("total")[["issued", "returned", "valid"]].sum().tolist()
    assert flow.loc["total", "valid"] == len(survey.answers)


def test_numbers_are_those_of_a_second_plainer_way(survey):
    told = survey.estimates.set_index(["name", "version"])["estimate"]
    for name in ("knows_agreement", "net_income"):
        answers = survey.answers[survey.answers[name].notna()]
        assert told[name, "unweighted"] == pytest.approx(answers[name].mean())
        assert told[name, "design"] == pytest.approx(np.average(answers[name], weights=answers["weight_design"]))
        assert told[name, "raked"] == pytest.approx(np.average(answers[name], weights=answers["weight_raked"]))


def test_a_flagged_income_enters_no_mean_of_income_and_every_other_number(survey):
    raked = survey.weighting.versions["raked"].frame
    flagged = raked[[name for name in raked.columns if name.startswith("flag_income_")]].any(axis=1)
    assert flagged.any()
    rows = survey.estimates.set_index(["name", "version"])["rows"]
    assert rows["net_income", "raked"] == int((raked["inc_net_30"].notna() & ~flagged).sum())
    assert rows["knows_agreement", "raked"] == int(raked["know_agreement"].notna().sum())
    assert rows["knows_agreement", "unflagged"] == int((raked["know_agreement"].notna() & ~flagged).sum())


def test_a_reversed_item_is_turned_and_no_other(survey):
    items = {
        item: turned for one in survey.scales for item, turned in zip(one.found.items["item"], one.found.items["reversed"], strict=True)
    }
    assert [item for item, turned in items.items() if turned] == ["support_3"]


def test_numbers_behind_which_few_respondents_stand_are_emptied(home):
    study = load_study(written(home, by="industry")).model_copy(
        update={"report": load_study(written(home)).report.model_copy(update={"minimum_cell": 60})}
    )
    few = survey_of(connect(), study, home / "data", seed=1)
    assert few.by["estimate"].isna().any()
    shown = few.by[few.by["estimate"].notna()]
    assert (shown["rows"] >= 60).all()
    assert few.elected is not None and few.elected.ranks["mean"].isna().all()


def test_nothing_that_is_handed_on_leads_back_to_a_person(home, survey, tmp_path):
    run = RunFolder(tmp_path)
    hand_on(run, survey)
    raw = home / "data" / "worlds" / "tiny" / "raw" / "survey"
    with (raw / "wave1_frame.csv").open(encoding="utf-8-sig") as stream:
        listed = list(csv.DictReader(stream))
    secrets = {row[name] for row in listed for name in ("frame_id", "account_id", "name", "phone")}
    texts = [file.read_text(encoding="utf-8") for file in (tmp_path / "stages").glob("*.json")]
    texts += [pd.read_parquet(file).to_csv() for file in (tmp_path / "stages").glob("*.parquet")]
    words = {word for text in texts for word in text.replace('"', ",").replace("\n", ",").split(",")}
    assert len(texts) > 8
    assert not secrets & words
    assert not {"link_code", "ip_hash", "frame_id", "submission", "open_text", "birth_year", "vet"} & set(survey.answers.columns)


def test_the_figure_has_one_row_for_each_category(survey):
    shares = with_words(printable_shares(survey))
    categories = len(shares[shares["version"] == "raked"])
    for language in LANGUAGES:
        axes = respondents(shares, language).axes[0]
        assert len(axes.get_yticks()) == categories


def test_bands_stand_in_the_order_of_their_numbers():
    levels = ["12-36", "3-12", "36+", "<3"]
    table = pd.DataFrame({"margin": ["industry", *["tenure_band"] * 4], "level": ["freight", *levels]})
    assert with_words(table)["level_en"].tolist() == ["freight", "<3", "3-12", "12-36", "36+"]


def invited(rate_covered: float) -> pd.DataFrame:
    """Invite 2000 people of two industries, half of them covered; the others answer in seven of ten cases."""
    random = np.random.default_rng(5)
    covered = np.repeat([True, False], 1000)
    valid = random.random(2000) < np.where(covered, rate_covered, 0.7)
    industry = np.where(random.random(2000) < 0.5, "freight", "courier")
    return pd.DataFrame({"industry": industry, "stratum": industry, "design_weight": 5.0, "covered": covered, "valid": valid})


def test_the_finding_stands_where_response_differs_by_coverage_and_only_there():
    for rate, stands in ((0.7, False), (0.85, True)):
        found = coverage_finding(uneven_response(invited(rate), ("industry",)), ("industry",), "wave")
        assert [finding.rule for finding in found] == ["response_by_coverage"] * stands


def test_raking_by_coverage_takes_the_bias_of_coverage_away_and_other_margins_do_not():
    asked = invited(0.9)
    value = asked["covered"].astype(float)
    counts = asked.groupby(["industry", "covered"], as_index=False).size().rename(columns={"size": "workers"})
    plain, aided = (
        weighted(asked.assign(value=value), counts, margins).versions["raked"] for margins in (("industry",), ("industry", "covered"))
    )
    truth = value.mean()
    assert abs(np.average(plain.frame["value"], weights=plain.weights) - truth) > 0.05
    assert np.average(aided.frame["value"], weights=aided.weights) == pytest.approx(truth, abs=1e-3)


def test_everything_said_is_said_in_both_languages(survey):
    told = as_dict(survey)
    assert all(text["en"] and text["zh"] for texts in told["scales"].values() for text in texts)
    assert told["response"]["sentence"]["zh"] != told["response"]["sentence"]["en"]
