"""How certain a study's effects are: the inference that the number of clusters chooses, or that the study asks for, carried out. May touch: nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from impact.errors import EstimationError, listing
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import BYS, By, Window, aggregate
from impact.infer.bands import chosen, with_bands
from impact.infer.inference import Inference, Method, cluster_places
from impact.infer.leverage import leverage
from impact.study import Study
from impact.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from impact.design.design import Design
    from impact.infer.choose import Choice, Override
    from impact.infer.reassigned import Refit
    from impact.results import Estimate

ByMethod = Callable[[Method], Inference]
"""Carries a method out."""
MANY, HOLD = 1_000, 40
"""Errors by cluster stay as they come with the estimate where there are more than so many clusters, so many of them on either side (docs/coverage.md)."""
MOST_EFFECTS = 60
"""Group-time effects up to which each is tested by a method that draws; their averages always are."""
LOWEST = 0.8
"""Level below which no bounded interval is looked for."""
_SLOW = ("permutation", "wild")
"""Methods that take each term through all draws."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """What the inference says of a study's effects, and why it is this one."""

    effects: Estimate
    """Before they are averaged."""
    level: float
    seed: int
    why: Text
    choice: Choice | None = None
    """None where errors stay as they come with the estimate."""
    asked: bool = False
    """Whether the study asks for the method."""
    found: Mapping[By, Inference] = field(default_factory=dict)
    """By kind of average; one that would take too long, or cannot be tested, is not there."""
    beside: tuple[Inference, ...] = ()
    """What the other methods say of the overall mean."""
    left_out: tuple[Text, ...] = ()
    """Methods that give no number, with the reason."""
    bounded: Inference | None = None
    """The overall mean at the highest level at which its interval has ends, where it has none at `level`."""

    @property
    def overall(self) -> Inference | None:
        """What the method says of the overall mean."""
        return self.found.get("simple")


def certainty(study: Study, effects: Estimate, level: float, seed: int, bys: Sequence[By] = BYS) -> Certainty:
    """Infer about the averages `bys` of a study's effects, the overall mean always among them.

    A method by number that gives no number leaves its place to the one beside it. Raises EstimationError where none gives a number, or the one that the
    study asks for does not.
    """
    asked = _asked(study)
    kept = None if asked else _kept(effects)
    if kept:
        return Certainty(effects, level, seed, kept)
    from impact.infer.choose import carry_out, choose  # scipy.stats takes most of a second to load

    choice = choose(effects.design, asked, effects.info.of_means)

    def by_method(method: Method, by: By = "simple", at: float = level) -> Inference:
        return carry_out(method, effects, refit_of(effects, by), by, Window(), at, seed)

    told, failed = carried_out((choice.method, *choice.beside), by_method)
    if choice.method in failed and (asked or not told):
        raise failed[choice.method]
    first, *beside = told
    found: dict[By, Inference] = {"simple": first}
    for by in bys:
        if by != "simple" and _is_cheap(first.method, by, effects):
            found.update((by, one) for one in carried_out((first.method,), partial(by_method, by=by))[0])
    left_out = tuple(_no_number(method, error) for method, error in failed.items())
    return Certainty(
        effects, level, seed, choice.reason, choice, asked is not None, found, tuple(beside), left_out, _bounded(first, by_method)
    )


def carried_out(methods: Sequence[Method], by_method: ByMethod) -> tuple[list[Inference], dict[Method, EstimationError]]:
    """Carry out methods, in their order; one that cannot be carried out takes nothing from the others."""
    found, failed = [], {}
    for method in methods:
        try:
            found.append(by_method(method))
        except EstimationError as error:
            failed[method] = error
    return found, failed


def refit_of(effects: Estimate, by: By, window: Window = Window()) -> Refit:
    """Say how the same question is asked of another design: of the same effects, with the counts that the estimate takes as given.

    The refit raises EstimationError where an effect is lost that an average rests on.
    """
    rests_on = {term.name for term in effects.terms if by == "none" or term.event_time is None or term.event_time >= 0}

    def refit(design: Design) -> Estimate:
        again = ESTIMATORS[effects.info.name].fit(design, _options_on(design, effects.options))
        lost = rests_on - {term.name for term in again.terms}
        if lost and by != "none":
            raise EstimationError(
                f"{effects.info.name}: an average would rest on other effects.\nFound no {listing(sorted(lost))} among them.\nKeep the clusters that they need."
            )
        return aggregate(_counted_as(effects, again), by, window)

    return refit


def _counted_as(effects: Estimate, again: Estimate) -> Estimate:
    """Let effects count in averages what they count in the estimate, where it takes that as given."""
    if effects.counts is None or again.counts is None:
        return again
    given = {term.name: count for term, count in zip(effects.terms, effects.counts, strict=True)}
    kept = [place for place, term in enumerate(again.terms) if term.name in given]
    chosen_terms = chosen(again, kept)
    return replace(chosen_terms, counts=np.array([given[term.name] for term in chosen_terms.terms]))


def _options_on(design: Design, options: Any) -> Any:
    """Bring the designs of covariates to the units of another design, which may hold fewer."""
    covariates: tuple[Design, ...] = getattr(options, "covariates", ())
    if not covariates:
        return options
    kept = np.isin(covariates[0].units, design.units)
    months = np.isin(covariates[0].months, design.months)
    return replace(options, covariates=tuple(one.keep(kept, months) for one in covariates))


def with_inference(estimate: Estimate, inference: Inference) -> pd.DataFrame:
    """Give the tidy table of an estimate with the errors, intervals and p-values of an inference."""
    columns = {name: getattr(inference, name) for name in ("std_error", "conf_low", "conf_high", "p_value")}
    return estimate.tidy(inference.level).assign(**columns)


def band_of(inference: Inference) -> dict[str, Any]:
    """Give the ends of the uniform band, missing where the method has none."""
    reach = np.full(len(inference.terms), np.nan) if inference.band_reach is None else inference.band_reach
    return {"band_low": inference.estimate - reach, "band_high": inference.estimate + reach}


def table_by(certain: Certainty, by: By) -> pd.DataFrame:
    """Give the tidy table of an average with `band_low` and `band_high`; intervals, p-values and bands are missing where nothing was inferred."""
    averaged = aggregate(certain.effects, by)
    if certain.choice is None:
        return with_bands(averaged, certain.level, certain.seed)
    if by not in certain.found:
        return averaged.tidy(certain.level).assign(**dict.fromkeys(("conf_low", "conf_high", "p_value", "band_low", "band_high"), np.nan))
    table = with_inference(averaged, certain.found[by]).assign(**band_of(certain.found[by]))
    return table.assign(**{end: table[end].mask(table["term"] == "overall") for end in ("band_low", "band_high")})


def inference_record(certain: Certainty) -> dict[str, Any]:
    """Give as plain values, for JSON, which inference it is and why, and what it and the methods beside it say of the overall mean.

    Ends of intervals are null where an interval has none. `by_number` is what the method by the number of clusters says, whatever a study asks for; it is
    null where that gives no number.
    """
    errors, choice, first = certain.effects.errors, certain.choice, certain.overall
    by_number = _by_number(certain)
    return {
        "method": first.method if first else errors.method,
        "asked": certain.asked,
        "overridden": choice.overridden if choice else None,
        "chosen": choice.method if choice else None,
        "reason": certain.why.as_dict(),
        "level": certain.level,
        "cluster_level": errors.cluster_level,
        "covered_clusters": choice.covered_clusters if choice else errors.covered_clusters,
        "never_clusters": choice.never_clusters if choice else None,
        **(_leverage(certain.effects) if certain.effects.design.pairs is None else {}),
        "overall": _said(first) if first else _as_estimated(certain),
        "bounded": _said(certain.bounded) if certain.bounded else None,
        "beside": [_said(one) for one in certain.beside],
        "by_number": _said(by_number) if by_number else None if choice else _as_estimated(certain),
        "left_out": [text.as_dict() for text in certain.left_out],
        "notes": [text.as_dict() for text in (*(first.notes if first else ()), *_extreme(certain))],
        "not_tested": [by for by in BYS if choice and by not in certain.found],
    }


def _asked(study: Study) -> Override | None:
    asked = study.effects.inference if study.effects else None
    if asked is None:
        return None
    from impact.infer.choose import Override

    return Override(asked.method, Text(asked.reason.en, asked.reason.zh))


def _kept(effects: Estimate) -> Text | None:
    """Say why errors stay as they come with the estimate; None where they need something better."""
    errors, design = effects.errors, effects.design
    if design.pairs is not None:
        return Text(
            f"errors are by worker, and {errors.clusters:,} workers need no other", f"标准误按劳动者聚类，{errors.clusters:,}人无需其他方法"
        )
    if errors.replicates is not None:
        return Text(
            f"errors by {errors.method}, which come with p-values of their own", f"标准误由重复估计（{errors.method}）得出，并自带p值"
        )
    apart = min(errors.covered_clusters, errors.clusters - errors.covered_clusters)
    if errors.clusters <= MANY or apart < HOLD:
        return None
    return Text(
        f"{errors.clusters:,} clusters, {errors.covered_clusters:,} of them covered: errors by cluster need no correction",
        f"共{errors.clusters:,}个聚类，其中{errors.covered_clusters:,}个受覆盖：聚类稳健标准误无需校正",
    )


def _is_cheap(method: Method, by: By, effects: Estimate) -> bool:
    """Say whether a method is carried out for an average; the effects themselves are many, and those of stayers are fitted again for every draw."""
    if by != "none" or method not in _SLOW:
        return True
    return len(effects.terms) <= MOST_EFFECTS and getattr(effects.options, "workers", "all") == "all"


def _bounded(first: Inference, by_method: Callable[[Method, By, float], Inference]) -> Inference | None:
    """Infer again at the highest level, in whole percent, that the smallest possible p-value allows."""
    at = math.floor(100 * (1 - first.floor) + 1e-9) / 100
    if not LOWEST <= at < first.level or not np.isinf(first.conf_low[-1]):
        return None
    again = by_method(first.method, "simple", at)
    return again if np.isfinite([again.conf_low[-1], again.conf_high[-1]]).all() else None


def _no_number(method: Method, error: EstimationError) -> Text:
    said = " ".join(str(error).split("\n")[:2])
    return Text(f"{method} gives no number: {said}", f"{method}无法给出数值：{said}")


def _by_number(certain: Certainty) -> Inference | None:
    """Give what the method by the number of clusters says, or the one that took its place."""
    told = [one for one in (certain.overall, *certain.beside) if one]
    name = certain.choice.overridden if certain.choice else None
    return next((one for one in told if name is None or one.method == name), None)


def _said(inference: Inference) -> dict[str, Any]:
    """Give what a method says of the overall mean."""
    place = inference.terms.index("overall")
    names = ("estimate", "std_error", "p_value", "conf_low", "conf_high")
    numbers = {name: _plain(float(getattr(inference, name)[place])) for name in names}
    notes = [note.as_dict() for note in inference.notes]
    return {
        "method": inference.method,
        "level": inference.level,
        **numbers,
        "floor": inference.floor,
        "draws": inference.draws,
        "notes": notes,
    }


def _as_estimated(certain: Certainty) -> dict[str, Any]:
    """Give the overall mean with the errors of the estimate itself."""
    row = aggregate(certain.effects, "simple").tidy(certain.level).iloc[-1]
    numbers = {name: _plain(float(row[name])) for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high")}
    placebos = certain.effects.errors.replicates if certain.effects.errors.method == "placebo" else None
    floor = 1 / (1 + len(placebos.values)) if placebos else 0.0
    return {"method": certain.effects.errors.method, "level": certain.level, **numbers, "floor": floor, "draws": 0, "notes": []}


def _leverage(effects: Estimate) -> dict[str, Any]:
    """Give how many clusters the overall mean really rests on, and what the largest carries."""
    if effects.errors.replicates is not None:
        return {}
    found = leverage(aggregate(effects, "simple"))
    names = ("effective_clusters", "effective_covered", "largest_leverage", "largest_influence")
    return {name: _plain(float(getattr(found, name)[-1])) for name in names}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _extreme(certain: Certainty) -> tuple[Text, ...]:
    """Say where plain permutation gives the place of the covered to clusters that are all larger, or all smaller."""
    first, design = certain.overall, certain.effects.design
    if first is None or first.method != "permutation":
        return ()
    names, place = cluster_places(design)
    covered = np.unique(place[~np.isnan(design.cohort)])
    size = np.bincount(place, weights=design.headcount, minlength=len(names))
    others = np.delete(size, covered)
    if not len(others) or not _has_a_cohort_of_one(design.cohort, place):
        return ()
    if size[covered].max() < others.min():
        return (_SMALLEST,)
    return (_LARGEST,) if size[covered].min() > others.max() else ()


def _has_a_cohort_of_one(cohort: np.typing.NDArray[np.float64], place: np.typing.NDArray[np.intp]) -> bool:
    """Say whether permutation compares estimates plainly, and not by their errors."""
    return any(len(np.unique(place[cohort == one])) == 1 for one in np.unique(cohort[~np.isnan(cohort)]))


_SMALLEST = Text(
    "every covered cluster has fewer workers than any other: larger clusters vary less, so that intervals by permutation are too short here (in simulations, 95% intervals held in 86 to 89%)",
    "受覆盖聚类的人数均少于其他任何聚类：较大的聚类波动较小，因此置换检验的区间在此偏窄（模拟中95%区间的实际覆盖率为86%至89%）",
)
_LARGEST = Text(
    "every covered cluster has more workers than any other: smaller clusters vary more, so that intervals by permutation are longer than they need be (in simulations, 95% intervals held in 99%)",
    "受覆盖聚类的人数均多于其他任何聚类：较小的聚类波动较大，因此置换检验的区间在此偏宽（模拟中95%区间的实际覆盖率为99%）",
)
