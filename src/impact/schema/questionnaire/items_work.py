"""Questions 21 to 42: work, income, cover, injuries, disputes, union. May touch: nothing."""

from __future__ import annotations

from impact.schema.questionnaire.item import YES_NO, Asked, Item, choices, matrix
from impact.text import Text

_MONEY = "（元）"


def _number(field: str, number: int, zh: str, en: str, unit: str = "", most: float | None = None) -> Item:
    return Item(field, number, Text(en=en, zh=zh), "number", unit=unit, least=0, most=most)


def _yuan(field: str, number: int, zh: str, en: str) -> Item:
    """Ask for an amount; it has no upper bound here, since cleaning tells a slip of the unit from a large income."""
    return _number(field, number, f"最近30天，{zh}{_MONEY}", f"Last 30 days: {en}, yuan", unit="yuan")


WORK: tuple[Item, ...] = (
    _number("days_30", 21, "最近30天您出工几天？", "Days worked in the last 30 days", "days", 30),
    _number("hrs_online_day", 22, "出工的日子，平均每天在线几小时？", "Hours online on a working day", "hours", 24),
    _number("hrs_order_day", 23, "其中接单和送单（载客）平均每天几小时？", "Hours with orders on a working day", "hours", 24),
    _number("orders_day", 24, "出工的日子，平均每天完成多少单？", "Orders on a working day"),
    _yuan("inc_gross_30", 25, "您的流水是多少？", "gross fares"),
    _yuan("inc_platform_30", 26, "平台实际打到您账上的钱是多少？", "paid out by the platform"),
    _number("take_pct_self", 27, "您估计平台抽成占流水的百分之几？", "Commission as you see it, per cent of gross", "per cent", 100),
    _yuan("cost_energy", 28, "油费、电费或气费是多少？", "fuel and electricity"),
    _yuan("cost_rent", 29, "车辆租金或分期是多少？", "vehicle rent or instalments"),
    _yuan("cost_insur", 30, "保险、保养和维修是多少？", "insurance and repairs"),
    _yuan("cost_fine", 31, "平台罚款和交通罚款是多少？", "fines"),
    _yuan("inc_net_30", 32, "扣除各项开支后，您的净收入是多少？", "net income"),
    Item(
        "inc_net_bracket",
        33,
        Text(zh="如果不方便填写具体数字，您的净收入大约在", en="Net income, bracket"),
        "single",
        choices(
            {
                1: ("3000元以下", "Below 3,000"),
                2: ("3000–4499元", "3,000–4,499"),
                3: ("4500–5999元", "4,500–5,999"),
                4: ("6000–7499元", "6,000–7,499"),
                5: ("7500–8999元", "7,500–8,999"),
                6: ("9000–11999元", "9,000–11,999"),
                7: ("12000–14999元", "12,000–14,999"),
                8: ("15000元及以上", "15,000 or more"),
                98: ("不愿回答", "Refused"),
            }
        ),
        asked_if=(Asked("inc_net_30"),),
    ),
    _yuan("inc_other_30", 34, "您来自其他工作或其他平台的收入是多少？", "income from other work or platforms"),
    Item(
        "inc_vs_year_ago",
        35,
        Text(zh="与一年前相比，您的收入", en="Income compared with a year ago"),
        "single",
        choices(
            {
                1: ("明显减少", "Much lower"),
                2: ("略有减少", "Lower"),
                3: ("差不多", "About the same"),
                4: ("略有增加", "Higher"),
                5: ("明显增加", "Much higher"),
            }
        ),
    ),
    *matrix(
        36,
        ("您目前有下列保障吗？由谁缴费？", "Do you have this cover, and who pays?"),
        {
            "insur_pension": ("养老保险", "Pension"),
            "insur_medical": ("医疗保险", "Medical"),
            "insur_injury": ("工伤保险", "Work injury"),
            "insur_accident": ("商业意外险", "Accident, commercial"),
            "housing_fund": ("住房公积金", "Housing fund"),
            "occ_injury": ("新就业形态职业伤害保障", "Occupational-injury scheme"),
        },
        {
            0: ("没有", "None"),
            1: ("单位缴纳", "Employer"),
            2: ("自己缴纳", "Self"),
            3: ("平台补贴", "Platform"),
            9: ("不清楚", "Do not know"),
        },
        kind="single",
    ),
    _number("injury_12m", 37, "过去12个月，您在工作中受伤几次？", "Injuries at work in 12 months"),
    Item(
        "injury_days",
        38,
        Text(zh="因受伤一共误工几天？", en="Days of work lost"),
        "number",
        asked_if=(Asked("injury_12m", tuple(range(1, 100))),),
        unit="days",
        least=0,
        most=366,
    ),
    Item("dispute_12m", 39, Text(zh="过去12个月，您与平台或企业有过纠纷吗？", en="Dispute in 12 months"), "single", choices(YES_NO)),
    Item(
        "dispute_type",
        40,
        Text(zh="最近一次纠纷主要因为什么？", en="What the latest dispute was about"),
        "single",
        choices(
            {
                1: ("报酬结算", "Pay"),
                2: ("抽成", "Commission"),
                3: ("处罚或封号", "Penalty or ban"),
                4: ("工伤", "Injury"),
                5: ("合同", "Contract"),
                6: ("其他", "Other"),
            },
            fill_in=6,
        ),
        asked_if=(Asked("dispute_12m", (1,)),),
    ),
    Item("union_member", 41, Text(zh="您是工会会员吗？", en="Are you a union member?"), "single", choices(YES_NO)),
    Item(
        "union_join_ym",
        42,
        Text(zh="您哪年哪月入会？", en="Year and month of joining"),
        "month",
        asked_if=(Asked("union_member", (1,)),),
    ),
)
