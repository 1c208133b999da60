"""A world's files, read as a stranger would: clean but for what the ledger names, and the study's table is what the raw days say."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from pyarrow import parquet

from impact.errors import WorldError
from impact.simulate.simulate import MANIFEST, simulate
from impact.simulate.world import World, load_world

DEFAULT = Path(__file__).parents[2] / "worlds" / "default.yaml"
PLATFORMS = ("RH01", "RH02", "RH05", "FR01", "FR02", "CR01", "DL01", "DL05")
RENEWED = "2025-01"
OVERLAY = f"""\
extends: {DEFAULT.as_posix()}
scale: 0.001
first_month: 2024-07
months: 16
campaign: {{agreements: 3, others: 2, firms: 6, first_signed: 2024-09, last_signed: 2025-06}}
survey: {{issued: 60}}
planted: {{duplicate_days: 0.02, amended_days: 0.02, test_accounts: 0.04, negative_fares: 0.01, closed_activity: 0.2, purge_share: 0.3}}
"""
NOTHING = """\
planted: {shared_devices: 0, duplicate_days: 0, amended_days: 0, test_accounts: 0, negative_fares: 0, fen_files: 0, utc_platforms: 0, renamed_from: null,
  mixed_dates_files: 0, purge_month: null, purge_share: 0, closed_activity: 0, survey: 0}
"""
MONEY = ["gross", "take", "incentive", "waiver_refund", "penalty", "receipts", "cost_est", "net_est"]
ENGLISH = {
    "司机编号": "account_id",
    "月份": "ym",
    "城市编号": "city_id",
    "企业编号": "firm_id",
    "协商单元": "unit_id",
    "出工天数": "active_days",
    "在线时长（小时）": "online_h",
    "等单时长（小时）": "p1_h",
    "接驾时长（小时）": "p2_h",
    "服务时长（小时）": "p3_h",
    "完单量": "orders",
    "流水（元）": "gross",
    "流水金额（元）": "gross",
    "抽成（元）": "take",
    "奖励（元）": "incentive",
    "免佣返还（元）": "waiver_refund",
    "罚款（元）": "penalty",
    "到手收入（元）": "receipts",
    "成本估计（元）": "cost_est",
    "净收入估计（元）": "net_est",
    "投诉数": "complaints",
    "评分": "rating",
    "月末状态": "status_end",
    "最早出工日": "first_active_date",
    "最后出工日": "last_active_date",
    "是否多平台": "other_platform_flag",
}
STATUS = {"正常": "active", "未出工": "inactive", "已注销": "closed", "已清理": "purged"}
SECRETS = {
    "frailty",
    "ability",
    "hazard",
    "log_hazard",
    "exit",
    "cause",
    "full_time",
    "first_covered",
    "first_covered_month",
    "score",
    "accepts",
}


def a_world(folder: Path, more: str = "", platforms: tuple[str, ...] = PLATFORMS, **changes: object) -> World:
    """Load a world file that changes the default one, and keep some of its platforms."""
    path = folder / "small.yaml"
    head = OVERLAY if not more else "\n".join(line for line in OVERLAY.splitlines() if not line.startswith("planted")) + "\n" + more
    path.write_text(head, encoding="utf-8")
    held = load_world(path, **changes)
    kept = tuple(one for one in held.platforms if one.id in platforms)
    events = tuple(event for event in held.events if set(event.platforms) <= set(platforms))
    return held.model_copy(update={"platforms": kept, "events": events})


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(a_world(folder), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def ledger(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "truth" / "defects.parquet")


@pytest.fixture(scope="module")
def months(out: Path, ledger: pd.DataFrame) -> pd.DataFrame:
    """Every worker-month of every file, with its file and row as the ledger counts them, columns named alike and money in yuan."""
    fen = set(ledger.loc[ledger["defect"] == "fen_for_yuan", "file"])
    parts = []
    for path in sorted((out / "raw" / "platform" / "worker_month").rglob("*.parquet")):
        part = parquet.ParquetFile(path).read().to_pandas().rename(columns={"gross_fare": "gross"})
        part = part.assign(ym=path.parent.name.removeprefix("ym="), pool=path.stem, row=np.arange(len(part)) + 1, file=below_raw(out, path))
        part["status_end"] = part["status_end"].astype(str)
        parts.append(in_yuan(part) if part["file"].isin(fen).any() else part)
    for path in sorted((out / "raw" / "platform" / "csv").glob("*.csv")):
        part = pd.read_csv(path, encoding="utf-8-sig" if path.stem[-7:] >= RENEWED else "gb18030").rename(columns=ENGLISH)
        part = part.assign(pool=path.stem[:-8], row=np.arange(len(part)) + 2, file=below_raw(out, path))
        parts.append(part.assign(status_end=part["status_end"].map(STATUS)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def days(out: Path) -> pd.DataFrame:
    """Every worker-day of every file, with its file and row."""
    parts = []
    for path in sorted((out / "raw" / "platform" / "worker_day").rglob("*.parquet")):
        part = parquet.ParquetFile(path).read().to_pandas()
        parts.append(
            part.assign(ym=path.parent.name.removeprefix("ym="), pool=path.stem, row=np.arange(len(part)) + 1, file=below_raw(out, path))
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def accounts(out: Path) -> pd.DataFrame:
    parts = []
    for path in sorted((out / "raw" / "platform" / "account").glob("*.parquet")):
        part = pd.read_parquet(path)
        parts.append(part.assign(row=np.arange(len(part)) + 1, file=below_raw(out, path)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def clean_months(months: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    return months[~is_listed(months, ledger)]


@pytest.fixture(scope="module")
def clean_days(days: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    return days[~is_listed(days, ledger[ledger["defect"].isin(["duplicate_day", "amended_day"])])]


def below_raw(out: Path, path: Path) -> str:
    return path.relative_to(out / "raw").as_posix()


def in_yuan(part: pd.DataFrame) -> pd.DataFrame:
    return part.assign(**{name: part[name] / 100 for name in MONEY})


def lines(ledger: pd.DataFrame, defect: str) -> pd.DataFrame:
    found = ledger[ledger["defect"] == defect]
    assert len(found), f"nothing planted: {defect}"
    return found


def is_listed(rows: pd.DataFrame, ledger: pd.DataFrame) -> np.ndarray:
    """Say of each row whether the ledger has a line at its file and row."""
    listed = set(zip(ledger["file"], ledger["row"].fillna(0).astype(int), strict=True))
    return np.array([place in listed for place in zip(rows["file"], rows["row"], strict=True)])


def at(rows: pd.DataFrame, ledger: pd.DataFrame, column: str = "row") -> pd.DataFrame:
    """Give the rows that ledger lines name, in the ledger's order."""
    keys = pd.DataFrame({"file": ledger["file"].astype(str).to_numpy(), "row": ledger[column].astype(float).astype(int).to_numpy()})
    found = keys.merge(rows.assign(file=rows["file"].astype(str)), on=["file", "row"], how="left", validate="one_to_one")
    assert found["account_id"].notna().all(), "the ledger names rows that do not exist"
    return found


# What holds in every row that the ledger does not name


def test_hours_and_money_add_up_to_the_fen(clean_months):
    held = clean_months
    assert len(held) > 10_000
    assert_allclose(held["online_h"], held["p1_h"] + held["p2_h"] + held["p3_h"], atol=0.001)
    assert_allclose(
        held["receipts"], held["gross"] - held["take"] + held["incentive"] + held["waiver_refund"] - held["penalty"], atol=0.001
    )
    assert_allclose(held["net_est"], held["receipts"] - held["cost_est"], atol=0.001)
    assert (held["waiver_refund"] > 0).any()


def test_days_add_up_to_the_fen(clean_days):
    held = clean_days
    assert_allclose(held["online_h"], held["p1_h"] + held["p2_h"] + held["p3_h"], atol=0.001)
    assert_allclose(held["receipts"], held["gross"] - held["take"] + held["incentive"] - held["penalty"], atol=0.001)


def test_days_add_up_to_months_refunds_apart(clean_days, clean_months, ledger):
    amended = set(lines(ledger, "amended_day")["key"].str.split(" ").str[0])
    months = clean_months[clean_months["pool"].isin(clean_days["pool"].unique()) & ~clean_months["account_id"].isin(amended)]
    months = months[months["active_days"] > 0].set_index(["account_id", "ym"]).sort_index()
    grouped = clean_days[clean_days["account_id"].isin(months.index.get_level_values(0))].groupby(["account_id", "ym"])
    summed, counted = grouped.sum(numeric_only=True), grouped.size()
    touched = counted.index.difference(months.index)
    assert len(touched) < 0.05 * len(counted), "days without a month beyond those whose month is in the ledger"
    summed, counted = summed.loc[months.index], counted[months.index]
    assert len(months) > 500
    assert_array_equal(counted, months["active_days"])
    for column in ("orders", "online_h", "p1_h", "p2_h", "p3_h", "gross", "take", "incentive", "penalty"):
        assert_allclose(summed[column], months[column], atol=0.001, err_msg=column)
    assert_allclose(summed["receipts"] + months["waiver_refund"], months["receipts"], atol=0.001)


def test_every_account_has_one_row_a_month_and_one_a_day(clean_months, clean_days, accounts):
    assert not clean_months.duplicated(["account_id", "ym"]).any()
    assert not clean_days.duplicated(["account_id", "date"]).any()
    assert not accounts["account_id"].duplicated().any()


def test_accounts_are_the_same_in_every_file(months, days, accounts):
    listed = set(accounts["account_id"])
    assert set(days["account_id"]) <= set(months["account_id"])
    assert set(months.loc[~months["pool"].str.startswith("QINGDAO"), "account_id"]) <= listed


def test_no_worker_month_follows_the_closure(months, accounts):
    closed = closing_month(accounts)
    held = months[months["account_id"].isin(closed.index)]
    assert (held["ym"].to_numpy() <= closed[held["account_id"]].to_numpy()).all()
    gone = months[months["status_end"].isin(["closed", "purged"])].set_index("account_id")["ym"]
    assert gone.index.is_unique
    assert (months["ym"] <= months["account_id"].map(gone).fillna("9999")).all()


def test_an_account_is_closed_in_its_months_when_its_own_row_says_so(clean_months, accounts):
    held, closed = closing_rows(clean_months, accounts)
    pooled = ~held["pool"].str.startswith("QINGDAO")
    assert_array_equal(closed[pooled], held.loc[pooled, "status_end"].isin(["closed", "purged"]))
    assert closed[pooled].sum() > 100


def test_a_local_account_is_closed_in_its_months_when_its_own_row_says_so(clean_months, accounts):
    held, closed = closing_rows(clean_months, accounts)
    local = held["pool"].str.startswith("QINGDAO")
    assert_array_equal(closed[local], held.loc[local, "status_end"].isin(["closed", "purged"]))


def closing_month(accounts: pd.DataFrame) -> pd.Series:
    closed = accounts.dropna(subset=["closed_date"]).set_index("account_id")["closed_date"]
    return pd.to_datetime(closed).dt.strftime("%Y-%m")


def closing_rows(months: pd.DataFrame, accounts: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Give the rows of accounts that are closed some time, and whether each is in the month of the closure."""
    closed = closing_month(accounts)
    held = months[months["account_id"].isin(closed.index)]
    return held, pd.Series(held["ym"].to_numpy() == closed[held["account_id"]].to_numpy(), index=held.index)


def test_nobody_takes_an_order_before_the_first_trip(accounts, days):
    first = pd.to_datetime(accounts.set_index("account_id")["first_trip_date"])
    seen = pd.to_datetime(days[days["pool"] != utc_pool(days)].groupby("account_id")["date"].min())
    assert (seen >= first[seen.index]).all()
    registered = pd.to_datetime(accounts["reg_date"])
    entered = (registered >= "2024-08-01") | (registered < "2024-07-01")  # who registers in the first month: test_simulate_people
    assert (first.to_numpy() >= registered.to_numpy())[entered & first.notna().to_numpy()].all()


def utc_pool(days: pd.DataFrame) -> str:
    early = days[pd.to_datetime(days["first_order_at"]).dt.hour.isin([21, 22, 23, 0, 1, 2])]
    assert early["pool"].nunique() == 1
    return str(early["pool"].iloc[0])


def test_no_day_has_more_hours_than_a_day(clean_days):
    assert clean_days["online_h"].max() <= 24


# Every planted defect shows where the ledger says, and nowhere else


def test_duplicate_days_stand_twice_and_are_identical(days, clean_days, ledger):
    copies = at(days, lines(ledger, "duplicate_day"))
    originals = copies[["file", "account_id", "date"]].merge(
        clean_days, on=["file", "account_id", "date"], how="left", validate="one_to_one"
    )
    compared = [name for name in days.columns if name not in ("row", "file")]
    pd.testing.assert_frame_equal(copies[compared], originals[compared], check_dtype=False)
    assert (copies["row"] > originals["row"]).all()


def test_an_amended_day_has_a_later_version_with_one_order_more(days, ledger):
    written = lines(ledger, "amended_day")
    before, after = at(days, written), at(days, written, "written")
    assert_array_equal(before["account_id"], after["account_id"])
    assert_array_equal(before["date"], after["date"])
    assert_array_equal(after["orders"], before["orders"] + 1)
    assert (after["updated_at"] > before["updated_at"]).all()
    assert (after["gross"] > before["gross"]).all()
    assert_array_equal(written["key"], before["account_id"] + " " + before["date"].astype(str))


def test_test_accounts_are_those_named_so(accounts, ledger):
    assert_array_equal(accounts["name"].str.startswith("测试"), is_listed(accounts, lines(ledger, "test_account")))
    assert_array_equal(at(accounts, lines(ledger, "test_account"))["name"], lines(ledger, "test_account")["written"])


def test_test_accounts_alone_work_for_a_fen(months, accounts, ledger):
    tests = set(accounts.loc[accounts["name"].str.startswith("测试"), "account_id"])
    listed = is_listed(months, lines(ledger, "test_account_activity"))
    assert_array_equal(months["gross"].abs().between(0.01, 0.03), listed)
    assert set(months.loc[listed, "account_id"]) <= tests
    working = months[months["account_id"].isin(tests) & (months["orders"] > 0)]
    assert is_listed(working, ledger).all()


def test_negative_fares_are_those_of_the_ledger(months, ledger):
    written = lines(ledger, "negative_fare")
    assert_array_equal(months["gross"] < 0, is_listed(months, written))
    found = at(months, written)
    assert_allclose(found["gross"], written["written"].astype(float))
    assert_allclose(-found["gross"], written["original"].astype(float))
    assert_array_equal(found["account_id"], written["key"])


def test_closed_accounts_are_active_only_where_the_ledger_says(months, ledger):
    active = months["status_end"].isin(["closed", "purged"]) & (months["orders"] > 0)
    assert_array_equal(active, is_listed(months, lines(ledger, "activity_after_closure")))
    assert_array_equal(at(months, lines(ledger, "activity_after_closure"))["account_id"], lines(ledger, "activity_after_closure")["key"])


def test_the_file_in_fen_has_a_hundred_times_the_money_and_no_other_has(out, ledger):
    listed = set(lines(ledger, "fen_for_yuan")["file"])
    medians = {}
    for path in (out / "raw" / "platform" / "worker_month").rglob("*.parquet"):
        part = pd.read_parquet(path).rename(columns={"gross_fare": "gross"})
        an_order = (part["gross"] / part["orders"])[(part["orders"] > 3) & (part["gross"] > 0)].median()
        medians[below_raw(out, path)] = (path.stem, an_order)
    table = pd.DataFrame.from_dict(medians, orient="index", columns=["pool", "an_order"])
    usual = table[~table.index.isin(listed)].groupby("pool")["an_order"].median()
    ratio = table["an_order"] / table["pool"].map(usual)
    assert ratio[list(listed)].between(60, 160).all()
    assert ratio[~ratio.index.isin(listed)].between(0.5, 2).all()


def test_the_money_column_has_another_name_in_the_listed_parquet_files(out, ledger):
    listed = set(lines(ledger, "renamed_column")["file"])
    for path in (out / "raw" / "platform" / "worker_month").rglob("*.parquet"):
        names = parquet.read_schema(path).names
        assert ("gross_fare" in names) == (below_raw(out, path) in listed), path
        assert ("gross" in names) != ("gross_fare" in names), path


def test_the_money_column_has_another_heading_in_the_listed_csv_files(out, ledger):
    listed = set(lines(ledger, "renamed_column")["file"])
    for path in (out / "raw" / "platform" / "csv").glob("*.csv"):
        assert ("流水金额（元）" in header(path)) == (below_raw(out, path) in listed), path


def test_one_platform_counts_its_days_in_utc(days, ledger):
    listed = set(lines(ledger, "utc_days")["file"])
    named = {utc_pool(days)}
    assert listed == set(days.loc[days["pool"].isin(named), "file"])
    start = pd.to_datetime(days["first_order_at"])
    assert_array_equal(start.dt.date.astype(str), days["date"].astype(str))
    local = start + pd.to_timedelta(np.where(days["pool"].isin(named), 8, 0), unit="h")
    clock = local.dt.hour + local.dt.minute / 60
    assert clock.between(5.5, 10.5).all()
    assert (local.dt.strftime("%Y-%m") == days["ym"]).all()


def test_dates_are_written_day_first_only_where_the_ledger_says(months, ledger):
    written = months[months["file"].str.startswith("platform/csv/") & months["last_active_date"].notna()]
    day_first = ~written["last_active_date"].astype(str).str.match(r"\d{4}/\d\d/\d\d$")
    listed = lines(ledger, "day_first_date")
    assert_array_equal(day_first, is_listed(written, listed))
    found = pd.to_datetime(at(months, listed)["last_active_date"].astype(str), format="%d/%m/%Y")
    assert_array_equal(found.dt.strftime("%Y-%m-%d"), listed["original"])
    assert listed["file"].nunique() == 1


def test_every_line_of_the_ledger_names_a_file_that_is_there(out, ledger):
    for name in ledger["file"].unique():
        assert (out / "raw" / name).is_file(), name
    assert set(ledger["expected"]) <= {"drop", "change", "flag", "refuse"}


# How files are written


def test_csv_files_are_in_gb18030_before_the_renewal_and_marked_utf8_after(out):
    found = sorted((out / "raw" / "platform" / "csv").glob("*.csv"))
    assert {path.stem[:-8] for path in found} >= {"FR01", "FR02", "QINGDAO-delivery", "QINGDAO-freight"}
    for path in found:
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") == (path.stem[-7:] >= RENEWED), path
        if path.stem[-7:] < RENEWED:
            content.decode("gb18030")
            with pytest.raises(UnicodeDecodeError):
                content.decode("utf-8")


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig" if path.stem[-7:] >= RENEWED else "gb18030", newline="") as stream:
        return next(csv.reader(stream))


def test_duckdb_reads_every_month_of_every_platform_at_once(out, months, days):
    for name, rows in (("worker_month", months[~months["file"].str.startswith("platform/csv/")]), ("worker_day", days)):
        pattern = (out / "raw" / "platform" / name / "*" / "*.parquet").as_posix()
        asked = f"select ym, count(*) from read_parquet('{pattern}', hive_partitioning = true, union_by_name = true, hive_types_autocast = false) group by 1"
        assert dict(duckdb.sql(asked).fetchall()) == dict(rows.groupby("ym").size())


def test_every_parquet_file_says_that_it_is_synthetic(out):
    found = list(out.rglob("*.parquet"))
    assert len(found) > 150
    for path in found:
        assert b"SYNTHETIC" in (parquet.read_schema(path).metadata or {}).get(b"synthetic", b""), path


def test_raw_files_say_nothing_of_the_truth(out):
    names: dict[str, set[str]] = {below_raw(out, path): set(parquet.read_schema(path).names) for path in (out / "raw").rglob("*.parquet")}
    for path in (out / "raw").rglob("*.csv"):
        text = path.read_bytes().decode("utf-8-sig" if path.read_bytes().startswith(b"\xef\xbb\xbf") else "gb18030")
        names[below_raw(out, path)] = set(next(csv.reader(text.splitlines())))
    assert len(names) > 150
    for file, columns in names.items():
        assert not {column.lower() for column in columns} & SECRETS, file
    everything = b"".join(path.read_bytes() for path in (out / "raw" / "registry").glob("*.yaml"))
    assert b"hazard" not in everything


# The folder


CONTEXT = ("context",)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


def test_the_same_world_gives_the_same_bytes(tmp_path):
    small = a_world(tmp_path, platforms=("RH01", "RH02", "FR01", "DL01", "DL05", "FR02"), scale=0.0005)
    for name in ("one", "other"):
        simulate(small, tmp_path / name)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "other")
    assert len(hashes(tmp_path / "one")) > 200


def test_the_same_world_again_is_left_as_it_is_and_another_seed_takes_its_place(tmp_path):
    small = a_world(tmp_path)
    first = simulate(small, tmp_path / "out", CONTEXT)
    before = hashes(tmp_path / "out")
    again = simulate(small, tmp_path / "out", CONTEXT)
    assert (first.new, again.new) == (True, False)
    assert hashes(tmp_path / "out") == before
    other = simulate(small.model_copy(update={"seed": 2}), tmp_path / "out", CONTEXT)
    assert other.new
    assert other.manifest["seed"] == 2
    assert hashes(tmp_path / "out") != before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".out.lock") == ["out", "small.yaml"]


def test_a_world_of_which_a_file_was_cut_is_written_again(tmp_path):
    small = a_world(tmp_path)
    simulate(small, tmp_path / "out", CONTEXT)
    before = hashes(tmp_path / "out")
    (tmp_path / "out" / "raw" / "context" / "city.csv").write_bytes(b"")
    assert simulate(small, tmp_path / "out", CONTEXT).new
    assert hashes(tmp_path / "out") == before


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(WorldError, match=r"this is not a folder of a synthetic world(.|\n)*thesis\.txt(.|\n)*nothing was written"):
        simulate(a_world(tmp_path), mine, CONTEXT)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    assert not (tmp_path / ".mine.partial").exists()


def test_a_folder_with_a_world_json_of_something_else_is_refused(tmp_path):
    (tmp_path / "game").mkdir()
    (tmp_path / "game" / MANIFEST).write_text('{"key": "level 3", "files": []}', encoding="utf-8")
    with pytest.raises(WorldError, match="is not that of a synthetic world"):
        simulate(a_world(tmp_path), tmp_path / "game", CONTEXT)


def test_a_file_that_somebody_put_into_a_world_is_not_lost(tmp_path):
    simulate(a_world(tmp_path), tmp_path / "out", CONTEXT)
    (tmp_path / "out" / "notes.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(WorldError, match="notes"):
        simulate(a_world(tmp_path, seed=2), tmp_path / "out", CONTEXT)
    assert (tmp_path / "out" / "notes.txt").is_file()


def test_a_killed_run_leaves_no_folder_and_the_next_one_writes_it(tmp_path):
    small = a_world(tmp_path, platforms=("RH02", "DL05", "FR01", "FR02"), scale=0.0005)

    def killed(_name: str, done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    asked = ("account", "worker_month")
    with pytest.raises(KeyboardInterrupt):
        simulate(small, tmp_path / "out", asked, on_pool=killed)
    assert not (tmp_path / "out").exists()
    assert simulate(small, tmp_path / "out", asked).new
    assert (tmp_path / "out" / MANIFEST).is_file()
    assert not (tmp_path / ".out.partial").exists()


def test_a_run_killed_over_an_older_world_leaves_that_one(tmp_path):
    small = a_world(tmp_path, platforms=("RH02", "DL05", "FR01", "FR02"), scale=0.0005)
    simulate(small, tmp_path / "out", CONTEXT)
    before = hashes(tmp_path / "out")

    def killed(_name: str, _done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(small.model_copy(update={"seed": 2}), tmp_path / "out", CONTEXT, on_pool=killed)
    assert hashes(tmp_path / "out") == before


@pytest.mark.parametrize("tables", [("worker_weeks",), ()])
def test_a_table_that_nobody_knows_is_refused_with_the_known_ones(tmp_path, tables):
    with pytest.raises(WorldError, match=r"is not known(.|\n)*account, worker_month, worker_day"):
        simulate(a_world(tmp_path), tmp_path / "out", tables)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def unplanted(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The ledger of a world in which nothing is planted."""
    folder = tmp_path_factory.mktemp("unplanted")
    simulate(a_world(folder, NOTHING, scale=0.0005), folder / "out")
    return pd.read_parquet(folder / "out" / "truth" / "defects.parquet")


def test_a_world_in_which_nothing_is_planted_has_an_empty_ledger(unplanted):
    assert unplanted.empty
    assert list(unplanted.columns) == ["defect", "file", "row", "key", "column", "original", "written", "expected"]


def test_the_ledger_of_days_alone_names_the_platform_in_utc(tmp_path):
    simulate(a_world(tmp_path, scale=0.0005), tmp_path / "out", ("worker_day", "truth"))
    found = pd.read_parquet(tmp_path / "out" / "truth" / "defects.parquet")
    assert (found["defect"] == "utc_days").any()
    assert all((tmp_path / "out" / "raw" / name).is_file() for name in found["file"].unique())
    assert not (found["defect"] == "fen_for_yuan").any()


def test_a_changed_registry_is_written_again(tmp_path):
    source, facts = DEFAULT.parents[1] / "data" / "registry", tmp_path / "facts"
    facts.mkdir()
    for path in source.glob("*.yaml"):
        (facts / path.name).write_bytes(path.read_bytes())
    small = a_world(tmp_path)
    simulate(small, tmp_path / "out", ("registry",), facts)
    content = yaml.safe_load((facts / "sources.yaml").read_text(encoding="utf-8"))
    content["sources"][0]["what"]["en"] += " (corrected)"
    (facts / "sources.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    assert simulate(small, tmp_path / "out", ("registry",), facts).new


def test_a_world_is_written_with_few_files_open(tmp_path):
    resource = pytest.importorskip("resource", reason="this system has no module `resource`, which sets how many files may be open")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    small = a_world(tmp_path, scale=0.0005)
    resource.setrlimit(resource.RLIMIT_NOFILE, (120, hard))
    try:
        simulate(small, tmp_path / "out", ("worker_month", "worker_day"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Odd worlds


def quiet(folder: Path, **changes: object) -> World:
    """A small world that asks nobody."""
    held = a_world(folder, scale=0.0005)
    return held.model_copy(update={"survey": held.survey.model_copy(update={"waves": ()}), **changes})


def test_a_world_of_three_months_has_tables_without_rows(tmp_path):
    simulate(quiet(tmp_path, months=3, campaign=None), tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / "clean" / "ride_hail.parquet")) == 0
    assert len(pd.read_parquet(tmp_path / "out" / "truth" / "workers.parquet")) > 0


def test_a_world_without_agreements_can_be_written(tmp_path):
    simulate(quiet(tmp_path, agreements=(), campaign=None), tmp_path / "out", ("study", "truth"))


def test_a_platform_on_which_nobody_works_can_be_written(tmp_path):
    held = quiet(tmp_path)
    asleep = tuple(one.model_copy(update={"registered": 1, "active_share": 0.0}) for one in held.platforms)
    simulate(held.model_copy(update={"platforms": asleep}), tmp_path / "out", ("account", "worker_month", "worker_day", "study"))


def test_an_agreement_from_before_the_world_can_be_written(tmp_path):
    held = quiet(tmp_path, first_month="2025-04", months=8, campaign=None)
    simulate(held, tmp_path / "out", ("study",))
    table = pd.read_parquet(tmp_path / "out" / "clean" / "ride_hail.parquet")
    assert set(table.loc[table["platform"] == "RH01", "first_covered"].astype(str)) == {"2025-03"}


def test_a_purge_after_the_last_month_closes_nothing(tmp_path):
    simulate(quiet(tmp_path, months=6, campaign=None), tmp_path / "out", ("account", "worker_month"))
    status = pd.read_parquet(tmp_path / "out" / "raw" / "platform" / "account" / "RH01.parquet")["status"]
    assert "purged" not in set(status)


@pytest.mark.parametrize("wave", ["2024-01", "2026-05"])
def test_a_wave_outside_the_world_is_refused(tmp_path, wave):
    (tmp_path / "late.yaml").write_text(OVERLAY.replace("{issued: 60}", f"{{issued: 60, waves: [{wave}]}}"), encoding="utf-8")
    with pytest.raises(WorldError, match="wave"):
        load_world(tmp_path / "late.yaml")


# What studies read


@pytest.fixture(scope="module")
def study(out: Path) -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_parquet(path) for path in (out / "clean").glob("*.parquet")}


def test_studies_have_one_row_for_a_worker_and_month_and_one_start_for_a_unit(study):
    assert set(study) == {"ride_hail", "waiver", "water", "freight_employers", "campaign"}
    for name, table in study.items():
        assert len(table), name
        assert not table.duplicated(["worker", "month"]).any(), name
        starts = table.assign(first_covered=table["first_covered"].astype("str").fillna("never")).groupby("unit", observed=True)[
            "first_covered"
        ]
        assert (starts.nunique() == 1).all(), name
        assert (table.groupby("unit", observed=True)["cluster"].nunique() == 1).all(), name
        assert (table.groupby("worker")["unit"].nunique() == 1).all(), name


def test_only_the_covered_have_a_start(study):
    ride = study["ride_hail"]
    assert set(ride.loc[ride["platform"] == "RH01", "first_covered"].astype(str)) == {"2025-03"}
    assert ride.loc[ride["platform"] != "RH01", "first_covered"].isna().all()
    assert set(study["waiver"].loc[study["waiver"]["eligible"], "first_covered"].astype(str)) == {"2025-03"}
    assert study["waiver"].loc[~study["waiver"]["eligible"], "first_covered"].isna().all()


def test_a_full_timer_s_measured_exit_is_the_true_one(study, out):
    truth = pd.read_parquet(out / "truth" / "workers.parquet")
    truth = truth[truth["full_time"] & truth["group"].astype(str).str.startswith("RH") & (truth["kind"] == "worker")].set_index(
        "account_id"
    )
    table = study["ride_hail"][study["ride_hail"]["worker"].isin(truth.index)]
    measured = table[table["exit_90d"] == 1].set_index("worker")["month"].astype(str)
    left = pd.to_datetime(truth["exit"].dropna())
    known = left[(left + pd.Timedelta(days=90) <= "2025-10-31") & (left < "2025-08-01")].dt.strftime("%Y-%m")
    assert len(known) > 20
    assert measured.index.is_unique
    assert measured.to_dict() == known[known.index.isin(table["worker"])].to_dict()
    assert set(known.index) <= set(table["worker"])


def test_exits_are_those_that_the_raw_days_give_by_hand(study, days):
    end = pd.Timestamp("2025-10-31")
    mine = days[days["pool"] == "RH01"]
    table = study["ride_hail"]
    table = table[table["platform"] == "RH01"].set_index(["worker", "month"])
    checked, exits = 0, 0
    for worker in sorted(mine["account_id"].unique())[::4]:
        dates = sorted(pd.to_datetime(mine.loc[mine["account_id"] == worker, "date"]).unique())
        for month in sorted({day.strftime("%Y-%m") for day in dates if day < pd.Timestamp("2025-08-01")}):
            last = max(day for day in dates if day.strftime("%Y-%m") == month)
            later = [day for day in dates if day > last]
            for window in (30, 90):
                until = last + pd.Timedelta(days=window)
                expected = float(not any(day <= until for day in later)) if later or until <= end else np.nan
                assert_array_equal(float(table.loc[(worker, month), f"exit_{window}d"]), expected, err_msg=f"{worker} {month} {window}")
                checked, exits = checked + 1, exits + (expected == 1)
    assert checked > 500
    assert exits > 20


def test_months_without_work_stand_in_the_table_without_an_exit(study, days):
    ride = study["ride_hail"]
    idle = ride[ride["active_days"] == 0]
    assert len(idle) > 10
    assert idle[["exit_30d", "exit_90d", "hourly_net_yuan"]].isna().all().all()
    assert (idle[["orders", "gross_yuan", "income_net_yuan"]] == 0).all().all()
    worked = set(zip(days["account_id"], days["ym"], strict=True))
    assert not any(place in worked for place in zip(idle["worker"], idle["month"].astype(str), strict=True))


def test_the_study_s_money_is_the_export_s(study, clean_months):
    exported = clean_months.set_index(["account_id", "ym"])
    for name in ("ride_hail", "water", "freight_employers", "campaign"):
        table = study[name].assign(month=study[name]["month"].astype(str)).set_index(["worker", "month"])
        shared = table.index.intersection(exported.index)
        assert len(shared) > 0.9 * len(table), name
        for ours, theirs in (
            ("gross_yuan", "gross"),
            ("receipts_yuan", "receipts"),
            ("income_net_yuan", "net_est"),
            ("online_hours", "online_h"),
        ):
            assert_allclose(
                table.loc[shared, ours].astype(float), exported.loc[shared, theirs].astype(float), atol=0.001, err_msg=f"{name} {ours}"
            )
