"""Take the address of a database apart, and keep its password out of every message. May touch: the disk (is the file there?)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from impact.errors import SourceError, StudyError, listing, nearest

Kind = Literal["duckdb", "postgres", "spark"]
_KINDS: dict[str, Kind] = {"duckdb": "duckdb", "postgres": "postgres", "postgresql": "postgres", "spark": "spark", "pyspark": "spark"}
_FORMS = "duckdb:///folder/file.duckdb, postgres://user:password@host:5432/database, spark://host:7077 or pyspark://local"


@dataclass(frozen=True, slots=True)
class Address:
    """A database, and how to reach it."""

    kind: Kind
    host: str | None
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    path: str | None
    """Database of a server, or file."""
    settings: dict[str, str] = field(repr=False)
    """What stands behind the question mark."""
    shown: str
    """How messages and reports call it: without user, password and settings."""
    secrets: tuple[str, ...] = field(repr=False)
    """What no message may hold: user and password, as written and as meant."""

    def without_secrets(self, message: str) -> str:
        """Take user and password out of what a driver says."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            message = message.replace(secret, "…")
        return message


def address_in(environ: Mapping[str, str], variable: str, whose: str) -> str:
    """Look up the address of a database.

    Raises StudyError, about `whose` database it is, where the variable is not set.
    """
    address = environ.get(variable, "")
    if not address:
        raise StudyError(
            f"{whose}: the address of its database is not set.\nFound no environment variable `{variable}`.\n"
            f"Set it, such as: export {variable}=postgres://user:password@host:5432/database"
        )
    return address


def read_address(address: str) -> Address:
    """Take an address apart.

    Raises SourceError where it is none that can be read, or names a file that is not there.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _no_address("one that cannot be taken apart; write special signs of a password as %40 and the like") from None
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        raise _no_address(f"the beginning `{parts.scheme}`" if parts.scheme and "://" in address else "no beginning such as `postgres://`")
    path = _duckdb_file(parts) if kind == "duckdb" else unquote(parts.path.strip("/")) or None
    user, password = (unquote(one) if one else None for one in (parts.username, parts.password))
    settings = dict(parse_qsl(parts.query))
    secrets = {one for one in (parts.password, password, parts.username, user, settings.get("password")) if one}
    shown = (
        f"duckdb: {Path(path or '').name}"
        if kind == "duckdb"
        else f"{kind}: {parts.hostname or settings.get('host', 'this machine')}{f'/{path}' if path else ''}"
    )
    return Address(kind, parts.hostname or settings.pop("host", None), port, user, password, path, settings, shown, tuple(secrets))


def _duckdb_file(parts: SplitResult) -> str:
    file = Path(unquote(parts.netloc + parts.path if parts.netloc else parts.path))
    if not file.is_file():
        there = sorted(found.name for found in file.parent.glob("*") if found.is_file()) if file.parent.is_dir() else []
        raise SourceError(
            f"{file}: there is no such DuckDB file.\nFound in `{file.parent}`: {listing(there) or 'no file'}.\n{nearest(file.name, there) or 'Check the path.'}"
        )
    return str(file)


def _no_address(found: str) -> SourceError:
    return SourceError(f"The address of the database is not one that can be read.\nFound {found}.\nWrite it as {_FORMS}.")
