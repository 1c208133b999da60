"""Weights: raking, trimming, non-response, margins, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DataError, EstimationError
from impact.survey.calibration import calibrate, post_stratify
from impact.survey.estimates import means
from impact.survey.margins import Margin, margins_of
from impact.survey.raking import Control, Trim, rake
from impact.survey.response import propensity_classes, response_flow, weighting_cells
from impact.survey.sample import sample_of, within
from impact.survey.weights import base_weights, spread, trim

TIGHT = Control(epsilon=1e-9, passes=500)
SEX = Margin(("sex",), (("f",), ("m",)), (300, 700))
AGE = Margin(("age",), (("old",), ("young",)), (400, 600))


def people(rows: int = 60, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns = {"sex": random.choice(["f", "m"], rows), "age": random.choice(["old", "young"], rows), "d": random.uniform(1, 9, rows)}
    return pd.DataFrame({**columns, "y": random.normal(size=rows)})


def sample(**changes):
    return sample_of(people().assign(**changes), weight="d")


def slow_rake(weights, groups, counts):
    """Raking as the book says it, one person at a time."""
    weights = list(weights)
    for _ in range(300):
        for names, known in zip(groups, counts, strict=True):
            for level, total in known.items():
                inside = [row for row, name in enumerate(names) if name == level]
                factor = total / sum(weights[row] for row in inside)
                for row in inside:
                    weights[row] *= factor
    return weights


def test_raking_equals_a_slower_one_and_starts_from_the_design_weights():
    frame = people()
    slow = slow_rake(frame["d"], [frame["sex"], frame["age"]], [{"f": 300, "m": 700}, {"old": 400, "young": 600}])
    assert_allclose(rake(sample(), (SEX, AGE), control=TIGHT).sample.weights, slow, rtol=1e-9)
    flat = rake(sample(d=1.0), (SEX, AGE), control=TIGHT).sample.weights
    assert np.abs(flat / slow - 1).max() > 0.1


def test_raking_reports_margins_and_spread_before_and_after():
    found = rake(sample(), (SEX, AGE), control=TIGHT)
    assert_allclose(found.margins["after"], [300, 700, 400, 600])
    assert_allclose(found.margins["share_after"], found.margins["share_workers"])
    assert found.margins["rows"].sum() == 120
    d = people()["d"]
    assert_allclose(found.before.design_effect, 1 + d.var(ddof=0) / d.mean() ** 2)
    assert_allclose(found.after.effective_rows * found.after.design_effect, 60)
    assert found.passes > 1 and found.trims == 0


def test_trimmed_weights_keep_the_margins_and_the_bounds():
    frame = people(200)
    frame.loc[:2, "d"] = 200.0
    found = rake(sample_of(frame, weight="d"), (SEX, AGE), trim=Trim(upper=3), control=TIGHT)
    first = rake(sample_of(frame, weight="d"), (SEX, AGE), control=TIGHT).sample.weights
    assert found.sample.weights.max() <= 3 * np.median(first) * (1 + 1e-5)
    assert_allclose(found.margins["after"], [300, 700, 400, 600], rtol=1e-6)
    assert found.trims > 0 and found.trimmed_rows >= 3
    assert found.after.design_effect < spread(first).design_effect


def test_trimming_keeps_the_total_and_refuses_bounds_without_room():
    cut = trim(sample(), 2, 6)
    assert_allclose(cut.weights.sum(), people()["d"].sum())
    assert cut.weights.min() >= 2 - 1e-9 and cut.weights.max() <= 6 + 1e-9
    with pytest.raises(EstimationError, match="leave no room"):
        trim(sample(), 0, 1)


def test_bounds_that_margins_forbid_are_refused():
    rare = Margin(("sex",), (("f",), ("m",)), (990, 10))
    with pytest.raises(EstimationError, match="cannot both be held"):
        rake(sample(), (rare, AGE), trim=Trim(upper=2, rounds=20), control=TIGHT)


@pytest.mark.parametrize(
    ("changes", "margins", "words"),
    [
        ({}, (SEX, Margin(("age",), (("old",), ("young",)), (400, 500))), "their totals disagree"),
        ({}, (Margin(("sex",), (("f",), ("m",), ("x",)), (300, 600, 100)), AGE), "nobody in the sample"),
        ({}, (Margin(("sex",), (("m",),), (1000,)), AGE), "categories without workers in the counts"),
        ({}, (Margin(("sex",), (("f",), ("m",)), (0, 1000)), AGE), "categories without workers in the counts"),
        ({}, (Margin(("sex",), (("f",), ("m",)), (-10, 1010)), AGE), "its counts cannot be used"),
        ({}, (Margin(("sexx",), (("f",), ("m",)), (300, 700)), AGE), "Did you mean `sex`"),
        ({"sex": pd.Series(["f", None] * 30)}, (SEX, AGE), "column `sex` has missing values.\nFound 30 in 60 rows, first in rows 2, 4, 6"),
        ({}, (), "there is none"),
    ],
)
def test_margins_that_do_not_fit_are_refused(changes, margins, words):
    with pytest.raises(DataError, match="(?s)" + words) as error:
        rake(sample(**changes), margins)
    assert len(str(error.value).splitlines()) == 3


def test_raking_that_does_not_settle_is_an_error():
    with pytest.raises(EstimationError, match=r"do not settle.*\n.*the margin furthest off is `sex`") as error:
        rake(sample(), (SEX, AGE), control=Control(epsilon=1e-9, passes=2))
    assert len(str(error.value).splitlines()) == 3


def test_weights_that_go_round_in_a_circle_are_refused():
    # all women are young and all men old: the margins disagree, and every pass ends where the one before ended
    frame = people()
    frame["age"] = np.where(frame["sex"] == "f", "young", "old")
    with pytest.raises(EstimationError, match=r"no weights meet all margins.\nFound `sex` off by 300 workers") as error:
        rake(sample_of(frame, weight="d"), (SEX, AGE))
    assert len(str(error.value).splitlines()) == 3


def test_margins_are_sums_of_the_list_of_active_workers():
    workers = pd.DataFrame({"sex": ["f", "f", "m"], "age": ["old", "young", "old"], "workers": [1, 2, 4]})
    sex, crossed = margins_of(workers, ["sex", ("sex", "age")])
    assert sex == Margin(("sex",), (("f",), ("m",)), (3.0, 4.0))
    assert crossed.name == "sex × age" and crossed.counts == (1.0, 2.0, 4.0)
    with pytest.raises(DataError, match="below zero"):
        margins_of(workers.assign(workers=-1), ["sex"])


def test_one_margin_raked_is_post_stratification():
    raked, known = rake(sample(), (SEX,), control=TIGHT).sample, post_stratify(sample(), SEX)
    assert_allclose(raked.weights, known.weights)


def test_calibration_meets_totals_and_refuses_negative_weights():
    frame = sample(one=1.0)
    assert_allclose(calibrate(frame, {"one": 400.0, "y": 10.0}).weights @ people()["y"], 10)
    with pytest.raises(EstimationError, match="zero or below"):
        calibrate(frame, {"one": 400.0, "y": 1000.0})
    with pytest.raises(EstimationError, match="depend on each other"):
        calibrate(sample(one=1.0, two=2.0), {"one": 400.0, "two": 800.0})


def test_base_weights_are_one_over_the_chance():
    assert base_weights(pd.Series([0.5, 0.1])).tolist() == [2, 10]
    with pytest.raises(DataError, match="first in rows 1"):
        base_weights(pd.Series([0.0, 0.1]))
    with pytest.raises(DataError, match="Found 1 of 2"):
        base_weights(pd.Series([np.nan, 0.1]))


def frame_of_invited(rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(5)
    group = random.choice(["a", "b"], rows)
    answered = random.random(rows) < np.where(group == "a", 0.8, 0.3)
    return pd.DataFrame(
        {"group": group, "answered": answered, "valid": answered & (random.random(rows) < 0.9), "d": random.uniform(1, 3, rows)}
    )


def test_the_flow_counts_each_stratum_and_all():
    invited = frame_of_invited().assign(able=True)
    invited.loc[invited.index[~invited["answered"]][:7], "able"] = False
    flow = response_flow(invited, "group", "answered", "valid", eligible="able", weight="d")
    last = flow.iloc[-1]
    assert flow["stratum"].tolist() == ["a", "b", "total"]
    assert (last["issued"], last["ineligible"], last["returned"], last["valid"]) == (
        400,
        7,
        invited["answered"].sum(),
        invited["valid"].sum(),
    )
    assert_allclose(last["response_rate_1"], invited["valid"].sum() / 393)
    assert_allclose(last["response_rate_2"], invited["answered"].sum() / 393)
    assert_allclose(last["weighted_response_rate_1"], invited.loc[invited["valid"], "d"].sum() / invited.loc[invited["able"], "d"].sum())
    with pytest.raises(DataError, match="do not follow"):
        response_flow(invited.assign(answered=False), "group", "answered", "valid")


def test_cells_hand_the_weight_of_the_silent_to_those_who_answered():
    invited = frame_of_invited()
    made_up = weighting_cells(invited, "d", "answered", ["group"])
    sums = made_up.weights.groupby(invited["group"]).sum()
    assert_allclose(sums, invited.groupby("group")["d"].sum())
    assert (made_up.weights[~invited["answered"]] == 0).all()
    assert_allclose(made_up.propensity[invited["answered"]], (invited["d"] / made_up.weights)[invited["answered"]])
    with pytest.raises(DataError, match=r"nobody answered in some cells.\nFound b"):
        weighting_cells(invited.assign(answered=invited["group"] == "a"), "d", "answered", ["group"])


def test_propensity_classes_follow_the_shares_that_answered():
    invited = frame_of_invited()
    made_up = propensity_classes(invited, "d", "answered", ["group"])
    assert_allclose(made_up.propensity.groupby(invited["group"]).first(), invited.groupby("group")["answered"].mean())
    assert_allclose(made_up.weights.sum(), invited["d"].sum())
    with pytest.raises(EstimationError, match="no finite estimate"):
        propensity_classes(invited.assign(answered=invited["group"] == "a"), "d", "answered", ["group"])


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"d": 0.0}, {}, "weights that are not positive"),
        ({}, {"stratum": "sex", "unit": "age"}, "more than one stratum"),
        ({"total": 3.0}, {"population": "total"}, "cannot be the number of units"),
        ({"total": np.where(np.arange(60) < 9, 0.5, 80)}, {"population": "total"}, "neither counts nor shares"),
        ({"unit": "one"}, {"unit": "unit"}, "there is one sampled unit"),
        ({"total": 90.0}, {"unit": ("age", "sex"), "population": "total"}, "stages and population counts do not match"),
    ],
)
def test_a_design_that_cannot_be_is_refused(changes, options, words):
    with pytest.raises(DataError, match=words) as error:
        sample_of(people().assign(**changes), weight="d", **options)
    assert len(str(error.value).splitlines()) == 3


def test_an_empty_domain_is_refused():
    with pytest.raises(DataError, match="no row of the sample"):
        within(sample(), people()["y"] > 99)
    with pytest.raises(DataError, match="does not fit"):
        within(sample(), people()["y"])


def test_raking_mends_a_response_that_follows_the_margins_and_its_interval_covers():
    random = np.random.default_rng(11)
    size = 6000
    workers = pd.DataFrame({"sex": random.choice(["f", "m"], size, p=[0.3, 0.7]), "age": random.choice(["old", "young"], size)})
    female, old = workers["sex"] == "f", workers["age"] == "old"
    y = 5 + 2 * female + 1.5 * old + random.normal(size=size)
    chance = np.where(female, 0.1, 0.04) * np.where(old, 1.5, 0.7)
    margins = margins_of(workers.assign(workers=1), ["sex", "age"])
    hits, biased, runs = 0, 0, 300
    for _ in range(runs):
        answered = random.random(size) < chance
        asked = sample_of(workers[answered].assign(y=y[answered], d=size / answered.sum()).reset_index(drop=True), weight="d")
        plain, raked = means(asked, ("y",)).tidy().iloc[0], means(rake(asked, margins).sample, ("y",)).tidy().iloc[0]
        hits += raked["low"] <= y.mean() <= raked["high"]
        biased += plain["low"] <= y.mean() <= plain["high"]
    # 95 % ± 2.6 standard errors of 300 draws
    assert 0.917 <= hits / runs <= 0.983
    assert biased / runs < 0.3
