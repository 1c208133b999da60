"""The verdict is capped by every rule that applies, and binds the words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from impact.errors import ReportError
from impact.text import LANGUAGES, Text
from impact.verdict.verdict import NAMES, RULES, Evidence, Verdict, verdict
from impact.verdict.wording import DESCRIPTIVE, MANDATORY, causal_words, require_allowed
from words import complains

STRONG = Evidence(
    has_comparison=True,
    decided_by="agreement",
    periods_before=24,
    periods_after=12,
    covered_clusters=20,
    leads_p_value=0.5,
    breakdown=1.5,
)


@pytest.mark.parametrize(
    ("change", "level", "rule"),
    [
        ({}, "V3", "parallel_trends"),
        ({"has_comparison": False}, "V1", "no_comparison"),
        ({"periods_before": 11}, "V1", "short_window"),
        ({"periods_before": 12}, "V3", "parallel_trends"),
        ({"periods_after": 5}, "V1", "short_window"),
        ({"periods_after": 6}, "V3", "parallel_trends"),
        ({"periods_before": 1, "periods_after": 1, "periods_per_year": 1}, "V3", "parallel_trends"),
        ({"periods_before": 0, "periods_after": 1, "periods_per_year": 1}, "V1", "short_window"),
        ({"decided_by": "worker"}, "V2", "chosen_coverage"),
        ({"covered_clusters": 9}, "V2", "few_covered_clusters"),
        ({"covered_clusters": 10}, "V3", "parallel_trends"),
        ({"leads_p_value": 0.099}, "V2", "leads"),
        ({"leads_p_value": 0.1}, "V3", "parallel_trends"),
        ({"leads_p_value": None}, "V2", "leads_untested"),
        ({"breakdown": None}, "V2", "no_sensitivity_analysis"),
        ({"breakdown": 0.99}, "V2", "fragile"),
        ({"breakdown": 0.0}, "V2", "nothing_found"),
        ({"breakdown": 1.0}, "V3", "parallel_trends"),
        ({"p_value": 0.051}, "V2", "nothing_found"),
        ({"p_value": 0.05}, "V3", "parallel_trends"),
        ({"p_value": 0.051, "level": 0.9}, "V3", "parallel_trends"),
        ({"p_value_floor": 1 / 19}, "V2", "p_value_floor"),
        ({"p_value_floor": 1 / 20}, "V3", "parallel_trends"),
        ({"p_value_floor": 1 / 19, "level": 0.9}, "V3", "parallel_trends"),
        ({"p_value_floor": 0.101, "level": 0.8}, "V2", "p_value_floor"),
        ({"randomised": True}, "V5", "randomised"),
        ({"randomised": True, "has_comparison": False}, "V1", "no_comparison"),
    ],
)
def test_each_rule_caps_alone(change, level, rule):
    found = verdict(replace(STRONG, **change))
    assert (found.level, found.rule) == (level, rule)


def test_nothing_examined_is_never_taken_for_passing():
    assert verdict(Evidence(has_comparison=True)).level == "V1"
    assert verdict(Evidence(has_comparison=True, periods_before=24, periods_after=12, covered_clusters=20)).level == "V2"


def test_the_lowest_cap_wins_and_the_others_are_named_after_it():
    found = verdict(replace(STRONG, periods_before=3, decided_by="worker", breakdown=0.5))
    caps = {rule.name: rule.cap for rule in RULES}
    assert found.capped_by == ("short_window", "chosen_coverage", "fragile", "parallel_trends")
    assert [caps[name] for name in found.capped_by] == sorted(caps[name] for name in found.capped_by)


def test_one_covered_cluster_is_told_that_no_p_value_could_have_been_small_enough():
    found = verdict(replace(STRONG, covered_clusters=1, p_value=1 / 12, p_value_floor=1 / 12, leads_p_value=None, breakdown=None))
    assert found.level == "V2" and found.rule == "p_value_floor" and found.capped_by[1] == "few_covered_clusters"
    assert "no p-value could have been small enough" in found.reason.en and "p值都不可能足够小" in found.reason.zh
    assert "nothing_found" not in found.capped_by  # nothing could have been found


def test_every_rule_and_level_speaks_both_languages():
    texts = [*NAMES.values(), *(text for rule in RULES for text in (rule.reason, rule.would_raise))]
    assert all(text[language].strip() for text in texts for language in LANGUAGES)
    assert all(text.zh != text.en for text in texts)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_verdict_survives_as_json():
    found = verdict(STRONG)
    assert Verdict.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("sentence", "language", "words"),
    [
        ("The agreement reduced churn.", "en", ["reduced"]),
        ("Churn fell THANKS TO the agreement, which caused it.", "en", ["THANKS TO", "caused"]),
        ("Churn was lower after coverage than before.", "en", []),
        ("Because churn differs, see the annex.", "en", []),
        ("协议使得离职率下降，带来改善。", "zh", ["使得", "带来", "使"]),
        ("覆盖之后离职率较低。", "zh", []),
        ("The agreement lowered churn.", "en", ["lowered"]),
        ("Next year the agreement will reduce churn.", "en", ["reduce"]),
        ("Collective bargaining has raised income.", "en", ["raised"]),
        ("The agreement made churn fall.", "en", ["made"]),
        ("Churn in the months after coverage increased.", "en", []),
        ("覆盖之后流失率降低。", "zh", []),
        ("协议令流失率下降。", "zh", ["令"]),
        ("协议即使存在。", "zh", []),
        ("协议降低了流失率。", "zh", ["降低"]),
        ("协议使流失率下降。", "zh", ["使"]),
        ("本研究使用协议。", "zh", []),
        ("协议使用统一文本。", "zh", []),
        ("What would raise the grade", "en", []),
    ],
)
def test_causal_words_are_found(sentence, language, words):
    assert causal_words(sentence, language) == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mandatory_sentences_deny_cause_and_are_allowed(language):
    assert causal_words(MANDATORY[language] + DESCRIPTIVE[language], language) == []
    assert causal_words(MANDATORY[language].replace("not", "") + " It reduced churn; 导致", language) != []


@pytest.mark.parametrize("level", ["V0", "V1", "V2"])
@pytest.mark.parametrize(
    ("text", "word"), [(Text("It led to less churn.", "离职率较低。"), "led to"), (Text("Churn is lower.", "协议导致离职率下降。"), "导致")]
)
def test_below_v3_a_causal_sentence_is_refused_in_either_language(text, word, level):
    with complains(ReportError, f"a verdict of {level} does not carry the word `{word}`", "Found in: ", "Say what differs"):
        require_allowed([Text("Lower.", "较低。"), text], level)


TITLE = "How the agreement reduced churn"


@pytest.mark.parametrize("level", ["V0", "V1", "V2"])
def test_a_quoted_title_is_others_words_and_may_stand_below_v3(level):
    text = Text(f"{TITLE} (2020), which says so.", f"见{TITLE}（2020）。")
    require_allowed([text], level, (TITLE,))
    with complains(ReportError, "does not carry the word `reduced`", f"Found in: {TITLE}", "Say what differs"):
        require_allowed([text], level)
    with complains(ReportError, "does not carry the word `lowered`", "Found in: ", "Say what differs"):
        require_allowed([Text(f"{TITLE}. The agreement lowered churn.", "较低。")], level, (TITLE,))


@pytest.mark.parametrize("level", ["V0", "V1", "V2"])
def test_the_mandatory_sentences_and_the_way_to_a_better_grade_may_stand_below_v3(level):
    require_allowed([MANDATORY, DESCRIPTIVE, Text("What would raise the grade", "怎样才能提高等级")], level)


@pytest.mark.parametrize("level", ["V3", "V4", "V5"])
def test_from_v3_on_a_causal_sentence_may_stand(level):
    require_allowed([Text("The agreement reduced churn.", "协议使得离职率下降。")], level)


def test_the_rules_themselves_claim_no_more_than_they_allow():
    low = [rule for rule in RULES if rule.cap < "V3"]
    for rule in low:
        require_allowed([rule.reason, rule.would_raise], rule.cap)
