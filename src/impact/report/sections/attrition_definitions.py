"""The tables of leaving under every definition: rates, what they are made of, entry cohorts, and a change split in two. May touch: nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import pandas as pd

from impact.panel.attrition.definitions import WINDOWS
from impact.report.document import Table
from impact.report.format import count, decimal, percent, signed
from impact.report.material import Material
from impact.text import Text

ABSENCE: dict[str, Text] = {
    **{f"exit_{days}d": Text(f"{days} days without work", f"{days}天未出工") for days in WINDOWS},
    "permanent_90d": Text("90 days, not back by the end", "90天未出工且至数据结束未返回"),
    "closure": Text("account closed, purges not counted", "账户注销，不计清理"),
    "closure_or_purge": Text("account closed or purged", "账户注销或被清理"),
    "contract": Text("contract ended", "合同终止"),
}
"""What a definition of leaving is called."""

DENOMINATORS: dict[str, Text] = {
    "opening_stock": Text("÷ opening stock", "÷ 期初存量"),
    "average_stock": Text("÷ average stock", "÷ 平均存量"),
    "ever_active": Text("÷ ever active", "÷ 曾活跃"),
    "closed_cohort": Text("closed cohort", "封闭队列"),
    "person_months": Text("hazard, made yearly", "月风险率年化"),
    "cumulative_loss": Text("3-month loss, made yearly", "3个月损失年化"),
}
"""What the exits are divided by."""

WHOM = {True: Text("ever", "曾"), False: Text("never", "从未")}
"""Whose platform or bargaining unit ever comes under an agreement on record, and the others."""

_COHORTS = {0: Text("before the data begin", "数据开始之前")}
_RIGHT: tuple[Literal["right"], ...] = ("right",) * 12


def rates_table(material: Material) -> Table:
    """Print the rates of the year, one line per definition and group, with the share who came back."""
    rates, returns = material.tables["definitions"], material.tables["returns"]
    year = str(rates["start"].iloc[0])[:4]
    values = _lookup(rates, "value")
    back = {(f"exit_{row['window']}d", row["covered"]): row["share"] for row in returns.to_dict("records")}
    return Table(
        "attrition_definitions",
        Text(f"Leaving in {year}, by what counts as leaving and what it is divided by", f"{year}年流失：按离开的定义与分母"),
        (Text("What counts", "离开的定义"), Text("Covered", "受覆盖"), *DENOMINATORS.values(), Text("back within 30 days", "30天内返回")),
        tuple(
            (
                *key,
                *(percent(values[*place, name]) for name in DENOMINATORS),
                percent(back.get(place, float("nan"))),
            )
            for place, key in _rows(rates)
        ),
        ("left", "left", *_RIGHT[: len(DENOMINATORS) + 1]),
        Text(
            "Who comes back and leaves again counts each time, except in the closed cohort and the 3-month loss; the first two rates can therefore pass 100%. "
            "Back: returned within 30 days after the window had run out.",
            "返回后再次离开者每次均计入，封闭队列与3个月损失除外；因此前两种比率可超过100%。返回：窗口期满后30天内恢复出工。",
        ),
    )


def counts_table(material: Material) -> Table:
    """Print numerators and denominators of `rates_table`."""
    rates = material.tables["definitions"]
    above, below = _lookup(rates, "numerator"), _lookup(rates, "denominator_value")
    return Table(
        "attrition_counts",
        Text(
            f"What the rates are made of, {rates['start'].iloc[0]} to {rates['end'].iloc[0]}",
            f"各比率的分子与分母，{rates['start'].iloc[0]}至{rates['end'].iloc[0]}",
        ),
        (
            Text("What counts", "离开的定义"),
            Text("Covered", "受覆盖"),
            Text("Exits", "离开次数"),
            Text("Opening stock", "期初存量"),
            Text("of it gone in 12 months", "其中12个月内离开"),
            Text("in 3 months", "3个月内离开"),
            Text("Average stock", "平均存量"),
            Text("Ever active", "曾活跃"),
            Text("Person-months", "人月"),
        ),
        tuple(
            (*key, *(count(part[*place, name]) for part, name in ((above if up else below, name) for up, name in _MADE_OF)))
            for place, key in _rows(rates)
        ),
        ("left", "left", *_RIGHT[:7]),
        Text(
            "Stock: those between two absences that count; stock of accounts: those open. Ever active: opening stock and everybody who began or came back in the year.",
            "存量：两次计为离开的未出工之间者；账户存量：在册账户。曾活跃：期初存量加当年开始或返回者。",
        ),
    )


_MADE_OF = (
    (True, "opening_stock"),
    (False, "opening_stock"),
    (True, "closed_cohort"),
    (True, "cumulative_loss"),
    (False, "average_stock"),
    (False, "ever_active"),
    (False, "person_months"),
)
"""Columns of `counts_table`: whether a numerator, and of which rate."""


def _lookup(rates: pd.DataFrame, column: str) -> dict[tuple[str, bool, str], float]:
    return {(row["definition"], bool(row["covered"]), row["denominator"]): float(row[column]) for row in rates.to_dict("records")}


def _rows(rates: pd.DataFrame) -> list[tuple[tuple[str, bool], tuple[Text, Text]]]:
    """List definition and group of each line, in the order of `ABSENCE`, the covered first."""
    held = {(row["definition"], bool(row["covered"])) for row in rates.to_dict("records")}
    places = [(name, covered) for name in ABSENCE for covered in (True, False) if (name, covered) in held]
    return [(place, (ABSENCE[place[0]], WHOM[place[1]])) for place in places]


def cohorts_table(material: Material) -> Table:
    """Print survival by year of entry and group."""
    table = material.tables["entry_cohorts"]
    days = sorted(table["day"].unique())
    held = {(bool(row["covered"]), int(row["entry_year"]), row["day"]): row for row in table.to_dict("records")}
    places = sorted({(not covered, year) for covered, year, _ in held})
    return Table(
        "entry_cohorts",
        Text(
            "Share still there so many days after the first order, by year of entry (standard error)",
            "首单后若干天仍在的比例，按入职年份（标准误）",
        ),
        (Text("Covered", "受覆盖"), Text("Joined", "入职"), Text("Workers", "人数"), *(Text(f"{day} days", f"{day}天") for day in days)),
        tuple(
            (
                WHOM[not other],
                _COHORTS.get(year, Text(str(year), str(year))),
                count(held[not other, year, days[0]]["workers"]),
                *(_with_error(held[not other, year, day]) for day in days),
            )
            for other, year in places
        ),
        ("left", "left", *_RIGHT[: len(days) + 1]),
        Text(
            "Leaving: 90 days without work, counted once. Who joined before the data begin is at risk from the first day seen. A dash: nobody is followed for so long yet.",
            "离开：90天未出工，仅计首次。数据开始前入职者自首个可见日起计入风险集。短横：尚无人被跟踪如此之久。",
        ),
    )


def _with_error(row: Mapping[Hashable, Any]) -> str:
    value = decimal(row["survival"])
    return value if pd.isna(row["survival"]) else f"{value} ({decimal(row['std_error'])})"


def change_table(material: Material) -> Table | None:
    """Print what of a change in churn is composition; None where no other year was asked for."""
    table = material.tables["churn_change"]
    if table.empty or material.study.attrition is None or material.study.attrition.compare_year is None:
        return None
    years = sorted((material.study.attrition.year, material.study.attrition.compare_year))
    return Table(
        "churn_change",
        Text(
            f"The stock's loss in {years[0]} and {years[1]}, and what of the change is composition (percentage points)",
            f"{years[0]}年与{years[1]}年期初存量的流失，以及变化中的构成部分（百分点）",
        ),
        (
            Text("Covered", "受覆盖"),
            *(Text(str(year), str(year)) for year in years),
            Text("Change", "变化"),
            Text("composition", "构成"),
            Text("within", "组内"),
        ),
        tuple(
            (
                WHOM[bool(row["covered"])],
                percent(row["rate_before"]),
                percent(row["rate_after"]),
                *(signed(100 * row[name], 1) for name in ("change", "composition", "within")),
            )
            for row in table.sort_values("covered", ascending=False).to_dict("records")
        ),
        ("left", *_RIGHT[:5]),
        Text(
            "Of those in stock on 1 January, who left for 90 days by the end of the year. Composition: the stock's mix of tenure and city changed; within: workers of the "
            "same tenure and city left more or less often (Kitagawa 1955).",
            "1月1日存量中至年末已离开（90天未出工）者。构成：存量的在职时长与城市结构变化；组内：同一时长与城市者离开多少的变化（Kitagawa 1955）。",
        ),
    )
