"""From the list of those asked to weights that stand for the workforce, step by step, with every step kept. May touch: nothing.

Design weight → made up for non-response in classes by the chance to answer → raked to known margins, trimmed, raked again. Classes and not cells: six margins
crossed make hundreds of cells, most of them with nobody who answered; five classes use all margins and have hundreds of respondents each.
A margin that the answers cannot meet is left out and named, never joined in silence; where none can be met, the design weights stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from impact.clean.audit import Finding
from impact.errors import DataError, EstimationError
from impact.survey.feasible import LeftOut, fewer_and_fewer, rake_feasible
from impact.survey.margins import margins_of
from impact.survey.raking import Control, Raking, Trim
from impact.survey.representativeness import ResponseIndicators, response_indicators, share_table
from impact.survey.response import NonResponse, answer_propensity, propensity_classes, weighting_cells
from impact.survey.sample import Sample, sample_of, whole_column
from impact.survey.weights import Spread, spread
from impact.text import Text

VERSIONS = ("unweighted", "design", "raked")
"""Weights with which every number is given: as the answers came, by the chance to be drawn, and brought to the workforce (design weights where no margin can be met)."""
PASSES = 100
UNEVEN = 0.05
"""p-value below which response is said to differ by coverage."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """The respondents of a wave under three weightings, and how they came about."""

    versions: Mapping[str, Sample]
    """By `VERSIONS`; the rows of all are the same respondents."""
    response: NonResponse
    response_margins: tuple[str, ...]
    """Margins by which the chance to answer is modelled."""
    raking: Raking | None
    """None where no margin can be met."""
    left_out: tuple[LeftOut, ...]
    """Margins that weights are not raked to."""
    spreads: Mapping[str, Spread]
    """How uneven weights are: `design`, `response` (after non-response), `raked`."""
    shares: pd.DataFrame
    """Respondents against the workforce, as `share_table` gives it, by version."""
    indicators: ResponseIndicators


@dataclass(frozen=True, slots=True)
class Uneven:
    """Whether those under an agreement answer more readily than others with the same margins."""

    covered: int
    """Issued to people under an agreement."""
    rate_covered: float
    rate_others: float
    p_value: float
    """Likelihood-ratio test of coverage beside the margins in the model of response."""


def weighted(issued: pd.DataFrame, workforce: pd.DataFrame, margins: Sequence[str], trim: float = 5.0, classes: int = 5) -> Weighting:
    """Weight the valid answers of a wave.

    `issued` has one row per questionnaire: `valid, stratum, design_weight` and the margins; `workforce` has `workers` by the margins crossed.
    Raises DataError where margins and sample do not fit, or nobody answered. A margin that cannot be met is among `left_out`.
    """
    response, modelled = _response(issued, margins, classes)
    answered = issued["valid"].to_numpy(dtype=bool)
    rows = issued[answered].reset_index(drop=True).assign(response_weight=response.weights[answered].to_numpy(), one=1.0)
    # a stratum with one respondent is taken by its distance from the mean of all: errors too long rather than too short
    plain = sample_of(rows, weight="one")
    design = sample_of(rows, weight="design_weight", stratum="stratum", lonely="adjust")
    made_up = sample_of(rows, weight="response_weight", stratum="stratum", lonely="adjust")
    known = margins_of(workforce, tuple(margins))
    feasible = rake_feasible(made_up, known, Trim(upper=trim), Control(passes=PASSES))
    raked = feasible.raking.sample if feasible.raking else design
    versions = dict(zip(VERSIONS, (plain, design, raked), strict=True))
    spreads = {name: spread(sample.weights) for name, sample in (("design", design), ("response", made_up), ("raked", raked))}
    compared = share_table(rows, known, {name: sample.weights for name, sample in versions.items()})
    everybody = issued["design_weight"].to_numpy(dtype=float)
    indicators = response_indicators(issued, response.propensity.to_numpy(dtype=float), everybody, margins)
    return Weighting(versions, response, modelled, feasible.raking, feasible.left_out, spreads, compared, indicators)


def _response(issued: pd.DataFrame, margins: Sequence[str], classes: int) -> tuple[NonResponse, tuple[str, ...]]:
    """Model the chance to answer by as many margins as give a finite answer; by none of them, everybody has the same chance."""
    for name in margins:
        whole_column(issued, name)
    for chosen in fewer_and_fewer(margins):
        try:
            if chosen:
                return propensity_classes(issued, "design_weight", "valid", chosen, classes), chosen
        except (EstimationError, DataError):  # some group, or a whole class, always or never answered
            continue
    return weighting_cells(issued.assign(everybody="all"), "design_weight", "valid", ("everybody",)), ()


def uneven_response(issued: pd.DataFrame, margins: Sequence[str]) -> Uneven | None:
    """Test whether response differs by `covered` among people with the same margins; None where everybody or nobody is covered, or the model has no end."""
    covered, answered = issued["covered"].to_numpy(dtype=bool), issued["valid"].to_numpy(dtype=bool)
    if covered.all() or not covered.any():
        return None
    said = issued.assign(covered=np.where(covered, "yes", "no"))
    try:
        without = answer_propensity(said, answered, margins)
        beside = answer_propensity(said, answered, (*margins, "covered"))
    except EstimationError:
        return None
    gain = 2 * (_log_likelihood(beside, answered) - _log_likelihood(without, answered))
    p_value = float(stats.chi2.sf(max(gain, 0.0), 1))
    return Uneven(int(covered.sum()), float(answered[covered].mean()), float(answered[~covered].mean()), p_value)


def coverage_finding(uneven: Uneven | None, margins: Sequence[str], where: str) -> tuple[Finding, ...]:
    """Say that response differs by coverage, where it does; no weight made of the margins makes up for that."""
    if uneven is None or uneven.p_value >= UNEVEN:
        return ()
    words = Text(
        f"response differs by coverage, which no margin knows: {uneven.rate_covered:.0%} of those under an agreement and {uneven.rate_others:.0%} of the others gave a valid "
        f"answer, also among people alike in {', '.join(margins)}",
        f"应答因是否受协议覆盖而异，而加权所用的边际变量均不含覆盖信息：受覆盖者的有效应答率为{uneven.rate_covered:.0%}，其他人为{uneven.rate_others:.0%}；"
        "在各边际变量相同的人之间仍有差别",
    )
    advice = Text(
        "Ask the platforms for the number of active workers under each agreement and rake to it; until then no answer on the agreement is more than a description of those who answered",
        "请向平台索取各协议所覆盖的活跃人数并据此加权；在此之前，有关协议的回答只能描述答卷者",
    )
    return (Finding("response_by_coverage", "warning", where, uneven.covered, words, advice),)


def _log_likelihood(chance: np.ndarray, answered: np.ndarray) -> float:
    return float(np.log(np.where(answered, chance, 1 - chance)).sum())
