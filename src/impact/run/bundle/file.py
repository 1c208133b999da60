"""A bundle on the disk: one zip of tables and words with a manifest of hashes, written whole or not at all. May touch: the bundle's file.

One file, because a data officer mails one, and a hash read out over the telephone vouches for it. A zip of Parquet and text, because anyone can open it and look, without this
package. The hash over all parts proves that nothing changed on the way only where it came by another way than the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from impact.atomic import write_new
from impact.errors import SourceError, listing
from impact.moments.moments import Moments
from impact.moments.tables import PARTS, from_tables, to_tables

VERSION = 1
"""Of the layout; a bundle of another version is refused."""
_MANIFEST, _FORMAT = "manifest.json", "impact-moments"
_PROVENANCE, _RECORD = "provenance.json", "record.json"
_STATEMENT = {"en": "statement.en.md", "zh": "statement.zh.md"}
_NEEDED = (_PROVENANCE, _RECORD, *_STATEMENT.values())
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Date of every file in the zip, so that the same parts are the same bytes."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is in a bundle."""

    provenance: dict[str, Any]
    """Study, source, package, rules, time; no row, no worker, no path."""
    record: dict[str, Any]
    """What the report says of data and disclosure: audit, findings, what was withheld, the noise."""
    statement: dict[str, str]
    """By language, for the people who let it out."""
    moments: dict[str, Moments]
    """By the name under which `provenance` lists what each is for."""
    sha256: str = ""
    """Over all parts; empty until it is written."""


def write_bundle(path: Path, bundle: Bundle) -> str:
    """Write a bundle and give the hash over its parts.

    Raises SourceError where the file cannot be written, and where something of that name is there; nothing is changed then.
    """
    parts = _parts(bundle)
    listed = {name: {"bytes": len(content), "sha256": _hash(content)} for name, content in sorted(parts.items())}
    manifest = {"format": _FORMAT, "version": VERSION, "sha256": _over_all(listed), "parts": listed}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((_MANIFEST, _json(manifest)), *sorted(parts.items())):
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED)
    try:
        write_new(path, stream.getvalue())
    except FileExistsError:
        raise taken(path) from None
    except OSError as error:
        raise SourceError(
            f"{path.name}: the bundle cannot be written.\nFound: {error.strerror or error}.\nFree space there, or name another place with --out."
        ) from None
    return str(manifest["sha256"])


def taken(path: Path) -> SourceError:
    """Say that a bundle cannot be written in the place of something."""
    return SourceError(
        f"{path.name}: something of that name is there already.\nFound `{path}`.\nA bundle whose hash was told is never replaced: name another file with --out."
    )


def read_bundle(path: Path) -> Bundle:
    """Read a bundle, every part of it held against its hash.

    Raises SourceError where it is no bundle, was made by another version, lacks a part or was changed.
    """
    parts = _opened(path)
    manifest = _manifest_of(path, parts)
    _require_whole(path, manifest, parts)
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    for name in parts:
        if name.startswith("moments/"):
            kept, part = name.removeprefix("moments/").removesuffix(".parquet").rsplit(".", 1)
            tables.setdefault(kept, {})[part] = pd.read_parquet(io.BytesIO(parts[name]))
    return Bundle(
        json.loads(parts[_PROVENANCE]),
        json.loads(parts[_RECORD]),
        {language: parts[name].decode() for language, name in _STATEMENT.items()},
        {kept: from_tables({part: found[part] for part in PARTS if part in found}) for kept, found in tables.items()},
        manifest["sha256"],
    )


def _parts(bundle: Bundle) -> dict[str, bytes]:
    words = {_STATEMENT[language]: text.encode() for language, text in bundle.statement.items()}
    tables = {
        f"moments/{kept}.{part}.parquet": table.to_parquet(index=False)
        for kept, moments in bundle.moments.items()
        for part, table in to_tables(moments).items()
    }
    return {_PROVENANCE: _json(bundle.provenance), _RECORD: _json(bundle.record), **words, **tables}


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _over_all(listed: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [f"{name} {listed[name]['sha256']}" for name in sorted(listed)]
    return _hash("\n".join([f"{_FORMAT} {VERSION}", *lines]).encode())


def _opened(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise SourceError(
            f"{path.name}: there is no such bundle.\nFound no file `{path}`.\nThe data holder writes one with `impact compress STUDY --out BUNDLE`."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"{path.name}: it is no bundle of moments, or was damaged on the way.\nFound: {error}.\nAsk for the file again, and for its hash by another way."
        ) from None


def _manifest_of(path: Path, parts: dict[str, bytes]) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(parts.pop(_MANIFEST))
        known = manifest["format"] == _FORMAT and isinstance(manifest["parts"], dict)
    except (KeyError, TypeError, ValueError):
        known = False
    if not known:
        raise SourceError(
            f"{path.name}: it is no bundle of moments.\nFound a zip with {listing(sorted(parts), 4) or 'nothing in it'}.\n"
            "Name the file that `impact compress` wrote."
        )
    if manifest.get("version") != VERSION:
        raise SourceError(
            f"{path.name}: the bundle has another layout than this version reads.\nFound layout {manifest.get('version')}, wanted {VERSION}.\n"
            "Let the data holder compress again with the same version of impact."
        )
    return manifest


def _require_whole(path: Path, manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
    listed: dict[str, dict[str, Any]] = manifest["parts"]
    missing = sorted((set(listed) | set(_NEEDED)) - set(parts))
    if missing:
        raise SourceError(
            f"{path.name}: a part of the bundle is missing.\nFound no {listing(missing)}.\nAsk for the file again; nothing of it is used as it is."
        )
    changed = sorted(name for name in parts if name not in listed or _hash(parts[name]) != listed[name].get("sha256"))
    if changed or manifest.get("sha256") != _over_all(listed):
        raise SourceError(
            f"{path.name}: the bundle was changed after it was written.\nFound other bytes than its manifest says in {listing(changed or [_MANIFEST])}.\n"
            "Ask for the file again, and compare its hash with the one the data holder was shown."
        )
