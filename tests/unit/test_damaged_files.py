"""A damaged file ends in an error of three lines, or in a table that holds what was written; in nothing else.

Every case is made from a number, so that a failure can be made again. What no reader can notice (another digit in a cell) is not damage of this kind.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import random
import signal
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from impact.errors import ImpactError
from impact.sources.engine import connect
from impact.sources.files import open_file

CASES = 300
SECONDS = 20
WORDS = ["007", "骑手", "a,b", 'say "so"', "1.50", "", " blank ", "NA", "上海;北京", "x" * 300, "line\nbreak", "-3", "喆"]
Cells = list[list[str]]
Written = tuple[bytes, Cells | None]
"""Bytes of a file, and the cells that it holds, the names of the columns first; None where it can only be refused."""


def cells(dice: random.Random, plain: bool = False) -> Cells:
    """Draw a small table; every row has a value in its first column, so that no row is all empty."""
    width, height = dice.randint(2, 5), dice.randint(1, 30)
    words = [word for word in WORDS if not plain or "\n" not in word]
    body = [[f"k{row}", *(dice.choice(words) for _ in range(width - 1))] for row in range(height)]
    return [[f"列{place}" for place in range(width)], *body]


def as_csv(table: Cells, delimiter: str = ",", end: str = "\n") -> str:
    def quoted(value: str) -> str:
        return f'"{value.replace(chr(34), chr(34) * 2)}"' if any(sign in value for sign in (delimiter, '"', "\n", "\r")) else value

    return "".join(delimiter.join(map(quoted, row)) + end for row in table)


def as_xlsx(table: list[list[object]]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in table:
        book.active.append([None if value == "" else value for value in row])
    book.save(buffer)
    return buffer.getvalue()


def as_parquet(table: Cells) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(table[1:], columns=table[0]).to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_statistics(table: Cells, folder: Path, kind: str) -> bytes:
    frame = pd.DataFrame(table[1:], columns=[f"v{place}" for place in range(len(table[0]))])
    writers = {
        "dta": pyreadstat.write_dta,
        "sav": lambda frame, path: pyreadstat.write_sav(frame, path, row_compress=True),
        "zsav": lambda frame, path: pyreadstat.write_sav(frame, path, compress=True),
    }
    writers[kind](frame, folder / f"whole.{kind}")
    return (folder / f"whole.{kind}").read_bytes()


def cut(dice: random.Random, content: bytes) -> bytes:
    return content[: dice.randint(1, len(content) - 1)]


def whole_text(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    return as_csv(table).encode(dice.choice(["utf-8", "utf-8-sig", "gb18030"])), table


def cut_text(dice: random.Random, folder: Path) -> Written:
    """Cut where the loss can be seen: inside a character, or inside a row before its last value."""
    table = [*cells(dice, plain=True), ["end", *["上海"] * 4]]
    table = [row[:2] for row in table]
    encoding, losses = dice.choice([("utf-8", [2, 3, 5, 6, 8]), ("gb18030", [2, 4, 6])])
    return as_csv(table).encode(encoding)[: -dice.choice(losses)], None


def columns_turned(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    order = dice.sample(range(len(table[0])), len(table[0]))
    turned = [[row[place] for place in order] for row in table]
    return as_csv(turned).encode(), turned


def row_too_long_or_short(dice: random.Random, folder: Path) -> Written:
    table = cells(dice, plain=True)
    row = dice.randrange(1, len(table))
    table[row] = [*table[row], "more"] if dice.random() < 0.5 else table[row][:-1]
    return as_csv(table).encode(dice.choice(["utf-8", "gb18030"])), None


def quote_left_open(dice: random.Random, folder: Path) -> Written:
    table = cells(dice, plain=True)
    lines = as_csv(table).split("\n")
    place = dice.randrange(1, len(table))
    lines[place] = f'"{lines[place]}'
    return "\n".join(lines).encode(), None


def ends_mixed(dice: random.Random, folder: Path) -> Written:
    table = cells(dice, plain=True)
    text = "".join(as_csv([row], end=dice.choice(["\n", "\r\n", "\r"])) for row in table)
    return text.encode(dice.choice(["utf-8", "gb18030"])), table


def zero_bytes(dice: random.Random, folder: Path) -> Written:
    table = cells(dice, plain=True)
    table[dice.randrange(1, len(table))][1] = "a\x00b"
    return as_csv(table).encode(dice.choice(["utf-8", "gb18030"])), table


def wrong_encoding(dice: random.Random, folder: Path) -> Written:
    table = [["name", "n"], *[[dice.choice(["Müller", "naïve", "Ñandú", "garçon"]), "1"] for _ in range(9)]]
    return as_csv(table).encode(dice.choice(["latin-1", "utf-16", "utf-16-be", "utf-32"])), None


def two_encodings(dice: random.Random, folder: Path) -> Written:
    rows = [["这是一个很长的名字", str(number)] for number in range(dice.randint(2, 9))]
    first, second = dice.sample(["utf-8", "gb18030"], 2)
    return as_csv([["名", "号"], *rows]).encode(first) + as_csv(rows).encode(second), None


def long_field(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    table[dice.randrange(1, len(table))][1] = dice.choice(["x", "长", 'q"', "a,"]) * (10**6 // 2)
    return as_csv(table).encode(dice.choice(["utf-8", "gb18030"])), table


def another_delimiter(dice: random.Random, folder: Path) -> Written:
    return as_csv(cells(dice), delimiter=dice.choice([";", "\t", "|"])).encode(), None


def random_bytes(dice: random.Random, folder: Path) -> Written:
    return dice.randbytes(dice.choice([3, 50, 5000])) + b"\x81\xff", None


def packed_text(dice: random.Random, folder: Path) -> Written:
    return gzip.compress(as_csv(cells(dice)).encode()), None


def whole_workbook(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    return as_xlsx(table), table


def cut_file(make: Callable[[random.Random], bytes]) -> Callable[[random.Random, Path], Written]:
    return lambda dice, _: (cut(dice, make(dice)), None)


def member_removed(dice: random.Random, folder: Path) -> Written:
    """Remove a part of a workbook: it is refused, or (its looks, its properties) the cells are all there."""
    content, table = typed_workbook(dice, folder)
    source = zipfile.ZipFile(io.BytesIO(content))
    gone, buffer = dice.choice(source.namelist()), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if name != gone:
                target.writestr(name, source.read(name))
    return buffer.getvalue(), table


def member_cut(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    source, buffer = zipfile.ZipFile(io.BytesIO(as_xlsx(table))), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(
                name, content[: dice.randrange(len(content) // 3, len(content) - 30)] if name.endswith("sheet1.xml") else content
            )
    return buffer.getvalue(), None


def byte_turned_in_a_workbook(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    content = bytearray(as_xlsx(table))
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(content), table


def formulas_and_errors(dice: random.Random, folder: Path) -> Written:
    table: list[list[object]] = [*cells(dice)]
    table[dice.randrange(1, len(table))][1] = dice.choice(["=1+1", "=NA()", "#REF!", "#DIV/0!", "#N/A"])
    return as_xlsx(table), None


def typed_workbook(dice: random.Random, folder: Path) -> Written:
    values: list[tuple[object, str]] = [
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (True, "TRUE"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        ("007", "007"),
        (-12345678, "-12345678"),
    ]
    drawn = [[dice.choice(values) for _ in range(3)] for _ in range(9)]
    head = ["a", "b", "c"]
    return as_xlsx([head, *[[value for value, _ in row] for row in drawn]]), [head, *[[text for _, text in row] for row in drawn]]


def empty_sheet(dice: random.Random, folder: Path) -> Written:
    return as_xlsx([[] for _ in range(dice.randint(0, 3))]), None


def bomb(dice: random.Random, folder: Path) -> Written:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target, target.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(dice.randint(101, 120)):
            part.write(bytes(1_000_000))
    return buffer.getvalue(), None


def whole_parquet(dice: random.Random, folder: Path) -> Written:
    table = cells(dice)
    return as_parquet(table), table


def whole_statistics(kind: str) -> Callable[[random.Random, Path], Written]:
    def make(dice: random.Random, folder: Path) -> Written:
        table = cells(dice)
        # SPSS fills text with blanks on the right, and so keeps none there
        body = [[value.rstrip(" ") if "sav" in kind else value for value in row] for row in table[1:]]
        return as_statistics(table, folder, kind), [[f"v{place}" for place in range(len(table[0]))], *body]

    return make


def cut_statistics(kind: str) -> Callable[[random.Random, Path], Written]:
    def make(dice: random.Random, folder: Path) -> Written:
        content, table = whole_statistics(kind)(dice, folder)
        return cut(dice, content), table

    return make


KINDS: dict[str, tuple[str, Callable[[random.Random, Path], Written]]] = {
    "whole text": ("csv", whole_text),
    "text cut": ("csv", cut_text),
    "columns turned": ("csv", columns_turned),
    "row too long or short": ("csv", row_too_long_or_short),
    "quote left open": ("csv", quote_left_open),
    "line ends mixed": ("csv", ends_mixed),
    "zero bytes": ("csv", zero_bytes),
    "wrong encoding": ("csv", wrong_encoding),
    "two encodings": ("csv", two_encodings),
    "long field": ("csv", long_field),
    "another delimiter": ("csv", another_delimiter),
    "random bytes": ("csv", random_bytes),
    "packed text": ("csv", packed_text),
    "random bytes as a workbook": ("xlsx", random_bytes),
    "whole workbook": ("xlsx", whole_workbook),
    "typed workbook": ("xlsx", typed_workbook),
    "workbook cut": ("xlsx", cut_file(lambda dice: as_xlsx(cells(dice)))),
    "part of a workbook removed": ("xlsx", member_removed),
    "part of a workbook cut": ("xlsx", member_cut),
    "byte of a workbook turned": ("xlsx", byte_turned_in_a_workbook),
    "formulas and errors": ("xlsx", formulas_and_errors),
    "empty sheet": ("xlsx", empty_sheet),
    "bomb": ("xlsx", bomb),
    "whole parquet": ("parquet", whole_parquet),
    "parquet cut": ("parquet", cut_file(lambda dice: as_parquet(cells(dice)))),
    "whole sav": ("sav", whole_statistics("sav")),
    "sav cut": ("sav", cut_statistics("sav")),
    "zsav cut": ("zsav", cut_statistics("zsav")),
    "whole dta": ("dta", whole_statistics("dta")),
    "dta cut": ("dta", cut_statistics("dta")),
}


@contextmanager
def within(seconds: int) -> Iterator[None]:
    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(kind: str, number: int, folder: Path) -> str:
    """Make one damaged file and read it: "refused" or "read"; everything else fails here."""
    ending, make = KINDS[kind]
    content, table = make(random.Random(f"{kind} {number}"), folder)
    file = folder / f"case.{ending}"
    file.write_bytes(content)
    try:
        with within(SECONDS):
            found = open_file(connect(), file).table.to_pyarrow()
    except ImpactError as error:
        return "refused" if _has_three_lines(str(error)) else f"refused in other words: {error}"
    read = [found.column_names, *[[value or "" for value in row.values()] for row in found.to_pylist()]]
    assert table is not None, f"{kind} {number}: read as {read[:3]}"
    assert read == table, f"{kind} {number}"
    return "read"


def _has_three_lines(message: str) -> bool:
    lines = message.split("\n")
    return len(lines) == 3 and all(line.strip() for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_ends_in_an_error_of_three_lines_or_in_the_cells_that_were_written(kind, tmp_path):
    found = Counter(outcome(kind, number, tmp_path) for number in range(CASES // len(KINDS)))
    assert set(found) <= {"refused", "read"}
    if kind.startswith(("whole", "columns", "typed")):
        assert found["refused"] == 0, "a whole file is read"
