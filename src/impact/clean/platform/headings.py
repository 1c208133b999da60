"""Which received column is which column of the schema: by its name, by its heading, or by the delivery's `mapping`; never by a guess. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from impact.errors import DataError, listing
from impact.schema.delivered import DeliveredTable
from impact.schema.table import Column
from impact.sources.dataset import Layout

MONTH = "ym"
"""Column of the schema that holds a month."""


def headings(table: DeliveredTable, layout: Layout, mapping: Mapping[str, str]) -> dict[str, str]:
    """Give for each column of the schema that a layout has the name by which the files call it.

    `mapping` is received name → name in the schema; names are compared without blanks, capital letters and the width of signs.
    Raises DataError where a needed column is missing, with the likeliest of those received, and where two columns would be the same one.
    """
    known = _known(table, mapping)
    found: dict[str, str] = {}
    for received in layout.columns:
        name = known.get(_plain(received))
        if name is None:
            continue
        if name in found:
            raise DataError(
                f"{layout.files[0]}: two columns of it are `{name}`.\nFound `{found[name]}` and `{received}`, in {_files(layout)}.\n"
                "Say in `mapping` what one of them is, or leave it out of the export."
            )
        found[name] = received
    _require(table, layout, found)
    return found


def unknown_columns(table: DeliveredTable, layout: Layout, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """List the received columns that nothing is made of."""
    known = _known(table, mapping)
    folders = {MONTH}  # days lie in folders of months, which say nothing that their dates do not
    return tuple(received for received in layout.columns if _plain(received) not in known and received not in folders)


def is_known(table: DeliveredTable, mapping: Mapping[str, str], received: str) -> bool:
    """Say whether a received column is one of the schema, by its name, its heading or the mapping."""
    return _plain(received) in _known(table, mapping)


def likeliest(received: str, table: DeliveredTable) -> str:
    """Propose the column of the schema that a received one resembles most; empty where none does."""
    words = {word: column.name for column in table.columns for word in (*_words(column), _plain(column.en), _plain(column.zh))}
    words |= {_plain(received): name for received, name in table.renamed.items()}
    close = get_close_matches(_plain(received), list(words), n=1, cutoff=0.6)
    return words[close[0]] if close else ""


def _known(table: DeliveredTable, mapping: Mapping[str, str]) -> dict[str, str]:
    """Map every known spelling to the name in the schema; what the delivery says comes first."""
    names = {column.name for column in table.columns}
    known = {word: column.name for column in table.columns for word in _words(column)}
    return known | {_plain(received): name for received, name in mapping.items() if name in names}


def _words(column: Column) -> tuple[str, ...]:
    """List how files may call a column without anybody saying so."""
    return tuple(_plain(spelling) for spelling in (column.name, column.heading) if spelling)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "").replace("(", "（").replace(")", "）")


def _require(table: DeliveredTable, layout: Layout, found: Mapping[str, str]) -> None:
    missing = [name for name in _wanted(table, layout) if name not in found]
    if not missing:
        return
    name = missing[0]
    column, left = table.column(name), [received for received in layout.columns if received not in found.values()]
    likely = next((received for received in left if likeliest(received, table) == name), "")
    hint = (
        f"`{likely}` looks like it: if it is, write `mapping: {{{likely}: {name}}}` in the delivery."
        if likely
        else f"Write in the delivery's `mapping` which column it is, as `{column.heading or 'received name'}: {name}`."
    )
    raise DataError(
        f"{layout.files[0]}: table `{table.name}` has no column `{name}` ({column.en}; {column.zh}) in {_files(layout)}.\n"
        f"Columns found: {listing(layout.columns, 40)}.\n{hint}"
    )


def _wanted(table: DeliveredTable, layout: Layout) -> Sequence[str]:
    """Say what a layout must have: the needed columns, and those that stand there under a name that a vendor's renewal brought."""
    received = {_plain(name) for name in layout.columns}
    return (*table.needed, *(name for spelling, name in table.renamed.items() if _plain(spelling) in received))


def _files(layout: Layout) -> str:
    return "1 file" if len(layout.files) == 1 else f"{len(layout.files)} files"
