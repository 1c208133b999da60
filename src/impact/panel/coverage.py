"""Who is covered when: first covered month, spells that end, and the samples that follow. May touch: the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import ibis

from impact.clean.audit import Rule
from impact.errors import DataError, listing
from impact.text import Text

if TYPE_CHECKING:
    import ibis.expr.types as ir

Switching = Literal["refuse", "first_spell", "first_switch_on"]
Sample = Literal["full", "ever_switching", "restricted"]
"""Everybody; without those covered from their first month on; what group-time effects use."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Worker-months with `first_covered`, `covered`, `covered_at_start` and `set_aside`, and what the rules counted."""

    table: ir.Table
    rules: tuple[Rule, ...]

    def sample(self, name: Sample) -> ir.Table:
        """Give the rows of one sample."""
        return sample_of(self.table, name)


def sample_of(table: ir.Table, name: Sample) -> ir.Table:
    """Choose the rows of one sample from a table that carries the columns of `Coverage`."""
    if name == "full":
        return table
    switching = table.filter(~table["covered_at_start"])
    return switching if name == "ever_switching" else switching.filter(~switching["set_aside"])


def find_coverage(table: ir.Table, switching: Switching) -> Coverage:
    """Find each unit's first covered month, and deal with coverage that ends as the study says.

    The table has `unit, month` and either `first_covered` (coverage then lasts) or `covered`.
    Raises DataError where workers of one unit differ in a month, or where coverage ends and the study says `refuse`.
    """
    known = _switching(table) if "covered" in table.columns else _lasting(table)
    if switching == "refuse":
        _refuse_ending(known)
    start = known.group_by("unit").aggregate(start=known["month"].min())
    begun = known.left_join(start, "unit").drop("unit_right")
    after = (begun["month"] >= begun["ended"]).fill_null(False)
    flagged = begun.mutate(
        covered_at_start=(begun["first_covered"] <= begun["start"]).fill_null(False),
        set_aside=after if switching == "first_spell" else ibis.literal(False),
    )
    return Coverage(flagged.drop("start", "last_uncovered"), _rules(flagged, switching))


def _lasting(table: ir.Table) -> ir.Table:
    """Coverage that starts in a known month and never ends."""
    covered = (table["first_covered"] <= table["month"]).fill_null(False)
    return table.mutate(covered=covered, ended=ibis.null("int64"), last_uncovered=ibis.null("int64"))


def _switching(table: ir.Table) -> ir.Table:
    """Coverage that is known month by month: find where it first starts, and where it first ends after that."""
    _refuse_mixed(table)
    first = table.group_by("unit").aggregate(first_covered=table["month"].min(where=table["covered"]))
    begun = table.left_join(first, "unit").drop("unit_right")
    off = (~begun["covered"] & (begun["month"] > begun["first_covered"])).fill_null(False)
    before = (begun["month"] < begun["first_covered"]).fill_null(False)
    ended = begun.group_by("unit").aggregate(ended=begun["month"].min(where=off), last_uncovered=begun["month"].max(where=before))
    return begun.left_join(ended, "unit").drop("unit_right")


def _refuse_mixed(table: ir.Table) -> None:
    each = table.group_by("unit", "month").aggregate(states=table["covered"].nunique())
    mixed = each.filter(each["states"] > 1)
    count = int(mixed.count().to_pyarrow().as_py())
    if count:
        found = mixed.order_by("unit", "month").limit(3).to_pyarrow()["unit"].to_pylist()
        raise DataError(
            f"coverage: workers of one unit differ in {count:,} unit-months.\nFound in units: {listing(found)}.\n"
            "Name as unit the level at which coverage is decided; the worker, where each decides alone."
        )


def _refuse_ending(known: ir.Table) -> None:
    units = known.filter(known["ended"].notnull()).select("unit").distinct()
    count = int(units.count().to_pyarrow().as_py())
    if count:
        found = units.order_by("unit").limit(5).to_pyarrow()["unit"].to_pylist()
        raise DataError(
            f"coverage: it ends again for {count:,} units.\nFound: {listing(found)}.\n"
            "Say in the study what to do: `coverage: switching: first_spell` sets the later months aside, `first_switch_on` keeps them as covered."
        )


_NO_MONTH_BEFORE = Text("no month before coverage to compare with", "没有覆盖之前的时期可供比较")

_COUNTED: dict[str, Rule] = {
    "never": Rule(
        Text("units never covered", "从未受覆盖者"), "kept", 0, Text("they stand for the path without coverage", "代表无覆盖时的走势")
    ),
    "starting": Rule(
        Text("units that come under coverage", "观察期内开始受覆盖者"),
        "kept",
        0,
        Text("their first covered month is their cohort", "其首次受覆盖的时间即为组群"),
    ),
    "unseen_start": Rule(
        Text("units first seen covered after a gap", "中断观察之后首见受覆盖者"),
        "kept",
        0,
        Text("coverage may have started in a month in which they are not seen", "覆盖可能始于未观察到的月份"),
    ),
    "always": Rule(Text("units covered in every month", "每期均受覆盖者"), "dropped", 0, _NO_MONTH_BEFORE),
    "leaving": Rule(Text("units covered at first, not always", "起初受覆盖、后来中断者"), "dropped", 0, _NO_MONTH_BEFORE),
    "rows_at_start": Rule(
        Text("rows of the units dropped", "上述被剔除者的数据行"),
        "dropped",
        0,
        Text("all rows of units that are covered when first seen", "首次出现时即受覆盖者的全部数据行"),
    ),
    "ending": Rule(
        Text("units whose first spell ends", "首段覆盖期结束者"), "kept", 0, Text("kept until the spell ends", "保留至该段覆盖期结束")
    ),
    "rows_aside": Rule(
        Text("rows after the first spell", "首段覆盖期之后的数据行"),
        "dropped",
        0,
        Text("rule of the study: first spell only", "研究规则：只取首段覆盖期"),
    ),
    "lasting": Rule(
        Text("units whose coverage ends", "覆盖中断者"),
        "kept",
        0,
        Text("rule of the study: covered from the first covered month for good", "研究规则：自首次受覆盖起视为一直受覆盖"),
    ),
}
"""What the audit says of coverage, by what is counted."""

_OF_SWITCHING: dict[Switching, tuple[str, ...]] = {"refuse": (), "first_spell": ("ending", "rows_aside"), "first_switch_on": ("lasting",)}


def _rules(flagged: ir.Table, switching: Switching) -> tuple[Rule, ...]:
    """Count units and rows by what happens to them."""
    counts = _counts(flagged)
    names = ("never", "starting", "unseen_start", "always", "leaving", "rows_at_start", *_OF_SWITCHING[switching])
    return tuple(replace(_COUNTED[name], rows=int(counts[name] or 0)) for name in names)


def _counts(flagged: ir.Table) -> dict[str, int]:
    units = flagged.group_by("unit").aggregate(
        never=flagged["first_covered"].isnull().all(),
        at_start=flagged["covered_at_start"].any(),
        ended=flagged["ended"].notnull().any(),
        rows=flagged.count(),
        aside=flagged["set_aside"].sum(),
        gap=(flagged["first_covered"] - flagged["last_uncovered"]).max(),
    )
    at_start, ended = units["at_start"], units["ended"]
    counted = units.aggregate(
        never=units["never"].sum(),
        starting=(~at_start & ~units["never"]).sum(),
        unseen_start=(units["gap"] > 1).fill_null(False).sum(),
        always=(at_start & ~ended).sum(),
        leaving=(at_start & ended).sum(),
        rows_at_start=units["rows"].sum(where=at_start),
        ending=(~at_start & ended).sum(),
        lasting=(~at_start & ended).sum(),
        rows_aside=units["aside"].sum(where=~at_start),
    )
    found: dict[str, int] = counted.to_pyarrow().to_pylist()[0]
    return found
