"""What looks wrong with whole files, platforms and months, and that no rule may mend: found, said, and never hidden. May touch: the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from impact.clean.audit import Finding
from impact.clean.platform.reading import Typed
from impact.errors import listing
from impact.schema.delivered import ONLY_SOME
from impact.sources.dataset import FILE
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

HIGHEST_MEDIAN = 60_000
"""Median gross of a month with work, in yuan, above which amounts are taken for fen."""
LOWEST_MEDIAN = 100
"""And below which they are taken for thousands of yuan, or for amounts that were divided once too often."""
TOO_FAR = 20
"""Times by which the median of a file may differ from the middle of its platform's files."""
_FEW = 5
"""A median of fewer rows says nothing."""
MANY_UNEQUAL, MANY_UNKNOWN = 0.05, 0.01
"""Shares of rows above which sums that do not add up, and rows without an account, stop a run."""
_SUMS = {"unequal_money": Text("money does not add up", "金额不等"), "unequal_hours": Text("hours do not add up", "时长不等")}
PURGE_SHARE, PURGE_TIMES = 0.03, 5
"""A month is called a purge where this share of the accounts was closed, and so many times the usual number."""
JUMP = 1.35
"""Factor by which a ratio must move from one month to the next, beyond what the other platforms do, to be called a jump."""


def money_findings(table: ir.Table, typed: Typed) -> list[Finding]:
    """Find files whose money is in another unit: by the level of gross, and by the platform's other files."""
    if "gross" not in table.columns or "platform_id" not in table.columns:
        return []
    paid = table.filter((table["gross"] > 0) & ~table["tester_"])
    by_file = paid.group_by(FILE).aggregate(median=paid["gross"].median(), rows=paid.count(), platform=paid["platform_id"].mode())
    medians = by_file.order_by(FILE).to_pandas()
    medians["usual"] = _of_the_others(medians)
    return [_money_finding(row, typed.renamed.get(row[FILE], ("", "gross"))[1]) for row in medians.to_dict("records") if _is_odd(row)]


def _of_the_others(medians: pd.DataFrame) -> list[float]:
    """Give for each file the median over the other files of its platform; that of the file itself where it is the only one."""
    usual = []
    for place, platform in enumerate(medians["platform"]):
        others = medians.loc[(medians["platform"] == platform) & (medians.index != medians.index[place]), "median"]
        usual.append(float(others.median()) if len(others) else float(medians["median"].iloc[place]))
    return usual


def _is_odd(row: dict[Any, Any]) -> bool:
    """Say whether a level is impossible, or far above that of the other files; of two files that differ, the lower one may be right."""
    far = row["median"] / row["usual"] if row["usual"] > 0 else 1.0
    return bool(row["rows"] >= _FEW and (row["median"] > HIGHEST_MEDIAN or row["median"] < LOWEST_MEDIAN or far > TOO_FAR))


def _money_finding(row: dict[Any, Any], received: str) -> Finding:
    large = row["median"] > row["usual"] or row["median"] > HIGHEST_MEDIAN
    unit = Text("in fen", "以“分”计") if large else Text("in thousands of yuan, or for part of the month", "以千元计或仅含部分月份")
    return Finding(
        "money_unit",
        "stop",
        f"{row[FILE]}",
        int(row["rows"]),
        Text(
            f"column `{received}`: money looks as if it were {unit.en}: its median is {row['median']:,.0f}, that of the platform's files {row['usual']:,.0f}",
            f"列“{received}”：金额似{unit.zh}：中位数为{row['median']:,.0f}，该平台各文件的中位数为{row['usual']:,.0f}",
        ),
        Text(
            f"ask the platform; if it says so, write in the delivery's `declared`: files: {row[FILE]}, says: money in fen, reason, who, when"
            if large
            else "ask the platform in which unit the file is; if it was declared to be in fen, it may not be",
            f"向平台核实；若属实，在交付说明 declared 中写明：files: {row[FILE]}，says: money in fen，并注明原因、声明人与日期"
            if large
            else "向平台核实该文件的单位；若已声明为以分计，则该声明可能有误",
        ),
    )


def sum_findings(table: ir.Table) -> list[Finding]:
    """Find files in which sums do not add up in more rows than slips explain: a column there means something else."""
    found = []
    for name, words in _SUMS.items():
        if name not in table.columns:
            continue
        by = table.group_by(FILE).aggregate(rows=table.count(), unequal=table[name].sum())
        odd = by.filter((by["unequal"] >= _FEW) & (by["unequal"] > MANY_UNEQUAL * by["rows"])).order_by(FILE)
        found += [_unequal(name, words, row) for row in odd.to_pyarrow().to_pylist()]
    return found


def _unequal(name: str, words: Text, row: dict[str, Any]) -> Finding:
    return Finding(
        f"{name}_in_file",
        "stop",
        str(row[FILE]),
        int(row["unequal"]),
        Text(
            f"{words.en} in {row['unequal']:,} of {row['rows']:,} rows: a column of this file means something else, or is in another unit",
            f"{row['rows']:,}行中有{row['unequal']:,}行{words.zh}：该文件某列的含义或单位可能不同",
        ),
        Text("ask what the columns of this file mean, and map or declare them", "核实该文件各列的含义，并在 mapping 或 declared 中写明"),
    )


def strangers(table: ir.Table) -> list[Finding]:
    """Say how many rows belong to no account that was delivered; many of them stop the run, because those workers would be left out."""
    counted = table.aggregate(rows=table.count(), unknown=table["unknown_account"].sum()).to_pyarrow().to_pylist()[0]
    rows, unknown = int(counted["rows"]), int(counted["unknown"] or 0)
    if not unknown:
        return []
    many = unknown > MANY_UNKNOWN * rows
    return [
        Finding(
            "rows_without_account",
            "stop" if many else "warning",
            "worker_month",
            unknown,
            Text(f"{unknown:,} of {rows:,} rows belong to no account that was delivered", f"{rows:,}行中有{unknown:,}行没有对应的账户"),
            Text(
                "their workers are left out of the comparison: ask for the missing accounts, and see that ids are written alike in both tables",
                "这些劳动者不会进入比较：请补充缺失账户，并核对两表账户编号的写法是否一致",
            ),
        )
    ]


def gaps(months: ir.Table) -> list[Finding]:
    """Find months in which a platform has no row at all, though it has before and after; and platforms whose export ends before the others'."""
    by = months.filter(months["platform_id"].notnull()).group_by("platform_id").aggregate(first=months["ym"].min(), last=months["ym"].max())
    ends = by.to_pandas()
    there = set(months.select("platform_id", "ym").distinct().to_pandas().itertuples(index=False, name=None))
    calendar = sorted({month for _, month in there})
    found = []
    for platform, first, last in ends.sort_values("platform_id").itertuples(index=False, name=None):
        missing = [month for month in _between(first, last) if (platform, month) not in there]
        found += [_gap(platform, missing)] if missing else []
        found += [_early_end(platform, last, calendar[-1])] if last < calendar[-1] else []
    return found


def _between(first: str, last: str) -> list[str]:
    start, end = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (first, last))
    return [f"{place // 12}-{place % 12 + 1:02d}" for place in range(start, end + 1)]


def _gap(platform: str, missing: list[str]) -> Finding:
    return Finding(
        "platform_without_month",
        "stop",
        f"platform {platform}",
        len(missing),
        Text(
            f"no row at all in {listing(missing)}, though there are rows before and after", f"{listing(missing)}没有任何记录，而其前后均有"
        ),
        Text(
            "everybody there would seem to have left: ask for the missing files, or let the study begin after the gap",
            "否则该平台所有人都会被当作离开：请补充缺失的文件，或让研究从缺口之后开始",
        ),
    )


def _early_end(platform: str, last: str, others: str) -> Finding:
    return Finding(
        "platform_ends_early",
        "warning",
        f"platform {platform}",
        0,
        Text(f"its rows end in {last}, those of others in {others}", f"其记录止于{last}，其他平台止于{others}"),
        Text(
            "exits are known up to its own end only; compare platforms over the same months",
            "离开情况仅能判断至其自身的末月；请在相同月份内比较各平台",
        ),
    )


def days_against_months(days: ir.Table, months: ir.Table) -> list[Finding]:
    """Hold the days of work against the worker-months, platform by platform: number of days, first and last of them."""
    by_day = days.mutate(ym=days["date"].strftime("%Y-%m"))
    counted = by_day.group_by("account_id", "ym").aggregate(days=by_day.count(), first=by_day["date"].min(), last=by_day["date"].max())
    held = months.filter((months["active_days"] > 0) & ~months["flag_activity_after_closure"]).select(
        "account_id", "ym", "platform_id", "active_days", "first_active_date", "last_active_date"
    )
    held = held.semi_join(days.select("account_id").distinct(), "account_id")  # employers' workers have no days
    both = held.left_join(counted, ["account_id", "ym"])
    agrees = (
        (both["days"] == both["active_days"]) & (both["first"] == both["first_active_date"]) & (both["last"] == both["last_active_date"])
    )
    table = both.mutate(agrees=agrees.fill_null(False)).group_by("platform_id").aggregate(rows=ibis._.count(), agreeing=ibis._.agrees.sum())
    rows = table.order_by("platform_id").to_pyarrow().to_pylist()
    return [_days_finding(row) for row in rows if row["agreeing"] < row["rows"]]


def _days_finding(row: dict[str, Any]) -> Finding:
    apart = int(row["rows"] - row["agreeing"])
    share = apart / row["rows"]
    many = share > 0.05
    return Finding(
        "days_against_months",
        "stop" if many else "note",
        f"platform {row['platform_id']}",
        apart,
        Text(
            f"days and months disagree in {apart:,} of {row['rows']:,} worker-months ({share:.1%}): number of days, the first or the last of them",
            f"日表与月表在{row['rows']:,}个“劳动者-月”中有{apart:,}个不一致（{share:.1%}）：出工天数、首日或末日",
        ),
        Text(
            "if times are in UTC, orders before eight in the morning fall on the day before: ask, and declare `says: times in UTC` for these files"
            if many
            else "single months: copies of the platform's own corrections, or months whose money was dropped",
            "若时间为UTC，则早八点前的订单会落在前一日：核实后在 declared 中写明 says: times in UTC"
            if many
            else "个别月份：平台自身更正的副本，或金额被剔除的月份",
        ),
    )


def purges(accounts: ir.Table) -> list[Finding]:
    """Find months in which a platform closed many accounts at once, most of them unused."""
    if not {"closed_date", "platform_id"} <= set(accounts.columns):
        return []
    table = accounts.mutate(ym=accounts["closed_date"].strftime("%Y-%m"))
    idle = table["first_trip_date"].isnull() if "first_trip_date" in table.columns else ibis.literal(False)
    counted = table.mutate(idle=idle).group_by("platform_id", "ym").aggregate(closed=ibis._.count(), idle=ibis._.idle.sum()).to_pandas()
    registered = counted.groupby("platform_id")["closed"].sum()
    closed = counted[counted["ym"].notna()]
    found = []
    for platform, months in closed.groupby("platform_id", sort=True):
        usual = max(1.0, float(months["closed"].median()))
        for row in months.sort_values("ym").to_dict("records"):
            if row["closed"] > PURGE_TIMES * usual and row["closed"] > PURGE_SHARE * registered[platform]:
                found.append(_purge(str(platform), row, usual, int(registered[platform])))
    return found


def _purge(platform: str, row: dict[Any, Any], usual: float, registered: int) -> Finding:
    return Finding(
        "purge_month",
        "warning",
        f"platform {platform}, {row['ym']}",
        int(row["closed"]),
        Text(
            f"{row['closed']:,} of {registered:,} accounts were closed in one month, {row['idle']:,} of them never used; {usual:,.0f} is usual",
            f"一个月内关闭{registered:,}个账户中的{row['closed']:,}个，其中{row['idle']:,}个从未使用；通常为{usual:,.0f}个",
        ),
        Text(
            "do not compare rates by registered accounts, or closures, across this month: use drivers in service and absences of 30 or 90 days",
            "跨越该月的比较不得以注册账户为分母，也不得以注销计离开：应使用在岗人数与30天或90天未出工",
        ),
    )


_SERIES = {
    "accounts on the books": ("rows", None, "在册账户数"),
    "share with work": ("working", "rows", "出工账户占比"),
    "days per worker": ("active_days", "working", "人均出工天数"),
    "hours per day": ("online_h", "active_days", "日均在线时长"),
    "orders per day": ("orders", "active_days", "日均单量"),
    "gross per order": ("gross", "orders", "单均流水"),
    "commission rate": ("take", "gross", "抽成率"),
    "receipts by gross": ("receipts", "gross", "到手占流水比"),
    "cost by gross": ("cost_est", "gross", "成本占流水比"),
}
"""Series of a platform that should move as the others' do: numerator, denominator."""


def drift(months: ir.Table) -> list[Finding]:
    """Find months in which a platform's ratio jumps and the other platforms' do not: its definition may have changed."""
    import numpy as np

    columns = [name for name in ("active_days", "online_h", "orders", "gross", "take", "receipts", "cost_est") if name in months.columns]
    sums = {name: months[name].sum() for name in columns}
    by = months.group_by("platform_id", "ym").aggregate(rows=months.count(), working=(months["active_days"] > 0).sum(), **sums)
    table = by.order_by("platform_id", "ym").to_pandas()
    found = []
    for name, (top, bottom, zh) in _SERIES.items():
        if top not in table or (bottom is not None and bottom not in table):
            continue
        ratio = table[top] / table[bottom] if bottom else table[top]
        wide = table.assign(ratio=np.log(ratio.where(ratio > 0))).pivot(index="ym", columns="platform_id", values="ratio").sort_index()
        found += _jumps(name, zh, wide, table.pivot(index="ym", columns="platform_id", values="working").sort_index())
    return found


def _jumps(name: str, zh: str, wide: pd.DataFrame, workers: pd.DataFrame) -> list[Finding]:
    """Compare each platform's change with the median change, and with how much its own changes usually vary."""
    import numpy as np

    change = wide.diff()
    apart = change.sub(change.median(axis=1), axis=0)
    usual = apart.abs().median() / 0.6745
    odd = (apart.abs() > np.log(JUMP)) & (apart.abs() > 8 * usual) & (workers >= 30) & (workers.shift() >= 30)
    return [
        _drift(name, zh, str(platform), str(month), float(np.exp(apart.loc[month, platform])))
        for platform in apart.columns
        for month in apart.index[odd[platform]]
    ]


def _drift(name: str, zh: str, platform: str, month: str, factor: float) -> Finding:
    return Finding(
        "definition_drift",
        "warning",
        f"platform {platform}, {month}",
        0,
        Text(
            f"{name} changed by a factor of {factor:.2f} beyond the other platforms' in one month",
            f"{zh}较其他平台单月额外变化{factor:.2f}倍",
        ),
        Text(
            "ask what changed: a definition, a unit, a clean-up, or what workers do; an effect that begins in this month may be this",
            "核实变化的原因：定义、单位、清理，还是劳动者的行为；始于该月的“效应”可能即源于此",
        ),
    )


def partly_delivered(typed: Typed) -> list[Finding]:
    """Say which columns only some files of a table have, and which received columns nothing is made of."""
    found = [
        Finding(
            "column_missing_in_files",
            "warning",
            files[0],
            len(files),
            Text(
                f"column `{name}` is missing in {len(files)} files of `{typed.delivered.name}`: {listing(files, 3)}",
                f"`{typed.delivered.name}`的{len(files)}个文件缺少列`{name}`",
            ),
            Text(
                "ask for it, or name in `mapping` what these files call it; rows without it do not count for it",
                "请补充，或在 mapping 中指明其列名；缺少该列的行不计入此项",
            ),
        )
        for name, files in typed.partly.items()
        if name not in ONLY_SOME
    ]
    if typed.unused:
        found.append(
            Finding(
                "column_not_used",
                "note",
                typed.delivered.name,
                len(typed.unused),
                Text(f"nothing is made of the columns {listing(typed.unused, 12)}", f"未使用的列：{listing(typed.unused, 12)}"),
                Text(
                    "if one of them is a column of the schema under another name, say so in `mapping`",
                    "若其中有模式中的列而名称不同，请在 mapping 中指明",
                ),
            )
        )
    return found
