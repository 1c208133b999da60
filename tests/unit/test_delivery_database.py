"""A table of a delivery that stands in a database: read like files, under the same rules, and no more of it than cleaning knows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from exports import TABLES, account, delivered, delivery, month
from impact.errors import DataError, SourceError, StudyError
from impact.run.delivery import clean_delivery, open_delivery
from impact.sources.engine import connect
from words import complains

ACCOUNTS = [account(f"a{number}") for number in range(5)]
MONTHS = [month(f"a{number}", ym) for number in range(5) for ym in ("2024-03", "2024-04") if number != 3 or ym != "2024-03"]
PLACE = {"connection": "PAY_DB", "table": "months", "namespace": "vendor"}


def database(folder: Path, rows: list[dict[str, object]], **changed: object) -> dict[str, str]:
    """Write worker-months into a DuckDB file, with a column that no table has, and give the environment that names it."""
    frame = pd.DataFrame(rows).assign(**{"home_phone": "13800138000", **changed})
    with duckdb.connect(str(folder / "pay.duckdb")) as file:
        file.register("frame", frame)
        file.execute("CREATE SCHEMA vendor")
        file.execute("CREATE TABLE vendor.months AS SELECT * FROM frame")
    return {"PAY_DB": f"duckdb://{folder}/pay.duckdb"}


def opened(folder: Path, environ: dict[str, str], *places: object, **changed: object):
    tables = {**TABLES, "worker_month": list(places)}
    return open_delivery(connect(), folder, delivery(tables=tables, **changed), environ=environ)


def table(found, *without: str) -> pd.DataFrame:
    frame = found.months.cleaned.table.to_pandas().drop(columns=["file_", "row_"], errors="ignore")
    return frame.sort_values(["account_id", "ym"], ignore_index=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return delivered(tmp_path / "exports", ACCOUNTS, MONTHS)


def test_a_table_in_a_database_gives_what_its_files_give(folder):
    environ = database(folder, MONTHS)
    by_file, by_table = (clean_delivery(opened(folder, environ, place)) for place in (TABLES["worker_month"][0], PLACE))
    assert_frame_equal(table(by_file), table(by_table), check_dtype=False)
    assert by_table.months.cleaned.audit.rows_in == len(MONTHS)


def test_files_and_databases_add_up(folder):
    later = [month(f"a{number}", "2024-05") for number in range(5)]
    found = opened(folder, database(folder, later), TABLES["worker_month"][0], PLACE)
    assert [file.rows for file in found.datasets["worker_month"].files] == [len(MONTHS), len(later)]
    assert len(table(clean_delivery(found))) == len(MONTHS) + len(later)


def test_only_columns_that_cleaning_knows_leave_the_database_and_the_names_of_all_are_kept(folder):
    found = opened(folder, database(folder, MONTHS), PLACE).datasets["worker_month"]
    assert "home_phone" in found.layouts[0].columns
    assert "home_phone" not in found.layouts[0].table.columns
    mapped = opened(folder, database_again(folder), PLACE, mapping={"home_phone": "gross"}).datasets["worker_month"]
    assert "home_phone" in mapped.layouts[0].table.columns


def database_again(folder: Path) -> dict[str, str]:
    return {"PAY_DB": f"duckdb://{folder}/pay.duckdb"}


def test_a_bad_value_is_named_with_the_table_and_the_row(folder):
    rows = [{**one, "active_days": "soon" if place == 0 else "3"} for place, one in enumerate(MONTHS)]
    with complains(DataError, "duckdb: pay.duckdb: vendor.months", "has `soon`", "mend single rows"):
        clean_delivery(opened(folder, database(folder, rows), PLACE))


def test_a_needed_column_under_another_name_is_proposed(folder):
    frame = [{("active_day" if name == "active_days" else name): value for name, value in one.items()} for one in MONTHS]
    with complains(DataError, "has no column `active_days`", "active_day", "`active_day` looks like it"):
        clean_delivery(opened(folder, database(folder, frame), PLACE))


def test_an_address_that_is_not_set_and_a_table_that_is_not_there_are_refused(folder):
    environ = database(folder, MONTHS)
    with complains(StudyError, "delivery, table `worker_month`: the address of its database is not set", "`PAY_DB`", "Set it"):
        opened(folder, {}, PLACE)
    with complains(SourceError, "there is no table `month` in schema `vendor`", "Found: months", "Did you mean `months`?"):
        opened(folder, environ, {**PLACE, "table": "month"})


def test_a_table_that_is_named_twice_is_refused(folder):
    with complains(SourceError, "worker_month: two files hold the same bytes", "vendor.months", "Take one of them away"):
        opened(folder, database(folder, MONTHS), PLACE, PLACE)


@pytest.mark.parametrize("change", [{"connection": "postgres://u:p@h/d"}, {"connection": "pay_db"}, {"table": ""}, {"file": "a.csv"}])
def test_a_place_that_holds_an_address_or_an_unknown_key_is_refused(change):
    with pytest.raises(ValidationError):
        delivery(tables={**TABLES, "worker_month": [{**PLACE, **change}]})
