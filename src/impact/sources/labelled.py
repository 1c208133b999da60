"""Open an SPSS or Stata file: codes stay as they are, and their labels are kept beside them. May touch: the file, the engine.

Numbers and text become text, so that a code is spelled as in the table of labels; days and times keep their type. Values that the file declares as
missing stay in the table, and `missing` says which they are: "refused" and "does not know" are different reasons.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from impact.errors import SourceError
from impact.sources.engine import register
from impact.sources.header import require_distinct

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class Labelled:
    """A table with what its file says about values and columns."""

    table: ir.Table
    labels: Mapping[str, Mapping[str, str]]
    """Column to value as text to label."""
    titles: Mapping[str, str]
    """Column to its description."""
    missing: Mapping[str, Mapping[str, str]]
    """Column to value as text to its label (or an empty one), of the values that are declared as missing and occur."""


def read_labelled(engine: Backend, path: Path) -> Labelled:
    """Read a `.sav`, `.zsav` or `.dta` file.

    Raises SourceError where it is damaged, or ends before its last row.
    """
    columns, meta = _read(path)
    names = list(meta.column_names)
    require_distinct(path, names)
    stata = path.suffix.lower() == ".dta"
    arrays = {name: _array(list(columns[name]), _letters(meta, name)) for name in names}
    _require_all_rows(path, arrays, meta.number_rows)
    labels = {name: {_code(code, stata): str(label) for code, label in found.items()} for name, found in meta.variable_value_labels.items()}
    missing = {name: found for name in names if (found := _declared(arrays[name], meta, name, labels.get(name, {})))}
    import pyarrow as pa

    table = register(engine, f"labelled_{uuid4().hex}", pa.table(arrays))
    titles = {name: title for name, title in meta.column_names_to_labels.items() if title}
    return Labelled(table, labels, titles, missing)


def _read(path: Path) -> tuple[dict[str, Any], Any]:
    import pyreadstat

    read: Callable[..., tuple[dict[str, Any], Any]] = pyreadstat.read_dta if path.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        return read(path, user_missing=True, output_format="dict")
    except Exception as error:  # pyreadstat raises several unrelated classes, among them those of Python's dates
        kind = "Stata" if path.suffix.lower() == ".dta" else "SPSS"
        found = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise SourceError(
            f"{path}: this is not a whole {kind} file.\nFound: {found}.\nExport it again, or save the table as CSV UTF-8."
        ) from None


def _require_all_rows(path: Path, arrays: Mapping[str, pa.Array], stated: int | None) -> None:
    rows = {len(array) for array in arrays.values()}
    if len(rows) > 1 or (stated is not None and rows and rows != {stated}):
        raise SourceError(
            f"{path}: the file ends before its last row.\nFound {min(rows)} rows; it states {stated}.\nExport it again, or save the table as CSV UTF-8."
        )


def _letters(meta: Any, name: str) -> frozenset[str]:
    """Give the letters that stand for Stata's missing values `.a` to `.z` in a column of numbers."""
    if str(meta.readstat_variable_types.get(name)) == "string":
        return frozenset()
    return frozenset(str(code) for code in meta.missing_user_values.get(name, ()))


def _array(values: list[Any], letters: frozenset[str]) -> pa.Array:
    """Give one column: days and times with their type where all values are such, else text."""
    import pyarrow as pa

    filled = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in filled if value is not None}
    if kinds and all(issubclass(kind, datetime.date | datetime.time) for kind in kinds):
        return pa.array(filled)
    return pa.array([None if value is None else _code(value, value in letters) for value in filled], pa.string())


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or value != value  # NaN and NaT differ from themselves


def _code(value: Any, letter: bool = False) -> str:
    """Spell a code as a person would: 1 and not 1.0, `.a` for a missing value of Stata."""
    if isinstance(value, str):
        return f".{value}" if letter and len(value) == 1 and value.islower() else value
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def _declared(array: pa.Array, meta: Any, name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Give the values in a column that its file declares as missing, with their labels."""
    ranges = meta.missing_ranges.get(name, ())
    letters = {_code(letter, True) for letter in _letters(meta, name)}
    if not ranges and not letters:
        return {}
    values = [value for value in array.unique().to_pylist() if isinstance(value, str)]
    return {value: labels.get(value, "") for value in sorted(values) if value in letters or any(_within(value, one) for one in ranges)}


def _within(value: str, span: Mapping[str, Any]) -> bool:
    low, high = span["lo"], span["hi"]
    if isinstance(low, str) or isinstance(high, str):
        return str(low) <= value <= str(high)
    try:
        return bool(float(low) <= float(value) <= float(high))
    except ValueError:
        return False
