"""The secret that pseudonyms are made with. May touch: the environment that it is handed, and the one file that holds a key."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from impact.errors import SourceError

VARIABLE, FILE_VARIABLE = "IMPACT_KEY", "IMPACT_KEY_FILE"
LEAST_CHARACTERS = 32
"""Fewest characters of a key: 32 hexadecimal digits are 128 bits."""

_LEAST_DISTINCT = 8
"""A random key of 32 hexadecimal digits has fewer distinct characters once in 20 million draws."""
_LEAST_OUTSIDE_WORDS = 8
_WORD = re.compile(r"[A-Za-z][a-z]{4,}|[A-Z]{5,}")
_GUESSED = ("password", "secret", "changeme", "example", "qwerty", "12345678", "qingdao")
_ADVICE = "Make one with `impact key new FILE`, keep the file outside the repository, and set IMPACT_KEY_FILE to it."


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and the name under which it may be spoken of."""

    secret: bytes = field(repr=False)
    """Never written, printed or put into a query."""
    id: str
    """First 8 hexadecimal digits of a hash of the secret; tells keys apart and gives nothing away. `synthetic` for the public key."""


def key_of(secret: bytes) -> Key:
    """Make a key of a secret and give it its id."""
    return Key(secret, hashlib.sha256(b"impact key id\x00" + secret).hexdigest()[:8])


SYNTHETIC_KEY = Key(b"impact: this key is public and serves synthetic data only", "synthetic")
"""Known to everybody, so that runs on synthetic data can be repeated; never for data about people."""


def derive(key: Key, purpose: str) -> Key:
    """Make the key of one purpose, such as `link:retirement-study`; nothing made with it can be joined to what another key made.

    The secret is HMAC-SHA-256(key, purpose), the expand step of RFC 5869 for one block; the id names key and purpose.
    """
    return Key(hmac.digest(key.secret, purpose.encode(), "sha256"), f"{key.id}/{purpose}")


def load_key(environ: Mapping[str, str]) -> Key | None:
    """Read the key that `IMPACT_KEY` holds or `IMPACT_KEY_FILE` points to; None where neither is set.

    The secret is the text itself, in UTF-8 and without spaces at its ends: the same text gives the same key, from either place.
    Raises SourceError where both are set, and where the key or its file cannot be trusted. No message shows the key.
    """
    written, file = environ.get(VARIABLE), environ.get(FILE_VARIABLE)
    if written is not None and file is not None:
        raise SourceError(
            f"{VARIABLE} and {FILE_VARIABLE} are both set.\nFound two places for one key.\nKeep {FILE_VARIABLE} and unset {VARIABLE}."
        )
    if file is not None:
        return _checked(_read(Path(file)), f"the key in {file}")
    return None if written is None else _checked(written.strip(), VARIABLE)


def write_key(path: Path) -> Key:
    """Write a new random key of 256 bits to a file that only its owner can read, and give the key.

    Raises SourceError where something stands there already, where the folder is missing or part of a git checkout.
    """
    _refuse_checkout(path)
    if not path.parent.is_dir():
        raise SourceError(f"{path}: the key cannot be written.\nFound no folder `{path.parent}`.\nMake the folder, or name another file.")
    text = secrets.token_hex(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SourceError(
            f"{path}: the key is not written.\nFound something of that name; whoever overwrites a key can never again join what it made.\n"
            "Name a file that is not there yet."
        ) from None
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(text + "\n")
    return key_of(text.encode())


def _read(path: Path) -> str:
    if not path.is_file():
        raise SourceError(f"{FILE_VARIABLE}: there is no key file.\nFound nothing at `{path}`.\n{_ADVICE}")
    _refuse_checkout(path)
    mode = path.stat().st_mode
    if os.name == "posix" and mode & 0o077:
        raise SourceError(
            f"{path}: others can read the key.\nFound mode {mode & 0o777:03o}.\nRun `chmod 600` on the file; if others had access, make a new key."
        )
    lines = [line.strip() for line in path.read_bytes().decode("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) != 1:
        raise SourceError(f"{path}: a key file has one line.\nFound {len(lines)} lines that are not empty.\n{_ADVICE}")
    return lines[0]


def _refuse_checkout(path: Path) -> None:
    """A key beside the code is copied, committed and shared with it."""
    inside = [folder for folder in path.resolve().parents if (folder / ".git").exists()]
    if inside:
        raise SourceError(
            f"{path}: a key must not stand inside a git checkout.\nFound the checkout `{inside[0].name}` around it.\nKeep the key outside the repository."
        )


def _checked(text: str, where: str) -> Key:
    if text.encode() == SYNTHETIC_KEY.secret:
        raise SourceError(f"{where} is the public key of synthetic data.\nFound a secret that everybody knows.\n{_ADVICE}")
    weakness = _weakness(text)
    if weakness:
        raise SourceError(f"{where} is too weak to protect anybody.\nFound {weakness}.\n{_ADVICE}")
    return key_of(text.encode())


def _weakness(text: str) -> str:
    """Say what makes a key guessable, without showing it; empty where nothing does."""
    if len(text) < LEAST_CHARACTERS:
        return f"{len(text)} characters where {LEAST_CHARACTERS} are the least"
    if len(set(text)) < _LEAST_DISTINCT:
        return f"{len(set(text))} distinct characters"
    if (text + text).find(text, 1) < len(text):
        return "a short text repeated"
    if any(guess in text.lower() for guess in _GUESSED) or len(re.sub(r"[\W_]", "", _WORD.sub("", text))) < _LEAST_OUTSIDE_WORDS:
        return "words or a common pattern, which can be guessed"
    return ""
