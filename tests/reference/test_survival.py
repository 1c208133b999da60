"""Survival equals R `survival` 3.5-3 and statsmodels; the rates of the Ola drivers equal those counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.duration.survfunc import SurvfuncRight

from impact.clean.worker_month import Columns, WorkerMonths, clean_worker_months
from impact.panel.attrition.spells import worker_spells
from impact.panel.attrition.survival import survival, survival_at
from impact.panel.attrition.worker_months import tenure_hazards, yearly_rates
from impact.sources.engine import connect
from impact.sources.files import open_file
from impact.study import load_study
from words import english

FINE = 1000


def whole(times: pd.Series) -> np.ndarray:
    """Times of two decimals as whole numbers, with room for times in between."""
    return (times * 100).round().to_numpy(dtype=np.int64) * FINE


@pytest.fixture(scope="module")
def couriers(reference: Path) -> pd.DataFrame:
    return pd.read_csv(reference / "data" / "survival.csv").assign(left=lambda frame: frame["status"] > 0)


def curve_of(rows: pd.DataFrame, delayed: bool) -> pd.DataFrame:
    """The curve of some workers; entry is moved by an instant, as in R a worker who enters when another leaves is not at risk yet."""
    entry = np.where(rows["entry"] > 0, whole(rows["entry"]) + 1, 0)
    return survival(whole(rows["exit"]), rows["left"].to_numpy(), entry if delayed else None)


@pytest.mark.parametrize("treat", [0, 1])
@pytest.mark.parametrize(("table", "delayed"), [("km", True), ("km_no_entry", False)])
def test_kaplan_meier_equals_survfit_with_and_without_delayed_entry(table, delayed, treat, couriers, expected):
    rows = [row for row in expected("survival")["results"][table]["table"] if row["strata"] == f"treat={treat}"]
    curve = curve_of(couriers[couriers["treat"] == treat], delayed)
    until = [curve[curve["tenure_days"] <= row["time"] * 100 * FINE].iloc[-1] for row in rows]
    assert len(rows) == 7
    assert_allclose([step["survival"] for step in until], [row["surv"] for row in rows], rtol=1e-10)
    assert_allclose([step["std_error"] for step in until], [row["se"] for row in rows], rtol=1e-8)
    assert [survival_at(curve, row["time"] * 100 * FINE) for row in rows] == [step["survival"] for step in until]


@pytest.mark.parametrize("delayed", [False, True])
def test_every_step_of_the_curve_equals_statsmodels(delayed, couriers):
    entry = np.where(couriers["entry"] > 0, whole(couriers["entry"]) + 1, 0)
    other = SurvfuncRight(whole(couriers["exit"]), couriers["left"].astype(int), entry=entry if delayed else None)
    curve = curve_of(couriers, delayed)
    assert curve["tenure_days"].tolist() == other.surv_times[other.n_events > 0].tolist()
    assert curve["at_risk"].tolist() == other.n_risk[other.n_events > 0].tolist()
    assert_allclose(curve["survival"], other.surv_prob[other.n_events > 0], rtol=1e-12)
    assert_allclose(curve["std_error"], other.surv_prob_se[other.n_events > 0], rtol=1e-10)


@pytest.fixture(scope="module")
def ola(reference: Path, root: Path) -> WorkerMonths:
    study = load_study(root / "studies" / "ola-drivers.yaml")
    names, dates = study.columns, study.dates
    columns = Columns(names.month, worker=names.worker, unit=names.unit, joined=names.joined, left=names.left)
    raw = open_file(connect(), reference / "data" / "ola_driver_months.csv")
    return clean_worker_months(raw, columns, study.period, dates.formats)


@pytest.fixture(scope="module")
def drivers(ola: WorkerMonths):
    return worker_spells(ola.table, date(2020, 12, 31))


@pytest.fixture(scope="module")
def driver_months(ola: WorkerMonths) -> pd.DataFrame:
    return ola.table.select("worker", "month", "joined").to_pandas()


def test_ola_dates_are_read_month_first_and_every_use_of_a_format_is_counted(ola):
    counted = [(english(rule.name), rule.rows) for rule in ola.audit.rules if rule.action == "read"]
    assert [rows for _, rows in counted] == [7581, 11523, 568, 1048]
    assert ["%m/%d/%y" in name for name, _ in counted] == [True, False, True, False]
    assert ["%d/%m/%y" in name for name, _ in counted] == [False, True, False, True]
    assert (ola.audit.rows_in, ola.audit.rows_kept) == (19104, 19104)


def test_ola_yearly_rates_differ_by_definition_as_counted_by_hand(driver_months, drivers):
    table = yearly_rates(driver_months, drivers.table, 2019).set_index("definition")["value"]
    by_hand = {
        "exits_over_opening_stock": 0.8072,
        "exits_over_average_stock": 1.0198,
        "annualised_monthly_hazard": 0.6538,
        "closed_cohort_loss": 0.629,
        "exits_over_ever_active": 0.5302,
    }
    assert table[list(by_hand)].to_dict() == pytest.approx(by_hand, abs=2e-4)


def test_ola_survival_to_one_year_is_halved_by_delayed_entry(drivers):
    table = drivers.table
    arrays = table["tenure_days"].to_numpy(), table["exited"].to_numpy(dtype=bool)
    assert len(table) == 2381
    assert survival_at(survival(*arrays), 365) == pytest.approx(0.428, abs=5e-4)
    assert survival_at(survival(*arrays, table["entry_days"].to_numpy()), 365) == pytest.approx(0.212, abs=5e-4)


def test_ola_hazards_by_tenure_rise_and_fall_as_counted_by_hand(driver_months, drivers):
    joined = driver_months.groupby("worker")["joined"].min()
    joined_month = pd.to_datetime(joined).dt.year * 12 + pd.to_datetime(joined).dt.month - 1
    hazards = tenure_hazards(driver_months, drivers.table, joined_month)["hazard"]
    assert (100 * hazards).round(1).tolist() == [1.2, 8.4, 17.2, 12.3, 7.9, 3.6]
