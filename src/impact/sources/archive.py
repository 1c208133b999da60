"""Look into a zip archive before anything is unpacked. May touch: the file."""

from __future__ import annotations

import zipfile
from pathlib import Path

from impact.errors import SourceError, listing

MOST_BYTES = 2_000_000_000
"""An archive that unpacks to more is refused."""
MOST_RATIO = 200
"""An archive that unpacks to so many times its size is refused where that is more than `RATIO_FROM` bytes; sheets full of one value reach 100."""
RATIO_FROM = 100_000_000


def require_sound(path: Path) -> None:
    """Refuse an archive that is damaged, encrypted, ambiguous, or grows beyond the limits when unpacked.

    Raises SourceError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _require_small(path, archive.infolist())
            _require_plain(path, archive.infolist())
            # Reading stops at the stated size and compares the check sum, so an archive that understates its size is found here
            damaged = archive.testzip()
    except SourceError:
        raise
    except Exception as error:  # zipfile and zlib raise several unrelated classes on damaged bytes
        raise _damaged(path, str(error)) from None
    if damaged is not None:
        raise _damaged(path, f"its part `{damaged}` does not fit its check sum")


def _require_small(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    packed, unpacked = path.stat().st_size, sum(part.file_size for part in parts)
    if unpacked > MOST_BYTES or (unpacked > RATIO_FROM and unpacked > MOST_RATIO * packed):
        raise SourceError(
            f"{path}: the workbook is too large when unpacked.\nFound {packed / 1e6:.1f} MB that become {unpacked / 1e6:,.0f} MB.\n"
            f"At most {MOST_BYTES / 1e6:,.0f} MB and {MOST_RATIO} times its size are read; save the table as CSV UTF-8 or Parquet."
        )


def _require_plain(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    names = [part.filename for part in parts]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise _damaged(path, f"parts that stand twice: {listing(twice, 3)}")
    if any(part.flag_bits & 1 for part in parts):
        raise SourceError(f"{path}: the workbook is encrypted.\nFound parts that need a password.\nSave a copy without a password.")


def _damaged(path: Path, found: str) -> SourceError:
    return SourceError(
        f"{path}: this workbook is damaged.\nFound: {found.splitlines()[0] if found else 'no zip archive'}.\nSave it again, or export the table as CSV UTF-8."
    )
