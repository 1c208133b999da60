"""Names, phone numbers and account ids of people who do not exist. May touch: nothing.

All follow from the account's key, so that every file calls a person the same. Phone numbers begin with 199 and go on at random: invented.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from impact.simulate.population import People, Pool
from impact.simulate.streams import mixed

_SURNAMES = tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
_GIVEN = (
    *"伟强磊军洋勇杰涛明超平刚辉鹏斌波宁鑫亮",
    "建国",
    "志强",
    "海涛",
    "文博",
    "永强",
    "国庆",
    "春生",
    "晓东",
    "德胜",
    "立新",
    "玉成",
    "长江",
    "家豪",
    "浩然",
    "子轩",
    "桂英",
    "秀兰",
    "丽娟",
    "雪梅",
    "海霞",
    "艳红",
)


def account_ids(pool: Pool, people: People) -> pa.Array:
    """Write the ids of accounts, such as RH01-0000123; workers of a bargaining unit have the industry in theirs."""
    prefix = {"ride_hail": "QR", "freight": "QF", "courier": "QC", "delivery": "QD"}[pool.industry] if pool.local else pool.name
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(pc.cast(pa.array(people.number), pa.string()), 7, "0"), "-")


def names(people: People) -> pa.Array:
    """Write the names of people."""
    random = mixed(people.key, 11)
    surname = pa.array(_SURNAMES).take(pa.array((random >> np.uint64(8)) % np.uint64(len(_SURNAMES))))
    given = pa.array(_GIVEN).take(pa.array((random >> np.uint64(32)) % np.uint64(len(_GIVEN))))
    return pc.binary_join_element_wise(surname, given, "")


def phones(people: People) -> pa.Array:
    """Write the phone numbers of people."""
    return pc.cast(pa.array(mixed(people.key, 12) % np.uint64(100_000_000) + np.uint64(19_900_000_000)), pa.string())
