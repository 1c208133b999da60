"""Moments of other rows, without those rows: units weighted anew, left out, joined, or put beside those of another holder. May touch: nothing.

Each function gives what compressing the changed rows would give, as far as sums can tell; what they cannot tell is said where it applies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from impact.errors import DataError, DesignError, listing, nearest
from impact.moments.bins import BIN_COLUMNS
from impact.moments.moments import CELL_COLUMNS, WORKER_COLUMNS, Floats, Moments
from impact.moments.patterns import Patterns, workers_of
from impact.moments.spells import SPELL_COLUMNS

_SUMS = ("n", "workers", "w", "w2", "wy", "wy2")
"""Columns that add up over workers."""
Kind = TypeVar("Kind", str, int)
_OPTIONAL = ("pairs", "patterns", "bins", "spells")


def reweight(moments: Moments, weights: Mapping[str, float]) -> Moments:
    """Let each worker of a unit stand as often as `weights` says; units at zero leave.

    For the bootstrap by cluster. The months stay, also those in which nobody is left. Where a unit was one worker, pairs and patterns are not made up.
    Raises DesignError where a unit is not named, a weight is negative, or nobody is left.
    """
    factors = _factors(moments, weights)
    kept = restrict(moments, [str(unit) for unit, factor in factors.items() if factor > 0])
    factor = factors.reindex(kept.units.index).to_numpy(dtype=float)
    return replace(
        kept,
        cells=_scaled(kept.cells, factors),
        workers=_scaled(kept.workers, factors),
        pairs=None if kept.pairs is None else {name: gram * factor[:, None, None] for name, gram in kept.pairs.items()},
        patterns=None if kept.patterns is None else {name: _scaled_patterns(found, factor) for name, found in kept.patterns.items()},
        bins=None if kept.bins is None else _scaled(kept.bins, factors),
        spells=None if kept.spells is None else _scaled(kept.spells, factors),
    )


def restrict(moments: Moments, units: Collection[str] | None = None, months: Collection[int] | None = None) -> Moments:
    """Keep some units and months of every part; None keeps all. Units in which nobody is left go; the months asked for stay.

    With patterns, workers are counted again; without them a unit's workers are counted again only where a unit is one worker or each row is one, and
    are those of all months elsewhere. The same holds for the mean weight within pairs, which needs the pairs of patterns. `between` is missing for patterns
    that lose a month. Spells are kept whole: their tenure is not a month of the panel.
    Raises DesignError where a unit or month is not there, or nobody is left.
    """
    chosen = moments.units.index if units is None else pd.Index(_known(units, moments.units.index, "unit"))
    wanted = set(moments.months if months is None else _known(months, moments.months, "month"))
    keep = np.array([month in wanted for month in moments.months])
    cells = moments.cells[moments.cells["unit"].isin(chosen) & moments.cells["month"].isin(wanted)].reset_index(drop=True)
    if cells.empty:
        raise DesignError(
            f"moments: nobody is left.\nFound no rows in {len(chosen):,} units and {keep.sum()} months.\nKeep other units or months."
        )
    left = moments.units.index.isin(cells["unit"])
    patterns = None if moments.patterns is None else {name: _cut_patterns(one, left, keep) for name, one in moments.patterns.items()}
    frame = moments.units[left]
    return replace(
        moments,
        months=tuple(month for month in moments.months if month in wanted),
        units=frame,
        cells=cells,
        workers=_recounted(moments, cells, patterns, frame.index, bool(keep.all())),
        pairs=_cut_pairs(moments, patterns, left, keep),
        patterns=patterns,
        bins=None if moments.bins is None else _within(moments.bins, frame.index, wanted),
        spells=None if moments.spells is None else _within(moments.spells, frame.index, None),
    )


def merge(moments: Moments, groups: Mapping[str, str]) -> Moments:
    """Join units into coarser ones; `groups` names the coarser unit of every unit.

    Whoever works in two of the units that are joined counts as two workers. Where every unit was one worker, pairs and patterns stay unknown.
    Raises DesignError where a unit is not named, DataError where an attribute differs within a coarser unit.
    """
    missing = [unit for unit in moments.units.index if unit not in groups]
    if missing:
        raise DesignError(f"groups: {len(missing):,} units have no group.\nFound {listing(missing)}.\nName the coarser unit of every unit.")
    named = pd.Series({unit: str(groups[unit]) for unit in moments.units.index}, dtype="str")
    units = _joined_units(moments.units, named)
    place = units.index.get_indexer(pd.Index(named))
    return replace(
        moments,
        units=units,
        cells=_summed(moments.cells, named, CELL_COLUMNS, 3),
        workers=_summed(moments.workers, named, WORKER_COLUMNS, 2),
        pairs=None if moments.pairs is None else {name: _added(gram, place, len(units)) for name, gram in moments.pairs.items()},
        patterns=None
        if moments.patterns is None
        else {name: _collected(replace(one, unit=place[one.unit])) for name, one in moments.patterns.items()},
        bins=None if moments.bins is None else _summed(moments.bins, named, BIN_COLUMNS, 4),
        spells=None if moments.spells is None else _summed(moments.spells, named, SPELL_COLUMNS, 4),
    )


def combine(first: Moments, second: Moments) -> Moments:
    """Put moments of disjoint strata or holders together.

    Raises DataError where they share a unit, or differ in period, months, outcomes, attributes of units or parts.
    """
    _require_alike(first, second)
    units = pd.concat([first.units, second.units]).sort_index()
    order = np.argsort(units.index.get_indexer(pd.Index([*first.units.index, *second.units.index])))
    pairs = None
    if first.pairs is not None and second.pairs is not None:
        pairs = {name: np.concatenate([gram, second.pairs[name]])[order] for name, gram in first.pairs.items()}
    patterns = None
    if first.patterns is not None and second.patterns is not None:
        patterns = {name: _beside(one, second.patterns[name], first, second, units.index) for name, one in first.patterns.items()}
    return replace(
        first,
        units=units,
        cells=_stacked(first.cells, second.cells, ["outcome", "unit", "month"]),
        workers=_stacked(first.workers, second.workers, ["outcome", "unit"]),
        pairs=pairs,
        patterns=patterns,
        bins=None if first.bins is None or second.bins is None else _stacked(first.bins, second.bins, list(BIN_COLUMNS[:4])),
        spells=None if first.spells is None or second.spells is None else _stacked(first.spells, second.spells, list(SPELL_COLUMNS[:4])),
    )


def _factors(moments: Moments, weights: Mapping[str, float]) -> pd.Series[float]:
    missing = [unit for unit in moments.units.index if unit not in weights]
    factors = pd.Series({unit: float(weights[unit]) for unit in moments.units.index if unit in weights}, dtype=float)
    if missing or not (factors >= 0).all():
        wrong = missing or list(factors.index[~(factors >= 0)])
        raise DesignError(
            f"weights: {len(wrong):,} of {len(moments.units):,} units have no weight of zero or more.\nFound {listing(wrong)}.\nGive every unit one."
        )
    return factors


def _known(asked: Collection[Kind], there: Collection[Kind], what: str) -> list[Kind]:
    unknown = [name for name in asked if name not in set(there)]
    if unknown:
        near = nearest(str(unknown[0]), [str(name) for name in there])
        raise DesignError(
            f"moments: {what} `{unknown[0]}` is not there.\nFound {listing(there)}. {near}".rstrip() + f"\nKeep a {what} that is held."
        )
    return list(asked)


def _scaled(table: pd.DataFrame, factors: pd.Series[float]) -> pd.DataFrame:
    """Multiply the sums of a table; counts stay whole numbers where they are."""
    factor = table["unit"].map(factors).to_numpy(dtype=float)
    scaled = table.assign(**{name: table[name] * factor for name in _SUMS if name in table})
    whole = [name for name in ("n", "workers") if name in table and (np.mod(scaled[name], 1) == 0).all()]
    return scaled.astype(dict.fromkeys(whole, "int64")).reset_index(drop=True)


def _scaled_patterns(found: Patterns, factor: np.ndarray) -> Patterns:
    times = factor[found.unit]
    return Patterns(
        found.unit,
        found.seen,
        found.workers * times,
        found.weight * times,
        found.total * times[:, None],
        found.square * times[:, None],
        found.between * times,
        None if found.pairs is None else found.pairs * times[:, None, None],
    )


def _within(table: pd.DataFrame, units: pd.Index, months: Collection[int] | None) -> pd.DataFrame:
    inside = table["unit"].isin(units)
    return table[inside if months is None else inside & table["month"].isin(months)].reset_index(drop=True)


def _cut_patterns(found: Patterns, units: np.ndarray, months: np.ndarray) -> Patterns:
    """Keep some units and months; patterns that become equal are joined."""
    seen = found.seen[:, months]
    rows = units[found.unit] & seen.any(axis=1)
    shortened = (found.seen & ~months).any(axis=1)
    grid = np.r_[months, months, True]
    cut = Patterns(
        (np.cumsum(units) - 1)[found.unit][rows],
        seen[rows],
        found.workers[rows],
        found.weight[rows],
        found.total[:, months][rows],
        found.square[:, months][rows],
        np.where(shortened, np.nan, found.between)[rows],
        None if found.pairs is None else found.pairs[np.ix_(rows, grid, grid)],
    )
    return _collected(cut)


def _collected(found: Patterns) -> Patterns:
    """Join the rows of the same unit and months, and put them in order."""
    keys = np.column_stack([found.unit, found.seen])
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    place, count = place.reshape(-1), len(distinct)
    return Patterns(
        distinct[:, 0].astype(int),
        distinct[:, 1:].astype(bool),
        _added(found.workers, place, count),
        _added(found.weight, place, count),
        _added(found.total, place, count),
        _added(found.square, place, count),
        _added(found.between, place, count),
        None if found.pairs is None else _added(found.pairs, place, count),
    )


def _added(values: Floats, place: np.ndarray, count: int) -> Floats:
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, place, values)
    return sums


def _recounted(
    moments: Moments, cells: pd.DataFrame, patterns: Mapping[str, Patterns] | None, units: pd.Index, whole: bool
) -> pd.DataFrame:
    """Count the workers who are left."""
    kept = moments.workers.merge(cells[["unit", "outcome"]].drop_duplicates(), on=["unit", "outcome"])
    if whole:
        return kept[list(WORKER_COLUMNS)]
    if patterns is not None:
        parts = [workers_of(name, found, units) for name, found in patterns.items()]
        return pd.concat(parts, ignore_index=True).astype({"workers": "int64"})
    rows = moments.cells.groupby(["unit", "outcome"], as_index=False)[["n", "w"]].sum()
    sums = cells.groupby(["unit", "outcome"], as_index=False)[["n", "w"]].sum()
    before, after = (kept[["unit", "outcome"]].merge(part, on=["unit", "outcome"], how="left") for part in (rows, sums))
    if moments.one_worker_per_unit:
        return kept.assign(w=(after["w"] / after["n"]).to_numpy())[list(WORKER_COLUMNS)]
    if (before["n"] == kept["workers"]).all():
        return kept.assign(workers=after["n"].to_numpy(), w=after["w"].to_numpy())[list(WORKER_COLUMNS)]
    return kept[list(WORKER_COLUMNS)]


def _cut_pairs(
    moments: Moments, patterns: Mapping[str, Patterns] | None, units: np.ndarray, months: np.ndarray
) -> dict[str, Floats] | None:
    if moments.pairs is None:
        return None
    grid, cut = np.r_[months, months, True], {}
    for name, gram in moments.pairs.items():
        found = None if patterns is None or months.all() else patterns.get(name)
        if found is not None and found.pairs is not None:
            cut[name] = _added(found.pairs, found.unit, int(units.sum()))
        else:
            cut[name] = gram[np.ix_(units, grid, grid)]
    return cut


def _joined_units(units: pd.DataFrame, named: pd.Series[str]) -> pd.DataFrame:
    grouped = units.groupby(named.to_numpy())
    for name in units:
        changing = grouped[str(name)].nunique(dropna=False) > 1
        if changing.any():
            raise DataError(
                f"`{str(name).replace('_', '-')}` differs within {changing.sum():,} of {len(changing):,} coarser units.\n"
                f"Found in: {listing(changing.index[changing])}.\nJoin only units that share it."
            )
    return units.assign(unit=named.to_numpy()).drop_duplicates("unit").set_index("unit").sort_index()


def _summed(table: pd.DataFrame, named: pd.Series[str], columns: Sequence[str], keys: int) -> pd.DataFrame:
    """Add up the sums of units that are joined; `keys` of the columns tell rows apart."""
    coarse, by = table.assign(unit=table["unit"].map(named).astype("str")), list(columns[:keys])
    sums = coarse.groupby(by, as_index=False, dropna=False)[list(columns[keys:])].sum()
    return _ordered(sums, by, _order_asked(table))[list(columns)]


def _ordered(table: pd.DataFrame, by: list[str], outcomes: Sequence[str] | None) -> pd.DataFrame:
    """Sort rows as the pass leaves them: by outcome in the order asked for, then by unit."""
    if outcomes is None:
        keys = ["outcome", *(name for name in by if name != "outcome")] if "outcome" in by else by
        return table.sort_values(keys, ignore_index=True)
    rank = table["outcome"].map({name: place for place, name in enumerate(outcomes)})
    keys = [name for name in by if name != "outcome"]
    return table.assign(rank_=rank).sort_values(["rank_", *keys], ignore_index=True).drop(columns="rank_")


def _order_asked(table: pd.DataFrame) -> list[str] | None:
    """Give the outcomes in the order asked for; None for bins and spells, which the pass sorts by name."""
    return list(dict.fromkeys(table["outcome"])) if "outcome" in table and "bin" not in table else None


def _stacked(first: pd.DataFrame, second: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return _ordered(pd.concat([first, second], ignore_index=True), by, _order_asked(first))


def _beside(one: Patterns, other: Patterns, first: Moments, second: Moments, units: pd.Index) -> Patterns:
    """Put the patterns of two holders below each other, at the places of their units."""
    places = [units.get_indexer(held.units.index)[found.unit] for held, found in ((first, one), (second, other))]

    def both(name: str) -> Floats:
        return np.concatenate([getattr(one, name), getattr(other, name)])

    pairs = None if one.pairs is None or other.pairs is None else both("pairs")
    sums = {name: both(name) for name in ("seen", "workers", "weight", "total", "square", "between")}
    return _collected(Patterns(unit=np.concatenate(places), **sums, pairs=pairs))


def _require_alike(first: Moments, second: Moments) -> None:
    shared = first.units.index.intersection(second.units.index)
    if len(shared):
        raise DataError(
            f"moments: they share {len(shared):,} units, whose workers would count twice.\nFound {listing(shared)}.\nCombine disjoint strata or holders."
        )
    for name, found in (
        ("period", (first.period, second.period)),
        ("months", (first.months, second.months)),
        ("outcomes", (first.outcomes, second.outcomes)),
        ("attributes of units", (sorted(map(str, first.units)), sorted(map(str, second.units)))),
        ("parts", (_parts(first), _parts(second))),
    ):
        if found[0] != found[1]:
            raise DataError(
                f"moments: they differ in {name}.\nFound {found[0]} and {found[1]}.\nCompress both for the same question, or restrict them first."
            )


def _parts(moments: Moments) -> list[str]:
    return [name for name in _OPTIONAL if getattr(moments, name) is not None]
