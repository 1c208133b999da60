"""The usual defects of platform exports, planted into clean tables, with a line in the ledger for each. May touch: nothing.

Every function takes the piece of a file that is about to be written and the number of rows that stand above it, and gives the piece as it will be written
and the ledger's lines. Rows are counted from 1, as in a Parquet file; writers of CSV add the header.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from impact.simulate.chunk import Lived
from impact.simulate.ledger import joined, ledger
from impact.simulate.life import CLOSED, PURGED
from impact.simulate.platform_tables import MONEY, STATUS, last_day, shares_device
from impact.simulate.streams import stream, uniform
from impact.simulate.world import World

Bools = NDArray[np.bool_]
_TO_UTC = np.timedelta64(8, "h")


@dataclass(frozen=True, slots=True)
class FilePlan:
    """Which whole files carry a defect."""

    fen: tuple[str, ...]
    """Files with money in fen."""
    utc: tuple[str, ...]
    """Platforms whose days are in UTC."""
    mixed_dates: tuple[str, ...]
    """CSV files in which some dates are written day first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file, as it will be written, and the lines of the ledger that belong to it."""

    table: pa.Table
    ledger: pd.DataFrame


def plan_files(world: World, month_files: list[str], day_platforms: list[str], csv_files: list[str]) -> FilePlan:
    """Draw the files and platforms that carry a defect as a whole."""
    draw, planted = stream(world.seed, "planted files"), world.planted

    def some(names: list[str], number: int) -> tuple[str, ...]:
        chosen = draw.permutation(len(names))[:number]
        return tuple(sorted(names[place] for place in chosen))

    return FilePlan(
        some(month_files, planted.fen_files), some(day_platforms, planted.utc_platforms), some(csv_files, planted.mixed_dates_files)
    )


def is_test_account(one: Lived) -> Bools:
    """Say which accounts belong to the platform's own testers: some of those that never take a real order."""
    if one.pool.local:
        return np.zeros(len(one.people.key), dtype=bool)
    platform = one.scene.world.platform(one.pool.name)
    share = one.scene.world.planted.test_accounts / max(1e-9, platform.never_trip_share)
    return one.people.never_trips & (uniform(one.people.key, 31) < share)


def plant_accounts(one: Lived, table: pa.Table, file: str, above: int) -> Piece:
    """Name the test accounts as testers do; list them, accounts that never take an order and share devices, and accounts that a purge closed."""
    test = is_test_account(one)
    names = pc.if_else(pa.array(test), pa.array([f"测试账号{number}" for number in one.people.number]), table["name"])
    rows, never = np.nonzero(test)[0], np.nonzero(shares_device(one) & ~test)[0]
    tests = ledger("test_account", file, rows + above + 1, _texts(table["account_id"], rows), "name", written=_texts(names, rows))
    devices, ids = _texts(table["device_id"], never), _texts(table["account_id"], never)
    shared = ledger("shared_device", file, never + above + 1, ids, "device_id", written=devices, expected="flag")
    purged = np.nonzero(one.life.closing == PURGED)[0]
    days = _texts(table["closed_date"], purged)
    purge = ledger(
        "purged_account", file, purged + above + 1, _texts(table["account_id"], purged), "closed_date", written=days, expected="flag"
    )
    return Piece(table.set_column(table.column_names.index("name"), "name", names), joined([tests, shared, purge]))


def plant_months(one: Lived, table: pa.Table, accounts: NDArray[np.int64], month: int, file: str, above: int, plan: FilePlan) -> Piece:
    """Plant test activity, negative fares, activity of closed accounts and fen into one month of one platform."""
    world = one.scene.world
    keys = one.people.key[accounts] * np.uint64(128) + np.uint64(month)
    test = is_test_account(one)[accounts]
    table, tests = _tested(table, test & (uniform(keys, 32) < 0.5) & (one.life.closed[accounts] > month), file, above)
    closed = ~test & (one.life.closed[accounts] == month) & (one.life.closing[accounts] >= CLOSED)
    table, after = _active_when_closed(
        table, closed & (uniform(keys, 34) < world.planted.closed_activity), last_day(one, month), file, above
    )
    if file in plan.fen:
        table = _in_fen(table)
    paid = table["gross"].to_numpy() > 1
    table, negative = _negative(table, (uniform(keys, 33) < world.planted.negative_fares) & paid, file, above)
    return Piece(table, joined([tests, negative, after]))


def plant_days(one: Lived, table: pa.Table, file: str, above: int, plan: FilePlan) -> Piece:
    """Plant days that stand twice, identical or amended, and days counted in UTC."""
    planted, number = one.scene.world.planted, len(table)
    random = stream(one.scene.world.seed, "planted days", file, one.chunk).random(number)
    copied = random < planted.duplicate_days
    amended = (random >= planted.duplicate_days) & (random < planted.duplicate_days + planted.amended_days)
    if one.pool.name in plan.utc:
        table = _in_utc(table)
    extra = table.filter(pa.array(copied | amended))
    is_amended = amended[copied | amended]
    extra = _amended(extra, is_amended)
    rows = above + number + np.arange(len(extra)) + 1
    keys = [f"{account} {date}" for account, date in zip(extra["account_id"].to_pylist(), extra["date"].to_pylist(), strict=True)]
    twice = ledger("duplicate_day", file, rows[~is_amended], _at(keys, ~is_amended))
    originals = above + np.nonzero(amended)[0] + 1
    replaced = ledger("amended_day", file, originals, _at(keys, is_amended), "updated_at", written=rows[is_amended], expected="drop")
    return Piece(pa.concat_tables([table, extra]), joined([twice, replaced]))


def month_file_defects(plan: FilePlan, renamed: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Write the ledger's lines for what is wrong with whole files of worker-months; their row is missing.

    `renamed` gives the old and the new name of gross in the files that have the new one.
    """
    fen = [ledger("fen_for_yuan", file, [None], [file], ", ".join(MONEY), ["yuan"], ["fen"], "change") for file in plan.fen]
    names = [ledger("renamed_column", file, [None], [file], new, [old], [new], "change") for file, (old, new) in renamed.items()]
    return joined([*fen, *names])


def day_file_defects(files: list[str]) -> pd.DataFrame:
    """Write the ledger's lines for files of worker-days that are in UTC; their row is missing."""
    return joined([ledger("utc_days", file, [None], [file], "date", ["UTC+8"], ["UTC"], "change") for file in files])


def _tested(table: pa.Table, test: Bools, file: str, above: int) -> tuple[pa.Table, pd.DataFrame]:
    """Give test accounts a few orders of a fen each."""
    for name, value in (
        ("active_days", 1),
        ("orders", 2),
        ("gross", 0.02),
        ("receipts", 0.02),
        ("net_est", 0.02),
        ("online_h", 0.1),
        ("p1_h", 0.1),
    ):
        table = _set(table, name, test, value)
    table = _set_status(table, test, STATUS.index("active"))
    rows = np.nonzero(test)[0]
    return table, ledger("test_account_activity", file, rows + above + 1, _texts(table["account_id"], rows))


def _negative(table: pa.Table, hit: Bools, file: str, above: int) -> tuple[pa.Table, pd.DataFrame]:
    rows = np.nonzero(hit)[0]
    before = table["gross"].to_numpy()[rows]
    written = ledger("negative_fare", file, rows + above + 1, _texts(table["account_id"], rows), "gross", before, -before)
    return _set(table, "gross", hit, -table["gross"].to_numpy()), written


def _active_when_closed(table: pa.Table, hit: Bools, end: np.datetime64, file: str, above: int) -> tuple[pa.Table, pd.DataFrame]:
    for name, value in (
        ("active_days", 1),
        ("orders", 3),
        ("gross", 60.0),
        ("receipts", 60.0),
        ("net_est", 60.0),
        ("online_h", 2.0),
        ("p1_h", 2.0),
    ):
        table = _set(table, name, hit, value)
    rows = np.nonzero(hit)[0]
    for name in ("first_active_date", "last_active_date"):
        table = _set(table, name, hit, end)
    return table, ledger("activity_after_closure", file, rows + above + 1, _texts(table["account_id"], rows), expected="flag")


def _in_fen(table: pa.Table) -> pa.Table:
    for name in MONEY:
        table = table.set_column(table.column_names.index(name), name, pc.round(pc.multiply(table[name], 100.0)))
    return table


def _in_utc(table: pa.Table) -> pa.Table:
    """Write the times eight hours earlier, and the day that they then fall on."""
    for name in ("first_order_at", "last_order_at"):
        table = table.set_column(table.column_names.index(name), name, pa.array(table[name].to_numpy() - _TO_UTC))
    day = pa.array(table["first_order_at"].to_numpy().astype("datetime64[D]"))
    return table.set_column(table.column_names.index("date"), "date", day)


def _amended(table: pa.Table, amended: Bools) -> pa.Table:
    """Write the later version of some days: one order more, paid; two days later."""
    mean = table["gross"].to_numpy() / np.maximum(1, table["orders"].to_numpy())
    more = np.where(amended, np.round(mean, 2), 0.0)
    table = _set(table, "orders", amended, table["orders"].to_numpy() + 1)
    for name in ("gross", "receipts"):
        table = _set(table, name, amended, np.round(table[name].to_numpy() + more, 2))
    return _set(table, "updated_at", amended, table["updated_at"].to_numpy() + np.timedelta64(2, "D"))


def _set(table: pa.Table, name: str, where: Bools, value: object) -> pa.Table:
    if not where.any():
        return table
    before = table[name].to_numpy()
    after = np.where(where, np.asarray(value), before).astype(before.dtype)
    return table.set_column(table.column_names.index(name), name, pa.array(after))


def _set_status(table: pa.Table, where: Bools, code: int) -> pa.Table:
    held = table["status_end"].combine_chunks()
    indices = np.where(where, code, held.indices.to_numpy()).astype(np.int32)
    column = pa.DictionaryArray.from_arrays(pa.array(indices), held.dictionary)
    return table.set_column(table.column_names.index("status_end"), "status_end", column)


def _texts(column: pa.ChunkedArray, rows: NDArray[np.int64]) -> list[str]:
    return [str(value) for value in column.take(pa.array(rows)).to_pylist()]


def _at(values: list[str], where: Bools) -> list[str]:
    return [value for value, chosen in zip(values, where, strict=True) if chosen]
