"""The verdict: every rule that applies caps the level, the lowest cap wins and is named. May touch: nothing.

The rules are the decision tree of the field's checklists (Maryland scale; Roth and others 2023), as far as today's checks reach. What has not been
examined caps too: absence of a check is never taken for its passing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from impact import settings
from impact.text import Text

Level = Literal["V0", "V1", "V2", "V3", "V4", "V5"]

NAMES: dict[Level, Text] = {
    "V0": Text("Cannot be evaluated", "无法评估"),
    "V1": Text("Descriptive", "描述性"),
    "V2": Text("Suggestive", "提示性"),
    "V3": Text("Causal under stated conditions", "有条件因果"),
    "V4": Text("Locally causal", "局部因果"),
    "V5": Text("Experimental", "实验"),
}

MOST_FLOOR = 0.10
"""Smallest possible p-value above which nothing counts as found, however low a study sets its level."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict looks at. None means: not examined."""

    has_comparison: bool
    """Whether anybody stands for the path without coverage."""
    decided_by: Literal["agreement", "worker"] | None = None
    """Who decides on coverage."""
    periods_before: int = 0
    """Months (or years) seen before the median cohort is covered."""
    periods_after: int = 0
    periods_per_year: int = 12
    covered_clusters: int = 0
    """Clusters with a covered worker."""
    leads_p_value: float | None = None
    """Joint p-value of the effects before coverage."""
    breakdown: float | None = None
    """HonestDiD breakdown value of relative magnitudes; zero where the interval includes zero even if trends are parallel."""
    p_value: float | None = None
    """Of the overall mean, by the inference that the number of clusters asks for, whatever a study prints."""
    p_value_floor: float = 0.0
    """Smallest p-value that this inference could have given."""
    level: float = settings.LEVEL
    """Level of the study's intervals."""
    randomised: bool = False

    @property
    def could_be_found(self) -> bool:
        """Say whether any effect, however large, could have a p-value small enough."""
        return self.p_value_floor <= min(1 - self.level, MOST_FLOOR) + 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """The level, the rule that capped it, and what would raise it."""

    level: Level
    rule: str
    name: Text
    reason: Text
    would_raise: Text
    capped_by: tuple[str, ...]
    """Every rule that applied, the deciding one first."""

    def as_dict(self) -> dict[str, Any]:
        """Give the verdict as plain values, for JSON."""
        words = {
            key: {"en": text.en, "zh": text.zh}
            for key, text in (("name", self.name), ("reason", self.reason), ("would_raise", self.would_raise))
        }
        return {"level": self.level, "rule": self.rule, **words, "capped_by": list(self.capped_by)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Verdict:
        """Read back what `as_dict` gave."""
        words = {key: Text(**content[key]) for key in ("name", "reason", "would_raise")}
        return cls(content["level"], content["rule"], **words, capped_by=tuple(content["capped_by"]))


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason why the evidence carries no further than a level."""

    name: str
    cap: Level
    applies: Callable[[Evidence], bool]
    reason: Text
    would_raise: Text


def verdict(evidence: Evidence) -> Verdict:
    """Give the highest level that no rule caps."""
    applying = sorted((rule for rule in RULES if rule.applies(evidence)), key=lambda rule: rule.cap)
    deciding = applying[0]
    return Verdict(
        deciding.cap, deciding.name, NAMES[deciding.cap], deciding.reason, deciding.would_raise, tuple(rule.name for rule in applying)
    )


def _years(evidence: Evidence) -> tuple[float, float]:
    return evidence.periods_before / evidence.periods_per_year, evidence.periods_after / evidence.periods_per_year


def _compared(evidence: Evidence) -> bool:
    return evidence.has_comparison and not evidence.randomised


def _is_within_chance(evidence: Evidence) -> bool:
    """Say whether the interval of the overall mean holds zero though it need not have."""
    return evidence.could_be_found and evidence.p_value is not None and evidence.p_value > 1 - evidence.level


RULES: tuple[Rule, ...] = (
    Rule(
        "no_comparison",
        "V1",
        lambda evidence: not evidence.has_comparison,
        Text(
            "There is no agreement in these data and nobody to compare with: they describe who leaves, and cannot say why.",
            "数据中没有协议，也没有可比较的对象：只能描述离开情况，不能说明原因。",
        ),
        Text(
            "An agreement with a date, and workers on whom it does not fall, observed before and after.",
            "需要有明确日期的协议，以及未受其覆盖、在协议前后均有观测的劳动者。",
        ),
    ),
    Rule(
        "short_window",
        "V1",
        lambda evidence: _compared(evidence) and (_years(evidence)[0] < 1 or _years(evidence)[1] < 0.5),
        Text(
            "Less than twelve months before coverage or less than six months after it are observed.",
            "覆盖之前不足十二个月，或覆盖之后不足六个月。",
        ),
        Text("A longer window under one definition.", "在同一口径下延长观测期。"),
    ),
    Rule(
        "chosen_coverage",
        "V2",
        lambda evidence: _compared(evidence) and evidence.decided_by == "worker",
        Text(
            "Coverage comes with the job that a worker takes, not with an agreement signed for everybody: those who come under it may differ in ways that change over time.",
            "是否受覆盖取决于劳动者选择的工作，而不是为全体签订的协议：受覆盖者可能在随时间变化的方面与他人不同。",
        ),
        Text(
            "Coverage decided for whole groups, at a date that the workers did not choose.",
            "由为整个群体签订的协议决定覆盖，且日期不由劳动者选择。",
        ),
    ),
    Rule(
        "p_value_floor",
        "V2",
        lambda evidence: _compared(evidence) and not evidence.could_be_found,
        Text(
            "There are so few clusters that no p-value could have been small enough, whatever the effect.",
            "聚类太少：无论效应多大，p值都不可能足够小。",
        ),
        Text(
            "More clusters that might have been covered, so that the smallest possible p-value falls below the limit.",
            "增加本来也可能受覆盖的聚类，使可达到的最小p值低于界限。",
        ),
    ),
    Rule(
        "few_covered_clusters",
        "V2",
        lambda evidence: _compared(evidence) and evidence.covered_clusters < 10,
        Text(
            "Fewer than ten covered clusters: errors by cluster do not hold, and what stands in their place rests on few independent decisions.",
            "受覆盖的聚类少于十个：聚类稳健标准误不成立，替代方法所依据的独立决定也很少。",
        ),
        Text("More agreements, signed independently of each other.", "更多彼此独立签订的协议。"),
    ),
    Rule(
        "leads_untested",
        "V2",
        lambda evidence: _compared(evidence) and evidence.leads_p_value is None,
        Text(
            "Whether covered and compared part before coverage could not be tested.",
            "无法检验受覆盖者与比较对象在覆盖之前是否已有分化。",
        ),
        Text(
            "More covered clusters in a cohort, or a longer time before coverage.", "同一组群有更多受覆盖聚类，或覆盖之前有更长的观测期。"
        ),
    ),
    Rule(
        "leads",
        "V2",
        lambda evidence: _compared(evidence) and evidence.leads_p_value is not None and evidence.leads_p_value < 0.10,
        Text(
            "Covered and compared already part before coverage.",
            "覆盖之前，受覆盖者与比较对象已有分化。",
        ),
        Text("A comparison group that moves in parallel before coverage.", "覆盖之前走势平行的比较对象。"),
    ),
    Rule(
        "no_sensitivity_analysis",
        "V2",
        lambda evidence: _compared(evidence) and evidence.breakdown is None,
        Text(
            "How large a departure from parallel trends would overturn the result has not been examined.",
            "尚未考察平行趋势偏离多大会推翻结论。",
        ),
        Text(
            "A sensitivity analysis (relative magnitudes) with a breakdown value of at least one.",
            "做敏感性分析（相对幅度），且临界值不小于一。",
        ),
    ),
    Rule(
        "nothing_found",
        "V2",
        lambda evidence: _compared(evidence) and (evidence.breakdown == 0 or _is_within_chance(evidence)),
        Text(
            "Zero lies inside the interval even if trends are exactly parallel: there is no finding that could be called causal.",
            "即使趋势完全平行，区间也包含零：没有可称为因果的结论。",
        ),
        Text(
            "More covered clusters, more workers or a longer time after coverage.", "更多受覆盖聚类、更多劳动者，或覆盖之后更长的观测期。"
        ),
    ),
    Rule(
        "fragile",
        "V2",
        lambda evidence: _compared(evidence) and evidence.breakdown is not None and 0 < evidence.breakdown < 1,
        Text(
            "A departure from parallel trends smaller than those seen before coverage would overturn the result.",
            "只要平行趋势的偏离略小于覆盖前已见的幅度，结论就会被推翻。",
        ),
        Text("A longer or closer comparison.", "更长或更接近的比较。"),
    ),
    Rule(
        "parallel_trends",
        "V3",
        lambda evidence: _compared(evidence),
        Text(
            "The effect is causal if the covered would have moved like those compared with.",
            "若受覆盖者在无覆盖时会与比较对象同步变化，则该效应为因果效应。",
        ),
        Text("A rule or a lottery that decides on coverage.", "由规则或抽签决定覆盖。"),
    ),
    Rule(
        "randomised",
        "V5",
        lambda evidence: evidence.has_comparison and evidence.randomised,
        Text("Coverage was drawn by lot.", "覆盖由抽签决定。"),
        Text("Nothing: this is the highest level.", "已是最高等级。"),
    ),
)
