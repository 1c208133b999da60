"""From clean exports to worker-months: who was there, who left, and who was covered from when, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from exports import account, calendar, cleaned, delivered, life_of, month, months_of, panel, pause
from impact.errors import DataError, StudyError
from impact.study.delivery import Delivery
from words import complains

STAYS = months_of("A-2", calendar())


def life(tmp_path, months, accounts=None, covered=None, **sample):
    delivered(tmp_path, accounts or [account(), account("A-2")], months)
    return life_of(cleaned(tmp_path), covered, **sample)


def column(found, name, worker="A-1"):
    table = panel(found)
    return table[table["worker"] == worker].set_index("month")[name].to_dict()


def test_somebody_has_left_in_the_last_month_before_a_long_absence_and_is_gone_after_it(tmp_path):
    found = life(tmp_path, [*months_of("A-1", calendar("2024-01", "2024-03")), *STAYS])
    assert column(found, "exit_30d") == {"2024-01": 0.0, "2024-02": 0.0, "2024-03": 1.0}
    assert {str(day)[:10] for day in column(found, "left").values()} == {"2024-03-20"}


def test_a_pause_is_an_exit_over_thirty_days_and_none_over_ninety_and_counts_with_zero(tmp_path):
    months = [month("A-1", "2024-01"), pause("A-1", "2024-02"), *months_of("A-1", calendar("2024-03"))]
    found = life(tmp_path, [*months, *STAYS])
    assert column(found, "exit_30d")["2024-01"] == 1.0
    assert column(found, "exit_90d")["2024-01"] == 0.0
    assert column(found, "income_net_yuan")["2024-02"] == 0.0
    assert np.isnan(column(found, "exit_30d")["2024-02"])


def test_a_month_without_a_row_counts_as_a_pause_and_is_counted(tmp_path):
    found = life(tmp_path, [month("A-1", "2024-01"), *months_of("A-1", calendar("2024-03")), *STAYS])
    assert column(found, "income_net_yuan")["2024-02"] == 0.0
    assert {rule.id: rule.rows for rule in found.rules}["month_without_row"] == 1


def test_an_amount_that_the_export_leaves_out_stays_missing(tmp_path):
    months = months_of("A-1", calendar())
    found = life(tmp_path, [months[0] | {"net_est": ""}, *months[1:], *STAYS])
    assert np.isnan(column(found, "income_net_yuan")["2024-01"])


def test_a_month_with_a_negative_gross_is_left_out_and_its_days_still_count(tmp_path):
    months = months_of("A-1", calendar())
    found = life(tmp_path, [*months[:3], months[3] | {"gross": -900.0}, *months[4:], *STAYS])
    assert "2024-04" not in column(found, "gross_yuan")
    assert column(found, "exit_30d")["2024-03"] == 0.0
    assert {rule.id: rule.rows for rule in found.rules}["dropped_month"] == 1


def test_exits_are_known_up_to_the_end_of_the_own_platforms_export(tmp_path):
    accounts = [account(), account("A-2", platform_id="P2")]
    found = life(tmp_path, [*months_of("A-1", calendar("2024-01", "2024-06")), *STAYS], accounts)
    assert max(column(found, "exit_90d")) == "2024-03"
    assert set(column(found, "exit_90d").values()) == {0.0}
    assert max(column(found, "exit_90d", "A-2")) == "2024-09"


def test_months_before_a_platforms_export_begins_are_not_made_up(tmp_path):
    accounts = [account(), account("A-2", platform_id="P2")]
    found = life(tmp_path, [*months_of("A-1", calendar("2024-04")), *STAYS], accounts)
    assert min(column(found, "income_net_yuan")) == "2024-04"
    assert {rule.id: rule.rows for rule in found.rules}["month_without_row"] == 0


def test_a_first_order_later_than_the_first_working_day_loses_no_month_and_is_counted(tmp_path):
    accounts = [account(first_trip_date="2024-04-05"), account("A-2")]
    found = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], accounts)
    assert min(column(found, "joined")) == "2024-01"
    assert {rule.id: rule.rows for rule in found.rules}["late_first_order"] == 1


def test_a_month_with_work_after_closure_is_set_aside(tmp_path):
    accounts = [account(status="closed", closed_date="2024-05-15"), account("A-2")]
    found = life(tmp_path, [*months_of("A-1", calendar("2024-01", "2024-05")), *STAYS], accounts)
    assert max(column(found, "exit_30d")) == "2024-04"
    assert column(found, "exit_30d")["2024-04"] == 1.0


def test_coverage_begins_with_the_month_of_the_agreement_for_its_platform_alone(tmp_path):
    accounts = [account(), account("A-2", platform_id="P2")]
    found = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], accounts, covered={"P1": "2024-06"})
    assert set(column(found, "first_covered").values()) == {"2024-06"}
    assert panel(found).loc[lambda table: table["worker"] == "A-2", "first_covered"].isna().all()


def test_a_level_that_was_not_delivered_is_named(tmp_path):
    with complains(DataError, "workers cannot be grouped by `firm`", "`firm_id`", "`mapping`"):
        life(tmp_path, STAYS, unit=["firm"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tables": {"account": ["../outside/*"]}}, "below the folder of the delivery"),
        ({"tables": {"account": ["a**/x.csv"]}}, "stands for whole folders"),
        ({"mapping": {"flow": "gros"}}, "Did you mean `gross`"),
        ({"world": "w.yaml"}, "either `folder`"),
        ({"tables": {}}, "at least one table"),
    ],
)
def test_a_delivery_that_cannot_hold_is_refused(changed, words):
    plain = {"folder": "exports", "tables": {"account": ["a/*"]}, "citation": "made up"}
    with pytest.raises(ValueError, match=r"(?s).*" + words.replace("*", r"\*")):
        Delivery(**(plain | changed))


def test_accounts_without_the_columns_that_rules_use_are_read_all_the_same(tmp_path):
    plain = [{"account_id": name, "platform_id": "P1"} for name in ("A-1", "A-2")]
    found = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], plain)
    assert len(panel(found)) == 2 * 9
    assert set(panel(found)["city"]) == {"C1"}


def test_a_delivery_without_worker_months_is_refused(tmp_path):
    delivered(tmp_path, [account()], STAYS)
    with complains(StudyError, "there is no table `worker_month`", "account", "tables: worker_month"):
        cleaned(tmp_path, tables={"account": ["account/*"]})
