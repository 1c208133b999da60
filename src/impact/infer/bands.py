"""Uniform confidence bands: one critical value that holds for all terms of a path together.

Source: Montiel Olea and Plagborg-Møller (2019), doi:10.1002/jae.2656 (the sup-t band), with the covariance of `infer.cluster`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from impact import settings
from impact.moments.moments import Floats
from impact.results import Estimate, placebo_reach


def critical_value(estimate: Estimate, level: float = settings.LEVEL, draws: int = settings.BAND_DRAWS, seed: int = settings.SEED) -> float:
    """Give the value that the largest |t| over all terms with an error stays below with probability `level`."""
    draw = joint_draws(estimate, draws, seed)
    if not draw.size:
        return float("nan")
    largest = np.abs(draw).max(axis=1)
    return float(placebo_reach(largest, level) if estimate.errors.method == "placebo" else np.quantile(largest, level))


def joint_draws(estimate: Estimate, draws: int = settings.BAND_DRAWS, seed: int = settings.SEED) -> Floats:
    """Draw t statistics of all terms that have an error, together, as they fall where every term is zero; shape (draws, terms with an error).

    Placebos are such draws themselves, however few they are.
    """
    error = estimate.errors.std_error
    kept = np.isfinite(error)
    if estimate.errors.method == "placebo" and estimate.errors.replicates is not None:
        return np.asarray(estimate.errors.replicates.values[:, kept] / error[kept])
    correlation = estimate.errors.covariance[np.ix_(kept, kept)] / np.outer(error[kept], error[kept])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    generator = np.random.default_rng(seed)
    drawn = generator.standard_normal((draws, root.shape[1])) @ root.T
    if estimate.errors.degrees_of_freedom is not None:
        freedom = estimate.errors.degrees_of_freedom
        drawn /= np.sqrt(generator.chisquare(freedom, draws) / freedom)[:, None]
    return np.asarray(drawn)


def with_bands(estimate: Estimate, level: float = settings.LEVEL, seed: int = settings.SEED) -> pd.DataFrame:
    """Give the tidy table with the columns `band_low` and `band_high` beside it.

    The row `overall` of an aggregate is not part of the path, and has no band.
    """
    path = [place for place, term in enumerate(estimate.terms) if term.name != "overall"]
    table = estimate.tidy(level).assign(band_low=np.nan, band_high=np.nan)
    if not path:
        return table
    reach = critical_value(chosen(estimate, path), level, seed=seed) * table["std_error"].iloc[path]
    table.loc[table.index[path], "band_low"] = table["estimate"].iloc[path] - reach
    table.loc[table.index[path], "band_high"] = table["estimate"].iloc[path] + reach
    return table


def chosen(estimate: Estimate, places: list[int]) -> Estimate:
    """Keep some terms of an estimate."""
    made_of = estimate.errors.replicates
    errors = replace(
        estimate.errors,
        covariance=estimate.errors.covariance[np.ix_(places, places)],
        replicates=made_of and replace(made_of, values=made_of.values[:, places]),
    )
    return replace(
        estimate,
        terms=tuple(estimate.terms[place] for place in places),
        contrasts=tuple(estimate.contrasts[place] for place in places),
        errors=errors,
    )
