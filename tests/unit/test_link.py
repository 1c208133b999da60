"""Linkage needs consent, meets one account or none, counts every answer, and shows no identifier."""

from __future__ import annotations

import pandas as pd
import pytest

from impact.clean.link import FATES, link, link_key
from impact.clean.privacy import pseudonyms
from impact.errors import DataError
from impact.sources.key import SYNTHETIC_KEY, key_of
from words import complains

OTHER = key_of(b"f3a9c07e51d2b8846e0b7d19a2c5e8f4")
SURVEY = pd.DataFrame(
    [
        ("R1", "F1", 1, "linked"),
        ("R2", "F2", 0, "no_consent"),
        ("R3", "F3", None, "consent_missing"),
        ("R4", None, 1, "no_code"),
        ("R5", "F99", 1, "code_unknown"),
        ("R6", "F6", 1, "code_shared"),
        ("R7", "F6", 1, "code_shared"),
        ("R8", "F8", 1, "account_shared"),
        ("R9", "F9", 1, "account_shared"),
        ("R10", "F10", 1, "account_unknown"),
        ("R11", "F11", 1, "linked"),
        ("R12", "F12", 2, "no_consent"),
    ],
    columns=["resp_id", "frame_id", "link_consent", "fate"],
)
ISSUED = pd.DataFrame(
    {
        "frame_id": [f"F{n}" for n in range(1, 13)],
        "account_id": [f"A-000{8 if n == 9 else n}" for n in range(1, 13)],
        "phone": [f"139123456{n:02d}" for n in range(1, 13)],
        "sex": ["男"] * 6 + ["女"] * 6,
        "industry": ["courier"] * 12,
    }
)
WORKERS = frozenset(pseudonyms([f"A-000{n}" for n in range(1, 13) if n != 10], SYNTHETIC_KEY))


def linked(survey=SURVEY, issued=ISSUED, key=SYNTHETIC_KEY, purpose="study", workers=WORKERS):
    return link(survey, issued, workers, key, purpose)


def test_every_answer_has_one_fate_and_the_first_reason_decides():
    expected = SURVEY["fate"].value_counts().to_dict()
    found = linked().fates
    assert dict(zip(found["fate"], found["answers"], strict=True)) == expected
    assert set(expected) == set(FATES)


def test_pairs_are_the_pseudonyms_of_answer_and_account():
    pairs = linked().pairs.set_index("respondent")["worker"].to_dict()
    expected = dict(zip(pseudonyms(["R1", "R11"], SYNTHETIC_KEY, "r_"), pseudonyms(["A-0001", "A-00011"], SYNTHETIC_KEY), strict=True))
    assert pairs == expected


def test_without_consent_nobody_is_linked():
    assert linked(SURVEY.assign(link_consent=0)).pairs.empty
    assert linked(SURVEY.assign(link_consent=0)).missed["share_linked"].eq(0).all()


def test_links_of_two_purposes_or_projects_have_nothing_in_common():
    others = linked(purpose="other"), linked(key=OTHER, workers=pseudonyms(["A-0001", "A-00011"], OTHER))
    own = linked()
    for other in others:
        assert len(other.pairs) == len(own.pairs) == 2
        assert not set(own.pairs["link"]) & set(other.pairs["link"])
        assert own.key_id != other.key_id
    assert own.pairs["link"].tolist() == sorted(pseudonyms(own.pairs["worker"].tolist(), link_key(SYNTHETIC_KEY, "study"), "l_"))


def test_no_identifier_stands_in_what_comes_out():
    found = linked()
    out = "".join(table.to_csv() for table in (found.pairs, found.fates, found.rates, found.missed))
    clear = [*SURVEY["resp_id"], *ISSUED["frame_id"], *ISSUED["account_id"], *ISSUED["phone"]]
    assert [value for value in clear if f",{value}," in out or f",{value}\n" in out] == []


def test_rates_add_up_and_are_shares_of_what_they_say():
    rates = linked().rates.set_index(["margin", "level"])
    everybody = rates.loc[("all", "")]
    assert (everybody["answers"], everybody["consenting"], everybody["linked"]) == (12, 9, 2)
    assert everybody["match_rate"] == pytest.approx(2 / 9) and everybody["linked_rate"] == pytest.approx(2 / 12)
    for margin in ("sex", "industry"):
        assert rates.loc[margin][["answers", "consenting", "linked"]].sum().tolist() == [12, 9, 2]


def test_the_missed_are_compared_with_the_linked_level_by_level():
    missed = linked().missed.set_index(["margin", "level"])
    men = missed.loc[("sex", "男")]
    assert men["share_linked"] == pytest.approx(1 / 2) and men["share_missed"] == pytest.approx(4 / 8)
    one_sided = linked(SURVEY.assign(link_consent=[1] + [0] * 11)).missed.set_index(["margin", "level"]).loc[("sex", "男")]
    assert one_sided["difference"] == pytest.approx(1 - 4 / 9)
    assert one_sided["standardised"] == pytest.approx((1 - 4 / 9) / ((4 / 9 * 5 / 9) / 2) ** 0.5)
    assert missed.loc["sex"][["share_linked", "share_missed"]].sum().tolist() == pytest.approx([1, 1])
    assert missed.loc[("industry", "courier"), "standardised"] != missed.loc[("industry", "courier"), "standardised"]


def test_the_order_of_rows_makes_no_difference_and_inputs_stay():
    survey, issued = SURVEY.copy(), ISSUED.copy()
    plain, turned = linked(survey, issued), linked(survey[::-1], issued[::-1])
    pd.testing.assert_frame_equal(plain.pairs, turned.pairs)
    pd.testing.assert_frame_equal(plain.missed, turned.missed)
    pd.testing.assert_frame_equal(survey, SURVEY)
    pd.testing.assert_frame_equal(issued, ISSUED)


def test_a_code_for_two_accounts_is_refused():
    twice = pd.concat([ISSUED, ISSUED.head(1).assign(account_id="A-9999")])
    with complains(DataError, "issued list: `frame_id`", "records 1, 13", "one account"):
        linked(issued=twice)


def test_an_answer_that_stands_twice_is_refused():
    with complains(DataError, "survey: `resp_id`", "records 1, 13", "before linking"):
        linked(pd.concat([SURVEY, SURVEY.head(1)]))


def test_a_missing_column_is_named_with_the_nearest_one():
    with complains(DataError, "no column `link_consent`", "consent_link", "Did you mean"):
        linked(SURVEY.rename(columns={"link_consent": "consent_link"}).rename(columns={"fate": "link_consen"}))


def test_consent_in_words_is_refused_and_not_taken_for_no():
    with complains(DataError, "`link_consent` cannot be read", "同意", "Clean the survey first"):
        linked(SURVEY.assign(link_consent=["同意"] * 12))
