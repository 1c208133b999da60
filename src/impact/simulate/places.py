"""The cities of a world. May touch: nothing.

Names are real, numbers are not: shares, fares and minimum wages are drawn within the bounds that the world file gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.simulate.streams import stream
from impact.simulate.world import World
from impact.study.parts import Bilingual

_NAMES = (
    "Qingdao 青岛 山东, Beijing 北京 北京, Shanghai 上海 上海, Guangzhou 广州 广东, Shenzhen 深圳 广东, Chengdu 成都 四川, Chongqing 重庆 重庆, "
    "Hangzhou 杭州 浙江, Wuhan 武汉 湖北, Xi'an 西安 陕西, Suzhou 苏州 江苏, Nanjing 南京 江苏, Tianjin 天津 天津, Zhengzhou 郑州 河南, "
    "Changsha 长沙 湖南, Dongguan 东莞 广东, Ningbo 宁波 浙江, Foshan 佛山 广东, Hefei 合肥 安徽, Jinan 济南 山东, Kunming 昆明 云南, "
    "Shenyang 沈阳 辽宁, Dalian 大连 辽宁, Xiamen 厦门 福建, Fuzhou 福州 福建, Wuxi 无锡 江苏, Wenzhou 温州 浙江, Harbin 哈尔滨 黑龙江, "
    "Changchun 长春 吉林, Shijiazhuang 石家庄 河北, Quanzhou 泉州 福建, Nanning 南宁 广西, Jinhua 金华 浙江, Guiyang 贵阳 贵州, Changzhou 常州 江苏, "
    "Jiaxing 嘉兴 浙江, Nantong 南通 江苏, Taiyuan 太原 山西, Nanchang 南昌 江西, Xuzhou 徐州 江苏, Huizhou 惠州 广东, Zhuhai 珠海 广东, "
    "Yantai 烟台 山东, Weifang 潍坊 山东, Linyi 临沂 山东, Lanzhou 兰州 甘肃, Haikou 海口 海南, Wuhu 芜湖 安徽, Xining 西宁 青海, Yinchuan 银川 宁夏"
)
_FIRST_TIER, _NEW_FIRST_TIER = ("北京", "上海", "广州", "深圳"), 14


@dataclass(frozen=True, slots=True)
class City:
    """A city of the world; the first one is the home city."""

    id: str
    name: Bilingual
    province: str
    tier: str
    core: bool
    """Whether it is on the core list, which was fixed before any agreement."""
    share: float
    """Share of a national platform's accounts."""
    fare_yuan: float
    """Median fare of a ride-hail order."""
    min_wage_yuan: float
    """Monthly minimum wage in the first month."""


def cities(world: World) -> tuple[City, ...]:
    """List the cities, the home city first, then from the largest to the smallest."""
    asked, draw = world.cities, stream(world.seed, "cities")
    number = asked.number
    rest = 1.0 / np.arange(2, number + 1) ** 0.8
    shares = np.r_[asked.home_share if number > 1 else 1.0, (1 - asked.home_share) * rest / rest.sum()]
    fares = asked.fare_low_yuan + (asked.fare_high_yuan - asked.fare_low_yuan) * draw.beta(2, 2, number)
    wages = np.round(np.linspace(asked.min_wage_high_yuan, asked.min_wage_low_yuan, number) / 10) * 10
    wages[0] = asked.home_min_wage_yuan
    return tuple(
        City(
            id=f"C{place + 1:02d}",
            name=Bilingual(en=en, zh=zh),
            province=province,
            tier=_tier(place, zh),
            core=place < asked.core,
            share=float(shares[place]),
            fare_yuan=float(round(fares[place], 2)),
            min_wage_yuan=float(wages[place]),
        )
        for place, (en, zh, province) in enumerate(entry.split(" ") for entry in _NAMES.split(", ")[:number])
    )


def minimum_wage(world: World) -> NDArray[np.float64]:
    """Give the monthly minimum wage in yuan, shape (cities, months): raised by 5 % once, in a month of its own in each city."""
    places = cities(world)
    raised = stream(world.seed, "minimum wage").integers(6, max(7, world.months), len(places))
    start = np.array([city.min_wage_yuan for city in places])
    later = np.round(start * 1.05 / 10) * 10
    return np.where(np.arange(world.months)[None, :] >= raised[:, None], later[:, None], start[:, None])


def _tier(place: int, zh: str) -> str:
    if zh in _FIRST_TIER:
        return "一线"
    return "新一线" if place < _NEW_FIRST_TIER else "二线及以下"
