"""The texts inside a PDF, as far as a search for identifiers needs them. May touch: nothing.

Streams are inflated; strings of page contents are read as they stand and through each table of characters (ToUnicode) of the file, because which font a string
belongs to is not followed. A wrong table gives nonsense, not an identifier. Source: ISO 32000-1, 7.3.4 (strings), 9.4.3 (showing text), 9.10.3 (ToUnicode).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_STRING = rb"\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f\s]*>"
_SHOWN = re.compile(rb"(\[(?:" + _STRING + rb"|[^\]()<])*\]|" + _STRING + rb")\s*(?:TJ|Tj|'|\")", re.DOTALL)
_ONE = re.compile(_STRING, re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r?\n)|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_SECTION = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_CODES = re.compile(rb"<([0-9A-Fa-f\s]+)>|(\[)|(\])")


def pdf_texts(content: bytes) -> Iterator[str]:
    """Give what a PDF says: its objects outside streams, its metadata, and the texts of its pages, one for each table of characters."""
    yield _STREAM.sub(b" ", content).decode("latin-1")
    streams = [_inflated(match[1]) for match in _STREAM.finditer(content)]
    tables = [table for stream in streams if b"beginbf" in stream and (table := _characters(stream))]
    for stream in streams:
        if b"BT" in stream and b"ET" in stream:
            shown = [b"".join(_bytes(one) for one in _ONE.findall(match[1])) for match in _SHOWN.finditer(stream)]
            yield "\n".join(text.decode("latin-1") for text in shown)
            yield from ("\n".join(_read(text, table) for text in shown) for table in tables)
        elif b"beginbf" not in stream and (b"<x:xmpmeta" in stream or b"/Type" in stream or b"/Author" in stream):
            yield stream.decode("utf-8", "replace")


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return stream


def _bytes(string: bytes) -> bytes:
    """Read a string object: `(text)` with its escapes, or `<hexadecimal>`."""
    if string[:1] == b"<":
        digits = re.sub(rb"\s", b"", string[1:-1]).decode()
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    return _ESCAPE.sub(_escaped, string[1:-1])


def _escaped(match: re.Match[bytes]) -> bytes:
    octal, newline, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 255])
    return b"" if newline is not None else _PLAIN.get(other, other)


def _read(text: bytes, table: dict[int, str]) -> str:
    """Read two-byte codes through a table of characters."""
    return "".join(table.get(int.from_bytes(text[place : place + 2]), "\ufffd") for place in range(0, len(text) - 1, 2))


def _characters(stream: bytes) -> dict[int, str]:
    table: dict[int, str] = {}
    for kind, body in _SECTION.findall(stream):
        table |= dict(_pairs(body)) if kind == b"char" else dict(_ranges(body))
    return table


def _pairs(body: bytes) -> Iterator[tuple[int, str]]:
    codes = [match[1] for match in _CODES.finditer(body) if match[1]]
    yield from ((int(code, 16), _characters_of(text)) for code, text in zip(codes[0::2], codes[1::2], strict=False))


def _ranges(body: bytes) -> Iterator[tuple[int, str]]:
    """`<first> <last> <text>`, counted up from the text, or `<first> <last> [<text> …]`."""
    for first, last, text, several in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f\s]+)>|\[([^\]]*)\])", body):
        start, stop = int(first, 16), min(int(last, 16), int(first, 16) + 0xFFFF)
        if text:
            begin = _characters_of(text)
            yield from ((code, begin[:-1] + chr(ord(begin[-1]) + code - start)) for code in range(start, stop + 1) if begin)
        else:
            texts = re.findall(rb"<([0-9A-Fa-f\s]+)>", several)
            yield from ((start + place, _characters_of(one)) for place, one in enumerate(texts))


def _characters_of(code: bytes) -> str:
    return bytes.fromhex(re.sub(rb"\s", b"", code).decode()).decode("utf-16-be", "replace")
