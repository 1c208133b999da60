"""Find out how the bytes of a text file are to be read, without a guess. May touch: the file.

The rule: a byte order mark, then strict UTF-8, then strict GB18030, then an error. GB18030 gives a character for nearly any pair of bytes, so what it
gives is looked at: text that was damaged, or written as Latin-1, must not pass as rare Chinese characters.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from impact.errors import SourceError

_CHUNK = 1 << 20
_PLAIN_CONTROLS = "\t\n\r"
_ODD_KINDS = {"Cc": "a control character", "Co": "a character of the private use area", "Cn": "a character that Unicode does not know"}
_HIGH = bytes(range(128, 256))
_UTF8_RUN = 12
"""Bytes above 127 in one line that are all valid UTF-8: by chance, a line of GB18030 is not."""


@dataclass(frozen=True, slots=True)
class _Broken:
    line: int
    position: int
    byte: int


_ASCII = re.compile(r"[\x00-\x7f]+")


def encoding_of(path: Path) -> str:
    """Say how a file is to be read: `utf-8`, `utf-8-sig` or `gb18030`.

    Raises SourceError naming line and byte where it is neither, or where what GB18030 makes of it is no text.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError(f"{path}: the file is not UTF-8 text.\nFound UTF-16, by its first two bytes.\nSave it as CSV UTF-8.")
    broken = _first_break(path)
    if broken is None:
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    if head.startswith(codecs.BOM_UTF8):
        raise _not_text(path, f"a byte order mark of UTF-8, but byte {broken.byte:#04x} at position {broken.position} (line {broken.line})")
    _require_gb18030(path, broken)
    return "gb18030"


def transcode(path: Path, into: BinaryIO) -> None:
    """Write a file that `encoding_of` calls GB18030 as UTF-8."""
    for _, lines in _blocks(path):
        into.write(b"".join(lines).decode("gb18030").encode())


def _first_break(path: Path) -> _Broken | None:
    """Find the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, lines, kept = 0, 1, 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # The decoder saw what it kept of the last chunk as well
                place = read - kept + error.start
                before = error.object[kept : error.start] if error.start > kept else b""
                return _Broken(lines + before.count(b"\n"), place, error.object[error.start])
            if not chunk:
                return None
            kept = len(decoder.getstate()[0])
            read, lines = read + len(chunk), lines + chunk.count(b"\n")


def _require_gb18030(path: Path, broken: _Broken) -> None:
    found = f"byte {broken.byte:#04x} at position {broken.position} (line {broken.line})"
    _require_no_utf8(path, found)
    pairs, odd_pairs = 0, 0
    for first, lines in _blocks(path):
        text = _decoded(path, first, lines, found)
        _require_plain(path, first, text)
        count, odd = _two_byte_characters(text)
        pairs, odd_pairs = pairs + count, odd_pairs + odd
    if 2 * odd_pairs > pairs:
        raise _not_text(path, f"{found}, and no Chinese text around it: it may be Western text (Latin-1)")


def _blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Give the lines of a file in blocks, each with the number of its first line; no GB18030 character holds the byte of a line end."""
    number = 1
    with path.open("rb") as stream:
        while lines := stream.readlines(_CHUNK):
            yield number, lines
            number += len(lines)


def _require_no_utf8(path: Path, found: str) -> None:
    """Refuse UTF-8 that is damaged or stands beside GB18030; its bytes would pass as Chinese characters that nobody wrote."""
    in_all, in_utf8 = 0, 0
    for first, lines in _blocks(path):
        for number, line in enumerate(lines, start=first):
            if _is_utf8_run(line):
                raise _not_text(path, f"UTF-8 in line {number}, but {found}: the file is damaged, or put together from two encodings")
        block = b"".join(lines)
        in_all += _high_bytes(block)
        in_utf8 += _high_bytes(block.decode("utf-8", errors="ignore").encode())
    if 2 * in_utf8 > in_all:
        raise _not_text(path, f"mostly UTF-8, but {found}: the file is damaged")


def _is_utf8_run(line: bytes) -> bool:
    if line.isascii():
        return False
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _high_bytes(line) >= _UTF8_RUN


def _high_bytes(block: bytes) -> int:
    return len(block) - len(block.translate(None, _HIGH))


def _decoded(path: Path, first: int, lines: list[bytes], found: str) -> str:
    try:
        return b"".join(lines).decode("gb18030")
    except UnicodeDecodeError as error:
        number = first + error.object[: error.start].count(b"\n")
        raise _not_text(path, f"{found}, and not GB18030 either: byte {error.object[error.start]:#04x} in line {number}") from None


def _require_plain(path: Path, first: int, text: str) -> None:
    """Refuse signs that no export writes: a damaged file decodes to them."""
    for sign in set(text):
        kind = unicodedata.category(sign)
        if sign == "\ufffd" or (kind in _ODD_KINDS and sign not in _PLAIN_CONTROLS):
            what = _ODD_KINDS.get(kind, "the sign for a lost character")
            number = first + text[: text.index(sign)].count("\n")
            raise _not_text(path, f"{what} (U+{ord(sign):04X}) in line {number}, read as GB18030")


def _two_byte_characters(text: str) -> tuple[int, int]:
    """Count the characters above 127, and those whose second byte is an ASCII letter, as Latin-1 text makes them."""
    counts = Counter(_ASCII.sub("", text))
    odd = sum(count for sign, count in counts.items() if sign.encode("gb18030")[1:2].isascii())
    return counts.total(), odd


def _not_text(path: Path, found: str) -> SourceError:
    return SourceError(
        f"{path}: the file is neither UTF-8 nor GB18030 text.\nFound {found}.\nExport the table again, and save it as CSV UTF-8."
    )
