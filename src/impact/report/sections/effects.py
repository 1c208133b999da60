"""What differs after coverage: event study, overall effect, leads."""

from __future__ import annotations

import pandas as pd

from impact.months import STEPS
from impact.report.document import Block, Figure, Paragraph, Section
from impact.report.format import count, interval, p_value, signed
from impact.report.material import Material, text_of
from impact.text import Text

ORDER = 10


def section(material: Material) -> Section | None:
    """Print the main estimate."""
    if "results" not in material.tables:
        return None
    blocks: list[Block] = [Paragraph(_lead(material)), *_caution(material), _figure(material), *_checks(material)]
    if material.study.notes.effects:
        blocks.append(Paragraph(text_of(material.study.notes.effects)))
    return Section(Text("What differs after coverage", "覆盖之后有何不同"), tuple(blocks), in_brief=True)


def _caution(material: Material) -> list[Block]:
    """Warn where the printed errors rest on too few independent decisions."""
    clusters = int(material.values["errors"]["covered_clusters"])
    if clusters >= 10:
        return []
    return [
        Paragraph(
            Text(
                f"Only {clusters} covered {'cluster stands' if clusters == 1 else 'clusters stand'} behind these errors: the true uncertainty is larger than the intervals show.",
                f"这些标准误只依据{clusters}个受覆盖聚类：真实的不确定性大于区间所示。",
            )
        )
    ]


def overall(material: Material) -> pd.Series[float]:
    """Give the headline row: the overall mean of the study's first outcome."""
    rows = results(material, "simple")
    return rows[rows["term"] == "overall"].iloc[0]


def results(material: Material, aggregate: str) -> pd.DataFrame:
    """Give the rows of the main estimate under one aggregate."""
    table = material.tables["results"]
    return table[(table["outcome"] == material.outcome.name) & (table["aggregate"] == aggregate)]


def compared(material: Material) -> Text:
    """Name those who stand for the path without coverage."""
    if material.study.effects is not None and material.study.effects.comparison == "never":
        return Text("those never covered", "从未受覆盖者")
    return Text("those not covered by then", "届时尚未受覆盖者")


def people(material: Material) -> Text:
    """Say what is counted: workers, or rows where nobody is followed."""
    return Text("workers", "名受覆盖者") if material.study.columns.worker else Text("rows", "行受覆盖观测")


def in_percent(material: Material, value: float) -> Text:
    """Say in words what a log point estimate is in per cent; nothing for other outcomes."""
    import math

    if not material.outcome.in_logs:
        return Text("", "")
    change = signed(100 * math.expm1(value), 1)
    return Text(f", about {change}%", f"，约{change}%")


def _lead(material: Material) -> Text:
    row, outcome, coverage = overall(material), material.outcome, material.study.coverage
    name = coverage.name if coverage else outcome.title
    percent = in_percent(material, row["estimate"])
    ends = interval(row["conf_low"], row["conf_high"], material.digits)
    level, whom = f"{material.values['level']:.0%}", people(material)
    early = material.study.effects is not None and material.study.effects.anticipation > 0
    before = Text("anticipation", "预期") if early else Text("coverage", "覆盖")
    return Text(
        f"Averaged over cohorts and {STEPS[material.period].en} after coverage, the difference that goes with {name.en} is {signed(row['estimate'], material.digits)} {material.effect_unit.en}"
        f"{percent.en} ({level} interval {ends.en}, p {_p(row['p_value'])}), from {count(row['workers'])} covered {whom.en}. "
        f"It compares the change since the last period before {before.en} with the change of {compared(material).en}.",
        f"对各组群及覆盖后的各{STEPS[material.period].zh}平均，{name.zh}对应的差异为{signed(row['estimate'], material.digits)}{material.effect_unit.zh}{percent.zh}"
        f"（{level}区间{ends.zh}，p {_p(row['p_value'])}），依据{count(row['workers'])}{whom.zh}。"
        f"比较的是自{before.zh}前最后一期以来的变化，与{compared(material).zh}的变化之差。",
    )


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _figure(material: Material) -> Figure:
    rows = results(material, "event_time").dropna(subset=["event_time"])
    after = rows[rows["event_time"] >= 0]
    said = [f"{int(row['event_time'])}: {signed(row['estimate'], material.digits)}" for _, row in after.iterrows()]
    return Figure(
        "event_study",
        Text(
            f"Effects by time since first covered; grey: before coverage. {material.outcome.title.en}",
            f"按首次覆盖后的时间划分的效应；灰色为覆盖之前。{material.outcome.title.zh}",
        ),
        Text(
            "Points with intervals and a band, by time since first covered. After coverage: " + "; ".join(said) + ".",
            "按首次覆盖后的时间排列的点估计、区间与联合带。覆盖之后：" + "；".join(said) + "。",
        ),
    )


def _checks(material: Material) -> list[Block]:
    """Say what the checks found: what moved before coverage, and how far trends may part after it."""
    checks = {check["name"]: check for check in material.values["checks"]}
    return [Paragraph(Text(checks[name]["text_en"], checks[name]["text_zh"])) for name in ("leads", "honest")]
