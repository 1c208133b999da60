"""Who is covered when, and what the outcome looks like before any model."""

from __future__ import annotations

from impact.report.document import Block, Bullets, Figure, Paragraph, Section
from impact.report.format import count
from impact.report.material import Material, text_of
from impact.text import Text

ORDER = 40


def section(material: Material) -> Section | None:
    """Describe the design."""
    if "adoption" not in material.tables:
        return None
    blocks: list[Block] = [Paragraph(_estimand(material))]
    if material.study.notes.design:
        blocks.append(Paragraph(text_of(material.study.notes.design)))
    notes = material.values["errors"]["notes"]
    if notes:
        blocks.append(Bullets(tuple(Text(**note) for note in notes)))
    blocks += [_adoption(), _paths(material)]
    return Section(Text("Design", "设计"), tuple(blocks))


def _estimand(material: Material) -> Text:
    facts, effects = material.values["design_facts"], material.study.effects
    never = effects is not None and effects.comparison == "never"
    compared = (
        Text("workers who are never covered", "从未受覆盖者")
        if never
        else Text("workers not covered by then, or never", "届时尚未受覆盖或从未受覆盖者")
    )
    stayers = effects is not None and effects.workers == "stayers"
    followed = (
        Text(
            " Every change is taken within the same workers, seen at both ends of it.",
            "每个变化都在同一批劳动者内部计算，要求两端均有观测。",
        )
        if stayers
        else Text(" Every mean is taken over whoever is seen.", "每个均值取自当期可见的全部劳动者。")
    )
    return Text(
        f"Estimand: the mean difference for workers who come under coverage, in each period after it, against {compared.en}; {count(facts['covered'])} workers come under "
        f"coverage in {facts['cohorts']} cohorts, {count(facts['never'])} never do. Assumption: without coverage both would have changed alike.{followed.en}",
        f"估计对象：开始受覆盖者在其后各期的平均差异，比较对象为{compared.zh}；{count(facts['covered'])}人分{facts['cohorts']}个组群开始受覆盖，"
        f"{count(facts['never'])}人从未受覆盖。假设：若无覆盖，两者变化相同。{followed.zh}",
    )


def _adoption() -> Figure:
    return Figure(
        "adoption",
        Text("Who is covered when", "何时有多少人受覆盖"),
        Text("Stacked bars of workers by period: not covered, covered, set aside.", "按时期堆叠的人数条形图：未覆盖、受覆盖、搁置。"),
    )


def _paths(material: Material) -> Figure:
    title = material.outcome.title
    return Figure(
        "paths",
        Text(f"{title.en}: means before any model", f"{title.zh}：未经任何模型的均值"),
        Text(
            "Two lines over time: the mean outcome of those who come under coverage at some time, and of those who never do.",
            "随时间变化的两条线：某时起受覆盖者与从未受覆盖者的平均结果。",
        ),
    )
