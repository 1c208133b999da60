"""What is said of pay where a delivery did not bring what it is made of. May touch: nothing."""

from __future__ import annotations

from impact.clean.audit import Finding
from impact.text import Text


def note(rule: str, where: str, found: Text, advice: Text, rows: int = 0) -> Finding:
    """Make a finding that stops nothing; `{rows}` in its words becomes the number of worker-months or units that it is about."""
    words = Text(found.en.replace("{rows}", f"{rows:,}"), found.zh.replace("{rows}", f"{rows:,}"))
    return Finding(rule, "note", where, rows, words, advice)


_LEAVE = Text("columns that need it are left out", "需要该数据的列从略")

NOT_DELIVERED: dict[str, tuple[str, Text, Text]] = {
    "costs": (
        "worker_month",
        Text(
            "no costs were delivered: pay is known up to receipts, and net income is not", "未交付成本：报酬只到“到手收入”一级，净收入未知"
        ),
        Text(
            "do not call receipts income; ask for costs, or take them from the survey", "不得将到手收入称为净收入；请补充成本，或取自问卷"
        ),
    ),
    "engaged_hours": (
        "worker_month",
        Text(
            "hours to the pick-up and in service were not delivered: pay by hour with an order is not known",
            "未交付接驾与服务工时：每有单小时报酬未知",
        ),
        _LEAVE,
    ),
    "refunds": (
        "worker_month",
        Text(
            "refunds of commission were not delivered: the effective commission is that before any refund",
            "未交付免佣返还：实际抽成率为返还之前",
        ),
        Text("under a waiver it is then too high; ask for refunds", "在免佣条款下该比率偏高；请补充返还金额"),
    ),
    "commission": (
        "worker_month",
        Text(
            "gross or commission was not delivered: the effective commission and the bite are not known",
            "未交付流水或抽成：实际抽成率与受益强度未知",
        ),
        _LEAVE,
    ),
    "cpi": (
        "city_month",
        Text("no price index was delivered: pay is in the yuan of its month", "未交付价格指数：报酬以当月价格计"),
        Text(
            "over long windows part of a change is prices; deliver `cpi` by city and month",
            "长窗口内的变化部分来自物价；请按城市逐月交付 cpi",
        ),
    ),
    "base_month": (
        "city_month",
        Text(
            "a price index was delivered, and no base month is declared: pay is in the yuan of its month",
            "已交付价格指数，但未声明基期月：报酬以当月价格计",
        ),
        Text("declare the base month in `sample: prices`", "请在 sample: prices 中声明基期月"),
    ),
    "minimum_wage": (
        "city_month",
        Text("no minimum wage was delivered: the share below it is not known", "未交付最低工资：低于最低工资的比例未知"),
        _LEAVE,
    ),
    "multi_homers": (
        "worker_month",
        Text(
            "nothing says who also works on another platform: pay by hour may be understated, because hours on two platforms overlap",
            "无法识别多平台接单者：各平台工时重叠，小时报酬可能被低估",
        ),
        Text(
            "ask for `other_platform_flag`, or for a `person_id` alike on all platforms",
            "请补充 other_platform_flag，或各平台一致的 person_id",
        ),
    ),
    "pay_without_hours": (
        "worker_month",
        Text("{rows} worker-months have net income other than zero and no hours online", "{rows}个“劳动者-月”净收入不为零而无在线工时"),
        Text("their pay by hour is missing; the income itself counts", "其小时报酬缺失；收入本身计入"),
    ),
    "months_without_cpi": (
        "city_month",
        Text("{rows} worker-months lie in a city and month without a price index", "{rows}个“劳动者-月”所在城市当月无价格指数"),
        Text("their real pay is missing, zeros among it", "其实际报酬缺失（含零值）"),
    ),
    "months_without_minimum_wage": (
        "city_month",
        Text("{rows} worker-months lie in a city and month without a minimum wage", "{rows}个“劳动者-月”所在城市当月无最低工资"),
        Text("whether they are below it is missing", "是否低于最低工资缺失"),
    ),
    "agreement": (
        "registry",
        Text(
            "no worker is covered by an agreement on record: there is no time before it, and no bite",
            "没有劳动者受在册协议覆盖：无“协议之前”可言，受益强度未知",
        ),
        _LEAVE,
    ),
    "dated_eligibility": (
        "eligibility",
        Text(
            "{rows} units have no record of who was eligible before the agreement: their eligible share and bite are missing",
            "{rows}个单元无协议之前的资格记录：其符合条件者比例与受益强度缺失",
        ),
        Text(
            "ask for `eligible_pre` or `verified_date`; what was recorded since may be an effect of the agreement",
            "请补充 eligible_pre 或 verified_date；此后的登记可能是协议的结果",
        ),
    ),
    "months_before": (
        "worker_month",
        Text(
            "{rows} units have no month with work before the agreement: their commission before it, eligible share and bite are missing",
            "{rows}个单元在协议之前没有出工月份：其协议前抽成率、符合条件者比例与受益强度缺失",
        ),
        Text("they have no dose; leave them out of a comparison by dose", "其剂量未知；按剂量比较时应予剔除"),
    ),
}
"""Rule → where, what was found, what to do."""
