"""One pool lived through and written: its accounts, months and days as raw exports, its truth, and what an ideal cleaning would leave. May touch: the disk, below the world's folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from impact.months import label
from impact.simulate.chinese_csv import HEADINGS, NEW_GROSS, encoding, in_chinese
from impact.simulate.chunk import Lived, lived
from impact.simulate.eligibility import has_waiver
from impact.simulate.ledger import joined
from impact.simulate.life import covering_places
from impact.simulate.orders import order_law
from impact.simulate.partition import Partition
from impact.simulate.platform_defects import (
    FilePlan,
    Piece,
    day_file_defects,
    month_file_defects,
    plan_files,
    plant_accounts,
    plant_days,
    plant_months,
)
from impact.simulate.platform_tables import account_table, day_table, eligibility_table, month_table
from impact.simulate.population import Integers, Pool, people_of
from impact.simulate.scene import Scene
from impact.simulate.study_tables import firms_and_units, study_tables
from impact.simulate.tally import Tally, table, tally
from impact.simulate.truth import worker_truth, workforce
from impact.simulate.units import bargaining_units
from impact.simulate.world import World
from impact.simulate.world_parts import Industry

DAY_INDUSTRIES: tuple[Industry, ...] = ("ride_hail", "delivery")
"""Industries whose platforms export worker-days."""
CSV_INDUSTRIES: tuple[Industry, ...] = ("freight",)
"""Industries whose platforms export CSV."""
NEW_NAME = "gross_fare"
"""What the ride-hail exports call gross once the software has been renewed."""
CSV_HEADER = 1
"""Rows above the first record of a CSV file, as users count."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What pools leave behind beside their files."""

    ledger: tuple[pd.DataFrame, ...] = ()
    tallies: tuple[pd.DataFrame, ...] = ()
    workforce: tuple[tuple[str, pd.DataFrame], ...] = ()
    """By month of a survey wave, the people of the home city."""

    def __add__(self, other: Gathered) -> Gathered:
        return Gathered(self.ledger + other.ledger, self.tallies + other.tallies, self.workforce + other.workforce)


def write_pool(scene: Scene, pool: Pool, tables: frozenset[str], files: Partition, plan: FilePlan) -> Gathered:
    """Live through a pool, chunk by chunk, and write what is asked for."""
    law = order_law(scene.world.work[pool.industry])
    with_days = "worker_day" in tables and not pool.local and pool.industry in DAY_INDUSTRIES
    twin = scene.without_agreements() if "truth" in tables and _is_touched(scene, pool) else None
    worlds: dict[str, Tally] = {}
    gathered = Gathered()
    for chunk in range(pool.chunks):
        people = people_of(scene, pool, chunk)
        one = lived(scene, pool, chunk, people, law, with_days)
        gathered = gathered + _write_chunk(one, tables, files, plan)
        if "truth" in tables:
            counted = tally(one)
            without = tally(lived(twin, pool, chunk, people, law)) if twin else counted
            worlds = {name: worlds[name] + more if name in worlds else more for name, more in (("with", counted), ("without", without))}
    files.finish("raw/")
    return gathered + Gathered(tallies=(table(scene, pool, worlds),)) if worlds else gathered


def planned(world: World) -> FilePlan:
    """Draw which files of a world carry a defect as a whole; the giant's are spared, so that its own history stays readable."""
    others = [platform for platform in world.platforms if not platform.hq_home]
    in_parquet = [platform.id for platform in others if platform.industry not in CSV_INDUSTRIES]
    in_csv = [platform.id for platform in others if platform.industry in CSV_INDUSTRIES]
    return plan_files(
        world,
        [month_file(name, month) for name in in_parquet for month in _months(world)],
        [platform.id for platform in others if platform.industry in DAY_INDUSTRIES],
        [csv_file(name, month) for name in in_csv for month in _months(world)],
    )


def whole_file_ledger(world: World, plan: FilePlan, tables: frozenset[str]) -> pd.DataFrame:
    """Write the ledger's lines for files that are wrong as a whole, of the tables that are written."""
    renewed = [month for month in _months(world) if _is_renewed(world, month)]
    in_parquet = [platform.id for platform in world.platforms if platform.industry == "ride_hail"]
    in_csv = [platform.id for platform in world.platforms if platform.industry in CSV_INDUSTRIES]
    in_csv += [_local_name(industry) for industry in dict.fromkeys(unit.industry for unit in bargaining_units(world))]
    renamed = {month_file(name, month): ("gross", NEW_NAME) for month in renewed for name in in_parquet}
    renamed |= {csv_file(name, month): (HEADINGS["gross"], NEW_GROSS) for month in renewed for name in in_csv}
    days = [day_file(name, month) for name in plan.utc for month in _months(world)]
    of_months = month_file_defects(plan, renamed) if "worker_month" in tables else joined([])
    return joined([of_months, day_file_defects(days) if "worker_day" in tables else joined([])])


def month_file(name: str, month: str) -> str:
    """Give the path, below `raw/`, of a platform's worker-months."""
    return f"platform/worker_month/ym={month}/{name}.parquet"


def day_file(name: str, month: str) -> str:
    """Give the path, below `raw/`, of a platform's worker-days."""
    return f"platform/worker_day/ym={month}/{name}.parquet"


def csv_file(name: str, month: str) -> str:
    """Give the path, below `raw/`, of the worker-months that a platform or an industry's local employers export as CSV."""
    return f"platform/csv/{name}_{month}.csv"


def _local_name(industry: Industry) -> str:
    return f"QINGDAO-{industry}"


def _months(world: World) -> list[str]:
    return [label("month", world.first + place) for place in range(world.months)]


def _is_renewed(world: World, month: str) -> bool:
    return world.planted.renamed_from is not None and month >= world.planted.renamed_from


def _is_touched(scene: Scene, pool: Pool) -> bool:
    """Say whether any agreement reaches a pool, directly or through people with a second platform."""
    return bool(covering_places(scene, pool)) or bool(scene.spillover.any())


def _write_chunk(one: Lived, tables: frozenset[str], files: Partition, plan: FilePlan) -> Gathered:
    """Write a chunk and give the lines of its ledger that hold something, and whom the survey could ask."""
    world = one.scene.world
    ledgers = [_write_accounts(one, files)] if "account" in tables else []
    for month in range(world.months):
        ledgers += [_write_month(one, month, files, plan)] if "worker_month" in tables else []
        ledgers += [_write_days(one, month, files, plan)] if one.months.day_of_month is not None else []
    if "study" in tables:
        for name, rows in study_tables(one).items():
            files.write(f"clean/{name.replace('-', '_')}.parquet", rows)
    if "truth" in tables:
        files.write("truth/workers.parquet", worker_truth(one))
    asked = [(wave, workforce(one, world.place(wave))) for wave in world.survey.waves] if "survey" in tables else []
    return Gathered(tuple(lines for lines in ledgers if len(lines)), (), tuple(asked))


def _write_accounts(one: Lived, files: Partition) -> pd.DataFrame:
    name, table = one.pool.name, account_table(one)
    if one.pool.local:
        name, table = _local_name(one.pool.industry), _with_firms(one, table, np.arange(table.num_rows))
    file = f"platform/account/{name}.parquet"
    piece = plant_accounts(one, table, file, files.rows(f"raw/{file}"))
    files.write(f"raw/{file}", piece.table)
    if has_waiver(one):
        files.write_csv(f"raw/platform/eligibility/{name}.csv", eligibility_table(one), "utf-8-sig")
    return piece.ledger


def _write_days(one: Lived, month: int, files: Partition, plan: FilePlan) -> pd.DataFrame:
    file = day_file(one.pool.name, label("month", one.scene.world.first + month))
    piece = plant_days(one, day_table(one, month), file, files.rows(f"raw/{file}"), plan)
    files.write(f"raw/{file}", piece.table)
    return piece.ledger


def _write_month(one: Lived, month: int, files: Partition, plan: FilePlan) -> pd.DataFrame:
    rows, accounts = month_table(one, month)
    written = label("month", one.scene.world.first + month)
    if one.pool.local or one.pool.industry in CSV_INDUSTRIES:
        return _write_csv_month(one, rows, accounts, month, written, files, plan).ledger
    file = month_file(one.pool.name, written)
    piece = plant_months(one, rows.drop_columns(["ym"]), accounts, month, file, files.rows(f"raw/{file}"), plan)
    piece = _renamed(piece) if one.pool.industry == "ride_hail" and _is_renewed(one.scene.world, written) else piece
    files.write(f"raw/{file}", piece.table)
    return piece.ledger


def _write_csv_month(one: Lived, rows: pa.Table, accounts: Integers, month: int, written: str, files: Partition, plan: FilePlan) -> Piece:
    file = csv_file(_local_name(one.pool.industry) if one.pool.local else one.pool.name, written)
    above, renewed = files.rows(f"raw/{file}") + CSV_HEADER, _is_renewed(one.scene.world, written)
    planted = plant_months(one, _with_firms(one, rows, accounts) if one.pool.local else rows, accounts, month, file, above, plan)
    piece = in_chinese(planted, file, above, renewed, file in plan.mixed_dates, one.scene.world.seed)
    files.write_csv(f"raw/{file}", piece.table, encoding(renewed))
    return piece


def _renamed(piece: Piece) -> Piece:
    names = [NEW_NAME if name == "gross" else name for name in piece.table.column_names]
    return Piece(piece.table.rename_columns(names), piece.ledger.assign(column=piece.ledger["column"].replace("gross", NEW_NAME)))


def _with_firms(one: Lived, rows: pa.Table, accounts: Integers) -> pa.Table:
    """Add firm and bargaining unit after the city."""
    firms, units = firms_and_units(one)
    place = rows.column_names.index("city_id") + 1
    return rows.add_column(place, "firm_id", firms.take(pa.array(accounts))).add_column(
        place + 1, "unit_id", units.take(pa.array(accounts))
    )
