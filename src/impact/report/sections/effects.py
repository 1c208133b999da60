"""What differs after coverage: overall effect, how certain it is, event study, leads."""

from __future__ import annotations

import math

import pandas as pd

from impact.months import STEPS
from impact.report.document import Block, Figure, Paragraph, Section
from impact.report.format import count, signed
from impact.report.inference_words import ERRORS, inference_words, interval_words, p_words, paragraph
from impact.report.material import Material, text_of
from impact.text import Text

ORDER = 10
ENOUGH = 10
"""Covered clusters below which errors by cluster are too small."""


def section(material: Material) -> Section | None:
    """Print the main estimate."""
    if "results" not in material.tables:
        return None
    blocks: list[Block] = [
        Paragraph(_lead(material)),
        Paragraph(_certainty(material)),
        *_caution(material),
        _figure(material),
        *_checks(material),
    ]
    if material.study.notes.effects:
        blocks.append(Paragraph(text_of(material.study.notes.effects)))
    return Section(Text("What differs after coverage", "覆盖之后有何不同"), tuple(blocks), in_brief=True)


def _caution(material: Material) -> list[Block]:
    """Warn where the printed intervals are errors by cluster, and rest on too few independent decisions."""
    clusters = _covered_clusters(material)
    if clusters >= ENOUGH or material.values["inference"]["method"] not in ERRORS:
        return []
    return [
        Paragraph(
            Text(
                f"Only {clusters} covered {'cluster stands' if clusters == 1 else 'clusters stand'} behind these errors: the true uncertainty is larger than the intervals show.",
                f"这些标准误只依据{clusters}个受覆盖聚类：真实的不确定性大于区间所示。",
            )
        )
    ]


def _covered_clusters(material: Material) -> int:
    return int(material.values["errors"]["covered_clusters"])


def _certainty(material: Material) -> Text:
    """Say which inference it is and why, the smallest possible p-value, and what stands beside it."""
    return paragraph(inference_words(material.values["inference"], material.digits))


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


def interval_of(material: Material) -> Text:
    """Give the interval of the headline in words; where it has no ends, the widest that has some."""
    row = overall(material)
    return interval_words(row["conf_low"], row["conf_high"], material.values["inference"], material.digits)


def in_percent(material: Material, value: float) -> Text:
    """Say in words what a log point estimate is in per cent; nothing for other outcomes."""
    if not material.outcome.in_logs:
        return Text("", "")
    change = signed(100 * math.expm1(value), 1)
    return Text(f", about {change}%", f"，约{change}%")


def _lead(material: Material) -> Text:
    row, outcome, coverage = overall(material), material.outcome, material.study.coverage
    name = coverage.name if coverage else outcome.title
    percent = in_percent(material, row["estimate"])
    ends, whom = interval_of(material), people(material)
    early = material.study.effects is not None and material.study.effects.anticipation > 0
    before = Text("anticipation", "预期") if early else Text("coverage", "覆盖")
    return Text(
        f"Averaged over cohorts and {STEPS[material.period].en} after coverage, the difference that goes with {name.en} is {signed(row['estimate'], material.digits)} {material.effect_unit.en}"
        f"{percent.en} ({ends.en}, p {p_words(row['p_value'])}), from {count(row['workers'])} covered {whom.en}. "
        f"It compares the change since the last period before {before.en} with the change of {compared(material).en}.",
        f"对各组群及覆盖后的各{STEPS[material.period].zh}平均，{name.zh}对应的差异为{signed(row['estimate'], material.digits)}{material.effect_unit.zh}{percent.zh}"
        f"（{ends.zh}，p {p_words(row['p_value'])}），依据{count(row['workers'])}{whom.zh}。"
        f"比较的是自{before.zh}前最后一期以来的变化，与{compared(material).zh}的变化之差。",
    )


def _figure(material: Material) -> Figure:
    rows = results(material, "event_time").dropna(subset=["event_time"])
    after, drawn = rows[rows["event_time"] >= 0], _drawn(rows)
    said = [f"{int(row['event_time'])}: {signed(row['estimate'], material.digits)}" for _, row in after.iterrows()]
    return Figure(
        "event_study",
        Text(
            f"Effects by time since first covered; grey: before coverage. {material.outcome.title.en}",
            f"按首次覆盖后的时间划分的效应；灰色为覆盖之前。{material.outcome.title.zh}",
        ),
        Text(
            f"Points with {drawn.en}, by time since first covered. After coverage: " + "; ".join(said) + ".",
            f"按首次覆盖后的时间排列的点估计{drawn.zh}。覆盖之后：" + "；".join(said) + "。",
        ),
    )


def has_band(rows: pd.DataFrame) -> bool:
    """Say whether the inference has a band that holds for all times together."""
    return bool(rows["band_low"].notna().any())


def is_unbounded(rows: pd.DataFrame) -> bool:
    """Say whether an interval has no end."""
    return bool(rows["conf_low"].eq(-math.inf).any() or rows["conf_high"].eq(math.inf).any())


def _drawn(rows: pd.DataFrame) -> Text:
    """Say what is drawn around the points."""
    if has_band(rows):
        return Text("intervals and a band", "、区间与联合带")
    if is_unbounded(rows):
        return Text("intervals, which have no end where they run to the edge", "与区间（延伸至边缘者无界）")
    return Text("intervals", "与区间") if rows["conf_low"].notna().any() else Text("no intervals", "（无区间）")


def _checks(material: Material) -> list[Block]:
    """Say what the checks found: what moved before coverage, and how far trends may part after it.

    Both rest on errors by cluster; with a single covered cluster these can carry no finding, and with few they are too small.
    """
    checks = {check["name"]: check for check in material.values["checks"]}
    clusters = _covered_clusters(material)
    said = {name: Text(checks[name]["text_en"], checks[name]["text_zh"]) for name in ("leads", "honest")}
    if clusters < ENOUGH and "breakdown" in checks["honest"]["numbers"]:
        said["honest"] = _NOTHING_TO_CARRY if clusters == 1 else paragraph((said["honest"], _small_errors(clusters)))
    return [Paragraph(text) for text in said.values()]


_NOTHING_TO_CARRY = Text(
    "How far trends may part is not printed: it would rest on errors by cluster, and a single covered cluster gives none that could be believed.",
    "平行趋势可偏离多远不予印出：该分析依赖聚类标准误，而仅有一个受覆盖聚类时，得不到可信的标准误。",
)


def _small_errors(clusters: int) -> Text:
    return Text(
        f"How far trends may part is reckoned with errors by cluster, which {clusters} covered clusters make too small: read it as the most that could be said.",
        f"上述平行趋势偏离分析使用聚类标准误，而仅{clusters}个受覆盖聚类会使其偏小：应视为所能得出的最强结论。",
    )
