"""Margins that a small survey cannot meet: left out by name, never joined or dropped in silence; the others are met as if they stood alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import DataError
from impact.run.survey.margin_findings import margin_findings
from impact.run.survey.weights import weighted
from impact.survey.feasible import LeftOut, fewer_and_fewer, rake_feasible
from impact.survey.margins import Margin
from impact.survey.raking import Control, Trim, rake
from impact.survey.sample import sample_of
from words import complains

TIGHT = Control(epsilon=1e-9, passes=500)
SEX = Margin(("sex",), (("f",), ("m",)), (300, 700))
AGE = Margin(("age",), (("old",), ("young",)), (400, 600))
TENURE = Margin(("tenure",), (("<3",), ("3+",)), (100, 900))


def people(rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(1)
    drawn = {
        name: random.choice(list(levels), rows) for name, levels in (("sex", "fm"), ("age", ["old", "young"]), ("tenure", ["<3", "3+"]))
    }
    return pd.DataFrame({**drawn, "d": random.uniform(1, 9, rows)})


def sample(**changes: object):
    return sample_of(people().assign(**changes), weight="d")


def test_where_every_margin_can_be_met_nothing_is_left_out_and_raking_is_as_ever():
    found = rake_feasible(sample(), (SEX, AGE, TENURE), Trim(upper=20), TIGHT)
    assert found.left_out == ()
    assert_allclose(found.raking.sample.weights, rake(sample(), (SEX, AGE, TENURE), Trim(upper=20), TIGHT).sample.weights)


def test_a_margin_with_a_silent_group_is_left_out_by_name_and_the_others_are_met_as_if_alone():
    found = rake_feasible(sample(sex="m"), (SEX, AGE, TENURE), control=TIGHT)
    assert found.left_out == (LeftOut("sex", ("f",)),)
    assert_allclose(found.raking.sample.weights, rake(sample(sex="m"), (AGE, TENURE), control=TIGHT).sample.weights)


def test_of_margins_that_no_weights_meet_together_the_last_is_left_out():
    twin = people()["sex"].map({"f": "old", "m": "young"})
    for margins, last in (((SEX, TENURE, AGE), "age"), ((AGE, TENURE, SEX), "sex")):
        found = rake_feasible(sample(age=twin), margins, control=TIGHT)
        assert found.left_out == (LeftOut(last, ()),)
        kept = [margin for margin in margins if margin.name != last]
        assert_allclose(found.raking.sample.weights, rake(sample(age=twin), kept, control=TIGHT).sample.weights)


def test_a_margin_that_bounds_forbid_is_left_out():
    lopsided = replace(SEX, counts=(1.0, 999.0))
    tenfold = sample(d=1.0, sex=["f"] * 40 + ["m"] * 20)
    assert rake_feasible(tenfold, (AGE, lopsided), Trim(upper=2.0), TIGHT).left_out == (LeftOut("sex", ()),)
    assert rake_feasible(tenfold, (AGE, lopsided), control=TIGHT).left_out == ()


def test_where_no_margin_can_be_met_there_is_no_raking():
    found = rake_feasible(sample(sex="m", age="old"), (SEX, AGE), control=TIGHT)
    assert found.raking is None
    assert found.left_out == (LeftOut("sex", ("f",)), LeftOut("age", ("young",)))


def test_what_is_spelled_otherwise_and_totals_that_disagree_are_refused_all_the_same():
    with complains(DataError, "has categories without workers", "Found M", "Spell categories"):
        rake_feasible(sample(sex=["M", "f"] * 30), (SEX, AGE), control=TIGHT)
    with complains(DataError, "totals disagree", "Found sex 600", "one list"):
        rake_feasible(sample(sex="m"), (replace(SEX, counts=(300, 300)), AGE), control=TIGHT)


def test_the_fewest_are_left_out_and_the_last_first():
    assert list(fewer_and_fewer("abc")) == [tuple(one) for one in ("abc", "ab", "ac", "bc", "a", "b", "c", "")]


def asked(rows: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ask people of two industries, two sexes and three ages, unequally many; half of them answer."""
    random = np.random.default_rng(3)
    industry = random.choice(["courier", "freight"], rows, p=[0.7, 0.3])
    issued = pd.DataFrame(
        {
            "industry": industry,
            "sex": random.choice(["f", "m"], rows, p=[0.1, 0.9]),
            "age": random.choice(["<30", "30-45", "45+"], rows, p=[0.3, 0.6, 0.1]),
            "stratum": industry,
            "design_weight": np.where(industry == "courier", 4.0, 9.0),
            "valid": random.random(rows) < 0.5,
        }
    )
    counts = issued.groupby(["industry", "sex", "age"], as_index=False)["design_weight"].sum()
    return issued, counts.rename(columns={"design_weight": "workers"})


def silent(column: str, level: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    issued, counts = asked()
    return issued.assign(valid=issued["valid"] & (issued[column] != level)), counts


MARGINS = ("industry", "sex", "age")


def shares(weighting, margin: str) -> pd.Series:
    table = weighting.shares
    return table[(table["margin"] == margin) & (table["version"] == "raked")]["difference"].abs()


def test_a_group_that_never_answers_costs_its_own_margin_and_no_other():
    issued, counts = silent("sex", "f")
    found = weighted(issued, counts, MARGINS)
    assert [one.margin for one in found.left_out] == ["sex"]
    assert found.response_margins == ("industry", "age")
    assert max(shares(found, "industry").max(), shares(found, "age").max()) < 1e-3 < shares(found, "sex").max()
    alone = weighted(issued, counts, ("industry", "age"))
    assert_allclose(found.versions["raked"].weights, alone.versions["raked"].weights)
    assert (found.indicators.rate, found.spreads["raked"]) == (alone.indicators.rate, alone.spreads["raked"])


def test_a_group_that_always_answers_is_raked_and_not_modelled():
    issued, counts = asked()
    found = weighted(issued.assign(valid=issued["valid"] | (issued["age"] == "45+")), counts, MARGINS)
    assert (found.left_out, found.response_margins) == ((), ("industry", "sex"))
    assert shares(found, "age").max() < 1e-3


def test_where_nothing_can_be_met_the_design_weights_stand():
    issued, counts = silent("sex", "f")
    issued = issued.assign(valid=issued["valid"] & (issued["age"] != "45+") & (issued["industry"] == "courier"))
    found = weighted(issued, counts, MARGINS)
    assert found.raking is None
    assert_allclose(found.versions["raked"].weights, issued.loc[issued["valid"], "design_weight"])
    rules = [one.rule for one in margin_findings(found, issued, MARGINS, 5, "wave")]
    assert rules == ["margin_without_answers"] * 3 + ["survey_not_raked"]


def test_where_nobody_answered_at_all_there_is_nothing_to_weigh():
    issued, counts = asked()
    with pytest.raises(DataError, match="nobody answered"):
        weighted(issued.assign(valid=False), counts, MARGINS)


def test_a_margin_that_is_missing_for_somebody_is_refused_and_not_left_out():
    issued, counts = asked()
    with pytest.raises(DataError, match="sex"):
        weighted(issued.assign(sex=issued["sex"].where(issued.index > 3)), counts, MARGINS)


@pytest.mark.parametrize(
    ("column", "level", "rule", "says"),
    [("sex", "f", "margin_without_answers", "nobody of f gave a valid answer"), ("none", "", "", "")],
)
def test_a_margin_that_is_left_out_is_a_warning_with_its_reason_in_both_languages(column, level, rule, says):
    issued, counts = silent(column, level) if rule else asked()
    found = margin_findings(weighted(issued, counts, MARGINS), issued, MARGINS, 5, "wave")
    assert [one.rule for one in found] == ([rule] if rule else [])
    for one in found:
        assert (one.level, one.rows) == ("warning", int((issued[column] == level).sum()))
        assert says in one.text.en and "weights are raked to industry, age" in one.text.en
        assert "f无有效答卷" in one.text.zh and "industry、age" in one.text.zh
        assert one.advice.zh != one.advice.en
