"""What stands in the way of a group-time effect, and the notes that say so. May touch: nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto

from impact.text import Text


class Obstacle(Enum):
    """Why an effect cannot be estimated."""

    UNSEEN = auto()
    NO_STRATUM = auto()
    FEW = auto()
    COLLINEAR = auto()
    NO_OVERLAP = auto()


_WHY = {
    Obstacle.UNSEEN: Text("nobody is seen in a month that {they} need{s}", "所需月份中没有可见者"),
    Obstacle.NO_STRATUM: Text(
        "no stratum holds both covered and compared in the months that {they} need{s}", "所需月份中没有任何分层同时含有受覆盖者与比较对象"
    ),
    Obstacle.FEW: Text(
        "no more are compared than covariates are allowed for; name fewer covariates, or use --option adjust=ipw",
        "比较对象不多于协变量个数；请减少协变量，或使用 --option adjust=ipw",
    ),
    Obstacle.COLLINEAR: Text(
        "among the compared a covariate does not vary, or repeats another; name fewer covariates, or coarser categories",
        "比较对象中有协变量没有变化或与其他协变量重复；请减少协变量，或合并类别",
    ),
    Obstacle.NO_OVERLAP: Text(
        "a covariate tells the covered from the compared, so that nobody resembles them; name fewer covariates, or use --option adjust=reg",
        "有协变量可将受覆盖者与比较对象完全区分，没有可比者；请减少协变量，或使用 --option adjust=reg",
    ),
}


def notes_on_left_out(obstacles: Iterable[Obstacle]) -> list[Text]:
    """Say how many effects were left out, and why."""
    counts = Counter(obstacles)
    return [_note(counts[obstacle], why) for obstacle, why in _WHY.items() if counts[obstacle]]


def _note(count: int, why: Text) -> Text:
    reason = why.en.format(they="they" if count > 1 else "it", s="" if count > 1 else "s")
    return Text(f"{count} group-time effect{'s' if count > 1 else ''} left out: {reason}", f"{count}个组群-时间效应未估计：{why.zh}")
