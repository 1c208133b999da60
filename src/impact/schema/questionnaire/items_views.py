"""Questions 43 to 60: the agreement, voice, fairness, satisfaction, intentions. May touch: nothing."""

from __future__ import annotations

from impact.schema.questionnaire.item import AGREEMENT, SATISFACTION, YES_NO, Asked, Item, choices, matrix
from impact.text import Text

ATTENTION_ANSWER = 2
"""What `attn_check` asks to tick: 比较不同意."""
NO_CLAUSE = "CL00"
_KNOWS = (Asked("know_agreement", (1,)),)
_AGREES = ("您是否同意下列说法？", "Do you agree?")

_AGREEMENT_ITEMS: tuple[Item, ...] = (
    Item(
        "know_agreement",
        43,
        Text(zh="您知道本平台或本行业签订了集体协议吗？", en="Do you know of a collective agreement?"),
        "single",
        choices(YES_NO),
    ),
    Item(
        "cba_cover_self",
        44,
        Text(zh="您认为自己受这份集体协议覆盖吗？", en="Do you think it covers you?"),
        "single",
        choices({**YES_NO, 9: ("不清楚", "Do not know")}),
        asked_if=_KNOWS,
    ),
    Item(
        "cba_clause_used",
        45,
        Text(zh="您享受过集体协议中的哪些条款？（可多选）", en="Clauses that you have used"),
        "multi",
        choices(
            {
                "CL01": ("特定群体免佣金", "Commission waiver"),
                "CL02": ("抽成比例上限", "Commission cap"),
                "CL03": ("最低报酬或收入保底", "Pay floor"),
                "CL04": ("休息和连续接单时长限制", "Rest and limits on hours"),
                "CL05": ("意外险或职业伤害保障", "Insurance"),
                "CL06": ("处罚申诉", "Appeal against penalties"),
                "CL07": ("派单规则公开", "Open dispatch rules"),
                "CL08": ("工会活动和慰问", "Union activities"),
                NO_CLAUSE: ("都没有享受过", "None"),
            }
        ),
        asked_if=_KNOWS,
    ),
)
_SCALES: tuple[Item, ...] = (
    *matrix(
        46,
        _AGREES,
        {
            "voice_1": ("我的诉求有渠道反映", "There is a channel for my concerns"),
            "voice_2": ("反映问题后平台会有回应", "The platform responds"),
            "voice_3": ("修改规则之前会征求我们的意见", "We are consulted before rules change"),
            "voice_4": ("受到处罚时我可以申诉", "I can appeal against penalties"),
            "voice_5": ("协商代表能够代表我", "The bargaining representatives speak for me"),
        },
        AGREEMENT,
    ),
    *matrix(
        47,
        _AGREES,
        {
            "fair_1": ("派单是公平的", "Dispatch is fair"),
            "fair_2": ("抽成是公平的", "Commission is fair"),
            "fair_3": ("奖励是公平的", "Bonuses are fair"),
            "fair_4": ("处罚是公平的", "Penalties are fair"),
            "fair_5": ("乘客或客户的评价是公平的", "Ratings are fair"),
        },
        AGREEMENT,
    ),
    *matrix(
        48,
        ("您对下列各方面满意吗？", "How satisfied are you with …"),
        {
            "sat_pay": ("收入", "Pay"),
            "sat_hours": ("工作时间", "Hours"),
            "sat_insur": ("社会保险和保障", "Insurance"),
            "sat_mgmt": ("平台管理", "Management"),
            "sat_safety": ("工作安全", "Safety"),
            "sat_overall": ("总体", "Overall"),
        },
        SATISFACTION,
    ),
    *matrix(
        49,
        _AGREES,
        {
            "ti_1": ("我常常想离开本平台", "I often think of leaving this platform"),
            "ti_2": ("近半年我找过其他工作", "I looked for other work in the last half-year"),
            "ti_3": ("我打算一年内离开本平台", "I intend to leave this platform within a year"),
            "ti_4": ("有机会我就离开这个行业", "Given a chance I would leave this occupation"),
        },
        AGREEMENT,
    ),
    Item(
        "ti_prob_12m",
        50,
        Text(zh="未来12个月您离开本平台的可能性有多大？（0–100）", en="Chance of leaving within 12 months, 0–100"),
        "number",
        unit="per cent",
        least=0,
        most=100,
    ),
    Item(
        "res_wage",
        51,
        Text(zh="如果转行，您能接受的最低月收入是多少？（元）", en="Lowest monthly pay for which you would change, yuan"),
        "number",
        unit="yuan",
        least=0,
    ),
    *matrix(
        52,
        _AGREES,
        {
            "burnout_1": ("一天工作下来我感到精疲力尽", "I feel used up at the end of the day"),
            "burnout_2": ("早上想到要出工就觉得累", "I feel tired at the thought of work"),
            "burnout_3": ("我对这份工作越来越提不起劲", "I care less and less about this work"),
        },
        AGREEMENT,
    ),
    *matrix(
        53,
        _AGREES,
        {
            "support_1": ("平台关心我的安全和健康", "The platform cares about my safety and health"),
            "support_2": ("工会在我需要时会帮助我", "The union helps me when I need it"),
            "attn_check": ("为确认您在认真作答，本行请选择“比较不同意”", "To show that you read this, tick “Disagree”"),
            "support_3": ("遇到困难时很少有人管我", "When I am in trouble hardly anybody cares"),
        },
        AGREEMENT,
        reverse=frozenset({"support_3"}),
    ),
)
_BARGAINING: tuple[Item, ...] = (
    Item(
        "cba_q1",
        54,
        Text(zh="您参加过集体协商的会议、投票或意见征集吗？", en="Have you taken part in bargaining?"),
        "single",
        choices(YES_NO),
    ),
    Item(
        "cba_q2",
        55,
        Text(zh="请按重要性给下列协商议题排序", en="Rank the topics by importance"),
        "ranking",
        choices(
            {
                1: ("报酬和抽成", "Pay and commission"),
                2: ("工作时间和休息", "Hours and rest"),
                3: ("保险和职业伤害", "Insurance"),
                4: ("处罚和申诉", "Penalties and appeal"),
                5: ("派单和算法", "Dispatch and algorithms"),
            }
        ),
    ),
    Item(
        "cba_q3",
        56,
        Text(zh="您觉得集体协议落实了吗？", en="Is the agreement carried out?"),
        "single",
        choices({1: ("都落实了", "Yes"), 2: ("部分落实", "In part"), 3: ("没有落实", "No"), 9: ("不清楚", "Do not know")}),
        asked_if=_KNOWS,
    ),
    Item(
        "cba_q4",
        57,
        Text(zh="您从集体协议中受益了吗？", en="Have you gained from it?"),
        "single",
        choices({1: ("明显受益", "Clearly"), 2: ("有一点", "A little"), 3: ("没有", "No"), 9: ("不清楚", "Do not know")}),
        asked_if=(Asked("cba_cover_self", (1,)),),
    ),
    Item(
        "cba_q5",
        58,
        Text(zh="您不知道集体协议，主要是因为", en="Why you do not know of an agreement"),
        "single",
        choices(
            {
                1: ("没有人通知过", "Nobody told me"),
                2: ("通知太长，没看", "The notice was too long"),
                3: ("觉得与自己无关", "It does not concern me"),
                4: ("刚入行", "I am new"),
            }
        ),
        asked_if=(Asked("know_agreement", (0,)),),
    ),
    Item("cba_q6", 59, Text(zh="您对集体协商有什么建议？（选填）", en="Suggestions on bargaining"), "text", sensitivity="free_text"),
    Item("open_text", 60, Text(zh="您还有什么想说的？（选填）", en="Anything else?"), "text", sensitivity="free_text"),
)
VIEWS: tuple[Item, ...] = (*_AGREEMENT_ITEMS, *_SCALES, *_BARGAINING)
