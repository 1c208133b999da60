"""One list of absences becomes spells under every definition of leaving, in one pass. May touch: the engine.

Definitions (with τ the last active day, and the data ending on `until`):

| name | a spell ends | and starts again |
| --- | --- | --- |
| `exit_{w}d` | on τ, where nothing is done in (τ, τ + w] and τ + w ≤ until | on the day of return: exits recur |
| `permanent_{w}d` | the same, and nobody came back by `until` | never: absorbing |
| `switch_{w}d` | as `exit_{w}d`; only those count in which the person is active elsewhere in (τ, τ + w] | on return |
| `closure`, `closure_or_purge` | on the day on which the account is closed; the first does not count purges, the second does | never |
| `contract` | on the last day of the contract | never |

Windows in months (`exit_{w}m`) are the same with τ the last active month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir

WINDOWS = (7, 14, 28, 30, 60, 90)
"""Days of absence after which somebody counts as having left."""
SHORTEST_FROM_MONTHS = 30
"""Days that an absence within a month cannot pass: between its first and its last day lie 30, so that nothing is done on 29 at most."""
Grain = Literal["day", "month"]


def window_spells(absent: ir.Table, people: ir.Table, windows: tuple[int, ...]) -> ir.Table:
    """Cut each worker's time into spells of activity, for every window at once.

    `people` has one row per worker: `worker, first, until`, the first active time and the last of the data. Returns one row per worker, window and spell:
    `worker, window, start, since, back, ended`; the last spell of a worker has not ended where τ + w lies beyond the data.
    """
    held = absent.join(people.select("worker", "first", "until"), "worker")
    every = held.mutate(window=ibis.array(list(windows)).unnest())
    cut = every.filter(every["back"].isnull() | (every["back"] - every["since"] > every["window"]))
    before = cut["back"].lag().over(ibis.window(group_by=["worker", "window"], order_by="since"))
    ended = cut["back"].notnull() | (cut["since"] + cut["window"] <= cut["until"])
    return cut.select("worker", "window", "since", "back", start=ibis.coalesce(before, cut["first"]), ended=ended)


def exit_spells(spells: ir.Table, grain: Grain) -> ir.Table:
    """Name the spells of `window_spells` by their definition; see `Spell table` in the result of `definition_spells`."""
    name = ibis.literal("exit_") + spells["window"].cast("string") + grain[0]
    return _spell(spells, name, spells["start"], spells["ended"].ifelse(spells["since"], ibis.null("int32")), spells["ended"])


def permanent_spells(absent: ir.Table, people: ir.Table, window: int, grain: Grain) -> ir.Table:
    """Give one spell for each worker: from the first active time to the last of all, where the data go on for `window` after it."""
    held = absent.filter(absent["back"].isnull()).join(people.select("worker", "first", "until"), "worker")
    ended = held["since"] + window <= held["until"]
    name = ibis.literal(f"permanent_{window}{grain[0]}")
    return _spell(held, name, held["first"], ended.ifelse(held["since"], ibis.null("int32")), ended)


def switch_spells(spells: ir.Table, absent: ir.Table, people: ir.Table, window: int, grain: Grain) -> ir.Table:
    """Count of the exits by a window those in which the person is active with another account in (τ, τ + w]; `people` has `person` as well.

    An account is not active in (τ, τ + w] where it began later, or where one absence spans it: absences must reach down to `window`.
    """
    mine = spells.filter(spells["window"] == window).join(people.select("worker", "person"), "worker")
    gone = mine.filter(mine["ended"])
    others = people.select(other="worker", person="person", begun="first")
    pairs = gone.join(others, "person")
    pairs = pairs.filter((pairs["other"] != pairs["worker"]) & (pairs["begun"] <= pairs["since"] + window))
    away = absent.select(other="worker", left="since", came="back")
    spanned = pairs.join(
        away,
        [pairs["other"] == away["other"], away["left"] <= pairs["since"], away["came"].isnull() | (away["came"] > pairs["since"] + window)],
    ).select("worker", "since", "other")
    elsewhere = pairs.anti_join(spanned, ["worker", "since", "other"]).select(switched="worker", day="since").distinct()
    marked = mine.left_join(elsewhere, [mine["worker"] == elsewhere["switched"], mine["since"] == elsewhere["day"]])
    name = ibis.literal(f"switch_{window}{grain[0]}")
    end = marked["ended"].ifelse(marked["since"], ibis.null("int32"))
    return _spell(marked, name, marked["start"], end, marked["ended"] & marked["switched"].notnull())


def account_spells(accounts: ir.Table) -> ir.Table:
    """Give the spell of every account, from opening to closure, under both definitions.

    `accounts` has `worker, opened, closed, purged`; accounts that never worked belong to it. A purge ends the spell under both and counts under one.
    """
    known = accounts.filter(accounts["opened"].notnull())
    closed = known["closed"].notnull()
    kept = _spell(known, ibis.literal("closure"), known["opened"], known["closed"], closed & ~known["purged"])
    return kept.union(_spell(known, ibis.literal("closure_or_purge"), known["opened"], known["closed"], closed))


def contract_spells(contracts: ir.Table) -> ir.Table:
    """Give the spell of every contract; `contracts` has `worker, begun, ended`, missing while it lasts."""
    return _spell(contracts, ibis.literal("contract"), contracts["begun"], contracts["ended"], contracts["ended"].notnull())


def _spell(table: ir.Table, name: ir.Column, start: ir.Column, end: ir.Column, counted: ir.Column) -> ir.Table:
    """Lay out one spell a row: `definition, worker, start, end, counted`; `end` is the last day in stock, missing while the spell goes on."""
    return table.select("worker", definition=name, start=start.cast("int32"), end=end.cast("int32"), counted=counted.fill_null(False))
