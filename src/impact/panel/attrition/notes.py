"""What of the definitions of leaving a delivery does not allow, and why. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from impact.panel.attrition.absences import EPOCH
from impact.panel.attrition.definitions import SHORTEST_FROM_MONTHS, WINDOWS
from impact.text import Text


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be known of a delivery to say what it does not allow."""

    until: int
    """Last day on which the export of every platform goes on."""
    seen_from: int
    """First day on which the export of every platform goes on."""
    workers: int
    """How many people worked."""
    without_days: int
    """Workers of whom no days were delivered through all months."""
    has_accounts: bool
    """Whether opening and closing of accounts were delivered."""


def not_computed(windows: tuple[int, ...], known: tuple[int, ...], year: int, facts: Facts) -> tuple[Text, ...]:
    """List the definitions that could not be computed, each with the reason."""
    found = [_without_days(windows, facts), _too_late(windows, known, year, facts), _too_early(known, year, facts)]
    if not facts.has_accounts:
        found.append(
            Text(
                "Closure of accounts: not computed, because days of registration and closure and the status were not delivered.",
                "账户注销口径：未计算，因为未交付注册日期、关闭日期与账户状态。",
            )
        )
    found.append(
        Text(
            "End of contract and moves to another platform: not computed. The first needs employers' records, the second one identifier of a person over all platforms.",
            "合同终止与转投其他平台：未计算。前者需要用工企业的人事记录，后者需要跨平台的统一人员标识。",
        )
    )
    return tuple(note for note in found if note is not None)


def no_change(year: int, other_year: int, facts: Facts) -> Text:
    """Say that two years cannot be compared, because the data do not hold both whole."""
    first, last = sorted((year, other_year))
    begin, until = (EPOCH + timedelta(days=day) for day in (facts.seen_from, facts.until))
    return Text(
        f"The change between {first} and {last}: not computed. The data go from {begin} to {until}, and must hold both years and {max(WINDOWS)} days more.",
        f"{first}年与{last}年之间的变化：未计算。数据自{begin}至{until}，须完整涵盖两年及其后{max(WINDOWS)}天。",
    )


def _without_days(windows: tuple[int, ...], facts: Facts) -> Text | None:
    missing = [window for window in WINDOWS if window not in windows]
    if not missing:
        return None
    return Text(
        f"Absences of {_listed(missing)} days: not computed. Of {facts.without_days:,} of {facts.workers:,} workers no days of work were delivered through all months, "
        f"and the first and last working day of a month hide what lies between; from {SHORTEST_FROM_MONTHS} days on nothing is hidden.",
        f"{'、'.join(map(str, missing))}天口径：未计算。{facts.workers:,}名劳动者中有{facts.without_days:,}名未交付覆盖全部月份的出工日，"
        f"而每月首末出工日无法显示其间的间隔；{SHORTEST_FROM_MONTHS}天及以上不受影响。",
    )


def _too_late(windows: tuple[int, ...], known: tuple[int, ...], year: int, facts: Facts) -> Text | None:
    missing = [window for window in windows if window not in known]
    if not missing:
        return None
    until = EPOCH + timedelta(days=facts.until)
    return Text(
        f"Absences of {_listed(missing)} days in {year}: not computed. The data end on {until}, too soon to tell who left late in the year from who pauses.",
        f"{year}年的{'、'.join(map(str, missing))}天口径：未计算。数据止于{until}，尚无法区分年末的离开与暂停。",
    )


def _too_early(known: tuple[int, ...], year: int, facts: Facts) -> Text | None:
    """Somebody who pauses when the data begin is seen for the first time at the return."""
    begin = EPOCH + timedelta(days=facts.seen_from)
    days = (EPOCH.replace(year=year) - begin).days
    if not known or days >= max(known):
        return None
    return Text(
        f"Opening stocks are too low: the data begin on {begin}, and who paused then is counted only from the return.",
        f"期初存量偏低：数据始于{begin}，当时处于暂停状态者自返回之日起才计入。",
    )


def _listed(numbers: list[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last
