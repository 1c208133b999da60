"""Pseudonyms in place of identifiers, and marks in place of identifiers in texts. May touch: nothing.

A pseudonym is a prefix and the first 24 hexadecimal digits (96 bits) of HMAC-SHA-256(key, prefix + value), RFC 2104. Among 10⁸ workers two share one with
probability below n²/2⁹⁷ = 6·10⁻¹⁴. The value is normalised first: NFKC (full-width digits become ASCII), invisible characters and blanks at the ends dropped.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from impact.clean.identifiers import Kind, identifiers, kind_of
from impact.errors import DataError
from impact.sources.engine import register
from impact.sources.key import Key

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

DIGITS = 24
"""Hexadecimal digits of a pseudonym."""
MARKS: dict[Kind, str] = {
    "phone": "〔手机号〕",  # landlines too
    "id_number": "〔身份证号〕",
    "bank_card": "〔银行卡号〕",
    "email": "〔邮箱〕",
    "ip": "〔IP地址〕",
    "wechat": "〔社交账号〕",
    "plate": "〔车牌号〕",
    "name": "〔姓名〕",
}
"""What stands in a text in the place of an identifier."""

_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_SHARE_DIRECT, _SHARE_NAMES, _SHARE_DIGESTS = 0.5, 0.8, 0.9
_HEX = re.compile(r"(?:sha-?(?:1|256)[:$]|md5[:$]|0x)?((?:[0-9a-f]{16}){1,2}|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{22}(?:==)?|[A-Za-z0-9+/_-]{27}=?|[A-Za-z0-9+/_-]{43}=?")
_ALGORITHMS = ("md5", "sha1", "sha256")


def pseudonyms(values: Sequence[str | None], key: Key, prefix: str = "w_") -> list[str | None]:
    """Replace identifiers by pseudonyms; each distinct value is computed once; missing and blank values stay missing.

    The prefix names what is identified (`w_` worker, `r_` respondent) and is part of what is hashed: one number used twice gets two unlike pseudonyms.
    """
    if not re.fullmatch("[a-z]+_", prefix):
        raise ValueError(f"a prefix is small letters and `_`, not {prefix!r}")
    known = {value: _pseudonym(value, key, prefix) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def pseudonymised(table: ir.Table, column: str, key: Key, engine: Backend, prefix: str = "w_") -> ir.Table:
    """Replace a column of identifiers by pseudonyms; columns keep their order, rows do not.

    Distinct values leave the engine, are hashed here and come back as a table; the key is in no query.
    Raises DataError where the column holds decimal numbers, in which digits may already be lost.
    """
    import ibis
    import pyarrow as pa

    kind = table[column].type()
    if kind.is_floating() or kind.is_decimal():
        raise DataError(
            f"column `{column}` cannot be made pseudonymous.\nFound decimal numbers ({kind}), which lose digits of long identifiers.\nRead it as text."
        )
    text = table[column].cast("string")
    clear = table.select(clear_=text).distinct().to_pyarrow()["clear_"].to_pylist()
    pairs = pa.table({"clear_": pa.array(clear, pa.string()), "pseudonym_": pa.array(pseudonyms(clear, key, prefix), pa.string())})
    known = register(engine, ibis.util.gen_name("pseudonyms"), pairs)
    joined = table.left_join(known, text == known["clear_"])
    return joined.select(**{name: joined["pseudonym_"] if name == column else joined[name] for name in table.columns})


def refuse_plain_hashes(
    column: str, values: Sequence[str | None], key_id: str | None, beside: Mapping[str, Sequence[str | None]] | None = None
) -> None:
    """Refuse hashes that were made without a key: whoever has a list of all phone numbers reads them back within minutes.

    `values` are some values of the column; `key_id` is what the sender declares; `beside` are columns of the same table that may hold the clear values.
    Raises DataError where the values look like digests and no key is declared, and, declared or not, where they are the plain hash of a value beside them.
    """
    given = [value.strip() for value in values if value and value.strip()]
    proof = _proof(given, beside or {})
    if proof:
        raise DataError(
            f"column `{column}` holds plain hashes.\nFound: they are {proof}, so anybody can compute them.\n"
            "Ask the sender for HMAC-SHA-256 with a key that stays with them, and for the id of that key; delete this file."
        )
    length = None if key_id else _digest_length(given)
    if length:
        raise DataError(
            f"column `{column}` looks like hashes without a key.\nFound values of {length} characters as a hash function gives them, and no key id declared.\n"
            "Hashes of phone or identity numbers are read back within minutes: ask the sender for HMAC-SHA-256 and declare the id of the key."
        )


def is_direct(values: Iterable[str | None]) -> Kind | None:
    """Say which identifiers a column holds, judged by some of its values; None where it holds none.

    Half of the values that are there must be of one kind; for names four in five, and three different ones.
    """
    given = [value for value in values if value and value.strip()]
    kinds = Counter(kind for value in given if (kind := kind_of(value)))
    if not kinds:
        return None
    kind, count = kinds.most_common(1)[0]
    if kind == "name" and len(set(given)) < 3:
        return None
    return kind if count >= (_SHARE_NAMES if kind == "name" else _SHARE_DIRECT) * len(given) else None


def scrub(text: str) -> tuple[str, tuple[Kind, ...]]:
    """Put marks in place of the identifiers in a text, and say which kinds were found, in their order."""
    found = identifiers(text)
    for one in reversed(found):
        text = text[: one.start] + MARKS[one.kind] + text[one.end :]
    return text, tuple(dict.fromkeys(one.kind for one in found))


def masked(value: object) -> str:
    """Write a value for a message: of an identifier, and of any run of 9 digits or more, three characters stay at most.

    Points in time such as `20241008072936` stay; a mistyped phone number does not.
    """
    text = "" if value is None else str(value)
    for one in identifiers(text):
        text = text[: one.start] + _starred(text[one.start : one.end]) + text[one.end :]
    return re.sub(r"(?<!\d)(?<!\d\.)(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])\d{6}(?:\d\d)?(?!\d))\d{9,}", lambda run: _starred(run[0]), text)


def _starred(text: str) -> str:
    shown = min(3, len(text) // 3)
    return text[:shown] + "*" * (len(text) - shown)


def _pseudonym(value: str | None, key: Key, prefix: str) -> str | None:
    plain = unicodedata.normalize("NFKC", value).translate(_INVISIBLE).strip() if value is not None else ""
    return prefix + hmac.digest(key.secret, (prefix + plain).encode(), "sha256").hex()[:DIGITS] if plain else None


def _digest_length(given: Sequence[str]) -> int | None:
    """Length of the digests where nearly all values are some, of one length and as mixed as digests are."""
    lengths = Counter(len(value) for value in given if _HEX.fullmatch(value) or _BASE64.fullmatch(value))
    if not lengths:
        return None
    length, count = lengths.most_common(1)[0]
    return length if count >= _SHARE_DIGESTS * len(given) and _is_mixed([value for value in given if len(value) == length]) else None


def _is_mixed(values: Sequence[str]) -> bool:
    """Six in sixteen hexadecimal digits are letters; in base64 both cases and digits occur. A code such as `D100368470005321` is no digest."""
    together = "".join(_HEX.sub(r"\1", value) for value in values)
    letters = sum(character.isalpha() for character in together) / len(together)
    if all(_HEX.fullmatch(value) for value in values):
        return 0.2 < letters < 0.55
    return letters < 0.95 and together.lower() != together != together.upper()


def _proof(given: Sequence[str], beside: Mapping[str, Sequence[str | None]]) -> str:
    """Name the function and the column of which the values are plain hashes; empty where none is."""
    wanted = {value.rstrip("=") for value in given} | {_HEX.sub(r"\1", value).lower() for value in given}
    for column, clear in beside.items():
        for value in dict.fromkeys(clear):
            for algorithm in _ALGORITHMS if value and value.strip() else ():
                if wanted & _written(hashlib.new(algorithm, str(value).strip().encode()).digest()):
                    return f"{algorithm.upper()} of column `{column}`"
    return ""


def _written(digest: bytes) -> set[str]:
    """How a digest may be written: hexadecimal, the 16 middle digits that some tools keep, base64 of both alphabets."""
    plain = base64.b64encode(digest).decode().rstrip("=")
    return {digest.hex(), digest.hex()[8:24], plain, plain.replace("+", "-").replace("/", "_")}
