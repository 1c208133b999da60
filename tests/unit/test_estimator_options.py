"""Options of estimators, as users write them: `--option NAME=VALUE`, and `impact estimators`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal

import pytest

from impact.cli import main
from impact.errors import DataError, DesignError, StudyError
from impact.estimate import ESTIMATORS
from impact.results import Info
from impact.run.options import options_in, options_of, written
from panels import answer_from
from words import assert_three_parts, complains


@dataclass(frozen=True, slots=True)
class Options:
    """Of an estimator that was made up."""

    base: Literal["varying", "universal"] = "varying"
    """Base month."""
    draws: int = 9
    """Draws,
    in two lines."""
    cutoff: float = 0.5
    """Cut-off."""
    clean: bool = False
    """Whether."""
    last: int | None = None
    """Last month."""
    quantiles: tuple[float, ...] = (0.1, 0.9)
    """Which."""
    covariates: tuple[object, ...] = ()
    """Columns of the file."""


MADE_UP = SimpleNamespace(INFO=Info("made_up", "Made up", "虚构", "nobody"), Options=Options)


def test_values_are_read_by_the_type_of_the_field():
    said = {"base": "universal", "draws": "19", "cutoff": "-1.5", "clean": "yes", "last": "12", "quantiles": "0.25, 0.5"}
    assert options_of(MADE_UP, {}, said) == Options("universal", 19, -1.5, True, 12, (0.25, 0.5))
    assert options_of(MADE_UP, {"draws": 7}, {"last": "none", "clean": "no"}) == Options(draws=7)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("base", "universl", "it is varying or universal"),
        ("draws", "many", "it is a whole number"),
        ("cutoff", "high", "it is a number"),
        ("clean", "perhaps", "it is no or yes"),
        ("last", "June", "it is a whole number or none"),
        ("quantiles", "0.1,x", "it is numbers with commas between"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_what_it_could_be(option, value, words):
    advice = "Did you mean `universal`?" if option == "base" else "impact estimators made_up"
    with complains(StudyError, f"option `{option}` cannot be `{value}`", words, advice):
        options_of(MADE_UP, {}, {option: value})


def test_an_unknown_option_is_met_with_the_nearest_and_columns_are_none():
    with complains(StudyError, "option `bases` is not known", "Known: base, draws", "Did you mean `base`?"):
        options_of(MADE_UP, {}, {"bases": "varying"})
    with complains(StudyError, "option `covariates` is not known", "Known: base", "impact estimators made_up"):
        options_of(MADE_UP, {}, {"covariates": "x"})


def test_options_are_written_name_equals_value_and_once():
    assert written(["base = universal", "draws=3"]) == {"base": "universal", "draws": "3"}
    for one in ("base", "=3", "draws="):
        with complains(StudyError, f"--option `{one}`: it is not NAME=VALUE", one, "--option base=universal"):
            written([one])
    with complains(StudyError, "--option draws is given twice", "Found `3` and `4`", "Leave one"):
        written(["draws=3", "draws=4"])


def test_every_option_of_every_estimator_has_words_a_default_that_can_be_written_and_a_kind():
    for name, module in ESTIMATORS.items():
        for option in options_in(module):
            assert option.words, f"{name}: {option.name} has no words below its field"
            assert "typing" not in option.choices, f"{name}: {option.name} is of a kind that nobody can write"


def test_an_option_reaches_the_estimator(nasty, tmp_path):
    plain, universal = (answer_from(nasty, tmp_path, options=said).estimate for said in ({}, {"base": "universal"}))
    assert plain.options.base == "varying" and universal.options.base == "universal"
    assert len(universal.terms) > len(plain.terms)


def test_an_option_that_is_given_by_its_flag_as_well_is_refused(nasty, tmp_path):
    with complains(StudyError, "`base` is given twice", "--base universal and --option base=varying", "Leave one"):
        answer_from(nasty, tmp_path, base="universal", options={"base": "varying"})


def test_what_an_estimator_does_not_read_is_refused(nasty, tmp_path):
    with complains(StudyError, "--covariates means nothing to it", "Found rides", "twfe"):
        answer_from(nasty, tmp_path, estimator="synthetic_did", covariates=("rides",))
    with complains(StudyError, "--score means nothing to it", "Found --score rides", "Leave it out"):
        answer_from(nasty, tmp_path, estimator="twfe", traits={"score": "rides"})


@pytest.fixture
def said(capsys, monkeypatch):
    """Run `impact estimators`, and give what it wrote."""

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["impact", "estimators", *words])
        with pytest.raises(SystemExit):
            main()
        written = capsys.readouterr()
        return str(written.out + written.err)

    return run


def test_the_list_names_every_estimator_in_both_languages(said):
    lines = said().splitlines()
    assert [line.split()[0] for line in lines] == list(ESTIMATORS)
    assert all(ESTIMATORS[name].INFO.title_zh in line for name, line in zip(ESTIMATORS, lines, strict=True))


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_an_estimator_is_explained_with_its_options(name, said):
    words = said(name)
    assert "Estimand:" in words and all(f"  {option.name}=" in words for option in options_in(ESTIMATORS[name]))


def test_an_unknown_estimator_is_met_with_the_nearest(said):
    assert_three_parts(said("attgt").strip(), "estimator `attgt` is not known", "Known estimators: att_gt", "Did you mean `att_gt`?")


def test_words_are_folded_into_eighty_columns(said):
    for name in ESTIMATORS:
        assert max(map(len, said(name).splitlines())) <= 80, name


@pytest.mark.parametrize(
    ("role", "estimator", "whom"),
    [("dose", "dose", "unit"), ("eligible", "triple_difference", "worker"), ("score", "regression_discontinuity", "worker")],
)
def test_a_trait_that_changes_is_refused_with_an_example(role, estimator, whom, nasty, tmp_path):
    with complains(DataError, "column `rides` changes within", "also", f"one value for a {whom}"):
        answer_from(nasty, tmp_path, estimator=estimator, traits={role: "rides"})


def test_a_column_of_categories_is_told_how_to_be_written(nasty, tmp_path):
    with complains(DataError, "column `cluster` cannot be used", "region", "write C(cluster)"):
        answer_from(nasty, tmp_path, covariates=("cluster",))


def test_bins_refuse_an_outcome_however_small_it_is(nasty, tmp_path):
    for size in (1e-3, 1e-12):
        with complains(DesignError, "bins do not tell values between -1 and 1 apart", "100% of rows", "smaller unit"):
            answer_from(nasty.assign(income=nasty["income"] * size), tmp_path, estimator="changes_in_changes")
