"""Where a report from a bundle of moments comes from: what was withheld of the rows behind it, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact.report.document import Block, Bullets, Paragraph, Section, Table
from impact.report.format import count, decimal, signed
from impact.report.material import Material
from impact.text import Text

ORDER = 31
MUCH = 0.5
"""Standard errors by which withholding may move an estimate before readers are warned."""
_NEEDS_ROWS = {"attrition": Text("attrition under every definition", "各口径流失率"), "survey": Text("the survey", "问卷")}


def section(material: Material) -> Section | None:
    """Say what the bundle holds and what it does not; None where the run read worker-months itself."""
    held = material.values.get("bundle")
    if not held:
        return None
    blocks: list[Block] = [Paragraph(_origin(held)), Bullets(tuple(Text(**sentence) for sentence in held["sentences"]))]
    blocks += [Paragraph(_cost(held["noise"])), _noise_table(held["noise"])]
    missing = _missing(held)
    if missing:
        blocks += [
            Paragraph(Text("Not in this report, because the bundle does not carry it:", "数据包未提供，因而本报告未列：")),
            Bullets(missing),
        ]
    return Section(Text("A bundle in the place of rows", "以数据包代替逐行数据"), tuple(blocks))


def worth(noise: Sequence[Mapping[str, Any]]) -> Text:
    """Say how far the overall estimates lie from those of all cells, and whether that is little."""
    sizes = [abs(row["in_errors"]) for row in noise if row["kind"] != "event_time" and row["in_errors"] is not None]
    far = max(sizes, default=0.0)
    shown = decimal(far, 1)
    if far <= MUCH:
        return Text(
            f"Averaged over months, estimates from the bundle differ from those of all cells by at most {shown} standard errors; single months may differ by more.",
            f"按月平均，由数据包所得的估计与全部单元所得估计之差不超过{shown}个标准误；个别月份的差异可能更大。",
        )
    return Text(
        f"Estimates from the bundle differ from those of all cells by up to {shown} standard errors: withholding and rounding moved them too far to stand for "
        "those of the rows. Coarser units or longer periods would hold more workers in each cell.",
        f"由数据包所得的估计与全部单元所得估计之差达{shown}个标准误：隐匿与取整使其变动过大，不能代替逐行数据的估计。若采用更粗的单位或更长的时期，每个单元的人数会更多。",
    )


def _origin(held: Mapping[str, Any]) -> Text:
    return Text(
        f"This report was made without a row of any worker: the data holder compressed {count(held['rows'])} worker-months, withheld small cells, and handed over one file "
        f"(SHA-256 {held['sha256'][:16]}…, made {held['created'][:10]} with {held['made_with']}).",
        f"本报告未使用任何劳动者的逐行数据：数据持有方将{count(held['rows'])}条劳动者-月记录压缩为矩，隐匿小单元后交付一个文件（SHA-256 {held['sha256'][:16]}…，"
        f"{held['created'][:10]}由{held['made_with']}生成）。",
    )


def _cost(noise: Sequence[Mapping[str, Any]]) -> Text:
    far = worth(noise)
    return Text(
        f"The data holder made every estimate twice, from all cells and from those that may leave. {far.en}",
        f"数据持有方将每个估计各做两次：一次用全部单元，一次只用可放行的单元。{far.zh}",
    )


def _noise_table(noise: Sequence[Mapping[str, Any]]) -> Table:
    shown = [row for row in noise if row["kind"] != "event_time"]
    return Table(
        "bundle_noise",
        Text("Estimates from the bundle, and their distance from those of all cells", "由数据包所得的估计，及其与全部单元所得估计的距离"),
        (
            Text("Estimate", "估计"),
            Text("From the bundle", "数据包"),
            Text("Standard error", "标准误"),
            Text("Difference in standard errors", "差（标准误）"),
        ),
        tuple(
            (
                Text(row["title_en"], row["title_zh"]),
                signed(_known(row["estimate"])),
                decimal(_known(row["std_error"])),
                signed(_known(row["in_errors"]), 1),
            )
            for row in shown
        ),
        ("left", "right", "right", "right"),
    )


def _missing(held: Mapping[str, Any]) -> tuple[Text, ...]:
    named = tuple(Text(f"{one['title']['en']}: {one['en']}", f"{one['title']['zh']}：{one['zh']}") for one in held["left_out"])
    rows = tuple(_NEEDS_ROWS[name] for name in held["needs_rows"])
    return (*named, *(Text(f"{words.en}: it needs rows of workers", f"{words.zh}：须有劳动者的逐行数据") for words in rows))


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)
