"""Synthetic difference in differences and synthetic control equal R `synthdid` 0.0.9 on California's Proposition 99.

R stops its steps early (`min.decrease`), so that its weights are near the optimum and ours at it: effects agree to some 1e-3 of the noise, where the
weights are spread by a ridge. Synthetic control has next to none: R stops at −19.620, and the optimum is −19.514.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.estimate import synthetic_control, synthetic_did
from impact.estimate.parts.synthetic import unit_weights
from impact.estimate.parts.synthetic_errors import clusters_of
from impact.infer.aggregate import aggregate
from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

PLAIN = synthetic_did.Options(unit_weights="equal", month_weights="equal")
NOISE = 5.494
"""Standard deviation of the yearly changes of the never covered states."""


@pytest.fixture(scope="module")
def prop99(reference, tmp_path_factory) -> dict[str, Estimate]:
    """The three estimates of the effect on cigarette sales."""
    frame = pd.read_csv(reference / "data" / "california_prop99.csv")
    frame["first"] = np.where(frame["State"] == "California", 1989, 0)
    file = tmp_path_factory.mktemp("prop99") / "prop99.csv"
    frame.to_csv(file, index=False)
    columns = {"month": "Year", "first_covered": "first", "outcome": "PacksPerCapita", "unit": "State"}
    fitted = estimate_file(Request(file=file, **columns, estimator="synthetic_did")).estimate
    question = fitted.design
    return {"prop99_sdid": fitted, "prop99_did": synthetic_did.fit(question, PLAIN), "prop99_sc": synthetic_control.fit(question)}


@pytest.fixture(scope="module")
def numbers(expected):
    """What R gave."""
    return expected("synthdid_prop99")["results"]


@pytest.mark.parametrize(("case", "within"), [("prop99_sdid", 1e-3 * NOISE), ("prop99_did", 1e-10), ("prop99_sc", 0.11)])
def test_the_overall_effect_equals_synthdid(case, within, prop99, numbers):
    assert aggregate(prop99[case], "simple").values[0] == pytest.approx(numbers[case]["tau"], abs=within)


def test_synthetic_control_is_at_the_optimum(prop99):
    assert aggregate(prop99["prop99_sc"], "simple").values[0] == pytest.approx(-19.514, abs=5e-4)


@pytest.mark.parametrize(("case", "within"), [("prop99_sdid", 0.04), ("prop99_did", 1e-10), ("prop99_sc", 0.2)])
def test_the_effect_of_each_year_equals_synthdid(case, within, prop99, numbers):
    effects = [value for term, value in zip(prop99[case].terms, prop99[case].values, strict=True) if term.event_time >= 0]
    assert_allclose(effects, numbers[case]["effect_curve"], atol=within)


@pytest.mark.parametrize(("case", "within"), [("prop99_sdid", 4e-3), ("prop99_did", 1e-12), ("prop99_sc", 6e-3)])
def test_the_weights_of_states_equal_synthdid(case, within, prop99, numbers):
    weights = unit_weights(prop99[case])
    assert weights["unit"].tolist() == numbers[case]["units"]
    assert_allclose(weights["weight"], numbers[case]["omega"], atol=within)


@pytest.mark.parametrize("case", ["prop99_sdid", "prop99_did", "prop99_sc"])
def test_the_weights_of_years_equal_synthdid(case, prop99, numbers):
    last = prop99[case].contrasts[-1]
    california = prop99[case].design.units.index("California")
    assert_allclose(-last.a[california, :19], numbers[case]["lambda"], atol=1e-6)


class RandomOfR:
    """Random numbers as R draws them: Mersenne Twister, `sample` by rejection."""

    def __init__(self, seed: int) -> None:
        state = []
        for place in range(50 + 625):
            seed = (69069 * seed + 1) & 0xFFFFFFFF
            state += [seed] if place >= 50 else []
        self.twister = np.random.MT19937()
        self.twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(state[1:], dtype=np.uint32), "pos": 624}}

    def below(self, count: int) -> int:
        bits = int(np.ceil(np.log2(count)))
        while True:
            value = 0
            for _ in range(0, bits + 1, 16):
                value = 65536 * value + int(int(self.twister.random_raw()) * 2.3283064365386963e-10 * 65536)
            value &= (1 << bits) - 1
            if value < count:
                return value

    def sample(self, count: int) -> list[int]:
        left, drawn = list(range(count)), []
        for size in range(count, 0, -1):
            place = self.below(size)
            drawn.append(left[place])
            left[place] = left[size - 1]
        return drawn


def test_random_numbers_are_those_of_r():
    assert RandomOfR(42).sample(10) == [0, 4, 9, 7, 1, 3, 5, 8, 6, 2]  # R: set.seed(42); sample(10) - 1


@pytest.mark.parametrize(("case", "within"), [("prop99_sdid", 2e-4), ("prop99_did", 1e-10), ("prop99_sc", 5e-3)])
def test_the_spread_of_the_placebos_that_r_drew_equals_its_error(case, within, prop99, numbers):
    """R draws 200 placebos at random; ours are all 38, so its draws can be found among them."""
    overall = aggregate(prop99[case], "simple")
    clusters = clusters_of(overall.design)
    state = [overall.design.units[clusters.units[cluster][0]] for cluster in clusters.never]
    by_state = dict(zip(state, overall.errors.replicates.values[:, 0], strict=True))
    random, names = RandomOfR(12345), sorted(by_state)
    drawn = [by_state[names[random.sample(38)[-1]]] for _ in range(200)]
    assert np.std(drawn) == pytest.approx(numbers[case]["se_placebo"], rel=within)


@pytest.mark.parametrize("case", ["prop99_sdid", "prop99_sc"])
def test_errors_and_p_values_come_from_all_38_placebos(case, prop99, numbers):
    overall = aggregate(prop99[case], "simple")
    row = overall.tidy().iloc[0]
    assert row["std_error"] == pytest.approx(numbers[case]["se_placebo"], rel=0.13)  # R's 200 draws stray that far from their limit
    placebos = np.abs(overall.errors.replicates.values[:, 0])
    assert row["p_value"] == (1 + (placebos >= abs(row["estimate"])).sum()) / 39
    assert any("no p-value can be below 0.026" in note.en for note in overall.notes)


def test_leave_one_out_has_no_error_with_one_covered_state(prop99, numbers):
    assert numbers["prop99_sdid"]["se_jackknife"] is None
    held = synthetic_did.fit(prop99["prop99_sdid"].design, synthetic_did.Options(errors="jackknife"))
    assert aggregate(held, "simple").tidy()[["std_error", "conf_low", "p_value"]].isna().all(axis=None)
