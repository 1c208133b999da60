"""`impact estimate --inference`: the numbers of the method that is asked for, why it was this one, and refusals in words."""

from __future__ import annotations

import io
import json
import sys
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from clusters import NEVER as NEVER_COVERED
from clusters import shocked_design
from impact.cli import main
from impact.design.design import Design
from impact.estimate import att_gt
from impact.infer import few_treated, jackknife, permutation, small_sample, wild
from impact.infer.aggregate import Window, aggregate
from impact.infer.inference import METHODS, Inference
from impact.results import TIDY_COLUMNS, Estimate
from panels import answer_from
from words import assert_three_parts

COLUMNS = ("--month", "month", "--first-covered", "first_covered", "--outcome", "income", "--unit", "unit", "--worker", "worker")
REGIONS = (*COLUMNS, "--cluster", "cluster")
NEVER = (*REGIONS, "--comparison", "never")
PATH = ("--aggregate", "event_time", "--event-from", "-3", "--event-to", "3")
WINDOW = Window(-3, 3)
LEVEL, SEED = 0.9, 11
every_method = pytest.mark.parametrize("method", METHODS)
NO_BANDS = ("wild", "permutation", "conley_taber", "ferman_pinto")


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Standard error without its line breaks."""
        return " ".join(self.err.split())

    @property
    def records(self) -> list[dict[str, float]]:
        """The rows that --json wrote."""
        return list(json.loads(self.out))

    def column(self, name: str) -> np.ndarray:
        """One column of what --json wrote; missing where it is null."""
        return np.array([np.nan if record[name] is None else record[name] for record in self.records], dtype=float)


@pytest.fixture
def impact(monkeypatch, capsys) -> Callable[..., Said]:
    """Run a command in this process."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["impact", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        capture = capsys.readouterr()
        return Said(int(ended.value.code or 0), capture.out, capture.err)

    return run


@pytest.fixture
def panel(nasty: pd.DataFrame, tmp_path: Path) -> Path:
    """Eight covered regions and four never covered."""
    return written(nasty, tmp_path)


@pytest.fixture(scope="module")
def effects(nasty: pd.DataFrame, tmp_path_factory) -> Estimate:
    """Effects of the panel before they are averaged, with the never covered to compare with."""
    return answer_from(nasty, tmp_path_factory.mktemp("effects"), cluster="cluster", comparison="never").effects


def written(frame: pd.DataFrame, folder: Path) -> Path:
    file = folder / "panel.csv"
    frame.to_csv(file, index=False)
    return file


def with_covered(nasty: pd.DataFrame, covered: int, never: int) -> pd.DataFrame:
    """Keep some covered and some never covered regions."""
    regions = nasty.groupby("cluster")["first_covered"].first().sort_index()
    kept = [*regions[regions.notna()].index[:covered], *regions[regions.isna()].index[:never]]
    return nasty[nasty["cluster"].isin(kept)]


def directly(method: str, effects: Estimate) -> Inference:
    """Call the function of a method, with the seed and the level of these tests."""

    def refit(design: Design) -> Estimate:
        return aggregate(att_gt.fit(design, effects.options), "event_time", WINDOW)

    averaged = aggregate(effects, "event_time", WINDOW)
    calls: dict[str, Callable[[], Inference]] = {
        "cr1": lambda: small_sample.cr1(averaged, LEVEL, SEED),
        "cr2": lambda: small_sample.cr2(effects, "event_time", WINDOW, small_sample.Options(seed=SEED), LEVEL),
        "cr3": lambda: jackknife.cr3(averaged, refit, LEVEL, SEED),
        "multiplier": lambda: wild.multiplier(averaged, wild.Options(seed=SEED), LEVEL),
        "wild": lambda: wild.wild(effects, "event_time", WINDOW, wild.Options(seed=SEED), LEVEL),
        "permutation": lambda: permutation.permutation(effects, refit, "event_time", WINDOW, permutation.Options(seed=SEED), LEVEL),
        "conley_taber": lambda: few_treated.few_treated(averaged, few_treated.Options("conley_taber", seed=SEED), LEVEL),
        "ferman_pinto": lambda: few_treated.few_treated(averaged, few_treated.Options("ferman_pinto", seed=SEED), LEVEL),
    }
    return calls[method]()


@pytest.mark.parametrize("asked", [(), ("--aggregate", "event_time", "--bands"), ("--cluster", "worker"), ("--estimator", "twfe")])
def test_errors_by_cluster_are_the_default_and_change_nothing(asked, impact, panel):
    assert impact("estimate", panel, *COLUMNS, *asked) == impact("estimate", panel, *COLUMNS, *asked, "--inference", "cluster")


def test_without_the_option_numbers_are_those_of_the_estimate(impact, panel, nasty, tmp_path):
    plain = answer_from(nasty, tmp_path, cluster="cluster", by="event_time", window=WINDOW).estimate.tidy(LEVEL)
    said = impact("estimate", panel, *REGIONS, *PATH, "--level", LEVEL, "--json")
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        assert_allclose(said.column(name), plain[name])
    assert "inference" not in said.err


@every_method
def test_a_method_gives_what_its_function_gives(method, impact, panel, effects):
    found = directly(method, effects)
    said = impact("estimate", panel, *NEVER, *PATH, "--inference", method, "--level", LEVEL, "--seed", SEED, "--json")
    assert [record["term"] for record in said.records] == list(found.terms)
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        values = getattr(found, name)
        assert_allclose(said.column(name), np.where(np.isfinite(values), values, np.nan), rtol=1e-12)
    assert np.isfinite(said.column("p_value")).all()


@pytest.mark.parametrize("method", ["cr1", "cr2", "multiplier"])
def test_bands_are_those_of_the_method_with_its_seed(method, impact, panel, effects):
    found = directly(method, effects)
    asked = ("estimate", panel, *NEVER, *PATH, "--inference", method, "--level", LEVEL, "--bands", "--json", "--seed")
    said = impact(*asked, SEED)
    assert found.band_reach is not None
    assert_allclose(said.column("band_high"), found.estimate + found.band_reach, rtol=1e-12)
    assert_allclose(said.column("band_low"), found.estimate - found.band_reach, rtol=1e-12)
    assert impact(*asked, SEED).out == said.out != impact(*asked, SEED + 1).out


@pytest.mark.parametrize("method", ["multiplier", "wild", "permutation", "conley_taber", "ferman_pinto"])
def test_the_seed_is_that_of_the_draws(method, impact, panel):
    asked = ("estimate", panel, *REGIONS, *PATH, "--inference", method, "--json", "--seed")
    first, again, other = (impact(*asked, seed) for seed in (1, 1, 2))
    assert first.out == again.out
    # Twelve clusters have 4,096 sign patterns and 34,650 assignments, more than are drawn.
    assert first.out != other.out


@pytest.mark.parametrize("method", ["chosen", *METHODS])
def test_json_and_csv_have_the_same_columns_whatever_the_method(method, impact, panel):
    asked = ("estimate", panel, *REGIONS, *PATH, "--inference", method)
    as_json, as_csv = impact(*asked, "--json"), impact(*asked, "--csv")
    assert all(tuple(record) == TIDY_COLUMNS for record in as_json.records)
    table = pd.read_csv(io.StringIO(as_csv.out))
    assert tuple(table.columns) == TIDY_COLUMNS and as_csv.err == as_json.err
    assert_allclose(table["p_value"], as_json.column("p_value"))


@pytest.mark.parametrize("method", ["chosen", *METHODS])
def test_table_and_words_fit_into_80_columns(method, impact, panel):
    said = impact("estimate", panel, *REGIONS, *PATH, "--inference", method)
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize(("covered", "never", "method", "beside"), [(8, 4, "permutation", "wild"), (1, 4, "ferman_pinto", "permutation")])
def test_the_number_of_clusters_chooses_and_says_why(covered, never, method, beside, impact, nasty, tmp_path):
    file = written(with_covered(nasty, covered, never), tmp_path)
    asked = ("estimate", file, *REGIONS, "--aggregate", "simple", "--json", "--inference")
    said, other = impact(*asked, "chosen"), impact(*asked, beside)
    assert said.out == impact(*asked, method).out
    assert f"inference chosen: {method}. {covered} covered and {never} never covered clusters, too few" in said.words
    low, high, p_value = (other.records[0][name] for name in ("conf_low", "conf_high", "p_value"))
    ends = " to ".join("inf" if end is None else f"{end:.4f}" for end in (low, high)) if low is not None else "-inf to inf"
    assert f"beside it, {beside}: overall {other.records[0]['estimate']:.4f}, from {ends}, p-value {p_value:.4f}" in said.words


def test_many_clusters_choose_cr2(impact, nasty, tmp_path):
    """Every city becomes three, so that 36 are covered."""
    third = nasty["worker"].str[-1].astype(int) % 3
    file = written(nasty.assign(unit=nasty["unit"] + "." + third.astype(str)), tmp_path)
    asked = ("estimate", file, *COLUMNS, *PATH, "--json", "--inference")
    said = impact(*asked, "chosen")
    assert said.out == impact(*asked, "cr2").out != impact(*asked, "cluster").out
    assert "inference chosen: cr2." in said.words and "degrees of freedom" in said.words and "beside it, wild: overall" in said.words


def test_a_method_beside_that_gives_no_number_is_named_and_takes_nothing_from_the_first(impact, nasty, tmp_path, monkeypatch):
    def refused(*_: object) -> Inference:
        raise permutation.EstimationError("inference `permutation`: no order.\nFound 1 cluster.\nAdd clusters.")

    file = written(with_covered(nasty, 1, 4), tmp_path)
    asked = ("estimate", file, *REGIONS, "--aggregate", "simple", "--json", "--inference", "chosen")
    plain = impact(*asked)
    monkeypatch.setattr(permutation, "permutation", refused)
    said = impact(*asked)
    assert (said.code, said.out) == (0, plain.out)
    assert "beside it, permutation gives no number: inference `permutation`: no order. Found 1 cluster" in said.words


@pytest.mark.parametrize(
    ("extra", "method"),
    [(("--estimator", "etwfe_poisson"), "not linear"), (("--estimator", "dose", "--dose", "dose"), "their doses would not go")],
)
def test_where_the_chosen_method_gives_no_number_the_one_beside_it_decides_and_that_is_said(extra, method, impact, panel):
    said = impact("estimate", panel, *REGIONS, *extra, "--inference", "chosen", "--json")
    assert said.code == 0 and np.isfinite(said.column("p_value")).any()
    assert (
        "inference: wild, in place of permutation." in said.words and "permutation gives no number" in said.words and method in said.words
    )


def test_permutation_takes_the_effect_from_the_eligible_alone(impact, panel):
    asked = ("estimate", panel, *REGIONS, "--estimator", "triple_difference", "--eligible", "eligible", "--comparison", "never")
    said = impact(*asked, "--aggregate", "simple", "--inference", "permutation", "--json")
    assert said.code == 0 and said.column("conf_low")[0] < said.column("estimate")[0] < said.column("conf_high")[0]


def test_leads_that_are_averaged_already_take_no_window(impact, panel):
    asked = ("estimate", panel, *REGIONS, "--estimator", "imputation", "--option", "leads=2", "--aggregate", "event_time", "--json")
    assert impact(*asked).code == 0
    said = impact(*asked, "--event-to", "2")
    assert said.code != 0 and "averaged by event_time already" in said.words


def test_without_an_overall_mean_nothing_stands_beside(impact, panel):
    assert "beside it" not in impact("estimate", panel, *REGIONS, "--inference", "chosen", "--json").err


@every_method
def test_the_words_name_the_method_and_what_the_number_of_clusters_would_choose(method, impact, panel):
    words = impact("estimate", panel, *REGIONS, "--aggregate", "simple", "--inference", method, "--json").words
    assert f"inference asked for: {method}" in words and "8 covered and 4 never covered clusters" in words
    other = "which the number of clusters would choose too" if method == "permutation" else "would choose permutation"
    assert other in words


@every_method
def test_the_floor_of_the_p_value_is_said_once_where_there_is_one(method, impact, panel, effects):
    floor = directly(method, effects).floor
    words = impact("estimate", panel, *NEVER, *PATH, "--inference", method, "--seed", SEED, "--json").words
    assert words.count(f"can be below {floor:.2g}") == (1 if floor else 0) == words.count("can be below")


@every_method
def test_the_caveats_of_the_method_are_printed(method, impact, panel, effects):
    notes = directly(method, effects).notes
    words = impact("estimate", panel, *NEVER, *PATH, "--inference", method, "--seed", SEED, "--json").words
    assert all(" ".join(note.en.split()) in words for note in notes)


@every_method
def test_errors_by_few_clusters_are_distrusted_only_where_intervals_rest_on_them(method, impact, panel):
    words = impact("estimate", panel, *REGIONS, *PATH, "--inference", method, "--json").words
    assert ("do not trust these errors" in words) == (method in ("cr1", "cr2", "cr3", "multiplier"))


def test_ends_of_intervals_that_are_infinite_are_said(impact, nasty, tmp_path):
    """Among five clusters no p-value is below a fifth."""
    file = written(with_covered(nasty, 1, 4), tmp_path)
    said = impact("estimate", file, *REGIONS, "--aggregate", "simple", "--inference", "permutation", "--json")
    assert said.records[0]["conf_low"] is said.records[0]["conf_high"] is None and said.records[0]["p_value"] >= 0.2
    assert "2 ends of intervals are infinite, and empty in --json and --csv" in said.words
    assert "infinite" not in impact("estimate", file, *REGIONS, "--inference", "cr1", "--json").err


@pytest.mark.parametrize(
    ("method", "estimator"),
    [
        *product(["cr1", "cr2", "wild", "ferman_pinto"], ["twfe", "sun_abraham", "imputation", "etwfe", "stacked"]),
        ("permutation", "stacked"),
        ("permutation", "twfe"),
    ],
)
def test_other_estimators_are_inferred_about_as_well(method, estimator, impact, balanced, tmp_path):
    """By permutation only without holes: cohorts that go elsewhere must leave every term estimable."""
    file = written(balanced, tmp_path)
    averaged = () if estimator == "twfe" else ("--aggregate", "simple")
    asked = ("estimate", file, *REGIONS, *averaged, "--estimator", estimator, "--json")
    plain, said = impact(*asked), impact(*asked, "--inference", method)
    assert said.code == 0 and said.column("estimate") == pytest.approx(plain.column("estimate"))
    assert said.column("p_value")[0] <= 0.05 + (method != "cr1")
    low, high = said.column("conf_low")[0], said.column("conf_high")[0]
    assert not low > said.column("estimate")[0] and not high < said.column("estimate")[0]


@pytest.mark.parametrize(
    ("asked", "kind", "wrong", "found", "advice"),
    [
        (("--inference", "permutations"), "StudyError", "inference `permutations` is not known", "cr2, cr3, multiplier", "`permutation`?"),
        (("--inference", "zzz"), "StudyError", "inference `zzz` is not known", "cluster, chosen, cr1", "Choose one of them"),
        (
            ("--inference", "chosen", "--estimator", "synthetic_did"),
            "StudyError",
            "--inference chosen does not go with --estimator synthetic_did",
            "Found errors of its own",
            "Leave --inference out",
        ),
        *(
            (
                ("--inference", method, "--cluster", "worker"),
                "EstimationError",
                f"inference `{method}`: it needs clusters of units",
                "workers in",
                "Cluster by the unit or above",
            )
            for method in ("chosen", "cr1", "permutation")
        ),
        *(
            (
                ("--inference", method, "--bands"),
                "StudyError",
                f"--bands: inference `{method}` has no uniform bands",
                "tests each term by itself",
                "Leave --bands out, or choose --inference cr2, cr3 or multiplier",
            )
            for method in NO_BANDS
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_advice(asked, kind, wrong, found, advice, impact, panel):
    said = impact("estimate", panel, *COLUMNS, *asked, "--json")
    assert (said.code, said.out) == (1, "") and said.err.startswith(f"{kind}: ") and "Traceback" not in said.err
    assert_three_parts(said.err.rstrip("\n"), wrong, found, advice)


def test_choices_among_lenders_too_many_to_count_are_drawn_without_a_warning():
    """Twenty lenders for each of 300 covered clusters are more choices than a float holds."""
    design = shocked_design([3.0] * 300 + [NEVER_COVERED] * 20, np.geomspace(6, 300, 320).round(), seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = few_treated.few_treated(aggregate(att_gt.fit(design), "simple"))
    assert found.draws == few_treated.Options().draws


def test_every_method_is_in_the_help(impact):
    words = impact("estimate", "--help").out
    assert all(method in words for method in METHODS)
