"""Find the two fonts that every figure and every PDF needs. May touch: the font files, to read them."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from impact.errors import ReportError, listing

SANS = "Noto Sans SC"
"""Family of headings and figures; it contains Latin letters as well."""
SERIF = "Noto Serif SC"
"""Family of Chinese running text."""
LATIN = "Libertinus Serif"
"""Family of Latin running text; typst brings it along."""
FALLBACK = "DejaVu Sans"
"""Family of symbols that the first lacks; matplotlib brings it along."""

FOLDER_VARIABLE = "IMPACT_FONT_DIR"
FILES = {SANS: "NotoSansSC-Regular.otf", SERIF: "NotoSerifSC-Regular.otf"}
# Of the files in pylopdf-fonts-zh-cn 0.1.1, a young package with one maintainer: what is loaded must be what was examined.
HASHES = {
    SANS: "faa6c9df652116dde789d351359f3d7e5d2285a2b2a1f04a2d7244df706d5ea9",
    SERIF: "e8f396decc1f0963a016a989c3d8852e863d1350996f573860a80767c83a1cd3",
}


@dataclass(frozen=True, slots=True)
class Fonts:
    """The two font files."""

    sans: Path
    serif: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that hold the files, each once."""
        return tuple(dict.fromkeys((self.sans.parent, self.serif.parent)))


def font_files() -> Fonts:
    """Find the fonts in the folder that `IMPACT_FONT_DIR` names, else in the package `pylopdf-fonts-zh-cn`.

    Raises ReportError where a file is missing, or where a file of the package is not the one that was examined.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    return _from_folder(Path(folder)) if folder else _from_package()


def hanzi_font(text: str) -> str:
    """Cut from the sans font the Chinese characters and signs of a text, as a data URI for a web page.

    A page then shows Chinese on machines that have no Chinese font; a few hundred characters take some 100 kB.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    wanted = {ord(letter) for letter in text if ord(letter) >= 0x2E80}
    options = subset.Options(flavor="woff", notdef_outline=True, hinting=False, layout_features=[], name_IDs=[1, 2], recalc_timestamp=False)
    with TTFont(font_files().sans, lazy=True, recalcTimestamp=False) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=wanted)
        subsetter.subset(font)
        font.flavor = "woff"
        buffer = BytesIO()
        font.save(buffer)
    return f"data:font/woff;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _from_folder(folder: Path) -> Fonts:
    missing = [name for name in FILES.values() if not (folder / name).is_file()]
    if missing:
        raise ReportError(
            f"{FOLDER_VARIABLE}: a font is missing in `{folder}`.\n"
            f"Not found: {listing(missing)}.\n"
            f"Put the files there, or unset {FOLDER_VARIABLE} to use the fonts of pylopdf-fonts-zh-cn."
        )
    return Fonts(folder / FILES[SANS], folder / FILES[SERIF])


def _from_package() -> Fonts:
    try:
        import pylopdf_fonts_zh_cn as package
    except ImportError as error:
        raise ReportError(
            "The fonts for Chinese text are not installed.\n"
            f"Looked for: the folder {FOLDER_VARIABLE} (not set), the package pylopdf-fonts-zh-cn (not installed).\n"
            "Install it with `pip install pylopdf-fonts-zh-cn==0.1.1`."
        ) from error
    fonts = Fonts(package.sans_path(), package.serif_path())
    _prove(SANS, fonts.sans)
    _prove(SERIF, fonts.serif)
    return fonts


def _prove(family: str, path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != HASHES[family]:
        raise ReportError(
            f"{family}: the font file `{path.name}` is not the one that was examined.\n"
            f"SHA-256 expected {HASHES[family]}, found {found}.\n"
            f"Reinstall pylopdf-fonts-zh-cn==0.1.1, or name a folder of your own in {FOLDER_VARIABLE}."
        )
