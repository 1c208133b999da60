"""Who leaves, under every definition, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from impact.report.document import Block, Bullets, Figure, Paragraph, Section, Table
from impact.report.format import MISSING, count, decimal, percent
from impact.report.material import Material, text_of
from impact.report.sections.attrition_definitions import ABSENCE, DENOMINATORS, rates_table
from impact.text import Text

ORDER = 10

DEFINITIONS: dict[str, Text] = {
    "exits_over_average_stock": Text("exits ÷ average stock", "离职人数 ÷ 平均存量"),
    "exits_over_opening_stock": Text("exits ÷ opening stock", "离职人数 ÷ 期初存量"),
    "annualised_monthly_hazard": Text("annualised monthly hazard, 1 − (1 − h)¹², all months", "月风险率年化，1 − (1 − h)¹²，全部月份"),
    "annualised_monthly_hazard_year": Text("annualised monthly hazard, this year's months", "月风险率年化，仅当年各月"),
    "twelve_times_monthly_hazard": Text("12 × monthly hazard (not a rate: can pass 100%)", "12 × 月风险率（不是比率，可超过100%）"),
    "closed_cohort_loss": Text("closed cohort: January's stock gone by December", "封闭队列：一月在职者到十二月已不在职"),
    "exits_over_ever_active": Text("exits ÷ ever active in the year", "离职人数 ÷ 当年曾活跃人数"),
}
"""What a definition of yearly attrition is called."""

CURVES: dict[str, Text] = {
    "naive": Text("naive: ignores that many joined before they were seen", "简单估计：忽略许多人在首次出现前已入职"),
    "delayed_entry": Text("with delayed entry", "考虑延迟进入"),
    "entrants": Text("only those who joined within the data", "仅限数据期内入职者"),
}
"""What a survival curve is called."""


def section(material: Material) -> Section | None:
    """Print the rates of every definition; for a source of one table hazards by tenure and survival as well, which others have in the section after."""
    if "rates" not in material.tables:
        return None
    delivered = "definitions" in material.tables
    rates: list[Block] = [rates_table(material)] if delivered else [_rates_table(material), _figure("attrition_rates", material)]
    blocks: list[Block] = [Paragraph(_lead(material)), *rates]
    if lacking := material.values.get("not_computed"):
        blocks.append(Bullets(tuple(Text(**words) for words in lacking)))
    if material.study.notes.attrition:
        blocks.append(Paragraph(text_of(material.study.notes.attrition)))
    if not delivered:
        blocks += tenure_blocks(material)
    return Section(Text("Who leaves", "谁在离开"), tuple(blocks), in_brief=True)


def tenure_blocks(material: Material) -> list[Block]:
    """Print survival and hazards by tenure."""
    return [
        _figure("attrition_survival", material),
        _survival_table(material),
        _figure("attrition_hazards", material),
        _hazards_table(material),
    ]


def range_of_rates(material: Material) -> tuple[str, str]:
    """Give the lowest and highest yearly rate of the year itself, over all definitions; of a delivery, of one and the same group of workers."""
    if "definitions" in material.tables:
        ends = extremes_of_group(material)
        return (percent(ends[0]["value"], 0), percent(ends[1]["value"], 0)) if ends else (MISSING, MISSING)
    rates, year = material.tables["rates"], material.study.attrition.year if material.study.attrition else 0
    rates = rates[(rates["definition"] != "twelve_times_monthly_hazard") & rates["start"].str.startswith(str(year))]
    rates = rates[rates["end"].str.startswith(str(year))]
    return percent(rates["value"].min(), 0), percent(rates["value"].max(), 0)


def extremes_of_group(material: Material) -> tuple[Mapping[Any, Any], Mapping[Any, Any]] | None:
    """Give the lines with the lowest and the highest rate among the covered, or among the others where no rate of the covered can be printed; None where no rate can."""
    table = material.tables["definitions"].dropna(subset=["value"])
    ordered = table[table["covered"] == table["covered"].max()].sort_values("value").to_dict("records")
    return (ordered[0], ordered[-1]) if ordered else None


def _lead(material: Material) -> Text:
    year = material.study.attrition.year if material.study.attrition else 0
    if "definitions" in material.tables:
        return _lead_of_definitions(material, year)
    low, high = range_of_rates(material)
    return Text(
        f"The same workers in the same year ({year}) give a yearly attrition of {low} or of {high}, depending on what is divided by what. "
        "Two rates may be compared only when numerator, denominator and period are the same; no two rows below may be subtracted from each other.",
        f"同一批劳动者、同一年（{year}），年流失率可以是{low}，也可以是{high}，取决于用什么除以什么。"
        "只有分子、分母和期间都相同，两个比率才可比较；下表任意两行不可相减。",
    )


def _lead_of_definitions(material: Material, year: int) -> Text:
    extremes = extremes_of_group(material)
    if extremes is None:
        return Text(
            f"Of {year} no rate is printed: too few workers left under any definition.",
            f"{year}年的比率均不列出：按任何定义，离开者都过少。",
        )
    ends = [(ABSENCE[end["definition"]], DENOMINATORS[end["denominator"]], percent(end["value"], 0)) for end in extremes]
    (one, by_one, least), (other, by_other, most) = ends
    return Text(
        f"The same workers in the same year ({year}) give {least} ({one.en}; {by_one.en}) or {most} ({other.en}; {by_other.en}). "
        "Two rates may be compared only within one row of definition and one column: the covered with the never covered, or one year with another.",
        f"同一批劳动者、同一年（{year}），流失率可以是{least}（{one.zh}；{by_one.zh}），也可以是{most}（{other.zh}；{by_other.zh}）。"
        "只有同一定义、同一列的比率才可比较：受覆盖者与从未覆盖者，或一年与另一年。",
    )


def _rates_table(material: Material) -> Table:
    rows = material.tables["rates"].sort_values("value", ascending=False)
    return Table(
        "attrition_rates",
        Text("Yearly attrition by definition, with what it is made of", "各口径下的年流失率及其构成"),
        (Text("Definition", "口径"), Text("Rate", "比率"), Text("Numerator", "分子"), Text("Denominator", "分母"), Text("Period", "期间")),
        tuple(
            (
                DEFINITIONS[row["definition"]],
                percent(row["value"]),
                count(row["numerator"]),
                count(row["denominator"]),
                f"{row['start']} – {row['end']}",
            )
            for _, row in rows.iterrows()
        ),
        ("left", "right", "right", "right", "left"),
        Text(
            "The numerator and denominator of a hazard are exits and person-months; the others are heads. An exit is dated by the last month seen.",
            "风险率的分子与分母为离职次数与人月数，其余为人数。离职以末次出现的月份计。",
        ),
    )


def _survival_table(material: Material) -> Table:
    table = material.tables["survival_at"]
    days = sorted(table["day"].unique())
    wide = table.pivot(index="curve", columns="day", values="survival").reindex([curve for curve in CURVES if curve in set(table["curve"])])
    errors = table.pivot(index="curve", columns="day", values="std_error")
    return Table(
        "survival",
        Text("Share still there after so many days (standard error)", "经过若干天后仍在职的比例（标准误）"),
        (Text("Curve", "曲线"), *(Text(f"{day} days", f"{day}天") for day in days)),
        tuple(
            (CURVES[curve], *(f"{decimal(wide.loc[curve, day])} ({decimal(errors.loc[curve, day])})" for day in days))
            for curve in wide.index
        ),
        ("left", *_RIGHT[: len(days)]),
    )


_RIGHT: tuple[Literal["right"], ...] = ("right",) * 12


def _hazards_table(material: Material) -> Table:
    rows = material.tables["hazards"]
    return Table(
        "hazards_by_tenure",
        Text("Leaving in a month, by months since joining", "按入职月数划分的当月离职"),
        (
            Text("Months since joining", "入职月数"),
            Text("Person-months at risk", "风险人月"),
            Text("Exits", "离职次数"),
            Text("In a month", "月离职率"),
        ),
        tuple((_band(row), count(row["at_risk"]), count(row["exits"]), percent(row["hazard"])) for row in rows.to_dict("records")),
        ("left", "right", "right", "right"),
    )


def _band(row: Mapping[Any, Any]) -> Text:
    first, last = int(row["first_month"]), row["last_month"]
    if last is None or last != last:
        return Text(f"{first} and more", f"{first}及以上")
    text = str(first) if first == int(last) else f"{first}–{int(last)}"
    return Text(text, text)


def _figure(name: str, material: Material) -> Figure:
    alts = {"attrition_rates": _rates_alt, "attrition_survival": _survival_alt}
    return Figure(name, _CAPTIONS[name], alts[name](material) if name in alts else _HAZARDS_ALT)


_CAPTIONS = {
    "attrition_rates": Text("One year, one data set, many rates", "同一年、同一数据，多个流失率"),
    "attrition_survival": Text("Survival by tenure; the shades are pointwise intervals", "按在职天数的生存曲线；阴影为逐点区间"),
    "attrition_hazards": Text("Leaving in a month, by months since joining", "按入职月数划分的当月离职比例"),
}
_HAZARDS_ALT = Text(
    "Bars of the monthly share leaving by months since joining; the numbers stand in the table below.",
    "按入职月数划分的月离职率条形图；数字见下表。",
)


def _rates_alt(material: Material) -> Text:
    rows = [(DEFINITIONS[row["definition"]], percent(row["value"], 0)) for row in material.tables["rates"].to_dict("records")]
    return Text(
        "Bars of the yearly attrition: " + "; ".join(f"{name.en} {value}" for name, value in rows) + ".",
        "年流失率条形图：" + "；".join(f"{name.zh} {value}" for name, value in rows) + "。",
    )


def _survival_alt(material: Material) -> Text:
    table = material.tables["survival_at"]
    rows = [(CURVES[row["curve"]], f"{row['day']}", decimal(row["survival"])) for row in table.to_dict("records")]
    return Text(
        "Survival curves. Share still there: " + "; ".join(f"{name.en}, {day} days: {value}" for name, day, value in rows) + ".",
        "生存曲线。仍在职的比例：" + "；".join(f"{name.zh}，{day}天：{value}" for name, day, value in rows) + "。",
    )
