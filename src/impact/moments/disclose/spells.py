"""Spells, made safe: causes, months of entry and tenures are joined with their neighbours until no count is small. May touch: nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.moments.disclose.draws import labels, rounded, uniforms
from impact.moments.disclose.groups import three_digits
from impact.moments.disclose.rules import Rules
from impact.moments.spells import CENSORED, ENTERED, SPELL_COLUMNS

OTHER = "other"
"""Causes that are too few in a unit to be told apart."""


def safe_spells(spells: pd.DataFrame, units: pd.Index, rules: Rules, key: bytes) -> pd.DataFrame:
    """Join what is too small; a unit in which entries, exits or open ends remain too few is withheld as a whole."""
    parts = [_of_unit(rows, rules.threshold) for _, rows in spells[spells["unit"].isin(units)].groupby("unit")]
    kept = [part for part in parts if part is not None]
    if not kept:
        return spells.iloc[:0].copy()
    table = pd.concat(kept, ignore_index=True)
    draws = uniforms(key, labels(*(table[name] for name in SPELL_COLUMNS[:4]), table["n"].astype(float)))
    n = rounded(table["n"].to_numpy(dtype=float), rules.base, draws[:, 0], rules.threshold)
    weight = three_digits(table["w"] / table["n"])
    return table.assign(n=n.astype("int64"), w=n * weight)[list(SPELL_COLUMNS)].sort_values(list(SPELL_COLUMNS[:4]), ignore_index=True)


def _of_unit(rows: pd.DataFrame, threshold: int) -> pd.DataFrame | None:
    named = _with_other(rows, threshold)
    if (named.groupby("cause")["n"].sum() < threshold).any():
        return None
    joined = _with_cohorts(named, threshold)
    parts = [_with_tenures(part, threshold) for _, part in joined.groupby(["entry_cohort", "cause"])]
    return pd.concat(parts, ignore_index=True)


def _with_other(rows: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Call causes that are too few `other`, with the smallest of the larger ones where they are too few together."""
    totals = rows[~rows["cause"].isin([ENTERED, CENSORED])].groupby("cause")["n"].sum().sort_values(kind="stable")
    few = list(totals.index[totals < threshold])
    if few and totals[few].sum() < threshold:
        few = list(totals.index[: len(few) + 1])
    return rows.assign(cause=rows["cause"].mask(rows["cause"].isin(few), OTHER))


def _with_cohorts(rows: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Join months of entry with the next until each cause has none or enough; the joined month is the first."""
    counts = rows.pivot_table(index="entry_cohort", columns="cause", values="n", aggfunc="sum", fill_value=0)
    runs: list[tuple[list[object], np.ndarray]] = []
    for cohort, row in zip(counts.index, counts.to_numpy(), strict=True):
        if runs and _few(runs[-1][1], threshold):
            runs[-1] = ([*runs[-1][0], cohort], runs[-1][1] + row)
        else:
            runs.append(([cohort], row))
    while len(runs) > 1 and _few(runs[-1][1], threshold):
        last = runs.pop()
        runs[-1] = ([*runs[-1][0], *last[0]], runs[-1][1] + last[1])
    name = {cohort: members[0] for members, _ in runs for cohort in members}
    return rows.assign(entry_cohort=rows["entry_cohort"].map(name))


def _few(counts: np.ndarray, threshold: int) -> bool:
    return bool(((counts > 0) & (counts < threshold)).any())


def _with_tenures(rows: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Join tenures with the next until each has enough; the joined tenure is the mean one."""
    sums = rows.groupby("tenure", as_index=False)[["n", "w"]].sum()
    part, number, held = [], 0, 0
    for count in sums["n"]:
        part.append(number)
        held += count
        if held >= threshold:
            number, held = number + 1, 0
    last = number - 1 if held and number else number
    joined = sums.assign(part=np.minimum(part, last), total=sums["tenure"] * sums["n"]).groupby("part")[["n", "w", "total"]].sum()
    tenure = np.rint(joined["total"] / joined["n"]).astype("int64")
    head = rows.iloc[0]
    return joined.assign(tenure=tenure, unit=head["unit"], entry_cohort=head["entry_cohort"], cause=head["cause"])[list(SPELL_COLUMNS)]
