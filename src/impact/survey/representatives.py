"""Whom a handful of elected representatives stand for. May touch: nothing.

With eleven people the only honest test is exact: drawing as many from the workforce without replacement, how likely is a result as unlikely as theirs?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from scipy import special, stats

from impact.errors import DataError, listing
from impact.survey.margins import Margin, label
from impact.survey.sample import Floats, Ints, whole_column
from impact.text import Text

MOST_TABLES = 200_000
"""Outcomes that are listed one by one; beyond, draws stand in for them."""
DRAWS = 20_000
UNLIKELY = 0.05


@dataclass(frozen=True, slots=True)
class Representation:
    """Representatives by category, against the workforce."""

    table: pd.DataFrame
    """`level, representatives, workers, share, share_workers, expected, chance_of_nobody`; the last: how often a random draw would leave the category out."""
    p_value: float
    """Chance of a result at least as unlikely under random draws."""
    exact: bool
    """Whether all outcomes were listed; else the value is from seeded draws."""
    nobody: tuple[str, ...]
    """Categories that have workers and no representative."""
    workers_without: float
    """Share of the workforce in those categories."""
    sentence: Text


def representation(representatives: pd.DataFrame, margin: Margin, called: Text | None = None, seed: int = 0) -> Representation:
    """Compare representatives with the workforce by the categories of a margin, which the sentence calls `called`, or else by its columns.

    Raises DataError for a missing value, a category that the workforce has not, counts that are not whole, or more representatives than workers.
    """
    counts = np.array(margin.counts)
    size = _whole(counts, margin)
    seats = _seats(representatives, margin)
    drawn = int(seats.sum())
    if drawn < 1 or (seats > size).any():
        raise DataError(
            f"margin `{margin.name}`: there are more representatives than workers, or none.\nFound {drawn} representatives.\nCorrect the counts."
        )
    p_value, exact = _p_value(seats, size, seed)
    share = size / size.sum()
    nobody = [spot for spot in range(len(size)) if seats[spot] == 0 and size[spot] > 0]
    left_out = stats.hypergeom.pmf(0, size.sum(), size, drawn)
    names = [label(level) for level in margin.levels]
    numbers = {"representatives": seats, "workers": size, "share": seats / drawn, "share_workers": share, "expected": drawn * share}
    table = pd.DataFrame({"level": names, **numbers, "chance_of_nobody": left_out})
    without = float(share[nobody].sum())
    empty = tuple(names[spot] for spot in nobody)
    return Representation(
        table,
        p_value,
        exact,
        empty,
        without,
        _sentence(called or Text(en=margin.name, zh=margin.name), drawn, p_value, len(empty), without),
    )


def rank_table(representatives: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Compare percentile ranks (0 to 100, among the workforce) with a draw at random: `column, representatives, mean, lowest, above_half, p_value`.

    `p_value` is of the two-sided sign test: as many above, or below, the middle of the workforce.

    Raises DataError for a missing rank, or one outside 0 to 100.
    """
    rows = []
    for name in columns:
        ranks = whole_column(representatives, name).to_numpy(dtype=float)
        if not ((ranks >= 0) & (ranks <= 100)).all():
            raise DataError(
                f"representatives: column `{name}` is no percentile.\nFound {ranks.min():g} to {ranks.max():g}.\nGive ranks from 0 to 100."
            )
        above, ties = int((ranks > 50).sum()), int((ranks == 50).sum())
        p_value = float(stats.binomtest(above, len(ranks) - ties).pvalue) if len(ranks) > ties else 1.0
        rows.append((name, len(ranks), float(ranks.mean()), float(ranks.min()), above, p_value))
    return pd.DataFrame(rows, columns=["column", "representatives", "mean", "lowest", "above_half", "p_value"])


def _whole(counts: Floats, margin: Margin) -> Ints:
    if not (np.isfinite(counts) & (counts >= 0) & (counts == np.round(counts))).all():
        raise DataError(f"margin `{margin.name}`: counts of workers are not whole.\nFound {listing(counts, 5)}.\nGive numbers of people.")
    return counts.astype(np.int64)


def _seats(representatives: pd.DataFrame, margin: Margin) -> Ints:
    for name in margin.columns:
        whole_column(representatives, name)
    number = {level: spot for spot, level in enumerate(margin.levels)}
    rows = list(representatives[list(margin.columns)].itertuples(index=False, name=None))
    strange = sorted({label(row) for row in rows if row not in number})
    if strange:
        raise DataError(
            f"margin `{margin.name}`: representatives come from categories that the workforce has not.\nFound {listing(strange)}.\nSpell both the same way."
        )
    return np.bincount([number[row] for row in rows], minlength=len(number)).astype(np.int64)


def _p_value(seats: Ints, size: Ints, seed: int) -> tuple[float, bool]:
    drawn = int(seats.sum())
    observed = _log_chance(seats[None, :], size)[0]
    if comb(drawn + len(size) - 1, drawn) <= MOST_TABLES:
        tables = np.array(list(_tables(drawn, len(size))), dtype=np.int64)
        chances = _log_chance(tables[(tables <= size).all(axis=1)], size)
        return float(np.exp(chances[chances <= observed + 1e-9]).sum()), True
    drawn_tables = np.random.default_rng(seed).multivariate_hypergeometric(size, drawn, size=DRAWS)
    rare = int((_log_chance(drawn_tables, size) <= observed + 1e-9).sum())
    return (1 + rare) / (1 + DRAWS), False


def _tables(seats: int, groups: int) -> Iterator[tuple[int, ...]]:
    """List all ways to give seats to groups."""
    if groups == 1:
        yield (seats,)
        return
    for first in range(seats + 1):
        for rest in _tables(seats - first, groups - 1):
            yield (first, *rest)


def _log_chance(tables: Ints, size: Ints) -> Floats:
    drawn = tables[0].sum()
    ways = _log_choose(size, tables).sum(axis=1)
    return np.asarray(ways - _log_choose(size.sum(), drawn))


def _log_choose(among: Ints, chosen: Ints) -> Floats:
    return np.asarray(special.gammaln(among + 1) - special.gammaln(chosen + 1) - special.gammaln(among - chosen + 1))


def _sentence(name: Text, drawn: int, p_value: float, empty: int, without: float) -> Text:
    far = p_value < UNLIKELY
    start_en = (
        f"By {name.en}, the {drawn} representatives differ from the workforce by more than chance (exact test, p = {p_value:.3f})."
        if far
        else f"By {name.en}, {drawn} representatives are too few to tell whether they differ from the workforce (exact test, p = {p_value:.2f})."
    )
    start_zh = (
        f"按{name.zh}看，{drawn} 名协商代表的构成与全体劳动者的差异超出了偶然（精确检验，p = {p_value:.3f}）。"
        if far
        else f"按{name.zh}看，仅凭 {drawn} 名协商代表，无法判断其构成是否有别于全体劳动者（精确检验，p = {p_value:.2f}）。"
    )
    if not empty:
        return Text(en=f"{start_en} Every category has a representative.", zh=f"{start_zh}每一类都有代表。")
    groups = "1 category has" if empty == 1 else f"{empty} categories have"
    return Text(
        en=f"{start_en} {groups} nobody; {without:.0%} of the workers are in them.",
        zh=f"{start_zh}有 {empty} 类没有代表，涉及 {without:.0%} 的劳动者。",
    )
