"""The figures of an estimate from a file: `impact estimate --figures`. May touch: the folder that it writes, and the file, to see whether it is synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

import impact
from impact.atomic import write_whole
from impact.errors import ReportError, listing
from impact.estimate import dose, regression_discontinuity, synthetic_control, synthetic_did
from impact.estimate.parts.synthetic import unit_weights
from impact.infer.aggregate import Window, aggregate
from impact.infer.bands import with_bands
from impact.report import figures
from impact.report.style import figure_style, save
from impact.results import Estimate
from impact.run.cache import hash_of
from impact.run.inferred import infer_as_asked, tidy_by
from impact.text import LANGUAGES, Language, Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from impact.run.estimate_file import Request

NAMES = ("adoption", "cells", "discontinuity", "dose", "event_study", "weights")
"""Every figure that there can be."""
MANIFEST = "figures.json"
"""What was written last, with hashes: other files of these names are not ours to overwrite."""
_WORLD = "world.json"
"""Stands in the folder of every synthetic world."""

Draw = Callable[[Language], "Figure"]


@dataclass(frozen=True, slots=True)
class Asked:
    """How intervals were asked for."""

    inference: str
    window: Window
    level: float
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was written."""

    names: tuple[str, ...]
    term: str | None
    """Term of which `cells` shows the cells; the mean over all effects after coverage where there is one."""

    @property
    def in_words(self) -> tuple[str, ...]:
        """Name the figures, and the term of which cells are shown."""
        return tuple(f"{name} (of {self.term})" if name == "cells" else name for name in self.names)


def require_own(folder: Path) -> None:
    """Refuse a folder that holds files of the names of figures which were not written here, or were changed since.

    Raises ReportError.
    """
    if folder.exists() and not folder.is_dir():
        raise ReportError(
            f"--figures {folder}: this is no folder.\nFound a file of that name.\nName a folder; it is made where it is absent."
        )
    ours = _ours(folder)
    foreign = [name for name in _files(NAMES) if (folder / name).exists() and not _is_ours(folder / name, ours)]
    if foreign:
        raise ReportError(
            f"--figures {folder}: it holds files that would be overwritten, and were not written by this command or were changed since.\n"
            f"Found {listing(foreign, 3)}.\nName another folder, or move them away."
        )


def write_figures(effects: Estimate, request: Request, asked: Asked, folder: Path) -> Drawn:
    """Write the figures that an estimate has, as SVG and PNG in both languages; those of an earlier estimate in the folder are taken away.

    `effects` are those before they are averaged. Raises ReportError where the folder holds files of others, or a name cannot be shown; and what inference raises.
    """
    require_own(folder)
    drawings, term = drawings_of(effects, request, asked)
    synthetic = is_synthetic(request.file)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".figures-") as made:
        for name, draw in drawings.items():
            for language in LANGUAGES:
                with figure_style(language):
                    drawn = draw(language)
                save(drawn, Path(made), name, language, synthetic)
        _hand_over(Path(made), folder, _files(drawings))
    return Drawn(tuple(drawings), term if "cells" in drawings else None)


def drawings_of(effects: Estimate, request: Request, asked: Asked) -> tuple[Mapping[str, Draw], str | None]:
    """Find what can be drawn of an estimate, by name, and the term whose cells are shown."""
    design = effects.design
    found: dict[str, Draw] = {}
    if (design.coverage.any(axis=1) & ~design.coverage.all(axis=1)).any():
        sizes = figures.cohort_sizes(design)
        found["adoption"] = lambda language: figures.staircase(sizes, design.period, language)
    shown, term = _with_overall(effects)
    cells = figures.cell_weights(shown, term)
    if np.nan_to_num(cells["weight"]).any():
        found["cells"] = lambda language: figures.cells(cells, design.period, language)
    found |= _of_its_kind(effects, request, asked.level)
    path = _path(effects, asked)
    if path is not None:
        found["event_study"] = lambda language: figures.event_study(path, design.period, _effect_on(request), language)
    return found, term


def is_synthetic(file: Path) -> bool:
    """Say whether a file comes from a synthetic world: it lies in one, or says so itself."""
    if any((folder / _WORLD).is_file() for folder in file.resolve().parents):
        return True
    if file.suffix.lower() not in (".parquet", ".pq") or not file.is_file():
        return False
    from pyarrow import parquet

    return b"synthetic" in (parquet.read_schema(file).metadata or {})


def _with_overall(effects: Estimate) -> tuple[Estimate, str]:
    """Average all effects after coverage where they can be averaged, and name the term to look into."""
    if _by_cohort_and_month(effects):
        overall = aggregate(effects, "simple")
        return overall, overall.terms[0].name
    names = [term.name for term in effects.terms]
    first = [term.name for term in effects.terms if term.event_time == 0]
    known = [name for name in ("overall", "robust") if name in names]
    return effects, [*known, *first, *names][0]


def _by_cohort_and_month(effects: Estimate) -> bool:
    whole = all(term.cohort is not None and term.month is not None for term in effects.terms)
    return whole and any((term.event_time or 0) >= 0 for term in effects.terms)


def _path(effects: Estimate, asked: Asked) -> pd.DataFrame | None:
    """Give the tidy table by event time, with bands where there are any; None where the estimate has no event times."""
    if not _by_cohort_and_month(effects):
        times = {term.event_time for term in effects.terms} - {None}
        return with_bands(effects, asked.level, asked.seed) if len(times) > 1 else None
    by_time = aggregate(effects, "event_time", asked.window)
    found = infer_as_asked(asked.inference, effects, "event_time", asked.window, asked.level, asked.seed)
    if found is None:
        return with_bands(by_time, asked.level, asked.seed)
    banded = found.first.band_reach is not None
    table = tidy_by(found.first, by_time, banded)
    return table if banded else table.assign(band_low=np.nan, band_high=np.nan)


def _of_its_kind(effects: Estimate, request: Request, level: float) -> dict[str, Draw]:
    """Find the figure that only one kind of estimator has."""
    name, period = effects.info.name, effects.design.period
    if name in (synthetic_did.INFO.name, synthetic_control.INFO.name):
        weights = unit_weights(effects)
        return {"weights": lambda language: figures.synthetic_weights(weights, period, language)}
    if name == dose.INFO.name and effects.options.form == "bins":
        response, by = dose.dose_response(effects, level), _column(request, "dose")
        return {"dose": lambda language: figures.dose_response(response, by, _effect_on(request), language)}
    if name == regression_discontinuity.INFO.name:
        picture, by = regression_discontinuity.picture_of(effects), _column(request, "score")
        outcome = Text(f"mean of {request.outcome}", f"“{request.outcome}”的均值")
        return {"discontinuity": lambda language: figures.discontinuity(picture, effects.options.cutoff, by, outcome, language)}
    return {}


def _column(request: Request, role: Any) -> Text:
    name = request.traits.get(role, role)
    return Text(name, name)


def _effect_on(request: Request) -> Text:
    log = request.transform == "log"
    return Text(f"effect on {'log ' if log else ''}{request.outcome}", f"对“{request.outcome}”{'的对数' if log else ''}的效应")


def _hand_over(made: Path, folder: Path, names: list[str]) -> None:
    """Move files in one by one; the manifest knows them before they arrive, so that a run that is killed leaves nothing that looks foreign."""
    before = _ours(folder)
    hashes = {name: str(hash_of(made / name)) for name in names}
    _write_manifest(folder, {name: [*before.get(name, ()), *([hashes[name]] if name in hashes else [])] for name in {*before, *hashes}})
    for name in names:
        (made / name).replace(folder / name)
    for name in set(before) - set(names):
        if (folder / name).is_file() and _is_ours(folder / name, before):
            (folder / name).unlink()
    _write_manifest(folder, {name: [found] for name, found in hashes.items()})


def _files(names: Any) -> list[str]:
    return [f"{name}.{language}.{kind}" for name in names for language in LANGUAGES for kind in ("svg", "png")]


def _ours(folder: Path) -> dict[str, list[str]]:
    """Read which files were written before, and the hashes that they may have."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    files = content.get("files") if isinstance(content, dict) else None
    return {name: found for name, found in files.items() if isinstance(found, list)} if isinstance(files, dict) else {}


def _is_ours(file: Path, ours: Mapping[str, list[str]]) -> bool:
    return file.is_file() and hash_of(file) in ours.get(file.name, ())


def _write_manifest(folder: Path, files: Mapping[str, list[str]]) -> None:
    content = {"made_with": f"impact {impact.__version__}", "files": dict(sorted(files.items()))}
    write_whole(folder / MANIFEST, (json.dumps(content, indent=1) + "\n").encode())
