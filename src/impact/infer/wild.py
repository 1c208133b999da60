"""Bootstraps that give every cluster a random multiplier: of its influence, for bands; of its score with the null imposed, for tests.

Source: Callaway and Sant'Anna (2021), algorithm 1, for `multiplier`, with the conventions of R `did` (spread by the quartiles). Kline and Santos (2012),
        doi:10.1515/2156-6674.1006, and Cameron, Gelbach and Miller (2008), doi:10.1162/rest.90.3.414, for `wild`. Weights of six points: Webb (2023),
        doi:10.1111/caje.12661.

`wild` is the restricted wild cluster bootstrap without its refits: scores are linear in the outcome, so that a draw is a product of matrices. Under the
null the means of cells move by as little as makes it true. May touch: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from impact import settings
from impact.infer.aggregate import By, Window
from impact.infer.cluster import cluster_sums, over_clusters
from impact.infer.inference import Draws, Inference, cluster_places, invert, p_value_at, require_clusters
from impact.infer.means import Parts, parts_of
from impact.moments.moments import Floats
from impact.results import Estimate
from impact.text import Text

Multipliers = Literal["rademacher", "mammen", "webb"]
_POINTS: dict[Multipliers, tuple[list[float], list[float]]] = {
    "rademacher": ([-1.0, 1.0], [0.5, 0.5]),
    "mammen": ([(1 - 5**0.5) / 2, (1 + 5**0.5) / 2], [(5**0.5 + 1) / (2 * 5**0.5), (5**0.5 - 1) / (2 * 5**0.5)]),
    "webb": ([-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5], [1 / 6] * 6),
}
_NORMAL_QUARTILES = float(stats.norm.ppf(0.75) - stats.norm.ppf(0.25))
_FEW = 10
"""Covered clusters below which a restricted bootstrap is known to reject too rarely or too often."""


@dataclass(frozen=True, slots=True)
class Options:
    """How multipliers are drawn."""

    multipliers: Multipliers = "rademacher"
    """Two points of equal size, two that keep skewness, or six for few clusters."""
    draws: int = settings.WILD_DRAWS
    """Draws; all sign patterns are used instead where they are no more."""
    seed: int = settings.SEED
    """Seed of the draws."""


def multiplier(estimate: Estimate, options: Options = Options(), level: float = settings.LEVEL) -> Inference:
    """Bootstrap all terms together by multiplying influence; errors, p-values by the normal, and the reach of a uniform band.

    Raises EstimationError where errors do not come from clusters of units.
    """
    require_clusters(estimate, "multiplier")
    sums = cluster_sums(estimate.design, estimate.contrasts)
    weights, _ = draw_multipliers(len(sums), options)
    drawn = weights @ sums
    errors = np.where(np.isfinite(estimate.errors.std_error), _spread(drawn), np.nan)
    reach = float(stats.norm.ppf(0.5 + level / 2))
    known = np.isfinite(errors) & (errors > 0)
    largest = (np.abs(drawn[:, known]) / errors[known]).max(axis=1) if known.any() else np.array([np.nan])
    critical = float(np.quantile(largest, level, method="inverted_cdf"))
    return Inference(
        method="multiplier",
        terms=tuple(term.name for term in estimate.terms),
        estimate=estimate.values,
        std_error=errors,
        p_value=2 * stats.norm.sf(np.abs(estimate.values) / errors),
        conf_low=estimate.values - reach * errors,
        conf_high=estimate.values + reach * errors,
        level=level,
        draws=len(weights),
        # A band narrower than the pointwise interval would be noise of the draws.
        band_reach=max(critical, reach) * errors,
    )


def wild(
    estimate: Estimate, by: By = "none", window: Window = Window(), options: Options = Options(), level: float = settings.LEVEL
) -> Inference:
    """Test every term, or every average of effects, by the restricted wild cluster bootstrap, and turn the tests into intervals.

    `estimate` holds the effects before they are averaged. Exact for group-time effects and for averages with a never covered comparison (equal to refits
    on bootstrapped outcomes, with the shares of cohorts held); a score bootstrap otherwise. Raises EstimationError where errors do not come from clusters
    of units.
    """
    require_clusters(estimate, "wild")
    parts = parts_of(estimate, by, window)
    found = parts.aggregate
    weights, complete = draw_multipliers(parts.means.share.shape[1], options)
    rows = [_one_term(parts, place, weights, complete, level) for place in range(len(found.terms))]
    p_value, low, high = (np.array(column) for column in zip(*rows, strict=True))
    return Inference(
        method="wild",
        terms=tuple(term.name for term in found.terms),
        estimate=found.values,
        std_error=found.errors.std_error,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        level=level,
        floor=smallest_p_value(len(weights), complete),
        draws=len(weights),
        notes=_notes(found),
    )


def draw_multipliers(clusters: int, options: Options) -> tuple[Floats, bool]:
    """Draw multipliers with mean zero and variance one, of shape (draws, clusters), and say whether they are all sign patterns there are."""
    if options.multipliers == "rademacher" and clusters < 31 and 2**clusters <= options.draws:
        return np.asarray(2.0 * ((np.arange(2**clusters)[:, None] >> np.arange(clusters)) & 1) - 1, dtype=np.float64), True
    points, chances = _POINTS[options.multipliers]
    drawn = np.random.default_rng(options.seed).choice(np.array(points, dtype=np.float64), (options.draws, clusters), p=chances)
    return np.asarray(drawn, dtype=np.float64), False


def smallest_p_value(draws: int, complete: bool) -> float:
    """Give the floor of a p-value; among all sign patterns the actual one and its mirror image are always as large as the actual one."""
    return 2 / draws if complete else 1 / (1 + draws)


def restricted_draws(parts: Parts, place: int, weights: Floats, complete: bool = False) -> Draws:
    """Give the numerators and squared errors of one term in every draw, for each null.

    Influence under a null is influence + d·κ, where d = estimate − null and κ, which sums to one, says through which clusters the null acts; the
    errors are taken after every mean is estimated again from what was drawn.
    """
    means, contrast = parts.means, parts.aggregate.contrasts[place]
    factor = parts.coefficients[place][means.term]
    used = factor != 0
    influence, share = factor[used, None] * means.influence[used], means.share[used]
    moved = means.weight[used] * contrast.a[:, means.month[used]].T * factor[used, None]
    moved = over_clusters(cluster_places(parts.aggregate.design)[1], moved.T).T / float(
        (contrast.a**2 * parts.aggregate.design.weight).sum()
    )
    scores, slopes = influence.sum(axis=0) + parts.share_influence[:, place], moved.sum(axis=0)
    left = weights * scores - _refitted(weights, influence, share)
    left_slope = weights * slopes - _refitted(weights, moved, share)
    return Draws(
        at_zero=weights @ scores,
        slope=weights @ slopes,
        square=(left**2).sum(axis=1),
        cross=(left * left_slope).sum(axis=1),
        slope_square=(left_slope**2).sum(axis=1),
        complete=complete,
    )


def _one_term(parts: Parts, place: int, weights: Floats, complete: bool, level: float) -> tuple[float, float, float]:
    value, error = float(parts.aggregate.values[place]), float(parts.aggregate.errors.std_error[place])
    if not np.isfinite(error):
        return float("nan"), float("nan"), float("nan")
    error /= parts.aggregate.correction**0.5
    draws = restricted_draws(parts, place, weights, complete)
    return p_value_at(draws, value, value / error), *invert(draws, value, error, level)


def _refitted(weights: Floats, influence: Floats, share: Floats) -> Floats:
    """Give what clusters lose when each mean is taken again over the drawn; the order of products follows what is smaller."""
    if len(influence) > influence.shape[1]:
        return np.asarray(weights @ (influence.T @ share))
    return np.asarray((weights @ influence.T) @ share)


def _spread(drawn: Floats) -> Floats:
    """Take errors from the quartiles, which outliers among draws do not move; quantiles as in R `did`."""
    low, high = np.quantile(drawn, [0.25, 0.75], axis=0, method="inverted_cdf")
    return np.asarray((high - low) / _NORMAL_QUARTILES)


def _notes(estimate: Estimate) -> tuple[Text, ...]:
    covered = estimate.errors.covered_clusters
    if covered >= _FEW:
        return ()
    return (
        Text(
            f"wild bootstrap with {covered} covered cluster{'s' if covered != 1 else ''}: read it beside the permutation, as it can reject far too rarely",
            f"野自助法，受覆盖聚类仅{covered}个：可能过少拒绝，应与置换检验一并解读",
        ),
    )
