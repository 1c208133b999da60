"""A study's report says how certain its effects are by the inference that the number of clusters chooses, or by the one it asks for and why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal

from clusters import NEVER, shocked_design
from impact.design.design import Design
from impact.errors import EstimationError, StudyError
from impact.estimate import att_gt
from impact.infer import few_treated, inference, permutation, wild
from impact.infer.aggregate import BYS, aggregate
from impact.infer.bands import with_bands
from impact.infer.choose import carry_out, choose
from impact.infer.leverage import leverage
from impact.report.inference_words import METHODS, inference_words, interval_words, paragraph
from impact.results import Estimate
from impact.run.inference import Certainty, certainty, inference_record, table_by
from impact.study import Study, load_study
from impact.study.inference import METHODS as ASKABLE
from impact.text import LANGUAGES, Text
from panels import design_from
from words import assert_three_parts, complains

LEVEL, SEED = 0.9, 11
NUMBERS = ("std_error", "conf_low", "conf_high", "p_value")
REASON = {"en": "the court asked for errors by cluster", "zh": "法院要求使用聚类稳健标准误"}
BOTH = {"en": "Words", "zh": "文字"}


def study(folder: Path, asked: object = None) -> Study:
    """A study, with the inference that it asks for."""
    effects = {"comparison": "never"} if asked is None else {"comparison": "never", "inference": asked}
    content = {
        "name": "couriers",
        "title": BOTH,
        "question": BOTH,
        "source": {"file": "panel.csv", "citation": "made up"},
        "period": "month",
        "columns": {"worker": "id", "unit": "city", "month": "month", "first_covered": "first"},
        "outcomes": [{"name": "income_net", "column": "pay", "kind": "income", "title": BOTH, "unit": BOTH}],
        "coverage": {"name": BOTH, "decided_by": "agreement"},
        "effects": effects,
    }
    file = folder / "couriers.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_study(file)


def world(covered: int, never: int, dates: int = 1, effect: float = 3.0, order: int = 1) -> Design:
    """Clusters of unequal size; the covered are some of any size (`order` 1), the smallest (0), the largest (−1), or the smallest and the largest (2)."""
    sizes = np.geomspace(6, 300, covered + never).round()
    sizes = {0: sizes, 1: np.random.default_rng(3).permutation(sizes), 2: np.r_[sizes[-1], sizes[:-1]]}.get(order, sizes[::-1])
    return shocked_design([4 + place % dates for place in range(covered)] + [NEVER] * never, sizes, seed=covered, effect=effect, months=7)


def effects_of(design: Design) -> Estimate:
    return att_gt.fit(design, att_gt.Options("never"))


def certain(folder: Path, design: Design, asked: object = None) -> Certainty:
    return certainty(study(folder, asked), effects_of(design), LEVEL, SEED)


def said(folder: Path, design: Design, asked: object = None) -> Text:
    return paragraph(inference_words(inference_record(certain(folder, design, asked)), 2))


# What a study may ask for.


def test_a_study_may_name_every_method_that_exists_and_readers_know_each():
    assert ASKABLE == inference.METHODS
    assert set(METHODS) == set(inference.METHODS)


def test_a_study_asks_for_a_method_with_a_reason_in_both_languages(tmp_path):
    asked = study(tmp_path, {"method": "cr1", "reason": REASON}).effects.inference
    assert (asked.method, asked.reason.en, asked.reason.zh) == ("cr1", *REASON.values())
    assert study(tmp_path).effects.inference is None


@pytest.mark.parametrize(
    ("asked", "wrong", "found", "advice"),
    [
        (
            {"method": "permutations", "reason": REASON},
            "`effects.inference.method` cannot be used",
            "Found `permutations`: it is no method (did you mean `permutation`?); known are cr1, cr2, cr3, multiplier, wild, permutation, conley_taber, ferman_pinto.",
            "impact schema",
        ),
        ({"method": "zzz", "reason": REASON}, "`effects.inference.method` cannot be used", "known are cr1, ", "impact schema"),
        ({"method": "wild"}, "key `effects.inference.reason` is missing", "nothing there", "Add it"),
        ({"method": "wild", "reason": {"en": "why"}}, "key `effects.inference.reason.zh` is missing", "nothing there", "Add it"),
        ({"method": "wild", "reason": {"en": "why", "zh": " "}}, "`effects.inference.reason` cannot be used", "say why, in both", "schema"),
        ({"methods": "wild", "reason": REASON}, "key `effects.inference.methods` is not known", "method, reason", "Did you mean `method`?"),
    ],
)
def test_a_study_that_asks_for_something_else_is_refused(asked, wrong, found, advice, tmp_path):
    with pytest.raises(StudyError) as caught:
        study(tmp_path, asked)
    complaint = next(one for one in str(caught.value).split("\n\n") if wrong in one)
    assert_three_parts(complaint, wrong, found, advice)


# What is carried out.


@pytest.mark.parametrize(
    ("covered", "never", "dates", "method", "beside"),
    [(1, 12, 1, "permutation", "ferman_pinto"), (3, 9, 1, "permutation", "wild"), (12, 14, 2, "cr2", "wild")],
)
def test_the_tidy_tables_hold_what_the_chosen_method_says(covered, never, dates, method, beside, tmp_path):
    design = world(covered, never, dates)
    found, effects = certain(tmp_path, design), effects_of(design)
    assert (found.choice, found.overall.method, [one.method for one in found.beside]) == (choose(effects.design), method, [beside])
    for by in BYS:
        direct = carry_out(method, effects, lambda other, by=by: aggregate(effects_of(other), by), by, level=LEVEL, seed=SEED)
        table = table_by(found, by)
        assert_array_equal(table["term"], direct.terms)
        for name in NUMBERS:
            assert_allclose(table[name], getattr(direct, name), rtol=1e-9)
        assert table["band_low"].notna().any() == (method == "cr2" and by != "simple")
        assert table.loc[table["term"] == "overall", "band_low"].isna().all()
    assert inference_record(found)["not_tested"] == []


def test_the_seed_and_the_level_of_the_run_are_those_of_the_draws_and_intervals(tmp_path):
    effects = effects_of(world(4, 20))
    first, again, other = (certainty(study(tmp_path), effects, LEVEL, seed) for seed in (1, 1, 2))
    assert_array_equal(first.overall.conf_low, again.overall.conf_low)
    assert first.overall.conf_low != other.overall.conf_low
    assert certainty(study(tmp_path), effects, 0.5, 1).overall.conf_low > first.overall.conf_low


def test_the_record_survives_as_json_and_says_on_how_much_the_mean_rests(tmp_path):
    design = world(3, 9)
    record = inference_record(certain(tmp_path, design))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    found = leverage(aggregate(effects_of(design), "simple"))
    assert record["effective_clusters"] == pytest.approx(found.effective_clusters[0])
    assert record["largest_leverage"] == pytest.approx(found.largest_leverage[0])
    assert (record["covered_clusters"], record["never_clusters"], record["chosen"]) == (3, 9, "permutation")
    assert record["overall"]["floor"] == pytest.approx(1 / 220) and record["overall"]["draws"] == 220
    assert record["by_number"] == record["overall"]


def test_where_no_p_value_can_be_small_enough_the_interval_is_given_at_the_level_that_has_one(tmp_path):
    found = certainty(study(tmp_path), effects_of(world(1, 9)), 0.95, SEED)
    record = inference_record(found)
    assert (record["overall"]["floor"], record["overall"]["conf_low"], record["bounded"]["level"]) == (0.1, None, 0.9)
    assert record["bounded"]["conf_low"] < record["overall"]["estimate"] < record["bounded"]["conf_high"]
    assert np.isinf(table_by(found, "simple")["conf_low"]).all()
    words = paragraph(inference_words(record, 2))
    assert "No p-value below 0.100 was possible, whatever the effect, so that no 95% interval is bounded." in words.en
    assert "p值都不可能低于0.100，因此95%区间无界。" in words.zh
    ends = interval_words(-np.inf, np.inf, record, 2)
    assert ends.en.startswith("no 95% interval is bounded; 90% interval") and ends.zh.startswith("95%区间无界；90%区间")


def test_with_too_few_clusters_for_any_level_worth_having_no_other_interval_is_looked_for(tmp_path):
    record = inference_record(certainty(study(tmp_path), effects_of(world(1, 3)), 0.95, SEED))
    assert record["bounded"] is None and record["overall"]["floor"] == 0.25
    assert interval_words(-np.inf, np.inf, record, 2).en == "no 95% interval is bounded"


def test_a_study_s_own_method_decides_with_its_reason_and_the_verdict_goes_by_what_it_sets_aside(tmp_path):
    found = certain(tmp_path, world(3, 9), {"method": "cr1", "reason": REASON})
    record = inference_record(found)
    assert (record["method"], record["overridden"], record["asked"]) == ("cr1", "permutation", True)
    assert [one["method"] for one in record["beside"]] == ["permutation", "wild"]
    assert record["by_number"] == record["beside"][0]
    words = paragraph(inference_words(record, 2))
    assert f"Its reason: {REASON['en']}." in words.en and f"理由：{REASON['zh']}。" in words.zh
    assert "it would have been permutation of the agreements over clusters, by which the verdict goes" in words.en
    assert "本应采用协议在聚类间的置换检验；证据等级以后者为准。" in words.zh


def test_a_study_that_asks_for_what_would_be_chosen_is_told_so(tmp_path):
    words = said(tmp_path, world(3, 9), {"method": "permutation", "reason": REASON})
    assert "The number of clusters would choose it too." in words.en and "按聚类数也会选择该方法。" in words.zh


def test_a_method_by_number_that_gives_no_number_leaves_its_place_and_is_named(tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise EstimationError("inference with few clusters: no spread.\nFound 1.\nAdd clusters.")

    monkeypatch.setattr(permutation, "permutation", refused)
    found = certain(tmp_path, world(1, 12))
    assert (found.choice.method, found.overall.method, found.beside) == ("permutation", "ferman_pinto", ())
    words = paragraph(inference_words(inference_record(found), 2))
    assert "Permutation gives no number: inference with few clusters: no spread. Found 1." in words.en
    monkeypatch.setattr(few_treated, "few_treated", refused)
    with complains(EstimationError, "no spread", "Found 1", "Add clusters"):
        certain(tmp_path, world(3, 9), {"method": "conley_taber", "reason": REASON})


def test_where_no_method_gives_a_number_the_first_complaint_stands(tmp_path, monkeypatch):
    def refused(*_: object) -> None:
        raise EstimationError("inference: nothing to compare.\nFound nothing.\nAdd clusters.")

    monkeypatch.setattr(permutation, "permutation", refused)
    monkeypatch.setattr(wild, "wild", refused)
    with complains(EstimationError, "nothing to compare", "Found nothing", "Add clusters"):
        certain(tmp_path, world(3, 9))


def test_errors_by_worker_stay_as_they_are(nasty, tmp_path):
    effects = att_gt.fit(design_from(nasty, level="worker"))
    found = certainty(study(tmp_path), effects, LEVEL, SEED)
    assert found.choice is None and found.overall is None
    for by in BYS:
        direct = with_bands(aggregate(effects, by), LEVEL, SEED)
        for name in (*NUMBERS, "band_low", "band_high"):
            assert_array_equal(table_by(found, by)[name], direct[name])
    record = inference_record(found)
    assert record["method"] == "cluster" and "errors are by worker" in record["reason"]["en"] and "按劳动者聚类" in record["reason"]["zh"]
    assert record["by_number"]["floor"] == 0.0 and "effective_clusters" not in record
    with complains(EstimationError, "inference `cr2`: it needs clusters of units", "workers in", "Cluster by the unit"):
        certainty(study(tmp_path, {"method": "cr2", "reason": REASON}), effects, LEVEL, SEED)


def test_with_very_many_clusters_errors_by_cluster_need_no_correction(tmp_path):
    design = shocked_design([3.0] * 60 + [NEVER] * 960, np.full(1020, 5.0), seed=1)
    found = certainty(study(tmp_path), effects_of(design), LEVEL, SEED, bys=("simple",))
    assert found.choice is None and "1,020 clusters, 60 of them covered" in found.why.en
    few = shocked_design([3.0] * 39 + [NEVER] * 981, np.full(1020, 5.0), seed=1)
    assert certainty(study(tmp_path), effects_of(few), LEVEL, SEED, bys=("simple",)).overall.method == "cr2"


def test_effects_too_many_to_be_permuted_one_by_one_have_no_interval_and_their_averages_have(tmp_path, monkeypatch):
    monkeypatch.setattr("impact.run.inference.MOST_EFFECTS", 5)
    found = certain(tmp_path, world(3, 9))
    assert table_by(found, "none")[["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert table_by(found, "none")["std_error"].notna().any() and table_by(found, "simple")["p_value"].notna().all()
    assert inference_record(found)["not_tested"] == ["none"]


@pytest.mark.parametrize(("order", "words"), [(0, "fewer workers than any other"), (-1, "more workers than any other"), (1, ""), (2, "")])
def test_plain_permutation_of_the_smallest_or_largest_is_said_to_be_no_fair_comparison(order, words, tmp_path):
    said_so = said(tmp_path, world(3, 9, dates=3, order=order), {"method": "permutation", "reason": REASON})
    assert words in said_so.en and ("in simulations, 95% intervals held" in said_so.en) == bool(words)
    assert ("人数均" in said_so.zh) == bool(words)
    several = said(tmp_path, world(4, 9, dates=2, order=order), {"method": "permutation", "reason": REASON})
    assert "in simulations" not in several.en


@pytest.mark.parametrize("method", [None, *inference.METHODS])
def test_every_method_is_said_in_both_languages_and_ends_its_sentences(method, tmp_path):
    words = said(tmp_path, world(5, 9), method and {"method": method, "reason": REASON})
    for language in LANGUAGES:
        assert words[language].strip() and "None" not in words[language] and "nan" not in words[language]
        assert not any(twice in words[language] for twice in ("..", "。。", ". .", "  "))
    assert words.en.endswith(".") and words.zh.endswith("。")
    assert not any(letter in words.zh for letter in ".;:") or "p =" in words.zh


def test_the_estimates_themselves_do_not_hang_on_the_inference(tmp_path):
    design = world(3, 9)
    plain, other = (certain(tmp_path, design, asked) for asked in (None, {"method": "cr1", "reason": REASON}))
    for by in BYS:
        assert_array_equal(table_by(plain, by)["estimate"], table_by(other, by)["estimate"])
