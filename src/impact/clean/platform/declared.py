"""What a person declared about whole files, carried out and counted: money in fen, times in UTC, dates in another order, renamed columns. May touch: the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

from impact.clean.audit import Rule
from impact.clean.platform.reading import OTHER_DATES, Typed
from impact.clean.rules import RowRule, file_rule
from impact.clean.values import is_text
from impact.errors import DataError, listing
from impact.schema.delivered import MONEY
from impact.sources.dataset import FILE, ROW, Dataset, matches
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.study.delivery import Delivery

FEN, UTC = "money in fen", "times in UTC"
LOCAL_HOURS = 8
"""Hours by which local time is ahead of UTC: China has one zone and no summer time."""
FileRules = list[tuple[Rule, pa.Table]]


def require_used(delivery: Delivery, datasets: Sequence[Dataset], only: Sequence[str]) -> None:
    """See that every declaration is about a file that is there; those about files that the study leaves aside do not count.

    Raises DataError that names the declaration.
    """
    names = [file.name for dataset in datasets for file in dataset.files]
    for one in delivery.declared:
        if not any(matches(name, (one.files,)) for name in names) and (tuple(only) == ("**",) or matches(one.files, only)):
            raise DataError(
                f"delivery: a declaration is about files that are not there.\nFound `{one.says}` for `{one.files}`; files: {listing(names)}.\n"
                "Mend its pattern, or take it out."
            )


def carried_out(typed: Typed, dataset: Dataset, delivery: Delivery) -> tuple[ir.Table, FileRules]:
    """Turn fen into yuan and UTC into local time in the files for which that was declared; give the table and the rules, counted.

    Raises DataError where a declaration changes nothing.
    """
    _require_dates_used(typed, dataset, delivery)
    table, rules = typed.table, _renamings(typed, dataset)
    fen = _declared_files(dataset, delivery, FEN)
    money = [name for name in MONEY if name in table.columns]
    _require_something(fen, money, FEN)
    if fen:
        table = table.mutate(**{name: table[FILE].isin(fen).ifelse((table[name] / 100).round(4), table[name]) for name in money})
        rules.append(_counted(typed, dataset, "fen_for_yuan", fen, money))
    utc = _declared_files(dataset, delivery, UTC)
    times = [name for name in ("first_order_at", "last_order_at") if name in table.columns]
    _require_something(utc, times, UTC)
    if utc:
        shift = ibis.interval(hours=LOCAL_HOURS)
        table = table.mutate(**{name: table[FILE].isin(utc).ifelse(table[name] + shift, table[name]) for name in times})
        table = table.mutate(date=table[FILE].isin(utc).ifelse(table[times[0]].date(), table["date"]))
        rules.append(_counted(typed, dataset, "utc_days", utc, ["date", *times]))
    return table, rules


def _require_something(files: Sequence[str], columns: Sequence[str], says: str) -> None:
    """A declaration that changes nothing is about something else than its author thought."""
    if files and not columns:
        raise DataError(
            f"{files[0]}: a declaration changes nothing there.\nFound `{says}`, and no column that it could be about.\nMend its pattern, or take it out."
        )


def _require_dates_used(typed: Typed, dataset: Dataset, delivery: Delivery) -> None:
    """See that a declared order of dates is needed somewhere in its files.

    Raises DataError where every date of them is written with the year first.
    """
    for one in delivery.declared:
        files = [file.name for file in dataset.files if matches(file.name, (one.files,))]
        if not one.says.startswith(OTHER_DATES) or not files:
            continue
        needed = typed.table.filter(typed.table[FILE].isin(files) & is_text(typed.table["read_by_declaration_"])).limit(1).count()
        if not int(needed.to_pyarrow().as_py()):
            raise DataError(
                f"{files[0]}: a declaration changes nothing there.\nFound `{one.says}`, and no date that needs it.\nMend its pattern, or take it out."
            )


def marks(typed: Typed, table: ir.Table) -> tuple[ir.Table, list[RowRule]]:
    """Mark rows with a date that was read by a declared format, and rows that were corrected; give the rules for them."""
    table = table.mutate(declared_date=is_text(table["read_by_declaration_"]))
    by = typed.table.filter(is_text(typed.table["read_by_declaration_"])).select("read_by_declaration_").distinct()
    names = list(dict.fromkeys(name for row in by.to_pyarrow().to_pylist() for name in row["read_by_declaration_"].split()))
    rules = [_rule("declared_date", ", ".join(typed.received[name] for name in names))] if names else []
    if typed.corrected:
        places = [f"{one.file}:{one.row}" for one in typed.corrected]
        table = table.mutate(correction=(table[FILE] + ":" + table[ROW].cast("string")).isin(places))
        rules.append(_rule("correction", ", ".join(dict.fromkeys(typed.received[one.correction.column] for one in typed.corrected))))
    kept = {rule.id for rule in rules}
    return table.drop("read_by_declaration_", *({"declared_date"} - kept)), rules


def _renamings(typed: Typed, dataset: Dataset) -> FileRules:
    by_name: dict[str, list[str]] = {}
    for file, (_, received) in typed.renamed.items():
        by_name.setdefault(received, []).append(file)
    rows = {file.name: file.rows for file in dataset.files}
    return [file_rule(_rule("renamed_column", name), files, sum(rows[file] for file in files)) for name, files in by_name.items()]


def _declared_files(dataset: Dataset, delivery: Delivery, says: str) -> list[str]:
    patterns = [one.files for one in delivery.declared if one.says == says]
    return [file.name for file in dataset.files if matches(file.name, patterns)]


def _counted(typed: Typed, dataset: Dataset, name: str, files: Sequence[str], columns: Sequence[str]) -> tuple[Rule, pa.Table]:
    rows = sum(file.rows for file in dataset.files if file.name in set(files))
    return file_rule(_rule(name, ", ".join(typed.received.get(column, column) for column in columns)), files, rows)


def _rule(name: str, column: str) -> RowRule:
    action, words, why = _WORDS[name]
    return RowRule(name, action, words, why, column)  # type: ignore[arg-type]


_WORDS: dict[str, tuple[str, Text, Text]] = {
    "fen_for_yuan": (
        "changed",
        Text("money in fen, written as yuan", "金额以分计，换算为元"),
        Text("declared in the delivery for these files; every amount is divided by 100", "交付说明中对这些文件的声明；所有金额除以100"),
    ),
    "utc_days": (
        "changed",
        Text("times in UTC, written as local time", "时间为UTC，换算为北京时间"),
        Text(
            "declared in the delivery for these files; eight hours later, and the day that this falls on",
            "交付说明中对这些文件的声明；加八小时并据此确定日期",
        ),
    ),
    "renamed_column": (
        "read",
        Text("a column under another name", "列名更改"),
        Text("the delivery's `mapping` says which column it is", "交付说明的 mapping 指明其对应的列"),
    ),
    "declared_date": (
        "changed",
        Text("a date in another order", "日期写法不同"),
        Text(
            "declared in the delivery for these files, and within the row's own month", "交付说明中对这些文件的声明，且落在该行所属月份内"
        ),
    ),
    "correction": (
        "changed",
        Text("a value corrected by hand", "人工更正"),
        Text("the table of corrections says what, why, who and when", "更正表载明内容、原因、更正人与日期"),
    ),
}
