"""The sixteen topics that clauses are coded by, and the words that each of them is known under. May touch: nothing.

The page counts sixteen topics and names four (`printed`); the other twelve are this project's, so that the list is closed and two coders can agree. A word is
matched whole: nothing is guessed from parts of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impact.text import Text

TopicId = Literal[
    "commission_cap",
    "commission_waiver",
    "minimum_pay",
    "overtime_pay",
    "weather_pay",
    "rest",
    "insurance",
    "health",
    "appeal",
    "driver_management",
    "dispatch",
    "algorithm",
    "ratings",
    "incentives",
    "union_time",
    "assessment",
]


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that is bargained over."""

    id: TopicId
    name: Text
    printed: bool = False
    """Whether the page names it among the sixteen."""
    also: tuple[str, ...] = ()
    """Other Chinese words for it that stand in registries, each matched whole."""


TOPICS: tuple[Topic, ...] = (
    Topic("commission_cap", Text("commission cap", "抽成上限"), also=("抽成比例上限",)),
    Topic(
        "commission_waiver",
        Text("commission waiver", "免佣"),
        also=("困难免佣", "终身免佣", "退役军人免佣", "轻微残障免佣", "协助破案免佣", "免佣金"),
    ),
    Topic("minimum_pay", Text("minimum pay", "最低报酬"), also=("最低工资", "收入保底")),
    Topic("overtime_pay", Text("overtime pay", "加班报酬"), also=("加班工资",)),
    Topic("weather_pay", Text("bad-weather supplement", "恶劣天气补贴")),
    Topic("rest", Text("rest and longest time at work", "休息与连续作业时限"), also=("连续作业时限", "休息休假", "工作时间和休息")),
    Topic("insurance", Text("insurance", "保险"), printed=True, also=("意外保险", "职业伤害保障")),
    Topic("health", Text("health and check-ups", "健康体检"), also=("劳动安全卫生",)),
    Topic("appeal", Text("appeal against penalties", "处罚申诉")),
    Topic(
        "driver_management", Text("driver management and suspension of accounts", "司机管理与账号暂停"), True, ("司机管理", "账号暂停规则")
    ),
    Topic("dispatch", Text("dispatch rules", "派单规则")),
    Topic("algorithm", Text("disclosure of algorithms", "算法公开")),
    Topic("ratings", Text("rating rules", "评价规则")),
    Topic("incentives", Text("incentives and awards", "激励与奖励"), True, ("激励", "安全与服务奖励", "协助破案奖励")),
    Topic("union_time", Text("time for union activity", "工会活动时间")),
    Topic("assessment", Text("work assessment", "工作考核"), printed=True),
)
_BY_WORDS: dict[str, TopicId] = {words: topic.id for topic in TOPICS for words in (topic.name.zh, *topic.also)}


def topic_by_words(words: str) -> TopicId | None:
    """Give the topic that is known under Chinese words; None where none is."""
    return _BY_WORDS.get(words.strip())
