"""The published benchmark beside the main estimate, and why the two differ."""

from __future__ import annotations

import pandas as pd

from impact.report.document import Block, Bullets, Figure, Paragraph, Section, Table
from impact.report.format import count, decimal, interval, percent, signed
from impact.report.material import Material
from impact.report.sections.effects import overall
from impact.text import Text

ORDER = 20


def section(material: Material) -> Section | None:
    """Print the ladder from the benchmark to the main estimate."""
    if "ladder" not in material.tables or len(material.tables["ladder"]) < 2:
        return None
    blocks: list[Block] = [Paragraph(_lead(material)), _figure(material)]
    differences = _differences(material)
    if differences:
        blocks += [Paragraph(Text("Why the benchmark and the main estimate differ:", "对照基准与主要估计为何不同：")), Bullets(differences)]
    blocks.append(_table(material))
    return Section(Text("Beside two-way fixed effects", "与双向固定效应对照"), tuple(blocks), in_brief=True)


def _lead(material: Material) -> Text:
    ladder = material.tables["ladder"]
    published = ladder[ladder["published"].notna()]
    if published.empty:
        return Text(
            "Two-way fixed effects are shown as the benchmark to distrust, beside the main estimate and its variants.",
            "双向固定效应仅作对照，不宜轻信；与主要估计及其变体并列。",
        )
    row = published.iloc[0]
    digits = int(row["digits"])
    return Text(
        f"The published coefficient, {decimal(row['published'], digits)} ({decimal(row['published_error'], digits)}; {row['published_source']}), "
        f"comes out of this run as {decimal(row['estimate'], digits)} ({decimal(row['std_error'], digits)}). "
        "The rows below lead from there to the main estimate, and around it.",
        f"已发表的系数为{decimal(row['published'], digits)}（{decimal(row['published_error'], digits)}；{row['published_source']}），"
        f"本次运行得到{decimal(row['estimate'], digits)}（{decimal(row['std_error'], digits)}）。下列各行由此过渡到主要估计及其变体。",
    )


def _table(material: Material) -> Table:
    rows = material.tables["ladder"]
    return Table(
        "benchmarks",
        Text(
            f"From the benchmark to the main estimate, and around it ({material.effect_unit.en})",
            f"从对照基准到主要估计及其变体（{material.effect_unit.zh}）",
        ),
        (
            Text("Estimate", "估计"),
            Text("Value", "数值"),
            Text("Std. error", "标准误"),
            Text("Interval", "区间"),
            Text("Workers", "人数"),
            Text("Negative weights", "负权重"),
        ),
        tuple(
            (
                Text(row["title_en"], row["title_zh"]),
                signed(row["estimate"], material.digits),
                decimal(row["std_error"], material.digits),
                interval(row["conf_low"], row["conf_high"], material.digits),
                count(row["workers"]),
                percent(row["negative_weight"]),
            )
            for row in rows.to_dict("records")
        ),
        ("left", "right", "right", "right", "right", "right"),
        Text(
            "Negative weights: how much the covered cells that count with the wrong sign weigh, relative to the sum of all weights. "
            "Workers: all who enter the estimate, covered or compared.",
            "负权重：以相反符号计入的受覆盖单元的权重之和，相对于全部权重之和。人数：进入估计的全部劳动者，含受覆盖者与比较对象。",
        ),
    )


def _figure(material: Material) -> Figure:
    rows = material.tables["ladder"]
    en = "; ".join(f"{row['title_en']} → {signed(row['estimate'], material.digits)}" for row in rows.to_dict("records"))
    zh = "；".join(f"{row['title_zh']} → {signed(row['estimate'], material.digits)}" for row in rows.to_dict("records"))
    return Figure(
        "ladder",
        Text("The same question, step by step; blue: the main estimate", "同一问题，逐步变化；蓝色为主要估计"),
        Text(f"Estimates with intervals, one below the other: {en}.", f"自上而下排列的估计值与区间：{zh}。"),
    )


def _differences(material: Material) -> tuple[Text, ...]:
    """Say, with the run's own numbers, what sets the benchmark apart; each sentence only where it holds."""
    ladder, main = material.tables["ladder"], overall(material)
    benchmarks = ladder[ladder["kind"] == "benchmark"]
    if benchmarks.empty:
        return ()
    first, last = benchmarks.iloc[0], benchmarks.iloc[-1]
    found = (_who(material, first), _which(material, first, last, main), _with_whom(first), _how_sure(first, main))
    return tuple(text for text in found if text is not None)


def _counted(material: Material, *names: str) -> int:
    """Add up what the rules of coverage counted."""
    return sum(rule["rows"] for rule in material.values.get("coverage_rules", []) if rule["name"]["en"] in names)


def _who(material: Material, first: pd.Series[float]) -> Text | None:
    at_start = _counted(material, "units covered in every month", "units covered at first, not always")
    if at_start == 0 or str(first["sample"]) != "full":
        return None
    return Text(
        f"Who: {count(at_start)} units are covered when first seen. They have no period before coverage; two-way fixed effects keep them, the main estimate cannot.",
        f"谁：{count(at_start)}个单位首次出现时即受覆盖，没有覆盖之前的时期；双向固定效应保留它们，主要估计无法使用。",
    )


def _which(material: Material, first: pd.Series[float], last: pd.Series[float], main: pd.Series[float]) -> Text | None:
    ends = _counted(material, "units covered at first, not always", "units whose first spell ends", "units whose coverage ends")
    if ends == 0:
        return None
    values = [signed(row["estimate"], material.digits) for row in (first, last, main)]
    return Text(
        "Which changes: two-way fixed effects also learn from coverage that ends, and take leaving for the mirror image of entering; group-time effects "
        f"learn from entering alone. Along the steps the value goes from {values[0]} to {values[1]} and to {values[2]}.",
        "哪些变化：双向固定效应同时利用覆盖的终止，并把退出视为进入的镜像；组群-时间效应只利用进入。"
        f"沿各步骤，数值从{values[0]}到{values[1]}，再到{values[2]}。",
    )


def _with_whom(first: pd.Series[float]) -> Text:
    share = first["negative_weight"]
    much = Text("so part of the difference comes from here", "因此差异有一部分来自这里")
    little = Text("so little of the difference comes from here", "因此差异很少来自这里")
    said = much if share >= 0.05 else little
    return Text(
        "With whom: two-way fixed effects also compare with workers already covered; group-time effects compare only with those not covered. "
        f"In the first row {percent(share)} of the weight on covered cells has the wrong sign, {said.en}.",
        f"与谁比较：双向固定效应也拿已受覆盖者作比较；组群-时间效应只与未受覆盖者比较。在首行中，受覆盖单元的权重有{percent(share)}符号相反，{said.zh}。",
    )


def _how_sure(first: pd.Series[float], main: pd.Series[float]) -> Text:
    times = decimal(main["std_error"] / first["std_error"], 1)
    alone = str(first["errors"]) == "homoskedastic"
    also = (
        Text(" The first row also takes the errors of one worker to be unrelated.", "首行还假定同一人的误差互不相关。")
        if alone
        else Text("", "")
    )
    return Text(
        f"How sure: the error of the main estimate is {times} times that of the first row. It uses only workers who come under coverage in view, each once.{also.en}",
        f"有多大把握：主要估计的标准误是首行的{times}倍。它只利用在观察期内开始受覆盖的人，每人一次。{also.zh}",
    )
