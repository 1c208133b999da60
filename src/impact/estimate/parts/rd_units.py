"""The units of a regression discontinuity: on which side of the cut-off, how far from it, and their mean outcome. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from impact.design.design import Bools, Design
from impact.errors import DesignError, listing
from impact.moments.moments import Floats
from impact.months import STEPS
from impact.text import Text


@dataclass(frozen=True, slots=True)
class CommonMonths:
    """What the compared have in common in each month, beside effects of their units."""

    effect: Floats
    """Of each month; shape (months,)."""
    inverse: Floats
    """Of the system that the effects solve; shape (months, months)."""
    residual: Floats
    """Totals less what unit and month predict; shape (units, months), zero for the eligible."""


@dataclass(frozen=True, slots=True)
class Units:
    """What is compared; arrays have shape (units,)."""

    design: Design
    eligible: Bools
    distance: Floats
    """Score less cut-off, with the sign that makes the eligible side positive."""
    outcome: Floats
    """Mean over the months, less what months have in common."""
    weight: Floats
    months: CommonMonths

    def cluster_of(self, units: Bools) -> NDArray[np.intp] | None:
        """Give the place of the cluster of some units; None where no cluster holds several units."""
        names, place = np.unique(np.asarray(self.design.cluster), return_inverse=True)
        return None if len(names) == len(self.design.units) else place[units]


def units_of(
    design: Design,
    cutoff: float,
    covered: Literal["above", "below"],
    take_up: Literal["sharp", "partial"],
    months: Literal["after", "all"],
    counting: Literal["workers", "units"],
) -> Units:
    """Find the sides and the mean outcomes.

    Raises DesignError where scores are missing, do not decide coverage, or leave a side empty.
    """
    scored = _alone(_with_scores(design))
    sign = 1.0 if covered == "above" else -1.0
    eligible = _distance(scored, cutoff, sign) >= 0
    if take_up == "sharp":
        _require_sharp(scored, eligible, cutoff)
    usable = _in_months(scored, eligible, months)
    distance = _distance(usable, cutoff, sign)
    eligible = distance >= 0
    common = _common_months(usable, ~eligible)
    outcome = (usable.total - usable.weight * common.effect).sum(axis=1) / usable.weight.sum(axis=1)
    weight = usable.workers if counting == "workers" else np.ones(len(usable.units))
    return Units(usable, eligible, distance, outcome, weight, common)


def _distance(design: Design, cutoff: float, sign: float) -> Floats:
    return np.asarray(sign * (np.asarray(design.traits["score"], dtype=float) - cutoff))


def _with_scores(design: Design) -> Design:
    if "score" not in design.traits:
        raise DesignError(
            f"outcome `{design.outcome}`: the score of units is not known.\nFound {listing(design.traits) or 'no trait of units'}.\nName its column with --score."
        )
    known: Bools = np.asarray(np.isfinite(np.asarray(design.traits["score"], dtype=float)))
    if not known.any():
        raise DesignError(
            f"outcome `{design.outcome}`: no unit has a score.\nFound {len(known):,} units.\nName another column with --score."
        )
    return design if known.all() else design.keep(known, note=_left_out(~known, "no score is known", "没有得分"))


def _alone(design: Design) -> Design:
    """Let units be the clusters where errors by worker were asked for: scores tell units apart, not workers."""
    if design.pairs is None:
        return design
    note = Text("errors are by unit: units, not workers, are compared by their score", "误差按单位计算：按得分比较的是单位而非劳动者")
    return replace(design, pairs=None, cluster=design.units, cluster_level="unit", notes=(*design.notes, note))


def _require_sharp(design: Design, eligible: Bools, cutoff: float) -> None:
    covered = ~np.isnan(design.cohort)
    sides = (eligible & ~covered, eligible, covered & ~eligible, ~eligible)
    without, on_it, beyond, off_it = (int(design.headcount[side].sum()) for side in sides)
    if without or beyond:
        raise DesignError(
            f"score and coverage: the cut-off {cutoff:g} does not decide coverage.\n"
            f"Found {without:,} of {on_it:,} workers on the covered side never covered, and {beyond:,} of {off_it:,} on the other side covered.\n"
            "Check --option cutoff and covered, or ask for the effect of being eligible with --option take_up=partial."
        )


def _in_months(design: Design, eligible: Bools, months: Literal["after", "all"]) -> Design:
    """Keep the months that are compared, and the units that are seen in them."""
    chosen = np.ones(len(design.months), dtype=bool)
    if months == "after" and design.cohorts:
        chosen = np.asarray(design.months) >= design.cohorts[-1]
    chosen &= design.seen[~eligible].any(axis=0)
    seen: Bools = np.asarray(design.seen[:, chosen].any(axis=1))
    if not ((seen & eligible).any() and (seen & ~eligible).any()):
        raise DesignError(
            f"outcome `{design.outcome}`: there is nothing to compare at the cut-off.\n"
            f"Found {(seen & eligible).sum():,} units on the covered side and {(seen & ~eligible).sum():,} on the other, seen in {chosen.sum()} months in which all the covered are.\n"
            "Check --option cutoff, or compare all months with --option months=all."
        )
    everybody = np.ones(len(design.units), dtype=bool)
    kept = design.keep(everybody, chosen, _note_on_months(design, chosen))
    return kept if seen.all() else kept.keep(seen, note=_left_out(~seen, "not seen in these months", "在这些时期不可见"))


def _common_months(design: Design, compared: Bools) -> CommonMonths:
    """Solve for what months have in common among the compared, with effects of units substituted out."""
    weight, total = design.weight[compared], design.total[compared]
    unit_weight = weight.sum(axis=1, keepdims=True)
    unit_mean = total.sum(axis=1, keepdims=True) / unit_weight
    inverse = np.linalg.pinv(np.diag(weight.sum(axis=0)) - weight.T @ (weight / unit_weight), hermitian=True)
    effect = inverse @ (total - weight * unit_mean).sum(axis=0)
    level = unit_mean - (weight @ effect)[:, None] / unit_weight
    residual = np.zeros_like(design.total)
    residual[compared] = total - weight * (level + effect)
    return CommonMonths(effect, inverse, residual)


def _note_on_months(design: Design, chosen: Bools) -> Text | None:
    if chosen.all():
        return None
    names = [design.label(month) for month, kept in zip(design.months, chosen, strict=True) if kept]
    return Text(
        f"outcomes are means over {len(names)} of {len(chosen)} {STEPS[design.period].en}, {names[0]} to {names[-1]}",
        f"结果为{len(chosen)}期中{len(names)}期（{names[0]}至{names[-1]}）的均值",
    )


def _left_out(units: Bools, why: str, why_zh: str) -> Text:
    count = int(units.sum())
    return Text(f"{count:,} unit{'s' if count != 1 else ''} left out: {why}", f"{count:,}个单位未使用：{why_zh}")
