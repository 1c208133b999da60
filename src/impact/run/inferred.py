"""The inference that is asked for, about effects from a file: `impact estimate --inference`. May touch: nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from impact.errors import StudyError, listing, nearest
from impact.estimate import ESTIMATORS
from impact.infer.aggregate import By, Window
from impact.infer.inference import BY_ERRORS, METHODS, Inference, Method, require_clusters
from impact.run.inference import band_of, carried_out, refit_of, with_inference

if TYPE_CHECKING:
    import pandas as pd

    from impact.infer.choose import Choice
    from impact.results import Estimate

CLUSTER, CHOSEN = "cluster", "chosen"
ASKED = (CLUSTER, CHOSEN, *METHODS)
"""What can be asked for: errors by cluster as they come with the estimate, what the number of clusters chooses, or one method."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a method says about the terms of an estimate, and why it was this method."""

    first: Inference
    why: str
    beside: tuple[Inference, ...] = ()
    """Methods beside the chosen one, where there is an overall mean to say in a line."""
    left_out: tuple[str, ...] = ()
    """Methods that should stand beside it and give no number, with the reason."""

    @property
    def by_errors(self) -> bool:
        """Whether intervals rest on errors by cluster, which few clusters make too small."""
        return self.first.method in BY_ERRORS


def require_inference(asked: str, estimator: str) -> None:
    """Refuse what is no method, and methods for an estimator whose influence does not tell its error; raises StudyError."""
    if asked not in ASKED:
        hint = nearest(asked, ASKED) or "Choose one of them."
        raise StudyError(f"inference `{asked}` is not known.\nKnown: {listing(ASKED, len(ASKED))}.\n{hint}")
    if asked != CLUSTER and estimator in ESTIMATORS and not ESTIMATORS[estimator].INFO.influence:
        able = [name for name, module in ESTIMATORS.items() if module.INFO.influence]
        raise StudyError(
            f"--inference {asked} does not go with --estimator {estimator}.\nFound errors of its own, by replicates or otherwise.\n"
            f"Leave --inference out, or choose one of {listing(able, len(able))}."
        )


def infer_as_asked(asked: str, effects: Estimate, by: By, window: Window, level: float, seed: int) -> Inferred | None:
    """Infer about the averages `by` of effects as asked; None for errors by cluster, which the estimate has already.

    `effects` are the terms of an estimator before they are averaged. Raises EstimationError where errors do not come from clusters of units, and where the method
    gives no number.
    """
    if asked == CLUSTER:
        return None
    from impact.infer.choose import carry_out, choose  # scipy.stats takes most of a second to load

    require_clusters(effects, asked)
    choice, refit = choose(effects.design, of_means=effects.info.of_means), refit_of(effects, by, window)

    def by_method(method: Method) -> Inference:
        return carry_out(method, effects, refit, by, window, level, seed)

    if asked != CHOSEN:
        method = next(name for name in METHODS if name == asked)
        return Inferred(by_method(method), _why_asked(method, choice))
    told, failed = carried_out((choice.method,), by_method)
    if by != "none" or not told:
        more, failed_beside = carried_out(choice.beside, by_method)
        told, failed = [*told, *more], {**failed, **failed_beside}
    if not told:
        raise failed[choice.method]
    left_out = (
        f"{'' if method == choice.method else 'beside it, '}{method} gives no number: " + " ".join(str(error).split("\n")[:2])
        for method, error in failed.items()
    )
    instead = (
        f"inference: {told[0].method}, in place of {choice.method}. " if choice.method in failed else f"inference chosen: {choice.method}. "
    )
    return Inferred(told[0], instead + choice.reason.en, tuple(told[1:]), tuple(left_out))


def tidy_by(inference: Inference, estimate: Estimate, bands: bool = False) -> pd.DataFrame:
    """Give the tidy table of an estimate with the errors, intervals and p-values of an inference; with `bands`, `band_low` and `band_high` beside it.

    Raises StudyError where the method has no bands.
    """
    table = with_inference(estimate, inference)
    if not bands:
        return table
    if inference.band_reach is None:
        raise StudyError(
            f"--bands: inference `{inference.method}` has no uniform bands.\nFound a method that tests each term by itself.\n"
            "Leave --bands out, or choose --inference cr2, cr3 or multiplier."
        )
    return table.assign(**band_of(inference))


def _why_asked(method: Method, choice: Choice) -> str:
    if method == choice.method:
        return f"inference asked for: {method}, which the number of clusters would choose too. {choice.reason.en}"
    return f"inference asked for: {method}. The number of clusters would choose {choice.method}. {choice.reason.en}"
