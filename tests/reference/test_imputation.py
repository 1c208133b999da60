"""Imputation and two-stage effects equal R `didimputation` 0.5.0, `did2s` 1.2.1 and `etwfe` 0.6.0, and where they do not, the reason is shown.

`didimputation` and `did2s` predict from a first stage that stops at a tolerance of 1e-6, and are off by as much; `etwfe`, which solves one regression, has the
same points to 1e-11.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.sparse.linalg import spsolve

from impact.results import Estimate
from impact.run.estimate_file import Request, estimate_file

EXACT = 1e-8
FIRST_STAGE = 1e-6
"""How closely fixest's iterations solve a first stage."""


@pytest.fixture(scope="module")
def fit(reference):
    """Estimate from panel a, each question once."""
    columns = {"month": "month", "first_covered": "g", "outcome": "y", "transform": "log", "unit": "city", "worker": "worker"}
    known: dict[str, Estimate] = {}

    def ask(estimator: str, cluster: str = "city", weights: str | None = None, by: Any = "none", **options: str) -> Estimate:
        name = repr((estimator, cluster, weights, by, options))
        if name not in known:
            asked = Request(
                reference / "data" / "panel_a.csv", **columns, weights=weights, cluster=cluster, estimator=estimator, by=by, options=options
            )
            known[name] = estimate_file(asked).estimate
        return known[name]

    return ask


def column(numbers: list[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in numbers]


@pytest.mark.parametrize(("by", "case"), [("simple", "simple"), ("event_time", "event"), ("cohort", "group"), ("calendar", "calendar")])
def test_every_average_equals_the_extended_regression(by, case, fit, expected):
    numbers = expected("panel_a_etwfe")["results"]["nocov_notyet"][case]
    assert_allclose(fit("imputation", by=by).values[: len(numbers)], column(numbers, "estimate"), rtol=EXACT)


@pytest.mark.parametrize("cluster", ["city", "worker"])
@pytest.mark.parametrize(("by", "case"), [("simple", "att"), ("event_time", "event")])
def test_effects_and_errors_equal_didimputation(by, case, cluster, fit, expected):
    numbers, estimate = expected("panel_a_didimputation")["results"][f"{case}_{cluster}"], fit("imputation", cluster, by=by)
    assert_allclose(estimate.values[: len(numbers)], column(numbers, "estimate"), rtol=FIRST_STAGE)
    assert_allclose(estimate.errors.std_error[: len(numbers)], column(numbers, "std.error"), rtol=FIRST_STAGE)


def test_leads_equal_didimputation_but_for_the_factor_that_it_puts_on_leads_alone(fit, expected):
    numbers, path = expected("panel_a_didimputation")["results"]["event_pre_city"], fit("imputation", leads="5")
    assert [f"{term.event_time}" for term in path.terms[:-1]] == [row["term"] for row in numbers]
    assert_allclose(path.values[:5], column(numbers[:5], "estimate"), rtol=EXACT)
    rows, clusters, counted = 15_354, 40, 5 + 12
    factor = clusters / (clusters - 1) * (rows - 1) / (rows - counted)
    assert_allclose(path.errors.std_error[:5] * factor**0.5, column(numbers[:5], "std.error"), rtol=FIRST_STAGE)
    assert_allclose(path.values[5:-1], column(numbers[5:], "estimate"), rtol=FIRST_STAGE)
    assert_allclose(path.errors.std_error[5:-1], column(numbers[5:], "std.error"), rtol=FIRST_STAGE)


@pytest.mark.parametrize(("by", "case"), [("simple", "att_city_w"), ("event_time", "event_city_w")])
def test_weighted_effects_equal_didimputation(by, case, fit, expected):
    numbers = expected("panel_a_didimputation")["results"][case]
    assert_allclose(fit("imputation", weights="w", by=by).values[: len(numbers)], column(numbers, "estimate"), rtol=FIRST_STAGE)


def test_weighted_errors_of_didimputation_rest_on_weights_that_do_not_give_its_own_estimate(reference, fit, expected):
    """It squares the weights in the first stage of its errors (and weighs rows by squares when it centres): 3.8 % here, of which 2.5 % are the first."""
    rows = Dense(pd.read_csv(reference / "data" / "panel_a.csv"))
    (numbers,) = expected("panel_a_didimputation")["results"]["att_city_w"]
    squared = rows.projected(rows.weight**2, rows.weight)
    assert_allclose(rows.std_error(squared, rows.share**2), numbers["std.error"], rtol=FIRST_STAGE)
    assert abs(rows.estimate(squared) / numbers["estimate"] - 1) > 1e-3
    right = rows.projected(rows.weight, np.ones_like(rows.weight))
    assert_allclose(rows.estimate(right), numbers["estimate"], rtol=FIRST_STAGE)
    assert_allclose(fit("imputation", weights="w", by="simple").errors.std_error, rows.std_error(right, rows.share), rtol=EXACT)


class Dense:
    """Imputation on rows, with a matrix of dummies."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows, self.weight, self.outcome = rows, rows["w"].to_numpy(), np.log(rows["y"].to_numpy())
        place = np.arange(len(rows))
        workers = sparse.csr_matrix((np.ones(len(rows)), (place, pd.factorize(rows["worker"])[0])))
        months = sparse.csr_matrix((np.ones(len(rows)), (place, rows["month"] - 1)))[:, 1:]
        self.dummies = sparse.hstack([workers, months]).tocsr()
        self.covered = ((rows["g"] > 0) & (rows["month"] >= rows["g"])).to_numpy()
        self.share = self.weight[self.covered] / self.weight[self.covered].sum()
        before = self.dummies[~self.covered].T @ (self.weight * self.outcome)[~self.covered]
        self.gap = self.outcome - self.dummies @ spsolve(self._cross(self.weight), before)

    def _cross(self, weight: np.ndarray) -> sparse.csc_matrix:
        inside = self.dummies[~self.covered]
        return (inside.T @ sparse.diags(weight[~self.covered]) @ inside).tocsc()

    def projected(self, weight: np.ndarray, again: np.ndarray) -> np.ndarray:
        """Give what each row counts, where the first stage of the errors weighs by `weight` and the covered by `again` once more."""
        asked = self.dummies[self.covered].T @ (again[self.covered] * self.share)
        counts = np.zeros(len(self.rows))
        counts[self.covered] = self.share
        counts[~self.covered] = -self.weight[~self.covered] * (self.dummies[~self.covered] @ spsolve(self._cross(weight), asked))
        return counts

    def estimate(self, counts: np.ndarray) -> float:
        return float(counts @ self.outcome)

    def std_error(self, counts: np.ndarray, centred_by: np.ndarray) -> float:
        """Give the error clustered by city, rows held against the mean of their cohort and month with weights `centred_by`."""
        left, kind = self.gap.copy(), (self.rows["g"] * 100 + self.rows["month"]).to_numpy()[self.covered]
        sums = pd.DataFrame({"gap": centred_by * left[self.covered], "weight": centred_by}).groupby(kind).transform("sum")
        left[self.covered] -= (sums["gap"] / sums["weight"]).to_numpy()
        return float((pd.Series(counts * left).groupby(self.rows["city"].to_numpy()).sum() ** 2).sum() ** 0.5)


@pytest.mark.parametrize(
    ("case", "cluster", "weights"), [("static_city", "city", None), ("static_worker", "worker", None), ("static_city_w", "city", "w")]
)
def test_two_stages_equal_did2s(case, cluster, weights, fit, expected):
    (numbers,) = expected("panel_a_did2s")["results"][case]
    estimate = fit("two_stage", cluster, weights, second_stage="overall")
    assert estimate.values[0] == pytest.approx(numbers["estimate"], rel=FIRST_STAGE)
    assert estimate.errors.std_error[0] == pytest.approx(numbers["se"], rel=FIRST_STAGE)


@pytest.mark.parametrize("case", ["event_city", "event_all_city"])
def test_two_stages_by_event_time_equal_did2s(case, fit, expected):
    numbers, estimate = expected("panel_a_did2s")["results"][case], fit("two_stage", leads="9")
    found = {f"rel::{term.event_time}": place for place, term in enumerate(estimate.terms)}
    places = [found[row["term"]] for row in numbers]
    assert_allclose(estimate.values[places], column(numbers, "estimate"), rtol=FIRST_STAGE, atol=1e-7)
    assert_allclose(estimate.errors.std_error[places], column(numbers, "se"), rtol=FIRST_STAGE)
