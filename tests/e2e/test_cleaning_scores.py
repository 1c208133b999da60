"""A synthetic world knows what is wrong with its own exports: what cleaning finds of it, and what studies read in the end."""

from __future__ import annotations

import hmac
import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from impact.clean.platform.account import MANY_ON_A_DEVICE
from impact.panel.income.ladder import income_ladder
from impact.run.delivery import CleanDelivery
from impact.run.receive import Received, receive
from impact.simulate.simulate import simulate
from impact.simulate.world import load_world
from impact.sources.engine import connect
from impact.sources.key import SYNTHETIC_KEY
from impact.study import Study, load_study

ROOT = Path(__file__).parents[2]
SMALL = "name: default\nscale: 0.002\ncampaign: {agreements: 14, others: 8, firms: 40, workers: 25}\nsurvey: {issued: 300}\n"
END = pd.Timestamp("2026-06-30")
NUMBERS = ["active_days", "orders", "online_hours", "engaged_hours", "gross_yuan", "commission_yuan", "receipts_yuan", "cost_yuan"]
NUMBERS += ["income_net_yuan", "hourly_net_yuan", "below_minimum", "exit_30d", "exit_90d"]
TEXTS = ["platform", "city", "unit", "cluster", "first_covered", "joined"]
"""All but `eligible`: some are eligible of whom no list of the platform says so."""


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_cleaning", ROOT / "tools" / "score_cleaning.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _tool()


@dataclass(frozen=True)
class Scored:
    """A small world, its ledger, and its exports after cleaning."""

    world: Path
    ledger: pd.DataFrame
    clean: CleanDelivery

    def planted(self, rule: str) -> pd.DataFrame:
        return self.ledger[self.ledger["defect"] == rule]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root with a small default world."""
    folder = tmp_path_factory.mktemp("cleaning")
    (folder / "default.yaml").write_text(f"extends: {ROOT / 'worlds' / 'default.yaml'}\n{SMALL}", encoding="utf-8")
    simulate(load_world(folder / "default.yaml"), folder / "data" / "worlds" / "default", registry=ROOT / "data" / "registry")
    return folder / "data"


@pytest.fixture(scope="module")
def scored(data: Path) -> Scored:
    world = data / "worlds" / "default"
    ledger = tool.ledger_of(world)
    return Scored(world, ledger, tool.cleaned(world, ledger))


@pytest.fixture(scope="module")
def dier(data: Path, scored: Scored) -> Received:
    """What the study of ride-hail reads; whole files are declared as the small world's own ledger says."""
    study: Study = load_study(ROOT / "studies" / "dier.yaml")
    told = study.source.model_copy(update={"delivery": tool.delivery_of(scored.ledger).model_copy(update={"world": "default.yaml"})})
    return receive(connect(), study.model_copy(update={"source": told}), data, {})


@pytest.mark.parametrize("rule", tool.TABLE_OF)
def test_what_was_planted_is_found_and_nothing_else_is_touched(rule: str, scored: Scored) -> None:
    ledger = scored.ledger
    if rule == "shared_device":  # two idle accounts on a device are a family; only more can be told
        ledger = ledger[~((ledger["defect"] == rule) & ledger.groupby("written")["key"].transform("size").lt(MANY_ON_A_DEVICE))]
    line = tool.platform_scores(scored.clean, ledger).set_index("rule").loc[rule]
    assert line["planted"] > 0
    assert line["share_found"] >= 0.99, line
    assert line["share_wrong"] <= 0.001, line


def test_rows_without_any_planted_defect_are_left_alone(scored: Scored) -> None:
    odd = tool.others(scored.clean, scored.ledger)
    rows = sum(one.audit.rows_in for one in scored.clean.tables)
    assert len(odd) <= 0.00001 * rows, odd


def test_rows_in_less_rows_dropped_are_rows_kept(scored: Scored) -> None:
    for one in scored.clean.tables:
        dropped = sum(rule.rows for rule in one.audit.rules if rule.action == "dropped")
        assert one.audit.rows_in - dropped == one.audit.rows_kept == int(one.table.count().to_pyarrow().as_py()), one.audit.table


def test_days_written_day_first_become_the_days_that_were_meant(scored: Scored) -> None:
    planted = scored.planted("declared_date")
    column = {"最早出工日": "first_active_date", "最后出工日": "last_active_date"}
    months = scored.clean.months.cleaned.table
    held = months.filter(months["file_"].isin(planted["file"].unique().tolist())).to_pandas().set_index("row_")
    meant = [pd.Timestamp(one.original) == held.loc[one.row, column[one.column]] for one in planted.itertuples() if one.row in held.index]
    assert all(meant) and len(meant) >= 0.9 * len(planted)


def test_money_in_fen_becomes_yuan_to_the_fen(scored: Scored) -> None:
    file = scored.planted("fen_for_yuan")["file"].iloc[0]
    months = scored.clean.months.cleaned.table
    held = months.filter(months["file_"] == file).to_pandas().sort_values("row_", ignore_index=True)
    raw = pd.read_parquet(scored.world / "raw" / file).assign(row_=lambda frame: np.arange(len(frame)) + 1)
    both = held.merge(raw, on="row_", suffixes=("", "_fen"))
    gross = "gross_fare" if "gross_fare" in raw else "gross_fen"
    assert len(both) > 10
    np.testing.assert_allclose(both["gross"] * 100, both[gross], atol=1e-6)
    np.testing.assert_allclose(both["net_est"] * 100, both["net_est_fen"], atol=1e-6)


def test_the_days_of_work_agree_with_the_months_once_utc_is_declared(scored: Scored) -> None:
    assert not [finding for finding in scored.clean.findings if finding.rule in ("days_against_months", "money_unit")]


def test_undeclared_utc_and_fen_stop(scored: Scored) -> None:
    from impact.run.delivery import clean_delivery, open_delivery

    delivery = tool.delivery_of(scored.ledger)
    dates = tuple(one for one in delivery.declared if one.says.startswith("dates"))
    silent = clean_delivery(open_delivery(connect(), scored.world / "raw", delivery.model_copy(update={"declared": dates})))
    stops = {(finding.rule, finding.where) for finding in silent.findings if finding.level == "stop"}
    platform = Path(scored.planted("utc_days")["file"].iloc[0]).stem
    assert stops == {("money_unit", scored.planted("fen_for_yuan")["file"].iloc[0]), ("days_against_months", f"platform {platform}")}


def test_receive_equals_a_second_dumber_implementation_row_by_row(dier: Received, data: Path) -> None:
    mine = _dumb_panel(data / "worlds" / "default" / "raw")
    theirs = dier.raw.table.to_pandas().sort_values(["worker", "month"], ignore_index=True)
    mine = mine.assign(worker=mine["account"].map(_pseudonym)).sort_values(["worker", "month"], ignore_index=True)
    assert theirs["worker"].tolist() == mine["worker"].tolist()
    assert theirs["month"].tolist() == mine["month"].tolist()
    for name in [*TEXTS, "left"]:
        _assert_same_texts(theirs[name], mine[name], name)
    for name in NUMBERS:
        np.testing.assert_allclose(theirs[name], mine[name], rtol=0, atol=1e-9, err_msg=name)


def test_what_a_study_reads_is_what_an_ideal_cleaning_leaves(dier: Received, data: Path, scored: Scored) -> None:
    """But for months whose row was dropped or set aside, and months after the last working day that the export shows (their worker leaves later)."""
    ideal = pd.read_parquet(data / "worlds" / "default" / "clean" / "ride_hail.parquet")
    ideal = ideal.assign(
        account=ideal["worker"].astype(str), worker=ideal["worker"].astype(str).map(_pseudonym), month=ideal["month"].astype(str)
    )
    read = dier.raw.table.to_pandas()
    both = ideal.merge(read, on=["worker", "month"], how="outer", suffixes=("", "_read"), indicator=True)
    assert not (both["_merge"] == "right_only").any()
    lost = both[both["_merge"] == "left_only"]
    last_seen = read.groupby("worker")["month"].max()
    after = lost["month"] > lost["worker"].map(last_seen).fillna("")
    held = pd.concat([scored.planted("negative_fare"), scored.planted("activity_after_closure")])
    month = held["file"].str.extract(r"ym=(\d{4}-\d{2})")[0]
    struck = set(zip(held["key"], month, strict=True))
    explained = pd.Series([place in struck for place in zip(lost["account"], lost["month"], strict=True)], index=lost.index, dtype=bool)
    unexplained = lost[~(after | explained)]
    assert unexplained.empty, unexplained[["account", "month", "active_days"]]
    assert lost.loc[after & ~explained, "active_days"].eq(0).all()
    assert 0 < len(lost) < 0.02 * len(ideal)
    kept = both[both["_merge"] == "both"]
    for name in [*NUMBERS, *TEXTS, "left"]:
        left, right = kept[name], kept[f"{name}_read"]
        if name in NUMBERS:
            np.testing.assert_allclose(right.astype(float), left.astype(float), atol=1e-6, err_msg=name)
        else:
            _assert_same_texts(right, left, name)


def test_the_ladder_gives_what_the_world_knows_of_its_pay(dier: Received, data: Path) -> None:
    """Rows that rules struck are the only difference: less than one in a thousand."""
    ladder = income_ladder(dier.raw.table).set_index(["line", "group", "when"])["mean"]
    truth = pd.read_parquet(data / "worlds" / "default" / "truth" / "effects.parquet")
    truth = truth[(truth["agreement_id"] == "dier-network") & (truth["eligible"] == "all")]
    last = dier.raw.table.to_pandas()["month"].max()
    for when, months in (("before", truth["event_time"] < 0), ("after", (truth["event_time"] >= 0) & (truth["month"] <= last))):
        for outcome in ("hourly_net_yuan", "effective_commission"):
            held = truth[months & (truth["outcome"] == outcome)]
            known = (held["with_agreement"] * held["denominator"]).sum() / held["denominator"].sum()
            assert ladder[outcome, "covered", when] == pytest.approx(known, rel=0.001), (outcome, when)


def test_the_dose_of_a_city_is_what_its_exports_say_of_the_months_before(dier: Received, data: Path) -> None:
    read = dier.raw.table.to_pandas()
    listed = pd.read_csv(data / "worlds" / "default" / "raw" / "platform" / "eligibility" / "RH01.csv")
    early = {_pseudonym(account) for account in listed[listed["eligible_pre"] == 1]["account_id"]}
    before = read[(read["platform"] == "RH01") & (read["month"] < "2025-03") & (read["active_days"] > 0)]
    doses = read.drop_duplicates("unit").set_index("unit")["bite"]
    assert before["unit"].nunique() > 20 and early
    for unit, held in before.groupby("unit"):
        kept = (held["commission_yuan"] - held["waiver_refund_yuan"]).sum() / held["gross_yuan"].sum()
        assert doses[unit] == pytest.approx(kept * len(early & set(held["worker"])) / held["worker"].nunique(), abs=1e-12)


def test_nobody_can_be_told_from_what_a_study_reads(dier: Received, data: Path) -> None:
    raw = data / "worlds" / "default" / "raw" / "platform" / "account"
    people = pd.concat([pd.read_parquet(path) for path in raw.glob("RH*.parquet")])
    secrets = {str(value) for name in ("account_id", "name", "phone", "device_id") for value in people[name].dropna()}
    table = dier.raw.table.to_pandas()
    shown = {str(value) for name in table for value in table[name].dropna().unique()}
    assert len(secrets) > 1000 and not secrets & shown
    said = str(dier.as_dict()) + str(dier.touched.to_pylist())
    assert not [secret for secret in people["account_id"] if secret in said]


def test_the_command_prints_a_table_with_a_line_for_every_rule(scored: Scored) -> None:
    command = [sys.executable, str(ROOT / "tools" / "score_cleaning.py"), str(scored.world)]
    ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split("|")[1].strip() for line in ended.stdout.splitlines() if line.startswith("|")]
    assert set(tool.TABLE_OF) < set(lines)
    assert any(line.startswith("wave 2: ") for line in lines)


def _pseudonym(account: str) -> str:
    return "w_" + hmac.new(SYNTHETIC_KEY.secret, f"w_{account}".encode(), "sha256").hexdigest()[:24]


def _assert_same_texts(one: pd.Series, other: pd.Series, name: str) -> None:
    left, right = ([None if pd.isna(value) else str(value)[:10] for value in column] for column in (one, other))
    assert left == right, name


def _dumb_panel(raw: Path) -> pd.DataFrame:
    """Clean the ride-hail exports with pandas alone, worker by worker."""
    import yaml

    accounts = pd.concat([pd.read_parquet(path) for path in sorted((raw / "platform/account").glob("RH*.parquet"))])
    accounts = accounts[~accounts["name"].str.startswith("测试")].set_index("account_id")
    files = sorted((raw / "platform/worker_month").glob("ym=*/RH*.parquet"))
    rows = pd.concat([pd.read_parquet(path).rename(columns={"gross_fare": "gross"}).assign(ym=path.parent.name[3:]) for path in files])
    rows = rows[rows["account_id"].isin(accounts.index)].astype({"account_id": str})
    for name in ("first_active_date", "last_active_date"):
        rows[name] = pd.to_datetime(rows[name])
    closed = pd.to_datetime(rows["account_id"].map(accounts["closed_date"]))
    rows["odd"] = (rows["active_days"] > 0) & ((rows["last_active_date"] > closed) | (rows["ym"] > closed.dt.strftime("%Y-%m")))
    agreements = yaml.safe_load((raw / "registry/agreements.yaml").read_text(encoding="utf-8"))["agreements"]
    covered = {one["platform"]: str(one["effective"]["value"])[:7] for one in agreements if one.get("platform") and not one.get("unit")}
    listed = set(pd.read_csv(raw / "platform/eligibility/RH01.csv")["account_id"])
    wages = pd.read_csv(raw / "context/city_month.csv").set_index(["city_id", "ym"])["min_wage_month_yuan"]
    parts = [
        _dumb_worker(str(account), accounts.loc[account], held, covered, listed, wages)
        for account, held in rows.sort_values("ym").groupby("account_id", observed=True)
    ]
    return pd.DataFrame([row for part in parts for row in part])


def _dumb_worker(
    account: str, who: pd.Series, held: pd.DataFrame, covered: dict[str, str], listed: set[str], wages: pd.Series
) -> list[dict[str, object]]:
    """Give the worker-months of one worker, in months up to March 2026."""
    worked = held[(held["active_days"] > 0) & ~held["odd"]]
    if worked.empty:
        return []
    last = worked["last_active_date"].max()
    begun = pd.Timestamp(who["first_trip_date"])
    by_month = {row.ym: row for row in held.itertuples()}
    starts = worked["first_active_date"].tolist()
    made = []
    for period in pd.period_range(max(begun, pd.Timestamp("2023-07-01")), last, freq="M"):
        month = str(period)
        row = by_month.get(month)
        if month > "2026-03" or (row is not None and (row.odd or row.gross < 0)):
            continue
        works = row is not None and row.active_days > 0
        made.append(
            {
                "account": account,
                "month": month,
                "platform": who["platform_id"],
                "city": who["city_id"],
                "unit": f"{who['platform_id']}·{who['city_id']}",
                "cluster": who["platform_id"],
                "first_covered": covered.get(who["platform_id"]),
                "eligible": account in listed if who["platform_id"] == "RH01" else bool(who["eligibility_source"]),
                "joined": begun,
                "left": last if last + pd.Timedelta(days=90) <= END else None,
                **{f"exit_{days}d": _dumb_exit(row.last_active_date, starts, days) if works else np.nan for days in (30, 90)},
                **_dumb_pay(row if works else None, float(wages[who["city_id"], month])),
            }
        )
    return made


def _dumb_exit(last: pd.Timestamp, starts: list[pd.Timestamp], days: int) -> float:
    until = last + pd.Timedelta(days=days)
    return np.nan if until > END else float(not any(last < start <= until for start in starts))


def _dumb_pay(row: object | None, wage: float) -> dict[str, float]:
    source = ["active_days", "orders", "online_h", "p3_h", "gross", "take", "receipts", "cost_est", "net_est"]
    pay = {name: float(getattr(row, held)) if row else 0.0 for name, held in zip(NUMBERS, source, strict=False)}
    pay["engaged_hours"] += float(row.p2_h) if row else 0.0  # type: ignore[attr-defined]
    hours, net = pay["online_hours"], pay["income_net_yuan"]
    known = hours > 0
    return pay | {
        "hourly_net_yuan": net / hours if known else np.nan,
        "below_minimum": float(net < wage * min(1.0, hours / 174)) if known else np.nan,
    }
