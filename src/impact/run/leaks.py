"""Search the files of a run for identifiers of people before anything leaves. May touch: the disk below the run's folder (reading).

Patterns find phone, identity and card numbers, addresses and plates; what has no pattern, such as names and account numbers, is found by handing in the clear values
of the raw tables. Not searched: pictures as pixels, and text that a font without a table of characters draws.
"""

from __future__ import annotations

import html
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from impact.clean.identifiers import Found, Kind, half_width, identifiers
from impact.clean.privacy import is_direct
from impact.errors import RunError, listing
from impact.run.pdf_text import pdf_texts

KINDS: tuple[Kind, ...] = ("id_number", "bank_card", "phone", "email", "ip", "plate")
"""Kinds that are searched for. Names and social accounts have no pattern that holds outside answers."""

_NO_WORDS = re.compile(
    r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]+"  # pictures and fonts
    r"|(?=[A-Za-z0-9+/=]*[A-Za-z])[A-Za-z0-9+/=]{80,}(?:\\n|\n)?"  # base64 in notebooks
    r"|\s(?:d|points|transform|viewBox|style|x|y)=\\?\"[^\"]*\""  # geometry of SVG
    r"|\b10\.\d{4,9}/[^\s\"<>]+"  # DOI
)
_TOKEN = re.compile(r"[0-9A-Za-z_-]{4,}|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff])")
_PART_OF_A_CODE = re.compile(r"[0-9A-Za-z_]$|(?:^|[\W\d_])[.\-]$")


@dataclass(frozen=True, slots=True)
class Leak:
    """Identifiers of one kind in one file; never the identifiers themselves."""

    file: str
    """Path below the run's folder; an identifier in it is replaced by its kind."""
    kind: str
    """A kind of `identifiers`, or `known`: a clear value that was handed in."""
    count: int
    """How often; in a table of Parquet each value once, in a PDF perhaps more than once, because a text may be readable in two ways."""


def scan(folder: Path, known: Collection[str] = ()) -> tuple[Leak, ...]:
    """Search every file below a folder, the names of the files included.

    `known` are clear values of the raw tables, such as account numbers and names; one counts where it stands as a whole word or cell (names: 2 to 4 characters).
    """
    values = frozenset(known)
    leaks: list[Leak] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        found = _found(name, values)
        for text in _texts(file):
            found += _found(text, values)
        found += _number_columns(file) if file.suffix == ".parquet" else Counter[str]()
        leaks.extend(Leak(_unnamed(name), kind, count) for kind, count in sorted(found.items()))
    return tuple(leaks)


def refuse_leaks(folder: Path, known: Collection[str] = ()) -> None:
    """Refuse a run in which an identifier of a person stands.

    Raises RunError with files, kinds and counts, never with a value.
    """
    leaks = scan(folder, known)
    if leaks:
        total, files = sum(leak.count for leak in leaks), len({leak.file for leak in leaks})
        raise RunError(
            f"run: {total:,} identifier{'s' if total > 1 else ''} of people in {files} file{'s' if files > 1 else ''}.\n"
            f"Found: {listing((f'{leak.file} ({leak.kind} × {leak.count})' for leak in leaks), 6)}.\n"
            "Nothing of this run may leave: take the column out, or make it pseudonymous, in cleaning; delete this run and run again."
        )


def _found(text: str, known: frozenset[str]) -> Counter[str]:
    words = _NO_WORDS.sub(" ", text)
    found = Counter[str](one.kind for one in identifiers(words, KINDS) if _stands_alone(words, one) and not _is_public(words, one))
    hits = sum(token in known for token in _TOKEN.findall(half_width(words))) if known else 0
    return found + Counter(known=hits)


def _stands_alone(text: str, found: Found) -> bool:
    """Digits inside a hash, a code, a fraction or a row of numbers are no identifier; `tel.` and `worker-` before them change nothing."""
    before, after = text[max(0, found.start - 2) : found.start], text[found.end : found.end + 2]
    if re.search(r"\d $", before) or re.match(r" \d", after):
        return False
    return not _PART_OF_A_CODE.search(before) and not re.match(r"[0-9A-Za-z_]", after)


def _is_public(text: str, found: Found) -> bool:
    """A landline may be that of a trade union. Four small numbers are the version of a package: of real addresses fewer than 1 in 4,000 look like that."""
    written = half_width(text[found.start : found.end])
    is_version = found.kind == "ip" and all(int(part) < 32 for part in written.split("."))
    return is_version or (found.kind == "phone" and written[0] == "0" != written[1])


def _unnamed(name: str) -> str:
    """The path of a file for messages, without the identifiers in it."""
    for one in reversed(identifiers(name, KINDS)):
        name = f"{name[: one.start]}[{one.kind}]{name[one.end :]}"
    return name


def _texts(file: Path) -> Iterator[str]:
    """Give the texts of a file; what is of no known form is read as if it were text."""
    if file.suffix == ".parquet":
        yield from _parquet_texts(file)
    elif file.suffix == ".pdf":
        yield from pdf_texts(file.read_bytes())
    elif file.suffix == ".png":
        yield from _png_texts(file.read_bytes())
    else:
        text = file.read_bytes().decode("utf-8", "replace")
        yield html.unescape(text) if file.suffix in (".html", ".svg") else text


def _parquet_texts(file: Path) -> Iterator[str]:
    """Names, notes of the schema, and each distinct text of a column once, one column at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow
    yield "\n".join(schema.names)
    yield from (value.decode("utf-8", "replace") for value in (schema.metadata or {}).values())
    for name in schema.names:
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_list(kind) else kind
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = parquet.read([name])[name]
            flat = pc.list_flatten(column) if pa.types.is_list(schema.field(name).type) else column.cast(pa.large_string())
            yield "\n".join(str(value) for value in pc.unique(flat).to_pylist())


def _number_columns(file: Path) -> Counter[str]:
    """Columns of whole numbers that are phone or identity numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    parquet, found = pq.ParquetFile(file), Counter[str]()
    for field in parquet.schema_arrow:
        if pa.types.is_int64(field.type) or pa.types.is_uint64(field.type):
            values = [str(value) for value in pc.unique(parquet.read([field.name])[field.name]).to_pylist()]
            kind = is_direct(values[:1000]) if len(values) >= 5 else None
            found += Counter({kind: len(values)} if kind in KINDS else {})
    return found


def _png_texts(content: bytes) -> Iterator[str]:
    """Give the text chunks of a picture (PNG, clause 11.3.4)."""
    place = 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        chunk = content[place + 8 : place + 8 + length]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield chunk.decode("utf-8", "replace")
            yield from (_inflated(chunk[start.end() - 1 :]) for start in re.finditer(b"\x00x|\x00\x78", chunk))
        place += length + 12


def _inflated(content: bytes) -> str:
    try:
        return zlib.decompressobj().decompress(content).decode("utf-8", "replace")
    except zlib.error:
        return ""
