"""Pay equals what plain pandas computes row by row, whatever the panel."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from impact.panel.income.ladder import SINGLE, YUAN, income_ladder
from impact.panel.income.pay import COLUMNS, PayRecords, with_pay
from impact.sources.engine import connect, register

few = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
MONTHS = [f"2024-{month:02d}" for month in range(1, 7)]
BASE = "2024-03"
ENGINE = connect()


@st.composite
def worlds(draw: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Worker-months with gaps, pauses, late entry and missing amounts, a month without anybody; prices with holes; accounts; a list of the eligible."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=3, max_size=6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = np.repeat(np.arange(len(sizes)), sizes)
    workers = pd.DataFrame({"worker": [f"A{place}" for place in range(len(unit))], "city": [f"C{place % 3}" for place in unit]})
    # the first unit is covered; the last may be covered from the first month on
    workers["platform"] = np.where(unit == 0, "P1", "P2")
    workers["unit"] = workers["platform"] + "·" + [f"{place}" for place in unit]
    workers["first_covered"] = np.where(unit == 0, draw(st.sampled_from(MONTHS)), None)
    workers["entry"] = random.choice(MONTHS, len(workers))
    rows = workers.merge(pd.DataFrame({"month": [month for month in MONTHS if month != "2024-05"]}), how="cross")
    rows = rows[rows["month"] >= rows["entry"]].drop(columns="entry").reset_index(drop=True)
    size = len(rows)
    works = random.random(size) < 0.8
    part = {
        name: np.where(works, random.integers(0, 40, size), 0).astype(float) for name in ("waiting_hours", "pickup_hours", "service_hours")
    }
    gross = np.where(works, random.integers(0, 9000, size), 0).astype(float)
    take = np.round(gross * random.uniform(0, 0.3, size), 2)
    money = {"gross_yuan": gross, "commission_yuan": take, "waiver_refund_yuan": np.where(random.random(size) < 0.2, take, 0.0)}
    money |= {"incentive_yuan": np.where(works, 10.0, 0.0), "penalty_yuan": np.where(works, 5.0, 0.0)}
    rows = rows.assign(active_days=np.where(works, 3.0, 0.0), **part, **money, cost_yuan=np.round(gross * 0.3, 2))
    for name in ("cost_yuan", "gross_yuan", "pickup_hours"):
        rows.loc[random.random(size) < 0.1, name] = np.nan
    rows["multi_homer"] = random.choice([0.0, 1.0, np.nan], size)
    rows = rows[random.random(size) < 0.95]
    prices = pd.DataFrame([(f"C{city}", month) for city in range(3) for month in MONTHS], columns=["city_id", "ym"])
    prices = prices.assign(cpi=random.uniform(95, 110, len(prices)), min_wage_month_yuan=2000.0, min_wage_hour_yuan=2000 / 174)
    prices.loc[random.random(len(prices)) < 0.1, "cpi"] = np.nan
    prices = prices[(random.random(len(prices)) < 0.9) | (prices["ym"] == BASE)]
    accounts = workers.rename(columns={"worker": "account_id", "platform": "platform_id"})[["account_id", "platform_id"]]
    accounts = accounts.assign(person_id=random.choice(["p1", "p2", "p3", None], len(accounts)))
    accounts["eligibility_source"] = random.choice(["", "登记档案", "本人申报"], len(accounts))
    listed = accounts[accounts["platform_id"] == "P1"].sample(frac=0.6, random_state=1)
    listed = listed[["account_id"]].assign(verified_date=pd.to_datetime(random.choice([f"{month}-11" for month in MONTHS], len(listed))))
    return rows, prices, accounts, listed


def paid(rows: pd.DataFrame, prices: pd.DataFrame, accounts: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    for name in ("first_covered", "month"):
        rows = rows.assign(**{name: rows[name].astype("string")})
    table = register(ENGINE, "rows_", rows)
    worked = rows[rows["active_days"] > 0].rename(columns={"worker": "account_id", "month": "ym"})[["account_id", "ym"]]
    given_ = [
        register(ENGINE, f"{name}_", frame)
        for name, frame in (("a", accounts.astype("string")), ("w", worked), ("e", listed), ("p", prices))
    ]
    people, seen, eligible, cities = given_
    eligible = eligible.mutate(verified_date=eligible["verified_date"].cast("date"))
    records = PayRecords(ENGINE, people, seen, eligible if len(listed) else None, cities, BASE)
    found = with_pay(_numbers_are_null_not_nan(table), records).table
    return found.to_pandas().sort_values(["worker", "month"], ignore_index=True)


def _numbers_are_null_not_nan(table: Any) -> Any:
    floats = [name for name, kind in table.schema().items() if kind.is_floating()]
    return table.mutate(**{name: table[name].isnan().ifelse(ibis.null("float64"), table[name]) for name in floats})


def dumb(rows: pd.DataFrame, prices: pd.DataFrame, accounts: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Compute pay one row at a time."""
    price = {(one.city_id, one.ym): one for one in prices.itertuples()}
    person = {one.account_id: None if pd.isna(one.person_id) else one.person_id for one in accounts.itertuples()}
    platform = dict(zip(accounts["account_id"], accounts["platform_id"], strict=True))
    at: dict[tuple[str, str], set[str]] = {}
    for one in rows[rows["active_days"] > 0].itertuples():
        if person[one.worker]:
            at.setdefault((person[one.worker], one.month), set()).add(platform[one.worker])
    nan, made = float("nan"), []
    for one in rows.to_dict("records"):
        engaged = one["pickup_hours"] + one["service_hours"]
        online = one["waiting_hours"] + engaged
        receipts = one["gross_yuan"] - one["commission_yuan"] + 0 + one["incentive_yuan"] + one["waiver_refund_yuan"] - one["penalty_yuan"]
        net = receipts - one["cost_yuan"]
        here, base = price.get((one["city"], one["month"])), price.get((one["city"], BASE))
        deflator = base.cpi / here.cpi if here and base else nan
        kept = one["commission_yuan"] - one["waiver_refund_yuan"]
        hourly = net / online if online > 0 else nan
        who = person[one["worker"]]
        elsewhere = len(at.get((who, one["month"]), ())) > 1
        own = one["multi_homer"] if one["multi_homer"] == one["multi_homer"] else (0.0 if who else nan)
        due = here.min_wage_month_yuan * min(1, online / 174) if here and online > 0 else nan
        known = here is not None and hourly == hourly
        made.append(
            {
                **one,
                "engaged_hours": engaged,
                "online_hours": online,
                "receipts_yuan": receipts,
                "income_net_yuan": net,
                "hourly_net_yuan": hourly,
                "hourly_net_engaged_yuan": net / engaged if engaged > 0 else nan,
                "effective_commission": kept / one["gross_yuan"] if one["gross_yuan"] > 0 else nan,
                "receipts_real_yuan": receipts * deflator,
                "income_net_real_yuan": net * deflator,
                "hourly_net_real_yuan": hourly * deflator,
                "below_minimum": float(net < due) if known else nan,
                "below_minimum_hourly": float(hourly < here.min_wage_hour_yuan) if known else nan,
                "multi_homer": 1.0 if elsewhere else own,
            }
        )
    return _with_dumb_dose(pd.DataFrame(made), accounts, listed)


def _with_dumb_dose(rows: pd.DataFrame, accounts: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    begun = rows["first_covered"].dropna().min()
    verified = {one.account_id: f"{one.verified_date:%Y-%m}" for one in listed.itertuples()}
    recorded = set(accounts[accounts["eligibility_source"] == "登记档案"]["account_id"])
    with_list = set(accounts[accounts["account_id"].isin(verified)]["platform_id"])
    doses = {}
    for unit, held in rows.groupby("unit"):
        covered = held["first_covered"].notna().iloc[0]
        until = held["first_covered"].iloc[0] if covered else begun
        before = held[(held["month"] < until) & (held["active_days"] > 0)]
        both = before[before["gross_yuan"].notna()]
        gross = both["gross_yuan"].sum()
        commission = (both["commission_yuan"] - both["waiver_refund_yuan"]).sum() / gross if gross else np.nan
        people, is_listed = set(before["worker"]), held["platform"].iloc[0] in with_list
        early = [who for who in people if (verified.get(who, "9") < until if is_listed else who in recorded)]
        known = people and (is_listed or not covered)
        share = len(early) / len(people) if known else np.nan
        doses[unit] = (commission, share, commission * share)
    for place, name in enumerate(("commission_before", "eligible_share_before", "bite")):
        rows[name] = [doses[unit][place] for unit in rows["unit"]]
    return rows.sort_values(["worker", "month"], ignore_index=True)


def some_covered(world: tuple[pd.DataFrame, ...]) -> bool:
    return len(world[0]) > 0 and bool(world[0]["first_covered"].notna().any())


@few
@given(worlds().filter(some_covered))
def test_every_column_of_pay_equals_a_row_by_row_computation(world):
    mine, theirs = dumb(*world), paid(*world)
    held = [name for name in COLUMNS if name in mine]
    assert set(held) == {name for name in COLUMNS if name in theirs} and len(held) >= 25
    for name in held:
        assert_allclose(theirs[name].astype(float), mine[name].astype(float), err_msg=name, **CLOSE)


@few
@given(worlds().filter(some_covered), st.integers(0, 2**32 - 1))
def test_nothing_that_happens_after_the_agreement_changes_the_dose(world, seed):
    rows, prices, accounts, listed = world
    begun = rows["first_covered"].dropna().min()
    after = rows["month"] >= rows["first_covered"].fillna(begun)
    random = np.random.default_rng(seed)
    changed = rows.copy()
    for name in ("gross_yuan", "commission_yuan", "waiver_refund_yuan"):
        changed.loc[after, name] = random.uniform(0, 9000, int(after.sum()))
    late = listed["verified_date"] >= pd.Timestamp(f"{begun}-01")
    fewer = listed.assign(verified_date=listed["verified_date"].mask(late, pd.Timestamp("2026-01-01")))
    before, other = (paid(table, prices, accounts, names) for table, names in ((rows, listed), (changed, fewer)))
    for name in ("commission_before", "eligible_share_before", "bite"):
        assert_allclose(other[name].astype(float), before[name].astype(float), **CLOSE)


@few
@given(worlds().filter(some_covered))
def test_the_ladder_adds_up_and_equals_plain_sums(world):
    frame = dumb(*world).assign(first_covered=lambda rows: rows["first_covered"].astype("string"))
    table = _numbers_are_null_not_nan(register(ENGINE, "paid_rows", frame))
    ladder = income_ladder(table).set_index(["line", "group", "when"])
    works = frame[frame["active_days"] > 0]
    until = works["first_covered"].fillna(frame["first_covered"].min())
    works = works.assign(
        group=np.where(works["first_covered"].notna(), "covered", "never"), when=np.where(works["month"] >= until, "after", "before")
    )
    whole = works[works[list(YUAN)].notna().all(axis=1)]
    for (group, when), held in whole.groupby(["group", "when"]):
        line = {name: ladder.loc[(name, group, when)] for name in YUAN}
        for name in YUAN:
            assert_allclose([line[name]["mean"], line[name]["total"]], [held[name].mean(), held[name].sum()], **CLOSE)
        steps = {name: line[name]["mean"] for name in YUAN}
        up = steps["gross_yuan"] - steps["commission_yuan"] + steps["incentive_yuan"] + steps["waiver_refund_yuan"] - steps["penalty_yuan"]
        assert_allclose([up, up - steps["cost_yuan"]], [steps["receipts_yuan"], steps["income_net_yuan"]], **CLOSE)
        timed = held[held["online_hours"] > 0]
        single = timed[timed["multi_homer"] == 0]
        for name, rows in (("hourly_net_yuan", timed), (SINGLE, single)):
            if len(rows):
                assert_allclose(
                    ladder.loc[(name, group, when), "mean"], rows["income_net_yuan"].sum() / rows["online_hours"].sum(), **CLOSE
                )
                assert ladder.loc[(name, group, when), "workers"] == rows["worker"].nunique()
    counted = ladder["worker_months"]
    assert sum(counted.get(name, pd.Series([0.0])).sum() for name in ("complete", "incomplete")) == pytest.approx(len(works))
