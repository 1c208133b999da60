"""The numbers that a study asks of a wave: shares, means and scales, under every weighting, with errors of the design. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.clean.survey.options import SurveyOptions
from impact.moments.suppress import suppressed
from impact.schema.questionnaire import Codebook
from impact.study.survey import SurveyPart, SurveyScale
from impact.survey.estimates import Estimates, means
from impact.survey.intervals import share_intervals
from impact.survey.sample import Bools, Floats, Sample, within
from impact.survey.scales import Reliability, reliability
from impact.text import Text

UNFLAGGED = "unflagged"
"""Raked, without answers that carry an income flag: the same question asked of fewer, to show how much hangs on them."""
_NUMBERS = ("estimate", "std_error", "low", "high", "design_effect", "rows")


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of the study: how its items hang together."""

    name: str
    found: Reliability


def estimates(part: SurveyPart, versions: Mapping[str, Sample], level: float, fewest: int) -> pd.DataFrame:
    """Give `name, kind, version, estimate, std_error, low, high, design_effect, rows, missing`: one row per number and weighting.

    Shares are from 0 to 1, with intervals that stay there. `missing` counts respondents left out: no answer or, of an income, a flagged one. Numbers that fewer
    than `fewest` respondents stand behind (of a share, also on the smaller side) are emptied.
    """
    raked = versions["raked"]
    asked = {**versions, UNFLAGGED: within(raked, ~flagged(raked.frame))}
    rows = [{"version": version, **row} for version, sample in asked.items() for row in _numbers(part, sample, level)]
    return _printable(pd.DataFrame(rows), fewest)


def estimates_by(part: SurveyPart, raked: Sample, level: float, fewest: int) -> pd.DataFrame:
    """Give the raked numbers again for each level of the margin that the study names: `by, level, name, kind, …` as `estimates`."""
    if part.by is None:
        return pd.DataFrame()
    groups = raked.frame[part.by].astype(str)
    parts = [(group, within(raked, (groups == group).to_numpy())) for group in sorted(groups.unique())]
    rows = [{"by": part.by, "level": group, **row} for group, sample in parts for row in _numbers(part, sample, level)]
    return _printable(pd.DataFrame(rows), fewest)


def scales(part: SurveyPart, codebook: Codebook, raked: Sample, level: float) -> tuple[Scale, ...]:
    """Measure how the items of each scale hang together among raked respondents; items that the codebook calls reversed are turned.

    Raises EstimationError for a scale with too few whole answers.
    """
    return tuple(Scale(scale.name, _reliability(scale, codebook, raked, level)) for scale in part.scales)


def scale_tables(found: Sequence[Scale]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give one row per scale, `name, items, reversed, alpha, alpha_low, alpha_high, omega, lowest_item_rest, people, incomplete`, and the items of all."""
    rows = [
        {
            "name": one.name,
            "items": len(one.found.items),
            "reversed": int(one.found.items["reversed"].sum()),
            "alpha": one.found.alpha,
            "alpha_low": one.found.alpha_low,
            "alpha_high": one.found.alpha_high,
            "omega": one.found.omega,
            "lowest_item_rest": float(one.found.items["item_rest"].min()),
            "people": one.found.people,
            "incomplete": one.found.incomplete,
        }
        for one in found
    ]
    items = [one.found.items.assign(scale=one.name) for one in found]
    return pd.DataFrame(rows), pd.concat(items, ignore_index=True) if items else pd.DataFrame()


def scale_sentences(found: Sequence[Scale]) -> dict[str, tuple[Text, ...]]:
    """Give what the numbers of each scale say, for readers."""
    return {one.name: one.found.sentences for one in found}


def flagged(rows: pd.DataFrame) -> Bools:
    """Tell which rows carry a flag on an income."""
    names = [name for name in rows.columns if name.startswith("flag_income_")]
    return rows[names].any(axis=1).to_numpy(dtype=bool) if names else np.zeros(len(rows), dtype=bool)


def asked_columns(part: SurveyPart, rows: pd.DataFrame) -> dict[str, Floats]:
    """Give the number behind each share and mean, one per respondent; missing where there is no answer, and for an income that is flagged."""
    incomes, doubtful = SurveyOptions().incomes, flagged(rows)
    shares = {one.name: _indicator(rows[one.field], one.codes) for one in part.shares}
    values = {one.name: rows[one.field].to_numpy(dtype=float, na_value=np.nan) for one in part.means}
    for one in part.means:
        if one.field in incomes:
            values[one.name] = np.where(doubtful, np.nan, values[one.name])
    return {**shares, **values}


def _numbers(part: SurveyPart, sample: Sample, level: float) -> list[dict[str, object]]:
    columns = asked_columns(part, sample.frame)
    shares = {one.name for one in part.shares}
    return [_number(sample, name, values, name in shares, level) for name, values in columns.items()]


def _number(sample: Sample, name: str, values: Floats, is_share: bool, level: float) -> dict[str, object]:
    inside = ~np.isnan(values) & (sample.weights > 0)
    row: dict[str, object] = {"name": name, "kind": "share" if is_share else "mean"}
    if inside.sum() < 2:
        return {
            **row,
            **dict.fromkeys(_NUMBERS, np.nan),
            "rows": int(inside.sum()),
            "missing": int((sample.weights > 0).sum() - inside.sum()),
        }
    asked = Sample(sample.frame.assign(**{name: values}), sample.weights, sample.stages, sample.lonely, sample.adjustments)
    found = means(asked, (name,), "drop")
    told = found.tidy(level).iloc[0]
    ends = _share_ends(found, level) if is_share else {key: float(told[key]) for key in ("low", "high")}
    numbers = {key: float(told[key]) for key in ("estimate", "std_error")}
    smaller = int(min(values[inside].sum(), (1 - values[inside]).sum())) if is_share else int(told["rows"])
    effect = float(told["design_effect_replace"])
    return {
        **row,
        **numbers,
        **ends,
        "design_effect": effect,
        "rows": int(told["rows"]),
        "missing": int(told["missing"]),
        "behind": smaller,
    }


def _share_ends(found: Estimates, level: float) -> dict[str, float]:
    ends = share_intervals(found, level).iloc[0]
    return {key: float(ends[key]) for key in ("low", "high")}


def _indicator(answers: pd.Series[int], codes: Sequence[int]) -> Floats:
    return np.where(answers.isna(), np.nan, answers.isin(codes).to_numpy(dtype=float))


def _printable(table: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Empty what too few stand behind; of a share the smaller side, whether yes or no."""
    table = suppressed(table, fewest, _NUMBERS, "rows")
    if "behind" in table:
        table = suppressed(table, fewest, _NUMBERS, "behind").drop(columns="behind")
    return table


def _reliability(scale: SurveyScale, codebook: Codebook, raked: Sample, level: float) -> Reliability:
    items = [codebook.by_field[name] for name in scale.fields]
    steps = [float(option.code) for option in items[0].options]
    reverse = [item.field for item in items if item.reverse]
    answers = raked.frame[list(scale.fields)].astype("Float64").astype(float)
    return reliability(answers, (min(steps), max(steps)), reverse, raked.weights, level=level)
