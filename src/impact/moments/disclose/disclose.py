"""The gate: moments that may leave the building, and the statement of what was withheld. May touch: nothing.

Source: Hundepool et al., *Handbook on Statistical Disclosure Control*; `docs/disclosure.md` says what each rule is for, what it leaves open and costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.errors import DataError
from impact.moments.bins import BIN_COLUMNS
from impact.moments.disclose.bins import safe_bins
from impact.moments.disclose.cells import KEYS, Cells, safe_cells
from impact.moments.disclose.draws import labels, rounded, uniforms
from impact.moments.disclose.earlier import differing_patterns
from impact.moments.disclose.groups import Groups, three_digits
from impact.moments.disclose.pairs import safe_pairs
from impact.moments.disclose.patterns import groups_of, rest_of, safe_patterns, withheld_patterns
from impact.moments.disclose.rules import Rules, require_rules
from impact.moments.disclose.spells import safe_spells
from impact.moments.disclose.statement import WHOLE, Statement, statement_of, tally
from impact.moments.moments import CELL_COLUMNS, WORKER_COLUMNS, Floats, Moments
from impact.moments.patterns import Patterns
from impact.moments.spells import SPELL_COLUMNS

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Moments that may leave, and what is said beside them."""

    moments: Moments
    statement: Statement


def disclose(
    moments: Moments, rules: Rules, key: bytes, largest: pd.DataFrame | None = None, released: Sequence[Moments] = ()
) -> Disclosed:
    """Withhold, round and blur.

    `key` stays with the rows: it makes two runs give the same numbers that nobody else can undo. `largest` says for `unit, month, outcome` which
    `largest_share` of Σ w·|y| one contributor has; without it the share is bounded. `released` are the moments, before disclosure, that are out
    already or go out in the same bundle; what differs from them by too few workers is withheld.
    Raises DataError where the rules or the key protect nobody, where units are single workers, or where nothing is left.
    """
    require_rules(rules, key)
    _require_groups(moments)
    cells = safe_cells(moments, rules, key, largest, released)
    _require_something(cells, rules)
    workers = _safe_workers(moments, cells, rules, key)
    rows = [row for name in moments.outcomes for row in _cell_rows(cells, name)]
    reasons = _pattern_reasons(moments, cells, rules, released)
    units = moments.units[moments.units.index.isin(cells.safe["unit"])]
    kept = replace(
        moments,
        units=units,
        cells=cells.safe,
        workers=workers,
        pairs=_pairs(moments, cells, workers, reasons, rules, key, units.index, rows),
        patterns=_patterns(moments, cells, reasons, rules, key, units.index, rows),
        bins=None if moments.bins is None else _bins(moments.bins, cells, rules, key, rows),
        spells=None if moments.spells is None else _spells(moments.spells, units.index, rules, key, rows),
    )
    return Disclosed(kept, statement_of(rules, rows))


def _require_groups(moments: Moments) -> None:
    if moments.one_worker_per_unit:
        raise DataError(
            f"disclosure: every unit is one worker, and nothing of one worker may leave.\nFound {len(moments.units):,} units.\n"
            "Compress by cohort, city or stratum."
        )


def _require_something(cells: Cells, rules: Rules) -> None:
    if cells.safe.empty:
        raise DataError(
            f"disclosure: nothing is left to release.\nFound {len(cells.table):,} unit-months with at most {cells.table['n'].max():,} workers; "
            f"the threshold is {rules.threshold}.\nCompress by coarser units."
        )


def _cell_rows(cells: Cells, outcome: str) -> list[Row]:
    rows = (cells.table["outcome"] == outcome).to_numpy()
    return tally("cells", outcome, cells.reason[rows], cells.table["n"].to_numpy(dtype=float)[rows])


def _safe_workers(moments: Moments, cells: Cells, rules: Rules, key: bytes) -> pd.DataFrame:
    """Round the workers of units; where each row is a worker of its own, they are those of the released cells."""
    by = ["unit", "outcome"]
    table = moments.workers.merge(cells.safe[by].drop_duplicates(), on=by)
    everything = table[by].merge(cells.table.groupby(by, as_index=False)["n"].sum(), on=by, how="left")["n"].to_numpy()
    open_rows = table[by].merge(cells.table[cells.released].groupby(by, as_index=False)["n"].sum(), on=by, how="left")["n"].to_numpy()
    counts = np.where(everything == table["workers"], open_rows, table["workers"]).astype(float)
    draws = uniforms(key, labels(["workers"] * len(table), table["unit"], table["outcome"], counts))
    n = rounded(counts, rules.base, draws[:, 0], rules.threshold)
    mean = three_digits(table["w"] / table["workers"])
    return table.assign(workers=n.astype("int64"), w=n * mean)[list(WORKER_COLUMNS)]


def _laid(moments: Moments, cells: Cells, values: pd.Series | np.ndarray, outcome: str) -> np.ndarray:
    """Lay values of the cells of one outcome out; shape (units, months), zero where nobody is seen."""
    rows = (cells.table["outcome"] == outcome).to_numpy()
    unit = moments.units.index.get_indexer(pd.Index(cells.table["unit"][rows]))
    month = np.searchsorted(np.asarray(moments.months), cells.table["month"][rows].to_numpy())
    found = np.asarray(values)[rows]
    laid = np.zeros((len(moments.units), len(moments.months), *found.shape[1:]), dtype=found.dtype)
    laid[unit, month] = found
    return laid


def _pattern_reasons(moments: Moments, cells: Cells, rules: Rules, released: Sequence[Moments]) -> dict[str, np.ndarray]:
    if moments.patterns is None:
        return {}
    reasons = {}
    for name, found in moments.patterns.items():
        differing = [differing_patterns(moments, earlier, name, rules) for earlier in released]
        reasons[name] = withheld_patterns(found, _laid(moments, cells, cells.released, name), rules, name in cells.counts, differing)
    return reasons


def _patterns(
    moments: Moments, cells: Cells, reasons: dict[str, np.ndarray], rules: Rules, key: bytes, units: pd.Index, rows: list[Row]
) -> dict[str, Patterns] | None:
    if moments.patterns is None:
        return None
    safe = {}
    for name, found in moments.patterns.items():
        rows += tally("patterns", name, reasons[name], found.workers)
        if not (reasons[name] == "").any():
            continue
        held, uniform = safe_patterns(found, reasons[name], moments, rules, key, name in cells.counts, name)
        if found.pairs is not None:
            held = held.with_pairs(_pattern_pairs(moments, found, held, reasons[name] == "", uniform, rules, key, name))
        safe[name] = replace(held, unit=units.get_indexer(moments.units.index[held.unit]))
    return safe or None


def _pattern_pairs(
    moments: Moments, found: Patterns, held: Patterns, out: np.ndarray, uniform: Floats, rules: Rules, key: bytes, name: str
) -> Floats:
    """Make the pairs of released patterns safe: everybody of a pattern is seen in all of its months."""
    assert found.pairs is not None
    whole = groups_of(found)
    before = Groups(*(getattr(whole, column)[out] for column in CELL_COLUMNS[3:]))
    counts = before.n[:, :, None] * held.seen[:, None, :]
    names = [f"{name} | {moments.units.index[unit]} | {word}" for unit, word in zip(held.unit, held.names(), strict=True)]
    return safe_pairs(found.pairs[out], counts, before, groups_of(held), uniform, (found.workers[out], held.workers), names, rules, key)


def _pairs(
    moments: Moments,
    cells: Cells,
    workers: pd.DataFrame,
    reasons: dict[str, np.ndarray],
    rules: Rules,
    key: bytes,
    units: pd.Index,
    rows: list[Row],
) -> dict[str, Floats] | None:
    if moments.pairs is None:
        return None
    kept, safe = moments.units.index.isin(units), {}
    sums = replace(moments, cells=cells.safe, workers=workers)
    for name, gram in moments.pairs.items():
        counts = _counts(moments, gram, name)
        if counts is None or not (cells.safe["outcome"] == name).any():
            rows += tally("pairs", name, np.array([WHOLE], dtype=object), np.ones(1))
            continue
        open_pairs, reason = _open_pairs(moments, cells, counts, reasons.get(name), name, rules)
        rows += tally("pairs", name, reason, counts[np.triu(counts, 1) > 0])
        before = Groups(
            *(_laid(moments, cells, cells.table[column].astype(float) * cells.released, name)[kept] for column in CELL_COLUMNS[3:])
        )
        after = Groups(*(sums.array(name, column)[kept] for column in CELL_COLUMNS[3:]))
        heads = (moments.worker_count(name)[kept], sums.worker_count(name)[kept])
        names = [f"{name} | {unit}" for unit in units]
        draws = _laid(moments, cells, cells.uniform, name)[kept]
        safe[name] = safe_pairs(gram[kept], (counts * open_pairs)[kept], before, after, draws, heads, names, rules, key)
    return safe or None


def _counts(moments: Moments, gram: Floats, outcome: str) -> Floats | None:
    """Count the workers seen in both months; None where neither weights of one nor patterns tell. Shape (units, months, months)."""
    months = len(moments.months)
    rows = moments.cells[moments.cells["outcome"] == outcome]
    if np.allclose(rows["w"], rows["n"]) and np.allclose(rows["w2"], rows["n"]):
        return np.rint(gram[:, months:-1, months:-1])
    if moments.patterns is None or outcome not in moments.patterns:
        return None
    found = moments.patterns[outcome]
    return rest_of(found, np.full(len(found.workers), "all", dtype=object), len(moments.units))


def _open_pairs(
    moments: Moments, cells: Cells, counts: Floats, reason: np.ndarray | None, outcome: str, rules: Rules
) -> tuple[np.ndarray, np.ndarray]:
    """Say which pairs may be released, and why the others may not; shape (units, months, months), and one text per pair of different months."""
    open_cells = _laid(moments, cells, cells.released, outcome)
    why = np.full(counts.shape, "", dtype=object)
    why[~(open_cells[:, :, None] & open_cells[:, None, :])] = "cells"
    if reason is not None and moments.patterns is not None:
        rest = rest_of(moments.patterns[outcome], reason, len(moments.units))
        has = (reason == "").any()
        why[(rest > 0) & (rest < rules.threshold) & (rest < counts) & has] = "complementary"
    why[(counts > 0) & (counts < rules.threshold)] = "threshold"
    at = np.arange(counts.shape[1])
    why[:, at, at] = np.where(open_cells, "", "cells")
    return why == "", why[np.triu(counts, 1) > 0]


def _bins(bins: pd.DataFrame, cells: Cells, rules: Rules, key: bytes, rows: list[Row]) -> pd.DataFrame | None:
    safe = safe_bins(bins, cells.table.loc[cells.released, KEYS], rules, key)
    for name, part in bins.groupby("outcome"):
        is_out = part[KEYS].merge(cells.table.loc[cells.released, KEYS].assign(out_=True), on=KEYS, how="left")["out_"].notna().to_numpy()
        rows += tally("bins", str(name), np.where(is_out, "", "cells").astype(object), part["n"].to_numpy(dtype=float))
    return safe[list(BIN_COLUMNS)] if len(safe) else None


def _spells(spells: pd.DataFrame, units: pd.Index, rules: Rules, key: bytes, rows: list[Row]) -> pd.DataFrame | None:
    safe = safe_spells(spells, units, rules, key)
    is_out = spells["unit"].isin(safe["unit"]).to_numpy()
    rows += tally("spells", "", np.where(is_out, "", "threshold").astype(object), spells["n"].to_numpy(dtype=float))
    return safe[list(SPELL_COLUMNS)] if len(safe) else None
