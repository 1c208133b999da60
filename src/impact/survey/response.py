"""From the list of those invited to those who answered, and weights that make up for those who did not. May touch: nothing.

Rates after AAPOR, Standard Definitions (2023): response rate 1 counts complete interviews only, 2 partial ones as well; known ineligibles are left out of
both. Propensity classes after Little (1986), doi:10.2307/1403140.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import DataError, EstimationError, listing
from impact.survey.sample import Bools, Floats, whole_column

SMALL_CELL = 20
"""Respondents below which the factor of a cell is shaky."""
STEPS = 50


@dataclass(frozen=True, slots=True)
class NonResponse:
    """Weights of respondents after making up for those who did not answer."""

    weights: pd.Series
    """One per row of the frame; zero for those who did not answer."""
    propensity: pd.Series
    """Estimated chance to answer, one per row of the frame."""
    cells: pd.DataFrame
    """`cell, issued, respondents, weight_issued, weight_respondents, factor, small`: one row per cell or class."""


def response_flow(
    frame: pd.DataFrame, by: str, returned: str, valid: str, eligible: str | None = None, weight: str | None = None
) -> pd.DataFrame:
    """Count issued, ineligible, returned and valid questionnaires by stratum, and in all (last row, `total`).

    Gives `stratum, issued, ineligible, returned, valid, response_rate_1, response_rate_2, valid_share`, and `weighted_response_rate_1` where there are
    weights. `returned` counts partial and complete ones, `valid` those kept after cleaning.

    Raises DataError for a column that is not yes or no, a valid questionnaire that was not returned, or one returned by somebody not eligible.
    """
    flags = {name: _flag(frame, name) for name in (returned, valid)}
    able = np.ones(len(frame), dtype=bool) if eligible is None else _flag(frame, eligible)
    _check_flow(flags[returned], flags[valid], able)
    weights = np.ones(len(frame)) if weight is None else whole_column(frame, weight).to_numpy(dtype=float)
    counted = {"issued": 1.0, "ineligible": ~able, "returned": flags[returned], "valid": flags[valid]}
    weighted = {"weight_able": weights * able, "weight_valid": weights * flags[valid]}
    rows = pd.DataFrame({"stratum": whole_column(frame, by).to_numpy(), **counted, **weighted})
    sums = rows.groupby("stratum", sort=True, observed=True).sum()
    sums.loc["total"] = sums.sum()
    able_count = sums["issued"] - sums["ineligible"]
    table = (
        sums[list(counted)]
        .astype(int)
        .assign(
            response_rate_1=sums["valid"] / able_count,
            response_rate_2=sums["returned"] / able_count,
            valid_share=sums["valid"] / sums["returned"],
        )
    )
    if weight is not None:
        table["weighted_response_rate_1"] = sums["weight_valid"] / sums["weight_able"]
    return table.reset_index()


def weighting_cells(frame: pd.DataFrame, weight: str, answered: str, cells: Sequence[str]) -> NonResponse:
    """Let respondents stand for those of the same cell who did not answer: within a cell, weights are raised to those of all who were invited.

    Raises DataError where a cell has nobody who answered.
    """
    for name in cells:
        whole_column(frame, name)
    names = frame[list(cells)].astype(str).agg(" × ".join, axis=1)
    return _raised(frame, weight, _flag(frame, answered), names)


def propensity_classes(frame: pd.DataFrame, weight: str, answered: str, columns: Sequence[str], classes: int = 5) -> NonResponse:
    """Do the same in classes of equal size by the chance to answer, from a logistic regression (not weighted) on what is known of all who were invited.

    Raises EstimationError where the regression has no finite answer, and DataError where a class has nobody who answered.
    """
    response = _flag(frame, answered)
    chance = pd.Series(answer_propensity(frame, response, columns), index=frame.index)
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, classes + 1)[1:-1]))
    names = pd.Series(np.searchsorted(edges, chance, side="left") + 1, index=frame.index)
    adjusted = _raised(frame, weight, response, names)
    return NonResponse(adjusted.weights, chance, adjusted.cells)


def answer_propensity(frame: pd.DataFrame, response: Bools, columns: Sequence[str]) -> Floats:
    """Estimate each row's chance to answer by logistic regression; text columns count as categories.

    Raises EstimationError where some group always or never answered, so that there is no finite answer.
    """
    known = pd.concat([whole_column(frame, name) for name in columns], axis=1)
    dummies = pd.get_dummies(known, drop_first=True, dtype=float).to_numpy(dtype=float)
    design = np.column_stack([np.ones(len(frame)), dummies])
    coefficients, outcome = np.zeros(design.shape[1]), response.astype(float)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ coefficients, -30, 30)))
        hessian = design.T @ (design * (chance * (1 - chance))[:, None])
        step = np.linalg.lstsq(hessian, design.T @ (outcome - chance), rcond=None)[0]
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-10:
            return np.asarray(chance)
    raise EstimationError(
        f"non-response: the chance to answer has no finite estimate.\nFound no end after {STEPS} steps with {listing(columns)}; {int(response.sum())} of "
        f"{len(frame)} answered.\nSome group always or never answered: join it with another, or use weighting cells."
    )


def _raised(frame: pd.DataFrame, weight: str, response: Bools, cell: pd.Series) -> NonResponse:
    weights = whole_column(frame, weight).astype(float)
    rows = pd.DataFrame({"cell": cell.to_numpy(), "issued": 1, "respondents": response.astype(int), "weight_issued": weights.to_numpy()})
    sums = rows.assign(weight_respondents=rows["weight_issued"] * rows["respondents"]).groupby("cell", sort=True).sum()
    silent = sums.index[sums["respondents"] == 0]
    if len(silent):
        raise DataError(
            f"non-response: nobody answered in some cells.\nFound {listing(silent)}.\nJoin each with a cell that is alike; no weight can speak for those who did not answer at all."
        )
    factor = sums["weight_issued"] / sums["weight_respondents"]
    table = sums.assign(factor=factor, small=sums["respondents"] < SMALL_CELL).reset_index()
    by_row = cell.map(factor)
    return NonResponse((weights * by_row).where(response, 0.0), 1 / by_row, table)


def _flag(frame: pd.DataFrame, name: str) -> Bools:
    column = whole_column(frame, name)
    if not column.isin([True, False]).all():
        raise DataError(
            f"the frame: column `{name}` is not yes or no.\nFound {listing(column[~column.isin([True, False])].unique(), 3)}.\nGive True or False in each row."
        )
    return column.to_numpy(dtype=bool)


def _check_flow(returned: Bools, valid: Bools, able: Bools) -> None:
    lost, strangers = int((valid & ~returned).sum()), int((returned & ~able).sum())
    if lost or strangers:
        raise DataError(
            f"the frame: the counts of questionnaires do not follow from each other.\nFound {lost} valid and not returned, {strangers} returned by people not "
            "eligible.\nMend the status of these rows."
        )
