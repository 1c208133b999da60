"""Scales, representativeness of respondents, and of a handful of representatives."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DataError, EstimationError
from impact.survey.margins import Margin
from impact.survey.representativeness import response_indicators, share_table
from impact.survey.representatives import rank_table, representation
from impact.survey.response import answer_propensity
from impact.survey.scales import reliability


def answers() -> pd.DataFrame:
    """120 people, four items from 1 to 5; `c` is worded the other way round."""
    i = np.arange(120)
    base = (i * 37) % 11
    raw = {"a": 1 + (base + (i * 7) % 5) // 3, "b": 1 + (base + (i * 13) % 7) // 4, "c": 6 - (1 + (base + (i * 5) % 3) // 3)}
    return pd.DataFrame({**raw, "e": 1 + (base + (i * 11) % 9) // 4}).clip(1, 5)


def measured(items=None, **options):
    return reliability(answers() if items is None else items, **{"bounds": (1, 5), "reverse": ["c"], **options})


def test_alpha_and_its_parts_equal_r_psych():
    # psych 2.2.9: alpha(items)$total$raw_alpha; $item.stats$r.drop; $alpha.drop$raw_alpha; alpha.ci(..., n.obs = 120, n.var = 4), Feldt
    found = measured()
    assert_allclose(found.alpha, 0.9123636270341813)
    assert_allclose(found.items["item_rest"], [0.8195136576699386, 0.7569196273815064, 0.9018485875167871, 0.7369297694086788])
    assert_allclose(found.items["alpha_if_dropped"], [0.8806789316321176, 0.9023330283623057, 0.8489403584119437, 0.907932106357761])
    assert_allclose([found.alpha_low, found.alpha_high], [0.88363437838411696, 0.93543197524067601])


def test_omega_equals_r_factanal():
    # factanal(covmat = cov(items), factors = 1, lower = .005): loadings times standard deviations
    found = measured()
    assert_allclose(found.items["loading"], [1.028690236551386, 0.7896041750340209, 1.11941079308086, 0.8318194663464821], rtol=1e-6)
    assert_allclose(found.omega, 0.9187431888902994, rtol=1e-7)


def test_equal_items_have_omega_equal_to_alpha_and_both_known():
    random = np.random.default_rng(1)
    # columns made exactly uncorrelated, so that the covariance is the one asked for: loading 1, own variance 1
    parts = random.normal(size=(400, 6))
    parts = np.linalg.qr(parts - parts.mean(axis=0))[0] * np.sqrt(399)
    found = reliability(pd.DataFrame(parts[:, :1] + parts[:, 1:], columns=list("abcde")), bounds=(-99, 99))
    assert_allclose([found.alpha, found.omega], [25 / 30, 25 / 30], rtol=1e-6)


@pytest.mark.parametrize(("gaps", "alpha"), [("complete", 0.9122715176896566), ("pairwise", 0.9125654950046563)])
def test_missing_answers_as_r_psych_has_them(gaps, alpha):
    # alpha(na.omit(items)) and alpha(items), which takes pairs
    holes = answers().astype(float)
    holes.loc[[1, 49], "a"] = np.nan
    holes.loc[[6, 49, 89], "e"] = np.nan
    found = measured(holes, gaps=gaps)
    assert_allclose(found.alpha, alpha)
    assert (found.people, found.incomplete) == (116, 4)


def test_equal_weights_are_no_weights_and_double_weight_leans_alike():
    assert_allclose(measured(weights=np.full(120, 3.0)).alpha, measured().alpha)
    weights = np.where(np.arange(120) < 60, 2.0, 1.0)
    twice = pd.concat([answers(), answers().iloc[:60]], ignore_index=True)
    assert_allclose(measured(weights=weights).alpha, measured(twice).alpha)
    assert measured(weights=weights).alpha_low < measured(twice).alpha_low


def test_sentences_name_the_items_that_do_not_fit_and_suspect_reversal():
    right, wrong = measured(), measured(reverse=[])
    assert "hang together well enough" in right.sentences[0].en and "可以合成" in right.sentences[0].zh
    assert "Every item goes with" in right.sentences[-1].en
    assert "do not hang together" in wrong.sentences[0].en and "不宜合成" in wrong.sentences[0].zh
    assert "c (-0." in wrong.sentences[-1].en and "not reversed" in wrong.sentences[-1].en and "反向计分" in wrong.sentences[-1].zh


def test_scales_that_cannot_be_measured_are_refused():
    with pytest.raises(DataError, match="outside 1 to 4"):
        measured(bounds=(1, 4))
    with pytest.raises(DataError, match="item to reverse is not in it"):
        measured(reverse=["z"])
    with pytest.raises(EstimationError, match="too little to compare"):
        measured(answers()[["c"]])
    with pytest.raises(EstimationError, match=r"answered some items alike.\nFound b"):
        measured(answers().assign(b=3))


def invited() -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame({"sex": random.choice(["f", "m"], 500, p=[0.2, 0.8]), "d": random.uniform(1, 3, 500)})


def test_an_even_response_has_r_of_one_and_an_uneven_one_its_formula():
    frame = invited()
    weights = frame["d"].to_numpy()
    even = response_indicators(frame, np.full(500, 0.4), weights, ["sex"])
    assert_allclose([even.r_indicator, even.variation, even.partial["between"][0]], [1, 0, 0], atol=1e-12)
    chance = np.where(frame["sex"] == "f", 0.9, 0.1)
    uneven = response_indicators(frame, chance, weights, ["sex"])
    share = weights[frame["sex"] == "f"].sum() / weights.sum()
    deviation = 0.8 * np.sqrt(share * (1 - share))
    assert_allclose(uneven.partial["between"][0], deviation)
    assert_allclose(uneven.r_indicator, 1 - 2 * deviation * np.sqrt(weights.sum() / (weights.sum() - 1)))
    assert_allclose(uneven.variation, (1 - uneven.r_indicator) / 2 / uneven.rate)
    assert uneven.lowest_possible < uneven.r_indicator < even.r_indicator
    answered = np.random.default_rng(0).random(500) < chance
    assert_allclose(answer_propensity(frame, answered, ["sex"])[frame["sex"] == "f"], answered[frame["sex"] == "f"].mean())


def test_shares_of_respondents_are_set_against_the_workforce_group_by_group():
    margin = Margin(("sex",), (("f",), ("m",), ("x",)), (500, 400, 100))
    frame = pd.DataFrame({"sex": ["f"] * 3 + ["m"] * 7})
    table = share_table(frame, (margin,), {"unweighted": np.ones(10), "raked": np.where(frame["sex"] == "f", 5.0, 15 / 7)})
    plain = table[table["version"] == "unweighted"].set_index("level")
    assert plain["rows"].tolist() == [3, 7, 0]
    assert_allclose(plain["difference"], [-0.2, 0.3, -0.1])
    assert_allclose(plain.loc["f", "standardised"], -0.2 / np.sqrt((0.3 * 0.7 + 0.5 * 0.5) / 2))
    assert_allclose(table.loc[table["version"] == "raked", "share"], [0.5, 0.5, 0])
    with pytest.raises(DataError, match="categories that the workforce has not"):
        share_table(frame.assign(sex="z"), (margin,), {"unweighted": np.ones(10)})


def slow_p_value(seats, size):
    def chance(table):
        return np.prod([comb(n, k) for n, k in zip(size, table, strict=True)]) / comb(sum(size), sum(seats))

    tables = [table for table in product(range(sum(seats) + 1), repeat=len(size)) if sum(table) == sum(seats)]
    return sum(chance(table) for table in tables if chance(table) <= chance(seats) * (1 + 1e-9))


def test_the_exact_test_lists_every_outcome():
    margin = Margin(("job",), (("a",), ("b",), ("c",)), (60, 30, 10))
    seats = pd.DataFrame({"job": ["a", "a", "c", "c", "c"]})
    found = representation(seats, margin)
    assert_allclose(found.p_value, slow_p_value((2, 0, 3), (60, 30, 10)))
    assert found.exact and found.nobody == ("b",)
    assert_allclose(found.workers_without, 0.3)
    assert_allclose(found.table.loc[1, "chance_of_nobody"], comb(70, 5) / comb(100, 5))
    assert "by more than chance" in found.sentence.en and "有 1 类没有代表" in found.sentence.zh


def test_a_handful_never_proves_that_it_is_like_the_workforce():
    margin = Margin(("job",), (("a",), ("b",)), (60, 40))
    found = representation(pd.DataFrame({"job": ["a", "a", "a", "b", "b"]}), margin)
    assert_allclose(found.p_value, 1)
    assert "too few to tell" in found.sentence.en and "无法判断" in found.sentence.zh


def test_draws_stand_in_for_many_outcomes_and_come_near_them(monkeypatch):
    margin = Margin(("job",), (("a",), ("b",), ("c",)), (60, 30, 10))
    seats = pd.DataFrame({"job": ["a"] * 5 + ["b"] * 2 + ["c"] * 3})
    exact = representation(seats, margin)
    monkeypatch.setattr("impact.survey.representatives.MOST_TABLES", 1)
    drawn = representation(seats, margin)
    assert not drawn.exact and abs(drawn.p_value - exact.p_value) < 0.01
    assert drawn.p_value == representation(seats, margin).p_value


def test_ranks_are_set_against_the_middle_of_the_workforce():
    table = rank_table(pd.DataFrame({"orders_rank": [60.0] * 9 + [50.0, 40.0]}), ["orders_rank"]).iloc[0]
    assert (table["representatives"], table["above_half"], table["lowest"]) == (11, 9, 40)
    assert_allclose(table["p_value"], 2 * (1 + 10) / 2**10)
    with pytest.raises(DataError, match="no percentile"):
        rank_table(pd.DataFrame({"orders_rank": [101.0]}), ["orders_rank"])
