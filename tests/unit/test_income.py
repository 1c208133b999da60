"""Pay from exports, worked out by hand: what a delivery brings, what it leaves out, and what stops."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from exports import (
    DROP,
    KEY,
    TABLES,
    account,
    calendar,
    cleaned,
    declared,
    delivered,
    found,
    life_of,
    month,
    months_of,
    panel,
    pause,
    study,
    write,
)
from impact.errors import DataError
from impact.panel.income.ladder import income_ladder, no_ladder
from impact.panel.income.pay import COLUMNS
from impact.panel.working_life import WorkingLife
from impact.report.sections.income import LINES
from impact.run.income import ladder_of, safe_ladder
from impact.run.receive import receive
from impact.schema.income import WORKER_MONTH_INCOME
from impact.sources.engine import connect, register
from impact.study import Study
from words import complains

WITH_CITIES = TABLES | {"city_month": ["city/*"]}
WITH_LISTS = TABLES | {"eligibility": ["eligibility/*"]}
STAYS = months_of("A-2", calendar())


def life(folder: Path, months: list[dict[str, Any]], accounts: list[dict[str, Any]] | None = None, **how: Any) -> WorkingLife:
    """Carry exports through cleaning; `cities` and `listed` are rows of further tables, `covered` is group → month, the rest is the sample's."""
    cities, listed, covered = (how.pop(name, None) for name in ("cities", "listed", "covered"))
    delivered(folder, accounts or [account(), account("A-2")], months)
    tables = dict(TABLES)
    for name, rows in (("city_month", cities), ("eligibility", listed)):
        if rows:
            write(folder / name / "x.csv", rows)
            tables[name] = [f"{name}/*"]
    return life_of(cleaned(folder, tables=tables), covered, **how)


def line(held: WorkingLife, name: str, worker: str = "A-1") -> dict[str, Any]:
    table = panel(held)
    return table[table["worker"] == worker].set_index("month")[name].to_dict()


def prices(**by_month: float) -> list[dict[str, Any]]:
    return [{"city_id": "C1", "ym": ym.replace("_", "-")[1:], "cpi": index} for ym, index in by_month.items()]


def notes(held: WorkingLife) -> dict[str, int]:
    return {finding.rule: finding.rows for finding in held.findings}


def test_by_hour_is_over_time_online_and_over_time_with_an_order(tmp_path):
    held = life(tmp_path, [*months_of("A-1", calendar()), *STAYS])
    assert line(held, "engaged_hours")["2024-01"] == 4 + 12
    assert line(held, "hourly_net_yuan")["2024-01"] == 600 / 24
    assert line(held, "hourly_net_engaged_yuan")["2024-01"] == 600 / 16
    assert line(held, "effective_commission")["2024-01"] == 180 / 900


def test_a_pause_earns_zero_and_nothing_by_hour(tmp_path):
    held = life(tmp_path, [month("A-1", "2024-01"), pause("A-1", "2024-02"), *months_of("A-1", calendar("2024-04")), *STAYS])
    for without in ("2024-02", "2024-03"):
        assert [line(held, name)[without] for name in ("income_net_yuan", "online_hours", "receipts_yuan")] == [0, 0, 0]
        for name in ("hourly_net_yuan", "hourly_net_engaged_yuan", "effective_commission"):
            assert math.isnan(line(held, name)[without]), name


def test_a_refund_lowers_the_commission_that_is_kept(tmp_path):
    months = months_of("A-1", calendar(), waiver_refund=180.0, receipts=905.0, net_est=780.0)
    assert line(life(tmp_path, [*months, *STAYS]), "effective_commission")["2024-01"] == 0.0


def test_pay_without_hours_counts_and_is_missing_by_hour_and_counted(tmp_path):
    months = [month("A-1", "2024-01", online_h=0, p1_h=0, p2_h=0, p3_h=0), *months_of("A-1", calendar("2024-02"))]
    held = life(tmp_path, [*months, *STAYS])
    assert line(held, "income_net_yuan")["2024-01"] == 600
    assert math.isnan(line(held, "hourly_net_yuan")["2024-01"])
    assert notes(held)["pay_without_hours"] == 1


def test_negative_hours_never_reach_pay(tmp_path):
    with complains(DataError, "`p1_h`", "-8", "at least 0"):
        life(tmp_path, [month("A-1", "2024-01", p1_h=-8.0), *STAYS])


def test_money_in_fen_is_paid_in_yuan(tmp_path):
    in_fen = {
        name: 100 * value
        for name, value in month().items()
        if name in ("gross", "take", "incentive", "penalty", "receipts", "cost_est", "net_est")
    }
    delivered(tmp_path, [account(), account("A-2")], months_of("A-1", calendar(), **in_fen))
    write(tmp_path / "month" / "p2.csv", STAYS)
    held = life_of(cleaned(tmp_path, declared=declared("month/p1.csv", "money in fen")))
    assert line(held, "income_net_yuan") == line(held, "income_net_yuan", "A-2")
    assert line(held, "hourly_net_yuan")["2024-01"] == 25.0


def test_sums_that_were_left_out_follow_from_their_parts(tmp_path):
    months = [row | dict.fromkeys(("online_h", "receipts", "net_est"), DROP) for row in [*months_of("A-1", calendar()), *STAYS]]
    held = life(tmp_path, [{name: value for name, value in row.items() if value is not DROP} for row in months])
    assert [line(held, name)["2024-01"] for name in ("online_hours", "receipts_yuan", "income_net_yuan")] == [24, 725, 600]


def test_real_pay_is_in_prices_of_the_base_month_and_missing_where_the_index_is(tmp_path):
    index = {f"m{name.replace('-', '_')}": 100.0 + place for place, name in enumerate(calendar())}
    del index["m2024_06"]
    held = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], cities=prices(**index), prices="2024-03")
    real = line(held, "income_net_real_yuan")
    assert real["2024-03"] == 600
    assert real["2024-01"] == pytest.approx(600 * 102 / 100)
    assert line(held, "hourly_net_real_yuan")["2024-01"] == pytest.approx(25 * 102 / 100)
    assert math.isnan(real["2024-06"])
    assert notes(held)["months_without_cpi"] == 2
    assert line(held, "income_net_yuan")["2024-06"] == 600


def test_a_pause_is_worth_zero_in_any_prices_that_are_known(tmp_path):
    index = {f"m{name.replace('-', '_')}": 100.0 for name in calendar("2024-01", "2024-03")}
    months = [month("A-1", "2024-01"), pause("A-1", "2024-02"), *months_of("A-1", calendar("2024-03", "2024-04")), pause("A-1", "2024-05")]
    held = life(tmp_path, [*months, *months_of("A-1", calendar("2024-06")), *STAYS], cities=prices(**index), prices="2024-01")
    real = line(held, "income_net_real_yuan")
    assert real["2024-02"] == 0
    assert math.isnan(real["2024-05"])


@pytest.mark.parametrize(
    ("index", "base", "words"),
    [
        ({"m2024_01": 101.0, "m2024_02": -0.3}, "2024-01", ("is not positive", "-0.3", "not a change in per cent")),
        (
            {"m2024_01": 101.0, "m2024_02": 102.0},
            "2019-01",
            ("no prices for the base month 2019-01", "2024-01 to 2024-02", "sample: prices"),
        ),
        ({"m2024_01": math.nan, "m2024_02": 102.0}, "2024-01", ("no prices for the base month 2024-01", "2024-02", "sample: prices")),
    ],
)
def test_prices_that_cannot_be_meant_stop(tmp_path, index, base, words):
    with complains(DataError, *words):
        life(tmp_path, STAYS, cities=prices(**index), prices=base)


def test_the_minimum_wage_is_that_of_a_month_by_hours_up_to_a_standard_month_and_that_of_an_hour(tmp_path):
    cities = [{"city_id": "C1", "ym": ym, "min_wage_month_yuan": 1740.0, "min_wage_hour_yuan": 10.0} for ym in calendar()]
    long = {"online_h": 348.0, "p1_h": 332.0}
    months = [
        month("A-1", "2024-01", **long, net_est=1800.0),
        month("A-1", "2024-02", net_est=239.0),
        *months_of("A-1", calendar("2024-03")),
    ]
    held = life(tmp_path, [*months, *STAYS], cities=cities)
    assert [line(held, "below_minimum")[ym] for ym in ("2024-01", "2024-02", "2024-03")] == [0, 1, 0]
    assert [line(held, "below_minimum_hourly")[ym] for ym in ("2024-01", "2024-02", "2024-03")] == [1, 1, 0]


def test_who_also_works_elsewhere_is_told_by_the_export_and_by_a_person_seen_twice(tmp_path):
    people = [account(person_id="p"), account("A-2", platform_id="P2", person_id="p"), account("A-3", person_id="q")]
    months = [*months_of("A-1", calendar()), *months_of("A-2", calendar("2024-03")), *months_of("A-3", calendar())]
    by_person = life(tmp_path / "person", months, people)
    assert line(by_person, "multi_homer")["2024-02"] == 0
    assert line(by_person, "multi_homer")["2024-03"] == 1
    assert set(line(by_person, "multi_homer", "A-3").values()) == {0.0}
    flagged = [row | {"other_platform_flag": row["account_id"] == "A-3"} for row in months]
    by_export = life(tmp_path / "export", flagged, [{name: value for name, value in one.items() if name != "person_id"} for one in people])
    assert set(line(by_export, "multi_homer", "A-3").values()) == {1.0}
    assert set(line(by_export, "multi_homer").values()) == {0.0}
    assert "p" not in set(panel(by_person).astype(str).to_numpy().ravel())


def test_the_dose_is_commission_before_times_the_share_eligible_before(tmp_path):
    accounts = [account(), account("A-2"), account("A-3"), account("A-4", platform_id="P2")]
    months = [
        *months_of("A-1", calendar()),
        *months_of("A-2", calendar()),
        *months_of("A-3", calendar("2024-08")),
        *months_of("A-4", calendar()),
    ]
    months = [row | {"take": 90.0, "receipts": 815.0, "net_est": 690.0} if row["ym"] >= "2024-06" else row for row in months]
    listed = [{"account_id": "A-1", "eligible_pre": 1}, {"account_id": "A-2", "eligible_pre": 0}, {"account_id": "A-3", "eligible_pre": 1}]
    held = life(tmp_path, months, accounts, listed=listed, covered={"P1": "2024-06"})
    assert set(line(held, "commission_before").values()) == {0.2}
    assert set(line(held, "eligible_share_before").values()) == {0.5}
    assert set(line(held, "bite", "A-3").values()) == {0.1}
    assert set(line(held, "commission_before", "A-4").values()) == {0.2}


def test_eligibility_counts_by_the_month_in_which_it_was_verified(tmp_path):
    listed = [{"account_id": "A-1", "verified_date": "2024-05-31"}, {"account_id": "A-2", "verified_date": "2024-06-01"}]
    held = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], listed=listed, covered={"P1": "2024-06"})
    assert set(line(held, "eligible_share_before").values()) == {0.5}


@pytest.mark.parametrize("listed", [None, [{"account_id": "A-1", "clause_id": "K1"}]])
def test_eligibility_without_a_day_gives_no_dose_and_a_note(tmp_path, listed):
    accounts = [account(eligibility_source="登记档案"), account("A-2", eligibility_source="")]
    held = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], accounts, listed=listed, covered={"P1": "2024-06"})
    assert panel(held)["bite"].isna().all()
    assert notes(held)["no_dated_eligibility"] == 1
    assert set(line(held, "commission_before").values()) == {0.2}


def test_a_unit_covered_from_its_first_month_has_no_dose_and_a_note(tmp_path):
    listed = [{"account_id": "A-1", "eligible_pre": 1}]
    held = life(tmp_path, [*months_of("A-1", calendar()), *STAYS], listed=listed, covered={"P1": "2024-01"})
    assert panel(held)[["commission_before", "eligible_share_before", "bite"]].isna().all().all()
    assert notes(held)["no_months_before"] == 1


def test_what_was_not_delivered_is_a_note_and_no_column(tmp_path):
    left_out = ("cost_est", "net_est", "p2_h", "p3_h", "waiver_refund")
    months = [{name: value for name, value in row.items() if name not in left_out} for row in [*months_of("A-1", calendar()), *STAYS]]
    held = life(tmp_path, months)
    lacking = {"no_costs", "no_engaged_hours", "no_refunds", "no_cpi", "no_minimum_wage", "no_multi_homers", "no_agreement"}
    assert set(notes(held)) == lacking
    assert not {"income_net_yuan", "hourly_net_yuan", "engaged_hours", "income_net_real_yuan", "bite"} & set(panel(held))
    assert line(held, "receipts_yuan")["2024-01"] == 725
    assert line(held, "effective_commission")["2024-01"] == 0.2


def test_columns_of_pay_are_those_of_the_schema_in_its_types_and_ranges(tmp_path):
    cities = [{"city_id": "C1", "ym": ym, "cpi": 100.0, "min_wage_month_yuan": 1740.0, "min_wage_hour_yuan": 10.0} for ym in calendar()]
    months = [row | {"other_platform_flag": True} for row in [*months_of("A-1", calendar()), *STAYS]]
    listed = [{"account_id": "A-1", "eligible_pre": 1}]
    held = life(tmp_path, months, cities=cities, listed=listed, covered={"P1": "2024-06"}, prices="2024-01")
    assert held.table.columns[-len(COLUMNS) :] == COLUMNS
    table = panel(held)
    for column in WORKER_MONTH_INCOME.columns:
        assert table[column.name].dtype == "float64", column.name
        assert column.least is None or table[column.name].min() >= column.least, column.name
        assert column.most is None or table[column.name].max() <= column.most, column.name
    assert not notes(held)


def asking(home: Path, column: str, **changed: Any) -> Study:
    delivered(home / "data" / "exports", [account(), account("A-2")], [*months_of("A-1", calendar()), *STAYS])
    one = study(home, **changed)
    return one.model_copy(update={"outcomes": (one.outcomes[0].model_copy(update={"column": column, "kind": "income"}),)})


def test_a_study_that_asks_for_what_was_not_delivered_stops(tmp_path):
    with complains(DataError, "`income_net_real_yuan` cannot be computed", "`cpi` of city_month", "Ask for what is lacking"):
        receive(connect(), asking(tmp_path, "income_net_real_yuan"), tmp_path / "data", KEY)


def test_notes_about_pay_stand_in_studies_that_ask_for_pay_alone(tmp_path):
    by_column = {}
    for column, kind in (("exit_30d", "attrition"), ("hourly_net_yuan", "income")):
        one = asking(tmp_path, column)
        one = one.model_copy(update={"outcomes": (one.outcomes[0].model_copy(update={"kind": kind}),)})
        received = receive(connect(), one, tmp_path / "data", KEY)
        by_column[column] = ({finding.rule for finding in received.findings} & {"no_cpi", "no_agreement"}, len(ladder_of(one, received)))
    assert by_column["exit_30d"] == (set(), 0)
    assert by_column["hourly_net_yuan"][0] == {"no_cpi", "no_agreement"}
    assert by_column["hourly_net_yuan"][1] > 0


def test_a_ladder_of_too_few_workers_is_emptied(tmp_path):
    one = asking(tmp_path, "income_net_yuan")
    ladder = ladder_of(one, receive(connect(), one, tmp_path / "data", KEY))
    assert one.report.minimum_cell == 10
    assert len(ladder) and ladder[["workers", "worker_months", "mean", "total"]].isna().all().all()


def test_a_refund_to_few_is_not_printed_and_cannot_be_computed_from_what_is():
    size = 40
    refund = [50.0 if place < 3 else 0.0 for place in range(size)]
    pay = {"gross_yuan": 900.0, "commission_yuan": 180.0, "incentive_yuan": 10.0, "waiver_refund_yuan": refund, "penalty_yuan": 5.0}
    rows = pd.DataFrame({"worker": [f"w{place}" for place in range(size)], "month": "2024-01", "active_days": 3.0} | pay)
    rows = rows.assign(receipts_yuan=725.0 + rows["waiver_refund_yuan"], first_covered=pd.Series(["2024-01"] * size, dtype="string"))
    held = safe_ladder(income_ladder(register(connect(), "with_refunds", rows)), 10).set_index("line")
    for hidden in ("waiver_refund_yuan", "incentive_yuan", "effective_commission"):
        assert held.loc[hidden, ["workers", "contributors", "mean", "total"]].isna().all(), hidden
    for shown in ("gross_yuan", "commission_yuan", "penalty_yuan", "receipts_yuan"):
        assert held.loc[shown, "workers"] == size
    nobody = safe_ladder(income_ladder(register(connect(), "without_refunds", rows.assign(waiver_refund_yuan=0.0))), 10).set_index("line")
    assert nobody.loc["waiver_refund_yuan", "mean"] == 0


def test_a_cost_of_few_cannot_be_computed_from_net_pay_in_any_form():
    size = 40
    cost = [80.0 if place < 3 else 0.0 for place in range(size)]
    rows = pd.DataFrame({"worker": [f"w{place}" for place in range(size)], "month": "2024-01", "active_days": 3.0, "receipts_yuan": 725.0})
    rows = rows.assign(cost_yuan=cost, income_net_yuan=725.0 - pd.Series(cost), online_hours=20.0, engaged_hours=15.0, multi_homer=0.0)
    rows = rows.assign(income_net_real_yuan=rows["income_net_yuan"], first_covered=pd.Series(["2024-01"] * size, dtype="string"))
    ladder = income_ladder(register(connect(), "with_costs", rows)).set_index("line")
    held = safe_ladder(ladder.reset_index(), 10).set_index("line")
    net = [line for line in held.index if "net" in line]
    assert len(net) == 6 and ladder.loc[net, "mean"].notna().all()
    assert held.loc[["cost_yuan", *net], "mean"].isna().all()
    assert held.loc["receipts_yuan", "mean"] == 725


def test_a_month_with_a_step_missing_is_left_out_of_the_ladder_whole_and_counted():
    pay = {"gross_yuan": [100.0, 300.0, 0.0], "receipts_yuan": [80.0, None, 0.0], "active_days": [2.0, 2.0, 0.0]}
    rows = pd.DataFrame({"worker": ["a", "b", "c"], "month": "2024-01", "first_covered": ["2024-01"] * 3} | pay)
    ladder = income_ladder(register(connect(), "few_rows", rows.astype({"first_covered": "string"}))).set_index("line")
    assert ladder.loc["gross_yuan", ["mean", "total", "workers"]].tolist() == [100, 100, 1]
    assert ladder.loc[["complete", "incomplete"], "worker_months"].tolist() == [1, 1]
    assert set(ladder["when"]) == {"after"}


def test_every_line_of_a_ladder_has_a_name_in_both_languages(tmp_path):
    from impact.panel.income.ladder import LINES as KNOWN

    assert set(LINES) == set(KNOWN)
    assert no_ladder().empty and found(cleaned(delivered(tmp_path, [account()], months_of("A-1", calendar()))), "no_cpi") == []
