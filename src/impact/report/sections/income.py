"""From what customers paid to what a worker keeps, before anything is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from impact.panel.income.ladder import COUNTS, SINGLE, YUAN
from impact.report.document import Block, Paragraph, Section, Table
from impact.report.format import count, decimal, percent
from impact.report.material import Material
from impact.study.delivery import DeliverySource
from impact.text import Text

ORDER = 28

LINES: dict[str, Text] = {
    "gross_yuan": Text("gross: what customers paid", "流水：乘客或货主支付"),
    "commission_yuan": Text("less commission", "减：抽成"),
    "incentive_yuan": Text("plus bonuses and top-ups", "加：奖励与补足"),
    "waiver_refund_yuan": Text("plus commission paid back", "加：免佣返还"),
    "penalty_yuan": Text("less fines", "减：罚款"),
    "receipts_yuan": Text("receipts", "到手收入"),
    "cost_yuan": Text("less costs", "减：成本"),
    "income_net_yuan": Text("net income", "净收入"),
    "income_net_real_yuan": Text("net income, real", "实际净收入"),
    "hourly_net_yuan": Text("net by hour online (p1+p2+p3)", "每在线小时净收入（p1+p2+p3）"),
    SINGLE: Text("the same, one platform only", "同上，仅单平台接单者"),
    "hourly_net_engaged_yuan": Text("net by hour with order (p2+p3)", "每有单小时净收入（p2+p3）"),
    "hourly_net_real_yuan": Text("net by hour online, real", "每在线小时实际净收入"),
    "effective_commission": Text("effective commission", "实际抽成率"),
    "below_minimum": Text("below the minimum wage", "低于最低工资"),
    "multi_homer": Text("also on another platform", "多平台接单"),
    "complete": Text("worker-months counted", "计入的“劳动者-月”"),
    "incomplete": Text("left out: a step is missing", "剔除：某一级金额缺失"),
}
"""What a line of the ladder is called."""
_SHARES = ("effective_commission", "below_minimum", "multi_homer")
_HOURLY = ("hourly_net_yuan", SINGLE, "hourly_net_engaged_yuan", "hourly_net_real_yuan")
_CELLS = (("covered", "before"), ("covered", "after"), ("never", "before"), ("never", "after"))
_HEADS = (
    Text("Covered, pre", "受覆盖者，之前"),
    Text("Covered, post", "受覆盖者，之后"),
    Text("Others, pre", "从未覆盖者，之前"),
    Text("Others, post", "从未覆盖者，之后"),
)
_ALIGN: tuple[Literal["left", "right"], ...] = ("left", "right", "right", "right", "right")
Held = Mapping[tuple[str, str, str], Mapping[Any, Any]]
"""Line, group and time → row of the ladder."""


def section(material: Material) -> Section | None:
    """Print the ladder by month of work, and its sums."""
    ladder = material.tables.get("income_ladder")
    if ladder is None or ladder.empty:
        return None
    held = {(row["line"], row["group"], row["when"]): row for row in ladder.to_dict("records")}
    blocks: list[Block] = [Paragraph(_lead(material)), _means(material, held), _sums(held)]
    return Section(Text("From gross to net", "从流水到净收入"), tuple(blocks))


def _lead(material: Material) -> Text:
    named = material.study.coverage.name if material.study.coverage else Text("the agreement", "协议")
    return Text(
        f"What customers paid, what was taken off and added on the way, and what was left, in a month with work. Those under {named.en} are split at their own first month, the others, never covered, "
        "at the first month of anybody: pre and post. Who works changes from month to month: the columns describe, and their differences are no estimate of anything.",
        f"按出工月份列出：顾客支付多少，途中扣除与增加多少，最后剩下多少。受{named.zh}覆盖者以各自首个覆盖月划分前后，从未覆盖者以样本中最早的覆盖月划分。"
        "各月出工者并不相同：各列仅作描述，列间之差不是任何估计。",
    )


def _means(material: Material, held: Held) -> Table:
    lines = [line for line in LINES if any(line == key[0] for key in held)]
    source = material.study.source
    base = source.sample.prices if isinstance(source, DeliverySource) and source.sample.prices else None
    real = Text(f" Real: in prices of {base}, by the city's CPI.", f"“实际”指以{base}价格计，按本市CPI折算。") if base else Text("", "")
    return Table(
        "income_ladder",
        Text("The ladder, yuan in a month with work (mean)", "收入阶梯：出工月份的均值（元）"),
        (Text("Step", "项目"), *_HEADS),
        tuple((LINES[line], *(_mean(held, line, cell) for cell in _CELLS)) for line in lines),
        _ALIGN,
        Text(
            "Steps in yuan are means over the same worker-months and add up. By hour, and the commission: ratios of sums, over months with hours (with gross). Months without work are not in "
            f"this table; a pause counts with zero in the outcome.{real.en}",
            "以元计的各级为同一批“劳动者-月”的均值，可相加核对。小时报酬与抽成率为合计之比，仅含有工时（有流水）的月份。未出工的月份不在本表内；"
            f"暂停在结果变量中以零计入。{real.zh}",
        ),
    )


def _sums(held: Held) -> Table:
    lines = [line for line in YUAN if any(line == key[0] for key in held)]
    rows: list[tuple[Text | str, ...]] = [
        (LINES[line], *(count(_number(held, line, cell, "total") / 1000) for cell in _CELLS)) for line in lines
    ]
    rows.append((Text("workers", "人数"), *(count(_number(held, "complete", cell, "workers")) for cell in _CELLS)))
    return Table(
        "income_sums",
        Text("The ladder, sums in thousand yuan", "收入阶梯：合计（千元）"),
        (Text("Step", "项目"), *_HEADS),
        tuple(rows),
        _ALIGN,
    )


def _mean(held: Held, line: str, cell: tuple[str, str]) -> str:
    if line in COUNTS:
        return count(_number(held, line, cell, "worker_months"))
    mean = _number(held, line, cell, "mean")
    return percent(mean) if line in _SHARES else decimal(mean, 2 if line in _HOURLY else 0)


def _number(held: Held, line: str, cell: tuple[str, str], column: str) -> float:
    row = held.get((line, *cell))
    return float(row[column]) if row else float("nan")
