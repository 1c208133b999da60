"""What an agreement says beyond its dates: who spoke for the workers, how often they met, on which topics. May touch: nothing.

The page names the number of topics, not the topics; these sixteen are made, and drawn anew for every small agreement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.simulate.streams import stream
from impact.simulate.world import World
from impact.simulate.world_parts import Agreement
from impact.sources.registry_records import ClauseType
from impact.study.parts import Bilingual

NETWORK_REPS = 11
"""Representatives of a network-wide agreement [S]."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that is bargained over; `values` are those that a small agreement may write down, none where it names no number."""

    words: Bilingual
    type: ClauseType
    unit: Bilingual | None = None
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """Size and subjects of the talks behind one agreement."""

    reps_n: int
    rounds_n: int
    topics: tuple[Topic, ...]


def _topic(en: str, zh: str, type_: ClauseType, unit: tuple[str, str] | None = None, values: tuple[float, ...] = ()) -> Topic:
    return Topic(Bilingual(en=en, zh=zh), type_, Bilingual(en=unit[0], zh=unit[1]) if unit else None, values)


TOPICS: tuple[Topic, ...] = (
    _topic("commission cap", "抽成上限", "commission_cap"),
    _topic("commission waiver for hardship", "困难免佣", "commission_waiver"),
    _topic("minimum pay", "最低报酬", "min_wage"),
    _topic("overtime pay", "加班报酬", "overtime"),
    _topic("bad-weather supplement", "恶劣天气补贴", "reward", ("yuan an order", "元/单"), (0.5, 1.0, 2.0)),
    _topic("longest time without a rest", "连续作业时限", "rest_limit", ("hours", "小时"), (3, 4, 5)),
    _topic("accident insurance", "意外保险", "insurance", ("yuan", "元"), (100_000, 300_000, 600_000)),
    _topic("health check-ups", "健康体检", "insurance", ("a year", "次/年"), (1, 2)),
    _topic("appeal against penalties", "处罚申诉", "penalty_appeal", ("days to answer", "日内答复"), (3, 5, 7)),
    _topic("suspension of accounts", "账号暂停规则", "penalty_appeal", ("days of notice", "日前告知"), (1, 3, 7)),
    _topic("dispatch rules", "派单规则", "dispatch"),
    _topic("disclosure of algorithms", "算法公开", "algorithm_transparency"),
    _topic("rating rules", "评价规则", "algorithm_transparency"),
    _topic("awards for safety and service", "安全与服务奖励", "reward", ("yuan a year", "元/年"), (200, 500, 1000)),
    _topic("time for union activity", "工会活动时间", "union_time", ("hours a month", "小时/月"), (2, 4, 8)),
    _topic("work assessment", "工作考核", "monitoring"),
)
_FLOOR: tuple[ClauseType, ...] = ("min_wage", "overtime")
_MOST_TOPICS = 6


def terms(world: World, agreement: Agreement) -> Terms:
    """Draw the terms of an agreement: all topics for a network, one to six for a small one, the pay floor where there is one."""
    draw = stream(world.seed, "terms", agreement.id)
    if agreement.platform is not None:
        return Terms(NETWORK_REPS, int(draw.integers(4, 7)), TOPICS)
    reps, rounds, number = (int(draw.integers(low, high)) for low, high in ((3, 10), (1, 5), (1, _MOST_TOPICS + 1)))
    if agreement.effects.pay_floor_ratio is not None:
        return Terms(reps, rounds, tuple(topic for topic in TOPICS if topic.type in _FLOOR))
    chosen = np.sort(draw.choice(len(TOPICS), number, replace=False))
    return Terms(reps, rounds, tuple(TOPICS[place] for place in chosen))
