"""Means, totals, ratios and shares of the workforce, with errors of the design. May touch: nothing.

Equal to `svymean`, `svytotal`, `svyratio`, `svyby` of R `survey` 4.1. Shares are means of categories.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from impact.errors import DataError, listing
from impact.survey.sample import Bools, Floats, Sample, whole_column, within
from impact.survey.variance import covariance

Missing = Literal["refuse", "drop"]
"""`drop`: rows without an answer are outside the domain, and are counted."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """Numbers about the workforce and how sure they are; arrays have one value per term."""

    statistic: str
    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    influence: Floats
    """Weight times linearised value, shape (rows, terms); any function of the terms has its errors from these."""
    design_effect: Floats
    """Variance over that of a simple random sample of the same size without replacement; missing where the workforce is smaller than the sample."""
    design_effect_replace: Floats
    """The same, with replacement."""
    rows: tuple[int, ...]
    """Rows with weight and an answer."""
    missing: tuple[int, ...]
    """Rows with weight and no answer, left out."""
    degrees_of_freedom: int

    @property
    def errors(self) -> Floats:
        """Give the standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def tidy(self, level: float = 0.95, degrees_of_freedom: float | None = None) -> pd.DataFrame:
        """Give one row per term: `term, estimate, std_error, low, high, degrees_of_freedom, design_effect, design_effect_replace, rows, missing`.

        Intervals are by Student's t with the degrees of freedom of the design; `math.inf` gives the normal ones that R prints.
        """
        free = self.degrees_of_freedom if degrees_of_freedom is None else degrees_of_freedom
        reach = critical(level, free) * self.errors
        columns = {
            "term": self.names,
            "estimate": self.values,
            "std_error": self.errors,
            "low": self.values - reach,
            "high": self.values + reach,
        }
        effects = {"design_effect": self.design_effect, "design_effect_replace": self.design_effect_replace}
        return pd.DataFrame({**columns, "degrees_of_freedom": free, **effects, "rows": self.rows, "missing": self.missing})


def critical(level: float, degrees_of_freedom: float) -> float:
    """Give the two-sided critical value of Student's t; the normal one where the degrees of freedom are infinite, missing where there are none."""
    if degrees_of_freedom <= 0:
        return float("nan")
    return float(stats.t.ppf(0.5 + level / 2, degrees_of_freedom))


def means(sample: Sample, columns: Sequence[str], missing: Missing = "refuse") -> Estimates:
    """Estimate weighted means of numeric columns.

    Raises DataError for a column that is no number, or an answer that is missing while `missing` is `refuse`.
    """
    values, inside = _answers(sample, columns, missing)
    return _estimate(sample, values, inside, tuple(columns), "mean")


def totals(sample: Sample, columns: Sequence[str], missing: Missing = "refuse") -> Estimates:
    """Estimate weighted totals of numeric columns.

    Raises DataError for a column that is no number, or an answer that is missing while `missing` is `refuse`.
    """
    values, inside = _answers(sample, columns, missing)
    return _estimate(sample, values, inside, tuple(columns), "total")


def shares(sample: Sample, column: str, missing: Missing = "refuse", counts: bool = False) -> Estimates:
    """Estimate the share, or the number, of workers in each category of a column; terms are `column=category`.

    Raises DataError for a missing answer while `missing` is `refuse`.
    """
    answers = sample.frame[column] if missing == "drop" and column in sample.frame else whole_column(sample.frame, column)
    levels = answers.cat.categories if isinstance(answers.dtype, pd.CategoricalDtype) else sorted(answers.dropna().unique())
    values = np.column_stack([(answers == level).to_numpy(dtype=float) for level in levels])
    names = tuple(f"{column}={level}" for level in levels)
    return _estimate(sample, values, answers.notna().to_numpy(), names, "total" if counts else "mean")


def ratio(sample: Sample, numerator: str, denominator: str, missing: Missing = "refuse") -> Estimates:
    """Estimate the ratio of two totals.

    Raises DataError for a missing answer while `missing` is `refuse`, or a denominator whose total is zero.
    """
    values, inside = _answers(sample, (numerator, denominator), missing)
    domain = within(sample, inside & (sample.weights > 0))
    above, below = (domain.weights[:, None] * values).sum(axis=0)
    if below == 0:
        raise DataError(f"the ratio: column `{denominator}` has total 0.\nFound {inside.sum()} rows.\nDivide by another column.")
    linear = (values[:, :1] - above / below * values[:, 1:]) / below
    estimate = _estimate(sample, linear, inside, (f"{numerator}/{denominator}",), "total")
    return replace(estimate, statistic="ratio", values=np.array([above / below]))


def by_domain(sample: Sample, column: str, statistic: Callable[[Sample], Estimates]) -> Estimates:
    """Estimate the same for each category of a column, with the covariance between categories; terms are `category: term`.

    Raises DataError where the column has missing values, or no category with rows.
    """
    groups = whole_column(sample.frame, column)
    found = sorted(groups[sample.weights > 0].unique())
    parts = [statistic(within(sample, (groups == level).to_numpy() & (sample.weights > 0))) for level in found]
    influence = np.column_stack([part.influence for part in parts])
    return Estimates(
        statistic=parts[0].statistic,
        names=tuple(f"{level}: {name}" for level, part in zip(found, parts, strict=True) for name in part.names),
        values=np.concatenate([part.values for part in parts]),
        covariance=_joint(sample, influence, parts),
        influence=influence,
        design_effect=np.concatenate([part.design_effect for part in parts]),
        design_effect_replace=np.concatenate([part.design_effect_replace for part in parts]),
        rows=tuple(count for part in parts for count in part.rows),
        missing=tuple(count for part in parts for count in part.missing),
        degrees_of_freedom=sample.degrees_of_freedom(),
    )


def _joint(sample: Sample, influence: Floats, parts: Sequence[Estimates]) -> Floats:
    """Covariance of all terms, with the blocks of each domain as the domain itself has them (they differ where a stratum is lonely)."""
    joint, place = covariance(sample, influence), 0
    for part in parts:
        end = place + len(part.names)
        joint[place:end, place:end] = part.covariance
        place = end
    return joint


def contrast(sample: Sample, estimates: Estimates, combinations: Floats, names: Sequence[str]) -> Estimates:
    """Combine terms linearly, such as one domain less another; `combinations` has shape (new terms, terms)."""
    influence = estimates.influence @ combinations.T
    unknown = np.full(len(names), np.nan)
    return replace(
        estimates,
        statistic="contrast",
        names=tuple(names),
        values=combinations @ estimates.values,
        covariance=combinations @ estimates.covariance @ combinations.T,
        influence=influence,
        design_effect=unknown,
        design_effect_replace=unknown,
        rows=(int((sample.weights != 0).sum()),) * len(names),
        missing=(max(estimates.missing),) * len(names),
    )


def _answers(sample: Sample, columns: Sequence[str], missing: Missing) -> tuple[Floats, Bools]:
    """Values with zero for no answer, shape (rows, columns), and which rows have all of them."""
    for name in columns:
        column = sample.frame[name] if missing == "drop" and name in sample.frame else whole_column(sample.frame, name)
        if not pd.api.types.is_numeric_dtype(column):
            raise DataError(
                f"the sample: column `{name}` is no number.\nFound {column.dtype}, such as {listing(column.dropna().unique(), 3)}.\n"
                "Ask for the shares of its categories."
            )
    values = sample.frame[list(columns)].to_numpy(dtype=float, na_value=np.nan)
    inside = ~np.isnan(values).any(axis=1)
    return np.where(inside[:, None], values, 0.0), inside


def _estimate(sample: Sample, values: Floats, inside: Bools, names: tuple[str, ...], statistic: Literal["mean", "total"]) -> Estimates:
    asked = sample.weights > 0
    domain = sample if inside.all() else within(sample, inside & asked)
    weights, size = domain.weights, domain.weights.sum()
    average = weights @ values / size
    linear = (values - average) / size if statistic == "mean" else values
    influence = weights[:, None] * linear
    variance = covariance(domain, influence)
    rows = int((weights != 0).sum())
    simple = _simple_variance(weights, values, average, rows) * (1.0 if statistic == "mean" else size**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        replaced = np.diag(variance) / simple
        unreplaced = replaced * size / (size - rows) if size > rows else np.full(len(names), np.nan)
    return Estimates(
        statistic=statistic,
        names=names,
        values=average if statistic == "mean" else weights @ values,
        covariance=variance,
        influence=influence,
        design_effect=unreplaced,
        design_effect_replace=replaced,
        rows=(rows,) * len(names),
        missing=(int((asked & ~inside).sum()),) * len(names),
        degrees_of_freedom=domain.degrees_of_freedom(),
    )


def _simple_variance(weights: Floats, values: Floats, average: Floats, rows: int) -> Floats:
    """Variance of a mean of `rows` draws with replacement, from the weighted variance with divisor n − 1."""
    if rows < 2:
        return np.full(values.shape[1], np.nan)
    spread = weights @ (values - average) ** 2 / weights.sum()
    return np.asarray(spread / (rows - 1))
