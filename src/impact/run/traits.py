"""What must be constant in a unit or for a worker beside coverage: a dose, eligibility, a score. May touch: the engine (expressions only)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from impact.errors import DataError, listing

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from impact.results import Role

_OF_UNITS: tuple[Role, ...] = ("dose",)
_OF_WORKERS: tuple[Role, ...] = ("eligible", "score")


def require_constant(table: ir.Table, source: str, traits: Mapping[Role, str]) -> None:
    """Refuse a dose that changes within a unit, and eligibility or a score that changes for a worker (for a unit, where rows name no workers).

    Raises DataError that names the column and where it changes.
    """
    for role, column in traits.items():
        whom = "worker" if role in _OF_WORKERS and "worker" in table.columns else "unit"
        if role not in (*_OF_UNITS, *_OF_WORKERS):
            continue
        each = table.group_by(whom).aggregate(least=table[role].min(), most=table[role].max())
        changing = each.filter(each["least"] != each["most"]).order_by(whom).to_pyarrow()
        if changing.num_rows:
            names = [str(name) for name in changing[whom].to_pylist()[:3]]
            first = f"{changing['least'][0].as_py():g} and {changing['most'][0].as_py():g}"
            raise DataError(
                f"{source}: column `{column}` changes within {changing.num_rows:,} {whom}{'s' if changing.num_rows > 1 else ''}.\n"
                f"Found {first} in `{names[0]}`; also {listing(names[1:]) or 'no other'}.\n"
                f"A {role} that changes with time may be an outcome: name one that was on record before coverage, and is one value for a {whom}."
            )
